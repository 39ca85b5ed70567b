"""The time axis of a run: maps seconds to positions. Pure.

A run may wait minutes for a person and work only seconds: drawn to scale, the work would be one pixel wide. Then the
axis is broken where the run only waited.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

Stretch = tuple[float, float]

_LONG = 5  # times as long as the work
_CUT, _CUTS = 20.0, 50.0  # percent of the axis: of one wait, of all


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps seconds to positions.

    Attributes:
        seconds: Its length.
        cuts: The intervals that are not drawn to scale, in order: begin and end in seconds.
    """

    seconds: float
    cuts: tuple[Stretch, ...] = ()

    @property
    def work(self) -> float:
        """Seconds that are drawn to scale."""
        return self.seconds - sum(end - start for start, end in self.cuts)

    @property
    def _cut(self) -> float:
        return min(_CUT, _CUTS / len(self.cuts)) if self.cuts else 0.0

    def place(self, second: float) -> float:
        """Return the position of a second, in percent."""
        scale = (100 - self._cut * len(self.cuts)) / self.work if self.work > 0 else 0.0
        x, drawn = 0.0, 0.0
        for start, end in self.cuts:
            if second <= start:
                break
            x += (start - drawn) * scale + self._cut * min(1.0, (second - start) / (end - start))
            drawn = end
        return min(100.0, x + max(0.0, second - drawn) * scale)

    def marks(self) -> list[tuple[float, float]]:
        """Return three to six round numbers of seconds of work, each with its position."""
        found = []
        for mark in round_numbers(self.work):
            at = mark
            for start, end in self.cuts:
                at += end - start if at > start else 0
            found.append((mark, self.place(at)))
        return found

    def breaks(self) -> list[float]:
        """Return the positions of the breaks."""
        return [(self.place(start) + self.place(end)) / 2 for start, end in self.cuts]


def axis(seconds: float, waits: tuple[Stretch, ...]) -> Axis:
    """Return the axis of a run that only waited in these intervals. It is broken if they are most of the time."""
    waited = sum(end - start for start, end in waits)
    return Axis(seconds, waits if waited > _LONG * (seconds - waited) > 0 else ())


def only_waiting(waits: list[Stretch], work: list[Stretch]) -> tuple[Stretch, ...]:
    """Return the parts of `waits` without work, merged and in order."""
    busy = joined(work)
    ends = [end for _, end in busy]
    found: list[Stretch] = []
    for start, end in joined(waits):
        at = start
        for begin, until in busy[bisect_right(ends, start) :]:
            if begin >= end:
                break
            if begin > at:
                found.append((at, begin))
            at = max(at, until)
        if at < end:
            found.append((at, end))
    return tuple(found)


def joined(stretches: list[Stretch]) -> list[Stretch]:
    """Return intervals in order, with overlapping and adjacent ones merged."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def round_numbers(total: float) -> list[float]:
    """Return three to six round numbers of seconds from 0 to `total`."""
    if total <= 0:
        return [0]
    unit = 10.0**-3
    while unit * 50 < total:
        unit *= 10
    step = next((unit * each for each in (1, 2, 5, 10) if total / (unit * each) <= 5), unit * 10)
    return [round(step * index, 6) for index in range(int(total / step) + 1)]
