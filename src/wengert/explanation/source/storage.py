"""Which values lie in C order, as far as the types and operators of a graph say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.operators.registry import OPERATORS

_KEEPS_EXACT = frozenset({"identity", "stop_gradient", "reshape"})
_KEEPS_ORDER = _KEEPS_EXACT | {"broadcast_to", "index"}


class Storage:
    """The layout of each variable, for inputs that are ordinary arrays.

    ``exact``: element after element in C order. ``ordered``: the axes come in C order, though
    there may be gaps (a slice) or repeats (a broadcast array), so that NumPy makes results of
    it in C order.
    """

    def __init__(self, graph: Graph) -> None:
        self.exact: set[Variable] = set(graph.inputs)
        self.ordered: set[Variable] = set(graph.inputs)
        for variable, value in graph.constants.items():
            if value.flags.c_contiguous:
                self.exact.add(variable)
                self.ordered.add(variable)
        for operation in graph.operations:
            self._add(operation)

    def _add(self, operation: Operation) -> None:
        picked = operation.operator == "index" and len(operation.inputs) > 1
        fresh = picked or OPERATORS[operation.operator].aliases == "new"
        for output in operation.outputs:
            x = operation.inputs[0] if operation.inputs else output
            if fresh or (operation.operator in _KEEPS_EXACT and x in self.exact):
                self.exact.add(output)
                self.ordered.add(output)
            elif x in self.ordered and _keeps_order(operation):
                self.ordered.add(output)
            if output.rank < 2:
                self.ordered.add(output)


def _keeps_order(operation: Operation) -> bool:
    if operation.operator == "transpose":
        x = operation.inputs[0]
        return _in_order([axis for axis in operation.attributes["axes"] if x.shape[axis] != 1])
    # Indices by arrays are new arrays; what is left is slices, numbers and new axes of 1.
    return operation.operator in _KEEPS_ORDER


def _in_order(axes: Sequence[Any]) -> bool:
    return list(axes) == sorted(axes)
