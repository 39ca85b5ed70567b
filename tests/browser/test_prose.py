"""What Markdown becomes in the page: formulas, and what can be done with code and tables."""

from __future__ import annotations

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from .driving import answer, assert_same_after_reload, say, send, wait_for_state

FORMULAS = r"""So \(x = \frac{1}{2}\) for $5 or $10, and $\foo$.

$$
\sum_{i=1}^n i = \begin{cases} 1 & n = 1 \\ \frac{n(n+1)}{2} & \text{else} \end{cases}
$$

Wide: $f(x_1) = \alpha_1 + \alpha_2 + \alpha_3 + \alpha_4 + \alpha_5 + \alpha_6 + \alpha_7 + \alpha_8 + \alpha_9 + \beta_1$
"""


def test_formulas_are_drawn_live_and_after_a_reload(chat: Page) -> None:
    say(chat, FORMULAS)
    formulas = answer(chat).locator("math")
    expect(formulas).to_have_count(3)
    spaces = (
        "all => [...new Set(all.flatMap(math => [math, ...math.querySelectorAll('*')]).map(each => each.namespaceURI))]"
    )
    assert formulas.evaluate_all(spaces) == ["http://www.w3.org/1998/Math/MathML"]
    expect(answer(chat)).to_contain_text("for $5 or $10")
    expect(answer(chat).locator(".unset")).to_have_text(r"$\foo$")
    fraction = answer(chat).locator("mfrac").first
    over, under = (fraction.locator(f":scope > :nth-child({n})").bounding_box() for n in (1, 2))
    assert over and under and over["y"] < under["y"]
    assert_same_after_reload(chat)
    assert Axe().run(chat, "#conversation").response["violations"] == []


def test_a_wide_formula_scrolls_on_a_phone(chat: Page) -> None:
    chat.set_viewport_size({"width": 360, "height": 740})
    say(chat, FORMULAS)
    wide = answer(chat).locator(".math").last
    assert wide.evaluate("each => each.scrollWidth > each.clientWidth && each.getBoundingClientRect().right <= 360")
    assert chat.evaluate("document.documentElement.scrollWidth") == 360


LINE = "result = compute(" + ", ".join(f"argument_{i}" for i in range(20)) + ")"
CODE = f"```python\nimport one\n\n{LINE}\n```\n"
TABLE = """
| Name | Value | Note |
|---|--:|---|
| a, "b" | -5.5% | $x^2$ |
| =SUM(A1) | +49 30 | @x [1] |
| `-1+1` | 3 | two<br>lines |
"""


def tool(page: Page, name: str) -> Locator:
    return answer(page).get_by_role("button", name=name, exact=True)


def test_code_wraps_by_mouse_and_by_key(chat: Page) -> None:
    say(chat, CODE)
    code, wrap = answer(chat).locator("figure.code pre"), tool(chat, "Wrap")
    wide = "each => each.scrollWidth > each.clientWidth"
    expect(wrap).to_have_attribute("aria-pressed", "false")
    assert code.evaluate(wide)
    wrap.click()
    expect(wrap).to_have_attribute("aria-pressed", "true")
    assert not code.evaluate(wide)
    wrap.press("Enter")
    expect(wrap).to_have_attribute("aria-pressed", "false")
    assert code.evaluate(wide)
    assert Axe().run(chat, "#conversation").response["violations"] == []


def test_lines_are_numbered_and_the_numbers_are_not_copied(chat: Page) -> None:
    say(chat, CODE)
    code = answer(chat).locator("figure.code pre")
    content = "each => getComputedStyle(each, '::before').content"
    assert code.evaluate(content) == "none"
    tool(chat, "Numbers").press("Space")
    assert code.evaluate(content).endswith('/ ""')
    assert code.get_attribute("data-lines") == "1\n2\n3"
    code.evaluate("each => getSelection().selectAllChildren(each)")
    assert chat.evaluate("getSelection().toString()").strip() == CODE.strip("`python\n")
    tool(chat, "Wrap").click()
    assert code.evaluate(content) == "none"


def test_code_is_downloaded_by_its_language(chat: Page) -> None:
    say(chat, CODE)
    with chat.expect_download() as download:
        tool(chat, "Download").press("Enter")
    assert download.value.suggested_filename == "code.py"
    assert Path(download.value.path()).read_text() == CODE.removeprefix("```python\n").removesuffix("```\n")


def test_a_table_is_downloaded_as_csv_in_which_nothing_runs(chat: Page) -> None:
    chat.set_viewport_size({"width": 360, "height": 740})
    say(chat, TABLE)
    with chat.expect_download() as download:
        tool(chat, "Download as CSV").click()
    assert download.value.suggested_filename == "table.csv"
    assert Path(download.value.path()).read_bytes().decode() == (
        '\ufeffName,Value,Note\r\n"a, ""b""",-5.5%,$x^2$\r\n\'=SUM(A1),\'+49 30,\'@x [1]\r\n\'-1+1,3,"two\nlines"\r\n'
    )


def test_tools_come_when_an_answer_has_ended(chat: Page) -> None:
    send(chat, f"say {CODE!r}".replace("'", '"'))
    wait_for_state(chat, "completed")
    expect(tool(chat, "Download")).to_have_count(1)
    assert_same_after_reload(chat)
    expect(tool(chat, "Download")).to_have_count(1)


def test_code_is_printed_whole(chat: Page) -> None:
    say(chat, CODE)
    chat.emulate_media(media="print")
    expect(tool(chat, "Download")).to_be_hidden()
    assert answer(chat).locator("figure.code pre").evaluate("each => each.scrollWidth <= each.clientWidth")
