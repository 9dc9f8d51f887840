"""Greedy placement: one buffer after another beside those that it meets, in two ways.

Best fit takes the buffers in a fixed order and looks for the smallest room that takes each.
Stacking takes, of all that are left, the one that can lie lowest; the order only settles ties. What
is found hangs on the order, so a few are tried; where all stay above the bound, the best is shaken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np


class Held(Protocol):
    """Bytes that are held during ``[birth, death)``."""

    @property
    def birth(self) -> int:
        """The first moment."""
        ...

    @property
    def death(self) -> int:
        """One past the last moment."""
        ...

    @property
    def nbytes(self) -> int:
        """How many."""
        ...


Numbers = np.ndarray[Any, np.dtype[Any]]
Key = Callable[[Held], tuple[int, ...]]
_ORDERS: tuple[Key, ...] = (
    lambda x: (-x.nbytes, x.birth),
    lambda x: (x.birth - x.death, -x.nbytes),
    lambda x: (-x.nbytes * (x.death - x.birth), x.birth),
    lambda x: (x.birth, -x.nbytes),
)


# How often an order is shaken, and how many buffers are placed in all: a moment, whatever the size.
_ROUNDS, _PLACEMENTS = 150, 15_000


def place(buffers: Sequence[Held], bound: int) -> tuple[int, list[int]]:
    """Return the height of the lowest layout found, and the offset of each buffer in it.

    Deterministic.

    Args:
        buffers: what is placed; each of at least one byte.
        bound: a height that no layout is below, at which the search ends.
    """
    best: tuple[int, list[int]] | None = None
    for key in _ORDERS:
        order = _order(buffers, key)
        for way in (_placed, _stacked):
            found = way(buffers, order)
            if best is None or found[0] < best[0]:
                best = found
            if best[0] <= bound:
                return best
    assert best is not None
    return _climbed(buffers, best, bound)


def _climbed(
    buffers: Sequence[Held], best: tuple[int, list[int]], bound: int
) -> tuple[int, list[int]]:
    """Shake the best order again and again, and keep what is no higher; what stands out goes first.

    The shakes are drawn from one seed, and their number depends on nothing but that of the
    buffers, so that the same buffers are laid out in the same way everywhere.
    """
    count = len(buffers)
    orders = [_order(buffers, key) for key in _ORDERS]
    order = min(orders, key=lambda each: _placed(buffers, each)[0])
    found = _placed(buffers, order)
    draw = np.random.default_rng(0)
    ends: Numbers = np.array([each.nbytes for each in buffers], _kind(buffers))
    for _ in range(min(_ROUNDS, _PLACEMENTS // count)):
        if found[0] <= bound:
            break
        place_in_order = np.empty(count)
        place_in_order[order] = np.arange(count)
        shaken = 0.3 * count * draw.standard_normal(count) * (draw.random(count) < 0.3)
        lifted = (np.array(found[1]) + ends > bound) * draw.random(count) * (0.5 * count)
        trial = [int(i) for i in np.argsort(place_in_order + shaken - lifted, kind="stable")]
        laid = _placed(buffers, trial)
        if laid[0] <= found[0]:
            order, found = trial, laid
    return min(best, found, key=lambda each: each[0])


def _order(buffers: Sequence[Held], key: Key) -> list[int]:
    return sorted(range(len(buffers)), key=lambda i: (*key(buffers[i]), i))


def _stacked(buffers: Sequence[Held], order: Sequence[int]) -> tuple[int, list[int]]:
    """Lay down what can lie lowest, one after another; at a tie the first of the order."""
    total = sum(each.nbytes for each in buffers)
    birth = np.array([buffers[i].birth for i in order])
    death = np.array([buffers[i].death for i in order])
    ground: Numbers = np.zeros(len(order), _kind(buffers))
    offsets, height = [0] * len(buffers), 0
    for _ in order:
        at = int(ground.argmin())
        mine = buffers[order[at]]
        offset = int(ground[at])
        offsets[order[at]], top = offset, offset + mine.nbytes
        height = max(height, top)
        np.maximum(ground, top, out=ground, where=(birth < mine.death) & (death > mine.birth))
        ground[at] = total + 1
        birth[at] = death[at] = -1
    return height, offsets


def _kind(buffers: Sequence[Held]) -> np.dtype[Any]:
    # Sizes beyond 64 bits are no reason to answer wrongly: Python's integers hold them.
    return np.dtype(np.int64 if sum(each.nbytes for each in buffers) < 2**62 else object)


_BEGIN, _END, _BIRTH, _DEATH = range(4)


def _placed(buffers: Sequence[Held], order: Sequence[int]) -> tuple[int, list[int]]:
    """Place each in its turn into the smallest room that takes it, at the top where none does."""
    shelf: Numbers = np.zeros((4, len(buffers)), _kind(buffers))
    offsets, height = [0] * len(buffers), 0
    for count, i in enumerate(order):
        mine = buffers[i]
        there: Numbers = shelf[:, :count]
        meeting = (there[_BIRTH] < mine.death) & (there[_DEATH] > mine.birth)
        begin = _room(there[_BEGIN][meeting], there[_END][meeting], mine.nbytes)
        offsets[i], height = begin, max(height, begin + mine.nbytes)
        at = int(np.searchsorted(there[_BEGIN], begin))
        shelf[:, at + 1 : count + 1] = shelf[:, at:count]
        shelf[:, at] = begin, begin + mine.nbytes, mine.birth, mine.death
    return height, offsets


def _room(begins: Numbers, ends: Numbers, nbytes: int) -> int:
    """Return where the smallest room that is large enough begins; rooms are told by offset."""
    if not len(begins):
        return 0
    free = np.maximum.accumulate(ends)
    rooms = begins[1:] - free[:-1]
    fitting = np.flatnonzero(rooms >= nbytes)
    smallest = int(fitting[rooms[fitting].argmin()]) if len(fitting) else None
    if begins[0] >= nbytes and (smallest is None or begins[0] <= rooms[smallest]):
        return 0
    return int(free[-1] if smallest is None else free[smallest])
