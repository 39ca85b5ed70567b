"""A kogwistar server, made of recordings, behind the page."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from starlette.applications import Starlette
from starlette.routing import Mount

from htmxchat import Store, chat_lifespan, create_chat_app
from htmxchat.agents.kogwistar import KogwistarBackend, KogwistarLogin
from htmxchat.agents.kogwistar.transport.tokens import claims
from tests.fake_auth import FakeAuth, Serving
from tests.kogwistar.recordings import NEW, OLD
from tests.kogwistar.replay import Replay, token

from .conftest import Server, launched
from .driving import answer, assert_same_after_reload, dom, send, until, wait_for_state
from .test_accessibility import assert_accessible


@pytest.fixture(params=[OLD])
def server(request: pytest.FixtureRequest) -> Iterator[Replay]:
    replay = Replay(pace=0.4, version=request.param).start()
    yield replay
    replay.stop()


@pytest.fixture
def host(server: Replay, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*arguments: str) -> Server:
        options = ["--url", server.url, "--db", str(tmp_path / "chat.db"), "--token", token("kog-ann"), *arguments]
        started.append(launched("tests.browser.kogwistar_host", *options))
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.mark.parametrize("server", [OLD, NEW], indirect=True)
def test_stages_answer_and_sources(page: Page, host: Callable[..., Server]) -> None:
    page.goto(host().url)
    send(page, "evidence please")
    expect(answer(page).locator(".stage")).to_contain_text(re.compile("ing the|ing can"))
    page.reload()  # in the middle
    expect(answer(page).locator(".stage")).to_contain_text(re.compile("ing the|ing can|ing supp|ing and"))
    wait_for_state(page, "completed")
    expect(answer(page).locator(".turn-body")).to_contain_text(
        re.compile("Fake LLM answer to: (Explain|Tell me about a) hypergraph")
    )
    sources = answer(page).locator(".sources > li")
    expect(sources).to_have_count(3)
    source = sources.filter(has_text="graph-native substrate")
    expect(source).to_contain_text("Kogwistar")
    expect(source).to_contain_text("kog-facts")
    assert_same_after_reload(page)
    expect(page.locator("#history")).to_contain_text("evidence please")


def test_stop_in_the_middle(page: Page, host: Callable[..., Server], server: Replay) -> None:
    server.cancel_takes = 1.0
    page.goto(host().url)
    send(page, "forever and ever")
    expect(answer(page).locator(".stage")).to_contain_text("Drafting")
    page.click("button[name=stop]")
    wait_for_state(page, "stopping")
    page.reload()
    wait_for_state(page, "stopping")
    wait_for_state(page, "cancelled")
    expect(page.locator("button[name=stop]")).to_have_count(0)
    assert_same_after_reload(page)
    send(page, "What is a hypergraph?")
    wait_for_state(page, "completed")


def test_a_late_stop_shows_what_was_left(page: Page, host: Callable[..., Server]) -> None:
    page.goto(host().url)
    send(page, "late please")
    expect(answer(page).locator(".stage")).to_contain_text("Persisting")
    page.click("button[name=stop]")
    wait_for_state(page, "cancelled")
    expect(answer(page).locator(".turn-body")).to_contain_text("hypergraph late 0")
    assert_same_after_reload(page)


def test_a_hidden_failure_says_why(page: Page, host: Callable[..., Server]) -> None:
    page.goto(host().url)
    send(page, "hidden trouble")
    wait_for_state(page, "failed")
    expect(answer(page).locator(".failure")).to_contain_text("fake LLM: upstream 503 overloaded")
    assert "Traceback" not in page.content()
    assert_same_after_reload(page)


def test_a_message_whose_answer_failed_is_sent_once_more_beside_what_is_typed(
    page: Page, host: Callable[..., Server], server: Replay
) -> None:
    page.goto(host().url)
    send(page, "hidden trouble")
    wait_for_state(page, "failed")
    page.fill("#text", "typed meanwhile")
    answer(page).get_by_role("button", name="Ask again").click()
    expect(page.locator("article.turn")).to_have_count(4)
    expect(page.locator("article.turn[data-role=user] .turn-body").last).to_have_text("hidden trouble")
    wait_for_state(page, "failed")
    assert len(server.runs) == 2
    expect(page.get_by_role("button", name="Ask again")).to_have_count(1)  # only the last can be sent again
    expect(page.locator("#text")).to_have_value("typed meanwhile")
    assert_accessible(page)
    assert_same_after_reload(page)


def test_a_server_that_dies_and_comes_back(page: Page, host: Callable[..., Server], server: Replay) -> None:
    page.goto(host().url)
    send(page, "forever and ever")
    expect(answer(page).locator(".stage")).to_contain_text("Drafting")
    server.kill()
    expect(answer(page).locator(".stage")).to_contain_text("cannot be reached")
    page.reload()
    expect(answer(page)).to_have_attribute("data-state", "running")
    server.start()
    expect(answer(page).locator(".stage")).to_contain_text("press Stop", timeout=20_000)
    page.click("button[name=stop]")
    for run in server.runs.values():
        run.cancelling = time.monotonic() + 1e9
    wait_for_state(page, "failed")
    expect(answer(page).locator(".failure")).to_contain_text("never confirmed")
    assert_same_after_reload(page)
    send(page, "What is a hypergraph?")
    wait_for_state(page, "completed")


def test_a_short_absence_is_not_noticed_in_the_answer(page: Page, host: Callable[..., Server], server: Replay) -> None:
    page.goto(host().url)
    send(page, "What is a hypergraph?")
    expect(answer(page).locator(".stage")).to_contain_text(re.compile("ing the|evidence"))
    server.stop()
    threading.Timer(1.0, server.start).start()
    wait_for_state(page, "completed")
    expect(answer(page).locator(".turn-body")).to_contain_text("Debug RAG response")
    assert_same_after_reload(page)


def test_a_suspended_run_is_answered(page: Page, host: Callable[..., Server], server: Replay) -> None:
    chat = host("--workflow", "demo.suspend")
    page.goto(chat.url)
    send(page, "suspend please")
    request = answer(page).locator("form.request")
    expect(request).to_contain_text("needs a client result")
    wait_for_state(page, "suspended")
    page.reload()
    expect(request).to_contain_text("needs a client result")
    chat.kill()
    page.goto(host("--workflow", "demo.suspend", "--port", str(chat.port)).url + page.url.split("/chat/")[1])
    request.locator("input[name=answer]").fill("42")
    request.locator("button").click()
    wait_for_state(page, "completed")
    expect(answer(page).locator(".turn-body")).to_contain_text('"client_answer": 42')
    assert len(next(iter(server.runs.values())).resumes) == 1
    assert_same_after_reload(page)


def test_a_run_goes_on_in_another_process_when_its_own_is_killed(
    page: Page, host: Callable[..., Server], server: Replay
) -> None:
    server.pace = 2.0
    first, second = host(), host()
    page.goto(first.url)
    send(page, "evidence please")
    expect(answer(page).locator(".stage")).to_contain_text(re.compile("ing the|ing can"))
    first.kill()  # SIGKILL
    page.goto(second.url + page.url.split("/chat/")[1])
    wait_for_state(page, "completed", timeout=60_000)
    text = answer(page).locator(".turn-body").inner_text()
    assert text.count("Fake LLM answer to:") == 1
    expect(answer(page).locator(".sources > li")).to_have_count(3)
    assert_same_after_reload(page)
    assert len(server.runs) == server.asked["POST /api/conversations/{id}/turns:answer"] == 1
    run = (answer(page).get_attribute("id") or "").removeprefix("turn-")
    log = page.request.get(f"{second.url}runs/{run}/events.jsonl").text()
    raws = [json.loads(line)["raw"] for line in log.splitlines() if '"raw"' in line]
    sent = [each["seq"] for raw in raws for each in (raw if isinstance(raw, list) else [raw])]
    assert len(sent) > 5 and sent == sorted(set(sent))  # each event of the server once


def test_a_page_of_what_is_remembered_fetches_what_is_new(
    page: Page, host: Callable[..., Server], server: Replay
) -> None:
    page.goto(host().url)
    send(page, "What is a hypergraph?")
    wait_for_state(page, "completed")
    server.delays["/turns$"] = 3.0
    server.add_turn(page.url.split("/c/")[1], "user", "Sent from elsewhere")
    page.reload()
    wait_for_state(page, "completed")
    hint = page.get_by_text("Looking for newer messages…")
    expect(hint).to_be_visible()
    expect(page.get_by_text("Sent from elsewhere")).to_have_count(0)
    page.fill("#text", "typed meanwhile")
    expect(page.locator("#turns").get_by_text("Sent from elsewhere")).to_be_visible()
    server.delays.clear()
    expect(hint).to_have_count(0)
    expect(page.locator("#text")).to_have_value("typed meanwhile")
    expect(page.locator("#text")).to_be_focused()
    assert_same_after_reload(page)


def test_a_message_that_is_sent_before_the_news_comes_stays(
    page: Page, host: Callable[..., Server], server: Replay
) -> None:
    page.goto(host().url)
    send(page, "What is a hypergraph?")
    wait_for_state(page, "completed")
    server.delays["/turns$"] = 3.0
    page.reload()
    expect(page.get_by_text("Looking for newer messages…")).to_be_visible()
    send(page, "evidence please")
    wait_for_state(page, "completed")
    expect(page.locator("article.turn")).to_have_count(4)
    assert_same_after_reload(page)


def test_a_message_in_doubt_that_arrived_shows_its_answer_and_keeps_the_next_one_waiting(
    page: Page, host: Callable[..., Server], server: Replay
) -> None:
    page.goto(host().url)
    send(page, "What is a hypergraph?")
    wait_for_state(page, "completed")
    server.fault("turns:answer", 504, "gateway timeout")
    send(page, "Which way?")
    expect(page.locator("#composer-error")).to_contain_text("may have arrived")
    expect(page.locator("#text")).to_have_value("Which way?")
    conversation = page.url.split("/c/")[1]
    server.add_turn(conversation, "user", "Which way?")  # it has
    page.reload()
    expect(page.locator("#turns").get_by_text("Which way?")).to_have_count(1)
    send(page, "And then?")
    expect(page.locator("#composer-error")).to_contain_text("still answering")
    expect(answer(page).locator(".stage")).to_contain_text("Your message has arrived")
    expect(page.locator("#text")).to_have_value("And then?")
    server.add_turn(conversation, "assistant", "Left.")
    expect(answer(page).locator(".prose")).to_have_text("Left.")
    wait_for_state(page, "completed")
    page.press("#text", "Enter")
    expect(page.locator("article.turn")).to_have_count(6)
    wait_for_state(page, "completed")
    assert len(server.runs) == 2
    assert_same_after_reload(page)


def test_a_first_message_in_doubt_leads_to_its_conversation(
    page: Page, host: Callable[..., Server], server: Replay
) -> None:
    page.goto(host().url)
    server.fault("turns:answer", 504, "gateway timeout")
    send(page, "Which way?")
    expect(page.locator("#composer-error")).to_contain_text("a new one is in the history")
    expect(page.locator("#text")).to_have_value("Which way?")
    (conversation,) = server.conversations
    server.add_turn(conversation, "user", "Which way?")  # it has arrived
    server.add_turn(conversation, "assistant", "Left.")
    page.locator("#history-list").get_by_text("Which way?").click()
    expect(page.locator("article.turn")).to_have_count(2)
    expect(answer(page).locator(".prose")).to_have_text("Left.")
    assert_same_after_reload(page)


def test_two_tabs_share_a_run(page: Page, host: Callable[..., Server], server: Replay) -> None:
    page.goto(host().url)
    send(page, "forever and ever")
    expect(answer(page).locator(".stage")).to_contain_text("Drafting")
    other = page.context.new_page()
    other.goto(page.url)
    expect(answer(other)).to_have_attribute("data-state", "running")
    send(other, "meanwhile")
    expect(other.locator("#composer-error")).to_contain_text("still answering")
    other.click("button[name=stop]")
    wait_for_state(page, "cancelled")
    wait_for_state(other, "cancelled")
    (run,) = server.runs
    assert server.opened[run] <= 2
    page.wait_for_selector("chat-live", state="detached")
    other.wait_for_selector("chat-live", state="detached")
    assert dom(page) == dom(other)


def test_a_second_tab_opened_while_a_message_is_sent_follows_its_run(
    page: Page, host: Callable[..., Server], server: Replay
) -> None:
    page.goto(host().url)
    send(page, "What is a hypergraph?")
    wait_for_state(page, "completed")
    server.delays["turns:answer"] = 5.0
    page.fill("#text", "forever and ever")
    page.press("#text", "Enter")
    other = page.context.new_page()
    until(lambda: server.asked["POST /api/conversations/{id}/turns:answer"] >= 2)
    other.goto(page.url)
    expect(other.locator("#turns").get_by_text("forever and ever")).to_have_count(1)
    for each in (page, other):
        expect(each.locator("article.turn")).to_have_count(4)
        expect(answer(each)).to_have_attribute("data-state", "running")
    server.delays.clear()
    send(other, "meanwhile")
    expect(other.locator("#composer-error")).to_contain_text("still answering")
    other.click("button[name=stop]")
    for each in (page, other):
        wait_for_state(each, "cancelled")
        each.wait_for_selector("chat-live", state="detached")
    assert len(server.runs) == 2
    assert dom(page) == dom(other)


def test_steps_states_and_changes_of_a_run_that_waits(page: Page, host: Callable[..., Server]) -> None:
    page.goto(host("--workflow", "demo.suspend").url)
    send(page, "suspend please")
    wait_for_state(page, "suspended")
    page.get_by_role("link", name="Inspector", exact=True).click()
    expect(page.locator("#inspector-facts")).to_contain_text("Asks:")
    page.get_by_role("link", name="Steps", exact=True).click()
    expect(page.locator(".steps > li")).to_have_count(2)
    expect(page.locator(".steps > li").last).to_have_attribute("data-state", "suspended")
    expect(page.locator(".waits")).to_contain_text("needs a client result")
    assert_accessible(page)
    page.locator(".steps summary").first.click()
    page.get_by_role("link", name="State after this step").first.click()
    expect(page.locator("#inspector-slider")).to_have_value("0")
    page.locator("#inspector-slider").press("ArrowRight")
    expect(page.locator(".changes")).to_contain_text("asked")
    expect(page).to_have_url(re.compile("n=1"))
    assert_accessible(page)
    page.reload()
    expect(page.locator(".changes")).to_contain_text("asked")
    page.get_by_role("link", name="Previous step").click()
    expect(page.locator("#inspector-slider")).to_have_value("0")


@pytest.mark.parametrize("server", [OLD, NEW], indirect=True)
def test_what_cannot_be_loaded_inside_the_page_fails_in_its_place_and_can_be_tried_again(
    page: Page, host: Callable[..., Server], server: Replay
) -> None:
    page.goto(host().url)
    send(page, "What is a hypergraph?")
    wait_for_state(page, "completed")
    page.fill("#text", "typed meanwhile")
    page.get_by_role("link", name="Inspect this run").click()
    inspector = page.locator("#inspector")
    row = inspector.locator("#inspector-rows > details").first
    page.route("**/events/*", lambda route: route.fulfill(status=502, content_type="text/plain", body="No index."))
    row.locator("summary").click()
    expect(row.locator(".unloaded")).to_contain_text("No index.")
    page.unroute("**/events/*")
    row.get_by_role("button", name="Try again").click()
    expect(row.locator(".json, .tree, .raw button[name=copy]").first).to_be_visible()
    server.fault("/steps$", 400, {"detail": "Expected where to have exactly one operator"}, 2)
    for tab in ("State", "Steps"):
        inspector.get_by_role("link", name=tab, exact=True).click()
        expect(inspector.locator(".notice")).to_contain_text("exactly one operator")
        expect(inspector.get_by_role("link", name=tab, exact=True)).to_have_attribute("aria-current", "page")
        assert_accessible(page)
    inspector.get_by_role("link", name="Try again").click()
    expect(inspector.locator(".steps > li").first).to_be_visible()
    server.fault("/api/runs/[^/]+$", 500, {"detail": "the index is broken"}, 1)
    evidence = inspector.locator("#inspector-evidence")
    page.get_by_text("Evidence", exact=True).click()
    expect(evidence).to_contain_text("the index is broken")
    evidence.get_by_role("link", name="Try again").click()
    expect(evidence).to_contain_text("has no evidence")
    expect(page.locator("#text")).to_have_value("typed meanwhile")
    expect(page.locator("article.turn")).to_have_count(2)


@pytest.mark.parametrize("server", [OLD, NEW], indirect=True)
def test_evidence_is_fetched_when_it_is_opened(page: Page, host: Callable[..., Server]) -> None:
    page.goto(host().url)
    send(page, "evidence please")
    wait_for_state(page, "completed")
    page.get_by_role("link", name="Inspect this run").click()
    page.get_by_role("link", name="Steps", exact=True).click()
    expect(page.locator(".evidence-list")).to_have_count(0)
    page.get_by_text("Evidence", exact=True).click()
    expect(page.locator(".evidence-list > li")).to_have_count(3)
    page.get_by_role("link", name="State", exact=True).click()
    expect(page.locator("#inspector .json").first).to_contain_text("hypergraph")
    assert_accessible(page)


def test_a_suspended_run_goes_on_with_what_python_in_the_browser_came_to(
    page: Page, server: Replay, host: Callable[..., Server]
) -> None:
    page.goto(host("--workflow", "demo.suspend").url)
    send(page, "script please")
    page.locator("chat-proposal a").click()
    script = page.locator("article.script")
    expect(script.locator(".lines")).to_contain_text("6 * 7")
    expect(answer(page)).to_have_attribute("data-state", "suspended")
    page.reload()
    script.locator("button[name=approve]").click()
    expect(script).to_have_attribute("data-state", "done", timeout=60_000)
    wait_for_state(page, "completed")
    (run,) = [run for run in server.runs.values() if run.resumes]
    (resume,) = run.resumes
    update = resume["client_result"]["state_update"][0][1]["client_answer"]
    assert update["state"] == "done"
    assert "6 * 7" in update["code"]
    assert_same_after_reload(page)


def test_who_signs_in_through_the_server_asks_it_and_loses_nothing_when_the_token_ends(
    page: Page, server: Replay
) -> None:
    store = Store()
    with FakeAuth("dev") as auth:
        auth.signed = lambda: token("dev-user-id", seconds=auth.lasts)
        auth.lasts = 12
        chat = create_chat_app(KogwistarBackend(server.url, store), login=KogwistarLogin(auth.url, store))
        with Serving(Starlette(routes=[Mount("/chat", chat)], lifespan=chat_lifespan(chat))) as host:
            auth.ui_url = f"{host.url}/chat/login/callback"
            page.goto(f"{host.url}/chat/")
            page.get_by_role("button", name="Sign in").click()
            expect(page.locator("#history")).to_contain_text("Dev User")
            send(page, "What is a hypergraph?")
            wait_for_state(page, "completed")
            conversation = page.url
            page.fill("#text", "What is provenance?")
            time.sleep(max(0.0, claims(auth.tokens[-1])["exp"] + 0.5 - time.time()))
            page.press("#text", "Enter")
            error = page.locator("#composer-error")
            expect(error).to_contain_text("What you typed is kept")
            auth.lasts = 3_600
            error.get_by_role("link", name="Sign in").click()
            page.get_by_role("button", name="Sign in").click()
            expect(page).to_have_url(conversation)
            expect(page.locator("#text")).to_have_value("What is provenance?")
            page.press("#text", "Enter")
            expect(page.locator("article.turn")).to_have_count(4)
            wait_for_state(page, "completed")
            assert_same_after_reload(page)
