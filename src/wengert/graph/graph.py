"""The Wengert list: inputs, operations in a valid order, outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from wengert.base.tree import LEAF, Structure
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Graph:
    """Inputs, operations in an order that is a valid schedule, outputs. Immutable.

    Attributes:
        name: the name of the traced function.
        inputs: variables given at each run, leaf by leaf.
        operations: the Wengert list.
        outputs: variables returned, leaf by leaf.
        constants: the values of the variables that are the same at each run.
        arguments: names of the function's arguments, in the order of ``input_structure``.
        input_structure: the nested containers of the arguments (a tuple of them).
        output_structure: the nested containers of the result.
    """

    name: str
    inputs: tuple[Variable, ...]
    operations: tuple[Operation, ...]
    outputs: tuple[Variable, ...]
    constants: Mapping[Variable, Array] = field(default_factory=dict[Variable, Array])
    arguments: tuple[str, ...] = ()
    input_structure: Structure = LEAF
    output_structure: Structure = LEAF

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """Every variable once: inputs, constants, then results in order."""
        results = (out for operation in self.operations for out in operation.outputs)
        return tuple(dict.fromkeys((*self.inputs, *self.constants, *results)))

    @cached_property
    def producer(self) -> Mapping[Variable, Operation]:
        """The operation that makes each result; inputs and constants have none."""
        return {out: op for op in self.operations for out in op.outputs}

    @cached_property
    def consumers(self) -> Mapping[Variable, tuple[Operation, ...]]:
        """The operations that read each variable, in order."""
        found: dict[Variable, list[Operation]] = {variable: [] for variable in self.variables}
        for operation in self.operations:
            for variable in dict.fromkeys(operation.inputs):
                found[variable].append(operation)
        return {variable: tuple(operations) for variable, operations in found.items()}

    def variable(self, label: str) -> Variable:
        """Return the variable with this label (``"h"``, ``"h.2"``, ``"d(W1)"``).

        Raises:
            KeyError: no variable has the label; the message lists those that do.
        """
        named = {each.label: each for each in self.variables if each.label is not None}
        if label not in named:
            raise KeyError(f"no variable {label!r} in {self.name}; it has {', '.join(named)}")
        return named[label]
