"""What a rewrite may know of a variable: who makes it, whether it is one number, its layout."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.graph.graph import Array, Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.operators.registry import OPERATORS
from wengert.rewriting.rebuild import Substitution

_LOOKED_AT = 2**20
_SAME_NUMBERS = frozenset({"identity", "reshape", "broadcast_to", "transpose"})
_SAME_LAYOUT = frozenset({"identity", "reshape", "stop_gradient"})


class Sight:
    """Knowledge of the operations seen so far, in the order of the graph."""

    def __init__(self, graph: Graph) -> None:
        self.standing = Substitution(graph)
        self.made: dict[Variable, Operation] = {}
        self.constants = graph.constants
        self._number: dict[Variable, Any] = {}
        self._packed: set[Variable] = set()
        for variable, value in graph.constants.items():
            self._constant(variable, value)

    def _constant(self, variable: Variable, value: Array) -> None:
        if value.flags.c_contiguous:
            self._packed.add(variable)
        # A number with a formula is the user's: that it is 1 today says nothing of its meaning.
        counts = variable.formula is None and value.dtype.kind in "fiu"
        if counts and 0 < value.nbytes <= _LOOKED_AT:
            first = value.flat[0]
            signs = np.signbit(value) == np.signbit(first)
            if bool((value == first).all() and signs.all()):
                self._number[variable] = first

    def add(self, operation: Operation) -> None:
        """Take note of an operation that stays."""
        if len(operation.outputs) != 1:
            self._packed.update(map(self.standing, operation.outputs))
            return
        output = self.standing(operation.output)
        self.made[output] = operation
        first = self.standing(operation.inputs[0]) if operation.inputs else None
        if first in self._number and operation.operator in _SAME_NUMBERS:
            self._number[output] = self._number[first]
        if OPERATORS[operation.operator].aliases == "new" or (
            operation.operator in _SAME_LAYOUT and first in self._packed
        ):
            self._packed.add(output)

    def moved(self, variable: Variable) -> None:
        """Take note that another variable now stands for this one."""
        output = self.standing(variable)
        if variable in self.made:
            self.made[output] = self.made[variable]
        if variable in self._packed:
            self._packed.add(output)
        if variable in self._number:
            self._number[output] = self._number[variable]

    def maker(self, variable: Variable, *operators: str) -> Operation | None:
        """Return the operation that makes a variable where it is one of these operators."""
        found = self.made.get(variable)
        return found if found is not None and found.operator in operators else None

    def is_number(self, variable: Variable, number: float) -> bool:
        """Return whether every element is this number, its sign included, and not the user's."""
        found = self._number.get(variable)
        if found is None or found != number:
            return False
        return bool(np.signbit(found) == np.signbit(number))

    def is_packed(self, variable: Variable) -> bool:
        """Return whether the elements surely lie in C order, one after another.

        Sums and products run in the order of storage, so an array may only stand for another
        of the same layout if every bit is to stay. Inputs come as the user stores them.
        """
        return variable in self._packed
