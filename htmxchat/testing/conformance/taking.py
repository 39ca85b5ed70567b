"""The promises about conversations that are exported, imported and shared."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ...archive import CanExport, CanImport, Imports, read_archive, writing
from ...backend import Backend, CanDelete
from ...errors import NotFound
from ...sharing import CanShare
from .kit import Kit


class TakingPromises(Kit):
    """What a backend promises whose conversations can be taken along or shared."""

    async def test_an_outline_has_the_turns_of_the_conversation(self) -> None:
        async with self._backend() as made:
            if not isinstance(made, CanExport):
                pytest.skip("the backend is not CanExport")
            run = await made.start_run(self.user, None, self.prompt)
            await self._all(made, run)
            outline = await made.outline(self.user, run.conversation_id)
            ids = [run.turn_id, run.id]
            assert outline.shown == tuple(ids)
            assert [(node.id, node.follows) for node in outline.nodes] == [(ids[0], None), (ids[1], ids[0])]
            asked, answered = await made.read_turns(self.user, run.conversation_id, ids)
            assert (asked.text, answered.run is not None) == (self.prompt, True)
            for id in run.conversation_id, self.unknown_id:
                with pytest.raises(NotFound):
                    await made.outline(self.other_user, id)
                with pytest.raises(NotFound):
                    await made.read_turns(self.other_user, id, ids)

    async def test_an_import_is_a_new_conversation_of_its_user(self) -> None:
        async with self._backend() as made:
            if not isinstance(made, CanExport) or not isinstance(made, CanImport):
                pytest.skip("the backend is not CanExport and CanImport")
            run = await made.start_run(self.user, None, self.prompt)
            await self._all(made, run)
            outline = await made.outline(self.user, run.conversation_id)
            turns = await made.read_turns(self.user, run.conversation_id, outline.shown)
            pieces = [writing.head(outline, datetime.now(UTC))]
            for number, (node, turn) in enumerate(zip(outline.nodes, turns, strict=True)):
                pieces += map(str, writing.turn_json(node, turn, first=not number))
            archive = read_archive("".join([*pieces, writing.TAIL]).encode(), Imports(), datetime.now(UTC))
            new = await made.import_conversation(self.other_user, archive)
            assert new.user_id == self.other_user.id and new.id != run.conversation_id
            backend: Backend = made
            again = (await backend.load_transcript(self.other_user, new.id)).turns
            assert [turn.text for turn in again] == [turn.text for turn in turns]
            with pytest.raises(NotFound):
                await backend.get_conversation(self.user, new.id)

    async def test_a_key_leads_to_what_was_shared_until_it_is_taken_back(self) -> None:
        async with self._backend() as made:
            if not isinstance(made, CanShare):
                pytest.skip("the backend is not CanShare")
            backend: Backend = made
            run = await backend.start_run(self.user, None, self.prompt)
            await self._all(backend, run)
            id = run.conversation_id
            with pytest.raises(NotFound):
                await made.share_conversation(self.other_user, id, steps=True, files=True)
            link = await made.share_conversation(self.user, id, steps=False, files=False)
            page = await made.open_share(link.key)
            assert page.turn_ids == (run.turn_id, run.id)
            assert len(await made.read_shared(page, page.turn_ids)) == 2
            with pytest.raises(NotFound):
                await made.read_shared(page, [self.unknown_id])
            with pytest.raises(NotFound):
                await made.revoke_share(self.other_user, id)
            assert [each.key for each in await made.list_shares(self.user)] == [link.key]
            assert await made.list_shares(self.other_user) == ()
            await made.revoke_share(self.user, id)
            link = await made.share_conversation(self.user, id, steps=False, files=False)
            assert link.key != page.key
            if isinstance(made, CanDelete):
                await made.delete_conversation(self.user, id)
            else:
                await made.revoke_share(self.user, id)
            for key in page.key, link.key, "never":
                with pytest.raises(NotFound):
                    await made.open_share(key)
