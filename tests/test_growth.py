"""What an agent or a user wrote costs time in proportion to its length, however it was made.

Each regular expression of the package has an input that would make it slow if it could be made so: a test fails when
one has none. Costs are CPU time of this thread at one length and at eight times that; the bound is far from both
eight, which is linear, and sixty-four.
"""

from __future__ import annotations

import ast
import gc
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import htmxchat
from htmxchat.agents.kogwistar.translation import problems, scrub
from htmxchat.agents.kogwistar.translation.mapping import Translator
from htmxchat.agents.kogwistar.translation.replies import ServerEvent
from htmxchat.drawing import Drawer, Drawings
from htmxchat.events import (
    Custom,
    EventBody,
    InputAnswered,
    InputRequested,
    ReasoningDelta,
    RunEvent,
    ScriptFinished,
    ScriptProposed,
    Source,
    SourcesFound,
    TextDelta,
    TextReplaced,
    ToolFinished,
    ToolStarted,
)
from htmxchat.forms.formats import FORMATS
from htmxchat.fragments.inspector.json_tree import json_tree
from htmxchat.fragments.scripts.output import code_lines
from htmxchat.fragments.turns.context import TurnContext
from htmxchat.fragments.turns.parts import turn_parts
from htmxchat.fragments.turns.tail import turn_tail
from htmxchat.html import render
from htmxchat.inspection import rows
from htmxchat.inspection.state_diff import state_diff
from htmxchat.inspection.timeline import timeline
from htmxchat.live.patches import growth
from htmxchat.live.turn import LiveTurn
from htmxchat.scripts.result import ScriptState
from htmxchat.text import redaction
from htmxchat.text.ansi import ansi_html, plain
from htmxchat.text.cleaning import one_line
from htmxchat.text.markdown import Markdown
from htmxchat.text.markdown.blocks import parse
from htmxchat.text.markdown.characters import NOTE, SUB, stood_in
from htmxchat.text.markdown.links import with_links
from htmxchat.text.markdown.stand_ins import prepare
from htmxchat.urls import Urls
from htmxchat.view import fold

PACKAGE = Path(htmxchat.__file__).parent
AT = datetime(2030, 1, 1, tzinfo=UTC)
SHORT, TIMES, BOUND = 4_000, 8, 24

Text = Callable[[int], str]


