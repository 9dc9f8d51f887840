"""Constants of a graph in the emitted text: bare numbers, formulas, or lines of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import numpy as np

from wengert.explanation.source.expression import ATOM, PRODUCT, SIGN, SUM, Expression
from wengert.explanation.source.numbers import (
    array_text,
    formula_value,
    is_large,
    names_in,
    number_text,
    same_bits,
    scalar_text,
)
from wengert.explanation.source.rows import WEAK
from wengert.explanation.source.words import Words, word_of
from wengert.graph.graph import Array, Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable


class Values:
    """How each constant is written where it is used."""

    def __init__(self, graph: Graph, words: Words, fixed: Mapping[str, Any]) -> None:
        self.graph, self.fixed = graph, fixed
        self.names: dict[Variable, str] = {}
        self.formulas: dict[Variable, str] = {}
        self.numbers: dict[str, float] = {}
        self._bare = self._only_weak()
        for variable, value in graph.constants.items():
            if self._is_argument(variable, value):
                self.names[variable] = cast(str, variable.formula)
            elif not self._is_inline(variable, value):
                self._name(variable, words)
        self._bare_numbers()
        for variable in tuple(self.names):
            self._as_formula(variable)

    def _only_weak(self) -> set[Variable]:
        """Return the numbers whose every use lets NumPy take the dtype of the other operand."""
        bare = {v for v in self.graph.constants if self._may_be_bare(v)}
        for operation in self.graph.operations:
            for place, variable in enumerate(operation.inputs):
                if variable in bare and not self.is_weak(operation, place):
                    bare.discard(variable)
        return bare - {*self.graph.outputs}

    def _may_be_bare(self, variable: Variable) -> bool:
        # The seed of the backward pass is an array like all gradients after it.
        is_number = not variable.shape and variable.of is None
        return is_number and number_text(self.graph.constants[variable]) is not None

    def is_weak(self, operation: Operation, place: int) -> bool:
        """Return whether a bare number would get its own dtype from another operand."""
        variable = operation.inputs[place]
        if operation.operator not in WEAK or (operation.operator == "where" and place == 0):
            return False
        others = [v for k, v in enumerate(operation.inputs) if k != place]
        others = others[1:] if operation.operator == "where" else others
        return any(v.dtype == variable.dtype and self._is_array(v) for v in others)

    def _is_array(self, variable: Variable) -> bool:
        return variable not in self.graph.constants or not self._may_be_bare(variable)

    def _is_argument(self, variable: Variable, value: Array) -> bool:
        """Return whether a number is an argument that the text guards to be this number."""
        given = None if variable.formula is None else self.fixed.get(variable.formula)
        return type(given) is float and variable in self._bare and same_bits(value, given)

    def _is_inline(self, variable: Variable, value: Array) -> bool:
        named = word_of(variable) is not None or variable in self.graph.outputs
        return value.ndim == 0 and not named

    def _name(self, variable: Variable, words: Words) -> None:
        wanted = word_of(variable)
        self.names[variable] = words.numbered("c") if wanted is None else words.new(wanted)

    def _bare_numbers(self) -> None:
        for variable, word in self.names.items():
            said = variable.formula is None or variable.formula == word
            if variable in self._bare and said and variable.dtype.kind == "f":
                self.numbers[word] = self._number(variable)

    def _number(self, variable: Variable) -> float:
        text = number_text(self.graph.constants[variable])
        return float(np.nan if text is None or "n" in text else text)

    def _as_formula(self, variable: Variable) -> None:
        """Write ``lam / 2`` where ``lam`` has a line of its own and gives exactly this number."""
        formula = variable.formula
        if formula is None or variable not in self._bare or formula == self.names[variable]:
            return
        found = formula_value(formula, self.numbers)
        if found is not None and same_bits(self.graph.constants[variable], found):
            self.formulas[variable] = formula

    def weak(self, variable: Variable) -> Expression:
        """Return a number where NumPy takes it in the dtype of the other operand."""
        if variable in self.formulas:
            return Expression(self.formulas[variable], _level(self.formulas[variable]))
        if variable in self.names:
            return Expression(self.names[variable])
        text = number_text(self.graph.constants[variable], whole=True)
        if text is None:
            return self.strong(variable)
        return Expression(text, SIGN if text.startswith("-") else ATOM)

    def strong(self, variable: Variable) -> Expression:
        """Return a constant in its own dtype."""
        if variable in self.names:
            return Expression(self.names[variable])
        return Expression(scalar_text(self.graph.constants[variable]))

    def lines(self, variables: Iterator[Variable], *, large: bool) -> Iterator[str]:
        """Yield the lines that define constants, the large arrays or the others."""
        for variable in variables:
            if variable not in self.names or variable in self.formulas:
                continue
            if self.names[variable] in self.fixed:
                continue
            value = self.graph.constants[variable]
            if is_large(value) == large:
                yield f"{self.names[variable]} = {self._text(variable, value)}"

    def _text(self, variable: Variable, value: Array) -> str:
        if value.ndim:
            return array_text(value)
        text = number_text(value) if variable in self._bare else None
        text = scalar_text(value) if text is None else text
        said = variable.formula is not None and variable.formula != self.names[variable]
        return f"{text}  # {variable.formula}" if said else text


def _level(formula: str) -> int:
    """Return how tightly a formula of plain arithmetic binds, at the least."""
    if formula.isidentifier():
        return ATOM
    if "+" in formula or "-" in formula or names_in(formula) == set():
        return SUM
    return PRODUCT if "*" in formula or "/" in formula else SUM
