"""Forward mode from reverse mode: the transpose of the transpose.

For the linear map u ↦ Jᵀu that the backward pass computes, its own backward pass is v ↦ J v.
So every operator has a forward derivative as soon as it has a reverse one, and the two cannot
disagree (Townsend 2017, "A new trick for calculating Jacobian vector products").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wengert.base.dtypes import is_differentiable
from wengert.base.errors import DifferentiationError
from wengert.base.tree import LEAF, Structure
from wengert.differentiation.reverse import pullback
from wengert.graph.check import check
from wengert.graph.graph import Graph
from wengert.graph.variable import Variable
from wengert.rewriting.prune import prune


def linear_inputs(variables: Sequence[Variable], name: str) -> list[Variable]:
    """Return fresh inputs of the types of ``variables``: tangents or incoming gradients."""
    return [
        Variable(each.shape, each.dtype, "input", f"{name}{i}") for i, each in enumerate(variables)
    ]


def with_inputs(graph: Graph, extra: Sequence[Variable]) -> Graph:
    """Return the graph with inputs added at the end, as further arguments."""
    old = graph.input_structure
    return replace(
        graph,
        inputs=(*graph.inputs, *extra),
        arguments=(*graph.arguments, *(str(each.name) for each in extra)),
        input_structure=Structure(
            "tuple",
            tuple(range(len(old.children) + len(extra))),
            (*old.children, *(LEAF for _ in extra)),
        ),
    )


def differentiable_outputs(graph: Graph) -> tuple[Variable, ...]:
    """Return each output once that can carry a derivative."""
    return tuple(dict.fromkeys(v for v in graph.outputs if is_differentiable(v.dtype)))


def vjp_graph(graph: Graph, wrt: Sequence[Variable]) -> Graph:
    """Return (inputs, u) ↦ (outputs, Jᵀu), with one u for each differentiable output."""
    outputs = differentiable_outputs(graph)
    incoming = linear_inputs(outputs, "u")
    seeds = dict(zip(outputs, incoming, strict=True))
    return pullback(with_inputs(graph, incoming), wrt, seeds).graph


def jvp_graph(graph: Graph, wrt: Sequence[Variable]) -> Graph:
    """Return (inputs, v) ↦ (outputs, J v), with one v for each variable of ``wrt``.

    J v has one value for each differentiable output, in the order of the outputs.
    """
    there = vjp_graph(graph, wrt)
    given, count = len(graph.inputs), len(graph.outputs)
    incoming = there.inputs[given:]
    transposed = there.outputs[count:]
    tangents = linear_inputs(transposed, "v")
    seeds = dict(zip(transposed, tangents, strict=True))
    back = pullback(with_inputs(there, tangents), incoming, seeds).graph
    derivatives = back.outputs[count + len(transposed) :]
    first = {v: i for i, v in enumerate(differentiable_outputs(graph))}
    aligned = tuple(derivatives[first[v]] for v in graph.outputs if v in first)
    joint = prune(replace(back, outputs=(*back.outputs[:count], *aligned)))
    _refuse_nonlinear(joint, joint.inputs[given : given + len(incoming)])
    return check(_without_inputs(joint, given, given + len(incoming)))


def _refuse_nonlinear(graph: Graph, incoming: Sequence[Variable]) -> None:
    """Jᵀu is linear in u, unless a user's own pullback is not."""
    for variable in incoming:
        reader = next(iter(graph.consumers.get(variable, ())), None)
        if reader is not None:
            raise DifferentiationError(
                "forward mode through a custom gradient",
                expected="a pullback that is linear in the incoming gradient",
                got=f"one that takes {reader.operator} of it",
                remedy="grad or vjp, which carry the pullback out as it stands",
                where=reader.location,
            )


def _without_inputs(graph: Graph, start: int, stop: int) -> Graph:
    """Drop arguments that nothing reads: J v is linear in v and does not depend on u."""
    extra = stop - start
    children = graph.input_structure.children
    fixed = len(children) - (len(graph.inputs) - start)
    kept = (*children[:fixed], *children[fixed + extra :])
    return replace(
        graph,
        inputs=(*graph.inputs[:start], *graph.inputs[stop:]),
        arguments=(*graph.arguments[:fixed], *graph.arguments[fixed + extra :]),
        input_structure=Structure("tuple", tuple(range(len(kept))), kept),
    )
