"""Markdown: what is rendered, what is never let through, and that streaming gives the same as rendering at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyromark
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from htmxchat.text.highlight import MAX_CHARACTERS, MAX_LINES
from htmxchat.text.markdown import Markdown, MarkdownStream
from tests.rendered import MARKDOWN, check, check_blocks, plain, render, stream, with_sources

SPEC = json.loads((Path(__file__).parent / "data" / "commonmark-0.31.2.json").read_text(encoding="utf-8"))
# What is rendered


class Tokens(HTMLParser):
    """HTML as a list of tags and texts, without the line feeds that mean nothing."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.list: list[Any] = []
        self.pre = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.pre += tag == "pre"
        self.list.append((tag, sorted(attrs, key=str)))

    def handle_endtag(self, tag: str) -> None:
        self.pre -= tag == "pre"
        self.list.append("/" + tag)

    def handle_data(self, data: str) -> None:
        data = data if self.pre else re.sub(r"\s*\n\s*", "\n", data).strip("\n")
        if data:
            self.list.append(data)

    def handle_comment(self, data: str) -> None:
        self.list.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.handle_comment(decl)

    handle_pi = unknown_decl = handle_comment


def same(html: str) -> list[Any]:
    return [token for token in Tokens(html).list if token not in ("/br", "/hr", "/img")]


EXAMPLES = pytest.mark.parametrize("example", SPEC, ids=lambda example: str(example["example"]))


@EXAMPLES
def test_every_spec_example_is_parsed_as_the_spec_says(example: dict[str, Any]) -> None:
    assert same(pyromark.html(example["markdown"])) == same(example["html"])


@EXAMPLES
def test_every_spec_example_is_rendered_safely_and_balanced(example: dict[str, Any]) -> None:
    render(example["markdown"])


# Links, raw HTML and code blocks differ by design, and have tests of their own.
ALIKE = [
    e
    for e in SPEC
    if not re.search(r"<(a|b|bar|foo|img|pre|!--)\b|<!|://|@|~~", e["html"]) and "HTML" not in e["section"]
]


@pytest.mark.parametrize("example", ALIKE, ids=lambda example: str(example["example"]))
def test_a_spec_example_without_links_html_or_code_blocks_renders_as_the_spec_says(example: dict[str, Any]) -> None:
    html = re.sub(
        r"(</?h)([1-4])>", lambda match: f"{match[1]}{int(match[2]) + 2}>", example["html"].replace("h5>", "h6>")
    )
    assert same(render(example["markdown"]).replace(' dir="auto"', "")) == same(html)


def test_most_spec_examples_are_compared_exactly() -> None:
    assert len(SPEC) == 652
    assert len(ALIKE) > 300


LINK = 'target="_blank" rel="noopener noreferrer nofollow"'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "# a\n\n## b\n\n### c\n\n#### d\n\n##### e\n\n###### f",
            "<h3>a</h3><h4>b</h4><h5>c</h5><h6>d</h6><h6>e</h6><h6>f</h6>",
        ),
        ("a\n===", "<h3>a</h3>"),
        ("a\\\nb  \nc\nd", "<p>a<br>\nb<br>\nc\nd</p>"),
        ("~~a~~ *b* **c** `<d>`", "<p><del>a</del> <em>b</em> <strong>c</strong> <code>&lt;d&gt;</code></p>"),
        ("> a\n\n***", '<blockquote dir="auto"><p>a</p></blockquote><hr>'),
        ("- a\n  - b\n- c", '<ul dir="auto"><li>a<ul><li>b</li></ul></li><li>c</li></ul>'),
        ("3. a\n\n4. b", '<ol start="3" dir="auto"><li><p>a</p></li><li><p>b</p></li></ol>'),
        ("1. a\n2. b", '<ol dir="auto"><li>a</li><li>b</li></ol>'),
        (
            "- [x] a\n- [ ] b\n- c",
            '<ul dir="auto"><li class="task"><input type="checkbox" disabled checked aria-label="Done"> a</li>'
            '<li class="task"><input type="checkbox" disabled aria-label="To do"> b</li><li>c</li></ul>',
        ),
        (
            "- [x] a\n\n  b",
            '<ul dir="auto"><li class="task"><p><input type="checkbox" disabled checked aria-label="Done"> a</p>'
            "<p>b</p></li></ul>",
        ),
        (
            "a|b\n-|-:\n1|2",
            '<div class="table" role="group" aria-label="Table" tabindex="0" dir="auto"><table><thead><tr><th>a</th>'
            '<th align="right">b</th>'
            '</tr></thead><tbody><tr><td>1</td><td align="right">2</td></tr></tbody></table></div>',
        ),
        ("[a](https://b.example 'c')", f'<p><a href="https://b.example" title="c" {LINK}>a</a></p>'),
        (
            "<https://b.example/?a&b>",
            f'<p><a href="https://b.example/?a&amp;b" {LINK}>https://b.example/?a&amp;b</a></p>',
        ),
        (
            "see https://b.example/a_(c)).",
            f'<p>see <a href="https://b.example/a_(c)" {LINK}>https://b.example/a_(c)</a>).</p>',
        ),
        ("www.b.example, x", f'<p><a href="http://www.b.example" {LINK}>www.b.example</a>, x</p>'),
        ("a+b@c.example.", f'<p><a href="mailto:a+b@c.example" {LINK}>a+b@c.example</a>.</p>'),
        ("xhttps://b.example http://a.b_c", "<p>xhttps://b.example http://a.b_c</p>"),
        ("[https://a.example](https://b.example)", f'<p><a href="https://b.example" {LINK}>https://a.example</a></p>'),
        ("`https://a.example`", "<p><code>https://a.example</code></p>"),
        ("[a](/runs/1) [b](#c) [d](e.html) [f](//g.example)", "<p>a b d f</p>"),
        ("[a]: https://b.example\n\n[a]", f'<p><a href="https://b.example" {LINK}>a</a></p>'),
        ("H<sub>2</sub>O <kbd>Ctrl</kbd><br/>x", "<p>H<sub>2</sub>O <kbd>Ctrl</kbd><br>x</p>"),
        ("a <b>c *d</b> e* f", "<p>a <b>c <em>d e</em> f</b></p>"),
        (
            "<details open><summary>a</summary>\nb &amp; c\n</details>",
            '<div dir="auto"><details><summary>a</summary>\nb &amp; c\n</details></div>',
        ),
        ("</details>", ""),
        ("a\0b\ud800c", "<p>a\ufffdb\ufffdc</p>"),
        ("a\r\nb\r\rc", "<p>a\nb</p><p>c</p>"),
        ("\u202eabc\u2066", "<p>\u202eabc\u2066</p>"),
        ("", ""),
        (" \n\t\n", ""),
    ],
)
def test_text_renders_as(text: str, html: str) -> None:
    assert render(text) == html


