"""One use of an operator, and the call of the user's function that it happened in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from wengert.base.errors import Location
from wengert.graph.variable import Variable

NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function of the user's: a group of operations.

    ``number`` counts the calls within a trace, so two calls of ``phi`` are two groups.
    ``parent`` is the call that it was made from, None when that is the traced function itself.
    """

    function: str
    number: int
    parent: Call | None = None

    @property
    def path(self) -> tuple[Call, ...]:
        """The calls from the outermost to this one."""
        return (self,) if self.parent is None else (*self.parent.path, self)

    def __str__(self) -> str:
        return "/".join(f"{call.function}#{call.number}" for call in self.path)


@dataclass(frozen=True, eq=False, slots=True)
class Operation:
    """One use of an operator.

    Attributes:
        operator: the name of the operator's record.
        inputs: the operands, in the order of the record.
        outputs: the results.
        attributes: keyword values fixed at trace time (axis, shape, subscripts …): numbers,
            texts, None, Ellipsis, slices and tuples of them, nothing else.
        location: the user's file and line.
        call: the call of a user's function that it belongs to, None in the traced function.
        origin: for a backward operation the forward result whose rule it carries out.
    """

    operator: str
    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    attributes: Mapping[str, Any] = field(default_factory=lambda: NO_ATTRIBUTES)
    location: Location | None = None
    call: Call | None = None
    origin: Variable | None = None

    def on(
        self,
        inputs: tuple[Variable, ...],
        outputs: tuple[Variable, ...],
        origin: Variable | None,
    ) -> Operation:
        """Return the operation on other variables: itself where they are its own."""
        if inputs == self.inputs and outputs == self.outputs and origin is self.origin:
            return self
        return Operation(
            self.operator, inputs, outputs, self.attributes, self.location, self.call, origin
        )

    @property
    def output(self) -> Variable:
        """The only result (raises where there are several)."""
        (output,) = self.outputs
        return output

    def __repr__(self) -> str:
        operands = ", ".join(variable.label or "%" for variable in self.inputs)
        results = ", ".join(variable.label or "%" for variable in self.outputs)
        return f"Operation({results} = {self.operator}({operands}))"
