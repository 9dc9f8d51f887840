"""Byte offsets: where in one block each buffer lies, so that buffers alive together are apart.

Greedy, as nearly always good enough: buffers that live throughout lie at the bottom; the rest is
cut where no buffer crosses; each piece is laid out in several ways, and the lowest layout wins. The
load (the most bytes alive together) is a bound that no layout can beat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from wengert.planning.placing import place

ALIGNMENT = 64


@dataclass(frozen=True, slots=True)
class Interval:
    """Bytes that are held during ``[birth, death)``."""

    birth: int
    death: int
    nbytes: int

    def meets(self, other: Interval) -> bool:
        """Return whether both are held at some moment."""
        return self.birth < other.death and other.birth < self.death


@dataclass(frozen=True, slots=True)
class Arena:
    """A layout.

    Attributes:
        offsets: where each interval begins, a multiple of 64 bytes.
        nbytes: size of the block.
        load: the most (rounded) bytes alive together: no layout is smaller.
    """

    offsets: tuple[int, ...]
    nbytes: int
    load: int


def lay_out(intervals: Sequence[Interval]) -> Arena:
    """Return offsets at which no two intervals that meet overlap.

    >>> lay_out([Interval(0, 2, 64), Interval(1, 3, 100), Interval(2, 4, 10)]).nbytes
    192
    """
    rounded = [Interval(x.birth, x.death, _round(x.nbytes)) for x in intervals]
    held = [i for i, each in enumerate(rounded) if each.nbytes]
    if not held:
        return Arena((0,) * len(rounded), 0, 0)
    first = min(rounded[i].birth for i in held)
    last = max(rounded[i].death for i in held)
    offsets = [0] * len(rounded)
    bottom = 0
    for i in held:
        if (rounded[i].birth, rounded[i].death) == (first, last):
            offsets[i], bottom = bottom, bottom + rounded[i].nbytes
    rest = [i for i in held if (rounded[i].birth, rounded[i].death) != (first, last)]
    top = bottom
    for piece in _pieces(rounded, rest):
        within = [rounded[i] for i in piece]
        height, found = place(within, load(within))
        top = max(top, bottom + height)
        for i, offset in zip(piece, found, strict=True):
            offsets[i] = bottom + offset
    return Arena(tuple(offsets), top, load(rounded))


def load(intervals: Sequence[Interval]) -> int:
    """Return the most bytes that are alive together.

    >>> load([Interval(0, 2, 64), Interval(2, 3, 100)])
    100
    """
    change: dict[int, int] = {}
    for each in intervals:
        change[each.birth] = change.get(each.birth, 0) + each.nbytes
        change[each.death] = change.get(each.death, 0) - each.nbytes
    return max(accumulate(change[at] for at in sorted(change)), default=0)


def _round(nbytes: int) -> int:
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def _pieces(intervals: Sequence[Interval], chosen: Sequence[int]) -> list[list[int]]:
    """Cut at moments that nothing crosses."""
    pieces: list[list[int]] = []
    reach = 0
    for i in sorted(chosen, key=lambda i: (intervals[i].birth, intervals[i].death)):
        if not pieces or intervals[i].birth >= reach:
            pieces.append([])
        pieces[-1].append(i)
        reach = max(reach, intervals[i].death)
    return pieces
