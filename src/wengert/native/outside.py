"""Memory outside the arena: the caller's arrays, and the new ones that results are written into."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.base.shapes import Shape
from wengert.graph.graph import Array

# Memory fresh from the system is filled with zeros page by page, which takes longer than a kernel
# takes to write it. From this size on, what the caller has let go is used again.
LARGE = 2**16
_LINE = 64


def _reader() -> Callable[[Array], int]:
    """Return how to find out where an array begins.

    CPython keeps it behind an object's head. NumPy's own ways build an object at each call and
    take as long as a whole small program; they are the fallback where the head is another.
    """
    head = object.__basicsize__
    word = cast("Callable[[int], Any]", ctypes.c_uint64.from_address)
    probe: Array = np.empty(1, np.uint8)
    if ctypes.sizeof(ctypes.c_void_p) == 8 and word(id(probe) + head).value == probe.ctypes.data:
        return lambda array: word(id(array) + head).value
    return lambda array: array.ctypes.data


address_of = _reader()


class _Lease:
    """Owns the memory of one result: arrays over it hold it, and when the last goes it is idle."""

    __slots__ = ("__array_interface__", "_block", "_idle")

    def __init__(self, block: Array, kind: tuple[Shape, str], idle: list[Array]) -> None:
        shape, text = kind
        begin = address_of(block)
        self._block, self._idle = block, idle
        self.__array_interface__ = {
            "shape": shape, "typestr": text, "data": (begin + -begin % _LINE, False), "version": 3,
        }  # fmt: skip

    def __del__(self) -> None:
        # One is kept: ``y = f(x)`` again and again goes from the one to the other and back.
        if not self._idle:
            self._idle.append(self._block)


@dataclass(eq=False)
class Fresh:
    """Makes new arrays of one type; the memory of large ones is used again once nobody holds it."""

    shape: Shape
    dtype: Dtype
    _idle: list[Array] = field(default_factory=list[Array])

    def __post_init__(self) -> None:
        self._nbytes = int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize
        self._kind = self.shape, self.dtype.str

    def __call__(self) -> Array:
        """Return an array that nobody else holds; what it contains means nothing."""
        if self._nbytes < LARGE:
            return np.empty(self.shape, self.dtype)
        try:
            block = self._idle.pop()
        except IndexError:
            block = np.empty(self._nbytes + _LINE, np.uint8)
        return np.asarray(_Lease(block, self._kind, self._idle))
