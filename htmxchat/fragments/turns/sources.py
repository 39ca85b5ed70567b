"""The sources of an answer, numbered. The first few stand in the open, the others are folded.

Hooks: `ol.sources`, `#sources-…`; in it `#source-…`, one of them; `#more-…` holds those that are folded. Once
the run has ended, `.places` leads from a source to where it is cited.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

from ...events import Source
from ...html import FT, Child, icon, raw, tag
from ...models import Turn
from ...text.cleaning import one_line
from ...text.confusing import marked
from ...text.phrases import count
from ...view import RunView, fold
from .citations import Citations

a, b, details, li, ol, p, span, summary = map(tag, ["a", "b", "details", "li", "ol", "p", "span", "summary"])

Numbered: TypeAlias = Sequence[tuple[int, Source]]

FEW = 3
"""So many sources stand in the open."""

_MAX_PLACES = 6
_MAX_LENGTH = 300
_WEB = re.compile(r"https?://[^/]", re.IGNORECASE)


def source_list(run_id: str, view: RunView, citations: Citations) -> FT:
    """Return the sources of an answer: an empty list while there are none."""
    numbered = list(enumerate(view.sources, 1))
    places = {} if view.state.live else citations_of(view, citations)
    items: list[Child] = [*source_items(run_id, numbered[:FEW], places)]
    if numbered[FEW:]:
        items.append(more_sources(run_id, numbered[FEW:], places))
    return ol(items, cls="sources", id=f"sources-{run_id}", aria_label="Sources")


def citations_of(view: RunView, citations: Citations) -> dict[int, list[str]]:
    """Return the ids of what cites each source that is cited."""
    return {number: citations.ids(number) for number in citations if number <= len(view.sources)}


def more_sources(run_id: str, numbered: Numbered, places: Mapping[int, Sequence[str]]) -> FT:
    """Return the fold with the sources after the first few."""
    return li(
        details(
            summary(icon("chevron", "icon chevron"), span(more_words(len(numbered)))),
            ol(source_items(run_id, numbered, places), start=str(FEW + 1), aria_label="More sources"),
            id=f"more-{run_id}",
        ),
        cls="others",
    )


def more_words(number: int) -> str:
    """Return what the fold says is in it."""
    return count(number, "more source")


def source_items(run_id: str, numbered: Numbered, places: Mapping[int, Sequence[str]]) -> list[FT]:
    """Return sources, each with its number; `places` has the ids of what cites them."""
    return [_item(run_id, number, each, places.get(number, ())) for number, each in numbered]


def _item(run_id: str, number: int, source: Source, places: Sequence[str]) -> FT:
    """Return one source. One with an address on the web is a link, and says where that leads."""
    host = _host(source.url or "")
    words: list[Child] = [
        span(str(number), cls="num"),
        " ",
        b(raw(marked(_title(source, host, number), 300)), dir="auto"),
    ]
    if host:
        words += [" ", span(raw(marked(host, 200)), cls="host")]
        named: FT = a(words, cls="source", href=source.url, rel="noopener noreferrer nofollow", target="_blank")
    else:
        named = span(words, cls="source")
    return li(
        named,
        _about(source),
        source_places(places) if places else None,
        id=f"source-{run_id}-{number}",
        # What leads here gives it the focus.
        tabindex="-1",
    )


def _about(source: Source) -> FT | None:
    """Return where in it, and the words that matter."""
    detail = span(raw(marked(source.detail, 500)), cls="detail", dir="auto") if source.detail.strip() else None
    excerpt = span(raw(marked(source.excerpt, 2_000)), cls="excerpt", dir="auto") if source.excerpt.strip() else None
    return p(detail, " " if detail and excerpt else None, excerpt, cls="about") if detail or excerpt else None


def source_places(ids: Sequence[str]) -> FT:
    """Return the links to what cites a source: the first few."""
    if len(ids) == 1:
        return span(a("↑", href=f"#{ids[0]}", aria_label="Back to the text"), cls="places")
    links = [
        [" ", a(letter, href=f"#{id}", aria_label=f"{letter}: back to the text")]
        for letter, id in zip(string.ascii_lowercase[:_MAX_PLACES], ids, strict=False)
    ]
    return span(span("↑", aria_hidden="true"), links, cls="places")


def sources_text(sources: Iterable[Source]) -> str:
    """Return sources as a list in Markdown, a line each."""
    return "\n".join(
        f"{number}. "
        + ", ".join(filter(None, (one_line(said[:_MAX_LENGTH], _MAX_LENGTH) for said in _said(number, each))))
        for number, each in enumerate(sources, 1)
    )


def answer_text(turn: Turn) -> str:
    """Return the text of an answer, and below it what its citations mean."""
    sources = sources_text(fold(turn.events).sources)
    return f"{turn.text.rstrip()}\n\nSources:\n\n{sources}\n" if sources else turn.text


def _said(number: int, source: Source) -> tuple[str, str, str]:
    host = _host(source.url or "")
    return _title(source, host, number), source.detail, source.url or "" if host else ""


def _title(source: Source, host: str, number: int) -> str:
    return source.title if source.title.strip() else host or f"Source {number}"


def _host(url: str) -> str:
    """Return the host of a web address; empty for any other address."""
    if not _WEB.match(url):
        return ""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""
