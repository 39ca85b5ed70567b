"""Citations: `[1]` in an answer leads to its source, and the source back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from htmxchat import events as e
from htmxchat.events import Source, SourcesFound, TextDelta
from htmxchat.fragments.turns import citations
from htmxchat.fragments.turns.context import TurnContext
from htmxchat.fragments.turns.sources import answer_text
from htmxchat.live.patches import render_patches
from htmxchat.live.turn import LiveTurn
from htmxchat.models import Run, RunState, Turn
from htmxchat.text.markdown import Markdown
from htmxchat.urls import Urls

from .support import Element, open_page

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUN = Run("r", "talk", "ann", "turn", RunState.RUNNING, NOW)
CONTEXT = TurnContext(Urls(), Markdown())
HOSTILE = "<b onclick=x>\"'</a>[1]"
DOCS = Source("Docs", "https://docs.example/", "section 3", "words")
WIKI = Source("Wiki")


def log(*bodies: e.EventBody, over: bool = True) -> tuple[e.RunEvent, ...]:
    ends = [e.RunEnded(e.Outcome.COMPLETED)] if over else []
    return tuple(e.RunEvent(seq, NOW, body) for seq, body in enumerate([e.RunStarted(), *bodies, *ends], 1))


def turn(*bodies: e.EventBody, over: bool = True) -> Turn:
    text = "".join(body.text for body in bodies if isinstance(body, TextDelta))
    return Turn("r", "assistant", text, NOW, RUN, log(*bodies, over=over))


def show(*bodies: e.EventBody, over: bool = True) -> Element:
    return open_page(turn(*bodies, over=over), CONTEXT)


def links(page: Element) -> list[str]:
    return [each["href"] for each in page.all("a", cls="cite") if "href" in each.attributes]


def sent(*bodies: e.EventBody, over: bool = True) -> list[str]:
    """Return each message of an active answer."""
    live = LiveTurn("r", CONTEXT)
    return [render_patches(live.advance([event], pause=True)) for event in log(*bodies, over=over)]


@pytest.mark.parametrize(
    "text", ["Slow [1].", "slow[1]", "**[1]**", "- [1]", "# [1]", "|a|\n|-|\n|[1]|", "[1][9]", "see [1]: yes"]
)
def test_a_number_of_a_source_is_a_link_to_it(text: str) -> None:
    page = show(TextDelta(text), SourcesFound((DOCS,)))
    assert links(page) == ["#source-r-1"]
    assert page.one("a", href="#source-r-1")["title"] == "Docs"
    assert page.one(id="source-r-1").one("a", cls="source")["href"] == "https://docs.example/"


@pytest.mark.parametrize(
    "text",
    [
        *("`list[1]`", "```\n[1]\n```", "    [1]", "[^1]", "[0]", "[01]", "[1000]", "[2]", "[ 1]", "[1, 2]", "[one]"),
        *(
            "[1](https://a.example)",
            "[see [1] there](https://a.example)",
            "![[1]](x)",
            "see [1]\n\n[1]: https://a.example",
        ),
        *("https://a.example/[1]", "<div>[1]</div>", "[\u0661]"),
    ],
)
def test_what_is_no_citation_is_no_link_to_a_source(text: str) -> None:
    assert links(show(TextDelta(text), SourcesFound((DOCS,)))) == []


def test_a_number_without_a_source_is_text() -> None:
    page = show(TextDelta("[1] and [3]"), SourcesFound((DOCS,)))
    assert page.one(cls="prose").text == "[1] and [3]"
    (without,) = (each for each in page.all("a", cls="cite") if "href" not in each.attributes)
    assert without.text == "[3]"
    assert "tabindex" not in without.attributes


def test_a_source_that_comes_later_changes_only_what_cites_it() -> None:
    text = TextDelta("Again " * 100 + "[1] and [2] and [1].\n\nMore [2]")
    *_, message = sent(text, SourcesFound((DOCS,)), over=False)
    assert message.count('href="#source-r-1"') == 2
    assert "Again" not in message and "[2]" not in message


def test_sources_are_numbered_across_events() -> None:
    page = show(SourcesFound((DOCS,)), TextDelta("[2]"), SourcesFound((WIKI,)))
    assert links(page) == ["#source-r-2"]
    assert page.one(id="source-r-2").one("b").text == "Wiki"


def test_a_source_leads_back_to_where_it_is_cited_once_the_answer_is_over() -> None:
    bodies = (TextDelta("[1] [2] [1]"), SourcesFound((DOCS, WIKI, DOCS)))
    assert not show(*bodies, over=False).all(cls="places")
    page = show(*bodies)
    for source, count in ((1, 2), (2, 1)):
        back = page.one(id=f"source-r-{source}").one(cls="places").all("a")
        assert [page.one(id=each["href"][1:]).text for each in back] == [f"[{source}]"] * count
    assert not page.one(id="source-r-3").all(cls="places")
    many = show(TextDelta("[1] " * 50), SourcesFound((DOCS,)))
    assert len(many.one(cls="places").all("a")) < 10


def test_more_than_three_sources_are_folded() -> None:
    few = show(SourcesFound((DOCS,) * 3)).one(id="sources-r")
    assert not few.all("details")
    page = show(SourcesFound((DOCS,) * 8))
    fold = page.one(id="sources-r").one("details")
    assert fold.one("summary").text == "5 more sources"
    assert "open" not in fold.attributes
    assert [each["id"] for each in fold.one("ol").elements] == [f"source-r-{number}" for number in range(4, 9)]
    assert fold.one("ol")["start"] == "4"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Docs.example:8080/a", "docs.example:8080"),
        ("https://bank.example@evil.example/", "evil.example"),
        ("http://a.example?x", "a.example"),
    ],
)
def test_a_source_on_the_web_says_where_it_leads(url: str, host: str) -> None:
    assert show(SourcesFound((Source("S", url),))).one(cls="host").text == host


@pytest.mark.parametrize("url", [None, "", "javascript:alert(1)", "/x", "https://[x", "https:", "ftp://a.example/"])
def test_a_source_that_is_not_on_the_web_does_not_look_like_a_link(url: str | None) -> None:
    source = show(SourcesFound((Source("S", url),))).one(id="source-r-1")
    assert not source.all("a") and not source.all(cls="host")
    assert source.one("b").text == "S"


def test_hostile_sources_stay_text() -> None:
    source = Source(HOSTILE, "https://a.example/" + HOSTILE, HOSTILE, HOSTILE)
    page = show(TextDelta("[1]"), SourcesFound((source,)))
    assert page.one("a", cls="cite")["title"] == HOSTILE
    assert page.one(id="source-r-1").one("b").text == HOSTILE
    assert not [each for each in page if any(name.startswith("on") for name in each.attributes)]
    assert len(page.all("a", cls="cite")) == 1


def test_text_cannot_forge_a_citation() -> None:
    forged = '<a class="cite" id="cite-r-0" href="#x">[1]</a> `<a class="cite">[1]</a>` &lt;a class="cite"&gt;'
    page = show(TextDelta(forged), SourcesFound((DOCS,)))
    assert links(page) == ["#source-r-1"]
    assert len({each["id"] for each in page if "id" in each.attributes}) == len(
        [each for each in page if "id" in each.attributes]
    )


def test_a_title_that_says_nothing_is_replaced() -> None:
    page = show(SourcesFound((Source(" ", "https://a.example/"), Source(""))))
    assert [each.text for each in page.one(id="sources-r").all("b")] == ["a.example", "Source 2"]


def test_citations_have_a_bound() -> None:
    page = show(TextDelta("[1]" * (citations.MAX_CITATIONS + 10)), SourcesFound((DOCS,)))
    assert len(page.all("a", cls="cite")) == len(links(page)) == citations.MAX_CITATIONS


def test_the_same_ids_when_an_open_block_is_drawn_again() -> None:
    pieces = ["See [1]", " and **[1]", "** and [1]", ".\n\n[1]", "\n\n[1]"]
    page, live = show(over=False), LiveTurn("r", CONTEXT)
    bodies: list[e.EventBody] = [SourcesFound((DOCS,)), *map(TextDelta, pieces)]
    for event in log(*bodies):
        page.apply(render_patches(live.advance([event], pause=True)))
    assert [each["id"] for each in page.all("a", cls="cite")] == [f"cite-r-{number}" for number in range(5)]


def test_many_sources_found_one_by_one_cost_what_they_are() -> None:
    def cost(count: int) -> int:
        cited = (
            body
            for number in range(1, count + 1)
            for body in (TextDelta(f"word [{number}] "), SourcesFound((Source(f"Source {number}"),)))
        )
        return sum(map(len, sent(*cited)))

    assert cost(400) / cost(200) < 2.2


def test_each_source_is_sent_once() -> None:
    bodies = [SourcesFound((Source(f"title-{number}."),)) for number in range(20)]
    messages = "".join(sent(TextDelta("[1] [5]"), *bodies, TextDelta("[5]")))
    for number in range(20):
        assert messages.count(f">title-{number}.<") == 1


def test_a_copied_answer_has_its_sources() -> None:
    assert answer_text(turn(TextDelta("Slow."))) == "Slow."
    copied = answer_text(turn(TextDelta("Slow [1].\n"), SourcesFound((DOCS, Source("A\nwiki", "javascript:x")))))
    assert copied == "Slow [1].\n\nSources:\n\n1. Docs, section 3, https://docs.example/\n2. A\n"


def test_a_footnote_and_its_first_mark_lead_to_each_other_and_every_id_is_there_once() -> None:
    written = "One[^1], two[^2] and one again[^1].\n\n[^1]: First.\n\n[^1]: Once more.\n\n[^3]: Of no mark.\n\n"
    page = show(TextDelta(written), e.ToolStarted("1", "read"), e.ToolFinished("1"), TextDelta(written))
    ids = [each["id"] for each in page.all() if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    for place in (0, 2):
        marks = page.one(id=f"part-r-{place}").all("a", cls="note")
        assert [each.attributes.get("id") for each in marks] == [f"mark-r-{place}-1", f"mark-r-{place}-2", None]
        assert marks[2]["href"] == marks[0]["href"] == f"#note-r-{place}-1"
        note = page.one("div", id=f"note-r-{place}-1")
        assert note.one("a", cls="back")["href"] == f"#mark-r-{place}-1"
        assert not page.one("div", id=f"note-r-{place}-3").all("a")


@pytest.mark.parametrize("size", [1, 3, 40])
def test_footnotes_stream_as_a_reload_shows_them(size: int) -> None:
    written = "One[^1].\n\n[^1]: First[^2].\n\nMore[^1][^2]\n\n[^2]: Second.\n"
    pieces = [TextDelta(written[start : start + size]) for start in range(0, len(written), size)]
    replaced = e.TextReplaced("x[^2]\n\n[^2]: y")
    bodies: list[e.EventBody] = [*pieces, e.ToolStarted("1", "read"), *pieces, replaced, *pieces]
    page, live = show(over=False), LiveTurn("r", CONTEXT)
    for count, event in enumerate(log(*bodies), 1):
        page.apply(render_patches(live.advance([event], pause=True)))
        again = open_page(Turn("r", "assistant", "", NOW, RUN, log(*bodies)[:count]), CONTEXT)
        assert page.one(id="body-r").html == again.one(id="body-r").html
