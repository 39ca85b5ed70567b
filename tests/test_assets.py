"""The static files: versioned addresses, caching, compression."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Router
from starlette.testclient import TestClient
from starlette.types import Message

from htmxchat.fragments.widths import widths_of
from htmxchat.http.assets import LATE_STYLES, PAGE, STATIC, STYLES, TURN_STYLES, Assets
from htmxchat.http.joining import join_modules, join_styles

SCRIPT = "export const answer = 42;\n" * 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    static = tmp_path / "static"
    write(static, {"js/page.js": SCRIPT, "css/base.css": "b{}", "css/tokens.css": "a{}", "vendor/LICENSE": "free"})
    (tmp_path / "secret.txt").write_text("secret")
    return static


def write(directory: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)


def client(assets: Assets) -> TestClient:
    return TestClient(Starlette(routes=[Mount("/static", assets)]), headers={"Accept-Encoding": "identity"})


class TestVersion:
    def test_it_is_the_same_for_the_same_files(self, folder: Path) -> None:
        assert Assets(folder).version == Assets(folder).version
        assert len(Assets(folder).version) == 12

    @pytest.mark.parametrize("change", [{"js/page.js": "other"}, {"js/new.js": ""}, {"css/base.css": "b{c:d}"}])
    def test_it_changes_with_any_file(self, folder: Path, change: dict[str, str]) -> None:
        before = Assets(folder).version
        write(folder, change)
        assert Assets(folder).version != before

    def test_it_changes_when_a_file_is_renamed(self, folder: Path) -> None:
        before = Assets(folder).version
        (folder / "js/page.js").rename(folder / "js/other.js")
        assert Assets(folder).version != before


class TestCaching:
    def test_the_present_version_is_cached_for_good(self, folder: Path) -> None:
        assets = Assets(folder)
        response = client(assets).get(f"/static/{assets.version}/js/page.js")
        assert response.text == SCRIPT
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"

    def test_a_page_of_another_version_gets_the_file_as_it_is_now_but_not_for_good(self, folder: Path) -> None:
        response = client(Assets(folder)).get("/static/0123456789ab/js/page.js")
        assert response.text == SCRIPT
        assert response.headers["cache-control"] == "no-cache"

    def test_files_are_served_as_they_were_when_the_version_was_made(self, folder: Path) -> None:
        assets = Assets(folder)
        write(folder, {"js/page.js": "half a deploym"})
        assert client(assets).get(f"/static/{assets.version}/js/page.js").text == SCRIPT

    @pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
    def test_what_the_browser_has_is_not_sent_again(self, folder: Path, form: str) -> None:
        browser = client(Assets(folder))
        etag = browser.get("/static/x/js/page.js").headers["etag"]
        response = browser.get("/static/x/js/page.js", headers={"If-None-Match": form.format(etag)})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == etag
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["vary"] == "Accept-Encoding"

    def test_compressed_and_plain_have_different_tags(self, folder: Path) -> None:
        browser = client(Assets(folder))
        compressed = browser.get("/static/x/js/page.js", headers={"Accept-Encoding": "gzip"}).headers["etag"]
        assert browser.get("/static/x/js/page.js", headers={"If-None-Match": compressed}).status_code == 200


class TestCompression:
    @pytest.mark.parametrize(
        ("accepted", "compressed"),
        [
            ("gzip", True),
            ("deflate, GZIP;q=0.5, br", True),
            ("*", True),
            ("x-gzip", True),
            ("gzip;q=0.001", True),
            ("gzip ; q=0", False),
            ("gzip;q=0.000, *", False),
            ("*;q=0", False),
            ("br, deflate", False),
            ("gzip;q=nonsense", False),
            ("gzip;q=nan", False),
            ("identity", False),
            ("", False),
            (",;=,", False),
        ],
    )
    def test_gzip_is_negotiated(self, folder: Path, accepted: str, compressed: bool) -> None:
        response = client(Assets(folder)).get("/static/x/js/page.js", headers={"Accept-Encoding": accepted})
        assert response.text == SCRIPT
        assert ("content-encoding" in response.headers) is compressed
        assert (int(response.headers["content-length"]) < 200) is compressed
        assert response.headers["vary"] == "Accept-Encoding"

    def test_what_gains_nothing_stays_as_it_is(self, folder: Path) -> None:
        noise = gzip.compress(bytes(range(256)) * 16)
        write(folder, {"small.js": "1", "noise.wasm": noise, "picture.png": b"\0" * 9000})
        for name in ("small.js", "noise.wasm", "picture.png"):
            response = client(Assets(folder)).get(f"/static/x/{name}", headers={"Accept-Encoding": "gzip"})
            assert "content-encoding" not in response.headers, name

    def test_a_file_that_lies_there_compressed_is_served_so(self, folder: Path) -> None:
        packed = gzip.compress(SCRIPT.encode(), mtime=1)
        write(folder, {"js/page.js.gz": packed})
        assets = Assets(folder)
        with client(assets).stream("GET", "/static/x/js/page.js", headers={"Accept-Encoding": "gzip"}) as response:
            assert b"".join(response.iter_raw()) == packed
        plain = client(assets).get("/static/x/js/page.js", headers={"Accept-Encoding": "identity"})
        assert (plain.text, plain.headers.get("content-encoding")) == (SCRIPT, None)
        assert client(assets).get("/static/x/js/page.js.gz").status_code == 404

    def test_no_large_file_is_compressed_while_somebody_waits(self) -> None:
        sizes = {file: file.stat().st_size for file in STATIC.rglob("*") if file.is_file() and file.suffix != ".zip"}
        large = {file for file, size in sizes.items() if size > 256 * 1024 and file.suffix != ".gz"}
        assert large
        assert [file.name for file in large if not file.with_name(f"{file.name}.gz").exists()] == []


async def get(assets: Assets, path: str) -> tuple[int, bytes]:
    """Ask for exactly this path: an HTTP client would tidy it up first."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"accept-encoding", b"gzip")]
    scope = {"type": "http", "method": "GET", "path": f"/static/x/{path}", "headers": headers}
    await Router([Mount("/static", assets)])(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "media_type"),
        [
            ("a.js", "text/javascript; charset=utf-8"),
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"),
            ("a.svg", "image/svg+xml; charset=utf-8"),
            ("a.json", "application/json; charset=utf-8"),
            ("a.wasm", "application/wasm"),
            ("LICENSE", "text/plain; charset=utf-8"),
            ("a.unknown", "application/octet-stream"),
        ],
    )
    def test_types_do_not_depend_on_the_machine(self, folder: Path, name: str, media_type: str) -> None:
        write(folder, {name: ""})
        response = client(Assets(folder)).get(f"/static/x/{name}")
        assert response.headers["content-type"] == media_type
        assert response.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "js",
            "js/",
            "js/nothing.js",
            "../secret.txt",
            "../../secret.txt",
            "js/../../secret.txt",
            "js\\..\\page.js",
            "js/../js/page.js",
            "/js/page.js",
            "js//page.js",
            "JS/page.js",
            ".hidden.js",
            ".git/config",
            "js/page.js\0",
        ],
    )
    async def test_only_known_files_are_there(self, folder: Path, path: str) -> None:
        write(folder, {".hidden.js": "1", ".git/config": "1"})
        status, body = await get(Assets(folder), path)
        assert (status, body) == (404, b"Not found")

    def test_head_tells_what_get_would(self, folder: Path) -> None:
        browser = client(Assets(folder))
        for encoding in ("gzip", "identity"):
            headers = {"Accept-Encoding": encoding}
            head = browser.head("/static/x/js/page.js", headers=headers)
            assert head.content == b""
            assert head.headers == browser.get("/static/x/js/page.js", headers=headers).headers

    def test_other_methods_are_refused(self, folder: Path) -> None:
        response = client(Assets(folder)).post("/static/x/js/page.js")
        assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")

    def test_other_origins_get_nothing(self, folder: Path) -> None:
        response = client(Assets(folder)).get("/static/x/js/page.js")
        assert response.headers["cross-origin-resource-policy"] == "same-origin"