def link(url: str, scheme: str = "") -> str:
    return f'<a href="{scheme}{url}" {LINK}>{url}</a>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("请访问 https://example.com/a。谢谢", f"请访问 {link('https://example.com/a')}。谢谢"),
        ("“https://a.example/x”", f"“{link('https://a.example/x')}”"),
        ("«https://a.example/x»", f"«{link('https://a.example/x')}»"),
        ("「https://a.example」", f"「{link('https://a.example')}」"),
        ("https://a.example…", f"{link('https://a.example')}…"),
        ("https://a.example（官网）", f"{link('https://a.example')}（官网）"),
        ("https://a.example/?q=a،b", f"{link('https://a.example/?q=a')}،b"),
        ("https://a.example/x｜y", f"{link('https://a.example/x')}｜y"),
        ("https://a.example→b", f"{link('https://a.example')}→b"),
        ("见 https://a.example/x——请看", f"见 {link('https://a.example/x')}——请看"),
        ("https://a.example/x—b", f"{link('https://a.example/x')}—b"),
        ("https://a.example/x〜b", f"{link('https://a.example/x')}〜b"),
        ("https://a.example\u3000b", f"{link('https://a.example')}\u3000b"),
        ("https://a.example/x\u202etxt", f"{link('https://a.example/x')}\u202etxt"),
        ("https://a.example👍", f"{link('https://a.example')}👍"),
        ("https://a.example/x; b", f"{link('https://a.example/x')}; b"),
        ("[https://a.example/b_[c]]", f"[{link('https://a.example/b_[c]')}]"),
        ("https://a。https://b", f"{link('https://a')}。{link('https://b')}"),
        ("https://a.exampleまで", f"{link('https://a.example')}まで"),
        ("http://localhostで", f"{link('http://localhost')}で"),
        ("a@b.exampleまで", f"{link('a@b.example', 'mailto:')}まで"),
        ("www.b.example。", f"{link('www.b.example', 'http://')}。"),
        ("http://localhost:8000/docs", link("http://localhost:8000/docs")),
        ("http://127.0.0.1:3000/x.", f"{link('http://127.0.0.1:3000/x')}."),
        ("http://[::1]:8000/a)", f"{link('http://[::1]:8000/a')})"),
        ("https://b", link("https://b")),
        # What belongs to an address although it is punctuation, or beyond ASCII.
        ("https://a.example/wiki/レオナルド・ダ・ヴィンチ", link("https://a.example/wiki/レオナルド・ダ・ヴィンチ")),
        ("https://a.example/Michelson–Morley", link("https://a.example/Michelson–Morley")),
        ("https://例え.テスト/道", link("https://例え.テスト/道")),
        ("https://münchen.example/ä", link("https://münchen.example/ä")),
        # The host is what stands after the at sign, however much the rest looks like one.
        ("https://a.example@evil.example/x", "https://a.example@evil.example/x"),
        ("https://a:b.example@evil/x", "https://a:b.example@evil/x"),
    ],
)
def test_a_bare_link_ends_where_the_address_does(text: str, html: str) -> None:
    assert render(text) == f"<p>{html}</p>"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**注意：**正文", "<strong>注意：</strong>正文"),
        ("**「文書」**は", "<strong>「文書」</strong>は"),
        ("これは**「文書」**です", "これは<strong>「文書」</strong>です"),
        (
            '**"문서"**는 **마크다운(Markdown)**은',
            "<strong>&quot;문서&quot;</strong>는 <strong>마크다운(Markdown)</strong>은",
        ),
        ("~~注意：~~正文", "<del>注意：</del>正文"),
        ("は~~（注）~~は", "は<del>（注）</del>は"),
        ("*注意：*正文", "<em>注意：</em>正文"),
        ("***注意：***正文", "<em><strong>注意：</strong></em>正文"),
        ("**~~「重要」~~**は", "<strong><del>「重要」</del></strong>は"),
        ("**他说：“好。”**然后", "<strong>他说：“好。”</strong>然后"),
        ("**注意：**Windows 和 **Note:**中文", "<strong>注意：</strong>Windows 和 <strong>Note:</strong>中文"),
        ("**`code`**は", "<strong><code>code</code></strong>は"),
        ("**重点**，然后**其他**。", "<strong>重点</strong>，然后<strong>其他</strong>。"),
        ("注意：**重点**内容", "注意：<strong>重点</strong>内容"),
        # What is no emphasis stays none.
        ("`**注意：**正文`", "<code>**注意：**正文</code>"),
        ("\\**注意：\\**正文", "*<em>注意：*</em>正文"),
        ("\\*\\*注意：\\*\\*正文", "**注意：**正文"),
        ("（a）*b+（c）*d", "（a）*b+（c）*d"),
        ("3~5天，6~7天", "3~5天，6~7天"),
        ("** 注意：**正文", "** 注意：**正文"),
        ("a**「b", "a**「b"),
    ],
)
def test_emphasis_works_beside_text_without_spaces(text: str, html: str) -> None:
    assert render(text) == f"<p>{html}</p>"