def repeated(part: str, before: str = "", after: str = "") -> Text:
    """Return what makes `part` over and over, about `n` characters of it."""
    return lambda n: before + part * (n // len(part)) + after


def assert_grows_with_the_length(cost: Callable[[int], object]) -> None:
    """Fail if eight times the length costs far more than eight times the time, three times in a row."""

    def least(n: int, times: int) -> float:
        found = []
        gc.disable()  # which object it strikes is chance
        try:
            for _ in range(times):
                before = time.thread_time()
                cost(n)
                found.append(time.thread_time() - before)
        finally:
            gc.enable()
        return min(found)

    for _ in range(3):
        short = least(SHORT, 5)
        # What takes less than this is measured too badly to be compared.
        if (long := least(SHORT * TIMES, 2)) <= BOUND * max(short, 0.001):
            return
    pytest.fail(f"{SHORT:,}: {short:.4f} s, {SHORT * TIMES:,}: {long:.4f} s")


def patterns() -> set[str]:
    """Return where the package makes a regular expression: `module:NAME`, or `module:pattern` without a name."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        if "static" in path.parts:
            continue  # runs in the browser's sandbox
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {
            id(node.value): node.targets[0].id
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                f"re.{name}" for name in ("compile", "sub", "subn", "split", "match", "search", "fullmatch", "findall")
            }:
                found.add(f"{module}:{names.get(id(node)) or _written(node.args[0])}")
    return found


def _written(pattern: ast.expr) -> str:
    return str(ast.literal_eval(pattern)) if isinstance(pattern, ast.Constant) else ast.unparse(pattern)


SPACES = repeated(" ", "x\n", "x")
# How a pattern is used, and what would be hard for it then.
SEARCH, WHOLE = "finditer", "fullmatch"
INPUTS: dict[str, tuple[str, list[Text]]] = {
    "agents.event_stream:_LINE_END": (SEARCH, [repeated("\r"), repeated("\r\n"), repeated("a", "\r")]),
    "agents.openai_api.call_assembly:_ID": (WHOLE, [repeated("a"), repeated("a", after="!")]),
    "agents.openai_api.refusals:_MASKED": (
        SEARCH,
        [repeated("*"), repeated("a*"), repeated("a", "***"), repeated("a**")],
    ),
    "agents.openai_api.refusals:_QUOTA": (SEARCH, [repeated("insufficient "), repeated("exceeded your current ")]),
    "agents.openai_api.refusals:_TAG": (SEARCH, [repeated("<"), repeated("<a"), repeated("a", "<")]),
    "agents.openai_api.refusals:_WINDOW": (SEARCH, [repeated("context "), repeated("too many input ")]),
    "agents.openai_api.surrogates:_SURROGATE": (SEARCH, [repeated("a"), repeated("\ud800")]),
    "agents.tools.function:_NAME": (WHOLE, [repeated("a"), repeated("a", after="!")]),
    "text.ansi:_SEQUENCE": (
        SEARCH,
        [repeated("\x1b["), repeated("\x1b[0;"), repeated("\x1b]x"), repeated("0", "\x1b["), repeated("x", "\x1b]")],
    ),
    "text.ansi:_CONTROL": (SEARCH, [repeated("\x01")]),
    "agents.kogwistar.insight:^(aa|x)_": (SEARCH, [repeated("aa_")]),
    "agents.kogwistar.login:_TOKEN": (WHOLE, [repeated("a", after="!")]),
    "agents.kogwistar.translation.problems:_QUERY": (
        SEARCH,
        [repeated("a?"), repeated("a", "b?"), repeated("?a=", "x")],
    ),
    "agents.kogwistar.translation.problems:_PATH": (
        SEARCH,
        [repeated("/"), repeated("a:/"), repeated("/a:"), repeated("\\a/ ")],
    ),
    "agents.kogwistar.translation.problems:_RULE": (
        SEARCH,
        [repeated(" ", "\n", "x"), repeated("+-"), repeated(" \n")],
    ),
    "agents.kogwistar.translation.problems:_ROLE": (
        SEARCH,
        [repeated("requires role 'a"), repeated("a", "requires role '")],
    ),
    "agents.kogwistar.translation.problems:_ACL": (
        SEARCH,
        [repeated("does not have "), repeated("a", "does not have ")],
    ),
    "agents.kogwistar.translation.scrub:TRACEBACK": (
        SEARCH,
        [SPACES, repeated(" \n", after="Traceback"), repeated(" T")],
    ),
    "agents.kogwistar.translation.scrub:FRAME": (
        SEARCH,
        [repeated('File "'), repeated('File "a", in '), repeated(" ", 'File "a"\n'), repeated('File "a"\n')],
    ),
    "agents.kogwistar.translation.scrub:_PLACE": (
        SEARCH,
        [repeated("/app"), repeated("/app/"), repeated("c:\\"), repeated("c:\\a")],
    ),
    "checks:_UNSAFE": (SEARCH, [repeated("<")]),
    "text.cleaning:_UNSTORABLE": (SEARCH, [repeated("\0")]),
    "text.confusing:_ASCII_WORD": (SEARCH, [repeated("a"), repeated("1")]),
    "text.confusing:_WORD": (SEARCH, [repeated("\u3164"), repeated("a")]),
    "text.confusing:_HTML_PART": (SEARCH, [repeated("<a"), repeated("<"), repeated("&"), repeated("&a;")]),
    "text.confusing:_BLANK": (SEARCH, [repeated("BLAN ")]),
    "text.confusing:[ -]": (SEARCH, [repeated("- ")]),
    "auth.cookies:_SECRET": (WHOLE, [repeated("a")]),
    "agents.attachments:[^a-z0-9]": (SEARCH, [repeated("/")]),
    "agents.attachments:`{3,}": (SEARCH, [repeated("`"), repeated("``a")]),
    r"agents.attachments:data:([\w.+-]+/[\w.+-]+)(?:;[\w=.-]+)*;base64,": (
        SEARCH,
        [repeated("a", "data:"), repeated("a", "data:a/"), repeated(";a", "data:a/b"), repeated("data:a/b;")],
    ),
    r"agents.openai_api.entry:[\w.+-]+/[\w.+-]+": (WHOLE, [repeated("a"), repeated("a/"), repeated("a", "a/", "!")]),
    "cli.styleguide.pages:_SCRIPT": (SEARCH, [repeated("<script "), repeated("<script>"), repeated(" ", "<script")]),
    "cli.styleguide.pages:_TOKEN": (SEARCH, [repeated("--chat-a"), repeated("--chat-a:"), repeated(" ", "--chat-a:")]),
    "endpoints.files:_RANGE": (WHOLE, [repeated("1", "bytes="), repeated("1-", "bytes=")]),
    "endpoints.form:_SUBMISSION": (WHOLE, [repeated("a", after="!")]),
    r"files.names:[/\\]": (SEARCH, [repeated("/")]),
    "files.settings:_TYPE": (WHOLE, [repeated("a"), repeated("a/"), repeated("a", "a/", "!")]),
    "files.types:_CONTROLS": (SEARCH, [repeated("\x00")]),
    "files.types:_HTML": (SEARCH, [repeated("<"), repeated("<!doctype "), repeated(" ", "<!doctype")]),
    "files.types:_SVG": (SEARCH, [repeated("<a"), repeated("<a:"), repeated("a", "<")]),
    "files.types:_TYPE": (WHOLE, [repeated("a"), repeated("a/"), repeated("a", "a/", "!")]),
    "forms.numbers:_NUMBER": (WHOLE, [repeated("1"), repeated("1."), repeated("1", after="e")]),
    "forms.reading:_BROKEN": (SEARCH, [repeated("\0")]),
    "store.file_stores:_KEY": (WHOLE, [repeated("a")]),
    "endpoints.exports:[^A-Za-z0-9.-]": (SEARCH, [repeated("/")]),
    "endpoints.inspector:[?#]": (SEARCH, [repeated("?")]),
    "endpoints.scripts:_RUNNER": (WHOLE, [repeated("a")]),
    "fragments.export.markdown:`+": (SEARCH, [repeated("`"), repeated("`a")]),
    r"fragments.export.markdown:([\\`*_\[\]<>&#|~$!])": (SEARCH, [repeated("*"), repeated("a")]),
    "fragments.export.read_only:_OUTSIDE": (SEARCH, [repeated("http:"), repeated("/", "http:")]),
    "fragments.export.read_only:_PICTURE": (
        WHOLE,
        [repeated("a", "data:image/"), repeated("a", "data:image/a;base64,", "!")],
    ),
    "http.attachment:[^A-Za-z0-9 ._()-]": (SEARCH, [repeated("/")]),
    "fragments.inspector.report:`+": (SEARCH, [repeated("`"), repeated("`a")]),
    "fragments.turns.citations:_NUMBERED": (
        SEARCH,
        [repeated('<a class="cite" id="'), repeated("a", '<a class="cite" id="')],
    ),
    "fragments.turns.citations:_WRITTEN": (SEARCH, [repeated('<a class="cite">['), repeated("1", '<a class="cite">[')]),
    "fragments.turns.sources:_WEB": (WHOLE, [repeated("https://")]),
    "http.headers:_EXACT_HOST": (WHOLE, [repeated("a", after="!"), repeated("a.", after="!")]),
    "http.headers:_HOST": (WHOLE, [repeated("a", after="!"), repeated("a.", after="!"), repeated("[:")]),
    "http.headers:_ORIGIN": (WHOLE, [repeated("a", "https://", "!"), repeated("a.", "https://", "!")]),
    "text.highlight:_SLOW": (SEARCH, [SPACES, repeated(" " * 199 + "x"), repeated("x" * 499 + "\n")]),
    "text.highlight:_CLASS": (WHOLE, [repeated("a", after="!")]),
    "auth.identity:_SIGNED": (WHOLE, [repeated("a", after="!"), repeated("a.", after="!")]),
    "observing:_BARE": (WHOLE, [repeated("a", after="!")]),
    "text.markdown.blocks:_NOT_TEXT": (SEARCH, [repeated("\0")]),
    "text.markdown.blocks:_FENCE": (WHOLE, [repeated("`", after="x")]),
    "text.markdown.blocks:_SLOW": (
        SEARCH,
        [
            SPACES,
            repeated("\t", "x\n", "x"),
            repeated("> ", "x\n", "x"),
            repeated(">", "x\n", "x"),
            repeated("-", "x\n"),
            repeated("-:", "x\n"),
            repeated(" -", "x\n"),
            repeated("-|" * 39 + "\n"),
            repeated("1. " * 99 + "\n"),
            repeated("1", "x\n"),
            repeated(" \n"),
        ],
    ),
    "text.markdown.links:_CITATION": (SEARCH, [repeated("["), repeated("1", "["), repeated("[12")]),
    "text.markdown.links:LINK": (WHOLE, [repeated("https:")]),
    "text.markdown.links:_UNSAFE_IN_URL": (SEARCH, [repeated("\\")]),
    "text.markdown.links:_BARE_LINK": (
        SEARCH,
        [
            repeated("a@"),
            repeated("a.", after="@"),
            repeated("a-", "a@b."),
            repeated("www."),
            repeated("https://"),
            repeated("https://a"),
            repeated("a", "https://", "_"),
            repeated("a@b_.c-"),
            repeated("[", "https://"),
            repeated(":", "https://["),
        ],
    ),
    "text.markdown.links:_ASCII": (SEARCH, [repeated("a<")]),
    "text.markdown.links:[/?#]": (SEARCH, [repeated("?")]),
    "text.markdown.renderer:_HTML_TAG": (
        SEARCH,
        [repeated("<a"), repeated("<a "), repeated("a", "<"), repeated(" /", "<a")],
    ),
    "text.markdown.renderer:_HTML_START": (SEARCH, [repeated("<")]),
    "text.markdown.renderer:_IMAGE": (WHOLE, [repeated("a", "https://", "!"), repeated("1", "https://a:", "!")]),
    "text.markdown.renderer:_IMAGE_DATA": (WHOLE, [repeated("a", "data:image/png;base64,", "!")]),
    "text.markdown.mathematics:_DISPLAY": (
        SEARCH,
        [
            SPACES,
            repeated(" \\[\n"),
            repeated("\\["),
            repeated(" \n"),
            repeated("$$\n"),
            repeated("a", "$$"),
            repeated("$"),
            repeated("> "),
            repeated("- "),
            repeated("1", after="."),
        ],
    ),
    "text.markdown.mathematics:_DISPLAY_LINE": (WHOLE, [SPACES, repeated(" "), repeated(" ~~~")]),
    "text.markdown.mathematics:_INLINE": (
        SEARCH,
        [
            repeated("\\("),
            repeated("\\["),
            repeated("\\(\\["),
            repeated("\\a", "\\("),
            repeated("\\["),
            repeated("]("),
            repeated("](<"),
            repeated("](\\("),
            repeated("(", "]("),
            repeated("[", "\n"),
            repeated("[a]: ", "\n"),
            repeated("\\[ ", "\n", "x"),
            repeated("\\]. "),
            repeated(" ", "\\[", "x"),
            repeated(" ", "\n", "\\]"),
            repeated("> \n"),
            repeated("\\"),
            repeated("$"),
            repeated("$$a"),
            repeated("$$a$"),
            repeated("\\$", "$$"),
            repeated("a", "$$", "$"),
            repeated("$a"),
            repeated("$a "),
            repeated(" $a"),
            repeated(" $a$b"),
            repeated(" ", "$a", "$"),
            repeated("\\$", "$a"),
        ],
    ),
    "text.markdown.mathematics:_FORMULA": (SEARCH, [repeated("\\"), repeated("a")]),
    "text.markdown.mathematics:_BEGINNING": (SEARCH, [SPACES]),
    "text.markdown.mathematics:_NAMES": (
        SEARCH,
        [repeated("\\text"), repeated("\\text{"), repeated("a", "\\text{"), repeated("a", "\\")],
    ),
    "text.markdown.mathematics:_WORDS": (SEARCH, [SPACES, repeated("a "), repeated("a")]),
    "text.markdown.mathematics:_AFTER_AMOUNT": (SEARCH, [SPACES, repeated("(a")]),
    "text.markdown.mathematics:_COMMAND": (SEARCH, [repeated("\\")]),
    "text.markdown.formulas:_OPENING": (SEARCH, [repeated(stood_in("\\")), repeated(stood_in("$"))]),
    "text.markdown.small:_WRITTEN": (
        SEARCH,
        [
            repeated("[^"),
            repeated("a^"),
            repeated("a~"),
            repeated("]("),
            repeated("a", "]("),
            repeated(" ", "\n"),
            repeated("> ", "\n", "[^1]:"),
            repeated("\n:"),
        ],
    ),
    "text.markdown.small:_READ": (SEARCH, [repeated(SUB), repeated("a", SUB), repeated("1", f"{NOTE}^")]),
    "fragments.turns.citations:_NOTE": (SEARCH, [repeated('<a class="note" href="#')]),
    "text.mathml:_DEFINES": (SEARCH, [repeated("\\"), repeated("\\def", after="a")]),
    "text.mathml:_ENVIRONMENT": (SEARCH, [repeated("\\begin{"), repeated("a", "\\begin{")]),
    "text.mathml:_LABEL": (SEARCH, [repeated("\\label{"), repeated("a", "\\label{")]),
    "text.mathml:_NUMBERED": (SEARCH, [repeated("\\begin{")]),
    "text.mathml:_TOKEN": (SEARCH, [repeated("\\"), repeated("a", "\\"), SPACES]),
    "text.mathml:_TAG": (
        SEARCH,
        [repeated("<a"), repeated("a", "<"), repeated("<a /"), repeated(' a="a"', "<a"), repeated(" a")],
    ),
    "text.mathml:_ATTRIBUTE": (SEARCH, [repeated("a"), repeated(' a="'), repeated("a", ' a="'), SPACES]),
    "text.mathml:_ENTITY": (SEARCH, [repeated("&"), repeated("a", "&")]),
    "text.mathml:_LENGTH": (WHOLE, [repeated("1"), repeated("0.1")]),
    "text.markdown.stand_ins:_RUN": (
        SEARCH,
        [SPACES, repeated("*", after="_"), repeated("_*"), repeated("\\"), repeated("> ")],
    ),
    "text.markdown.stand_ins:_RUN_PARTS": (SEARCH, [repeated("~"), repeated("~*"), repeated("*")]),
    "live.patches:_CLOSER": (SEARCH, [repeated("</b"), repeated(" ", "</b>"), repeated("a", "</")]),
    "live.patches:_TAG": (
        SEARCH,
        [
            repeated("<b"),
            repeated("<b '"),
            repeated('<b "'),
            repeated("a", "<"),
            repeated(" /", "<b"),
            repeated('"a"', "<b "),
        ],
    ),
    "text.redaction:_KEY": (SEARCH, [repeated("token"), repeated("set-"), repeated("api_"), repeated("session")]),
    "text.redaction:_CAMEL": (SEARCH, [repeated("aB")]),
    "text.redaction:_VALUES": (
        SEARCH,
        [
            repeated("eyJ-"),
            repeated("eyJ-", after=".bbbbbb"),
            repeated("eyJ-", after=".bbbbbb.c"),
            repeated("-", after=".bbbbbb.c"),
            repeated("a.bbbbbb."),
            repeated("eyJaaaaaa."),
            repeated("bearer "),
            repeated(" ", "bearer", "!"),
            repeated("sk-"),
            repeated("sk-a "),
            repeated("ghp_"),
            repeated("AKIA"),
            repeated("xoxb-"),
            repeated("-----BEGIN "),
            repeated("A", "-----BEGIN "),
            repeated("PRIVATE KEY", "-----BEGIN "),
            repeated("-----END ", "-----BEGIN PRIVATE KEY-----"),
            repeated("A", "-----BEGIN PRIVATE KEY----------END "),
            repeated("://"),
            repeated("://a:"),
            repeated("a", "://", "x"),
            repeated("a", "://a:", " "),
        ],
    ),
    r"agents.stub:\S+\s*|\s+": (SEARCH, [SPACES, repeated("a ")]),
    r"agents.stub:([!-'*-/:-@\[-`{-~])": (SEARCH, [repeated("*")]),
    "scripts.excerpt:_FRAME": (
        SEARCH,
        [repeated('  File "script.py", line 1,'), repeated('  File "script.py", line 1,\n'), repeated("\n")],
    ),
    "scripts.excerpt:_TAG": (SEARCH, [repeated("<svg"), repeated("<svg ")]),
    "scripts.excerpt:_SIZE": (
        SEARCH,
        [
            repeated("width='1"),
            repeated("height='1."),
            repeated("viewBox='"),
            repeated(" ", "viewBox='1"),
            repeated("1"),
        ],
    ),
    "scripts.files:_FORMULA": (SEARCH, [repeated("=")]),
    "scripts.settings:_ORIGIN": (WHOLE, [repeated("a.", "https://", "!")]),
    "store.rows:_ID": (WHOLE, [repeated("a")]),
    "text.zones:_NAME": (WHOLE, [repeated("a", after="!"), repeated("a/", after="!"), repeated("a_+-", after="!")]),
    "urls:_BACK": (WHOLE, [repeated("/", "/", "<"), repeated("?", "/", "<")]),
}


# Alternatives of escaped words, of at most as many characters as a search may have.
MADE_OF_PLAIN_WORDS = {"fragments.history.rows:f'({anyone})'"}
# Tried below, one by one.
FORMATS_OF_FORMS = {
    "forms.formats:known.pattern",
    "forms.reading:FORMATS['time' if field.kind == 'time' else 'date-time'].pattern",
    "forms.reading:form.pattern",
}


def test_every_regular_expression_has_inputs_against_it() -> None:
    # The scripts and style sheets of the package itself are all that is joined.
    found = {each for each in patterns() if not each.startswith("http.joining:")}
    assert found == {*INPUTS, *MADE_OF_PLAIN_WORDS, *FORMATS_OF_FORMS}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", ["a", "a.", "a-", "1", "1:", "1.", "a@", "@"])
def test_no_text_makes_the_format_of_a_field_slow(name: str, text: str) -> None:
    compiled = re.compile(FORMATS[name].pattern)
    for before in ("", "a@", "https://", "2027-01-31T"):
        made = repeated(text, before, "!")
        assert_grows_with_the_length(lambda n, made=made: compiled.fullmatch(made(n)))  # type: ignore[misc]


def found(compiled: re.Pattern[Any], text: str) -> Iterator[Any]:
    return compiled.finditer(text.encode() if isinstance(compiled.pattern, bytes) else text)


def pattern(place: str) -> re.Pattern[Any]:
    module, _, name = place.partition(":")
    if name.isidentifier():
        found = getattr(import_module(f"htmxchat.{module}"), name)
        assert isinstance(found, re.Pattern)
        return found
    return re.compile(name)


@pytest.mark.parametrize("place", INPUTS)
def test_no_text_makes_a_regular_expression_slow(place: str) -> None:
    how, texts = INPUTS[place]
    compiled = pattern(place)
    for text in texts:
        if how == WHOLE:
            assert_grows_with_the_length(lambda n, text=text: compiled.fullmatch(text(n)))  # type: ignore[misc]
        else:
            assert_grows_with_the_length(lambda n, text=text: sum(1 for _ in found(compiled, text(n))))  # type: ignore[misc]


def test_the_measure_finds_what_is_quadratic() -> None:
    with pytest.raises(pytest.fail.Exception):
        assert_grows_with_the_length(lambda n: re.search(" +$", " " * (n // 4) + "x"))


BLANK_LINES = repeated("\n", "a", "b")
MARKDOWN: dict[str, Text] = {
    "spaces": SPACES,
    "spaces in a fence": repeated(" ", "```\nx\n", "x\n```"),
    "quotes on many lines": repeated(">" * 99 + "\n"),
    "lists on many lines": repeated("- " * 99 + "a\n"),
    "what is dear, often": repeated("> " * 100 + "\n\nx\n\n"),
    "a wide table, often": repeated("|a\n" + "-|" * 40 + "\n\nx\n\n"),
    "brackets": repeated("["),
    "closing brackets": repeated("]", "[" * 100),
    "links": repeated("[a]("),
    "images": repeated("!["),
    "emphasis": repeated("*a _b "),
    "emphasis in Chinese": repeated("**注意：**正文"),
    "unclosed emphasis in Chinese": repeated("**「文"),
    "strikethrough": repeated("~~注：~~~~a ~"),
    "mathematics": repeated("\\(a\\) \\[b=c\\] "),
    "unclosed mathematics": repeated("\\(\\["),
    "mathematics on lines": repeated("\\[\na\n\\]\n"),
    "unclosed mathematics on lines": repeated("\\[\n"),
    "mathematics between dollars": repeated("$$a_1$$ $$"),
    "mathematics between dollars on lines": repeated("$$\na\n$$\n"),
    "unclosed mathematics after dollars": repeated("$$ a = b\n\n"),
    "mathematics between single dollars": repeated("$a_1$ "),
    "unclosed mathematics after a dollar": repeated("$a "),
    "mathematics in a formula": repeated("\\[\n\\(a\n", after="\\]"),
    "groups in a formula": repeated("{", "$$\n", "\n$$"),
    "formulas too long": repeated("a+", "$$\n", "\n$$"),
    "footnotes": repeated("a[^1]\n\n[^1]: b\n"),
    "marks of footnotes": repeated("[^1]"),
    "footnotes in footnotes": repeated("[^1]: "),
    "definition lists": repeated("a\n: b\n\n"),
    "definitions of one term": repeated(": a\n", "b\n"),
    "definitions in definitions": repeated(": ", "a\n"),
    "alerts": repeated("> [!NOTE]\n> a\n\n"),
    "alerts in alerts": repeated("> [!NOTE]\n> "),
    "subscripts": repeated("a~1~^2^"),
    "prices": repeated("$5 "),
    "prices without spaces": repeated("$5"),
    "mathematics that is none": repeated("\\[a\n"),
    "backticks": repeated("` `` ``` "),
    "code fences": repeated("```\n"),
    "tags": repeated("<b>"),
    "open tags": repeated("<a b='"),
    "declarations": repeated("<!A"),
    "comments": repeated("<!--"),
    "processing instructions": repeated("<?"),
    "entities": repeated("&#"),
    "cells": repeated("a|b\n", "a|b\n-|-\n"),
    "definitions": repeated("[a]: /u\n"),
    "unclosed definitions": repeated("[a]: '\n"),
    "hard breaks": repeated("a\\\n"),
    "links in Chinese": repeated("https://a.example。"),
    "links with brackets": repeated(")", "https://a.example/"),
    "links with ends": repeated("。", "https://a.example/"),
    "links that are none": repeated("http://a_b/"),
    "links with names": repeated("a:", "https://", "@b"),
    "mail": repeated("a@"),
    "blank lines": BLANK_LINES,
    "carriage returns": repeated("\r"),
}


@pytest.mark.parametrize("name", MARKDOWN)
def test_no_text_makes_markdown_slow(name: str) -> None:
    text = MARKDOWN[name]
    assert_grows_with_the_length(lambda n: Markdown().blocks(text(n)))


SCAN: dict[str, tuple[Callable[[str], object], list[Text]]] = {
    "bare links": (with_links, [MARKDOWN[name] for name in MARKDOWN if "link" in name or name == "mail"]),
    "stand-ins": (prepare, [MARKDOWN[name] for name in MARKDOWN if "math" in name or "Chinese" in name]),
    "blocks": (lambda text: list(parse(text)), [SPACES, MARKDOWN["what is dear, often"]]),
    "secrets": (redaction.redact_text, [repeated("eyJ-"), repeated("-----BEGIN PRIVATE KEY-----")]),
    "keys": (redaction.names_secret, [repeated("tokenA"), repeated("aB")]),
    "a terminal": (
        ansi_html,
        [repeated("\x1b[31;1m"), repeated("a\r"), repeated("\x1b[" + "1;" * 19 + "m"), repeated("\n\r")],
    ),
    "a terminal, plain": (plain, [repeated("\x1b["), repeated("a\r")]),
    "one line": (lambda text: one_line(text, 80), [repeated("a "), repeated("\n"), repeated(" \n")]),
    "kogwistar's texts": (scrub.scrub_text, [SPACES, repeated('File "'), repeated("/app/"), repeated("c:\\a")]),
    "kogwistar's failures": (problems.plain, [SPACES, repeated("/"), repeated("a?b"), repeated("Traceback ")]),
    "code to approve": (
        lambda text: render(code_lines(text)),
        [
            repeated("\u202e"),
            repeated("é а"),
            repeated("\u3164"),
            repeated("א"),
            repeated("а"),
            repeated("\r"),
            repeated("\n"),
        ],
    ),
    "growth of nested elements": (lambda text: growth(f"{text}a", f"{text}ab"), [repeated("</b>"), repeated("</b> ")]),
    "growth": (
        lambda text: growth(f"<p>{text}</p>", f"<p>{text}a</p>"),
        [repeated("<b></b>"), repeated("<b x=''>"), repeated(" ")],
    ),
}


@pytest.mark.parametrize("name", SCAN)
def test_no_text_makes_a_scan_slow(name: str) -> None:
    scan, texts = SCAN[name]
    for text in texts:
        assert_grows_with_the_length(lambda n, text=text: scan(text(n)))  # type: ignore[misc]


def log(bodies: Iterable[EventBody]) -> list[RunEvent]:
    return [RunEvent(seq, AT + timedelta(milliseconds=seq), body) for seq, body in enumerate(bodies, 1)]


LOGS: dict[str, Callable[[int], Sequence[EventBody]]] = {
    "tool calls": lambda n: [each for i in range(n) for each in (ToolStarted(f"c{i}", f"t{i}"), ToolFinished(f"c{i}"))],
    "open tool calls": lambda n: (
        [ToolStarted(f"c{i}", "t") for i in range(n)] + [ToolFinished(f"c{i}") for i in range(n)]
    ),
    "one tool call": lambda n: [each for _ in range(n) for each in (ToolStarted("c", "t"), ToolFinished("c"))],
    "tool calls without an id": lambda n: (
        [ToolStarted("", "t") for _ in range(n)] + [ToolFinished("") for _ in range(n)]
    ),
    "scripts": lambda n: (
        [
            *(ScriptProposed(f"s{i}", "1") for i in range(n)),
            *(ScriptFinished(f"s{i}", ScriptState.DONE) for i in range(n)),
        ]
    ),
    "thoughts": lambda n: [each for i in range(n) for each in (ReasoningDelta("a"), TextDelta("b"))],
    "sources": lambda n: [SourcesFound((Source(str(i)),)) for i in range(n)],
    "custom parts": lambda n: [Custom("drawn", i) for i in range(n)],
    "records of custom parts": lambda n: [Custom("other", i) for i in range(n)],
    "updates of a custom part": lambda n: [Custom("drawn", i, "key") for i in range(n)],
    "results that are drawn": lambda n: (
        [each for i in range(n) for each in (ToolStarted(f"c{i}", "drawn"), ToolFinished(f"c{i}"))]
    ),
    "questions": lambda n: [
        each for i in range(n) for each in (InputRequested(f"q{i}", "?"), InputAnswered(f"q{i}", "!"))
    ],
}


@pytest.mark.parametrize("name", LOGS)
def test_no_log_makes_its_folds_slow(name: str) -> None:
    logs = {n: log(LOGS[name](n // 8)) for n in (SHORT, SHORT * TIMES)}
    drawings = Drawings(Drawer({"drawn": lambda data, _: str(data)}), at_once=True)
    context = TurnContext(Urls(), Markdown(), can_run_scripts=True, drawings=drawings)
    views = {n: fold(events) for n, events in logs.items()}
    assert_grows_with_the_length(lambda n: fold(logs[n]))
    assert_grows_with_the_length(lambda n: list(rows(logs[n])))
    assert_grows_with_the_length(lambda n: timeline(logs[n]))
    assert_grows_with_the_length(lambda n: turn_tail("r", views[n], context))
    assert_grows_with_the_length(lambda n: turn_parts("r", views[n], context))


LIVE: dict[str, Callable[[int], Sequence[EventBody]]] = {
    **{name: LOGS[name] for name in ("tool calls", "custom parts", "updates of a custom part")},
    "tool calls that come back late": lambda n: [
        *(ToolStarted(f"c{i}", "t") for i in range(n)),
        TextDelta("Done."),
        *(ToolFinished(f"c{i}") for i in range(n)),
    ],
    "text between tool calls": lambda n: [
        each for i in range(n) for each in (ToolStarted(f"c{i}", "t"), TextDelta("word " * 200), ToolFinished(f"c{i}"))
    ],
    "reasoning": lambda n: [ReasoningDelta("word ") for _ in range(n)],
    "replaced text": lambda n: [each for i in range(n) for each in (ToolStarted(f"c{i}", "t"), TextReplaced(f"a{i}"))],
    "text that is taken back": lambda n: [
        each for i in range(n) for each in (TextDelta("a"), ToolStarted(f"c{i}", "t"), TextReplaced(""))
    ],
    "text that is replaced by what it is": lambda n: [
        *(each for i in range(n // 8) for each in (TextDelta("a"), ToolStarted(f"c{i}", "t"))),
        *(TextReplaced("a\n\n" * (n // 8)) for _ in range(8)),
    ],
    "tools that change their name": lambda n: [ToolStarted("c", "drawn" if i % 2 else "t") for i in range(n)],
}


@pytest.mark.parametrize("name", LIVE)
def test_no_log_makes_a_page_that_follows_it_slow(name: str) -> None:
    logs = {n: log(LIVE[name](n // 32)) for n in (SHORT, SHORT * TIMES)}
    drawings = Drawings(Drawer({"drawn": lambda data, _: str(data)}), at_once=True)
    context = TurnContext(Urls(), Markdown(), can_run_scripts=True, drawings=drawings)

    def follow(n: int) -> None:
        live = LiveTurn("r", context)
        for event in logs[n]:
            live.advance([event], pause=True)

    assert_grows_with_the_length(follow)


VALUES: dict[str, Callable[[int], Any]] = {
    "a wide list": lambda n: list(range(n)),
    "a wide object": lambda n: {f"k{i}": i for i in range(n)},
    "wide and deep": lambda n: [[[[{"a": [i]}]]] for i in range(n // 8)],
    "a deep one": lambda n: _deep(60, ["a"] * n),
    "a long text": lambda n: "<a>" * n,
    "a long key": lambda n: {"a" * n: {"b" * n: 1}},
}


def _deep(depth: int, value: Any) -> Any:
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("name", VALUES)
def test_no_value_makes_what_shows_it_slow(name: str) -> None:
    value = VALUES[name]
    assert_grows_with_the_length(lambda n: json_tree(value(n)))
    assert_grows_with_the_length(lambda n: redaction.redact(value(n)))
    assert_grows_with_the_length(lambda n: state_diff(value(n), [value(n)]))
    assert_grows_with_the_length(lambda n: state_diff({"a": value(n)}, {"a": value(n + 1)}))


def test_a_long_answer_is_translated_in_time() -> None:
    def translate(n: int) -> None:
        translator = Translator()
        for seq in range(n):
            event = {"delta": "a" * 400, "chunk_index": seq}
            translator.add(ServerEvent(seq + 1, "output.delta", AT, event, event))

    assert_grows_with_the_length(translate)


def test_no_regular_expression_of_a_page_can_be_made_slow() -> None:
    # What repeats in them is bounded, or cannot match what comes after it, or begins at the start of the text.
    begun = re.compile(r"(?:(?<=[=(,:] )|(?<=\())/(?![/* ]).*/")
    found = {
        line[1].strip()
        for path in sorted(PACKAGE.glob("static/js/**/*.js"))
        for line in re.finditer(r"^(?! *(?:\*|/\*|//))(.*)$", path.read_text("utf-8"), re.MULTILINE)
        if begun.search(line[1])
    }
    assert found == {
        r"const ENDING = /^[a-z0-9]{1,8}$/;",
        r"const TOLD = /^(audio|font|image|video)\//;",
        r"const ending = file.name.match(/^image(\.\w+)$/)?.[1];",
        r'const [stem, ending] = [file.name.replace(/\.\w+$/, ""), file.name.match(/\.\w+$/)?.[0] ?? ""];',
        r'template.innerHTML = FRAME.replace(/>\s+</g, "><");',
        r'tile = /** @type {HTMLElement} */ (tilesOf(TILE.replace(/>\s+</g, "><"))[0]);',
        r"const FORMULA = /^[=+\-@\t\r]/;",
        r"const NUMBER = /^[+-]?[0-9][0-9.,]*%?$/;",
        'return action?.replace(/messages$/, "changes") ?? this.getAttribute("hx-get");',
        "const STACK = /stack switch/;",
        r"const NETWORK = /^(?:urllib\.error\.URLError|socket\.gaierror): |: TLS not supported in this environment$/;",
        r"const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;",
        r"const MAC = /Mac|iPhone|iPad/.test(navigator.platform);",
        r'const address = turn.querySelector("chat-live")?.getAttribute("data-poll")?.replace(/poll$/, "state");',
        r'const next = url.replace(run, id).replace(/\?.*/, "");',
        r'const run = /\/runs\/([^/?]+)/.exec(url)?.[1] ?? "";',
        r"const words = this.#field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);",
        r'if (!document.title.startsWith(MARK)) document.title = `${MARK}${document.title.replace(/^○ /, "")}`;',
        r'return between ? "" : data.replace(/\s+/g, " ");',
        r'return lines.join("\n").replace(/\n{3,}/g, "\n\n").trim();',
        r"const MODULE = /^[\p{L}_][\p{L}\p{N}_]{0,99}$/u;",
        r'return text.slice(0, low).replace(/[\ud800-\udbff]$/, "");',
        r'const lines = text.replace(/^\s*\n/, "").trimEnd().split("\n");',
        r"const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.?)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]/gs;",  # noqa: E501
        r"const PYTHON = /^language-(?:python|python3|py)$/i;",
    }
