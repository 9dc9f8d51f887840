"""Loops and branches of a program: one kernel that runs the kernels of its bodies, natively.

The kernels of a body are compiled once. Where they read and write in an iteration follows from a
place: an operand of the loop, an offset, so many bytes an iteration (rows of what is stacked), or
to and fro between two buffers (what is carried). ``looping.ll`` walks the lists of kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wengert.graph.graph import Array
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.native.jit import Library, session
from wengert.native.kernel import REFUSAL, Kernel, Operand
from wengert.native.kernels.rows import Copy
from wengert.native.llvm import Module

_LISTS = ("before", "test", "body", "after")
_KINDS = {"scan": 0, "cond": 1, "while_loop": 2}
_HEAD, _ROW = 17, 4


class Place(NamedTuple):
    """Where an operand of a body's kernel lies in iteration i.

    At ``offset + i · stride``, and ``toggle`` further when i is odd, in an operand of the loop;
    ``base`` -1 means that ``offset`` is an address.
    """

    base: int
    offset: int = 0
    stride: int = 0
    toggle: int = 0

    def further(self, offset: int) -> Place:
        """Return the place so many bytes on."""
        return self._replace(offset=self.offset + offset)


class Call(NamedTuple):
    """A kernel, and the places of its operands."""

    kernel: Kernel
    places: tuple[Place, ...]


def copied(source: Place, target: Place, nbytes: int) -> Call:
    """Return what copies bytes from one place to another."""
    data, result = Variable((nbytes,), np.dtype(np.uint8)), Variable((nbytes,), np.dtype(np.uint8))
    operands = (Operand(data), Operand(result, 0, True))
    return Call(Kernel("copy", Copy(nbytes), operands, (), 0, (nbytes,)), (source, target))


@dataclass(eq=False)
class Loop:
    """The body of such a kernel. Operands: the description, those of the operation, its results,
    scratch memory, and where a refusal is told.

    Attributes:
        operation: the loop or branch.
        lists: the calls before the first iteration, of the test, of the body, after the last.
        test: where the boolean of a condition lies.
        constants: the arrays of the bodies.
    """

    operation: Operation
    lists: Mapping[str, Sequence[Call]]
    test: Place
    constants: Sequence[Array]
    operands: int
    words: Array = field(init=False)
    refusals: Array = field(init=False)
    refusing: list[Kernel] = field(init=False, default_factory=list[Kernel])
    _loaded: Sequence[Any] = field(init=False, default=())

    def __post_init__(self) -> None:
        calls = [call for name in _LISTS for call in self.lists.get(name, ())]
        sizes = [_ROW + 5 * len(call.places) for call in calls]
        self.words = np.zeros(_HEAD + sum(sizes), np.int64)
        self.refusing = list(dict.fromkeys(
            call.kernel for call in calls if REFUSAL in call.kernel.writes
        ))  # fmt: skip
        self.refusals = np.zeros((len(self.refusing) + 1, _ROW), np.int64)

    @property
    def kernels(self) -> list[Kernel]:
        """The kernels of all lists."""
        return [call.kernel for name in _LISTS for call in self.lists.get(name, ())]

    @property
    def key(self) -> str:
        """What it does; its instructions depend on nothing."""
        return f"loop {self.operation.operator}"

    @property
    def chunks(self) -> int:
        """One: an iteration needs the one before it."""
        return 1

    def define(self, module: Module, name: str) -> None:
        """There is no function to add: all loops share one."""
        raise AssertionError(self.key)

    @property
    def address(self) -> int:
        """Of the function that walks the lists."""
        return _walker().addresses["wengert_loop"]

    def fill(self, loaded: Sequence[Any]) -> None:
        """Write the description, the kernels being where they were loaded."""
        self._loaded = loaded
        words = self.words
        words[0] = _KINDS[self.operation.operator]
        words[1] = self.operation.attributes.get("length", 0)
        words[10:14] = self.test
        words[14:17] = len(self.refusing), self.refusals.ctypes.data, self.operands - 1
        at, number = _HEAD, 0
        for k, name in enumerate(_LISTS):
            calls = [c for c in self.lists.get(name, ())]
            words[2 + 2 * k : 4 + 2 * k] = len(calls), at
            for call in calls:
                at = self._record(at, call, int(loaded[number].address))
                number += 1

    def _record(self, at: int, call: Call, address: int) -> int:
        count = len(call.places)
        pointers = at + _ROW + 4 * count
        head = address, call.kernel.body.chunks, count, pointers
        self.words[at : at + _ROW] = head
        for k, place in enumerate(call.places):
            self.words[at + _ROW + 4 * k : at + _ROW + 4 * (k + 1)] = self._whole(place, call)
        return pointers + count

    def _whole(self, place: Place, call: Call) -> Place:
        if place is not TELLS:
            return place
        row = self.refusing.index(call.kernel)
        return Place(-1, self.refusals.ctypes.data + row * _ROW * 8)

    def refused(self) -> tuple[Kernel, tuple[int, ...]] | None:
        """Return the kernel inside that has refused a number, and what it told; forget it."""
        rows = np.flatnonzero(self.refusals[:, 0])
        if not len(rows):
            return None
        found = tuple(int(word) for word in self.refusals[rows[0]])
        self.refusals[:] = 0
        return self.refusing[int(rows[0])], found


# Stands for the row of a kernel that may refuse.
TELLS = Place(-2)


@cache
def _walker() -> Library:
    text = (Path(__file__).parent / "looping.ll").read_text()
    return session().text(text, ("wengert_loop",), optimise=True)


Placing = Callable[[Variable], Place]


def calls(kernels: Sequence[Kernel], place: Placing) -> list[Call]:
    """Return kernels with the places of their operands; those that do nothing are left out."""
    return [
        Call(kernel, tuple(
            TELLS if each.variable is REFUSAL else place(each.variable).further(each.offset)
            for each in kernel.operands
        ))
        for kernel in kernels if kernel.body.chunks > 0
    ]  # fmt: skip
