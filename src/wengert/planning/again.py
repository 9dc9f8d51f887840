"""Recomputation as a graph → graph rewrite: forward operations carried out again before backward
ones read their results.

The operations that are carried out again read the same values and have the same attributes, so
every result is the same to the bit. Each says which variable it makes again (its ``origin``) and
has its line; a variable ``h`` made again is called ``h_again``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from wengert.graph.check import check
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.planning.holding import Gap
from wengert.planning.plan import Plan

SUFFIX = "_again"


def recomputed(plan: Plan, gaps: Iterable[Gap]) -> Graph:
    """Return the graph of a plan with each storage made again before the stages of its gaps.

    Args:
        plan: of a graph in which nothing is made again yet.
        gaps: numbers of storages in ``plan.intermediates``, and positions of the schedule.
    """
    before: dict[int, list[int]] = {}
    for storage, stage in gaps:
        before.setdefault(stage, []).append(storage)
    writer = _Writer(plan)
    operations: list[Operation] = []
    for at in range(len(plan.schedule)):
        for storage in sorted(before.get(at, ()), key=lambda s: plan.intermediates[s].birth):
            operations += writer.make_again(storage)
        operations += writer.carry_over(plan.operation(at))
    return check(replace(plan.graph, operations=tuple(operations)))


class _Writer:
    """Which variable stands for which at the present place of the schedule."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.standing: dict[Variable, Variable] = {}
        self.versions: dict[str, int] = {}
        self.stale: set[Variable] = set()
        self.names = {each.name for each in plan.graph.variables}

    def make_again(self, storage: int) -> Iterator[Operation]:
        """Yield the operations that make a storage again; its views are then out of date."""
        lifetime = self.plan.intermediates[storage]
        maker = self.plan.graph.producer[lifetime.base]
        yield from self._views(maker)
        yield self._again(maker)
        self.stale.update(lifetime.views)

    def carry_over(self, operation: Operation) -> Iterator[Operation]:
        """Yield an operation of the schedule on the variables that stand for its operands."""
        yield from self._views(operation)
        inputs = self._inputs(operation)
        yield operation if inputs == operation.inputs else replace(operation, inputs=inputs)
        self.stale.difference_update(operation.outputs)

    def _views(self, operation: Operation) -> Iterator[Operation]:
        """Yield what looks anew at storages that were made again, where it is read."""
        for operand in dict.fromkeys(operation.inputs):
            if operand in self.stale:
                maker = self.plan.graph.producer[operand]
                yield from self._views(maker)
                yield self._again(maker)
                self.stale.remove(operand)

    def _again(self, maker: Operation) -> Operation:
        inputs = self._inputs(maker)
        copies = tuple(map(self._copy, maker.outputs))
        self.standing.update(zip(maker.outputs, copies, strict=True))
        return replace(maker, inputs=inputs, outputs=copies, origin=maker.outputs[0])

    def _inputs(self, operation: Operation) -> tuple[Variable, ...]:
        return tuple(self.standing.get(each, each) for each in operation.inputs)

    def _copy(self, made: Variable) -> Variable:
        if made.name is None:
            return replace(made, version=1)
        name = made.name + SUFFIX
        while name in self.names:
            name += SUFFIX
        self.versions[name] = self.versions.get(name, 0) + 1
        return replace(made, name=name, version=self.versions[name])
