"""The rooms, the composer and the pages that only say something, in every state: each is a page."""

from __future__ import annotations

from dataclasses import replace

from ...events import Outcome, RunEnded, TextDelta, ToolFinished, ToolStarted
from ...files import Files
from ...fragments.composer import Hold, composer
from ...fragments.conversation import conversation
from ...fragments.history.room import history
from ...fragments.inspector.run import RunSheet, inspector_side, run_room
from ...fragments.inspector.runs import run_list
from ...fragments.login import sign_in_page
from ...fragments.scripts.room import script_room, scripts_side
from ...fragments.shell import Frame, Side, message_page, notice, page, side_opener
from ...fragments.turns.transcript import turn
from ...html import FT, Child
from ...inspection import rows, window
from ...inspection.timeline import timeline
from ...models import Conversation, ConversationPage, RunState, RunSummary, Starter, Turn
from ...scripts.models import FromAgent, Script
from ...scripts.result import ScriptState
from ...urls import Urls
from ...view import fold
from .sheets import AGENTS, AT, TALK, Draw, Sheet, answer, context, log, talk
from .turns import PICTURE, REPORT

FRAME = Frame("Operations")
STARTERS = (Starter("Alert", "Why did checkout get slow at 14:30?"), Starter("Queue", "Watch the queue for me."))
LIST = ConversationPage(
    (
        talk(6, "On-call handover", 2, pinned=True),
        talk(1, "Which import failed?", 0),
        talk(2, "A title that is so long that it does not fit into the list", 0, RunState.RUNNING),
        talk(3, "Restart the workers", 1, RunState.SUSPENDED),
        talk(4, "Export last month's bookings", 3, RunState.FAILED),
        talk(5, "أي عملية استيراد فشلت؟", 40),
    ),
    "more",
)  # fmt: skip
FOUND = ConversationPage((talk(1, "Which import failed?", 0, passage="The second import failed.", found="r"),))
_BUSY = Hold("The agent is answering.", "The agent is still answering.")
_WAITS = Hold("The agent is waiting for your answer.", "The agent is waiting.", "Answer above")


def _history(urls: Urls, found: ConversationPage = LIST, **more: object) -> FT:
    can = dict.fromkeys(["can_search", "can_rename", "can_delete", "can_pin", "can_archive"], True)
    given = {"current": "talk1", "user_name": "Reader", **can}
    return history(found, urls=urls, brand=FRAME.brand, now=AT, **{**given, **more})  # type: ignore[arg-type]


def _room(urls: Urls, *turns: Child, talk: Conversation | None = TALK, **more: object) -> FT:
    closed = [inspector_side(urls, talk), scripts_side(urls, talk)]
    write = more.pop("composer", None) or composer(urls=urls, conversation_id=talk.id if talk else None)
    given = {"turns": turns, "composer": write, "openers": [side_opener(each) for each in closed], **more}
    can = dict.fromkeys(["can_rename", "can_delete", "can_pin", "can_archive"], True)
    return conversation(urls=urls, conversation=talk, **{**can, **given})  # type: ignore[arg-type]


def _page(urls: Urls, conversation: FT, *, side: Side | None = None, history: FT | None = None, room: str = "") -> str:
    closed = [inspector_side(urls, TALK), scripts_side(urls, TALK)]
    sides = [side if side and side.name == each.name else each for each in closed]
    return page(
        urls=urls,
        frame=FRAME,
        title=FRAME.brand,
        history=history or _history(urls),
        conversation=conversation,
        current_url=urls.conversation(TALK.id),
        sides=sides,
        room=room or (side.name if side else "conversation"),
    )


def _turns(urls: Urls) -> list[FT]:
    asked = Turn("q", "user", "Which import failed?", AT)
    told = answer("r", ToolStarted("1", "read_log"), ToolFinished("1", "31 errors"), TextDelta("The second one."))
    return [turn(asked, context(urls)), turn(told, context(urls))]


def _composing(**given: object) -> Draw:
    def draw(urls: Urls) -> str:
        write = composer(urls=urls, conversation_id=TALK.id, **given)  # type: ignore[arg-type]
        return _page(urls, _room(urls, *_turns(urls), composer=write))

    return draw


def _listing(found: ConversationPage = LIST, **more: object) -> Draw:
    return lambda urls: _page(urls, _room(urls, *_turns(urls)), history=_history(urls, found, **more), room="history")


