"""The objective and its gradients as one function, or as one graph."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

from wengert.base.errors import DifferentiationError, Location, WengertWarning
from wengert.base.tree import Structure, unflatten
from wengert.differentiation import reverse
from wengert.differentiation.control import refuse_open_loops
from wengert.graph.graph import Graph
from wengert.graph.variable import Variable
from wengert.tracing import frames
from wengert.tracing.names import Names, finished_graph
from wengert.tracing.trace import Trace, trace_with_captures
from wengert.transforms.arguments import (
    Wrt,
    all_by_position,
    called,
    checked_arguments,
    leaves_by_argument,
    positions,
)
from wengert.transforms.running import Traces, run_anywhere


def joint(objective: Callable[..., Any], *examples: Any, wrt: Wrt = 0) -> Graph:
    """Return one graph of J and of its gradients: the forward and the backward pass.

    Args:
        objective: returns a scalar J, or (J, auxiliary values).
        examples: arrays or :class:`~wengert.Spec`; no data is needed.
        wrt: the argument, or arguments, that J is differentiated by.

    Returns:
        A graph whose outputs are those of ``objective`` followed by the gradients of the
        leaves of ``wrt``.

    >>> import numpy as np
    >>> from wengert.tracing.spec import Spec
    >>> graph = joint(lambda w: np.sum(w**2), Spec((3,)))
    >>> [operation.operator for operation in graph.operations][0]
    'square'
    """
    return differentiated(objective, examples, wrt).graph


class Joint:
    """The traced objective, its joint graph, and how the results are put together."""

    def __init__(self, found: Trace, graph: Graph, structures: list[Structure]) -> None:
        self.captured, self.graph, self.structures = found.captured, graph, structures
        self.output_structure = found.graph.output_structure
        self.output_count = len(found.graph.outputs)


def differentiated(objective: Callable[..., Any], examples: tuple[Any, ...], wrt: Wrt) -> Joint:
    """Trace an objective and append its backward pass."""
    where = positions(objective, wrt, len(examples))
    examples = checked_arguments(objective, examples, where)
    found = trace_with_captures(objective, examples, set(where))
    _check_scalar(objective, found.graph)
    graph = _with_named_objective(found.graph)
    leaves = leaves_by_argument(graph)
    wanted = [variable for position in where for variable in leaves[position]]
    result = reverse.pullback(graph, wanted)
    refuse_open_loops(result.graph)
    _warn_unconnected(objective, graph, wanted, result.connected)
    structures = [graph.input_structure.children[position] for position in where]
    gradient_structure = (
        structures[0]
        if isinstance(wrt, int)
        else Structure("tuple", tuple(range(len(structures))), tuple(structures))
    )
    pair = Structure("tuple", (0, 1), (graph.output_structure, gradient_structure))
    return Joint(found, replace(result.graph, output_structure=pair), structures)


def _with_named_objective(graph: Graph) -> Graph:
    """Call an objective that is returned without a name J, as the chain rule's lines do."""
    result = graph.outputs[0]
    if result.label is not None or result not in graph.producer:
        return graph
    names = Names()
    names.keep(graph)
    names.suggest(result, "J")
    return finished_graph(graph, names)


def _check_scalar(objective: Callable[..., Any], graph: Graph) -> None:
    result = graph.output_structure
    first = graph.outputs[0] if graph.outputs else None
    alone = result.kind == "leaf"
    paired = result.kind == "tuple" and len(result.children) == 2
    leads = alone or (paired and result.children[0].kind == "leaf")
    if leads and first is not None and first.shape == () and first.dtype.kind == "f":
        return
    got = "nothing" if first is None else f"{first.label or 'an array'}: {first.dtype.name} "
    if first is not None and not leads:
        first, got = None, f"a {result.kind} of {len(result.children)}"
    maker = None if first is None else graph.producer.get(first)
    raise DifferentiationError(
        f"the gradient of {called(objective)}",
        expected="an objective that returns a real scalar: J, or (J, {name: metric})",
        got=got if first is None else got + str(first.shape),
        remedy="np.sum or np.mean over the examples" if leads else "return J, (all the rest)",
        where=None if maker is None else maker.location,
    )


def _warn_unconnected(
    objective: Callable[..., Any],
    graph: Graph,
    wanted: Sequence[Variable],
    connected: Sequence[bool],
) -> None:
    for variable, is_connected in zip(wanted, connected, strict=True):
        if is_connected:
            continue
        cuts = reverse.where_cut(graph, variable)
        places = "; ".join(f"{cut.operator} at {cut.location}" for cut in cuts)
        why = f"the path is cut by {places}" if cuts else "it is not used for J"
        text = f"{called(objective)} does not depend on {variable.label}: {why}. "
        here = frames.caller() or Location("<unknown>", 1)
        warnings.warn_explicit(f"{text}Its gradient is zero.", WengertWarning, here.file, here.line)


def value_and_grad(objective: Callable[..., Any], wrt: Wrt = 0) -> Callable[..., Any]:
    """Return a function that gives (J, ∂J/∂wrt) — or ((J, aux), ∂J/∂wrt).

    The function is traced once for each combination of shapes and dtypes, and again when a
    default, closure, global or attribute that its code names has changed; its graph holds the
    forward and the backward pass. It may itself be differentiated, to any order.

    Args:
        objective: plain NumPy code that returns a scalar J, or (J, auxiliary values).
        wrt: the position of the argument to differentiate by, or a tuple of positions; nested
            containers of arrays keep their structure.

    Raises:
        DifferentiationError: J is no real scalar. DtypeError: a parameter is not of floats.

    The gradient by a complex z = x + iy is ∂J/∂x − i ∂J/∂y: a change dz changes J by Re(g dz), and
    J falls fastest along −conj(g). For real x it is the ordinary gradient, whatever stands between.

    >>> import numpy as np
    >>> J, gradient = value_and_grad(lambda w, x: np.sum((w * x) ** 2))(np.ones(2), np.arange(2.0))
    >>> float(J), gradient.tolist()
    (1.0, [0.0, 2.0])
    """
    traces = Traces(objective, lambda args: differentiated(objective, args, wrt))

    @wraps(objective)
    def both(*args: Any, **named: Any) -> Any:
        args = all_by_position(objective, args, named)
        args = checked_arguments(objective, args, positions(objective, wrt, len(args)))
        found = traces(args)
        results = run_anywhere(found.graph, found.captured, args)
        return unflatten(found.graph.output_structure, results)

    return both


def grad(objective: Callable[..., Any], wrt: Wrt = 0) -> Callable[..., Any]:
    """Return a function that gives ∂J/∂wrt; auxiliary values are dropped.

    See :func:`value_and_grad` for arguments and errors; by a complex z = x + iy the gradient is
    ∂J/∂x − i ∂J/∂y.

    >>> import numpy as np
    >>> complex(grad(lambda z: np.real(z * np.conj(z)))(3.0 + 4.0j))
    (6-8j)
    >>> float(grad(lambda x: x**3)(2.0))
    12.0
    >>> float(grad(grad(lambda x: x**3))(2.0))
    12.0
    """
    both = value_and_grad(objective, wrt)

    @wraps(objective)
    def gradient(*args: Any, **named: Any) -> Any:
        return both(*args, **named)[1]

    return gradient