def test_marks_for_the_parser_leave_nothing_in_code_links_and_tables() -> None:
    text = "中**[链](https://a.example/**「b '**「c')**文\n\n```a**「b\n中**「x」**文\n```\n\n|中**「x」**文|\n|-|\n"
    html = render(text)
    assert not re.search("[\ufdd0-\ufdef\uffff]", html)
    assert 'href="https://a.example/**「b" title="**「c"' in html
    assert ">中**「x」**文</code>" in html
    assert "<th>中<strong>「x」</strong>文</th>" in html
    assert render("\ufdd0\uffff") == "<p>\ufffd\ufffd</p>"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (r"\(a^2\)", "⟨a^2⟩"),
        (r"\(x_1*y*z_2\) and \(\{a\,b\}\)", r"⟨x_1*y*z_2⟩ and ⟨\{a\,b\}⟩"),
        (r"the group \(G\) and", "the group ⟨G⟩ and"),
        (r"**\(x\)**", "<strong>⟨x⟩</strong>"),
        (r"\[ x = \frac{a}{b} \\ c \]", r"⟪x = \frac{a}{b} \\ c⟫"),
        ("\\[\na_1 * b_2\n- c * d\n\\\\ e\n\\]", "⟪a_1 * b_2\n- c * d\n\\\\ e⟫"),
        ("\\[\na <b> c  \n< d\n\\]", "⟪a &lt;b&gt; c\n&lt; d⟫"),
        (r"so \(a is open", r"so \(a is open"),
        ("\\[\na_1 * b_2\n- c", "\\[\na_1 * b_2\n- c"),
        (r"$$a_1*b*c$$ and $$\{a\,b\}$$ and $$x$$", r"⟪a_1*b*c⟫ and ⟪\{a\,b\}⟫ and ⟪x⟫"),
        (r"$$a \\ b$$", r"⟪a \\ b⟫"),
        ("$$\na_1 * b_2\n- c * d\n\\\\ e\n$$", "⟪a_1 * b_2\n- c * d\n\\\\ e⟫"),
        ("$$x = a_1\n- b_2$$\n*after*", "⟪x = a_1\n- b_2⟫\n<em>after</em>"),
        ("from $$ *to* $$", "from $$ <em>to</em> $$"),
        ("$$ is the *process* of a shell", "$$ is the <em>process</em> of a shell"),
        ("`echo $$`, `$$a_1*b*c$$`, `$x$`", "<code>echo $$</code>, <code>$$a_1*b*c$$</code>, <code>$x$</code>"),
        (r"[a](https://b.example/$$\_x$$)", f'<a href="https://b.example/$$_x$$" {LINK}>a</a>'),
        ("[a](https://b.example/$x$ '$y$')", f'<a href="https://b.example/$x$" title="$y$" {LINK}>a</a>'),
        ("*a $x*y$ b*", "<em>a ⟨x*y⟩ b</em>"),
        ("$a$ &amp; $b &lt; c$", "⟨a⟩ &amp; ⟨b &amp;lt; c⟩"),
        # A backslash that only keeps Markdown from reading what follows.
        (r"\[not a link\]", "[not a link]"),
        (r"\[not a link](/foo) \[1\]", '[not a link](/foo) <a class="cite">[1]</a>'),
        (r"\(see the notes\)", "(see the notes)"),
        (r"1\) first", "1) first"),
        (r"\\(a\\)", r"\(a\)"),
        (r"\(\) \*a\*", "() *a*"),
        (r"\$a\$", "$a$"),
        ("use `\\(` and `\\)`", r"use <code>\(</code> and <code>\)</code>"),
        (r"[a](https://b.example/\(c\))", f'<a href="https://b.example/(c)" {LINK}>a</a>'),
        (r"[\(a\)](https://b.example)", f'<a href="https://b.example" {LINK}>⟨a⟩</a>'),
        (r"![\(a\)](b)", r"\(a\)"),
    ],
)
def test_formulas_are_set_and_the_rest_is_what_it_was(text: str, html: str) -> None:
    assert with_sources(render(text)) == f"<p>{html}</p>"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("> \\[\n> a\n> - b\n> \\]\n> c", "<blockquote><p>⟪a\n- b⟫\nc</p></blockquote>"),
        ("- $$\n  a\n  + b\n  $$\n- c", "<ul><li>⟪a\n+ b⟫</li><li>c</li></ul>"),
        ("1. a\n\n   \\[\n   b\n   \\]\n", "<ol><li><p>a</p><p>⟪b⟫</p></li></ol>"),
        ("- $$\n- $$$\n", "<ul><li>$$</li><li>$$$</li></ul>"),
        ("## $x$\n", "<h4>⟨x⟩</h4>"),
    ],
)
def test_formulas_are_set_in_quotes_lists_and_headings(text: str, html: str) -> None:
    assert with_sources(render(text)).replace(' dir="auto"', "") == html


ICON = '<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>'


