"""How the sandbox gets going, how it does not, and what packages a script can import."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from htmxchat.http.assets import STATIC
from tests.browser.conftest import Server, watch
from tests.browser.sandbox import Sandbox, sandbox_host

LOCK_INFO = {"abi_version": "2026_0", "arch": "wasm32", "platform": "emscripten_5_0_3", "python": "3.14.2"}


def wheel(folder: Path, name: str, source: str) -> str:
    """Write a wheel of one module, and return its file's name."""
    file = f"{name}-1.0-py3-none-any.whl"
    information = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / file, "w") as archive:
        archive.writestr(f"{name}.py", source)
        archive.writestr(f"{information}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{information}/RECORD", "")
    return file


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small distribution: `alpha` needs `beta`; `broken` is no wheel; `gone` has no file; `wrong` another digest."""
    folder = tmp_path_factory.mktemp("packages")
    sources = {"alpha": "import beta\nanswer = beta.half * 2\n", "beta": "half = 21\n", "wrong": ""}
    entries: dict[str, Any] = {}
    for name, source in sources.items():
        file = wheel(folder, name, source)
        digest = sha256((folder / file).read_bytes() if name != "wrong" else b"").hexdigest()
        entries[name] = {"file_name": file, "sha256": digest}
    (folder / "broken-1.0-py3-none-any.whl").write_bytes(b"no wheel")
    entries["broken"] = {
        "file_name": "broken-1.0-py3-none-any.whl",
        "sha256": sha256(b"no wheel").hexdigest(),
    }
    entries["gone"] = {"file_name": "gone-1.0-py3-none-any.whl", "sha256": "0" * 64}
    depends = {"alpha": ["beta"]}
    for name, entry in entries.items():
        more = {"name": name, "version": "1.0", "imports": [name], "depends": depends.get(name, [])}
        entry |= more | {"install_dir": "site", "package_type": "package", "unvendored_tests": False}
    (folder / "pyodide-lock.json").write_text(json.dumps({"info": LOCK_INFO, "packages": entries}))
    return folder


@pytest.fixture(scope="module")
def host(packages: Path) -> Iterator[Server]:
    with sandbox_host(packages) as server:
        yield server


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture(scope="module")
def sandbox(context: BrowserContext, host: Server) -> Iterator[Sandbox]:
    """One page for all tests: each puts a runner of its own in it. After all that went wrong, one more works."""
    shared = Sandbox.opened(context, host)
    yield shared
    shared.set_up()
    assert shared.works()


class TestStart:
    def test_nothing_is_loaded_before_the_first_script(self, page: Page, host: Server) -> None:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(host.url)
        Sandbox(page, host).set_up()
        assert not [url for url in asked if "pyodide" in url or url.endswith(("/sandbox", "worker.js", "prelude.py"))]
        expect(page.locator("iframe")).to_have_count(0)

    def test_it_tells_how_far_it_is(self, sandbox: Sandbox) -> None:
        sandbox.set_up()
        phases = sandbox.run("1")["phases"]
        assert [each["phase"] for each in phases] == ["runtime", "starting", "running"]
        loaded = sum(
            file.stat().st_size for file in (STATIC / "vendor/pyodide").iterdir() if file.suffix not in (".txt", ".gz")
        )
        assert (phases[0]["loaded"], phases[0]["total"]) == (loaded, loaded)

    def test_it_starts_from_a_snapshot_where_it_has_one_and_without_it_otherwise(self, sandbox: Sandbox) -> None:
        keys = "caches.open('htmxchat-sandbox').then(cache => cache.keys()).then(keys => keys.map(it => it.url))"
        sandbox.page.evaluate("caches.delete('htmxchat-sandbox')")
        sandbox.set_up()
        assert sandbox.run("'plain'")["state"] == "done"
        sandbox.page.evaluate(f"new Promise(async r => {{ while (!(await {keys}).length) ; r(); }})")
        (key,) = sandbox.page.evaluate(keys)
        sandbox.set_up()
        assert sandbox.run("'from the snapshot'")["state"] == "done"
        assert sandbox.page.evaluate(keys) == [key]

    def test_a_snapshot_that_is_broken_is_thrown_away(self, sandbox: Sandbox) -> None:
        sandbox.set_up()
        sandbox.run("1")
        sandbox.page.evaluate("""async () => {
            const cache = await caches.open("htmxchat-sandbox");
            const [key] = await cache.keys();
            await cache.put(key, new Response(new Uint8Array(70_000)));
        }""")
        sandbox.set_up()
        assert sandbox.run("'plain'")["value"]["text"] == "'plain'"

    def test_it_works_without_a_cache(self, sandbox: Sandbox) -> None:
        # As on a page that comes by plain HTTP from another machine.
        sandbox.page.evaluate("delete window.caches")
        sandbox.set_up()
        result = sandbox.run("'plain'")
        sandbox.page.reload()
        assert result["state"] == "done"

    def test_where_it_cannot_be_interrupted_it_is_terminated(self, sandbox: Sandbox) -> None:
        sandbox.set_up(frame="/no-isolation", timeout=1)
        result = sandbox.run("import time\nprint('a')\ntime.sleep(0.1)\nprint('b')\nwhile True: pass")
        assert (result["state"], result["stdout"], result["error"]["traceback"]) == ("timed-out", "a\nb\n", "")
        assert sandbox.works()


class TestTrouble:
    def failure(self, sandbox: Sandbox, type: str, **options: Any) -> str:
        sandbox.set_up(**options)
        result = sandbox.run("1")
        assert (result["state"], result["error"]["origin"], result["error"]["type"]) == ("failed", "sandbox", type)
        expect(sandbox.page.locator("iframe")).to_have_count(0)
        sentence: str = result["error"]["message"]
        return sentence

    def test_missing_files_are_named(self, sandbox: Sandbox) -> None:
        sentence = self.failure(sandbox, "files-missing", runtime="/nothing/")
        assert "/nothing/" in sentence and "answers 404" in sentence

    def test_a_server_that_is_gone(self, context: BrowserContext, host: Server) -> None:
        sandbox = Sandbox.opened(context, host)
        context.set_offline(True)
        result = sandbox.run("1")
        context.set_offline(False)
        assert (result["state"], result["error"]["type"]) == ("failed", "offline")
        assert "cannot be reached" in result["error"]["message"]
        assert sandbox.works()
        sandbox.page.close()

    def test_files_that_are_something_else(self, sandbox: Sandbox) -> None:
        sentence = self.failure(sandbox, "wasm-refused", runtime="/garbage/")
        assert "WebAssembly" in sentence

    def test_a_browser_that_refuses_webassembly(self, sandbox: Sandbox) -> None:
        assert "blocks WebAssembly" in self.failure(sandbox, "wasm-refused", frame="/no-wasm")

    def test_a_document_that_is_no_sandbox(self, sandbox: Sandbox) -> None:
        assert "did not open" in self.failure(sandbox, "frame-refused", frame="/api/secret")

    def test_a_sandbox_of_another_version(self, sandbox: Sandbox) -> None:
        assert "Reload the page" in self.failure(sandbox, "version-mismatch", frame="/other-version")

    def test_a_page_that_forbids_frames(self, context: BrowserContext, host: Server) -> None:
        page = context.new_page()
        page.goto(host.at("no-frames"))
        self.failure(Sandbox(page, host), "frame-refused")
        page.close()

    def test_loading_that_stands_still_has_a_limit_of_its_own(self, sandbox: Sandbox) -> None:
        sandbox.page.route("**/*.wasm", lambda route: None)
        sandbox.set_up(loadTimeout=1)
        result = sandbox.run("1")
        sandbox.page.unroute("**/*.wasm")
        assert (result["state"], result["error"]["type"], result["seconds"]) == ("timed-out", "load-timeout", 0)
        assert "nothing came for 1 second" in result["error"]["message"]

    @pytest.mark.parametrize("at", ["runtime", "starting"])
    def test_loading_can_be_stopped(self, sandbox: Sandbox, at: str) -> None:
        sandbox.set_up()
        result = sandbox.run("1", stop_at=at)
        assert (result["state"], result["seconds"]) == ("cancelled", 0)
        assert sandbox.works()


@pytest.fixture(scope="module")
def with_packages(browser: Browser, host: Server) -> Iterator[Sandbox]:
    """In a browser of its own: one keeps a single Python of a site, which is another one with other packages."""
    context = browser.new_context()
    yield Sandbox.opened(context, host, packages="/packages/")
    context.close()


class TestPackages:
    def test_what_a_script_imports_is_fetched_with_what_that_needs(self, with_packages: Sandbox) -> None:
        with_packages.set_up(packages="/packages/")
        result = with_packages.run("def later():\n    import alpha\n    return alpha.answer\nlater()")
        assert result["value"]["text"] == "42"
        assert [each["phase"] for each in result["phases"]] == [
            "runtime",
            "starting",
            "packages",
            "starting",
            "running",
        ]
        assert with_packages.run("import beta\nbeta.half")["value"]["text"] == "21"

    def test_what_the_folder_does_not_have_is_named(self, with_packages: Sandbox) -> None:
        message = with_packages.run("import delta")["error"]["message"]
        assert message.startswith("No module named 'delta': this site's package folder does not have it.")

    @pytest.mark.parametrize(
        ("name", "type", "words"),
        [
            ("gone", "files-missing", "gone-1.0-py3-none-any.whl answers 404"),
            ("wrong", "package-failed", "wrong-1.0-py3-none-any.whl is not the one that its lock file describes"),
            ("broken", "package-failed", "cannot be loaded"),
        ],
    )
    def test_a_package_that_cannot_be_had_says_why(
        self, with_packages: Sandbox, name: str, type: str, words: str
    ) -> None:
        result = with_packages.run(f"import {name}")
        assert (result["state"], result["error"]["type"]) == ("failed", type)
        assert words in result["error"]["message"]
        assert with_packages.run("import alpha\nalpha.answer")["value"]["text"] == "42"

    @pytest.mark.parametrize(("folder", "words"), [("/nothing/", "answers 404"), ("/garbage/", "is not the JSON")])
    def test_a_folder_that_is_none_says_so(self, sandbox: Sandbox, folder: str, words: str) -> None:
        sandbox.set_up(packages=folder)
        result = sandbox.run("1")
        assert (result["state"], result["error"]["type"]) == ("failed", "files-missing")
        assert words in result["error"]["message"]


@pytest.fixture(scope="module")
def watched(browser: Browser) -> Iterator[Page]:
    """A page on which nothing may show that no page may do."""
    trouble: list[str] = []
    context = browser.new_context()
    watch(context, trouble)
    yield context.new_page()
    context.close()
    assert trouble == []


class TestElement:
    def test_it_runs_on_a_page_without_the_chat(self, watched: Page, host: Server) -> None:
        page = watched
        page.goto(host.at("page"))
        runner = page.locator("python-runner")
        expect(runner.get_by_role("textbox", name="Sum")).to_have_value('total = 1 + 1\nprint("adding")\ntotal')
        runner.get_by_role("button", name="Run").click()
        expect(runner).to_have_attribute("data-state", "done")
        expect(runner.get_by_role("status")).to_have_text("Done")
        assert runner.locator("pre").all_inner_texts() == ["adding\n", "2"]

    def test_it_stops_and_shows_errors_tables_and_pictures_inertly(self, watched: Page, host: Server) -> None:
        page = watched
        page.goto(host.at("page"))
        runner = page.locator("python-runner")
        code = runner.get_by_role("textbox")

        def run(text: str) -> None:
            code.fill(text)
            code.press("Control+Enter")

        run("while True: pass")
        expect(runner).to_have_attribute("data-state", "running")
        runner.get_by_role("button", name="Stop").click()
        expect(runner).to_have_attribute("data-state", "cancelled")
        expect(runner).to_contain_text("The script was stopped.")
        run("1 / 0")
        expect(runner).to_contain_text("ZeroDivisionError: division by zero")
        run("[{'<b>name</b>': '<img src=x onerror=alert(1)>', 'n': 1}]")
        expect(runner.get_by_role("columnheader").first).to_have_text("<b>name</b>")
        expect(runner.get_by_role("cell").first).to_have_text("<img src=x onerror=alert(1)>")
        expect(runner.locator("img, b")).to_have_count(0)
        run(
            'class P:\n    def _repr_svg_(self): return \'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>\'\nP()'
        )
        expect(runner.get_by_role("img")).to_have_attribute("src", re.compile("^data:image/svg\\+xml;base64,"))
        expect(runner.locator("svg, script")).to_have_count(0)
