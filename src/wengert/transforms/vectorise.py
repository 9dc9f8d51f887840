"""A function of one example as a function of many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any

from wengert.base.errors import OptionError, ShapeError
from wengert.base.guards import is_sequence
from wengert.base.tree import Structure, flatten, path_text, paths, unflatten
from wengert.batching.batch import Axis, batch, batched_outputs
from wengert.graph.graph import Graph
from wengert.tracing import frames
from wengert.tracing.spec import Spec
from wengert.tracing.trace import argument_names, is_array_like, trace_with_captures
from wengert.transforms.arguments import all_by_position, called
from wengert.transforms.running import Traces, run_anywhere


def vmap(f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """Return a function that does for a batch of examples what ``f`` does for one.

    The graph of one example becomes one graph of all: an operator works on one more axis, and
    nothing is looped over. ``vmap(grad(f), in_axes=(None, 0, 0))`` gives the gradient of each
    example.

    Args:
        f: plain NumPy code for one example.
        in_axes: along which axis of each argument the examples lie; None for an argument that
            all examples share. One for all arguments, or a tuple with one for each; where an
            argument is a container, a container of the same keys may stand.
        out_axes: along which axis of each result the examples are put; None for a result that
            is the same for all. One, or a container as the result is.

    Returns:
        A function of the same arguments, with the batch axis in them.

    Raises:
        ShapeError: the arguments disagree about the number of examples, or lack the axis.
        OptionError: the axes do not belong to the arguments or results.
        UnsupportedError: an operator has no rule for a batch; the message names it.

    >>> import numpy as np
    >>> W, xs = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> vmap(lambda W, x: W @ x, in_axes=(None, 0))(W, xs).tolist()
    [[1.0, 3.0], [2.0, 4.0], [3.0, 7.0]]
    """
    traces = Traces(f, lambda args: _vectorised(f, args, in_axes, out_axes))

    @wraps(f)
    def many(*args: Any, **named: Any) -> Any:
        args = all_by_position(f, args, named)
        found = traces(args)
        results = run_anywhere(found.graph, found.captured, args)
        return unflatten(found.graph.output_structure, results)

    return many


@dataclass(frozen=True)
class _Vectorised:
    graph: Graph
    captured: tuple[Any, ...]


@dataclass(frozen=True)
class _Leaf:
    """A leaf of the arguments, what the user calls it, and the axis of its examples."""

    value: Any
    name: str
    axis: Axis

    def of_one_example(self) -> Any:
        if self.axis is None:
            return self.value
        shape = self.value.shape
        return Spec((*shape[: self.axis], *shape[self.axis + 1 :]), self.value.dtype)


def _vectorised(
    f: Callable[..., Any], args: tuple[Any, ...], in_axes: Any, out_axes: Any
) -> _Vectorised:
    leaves, structure = _leaves(f, args, in_axes)
    count = _count(f, leaves)
    examples = unflatten(structure, [leaf.of_one_example() for leaf in leaves])
    found = trace_with_captures(f, examples, set())
    given = [leaf.axis for leaf in leaves if is_array_like(leaf.value)]
    axes = [*given, *(None for _ in found.captured)]
    wanted = _out_axes(f, found.graph, axes, out_axes)
    return _Vectorised(batch(found.graph, axes, count, wanted), found.captured)


def _leaves(
    f: Callable[..., Any], args: tuple[Any, ...], in_axes: Any
) -> tuple[list[_Leaf], Structure]:
    names = argument_names(f, len(args))
    values, structure = flatten(args, is_leaf=is_array_like)
    axes = list(_spread(_per_argument(f, in_axes, names), structure, "in_axes"))
    where = [names[int(path[0])] + path_text(path[1:]) for path in paths(structure)]
    rows = zip(values, where, axes, strict=True)
    return [_Leaf(value, name, _axis(value, name, axis)) for value, name, axis in rows], structure


def _per_argument(f: Callable[..., Any], in_axes: Any, names: tuple[str, ...]) -> Any:
    if not is_sequence(in_axes):
        return in_axes
    if len(in_axes) != len(names):
        raise OptionError(
            f"vmap of {called(f)} with in_axes={in_axes!r}",
            expected=f"one for each argument: {', '.join(names)}",
            got=f"{len(in_axes)}",
        )
    return tuple(in_axes)


def _spread(axes: Any, structure: Structure, what: str) -> Iterator[Any]:
    """Yield an axis for each leaf; one for a container counts for all that is in it."""
    if axes is None or isinstance(axes, int):
        yield from (axes for _ in range(structure.leaf_count()))
        return
    children, own = flatten(axes, is_leaf=lambda node: node is not axes)
    if (own.kind, own.keys) != (structure.kind, structure.keys):
        raise OptionError(
            f"{what} does not have the form of what it is for",
            expected=f"a number, None, or a {structure.kind} of {list(structure.keys)}",
            got=repr(axes),
        )
    for child, part in zip(children, structure.children, strict=True):
        yield from _spread(child, part, what)


def _axis(value: Any, name: str, axis: Axis) -> Axis:
    if axis is None:
        return None
    if not is_array_like(value):
        raise OptionError(
            f"vmap along axis {axis} of {name}",
            expected="an array",
            got=f"{type(value).__name__} {value!r}",
            remedy=f"None in in_axes for {name}",
            where=frames.caller(),
        )
    rank = len(value.shape)
    if not -rank <= axis < rank:
        raise ShapeError(
            f"vmap along axis {axis} of {name}",
            expected="an array that has this axis",
            got=f"{name}: {value.dtype.name} {tuple(value.shape)}",
            remedy=f"None in in_axes where {name} is the same for all examples",
            where=frames.caller(),
        )
    return axis % rank


def _count(f: Callable[..., Any], leaves: list[_Leaf]) -> int:
    sizes = [(leaf.name, leaf.value.shape[leaf.axis]) for leaf in leaves if leaf.axis is not None]
    if not sizes:
        raise OptionError(
            f"vmap of {called(f)} without an argument that has examples",
            expected="an axis for at least one array",
            remedy="in_axes=0, or one for each argument, such as (None, 0)",
            where=frames.caller(),
        )
    if len({size for _, size in sizes}) > 1:
        raise ShapeError(
            f"vmap of {called(f)}: the arguments disagree about the number of examples",
            expected="one size along the axes of the examples",
            got=", ".join(f"{name}: {size}" for name, size in sizes),
            remedy="None in in_axes for what all examples share",
            where=frames.caller(),
        )
    return sizes[0][1]


def _out_axes(f: Callable[..., Any], graph: Graph, axes: list[Axis], out_axes: Any) -> list[Axis]:
    differs = batched_outputs(graph, axes)
    spread = list(_spread(out_axes, graph.output_structure, "out_axes"))
    found: list[Axis] = []
    for variable, axis, is_batched in zip(graph.outputs, spread, differs, strict=True):
        rank = len(variable.shape) + 1
        name = variable.label or "a result"
        if axis is None and is_batched:
            raise OptionError(
                f"vmap of {called(f)} with out_axes None for {name}",
                expected="a result that is the same for all examples",
                got="one that depends on the example",
                remedy="out_axes=0",
            )
        if axis is not None and not -rank <= axis < rank:
            raise OptionError(
                f"vmap of {called(f)} with out_axes {axis} for {name}",
                expected=f"an axis of {-rank} … {rank - 1}",
                got=f"{name}: {variable.shape} for one example",
            )
        found.append(None if axis is None else axis % rank)
    return found
