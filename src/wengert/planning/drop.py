"""What it would save to drop one retained storage after forward and to recompute it."""

from __future__ import annotations

from dataclasses import dataclass

from wengert.planning.cost import Work
from wengert.planning.lifetime import Lifetime
from wengert.planning.plan import Plan, live_curve

Interval = tuple[int, int, int]
READERS = ("backward", "recompute")


@dataclass(frozen=True, slots=True)
class Dropped:
    """The plan with one storage dropped between its last forward and first backward use.

    Attributes:
        peak_bytes: the peak that remains; operands that the recomputation needs are then
            held until it has run, which is counted.
        saved_bytes: how much lower that is; never negative, as nobody would drop it then.
        work: arithmetic of making it again.
        again_at: position of the first backward use, before which it is made again.
    """

    peak_bytes: int
    saved_bytes: int
    work: Work
    again_at: int


def drop(plan: Plan, lifetime: Lifetime) -> Dropped | None:
    """Return what dropping one storage would do; None where backward does not read it."""
    again = _first_backward_use(plan, lifetime)
    if again is None or lifetime.made != "forward":
        return None
    last = max(at for at in _uses(plan, lifetime) if at < again)
    needed = {plan.lifetime_of[operand] for operand in plan.operation(lifetime.birth).inputs}
    intervals: list[Interval] = []
    for each in plan.intermediates:
        birth, death = _later(each.birth, again), _later(each.death - 1, again) + 1
        if each is lifetime:
            intervals += [(birth, last + 1, each.nbytes), (again, death, each.nbytes)]
        else:
            until = max(death, again + 1) if each in needed else death
            intervals.append((birth, until, each.nbytes))
    workspace = list(plan.workspace)
    workspace.insert(again, workspace[lifetime.birth])
    peak = max(live_curve(intervals, workspace))
    saved = max(0, plan.peak_bytes - peak)
    return Dropped(peak, saved, plan.work[lifetime.birth], again)


def _later(position: int, inserted: int) -> int:
    return position if position < inserted else position + 1


def _uses(plan: Plan, lifetime: Lifetime) -> list[int]:
    """Return where it is made and read; making a view of it counts as neither."""
    members = set(lifetime.members)
    return [
        at
        for at in range(lifetime.birth, min(lifetime.death, len(plan.schedule)))
        if at == lifetime.birth or members.intersection(plan.operation(at).inputs)
    ]


def _first_backward_use(plan: Plan, lifetime: Lifetime) -> int | None:
    uses = _uses(plan, lifetime)
    return next((at for at in uses if plan.passes[at] in READERS), None)
