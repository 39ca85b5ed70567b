"""Scripts in the sandbox, with the real Pyodide: what they come to, and every way in which they can go wrong."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, expect

from tests.browser.conftest import Server
from tests.browser.sandbox import Sandbox, requests, sandbox_host

Result = dict[str, Any]


WAITS = [
    "import asyncio\nawait asyncio.sleep(1000)",
    "import asyncio\nasyncio.run(asyncio.sleep(1000))",
    "import time\ntime.sleep(1000)",
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with sandbox_host(tmp_path_factory.mktemp("packages")) as server:
        yield server


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture(scope="module")
def open_page(context: BrowserContext, host: Server) -> Iterator[Callable[..., Sandbox]]:
    """Open pages, each with a runner with these options. Nothing may show on their consoles, whatever scripts do."""
    trouble: list[str] = []

    def create(**options: Any) -> Sandbox:
        sandbox = Sandbox.opened(context, host, **options)
        page = sandbox.page
        page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        return sandbox

    yield create
    assert trouble == []


@pytest.fixture(scope="module")
def shared(open_page: Callable[..., Sandbox]) -> Sandbox:
    return open_page()


@pytest.fixture(scope="module")
def shared_brief(open_page: Callable[..., Sandbox]) -> Sandbox:
    return open_page(timeout=1)


@pytest.fixture(scope="module")
def kept(open_page: Callable[..., Sandbox]) -> Sandbox:
    """A page that keeps Python from script to script: for those that end by themselves and leave nothing but names."""
    return open_page(keep=True)


@pytest.fixture
def sandbox(shared: Sandbox) -> Iterator[Sandbox]:
    """A page whose scripts each find a new Python. It must be able to run the next one, whatever the test has done."""
    yield shared
    assert shared.works()


@pytest.fixture
def brief(shared_brief: Sandbox) -> Iterator[Sandbox]:
    """Such a page whose scripts have a second."""
    yield shared_brief
    assert shared_brief.works()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def of_sandbox(result: Result, type: str) -> str:
    """Return the sentence of an error of the sandbox's own."""
    assert result["error"]["origin"] == "sandbox"
    assert result["error"]["type"] == type
    assert result["value"] is None
    sentence: str = result["error"]["message"]
    assert sentence[0].isupper() and sentence.endswith((".", ")"))
    return sentence


