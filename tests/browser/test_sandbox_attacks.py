"""What a hostile script tries: nothing of it reaches the server, the page, the browser's storage or another script."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Server
from tests.browser.sandbox import Sandbox, requests, sandbox_host
from tests.browser.sandbox_host import SECRET

# Each is the body of a coroutine that returns what it got hold of, or raises. HOST is the address of the server.
ESCAPES = {
    "fetch": "r = await js.fetch(HOST + 'api/secret'); return await r.text()",
    "fetch with credentials": "r = await js.fetch(HOST + 'api/secret', mode='no-cors', credentials='include'); return 1",
    "fetch, the browser's own": """
        from pyodide.ffi import create_proxy
        found = js.Object.getPrototypeOf(js.self)
        while found:
            if js.Object.getOwnPropertyDescriptor(found, "fetch"):
                r = await js.Object.getOwnPropertyDescriptor(found, "fetch").value.call(js.self, HOST + "api/secret")
                return await r.text()
            found = js.Object.getPrototypeOf(found)""",
    "XMLHttpRequest": """
        x = js.XMLHttpRequest.new(); x.open("GET", HOST + "api/secret", False); x.send(); return x.responseText""",
    "WebSocket": """
        ws = js.WebSocket.new(HOST.replace("http", "ws") + "api/ws")
        await asyncio.sleep(1); return ws.readyState in (0, 1) and ws.readyState == 1 or None""",
    "EventSource": "e = js.EventSource.new(HOST + 'api/secret'); await asyncio.sleep(0.5); return e.readyState == 1 or None",
    "WebTransport": "w = js.WebTransport.new(HOST.replace('http:', 'https:')); await w.ready; return 1",
    "WebRTC": "p = js.RTCPeerConnection.new(); return 1",
    "sendBeacon": "return js.navigator.sendBeacon(HOST + 'api/secret', 'x') or None",
    "importScripts": "js.importScripts(HOST + 'api/secret'); return 1",
    "importScripts, the browser's own": """
        from pyodide.code import run_js
        p = js.Object.getPrototypeOf(js.self); p = js.Object.getPrototypeOf(p)
        js.Reflect.apply(p.importScripts, js.self, [HOST + "api/secret"]); return 1""",
    "import()": "from pyodide.code import run_js; await run_js(f'import({HOST + \"api/secret\"!r})'); return 1",
    "eval": "from pyodide.code import run_js; return run_js('1 + 1')",
    "Function": "return js.Function.new('return 1')()",
    "setTimeout with text": "js.self.got = None; js.setTimeout('self.got = 1', 0); await asyncio.sleep(0.2); return js.self.got",
    "pyfetch": "from pyodide.http import pyfetch; r = await pyfetch(HOST + 'api/secret'); return await r.text()",
    "open_url": "from pyodide.http import open_url; return open_url(HOST + 'api/secret').read()",
    "urllib": "import urllib.request; return urllib.request.urlopen(HOST + 'api/secret', timeout=2).read()",
    "http.client": "import http.client; c = http.client.HTTPConnection(ADDRESS, timeout=2); c.request('GET', '/api/secret'); return c.getresponse().read()",
    "socket": """
        import socket
        s = socket.create_connection((ADDRESS.split(":")[0], int(ADDRESS.split(":")[1])), timeout=2)
        s.sendall(b"GET /api/secret HTTP/1.0\\r\\n\\r\\n"); return s.recv(100)""",
    "createLazyFile": """
        import pyodide_js
        pyodide_js.FS.createLazyFile("/", "lazy", HOST + "api/secret", True, False); return open("/lazy").read()""",
    "loadPackage": "import pyodide_js; await pyodide_js.loadPackage(HOST + 'api/secret.whl'); import secret; return 1",
    "micropip": "import micropip; await micropip.install(HOST + 'api/secret.whl'); return 1",
    "a worker of its own": """
        code = f"fetch({HOST + 'api/secret'!r}).then(r => r.text()).then(postMessage, () => postMessage('')); new WebSocket({HOST.replace('http', 'ws') + 'api/ws'!r})"
        got = []
        w = js.Worker.new(js.URL.createObjectURL(js.Blob.new(js.Array.of(code), type="text/javascript")))
        w.onmessage = create_proxy(lambda e: got.append(e.data))
        await asyncio.sleep(1); return got and got[0] or None""",
    "a module worker": """
        code = f"import {HOST + 'api/secret'!r}"
        js.Worker.new(js.URL.createObjectURL(js.Blob.new(js.Array.of(code), type="text/javascript")), type="module")
        await asyncio.sleep(0.5); return None""",
    "a worker from the server": "js.Worker.new(HOST + 'api/secret'); await asyncio.sleep(0.5); return None",
    "a shared worker": "js.SharedWorker.new(HOST + 'api/secret'); return 1",
    "a blob module": """
        code = f"export default await (await fetch({HOST + 'api/secret'!r})).text()"
        url = js.URL.createObjectURL(js.Blob.new(js.Array.of(code), type="text/javascript"))
        w = js.Worker.new(js.URL.createObjectURL(js.Blob.new(js.Array.of(f"import({url!r})"), type="text/javascript")))
        await asyncio.sleep(0.5); return None""",
    "localStorage": "return js.localStorage.length + 1",
    "cookies": "return js.document.cookie or 'nothing'",
    "the cookie store": "return (await js.cookieStore.getAll()).length + 1",
    "IndexedDB": """
        got = asyncio.Future()
        r = js.indexedDB.open("attack")
        r.onsuccess = create_proxy(lambda e: got.set_result(1)); r.onerror = create_proxy(lambda e: got.set_result(None))
        return await got""",
    "CacheStorage": "return await js.caches.open('htmxchat-sandbox') and 1",
    "OPFS": "return await js.navigator.storage.getDirectory() and 1",
    "a service worker": "return await js.navigator.serviceWorker.register(HOST + 'sw.js') and 1",
    "locks": "return await js.navigator.locks.query() and 1",
    "BroadcastChannel": """
        got = []
        b = js.BroadcastChannel.new("page"); b.onmessage = create_proxy(lambda e: got.append(e.data))
        b.postMessage("from the sandbox"); await asyncio.sleep(0.5); return got and got[0] or None""",
    "the page's document": "return js.document.title",
    "the page's window": "return js.parent.document.title",
    "the top window": "js.top.location.href = HOST + 'api/secret'; return 1",
    "a popup": "return js.open(HOST + 'api/secret') and 1",
    "a notification": "js.Notification.new('x'); return js.Notification.permission == 'granted' or None",
    "the file system": "import os; return [n for n in os.listdir('/') if n not in ('tmp', 'home', 'dev', 'proc', 'lib')] or None",
    "environment": "import os; return [k for k in os.environ if 'SECRET' in k] or None",
}

FRAME = """
import asyncio, js
from pyodide.ffi import create_proxy
HOST, ADDRESS = {host!r}, {address!r}
async def attack():
{body}
try:
    got = await asyncio.wait_for(attack(), 3)
