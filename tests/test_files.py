"""Files: kept as they come, each content once; given to their owner and to agents; gone with what carried them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update

from htmxchat import (
    File,
    FileSent,
    FileTooLarge,
    FolderFiles,
    InputRequested,
    InvalidInput,
    LocalBackend,
    NotFound,
    Request,
    Run,
    SendFile,
    SentFiles,
    Store,
    User,
    fold,
)
from htmxchat.errors import BackendError, BackendUnavailable
from htmxchat.events import JSON
from htmxchat.files.names import clean_name
from htmxchat.files.types import HEAD, media_type
from htmxchat.store import tables as t
from htmxchat.store.file_stores import CHUNK
from htmxchat.testing import BackendConformance, each_event
from tests.servers import Postgres

pytestmark = pytest.mark.anyio
ANN, EVE = User("ann"), User("eve")
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(64))
TABLES = t.blobs, t.chunks, t.files, t.turn_files


async def content(data: bytes, piece: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), piece):
        yield data[start : start + piece]


def list_of(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


async def count(store: Store) -> list[int]:
    def work(db: Connection) -> list[int]:
        return [db.execute(select(func.count()).select_from(table)).scalar_one() for table in TABLES]

    return await store.database.read(work)


@pytest.fixture(params=["memory", "file", "folder", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    url: str | None = f"sqlite:///{tmp_path}/chat.db"
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.url
    place = FolderFiles(tmp_path / "kept") if request.param == "folder" else None
    store = Store(None if request.param == "memory" else url, keep_deleted=0, files=place)
    if request.param == "postgres":
        for table in t.files, t.blobs, t.conversations:  # what other tests have left
            await store.database.write(lambda db, table=table: db.execute(table.delete()))  # type: ignore[misc]
    yield store
    await store.close()


async def respond(request: Request) -> AsyncGenerator[Any, Any]:
    for file in request.files:
        yield f"{file.name}: {(await file.read())[:5]!r} "
    for turn in request.history:
        for file in turn.files:
            yield f"before: {file.name}: {(await file.read())[:5]!r} "
        for event in turn.events:
            if isinstance(event.body, FileSent):
                yield f"sent: {(await event.body.file.read())!r} "
    if request.text == "send":
        file = yield SendFile("/tmp/../a.csv", "a,b\n")
        yield SendFile("b.bin", content(bytes(3 * CHUNK)))
        yield f"kept {file.name}"


async def answered(backend: LocalBackend, text: str, *files: File, conversation: str | None = None) -> tuple[Run, str]:
    run = await backend.start_run(ANN, conversation, text, files=[file.id for file in files])
    async with asyncio.timeout(20), aclosing(each_event(backend, ANN, run.id)) as events:
        view = fold([event async for event in events])
    assert view.error is None
    return run, view.text


class TestConformanceInAFolder(BackendConformance):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.path = tmp_path

    async def make_backend(self) -> LocalBackend:
        return LocalBackend(respond, Store(files=FolderFiles(self.path)))


async def test_the_same_content_is_kept_once(store: Store, tmp_path: Path) -> None:
    data = bytes(range(256)) * 3_000
    first = await store.files.put("ann", "a", content(data))
    second = await store.files.put("eve", "b", content(data, 7_777))
    assert (first.digest, first.size) == (hashlib.sha256(data).hexdigest(), len(data)) == (second.digest, second.size)
    in_folder = list_of(tmp_path / "kept")
    assert await count(store) == [1, 0 if in_folder else 3, 2, 0]
    assert not in_folder or [file.read_bytes() for file in in_folder] == [data]
    await store.files.discard("ann", first.id)
    _, chunks = await store.files.open("eve", second.id)
    assert b"".join([chunk async for chunk in chunks]) == data
    await store.files.discard("eve", second.id)
    assert await count(store) == [0, 0, 0, 0]
    assert list_of(tmp_path / "kept") == []


async def test_many_who_keep_and_discard_the_same_content_at_once_lose_nothing(store: Store) -> None:
    async def come_and_go(number: int) -> None:
        for _ in range(4):
            file = await store.files.put("ann", str(number), content(b"the same" * 1_000))
            _, chunks = await store.files.open("ann", file.id)
            assert b"".join([chunk async for chunk in chunks]) == b"the same" * 1_000
            await store.files.discard("ann", file.id)

    await asyncio.gather(*(come_and_go(number) for number in range(5)))
    assert await count(store) == [0, 0, 0, 0]


async def test_agents_read_what_is_sent_and_what_was(store: Store) -> None:
    backend = LocalBackend(respond, store)
    file = await backend.store_file(ANN, "a.txt", content(b"hello world"))
    run, text = await answered(backend, "send", file)
    assert text == "a.txt: b'hello'\n\nkept a.csv"
    _, later = await answered(backend, "again", conversation=run.conversation_id)
    assert later.startswith("before: a.txt: b'hello' sent: b'a,b\\n' sent: b'\\x00")
    _, answer, *_ = (await backend.load_transcript(ANN, run.conversation_id)).turns
    (sent,) = [part for part in fold(answer.events).parts if isinstance(part, SentFiles)]
    assert [(each.name, each.media_type, each.size) for each in sent.files] == [
        ("a.csv", "text/csv", 4),
        ("b.bin", "application/octet-stream", 3 * CHUNK),
    ]
    with pytest.raises(NotFound):
        await backend.open_file(EVE, sent.files[0].id)
    with pytest.raises(RuntimeError, match="Request"):
        sent.files[0].open()
    await backend.close()


async def test_an_edit_keeps_the_files_of_what_it_replaces(store: Store) -> None:
    backend = LocalBackend(respond, store)
    file = await backend.store_file(ANN, "a.txt", content(b"hello world"))
    run, _ = await answered(backend, "first", file)
    edited = await backend.edit_turn(ANN, run.conversation_id, run.turn_id, "better")
    async with asyncio.timeout(20), aclosing(each_event(backend, ANN, edited.id)) as events:
        assert fold([event async for event in events]).text == "a.txt: b'hello' "
    question, _ = (await backend.load_transcript(ANN, run.conversation_id)).turns
    assert (question.text, question.files) == ("better", (file,))
    await backend.close()


async def test_a_conversation_that_begins_with_files_only_is_called_as_they_are(store: Store) -> None:
    backend = LocalBackend(respond, store)
    files = [await backend.store_file(ANN, name, content(b"x")) for name in ("one.txt", "two.txt")]
    run, _ = await answered(backend, "", *files)
    assert (await backend.get_conversation(ANN, run.conversation_id)).title == "one.txt, two.txt"
    await backend.close()


async def test_nothing_is_left_of_a_conversation_that_is_removed(store: Store) -> None:
    backend = LocalBackend(respond, store)
    file = await backend.store_file(ANN, "a.txt", content(b"hello world"))
    run, _ = await answered(backend, "send", file)
    assert (await count(store))[0] == 3
    await backend.delete_conversation(ANN, run.conversation_id)
    await store.conversations.purge()
    assert await count(store) == [0, 0, 0, 0]
    await backend.close()


@pytest.mark.parametrize("how", ["prune", "delete_user"])
async def test_nothing_is_left_of_what_the_administrator_removes(store: Store, how: str) -> None:
    backend = LocalBackend(respond, store)
    file = await backend.store_file(ANN, "a.txt", content(b"hello world"))
    await answered(backend, "send", file)
    await backend.store_file(EVE, "a.txt", content(b"hello world"))
    assert await (store.prune(timedelta(0)) if how == "prune" else store.delete_user("ann")) == 1
    assert (await count(store))[::2] == [1, 1]
    await backend.close()


async def test_a_draft_that_is_never_sent_goes_after_a_day(store: Store) -> None:
    old, new = [await store.files.put("ann", "a", content(data)) for data in (b"old", b"new")]
    this = t.files.c.id == old.id
    made = await store.database.read(lambda db: db.execute(select(t.files.c.created_at).where(this)).scalar_one())
    past = update(t.files).where(this).values(created_at=made - timedelta(days=1, seconds=1))
    await store.database.write(lambda db: db.execute(past))
    await store.files.sweep(now=True)
    assert await count(store) in ([1, 1, 1, 0], [1, 0, 1, 0])
    assert await store.files.find("ann", [new.id]) == (new,)
    with pytest.raises(NotFound):
        await store.files.find("ann", [old.id])


async def test_what_a_killed_process_has_left_of_an_upload_goes_after_two_days(store: Store) -> None:
    file = await store.files.put("ann", "a", content(b"begun"))

    def as_while_it_comes(db: Connection) -> None:
        db.execute(t.files.delete().where(t.files.c.id == file.id))
        db.execute(update(t.blobs).values(digest=None))

    await store.database.write(as_while_it_comes)
    await store.files.sweep(now=True)
    assert (await count(store))[0] == 1
    made = await store.database.read(lambda db: db.execute(select(t.blobs.c.created_at)).scalar_one())
    later = update(t.blobs).values(created_at=made - timedelta(days=2, seconds=1))
    await store.database.write(lambda db: db.execute(later))
    await store.files.sweep(now=True)
    assert await count(store) == [0, 0, 0, 0]


async def test_an_upload_that_is_cancelled_leaves_nothing(store: Store) -> None:
    begun = asyncio.Event()

    async def stalls() -> AsyncIterator[bytes]:
        yield bytes(2 * CHUNK)
        begun.set()
        await asyncio.sleep(3_600)

    task = asyncio.create_task(store.files.put("ann", "a", stalls()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count(store) == [0, 0, 0, 0]


async def test_a_file_that_was_changed_where_it_is_kept_is_told_from_what_was_sent(tmp_path: Path) -> None:
    store = Store(files=FolderFiles(tmp_path))
    file = await store.files.put("ann", "a", content(b"as it was sent"))
    (kept,) = list_of(tmp_path)
    kept.write_bytes(b"as it was sEnt")
    with pytest.raises(BackendError, match="damaged"):
        await file.attached(lambda id, start, end: store.files.content("ann", id, start, end)).read()
    with pytest.raises(FileTooLarge):
        await file.read(limit=5)
    kept.unlink()
    kept.symlink_to("/etc/passwd")
    _, chunks = await store.files.open("ann", file.id)
    with pytest.raises(BackendUnavailable):
        [chunk async for chunk in chunks]
    await store.close()


async def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    store = Store(files=FolderFiles(tmp_path / "kept"))
    (tmp_path / "kept").rmdir()
    with pytest.raises(BackendUnavailable, match="Files cannot be kept"):
        await store.files.put("ann", "a", content(b"x"))
    assert await count(store) == [0, 0, 0, 0]
    await store.close()


async def test_what_is_kept_in_a_folder_is_private(tmp_path: Path) -> None:
    store = Store(files=FolderFiles(tmp_path / "kept"))
    await store.files.put("ann", "../../a", content(b"x"))
    (kept,) = list_of(tmp_path / "kept")
    assert (kept.stat().st_mode & 0o777, (tmp_path / "kept").stat().st_mode & 0o777) == (0o600, 0o700)
    await store.close()


async def test_a_large_upload_holds_up_no_other_writer(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/chat.db")
    written = 0

    async def large() -> AsyncIterator[bytes]:
        nonlocal written
        for _ in range(20):
            yield bytes(CHUNK)
            # Between any two pieces another transaction finds its turn.
            await store.database.write(lambda db: db.execute(select(1)))
            written += 1

    await store.files.put("ann", "a", large())
    assert written == 20
    await store.close()


async def test_no_file_is_sent_with_two_conversations(store: Store) -> None:
    backend = LocalBackend(respond, store)
    file = await backend.store_file(ANN, "a.txt", content(b"x"))
    started = await asyncio.gather(
        *(backend.start_run(ANN, None, f"message {number}", files=[file.id]) for number in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Run) for each in started) == 1
    assert sum(isinstance(each, InvalidInput) for each in started) == 3
    assert len((await backend.list_conversations(ANN)).items) == 1
    await backend.close()


class Resuming:
    """Sends a file, and sends it again when it is resumed."""

    async def answer(self, request: Request) -> AsyncGenerator[Any, Any]:
        yield SendFile("a.csv", "a,b\n")
        yield SendFile("a.csv", "other\n")
        yield InputRequested("which", "Which?")

    async def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Any, Any]:
        file = yield SendFile("a.csv", "a,b\n")
        yield SendFile("a.csv", "another\n")
        yield f"{await file.read()!r}, {request.answers['which']}"


async def test_a_run_that_is_resumed_sends_a_file_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    first = LocalBackend(Resuming(), Store(url))
    run = await first.start_run(ANN, None, "go")
    async with asyncio.timeout(20), aclosing(each_event(first, ANN, run.id)) as events:
        async for event in events:
            if isinstance(event.body, InputRequested):
                break
    await first.close()
    second = LocalBackend(Resuming(), store := Store(url))
    await second.answer_request(ANN, run.id, "which", "that")
    async with asyncio.timeout(20), aclosing(each_event(second, ANN, run.id)) as events:
        view = fold([event async for event in events])
    assert view.text == "b'a,b\\n', that"
    names = [[file.size for file in part.files] for part in view.parts if isinstance(part, SentFiles)]
    assert names == [[4, 6], [8]]
    assert await count(store) == [3, 3, 3, 0]
    await second.close()


NAMES = {
    "photo.png": "photo.png",
    "../../etc/passwd": "passwd",
    "C:\\Users\\me\\a.txt": "a.txt",
    "a\x00b\r\nc.txt": "abc.txt",
    "": "file",
    "..": "file",
    "...": "file",
    " . ": "file",
    "/": "file",
    "\u202egnp.exe": "gnp.exe",
    "a\u200b\u2066b\ufeff.txt": "ab.txt",
    "tab\tand  space.txt": "taband space.txt",
    "trailing. . ": "trailing",
    "e\u0301.txt": "é.txt",
    "\ud800half.txt": "half.txt",
    "x" * 300 + ".pdf": "x" * 195 + "….pdf",
    "y" * 300: "y" * 200,
    ".htaccess": ".htaccess",
    "<script>.html": "<script>.html",
    "家族 写真.jpg": "家族 写真.jpg",
}


@pytest.mark.parametrize(("given", "kept"), NAMES.items(), ids=map(str, range(len(NAMES))))
def test_a_name_is_one_line_without_a_path_or_what_cannot_be_seen(given: str, kept: str) -> None:
    assert clean_name(given) == kept
    assert clean_name(kept) == kept


TYPES = {
    ("photo.png", PNG): "image/png",
    ("photo.html", PNG): "image/png",
    ("a.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\xff"): "image/jpeg",
    ("a.gif", b"GIF89a\x01\x00\x01\x00\x80\xff\x00"): "image/gif",
    ("a.webp", b"RIFF\x00\x01\x00\x00WEBPVP8 \xff\xff"): "image/webp",
    ("a.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"): "application/pdf",
    ("a.pdf", b"%PDF-1.7\nonly text"): "application/pdf",
    ("a.txt", b"Gr\xc3\xbc\xc3\x9fe\n"): "text/plain",
    ("a.csv", b"a,b\n1,2\n"): "text/csv",
    ("A.JSON", b"{}"): "application/json",
    ("a.md", b"# A title\n"): "text/markdown",
    ("a.docx", b"PK\x03\x04\x14\x00\x00\x00\x08\x00\xff\xff"): (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    ),
    ("a.zip", b"PK\x03\x04\x14\x00\x00\x00\x08\x00\xff\xff"): "application/zip",
    ("photo.png", b"<html><script>alert(1)</script>"): "text/html",
    ("photo.png", b"  <!-- --> <!DOCTYPE html>"): "text/html",
    ("photo.png", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'): "image/svg+xml",
    ("a.txt", b'<?xml version="1.0"?><x:svg xmlns:x="http://www.w3.org/2000/svg"/>'): "image/svg+xml",
    ("a.txt", b'\xef\xbb\xbf <?xml version="1.0"?><x/>'): "application/xml",
    ("photo.png", b"not a picture"): "text/plain",
    ("page.html", b"not a page"): "text/plain",
    ("a.svg", b"not a picture"): "text/plain",
    ("photo.png", b"\x00\x01\x02\x03"): "application/octet-stream",
    ("photo.svg", b"\x00<svg onload=alert(1)>"): "application/octet-stream",
    ("photo.html", b"\x00<html><script>"): "application/octet-stream",
    ("photo.png", b""): "text/plain",
    ("a.txt", "Grüße".encode("utf-16")): "application/octet-stream",
    ("a.txt", "Grüße".encode("latin-1")): "application/octet-stream",
    ("a.txt", b"x" * (HEAD - 1) + "ü".encode()): "text/plain",
    ("a.txt", b"x" * (HEAD - 1) + b"\xff"): "application/octet-stream",
}


@pytest.mark.parametrize(("given", "found"), TYPES.items(), ids=map(str, range(len(TYPES))))
def test_the_content_says_what_a_file_is(given: tuple[str, bytes], found: str) -> None:
    name, head = given
    assert media_type(head, name) == found


async def test_a_process_that_does_not_know_where_files_are_leaves_them_to_one_that_does(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    knows, other = Store(url, files=FolderFiles(tmp_path / "kept")), Store(url, files=False)
    file = await knows.files.put("ann", "a.txt", content(b"hello"))
    assert await other.delete_user("ann") == 0
    assert len(list_of(tmp_path / "kept")) == 1
    with pytest.raises(BackendError, match="does not know"):
        await other.files.put("ann", "b.txt", content(b"x"))
    with pytest.raises(NotFound):
        await knows.files.find("ann", [file.id])
    await knows.files.sweep(now=True)
    assert list_of(tmp_path / "kept") == []
    await knows.close()
    await other.close()


async def test_an_export_names_files(store: Store) -> None:
    backend = LocalBackend(respond, store)
    file = await backend.store_file(ANN, "a.txt", content(b"hello world"))
    await answered(backend, "send", file)
    exported: list[dict[str, Any]] = [each async for each in store.export_user("ann")]
    ((turn,),) = [each["turns"] for each in exported]
    assert turn["files"] == [
        {"id": file.id, "name": "a.txt", "media_type": "text/plain", "size": 11, "digest": file.digest}
    ]
    await backend.close()
