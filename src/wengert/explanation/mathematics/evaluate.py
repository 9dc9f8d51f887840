"""The value of a sum of terms on real arrays, by einsum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.base.guards import is_tuple
from wengert.explanation.mathematics.formula import Array, Formula, evaluate
from wengert.explanation.mathematics.terms import (
    Apply,
    Atom,
    Constant,
    Factor,
    Group,
    Index,
    Named,
    OneHot,
    Partial,
    Size,
    Sum,
    Term,
    Value,
)
from wengert.graph.variable import Variable
from wengert.operators import integers

Meaning = Callable[..., Any]
# From which operand on the numbers are places.
_PLACES = {
    "index": 1, "index_add": 1, "take_along_axis": 1, "add_along_axis": 1, "index_update": 2,
    "add_at": 2, "ldexp": 1,
}  # fmt: skip
_WHOLE = {record.name for record in integers.CONSTANT}


@dataclass(frozen=True)
class Evaluator:
    """Turns sums and formulas into arrays.

    Attributes:
        values: the array of each variable.
        operators: the NumPy meaning of each operator, by name.
    """

    values: Mapping[Variable, Array]
    operators: Mapping[str, Meaning]

    def tensor(self, tensor: Sum) -> Array:
        """Return the array of a sum, one axis an output."""
        parts = [self._term(term, tensor.outputs) for term in tensor.terms]
        return sum(parts, np.zeros(tensor.shape))

    def formula(self, formula: Formula) -> Array:
        """Return the value of a formula: at least two axes, vectors being columns."""
        return evaluate(formula, self.atom, self.tensor)

    def atom(self, atom: Atom) -> Array:
        """Return the array of an atom."""
        match atom:
            case Value(variable):
                return np.asarray(self.values[variable])
            case Constant(_, value):
                return np.asarray(value)
            case Size(_, size):
                return np.asarray(float(size))
            case Named() | Partial():
                return self.tensor(atom.meaning)
            case Group(inner):
                return self.tensor(inner)
            case OneHot(labels, _, size):
                found = self.tensor(labels)
                return (found[..., None] % size == np.arange(size)).astype(np.float64)
            case Apply():
                arguments = [self._argument(argument) for argument in atom.arguments]
                return self._apply(atom, arguments)

    def _argument(self, tensor: Sum) -> Array:
        """Return an argument; a variable as it is, since places must stay integers."""
        if len(tensor.terms) == 1 and len(tensor.terms[0].factors) == 1:
            (factor,) = tensor.terms[0].factors
            plain = factor.power == 1 and tensor.terms[0].coefficient == 1
            if plain and isinstance(factor.atom, Value) and factor.indices == tensor.outputs:
                return self.atom(factor.atom)
        return self.tensor(tensor)

    def _apply(self, atom: Apply, arguments: list[Array]) -> Array:
        meaning = self.operators[atom.operator]
        first = _PLACES.get(atom.operator, len(arguments))
        arguments[first:] = [places.astype(np.int64) for places in arguments[first:]]
        if atom.operator in _WHOLE:
            arguments = [each.astype(np.int64) for each in arguments]
        with np.errstate(all="ignore"):
            found = meaning(*arguments, **dict(atom.attributes))
        # Of what may have several results the only one comes in a tuple too.
        return np.asarray(found[atom.part or 0] if is_tuple(found) else found)

    def _term(self, term: Term, outputs: tuple[Index, ...]) -> Array:
        letters = {index: n for n, index in enumerate(dict.fromkeys((*outputs, *term.letters)))}
        operands: list[Any] = [np.asarray(float(term.coefficient)), []]
        for factor in term.factors:
            operands += [self._factor(factor), [letters[index] for index in factor.letters]]
        used = {index for factor in term.factors for index in factor.letters}
        for index in outputs:
            if index not in used:
                operands += [np.ones(index.size), [letters[index]]]
        return np.einsum(*operands, [letters[index] for index in outputs], optimize="greedy")

    def _factor(self, factor: Factor) -> Array:
        array = self.atom(factor.atom)
        pairs = zip(array.shape, factor.indices, strict=True)
        array = array.reshape([n for n, index in pairs if index is not None])
        with np.errstate(all="ignore"):
            return array.astype(np.result_type(array, np.float64)) ** factor.power
