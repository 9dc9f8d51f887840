"""Loops and branches without the results that nobody reads, and without what only those need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.text import held, to_text
from wengert.graph.variable import Variable
from wengert.graph.walk import ancestors


def narrowed(operation: Operation, wanted: Sequence[bool]) -> Operation:
    """Return the operation with the wanted results only, and the operands that these need."""
    if operation.operator == "scan":
        return _scan(operation, wanted)
    if operation.operator == "cond":
        return _cond(operation, wanted)
    return operation


def _scan(operation: Operation, wanted: Sequence[bool]) -> Operation:
    how = operation.attributes
    body, carries, stacked = held(how["body"]), int(how["carries"]), int(how["stacked"])
    kept = {i for i in range(carries) if wanted[i]}
    rows = [i for i in range(carries, len(wanted)) if wanted[i]]
    while True:
        needed = ancestors(body.operations, [body.outputs[i] for i in (*kept, *rows)])
        found = {i for i in range(carries) if body.inputs[i] in needed} | kept
        if found == kept:
            break
        kept = found
    places = [i for i, v in enumerate(body.inputs) if i in kept or (i >= carries and v in needed)]
    if len(kept) + len(rows) == len(wanted) and len(places) == len(body.inputs):
        return operation
    outputs = [*sorted(kept), *rows]
    smaller = _part(body, places, outputs, needed)
    return replace(
        operation,
        inputs=tuple(operation.inputs[i] for i in places),
        outputs=tuple(operation.outputs[i] for i in outputs),
        attributes={
            **how,
            "body": to_text(smaller),
            "carries": len(kept),
            "stacked": sum(carries <= i < carries + stacked for i in places),
        },
    )


def _cond(operation: Operation, wanted: Sequence[bool]) -> Operation:
    branches = [held(operation.attributes[name]) for name in ("true", "false")]
    outputs = [i for i, is_wanted in enumerate(wanted) if is_wanted]
    needed = [ancestors(b.operations, [b.outputs[i] for i in outputs]) for b in branches]
    places = [
        i for i in range(len(branches[0].inputs))
        if any(b.inputs[i] in found for b, found in zip(branches, needed, strict=True))
    ]  # fmt: skip
    if len(outputs) == len(wanted) and len(places) == len(branches[0].inputs):
        return operation
    yes, no = (
        to_text(_part(b, places, outputs, found)) for b, found in zip(branches, needed, strict=True)
    )
    return replace(
        operation,
        inputs=(operation.inputs[0], *(operation.inputs[i + 1] for i in places)),
        outputs=tuple(operation.outputs[i] for i in outputs),
        attributes={"true": yes, "false": no},
    )


def _part(
    body: Graph, places: Sequence[int], outputs: Sequence[int], needed: set[Variable]
) -> Graph:
    return Graph(
        body.name,
        tuple(body.inputs[i] for i in places),
        tuple(each for each in body.operations if needed.intersection(each.outputs)),
        tuple(body.outputs[i] for i in outputs),
        {v: value for v, value in body.constants.items() if v in needed},
    )
