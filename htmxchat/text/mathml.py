"""LaTeX -> MathML, of a fixed list of elements and attributes.

math-core reads the LaTeX. What it writes is read again here: elements and attributes that are not listed go, with the
colours, links, ids and styles among them; what styles said about tables is said by classes.
"""

from __future__ import annotations

import re
from html import escape, unescape

from math_core import LatexError, LatexToMathML

MAX_LENGTH = 4_000
"""Longer formulas are not read, in characters."""

# The converter goes one call deeper for each, and a thread's stack is small. Browsers stop nesting at 512 elements.
_MAX_DEPTH = 150
_MAX_ELEMENTS_DEEP = 100
_MAX_ARGUMENTS = 6

# What models write because KaTeX and MathJax know it.
_MACROS = {
    "abs": r"\lvert #1\rvert",
    "allowbreak": "{}",
    "centerdot": r"\cdot",
    "mathds": r"\mathbb{#1}",
    "mbox": r"\text{#1}",
    "norm": r"\lVert #1\rVert",
    "smash": "#1",
    "substack": r"\begin{matrix}#1\end{matrix}",
} | {name: rf"\operatorname{{{name}}}" for name in ("diag", "rank", "sgn", "Tr", "tr", "Var", "Cov")}
# Numbers of equations would begin again with each formula.
_ENVIRONMENTS = {"split": "aligned", "smallmatrix": "matrix", "eqnarray": "align*", "alignat": "align*"} | {
    name: f"{name}*" for name in ("align", "equation", "gather")
}
_CONVERTER = LatexToMathML(
    fancy_error=False, allow_unreliable_rendering=True, max_expansions=200, macros=_MACROS
)  # has no state but this

_DEFINES = re.compile(r"\\(?:[gex]?def|let|(?:re)?newcommand|providecommand|DeclareMathOperator)(?![A-Za-z])")
_ENVIRONMENT = re.compile(r"(\\(?:begin|end)\{)([a-z]+)\}")
_ESCAPED = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
_LABEL = re.compile(r"\\label\{[^{}]*+\}")
_NUMBERED = re.compile(r"\\begin\{(?:align|equation|gather|multline)\*?\}")
_TOKEN = re.compile(r"\\(?:begin|end|left|right|[A-Za-z]++|.)|[{}&]|[^\s\\{}&]", re.DOTALL)
_UNREADABLE = "It cannot be read."
_REASONS = {
    "Unknown command": "It has a command that is not known here.",
    "Unknown environment": "It has an environment that is not known here.",
    "Expected": "It is not complete.",
    "Found": "Something in it stands where it may not.",
}

_TAG = re.compile(r"<(/?)([a-z]++)((?: [a-z]++=\"[^\"<>]*+\")*+) ?(/?)>")
_ATTRIBUTE = re.compile(r" ([a-z]++)=\"([^\"]*+)\"")
_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot);)[A-Za-z]++;")

_CROSS = "updiagonalstrike downdiagonalstrike"
# Less than ten ems, and back hardly more than half of one: a formula stays where it stands.
_LENGTH = re.compile(r"[0-9]?(?:\.[0-9]{1,7})?(?:r?em|ex)|0|-0?\.[0-6][0-9]{0,6}(?:r?em|ex)")
_LENGTHS = frozenset("depth height linethickness lspace maxsize minsize rspace width".split())
_VALUES = {
    **dict.fromkeys(
        "accent accentunder displaystyle largeop movablelimits stretchy symmetric".split(), frozenset({"true", "false"})
    ),
    "display": frozenset({"block"}),
    "form": frozenset({"prefix", "infix", "postfix"}),
    "mathvariant": frozenset({"normal"}),
    "notation": frozenset({"actuarial", "box", "downdiagonalstrike", "phasorangle", "updiagonalstrike", _CROSS}),
    "scriptlevel": frozenset({"0", "1", "2"}),
}
_ELEMENTS = frozenset(
    "math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow mspace msqrt msub msubsup"
    " msup mtable mtd mtext mtr munder munderover".split()
)
_CLASSES = {
    "text-align: left": "left",
    "text-align: right": "right",
    "padding-left: 0": "joined-left",
    "padding-right: 0": "joined-right",
    "padding-left:1em": "apart",
    "border-right: 0.05em solid currentcolor": "line-right",
    "border-right: 0.05em dashed currentcolor": "line-right",
    "border-top: 0.05em solid currentcolor": "line-top",
    "border-top: 0.05em dashed currentcolor": "line-top",
}


