"""A traced graph run on arrays, or made part of another trace; each function traced once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from wengert.base.tree import flatten
from wengert.graph.graph import Graph
from wengert.reference.interpreter import run
from wengert.tracing.freshness import Fresh, signature
from wengert.tracing.trace import is_array_like
from wengert.tracing.tracer import Tracer


class _Found(Protocol):
    @property
    def captured(self) -> tuple[Any, ...]: ...


F = TypeVar("F", bound=_Found)


class Traces(Generic[F]):
    """What a function became for each combination of shapes, dtypes and fixed values.

    It is made again when a default, closure, global or attribute that the code names changed.
    """

    def __init__(self, function: Callable[..., Any], make: Callable[[tuple[Any, ...]], F]) -> None:
        self._make, self._held = make, Fresh[F](function)

    def __call__(self, args: tuple[Any, ...]) -> F:
        """Return what these arguments need, made anew only where it has to be."""
        key, _ = signature(args, is_array_like)
        before = self._held.get(key)
        if before is not None:
            return before
        found = self._make(args)
        # A function that reads values of a trace around it is traced each time.
        if not found.captured:
            self._held.put(key, found)
        return found


def array_leaves(args: tuple[Any, ...]) -> list[Any]:
    """Return the arrays among the arguments, leaf by leaf."""
    return [leaf for leaf in flatten(args, is_leaf=is_array_like)[0] if is_array_like(leaf)]


def run_anywhere(graph: Graph, captured: tuple[Any, ...], args: tuple[Any, ...]) -> list[Any]:
    """Run on arrays; where an argument is traced, the graph becomes part of that trace."""
    leaves = [*array_leaves(args), *captured]
    traced = [leaf for leaf in leaves if isinstance(leaf, Tracer)]
    if not traced:
        return [result[()] if result.ndim == 0 else result for result in run(graph, leaves)]
    recorder = max((each.recorder for each in traced), key=lambda each: each.serial)
    from_outside = [recorder.variable_of(leaf) for leaf in leaves]
    return [Tracer(recorder, variable) for variable in recorder.replay(graph, from_outside)]
