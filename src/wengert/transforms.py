"""Transformations of functions: trace, gradients, products with Jacobians, and their checks."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np

from wengert.base.dtypes import is_differentiable
from wengert.base.errors import DifferentiationError, DtypeError, Location, WengertWarning
from wengert.base.guards import is_sequence
from wengert.base.tree import Structure, flatten, path_text, paths, unflatten
from wengert.differentiation import forward, reverse
from wengert.graph.graph import Array, Graph
from wengert.graph.variable import Variable
from wengert.reference.interpreter import run
from wengert.tracing import frames
from wengert.tracing.freshness import signature, surroundings
from wengert.tracing.names import Names, finished_graph
from wengert.tracing.trace import Trace, argument_names, is_array_like, trace_with_captures
from wengert.tracing.tracer import Tracer

Wrt = int | tuple[int, ...]


def joint(objective: Callable[..., Any], *examples: Any, wrt: Wrt = 0) -> Graph:
    """Return one graph of J and of its gradients: the forward and the backward pass.

    Args:
        objective: returns a scalar J, or (J, auxiliary values).
        examples: arrays or :class:`~wengert.Spec`; no data is needed.
        wrt: the argument, or arguments, that J is differentiated by.

    Returns:
        A graph whose outputs are those of ``objective`` followed by the gradients of the
        leaves of ``wrt``.

    >>> from wengert.tracing.spec import Spec
    >>> graph = joint(lambda w: np.sum(w**2), Spec((3,)))
    >>> [operation.operator for operation in graph.operations][0]
    'square'
    """
    return _differentiated(objective, examples, wrt).graph


class _Joint:
    """The traced objective, its joint graph, and how the results are put together."""

    def __init__(self, found: Trace, graph: Graph, structures: list[Structure]) -> None:
        self.captured, self.graph, self.structures = found.captured, graph, structures
        self.output_structure = found.graph.output_structure
        self.output_count = len(found.graph.outputs)


def _differentiated(objective: Callable[..., Any], examples: tuple[Any, ...], wrt: Wrt) -> _Joint:
    positions = _positions(objective, wrt, len(examples))
    examples = _checked_arguments(objective, examples, positions)
    found = trace_with_captures(objective, examples, set(positions))
    _check_scalar(objective, found.graph)
    graph = _with_named_objective(found.graph)
    leaves = _leaves_by_argument(graph)
    wanted = [variable for position in positions for variable in leaves[position]]
    result = reverse.pullback(graph, wanted)
    _warn_unconnected(objective, graph, wanted, result.connected)
    structures = [graph.input_structure.children[position] for position in positions]
    gradient_structure = (
        structures[0]
        if isinstance(wrt, int)
        else Structure("tuple", tuple(range(len(structures))), tuple(structures))
    )
    pair = Structure("tuple", (0, 1), (graph.output_structure, gradient_structure))
    return _Joint(found, replace(result.graph, output_structure=pair), structures)


def _with_named_objective(graph: Graph) -> Graph:
    """Call an objective that is returned without a name J, as the chain rule's lines do."""
    result = graph.outputs[0]
    if result.label is not None or result not in graph.producer:
        return graph
    names = Names()
    names.keep(graph)
    names.suggest(result, "J")
    return finished_graph(graph, names)


def _leaves_by_argument(graph: Graph) -> list[tuple[Variable, ...]]:
    found: list[tuple[Variable, ...]] = []
    start = 0
    for child in graph.input_structure.children:
        stop = start + child.leaf_count()
        found.append(graph.inputs[start:stop])
        start = stop
    return found


def _positions(objective: Callable[..., Any], wrt: Any, count: int) -> tuple[int, ...]:
    """Return the arguments to differentiate by, counted from the first."""
    wanted: tuple[Any, ...] = tuple(wrt) if is_sequence(wrt) else (wrt,)
    for position in wanted:
        if type(position) is not int or not -count <= position < count:
            names = argument_names(objective, count)
            choices = ", ".join(f"{i} ({name})" for i, name in enumerate(names))
            raise DifferentiationError(
                f"the gradient by argument {position!r} of {_name(objective)}",
                expected=f"one of {choices}" if names else "a function that has arguments",
            )
    return tuple(position % count for position in wanted)