@pytest.mark.parametrize(
    ("kind", "icon"),
    [("note", "note"), ("tip", "tip"), ("important", "chat"), ("warning", "warning"), ("caution", "alert")],
)
def test_an_alert_says_its_kind(kind: str, icon: str) -> None:
    head = f'<div class="alert" data-kind="{kind}" role="note" dir="auto"><p>{ICON.format(icon)}{kind.capitalize()}</p>'
    assert render(f"> [!{kind.upper()}]\n> *a*\n>\n> b") == f"{head}<p><em>a</em></p><p>b</p></div>"
    assert render(f"> [!{kind}]\n> - a") == f"{head}<ul><li>a</li></ul></div>"
    assert render(f"> [!{kind}] a") == f'<blockquote dir="auto"><p>[!{kind}] a</p></blockquote>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("H~2~O, C~6~H~12~O~6~", "H<sub>2</sub>O, C<sub>6</sub>H<sub>12</sub>O<sub>6</sub>"),
        (
            "x^2^ + (a)^n+1^, 19^th^ and 10^-6^",
            "x<sup>2</sup> + (a)<sup>n+1</sup>, 19<sup>th</sup> and 10<sup>-6</sup>",
        ),
        # What may be meant otherwise stays what it was.
        ("2^10 and 2^20, 2^10^5, a^b c^", "2^10 and 2^20, 2^10^5, a^b c^"),
        ("~5~ ~/a, ~~d~~ e~~f~~", "<del>5</del> ~/a, <del>d</del> e<del>f</del>"),
        ("`H~2~O` `x^2^`", "<code>H~2~O</code> <code>x^2^</code>"),
    ],
)
def test_subscripts_and_superscripts_are_set_where_nothing_else_is_meant(text: str, html: str) -> None:
    assert render(text) == f"<p>{html}</p>"


def note(number: int) -> str:
    return f'<sup><a class="note" href="#note-{number}">{number}</a></sup>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a[^1], b[^12].", f"<p>a{note(1)}, b{note(12)}.</p>"),
        ("a [1][^1] [2]", f'<p>a <a class="cite">[1]</a>{note(1)} <a class="cite">[2]</a></p>'),
        ("`a[^1]` [^x] [^0000] [^ab]: c", "<p><code>a[^1]</code> [^x] [^0000] [^ab]: c</p>"),
        ("[a[^1]](https://b.example)", f'<p><a href="https://b.example" {LINK}>a<sup>1</sup></a></p>'),
        (
            "[^1]: a *b*\n[^2]: c\n\n    d\n",
            '<div class="note" id="note-1" dir="auto"><span>1</span><p>a <em>b</em></p></div>'
            '<div class="note" id="note-2" dir="auto"><span>2</span><p>c</p><p>d</p></div>',
        ),
    ],
)
def test_footnotes_are_marked_whether_they_are_there_or_not(text: str, html: str) -> None:
    assert render(text) == html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a\n: b", '<dl dir="auto"><dt>a</dt><dd>b</dd></dl>'),
        (
            "a\n: b\n: c\n\nd\n\n: e\n\n  f",
            '<dl dir="auto"><dt>a</dt><dd>b</dd><dd>c</dd></dl><dl dir="auto"><dt>d</dt><dd>e<p>f</p></dd></dl>',
        ),
        ("a\n:smile: b", "<p>a\n:smile: b</p>"),
        ("# a\n: b", "<h3>a</h3><p>: b</p>"),
        (
            "a|b\n:-|-:\n",
            '<div class="table" role="group" aria-label="Table" tabindex="0" dir="auto"><table><thead><tr>'
            '<th align="left">a</th><th align="right">b</th></tr></thead><tbody></tbody></table></div>',
        ),
    ],
)
def test_definition_lists(text: str, html: str) -> None:
    assert render(text) == html


def test_a_formula_in_a_table_may_have_bars() -> None:
    html = with_sources(render("| $|x|$ | \\(a|b\\) | $5 |\n|-|-|-|\n"))
    assert re.findall("<th>(.*?)</th>", html) == ["⟨|x|⟩", "⟨a|b⟩", "$5"]


@pytest.mark.parametrize("code", [r"\(a\)", "\\[\na * b\n\\]", "**注意：**正文"])
def test_code_is_not_prepared_for_the_parser(code: str) -> None:
    assert render(f"```\n{code}\n```\n\nafter") == figure(code) + "<p>after</p>"
    assert render(f"    {code}".replace("\n", "\n    ")) == figure(code)
    assert MARKDOWN.python_blocks(f"```python\n{code}\n```\n") == [code]


def figure(code: str, label: str = "", kind: str = "") -> str:
    return (
        f'<figure class="code"><figcaption><span>{label}</span><span class="actions"><button class="button" '
        'data-kind="quiet" type="button" name="copy"><svg class="icon" aria-hidden="true">'
        '<use href="#i-copy"/></svg>Copy'
        f'</button></span></figcaption><pre tabindex="0"><code{kind}>{code}</code></pre></figure>'
    )


def test_a_fence_becomes_a_figure_with_highlighted_code() -> None:
    code = '<span class="n">x</span> <span class="o">=</span> <span class="mi">1</span>'
    assert render("```python title=a\nx = 1\n```") == figure(code, "python", ' class="language-python"')


def test_only_a_fence_that_says_so_is_text() -> None:
    assert render("```text\nx\n```") == figure("x", "text", ' class="language-text"')


def test_long_code_shows_its_beginning_first() -> None:
    short, long = render("```\n" + "x\n" * MAX_LINES + "```"), render("```\n" + "x\n" * (MAX_LINES + 1) + "```")
    assert "data-long" not in short and "checkbox" not in short
    assert long.startswith('<figure class="code" data-long>')
    assert '<label class="button" data-kind="quiet"><input type="checkbox">Show all</label>' in long


def test_the_last_line_of_a_diff_is_one() -> None:
    assert '<span class="gi">+ new</span></code>' in render("```diff\n- old\n+ new\n```")


def test_an_open_fence_renders_as_it_will_when_closed() -> None:
    for code in ("x", "x = 1\ny = '", "def f():\n\n    return"):
        assert render(f"```python\n{code}") == render(f"```python\n{code}\n```")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("    a < b", figure("a &lt; b")),
        ("```\na < b\n```", figure("a &lt; b")),
        ("```brainfuck\n+<\n```", figure("+&lt;", "brainfuck", ' class="language-brainfuck"')),
        ('```a"><b>x\n```', figure("", "a&quot;&gt;&lt;b&gt;x", "")),
        (f"```{'x' * 50}\n```", figure("", "x" * 40, "")),
        ("<p hx-get='/'>a</p>", None),
        ("- ```\n  a", f'<ul dir="auto"><li>{figure("a")}</li></ul>'),
    ],
)
def test_every_code_block_is_a_figure(text: str, html: str | None) -> None:
    if html is None:
        assert render(text).startswith(figure("", "html", ' class="language-html"').partition("</code>")[0])
    else:
        assert render(text) == html


