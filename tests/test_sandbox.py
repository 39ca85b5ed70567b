"""How scripts run in the browser, as far as the server has a say: settings, the frame's document, the files."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from htmxchat import Origins, create_chat_app
from htmxchat.backends.stub import StubBackend
from htmxchat.http.assets import STATIC
from htmxchat.scripts import Scripts

ROOT = Path(__file__).parents[1]
SANDBOX = STATIC / "js" / "sandbox"


def directives(header: str) -> dict[str, list[str]]:
    return {name: sources for name, *sources in (each.split() for each in header.split("; "))}


class TestSettings:
    @pytest.mark.parametrize(
        "options",
        [
            {"pyodide_url": "pyodide/"},
            {"pyodide_url": "/pyodide"},
            {"pyodide_url": ""},
            {"packages_url": "javascript:alert(1)//"},
            {"packages_url": "//host/"},
            {"packages_url": "ftp://host/"},
            {"packages_url": "https://user@host/"},
            {"packages_url": "https://host/a/?x=/"},
            {"packages_url": "https://host/; script-src *;/"},
            {"packages_url": "https://host;script-src/"},
            {"packages_url": "https://host/ä/"},
            {"packages_url": "https://*.host/"},
            {"timeout": 0},
            {"timeout": -1},
            {"load_timeout": float("nan")},
            {"idle_timeout": float("inf")},
            {"timeout": 86_401},
            {"memory": 1},
            {"memory": 5 * 1024**3},
        ],
    )
    def test_one_that_cannot_be_used_is_refused(self, options: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=f"^{next(iter(options))} must"):
            Scripts(**options)

    def test_folders_are_paths_or_addresses(self) -> None:
        scripts = Scripts(pyodide_url="/python/", packages_url="https://files.example:8443/pyodide/")
        assert scripts.origins == ("https://files.example:8443",)
        assert Scripts().origins == ()

    def test_the_page_may_fetch_from_the_hosts_that_are_set_and_no_others(self) -> None:
        for scripts, sources in (
            (None, ["'self'"]),
            (Scripts(packages_url="/packages/"), ["'self'"]),
            (Scripts(packages_url="https://files.example/pyodide/"), ["'self'", "https://files.example"]),
        ):
            with TestClient(create_chat_app(StubBackend(), scripts=scripts)) as client:
                policy = directives(client.get("/").headers["content-security-policy"])
            assert policy["connect-src"] == sources
            assert policy["script-src"] == ["'self'"]
            assert policy["frame-src"] == ["'self'"]


class TestDocument:
    def test_it_is_one_script_that_its_policy_names_by_digest(self) -> None:
        with TestClient(create_chat_app(StubBackend())) as client:
            response = client.get("/sandbox")
        (source,) = re.findall("<script>(.*)</script>", response.text, re.DOTALL)
        assert source == (SANDBOX / "frame.js").read_text()
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert directives(response.headers["content-security-policy"]) == {
            "default-src": ["'none'"],
            "script-src": [f"'sha256-{digest}'", "blob:", "'wasm-unsafe-eval'"],
            "worker-src": ["blob:"],
            "connect-src": ["'none'"],
            "form-action": ["'none'"],
            "base-uri": ["'none'"],
            "frame-ancestors": ["'self'"],
            "sandbox": ["allow-scripts"],
        }
        assert response.headers["document-isolation-policy"] == "isolate-and-require-corp"

    def test_it_is_the_same_for_everyone_and_sets_no_cookie(self) -> None:
        async def nobody(_request: object) -> None:
            return None

        with TestClient(create_chat_app(StubBackend(), identify=nobody)) as signed_out:
            first = signed_out.get("/sandbox")
        host = Starlette(routes=[Mount("/a", routes=[Mount("/b", create_chat_app(StubBackend()), name="chat")])])
        second = TestClient(host, root_path="/prefix").get("/prefix/a/b/sandbox")
        assert first.status_code == second.status_code == 200
        assert first.text == second.text
        assert first.headers["content-security-policy"] == second.headers["content-security-policy"]
        assert "set-cookie" not in second.headers

    def test_whoever_may_show_the_chat_in_a_frame_is_an_ancestor_of_it(self) -> None:
        for given, expected in (
            (["https://portal.example"], ["'self'", "https://portal.example"]),
            ([], ["'self'"]),
            (["'none'"], ["'self'"]),
        ):
            with TestClient(create_chat_app(StubBackend(), origins=Origins(frame_ancestors=given))) as client:
                policy = directives(client.get("/sandbox").headers["content-security-policy"])
            assert policy["frame-ancestors"] == expected

    def test_the_script_cannot_end_its_element(self) -> None:
        assert "</script" not in (SANDBOX / "frame.js").read_text().lower()
        assert "<!--" not in (SANDBOX / "frame.js").read_text()


class TestFiles:
    def test_the_page_expects_core_files_of_the_size_that_is_shipped(self) -> None:
        source = (SANDBOX / "files.js").read_text()
        manifest = json.loads((STATIC / "vendor/manifest.json").read_text())["files"]
        shipped = {Path(path).name: entry["bytes"] for path, entry in manifest.items() if path.startswith("pyodide/")}
        expected = {name: int(size.replace("_", "")) for name, size in re.findall(r'"([\w.]+)": ([\d_]+),', source)}
        assert expected == {name: size for name, size in shipped.items() if not name.endswith(("LICENSE.txt", ".gz"))}

    def test_page_and_frame_speak_the_same_protocol(self) -> None:
        versions = {re.search(r"PROTOCOL = (\d+)", (SANDBOX / name).read_text())[1] for name in ("box.js", "frame.js")}  # type: ignore[index]
        assert len(versions) == 1

    @pytest.mark.parametrize(
        ("name", "type"),
        [
            ("pyodide.mjs", "text/javascript"),
            ("pyodide.asm.wasm", "application/wasm"),
            ("python_stdlib.zip", "application/zip"),
        ],
    )
    def test_core_files_have_their_types_and_come_compressed(self, name: str, type: str) -> None:
        with TestClient(create_chat_app(StubBackend())) as client:
            response = client.get(f"/static/pyodide/vendor/pyodide/{name}", headers={"Accept-Encoding": "gzip"})
        assert response.status_code == 200
        assert response.headers["content-type"].startswith(type)
        assert response.headers.get("content-encoding") == (None if name.endswith(".zip") else "gzip")
        assert response.content == (STATIC / "vendor/pyodide" / name).read_bytes()
        if name.endswith(".wasm"):
            assert int(response.headers["content-length"]) < 4_000_000


def test_the_wheel_has_all_that_scripts_need(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--no-index", "--wheel-dir", str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    for folder in (SANDBOX, STATIC / "vendor/pyodide"):
        assert {file.relative_to(ROOT).as_posix() for file in folder.iterdir() if file.is_file()} <= names
    assert any(name.endswith("licenses/htmxchat/static/vendor/pyodide/LICENSE.txt") for name in names)
    code = (
        "import htmxchat, starlette.testclient as t; from htmxchat.backends.stub import StubBackend;"
        "c = t.TestClient(htmxchat.create_chat_app(StubBackend()));"
        "assert htmxchat.__file__.endswith('installed/htmxchat/__init__.py'), htmxchat.__file__;"
        "assert c.get('/sandbox').status_code == 200;"
        "print(len(c.get('/static/x/vendor/pyodide/pyodide.asm.wasm').content))"
    )
    installed = str(tmp_path / "installed")
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {installed!r}); {code}"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(done.stdout) == (STATIC / "vendor/pyodide/pyodide.asm.wasm").stat().st_size
