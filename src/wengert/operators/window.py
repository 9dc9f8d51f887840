"""Windows that slide over images: sizes, places and refusals that convolution and pooling share.

Images have the shape (batch, channels, height, width). A window of ``size`` cells, ``dilation``
apart, starts at ``−padding`` and moves by ``stride``; each of the four is (rows, columns).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from wengert.base.errors import ShapeError
from wengert.base.shapes import Shape

Pair = tuple[int, int]
Places = tuple[Any, slice, slice]


class Window(NamedTuple):
    """How a window lies on an image and moves over it, each number a pair (rows, columns)."""

    size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair = (1, 1)

    @property
    def reach(self) -> Pair:
        """How many rows and columns it spans."""
        (kh, kw), (dh, dw) = self.size, self.dilation
        return (kh - 1) * dh + 1, (kw - 1) * dw + 1

    def padded(self, image: Pair) -> Pair:
        """Return the size of an image with the padding around it."""
        return image[0] + 2 * self.padding[0], image[1] + 2 * self.padding[1]

    def places(self, image: Pair) -> Pair:
        """Return how many places the window has on an image, in rows and columns.

        >>> Window((3, 3), (2, 2), (1, 1)).places((7, 8))
        (4, 4)
        """
        pairs = zip(self.padded(image), self.reach, self.stride, strict=True)
        rows, columns = ((n - reach) // step + 1 for n, reach, step in pairs)
        return max(rows, 0), max(columns, 0)


def taps(window: Window, image: Pair) -> Iterator[tuple[Places, Places]]:
    """Yield for each cell of the window (its places in the result, the pixels it lies on).

    Places whose cell lies on padding are left out, and so is a cell that lies on padding always.
    """
    result = window.places(image)
    for i in range(window.size[0]):
        for j in range(window.size[1]):
            rows = _span(window, image, result, 0, i)
            columns = _span(window, image, result, 1, j)
            if rows is not None and columns is not None:
                yield (..., rows[0], columns[0]), (..., rows[1], columns[1])


def _span(
    window: Window, image: Pair, result: Pair, axis: int, cell: int
) -> tuple[slice, slice] | None:
    step = window.stride[axis]
    start = cell * window.dilation[axis] - window.padding[axis]
    first = max(0, -(start // step))
    last = min(result[axis] - 1, (image[axis] - 1 - start) // step)
    if first > last:
        return None
    return slice(first, last + 1), slice(first * step + start, last * step + start + 1, step)


def windows(padded: Any, window: Window) -> Any:
    """Return a writeable view of padded images in C order, each cell of the window apart.

    Its shape is (batch, channels, rows and columns of the window, rows and columns of places).

    >>> x = np.arange(12.0).reshape(1, 1, 3, 4)
    >>> windows(x, Window((2, 2), (1, 1), (0, 0)))[0, 0, 1, 1]
    array([[ 5.,  6.,  7.],
           [ 9., 10., 11.]])
    """
    places = window._replace(padding=(0, 0)).places(padded.shape[2:])
    shape = (*padded.shape[:2], *window.size, *places)
    near = padded.strides[2:]
    steps = [s * d for s, d in zip(near, window.dilation, strict=True)]
    moves = [s * n for s, n in zip(near, window.stride, strict=True)]
    strides = (*padded.strides[:2], *steps, *moves)
    return np.ndarray(shape, padded.dtype, padded, strides=strides)


def check_images(name: str, shape: Shape) -> None:
    """Refuse what is no stack of images.

    Raises:
        ShapeError: it does not have four axes.
    """
    if len(shape) == 4:
        return
    remedy = {2: "x[None, None] for one image of one channel", 3: "x[None] for one image, or "
              "x[:, None] for images of one channel"}.get(len(shape))  # fmt: skip
    raise ShapeError(
        f"{name} of an array with {len(shape)} {'axis' if len(shape) == 1 else 'axes'}",
        expected="images of shape (batch, channels, height, width)",
        got=f"an array of shape {shape}",
        remedy=remedy,
    )


def check_fit(name: str, window: Window, shape: Shape) -> Pair:
    """Return how many places a window has, refusing one that is larger than the padded image.

    Raises:
        ShapeError: there is no place for the window.
    """
    image = (shape[2], shape[3])
    found = window.places(image)
    if 0 in found:
        padded, reach = window.padded(image), window.reach
        apart = "" if window.dilation == (1, 1) else f" ({_by(window.size)} cells, dilated)"
        raise ShapeError(
            f"{name} has no place for a window of {_by(reach)} pixels{apart}",
            expected=f"images of at least {_by(reach)} pixels, padding included",
            got=f"images of {_by(image)}" + (f", {_by(padded)} padded" if padded != image else ""),
            remedy="a smaller window, more padding, or fewer layers that shrink the image",
        )
    return found


def check_same(name: str, what: str, got: Shape, expected: Shape) -> None:
    """Refuse an operand that does not have the shape that the others ask for.

    Raises:
        ShapeError: the shapes differ.
    """
    if got != expected:
        raise ShapeError(f"{name}: {what}", expected=f"shape {expected}", got=f"shape {got}")


def _by(pair: Pair) -> str:
    return f"{pair[0]} × {pair[1]}"