class NoFormula(Exception):
    """LaTeX that cannot be shown as a formula. The message is a sentence that quotes nothing of it."""


def mathml(latex: str, *, display: bool) -> str:
    """Return LaTeX as a `math` element, which has the LaTeX as its annotation.

    Raises:
        NoFormula: It has something that is not known here, or more of it than is read.
    """
    if len(latex) > MAX_LENGTH:
        raise NoFormula(f"It is longer than {MAX_LENGTH:,} characters.")
    if _DEFINES.search(latex):
        raise NoFormula("It defines a command.")
    if latex.count("\\") + latex.count("{") > _MAX_DEPTH and _depth(latex) > _MAX_DEPTH:
        raise NoFormula("It is nested too deep.")
    try:
        written = _CONVERTER.convert_all([(_readable(latex), display)])[0]
    except LatexError as error:
        said = str(error)
        raise NoFormula(next((why for begin, why in _REASONS.items() if f": {begin}" in said), _UNREADABLE)) from None
    except BaseException as error:
        # pyo3 makes such a one of a fault in the converter.
        if type(error).__name__ != "PanicException":
            raise
        raise NoFormula(_UNREADABLE) from None
    content = _cleaned(written)
    start = content.index(">") + 1
    annotation = f'<annotation encoding="application/x-tex">{escape(latex, quote=False)}</annotation>'
    return f"{content[:start]}<semantics><mrow>{content[start : -len('</math>')]}</mrow>{annotation}</semantics></math>"


def _readable(latex: str) -> str:
    """Return LaTeX with what the converter reads in place of what it does not."""
    for escaped, meant in _ESCAPED.items():
        latex = latex.replace(escaped, meant)
    if "\\begin" in latex:
        latex = _ENVIRONMENT.sub(lambda found: f"{found[1]}{_ENVIRONMENTS.get(found[2], found[2])}}}", latex)
    if "\\label" in latex:
        latex = _LABEL.sub("", latex)
    if "\\\\" in latex and "\\begin" not in latex:  # lines, where LaTeX would have none
        lines = "aligned" if "&" in latex else "gathered"
        latex = rf"\begin{{{lines}}}{latex}\end{{{lines}}}"
    if "\\tag" in latex and not _NUMBERED.search(latex):
        latex = rf"\begin{{equation*}}{latex}\end{{equation*}}"
    return latex


def _depth(latex: str) -> int:
    """Return how deep LaTeX may be nested at most: each command may be the argument of the one before it."""
    deepest = depth = base = since = 0
    groups: list[tuple[int, int]] = []
    for token in _TOKEN.findall(latex):
        since += 1
        if token == "{" or token == "\\begin":
            groups.append((base, depth))
            depth += 1
            base = depth
        elif token in ("}", "\\end"):
            if groups:
                base, depth = groups.pop()
        elif token in ("&", "\\\\"):
            depth = base
        elif token[0] == "\\":
            depth += 1
            since = 0
        elif since >= _MAX_ARGUMENTS:
            depth = base
        deepest = max(deepest, depth)
    return deepest


def _cleaned(html: str) -> str:
    out: list[str] = []
    position = depth = 0
    for tag in _TAG.finditer(html):
        out.append(html[position : tag.start()].replace("<", "&lt;"))
        position = tag.end()
        closing, name, attributes, empty = tag.groups()
        depth += -1 if closing else not empty
        if depth > _MAX_ELEMENTS_DEEP:
            raise NoFormula("It is nested too deep.")
        if name in _ELEMENTS:
            out.append(f"<{closing}{name}{_attributes(attributes) if attributes else ''}{empty}>")
    text = "".join([*out, html[position:].replace("<", "&lt;")])
    return _ENTITY.sub(lambda found: unescape(found[0]), text) if "&" in text else text


def _attributes(written: str) -> str:
    kept: list[str] = []
    for name, value in _ATTRIBUTE.findall(written):
        if name == "style":
            classes = " ".join(_CLASSES[each] for each in map(str.strip, value.split(";")) if each in _CLASSES)
            kept += [f' class="{classes}"'] if classes else []
        elif value in _VALUES.get(name, ()) or (name in _LENGTHS and _LENGTH.fullmatch(value)):
            kept.append(f' {name}="{value}"')
    return "".join(kept)
