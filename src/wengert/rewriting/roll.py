"""Loops that Python unrolled, rolled again: equal stretches of operations become one scan.

What an iteration reads is carried from the one before, a row of something stacked, or the same
for all; where it is none of these the stretch stays as it is. Values and bits are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from wengert.graph.check import check
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.operators.registry import OPERATORS
from wengert.rewriting.prune import prune
from wengert.rewriting.rewrite import simplify
from wengert.rewriting.rolling import NotALoop, rolled
from wengert.rewriting.runs import FEWEST, LEAST, Run, runs
from wengert.rewriting.stacks import Stacks

# Loops in loops: the inner ones are rolled first.
_DEPTH = 4
# Windows at either end that may be unlike the others: the first reads what begins the loop.
_TRIMMED = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, 1), (1, 2), (2, 2))


# A loop in a program runs on one thread: of heavy iterations only very many are worth it.
_HEAVY, _MANY = 1_000_000, 6_000


def roll(graph: Graph) -> Graph:
    """Return the graph with every long run of equal operations as one scan.

    >>> import numpy as np
    >>> from wengert.tracing.trace import trace
    >>> def f(x):
    ...     for _ in range(300):
    ...         x = np.tanh(x) * 2.0
    ...     return x
    >>> [operation.operator for operation in roll(trace(f, np.ones(3))).operations]
    ['scan']
    """
    for _ in range(_DEPTH):
        found = _rolled_once(graph)
        if found is graph:
            break
        graph = found
    return graph


def prepared(graph: Graph) -> Graph:
    """Return the graph that a program is made of: long loops rolled, then simplified."""
    return simplify(roll(graph))


def _rolled_once(graph: Graph) -> Graph:
    found = runs(graph.operations) if len(graph.operations) >= LEAST else []
    if not found:
        return graph
    stacks = Stacks(graph)
    operations: list[Operation] = []
    at = 0
    changed = False
    for run in found:
        operations += stacks.reading(graph.operations[at : run.start])
        made, is_rolled = _made(graph, run, stacks)
        operations += made
        changed |= is_rolled
        at = run.end
    operations += stacks.reading(graph.operations[at:])
    if not changed:
        return graph
    whole = replace(
        graph,
        operations=(*operations, *stacks.rows_of(graph.outputs)),
        constants={**graph.constants, **stacks.constants},
    )
    return check(prune(whole))


def _made(graph: Graph, run: Run, stacks: Stacks) -> tuple[list[Operation], bool]:
    """Return what stands for a run, and whether it was rolled."""
    if run.period * run.count < _MANY and _work(graph.operations[run.start :], run) > _HEAVY:
        return stacks.reading(graph.operations[run.start : run.end]), False
    # Better a shorter loop than one whose rows have to be copied together.
    for joins, (first, last) in product((False, True), _TRIMMED):
        part = run.trimmed(first, last)
        if part.count < FEWEST:
            continue
        try:
            middle = rolled(graph, part, stacks, joins)
        except NotALoop:
            continue
        before = stacks.reading(graph.operations[run.start : part.start])
        after = stacks.reading(graph.operations[part.end : run.end])
        return [*before, *middle, *after], True
    return stacks.reading(graph.operations[run.start : run.end]), False


def _work(operations: Sequence[Operation], run: Run) -> float:
    """Return the arithmetic of one window."""
    return sum(_flops(operation) for operation in operations[: run.period])


def _flops(operation: Operation) -> float:
    cost = OPERATORS[operation.operator].cost
    passes = sum(out.size for out in operation.outputs) if cost.passes is None else (
        cost.passes(*operation.inputs, **operation.attributes))  # fmt: skip
    return (cost.flops + 8 * cost.transcendental) * passes
