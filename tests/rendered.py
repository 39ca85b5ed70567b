"""What Markdown may become: every tag and attribute, balanced; and what a stream of it comes to."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from htmxchat.text.markdown import Markdown, MarkdownStream

MARKDOWN = Markdown(image_hosts=frozenset({"images.example"}))
VOID = {"br", "hr", "img", "input", "wbr"}

LENGTH = r"0|[0-9]?(\.[0-9]+)?(em|rem|ex)|-0?\.[0-6][0-9]*(em|rem|ex)"
TRUTH = "true|false"
TABLES = "(left|right|joined-left|joined-right|apart|line-right|line-top| )+"

# Every tag that may appear, with its attributes. `use` and `svg` are the icon of the Copy button.
ATTRIBUTES: dict[str, dict[str, str]] = {
    "a": {
        "class": "cite|note",
        "href": r"(?i:https?://|mailto:).*|#note-[0-9]{1,3}",
        "title": ".*",
        "target": "_blank",
        "rel": "noopener noreferrer nofollow",
    },
    "img": {
        "src": r"(?i:https?://images\.example)([/?#].*)?|data:image/(png|jpeg|gif|webp);base64,.*",
        "alt": ".*",
        "title": ".*",
        "loading": "lazy",
        "referrerpolicy": "no-referrer",
    },
    "figure": {"class": "code", "data-long": ""},
    "label": {"class": "button", "data-kind": "quiet"},
    "span": {
        "class": r"actions|math|unset|[a-z][a-z0-9]{0,2}( [A-Za-z0-9-]+)*",
        "data-display": "",
        "tabindex": "0",
        "role": "group",
        "aria-label": "Formula",
        "title": r"This is shown as it was written\. [A-Z][A-Za-z0-9 ,]*\.",
    },
    "button": {"class": "button", "data-kind": "quiet", "type": "button", "name": "copy"},
    "svg": {"class": "icon", "aria-hidden": "true"},
    "use": {"href": "#i-(copy|note|tip|chat|warning|alert)"},
    "pre": {"tabindex": "0"},
    "code": {"class": r"language-[\w.+#-]{1,40}"},
    "div": {
        "class": "table|alert|note",
        "role": "group|note",
        "aria-label": "Table",
        "tabindex": "0",
        "dir": "auto",
        "data-kind": "note|tip|important|warning|caution",
        "id": "note-[0-9]{1,3}",
    },
    "dl": {"dir": "auto"},
    "th": {"align": "left|right|center"},
    "td": {"align": "left|right|center"},
    "ol": {"start": r"\d{1,9}", "dir": "auto"},
    "ul": {"dir": "auto"},
    "blockquote": {"dir": "auto"},
    "li": {"class": "task"},
    "math": {"display": "block"},
    "annotation": {"encoding": "application/x-tex"},
    "menclose": {"notation": "(box|actuarial|phasorangle|updiagonalstrike|downdiagonalstrike| )+"},
    "mfrac": {"linethickness": LENGTH, "displaystyle": TRUTH, "scriptlevel": "[0-2]"},
    "mi": {"mathvariant": "normal"},
    "mo": {
        **dict.fromkeys(("lspace", "rspace", "minsize", "maxsize"), LENGTH),
        **dict.fromkeys(("stretchy", "symmetric", "largeop", "movablelimits"), TRUTH),
        "form": "prefix|infix|postfix",
    },
    "mover": {"accent": "true"},
    "mpadded": dict.fromkeys(("width", "height", "depth", "lspace"), LENGTH),
    "mrow": {"displaystyle": TRUTH, "scriptlevel": "[0-2]"},
    "mspace": {"width": LENGTH},
    "mtable": {"displaystyle": TRUTH, "scriptlevel": "[0-2]", "class": TABLES},
    "mtd": {"class": TABLES},
    "munder": {"accentunder": "true"},
    "munderover": {},
    "input": {"type": "checkbox", "disabled": "", "checked": "", "aria-label": "Done|To do"},
} | {
    tag: {}
    for tag in [
        *(
            "p",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "table",
            "thead",
            "tbody",
            "tr",
            "em",
            "strong",
            "del",
        ),
        *(
            "figcaption",
            "b",
            "br",
            "i",
            "ins",
            "kbd",
            "mark",
            "q",
            "s",
            "samp",
            "small",
            "sub",
            "sup",
            "u",
            "var",
            "wbr",
        ),
        *("details", "summary", "dt", "dd"),
        *"semantics mmultiscripts mn mphantom mprescripts mroot msqrt msub msubsup msup mtext mtr".split(),
    ]
}


class Checker(HTMLParser):
    """Fails on a tag or attribute that is not listed, on a tag out of balance, and on nesting a browser would undo."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.roots = 0
        self.text = ""
        self.bare_text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ATTRIBUTES, tag
        assert len({name for name, _ in attrs}) == len(attrs)
        for name, value in attrs:
            assert name in ATTRIBUTES[tag], (tag, name)
            assert re.fullmatch(ATTRIBUTES[tag][name], value or "", re.DOTALL), (tag, name, value)
        assert not (tag == "a" and "a" in self.open)
        assert not (
            "p" in self.open and tag in {"p", "div", "ul", "ol", "blockquote", "figure", "table", "details", "hr", "dl"}
        )
        self.roots += not self.open
        if tag not in VOID:
            self.open.append(tag)
        assert len(self.open) < 400

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert (tag, attrs) == ("use", attrs) or tag in ("mspace", "mprescripts")

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if not self.open:
            self.bare_text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        self.handle_comment(decl)

    handle_pi = unknown_decl = handle_comment


def check(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    return checker


def check_blocks(blocks: list[str]) -> None:
    for html in blocks:
        checker = check(html)
        assert (checker.roots, checker.bare_text) == (1, ""), html


def render(text: str) -> str:
    blocks = MARKDOWN.blocks(text)
    check_blocks(blocks)
    return "".join(blocks)


def stream(pieces: list[str]) -> tuple[list[str], list[str]]:
    """What has settled and what is open after these pieces."""
    markdown = MarkdownStream(MARKDOWN)
    settled: list[str] = []
    for piece in pieces:
        markdown.append(piece)
        settled += markdown.settled()
    return settled, markdown.open()


def plain(blocks: list[str]) -> list[str]:
    """The blocks without the highlighting of code, which waits until the code is complete."""
    code = re.compile(r"(<code[^>]*>)(.*?)(</code>)", re.DOTALL)
    return [
        code.sub(lambda match: match[1] + re.sub("</?span[^>]*>", "", match[2]) + match[3], html) for html in blocks
    ]


def with_sources(html: str) -> str:
    """HTML in which each formula is its LaTeX: `⟨x⟩`, and `⟪x⟫` for one on a line of its own."""
    for kind, shown in (('">', r"⟨\1⟩"), ('" data-display[^>]*>', r"⟪\1⟫")):
        html = re.sub(
            rf'<span class="math{kind}<math.*?x-tex">(.*?)</annotation></semantics></math></span>',
            shown,
            html,
            flags=re.DOTALL,
        )
    return html
