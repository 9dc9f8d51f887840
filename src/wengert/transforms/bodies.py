"""Functions of the user's as bodies of loops and branches: traced, closed, looked over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wengert.base.errors import DtypeError, TraceError
from wengert.base.guards import is_tuple
from wengert.base.tree import Structure, flatten, path_text, paths, unflatten
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.operators.bodies import with_distinct_outputs
from wengert.rewriting.prune import prune
from wengert.tracing import frames
from wengert.tracing.bare import KnownValue, bare
from wengert.tracing.spec import Spec
from wengert.tracing.surroundings import places
from wengert.tracing.trace import is_array_like, trace_with_captures
from wengert.tracing.tracer import Tracer


@dataclass(frozen=True)
class Body:
    """A traced body.

    Attributes:
        graph: its inputs are the leaves of the arguments, then what it reads besides them.
        given: how many of the inputs are leaves of the arguments.
        besides: the values of those that are not: traced values around it, arrays.
    """

    graph: Graph
    given: int
    besides: tuple[Any, ...]

    def shared(self, others: Sequence[Any]) -> Graph:
        """Return the graph with inputs for ``others``, in the place of its own ``besides``."""
        own = {id(value): v for value, v in zip(self.besides, self.own, strict=True)}
        found = [
            own.get(id(each), Variable(tuple(each.shape), each.dtype, "input")) for each in others
        ]
        return _flat(self.graph, (*self.graph.inputs[: self.given], *found), self.graph.outputs)

    @property
    def own(self) -> tuple[Variable, ...]:
        """The inputs that stand for ``besides``."""
        return self.graph.inputs[self.given :]


def traced_body(f: Callable[..., Any], specs: tuple[Any, ...]) -> Body:
    """Return the body of a function for arguments of these types."""
    found = trace_with_captures(f, specs, set())
    graph = prune(found.graph)
    # What is an array stands beside the body once, however often it runs.
    arrays = [variable for variable, value in graph.constants.items() if value.ndim]
    besides = (*found.captured, *(found.originals[variable] for variable in arrays))
    given = len(graph.inputs) - len(found.captured)
    standing = {v: replace(v, role="input") for v in arrays}
    closed = replace(
        graph,
        inputs=(*graph.inputs, *standing.values()),
        operations=tuple(_on(each, standing) for each in graph.operations),
        outputs=tuple(standing.get(each, each) for each in graph.outputs),
        constants={v: value for v, value in graph.constants.items() if not value.ndim},
    )
    return Body(with_distinct_outputs(closed), given, besides)


def _on(operation: Operation, standing: dict[Variable, Variable]) -> Operation:
    inputs = tuple(standing.get(each, each) for each in operation.inputs)
    return operation.on(inputs, operation.outputs, operation.origin)


def _flat(graph: Graph, inputs: tuple[Variable, ...], outputs: tuple[Variable, ...]) -> Graph:
    """Return the graph with inputs and outputs leaf by leaf: containers are the caller's."""
    return Graph(graph.name, inputs, graph.operations, outputs, graph.constants)


def flat(body: Body) -> Graph:
    """Return the graph of a body without the containers of its arguments and results."""
    return _flat(body.graph, body.graph.inputs, body.graph.outputs)


# -- Values ----------------------------------------------------------------------------------------


def settled(tree: Any) -> Any:
    """Return a container with plain arrays where a trace around it knows the numbers."""
    leaves, structure = flatten(tree, is_leaf=_is_leaf)
    return unflatten(structure, list(map(bare, leaves)))


def _is_leaf(node: Any) -> bool:
    return is_array_like(node) or isinstance(node, KnownValue)


def is_traced(*trees: Any) -> bool:
    """Return whether a container holds a traced value."""
    leaves = flatten(trees, is_leaf=is_array_like)[0]
    return any(isinstance(leaf, Tracer) for leaf in leaves)


def reads_traced(f: Callable[..., Any]) -> bool:
    """Return whether a function reads a traced value from its closure or a global."""
    return any(is_traced(place.read()) for place in places(f))


def arrays_of(tree: Any, what: str) -> tuple[list[Any], Structure]:
    """Return the leaves of a container as arrays, traced ones as they are, and its structure.

    Raises:
        DtypeError: a leaf that is no array and no number.
    """
    leaves, structure = flatten(tree, is_leaf=is_array_like)
    found: list[Any] = []
    for path, leaf in zip(paths(structure), leaves, strict=True):
        if not is_array_like(leaf) and not isinstance(leaf, bool | int | float | complex):
            raise DtypeError(
                f"{what}{path_text(path)} is carried through a loop",
                expected="arrays and numbers in nested containers",
                got=f"{type(leaf).__name__} {leaf!r}",
                remedy="let the function read what stays the same from outside",
                where=frames.caller(),
            )
        found.append(leaf if is_array_like(leaf) else np.asarray(leaf))
    return found, structure


def specs_of(leaves: Sequence[Any]) -> list[Spec]:
    """Return the types of arrays."""
    return [Spec(tuple(each.shape), each.dtype) for each in leaves]


def named(structure: Structure, what: str) -> Iterator[str]:
    """Yield what each leaf of a container is called: ``carry['h']``."""
    return (f"{what}{path_text(path)}" for path in paths(structure))


def is_whole(value: Any) -> bool:
    """Return whether a value is a whole number."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def pair_of(found: Any, f: Callable[..., Any], what: str) -> tuple[Any, Any]:
    """Return the pair that a body gives.

    Raises:
        TraceError: it gives something else.
    """
    if is_tuple(found) and len(found) == 2:
        return found
    raise TraceError(
        f"{what} of {getattr(f, '__name__', 'a function')}",
        expected="a function that returns (carry, y); y may be None",
        got=f"{type(found).__name__}",
        remedy="return carry, y",
        where=frames.caller(),
    )
