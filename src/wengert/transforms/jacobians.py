"""Whole Jacobians and Hessians: one graph whose columns, or rows, are a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from itertools import pairwise
from typing import Any

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.base.errors import DtypeError, UnsupportedError
from wengert.base.shapes import Shape
from wengert.base.tree import Structure, unflatten
from wengert.batching.batch import batch
from wengert.differentiation import forward
from wengert.graph.check import check
from wengert.graph.graph import Graph
from wengert.graph.variable import Variable
from wengert.rewriting.prune import prune
from wengert.tracing.names import finished_graph
from wengert.tracing.recorder import Recorder
from wengert.tracing.trace import trace_with_captures
from wengert.tracing.tracer import Tracer, apply
from wengert.transforms.arguments import (
    Wrt,
    all_by_position,
    called,
    checked_arguments,
    leaves_by_argument,
    positions,
)
from wengert.transforms.gradients import grad
from wengert.transforms.running import Traces, run_anywhere


def jacobian(f: Callable[..., Any], wrt: Wrt = 0) -> Callable[..., Any]:
    """Return a function that gives ∂yᵢ/∂xⱼ for every element of the result and the argument.

    The matrix is built by columns (forward mode) where the argument has fewer elements than the
    result, by rows (reverse mode) elsewhere; all of them are one batch in one graph. Where an
    operator has no rule for a batch they are computed one after another.

    Args:
        f: plain NumPy code; arrays, or nested containers of them, to the same.
        wrt: the argument, or a tuple of arguments, to differentiate by.

    Returns:
        A function of the arguments of ``f``. For one array y of shape S and one x of shape T it
        returns an array of shape S + T in the dtype of y; each array in the containers of the
        result is replaced by the containers of the argument.

    Raises:
        DtypeError: a result or an argument does not consist of floats.

    >>> jacobian(lambda x: np.stack([x[0] * x[1], x[1]]))(np.array([2.0, 3.0])).tolist()
    [[3.0, 2.0], [0.0, 1.0]]
    """
    traces = Traces(f, lambda args: _jacobian(f, args, wrt))

    @wraps(f)
    def matrix(*args: Any, **named: Any) -> Any:
        args = all_by_position(f, args, named)
        args = checked_arguments(f, args, positions(f, wrt, len(args)))
        found = traces(args)
        return unflatten(found.structure, run_anywhere(found.graph, found.captured, args))

    return matrix


def hessian(f: Callable[..., Any], wrt: Wrt = 0) -> Callable[..., Any]:
    """Return a function that gives ∂²J/∂xᵢ∂xⱼ: the Jacobian of the gradient.

    Args:
        f: an objective, J or (J, auxiliary values).
        wrt: the argument, or a tuple of arguments, to differentiate by.

    Returns:
        A function of the arguments of ``f``. For one array x of shape T it returns an array of
        shape T + T; containers as for :func:`jacobian`, of the gradient.

    Raises:
        DifferentiationError: J is not a scalar.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0])).tolist()
    [[6.0, 4.0], [4.0, 0.0]]
    """
    return jacobian(grad(f, wrt), wrt)


@dataclass(frozen=True)
class _Jacobian:
    """The graph, and the containers of its results; ``captured`` as in a trace."""

    graph: Graph
    structure: Structure
    captured: tuple[Any, ...]


def _jacobian(f: Callable[..., Any], args: tuple[Any, ...], wrt: Wrt) -> _Jacobian:
    where = positions(f, wrt, len(args))
    found = trace_with_captures(f, args, set(where))
    graph = found.graph
    _check_floats(f, graph)
    by_argument = leaves_by_argument(graph)
    wanted = [variable for position in where for variable in by_argument[position]]
    results = forward.differentiable_outputs(graph)
    # A column is the change along one real number; by complex ones only rows tell the gradient.
    are_real = all(variable.dtype.kind == "f" for variable in wanted)
    is_forward = are_real and _elements(wanted) < _elements(results)
    build = _columns if is_forward else _rows
    inner = [graph.input_structure.children[position] for position in where]
    inside = inner[0] if isinstance(wrt, int) else _tuple_of(inner)
    return _Jacobian(build(graph, wanted), _nested(graph.output_structure, inside), found.captured)


def _check_floats(f: Callable[..., Any], graph: Graph) -> None:
    for variable in graph.outputs:
        if variable.dtype.kind != "f":
            maker = graph.producer.get(variable)
            raise DtypeError(
                f"the jacobian of {called(f)}",
                expected="results of floats",
                got=f"{variable.label or 'a result'}: {variable.dtype.name} {variable.shape}",
                remedy="return only what has a derivative",
                where=None if maker is None else maker.location,
            )


def _elements(variables: Sequence[Variable]) -> int:
    return sum(variable.size for variable in variables)


def _tuple_of(children: list[Structure]) -> Structure:
    return Structure("tuple", tuple(range(len(children))), tuple(children))


def _nested(outer: Structure, inner: Structure) -> Structure:
    if outer.kind == "leaf":
        return inner
    return replace(outer, children=tuple(_nested(child, inner) for child in outer.children))


# -- The graph ------------------------------------------------------------------------------------


def _columns(graph: Graph, wanted: list[Variable]) -> Graph:
    both = forward.jvp_graph(graph, wanted)
    derivative = prune(replace(both, outputs=both.outputs[len(graph.outputs) :]))
    tape = _Tape(graph)
    found = tape.along(derivative, wanted)
    ends = _ends(wanted)
    entries: list[Tracer] = []
    for y, columns in zip(graph.outputs, found, strict=True):
        last = tape.transposed(columns, (*range(1, len(y.shape) + 1), 0))
        for x, (start, stop) in zip(wanted, pairwise(ends), strict=True):
            part = tape.part(last, len(y.shape), start, stop)
            entries.append(tape.fitted(part, (*y.shape, *x.shape), y.dtype))
    return tape.finished(graph, entries)


def _rows(graph: Graph, wanted: list[Variable]) -> Graph:
    both = forward.vjp_graph(graph, wanted)
    derivative = prune(replace(both, outputs=both.outputs[len(graph.outputs) :]))
    results = list(forward.differentiable_outputs(graph))
    tape = _Tape(graph)
    found = tape.along(derivative, results)
    spans = dict(zip(results, pairwise(_ends(results)), strict=True))
    entries: list[Tracer] = []
    for y in graph.outputs:
        for x, rows in zip(wanted, found, strict=True):
            part = tape.part(rows, 0, *spans[y])
            entries.append(tape.fitted(part, (*y.shape, *x.shape), y.dtype))
    return tape.finished(graph, entries)


def _ends(variables: Sequence[Variable]) -> list[int]:
    ends = [0]
    for variable in variables:
        ends.append(ends[-1] + variable.size)
    return ends


class _Tape:
    """Records a graph with the inputs of another: all directions at once, then their parts."""

    def __init__(self, graph: Graph) -> None:
        self.recorder = Recorder(Tracer)
        self.inputs = graph.inputs
        for variable in graph.inputs:
            self.recorder.names.suggest(variable, variable.name, -1)

    def along(self, derivative: Graph, moved: Sequence[Variable]) -> list[Tracer]:
        """Run a derivative along every unit direction of the ``moved`` variables together."""
        ends = _ends(moved)
        units = [
            self._units(each, start, ends[-1]) for each, start in zip(moved, ends[:-1], strict=True)
        ]
        axes = [None] * len(self.inputs) + [0] * len(units)
        try:
            many = batch(derivative, axes, ends[-1], [0] * len(derivative.outputs))
        except UnsupportedError:
            return self._one_by_one(derivative, units, ends[-1])
        given = [*self.inputs, *(unit.variable for unit in units)]
        return [Tracer(self.recorder, each) for each in self.recorder.replay(many, given)]

    def _units(self, variable: Variable, start: int, total: int) -> Tracer:
        """Return the part of the identity that belongs to a variable: (total, *shape)."""
        with self.recorder.standing_for(None, None, None):
            rows = self._constant(np.arange(total).reshape(total, 1))
            own = np.arange(start, start + variable.size).reshape(1, variable.size)
            ones = apply("equal", rows, own)
            ones = apply("cast", ones, dtype=variable.dtype.name)
            return apply("reshape", ones, shape=(total, *variable.shape))

    def _one_by_one(self, derivative: Graph, units: list[Tracer], total: int) -> list[Tracer]:
        found: list[list[Tracer]] = [[] for _ in derivative.outputs]
        for k in range(total):
            with self.recorder.standing_for(None, None, None):
                unit = [apply("index", each, template=(k,)).variable for each in units]
            results = self.recorder.replay(derivative, [*self.inputs, *unit])
            for rows, result in zip(found, results, strict=True):
                value = Tracer(self.recorder, result)
                rows.append(self._reshaped(value, (1, *result.shape)))
        with self.recorder.standing_for(None, None, None):
            return [apply("concatenate", *rows, axis=0) for rows in found]

    def _constant(self, value: Any) -> Tracer:
        return Tracer(self.recorder, self.recorder.constant(value))

    def _reshaped(self, value: Tracer, shape: Shape) -> Tracer:
        with self.recorder.standing_for(None, None, None):
            return apply("reshape", value, shape=shape)

    def transposed(self, value: Tracer, axes: tuple[int, ...]) -> Tracer:
        """Return the value with its axes in another order."""
        with self.recorder.standing_for(None, None, None):
            return apply("transpose", value, axes=axes)

    def part(self, value: Tracer, axis: int, start: int, stop: int) -> Tracer:
        """Return a stretch of one axis."""
        if (start, stop) == (0, value.shape[axis]):
            return value
        with self.recorder.standing_for(None, None, None):
            template = (*(slice(None),) * axis, slice(start, stop))
            return apply("index", value, template=template)

    def fitted(self, value: Tracer, shape: Shape, dtype: Dtype) -> Tracer:
        """Return the value in the shape and dtype of an entry of the Jacobian."""
        value = self._reshaped(value, shape) if value.shape != shape else value
        if value.dtype == dtype:
            return value
        with self.recorder.standing_for(None, None, None):
            return apply("cast", value, dtype=dtype.name)

    def finished(self, graph: Graph, entries: list[Tracer]) -> Graph:
        """Return the graph from the inputs of ``graph`` to the entries."""
        found = replace(
            graph,
            operations=tuple(self.recorder.operations),
            outputs=tuple(entry.variable for entry in entries),
            constants=self.recorder.constants,
            output_structure=_tuple_of([Structure("leaf") for _ in entries]),
        )
        return check(prune(finished_graph(found, self.recorder.names)))
