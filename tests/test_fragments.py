"""The fragments as functions: what they show, what they escape, and the hooks that scripts and hosts rely on."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from htmxchat import fragments
from htmxchat.events import (
    EventBody,
    InputRequested,
    Outcome,
    ReasoningDelta,
    RunEnded,
    RunEvent,
    RunStarted,
    Source,
    SourcesFound,
    StageChanged,
    TextDelta,
    ToolFinished,
    ToolStarted,
)
from htmxchat.fragments import (
    Frame,
    composer,
    composer_actions,
    conversation,
    history,
    history_items,
    message_page,
    notice,
    page,
    rename_form,
    turn,
)
from htmxchat.fragments.icons import sprite
from htmxchat.fragments.turns.tools import turn_step
from htmxchat.html import FT, render, tag
from htmxchat.models import Conversation, ConversationPage, Run, RunState, Starter, Turn
from htmxchat.parts import ToolCall
from htmxchat.urls import Urls

from .support import Element, context, parse

URLS = Urls("/mount", "v1")
FRAME = Frame("Meridian")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TALK = Conversation("c1", "u1", "Ingest latency", NOW - timedelta(days=9), NOW)
HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(1)'>&amp;"


def talks(*ages: timedelta, cursor: str | None = None) -> ConversationPage:
    items = [replace(TALK, id=f"c{number}", updated_at=NOW - age) for number, age in enumerate(ages)]
    return ConversationPage(tuple(items), cursor)


def room(talk: Conversation | None = TALK, *, text: str = "", live_run_id: str | None = None, **more: Any) -> FT:
    box = composer(urls=URLS, conversation_id=talk.id if talk else None, live_run_id=live_run_id, text=text)
    return conversation(urls=URLS, conversation=talk, composer=box, can_rename=True, can_delete=True, **more)


def side(found: ConversationPage | None = None, **more: Any) -> FT:
    found = talks(timedelta()) if found is None else found
    return history(found, urls=URLS, brand="Meridian", now=NOW, can_search=True, **more)


def whole(talk: Conversation | None = TALK, **more: Any) -> Element:
    html = page(
        urls=URLS, frame=FRAME, title="A title", history=side(**more), conversation=room(talk), current_url=URLS.home()
    )
    return parse(html)


def tree(*fragments: FT) -> Element:
    return parse(render(*fragments))


PAGES = {
    "conversation": whole(),
    "new conversation": whole(None, deleted="c9", user_name="Ada"),
    "live": parse(
        page(
            urls=URLS,
            frame=FRAME,
            title="t",
            history=side(),
            conversation=room(live_run_id="r1"),
            current_url=URLS.home(),
        )
    ),
    "rename": parse(
        page(
            urls=URLS,
            frame=FRAME,
            title="t",
            history=side(failure="Try later."),
            conversation=room(heading=rename_form(urls=URLS, conversation=TALK)),
            current_url=URLS.home(),
            room="history",
        )
    ),
    "message": parse(message_page(urls=URLS, frame=FRAME, title="Nothing here", sentence="It is gone.")),
}


@pytest.fixture(params=list(PAGES.values()), ids=list(PAGES))
def document(request: pytest.FixtureRequest) -> Element:
    found = request.param
    assert isinstance(found, Element)
    return found


class TestRooms:
    SIDE = fragments.Side("inspector", "Inspector", "inspect", "/mount/c/c1/runs")

    def document(self, *sides: fragments.Side, name: str = "conversation") -> Element:
        here = "/mount/c/c1"
        html = page(
            urls=URLS,
            frame=FRAME,
            title="t",
            history=side(),
            conversation=room(),
            current_url=here,
            sides=sides,
            room=name,
        )
        return parse(html)

    def test_a_closed_side_has_its_place_and_its_tab_and_shows_nothing(self) -> None:
        document = self.document(self.SIDE)
        found = document.one("aside", id="inspector")
        assert "hidden" in found.attributes and not found.children
        assert (found["data-url"], found["aria-label"]) == ("/mount/c/c1/runs", "Inspector")
        tab = document.one(cls="tabs").one("a", data_room="inspector")
        assert (tab["href"], tab.text) == ("/mount/c/c1/runs", "Inspector")
        assert not self.document().all("aside")

    def test_an_open_side_is_the_room_of_a_phone(self) -> None:
        document = self.document(replace(self.SIDE, content="Here"), name="inspector")
        found = document.one("aside", id="inspector")
        assert "hidden" not in found.attributes and found.text == "Here"
        assert document.one(cls="chat")["data-room"] == "inspector"
        assert document.one(cls="tabs").one(aria_current="page").text == "Inspector"

    def test_history_and_rooms_are_put_in_place_apart(self) -> None:
        rooms = self.document(self.SIDE).one(cls="rooms")
        assert "hx-history-elt" in rooms.attributes
        assert [each["id"] for each in rooms.elements] == ["conversation", "inspector"]


class TestEveryPage:
    def test_has_one_main_heading_in_one_main_part(self, document: Element) -> None:
        assert document.one("main").all("h1") == document.all("h1")
        assert len(document.all("h1")) == 1

    def test_gives_each_id_once(self, document: Element) -> None:
        ids = Counter(each["id"] for each in document if "id" in each.attributes)
        assert [id for id, count in ids.items() if count > 1] == []

    def test_points_below_the_mount_only(self, document: Element) -> None:
        names = ("href", "src", "action", "formaction", "hx-get", "hx-post")
        addresses = [each[name] for each in document for name in names if name in each.attributes]
        outside = [each for each in addresses if not each.startswith(("/mount/", "#"))]
        assert len(addresses) >= 5
        assert outside == []

    def test_has_no_inline_style_or_script(self, document: Element) -> None:
        for each in document:
            assert each.tag != "style"
            assert each.tag != "script" or (each["src"] and not each.text)
            assert not [name for name in each.attributes if name == "style" or name.startswith(("on", "hx-on"))]
            assert not [value for value in each.attributes.values() if value.startswith(("js:", "javascript:"))]

    def test_shows_only_icons_that_the_sprite_has(self, document: Element) -> None:
        drawn = {each["id"] for each in tree(sprite()).all("symbol")}
        assert {each["href"].removeprefix("#") for each in document.all("use")} <= drawn

    def test_names_every_field_and_button(self, document: Element) -> None:
        labelled = {each["for"] for each in document.all("label")}
        for each in [*document.all("input"), *document.all("textarea")]:
            assert each["id"] in labelled
        for each in [*document.all("button"), *document.all("summary"), *document.all("a")]:
            assert each.text.strip() or each.attributes.get("aria-label"), each.html

    def test_waits_for_its_script_before_htmx_looks_at_it(self, document: Element) -> None:
        assert "hx-ignore" in document.one("body").attributes
        loaded = [each["src"] for each in document.all("script")]
        assert [each.rsplit("/", 1)[1] for each in loaded] == ["htmx.js", "chat.js"]


HOSTILE_FRAGMENTS: dict[str, Callable[[], FT]] = {
    "titles in the list": lambda: side(ConversationPage((replace(TALK, title=HOSTILE),))),
    "the search": lambda: side(query=HOSTILE),
    "a search without results": lambda: side(ConversationPage(()), query=HOSTILE),
    "the user's name": lambda: side(user_name=HOSTILE),
    "a failure": lambda: side(failure=HOSTILE),
    "a deleted id": lambda: side(deleted=HOSTILE),
    "the brand and a cursor": lambda: history(talks(timedelta(), cursor=HOSTILE), urls=URLS, brand=HOSTILE, now=NOW),
    "a title and an id": lambda: room(replace(TALK, title=HOSTILE, id=HOSTILE)),
    "a draft": lambda: room(text=HOSTILE),
    "the greeting": lambda: room(None, greeting=HOSTILE, introduction=HOSTILE),
    "a starter": lambda: room(None, starters=[Starter(HOSTILE, HOSTILE)]),
    "the title's form": lambda: rename_form(urls=URLS, conversation=replace(TALK, title=HOSTILE)),
    "an error and a user": lambda: composer(urls=URLS, conversation_id=None, error=HOSTILE, user_key=HOSTILE),
    "a run's id": lambda: composer_actions(urls=URLS, live_run_id=HOSTILE),
    "a notice": lambda: notice(HOSTILE, retry_url=URLS.history(HOSTILE)),
}


class TestHostileText:
    @pytest.mark.parametrize("make", HOSTILE_FRAGMENTS.values(), ids=HOSTILE_FRAGMENTS.keys())
    def test_stays_text(self, make: Callable[[], FT]) -> None:
        html = render(make())
        assert "<script" not in html
        assert "<img" not in html
        assert not [each for each in parse(html) if "onerror" in each.attributes]

    def test_stays_text_in_the_title_and_on_message_pages(self) -> None:
        html = message_page(urls=URLS, frame=Frame(HOSTILE), title=HOSTILE, sentence=HOSTILE)
        html += page(urls=URLS, frame=FRAME, title=HOSTILE, history=None, conversation=None, current_url=URLS.home())
        assert "<script>" not in html
        assert "<img" not in html

    def test_is_shown_as_it_was_written(self) -> None:
        assert tree(room(replace(TALK, title=HOSTILE))).one("h1").text == HOSTILE
        assert tree(room(text=HOSTILE)).one("textarea").text == HOSTILE


class TestHistory:
    def test_groups_conversations_by_day(self) -> None:
        ages = (timedelta(), timedelta(days=1), timedelta(days=3), timedelta(days=30), timedelta(days=400))
        headings = [each.text for each in tree(*history_items(talks(*ages), urls=URLS, now=NOW, zone=UTC)).all("h2")]
        assert headings == ["Today", "Yesterday", "Previous 7 days", "October", "October 2025"]

    def test_says_a_time_today_and_a_day_before_to_screen_readers(self) -> None:
        ages = (timedelta(hours=1), timedelta(days=3), timedelta(days=30))
        times = tree(*history_items(talks(*ages), urls=URLS, now=NOW)).all("time")
        assert [each.text for each in times] == ["11:00 UTC", "Thu", "23 Oct"]
        assert {each["class"] for each in times} == {"hidden"}

    def test_says_all_that_a_row_has_no_room_for_when_it_is_pointed_at(self) -> None:
        found = tree(side(ConversationPage((replace(TALK, state=RunState.FAILED, updated_at=NOW),))))
        assert found.one("a", data_conversation="c1")["title"].split("\n") == [
            TALK.title,
            "Failed",
            f"{NOW:%a} {NOW.day} {NOW:%b %Y, %H:%M} UTC",
        ]

    def test_has_one_menu_for_its_rows(self) -> None:
        found = tree(side(can_rename=True, can_delete=True))
        assert found.one("summary")["aria-label"] == f"Menu of {TALK.title}"
        menu = found.one("template", id="row-menu")
        assert menu.one("a")["href"] == "/mount/c/conversation-id/rename"
        assert menu.one("form")["action"] == "/mount/c/conversation-id/delete"
        assert not tree(side()).all("template") and not tree(side()).all("summary")

    def test_marks_the_open_conversation_and_only_that(self) -> None:
        found = tree(side(talks(timedelta(), timedelta(), timedelta()), current="c1"))
        assert [each["data-conversation"] for each in found.all("a", aria_current="page")] == ["c1"]

    def test_says_a_state_in_words(self) -> None:
        found = tree(side(ConversationPage((replace(TALK, state=RunState.FAILED),))))
        assert "Failed" in found.one("a", data_conversation="c1").text
        quiet = tree(side(ConversationPage((replace(TALK, state=RunState.COMPLETED),))))
        assert "data-state" not in quiet.one("a", data_conversation="c1").attributes

    def test_opens_a_conversation_in_place_and_as_a_page(self) -> None:
        link = tree(side()).one("a", data_conversation="c0")
        assert link["href"] == link["hx-get"] == "/mount/c/c0"
        assert (link["hx-target"], link["hx-swap"], link["hx-push-url"]) == ("#conversation", "outerHTML", "true")

    def test_has_a_real_address_for_older_conversations(self) -> None:
        older = tree(side(talks(timedelta(), cursor="a b"), query="x y")).one("a", class_="older")
        assert older["href"] == older["hx-get"] == "/mount/history?q=x+y&cursor=a+b"
        assert not tree(side()).all("a", class_="older")

    def test_says_what_it_shows_and_what_it_was_searched_for(self) -> None:
        shown, other = (tree(side(each)).one(id="history-list") for each in (talks(timedelta()), ConversationPage(())))
        assert shown["data-tag"] and shown["data-tag"] != other["data-tag"]
        assert tree(side(query="geo")).one(id="history-list")["data-query"] == "geo"

    def test_tells_nothing_found_from_nothing_there(self) -> None:
        assert "No results for “geo”." in tree(side(ConversationPage(()), query="geo")).text
        assert "Your conversations are kept here" in tree(side(ConversationPage(()))).text

    def test_says_what_a_search_found_and_where(self) -> None:
        found = replace(TALK, passage="then the INGEST queue <grew>")
        page = tree(side(ConversationPage((found, TALK)), query="ingest grew"))
        assert page.one("p", class_="count").text == "2 conversations"
        assert [each.text for each in page.all("mark")] == ["Ingest", "INGEST", "grew", "Ingest"]
        assert page.one("span", class_="passage").text == "then the INGEST queue <grew>"
        assert (
            tree(side(ConversationPage((TALK,), "on"), query="x"))
            .one("p", class_="count")
            .text.startswith("More than 1")
        )
        assert not tree(side(ConversationPage((TALK,)))).all("mark")

    def test_searches_by_an_ordinary_form(self) -> None:
        form = tree(side(query="geo")).one("form", role="search")
        assert (form["method"], form["action"]) == ("get", "/mount/history")
        assert (form.one("input")["name"], form.one("input")["value"]) == ("q", "geo")

    def test_offers_no_search_that_the_backend_cannot_do(self) -> None:
        assert not tree(history(talks(), urls=URLS, brand="M", now=NOW)).all("form")

    def test_offers_to_undo_a_deletion(self) -> None:
        form = tree(side(deleted="c9")).one("form", class_="undo")
        assert (form["method"], form["action"]) == ("post", "/mount/c/c9/restore")

    def test_says_why_there_is_no_list(self) -> None:
        found = tree(side(failure="The agent cannot be reached."))
        assert "The agent cannot be reached." in found.one(class_="notice", role="alert").text
        assert found.one(class_="notice").one("a")["href"] == "/mount/history"


class TestComposer:
    def test_begins_a_conversation_or_goes_on_with_one(self) -> None:
        new, old = tree(room(None)).one(id="composer"), tree(room()).one(id="composer")
        assert new["action"] == new["hx-post"] == "/mount/messages"
        assert old["action"] == old["hx-post"] == "/mount/c/c1/messages"
        assert "autofocus" in new.one("textarea").attributes
        assert "autofocus" not in old.one("textarea").attributes

    def test_has_its_hooks(self) -> None:
        form = tree(room(live_run_id="r1")).one("form", id="composer")
        assert form.one("textarea", name="text")["id"] == "text"
        assert form.one("button", name="send")["type"] == "submit"
        assert form.one(id="composer-error", role="alert").text == ""
        assert len(form.all(id="composer-actions")) == 1

    def test_stops_a_live_run_and_no_other(self) -> None:
        stop = tree(room(live_run_id="r1")).one("button", name="stop")
        assert stop["formaction"] == stop["hx-post"] == "/mount/runs/r1/stop"
        assert "formnovalidate" in stop.attributes
        assert not tree(room()).all("button", name="stop")

    def test_keeps_a_refused_text_beside_the_reason(self) -> None:
        form = tree(composer(urls=URLS, conversation_id="c1", text="  too\nlong ", error="Shorten it."))
        assert form.one("textarea").text == "  too\nlong "
        assert form.one(id="composer-error").text == "Shorten it."

    def test_tells_the_script_its_limit_without_cutting_the_text(self) -> None:
        found = tree(composer(urls=URLS, conversation_id=None, limit=50, user_key="ada"))
        assert (found.one("chat-composer")["data-limit"], found.one("chat-composer")["data-user"]) == ("50", "ada")
        assert "maxlength" not in found.one("textarea").attributes


class TestConversation:
    def test_has_its_hooks(self) -> None:
        found = tree(room()).one("main", id="conversation")
        log = found.one("chat-log").one(id="turns", role="log")
        assert (log["aria-live"], log["aria-label"]) == ("off", "Messages")

    def test_offers_what_the_backend_can_do(self) -> None:
        menu = tree(room()).one("chat-menu")
        assert menu.one("a")["href"] == "/mount/c/c1/rename"
        assert (menu.one("form")["action"], menu.one("form")["method"]) == ("/mount/c/c1/delete", "post")
        assert not tree(conversation(urls=URLS, conversation=TALK)).all("chat-menu")
        assert not tree(room(None)).all("chat-menu")

    def test_greets_before_the_first_message(self) -> None:
        found = tree(room(None, greeting="Ask away", introduction="I know.", starters=[Starter("Slow?", "Why slow?")]))
        assert found.one("h2").text == "Ask away"
        assert found.one("h1").text == "New conversation"
        form = found.one(class_="empty").one("form")
        assert form.one("button", name="text")["value"] == "Why slow?"
        assert form["action"] == "/mount/messages"

    def test_shows_what_the_host_has_in_place_of_the_greeting(self) -> None:
        found = tree(room(None, greeting="Ask away", starters=[Starter("Slow?", "Why slow?")], empty=tag("h2")("Hi")))
        assert [each.text for each in found.all("h2")] == ["Hi"]
        assert found.one(class_="empty").one("button", name="text")["value"] == "Why slow?"

    def test_shows_the_words_that_a_starter_sends(self) -> None:
        found = tree(room(None, starters=[Starter("Slow?", "Why slow?"), Starter("Same", "Same")]))
        assert [each.text for each in found.one(class_="starters").all("button")] == ["Slow?Why slow?", "Same"]

    def test_is_renamed_by_a_form_that_can_be_left(self) -> None:
        form = tree(rename_form(urls=URLS, conversation=TALK)).one("form")
        assert (form["method"], form["action"]) == ("post", "/mount/c/c1/rename")
        assert form.one("input", name="title")["value"] == "Ingest latency"
        assert form.one("a")["href"] == "/mount/c/c1"


class TestPage:
    def test_says_which_room_a_phone_shows(self) -> None:
        assert whole().one(class_="chat")["data-room"] == "conversation"
        assert PAGES["rename"].one(class_="chat")["data-room"] == "history"
        assert PAGES["rename"].one(class_="tabs").one("a", aria_current="page")["href"] == "/mount/history"

    def test_has_one_live_region(self) -> None:
        assert whole().one(id="status", role="status").text == ""

    def test_begins_with_the_doctype_and_its_language(self) -> None:
        html = page(urls=URLS, frame=FRAME, title="t", history=None, conversation=None, current_url="/mount/")
        assert re.match(r'<!doctype html><html lang="en" data-chat="rooms">', html)

    def test_leads_back_from_a_message_or_to_sign_in(self) -> None:
        assert PAGES["message"].one("main").one("a")["href"] == "/mount/"
        html = message_page(urls=URLS, frame=Frame("M"), title="t", sentence="s", sign_in_url="/mount/login")
        assert parse(html).one("main").one("a")["href"] == "/mount/login"


class TestTranscript:
    @staticmethod
    def show(*bodies: EventBody, live: bool = False) -> Element:
        """Return an assistant turn whose run had these events."""
        state = RunState.RUNNING if live else RunState.COMPLETED
        run = Run("r1", "c1", "u1", "t1", state, NOW)
        ends = () if live else (RunEnded(Outcome.COMPLETED),)
        events = tuple(RunEvent(seq, NOW, body) for seq, body in enumerate((RunStarted(), *bodies, *ends), 1))
        text = "".join(body.text for body in bodies if isinstance(body, TextDelta))
        return tree(turn(Turn("r1", "assistant", text, NOW, run, events), context()))

    def test_shows_what_the_user_wrote_as_it_is(self) -> None:
        found = tree(turn(Turn("t1", "user", HOSTILE, NOW), context())).one("article")
        assert found.one(cls="turn-body").text == HOSTILE
        assert (found["id"], found["data-role"], found["data-state"]) == ("turn-t1", "user", "completed")

    def test_has_its_hooks(self) -> None:
        found = self.show(TextDelta("Hello"), live=True).one("article", class_="turn")
        assert (found["id"], found["data-role"], found["data-state"]) == ("turn-r1", "assistant", "running")
        assert found["aria-busy"] == "true"
        for id in ("body-r1", "part-r1-0", "tail-r1", "live-r1"):
            assert len(found.all(id=id)) == 1

    def test_hostile_words_of_the_agent_stay_text(self) -> None:
        found = self.show(
            StageChanged(HOSTILE),
            ReasoningDelta(HOSTILE),
            ToolStarted(HOSTILE, HOSTILE, HOSTILE, {HOSTILE: [HOSTILE]}),
            ToolFinished(HOSTILE, HOSTILE),
            SourcesFound((Source(HOSTILE, "https://docs.example/" + HOSTILE, HOSTILE, HOSTILE),)),
            InputRequested(HOSTILE, HOSTILE, (HOSTILE,)),
            live=True,
        )
        assert not found.all("script")
        assert not found.all("img")
        assert not [each for each in found if any(name.startswith("on") for name in each.attributes)]
        assert found.one("legend").text == HOSTILE
        assert found.one("button", name="answer")["value"] == HOSTILE
        assert found.one("code").text == HOSTILE

    @pytest.mark.parametrize(
        "url", ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "//evil.example", "/x", "https:", ""]
    )
    def test_a_source_that_is_not_on_the_web_is_no_link(self, url: str) -> None:
        found = self.show(SourcesFound((Source("A title", url),))).one("ol", cls="sources")
        assert not found.all("a")
        assert "A title" in found.one("ol").text

    def test_a_source_on_the_web_is_a_link_that_tells_its_site_nothing(self) -> None:
        link = self.show(SourcesFound((Source("A title", "https://docs.example/"),))).one("ol").one("a")
        assert (link["href"], link["rel"]) == ("https://docs.example/", "noopener noreferrer nofollow")

    def test_a_question_is_a_form_without_scripts(self) -> None:
        form = self.show(InputRequested("q 1", "Which?", ("a", "b")), live=True).one("form", class_="request")
        assert form["method"] == "post"
        assert form["action"] == form["hx-post"] == "/chat/runs/r1/answer"
        assert form.one("input", name="request")["value"] == "q 1"
        assert [each["value"] for each in form.all("button", name="answer")] == ["a", "b"]
        words = self.show(InputRequested("q", "Which?"), live=True).one("form", class_="request")
        assert words.one("label")["for"] == words.one("input", name="answer")["id"]

    def test_a_live_turn_says_how_to_go_on_without_scripts(self) -> None:
        live = self.show(TextDelta("Hello"), live=True).one("chat-live")
        assert live.one("noscript").text == "Reload the page to see more of the answer."
        assert not self.show(TextDelta("Hello")).all("chat-live")


@pytest.mark.parametrize("name", fragments.__all__)
def test_fragments_are_pure_and_documented(name: str) -> None:
    fragment = getattr(fragments, name)
    assert (fragment.__doc__ or "").strip()
    parameters = inspect.signature(fragment).parameters.values()
    assert not [each for each in parameters if "equest" in str(each.annotation)]


def test_a_fragment_is_the_same_each_time() -> None:
    for make in HOSTILE_FRAGMENTS.values():
        assert render(make()) == render(make())


def test_a_tool_call_has_words_of_its_arguments_and_its_problem_only_for_those_who_may_see_them() -> None:
    call = ToolCall("1", "lookup", "", {"q": "ARGUMENT"}, NOW, RunState.FAILED, result="no such PROBLEM", ended_at=NOW)
    line = parse(render(turn_step("r", call, context()))).one("summary").text
    assert "q: ARGUMENT" in line and "no such PROBLEM" in line
    hidden = render(turn_step("r", call, replace(context(), inspector=None)))
    assert "lookup" in hidden and "Failed" in hidden
    assert "ARGUMENT" not in hidden and "PROBLEM" not in hidden
