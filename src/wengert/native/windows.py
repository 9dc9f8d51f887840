"""Convolution and pooling as steps over views: a window is axes of its own, nothing is copied out.

A view of padded images with the axes (…, places, cells of the window) has overlapping strides;
with it a convolution is a product like any other, and pooling a reduction. An adjoint gathers: each
pixel sums over the cells of the windows that it lies in, which are found at even distances in a
result spread out by the stride. So nothing is added to memory that another chunk adds to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.base.shapes import Shape
from wengert.graph.graph import Array
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.native.steps import Lowered, Step, View, dense
from wengert.operators.pooling import counts
from wengert.operators.window import Pair, Window

_CELLS = (4, 5)
# Windows of so few cells are combined one by one, so that the lanes run along the places.
_FEW = 16
_ONE_BY_ONE = {"sum": "add", "max": "maximum"}


@dataclass(frozen=True)
class _Work:
    """One operation, the views of its operands, and where its steps and constants go."""

    operation: Operation
    operands: tuple[View, ...]
    steps: list[Step]
    constants: dict[Variable, Array]

    @property
    def given(self) -> Mapping[str, Any]:
        return self.operation.attributes

    @property
    def output(self) -> Variable:
        return self.operation.output

    @property
    def pool(self) -> Window:
        return Window(self.given["window"], self.given["stride"], self.given["padding"])

    def new(self, shape: Shape, dtype: Dtype) -> Variable:
        return Variable(shape, dtype, "intermediate")

    def constant(self, value: Any, dtype: Dtype) -> View:
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
        return self.map(operator, dense(self.new(shape, into)), *operands, **attributes)

    def combined(
        self, operator: str, target: View, views: tuple[View, ...], build: Build | None = None
    ) -> View:
        """Combine the cells of the windows, the last two axes, of what is built of views."""
        build = build or (lambda *views: views[0])
        if prod(views[0].shape[4:]) > _FEW:
            return self._reduced(operator, target, build(*views))
        cells = [
            tuple(_cell(view, i, j) for view in views) for i, j in np.ndindex(views[0].shape[4:])
        ]
        found = build(*cells[0])
        if len(cells) == 1:
            return self.map("copy", target, found)
        for number, cell in enumerate(cells[1:], 2):
            there = dense(self.new(target.shape, target.variable.dtype))
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
        return dense(self.new(shape, self.output.dtype))

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
        self.steps.append(
            Step("product", self.operation, "einsum", target.shape, operands, target,
                 attributes={"subscripts": subscripts})
        )  # fmt: skip


Build = Callable[..., View]


# -- Views ----------------------------------------------------------------------------------------


def _padded(work: _Work, view: View, padding: Pair, fill: float) -> View:
    """Return images with padding around them, the images themselves where there is none."""
    if padding == (0, 0):
        return view
    height, width = view.shape[2:]
    size = (height + 2 * padding[0], width + 2 * padding[1])
    return _placed(work, view, _Place(size, padding, (1, 1), fill))


@dataclass(frozen=True)
class _Place:
    """Where images are put: the size around them, their first pixel, how far pixels are apart."""

    size: Pair
    first: Pair
    apart: Pair
    fill: float


def _placed(work: _Work, view: View, place: _Place) -> View:
    """Return new images that hold a view, and elsewhere a number."""
    dtype = view.variable.dtype
    whole = dense(work.new((*view.shape[:2], *place.size), dtype))
    work.map("copy", whole, work.constant(place.fill, dtype))
    n, c, rows, columns = whole.strides
    offset = place.first[0] * rows + place.first[1] * columns
    strides = (n, c, place.apart[0] * rows, place.apart[1] * columns)
    work.map("copy", View(whole.variable, offset, strides, view.shape), view)
    return whole


def _sliding(padded: View, window: Window) -> View:
    """Return the windows of padded images: (batch, channels, places, cells)."""
    places = window._replace(padding=(0, 0)).places((padded.shape[2], padded.shape[3]))
    n, c, rows, columns = padded.strides
    (sh, sw), (dh, dw) = window.stride, window.dilation
    strides = (n, c, sh * rows, sw * columns, dh * rows, dw * columns)
    return View(padded.variable, padded.offset, strides,
                (*padded.shape[:2], *places, *window.size))  # fmt: skip


def _beside(work: _Work, padded: View, window: Window) -> View:
    """Return the windows of padded images with places of a row side by side in memory.

    Where the stride takes them apart, each column of the window is copied for all places.
    """
    windows = _sliding(padded, window)
    if windows.strides[3] == 1:
        return windows
    (n, c, row, _), (_, _, _, place, _, cell) = padded.strides, windows.strides
    (batch, channels, height, _), (_, _, _, places, _, cells) = padded.shape, windows.shape
    strides, shape = (n, c, row, cell, place), (batch, channels, height, cells, places)
    dtype = padded.variable.dtype
    copied = work.made("copy", dtype, View(padded.variable, padded.offset, strides, shape))
    n, c, row, cell, _ = copied.strides
    moved = (n, c, window.stride[0] * row, 1, window.dilation[0] * row, cell)
    return View(copied.variable, 0, moved, windows.shape)


def _spread(work: _Work, g: View, window: Window, image: Pair, fill: float) -> View:
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
    place = _Place((height, width), before, stride, fill)
    whole = g if is_there else _placed(work, g, place)
    n, c, rows, columns = whole.strides
    offset = (padding[0] + before[0]) * rows + (padding[1] + before[1]) * columns
    strides = (n, c, rows, columns, -window.dilation[0] * rows, -window.dilation[1] * columns)
    shape = (*g.shape[:2], *image, *window.size)
    return View(whole.variable, whole.offset + offset, strides, shape)


def _cell(view: View, i: int, j: int) -> View:
    """Return what one cell of the windows lies on, at every place."""
    offset = view.offset + i * view.strides[4] + j * view.strides[5]
    return View(view.variable, offset, view.strides[:4], view.shape[:4])


def _split(view: View, axis: int, parts: int) -> View:
    """Return a view with one axis cut into (parts, size / parts)."""
    n, stride = view.shape[axis] // parts, view.strides[axis]
    shape = (*view.shape[:axis], parts, n, *view.shape[axis + 1 :])
    strides = (*view.strides[:axis], n * stride, stride, *view.strides[axis + 1 :])
    return View(view.variable, view.offset, strides, shape)


# -- Convolution ----------------------------------------------------------------------------------


def _window(work: _Work, size: Sequence[int]) -> Window:
    given = work.given
    return Window((size[0], size[1]), given["stride"], given["padding"], given["dilation"])


def _conv2d(work: _Work) -> View:
    x, w = work.operands
    window = _window(work, w.shape[2:])
    windows = _beside(work, _padded(work, x, window.padding, 0), window)
    return _laid(work, w, windows, "gocij,ngcfij->ngof", "gocij,ngcpqij->ngopq")


def _conv2d_input(work: _Work) -> View:
    g, w = work.operands
    spread = _spread(work, g, _window(work, w.shape[2:]), work.given["image"], 0)
    return _laid(work, w, spread, "gocij,ngofij->ngcf", "gocij,ngopqij->ngcpq")


def _laid(work: _Work, w: View, windows: View, joined: str, plain: str) -> View:
    """Multiply filters and windows; return the result, joined rows without what is between them."""
    groups, result = work.given["groups"], dense(work.output)
    filters, rows = _split(w, 0, groups), _joined(windows)
    if rows is None:
        work.product(plain, _split(result, 1, groups), filters, _split(windows, 1, groups))
        return result
    batch, channels, height, width = result.shape
    result = work.like((batch, channels, height, windows.strides[2]))
    target = _split(_row(result, rows.shape[2]), 1, groups)
    work.product(joined, target, filters, _split(rows, 1, groups))
    return View(result.variable, 0, result.strides, (batch, channels, height, width))


def _conv2d_weight(work: _Work) -> View:
    (x, g), groups, result = work.operands, work.given["groups"], dense(work.output)
    window, target = _window(work, work.given["size"]), _split(result, 0, groups)
    windows = _beside(work, _padded(work, x, window.padding, 0), window)
    rows = _joined(windows)
    if rows is None:
        operands = _split(g, 1, groups), _split(windows, 1, groups)
        work.product("ngopq,ngcpqij->gocij", target, *operands)
        return result
    width = windows.strides[2]
    if g.shape[3] != width or g.strides[2:] != (width, 1):
        # Zeros stand between the rows of g, where windows lie across the edge.
        g = _placed(work, g, _Place((g.shape[2], width), (0, 0), (1, 1), 0))
    operands = _split(_row(g, rows.shape[2]), 1, groups), _split(rows, 1, groups)
    work.product("ngof,ngcfij->gocij", target, *operands)
    return result


def _joined(windows: View) -> View | None:
    """Return windows with the places of all rows on one axis, None where that does not pay.

    Between the last place of a row and the first of the next lie windows across the edge, computed
    in vain: fewer than the lanes that are left empty at the end of every row.
    """
    (_, _, height, width), (_, _, row, column) = windows.shape[:4], windows.strides[:4]
    lanes = 64 // windows.variable.dtype.itemsize
    length = (height - 1) * row + width
    plain = height * -(-width // lanes)
    if column != 1 or row < width or height == 1 or -(-length // lanes) > 1.15 * plain:
        return None
    shape = (*windows.shape[:2], length, *windows.shape[4:])
    strides = (*windows.strides[:2], 1, *windows.strides[4:])
    return View(windows.variable, windows.offset, strides, shape)


def _row(images: View, length: int) -> View:
    """Return the first pixels of each image as one row."""
    strides = (*images.strides[:2], 1)
    return View(images.variable, images.offset, strides, (*images.shape[:2], length))


# -- Pooling --------------------------------------------------------------------------------------


def _counts(work: _Work, image: Pair) -> View:
    dtype = work.output.dtype
    found = counts(work.pool, image, work.given["count_include_pad"], dtype)
    return work.constant(found, dtype)


def _avg_pool2d(work: _Work) -> View:
    (x,) = work.operands
    windows = _sliding(_padded(work, x, work.pool.padding, 0), work.pool)
    total = work.combined("sum", work.like(work.output.shape), (windows,))
    return work.map("divide", dense(work.output), total, _counts(work, (x.shape[2], x.shape[3])))


def _avg_pool2d_input(work: _Work) -> View:
    (g,), image = work.operands, work.given["image"]
    share = work.made("divide", work.output.dtype, g, _counts(work, image))
    return work.combined("sum", dense(work.output), (_spread(work, share, work.pool, image, 0),))


def _max_pool2d(work: _Work) -> View:
    (x,) = work.operands
    return _maxima(work, x, dense(work.output))


def _maxima(work: _Work, x: View, target: View) -> View:
    windows = _sliding(_padded(work, x, work.pool.padding, -np.inf), work.pool)
    return work.combined("max", target, (windows,))


def _top_and_count(work: _Work, x: View, places: Shape) -> tuple[View, View, View]:
    """Return the maxima, the windows that ties are sought in, and how many tie (at least 1)."""
    dtype = work.output.dtype
    top = _maxima(work, x, dense(work.new(places, x.variable.dtype)))
    # Padding is NaN here, so that it never ties, not even for −∞.
    windows = _sliding(_padded(work, x, work.pool.padding, np.nan), work.pool)
    count = work.combined("sum", work.like(places), (windows, work.spanned(top)), work.ties)
    return top, windows, work.made("maximum", dtype, count, work.constant(1, dtype))


def _max_pool2d_input(work: _Work) -> View:
    g, x = work.operands
    image, dtype = (x.shape[2], x.shape[3]), work.output.dtype
    top, _, count = _top_and_count(work, x, g.shape)
    share = work.made("divide", dtype, g, count)
    tops = _spread(work, top, work.pool, image, np.nan)
    shares = _spread(work, share, work.pool, image, 0)

    def part(x: View, top: View, share: View) -> View:
        return work.made("multiply_or_zero", dtype, work.ties(x, top), share)

    return work.combined("sum", dense(work.output), (work.spanned(x), tops, shares), part)


def _max_pool2d_pick(work: _Work) -> View:
    v, x = work.operands
    dtype = work.output.dtype
    top, windows, count = _top_and_count(work, x, work.output.shape)
    values = _sliding(_padded(work, v, work.pool.padding, 0), work.pool)

    def part(x: View, top: View, value: View) -> View:
        return work.made("multiply_or_zero", dtype, work.ties(x, top), value)

    views = (windows, work.spanned(top), values)
    total = work.combined("sum", work.like(work.output.shape), views, part)
    return work.map("divide", dense(work.output), total, count)


_LOWERED: Mapping[str, Callable[[_Work], View]] = {
    "conv2d": _conv2d,
    "conv2d_input": _conv2d_input,
    "conv2d_weight": _conv2d_weight,
    "avg_pool2d": _avg_pool2d,
    "avg_pool2d_input": _avg_pool2d_input,
    "max_pool2d": _max_pool2d,
    "max_pool2d_input": _max_pool2d_input,
    "max_pool2d_pick": _max_pool2d_pick,
}


def lower_window(operation: Operation, operands: tuple[View, ...]) -> Lowered | None:
    """Return a convolution or pooling as steps over views, None for any other operator."""
    lowered = _LOWERED.get(operation.operator)
    if lowered is None:
        return None
    work = _Work(operation, operands, [], {})
    result = lowered(work)
    return Lowered(result, work.steps, work.constants)
