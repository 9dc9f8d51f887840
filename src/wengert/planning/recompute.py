"""Recomputation: which storages to let go after forward, and make again before backward.

Three ways down from the peak. The greedy one looks at the stage that holds most: among what only
waits there, the storages with most bytes for what it costs to make them again are tried, and the
best is let go; so on until nothing lowers the peak. Another cuts forward into segments; the third
is the dynamic programme of a chain of blocks. What they find is pruned, costliest first, on a fixed
ladder of budgets. A budget then takes the cheapest plan that is within it: the plans do not depend
on it, so more bytes never cost more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from wengert.planning.candidates import Candidates
from wengert.planning.chains import chained
from wengert.planning.cost_graph import CostGraph
from wengert.planning.holding import Bytes, Gap, Holding
from wengert.planning.playing import Recomputation, held_under, now, restore
from wengert.planning.segments import nested, segmented

_TRIED = 12
_ROUNDS = 4
# Storages that a walk may let go in its trials, for each stage and at most.
_EFFORT, _MOST_EFFORT = 30, 60_000
# Gaps that all prunings together may look at, and the rungs that the ladder has.
_PRUNING = 3_000
# Gaps that one pruning looks at, the costliest: nested segments have thousands.
_LOOKED_AT = 500
_FEWEST, _MOST = 8, 48
_SEGMENTS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128)
# Segments in which what is made again is let go once more, and how much finer those are cut.
_NESTED, _FINER = 12, (1, 2, 4)
# What is this much smaller than what is made from it is held longer, not made again.
_SMALL = 8
# Budgets for which a chain of blocks is asked.
_CHAINED = 16


def recomputations(graph: CostGraph) -> tuple[Recomputation, ...]:
    """Return plans from no recomputation down to the lowest peak found, each dearer and lower.

    Deterministic; it knows no budget.
    """
    none = now(Holding(graph))
    if graph.floor()[0] >= none.peak_bytes or graph.begin >= len(graph.stages):
        return (none,)
    found = [none, *walked(graph, none)]
    found += [now(segmented(graph, count)) for count in _SEGMENTS if count < graph.begin]
    found += walked(graph, min(found, key=_lowest))
    # Where cuts make a chain of forward, its optimum is better than any even nesting of segments.
    found += chained(graph, none.peak_bytes, _CHAINED) or [now(each) for each in _nested(graph)]
    if min(each.peak_bytes for each in found) >= none.peak_bytes:
        return (none,)
    return _thinned(frontier([*found, *_on_the_ladder(graph, found)]))


def _nested(graph: CostGraph) -> Iterator[Holding]:
    """Yield segments in segments: less is held, and more made again, than in one layer of them."""
    for count in _SEGMENTS:
        for finer in _FINER:
            if count <= _NESTED and count * finer < graph.begin:
                found = nested(graph, count, count * finer)
                if found is not None:
                    yield found


def _on_the_ladder(graph: CostGraph, found: Sequence[Recomputation]) -> list[Recomputation]:
    """Return what pruning makes of plans for each of the budgets, the lowest first."""
    starts = sorted(found, key=_dearest_last)

    def cheapest(level: int) -> Recomputation:
        return next(each for each in starts if each.peak_bytes <= level)

    # So many rungs that all prunings together look at a bounded number of gaps.
    sizes = [1 + min(len(cheapest(level).gaps), _LOOKED_AT) for level in _ladder(found, _FEWEST)]
    rungs = max(_FEWEST, min(_MOST, _PRUNING * len(sizes) // (2 * sum(sizes))))
    made: list[Recomputation] = []
    for level in _ladder(found, rungs):
        # What served the budget below is within this one, and may be pruned further.
        chosen = {cheapest(level): None, **({made[-1]: None} if made else {})}
        best = min((pruned(graph, each, level) for each in chosen), key=_dearest_last)
        made.append(best)
    return made


def _lowest(plan: Recomputation) -> tuple[int, int]:
    return plan.peak_bytes, plan.price


def _ladder(found: Sequence[Recomputation], rungs: int) -> list[int]:
    """Return budgets, evenly from just below the peak down to the lowest, the lowest first."""
    low = min(each.peak_bytes for each in found)
    # Where nothing lowers the peak there is one budget.
    top = max(low, max(each.peak_bytes for each in found) - 1)
    return sorted({top - (top - low) * rung // rungs for rung in range(rungs + 1)})


def _thinned(found: tuple[Recomputation, ...]) -> tuple[Recomputation, ...]:
    """Return fewer plans, evenly, where there are more than a budget wants to try."""
    if len(found) <= 2 * _MOST:
        return found
    levels = _ladder(found, 2 * _MOST)
    chosen = {next(each for each in found if each.peak_bytes <= level) for level in levels}
    return tuple(each for each in found if each in chosen or each is found[0])


def _dearest_last(plan: Recomputation) -> tuple[int, int]:
    return plan.price, plan.peak_bytes


def frontier(found: Iterable[Recomputation]) -> tuple[Recomputation, ...]:
    """Return the plans that no other one beats in both bytes and price, cheapest first."""
    kept: list[Recomputation] = []
    for each in sorted(found, key=_dearest_last):
        if not kept or each.peak_bytes < kept[-1].peak_bytes:
            kept.append(each)
    return tuple(kept)


def walked(graph: CostGraph, start: Recomputation) -> list[Recomputation]:
    """Return a plan for every lower peak on the greedy way down from a plan."""
    walk = _Walk(graph, start)
    path = [start]
    while walk.effort > 0 and walk.step():
        reached = now(walk.holding)
        if reached.peak_bytes < path[-1].peak_bytes:
            path.append(reached)
    return path[1:]


class _Walk:
    """The way down: one storage after another is let go."""

    def __init__(self, graph: CostGraph, start: Recomputation) -> None:
        self.graph = graph
        self.holding = held_under(graph, start.gaps)
        self.candidates = Candidates(graph, self.holding)
        self.effort = min(_EFFORT * len(graph.stages), _MOST_EFFORT)

    def step(self) -> bool:
        """Let go what lowers the peak for least; False where nothing does."""
        live = self.holding.live()
        at = int(live.argmax())
        best: tuple[float, Gap] | None = None
        for batch in self.candidates.at(at, _TRIED, _ROUNDS):
            for gap in batch:
                worth = self._worth(gap, at, live)
                if worth is not None and (best is None or worth > best[0]):
                    best = worth, gap
            if best is not None:
                break
        if best is None:
            return False
        self._commit(best[1], at, live)
        return True

    def _worth(self, gap: Gap, at: int, before: Bytes) -> float | None:
        """Return bytes saved at the peak for each unit of price, None where it saves none."""
        holding, price = self.holding, self.holding.price
        self.effort -= len(let_go(holding, gap))
        after, undo = holding.tried()
        gain = int(before[at] - after[at])
        fits = gain > 0 and int(after.max()) <= int(before[at])
        extra = holding.price - price
        holding.keep(*gap)
        holding.settle(undo)
        return gain / extra if fits else None

    def _commit(self, gap: Gap, at: int, before: Bytes) -> None:
        """Let go; and where a storage is now made twice, hold it between if there is room."""
        holding = self.holding
        added = let_go(holding, gap)
        reached = int(holding.live()[at])
        touched = {storage for storage, _ in added}
        for storage, stage in added:
            following = holding.next_use(storage, stage)
            if following is None or (storage, following) not in holding.gaps:
                continue
            gone = holding.keep(storage, following)
            live = holding.live()
            if int(live.max()) > int(before[at]) or int(live[at]) > reached:
                restore(holding, gone)
            else:
                touched.update(each for each, _ in gone)
        for storage in tuple(touched):
            touched.update(self.graph.stages[self.graph.made_at[storage]].reads)
        self.candidates.refresh(touched)


def let_go(holding: Holding, gap: Gap) -> list[Gap]:
    """Let a storage go, and with it what making it again would need and is not there then.

    An operand that is small beside what is made of it is held until then instead.
    """
    graph, stage = holding.graph, gap[1]
    added: list[Gap] = []
    waiting = [gap[0]]
    while waiting:
        storage = waiting.pop()
        missing = [
            operand
            for operand in graph.stages[graph.made_at[storage]].reads
            if not holding.is_held(operand, stage) and (operand, stage) not in holding.gaps
        ]
        holding.drop(storage, stage)
        added.append((storage, stage))
        waiting += [
            each
            for each in missing
            if graph.stages[graph.made_at[each]].again
            and _SMALL * graph.nbytes[each] > graph.nbytes[storage]
        ]
    return added


def pruned(graph: CostGraph, found: Recomputation, budget: int) -> Recomputation:
    """Return the plan without what the budget does not need made again, costliest first."""
    holding = held_under(graph, found.gaps)
    live = holding.live()

    def dearest(gap: Gap) -> tuple[int, int, int]:
        return -graph.stages[graph.made_at[gap[0]]].price, *gap

    for gap in sorted(found.gaps, key=dearest)[:_LOOKED_AT]:
        if gap not in holding.gaps or _must_stay(holding, gap, live, budget):
            continue
        gone = holding.keep(*gap)
        after, undo = holding.tried()
        if int(after.max()) > budget:
            restore(holding, gone)
            holding.settle(undo)
        else:
            live = after
    return now(holding)


def _must_stay(holding: Holding, gap: Gap, live: Bytes, budget: int) -> bool:
    """Return whether keeping what a gap lets go is over the budget for sure: cheap to ask."""
    storage, stage = gap
    between = live[holding.previous_use(storage, stage) + 1 : stage]
    most = int(between.max(initial=0)) + holding.graph.nbytes[storage]
    return most > budget and most - holding.released(storage, stage) > budget