def _inspecting(outcome: Outcome | None) -> Draw:
    def draw(urls: Urls) -> str:
        end = [] if outcome is None else [RunEnded(outcome, "It hit an error." if outcome is Outcome.FAILED else None)]
        events = log(ToolStarted("1", "read_log"), ToolFinished("1", "31 errors"), TextDelta("It."), *end, over=False)
        view, run = fold(events), answer("r", TextDelta("It.")).run
        assert run is not None
        sheet = RunSheet(replace(run, state=view.state), view, window(rows(events)), timeline(events), inspectable=True)
        return _page(urls, _room(urls, *_turns(urls)), side=inspector_side(urls, TALK, run_room(sheet, urls)))

    return draw


def _runs(urls: Urls) -> str:
    run = answer("r", TextDelta("It.")).run
    assert run is not None
    states = RunState.COMPLETED, RunState.FAILED, RunState.RUNNING
    found = [RunSummary(replace(run, id=f"run{state}", state=state), "Which import failed?") for state in states]
    return _page(urls, _room(urls, *_turns(urls)), side=inspector_side(urls, TALK, run_list(urls, TALK, found)))


def _scripts(*states: ScriptState, edit: bool = False) -> Draw:
    scripts = [
        Script(f"s{place}", TALK.id, "r", FromAgent(str(place)), "Compare the nights", "print(6 * 7)", state, place, AT)
        for place, state in enumerate(states)
    ]

    def draw(urls: Urls) -> str:
        content = script_room(urls, TALK, scripts, edit="s0" if edit else None)
        return _page(urls, _room(urls, *_turns(urls)), side=scripts_side(urls, TALK, content))

    return draw


COMPOSER = Sheet(
    "Composer",
    {
        "empty": _composing(),
        "with text": _composing(text="Which import failed?\nAnd why?"),
        "with files": _composing(files=Files(), drafts=(REPORT, PICTURE)),
        "with several agents": _composing(files=Files(), agents=AGENTS, agent="Careful"),
        "refused": _composing(text="Which?", error="The agent cannot be reached. Try again in a moment."),
        "while the agent answers": _composing(live_run_id="r", hold=_BUSY),
        "while the agent waits": _composing(live_run_id="r", hold=_WAITS),
    },
    whole=True,
)

CONVERSATION = Sheet(
    "Conversation",
    {
        "new": lambda urls: _page(urls, _room(urls, talk=None, starters=STARTERS, introduction="Ask about alerts.")),
        "with turns": lambda urls: _page(urls, _room(urls, *_turns(urls))),
        "that cannot be loaded": lambda urls: _page(
            urls, _room(urls, notice("This conversation cannot be loaded.", retry_url=urls.home()))
        ),
    },
    whole=True,
)

HISTORY = Sheet(
    "History",
    {
        "with conversations": _listing(),
        "empty": _listing(ConversationPage(()), current=None),
        "searched": _listing(FOUND, query="import"),
        "nothing found": _listing(ConversationPage(()), query="nightly"),
        "several selected": _listing(select=True),
        "the archive": _listing(FOUND, archived=True),
        "the empty archive": _listing(ConversationPage(()), archived=True, current=None),
        "after a deletion": _listing(deleted="talk9"),
        "that cannot be loaded": _listing(ConversationPage(()), failure="The database cannot be reached."),
    },
    whole=True,
)

INSPECTOR = Sheet(
    "Inspector",
    {
        "completed": _inspecting(Outcome.COMPLETED),
        "failed": _inspecting(Outcome.FAILED),
        "active": _inspecting(None),
        "all runs": _runs,
    },
    whole=True,
)

SCRIPTS = Sheet(
    "Scripts",
    {
        "empty": _scripts(),
        "every state": _scripts(*ScriptState),
        "being edited": _scripts(ScriptState.QUEUED, edit=True),
    },
    whole=True,
)

PAGES = Sheet(
    "Pages",
    {
        "that say what went wrong": lambda urls: message_page(
            urls=urls, frame=FRAME, title="Not found", sentence="There is no such conversation.", kept="What you wrote"
        ),
        "sign in": lambda urls: sign_in_page(
            urls=urls, frame=FRAME, title="Sign in", sentence="Sign in to continue.", back="/"
        ),
    },
    whole=True,
)