class TestValues:
    def test_the_last_expression_is_the_value(self, kept: Sandbox) -> None:
        result = kept.run("x = 20\nx + 1")
        assert result["state"] == "done"
        assert result["value"] == {"kind": "text", "text": "21", "format": "plain"}
        assert result["error"] is None

    @pytest.mark.parametrize("code", ["x = 1", "None", "", "1;", "import sys\nsys.exit()", "import sys\nsys.exit(0)"])
    def test_some_scripts_have_none(self, kept: Sandbox, code: str) -> None:
        result = kept.run(code)
        assert (result["state"], result["value"], result["error"]) == ("done", None, None)

    def test_a_list_of_dicts_is_a_table(self, kept: Sandbox) -> None:
        value = kept.run("[{'a': 1, 'b': 2.5}, {'b': float('nan'), 'c': '<b>'}, {'a': 2**60, 'c': None}]")["value"]
        assert value == {
            "kind": "table",
            "columns": ["a", "b", "c"],
            "rows": [[1, 2.5, None], [None, "nan", "<b>"], [str(2**60), None, None]],
            "total": 3,
            "width": 3,
        }

    def test_a_long_table_is_cut_and_says_how_long_it_was(self, kept: Sandbox) -> None:
        result = kept.run("[{f'column {j}': 'x' * 100 for j in range(80)} for i in range(10_000)]")
        value = result["value"]
        assert (value["total"], value["width"], len(value["columns"])) == (10_000, 80, 50)
        assert 1 <= len(value["rows"]) <= 500
        assert len(json.dumps(result)) < 1_000_000

    def test_a_data_frame_is_a_table_with_its_index(self, kept: Sandbox) -> None:
        # Stands in for pandas, which no registry has for the browser: the parts of it that are used.
        code = """
import sys, types
pandas = types.ModuleType("pandas")
class Index(list): names = ["day"]
class DataFrame:
    index, columns = Index(["mon", "tue"]), ["n"]
    def head(self, n): return self
    def itertuples(self, name): return iter([("mon", 1), ("tue", 2)])
    def __len__(self): return 2
DataFrame.__module__ = "pandas"
DataFrame()
"""
        value = kept.run(code)["value"]
        assert (value["columns"], value["rows"]) == (["day", "n"], [["mon", 1], ["tue", 2]])

    @pytest.mark.parametrize(
        ("method", "content", "type"),
        [("_repr_svg_", "'<svg/>'", "image/svg+xml"), ("_repr_png_", "b'\\x89PNG'", "image/png")],
    )
    def test_what_draws_itself_is_a_picture(self, kept: Sandbox, method: str, content: str, type: str) -> None:
        value = kept.run(f"class Picture:\n    def {method}(self): return {content}\nPicture()")["value"]
        assert (value["kind"], value["type"]) == ("image", type)
        assert base64.b64decode(value["base64"]) in (b"<svg/>", b"\x89PNG")

    def test_figures_that_are_left_open_are_pictures(self, sandbox: Sandbox) -> None:
        code = """
import sys, types
pyplot = types.ModuleType("matplotlib.pyplot")
class Figure:
    def savefig(self, file, **options): file.write(b"PNG")
pyplot.get_fignums = lambda: [1, 2]
pyplot.figure = lambda number: Figure()
pyplot.close = lambda which: None
sys.modules["matplotlib.pyplot"] = pyplot
"""
        assert [picture["base64"] for picture in sandbox.run(code)["pictures"]] == ["UE5H", "UE5H"]

    def test_html_is_text(self, kept: Sandbox) -> None:
        value = kept.run("class Page:\n    def _repr_html_(self): return '<script>alert(1)</script>'\nPage()")["value"]
        assert value == {"kind": "text", "text": "<script>alert(1)</script>", "format": "html"}

    def test_a_value_that_cannot_be_shown_says_so(self, kept: Sandbox) -> None:
        value = kept.run("class Bad:\n    def __repr__(self): return 1 / 0\nBad()")["value"]
        assert value["text"] == "<Bad, which cannot be shown: ZeroDivisionError>"

    def test_a_result_never_exceeds_its_limit(self, kept: Sandbox) -> None:
        code = """
print("\\x01" * 3_000_000)
class Picture:
    def _repr_png_(self): return b"x" * 5_000_000
    def __repr__(self): return "\\x02" * 5_000_000
Picture()
"""
        result = kept.run(code)
        bounded = {name: value for name, value in result.items() if name not in ("output", "phases")}
        assert len(json.dumps(bounded)) <= 1_000_000
        assert (result["state"], result["truncated"]) == ("done", True)


class TestOutput:
    def test_both_streams_come_as_they_are_written(self, kept: Sandbox) -> None:
        result = kept.run("import sys\nprint('out é😀')\nprint('err', file=sys.stderr)\nprint('end', end='')")
        assert (result["stdout"], result["stderr"]) == ("out é😀\nend", "err\n")
        assert "".join(each["text"] for each in result["output"] if each["stream"] == "stdout") == "out é😀\nend"

    @pytest.mark.parametrize(
        "wait",
        ["while True: pass", "import time\ntime.sleep(1000)", "import asyncio\nawait asyncio.sleep(1000)"],
    )
    def test_what_is_printed_is_seen_while_the_script_goes_on(self, sandbox: Sandbox, wait: str) -> None:
        result = sandbox.run(f"print('a')\nprint('b')\nprint('last')\n{wait}", stop_at="last")
        assert (result["state"], result["stdout"]) == ("cancelled", "a\nb\nlast\n")

    def test_many_lines_are_few_messages(self, kept: Sandbox) -> None:
        result = kept.run("for number in range(20_000): print(number)")
        assert result["stdout"] == "".join(f"{number}\n" for number in range(20_000))
        assert len(result["output"]) < 200
        assert not result["truncated"]

    def test_a_flood_is_cut_and_the_script_goes_on(self, kept: Sandbox) -> None:
        result = kept.run("for number in range(100_000): print(number)\nnumber")
        assert (result["state"], result["value"]["text"], result["truncated"]) == ("done", "99999", True)
        assert result["stdout"].startswith("0\n1\n")
        assert 200_000 < len(json.dumps(result["stdout"])) <= 220_000

    def test_input_says_that_it_is_not_available(self, kept: Sandbox) -> None:
        error = kept.run("name = input('Name? ')")["error"]
        assert error["type"] == "RuntimeError"
        assert error["message"].startswith("input() is not available")

    def test_asyncio_run_works(self, kept: Sandbox) -> None:
        code = "import asyncio\nasync def main():\n    await asyncio.sleep(0.01)\n    return 5\nasyncio.run(main())"
        assert kept.run(code)["value"]["text"] == "5"