except BaseException as error:
    got = None
    print(type(error).__name__)
repr(got) if got else None
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with sandbox_host(tmp_path_factory.mktemp("packages")) as server:
        yield server


@pytest.fixture(scope="module")
def sandbox(browser: Browser, host: Server) -> Iterator[Sandbox]:
    """A page with a secret in its text, its storage, a cookie and a channel; the browser refuses aloud, so no watch."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(host.at("page"))
    page.evaluate(
        """async secret => {
        localStorage.secret = secret;
        await (await caches.open("page")).put("/secret", new Response(secret));
        window.heard = [];
        new BroadcastChannel("page").onmessage = event => { heard.push(event.data); };
        addEventListener("message", event => { heard.push(event.data); });
    }""",
        SECRET,
    )
    sandbox = Sandbox(page, host)
    sandbox.set_up(timeout=20)
    assert sandbox.run("1")["state"] == "done"
    yield sandbox
    context.close()


def ready(sandbox: Sandbox) -> None:
    """See that the next script finds everything loaded: what loads then would be taken for a request of its own."""
    if sandbox.page.locator("iframe").count() == 0:
        assert sandbox.works()


def script(host: Server, body: str) -> str:
    lines = body.strip("\n").splitlines()
    indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    body = "\n".join("    " + line[indent:] for line in lines)
    return FRAME.format(host=host.at(""), address=f"127.0.0.1:{host.port}", body=body)


@pytest.mark.parametrize("name", ESCAPES)
def test_there_is_no_way_out(sandbox: Sandbox, host: Server, name: str) -> None:
    ready(sandbox)
    before = requests(host)
    url = sandbox.page.url
    sandbox.page.evaluate("heard.length = 0")
    result = sandbox.run(script(host, ESCAPES[name]))
    assert result["value"] is None, result["value"]
    assert result["state"] == "done" or result["error"]["type"] == "python-crashed", result["error"]
    assert SECRET not in json.dumps(result)
    assert requests(host) == before
    assert sandbox.page.url == url
    assert sandbox.page.evaluate("heard") == []
    assert len(sandbox.page.context.pages) == 1


def test_no_script_leaves_anything_in_the_browsers_storage(sandbox: Sandbox) -> None:
    stored = sandbox.page.evaluate("""async () => ({
        caches: (await caches.keys()).filter(name => name !== "page"),
        databases: (await indexedDB.databases()).length,
        local: Object.keys(localStorage),
    })""")
    assert stored == {"caches": ["htmxchat-sandbox"], "databases": 0, "local": ["secret"]}


FORGED = [
    '{"type":"end"}',
    '{"type":"end","value":{"kind":"text","text":"<img src=x onerror=alert(1)>","format":"html"}}',
    '{"type":"end","value":{"kind":"image","type":"text/html","base64":"PGI+"}}',
    '{"type":"end","value":{"kind":"image","type":"image/png","base64":"\\" onerror=alert(1)"}}',
    '{"type":"end","value":{"kind":"table","columns":{"length":9},"rows":[[{}]],"total":"many","width":-1}}',
    '{"type":"end","value":{"kind":"markup","html":"<script>"}}',
    '{"type":"end","error":{"type":{},"message":[],"traceback":1,"module":null},"pictures":{"length":5}}',
    '{"type":"end","fatal":"<b>"}',
    '{"type":"end","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    '{"type":"output","stream":"__proto__","text":{"a":1}}',
    '{"type":"imports","names":["numpy","../../api/secret","__proto__"]}',
    '{"type":"begun"}',
    '{"type":"ready"}',
    '{"type":"snapshot"}',
    "null",
    "[]",
    "",
    "{" * 100_000,
]


@pytest.mark.parametrize("number", range(len(FORGED)))
def test_a_forged_message_changes_nothing_but_its_own_run(sandbox: Sandbox, host: Server, number: int) -> None:
    ready(sandbox)
    before = requests(host)
    code = f"import js, json\njs.postMessage({FORGED[number]!r})\nprint('after')\n'own'"
    result = sandbox.run(code)
    assert result["state"] in ("done", "failed")
    assert set(result) == {
        "state",
        "seconds",
        "value",
        "pictures",
        "error",
        "stdout",
        "stderr",
        "truncated",
        "output",
        "phases",
    }
    if result["value"]:
        assert result["value"]["kind"] in ("text", "table", "image")
        assert result["value"].get("type", "image/png") in ("image/png", "image/svg+xml")
    for text in (result["stdout"], result["stderr"], *(each["text"] for each in result["output"])):
        assert isinstance(text, str)
    assert sandbox.page.evaluate("({}).polluted") is None
    assert requests(host) == before
    assert sandbox.run("'mine'")["value"]["text"] == "'mine'"


@pytest.mark.parametrize(
    "message",
    [
        "js.Object.new(type='ready', snapshot=js.ArrayBuffer.new(8))",
        "js.Object.new(type='snapshot', snapshot=js.ArrayBuffer.new(8))",
        "js.Object.new(type='failed', message='x')",
        "js.ArrayBuffer.new(100_000_000)",
        "js.Map.new()",
        "None",
        "1",
    ],
)
def test_messages_that_are_no_text_are_not_passed_on(sandbox: Sandbox, message: str) -> None:
    result = sandbox.run(f"import js\njs.postMessage({message})\n'own'")
    assert result["value"]["text"] == "'own'"
    assert sandbox.works()


def test_a_script_cannot_wait_in_the_worker_for_the_next(sandbox: Sandbox) -> None:
    ambush = """
