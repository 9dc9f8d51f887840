"""A plan within a budget: the cheapest recomputation whose arena fits, or why none does."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from wengert.base.errors import BudgetError, OptionError, WengertWarning
from wengert.base.quantities import format_bytes, parse_bytes
from wengert.graph.graph import Graph
from wengert.planning.again import recomputed
from wengert.planning.arena import Arena, Interval, lay_out
from wengert.planning.cost_graph import CostGraph, cost_graph
from wengert.planning.order import Order, in_order, orders
from wengert.planning.plan import Plan, plan_graph
from wengert.planning.playing import Recomputation
from wengert.planning.recompute import recomputations
from wengert.planning.terms import place

# An executor is asked what it needs for about so many plans.
_ASKED = 24


def checked_budget(budget: str | int, what: str = "memory") -> int:
    """Return a budget in bytes; warn where the machine itself has less.

    Raises:
        OptionError: no number of bytes, or none at all.
    """
    allowed = parse_bytes(budget, what)
    if allowed < 1:
        raise OptionError(
            f"{what} is a number of bytes to work with",
            expected='at least one byte, such as "200MB"',
            got=repr(budget),
        )
    there = machine_bytes()
    if there is not None and allowed > there:
        warnings.warn(
            f"{what} = {format_bytes(allowed)} is more than the {format_bytes(there)} "
            "of this machine",
            WengertWarning,
            stacklevel=3,
        )
    return allowed


def machine_bytes() -> int | None:
    """Return the memory of this machine, None where the system does not say."""
    try:
        found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
    return found if found > 0 else None


def arena(plan: Plan) -> Arena:
    """Return where in one block the intermediates and the workspace of a plan lie."""
    held = [Interval(each.birth, each.death, each.nbytes) for each in plan.intermediates]
    extra = [Interval(at, at + 1, nbytes) for at, nbytes in enumerate(plan.workspace) if nbytes]
    return lay_out([*held, *extra])


@dataclass(frozen=True, slots=True)
class Need:
    """What an executor needs to run a graph.

    Attributes:
        nbytes: size of its block.
        floor: bytes of the largest single thing that it does: no recomputation can do with less.
        binds: what that is, in words.
        rounding: how each sum is cut into parts: programs that differ in it round differently.
    """

    nbytes: int
    floor: int
    binds: str
    rounding: frozenset[object] = frozenset()


Executor = Callable[[Graph], Need]


@dataclass(frozen=True, eq=False)
class Fitting:
    """The plans of one graph under every budget.

    Attributes:
        plan: of the graph as it was written, with nothing made again.
        executor: tells what a graph needs; None for one that holds what plans say.
    """

    plan: Plan
    executor: Executor | None = None
    _needs: dict[Graph, Need] = field(default_factory=dict[Graph, Need])

    @cached_property
    def orders(self) -> tuple[Order, ...]:
        """Orders of the operations, the one that holds least first."""
        return orders(self.plan)

    @cached_property
    def base(self) -> Plan:
        """The plan in the order that holds least; what is made again is made again in it."""
        best = self.orders[0]
        if best.peak_bytes >= self.plan.peak_bytes:
            return self.plan
        return plan_graph(in_order(self.plan.graph, best.schedule), self.plan.formulas)

    @cached_property
    def numbers(self) -> CostGraph:
        """The base as stages and bytes."""
        return cost_graph(self.base)

    @cached_property
    def choices(self) -> tuple[Recomputation, ...]:
        """What can be made again, from nothing down to the lowest peak, each dearer and lower."""
        return recomputations(self.numbers)

    @cached_property
    def _carried_out(self) -> list[Plan]:
        return []

    def carried_out(self, choice: Recomputation) -> Plan:
        """Return the plan with its recomputation written into the graph, simulated again."""
        if not choice.gaps:
            return self.base
        return plan_graph(recomputed(self.base, choice.gaps), self.plan.formulas)

    def nbytes(self, plan: Plan) -> int:
        """Return the size of the block that a plan needs."""
        return arena(plan).nbytes if self.executor is None else self._need(plan.graph).nbytes

    def _need(self, graph: Graph) -> Need:
        assert self.executor is not None
        if graph not in self._needs:
            self._needs[graph] = self.executor(graph)
        return self._needs[graph]

    def within(self, budget: int) -> Plan | None:
        """Return the cheapest plan whose block is within the budget, None where there is none.

        What is chosen from does not depend on the budget, so more bytes never cost more.
        """
        if self.executor is None:
            fits = (each for each in self._tried(budget) if arena(each).nbytes <= budget)
            return next(fits, None)
        return next((each for each in self._same() if self.nbytes(each) <= budget), None)

    def _same(self) -> Iterator[Plan]:
        """Yield the plans whose programs give the very bits of the one that is not bounded."""
        rounding = self._need(self.plan.graph).rounding
        return (each for each in self._all() if self._need(each.graph).rounding == rounding)

    def _tried(self, budget: int) -> Iterator[Plan]:
        """Yield plans whose peak is within the budget, cheapest first."""
        # What fits as it is, or in another order, needs no search.
        if self.plan.peak_bytes <= budget:
            yield self.plan
        if self.numbers.floor()[0] > budget:
            return
        if self.base.peak_bytes <= budget and self.base is not self.plan:
            yield self.base
        for choice in self.choices:
            if choice.gaps and choice.peak_bytes <= budget:
                yield self.carried_out(choice)

    def _all(self) -> Iterator[Plan]:
        """Yield every plan, cheapest first, each made once.

        What an executor fuses, and writes in place, is not what a plan counts: only it can tell.
        """
        made = self._carried_out
        if not made:
            made += [self.plan, *([self.base] if self.base is not self.plan else [])]
        yield from made
        apart = len(made) - (1 if self.base is self.plan else 2)
        for choice in _some([each for each in self.choices if each.gaps])[apart:]:
            made.append(self.carried_out(choice))
            yield made[-1]

    @cached_property
    def lowest(self) -> Plan:
        """The plan with the smallest block that was found."""
        if self.executor is None:
            return self.carried_out(self.choices[-1])
        return min(self._same(), key=self.nbytes)

    def savings(self, plan: Plan) -> tuple[str, ...]:
        """Say what the order, and what a plan makes again, save where they do."""
        best, lines = self.orders[0], list[str]()
        if self.executor is not None:
            saved = self.nbytes(self.plan) - self.nbytes(plan)
            return (f"recomputation and its order: {saved:,} bytes less",) if saved else ()
        if best.peak_bytes < self.plan.peak_bytes:
            saved = self.plan.peak_bytes - best.peak_bytes
            lines.append(f"order: {best.rule} holds {saved:,} bytes less than as written")
        if "recompute" in plan.passes:
            saved = self.base.peak_bytes - plan.peak_bytes
            lines.append(f"recomputation: {saved:,} bytes less than without")
        return tuple(lines)

    def overhead(self, plan: Plan) -> float:
        """Return what a plan costs beyond the one with nothing made again, as a part of that."""
        return cost_graph(plan).price / max(1, self.numbers.price) - 1

    def refusal(self, budget: int) -> BudgetError:
        """Return the error that says why nothing fits: the least there is, and what binds it."""
        least = self.nbytes(self.lowest)
        bound, what = self._floor()
        return BudgetError(
            f"{self.plan.graph.name} does not fit {format_bytes(budget)}, "
            "whatever is made again instead of held",
            expected=f"at least {least:,} bytes ({format_bytes(least)}), the least found; "
            f"no recomputation can do with less than {bound:,}, which {what}",
            got=f"{budget:,} bytes",
            remedy=f'memory="{least}B"',
        )

    def _floor(self) -> tuple[int, str]:
        if self.executor is not None:
            need = self._need(self.lowest.graph)
            return need.floor, f"{need.binds} needs"
        bound, at = self.numbers.floor()
        return bound, f"{binding(self.base, at)} needs with what must be held beside it"


def _some(choices: Sequence[Recomputation]) -> Sequence[Recomputation]:
    """Return so many choices as an executor is asked about, evenly, the lowest among them."""
    step = max(1, -(-len(choices) // _ASKED))
    return choices[::-1][::step][::-1]


def binding(plan: Plan, at: int) -> str:
    """Return an operation that holds the floor up, with its bytes and the user's line."""
    operation = plan.operation(at)
    own = f"{plan.step_bytes(at):,} of its own"
    return f"operation {at}, {plan.written(at)} ({own}){place(operation.location)},"


def within(plan: Plan, budget: int, executor: Executor | None = None) -> Plan:
    """Return the cheapest plan of the same results that is within the budget.

    Raises:
        BudgetError: there is none; the message states the floor and what binds it.
    """
    fitting = Fitting(plan, executor)
    found = fitting.within(budget)
    if found is None:
        raise fitting.refusal(budget)
    return found


def graph_within(graph: Graph, budget: int) -> Graph:
    """Return the graph, with as much made again as the budget asks for."""
    return within(plan_graph(graph), budget).graph