class TestErrors:
    def test_a_traceback_has_the_scripts_own_lines_only(self, kept: Sandbox) -> None:
        result = kept.run("def divide(a):\n    return a / 0\n\ndivide(1)")
        assert result["state"] == "failed"
        assert result["error"]["origin"] == "python"
        assert (result["error"]["type"], result["error"]["message"]) == ("ZeroDivisionError", "division by zero")
        files = [line for line in result["error"]["traceback"].splitlines() if line.startswith("  File")]
        assert files == ['  File "script.py", line 4, in <module>', '  File "script.py", line 2, in divide']
        assert "return a / 0" in result["error"]["traceback"]

    def test_a_syntax_error_shows_its_line(self, kept: Sandbox) -> None:
        error = kept.run("x = 1\nprint(")["error"]
        assert (error["type"], error["message"]) == ("SyntaxError", "'(' was never closed")
        assert error["traceback"].startswith('  File "script.py", line 2\n    print(')

    def test_what_the_script_raises_itself_has_its_name(self, kept: Sandbox) -> None:
        assert kept.run("class Mine(Exception): pass\nraise Mine('why')")["error"]["type"] == "Mine"

    def test_a_missing_package_is_named_with_what_to_do(self, kept: Sandbox) -> None:
        error = kept.run("import numpy")["error"]
        assert error["message"].startswith("No module named 'numpy': only Python's standard library is available.")
        assert "packages_url" in error["message"]

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_one_that_looks_for_the_network_is_told_that_there_is_none(self, kept: Sandbox, scheme: str) -> None:
        error = kept.run(f"import urllib.request\nurllib.request.urlopen('{scheme}://example.com')")["error"]
        assert error["message"] == "The sandbox has no network access. Write the data into the script."

    def test_a_script_may_do_without_a_missing_package(self, kept: Sandbox) -> None:
        result = kept.run("try:\n    import numpy\nexcept ImportError:\n    print('without')")
        assert (result["state"], result["stdout"]) == ("done", "without\n")

    def test_an_exit_code_is_a_failure(self, kept: Sandbox) -> None:
        assert kept.run("import sys\nsys.exit(3)")["error"]["type"] == "SystemExit"


