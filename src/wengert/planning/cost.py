"""Arithmetic of an operation, from the cost that its record states."""

from __future__ import annotations

from typing import NamedTuple

from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.operators.bodies import bodies, repeats
from wengert.operators.registry import OPERATORS


class Work(NamedTuple):
    """Arithmetic of one run of an operation."""

    flops: int = 0
    transcendental: int = 0

    def __str__(self) -> str:
        parts = (
            (self.flops, "flop" if self.flops == 1 else "flops"),
            (self.transcendental, "transcendental"),
        )
        return " + ".join(f"{n:,} {unit}" for n, unit in parts if n) or "no arithmetic"


def work(operation: Operation) -> Work:
    """Return the arithmetic of one run: the record's cost times its passes over the elements."""
    inside = [_whole(each) for each in bodies(operation.operator, operation.attributes)]
    if inside:
        times = repeats(operation.operator, operation.attributes)
        # Of a branch the dearer side counts, of an open loop one iteration.
        dearest = max(inside)
        return Work(times * dearest.flops, times * dearest.transcendental)
    cost = OPERATORS[operation.operator].cost
    if cost.passes is None:
        passes = sum(out.size for out in operation.outputs)
    else:
        passes = int(cost.passes(*operation.inputs, **operation.attributes))
    return Work(round(cost.flops * passes), round(cost.transcendental * passes))


def _whole(graph: Graph) -> Work:
    parts = [work(operation) for operation in graph.operations]
    return Work(sum(each.flops for each in parts), sum(each.transcendental for each in parts))


# What passing one element through memory and what one exp or tanh costs, beside one flop of a
# matrix product: an elementwise pass is bound by memory, a product is not.
_PASSED = 8
_TRANSCENDENTAL = 8


def price(operation: Operation) -> int:
    """Return the cost of one run as one number, to compare what could be carried out again."""
    arithmetic = work(operation)
    passed = sum(each.size for each in (*operation.inputs, *operation.outputs))
    weighed = arithmetic.flops + _TRANSCENDENTAL * arithmetic.transcendental
    return weighed + _PASSED * passed + 1
