"""Recomputation of a chain of blocks by dynamic programming: Rotor's, over any graph with cuts.

Forward is cut where a single storage crosses. C(s, t, m) is the least work of the forward runs that
it takes to walk back from block t to block s, when the input of s is there and m bytes are free
(Beaumont and others, 2019, arXiv:1911.13214)::

    C(s, t, m) = min( f(s) + e(w) + C(s + 1, t, m − k(w))                            over ways w,
                      f(s) + … + f(s' − 1) + C(s', t, m − x(s')) + C(s, s' − 1, m)   over s' ≤ t )

A block is carried out in one of a few *ways*: everything that its backward part reads is kept, or
what has most bytes for its price is made again there; k(w) bytes are kept, the input of the next
block always among them, and e(w) is the work of the rest. Ways are found once for all blocks that
are alike. The other line keeps only the input of s' and carries out s … s' − 1 once more later. On
a uniform chain this is the optimum of Griewank's revolve: s slots and r sweeps reach C(s + r, s)
blocks. What a block needs while it runs is counted roughly: every plan is played anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from wengert.planning.cost_graph import CostGraph
from wengert.planning.holding import Bytes, Gap
from wengert.planning.playing import Recomputation, played

# Free bytes are counted in so many slots; blocks beyond the most are joined.
_SLOTS, _MOST_BLOCKS, _WAYS = 500, 40, 6


@dataclass(frozen=True, slots=True)
class Way:
    """How much of a block is kept, and what the rest costs.

    Attributes:
        kept: bytes.
        extra: work of what is made again in its backward part.
        again: which of the storages of the block that is, by their place in it.
    """

    kept: int
    extra: int
    again: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """Stages of the forward pass between two cuts, and what backward does with them.

    Attributes:
        storages: what they make, in order.
        entering: bytes of the storage that crosses the cut before it.
        price: what one forward run costs.
        beside: bytes that one run of it needs beside what is kept, forward or backward.
        at: the first backward stage that belongs to it.
        ways: how it may be carried out.
    """

    storages: tuple[int, ...]
    entering: int
    price: int
    beside: int
    at: int
    ways: tuple[Way, ...]


class Chain:
    """The table C, and the schedules that it stands for.

    Args:
        blocks: in order.
        most: bytes that ``slots`` slots stand for.
        slots: the resolution.
    """

    def __init__(self, blocks: Sequence[Block], most: int, slots: int = _SLOTS) -> None:
        self.blocks, self.most, self.slots = blocks, max(1, most), slots
        self.sums = np.cumsum([0.0, *(float(block.price) for block in blocks)])
        self.table: dict[tuple[int, int], Bytes] = {}
        count = len(blocks)
        for span in range(count):
            for s in range(count - span):
                options = [values for values, _ in self._options(s, s + span)]
                self.table[s, s + span] = np.minimum.reduce(options)

    def work(self, nbytes: int) -> float:
        """Return the work of all forward runs within bytes, infinite where there is no way."""
        return float(self.table[0, len(self.blocks) - 1][self._free(nbytes)])

    def least(self) -> int:
        """Return the fewest bytes for which there is a way, to a slot; all where there is none."""
        values = self.table[0, len(self.blocks) - 1]
        free = int(np.isfinite(values).argmax()) if np.isfinite(values).any() else self.slots
        return -(-free * self.most // self.slots)

    def runs(self, nbytes: int) -> list[tuple[int, Way | None, int | None]]:
        """Return the forward runs within bytes: block, way, and the backward stage that asks.

        The way is None where only the input of a later block is kept; the stage is None in the
        first run of all.
        """
        found: list[tuple[int, Way | None, int | None]] = []
        waiting: list[tuple[int, int, int, int | None]] = [
            (0, len(self.blocks) - 1, self._free(nbytes), None)
        ]
        while waiting:
            s, t, free, at = waiting.pop()
            if s > t:
                continue
            costs = [float(values[free]) for values, _ in self._options(s, t)]
            chosen = self._options(s, t)[int(np.argmin(costs))][1]
            if isinstance(chosen, Way):
                found.append((s, chosen, at))
                waiting.append((s + 1, t, free - self._slots_of(chosen.kept), at))
            else:
                found += [(block, None, at) for block in range(s, chosen)]
                waiting.append((s, chosen - 1, free, self.blocks[chosen - 1].at))
                waiting.append((chosen, t, free - self._slots_of(self.blocks[chosen].entering), at))
        return found

    def _options(self, s: int, t: int) -> list[tuple[Bytes, Way | int]]:
        block = self.blocks[s]
        found: list[tuple[Bytes, Way | int]] = []
        for way in block.ways:
            rest = self.table[s + 1, t] if s < t else np.zeros(self.slots + 1)
            values = _shifted(rest, self._slots_of(way.kept)) + block.price + way.extra
            values[: self._slots_of(way.kept + block.beside)] = np.inf
            found.append((values, way))
        for following in range(s + 1, t + 1):
            kept = self._slots_of(self.blocks[following].entering)
            values = _shifted(self.table[following, t], kept) + self.table[s, following - 1]
            found.append((values + (self.sums[following] - self.sums[s]), following))
        return found

    def _slots_of(self, nbytes: int) -> int:
        return -(-nbytes * self.slots // self.most)

    def _free(self, nbytes: int) -> int:
        return max(0, min(self.slots, nbytes * self.slots // self.most))


def _shifted(values: Bytes, by: int) -> Bytes:
    found = np.full(len(values), np.inf)
    if by < len(values):
        found[by:] = values[: len(values) - by]
    return found


def chained(graph: CostGraph, peak: int, count: int) -> list[Recomputation]:
    """Return what the chain says for ``count`` budgets, from the peak down, each played anew."""
    blocks = blocks_of(graph)
    if len(blocks) < 2:
        return []
    chain = Chain(blocks, peak)
    low = chain.least()
    found: dict[frozenset[Gap], Recomputation] = {}
    for rung in range(count):
        allowed = round(peak * (low / peak) ** (rung / max(1, count - 1)))
        if not np.isfinite(chain.work(allowed)):
            continue
        made = played(graph, _gaps(graph, blocks, chain.runs(allowed)))
        if made is not None:
            found.setdefault(made.gaps, made)
    return list(found.values())


def _gaps(
    graph: CostGraph, blocks: Sequence[Block], runs: Sequence[tuple[int, Way | None, int | None]]
) -> set[Gap]:
    found: set[Gap] = set()
    for number, way, at in runs:
        block = blocks[number]
        again = [s for s in block.storages if graph.stages[graph.made_at[s]].again]
        if at is not None:
            found.update((storage, at) for storage in again)
        if way is not None and at != block.at:
            found.update((block.storages[place], block.at) for place in way.again)
    return found


# -- blocks ----------------------------------------------------------------------------------------


def blocks_of(graph: CostGraph) -> list[Block]:
    """Return the blocks of the forward pass; one where nothing cuts it."""
    cuts = _cuts(graph)
    owner = _owners(graph, cuts)
    first = _first_backward(graph, owner, len(cuts) - 1)
    fixed, ends = _fixed(graph), _forward_ends(graph)
    known: dict[object, tuple[Way, ...]] = {}
    found: list[Block] = []
    for number, (begin, end) in enumerate(pairwise(cuts)):
        storages = tuple(made for stage in graph.stages[begin:end] for made in stage.makes)
        at = first[number]
        until = first[number - 1] if number else len(graph.stages)
        leaving = {s for s in storages if ends[s] >= end}
        key = _signature(graph, storages, begin, end), len(leaving)
        if key not in known:
            known[key] = _ways(graph, storages, leaving)
        beside = max((fixed[stage] for stage in range(at, max(at + 1, until))), default=0)
        entering = _entering(graph, cuts[number]) if number else 0
        price = sum(stage.price for stage in graph.stages[begin:end])
        found.append(Block(storages, entering, price, beside, at, known[key]))
    return found


def _cuts(graph: CostGraph) -> list[int]:
    """Return the stages before which one storage, and no more, waits for the forward pass."""
    ends = _forward_ends(graph)
    change = [0] * (graph.begin + 2)
    for storage, last in ends.items():
        change[graph.made_at[storage] + 1] += 1
        change[last + 1] -= 1
    crossing = list(np.cumsum(change))
    single = [at for at in range(1, graph.begin) if crossing[at] == 1]
    step = -(-len(single) // _MOST_BLOCKS) or 1
    return [0, *single[step - 1 :: step], graph.begin]


def _forward_ends(graph: CostGraph) -> dict[int, int]:
    ends: dict[int, int] = {}
    for at, stage in enumerate(graph.stages[: graph.begin]):
        for storage in (*stage.makes, *stage.reads):
            ends[storage] = at
    return ends


def _entering(graph: CostGraph, cut: int) -> int:
    ends = _forward_ends(graph)
    return sum(graph.nbytes[s] for s, last in ends.items() if graph.made_at[s] < cut <= last)


def _owners(graph: CostGraph, cuts: Sequence[int]) -> dict[int, int]:
    places = np.searchsorted(np.array(cuts), np.arange(graph.begin), side="right") - 1
    return {
        made: int(places[at])
        for at, stage in enumerate(graph.stages[: graph.begin])
        for made in stage.makes
    }


def _first_backward(graph: CostGraph, owner: dict[int, int], count: int) -> list[int]:
    """Return for each block the first backward stage at which it, or one before it, is read."""
    found = [len(graph.stages) - 1] * count
    now = count - 1
    found[now] = graph.begin
    for at in range(graph.begin, len(graph.stages)):
        read = [owner[storage] for storage in graph.stages[at].reads if storage in owner]
        while read and max(read) < now:
            now -= 1
            found[now] = at
    return found


def _fixed(graph: CostGraph) -> list[int]:
    """Return the bytes at each stage that no recomputation frees, and what is in use there."""
    ends = list(graph.made_at)
    for at, stage in enumerate(graph.stages):
        for storage in stage.reads:
            ends[storage] = at
    change = [0] * (len(graph.stages) + 1)
    for storage, last in enumerate(ends):
        if graph.made_at[storage] >= graph.begin:
            change[graph.made_at[storage]] += graph.nbytes[storage]
            change[last + 1] -= graph.nbytes[storage]
    held = np.cumsum(change)
    return [int(held[at]) + stage.workspace for at, stage in enumerate(graph.stages)]


def _signature(graph: CostGraph, storages: Sequence[int], begin: int, end: int) -> object:
    """Return what is equal for blocks that are alike."""
    place = {storage: at for at, storage in enumerate(storages)}
    later = graph.stages[graph.begin :]
    read = {storage for stage in later for storage in stage.reads}
    rows = [
        (stage.price, stage.workspace, stage.again, tuple(place.get(s, -1) for s in stage.reads))
        for stage in graph.stages[begin:end]
    ]
    sizes = [(graph.nbytes[storage], storage in read) for storage in storages]
    return tuple(rows), tuple(sizes)


def _ways(graph: CostGraph, storages: Sequence[int], leaving: set[int]) -> tuple[Way, ...]:
    """Return ways from keeping all that backward reads to making most of it again."""
    read = {storage for stage in graph.stages[graph.begin :] for storage in stage.reads} | leaving
    kept = [s for s in storages if s in read]
    found = [Way(sum(graph.nbytes[s] for s in kept), 0)]
    inside = set(storages)

    def price(storage: int) -> int:
        return graph.stages[graph.made_at[storage]].price

    def is_local(storage: int) -> bool:
        stage = graph.stages[graph.made_at[storage]]
        return stage.again and all(s in read or s not in inside for s in stage.reads)

    loose = [s for s in kept if s not in leaving and is_local(s) and graph.nbytes[s]]
    loose.sort(key=lambda s: (-graph.nbytes[s] / max(1, price(s)), s))
    nbytes, extra, again = found[0].kept, 0, list[int]()
    place = {storage: at for at, storage in enumerate(storages)}
    for storage in loose[: _WAYS - 1]:
        nbytes, extra = nbytes - graph.nbytes[storage], extra + price(storage)
        again.append(place[storage])
        found.append(Way(nbytes, extra, tuple(again)))
    return tuple(found)
