"""The bytes of a run: what was predicted, what was used, and their bound."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.base.errors import GraphError
from wengert.base.quantities import format_bytes
from wengert.graph.graph import Array, Graph
from wengert.graph.variable import Variable
from wengert.planning.budget import Executor, Fitting
from wengert.planning.plan import Plan, plan_graph
from wengert.planning.refining import within
from wengert.reference.interpreter import run


@dataclass(eq=False)
class Ledger:
    """Plans the graphs of a run, within a budget where there is one, and counts what they hold.

    Attributes:
        budget: bytes that the intermediates of each graph may take, None where nothing bounds them.
        solve: seconds in which a solver looks for less to make again; None for greedy plans.
        predicted: the most that a plan said.
        used: the most that a run held.
        allocated: bytes of the blocks that compiled programs were given; they share one.
        overhead: the largest part of the work that is done again.
        beside: what lies outside the block of a compiled program, in bytes, line by line.
    """

    budget: int | None = None
    solve: float | None = None
    predicted: int = 0
    used: int = 0
    allocated: int = 0
    overhead: float = 0.0
    beside: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        self._plans: dict[Graph, Plan] = {}
        self._counted: set[Graph] = set()

    def bounded(self, graph: Graph) -> Graph:
        """Return the graph, rewritten to fit the budget; results have the same bits.

        Raises:
            BudgetError: nothing fits; the message states the least that does, and what binds it.
        """
        plan: Plan | None = plan_graph(graph)
        if self.budget is not None:
            fitting = Fitting(plan)
            plan = within(fitting, self.budget, self.solve)
            if plan is None:
                raise fitting.refusal(self.budget)
        self._plans[plan.graph] = plan
        self.predicted = max(self.predicted, plan.peak_bytes)
        self.overhead = max(self.overhead, plan.recomputed_part)
        return plan.graph

    def programmed(self, graph: Graph, executor: Executor) -> Graph:
        """Return the graph, rewritten so that its program fits the budget, to the same bits.

        Raises:
            BudgetError: nothing fits; the message states the least that does, and what binds it.
        """
        if self.budget is None:
            return graph
        fitting = Fitting(plan_graph(graph), executor)
        plan = within(fitting, self.budget, self.solve)
        if plan is None:
            raise fitting.refusal(self.budget)
        self.overhead = max(self.overhead, plan.recomputed_part)
        return plan.graph

    def took(
        self, predicted: int, used: int, allocated: int, beside: Mapping[str, int] | None = None
    ) -> None:
        """Take note of a program: bytes that were planned for it, that it uses, that there are."""
        self.predicted, self.used = max(self.predicted, predicted), max(self.used, used)
        self.allocated = allocated
        self.beside.update(beside or {})

    def run(self, graph: Graph, leaves: Sequence[Array]) -> list[Array]:
        """Run a graph of :meth:`bounded`; the first time all that it holds is counted.

        Raises:
            GraphError: it held other bytes than its plan said.
        """
        if graph in self._counted:
            return run(graph, leaves)
        plan, held = self._plans[graph], list[int]()
        # The very arrays that the interpreter will hold, so that they can be told apart.
        leaves = [np.asarray(leaf, order="C") for leaf in leaves]
        given = {id(_root(array)) for array in (*leaves, *graph.constants.values())}

        def watch(at: int, values: Mapping[Variable, Array]) -> None:
            held.append(owned(values, given) + plan.workspace[at])

        results = run(graph, leaves, watch)
        most = max(held, default=0)
        if most != plan.peak_bytes:
            raise GraphError(
                f"{graph.name} held other bytes than planned",
                expected=f"{plan.peak_bytes:,} bytes",
                got=f"{most:,} bytes",
            )
        self._counted.add(graph)
        self.used = max(self.used, most)
        return results

    def report(self) -> str:
        """Return every line of the ledger."""
        wide = max((len(what) for what in self.beside), default=0)
        lines = [f"  {what.ljust(wide)}  {n:>15,} bytes" for what, n in self.beside.items() if n]
        return "\n".join([str(self), *(["beside it:"] if lines else []), *lines])

    def __str__(self) -> str:
        exact = f"memory: {self.predicted:,} bytes predicted, {self.used:,} used"
        parts = [f"{exact} ({format_bytes(self.used)} of intermediates)"]
        if self.budget is not None:
            parts.append(f"within {format_bytes(self.budget)}")
        if self.overhead:
            parts.append(f"{100 * self.overhead:.2g} % of the work is done again")
        return "; ".join(parts)


def owned(values: Mapping[Variable, Array], given: Container[int]) -> int:
    """Return the bytes of the arrays behind the values, each once, without those that are given.

    Args:
        values: what is held.
        given: identities of the arrays that are not counted.
    """
    found = {id(root): root.nbytes for root in map(_root, values.values())}
    return sum(nbytes for key, nbytes in found.items() if key not in given)


def _root(array: Array) -> Array:
    base: Any = array
    while isinstance(base.base, np.ndarray):
        base = base.base
    return base
