"""Graphs inside operations: the bodies of loops and branches, which stand as text in attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from wengert.graph.graph import Array, Graph
from wengert.graph.operation import Operation
from wengert.graph.text import held
from wengert.graph.variable import Variable
from wengert.graph.walk import last_uses
from wengert.operators.record import Operator

Run = Callable[[Sequence[Array]], list[Array]]

# operator -> the attributes that hold its bodies
BODIES: Mapping[str, tuple[str, ...]] = {
    "scan": ("body",),
    "cond": ("true", "false"),
    "while_loop": ("test", "body"),
    "while_pullback": ("test", "body", "pull"),
}


def bodies(operator: str, attributes: Mapping[str, Any]) -> tuple[Graph, ...]:
    """Return the graphs that an operation holds; none for most operators."""
    return tuple(held(attributes[name]) for name in BODIES.get(operator, ()))


def repeats(operator: str, attributes: Mapping[str, Any]) -> int:
    """Return how often each body runs, as far as it is known: a branch or an open loop once."""
    return int(attributes["length"]) if operator == "scan" else 1


def runner(table: Mapping[str, Operator]) -> Callable[[str], Run]:
    """Return what makes a function of a body's text, operators taken from ``table``."""

    @lru_cache(maxsize=512)
    def function_of(text: str) -> Run:
        return _function(held(text), table)

    return function_of


def _function(graph: Graph, table: Mapping[str, Operator]) -> Run:
    """Return the graph as a function of arrays, its slots and last uses looked up once."""
    slots = {variable: slot for slot, variable in enumerate(graph.variables)}
    given = [slots[variable] for variable in graph.inputs]
    fixed = [(slots[variable], value) for variable, value in graph.constants.items()]
    wanted = [slots[variable] for variable in graph.outputs]
    ends: list[list[int]] = [[] for _ in graph.operations]
    for variable, end in last_uses(graph).items():
        if 0 <= end < len(ends):
            ends[end].append(slots[variable])
    steps = [
        (table[each.operator].values, dict(each.attributes), [slots[v] for v in each.inputs],
         [slots[v] for v in each.outputs], ending)
        for each, ending in zip(graph.operations, ends, strict=True)
    ]  # fmt: skip

    def run(operands: Sequence[Array]) -> list[Array]:
        values: list[Any] = [None] * len(slots)
        for slot, value in fixed:
            values[slot] = value
        for slot, value in zip(given, operands, strict=True):
            values[slot] = value
        for meaning, attributes, sources, targets, ending in steps:
            found = meaning(*[values[slot] for slot in sources], **attributes)
            for slot, value in zip(targets, found, strict=True):
                values[slot] = value
            for slot in ending:
                values[slot] = None
        return [values[slot] for slot in wanted]

    return run


def with_distinct_outputs(graph: Graph) -> Graph:
    """Return the graph with no two outputs one variable: each may have a gradient of its own."""
    seen: set[Variable] = set()
    operations = list(graph.operations)
    outputs: list[Variable] = []
    for variable in graph.outputs:
        output = variable
        if variable in seen:
            output = Variable(variable.shape, variable.dtype)
            operations.append(Operation("identity", (variable,), (output,)))
        seen.add(output)
        outputs.append(output)
    return replace(graph, operations=tuple(operations), outputs=tuple(outputs))


def dense(value: Array) -> Array:
    """Return an array in C order: itself where it lies so."""
    return np.asarray(value, order="C")
