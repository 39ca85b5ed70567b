"""Tests of files."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import pytest

from ...backend import Backend, CanBranch, CanDelete, CanDeleteTurns
from ...errors import FilesFull, InvalidInput, NotFound
from ...files import File
from ...files.ability import KeepsFiles
from ...models import User
from .kit import Kit

_CONTENT = b"name,bytes\n" * 60_000


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 100_000):
        yield content[start : start + 100_000]


async def _breaks() -> AsyncIterator[bytes]:
    yield b"x" * 1_000_000
    raise _Broken


class _Broken(Exception):
    pass


class _KeepsFiles(KeepsFiles, Backend):
    pass


class FilePromises(Kit):
    """What a backend promises that keeps files."""

    async def _file(self, backend: KeepsFiles, name: str = "sizes.csv", content: bytes = _CONTENT) -> File:
        return await backend.store_file(self.user, name, _pieces(content))

    async def _content(self, backend: KeepsFiles, user: User, id: str, **range: int) -> bytes:
        _, pieces = await backend.open_file(user, id, **range)
        return b"".join([piece async for piece in pieces])

    @staticmethod
    def _able(backend: Backend) -> _KeepsFiles:
        if not isinstance(backend, KeepsFiles):
            pytest.skip("the backend keeps no files")
        return backend  # type: ignore[return-value]

    async def test_a_draft_is_what_was_stored(self) -> None:
        async with self._backend() as made:
            backend = self._able(made)
            file = await self._file(backend, "folder/sizes.csv")
            assert (file.name, file.media_type, file.size) == ("sizes.csv", "text/csv", len(_CONTENT))
            assert file.digest == hashlib.sha256(_CONTENT).hexdigest()
            assert await backend.find_files(self.user, [file.id]) == (file,)
            assert await self._content(backend, self.user, file.id) == _CONTENT
            for start, end in (0, 1), (262_143, 262_145), (len(_CONTENT) - 1, len(_CONTENT) + 9), (5, 5):
                assert await self._content(backend, self.user, file.id, start=start, end=end) == _CONTENT[start:end]

    async def test_files_are_their_owners_only(self) -> None:
        async with self._backend() as made:
            backend = self._able(made)
            file = await self._file(backend)
            for id in (file.id, self.unknown_id):
                for foreign in (
                    backend.find_files(self.other_user, [id]),
                    backend.open_file(self.other_user, id),
                    backend.discard_file(self.other_user, id),
                ):
                    with pytest.raises(NotFound):
                        await foreign
                with pytest.raises(InvalidInput):
                    await backend.start_run(self.other_user, None, self.prompt, files=[id])
            assert (await made.list_conversations(self.other_user)).items == ()

    async def test_a_message_carries_its_files(self) -> None:
        async with self._backend() as made:
            backend = self._able(made)
            files = [await self._file(backend, name) for name in ("b.csv", "a.csv")]
            run = await backend.start_run(self.user, None, "", files=[each.id for each in files])
            await self._all(backend, run)
            question, answer = (await backend.load_transcript(self.user, run.conversation_id)).turns
            assert (question.text, question.files) == ("", tuple(files))
            assert answer.run is not None
            with pytest.raises(NotFound):
                await backend.discard_file(self.user, files[0].id)
            with pytest.raises(InvalidInput):
                await backend.start_run(self.user, None, self.prompt, files=[files[0].id])
            if isinstance(made, CanBranch):
                again = await backend.start_run(self.user, run.conversation_id, self.prompt, files=[files[1].id])
                await self._all(backend, again)
                turns = (await backend.load_transcript(self.user, run.conversation_id)).turns
                assert turns[2].files == (files[1],)

    async def test_a_file_is_discarded_once(self) -> None:
        async with self._backend() as made:
            backend = self._able(made)
            file = await self._file(backend)
            await backend.discard_file(self.user, file.id)
            with pytest.raises(NotFound):
                await backend.discard_file(self.user, file.id)
            with pytest.raises(NotFound):
                await backend.find_files(self.user, [file.id])

    async def test_files_go_with_their_conversation(self) -> None:
        async with self._backend() as made:
            backend = self._able(made)
            if not isinstance(made, CanDelete):
                pytest.skip("the backend cannot delete")
            file = await self._file(backend)
            run = await backend.start_run(self.user, None, self.prompt, files=[file.id])
            await self._all(backend, run)
            await made.delete_conversation(self.user, run.conversation_id)
            with pytest.raises(NotFound):
                await backend.open_file(self.user, file.id)
            await made.restore_conversation(self.user, run.conversation_id)
            assert await self._content(backend, self.user, file.id) == _CONTENT

    async def test_files_go_with_their_message_unless_another_version_has_them(self) -> None:
        async with self._backend() as made:
            backend = self._able(made)
            if not (isinstance(made, CanDeleteTurns) and isinstance(made, CanBranch)):
                pytest.skip("the backend cannot delete turns, or knows no branches")
            first, second = [await self._file(backend, name) for name in ("a.csv", "b.csv")]
            run = await backend.start_run(self.user, None, self.prompt, files=[first.id, second.id])
            await self._all(backend, run)
            edited = await made.edit_turn(self.user, run.conversation_id, run.turn_id, self.prompt, files=[second.id])  # type: ignore[call-arg]
            await self._all(backend, edited)
            await made.delete_turn(self.user, run.conversation_id, run.turn_id)
            for gone in backend.find_files(self.user, [first.id]), backend.open_file(self.user, first.id):
                with pytest.raises(NotFound):
                    await gone
            assert await self._content(backend, self.user, second.id) == _CONTENT
            await made.restore_turn(self.user, run.conversation_id, run.turn_id)
            assert await self._content(backend, self.user, first.id) == _CONTENT

    async def test_what_breaks_off_or_finds_no_room_is_not_kept(self) -> None:
        async with self._backend() as made:
            backend = self._able(made)
            with pytest.raises(_Broken):
                await backend.store_file(self.user, "x", _breaks())
            with pytest.raises(InvalidInput):
                await self._file(backend, "empty.txt", b"")
            with pytest.raises(FilesFull):
                await backend.store_file(self.user, "x", _pieces(_CONTENT), most=len(_CONTENT) - 1)
            await backend.store_file(self.user, "x", _pieces(_CONTENT), most=len(_CONTENT))
