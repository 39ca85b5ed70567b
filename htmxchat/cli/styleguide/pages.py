"""The pages of the style guide: tokens and a list of all components, and each component."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from ...fragments.icons import sprite
from ...fragments.turns.transcript import log
from ...html import FT, Child, raw, render, tag
from ...http.assets import STATIC
from ...urls import Urls
from .rooms import COMPOSER, CONVERSATION, HISTORY, INSPECTOR, PAGES, SCRIPTS
from .sheets import Sheet
from .turns import ANSWERS, MESSAGES, PARTS, PROPOSALS, QUESTIONS, STEPS

SHEETS = (
    MESSAGES, ANSWERS, STEPS, QUESTIONS, PROPOSALS, PARTS, COMPOSER, CONVERSATION, HISTORY, INSPECTOR, SCRIPTS, PAGES,
)  # fmt: skip
"""Every component."""

a, body, code, div, h1, h2, h3, head, html, iframe = map(
    tag, ["a", "body", "code", "div", "h1", "h2", "h3", "head", "html", "iframe"]
)
li, link, main, meta, p, section, span, ul = map(tag, ["li", "link", "main", "meta", "p", "section", "span", "ul"])

_TOKEN = re.compile(r"(--chat-[a-z0-9-]{1,40}):([^;]{1,400});")
_SCRIPT = re.compile(r"<script\b[^<>]*></script>")
_STYLE = (Path(__file__).parent / "styleguide.css").read_text("utf-8")
_THEMES = "light", "dark"


def style_guide(path: str, version: str) -> list[BaseRoute]:
    """Return the routes of the style guide of a chat.

    Args:
        path: Where the chat is mounted: empty, or with a slash before it.
        version: That of the chat's static files.
    """

    def urls(request: Request) -> Urls:
        root = request.scope.get("root_path", "").removesuffix("/styleguide")
        return Urls(root, version)

    async def index(request: Request) -> Response:
        return HTMLResponse(_document(urls(request), "Style guide", _index(), theme=None))

    async def style(request: Request) -> Response:
        return PlainTextResponse(_STYLE, media_type="text/css")

    async def sheet(request: Request) -> Response:
        names = request.path_params
        found = next((each for each in SHEETS if each.slug == names["sheet"]), None)
        number = names.get("number", 0)
        if found is None or number >= len(found.states):
            raise HTTPException(404)
        theme = request.query_params.get("theme")
        return HTMLResponse(_sheet(found, number, urls(request), theme if theme in _THEMES else None))

    routes = [
        Route("/", index),
        Route("/styleguide.css", style),
        Route("/{sheet}/", sheet),
        Route("/{sheet}/{number:int}", sheet),
    ]
    slash = RedirectResponse("styleguide/")
    return [Route(f"{path}/styleguide", slash), Mount(f"{path}/styleguide", routes=routes)]


def addresses() -> Iterator[str]:
    """Yield where each component is, below the style guide."""
    for sheet in SHEETS:
        if sheet.whole:
            yield from (f"{sheet.slug}/{number}" for number in range(len(sheet.states)))
        else:
            yield f"{sheet.slug}/"


def _sheet(sheet: Sheet, number: int, urls: Urls, theme: str | None) -> str:
    if sheet.whole:
        document = _SCRIPT.sub("", str(list(sheet.states.values())[number](urls)))
        return document.replace('<html lang="en"', f'<html lang="en" data-theme="{theme}"', 1) if theme else document
    shown = [
        section(h2(name, cls="guide-state"), log(div(draw(urls), cls="column")), cls="guide-case")
        for name, draw in sheet.states.items()
    ]
    return _document(urls, sheet.name, main(h1(sheet.name), *shown, cls="guide"), theme=theme)


def _document(urls: Urls, title: str, content: FT, *, theme: str | None) -> str:
    # Without the page's script: nothing here changes.
    document = html(
        head(
            meta(charset="utf-8"),
            meta(name="viewport", content="width=device-width, initial-scale=1"),
            meta(name="color-scheme", content=theme or "light dark"),
            tag("title")(title),
            [link(rel="stylesheet", href=urls.static(f"css/{name}.css")) for name in ("chat", "turns")],
            link(rel="stylesheet", href=f"{urls.root}/styleguide/styleguide.css"),
        ),
        body(sprite(), content, cls="htmxchat guide-page", data_theme=theme),
        lang="en",
        data_chat="guide",
    )
    return "<!doctype html>" + render(document)


def _index() -> FT:
    return main(
        h1("Style guide"),
        p("Every component in every state, from the fragments that the chat itself uses; light and dark."),
        section(h2("Tokens"), div(*[_tokens(theme) for theme in _THEMES], cls="guide-pair")),
        [_entry(sheet) for sheet in SHEETS],
        cls="guide",
    )


def _entry(sheet: Sheet) -> FT:
    if not sheet.whole:
        return section(h2(sheet.name), _frames(f"{sheet.slug}/", sheet.name), id=f"guide-{sheet.slug}")
    states: list[Child] = []
    for number, name in enumerate(sheet.states):
        states += [h3(name), _frames(f"{sheet.slug}/{number}", f"{sheet.name}, {name}")]
    return section(h2(sheet.name), states, id=f"guide-{sheet.slug}")


def _frames(address: str, name: str) -> FT:
    def frame(theme: str) -> FT:
        url = f"{address}?theme={theme}"
        return div(a(theme, href=url), iframe(src=url, title=f"{name}, {theme}", loading="lazy"))

    return div(*[frame(theme) for theme in _THEMES], cls="guide-pair")


def _tokens(theme: str) -> FT:
    tokens = dict[str, str]()
    for name, value in _TOKEN.findall((STATIC / "css/tokens.css").read_text("utf-8")):
        tokens.setdefault(name, value.strip())  # later ones are for special readers
    return div(ul(*[_token(*each) for each in tokens.items()], cls="guide-tokens"), cls="htmxchat", data_theme=theme)


def _token(name: str, value: str) -> FT:
    sample: dict[str, Any] = {"style": f"background: var({name})"}
    words: Child = None
    if "chat-font" in value or "chat-mono" in value or name.endswith(("font", "mono")):
        font = f"font-family: var({name})" if name.endswith(("font", "mono")) else f"font: var({name})"
        sample, words = {"style": font}, "Answer 42"
    elif "light-dark" not in value:
        sample = {"style": f"inline-size: min(var({name}), 100%); background: var(--chat-edge)"}
    return li(span(words or raw("&nbsp;"), cls="guide-sample", **sample), code(name))
