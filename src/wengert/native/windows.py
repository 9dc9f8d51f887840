"""Convolution and pooling as steps over views: a window is axes of its own, nothing is copied out.

A view of padded images with the axes (…, places, cells of the window) has overlapping strides;
with it a convolution is a product like any other, and pooling a reduction. An adjoint gathers: each
pixel sums over the cells of the windows that it lies in, which are found at even distances in a
result spread out by the stride. So nothing is added to memory that another chunk adds to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.base.shapes import Shape
from wengert.graph.graph import Array
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.native.steps import Step, View, dense
from wengert.operators.pooling import counts
from wengert.operators.window import Pair, Window

_CELLS = (4, 5)


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

    def reduced(self, operator: str, target: Variable, view: View) -> View:
        """Reduce the cells of the windows, the last two axes."""
        axes = tuple(k for k in _CELLS if view.shape[k] != 1)
        whole = View(target, 0, (*dense(target).strides, 0, 0), view.shape)
        if axes:
            self.steps.append(
                Step("reduce", self.operation, operator, view.shape, (view,), whole, axes)
            )
        else:
            self.map("copy", whole, view)
        return dense(target)

    def product(self, subscripts: str, target: View, *operands: View) -> None:
        self.steps.append(
            Step("product", self.operation, "einsum", target.shape, operands, target,
                 attributes={"subscripts": subscripts})
        )  # fmt: skip


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


def _conv2d(work: _Work) -> None:
    (x, w), groups = work.operands, work.given["groups"]
    window = _window(work, w.shape[2:])
    windows = _sliding(_padded(work, x, window.padding, 0), window)
    work.product(
        "gocij,ngcpqij->ngopq", _split(dense(work.output), 1, groups), _split(w, 0, groups),
        _split(windows, 1, groups),
    )  # fmt: skip


def _conv2d_input(work: _Work) -> None:
    (g, w), groups = work.operands, work.given["groups"]
    window = _window(work, w.shape[2:])
    spread = _spread(work, g, window, work.given["image"], 0)
    work.product(
        "gocij,ngortij->ngcrt", _split(dense(work.output), 1, groups), _split(w, 0, groups),
        _split(spread, 1, groups),
    )  # fmt: skip


def _conv2d_weight(work: _Work) -> None:
    (x, g), groups = work.operands, work.given["groups"]
    window = _window(work, work.given["size"])
    windows = _sliding(_padded(work, x, window.padding, 0), window)
    work.product(
        "ngopq,ngcpqij->gocij", _split(dense(work.output), 0, groups), _split(g, 1, groups),
        _split(windows, 1, groups),
    )  # fmt: skip


# -- Pooling --------------------------------------------------------------------------------------


def _counts(work: _Work, image: Pair) -> View:
    dtype = work.output.dtype
    found = counts(work.pool, image, work.given["count_include_pad"], dtype)
    return work.constant(found, dtype)


def _avg_pool2d(work: _Work) -> None:
    (x,) = work.operands
    windows = _sliding(_padded(work, x, work.pool.padding, 0), work.pool)
    total = work.reduced("sum", work.new(work.output.shape, work.output.dtype), windows)
    work.map("divide", dense(work.output), total, _counts(work, (x.shape[2], x.shape[3])))


def _avg_pool2d_input(work: _Work) -> None:
    (g,), image = work.operands, work.given["image"]
    share = work.made("divide", work.output.dtype, g, _counts(work, image))
    work.reduced("sum", work.output, _spread(work, share, work.pool, image, 0))


def _max_pool2d(work: _Work) -> None:
    (x,) = work.operands
    _maxima(work, x, work.output)


def _maxima(work: _Work, x: View, target: Variable) -> View:
    windows = _sliding(_padded(work, x, work.pool.padding, -np.inf), work.pool)
    return work.reduced("max", target, windows)


def _of_cells(view: View) -> View:
    """Return places or pixels as something that is the same for every cell."""
    return View(view.variable, view.offset, (*view.strides, 0, 0), (*view.shape, 1, 1))


def _ties(work: _Work, first: View, second: View, dtype: Dtype) -> View:
    equal = work.made("equal", np.dtype(bool), first, second)
    return work.made("cast", dtype, equal, dtype=dtype.name)


def _top_and_ties(work: _Work, x: View, places: Shape, dtype: Dtype) -> tuple[View, View, View]:
    """Return the maxima, which cells have them, and how many of each window (at least 1)."""
    top = _maxima(work, x, work.new(places, x.variable.dtype))
    # Padding is NaN here, so that it never ties, not even for −∞.
    windows = _sliding(_padded(work, x, work.pool.padding, np.nan), work.pool)
    ties = _ties(work, windows, _of_cells(top), dtype)
    count = work.reduced("sum", work.new(places, dtype), ties)
    return top, ties, work.made("maximum", dtype, count, work.constant(1, dtype))


def _max_pool2d_input(work: _Work) -> None:
    g, x = work.operands
    image, dtype = (x.shape[2], x.shape[3]), work.output.dtype
    top, _, count = _top_and_ties(work, x, g.shape, dtype)
    share = work.made("divide", dtype, g, count)
    tops = _spread(work, top, work.pool, image, np.nan)
    shares = _spread(work, share, work.pool, image, 0)
    ties = _ties(work, _of_cells(x), tops, dtype)
    work.reduced("sum", work.output, work.made("multiply_or_zero", dtype, ties, shares))


def _max_pool2d_pick(work: _Work) -> None:
    v, x = work.operands
    shape, dtype = work.output.shape, work.output.dtype
    _, ties, count = _top_and_ties(work, x, shape, dtype)
    windows = _sliding(_padded(work, v, work.pool.padding, 0), work.pool)
    picked = work.made("multiply_or_zero", dtype, ties, windows)
    total = work.reduced("sum", work.new(shape, dtype), picked)
    work.map("divide", dense(work.output), total, count)


_LOWERED: Mapping[str, Callable[[_Work], None]] = {
    "conv2d": _conv2d,
    "conv2d_input": _conv2d_input,
    "conv2d_weight": _conv2d_weight,
    "avg_pool2d": _avg_pool2d,
    "avg_pool2d_input": _avg_pool2d_input,
    "max_pool2d": _max_pool2d,
    "max_pool2d_input": _max_pool2d_input,
    "max_pool2d_pick": _max_pool2d_pick,
}


def lower_window(
    operation: Operation, operands: tuple[View, ...]
) -> tuple[list[Step], dict[Variable, Array]] | None:
    """Return the steps of a convolution or pooling and the constants that they read, else None."""
    lowered = _LOWERED.get(operation.operator)
    if lowered is None:
        return None
    work = _Work(operation, operands, [], {})
    lowered(work)
    return work.steps, work.constants
