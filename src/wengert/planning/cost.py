"""Arithmetic of an operation, from the cost that its record states."""

from __future__ import annotations

from typing import NamedTuple

from wengert.graph.operation import Operation
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
    cost = OPERATORS[operation.operator].cost
    if cost.passes is None:
        passes = sum(out.size for out in operation.outputs)
    else:
        passes = int(cost.passes(*operation.inputs, **operation.attributes))
    return Work(round(cost.flops * passes), round(cost.transcendental * passes))
