"""Patches for the sources of an active answer: each is sent once; links back to the text come when the answer ends."""

from __future__ import annotations

from ..fragments.turns.citations import Citations
from ..fragments.turns.sources import FEW, citations_of, more_sources, more_words, source_items, source_places
from ..html import render
from ..view import RunView
from .patches import Patch


def source_patches(run_id: str, before: RunView, view: RunView, citations: Citations) -> list[Patch]:
    """Return what changes of the sources when `before` becomes `view`.

    Args:
        citations: Those of the answer, once it has ended.
    """
    known = len(before.sources)
    over = before.state.live and not view.state.live
    places = citations_of(view, citations) if over else {}
    patches = [
        Patch(f"#source-{run_id}-{number}", "beforeend", render(source_places(ids)))
        for number, ids in places.items()
        if number <= known
    ]
    fresh = list(enumerate(view.sources[known:], known + 1))
    shown, folded = fresh[: max(0, FEW - known)], fresh[max(0, FEW - known) :]
    added = render(*source_items(run_id, shown, places))
    if folded and known <= FEW:
        added += render(more_sources(run_id, folded, places))
    elif folded:
        words = more_words(known + len(folded) - FEW)
        patches += [
            Patch(f"#more-{run_id}", "beforeend", render(*source_items(run_id, folded, places)), (1,)),
            Patch(f"#more-{run_id} > :first-child > :last-child", "innerHTML", words),
        ]
    return [*patches, Patch(f"#sources-{run_id}", "beforeend", added)] if added else patches
