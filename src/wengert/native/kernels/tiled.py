"""Products at machine speed: which ones tiles compute, and the body of their kernels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import prod

from wengert.base.dtypes import Dtype
from wengert.native.kernels.contraction import Axis, Contraction
from wengert.native.kernels.epilogue import Epilogue, plain
from wengert.native.kernels.products import define_product
from wengert.native.kernels.schedule import Schedule, schedule, with_room
from wengert.native.llvm import Module
from wengert.native.target import host

# A product walked by outer axes is worth tiles from so many operations a step on.
_LEAST = 128


@dataclass(frozen=True)
class Tiled:
    """The body of a kernel that computes a product by tiles.

    Its operands are A, B, C and the others of the epilogue.

    Attributes:
        schedule: how.
        epilogue: what happens to the product; None where it is stored.
        axes: of the product as they were before any were joined.
    """

    schedule: Schedule
    epilogue: Epilogue | None = None
    axes: tuple[Axis, ...] = ()

    @property
    def key(self) -> str:
        """All that the instructions depend on."""
        return repr((self.schedule, self._epilogue))

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return self.schedule.chunks

    @property
    def _epilogue(self) -> Epilogue:
        return self.epilogue or plain(self.schedule.dtype)

    def overwrites(self, old: Collection[int], new: Sequence[int]) -> bool:
        """Return whether each element of ``old`` is read only just before ``new`` is written there.

        Both are numbers of operands.
        """
        if self.epilogue is None or len(new) != 1 or not old or min(old) < 2:
            return False
        walks = [(axis.c, *axis.extras) for axis in self.axes if axis.c]
        return all(walk[n - 2] == walk[new[0] - 2] for walk in walks for n in old)

    def define(self, module: Module, name: str) -> None:
        """Add the function to a module."""
        define_product(module, name, self.schedule, self._epilogue)


def tiled(dtype: Dtype, axes: Sequence[Axis], epilogue: Epilogue | None = None) -> Tiled | None:
    """Return the body for axes, letters of C first; None where tiles do not pay.

    Empty results have no chunk to compute, and one number times another needs no tile: these are
    the caller's.
    """
    if dtype.kind != "f" or dtype.itemsize not in (4, 8):
        return None
    found = Contraction(dtype, tuple(axis for axis in axes if axis.size != 1))
    if found.is_empty or not found.axes:
        return None
    best = schedule(found, host())
    each = 2 * best.m.size * best.n.size * prod(axis.size for axis in best.k)
    if best.outer and each < _LEAST and best.k[-1].size:
        return None
    if epilogue is not None:
        best = with_room(best)
    return Tiled(best, epilogue, tuple(axes))
