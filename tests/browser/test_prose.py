"""What Markdown becomes in the page: formulas."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from .driving import answer, assert_same_after_reload, say

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
