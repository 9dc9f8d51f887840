"""How the axes of one kernel lie along those of another: by the steps of an array both walk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wengert.native.kernels.nest import Strides


@dataclass(frozen=True, slots=True)
class Match:
    """For each axis the axis of the other kernel that it runs along, and how many steps of it."""

    axes: tuple[tuple[int, int], ...]

    def strides(self, other: Strides) -> Strides:
        """Return strides along the other kernel's axes as strides along these.

        >>> Match(((0, 256), (0, 1))).strides((4,))
        (1024, 4)
        """
        return tuple(other[axis] * steps if steps else 0 for axis, steps in self.axes)


def match(
    sizes: Sequence[int], strides: Sequence[int], other: Sequence[int], steps: Sequence[int]
) -> Match | None:
    """Return how axes of these sizes and strides lie along others, None where they do not.

    Both are the axes of one array, walked once and whole. An axis may be a part of another's (one
    axis of 200 704 holds those of 784 × 256), but not reach over several. Along an axis of stride 0
    the array is repeated.

    >>> match((784, 256), (256, 1), (200704,), (1,))
    Match(axes=((0, 256), (0, 1)))
    >>> match((4, 64), (1, 4), (256,), (1,)) == Match(((0, 1), (0, 4)))
    True
    >>> match((256,), (1,), (4, 64), (64, 1)) is None
    True
    >>> match((32, 10), (0, 1), (10,), (1,)).strides((4,))
    (0, 4)
    """
    total, whole = 1, 1
    found: list[tuple[int, int]] = []
    room = list(other)
    for n, stride in zip(sizes, strides, strict=True):
        if not stride:
            found.append((0, 0))
            continue
        axis = _along(n, stride, other, steps)
        if axis is None:
            return None
        room[axis] //= max(n, 1)
        found.append((axis, stride // steps[axis]))
        total *= n
    for n in other:
        whole *= n
    return Match(tuple(found)) if total == whole and all(n == 1 for n in room) else None


def _along(n: int, stride: int, other: Sequence[int], steps: Sequence[int]) -> int | None:
    fits = [
        axis
        for axis, (size, step) in enumerate(zip(other, steps, strict=True))
        if step > 0 and stride > 0 and stride % step == 0 and stride // step * n <= size
    ]
    return max(fits, key=lambda axis: steps[axis], default=None)