def _all_by_position(
    objective: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]
) -> tuple[Any, ...]:
    if not named:
        return args
    bound = inspect.signature(objective).bind(*args, **named)
    if bound.kwargs:
        raise DifferentiationError(
            f"{_name(objective)} is given {', '.join(bound.kwargs)} by name only",
            expected="arguments that also have a position",
            remedy="functools.partial(objective, name=value)",
        )
    return bound.args


def _checked_arguments(
    objective: Callable[..., Any], examples: tuple[Any, ...], positions: Sequence[int]
) -> tuple[Any, ...]:
    names = argument_names(objective, len(examples))
    checked = list(examples)
    for position in positions:
        checked[position] = _differentiable(names[position], examples[position])
    return tuple(checked)


def _differentiable(name: str, tree: Any) -> Any:
    """Return the parameters as arrays; a float is one, an integer array is an error."""
    leaves, structure = flatten(tree, is_leaf=is_array_like)
    arrays: list[Any] = []
    for path, leaf in zip(paths(structure), leaves, strict=True):
        array = np.asarray(leaf) if isinstance(leaf, float | complex) else leaf
        if not is_array_like(array) or array.dtype.kind != "f":
            got = getattr(array, "dtype", None)
            raise DtypeError(
                f"the gradient by {name}{path_text(path)}",
                expected="an array of floats",
                got=f"dtype {got}" if got is not None else f"{type(leaf).__name__} {leaf!r}",
                remedy=f"{name}{path_text(path)} = np.asarray(…, dtype=np.float64)",
                where=frames.caller(),
            )
        arrays.append(array)
    return unflatten(structure, arrays)


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
        f"the gradient of {_name(objective)}",
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
        text = f"{_name(objective)} does not depend on {variable.label}: {why}. "
        here = frames.caller() or Location("<unknown>", 1)
        warnings.warn_explicit(f"{text}Its gradient is zero.", WengertWarning, here.file, here.line)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


def name(value: Any, label: str) -> Any:
    """Give a value the name under which graphs, formulas and drawings show it; return it.

    Needed only where no local variable holds the value. On plain arrays it does nothing.

    >>> from wengert.tracing.trace import trace
    >>> trace(lambda x: np.sum(name(x * 2, "h")), np.ones(3)).operations[0].output.label
    'h'
    """
    if isinstance(value, Tracer):
        value.recorder.names.suggest(value.variable, label, -2)
    return value


# -- running a traced graph on arrays, or inside another trace ----------------------------------


def _inputs(args: tuple[Any, ...]) -> list[Any]:
    return [leaf for leaf in flatten(args, is_leaf=is_array_like)[0] if is_array_like(leaf)]


def _run(graph: Graph, captured: tuple[Any, ...], args: tuple[Any, ...]) -> list[Any]:
    """Run on arrays; where an argument is traced, the graph becomes part of that trace."""
    leaves = [*_inputs(args), *captured]
    traced = [leaf for leaf in leaves if isinstance(leaf, Tracer)]
    if not traced:
        return [result[()] if result.ndim == 0 else result for result in run(graph, leaves)]
    recorder = max((each.recorder for each in traced), key=lambda each: each.serial)
    from_outside = [recorder.variable_of(leaf) for leaf in leaves]
    return [Tracer(recorder, variable) for variable in recorder.replay(graph, from_outside)]


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
        DifferentiationError: J is not a scalar. DtypeError: a parameter is not of floats.

    >>> J, gradient = value_and_grad(lambda w, x: np.sum((w * x) ** 2))(np.ones(2), np.arange(2.0))
    >>> float(J), gradient.tolist()
    (1.0, [0.0, 2.0])
    """
    graphs: dict[Any, tuple[Any, _Joint]] = {}

    @wraps(objective)
    def both(*args: Any, **named: Any) -> Any:
        args = _all_by_position(objective, args, named)
        args = _checked_arguments(objective, args, _positions(objective, wrt, len(args)))
        found = _fresh(graphs, objective, args, wrt)
        results = _run(found.graph, found.captured, args)
        return unflatten(found.graph.output_structure, results)

    return both


def _fresh(
    graphs: dict[Any, tuple[Any, _Joint]],
    objective: Callable[..., Any],
    args: tuple[Any, ...],
    wrt: Wrt,
) -> _Joint:
    """Trace once a signature, and again when something else that the function reads changed."""
    key = signature(args, is_array_like)
    now = surroundings(objective)
    before = graphs.get(key)
    if before is not None and before[0] == now:
        return before[1]
    found = _differentiated(objective, args, wrt)
    # A function that reads values of a trace around it is traced each time.
    if not found.captured:
        graphs[key] = (now, found)
    return found


def grad(objective: Callable[..., Any], wrt: Wrt = 0) -> Callable[..., Any]:
    """Return a function that gives ∂J/∂wrt; auxiliary values are dropped.

    See :func:`value_and_grad` for arguments and errors.

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


