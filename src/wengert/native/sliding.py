"""Windows as views: what the steps of convolution and pooling are built of.

A view of padded images with the axes (…, places, cells of the window) has overlapping strides, so
that nothing is copied out. Read backwards, results spread out by the stride say for each pixel what
stands at the places whose windows it lies in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.base.shapes import Shape
from wengert.graph.graph import Array
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.native.steps import Step, View, dense, innermost
from wengert.operators.window import Pair, Window

_CELLS = (4, 5)
# Windows of so few cells are combined one by one, so that the lanes run along the places.
_FEW = 16
_ONE_BY_ONE = {"sum": "add", "max": "maximum"}


@dataclass(frozen=True)
class Work:
    """One operation, the views of its operands, and where its steps and constants go.

    ``by_batch`` says that images are stored with the batch innermost.
    """

    operation: Operation
    operands: tuple[View, ...]
    steps: list[Step]
    constants: dict[Variable, Array]
    by_batch: bool = False

    @property
    def given(self) -> Mapping[str, Any]:
        """The operation's attributes."""
        return self.operation.attributes

    @property
    def output(self) -> Variable:
        """The operation's result."""
        return self.operation.output

    @property
    def pool(self) -> Window:
        """The window of a pooling operation."""
        return Window(self.given["window"], self.given["stride"], self.given["padding"])

    def new(self, shape: Shape, dtype: Dtype) -> View:
        """Return a new variable, images as the operation stores them."""
        return self.stored(Variable(shape, dtype, "intermediate"))

    def stored(self, variable: Variable) -> View:
        """Return all of a variable as the operation stores it."""
        by_batch = self.by_batch and len(variable.shape) == 4
        return innermost(variable) if by_batch else dense(variable)

    def turned(self, view: View) -> View:
        """Return images as the operation stores them: themselves, or copied."""
        is_there = not self.by_batch or view.strides[0] == 1
        return view if is_there else self.made("copy", view.variable.dtype, view)

    @property
    def images(self) -> View:
        """The result, where it is images."""
        return self.stored(self.output)

    def constant(self, value: Any, dtype: Dtype) -> View:
        """Return a new constant."""
        array = np.asarray(value, dtype)
        variable = Variable(array.shape, array.dtype, "constant")
        self.constants[variable] = array
        return dense(variable)

    def map(self, operator: str, target: View, *operands: View, **attributes: Any) -> View:
        """Compute element by element, the operands broadcast."""
        spread = tuple(view.broadcast(target.shape) for view in operands)
        self.steps.append(
            Step("map", self.operation, operator, target.shape, spread, target,
                 attributes=attributes)
        )  # fmt: skip
        return target

    def made(self, operator: str, into: Dtype, *operands: View, **attributes: Any) -> View:
        """Compute element by element into a new variable."""
        shape = np.broadcast_shapes(*(view.shape for view in operands))
        return self.map(operator, self.new(shape, into), *operands, **attributes)

    def combined(
        self, operator: str, target: View, views: tuple[View, ...], build: Build | None = None
    ) -> View:
        """Combine the cells of the windows, the last two axes, of what is built of views."""
        build = build or (lambda *views: views[0])
        if prod(views[0].shape[4:]) > _FEW:
            return self._reduced(operator, target, build(*views))
        cells = [
            tuple(cell_of(view, i, j) for view in views) for i, j in np.ndindex(views[0].shape[4:])
        ]
        found = build(*cells[0])
        if len(cells) == 1:
            return self.map("copy", target, found)
        for number, cell in enumerate(cells[1:], 2):
            there = self.new(target.shape, target.variable.dtype)
            into = target if number == len(cells) else there
            found = self.map(_ONE_BY_ONE[operator], into, found, build(*cell))
        return found

    def _reduced(self, operator: str, target: View, view: View) -> View:
        axes = tuple(k for k in _CELLS if view.shape[k] != 1)
        whole = View(target.variable, target.offset, (*target.strides, 0, 0), view.shape)
        self.steps.append(
            Step("reduce", self.operation, operator, view.shape, (view,), whole, axes)
        )
        return target

    def like(self, shape: Shape) -> View:
        """Return a new variable of the result's dtype."""
        return self.new(shape, self.output.dtype)

    def spanned(self, view: View) -> View:
        """Return places or pixels as something that is the same for every cell."""
        shape = (*view.shape, *self.pool.size)
        return View(view.variable, view.offset, (*view.strides, 0, 0), shape)

    def ties(self, first: View, second: View) -> View:
        """Return 1 where two are equal, 0 elsewhere."""
        equal = self.made("equal", np.dtype(bool), first, second)
        dtype = self.output.dtype
        return self.made("cast", dtype, equal, dtype=dtype.name)

    def product(self, subscripts: str, target: View, *operands: View) -> None:
        """Multiply and sum, a letter an axis as in einsum."""
        self.steps.append(
            Step("product", self.operation, "einsum", target.shape, operands, target,
                 attributes={"subscripts": subscripts})
        )  # fmt: skip


