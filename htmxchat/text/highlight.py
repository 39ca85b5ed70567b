"""Code blocks, with their syntax highlighted by Pygments."""

from __future__ import annotations

import re
from html import escape

from pygments import highlight as pygmentize  # type: ignore[import-untyped,unused-ignore]
from pygments.formatters.html import HtmlFormatter  # type: ignore[import-untyped,unused-ignore]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped,unused-ignore]

MAX_CHARACTERS = 12_000
"""Longer code is not highlighted."""

MAX_LINES = 40
"""Longer code is collapsed to its beginning."""

# Lexers are lists of regular expressions. Nearly all of them, Python's too, take quadratic time on some long line or
# some long run of white space: seconds for 10,000 characters. Such code is not highlighted.
_SLOW = re.compile(r"[^\n]{500}|\s{200}")

# A fixed list, so that text cannot choose among all lexers and plugins. It leaves out those that are slow on short
# lines too; C++ stands in for two of them.
_NAMES = """
    bash c c++ cpp clojure cmake css dart diff docker dockerfile elixir erlang fish go golang graphql haskell html
    http ini javascript js json jsx julia kotlin latex less lua make makefile nginx nix objective-c ocaml php
    powershell ps1 py pycon python r rb ruby rs rust scala scss sh shell sql swift tex toml ts tsx typescript xml
    yaml yml zig zsh
""".split()
_LEXERS = {name: name for name in _NAMES} | {"c#": "cpp", "csharp": "cpp", "java": "cpp"}
_CLASS = re.compile(r"[\w.+#-]{1,40}\Z", re.ASCII)


def highlight(code: str, language: str) -> str:
    """Return `code` as HTML text in which tokens are spans with Pygments' short classes (`k`, `s2`, `nf`, …).

    `language` is the first word after the fence, in any letter case. Code in an unknown language, longer than
    `MAX_CHARACTERS`, with a line of 500 characters or 200 white-space characters in a row is escaped without spans. The
    text stays the same, except for a byte order mark at its start.
    """
    lexer = _LEXERS.get(language.lower())
    if not lexer or len(code) > MAX_CHARACTERS or _SLOW.search(code):
        return escape(code)
    try:
        # Some lexers need a final line feed to recognize the last line.
        ended = code if code.endswith("\n") else f"{code}\n"
        html: str = pygmentize(
            ended, get_lexer_by_name(lexer, stripnl=False, ensurenl=False), HtmlFormatter(nowrap=True)
        )
    except Exception:  # a lexer error must not break the answer
        return escape(code)
    return html if code.endswith("\n") else html.removesuffix("\n")


def code_block(code: str, language: str, *, highlighted: bool = True) -> str:
    """Return a code block as the page shows it: a figure with the language, a Copy button and the code.

    `language` is the first word after the fence, whatever it is, or empty. One line feed at the end of `code` is left
    out, so that a block looks the same before and after its closing fence arrives. A block of more than `MAX_LINES`
    lines has `data-long` and a checkbox that shows all of it.
    """
    code = code.removesuffix("\n")
    long = code.count("\n") >= MAX_LINES
    everything = '<label class="button" data-kind="quiet"><input type="checkbox">Show all</label>' if long else ""
    label = escape(language[:40])
    kind = f' class="language-{label}"' if _CLASS.match(language) else ""
    content = highlight(code, language) if highlighted else escape(code)
    return (
        f'<figure class="code"{" data-long" * long}><figcaption><span>{label}</span><span class="actions">{everything}'
        '<button class="button" data-kind="quiet" type="button" name="copy">'
        '<svg class="icon" aria-hidden="true"><use href="#i-copy"/></svg>Copy</button></span></figcaption>'
        f'<pre tabindex="0"><code{kind}>{content}</code></pre></figure>'
    )
