"""Kernels that call back into Python: operators that have no machine code of their own.

The kernel is one chunk, a function pointer that NumPy's meaning of the operator stands behind. It
reads its operands where they lie and writes its results where they belong, on whichever thread
comes to it. What it raises is kept and raised again by the program once all threads are through:
the kernel refuses, as one does that finds a label out of range. Nothing of it is kept on disk.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.base.shapes import Shape
from wengert.graph.graph import Array
from wengert.graph.operation import Operation
from wengert.native.jit import Code, session
from wengert.native.kernel import REFUSAL, Kernel, Operand
from wengert.native.llvm import Module
from wengert.native.looping import Loop
from wengert.native.steps import Step, View
from wengert.operators.meaning import carried_out
from wengert.planning.cost import price

_Call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
# Python's own work on a call, in nanoseconds.
OVERHEAD = 20_000.0


class Loaded(Protocol):
    """A kernel that can be called."""

    @property
    def address(self) -> int:
        """Of ``void(ptr operands, i64 begin, i64 end)``."""
        ...


@dataclass(frozen=True, slots=True)
class Seat:
    """How an array lies behind a pointer to its first element; strides count bytes."""

    shape: Shape
    dtype: Dtype
    strides: tuple[int, ...]

    def at(self, address: int) -> Array:
        """Return the array that lies at an address."""
        if 0 in self.shape:
            return np.empty(self.shape, self.dtype)
        return np.asarray(_Memory(self, address))


class _Memory:
    """Somebody else's memory in NumPy's own terms."""

    def __init__(self, seat: Seat, address: int) -> None:
        self.__array_interface__ = {
            "version": 3, "shape": seat.shape, "typestr": seat.dtype.str,
            "strides": seat.strides, "data": (address, False),
        }  # fmt: skip


@dataclass(eq=False)
class Host:
    """The body of such a kernel. Operands: those of the operation, its results, the refusal.

    Attributes:
        operation: whose operator's meaning is carried out.
        operands, results: how they lie.
        problem: what the last call raised.
    """

    operation: Operation
    operands: tuple[Seat, ...]
    results: tuple[Seat, ...]
    problem: BaseException | None = field(default=None, repr=False)
    _aimed: list[int] = field(default_factory=list[int], repr=False)
    _seen: list[Array] = field(default_factory=list[Array], repr=False)

    @property
    def key(self) -> str:
        """What it does; there are no instructions to depend on it."""
        return f"host {self.operation.operator}"

    @property
    def chunks(self) -> int:
        """One: NumPy does all of it."""
        return 1

    def define(self, module: Module, name: str) -> None:
        """There is no function to add: the kernel is called where it stands."""
        raise AssertionError(self.key)

    @cached_property
    def _callback(self) -> Any:
        return _Call(self._called)

    @property
    def address(self) -> int:
        """The function pointer, good as long as this object lives."""
        address = ctypes.cast(self._callback, ctypes.c_void_p).value
        assert address is not None
        return address

    @cached_property
    def _words(self) -> Any:
        return ctypes.c_uint64 * (len(self.operands) + len(self.results) + 1)

    def _arrays(self, addresses: list[int]) -> list[Array]:
        """Return operands and results; where nothing has moved since the last call, the same."""
        if addresses != self._aimed:
            seats = (*self.operands, *self.results)
            self._seen = [s.at(at) for s, at in zip(seats, addresses, strict=False)]
            self._aimed = addresses
        return self._seen

    def _called(self, pointers: int, begin: int, end: int) -> None:
        if begin >= end:
            return
        addresses: list[int] = self._words.from_address(pointers)[:]
        try:
            given = len(self.operands)
            arrays = self._arrays(addresses)
            with np.errstate(all="ignore"):
                found = carried_out(self.operation, arrays[:given])
            for target, value in zip(arrays[given:], found, strict=True):
                target[...] = value
        except BaseException as problem:  # a callback has nobody to raise to
            self.problem = problem
            ctypes.c_int64.from_address(addresses[-1]).value = 1


def load(kernels: Sequence[Kernel]) -> list[Loaded]:
    """Return each kernel where it can be called: machine code, or a way back into Python."""
    own = [kernel for kernel in kernels if not isinstance(kernel.body, Host | Loop)]
    codes = session().load([Code(kernel.body.key, kernel.body.define) for kernel in own])
    found = dict(zip(own, codes, strict=True))
    for kernel in kernels:
        if isinstance(kernel.body, Loop):
            kernel.body.fill(load(kernel.body.kernels))
    return [k.body if isinstance(k.body, Host | Loop) else found[k] for k in kernels]


def host_kernel(step: Step) -> Kernel:
    """Return the kernel of an operation that NumPy carries out."""
    views = (*step.operands, step.target, *step.also)
    operands = [
        Operand(view.variable, view.offset * view.variable.dtype.itemsize, n >= len(step.operands))
        for n, view in enumerate(views)
    ]
    seats = [_seat(view) for view in views]
    given = len(step.operands)
    body = Host(step.operation, tuple(seats[:given]), tuple(seats[given:]))
    return Kernel(
        f"host {step.operation.operator}", body, (*operands, Operand(REFUSAL, 0, True)),
        (step.operation,), int(price(step.operation)), step.target.shape,
    )  # fmt: skip


def _seat(view: View) -> Seat:
    size = view.variable.dtype.itemsize
    return Seat(view.shape, view.variable.dtype, tuple(size * each for each in view.strides))
