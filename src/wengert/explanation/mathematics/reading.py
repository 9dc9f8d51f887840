"""From graph to terms: every variable as an index-notation sum over named ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from wengert.explanation.mathematics import algebra
from wengert.explanation.mathematics.axes import Axes
from wengert.explanation.mathematics.numerals import named_number, rational, solve_names
from wengert.explanation.mathematics.rules import RULES
from wengert.explanation.mathematics.terms import Apply, Constant, Size, Sum, Value
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable

Stop = Callable[[Variable], Sum | None]
Assume = Callable[[Sum, int, str], bool]


class Reader:
    """Reads variables as sums of terms.

    Args:
        graph: the joint graph.
        axes: its axes.
        stop: what stands for a variable instead of its operation: an atom for a named one;
            None to look into the operation.
        assume: whether a tensor is a number everywhere on the data, which is then stated.
    """

    def __init__(self, graph: Graph, axes: Axes, stop: Stop, assume: Assume) -> None:
        self.graph, self.axes, self._stop, self.assume = graph, axes, stop, assume
        self._found: dict[Variable, Sum] = {}
        self._known = known_numbers(graph)

    def read(self, variable: Variable, by: Operation | None = None) -> Sum:
        """Return a variable as a sum; ``by`` is the operation that reads it."""
        if variable in self.graph.constants:
            return self._constant(variable, by)
        if variable not in self._found:
            stopped = self._stop(variable)
            self._found[variable] = self.open(variable) if stopped is None else stopped
        return self._found[variable]

    def open(self, variable: Variable) -> Sum:
        """Return what the operation of a variable makes, even when it is named."""
        operation = self.graph.producer.get(variable)
        if operation is None:
            return self.value(variable)
        rule = RULES.get(operation.operator, function_of)
        return rule(self, operation) if len(operation.outputs) == 1 else self._part(variable)

    def _part(self, variable: Variable) -> Sum:
        """Return one of several results: the operator applied, and which part of it."""
        operation = self.graph.producer[variable]
        atom = applied(self, operation, operation.outputs.index(variable))
        return self.axes.atom(atom, variable)

    def maker(self, operation: Operation) -> Operation | None:
        """Return the forward operation whose rule a backward operation carries out."""
        return None if operation.origin is None else self.graph.producer.get(operation.origin)

    def value(self, variable: Variable) -> Sum:
        """Return a variable as an atom."""
        return self.axes.atom(Value(variable), variable)

    def _constant(self, variable: Variable, by: Operation | None) -> Sum:
        stopped = self._stop(variable)
        if stopped is not None:
            return stopped
        array = self.graph.constants[variable]
        outputs = self.axes.indices(variable)
        if variable.formula is not None and variable.rank == 0 and array.dtype.kind in "fiu":
            value = float(rational(array[()]) or array)
            return named_number(variable.formula, value, self._known)
        if variable.name is not None or not array.size or np.any(array != array.flat[0]):
            return self.value(variable)
        number = rational(array.flat[0])
        if number is None:
            return algebra.atom(Constant(str(array.flat[0]), array.flat[0].item()))
        return self._length(number, by) or algebra.number(number, outputs)

    def _length(self, number: Fraction, by: Operation | None) -> Sum | None:
        """Read the n of a mean's rule as the length of the axes that the mean went over."""
        maker = None if by is None else self.maker(by)
        if maker is None or maker.operator not in ("mean", "var", "std"):
            return None
        if maker.attributes.get("ddof"):
            return None
        operand = maker.inputs[0]
        axes = self.axes.of(operand)
        over: tuple[int, ...] = maker.attributes["axis"]
        lengths = [Size(axes[a], operand.shape[a]) for a in over if operand.shape[a] != 1]
        count = Fraction(int(np.prod([length.size for length in lengths])))
        if count in (0, 1) or number not in (count, 1 / count, 2 / count):
            return None
        power = 1 if number == count else -1
        times = algebra.number(number * count if power < 0 else 1)
        parts = [algebra.atom(length, (), power) for length in lengths]
        return algebra.multiply([times, *parts], ())


def known_numbers(graph: Graph) -> Mapping[str, float]:
    """Return the values of the names in the formulas of a graph's numbers."""
    formulas: list[tuple[str, float]] = []
    for variable, array in graph.constants.items():
        value = rational(array[()]) if variable.formula and variable.rank == 0 else None
        if variable.formula is not None and value is not None:
            formulas.append((variable.formula, float(value)))
    return solve_names(formulas)


def function_of(reader: Reader, operation: Operation) -> Sum:
    """Read an operation as a function applied to its operands, told by name."""
    return reader.axes.atom(applied(reader, operation), operation.output)


def applied(reader: Reader, operation: Operation, part: int | None = None) -> Apply:
    """Return an operator with its operands as arguments."""
    arguments = tuple(reader.read(operand, operation) for operand in operation.inputs)
    attributes = tuple(sorted(operation.attributes.items(), key=lambda item: item[0]))
    return Apply(operation.operator, arguments, attributes, part=part)