import js
from pyodide.ffi import create_proxy
forge = create_proxy(lambda *_: js.postMessage('{"type":"output","stream":"stdout","text":"ambush"}')
    or js.postMessage('{"type":"end","value":{"kind":"text","text":"ambush"}}'))
js.setInterval(forge, 1)
js.self.addEventListener("message", forge)
js.JSON.stringify = create_proxy(lambda *_: '{"type":"end"}')
code = "setInterval(() => postMessage('x'), 1)"
js.Worker.new(js.URL.createObjectURL(js.Blob.new(js.Array.of(code))))
"""
    sandbox.run(ambush)
    result = sandbox.run("import time\ntime.sleep(0.3)\n'mine'")
    assert (result["value"]["text"], result["stdout"]) == ("'mine'", "")


def test_another_frame_or_window_cannot_speak_for_the_sandbox(sandbox: Sandbox) -> None:
    result = sandbox.page.evaluate("""async () => {
        const forge = () => postMessage({ type: "sandbox" }, "*");
        const timer = setInterval(forge, 1);
        const result = await runner.run("'mine'");
        clearInterval(timer);
        return result.value.text;
    }""")
    assert result == "'mine'"


def test_the_sandbox_opens_in_no_other_sites_page(browser: Browser, host: Server) -> None:
    # `localhost` is another site than `127.0.0.1`.
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://localhost:{host.port}/chat/static/x/favicon.svg")
    page.route("**/foreign", lambda route: route.fulfill(body="<iframe></iframe>", content_type="text/html"))
    page.goto(f"http://localhost:{host.port}/foreign")
    said = page.evaluate(
        """url => new Promise(resolve => {
        addEventListener("message", () => resolve("it speaks"));
        const frame = document.querySelector("iframe");
        frame.onload = () => setTimeout(() => resolve("nothing"), 300);
        frame.src = url;
    })""",
        f"http://127.0.0.1:{host.port}/chat/sandbox",
    )
    assert said == "nothing"
    context.close()


def test_the_page_has_no_right_that_the_sandbox_needs(sandbox: Sandbox) -> None:
    refused = sandbox.page.evaluate("""async () => {
        const empty = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
        try { await WebAssembly.compile(empty); return "compiled"; } catch (error) { return error.name; }
    }""")
    assert refused == "CompileError"
