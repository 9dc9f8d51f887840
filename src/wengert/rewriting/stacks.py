"""What rolled loops have stacked, and how those who read parts of it get them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from wengert.graph.graph import Array, Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.rewriting.rows import Row, step_of


class Stacks:
    """What the loops rolled so far have stacked, and who reads single rows of it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.constants: dict[Variable, Array] = {}
        # variable -> (stack, number of its row)
        self.row: dict[Variable, tuple[Variable, int]] = {}
        self.shown: set[Variable] = set()

    def reading(self, operations: Iterable[Operation]) -> list[Operation]:
        """Return operations with those before them that fetch the single rows they read."""
        found: list[Operation] = []
        for operation in operations:
            whole = self._whole(operation)
            if whole is None:
                found += self.rows_of(operation.inputs)
                whole = [operation]
            found += whole
        return found

    def _whole(self, operation: Operation) -> list[Operation] | None:
        """Return rows that are put together again as the stack in which they lie."""
        if operation.operator != "concatenate" or len(operation.inputs) < 2:
            return None
        axis: int = operation.attributes["axis"]
        rows: list[tuple[Variable, int]] = []
        for part in operation.inputs:
            maker = self.graph.producer.get(part)
            if maker is None or maker.operator != "reshape" or maker.inputs[0] not in self.row:
                return None
            shape = maker.inputs[0].shape
            if part.shape != (*shape[:axis], 1, *shape[axis:]):
                return None
            rows.append(self.row[maker.inputs[0]])
        step = step_of([number for _, number in rows])
        if step is None or len({stack for stack, _ in rows}) > 1:
            return None
        found = Row(rows[0][0], 0, *step).views(len(rows))
        value = found[-1].output if found else rows[0][0]
        order = (*range(1, axis + 1), 0, *range(axis + 1, value.rank))
        last = Operation("transpose", (value,), operation.outputs, {"axes": order})
        return [*found, replace(last, location=operation.location)]

    def rows_of(self, variables: Iterable[Variable]) -> list[Operation]:
        """Return what fetches those of these variables that lie in a stack, once."""
        found: list[Operation] = []
        for variable in variables:
            if variable in self.row and variable not in self.shown:
                self.shown.add(variable)
                stack, number = self.row[variable]
                found.append(Operation("index", (stack,), (variable,), {"template": (number,)}))
        return found