class TestTrouble:
    def test_an_endless_loop_is_timed_out_and_the_traceback_says_where(self, brief: Sandbox) -> None:
        result = brief.run("print('before')\nwhile True:\n    pass")
        assert (result["state"], result["stdout"]) == ("timed-out", "before\n")
        assert of_sandbox(result, "run-timeout") == "The script ran for more than 1 second and was stopped."
        assert 'File "script.py", line ' in result["error"]["traceback"]

    def test_one_that_swallows_the_interrupt_is_terminated(self, brief: Sandbox) -> None:
        code = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
        result = brief.run(code)
        assert result["state"] == "timed-out"
        assert result["error"]["traceback"] == ""
        of_sandbox(result, "run-timeout")

    def test_one_that_never_asks_for_interrupts_is_terminated(self, brief: Sandbox) -> None:
        assert (
            brief.run("'x' * 10 in ('x' * 9 + 'y') * 10**7\n(10**9999999) % (10**4999999 + 1)")["state"] == "timed-out"
        )

    @pytest.mark.parametrize("code", WAITS)
    def test_one_that_waits_for_ever_is_timed_out(self, brief: Sandbox, code: str) -> None:
        result = brief.run(code)
        assert result["state"] == "timed-out"
        assert "sleep(1000)" in result["error"]["traceback"]

    @pytest.mark.parametrize("at", ["starting", "running", "go"])
    def test_stop_ends_it_as_cancelled_at_any_time(self, sandbox: Sandbox, at: str) -> None:
        result = sandbox.run("print('go')\nwhile True: pass", stop_at=at)
        assert result["state"] == "cancelled"
        assert of_sandbox(result, "cancelled") == "The script was stopped."

    def test_stop_without_a_script_does_nothing(self, sandbox: Sandbox) -> None:
        sandbox.page.evaluate("runner.stop()")

    def test_a_memory_bomb_is_a_memory_error(self, sandbox: Sandbox) -> None:
        result = sandbox.run("kept = []\nwhile True: kept.append(bytearray(10_000_000))")
        assert (result["state"], result["error"]["type"]) == ("failed", "MemoryError")
        assert result["error"]["message"].startswith("Out of memory: a script can use 512 MB here.")

    def test_memory_of_javascript_ends_as_something(self, brief: Sandbox) -> None:
        result = brief.run("import js\nkept = [js.Uint8Array.new(10**9).fill(1) for _ in range(1000)]")
        assert result["state"] in ("failed", "timed-out")
        assert result["error"]["message"]

    def test_recursion_is_an_error(self, sandbox: Sandbox) -> None:
        assert sandbox.run("def f(): return f()\nf()")["error"]["type"] == "RecursionError"

    def test_recursion_without_a_limit_crashes_python_only(self, sandbox: Sandbox) -> None:
        result = sandbox.run("import sys\nsys.setrecursionlimit(10**9)\ndef f(n): return f(n + 1)\nf(0)")
        assert result["state"] == "failed"
        if result["error"]["origin"] == "sandbox":
            of_sandbox(result, "python-crashed")

    def test_a_script_that_ends_python_is_failed(self, sandbox: Sandbox) -> None:
        result = sandbox.run("import os\nos._exit(1)")
        assert result["state"] == "failed"
        of_sandbox(result, "python-crashed")

    def test_an_endless_flood_is_timed_out(self, brief: Sandbox) -> None:
        result = brief.run("while True: print('x' * 1000)")
        assert (result["state"], result["truncated"]) == ("timed-out", True)

    def test_a_flood_of_messages_is_stopped(self, sandbox: Sandbox) -> None:
        result = sandbox.run("import js\nwhile True: js.postMessage('x')")
        assert result["state"] == "failed"
        of_sandbox(result, "output-flood")

    def test_one_enormous_message_is_stopped(self, sandbox: Sandbox) -> None:
        result = sandbox.run("import js\njs.postMessage('x' * 50_000_000)\nwhile True: pass")
        assert result["state"] == "failed"
        of_sandbox(result, "output-flood")

    def test_a_script_cannot_close_its_worker(self, sandbox: Sandbox) -> None:
        result = sandbox.run("import js\njs.close()")
        assert (result["state"], result["error"]["origin"]) == ("failed", "python")

    def test_a_frame_that_is_taken_away_is_noticed(self, sandbox: Sandbox) -> None:
        result = sandbox.page.evaluate("""() => runner.run("while True: pass", {
            onProgress: it => it.phase === "running" && document.querySelector("iframe").remove(),
        })""")
        assert result["state"] == "failed"
        of_sandbox(result, "frame-crashed")

    def test_a_frame_that_crashes_is_noticed(self, context: BrowserContext, host: Server) -> None:
        # The driver takes the crash of a frame for one of the page, and hears no more of it. So the page tells the host.
        page = Sandbox.opened(context, host).page
        page.evaluate("""() => void runner.run("while True: pass", {
            onProgress: it => it.phase === "running" && fetch("/chat/running"),
        }).then(async first => {
            const next = await runner.run("1 + 1");
            await fetch(`/chat/told?${first.state}-${first.error.type}-${next.value?.text}`);
        })""")
        wait_for(lambda: "GET /chat/running?" in requests(host))
        page.evaluate("0")  # lets the driver catch up
        session = context.new_cdp_session(next(frame for frame in page.frames if frame.url.endswith("/sandbox")))
        with contextlib.suppress(Error):
            session.send("Page.crash")
        wait_for(lambda: any("/chat/told" in line for line in requests(host)))
        assert "GET /chat/told?failed-frame-crashed-2" in requests(host)
        page.close()

    def test_a_page_that_was_frozen_still_ends_its_script(self, brief: Sandbox) -> None:
        session = brief.page.context.new_cdp_session(brief.page)
        brief.page.evaluate("void (window.pending = runner.run('while True: pass'))")
        session.send("Page.setWebLifecycleState", {"state": "frozen"})
        session.send("Page.setWebLifecycleState", {"state": "active"})
        assert brief.page.evaluate("pending")["state"] == "timed-out"

    def test_the_page_goes_on_while_python_spins(self, brief: Sandbox) -> None:
        frames = brief.page.evaluate("""async () => {
            let frames = 0, over = false;
            const draw = () => { frames += 1; if (!over) requestAnimationFrame(draw); };
            draw();
            const result = await runner.run("while True: pass");
            over = true;
            return [result.state, frames];
        }""")
        assert frames[0] == "timed-out"
        assert frames[1] > 10, "a page that stands still draws none"


