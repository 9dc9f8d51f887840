"""A joint graph whose forward pass is plain, also when it is itself made of gradients."""

from __future__ import annotations

from dataclasses import replace

from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.graph.walk import ancestors, forward_operations


def objective_of(graph: Graph) -> Variable:
    """Return J: the variable that the backward pass starts from."""
    seeds = [v.of for v in graph.constants if v.of is not None and v.of in graph.outputs]
    return seeds[0] if seeds else graph.outputs[0]


def forward_of(graph: Graph) -> tuple[Operation, ...]:
    """Return the operations of the forward pass: what J needs, and what needs no gradient."""
    needed = ancestors(graph.operations, [objective_of(graph)])
    free = set(forward_operations(graph))
    return tuple(op for op in graph.operations if op in free or needed.intersection(op.outputs))


def plain_forward(graph: Graph) -> tuple[Graph, dict[Variable, Variable]]:
    """Return the graph with the gradients of inner objectives as ordinary variables.

    An objective may differentiate another one; to its own derivation those gradients are
    values like any others. The second result leads back to the variables of ``graph``.
    """
    objective = objective_of(graph)
    made = {out for op in forward_of(graph) for out in op.outputs}
    seeds = {v for v in graph.constants if v.of is not None and v.of is not objective}
    inner = [v for v in graph.variables if v.of is not None and (v in made or v in seeds)]
    if not inner:
        return graph, {}
    new = {v: replace(v, of=None, role="constant" if v in seeds else "intermediate")
           for v in inner}  # fmt: skip

    def swap(variables: tuple[Variable, ...]) -> tuple[Variable, ...]:
        return tuple(new.get(v, v) for v in variables)

    for variable in graph.variables:  # gradients of what was replaced
        if variable.of in new and variable not in new:
            new[variable] = replace(variable, of=new[variable.of])
    operations = tuple(
        replace(
            op,
            inputs=swap(op.inputs),
            outputs=swap(op.outputs),
            origin=None if op.origin is None else new.get(op.origin, op.origin),
        )
        for op in graph.operations
    )
    constants = {new.get(v, v): array for v, array in graph.constants.items()}
    plain = replace(graph, operations=operations, outputs=swap(graph.outputs), constants=constants)
    return plain, {mine: theirs for theirs, mine in new.items()}
