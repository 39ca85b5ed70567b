"""Files and requests that mean harm: each gets a clear answer, nothing runs, nothing leaks, nothing is left behind."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.requests import Request as WebRequest
from starlette.testclient import TestClient
from starlette.types import Message

from htmxchat import Files, FolderFiles, Limits, LocalBackend, Request, Store, User, create_chat_app
from htmxchat.store import tables as t
from tests.support import FRAGMENT

SECRET = b"the launch code is 4711"
SAFE = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "application/octet-stream"}
LIMIT = 64 * 1024
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(64))
SCRIPT = b"<script>alert(document.cookie)</script>"


async def identify(request: WebRequest) -> User | None:
    name = request.headers.get("x-user", "ann")
    return User(name) if name != "nobody" else None


async def respond(request: Request) -> Any:
    yield "Seen."


@dataclass
class Site:
    """A chat that keeps files in a folder and is watched."""

    app: Starlette
    client: TestClient
    store: Store
    folder: Path
    temporary: Path
    secret: str = ""
    kept: tuple[Any, ...] = field(default_factory=tuple)

    def count(self) -> tuple[Any, ...]:
        """What there is: rows, files in the folder, files in the place for temporary ones."""

        async def read() -> list[int]:
            tables = t.blobs, t.chunks, t.files, t.turn_files, t.turns
            statements = [select(func.count()).select_from(table) for table in tables]
            return await self.store.database.read(lambda db: [db.execute(each).scalar_one() for each in statements])

        assert self.client.portal is not None
        rows = self.client.portal.call(read)
        return (*rows, len(list(self.folder.iterdir())), len(list(self.temporary.iterdir())))

    def unchanged(self) -> None:
        assert self.count() == self.kept


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    store = Store(f"sqlite:///{tmp_path}/chat.db", files=FolderFiles(tmp_path / "kept"))
    app = create_chat_app(
        LocalBackend(respond, store),
        identify=identify,
        files=Files(max_size=LIMIT, max_number=3, max_kept=8 * LIMIT),
        limits=Limits(text=500, body=16 * 1024, body_timeout=0.5),
    )
    with TestClient(app, raise_server_exceptions=True, follow_redirects=False) as client:
        site = Site(app, client, store, tmp_path / "kept", tmp_path / "temporary")
        site.secret = upload(client, "secret.txt", SECRET, **{"X-User": "bob"})[1]
        site.kept = site.count()
        yield site


def form(*parts: bytes, boundary: bytes = b"X", end: bytes = b"--X--\r\n") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + end


def part(content: bytes, name: bytes = b"a.txt", kind: bytes = b"text/plain", field: bytes = b"upload") -> bytes:
    named = b'form-data; name="' + field + b'"; filename="' + name + b'"'
    return b"Content-Disposition: " + named + b"\r\nContent-Type: " + kind + b"\r\n\r\n" + content


def text(value: bytes, field: bytes = b"text") -> bytes:
    return b'Content-Disposition: form-data; name="' + field + b'"\r\n\r\n' + value


MULTIPART = {"Content-Type": "multipart/form-data; boundary=X"}


def upload(client: TestClient, name: str, content: bytes, kind: str = "text/plain", **headers: str) -> tuple[int, str]:
    body = form(part(content, name.encode("utf-8", "surrogatepass"), kind.encode()))
    response = client.post("/files", content=body, headers={**MULTIPART, **FRAGMENT, **headers})
    found = re.search(r'name="file" value="([0-9a-f]{32})"', response.text)
    return response.status_code, found[1] if found else response.text


def archive(**files: bytes) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return kept.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>'
ENTITIES = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
STYLED = b'<?xml version="1.0"?><?xml-stylesheet href="x"?><a/>'
GZIP = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + zlib.compress(bytes(9**6))
HUGE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x06\x00"
FORMULAS = b'=cmd|"/c calc"!A1,<script>alert(1)</script>\n'
XML, ZIP, OTHER = "application/xml", "application/zip", "application/octet-stream"
# What it is called, what the browser says that it is, its content, and what it is taken for.
HOSTILE: dict[str, tuple[str, str, bytes, str]] = {
    "a page as a picture": ("photo.png", "image/png", b"<html>" + SCRIPT, "text/html"),
    "a page as a text": ("notes.txt", "text/plain", SCRIPT, "text/html"),
    "a page after white space": ("a.png", "image/png", b"\n\t  " * 90 + SCRIPT, "text/html"),
    "a page after a comment": ("a.gif", "image/gif", b"<!-- x -->" + SCRIPT, "text/html"),
    "a page in capitals": ("a.txt", "text/plain", b"<SCRIPT>alert(1)</SCRIPT>", "text/html"),
    "a drawing that runs": ("a.svg", "image/svg+xml", SVG, "image/svg+xml"),
    "a drawing as a picture": ("a.png", "image/png", SVG, "image/svg+xml"),
    "a drawing after a declaration": ("a.png", "image/png", b'<?xml version="1.0"?>' + SVG, "image/svg+xml"),
    "a drawing with a prefix": ("a.xml", "text/xml", b"<x:svg onload='alert(1)'/>", "image/svg+xml"),
    "xml with a style sheet": ("a.xml", "text/xml", STYLED, XML),
    "xml with entities": ("a.xml", "text/xml", ENTITIES, XML),
    "a gif that is a page": ("a.gif", "image/gif", b"GIF89a\x01\x00\x01\x00\x80" + SCRIPT + b"\x00\xff", "image/gif"),
    "a gif that is a script": ("a.gif", "text/javascript", b"GIF89a/*\x00\x00*/=alert(1)//", "image/gif"),
    "a png that is a page": ("a.html", "text/html", PNG + SCRIPT, "image/png"),
    "a jpeg that is a page": ("a.html", "text/html", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + SCRIPT, "image/jpeg"),
    "a pdf with a script": ("a.pdf", "application/pdf", b"%PDF-1.7\n/OpenAction /JS (app.alert(1))", "application/pdf"),
    "a pdf that is a page": ("a.html", "text/html", b"%PDF-1.7\n\xff" + SCRIPT, "application/pdf"),
    "a page in utf-16": ("a.txt", "text/plain", SCRIPT.decode().encode("utf-16"), OTHER),
    "a page in utf-7": ("a.txt", "text/plain; charset=utf-7", b"+ADw-script+AD4-alert(1)", "text/plain"),
    "a page after a nul": ("a.txt", "text/plain", b"\x00" + SCRIPT, "application/octet-stream"),
    "a script": ("a.png", "image/png", b"alert(document.cookie)", "text/plain"),
    "a shell script": ("run.sh", "image/png", b"#!/bin/sh\nrm -rf /\n", "text/plain"),
    "a program": ("a.png", "image/png", b"MZ\x90\x00\x03\x00\x00\x00" + bytes(64), ""),
    "an elf program": ("a.jpg", "image/jpeg", b"\x7fELF\x02\x01\x01\x00" + bytes(64), ""),
    "an archive that grows": ("a.zip", "application/zip", archive(bomb=bytes(10**7)), ZIP),
    "an archive with paths": ("a.zip", ZIP, archive(**{"../../../etc/cron.d/x": b"x"}), ZIP),
    "a gzip that grows": ("a.csv", "text/csv", GZIP, "application/gzip"),
    "a png that claims to be huge": ("a.png", "image/png", HUGE, "image/png"),
    "a table of formulas": ("a.csv", "text/csv", FORMULAS, "text/html"),
    "a table of markup": ("a.csv", "text/csv", b'a,"<img src=x onerror=alert(1)>"\n1,2\n', "text/csv"),
    "a table of quotes": ("a.csv", "text/csv", b'"' * 20_001, "text/csv"),
    "a table of one long row": ("a.csv", "text/csv", b"x," * 30_000, "text/csv"),
    "a text of markup": ("a.md", "text/markdown", b"[x](javascript:alert(1)) <iframe src=x>", "text/html"),
    "a text that turns around": ("a.txt", "text/plain", "\u202e\u2066 evil \u0007"[:-1].encode(), "text/plain"),
    "a type with a line end": ("a.txt", "text/html\r\nX-Evil: 1", b"x", "text/plain"),
    "a type with quotes": ("a.txt", '"><script>', b"x", "text/plain"),
    "no type that anyone knows": ("a", "x/y", b"\x00\x01\x02", "application/octet-stream"),
}  # fmt: skip

NAMES: dict[str, tuple[bytes, str]] = {
    "a path": (b"../../../etc/passwd", "passwd"),
    "a path of windows": (b"..\\\\..\\\\boot.ini", "boot.ini"),
    "a whole path": (b"/etc/shadow", "shadow"),
    "only dots": (b"..", "file"),
    "a nul": (b"a.png\x00.html", "a.png.html"),
    "line ends": (b"a%0D%0AX-Evil: 1.txt", "aX-Evil 1.txt"),
    "quotes": (b"a%22; filename=evil.html", "a"),
    "markup": (b"<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
    "bidi": ("\u202egnp.exe".encode(), "gnp.exe"),
    "bytes that are no text": (b"\xff\xfe.txt", "\ufffd\ufffd.txt"),
    "very long": (b"x" * 3_000 + b".txt", "x" * 195 + "….txt"),
    "a device of windows": (b"CON", "CON"),
    "a hidden file": (b".htaccess", ".htaccess"),
    "invisible": ("\u200b\u200b".encode(), "file"),
    "a template": (b"{{7*7}}${7*7}", "{{7*7}}${7*7}"),
}


@pytest.mark.parametrize(("name", "kind", "content", "taken_for"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_can_run_nowhere(site: Site, name: str, kind: str, content: bytes, taken_for: str) -> None:
    status, id = upload(site.client, name, content, kind)
    if status != 200:
        # What its part's own head says was not to be read.
        assert status == 400
        return site.unchanged()
    (file,) = site.client.portal.call(site.store.files.find, "ann", [id])  # type: ignore[union-attr]
    assert not taken_for or file.media_type == taken_for
    served = site.client.get(f"/files/{id}")
    assert served.content == content
    assert served.headers["content-type"].partition(";")[0] in SAFE
    if file.media_type not in SAFE:
        assert served.headers["content-type"] == "application/octet-stream"
    assert served.headers["content-disposition"].startswith("attachment;")
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert served.headers["cross-origin-resource-policy"] == "same-origin"
    assert "private" in served.headers["cache-control"]
    assert "x-evil" not in served.headers
    shown = site.client.get(f"/files/{id}/preview")
    assert shown.status_code == 200
    assert not re.search(r"<(script|iframe|svg|img(?! src=\"/files/)|object|embed|style)\b", shown.text, re.IGNORECASE)
    assert len(shown.content) < 1_000_000
    assert site.client.get(f"/files/{id}", headers={"X-User": "eve"}).status_code == 404


@pytest.mark.parametrize(("name", "kept"), NAMES.values(), ids=NAMES)
def test_a_hostile_name_is_only_a_name(site: Site, name: bytes, kept: str) -> None:
    response = site.client.post("/files", content=form(part(b"x", name)), headers={**MULTIPART, **FRAGMENT})
    if response.status_code == 400:
        return site.unchanged()
    assert response.status_code == 200
    found = re.search(r'value="([0-9a-f]{32})"', response.text)
    assert found
    (file,) = site.client.portal.call(site.store.files.find, "ann", [found[1]])  # type: ignore[union-attr]
    assert file.name == kept or kept in ("a", "aX-Evil 1.txt")
    assert "<img" not in response.text
    headers = site.client.get(f"/files/{found[1]}").headers
    assert "x-evil" not in headers
    assert re.fullmatch(
        r"attachment; filename=\"[A-Za-z0-9 ._()-]*\"; filename\*=UTF-8''[\w%.~-]*", headers["content-disposition"]
    )
    # Nothing in the folder is called as someone says.
    assert all(re.fullmatch("[0-9a-f]{32}", each.name) for each in site.folder.iterdir())


BODIES: dict[str, tuple[int, bytes, dict[str, str]]] = {
    "no body": (400, b"", MULTIPART),
    "no boundary": (400, form(part(b"x")), {"Content-Type": "multipart/form-data"}),
    "another boundary": (400, form(part(b"x")), {"Content-Type": "multipart/form-data; boundary=Y"}),
    "a boundary of 5,000 characters": (400, b"x", {"Content-Type": f"multipart/form-data; boundary={'X' * 5_000}"}),
    "no end": (400, form(part(b"x" * 5_000), end=b""), MULTIPART),
    "an end in the middle": (400, form(part(b"x" * 5_000))[:-4], MULTIPART),
    "10,000 parts": (413, form(*[part(b"x")] * 10_000), MULTIPART),
    "10,000 fields": (413, form(*[text(b"x")] * 10_000), MULTIPART),
    "too many files": (422, form(*[part(b"x")] * 4), MULTIPART),
    "no file": (422, form(text(b"hello")), MULTIPART),
    "an empty file": (422, form(part(b"")), MULTIPART),
    "a file that no one chose": (422, form(part(b"", b"")), MULTIPART),
    "one byte too many": (413, form(part(b"x" * (LIMIT + 1))), MULTIPART),
    "one good and one too large": (413, form(part(b"x"), part(b"x" * (LIMIT + 1))), MULTIPART),
    "more than all may have": (413, form(*[part(b"x" * LIMIT)] * 9), MULTIPART),
    "a huge header": (400, form(part(b"x", b"n" * 100_000)), MULTIPART),
    "many headers": (400, form(b"X-A: 1\r\n" * 5_000 + part(b"x")), MULTIPART),
    "a header without an end": (400, b"--X\r\nContent-Disposition" + b"x" * 20_000, MULTIPART),
    "a header with a nul": (400, form(b"Content\x00-Disposition: x\r\n\r\nx"), MULTIPART),
    "no disposition": (400, form(b"Content-Type: text/plain\r\n\r\nx"), MULTIPART),
    "another disposition": (400, form(b'Content-Disposition: attachment; filename="x"\r\n\r\nx'), MULTIPART),
    "a field of no name": (400, form(b"Content-Disposition: form-data\r\n\r\nx"), MULTIPART),
    "only line ends": (400, b"\r\n" * 10_000, MULTIPART),
    "bytes without a form": (400, bytes(range(256)) * 50, MULTIPART),
    "a field that is too long": (400, form(text(b"x" * 20_000)), MULTIPART),
    "a form of another kind": (400, b"text=x", {"Content-Type": "application/x-www-form-urlencoded"}),
    "json": (400, b"{}", {"Content-Type": "application/json"}),
    "no type": (400, form(part(b"x")), {}),
    "mixed": (400, form(part(b"x")), {"Content-Type": "multipart/mixed; boundary=X"}),
    "another site": (403, form(part(b"x")), {**MULTIPART, "Sec-Fetch-Site": "cross-site"}),
    "another origin": (403, form(part(b"x")), {**MULTIPART, "Origin": "https://evil.example"}),
    "nobody": (401, form(part(b"x")), {**MULTIPART, "X-User": "nobody"}),
    "announced as huge": (413, form(part(b"x")), {**MULTIPART, "Content-Length": "99999999999"}),
}


@pytest.mark.parametrize(("status", "body", "headers"), BODIES.values(), ids=BODIES)
def test_a_hostile_upload_gets_a_sentence_and_leaves_nothing(
    site: Site, status: int, body: bytes, headers: dict[str, str]
) -> None:
    response = site.client.post("/files", content=body, headers={**headers, **FRAGMENT})
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("text/plain")
    assert response.text.endswith((".", "?")) and "Traceback" not in response.text and "\n" not in response.text
    site.unchanged()


MESSAGES: dict[str, tuple[int, bytes]] = {
    "another's file": (422, form(text(b"hi"), text(b"SECRET", b"file"))),
    "a guessed file": (422, form(text(b"hi"), text(b"0" * 32, b"file"))),
    "a file that is markup": (422, form(text(b"hi"), text(b"<script>", b"file"))),
    "a file of 5,000 characters": (422, form(text(b"hi"), text(b"a" * 5_000, b"file"))),
    "many files": (422, form(text(b"hi"), *[text(b"%032x" % n, b"file") for n in range(9)])),
    "nothing": (422, form(text(b""))),
    "only white space": (422, form(text(b"  "), part(b"", b""))),
    "no text and no file": (400, form(text(b"x", b"other"))),
    "a text that is too long": (422, form(text(b"x" * 501))),
    "a text that is no utf-8": (422, form(text(b"\xff\xfe"))),
    "a text with a nul": (422, form(text(b"a\x00b"))),
    "a file that is too large": (413, form(text(b"hi"), part(b"x" * (LIMIT + 1)))),
    "an end in the middle": (400, form(text(b"hi"), part(b"x" * 999))[:-9]),
    "10,000 parts": (413, form(text(b"hi"), *[part(b"x")] * 10_000)),
}


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "part"])
@pytest.mark.parametrize(("status", "body"), MESSAGES.values(), ids=MESSAGES)
def test_a_hostile_message_is_not_sent(site: Site, status: int, body: bytes, headers: dict[str, str]) -> None:
    body = body.replace(b"SECRET", site.secret.encode())
    response = site.client.post("/messages", content=body, headers={**MULTIPART, **headers})
    assert response.status_code == status, response.text
    assert SECRET not in response.content and b"secret.txt" not in response.content
    assert "<script>" not in response.text
    site.unchanged()
    response = site.client.post("/messages", content=b"text=hi&file=" + site.secret.encode(), headers={
        "Content-Type": "application/x-www-form-urlencoded", **headers,
    })  # fmt: skip
    assert response.status_code == 422
    site.unchanged()


REQUESTS: dict[str, tuple[str, str, dict[str, str], set[int]]] = {
    "another's file": ("GET", "/files/SECRET", {}, {404}),
    "another's preview": ("GET", "/files/SECRET/preview", {}, {404}),
    "another's file, by its head": ("HEAD", "/files/SECRET", {}, {404}),
    "another's file, if it has changed": ("GET", "/files/SECRET", {"If-None-Match": '"x"'}, {404}),
    "another's file, a part of it": ("GET", "/files/SECRET", {"Range": "bytes=0-1"}, {404}),
    "another's draft": ("POST", "/files/SECRET/discard", {}, {404}),
    "a guess": ("GET", "/files/" + "0" * 32, {}, {404}),
    "a path": ("GET", "/files/..%2F..%2Fetc%2Fpasswd", {}, {404}),
    "an absolute path": ("GET", "/files/%2Fetc%2Fpasswd", {}, {404}),
    "a nul": ("GET", "/files/a%00b", {}, {404}),
    "sql": ("GET", "/files/'%20or%20'1'='1", {}, {404}),
    "capitals": ("GET", "/files/" + "A" * 32, {}, {404}),
    "nothing": ("GET", "/files/", {}, {307, 404}),
    "all": ("GET", "/files", {}, {200}),
    "all of them, another's named": ("GET", "/files?file=SECRET", {}, {200, 404}),
    "to put": ("PUT", "/files/SECRET", {}, {405}),
    "to delete": ("DELETE", "/files/SECRET", {}, {405}),
    "nobody": ("GET", "/files/SECRET", {"X-User": "nobody"}, {401}),
    "to discard from another site": ("POST", "/files/SECRET/discard", {"Sec-Fetch-Site": "cross-site"}, {403}),
    "to go on with an upload": ("PATCH", "/files", {"Content-Range": "bytes 1-2/3"}, {405}),
}


@pytest.mark.parametrize(("method", "path", "headers", "statuses"), REQUESTS.values(), ids=REQUESTS)
def test_a_hostile_request_finds_nothing(
    site: Site, method: str, path: str, headers: dict[str, str], statuses: set[int]
) -> None:
    response = site.client.request(method, path.replace("SECRET", site.secret), headers=headers)
    assert response.status_code in statuses
    assert SECRET not in response.content and "secret.txt" not in str(response.headers) + response.text
    site.unchanged()


RANGES: dict[str, tuple[int, str]] = {
    "bytes=0-0": (206, "0"),
    "bytes=5-": (206, "56789"),
    "bytes=-3": (206, "789"),
    "bytes=-99": (200, "0123456789"),
    "bytes=0-99": (200, "0123456789"),
    "bytes=9-9": (206, "9"),
    "bytes=10-": (416, ""),
    "bytes=99999999999999-": (416, ""),
    "bytes=-0": (416, ""),
    "bytes=5-2": (200, "0123456789"),
    "bytes=0-1,3-4": (200, "0123456789"),
    "bytes=" + "0-," * 1_000 + "0-": (200, "0123456789"),
    "bytes=1-" + "9" * 400: (200, "0123456789"),
    "bytes=a-b": (200, "0123456789"),
    "bytes=-": (200, "0123456789"),
    "items=0-1": (200, "0123456789"),
    "bytes=٣-٤": (200, "0123456789"),
}


@pytest.mark.parametrize(("wanted", "answer"), RANGES.items(), ids=map(str, range(len(RANGES))))
def test_a_range_gets_what_it_asks_for_or_all_or_nothing(site: Site, wanted: str, answer: tuple[int, str]) -> None:
    _, id = upload(site.client, "a.txt", b"0123456789")
    response = site.client.get(f"/files/{id}", headers=[(b"range", wanted.encode())])
    assert (response.status_code, response.text) == answer
    if response.status_code == 206:
        assert response.headers["content-range"].endswith("/10")
        assert response.headers["content-length"] == str(len(answer[1]))


def test_a_user_keeps_no_more_than_there_is_room_for(site: Site) -> None:
    kept = [upload(site.client, "a", bytes([n]) * LIMIT)[0] for n in range(10)]
    assert kept == [200] * 8 + [413] * 2
    # Small ones have their cost, too.
    assert [upload(site.client, "a", b"x", **{"X-User": "eve"})[0] for _ in range(130)].count(200) == 128


class Asked:
    """A request of which only some comes."""

    def __init__(self, app: Starlette, body: bytes, *, length: int | None = None, then: str = "disconnect") -> None:
        self.sent: list[Message] = []
        self._app, self._body, self._then = app, body, then
        headers = [(b"content-type", MULTIPART["Content-Type"].encode()), (b"hx-request", b"true"), (b"host", b"x")]
        headers += [(b"content-length", str(length).encode())] if length is not None else []
        self._scope = {
            "type": "http", "method": "POST", "path": "/files", "raw_path": b"/files", "query_string": b"",
            "root_path": "", "scheme": "http", "server": ("x", 80), "headers": headers, "http_version": "1.1",
        }  # fmt: skip

    async def go(self) -> None:
        left = [self._body[at : at + 5_000] for at in range(0, len(self._body), 5_000)]

        async def receive() -> Message:
            if left:
                return {"type": "http.request", "body": left.pop(0), "more_body": True}
            if self._then == "silence":
                await anyio.sleep_forever()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            self.sent.append(message)

        await self._app(self._scope, receive, send)


WHOLE = form(part(b"x" * 40_000), part(b"y" * 40_000))
CUTS = {"before it": 0, "in its head": 30, "in its first piece": 2_000, "in the first file": 30_000, "between": 40_140,
        "in the second file": 70_000, "before its end": len(WHOLE) - 3}  # fmt: skip


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_an_upload_that_breaks_off_leaves_nothing(site: Site, cut: int, caplog: pytest.LogCaptureFixture) -> None:
    asked = Asked(site.app, WHOLE[:cut], length=len(WHOLE))
    site.client.portal.call(asked.go)  # type: ignore[union-attr]
    site.unchanged()
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("each", [part(b"x"), text(b"x")], ids=["files", "fields"])
def test_ten_thousand_parts_that_no_one_announced_are_too_many(site: Site, each: bytes) -> None:
    asked = Asked(site.app, form(*[each] * 10_000))
    site.client.portal.call(asked.go)  # type: ignore[union-attr]
    assert (asked.sent[0]["status"], asked.sent[1]["body"][:33]) == (400, b"The form has too many parts. Send")
    site.unchanged()


def test_an_upload_that_stalls_is_given_up(site: Site) -> None:
    asked = Asked(site.app, WHOLE[:30_000], length=len(WHOLE), then="silence")
    site.client.portal.call(asked.go)  # type: ignore[union-attr]
    assert asked.sent[0]["status"] == 408
    assert (b"connection", b"close") in asked.sent[0]["headers"]
    site.unchanged()


def test_a_file_goes_with_its_conversation_at_once_for_everyone(site: Site) -> None:
    _, id = upload(site.client, "a.txt", b"hello")
    body = {"text": "hi", "file": id}
    page = site.client.post("/messages", data=body).headers["location"].partition("#")[0]
    assert site.client.get(f"/files/{id}").status_code == 200
    assert site.client.post(f"/files/{id}/discard").status_code == 404
    site.client.post(f"{page}/delete")
    assert site.client.get(f"/files/{id}").status_code == 404
    assert site.client.get(f"/files/{id}/preview").status_code == 404


def test_there_are_sixty_of_them() -> None:
    assert len(HOSTILE) + len(NAMES) + len(BODIES) + len(MESSAGES) + len(REQUESTS) + len(RANGES) + len(CUTS) >= 60