class TestFoldersApart:
    def test_they_do_not_count_for_the_version(self, folder: Path) -> None:
        write(folder, {"big/core.wasm": "1"})
        before = Assets(folder, apart=["big/"])
        write(folder, {"big/core.wasm": "2"})
        assert Assets(folder, apart=["big/"]).version == before.version
        assert Assets(folder).version != before.version

    def test_browsers_ask_whether_they_have_changed(self, folder: Path) -> None:
        write(folder, {"big/core.wasm": "1"})
        assets = Assets(folder, apart=["big/"])
        browser = client(assets)
        for version in ("x", assets.version):
            response = browser.get(f"/static/{version}/big/core.wasm")
            assert (response.text, response.headers["content-type"]) == ("1", "application/wasm")
            assert response.headers["cache-control"] == "no-cache"
            known = {"If-None-Match": response.headers["etag"]}
            assert browser.get(f"/static/{version}/big/core.wasm", headers=known).status_code == 304
        assert "big/core.wasm" in assets
        assert "core.wasm" not in assets

    def test_they_are_read_when_they_are_asked_for(self, folder: Path) -> None:
        assets = Assets(folder, apart=["big/"])
        write(folder, {"big/core.wasm": "1", "js/late.js": "1"})
        assert assets.content("big/core.wasm") == b"1"
        for late in ("big/other", "js/late.js"):
            with pytest.raises(KeyError):
                assets.content(late)


class TestStyles:
    def test_the_modules_come_as_one_file_in_the_order_of_the_cascade(self, folder: Path) -> None:
        response = client(Assets(folder)).get("/static/x/css/chat.css")
        assert response.text == "a{}\nb{}"
        assert response.headers["content-type"] == "text/css; charset=utf-8"

    def test_a_module_alone_is_not_served(self, folder: Path) -> None:
        assert client(Assets(folder)).get("/static/x/css/base.css").status_code == 404

    def test_every_module_of_the_package_is_in_the_cascade(self) -> None:
        assert {file.stem for file in STATIC.glob("css/*.css")} <= {*STYLES, *TURN_STYLES, *LATE_STYLES}


