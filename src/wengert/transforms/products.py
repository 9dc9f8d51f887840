"""Products with Jacobians and Hessians, without the matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.base.dtypes import is_differentiable
from wengert.base.errors import DifferentiationError
from wengert.base.tree import flatten, unflatten
from wengert.differentiation import forward
from wengert.differentiation.control import refuse_open_loops
from wengert.graph.graph import Array, Graph
from wengert.graph.variable import Variable
from wengert.rewriting.prune import prune
from wengert.tracing.trace import is_array_like, trace_with_captures
from wengert.transforms.arguments import (
    Wrt,
    arguments_of,
    checked_arguments,
    leaves_by_argument,
    like,
    positions,
)
from wengert.transforms.gradients import differentiated
from wengert.transforms.running import array_leaves, run_anywhere


def vjp(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[..., Any]]:
    """Return f(*args) and the map u ↦ Jᵀu to gradients by all arguments.

    >>> y, pull = vjp(lambda x: x * np.array([2.0, 3.0]), np.ones(2))
    >>> pull(np.array([1.0, 10.0]))[0].tolist()
    [2.0, 30.0]
    """
    args = checked_arguments(f, args, range(len(args)))
    found = trace_with_captures(f, args, set(range(len(args))))
    given = found.graph.inputs[: len(found.graph.inputs) - len(found.captured)]
    both = refuse_open_loops(forward.vjp_graph(found.graph, given))
    count = len(found.graph.outputs)
    y = unflatten(found.graph.output_structure, run_anywhere(found.graph, found.captured, args))

    def pull(u: Any) -> Any:
        incoming = _incoming(found.graph, u)
        results = run_anywhere(both, (*found.captured, *incoming), args)
        return unflatten(arguments_of(found), results[count:])

    return y, pull


def jvp(f: Callable[..., Any], args: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return f(*args) and its derivative J v along ``tangents``, one tangent an argument.

    >>> y, dy = jvp(lambda x: x**2, (np.array(3.0),), (np.array(1.0),))
    >>> float(y), float(dy)
    (9.0, 6.0)
    """
    checked = checked_arguments(f, tuple(args), range(len(args)))
    found = trace_with_captures(f, checked, set(range(len(checked))))
    given = found.graph.inputs[: len(found.graph.inputs) - len(found.captured)]
    both = forward.jvp_graph(found.graph, given)
    count = len(found.graph.outputs)
    directions = like(array_leaves(checked), tuple(tangents), "the tangents")
    results = run_anywhere(both, (*found.captured, *directions), checked)
    y = unflatten(found.graph.output_structure, results[:count])
    return y, _aligned(found.graph, results[count:])


def hvp(f: Callable[..., Any], args: Sequence[Any], v: Any, wrt: Wrt = 0) -> Any:
    """Return H v, the Hessian of an objective times a direction, without forming H.

    Forward over reverse: the derivative of x ↦ ∂J/∂x along v. One pass costs a small multiple
    of J itself, whatever the number of parameters.

    Args:
        f: an objective, J or (J, auxiliary values).
        args: its arguments.
        v: a direction, in the containers and shapes of the argument ``wrt`` (a tuple of them
            where ``wrt`` is a tuple).
        wrt: the argument, or arguments, of the second derivative.

    Returns:
        H v in the containers and shapes of v.

    Raises:
        DifferentiationError: J is not a scalar, or v has not the shapes of the argument.

    Source: B. Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation
    6(1), 1994.

    >>> hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), np.array([1.0, 1.0])).tolist()
    [6.0, 12.0]
    """
    where = positions(f, wrt, len(args))
    checked = checked_arguments(f, tuple(args), where)
    found = differentiated(f, checked, wrt)
    by_argument = leaves_by_argument(found.graph)
    wanted = [variable for position in where for variable in by_argument[position]]
    gradients = found.graph.outputs[found.output_count :]
    slope = prune(replace(found.graph, outputs=gradients))
    both = forward.jvp_graph(slope, wanted)
    product = prune(replace(both, outputs=both.outputs[len(gradients) :]))
    direction = like(wanted, v, "the direction v of a Hessian product")
    results = run_anywhere(product, (*found.captured, *direction), checked)
    return unflatten(found.graph.output_structure.children[1], results)


def _incoming(graph: Graph, u: Any) -> list[Any]:
    wanted = forward.differentiable_outputs(graph)
    leaves = [leaf for leaf in flatten(u, is_leaf=is_array_like)[0]]
    if len(leaves) != len(graph.outputs):
        raise DifferentiationError(
            "the incoming gradients u of a vjp",
            expected=f"{len(graph.outputs)} arrays, one for each output",
            got=f"{len(leaves)}",
        )
    # A value that is returned twice has both gradients.
    total: dict[Variable, Any] = {}
    for variable, leaf in zip(graph.outputs, leaves, strict=True):
        total[variable] = total[variable] + leaf if variable in total else leaf
    return like(list(wanted), tuple(total[v] for v in wanted), "the incoming gradients")


def _aligned(graph: Graph, derivatives: list[Any]) -> Any:
    supply = iter(derivatives)
    leaves: list[Array] = [
        next(supply) if is_differentiable(v.dtype) else np.zeros(v.shape) for v in graph.outputs
    ]
    return unflatten(graph.output_structure, leaves)
