"""A layered layout: columns by longest path, order by barycentres, rows on a grid.

Steps: E. R. Gansner et al., "A technique for drawing directed graphs" (1993), with the data spine
pinned to row 0 and rows by isotonic regression (pool adjacent violators), snapped to integers.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_SWEEPS = 24
_ROUNDS = 24
_SWAPS = 40

# An item of a column: a node (edge -1) or the place where a long edge passes (node -1).
Item = tuple[int, int, int]


@dataclass(frozen=True)
class Problem:
    """What is to be laid out.

    Attributes:
        columns: the column of every node.
        edges: pairs of nodes, from the smaller to the larger column.
        pinned: the spine, from left to right: these nodes, and the edges between them, lie in
            row 0.
        loose: edges that do not pull their ends to one row (where the spine rises).
    """

    columns: Mapping[int, int]
    edges: Sequence[tuple[int, int]]
    pinned: Sequence[int] = ()
    loose: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Rows:
    """The row of every node, and for every edge the (column, row) places that it passes."""

    nodes: Mapping[int, int]
    bends: Mapping[tuple[int, int], tuple[tuple[int, int], ...]]


@dataclass
class _Work:
    problem: Problem
    layers: dict[int, list[Item]]
    left: dict[Item, list[tuple[Item, float]]]
    right: dict[Item, list[tuple[Item, float]]]
    chains: dict[tuple[int, int], list[Item]]
    fixed: set[Item]
    row: dict[Item, float] = field(default_factory=dict[Item, float])


def ranks(count: int, edges: Sequence[tuple[int, int]], earliest: Sequence[int] = ()) -> list[int]:
    """Return columns by longest path; a source stands one column before its first reader.

    With ``earliest`` no node stands left of its earliest column.

    >>> ranks(5, [(0, 1), (1, 2), (2, 3), (4, 3)])
    [0, 1, 2, 3, 2]
    """
    after: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for a, b in edges:
        after[a].append(b)
        waiting[b] += 1
    sources = {node for node in range(count) if waiting[node] == 0}
    column, ready = list(earliest or [0] * count), sorted(sources)
    for node in ready:
        for other in after[node]:
            column[other] = max(column[other], column[node] + 1)
            waiting[other] -= 1
            if waiting[other] == 0:
                ready.append(other)
    for node in sources:
        if after[node]:
            column[node] = min(column[other] for other in after[node]) - 1
    return column


def arrange(problem: Problem) -> Rows:
    """Find an order with few crossings, then rows with few bends."""
    work = _prepare(problem)
    _order(work)
    _isotonic_rows(work)
    _straighten(work)
    nodes = {item[0]: round(row) for item, row in work.row.items() if item[0] >= 0}
    bends = {
        edge: tuple((item[2], round(work.row[item])) for item in chain if item[0] < 0)
        for edge, chain in work.chains.items()
    }
    return Rows(nodes, bends)


def _prepare(problem: Problem) -> _Work:
    items: dict[int, Item] = {node: (node, -1, c) for node, c in problem.columns.items()}
    spine = set(pairwise(problem.pinned))
    fixed = {items[node] for node in problem.pinned}
    span = range(
        min(problem.columns.values(), default=0), max(problem.columns.values(), default=-1) + 1
    )
    layers: dict[int, list[Item]] = {column: [] for column in span}
    for node in problem.columns:
        layers[problem.columns[node]].append(items[node])
    work = _Work(problem, layers, {}, {}, {}, fixed)
    for number, edge in enumerate(dict.fromkeys(problem.edges)):
        a, b = edge
        passing: list[Item] = [(-1, number, c) for c in range(items[a][2] + 1, items[b][2])]
        for item in passing:
            layers[item[2]].append(item)
            if edge in spine:
                fixed.add(item)
        chain = [items[a], *passing, items[b]]
        work.chains[edge] = chain
        for one, two in pairwise(chain):
            pull = (
                1.0 if one[0] >= 0 and two[0] >= 0 else 2.0 if one[0] >= 0 or two[0] >= 0 else 8.0
            )
            if edge in problem.loose and two[0] >= 0:
                pull = 0.0
            work.left.setdefault(two, []).append((one, pull))
            work.right.setdefault(one, []).append((two, pull))
    for layer in layers.values():
        layer.sort(key=lambda item: item not in fixed)
    return work


def _order(work: _Work) -> None:
    best, fewest = {c: list(layer) for c, layer in work.layers.items()}, _crossings(work)
    for sweep in range(_SWEEPS):
        if fewest == 0 and sweep > 3:
            break
        rightwards = sweep % 2 == 0
        for column in sorted(work.layers, reverse=not rightwards):
            _sort_column(work, column, work.left if rightwards else work.right, sweep)
        _swap_neighbours(work)
        found = _crossings(work)
        if found < fewest:
            best, fewest = {c: list(layer) for c, layer in work.layers.items()}, found
    work.layers = best


def _sort_column(
    work: _Work, column: int, near: Mapping[Item, list[tuple[Item, float]]], sweep: int
) -> None:
    place = {item: i for layer in work.layers.values() for i, item in enumerate(layer)}

    def centre(item: Item) -> float:
        others = near.get(item) or (work.right.get(item, []) + work.left.get(item, []))
        if not others:
            return place[item]
        return sum(place[other] for other, _ in others) / len(others)

    layer = work.layers[column]
    if sweep % 4 >= 2:
        layer.reverse()  # equal centres: try the other order too
    layer.sort(key=lambda item: (item not in work.fixed, centre(item)))


def _swap_neighbours(work: _Work) -> None:
    for _ in range(_SWAPS):
        changed = False
        for column in sorted(work.layers):
            layer = work.layers[column]
            for i in range(len(layer) - 1):
                a, b = layer[i], layer[i + 1]
                if a in work.fixed or b in work.fixed:
                    continue
                if _pair_crossings(work, a, b) > _pair_crossings(work, b, a):
                    layer[i], layer[i + 1] = b, a
                    changed = True
        if not changed:
            return


def _pair_crossings(work: _Work, low: Item, high: Item) -> int:
    """Count crossings between the edges of two items of a column, ``low`` being below."""
    count = 0
    for near, step in ((work.left, -1), (work.right, 1)):
        layer = work.layers.get(low[2] + step, [])
        place = {item: i for i, item in enumerate(layer)}
        for one, _ in near.get(low, ()):
            count += sum(place[one] > place[two] for two, _ in near.get(high, ()))
    return count


def _crossings(work: _Work) -> int:
    count = 0
    for column, layer in work.layers.items():
        place = {item: i for i, item in enumerate(work.layers.get(column + 1, []))}
        seen: list[int] = []
        for item in layer:
            ends = [place[other] for other, _ in work.right.get(item, ())]
            count += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count


def _isotonic_rows(work: _Work) -> None:
    for layer in work.layers.values():
        offset = 0 if layer and layer[0] in work.fixed else 1
        work.row.update((item, float(i + offset)) for i, item in enumerate(layer))
    for step in range(_ROUNDS):
        for column in sorted(work.layers, reverse=step % 2 == 1):
            _pool(work, column, snap=step >= _ROUNDS - 2)


def _pool(work: _Work, column: int, snap: bool) -> None:
    """Give a column the rows nearest to its neighbours' that keep order and distance 1."""
    layer = [item for item in work.layers[column] if item not in work.fixed]
    lowest = 1 if work.problem.pinned else 0
    blocks: list[tuple[float, float, int]] = []
    for index, item in enumerate(layer):
        wish, weight = _wish(work, item)
        blocks.append((wish - index, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, u, m), (b, v, n) = blocks[-2:]
            blocks[-2:] = [((a * u + b * v) / (u + v), u + v, m + n)]
    index = 0
    for value, _, length in blocks:
        base = max(value, lowest)
        for _ in range(length):
            work.row[layer[index]] = (round(base) if snap else base) + index
            index += 1


def _wish(work: _Work, item: Item) -> tuple[float, float]:
    near = [*work.left.get(item, ()), *work.right.get(item, ())]
    weight = sum(pull for _, pull in near)
    if weight == 0:
        return work.row[item], 0.01
    return sum(work.row[other] * pull for other, pull in near) / weight, weight


def _straighten(work: _Work) -> None:
    """Move runs of level items, and single ones, to rows that bend fewer edges."""
    for item in work.fixed:
        work.row[item] = 0.0
    chains = [
        [i for i in chain if i[0] < 0 and i not in work.fixed] for chain in work.chains.values()
    ]
    singles = [[item] for layer in work.layers.values() for item in layer if item not in work.fixed]
    for _ in range(_ROUNDS):
        before = dict(work.row)
        for run in (*chains, *_level_runs(work), *singles):
            if run:
                _settle(work, run)
        if work.row == before:
            return


def _level_runs(work: _Work) -> list[list[Item]]:
    """Return the sets of items that edges join along one row."""
    runs: list[list[Item]] = []
    seen: set[Item] = set(work.fixed)
    for layer in work.layers.values():
        for item in layer:
            if item in seen:
                continue
            run = [item]
            seen.add(item)
            for member in run:
                for other, _ in (*work.left.get(member, ()), *work.right.get(member, ())):
                    if other not in seen and work.row[other] == work.row[item]:
                        seen.add(other)
                        run.append(other)
            runs.append(run)
    return runs


def _settle(work: _Work, run: list[Item]) -> None:
    """Shift a run as a whole to the best row that its neighbours in each column leave."""
    inside = set(run)
    low, high = -1e9, 1e9
    for item in run:
        layer = work.layers[item[2]]
        i = layer.index(item)
        floor = work.row[layer[i - 1]] + 1 if i else (1 if work.problem.pinned else 0)
        low = max(low, floor - work.row[item])
        if i + 1 < len(layer):
            high = min(high, work.row[layer[i + 1]] - 1 - work.row[item])
    pulls = [
        (work.row[other] - work.row[item], pull)
        for item in run
        for other, pull in (*work.left.get(item, ()), *work.right.get(item, ()))
        if other not in inside
    ]
    shifts = sorted({0.0, low, *(delta for delta, _ in pulls)})

    def cost(shift: float) -> tuple[float, float]:
        bent = sum(_bend_cost(abs(delta - shift), pull) for delta, pull in pulls)
        return bent + 0.05 * len(run) * shift, shift != 0

    allowed = [shift for shift in shifts if low <= shift <= high]
    if allowed:
        best = min(allowed, key=cost)
        for item in run:
            work.row[item] += best


def _bend_cost(distance: float, pull: float) -> float:
    """Price an edge by the rows that it climbs; between neighbours one row is a plain slope."""
    if distance == 0:
        return 0.0
    return (distance + (0.3 if distance == 1 and pull == 1.0 else 1.5)) * pull
