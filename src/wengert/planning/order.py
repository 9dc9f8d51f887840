"""The order of operations: list schedules, of which simulation picks the one that holds least.

Forward runs before backward in every one of them. Under ``early`` the update of a parameter comes
right after its gradient is final, so that the gradient is let go at once; where an update needs
every gradient first, as under clipping by the global norm, the dependences put it at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Literal

from wengert.graph.check import check
from wengert.graph.graph import Graph
from wengert.planning.cost_graph import CostGraph
from wengert.planning.plan import Plan

Rule = Literal["written", "early", "depth first", "least first"]
RULES: tuple[Rule, ...] = ("written", "early", "depth first", "least first")


@dataclass(frozen=True, slots=True)
class Order:
    """A valid schedule.

    Attributes:
        rule: how it was made; "written" is the order of the graph.
        schedule: positions in the order in which they run.
        peak_bytes: the most bytes held under it.
    """

    rule: Rule
    schedule: tuple[int, ...]
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Work:
    """What an order has to respect, and what it decides about, as plain numbers.

    Attributes:
        after: for each operation those that must run before it.
        part: for each operation 0 in forward, 1 later; a part runs after those before it.
        update: whether an operation moves parameters.
        touches: for each operation the storages that it makes or reads.
        makes: for each operation the storages that it makes.
        workspace: bytes beside them while it runs.
        nbytes: bytes of each storage.
        kept: storages that outlive the run.
    """

    after: tuple[tuple[int, ...], ...]
    part: tuple[int, ...]
    update: tuple[bool, ...]
    touches: tuple[tuple[int, ...], ...]
    makes: tuple[tuple[int, ...], ...]
    workspace: tuple[int, ...]
    nbytes: tuple[int, ...]
    kept: frozenset[int]


def work_on(
    graph: CostGraph, after: Sequence[tuple[int, ...]], update: Sequence[bool], part: Sequence[int]
) -> Work:
    """Return the numbers of stages, such as the kernels of a program.

    Args:
        graph: the stages in an order in which they can run.
        after: for each stage those that must run before it.
        update: whether it moves parameters.
        part: 0 in forward, 1 later.
    """
    return Work(
        tuple(after),
        tuple(part),
        tuple(update),
        tuple(tuple(dict.fromkeys((*each.reads, *each.makes))) for each in graph.stages),
        tuple(each.makes for each in graph.stages),
        tuple(each.workspace for each in graph.stages),
        graph.nbytes,
        graph.kept,
    )


def work_of(plan: Plan) -> Work:
    """Return the numbers of a plan, operations by their place in its schedule."""
    operations = [plan.operation(at) for at in range(len(plan.schedule))]
    maker = {out: at for at, each in enumerate(operations) for out in each.outputs}
    number = {v: at for at, each in enumerate(plan.intermediates) for v in each.members}
    birth = [each.birth for each in plan.intermediates]
    touches = tuple(
        tuple(dict.fromkeys(number[v] for v in (*o.inputs, *o.outputs) if v in number))
        for o in operations
    )
    return Work(
        tuple(tuple({maker[v] for v in o.inputs if v in maker}) for o in operations),
        tuple(int(made != "forward") for made in plan.passes),
        tuple(made == "update" for made in plan.passes),
        touches,
        tuple(tuple(s for s in touched if birth[s] == at) for at, touched in enumerate(touches)),
        plan.workspace,
        tuple(each.nbytes for each in plan.intermediates),
        frozenset(s for s, e in enumerate(plan.intermediates) if e.death > len(operations)),
    )


def orders(plan: Plan) -> tuple[Order, ...]:
    """Return one order a rule, the one with the lowest peak first; at a tie the written one."""
    return orders_of(work_of(plan))


def orders_of(work: Work) -> tuple[Order, ...]:
    """Return one order a rule, the one with the lowest peak first; at a tie the written one."""
    made: list[tuple[Rule, tuple[int, ...]]] = [(rule, _schedule(work, rule)) for rule in RULES]
    found = [Order(rule, schedule, held(work, schedule)) for rule, schedule in made]
    return tuple(sorted(found, key=lambda order: order.peak_bytes))


def in_order(graph: Graph, schedule: Sequence[int]) -> Graph:
    """Return the graph with its operations in another order."""
    return check(replace(graph, operations=tuple(graph.operations[at] for at in schedule)))


def held(work: Work, schedule: Sequence[int]) -> int:
    """Return the most bytes that are held under a schedule."""
    left = _readers(work)
    live = most = 0
    for at in schedule:
        live += sum(work.nbytes[each] for each in work.makes[at])
        most = max(most, live + work.workspace[at])
        for storage in work.touches[at]:
            left[storage] -= 1
            if not left[storage]:
                live -= work.nbytes[storage]
    return most


def _readers(work: Work) -> list[int]:
    """Return how many operations touch each storage; one more for what is kept."""
    left = [int(storage in work.kept) for storage in range(len(work.nbytes))]
    for touched in work.touches:
        for storage in touched:
            left[storage] += 1
    return left


Key = tuple[int, ...]


def _schedule(work: Work, rule: Rule) -> tuple[int, ...]:
    return _List(work, rule).run() if rule != "written" else tuple(range(len(work.after)))


class _List:
    """List scheduling: of the operations that could run, the one with the least key does."""

    def __init__(self, work: Work, rule: Rule) -> None:
        self.work = work
        self.left = _readers(work)
        self.waiting = [len(before) for before in work.after]
        self.following: list[list[int]] = [[] for _ in work.after]
        for at, before in enumerate(work.after):
            for each in before:
                self.following[each].append(at)
        self.readers: list[list[int]] = [[] for _ in work.nbytes]
        for at, touched in enumerate(work.touches):
            for storage in touched:
                self.readers[storage].append(at)
        keys: dict[Rule, Callable[[int], Key]] = {
            "early": self._early,
            "depth first": self._depth_first,
            "least first": self._least_first,
        }
        self.key = keys[rule]
        self.heap: list[tuple[Key, int]] = []
        self.done: list[int] = []
        self.is_done = [False] * len(work.after)
        self.when = [0] * len(work.after)

    def run(self) -> tuple[int, ...]:
        for at, count in enumerate(self.waiting):
            if not count:
                self._offer(at)
        while self.heap:
            key, at = heappop(self.heap)
            if self.is_done[at] or key != (self.work.part[at], *self.key(at)):
                # Its key has changed since: it stands there again under the new one.
                continue
            self._carry_out(at)
        return tuple(self.done)

    def _offer(self, at: int) -> None:
        heappush(self.heap, ((self.work.part[at], *self.key(at)), at))

    def _carry_out(self, at: int) -> None:
        self.is_done[at], self.when[at] = True, len(self.done)
        self.done.append(at)
        for storage in self.work.touches[at]:
            self.left[storage] -= 1
            if self.left[storage] == 1:
                self._offer_last_reader(storage)
        for each in self.following[at]:
            self.waiting[each] -= 1
            if not self.waiting[each]:
                self._offer(each)

    def _offer_last_reader(self, storage: int) -> None:
        for each in self.readers[storage]:
            if not self.is_done[each] and not self.waiting[each]:
                self._offer(each)

    def _early(self, at: int) -> Key:
        return (int(not self.work.update[at]), at)

    def _depth_first(self, at: int) -> Key:
        """Go on with what was made last."""
        work = self.work
        latest = max((self.when[each] for each in work.after[at]), default=0)
        return (int(self._change(at) > 0), -latest, at)

    def _least_first(self, at: int) -> Key:
        return (self._change(at), at)

    def _change(self, at: int) -> int:
        """Return by how many bytes more is held after an operation than before it."""
        work = self.work
        made = sum(work.nbytes[each] for each in work.makes[at])
        freed = sum(work.nbytes[each] for each in work.touches[at] if self.left[each] == 1)
        return made - freed
