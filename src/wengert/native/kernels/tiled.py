"""Products at machine speed: which ones tiles compute, and the body of their kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from wengert.base.dtypes import Dtype
from wengert.native.kernels.contraction import Axis, Contraction
from wengert.native.kernels.products import define_product
from wengert.native.kernels.schedule import Schedule, schedule
from wengert.native.kernels.tile import Epilogue
from wengert.native.llvm import Module
from wengert.native.target import host

PLAIN = Epilogue()
# A product walked by outer axes is worth tiles from so many operations a step on.
_LEAST = 128


@dataclass(frozen=True)
class Tiled:
    """The body of a kernel that computes a product by tiles: operands A, B, C, extras."""

    schedule: Schedule
    epilogue: Epilogue = PLAIN

    @property
    def key(self) -> str:
        """All that the instructions depend on."""
        return repr((self.schedule, self.epilogue))

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return self.schedule.chunks

    def define(self, module: Module, name: str) -> None:
        """Add the function to a module."""
        define_product(module, name, self.schedule, self.epilogue)


def tiled(
    dtype: Dtype, axes: Sequence[tuple[int, int, int, int]], epilogue: Epilogue = PLAIN
) -> Tiled | None:
    """Return the body for axes (size, stride in A, B and C); None where tiles do not pay.

    Strides are in elements, 0 where an array does not have the axis. Empty results have no chunk
    to compute: they are the caller's.
    """
    if dtype.kind != "f" or dtype.itemsize not in (4, 8):
        return None
    found = Contraction(dtype, tuple(Axis(*each) for each in axes if each[0] != 1))
    if found.is_empty:
        return None
    best = schedule(found, host())
    each = 2 * best.m.size * best.n.size * prod(axis.size for axis in best.k)
    if best.outer and each < _LEAST and best.k[-1].size:
        return None
    return Tiled(best, epilogue)
