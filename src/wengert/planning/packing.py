"""Byte offsets as a constraint problem, for where the greedy layout is not as low as the load.

Each buffer is a rectangle: fixed in time, its offset y ∈ [0, H − size] sought, no two overlapping.
Beside the one constraint over all rectangles every *maximal section* (a set of buffers alive
together that no other such set contains) has one of its own along the bytes, which is what makes
the search short. Feasibility at H = load is asked first, as it nearly always holds; else H is
bisected between load and greedy layout. Two searches run at once: the solver's own, and a fixed
one that takes the lowest offset first, by longest life, then size.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

from wengert.planning.placing import Held
from wengert.planning.solver import Clock, Solved, cp_model, first_of

Search = Callable[[Sequence[Held], int, Clock], list[int] | None]
# When bisection is near enough, as a part of the load, and the share of the time for H = load.
_NEAR, _FIRST = 1 / 2000, 0.6


def packed(
    buffers: Sequence[Held], low: int, high: int, clock: Clock, search: Search | None = None
) -> tuple[int, list[int]] | None:
    """Return a layout lower than ``high``, as low as one is found in time; None where none is.

    Args:
        buffers: what is laid out; each of at least one byte.
        low: the height that is tried first, which no layout is below.
        high: the height of a layout that is known.
        clock: when to give up.
        search: finds offsets within a height; by default with the solver.
    """
    find = fitting if search is None else search
    best: tuple[int, list[int]] | None = None
    bound, aim, share = low, low, _FIRST
    while bound < high and clock.left() > 0:
        found = find(buffers, aim, clock.part(share))
        if found is None or not fits(buffers, found, aim):
            bound = aim + 1
        else:
            high = max(o + b.nbytes for o, b in zip(found, buffers, strict=True))
            best = high, found
        if high - bound <= low * _NEAR:
            break
        aim, share = (bound + high) // 2, 0.5
    return best


def fits(buffers: Sequence[Held], offsets: Sequence[int], height: int) -> bool:
    """Return whether all lie within the height, and no two that meet share a byte.

    Independent of every search: a sweep over the moments, with what is alive sorted by offset.

    >>> from wengert.planning.arena import Interval
    >>> both = [Interval(0, 2, 64), Interval(1, 3, 64)]
    >>> fits(both, [0, 64], 128), fits(both, [0, 32], 128), fits(both, [0, 64], 100)
    (True, False, False)
    """
    if len(offsets) != len(buffers):
        return False
    events = [(b.birth, 1, i) for i, b in enumerate(buffers)]
    events += [(b.death, 0, i) for i, b in enumerate(buffers)]
    alive: list[tuple[int, int]] = []
    for _, begins, i in sorted(events):
        low, end = offsets[i], offsets[i] + buffers[i].nbytes
        at = bisect_left(alive, (low, end))
        if not begins:
            del alive[at]
            continue
        is_free = (at == 0 or alive[at - 1][1] <= low) and (at == len(alive) or end <= alive[at][0])
        if low < 0 or end > height or not is_free:
            return False
        alive.insert(at, (low, end))
    return True


@dataclass(frozen=True)
class Sections:
    """Time in maximal sections.

    Attributes:
        spans: for each buffer the first section that it lives in, and one past the last.
        members: for each section the buffers alive in it.
    """

    spans: tuple[tuple[int, int], ...]
    members: tuple[tuple[int, ...], ...]


def sections(buffers: Sequence[Held]) -> Sections:
    """Return the maximal sections: one ends where a buffer dies after another was born in it.

    Two buffers meet exactly if they share one.
    """
    events = [(b.birth, 1, i) for i, b in enumerate(buffers)]
    events += [(b.death, 0, i) for i, b in enumerate(buffers)]
    alive: dict[int, None] = {}
    members: list[tuple[int, ...]] = []
    first = [0] * len(buffers)
    last = [0] * len(buffers)
    grown = False
    for _, begins, i in sorted(events):
        if begins:
            first[i], grown = len(members), True
            alive[i] = None
            continue
        if grown:
            members.append(tuple(alive))
            grown = False
        last[i] = len(members)
        del alive[i]
    return Sections(tuple(zip(first, last, strict=True)), tuple(members))


def fitting(buffers: Sequence[Held], height: int, clock: Clock) -> list[int] | None:
    """Return offsets within a height, found with CP-SAT; None where none is found in time."""
    unit = gcd(*(each.nbytes for each in buffers))
    model, offsets = _model(buffers, height // unit, unit)
    own: dict[str, Any] = {}
    fixed = {"search_branching": cp_model().FIXED_SEARCH}
    found: Solved = first_of(model, [own, fixed], clock)
    if found.value is None:
        return None
    return [unit * found.value(each) for each in offsets]


def _model(buffers: Sequence[Held], height: int, unit: int) -> tuple[Any, list[Any]]:
    module = cp_model()
    model = module.CpModel()
    split = sections(buffers)
    sizes = [each.nbytes // unit for each in buffers]
    offsets = [model.new_int_var(0, max(0, height - size), "") for size in sizes]
    rooms = [
        model.new_fixed_size_interval_var(offset, size, "")
        for offset, size in zip(offsets, sizes, strict=True)
    ]
    times = [model.new_fixed_size_interval_var(a, b - a, "") for a, b in split.spans]
    model.add_no_overlap_2d(times, rooms)
    for members in split.members:
        if len(members) > 1:
            model.add_no_overlap([rooms[i] for i in members])
    order = sorted(
        range(len(buffers)), key=lambda i: (buffers[i].birth - buffers[i].death, -sizes[i])
    )
    model.add_decision_strategy(
        [offsets[i] for i in order], module.CHOOSE_LOWEST_MIN, module.SELECT_MIN_VALUE
    )
    return model, offsets
