"""The tape: it turns uses of operators into a graph while the user's function runs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from types import FrameType
from typing import Any

import numpy as np

from wengert.base.errors import Location
from wengert.graph.graph import Array, Graph
from wengert.graph.operation import Call, Operation
from wengert.graph.variable import Variable
from wengert.operators.record import Type
from wengert.operators.registry import OPERATORS
from wengert.tracing import frames
from wengert.tracing.bare import KnownValue
from wengert.tracing.names import Names
from wengert.tracing.numbers import NamedNumber
from wengert.tracing.randomness import Draws
from wengert.tracing.spec import checked_dtype
from wengert.tracing.value import TracedValue

Wrap = Callable[["Recorder", Variable, Any], Any]


class Recorder:
    """Records operations in order; a tracer holds its recorder and its variable.

    Attributes:
        wrap: makes the user-facing tracer of a variable.
        serial: an inner trace has a larger one than the trace around it.
        operations: the Wengert list so far.
        constants: values that are the same at each run.
        originals: the user's own array behind each constant, while the trace goes on.
        captured: values of an outer trace that the function reads, as extra inputs here.
        names: what the user calls each variable.
        finished: whether the trace is over; a tracer used afterwards has escaped.
        draws: notices random numbers, which must not become constants.
    """

    _serials = count()

    def __init__(self, wrap: Wrap, boundary: FrameType | None = None) -> None:
        self.wrap = wrap
        self.boundary = boundary
        self.serial = next(self._serials)
        self.operations: list[Operation] = []
        self.constants: dict[Variable, Array] = {}
        self.originals: dict[Variable, Any] = {}
        self.captured: dict[Variable, tuple[Any, Variable]] = {}
        self.names = Names()
        self.finished = False
        self.draws: Draws | None = None
        self._shared: dict[Any, Variable] = {}
        self._calls: dict[FrameType, Call | None] = {}
        self._call_count: dict[str, int] = {}
        self._provenance: tuple[Location | None, Call | None, Variable | None] | None = None

    @classmethod
    def resume(cls, wrap: Wrap, graph: Graph) -> Recorder:
        """Return a recorder that goes on where a finished graph ended."""
        recorder = cls(wrap)
        recorder.operations = list(graph.operations)
        recorder.constants = dict(graph.constants)
        recorder.names.keep(graph)
        return recorder

    # -- recording ---------------------------------------------------------------------------

    def record(
        self, operator: str, inputs: Sequence[Variable], attributes: Mapping[str, Any]
    ) -> Variable:
        """Append one operation that has one result; return that."""
        (output,) = self.record_all(operator, inputs, attributes)
        return output

    def record_all(
        self, operator: str, inputs: Sequence[Variable], attributes: Mapping[str, Any]
    ) -> tuple[Variable, ...]:
        """Append one operation; the types of its results come from the operator's record."""
        types = [Type(variable.shape, variable.dtype) for variable in inputs]
        found = OPERATORS[operator].types(*types, **attributes)
        where, call, origin = self._provenance or (*self._look_around(), None)
        role = "intermediate" if origin is None else "gradient"
        outputs = tuple(Variable(shape, dtype, role) for shape, dtype in found)
        self.operations.append(
            Operation(operator, tuple(inputs), outputs, dict(attributes), where, call, origin)
        )
        return outputs

    @contextmanager
    def standing_for(
        self, where: Location | None, call: Call | None, origin: Variable | None
    ) -> Generator[None]:
        """Record operations as the backward counterpart of ``origin`` for a while."""
        before, self._provenance = self._provenance, (where, call, origin)
        try:
            yield
        finally:
            self._provenance = before

    def replay(self, graph: Graph, operands: Sequence[Variable]) -> list[Variable]:
        """Append another graph's operations, with ``operands`` in place of its inputs."""
        mapped: dict[Variable, Variable] = dict(zip(graph.inputs, operands, strict=True))
        for variable, value in graph.constants.items():
            mapped[variable] = self.constant(value, variable.formula, variable.name, variable.of)
        for variable, operand in mapped.items():
            self.names.suggest(operand, variable.name)
        for operation in graph.operations:
            self._replay(operation, mapped)
        return [mapped[variable] for variable in graph.outputs]

    def _replay(self, operation: Operation, mapped: dict[Variable, Variable]) -> None:
        for output in operation.outputs:
            of = None if output.of is None else mapped.get(output.of)
            copy = replace(output, name=None, version=1, of=of)
            mapped[output] = copy
            self.names.suggest(copy, output.name)
        self.operations.append(
            replace(
                operation,
                inputs=tuple(mapped[each] for each in operation.inputs),
                outputs=tuple(mapped[each] for each in operation.outputs),
                origin=None if operation.origin is None else mapped.get(operation.origin),
            )
        )

    def capture(self, outer: Any) -> Variable:
        """Return the input that stands here for a value of an outer trace."""
        read = outer.variable
        if read not in self.captured:
            variable = Variable(outer.shape, outer.dtype, "input")
            self.captured[read] = (outer, variable)
            self.names.suggest(variable, outer.recorder.names.get(read))
        return self.captured[read][1]

    def variable_of(self, value: Any) -> Variable:
        """Return the variable of a tracer of this trace or an outer one, or of an array."""
        if isinstance(value, TracedValue):
            return value.variable if value.recorder is self else self.capture(value)
        return self.constant(value)

    # -- constants ---------------------------------------------------------------------------

    def constant(
        self,
        value: Any,
        formula: str | None = None,
        name: str | None = None,
        of: Variable | None = None,
    ) -> Variable:
        """Return the variable of a constant; equal scalars and the same array are shared."""
        array = np.asarray(value)
        key = (array.dtype, array.tobytes(), formula, of) if array.ndim == 0 else id(value)
        held = self._shared.get(key)
        # The user may have changed an array in place since it was last read.
        if held is None or (array.ndim and not _same_bytes(self.constants[held], array)):
            variable = Variable(array.shape, array.dtype, "constant", formula=formula, of=of)
            # A copy: what the user does to the array later must not change a finished graph.
            self.constants[variable] = np.array(array, order="C")
            self._shared[key] = variable
            # Held for its identity too: nothing else may take its place in memory.
            self.originals[variable] = value
            self.names.suggest(variable, name)
        return self._shared[key]

    def number(self, value: Any, dtype: np.dtype[Any]) -> Variable:
        """Return the constant of a Python number in the dtype that the operation works in."""
        array = np.asarray(value, dtype=dtype)
        formula = value.formula if isinstance(value, NamedNumber) else None
        name = formula if formula is not None and formula.isidentifier() else None
        return self.constant(array, formula, name)

    def captured_array(self, value: Array) -> Variable:
        """Return the constant of an array that the function closes over, by the user's name."""
        if self._provenance is not None or self._is_shared(value):
            return self.constant(value)
        found = frames.user_frames(self.boundary)
        if self.draws is not None and found:
            self.draws.refuse(frames.location(found[0]))
        return self.constant(value, name=frames.name_in(found, value))

    def known_array(self, value: KnownValue) -> Variable:
        """Return the constant of an array that the function made, by the user's name."""
        checked_dtype(value.numbers.dtype, "an array")
        variable = self.constant(value.numbers)
        if self.names.get(variable) is None:
            self.names.suggest(variable, frames.name_in(frames.user_frames(self.boundary), value))
        return variable

    def _is_shared(self, value: Array) -> bool:
        held = self._shared.get(id(value))
        return held is not None and _same_bytes(self.constants[held], value)

    # -- the user's frames -------------------------------------------------------------------

    def _look_around(self) -> tuple[Location | None, Call | None]:
        found = frames.user_frames(self.boundary)
        for depth, frame in enumerate(reversed(found)):
            self.names.scan(self, frame, depth)
        if not found:
            return None, None
        return frames.location(found[0]), self._call(found)

    def notice_return(self, frame: FrameType) -> None:
        """Read the names of a user's frame that is about to return."""
        if not self.finished and self.boundary is not None:
            outer = frames.user_frames(self.boundary, frame)
            self.names.scan(self, frame, len(outer) - 1)

    def _call(self, found: list[FrameType]) -> Call | None:
        call: Call | None = None
        for frame in reversed(found[:-1]):
            if frame not in self._calls:
                self._calls[frame] = self._new_call(frame, call)
            call = self._calls[frame]
        return call

    def _new_call(self, frame: FrameType, parent: Call | None) -> Call | None:
        if frames.is_transparent(frame):
            return parent
        name = frames.function_name(frame)
        self._call_count[name] = self._call_count.get(name, 0) + 1
        return Call(name, self._call_count[name], parent)

    def finish(self) -> None:
        """End the trace: let go of the user's frames, and let no tracer go on."""
        self.finished = True
        self._calls.clear()
        self.originals = {}
        self.boundary = None


def _same_bytes(held: Array, array: Array) -> bool:
    return bool(np.array_equal(held, array, equal_nan=array.dtype.kind in "fc"))