@pytest.mark.parametrize(
    "language", ["python", "c", "java", "c#", "c++", "js", "html", "yaml", "bash", "diff", "pycon"]
)
def test_highlighting_keeps_the_code_as_it_is(language: str) -> None:
    code = "\n\n  <a href='x'>\t\"b\" && c\n\n/* é */ # \U0001f600\n$ x >>> y\n\n\n"
    checker = check(render(f"```{language}\n{code}z\n\n```"))
    assert checker.text == f"{language}Copy{code}z\n"


@pytest.mark.parametrize(
    "code", ["x = 1\n" * (MAX_CHARACTERS // 6 + 1), "x = '" + "a" * 500 + "'", "x\n" + "\n " * 200 + "x"]
)
def test_code_that_would_be_slow_to_highlight_stays_plain(code: str) -> None:
    assert '<span class="n">' in render(f"```python\n{code[:100]}\n```")
    assert '<span class="n">' not in render(f"```python\n{code}\n```")


# What is never let through


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "a <svg><use href='data:x#x'/></svg>",
        "a <math><mi xlink:href='javascript:x'>",
        "<iframe src=//evil.example></iframe>",
        "<form action=/messages method=post><input name=text><button>Go</button></form>",
        "a <button hx-post=/runs/1/stop>Copy</button>",
        "a <b hx-get=/x hx-trigger=load>b</b>",
        "<div hx-get='/x' hx-trigger='load'>",
        "a <span sse-swap=message>b</span>",
        "<div hx-ext=sse sse-connect=/x>",
        "a <hx-partial hx-target=#composer>b</hx-partial>",
        "<hx-partial>\n\n**a**\n\n</hx-partial>",
        "<x-card id=a data-state=done>b</x-card>",
        "a <kbd id=status class=icon style=position:fixed onclick=x data-x=1>b</kbd>",
        "<summary id=a onclick=x>b</summary>",
        "<details ontoggle=alert(1) open><summary>a</summary>b</details>",
        "</div></article></main><h1>owned</h1>",
        "a</p></div></article><p>b",
        "</details></summary></b></p>",
        "<b>\n\nnever closed",
        "a <b><i><u> b",
        "a </b></i> b",
        "<base href=//evil.example>",
        "<meta http-equiv=refresh content=0>",
        "<link rel=stylesheet href=//evil.example>",
        "<style>*{display:none}</style>",
        "<template><script>x</script></template>",
        "<textarea>",
        "<title>",
        "<plaintext>",
        "<noscript><p title='</noscript><img src=x onerror=x>'>",
        "<!-- a --><!DOCTYPE html><?php x ?><![CDATA[x]]>",
        "<!--><img src=x onerror=x>-->",
        "a <!--> <script>x</script> -->",
        "<sc\0ript>alert(1)</sc\0ript>",
        "<<b>script>alert(1)<</b>/script>",
        "<details><scr<summary>ipt>alert(1)</script>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<details>&lt;script&gt;</details>",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](java&#10;script:alert(1))",
        "[a](&#x6A;avascript:alert(1))",
        "[a](<java\tscript:alert(1)>)",
        "[a](\x01javascript:alert(1))",
        "<javascript:alert(1)>",
        "[a](vbscript:x)",
        "[a](data:text/html,<script>x</script>)",
        "[a]: javascript:alert(1)\n\n[a]",
        "[a](https:/runs/1/stop)",
        "[a](https:runs/1)",
        "[a](https:\\\\evil.example)",
        "[a](//evil.example)",
        '[a](https://b.example/"onclick=alert(1)//)',
        "[a](https://b.example '\"onclick=\"alert(1)')",
        "[a](<https://b.example/ onclick=x>)",
        'https://b.example/"onclick="alert(1)',
        "https://b.example/<script>x</script>",
        "![a](https://evil.example/?leak)",
        "![a](//images.example/x)",
        "![a](/runs/1)",
        "![a](https://images.example@evil.example/)",
        "![a](https://images.example.evil.example/)",
        "![a](https://evil.example\\@images.example/)",
        "![a](https://evil.example/https://images.example/)",
        "![a](https://images.example&#9;.evil.example/)",
        "![a](https://images.example:8080/)",
        '![a" onerror=x](https://images.example/)',
        "![a](https://images.example/ '\" onerror=\"x')",
        "![a](data:image/svg+xml;base64,PHN2Zz4=)",
        "![a](data:image/png,<svg>)",
        "![a](data:text/html;base64,eA==)",
        "[![a](https://evil.example/a)](https://b.example)",
        "![[a](https://b.example)](https://c.example)",
        "[a [b](https://c.example) d](https://e.example)",
        "[a <https://c.example> b](https://d.example)",
        "[https://a.example <b>](https://b.example)",
        '```" onclick=alert(1)\nx\n```',
        "```<script>\n</code></pre></figure><script>x</script>\n```",
        "```python\n</code></pre><script>x</script>",
        "```html\n<script>x</script><!--",
        "a|b\n-|-\n</td></tr></table><script>x</script>|<b>",
        "a|b|c\n:-:|-|-:\n<b>|</b>|<kbd>",
        "- [x] <input type=submit>",
        "# <h1 id=a>b</h1>",
        "> </blockquote></div>",
        "- <b>\n- </b>",
        "*<b>*</b>",
        "[<b>](https://b.example)</b>",
    ],
)
def test_hostile_text_gets_no_tag_attribute_or_url_of_its_own(text: str) -> None:
    render(text)
    settled, unsettled = stream([text, "\n\nafter\n\nmore"])
    check_blocks(settled + unsettled)


