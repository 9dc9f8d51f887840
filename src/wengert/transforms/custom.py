"""Gradients that the user writes, and intermediates that are computed again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np

from wengert.base.dtypes import is_differentiable
from wengert.base.errors import DifferentiationError, ShapeError
from wengert.base.guards import is_tuple
from wengert.base.tree import Structure, flatten, path_text, paths, unflatten
from wengert.differentiation import forward
from wengert.differentiation.custom import OPERATOR
from wengert.graph.graph import Graph
from wengert.graph.text import to_text
from wengert.rewriting.prune import prune
from wengert.tracing import frames
from wengert.tracing.spec import Spec
from wengert.tracing.trace import argument_names, is_array_like, trace, trace_with_captures
from wengert.tracing.tracer import Tracer, apply
from wengert.transforms.arguments import called
from wengert.transforms.running import array_leaves, run_anywhere

Pull = Callable[[list[Any]], list[Any]]


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose gradient is the one that ``f`` says.

    Args:
        f: returns ``(y, pullback)`` as :func:`~wengert.vjp` does. ``pullback(u)`` takes the
            gradient of the objective by y and returns a tuple with its gradient by each
            argument, in its containers and shapes; None stands for zero. It is plain NumPy code
            and may read what ``f`` computed; where it is differentiable so is the gradient.

    Returns:
        A function that returns y. Called with arrays it runs ``f`` and forgets the pullback.

    Raises:
        DifferentiationError: ``f`` does not return a pair, or the pullback not one gradient for
            each argument. ShapeError: a gradient has not the shape of its argument.

    >>> @custom_gradient
    ... def clipped(x):
    ...     return x, lambda u: (np.minimum(u, 1.0),)
    >>> from wengert.transforms import grad
    >>> float(grad(lambda x: 5.0 * clipped(x))(2.0))
    1.0
    """

    @wraps(f)
    def value(*args: Any) -> Any:
        y, pullback = _pair(f, f(*args))
        given, _ = flatten(args, is_leaf=is_array_like)
        results, structure = flatten(y, is_leaf=is_array_like)
        if not any(isinstance(each, Tracer) for each in (*given, *results)):
            return y
        arguments = [leaf for leaf in given if _is_float(leaf)]

        def pull(us: list[Any]) -> list[Any]:
            supply = iter(us)
            whole = [next(supply) if _is_float(each) else None for each in results]
            return _gradients(f, args, pullback(unflatten(structure, whole)))

        return unflatten(structure, _attached(results, arguments, pull))

    return value


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose intermediates are computed again in the backward pass.

    The backward pass reads the arguments and carries out the forward operations once more, so
    that no intermediate of ``f`` waits for it. Values and gradients keep every bit.

    Args:
        f: plain NumPy code.

    Source: A. Griewank, "Achieving logarithmic growth of temporal and spatial complexity in
    reverse automatic differentiation", Optimization Methods and Software 1, 1992.

    >>> from wengert.transforms import grad
    >>> f = lambda x: np.sum(np.sin(np.exp(x)))
    >>> x = np.array([0.5, 1.0])
    >>> bool(np.all(grad(checkpoint(f))(x) == grad(f)(x)))
    True
    """

    @wraps(f)
    def value(*args: Any) -> Any:
        if not any(isinstance(leaf, Tracer) for leaf in array_leaves(args)):
            return f(*args)
        found = trace_with_captures(f, args, set())
        given = [*array_leaves(args), *found.captured]
        results = run_anywhere(found.graph, found.captured, args)
        again = _again(found.graph)

        def pull(us: list[Any]) -> list[Any]:
            return run_anywhere(again, (), (*given, *us))

        # A value that is returned twice is one result with one gradient.
        unique = dict(zip(found.graph.outputs, results, strict=True))
        arguments = [leaf for leaf in given if _is_float(leaf)]
        attached = _attached(list(unique.values()), arguments, pull)
        by_variable = dict(zip(unique, attached, strict=True))
        leaves = [by_variable[variable] for variable in found.graph.outputs]
        return unflatten(found.graph.output_structure, leaves)

    return value


def _again(graph: Graph) -> Graph:
    """Return (inputs, u) ↦ gradients of the inputs of floats, the forward pass behind a barrier."""

    def behind(*leaves: Any) -> Any:
        return tuple(run_anywhere(graph, (), tuple(apply("barrier", each) for each in leaves)))

    behind.__name__ = graph.name
    whole = trace(behind, *(Spec(each.shape, each.dtype) for each in graph.inputs))
    floats = [variable for variable in whole.inputs if is_differentiable(variable.dtype)]
    both = forward.vjp_graph(whole, floats)
    return prune(replace(both, outputs=both.outputs[len(whole.outputs) :]))


# -- What both have in common ---------------------------------------------------------------------


def _attached(results: list[Any], arguments: list[Any], pull: Pull) -> list[Any]:
    """Return the results with ``pull`` as their derivative by the arguments."""
    floats = [each for each in results if _is_float(each)]
    if not floats or not arguments:
        return [_stopped(each) for each in results]
    shapes = [tuple(each.shape) for each in floats]
    packed = floats[0] if len(floats) == 1 else np.concatenate([np.ravel(y) for y in floats])

    def flat(u: Any) -> Any:
        us = [u] if len(floats) == 1 else _unpacked(u, shapes)
        us = [each.astype(y.dtype) for each, y in zip(us, floats, strict=True)]
        pairs = zip(pull(us), arguments, strict=True)
        return tuple(_zero(x) if g is None else np.asarray(g, x.dtype) if not
                     isinstance(g, Tracer) else g.astype(x.dtype) for g, x in pairs)  # fmt: skip

    found = trace_with_captures(flat, (Spec(tuple(packed.shape), packed.dtype),), set())
    whole = apply(
        OPERATOR, packed, *arguments, *found.captured,
        pullback=to_text(found.graph), count=len(arguments),
    )  # fmt: skip
    supply = iter([whole] if len(floats) == 1 else _unpacked(whole, shapes))
    pieces = [next(supply) if _is_float(each) else each for each in results]
    return [
        piece.astype(each.dtype) if _is_float(each) and piece.dtype != each.dtype else piece
        for piece, each in zip(pieces, results, strict=True)
    ]


def _unpacked(whole: Any, shapes: list[tuple[int, ...]]) -> list[Any]:
    parts: list[Any] = []
    start = 0
    for shape in shapes:
        stop = start + int(np.prod(shape))
        parts.append(np.reshape(whole[start:stop], shape))
        start = stop
    return parts


def _is_float(leaf: Any) -> bool:
    return is_array_like(leaf) and is_differentiable(leaf.dtype)


def _stopped(leaf: Any) -> Any:
    return apply("stop_gradient", leaf) if isinstance(leaf, Tracer) else leaf


def _zero(x: Any) -> Any:
    return np.zeros(tuple(x.shape), x.dtype)


# -- What the user's function returns -------------------------------------------------------------


def _pair(f: Callable[..., Any], found: Any) -> tuple[Any, Callable[[Any], Any]]:
    if not is_tuple(found) or len(found) != 2 or not callable(found[1]):
        raise DifferentiationError(
            f"custom_gradient of {called(f)}",
            expected="(y, pullback): a result, and a function of the gradient by it",
            got=f"{type(found).__name__}",
            remedy="return y, lambda u: (gradient_by_the_first_argument, …)",
            where=frames.caller(),
        )
    return found


def _gradients(f: Callable[..., Any], args: tuple[Any, ...], found: Any) -> list[Any]:
    """Return the gradients of the arguments of floats, leaf by leaf, checked."""
    names = argument_names(f, len(args))
    if len(args) == 1 and not (is_tuple(found) and len(found) == 1):
        found = (found,)
    if not is_tuple(found) or len(found) != len(args):
        raise DifferentiationError(
            f"the pullback of {called(f)}",
            expected=f"a tuple of gradients, one for each argument: {', '.join(names)}",
            got=f"{type(found).__name__}" + (f" of {len(found)}" if is_tuple(found) else ""),
        )
    leaves: list[Any] = []
    for name, argument, gradient in zip(names, args, found, strict=True):
        leaves += _of_one(f, name, argument, gradient)
    return leaves


def _of_one(f: Callable[..., Any], name: str, argument: Any, gradient: Any) -> list[Any]:
    leaves, structure = flatten(argument, is_leaf=is_array_like)
    found = _spread(gradient, structure)
    if found is None:
        raise DifferentiationError(
            f"the pullback of {called(f)} for {name}",
            expected=f"the containers of {name}: {list(paths(structure))}",
            got=f"{type(gradient).__name__}",
        )
    checked: list[Any] = []
    for path, leaf, each in zip(paths(structure), leaves, found, strict=True):
        if not _is_float(leaf):
            continue
        if each is not None and np.shape(each) != tuple(leaf.shape):
            raise ShapeError(
                f"the pullback of {called(f)} for {name}{path_text(path)}",
                expected=f"a gradient of shape {tuple(leaf.shape)}",
                got=f"shape {np.shape(each)}",
            )
        checked.append(each)
    return checked


def _spread(gradient: Any, structure: Structure) -> list[Any] | None:
    """Return the gradient of each leaf; None in the place of a container counts for its leaves."""
    if gradient is None or structure.kind == "leaf":
        return [gradient] * structure.leaf_count()
    if structure.kind == "none":
        return []
    parts, own = flatten(gradient, is_leaf=lambda node: node is not gradient)
    if (own.kind, own.keys) != (structure.kind, structure.keys) or len(parts) != len(own.keys):
        return None
    leaves: list[Any] = []
    for part, child in zip(parts, structure.children, strict=True):
        found = _spread(part, child)
        if found is None:
            return None
        leaves += found
    return leaves
