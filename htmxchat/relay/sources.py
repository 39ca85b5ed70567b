"""The sources of a live answer: each is sent once, and where it is cited when the answer is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..events import Source
from ..fragments.citations import Citations
from ..fragments.sources import FEW, citations_of, more_sources, more_words, source_item, source_places
from ..html import render
from ..patches import Patch
from ..view import RunView


def source_patches(run_id: str, before: RunView, view: RunView, citations: Citations) -> list[Patch]:
    """Return what changes of the sources when `before` becomes `view`.

    Args:
        citations: Those of the answer, once it is over.
    """
    known = len(before.sources)
    patches = _added(run_id, known, list(enumerate(view.sources[known:], known + 1)))
    if before.state.live and not view.state.live:
        for number, ids in citations_of(view, citations).items():
            patches.append(Patch(f"#source-{run_id}-{number}", "beforeend", render(source_places(ids))))
    return patches


def _added(run_id: str, known: int, fresh: Sequence[tuple[int, Source]]) -> list[Patch]:
    shown, folded = fresh[: max(0, FEW - known)], fresh[max(0, FEW - known) :]
    patches = [Patch(f"#sources-{run_id}", "beforeend", _items(run_id, shown))] if shown else []
    if folded and known <= FEW:
        patches.append(Patch(f"#sources-{run_id}", "beforeend", render(more_sources(run_id, folded))))
    elif folded:
        words = more_words(known + len(folded) - FEW)
        patches += [
            Patch(f"#more-{run_id} > :last-child", "beforeend", _items(run_id, folded)),
            Patch(f"#more-{run_id} > :first-child > :last-child", "innerHTML", words),
        ]
    return patches


def _items(run_id: str, numbered: Iterable[tuple[int, Source]]) -> str:
    return render(*(source_item(run_id, number, each) for number, each in numbered))
