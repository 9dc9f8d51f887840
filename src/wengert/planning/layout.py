"""Where every storage of a schedule lies: lifetimes, what is written in place, byte offsets.

The stages may be the operations of a graph or the kernels of a program; all that counts is which
storages they read and make. What is returned has been played by :mod:`wengert.planning.replay`,
which shares no code with this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from wengert.planning.arena import ALIGNMENT, Interval, lay_out, load
from wengert.planning.cost_graph import CostGraph
from wengert.planning.order import Order, Work, orders_of
from wengert.planning.replay import replay

# Another order than the written one has to save a part of the block that is worth it.
_WORTH = 64


@dataclass(frozen=True, slots=True)
class Layout:
    """The one block of a schedule, in the order of its stages.

    Attributes:
        births: for each storage the stage that makes it.
        deaths: one past the last stage that touches it; one past all stages for what is kept.
        over: for each storage that is written in place the one whose bytes it takes over.
        offsets: where each storage begins in the block, a multiple of 64 bytes.
        workspace: where the workspace of each stage begins.
        nbytes: size of the block.
        load: the most rounded bytes that are alive together: no offsets can do with less.
        live: bytes alive during each stage, workspace and rounding included.
        apart_bytes: what the block would be with nothing in place.
    """

    births: tuple[int, ...]
    deaths: tuple[int, ...]
    over: Mapping[int, int]
    offsets: tuple[int, ...]
    workspace: tuple[int, ...]
    nbytes: int
    load: int
    live: tuple[int, ...]
    apart_bytes: int

    def alive(self, stage: int) -> list[int]:
        """Return the storages that are held during a stage."""
        pairs = enumerate(zip(self.births, self.deaths, strict=True))
        return [number for number, (birth, death) in pairs if birth <= stage < death]


@dataclass(frozen=True, slots=True)
class Arranged:
    """Stages in the order whose block is smallest, and that block.

    Attributes:
        order: the rule and the schedule, positions in the order as written.
        graph: the stages in that order.
        layout: the block.
        written_bytes: what the block would be in the order as written.
    """

    order: Order
    graph: CostGraph
    layout: Layout
    written_bytes: int


def arranged(graph: CostGraph, work: Work) -> Arranged:
    """Return the order and the layout of stages that together need the smallest block.

    Of the list schedules those are laid out that hold no more than the order as written, which
    wins every tie.

    Args:
        graph: the stages in an order in which they can run.
        work: what another order has to respect.
    """
    found = {order.rule: order for order in orders_of(work)}
    written = found.pop("written")
    first = laid_out(graph)
    best = Arranged(written, graph, first, first.nbytes)
    for order in found.values():
        if order.peak_bytes < written.peak_bytes:
            stages = tuple(graph.stages[at] for at in order.schedule)
            other = replace(graph, stages=stages)
            enough = best.layout.nbytes - first.nbytes // _WORTH
            if _load(other) >= enough:
                continue
            layout = laid_out(other)
            if layout.nbytes < enough:
                best = Arranged(order, other, layout, first.nbytes)
    return best


def laid_out(graph: CostGraph) -> Layout:
    """Return the smallest block found for a schedule.

    A storage takes over the bytes of one that its stage reads where the stage allows it, nobody
    needs the old one afterwards, no other storage takes it over, and both are as large.

    Raises:
        GraphError: the layout does not survive being played.

    >>> from wengert.planning.cost_graph import Stage
    >>> stages = Stage((), (0,)), Stage((0,), (1,), over=((1, 0),)), Stage((1,), (2,))
    >>> found = laid_out(CostGraph(stages, (640, 640, 64), frozenset({2}), 3))
    >>> found.nbytes, found.apart_bytes, dict(found.over)
    (704, 1280, {1: 0})
    """
    births, deaths = graph.made_at, _deaths(graph)
    apart = _placed(graph, births, deaths, {})
    over = _taken_over(graph, deaths)
    found = _placed(graph, births, deaths, over) if over else apart
    # Bytes that are held longer in one place can, rarely, leave worse gaps around them.
    best = found if found.nbytes <= apart.nbytes else apart
    replay(graph, best.offsets, best.workspace, best.nbytes)
    return replace(best, apart_bytes=apart.nbytes)


def _load(graph: CostGraph) -> int:
    """Return a size that no block for a schedule is below."""
    births, deaths = graph.made_at, _deaths(graph)
    _, held, extra = _held(
        graph, births, deaths, _shared(graph, births, _taken_over(graph, deaths))
    )
    return load([*held, *extra])


def _deaths(graph: CostGraph) -> tuple[int, ...]:
    deaths = [made + 1 for made in graph.made_at]
    for at, stage in enumerate(graph.stages):
        for storage in (*stage.reads, *stage.makes):
            deaths[storage] = at + 1
    for storage in graph.kept:
        deaths[storage] = len(graph.stages) + 1
    return tuple(deaths)


def _taken_over(graph: CostGraph, deaths: tuple[int, ...]) -> dict[int, int]:
    over: dict[int, int] = {}
    claimed: set[int] = set()
    for at, stage in enumerate(graph.stages):
        for made, read in stage.over:
            free = deaths[read] == at + 1 and read not in claimed and made not in over
            if free and made in stage.makes and _rounded(graph, made) == _rounded(graph, read):
                over[made] = read
                claimed.add(read)
    return over


def _placed(
    graph: CostGraph, births: tuple[int, ...], deaths: tuple[int, ...], over: Mapping[int, int]
) -> Layout:
    """Lay out storages that share bytes as one that lives from the first to the last."""
    first = _shared(graph, births, over)
    owners, held, extra = _held(graph, births, deaths, first)
    arena = lay_out([*held, *extra])
    starts = dict(zip(owners, arena.offsets, strict=False))
    live = _live(held, extra, len(graph.stages))
    return Layout(
        births, deaths, over, tuple(starts[each] for each in first),
        arena.offsets[len(owners) :], arena.nbytes, arena.load, live, arena.nbytes,
    )  # fmt: skip


def _shared(graph: CostGraph, births: tuple[int, ...], over: Mapping[int, int]) -> list[int]:
    """Return for each storage the first of those whose bytes it shares."""
    first = list(range(len(graph.nbytes)))
    for made in sorted(over, key=births.__getitem__):
        first[made] = first[over[made]]
    return first


def _held(
    graph: CostGraph, births: tuple[int, ...], deaths: tuple[int, ...], first: list[int]
) -> tuple[list[int], list[Interval], list[Interval]]:
    """Return the storages that share nobody's bytes, how long theirs are held, and workspaces."""
    last = list(deaths)
    for storage, owner in enumerate(first):
        last[owner] = max(last[owner], deaths[storage])
    owners = [s for s, owner in enumerate(first) if owner == s]
    held = [Interval(births[s], last[s], graph.nbytes[s]) for s in owners]
    extra = [Interval(at, at + 1, stage.workspace) for at, stage in enumerate(graph.stages)]
    return owners, held, extra


def _live(held: list[Interval], extra: list[Interval], count: int) -> tuple[int, ...]:
    change = [0] * (count + 2)
    for each in (*held, *extra):
        nbytes = -(-each.nbytes // ALIGNMENT) * ALIGNMENT
        change[each.birth] += nbytes
        change[min(each.death, count + 1)] -= nbytes
    live, curve = 0, list[int]()
    for at in range(count):
        live += change[at]
        curve.append(live)
    return tuple(curve)


def _rounded(graph: CostGraph, storage: int) -> int:
    return -(-graph.nbytes[storage] // ALIGNMENT)
