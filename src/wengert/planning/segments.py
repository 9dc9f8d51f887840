"""Recomputation in segments: keep what crosses a few cuts of forward, make the rest again.

What backward needs first of a segment makes it carry out that segment once more, down to what
the cut before it kept; √n segments of n equal layers hold 2√n layers instead of n, for one forward
pass more (Chen and others, 2016, arXiv:1604.06174).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from wengert.planning.cost_graph import CostGraph
from wengert.planning.holding import Holding

# How far from its even place a cut may move to where less crosses it, in parts of a segment.
_FREEDOM = 0.5
# Between uses that are so few stages apart nothing is let go.
_NEAR = 10
_MOST_GAPS = 2500


def segmented(graph: CostGraph, count: int) -> Holding:
    """Return what is held when forward is cut into so many segments of about equal bytes."""
    found = _dropped(graph, _crossing(graph, cuts(graph, count)), None)
    assert found is not None
    return found


def nested(graph: CostGraph, count: int, finer: int) -> Holding | None:
    """Return what is held under segments, of which finer cuts alone hold what is made again.

    What is made again of a segment is not all held until backward has passed it, but only
    what crosses ``finer`` cuts, so many in all; the rest is made once more when it is needed.
    None where that makes too much again.
    """
    kept = _crossing(graph, cuts(graph, count))
    return _dropped(graph, kept, _crossing(graph, cuts(graph, finer)))


def cuts(graph: CostGraph, count: int) -> tuple[int, ...]:
    """Return the stages before which forward is cut: near even places, where least crosses."""
    made = [sum(graph.nbytes[each] for each in stage.makes) for stage in graph.stages]
    total = list(accumulate(made[: graph.begin]))
    crossing = _crossing_bytes(graph)
    found: set[int] = set()
    for part in range(1, count):
        aim = total[-1] * part / count
        slack = total[-1] * _FREEDOM / count
        near = [at for at in range(1, graph.begin) if abs(total[at - 1] - aim) <= slack]
        if near:
            found.add(min(near, key=lambda at: (crossing[at], abs(total[at - 1] - aim), at)))
    return tuple(sorted(found))


def _crossing_bytes(graph: CostGraph) -> list[int]:
    change = [0] * (graph.begin + 1)
    for storage, last in _forward_ends(graph):
        change[graph.made_at[storage] + 1] += graph.nbytes[storage]
        change[last + 1] -= graph.nbytes[storage]
    return list(accumulate(change))


def _forward_ends(graph: CostGraph) -> Iterator[tuple[int, int]]:
    """Yield each storage of the forward pass with the last stage of that pass that reads it."""
    ends: dict[int, int] = {}
    for at, stage in enumerate(graph.stages[: graph.begin]):
        for storage in (*stage.makes, *stage.reads):
            ends[storage] = at
    yield from ends.items()


def _crossing(graph: CostGraph, places: Sequence[int]) -> set[int]:
    return {
        storage
        for storage, last in _forward_ends(graph)
        if any(graph.made_at[storage] < place <= last for place in places)
    }


def _dropped(graph: CostGraph, kept: set[int], within: set[int] | None) -> Holding | None:
    """Let go all that is not kept, and make it again where backward needs it."""
    holding = Holding(graph)
    stages = graph.stages

    def is_loose(storage: int, stage: int) -> bool:
        if storage in kept or not stages[graph.made_at[storage]].again:
            return False
        if (storage, stage) in holding.gaps:
            return False
        before = holding.previous_use(storage, stage)
        again = within is not None and storage not in within and stage - before > _NEAR
        return before < graph.begin or again

    for at in range(graph.begin, holding.end):
        waiting = [storage for storage in stages[at].reads if graph.made_at[storage] < at]
        while waiting:
            storage = waiting.pop()
            if is_loose(storage, at):
                holding.drop(storage, at)
                waiting += stages[graph.made_at[storage]].reads
        if within is not None and len(holding.gaps) > _MOST_GAPS:
            return None
    return holding