Build = Callable[..., View]


# -- Views ----------------------------------------------------------------------------------------


def pad(work: Work, view: View, padding: Pair, fill: float) -> View:
    """Return images with padding around them, the images themselves where there is none."""
    if padding == (0, 0):
        return work.turned(view)
    height, width = view.shape[2:]
    size = (height + 2 * padding[0], width + 2 * padding[1])
    return put(work, view, Place(size, padding, (1, 1), fill))


@dataclass(frozen=True)
class Place:
    """Where images are put: the size around them, their first pixel, how far pixels are apart."""

    size: Pair
    first: Pair
    apart: Pair
    fill: float


def put(work: Work, view: View, place: Place) -> View:
    """Return new images that hold a view, and elsewhere a number."""
    dtype = view.variable.dtype
    whole = work.new((*view.shape[:2], *place.size), dtype)
    work.map("copy", whole, work.constant(place.fill, dtype))
    n, c, rows, columns = whole.strides
    offset = place.first[0] * rows + place.first[1] * columns
    strides = (n, c, place.apart[0] * rows, place.apart[1] * columns)
    work.map("copy", View(whole.variable, offset, strides, view.shape), view)
    return whole


def slide(padded: View, window: Window) -> View:
    """Return the windows of padded images: (batch, channels, places, cells)."""
    places = window._replace(padding=(0, 0)).places((padded.shape[2], padded.shape[3]))
    n, c, rows, columns = padded.strides
    (sh, sw), (dh, dw) = window.stride, window.dilation
    strides = (n, c, sh * rows, sw * columns, dh * rows, dw * columns)
    return View(padded.variable, padded.offset, strides,
                (*padded.shape[:2], *places, *window.size))  # fmt: skip


def lay_beside(work: Work, padded: View, window: Window) -> View:
    """Return the windows of padded images with places of a row side by side in memory.

    Where the stride takes them apart, each column of the window is copied for all places.
    """
    windows = slide(padded, window)
    if windows.strides[3] == 1 or work.by_batch:
        return windows
    (n, c, row, _), (_, _, _, place, _, cell) = padded.strides, windows.strides
    (batch, channels, height, _), (_, _, _, places, _, cells) = padded.shape, windows.shape
    strides, shape = (n, c, row, cell, place), (batch, channels, height, cells, places)
    dtype = padded.variable.dtype
    copied = work.made("copy", dtype, View(padded.variable, padded.offset, strides, shape))
    n, c, row, cell, _ = copied.strides
    moved = (n, c, window.stride[0] * row, 1, window.dilation[0] * row, cell)
    return View(copied.variable, 0, moved, windows.shape)


def spread_out(work: Work, g: View, window: Window, image: Pair, fill: float) -> View:
    """Return for each pixel and each cell of the window what stands at the place of that window.

    The place p of a window whose cell i lies on pixel r is (r + padding − dilation · i) / stride:
    results spread out by the stride, ``fill`` between and around them, are read backwards.
    """
    reach, padding, stride = window.reach, window.padding, window.stride
    before = (max(0, reach[0] - 1 - padding[0]), max(0, reach[1] - 1 - padding[1]))
    height, width = (
        before[k] + max(image[k] + padding[k], (g.shape[2 + k] - 1) * stride[k] + 1)
        for k in range(2)
    )
    is_there = stride == (1, 1) and (height, width) == g.shape[2:]
    place = Place((height, width), before, stride, fill)
    whole = work.turned(g) if is_there else put(work, g, place)
    n, c, rows, columns = whole.strides
    offset = (padding[0] + before[0]) * rows + (padding[1] + before[1]) * columns
    strides = (n, c, rows, columns, -window.dilation[0] * rows, -window.dilation[1] * columns)
    shape = (*g.shape[:2], *image, *window.size)
    return View(whole.variable, whole.offset + offset, strides, shape)


def cell_of(view: View, i: int, j: int) -> View:
    """Return what one cell of the windows lies on, at every place."""
    offset = view.offset + i * view.strides[4] + j * view.strides[5]
    return View(view.variable, offset, view.strides[:4], view.shape[:4])


def split_axis(view: View, axis: int, parts: int) -> View:
    """Return a view with one axis cut into (parts, size / parts)."""
    n, stride = view.shape[axis] // parts, view.strides[axis]
    shape = (*view.shape[:axis], parts, n, *view.shape[axis + 1 :])
    strides = (*view.strides[:axis], n * stride, stride, *view.strides[axis + 1 :])
    return View(view.variable, view.offset, strides, shape)
