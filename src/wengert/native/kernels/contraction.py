"""Products of two operands as a set of axes: matmul and einsum write the same thing down.

C[…] = Σ A[…] B[…]: each axis has a size and a stride in A, B and C, in elements; a stride of 0
says that the operand does not have the axis. Views (transposed, broadcast, diagonal) differ in
their strides only, so none of them is a case of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from wengert.base.dtypes import Dtype
from wengert.base.shapes import Shape


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its size and its stride in A, B and C (elements, 0 where it has none).

    ``extras`` are its strides in what else the product meets before it is stored.
    """

    size: int
    a: int
    b: int
    c: int
    extras: tuple[int, ...] = ()

    @property
    def kind(self) -> str:
        """What the axis does: k is summed, m is A's alone, n is B's alone, o is neither's."""
        if self.c == 0:
            return "k"
        return {(True, False): "m", (False, True): "n"}.get((self.a != 0, self.b != 0), "o")

    @property
    def swapped(self) -> Axis:
        """The axis with A and B exchanged."""
        return Axis(self.size, self.b, self.a, self.c, self.extras)


@dataclass(frozen=True, slots=True)
class Strided:
    """An array as kernels see it: sizes of the axes and strides in elements."""

    shape: Shape
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Contraction:
    """A product of two operands: its dtype and its axes, outermost first, none of size 1."""

    dtype: Dtype
    axes: tuple[Axis, ...]

    @property
    def flops(self) -> int:
        """Multiplications and additions."""
        return 2 * prod(axis.size for axis in self.axes)

    @property
    def is_empty(self) -> bool:
        """Whether the result has no elements."""
        return any(axis.size == 0 for axis in self.axes if axis.c)


def by_letters(
    dtype: Dtype,
    letters: tuple[str, str, str],
    operands: tuple[Strided, Strided, Strided],
    extras: tuple[Strided, ...] = (),
) -> Contraction:
    """Return the product whose axes are named by letters, one text an array (A, B, C).

    Extras broadcast against C as in NumPy.

    >>> import numpy as np
    >>> x, w, y = Strided((2, 3), (3, 1)), Strided((3, 4), (4, 1)), Strided((2, 4), (4, 1))
    >>> found = by_letters(np.dtype("float32"), ("mk", "kn", "mn"), (x, w, y))
    >>> [(axis.kind, axis.size, axis.a, axis.b, axis.c) for axis in found.axes]
    [('m', 2, 3, 0, 4), ('n', 4, 0, 1, 1), ('k', 3, 1, 4, 0)]
    """
    sizes: dict[str, int] = {}
    for text, operand in zip(letters[:2], operands, strict=False):
        for letter, n in zip(text, operand.shape, strict=True):
            sizes[letter] = n if sizes.get(letter, 1) == 1 else sizes[letter]
    strides = [_strides(text, each) for text, each in zip(letters, operands, strict=True)]
    order = [*letters[2], *(letter for letter in sizes if letter not in letters[2])]
    others = [_strides(letters[2][len(letters[2]) - len(e.shape) :], e) for e in extras]

    def axis(letter: str) -> Axis:
        a, b, c = (of.get(letter, 0) for of in strides)
        return Axis(sizes[letter], a, b, c, tuple(of.get(letter, 0) for of in others))

    axes = (axis(letter) for letter in order)
    return Contraction(dtype, tuple(axis for axis in axes if axis.size != 1))


def _strides(letters: str, operand: Strided) -> dict[str, int]:
    # A letter that stands twice walks a diagonal: its strides add up.
    found: dict[str, int] = {}
    for letter, n, stride in zip(letters, operand.shape, operand.strides, strict=True):
        found[letter] = found.get(letter, 0) + (0 if n == 1 else stride)
    return found


def merge(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """Join axes that one index walks as well: inner stride × inner size = outer stride, in all.

    >>> merge((Axis(2, 12, 0, 12), Axis(3, 4, 0, 4)))
    (Axis(size=6, a=4, b=0, c=4, extras=()),)
    """
    found = list(axes)
    for outer in axes:
        for inner in found:
            if inner is not outer and outer in found and _joins(outer, inner):
                at = found.index(inner)
                found[at] = Axis(outer.size * inner.size, inner.a, inner.b, inner.c, inner.extras)
                found.remove(outer)
                break
    return tuple(found)


def _joins(outer: Axis, inner: Axis) -> bool:
    pairs = zip(_all(outer), _all(inner), strict=True)
    return all(wide == narrow * inner.size for wide, narrow in pairs)


def _all(axis: Axis) -> tuple[int, ...]:
    return (axis.a, axis.b, axis.c, *axis.extras)