def vjp(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[..., Any]]:
    """Return f(*args) and the map u ↦ Jᵀu to gradients by all arguments.

    >>> y, pull = vjp(lambda x: x * np.array([2.0, 3.0]), np.ones(2))
    >>> pull(np.array([1.0, 10.0]))[0].tolist()
    [2.0, 30.0]
    """
    args = _checked_arguments(f, args, range(len(args)))
    found = trace_with_captures(f, args, set(range(len(args))))
    given = found.graph.inputs[: len(found.graph.inputs) - len(found.captured)]
    both = forward.vjp_graph(found.graph, given)
    count = len(found.graph.outputs)
    y = unflatten(found.graph.output_structure, _run(found.graph, found.captured, args))

    def pull(u: Any) -> Any:
        incoming = _incoming(found.graph, u)
        results = _run_with(both, found.captured, args, incoming)
        return unflatten(_arguments_of(found), results[count:])

    return y, pull


def jvp(f: Callable[..., Any], args: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return f(*args) and its derivative J v along ``tangents``, one tangent an argument.

    >>> y, dy = jvp(lambda x: x**2, (np.array(3.0),), (np.array(1.0),))
    >>> float(y), float(dy)
    (9.0, 6.0)
    """
    checked = _checked_arguments(f, tuple(args), range(len(args)))
    found = trace_with_captures(f, checked, set(range(len(checked))))
    given = found.graph.inputs[: len(found.graph.inputs) - len(found.captured)]
    both = forward.jvp_graph(found.graph, given)
    count = len(found.graph.outputs)
    directions = _like(_inputs(checked), tuple(tangents), "the tangents")
    results = _run_with(both, found.captured, checked, directions)
    y = unflatten(found.graph.output_structure, results[:count])
    return y, _aligned(found.graph, results[count:])


def _arguments_of(found: Trace) -> Structure:
    children = found.graph.input_structure.children
    children = children[: len(children) - len(found.captured)]
    return Structure("tuple", tuple(range(len(children))), children)


def _run_with(
    graph: Graph, captured: tuple[Any, ...], args: tuple[Any, ...], extra: list[Any]
) -> list[Any]:
    return _run(graph, (*captured, *extra), args)


def _incoming(graph: Graph, u: Any) -> list[Any]:
    wanted = forward.differentiable_outputs(graph)
    leaves = [leaf for leaf in flatten(u, is_leaf=is_array_like)[0]]
    pairs = {v: leaf for v, leaf in zip(graph.outputs, leaves, strict=False)}
    if len(leaves) != len(graph.outputs):
        raise DifferentiationError(
            "the incoming gradients u of a vjp",
            expected=f"{len(graph.outputs)} arrays, one for each output",
            got=f"{len(leaves)}",
        )
    return _like(list(wanted), tuple(pairs[v] for v in wanted), "the incoming gradients")


def _like(wanted: Sequence[Any], tree: Any, what: str) -> list[Any]:
    leaves = [
        leaf if is_array_like(leaf) else np.asarray(leaf)
        for leaf in flatten(tree, is_leaf=is_array_like)[0]
    ]
    shapes = [tuple(each.shape) for each in wanted]
    if [tuple(leaf.shape) for leaf in leaves] != shapes:
        raise DifferentiationError(
            what, expected=f"shapes {shapes}", got=f"{[tuple(leaf.shape) for leaf in leaves]}"
        )
    return [
        leaf if leaf.dtype == each.dtype else leaf.astype(each.dtype)
        for leaf, each in zip(leaves, wanted, strict=True)
    ]


def _aligned(graph: Graph, derivatives: list[Any]) -> Any:
    supply = iter(derivatives)
    leaves: list[Array] = [
        next(supply) if is_differentiable(v.dtype) else np.zeros(v.shape) for v in graph.outputs
    ]
    return unflatten(graph.output_structure, leaves)
