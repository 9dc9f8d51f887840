"""The arguments of a transformed function: which are differentiated, and whether they can be."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.base.errors import DifferentiationError, DtypeError
from wengert.base.guards import is_sequence
from wengert.base.tree import Structure, flatten, path_text, paths, unflatten
from wengert.graph.graph import Graph
from wengert.graph.variable import Variable
from wengert.tracing import frames
from wengert.tracing.trace import Trace, argument_names, is_array_like

Wrt = int | tuple[int, ...]


def called(function: Callable[..., Any]) -> str:
    """Return the name of a function for a message."""
    return getattr(function, "__name__", type(function).__name__)


def positions(objective: Callable[..., Any], wrt: Any, count: int) -> tuple[int, ...]:
    """Return the arguments to differentiate by, counted from the first."""
    wanted: tuple[Any, ...] = tuple(wrt) if is_sequence(wrt) else (wrt,)
    for position in wanted:
        if type(position) is not int or not -count <= position < count:
            names = argument_names(objective, count)
            choices = ", ".join(f"{i} ({name})" for i, name in enumerate(names))
            raise DifferentiationError(
                f"the gradient by argument {position!r} of {called(objective)}",
                expected=f"one of {choices}" if names else "a function that has arguments",
            )
    return tuple(position % count for position in wanted)


def all_by_position(
    objective: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]
) -> tuple[Any, ...]:
    """Return arguments given by name in their positions."""
    if not named:
        return args
    bound = inspect.signature(objective).bind(*args, **named)
    if bound.kwargs:
        raise DifferentiationError(
            f"{called(objective)} is given {', '.join(bound.kwargs)} by name only",
            expected="arguments that also have a position",
            remedy="functools.partial(objective, name=value)",
        )
    return bound.args


def checked_arguments(
    objective: Callable[..., Any], examples: tuple[Any, ...], wanted: Sequence[int]
) -> tuple[Any, ...]:
    """Return the arguments, those at the ``wanted`` positions as arrays of floats."""
    names = argument_names(objective, len(examples))
    checked = list(examples)
    for position in wanted:
        checked[position] = _differentiable(names[position], examples[position])
    return tuple(checked)


def _differentiable(name: str, tree: Any) -> Any:
    """Return the parameters as arrays; a float is one, an integer array is an error."""
    leaves, structure = flatten(tree, is_leaf=is_array_like)
    arrays: list[Any] = []
    for path, leaf in zip(paths(structure), leaves, strict=True):
        array = np.asarray(leaf) if isinstance(leaf, float | complex) else leaf
        if not is_array_like(array) or array.dtype.kind not in "fc":
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


def like(wanted: Sequence[Any], tree: Any, what: str) -> list[Any]:
    """Return the leaves of a container as arrays of the shapes and dtypes that are wanted."""
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


def leaves_by_argument(graph: Graph) -> list[tuple[Variable, ...]]:
    """Return the inputs of a graph, argument by argument."""
    found: list[tuple[Variable, ...]] = []
    start = 0
    for child in graph.input_structure.children:
        stop = start + child.leaf_count()
        found.append(graph.inputs[start:stop])
        start = stop
    return found


def arguments_of(found: Trace) -> Structure:
    """Return the containers of the arguments that the user gave."""
    children = found.graph.input_structure.children
    children = children[: len(children) - len(found.captured)]
    return Structure("tuple", tuple(range(len(children))), children)