def test_the_checker_of_these_tests_refuses_what_must_not_pass() -> None:
    for html in (
        "<script>",
        "<b>",
        "</b>",
        "<b><i></b></i>",
        "<a href='javascript:x'></a>",
        "<a href='/x'></a>",
        "<!---->",
        "<p onclick=x></p>",
        "<p><p></p></p>",
        "<a><a></a></a>",
        "<img src='https://evil.example/'>",
    ):
        with pytest.raises(AssertionError):
            check(html)


def test_images_are_shown_from_listed_hosts_and_data_only() -> None:
    rest = 'alt="a" loading="lazy" referrerpolicy="no-referrer">'
    for url in ("https://images.example/b.png", "http://IMAGES.example?b", "data:image/png;base64,iVBORw0KGgo="):
        assert render(f"![a]({url})") == f'<p><img src="{url}" {rest}</p>'
    assert render("![*a* b](https://c.example/d)") == f'<p><a href="https://c.example/d" {LINK}>a b</a></p>'
    assert render("![](https://c.example/d)") == f'<p><a href="https://c.example/d" {LINK}>https://c.example/d</a></p>'
    assert (
        render("[![a](https://c.example/d)](https://e.example)") == f'<p><a href="https://e.example" {LINK}>a</a></p>'
    )
    assert render("![a](/b.png)") == "<p>a</p>"
    assert "<img" not in Markdown().blocks("![a](https://images.example/b.png)")[0]


def test_nothing_the_author_wrote_as_html_is_hidden() -> None:
    assert check(render("<!-- secret -->")).text.endswith("<!-- secret -->")
    assert check(render("a <x-b c=d> <!-- e -->")).text == "a <x-b c=d> <!-- e -->"


