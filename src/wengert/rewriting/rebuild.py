"""One variable in the place of another, everywhere at once, without losing a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from wengert.graph.graph import Array, Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable


class Substitution:
    """Which variable stands for which; a chain of replacements is followed to its end."""

    def __init__(self, graph: Graph) -> None:
        self.standing: dict[Variable, Variable] = {}
        self.fixed = {*graph.inputs, *graph.constants}
        # A variable that has a gradient of its own is not interchangeable with an equal one.
        self.differentiated = {v.of for v in graph.variables if v.of is not None}

    def __call__(self, variable: Variable) -> Variable:
        """Return the variable that now stands for this one."""
        while variable in self.standing:
            variable = self.standing[variable]
        return variable

    def merge(self, kept: Variable, dropped: Variable) -> bool:
        """Make one of two equal variables out of two; False where a name would be lost.

        ``kept`` is made first. Where only the other one has a name, that name moves to it.
        """
        if not self.can_merge(kept, dropped):
            return False
        if self._is_anonymous(dropped):
            self.standing[dropped] = kept
        else:
            self.standing[kept] = dropped
        return True

    def can_merge(self, kept: Variable, dropped: Variable) -> bool:
        """Return whether :meth:`merge` would make one of two."""
        if (kept.shape, kept.dtype) != (dropped.shape, dropped.dtype) or kept is dropped:
            return False
        if self._is_anonymous(dropped):
            return True
        movable = kept not in self.fixed and kept.role == dropped.role
        return movable and self._is_anonymous(kept)

    def _is_anonymous(self, variable: Variable) -> bool:
        named = variable.name is not None or variable.of is not None or variable.formula is not None
        return not named and variable not in self.differentiated


def rebuild(
    graph: Graph,
    operations: Iterable[Operation],
    constants: Mapping[Variable, Array],
    standing: Substitution,
) -> Graph:
    """Return the graph of these operations with every replaced variable exchanged.

    What is the gradient of a replaced variable becomes the gradient of its replacement.
    """
    made: dict[Variable, Variable] = {}

    def renewed(variable: Variable) -> Variable:
        variable = standing(variable)
        if variable not in made:
            of = None if variable.of is None else renewed(variable.of)
            made[variable] = variable if of is variable.of else replace(variable, of=of)
        return made[variable]

    def carried(operation: Operation) -> Operation:
        inputs = tuple(map(renewed, operation.inputs))
        outputs = tuple(map(renewed, operation.outputs))
        origin = None if operation.origin is None else renewed(operation.origin)
        return operation.on(inputs, outputs, origin)

    return replace(
        graph,
        inputs=tuple(map(renewed, graph.inputs)),
        operations=tuple(map(carried, operations)),
        outputs=tuple(map(renewed, graph.outputs)),
        constants={renewed(variable): value for variable, value in constants.items()},
    )
