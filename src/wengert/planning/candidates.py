"""The storages that only wait at a stage, those with most bytes for their price first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from wengert.planning.cost_graph import CostGraph
from wengert.planning.holding import Gap, Holding


class Candidates:
    """Every gap that could be let go, as rows that are asked which of them cross a stage.

    The order is by bytes for the price of making the storage again together with all that is
    not there then. What this price is changes as others are let go; it is looked up again
    for the rows that come first.
    """

    def __init__(self, graph: CostGraph, holding: Holding) -> None:
        self.graph, self.holding = graph, holding
        self._rows: dict[int, list[int]] = {}
        self._gaps: list[Gap] = []
        self._count = 0
        self._low = np.zeros(64, np.int64)
        self._high = np.zeros(64, np.int64)
        self._score = np.zeros(64)
        self.refresh(range(len(graph.nbytes)))

    def refresh(self, storages: Iterable[int]) -> None:
        """Look again at how these storages are used."""
        for storage in sorted(storages):
            for row in self._rows.pop(storage, ()):
                self._high[row] = -1
            if not self.graph.nbytes[storage]:
                continue
            if not self.graph.stages[self.graph.made_at[storage]].again:
                continue
            gaps = self.holding.open_gaps(storage)
            self._rows[storage] = [self._add(storage, *gap) for gap in gaps]

    def at(self, stage: int, count: int, rounds: int) -> Iterator[list[Gap]]:
        """Yield the best gaps that cross a stage, ``count`` at a time."""
        low, high = self._low[: self._count], self._high[: self._count]
        rows = np.flatnonzero((low < stage) & (high > stage))
        rows = rows[np.argsort(-self._score[rows], kind="stable")][: 2 * count * rounds]
        for row in map(int, rows):
            self._score[row] = self._worth(self._gaps[row])
        rows = rows[np.argsort(-self._score[rows], kind="stable")]
        for start in range(0, min(len(rows), count * rounds), count):
            yield [self._gaps[row] for row in rows[start : start + count]]

    def _add(self, storage: int, before: int, after: int) -> int:
        row = self._count
        if row == len(self._low):
            self._low, self._high = np.resize(self._low, 2 * row), np.resize(self._high, 2 * row)
            self._score = np.resize(self._score, 2 * row)
        self._count += 1
        self._gaps.append((storage, after))
        self._low[row], self._high[row] = before, after
        self._score[row] = self._worth((storage, after))
        return row

    def _worth(self, gap: Gap) -> float:
        """Return bytes for the price of making the storage and what it needs again."""
        graph, holding, stage = self.graph, self.holding, gap[1]
        seen, waiting, price = {gap[0]}, [gap[0]], 0
        while waiting:
            made = graph.stages[graph.made_at[waiting.pop()]]
            price += made.price
            for operand in made.reads:
                if operand in seen or holding.is_held(operand, stage):
                    continue
                seen.add(operand)
                if (operand, stage) not in holding.gaps:
                    waiting.append(operand)
        return graph.nbytes[gap[0]] / max(1, price)