def test_htmx_and_its_extension_come_as_one_file() -> None:
    served = client(Assets()).get("/static/x/vendor/htmx.js").text
    htmx, extension = ((STATIC / f"vendor/{name}.min.js").read_text() for name in ("htmx", "hx-sse"))
    assert served == f"{htmx};\n{extension}"


@pytest.mark.parametrize("root_path", ["", "/team/a"])
def test_files_are_found_below_every_kind_of_mount(folder: Path, root_path: str) -> None:
    chat = Starlette(routes=[Mount("/static", Assets(folder), name="static")])
    host = Starlette(routes=[Mount("/deep", routes=[Mount("/chat/{tenant}", chat, name="chat")])])
    browser = TestClient(host, root_path=root_path)
    assert browser.get(f"{root_path}/deep/chat/a/static/x/js/page.js").text == SCRIPT
    assert TestClient(Assets(folder)).get("/x/js/page.js").text == SCRIPT


def test_the_package_ships_its_files() -> None:
    assets = Assets()
    vendored = ("htmx.min.js", "hx-sse.min.js", "htmx.LICENSE.txt", "pyodide/pyodide.asm.wasm", "pyodide/LICENSE.txt")
    for path in ("favicon.svg", *(f"vendor/{name}" for name in vendored)):
        assert path in assets


class TestScripts:
    """The modules of the page come as one."""

    def test_what_every_page_needs_is_one_file_that_takes_nothing_else(self) -> None:
        assets = Assets()
        script = assets.content("js/chat.js").decode()
        assert "\nimport " not in script
        assert "/**" not in script
        assert [name for name in PAGE[:-1] if f"js/{name}.js" in assets] == []

    def test_every_module_that_comes_later_finds_what_it_imports(self) -> None:
        assets = Assets()
        given = set(re.findall(r"\w+", assets.content("js/chat.js").decode().rpartition("export {")[2]))
        for file in STATIC.glob("js/*.js"):
            if file.stem in PAGE:
                continue
            script = assets.content(f"js/{file.name}").decode()
            for names, module in re.findall(r'^import \{ (.+) \} from "\./(.+)\.js";$', script, re.MULTILINE):
                assert f"js/{module}.js" in assets
                assert module != "chat" or given >= {*names.split(", ")}

    def test_names_of_a_module_that_it_does_not_export_are_its_own(self) -> None:
        first = "const SIZE = 1; // seen\nexport function one() {\n  return SIZE;\n}\n"
        second = (
            'import { one } from "./first.js";\n\n/** Gone. */\nconst SIZE = 2;\nexport const two = one() + SIZE;\n'
        )
        assert join_modules({"first": first, "second": second}).splitlines() == [
            *("const { one } = (() => {", "const SIZE = 1; // seen", "function one() {", "return SIZE;", "}"),
            *("return { one };", "})();"),
            *("const { two } = (() => {", "const SIZE = 2;", "const two = one() + SIZE;", "return { two };", "})();"),
            "export { one, two };",
        ]

    @pytest.mark.parametrize(
        ("modules", "words"),
        [
            ({"a": 'import "./b.js";\n', "b": ""}, "a.js stands before what it imports: b."),
            ({"a": "export const x = 1;\n", "b": "export const x = 2;\n"}, "b.js exports what another"),
        ],
    )
    def test_what_cannot_be_joined_is_refused(self, modules: dict[str, str], words: str) -> None:
        with pytest.raises(ValueError, match=re.escape(words)):
            join_modules(modules)

    def test_a_comment_goes_only_where_it_cannot_be_something_else(self) -> None:
        text = (
            'const a = "/* no */"; // no\n  // gone\n  /** gone\n   * @type {X} */\nconst b = /** @type {B} */ (c);\n'
        )
        assert join_modules({"a": text}).splitlines()[1:3] == [
            'const a = "/* no */"; // no',
            "const b = (c);",
        ]
        assert (
            join_styles({"a": "a {\n  /* why\n */\n  color: red;\n}\n", "b": "b {}\n"})
            == "a {\ncolor: red;\n}\n\nb {}\n"
        )


def test_every_width_that_a_reader_can_set_has_a_style() -> None:
    styles = (STATIC / "css/rooms.css").read_text()
    set_by_styles = re.findall(r'data-widths~="(\w+)"\] \{ --([hs]): (\d+)rem', styles)
    assert all(token == f"{room}{width}" for token, room, width in set_by_styles)
    tokens = {token for token, _, _ in set_by_styles}
    assert widths_of("folded.") == "folded"
    assert tokens == {f"{room}{width}" for room in "hs" for width in range(100) if widths_of(f"{room}{width}")}
    script = (STATIC / "js/widths.js").read_text()
    for letter, least, most in re.findall(r'letter: "(\w)", least: (\d+), most: (\d+)', script):
        assert {token for token in tokens if token[0] == letter} == {
            f"{letter}{width}" for width in range(int(least), int(most) + 1)
        }