N = 10_000
HOSTILE = {
    "quotes": ">" * N,
    "quotes in turn": "> - " * 3000,
    "lists": "1. " * N + "a",
    "lists by indent": "".join("  " * i + "- a\n" for i in range(300)),
    "brackets": "[" * N + "a" + "]" * N,
    "links": "[a](" * N,
    "images": "![" * N + "a" + "](b)" * N,
    "emphasis": "*" * N + "a" + "*" * N,
    "unclosed emphasis": "*a _b " * N,
    "backticks": "".join("`" * i + " " for i in range(300)),
    "tags": "<b>" * N,
    "open tags": "<a b='" * N,
    "less than": "<" * N,
    "summary": "<details>" * N + "a",
    "comments": "<!--" * N,
    "cells": "|" + "a|" * 400 + "\n|" + "-|" * 400 + "\n" + "|x\n" * 400,
    "definitions": "[a]: /u\n" * N + "[a]" * N,
    "a long word": "a" * 1_000_000,
    "mail": "a@" * N,
    "dots": "a." * N + "@",
    "parentheses": "https://a.b/" + ")" * N,
    "www": "www." * N,
    "quote fences": "> ```\n" * N,
    "setext": "a\n=\n" * 3000,
    "blank": "\n" * 100_000,
    "blank code": "```python\n" + "\n " * 5000,
    "hyphens": "a" + "-" * N + "@",
    "semicolons": "&#" * N,
    "tildes": "~~a " * N,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_pathological_text_is_rendered_within_limits(name: str) -> None:
    blocks = MARKDOWN.blocks(HOSTILE[name])
    check_blocks(blocks)
    assert sum(map(len, blocks)) < 300 * len(HOSTILE[name])


@pytest.mark.parametrize("name", ["quotes", "lists", "cells", "tags", "summary"])
def test_a_block_beyond_the_limits_is_shown_as_plain_text(name: str) -> None:
    html = render(HOSTILE[name] + "\n\n# after")
    assert re.match('<figure class="code"( data-long)?><figcaption><span></span>', html)
    assert HOSTILE[name][:50].strip() in check(html).text
    assert html.endswith("<h3>after</h3>")


# Streaming


CORPUS = [
    "# Title\n\nSome *text* with `code` and https://a.example.\nMore.\n\n- a\n- b\n\n  loose\n\n"
    "```python\ndef f():\n\n    pass\n```\n\nEnd",
    "a\r\nb\r\n\r\n* c\r\n\r\n      code\r\n\r\nd\r\n===\r\ne\r\rf\r",
    "a | b\n- | -\n1 | 2\n\npara\n| c |\n|---|\n| d |\ntext\n> quote\nlazy\n\n> > deep\n> - x\n",
    "<div>\n*a*\n\n*b*\n</div>\n\n<!-- c\n\nd -->\ne\n\n<details><summary>x</summary>\n\ny\n\n</details>\n",
    "- a\n\n\n\n    code\n- b\n    - c\n\n    para\n\n\tcode\n\n1. d\n1) e\n\n- [ ] f\n- [x] g\n",
    "~~~~ js\n```\n~~~\n~~~~\nb\n\n    c\n\n\n    d\ne\n***\n---\nf\n---\n\n``` \na\n  ```  \nb",
    "a\x85b\x0bc\x0cd\u2028e\u2029f\n\n\ufeff# g\n\n\0\n\n\ud83d\n",
    "```python\n" + "x = 1  # comment\n" * 32 + "```\n\nafter\n\nmore",
    "- item of a list\n" * 40 + "\nafter\n\nmore\n",
    "**注意：**正文 https://a.example/b。谢谢\n\n\\[\na_1\n- b\n\\]\n\n- \\(x\n- y\\)\n\n**「文」**は\n",
    "$$\na_1\n- b\n$$\n\nx $$c_1*d*e$$ f\n\n$$ g=\n# h\n$$\n# i\n\n$$\n```\n$$\n```\n\n> $$\n> j\n",
    "> $$\n> a\n> $$\n\nx $5 and $a_1$th $b$5, $c$\n\n- \\[\n  d\n  \\]\n- $$\n- e\n"
    "1. $$ f=\n   g$$\n\n> \\[\nh\n\\]\ni=1\n\\]\n",
    "\\[\na <b>\nc  \n< d\n\\] e\n\nf \\(\\foo\\) $$\ng\n$$ h\n\n$\\frac{1}{2}$\n",
    "> [!NOTE]\n> a\n\n> [!tip]\n>\n> - b\n\n> [!CAUTION] c\n> d\n\n> [!WARNING]\n\n> [!IMPORTANT]\nlazy\n\ne\n",
    "Term\n: a\n\nTerm *2*\n\n: b\n\n  c\n: d\n\ne\n\n: f\n\n\n: g\n\n# h\n: i\n\nj\n:smile: k\n\n> l\n> : m\n",
    "a[^1] b[^2], [^12] c\n\n[^1]: d\n[^2]: e\n    f\n\n    g[^1]\n\nh[^x] [^3](i)\n\n[^x]: j\n- [^4]: k\n\n[^5]:\n",
    "H~2~O x^2^ 2^10 and 2^20, ~a b~ c~d~e ~~f~~ 19^th^ `x^2^` [g](h^2^i~2~j) ^k^ l~~m~~ $n^2^$ o^p^q\n",
    "\\[\n```\na\n```\nb\n\n```\n\\[\n```\nc \\]\n\n\\[\n> d\n> \\]\n# e\n\\[ f=\n# g\n\\]\n# h\n",
]


@pytest.mark.parametrize("text", CORPUS)
def test_every_prefix_streams_to_what_it_renders_to(text: str) -> None:
    markdown, settled = MarkdownStream(MARKDOWN), []
    for i, character in enumerate(text):
        markdown.append(character)
        settled += markdown.settled()
        assert plain(settled + markdown.open()) == plain(MARKDOWN.blocks(text[: i + 1]))
    check_blocks(settled + markdown.open())


@pytest.mark.parametrize("text", CORPUS)
def test_what_has_settled_does_not_depend_on_the_pieces(text: str) -> None:
    whole = stream([text])
    assert whole == stream(list(text))
    for i in range(len(text) + 1):
        assert stream([text[:i], text[i:]]) == whole


LINE = st.sampled_from(
    [
        "a",
        "b c",
        "*d*",
        "# e",
        "===",
        "---",
        "***",
        "- f",
        "-",
        "  g",
        "    h",
        "\ti",
        "1. j",
        "2) k",
        "> l",
        ">",
        "> - m",
        "+ - n",
        "```",
        "```py",
        "~~~",
        "````",
        "  ```",
        "    ```",
        "> ```",
        "- ```",
        "| o | p |",
        "|---|:-:|",
        "-|-",
        "q|r",
        "<div>",
        "</div>",
        "<!-- s",
        "-->",
        "<b>t",
        "<details>",
        "<script>",
        "</script>",
        "<x-y>",
        "`u",
        "v`",
        "**w",
        "x**",
        "[y](",
        "https://z.example)",
        "- [ ] task",
        "- [x]",
        "\\",
        "  ",
        "\t",
        "a  ",
        "a\\",
        "&amp;",
        "![a](b)",
        "<?php",
        "?>",
        "<![CDATA[",
        "]]>",
        "- # h",
        "\ufeff",
        "é😀",
        "**注意：**正文",
        "は~~「文」~~は",
        "（*中*）**",
        "\\(a_1",
        "b^2\\)",
        "\\[",
        "\\]",
        "\\[ x = 1",
        "\\[ a_1*b*c \\]",
        "\\[foo\\]",
        "$$",
        "$$ x_1 = 1",
        "$$a_1*b*c$$",
        "$x$ $5 and $y_1$",
        "$a",
        "b$",
        "\\(\\foo\\)",
        "- $$",
        "> \\[",
        "< c <b> d",
        "text $$",
        "> [!NOTE]",
        "> [!tip]",
        ": def",
        "term",
        ":smile: x",
        "a[^1] b",
        "[^1]: note",
        "[^x]: y",
        "[^",
        "c[^2]: d",
        "H~2~O",
        "x^2^",
        "https://a.example/a。b",
    ]
)
INDENT = st.sampled_from(["", "", "", "", " ", "  ", "   ", "    ", "      ", "\t", "> ", "- ", "> > ", "1.  "])
END = st.sampled_from(["\n", "\n", "\n", "\n\n", "\n\n", "\r\n", "\r", "\n\n\n", " \n", "\r\n\r\n"])
FRAGMENT = st.sampled_from(
    [
        "# Heading\n\n",
        "A paragraph of words.\n\n",
        "- one\n- two\n",
        "- one\n\n  two\n\n",
        "1. a\n   - b\n   - c\n2. d\n\n",
        "Title\n-----\n",
        "```python\nx = 1\n\ny\n```\n",
        "~~~\n```\n~~~\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n",
        "> quote\nlazy\n\n",
        "    code\n\n    more\n\n",
        "<div>\nhtml\n</div>\n\n",
        "<details><summary>s</summary>\n\nbody\n\n</details>\n\n",
        "---\n",
        "- [x] done\n- [ ] to do\n",
        "text\n| a |\n|---|\n| b |\n",
        "```\nunclosed\n",
        "para\n# heading\npara\n",
        "- a\n> b\n- c\n",
        "1. a\n\n       code\n",
        "* a\n\n\n\n* b\n",
        "- a\n\n      code\n  b\n",
    ]
)
DOCUMENT = st.lists(
    st.one_of(
        FRAGMENT,
        st.builds("{}{}{}".format, INDENT, LINE, END),
        st.text("ab*_`~<>[]()!#|-+=.:$^1\\ \t\n\r", max_size=12),
    ),
    max_size=12,
).map("".join)
QUICK = settings(
    max_examples=1500, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def has_definitions(text: str) -> bool:
    return bool(pyromark.reference_definitions(text))


@QUICK
@given(DOCUMENT, st.lists(st.integers(0, 200), max_size=6))
def test_any_document_in_any_pieces_streams_to_what_it_renders_to(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(cuts), max([len(text), *cuts])]
    pieces = [text[a:b] for a, b in pairwise(places)]
    assert "".join(pieces) == text
    settled, unsettled = stream(pieces)
    assert (settled, unsettled) == stream([text])
    check_blocks(settled + unsettled)
    if not has_definitions(text):
        assert plain(settled + unsettled) == plain(MARKDOWN.blocks(text))


@QUICK
@given(DOCUMENT)
def test_what_settles_line_by_line_never_changes(text: str) -> None:
    if has_definitions(text):
        return
    markdown, settled = MarkdownStream(MARKDOWN), []
    for line in text.splitlines(keepends=True):
        markdown.append(line)
        settled += markdown.settled()
    assert settled == MARKDOWN.blocks(text)[: len(settled)]
    assert plain(settled + markdown.open()) == plain(MARKDOWN.blocks(text))


@QUICK
@given(st.text(max_size=60))
def test_any_string_renders_balanced(text: str) -> None:
    render(text)


def test_all_blocks_but_the_last_settle_once_their_lines_are_complete() -> None:
    markdown = MarkdownStream(MARKDOWN)
    markdown.append("# a\n\nb\n\n```")
    assert (markdown.settled(), markdown.open()) == (["<h3>a</h3>"], ["<p>b</p>", figure("")])
    markdown.append("\n")
    assert (markdown.settled(), markdown.open()) == (["<p>b</p>"], [figure("")])


def test_a_long_fence_settles_with_the_line_after_it() -> None:
    markdown = MarkdownStream(MARKDOWN)
    markdown.append("```python\n" + "x = 1\n" * 1000 + "```\n\n")
    assert markdown.settled() == []
    markdown.append("after\n")
    assert len(markdown.settled()) == 1
    assert markdown.open() == ["<p>after</p>"]


@pytest.mark.parametrize("lines", range(250, 260))
def test_a_fence_settles_whichever_line_it_is_looked_at(lines: int) -> None:
    markdown = MarkdownStream(MARKDOWN)
    markdown.append("```\n" + "a\n" * lines + "```\n\nafter\n")
    markdown.append("and\n" * 30 + "\nthe end\n")
    assert markdown.settled()[0] == render("```\n" + "a\n" * lines + "```")
    assert len(markdown.open()) == 1


def test_a_long_paragraph_that_starts_with_backticks_settles() -> None:
    markdown = MarkdownStream(MARKDOWN)
    markdown.append("```" + "a " * 300 + "```\n\n" + "after\n\n" * 20)
    assert len(markdown.settled()) > 10


def test_no_carriage_return_is_left_in_the_output() -> None:
    html = render(
        "a&#13;b [c](https://d.example '&#13;e')\n\n```f&#13;g\nh\rj\n```\n\n<details>k&#13;l</details>\r\r\n"
    )
    assert "\r" not in html
    assert "a&#13;b" in html


def test_a_settled_block_is_returned_once() -> None:
    markdown = MarkdownStream(MARKDOWN)
    assert (markdown.settled(), markdown.open()) == ([], [])
    markdown.append("a\n\nb\n\nc\n")
    assert markdown.settled() == ["<p>a</p>", "<p>b</p>"]
    assert markdown.settled() == []


LONG: dict[str, Callable[[int], str]] = {
    "paragraphs": lambda n: "Some words that make up a line of an answer.\n\n" * (n // 46),
    "short paragraphs": lambda n: "a\n\n" * (n // 3),
    "lines": lambda n: "a\n" * (n // 2),
    "blank lines": lambda n: "a\n" + "\n" * n,
    "a fence": lambda n: "```python\n" + "x = 1  # and a comment\n" * (n // 23),
    "fences": lambda n: "```\na\n```\n" * (n // 10),
    "fences in a fence": lambda n: "~~~\n" + "```\n" * (n // 4),
    "near fences in a fence": lambda n: "~~~\n" + "    ~~~\n" * (n // 8),
    "blank lines after a fence": lambda n: "```\n" + "a\n" * (n // 4) + "```\n" + "\n" * (n // 2),
    "definitions after a fence": lambda n: "```\n" + "a\n" * (n // 4) + "```\n" + "[a]: /b\n" * (n // 16),
    "a list": lambda n: "- an item with some words\n" * (n // 26),
    "a table": lambda n: "a|b\n-|-\n" + "1|2\n" * (n // 4),
    "quotes": lambda n: "> a\n" * (n // 4),
    "one line": lambda n: "a " * (n // 2),
}


@pytest.mark.parametrize("name", LONG)
def test_parsing_a_stream_reads_each_character_a_bounded_number_of_times(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = pyromark.events_with_range
    read = 0

    def count(text: str, /, **options: Any) -> Any:
        nonlocal read
        read += len(text)
        return parse(text, **options)

    monkeypatch.setattr(pyromark, "events_with_range", count)

    def cost(n: int) -> int:
        nonlocal read
        read = 0
        text = LONG[name](n)
        markdown = MarkdownStream(MARKDOWN)
        for i in range(0, len(text), 5):
            markdown.append(text[i : i + 5])
            markdown.settled()
        return read

    once, twice = cost(40_000), cost(80_000)
    assert twice <= 2.3 * once + 10_000
    assert once <= 15 * 40_000


def test_code_is_highlighted_once_it_is_complete() -> None:
    markdown = MarkdownStream(MARKDOWN)
    markdown.append("```python\nimport os\n")
    assert '<span class="kn">' not in "".join(markdown.open())
    markdown.append("```\n")
    assert '<span class="kn">import</span>' in "".join(markdown.open())
    again = markdown.copy()
    for each in (markdown, again):
        each.append("after")
        assert each.open() == MARKDOWN.blocks("```python\nimport os\n```\nafter")
