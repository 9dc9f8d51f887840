"""What recomputation does, played by :class:`~wengert.planning.holding.Holding`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wengert.planning.cost_graph import CostGraph
from wengert.planning.holding import Gap, Holding


@dataclass(frozen=True, slots=True)
class Recomputation:
    """What is made again, and what that does.

    Attributes:
        gaps: pairs of a storage and the stage before which it is made again.
        peak_bytes: the most bytes that are then held together.
        price: what the recomputation costs, in the unit of ``Stage.price``.
    """

    gaps: frozenset[Gap]
    peak_bytes: int
    price: int


def now(holding: Holding) -> Recomputation:
    """Return what is let go at present, and what that does."""
    return Recomputation(frozenset(holding.gaps), int(holding.live().max(initial=0)), holding.price)


def restore(holding: Holding, gaps: Iterable[Gap]) -> None:
    """Drop again what was kept; a storage comes after what is made of it."""
    for gap in sorted(gaps, key=lambda gap: (gap[1], -holding.graph.made_at[gap[0]])):
        holding.drop(*gap)


def held_under(graph: CostGraph, gaps: Iterable[Gap]) -> Holding:
    """Return what is held when these gaps are dropped."""
    holding = Holding(graph)
    restore(holding, gaps)
    return holding


def played(graph: CostGraph, gaps: set[Gap]) -> Recomputation | None:
    """Return bytes and price of a set of gaps; None where it makes again what nothing reads."""
    left = set(gaps)
    holding = Holding(graph)
    # A storage comes after what is made of it, so that its use there is known.
    for storage, stage in sorted(gaps, key=lambda gap: (gap[1], -graph.made_at[gap[0]])):
        again = graph.stages[graph.made_at[storage]].again
        if not again or not graph.begin <= stage < holding.end:
            return None
        if holding.is_used(storage, stage) and graph.made_at[storage] < stage:
            holding.drop(storage, stage)
            left.remove((storage, stage))
    if left:
        return played(graph, gaps - left)
    return now(holding)
