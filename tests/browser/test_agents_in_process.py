"""Pydantic AI agents and LangGraph graphs of the chat's own process, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import answer, assert_same_after_reload, send, wait_for_state
from tests.servers import Host, uvicorn

LANGGRAPH_CHAT = """
from pathlib import Path
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from htmxchat import LocalBackend, Store, create_chat_app
from htmxchat.agents import langgraph
from tests.agents.graph_models import FileSaver

def ask(state):
    day = interrupt({{"question": "Which day?", "choices": ["Monday", "Friday"]}})
    return {{"messages": [("ai", f"It is planned for {{day}}.")]}}

graph = StateGraph(MessagesState)
graph.add_node("ask", ask)
graph.add_edge(START, "ask")
agent = langgraph(graph.compile(checkpointer=FileSaver(Path("{folder}/graph"))))
app = create_chat_app(LocalBackend(agent, Store("sqlite:///{folder}/chat.db")))
"""


def test_a_graph_is_answered_after_the_server_was_started_anew(page: Page, tmp_path: Path) -> None:
    source = LANGGRAPH_CHAT.format(folder=tmp_path)
    with uvicorn(tmp_path / "first", source) as first:
        page.goto(f"{first.url}/")
        send(page, "Plan it")
        wait_for_state(page, "suspended")
        first.stop()
    with uvicorn(tmp_path / "second", source, port=first.port):
        page.get_by_role("group", name="Which day?").get_by_role("button", name="Friday").click()
        wait_for_state(page, "completed")
        expect(answer(page)).to_contain_text("It is planned for Friday.")
        assert_same_after_reload(page)


PYDANTIC_AI_CHAT = """
from htmxchat import LocalBackend, Store, create_chat_app
from htmxchat.agents import pydantic_ai
from tests.agents.pydantic_models import call, echoing, scripted

agent = scripted(
    call("delete", '{"path": "reports"}', "first"),
    call("delete", '{"path": "drafts"}', "second"),
    "That is all.",
)

@agent.tool_plain(requires_approval=True)
def delete(path: str) -> str:
    return f"{path} is gone"

deleting = create_chat_app(LocalBackend(pydantic_ai(agent)))
remembering = create_chat_app(LocalBackend(pydantic_ai(echoing())))

from starlette.applications import Starlette
from starlette.routing import Mount
from htmxchat import chat_lifespan

app = Starlette(
    routes=[Mount("/deleting", deleting), Mount("/remembering", remembering)],
    lifespan=chat_lifespan(deleting, remembering),
)
"""


@pytest.fixture(scope="module")
def pydantic_chats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with uvicorn(tmp_path_factory.mktemp("pydantic") / "chat", PYDANTIC_AI_CHAT) as host:
        yield host


def test_a_tool_is_denied_and_then_approved(page: Page, pydantic_chats: Host) -> None:
    page.goto(f"{pydantic_chats.url}/deleting/")
    send(page, "Tidy up")
    expect(page.locator("form.ask .args input")).to_have_value("reports")
    page.get_by_role("button", name="Deny").click()
    expect(page.locator("form.ask .args input")).to_have_value("drafts")
    page.get_by_role("button", name="Approve").click()
    wait_for_state(page, "completed")
    expect(answer(page)).to_contain_text("That is all.")
    expect(answer(page)).to_contain_text("drafts is gone")
    assert "reports is gone" not in page.content()
    assert_same_after_reload(page)


def test_an_answer_that_is_given_again_does_not_know_the_one_before(page: Page, pydantic_chats: Host) -> None:
    page.goto(f"{pydantic_chats.url}/remembering/")
    for number, text in enumerate(("Alpha", "Beta"), 1):
        send(page, text)
        expect(page.locator("article.turn")).to_have_count(2 * number)
        wait_for_state(page, "completed")
    expect(answer(page).locator(".turn-body")).to_have_text("[Alpha] [[Alpha] ] [Beta]")
    first = answer(page).get_attribute("id")
    page.get_by_role("button", name="Answer again").last.click()
    expect(page.locator(f"#{first}")).to_have_count(0)
    wait_for_state(page, "completed")
    expect(answer(page).locator(".turn-body")).to_have_text("[Alpha] [[Alpha] ] [Beta]")
    assert_same_after_reload(page)
