"""A kernel as pure data: what it computes, what it reads and writes, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from wengert.base.errors import Location
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.native.llvm import Module


class Body(Protocol):
    """What a kernel does, in operands by number: two equal bodies are one function in memory."""

    @property
    def key(self) -> str:
        """All that the instructions depend on, as text."""
        ...

    @property
    def chunks(self) -> int:
        """Into how many parts the work is cut: by shapes, never by threads."""
        ...

    def define(self, module: Module, name: str) -> None:
        """Add ``void name(ptr operands, i64 begin, i64 end)`` to a module."""
        ...


# Where a kernel tells of a number that it refuses: a flag, the check, the place, the number.
REFUSAL = Variable((4,), np.dtype(np.int64), "constant", name="refusal")

# The name of the check that every number of a new state is finite.
FINITE = "finite"


@dataclass(frozen=True, slots=True)
class Operand:
    """A pointer that a kernel is given.

    Attributes:
        variable: whose storage it points into.
        offset: bytes from the beginning of that storage.
        written: whether the kernel writes there.
    """

    variable: Variable
    offset: int = 0
    written: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """What a kernel refuses: numbers that are not between ``low`` and ``high``."""

    operation: Operation
    low: float
    high: float
    operator: str


@dataclass(frozen=True, eq=False)
class Kernel:
    """One function of a program and what it works on.

    Attributes:
        name: what it does, for people: ``subtract+exp+sum``.
        body: how it does it.
        operands: its pointers, in the order of the body.
        operations: the operations of the graph that it carries out.
        flops: additions, multiplications, comparisons, functions.
        shape: its iteration space.
        checks: what it refuses; the body names them by their number here plus 1.
    """

    name: str
    body: Body
    operands: tuple[Operand, ...]
    operations: tuple[Operation, ...]
    flops: int
    shape: tuple[int, ...]
    checks: tuple[Check, ...] = ()

    @cached_property
    def reads(self) -> tuple[Variable, ...]:
        """The variables whose storage it reads."""
        return tuple(dict.fromkeys(o.variable for o in self.operands if not o.written))

    @cached_property
    def writes(self) -> tuple[Variable, ...]:
        """The variables whose storage it writes."""
        return tuple(dict.fromkeys(o.variable for o in self.operands if o.written))

    @cached_property
    def nbytes(self) -> int:
        """Bytes of what it reads and writes, each once."""
        return sum(v.nbytes for v in dict.fromkeys(o.variable for o in self.operands))

    @property
    def locations(self) -> tuple[Location, ...]:
        """The user's lines that it comes from."""
        return tuple(dict.fromkeys(o.location for o in self.operations if o.location is not None))