class TestOneRunAtATime:
    def test_a_second_script_is_refused_and_disturbs_nothing(self, sandbox: Sandbox) -> None:
        outcome = sandbox.page.evaluate("""async () => {
            const first = runner.run("1 + 1");
            const second = await runner.run("2").catch(error => error.message);
            return [(await first).value.text, second];
        }""")
        assert outcome == ["2", "This runner runs a script already. Wait for its result."]

    def test_a_page_whose_hooks_fail_still_gets_its_result(self, context: BrowserContext, host: Server) -> None:
        page = Sandbox.opened(context, host).page
        with page.expect_event("pageerror"):
            result = page.evaluate("""() => {
                const fail = () => { throw new Error("the page's own"); };
                return runner.run("print(1)\\n2", { onProgress: fail, onOutput: fail });
            }""")
        assert (result["stdout"], result["value"]["text"]) == ("1\n", "2")
        page.close()

    def test_a_closed_runner_runs_nothing(self, open_page: Callable[..., Sandbox]) -> None:
        page = open_page().page
        message = page.evaluate("(runner.close(), runner.run('1').catch(error => error.message))")
        assert message == "This runner is closed."
        assert page.locator("iframe").count() == 0
        page.close()

    def test_closing_ends_the_script_that_runs(self, open_page: Callable[..., Sandbox]) -> None:
        page = open_page().page
        result = page.evaluate("""async () => {
            const running = runner.run("while True: pass", { onProgress: it => it.phase === "running" && runner.close() });
            return await running;
        }""")
        assert result["state"] == "cancelled"
        assert page.locator("iframe").count() == 0
        page.close()


class TestState:
    def test_a_script_finds_nothing_of_the_one_before(self, sandbox: Sandbox) -> None:
        sandbox.run(
            "import builtins, sys\nbuiltins.left = left = 1\nopen('left', 'w').close()\nsys.modules['left'] = 1"
        )
        result = sandbox.run(
            "import os, sys, builtins\n['left' in globals(), os.path.exists('left'), 'left' in sys.modules]"
        )
        assert result["value"]["text"] == "[False, False, False]"

    def test_it_is_kept_if_the_page_wants_that_even_through_an_interrupt(self, kept: Sandbox) -> None:
        assert kept.run("x = 41")["state"] == "done"
        assert kept.run("x += 1\nprint('go')\nwhile True: pass", stop_at="go")["state"] == "cancelled"
        assert kept.run("x")["value"]["text"] == "42"
        kept.run("import os\nos._exit(0)")
        assert kept.run("x")["error"]["type"] == "NameError"

    def test_a_worker_that_cannot_do_what_it_is_told_says_so_at_once(self, kept: Sandbox) -> None:
        broken = "import js\nfrom pyodide.ffi import create_proxy\njs.JSON.parse = create_proxy(lambda *_: 1 / 0)"
        assert kept.run(broken)["state"] == "done"
        message = of_sandbox(kept.run("1"), "worker-failed")
        assert "The sandbox itself failed" in message
        assert "(run: " in message
        assert kept.run("2")["value"]["text"] == "2"

    def test_random_numbers_differ_from_start_to_start(self, sandbox: Sandbox) -> None:
        numbers = {sandbox.run("import random\nrandom.random()")["value"]["text"] for _ in range(2)}
        assert len(numbers) == 2

    def test_memory_is_given_back_when_idle(self, open_page: Callable[..., Sandbox]) -> None:
        sandbox = open_page(idleTimeout=0.3)
        sandbox.run("1")
        expect(sandbox.page.locator("iframe")).to_have_count(0)
        assert sandbox.works()
        sandbox.page.close()


def test_the_frame_is_hidden_and_has_no_rights_but_scripts(sandbox: Sandbox) -> None:
    sandbox.run("1")
    frame = sandbox.page.locator("iframe")
    assert frame.get_attribute("sandbox") == "allow-scripts"
    expect(frame).to_be_hidden()
