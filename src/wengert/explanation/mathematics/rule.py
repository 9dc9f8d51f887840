"""What the rules that read operators as terms are made with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from wengert.base.shapes import Shape
from wengert.explanation.mathematics import algebra
from wengert.explanation.mathematics.axes import Axes
from wengert.explanation.mathematics.terms import Apply, Index, OneHot, Sum
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable


class Reading(Protocol):
    """What a rule may ask: the terms of an operand and the axes of a variable."""

    @property
    def axes(self) -> Axes:
        """The identity of every axis."""
        ...

    @property
    def graph(self) -> Graph:
        """The joint graph."""
        ...

    def read(self, variable: Variable, by: Operation | None = None) -> Sum:
        """Return a variable as a sum."""
        ...

    def assume(self, tensor: Sum, number: int, statement: str) -> bool:
        """Return whether a tensor is this number everywhere on the data; if so, state it."""
        ...

    def maker(self, operation: Operation) -> Operation | None:
        """Return the forward operation whose rule a backward operation carries out."""
        ...


Rule = Callable[[Any, Operation], Sum]


def operands(reader: Reading, operation: Operation) -> list[Sum]:
    """Return the operands as sums."""
    return [reader.read(variable, operation) for variable in operation.inputs]


def spread(tensor: Sum, shape: Shape, outputs: Sequence[Index]) -> Sum:
    """Broadcast a tensor of a shape to outputs."""
    offset = len(outputs) - len(shape)
    if not tensor.outputs and shape:  # a number stands for an array of any shape
        return Sum(tuple(outputs), tensor.terms)
    return algebra.place(tensor, fitting(outputs[offset:], shape), outputs)


def fitting(letters: Sequence[Index], shape: Sequence[int]) -> list[Index | None]:
    """Return the letters, with None where an axis of length one is broadcast."""
    return [x if x.size == n else None for x, n in zip(letters, shape, strict=True)]


def broadcast(reader: Reading, operation: Operation) -> tuple[list[Sum], tuple[Index, ...]]:
    """Return the operands spread over common outputs, and these."""
    outputs = reader.axes.indices(operation.output)
    parts = zip(operands(reader, operation), operation.inputs, strict=True)
    return [spread(tensor, v.shape, outputs) for tensor, v in parts], outputs


def elementwise(name: str) -> Rule:
    """Return the rule of an elementwise operator that is no arithmetic."""

    def rule(reader: Reading, operation: Operation) -> Sum:
        parts, outputs = broadcast(reader, operation)
        attributes = tuple(sorted(operation.attributes.items()))
        return function(name, parts, outputs, attributes)

    return rule


def function(
    name: str, parts: Sequence[Sum], outputs: Sequence[Index], attributes: Any = ()
) -> Sum:
    """Return an elementwise function of tensors that share their outputs."""
    used = {i for part in parts for term in part.terms for i in term.letters}
    kept = tuple(index for index in outputs if index in used)
    letters = algebra.fresh(kept)
    given = dict(zip(kept, letters, strict=True))
    arguments = tuple(
        Sum(letters, algebra.place(part, [given.get(i) for i in part.outputs], letters).terms)
        for part in parts
    )
    return Sum(
        tuple(outputs),
        algebra.atom(Apply(name, arguments, attributes, elementwise=True), kept).terms,
    )


def full(reader: Reading, operation: Operation, variable: Variable) -> Sum:
    """Return an operand with one output an axis, also when it is a number everywhere."""
    tensor = reader.read(variable, operation)
    if len(tensor.outputs) == variable.rank:
        return tensor
    return spread(tensor, variable.shape, reader.axes.indices(variable))


def one_hot(labels: Sum, over: Index) -> Sum:
    """Return labels as an array of zeros and ones with one more axis at the end."""
    used = {index for term in labels.terms for index in term.letters}
    kept = tuple(index for index in labels.outputs if index in used or index.size != 1)
    last = Index(over.axis, over.size)
    inner = algebra.place(Sum(kept, labels.terms), letters := algebra.fresh(kept), letters)
    hot = algebra.atom(OneHot(inner, over.axis, over.size), (*kept, last))
    return Sum((*labels.outputs, last), hot.terms)
