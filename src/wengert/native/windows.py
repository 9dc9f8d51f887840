"""Convolution and pooling as steps over views: a window is axes of its own, nothing is copied out.

A view of padded images with the axes (…, places, cells of the window) has overlapping strides;
with it a convolution is a product like any other, and pooling a reduction. An adjoint gathers: each
pixel sums over the cells of the windows that it lies in, which are found at even distances in a
result spread out by the stride. So nothing is added to memory that another chunk adds to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from wengert.base.shapes import Shape
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.native.sliding import (
    Place,
    Work,
    lay_beside,
    pad,
    put,
    slide,
    split_axis,
    spread_out,
)
from wengert.native.steps import Lowered, View, dense
from wengert.operators.pooling import counts
from wengert.operators.window import Pair, Window

# -- Convolution ----------------------------------------------------------------------------------


def _window(work: Work, size: Sequence[int]) -> Window:
    given = work.given
    return Window((size[0], size[1]), given["stride"], given["padding"], given["dilation"])


def _conv2d(work: Work) -> View:
    x, w = work.operands
    window = _window(work, w.shape[2:])
    windows = lay_beside(work, pad(work, x, window.padding, 0), window)
    return _laid(work, w, windows, "gocij,ngcfij->ngof", "gocij,ngcpqij->ngopq")


def _conv2d_input(work: Work) -> View:
    g, w = work.operands
    spread = spread_out(work, g, _window(work, w.shape[2:]), work.given["image"], 0)
    return _laid(work, w, spread, "gocij,ngofij->ngcf", "gocij,ngopqij->ngcpq")


def _laid(work: Work, w: View, windows: View, joined: str, plain: str) -> View:
    """Multiply filters and windows; return the result, joined rows without what is between them."""
    groups, result = work.given["groups"], work.images
    filters, rows = split_axis(w, 0, groups), _joined(windows)
    if rows is None:
        work.product(plain, split_axis(result, 1, groups), filters, split_axis(windows, 1, groups))
        return result
    batch, channels, height, width = result.shape
    result = work.like((batch, channels, height, windows.strides[2]))
    target = split_axis(_row(result, rows.shape[2]), 1, groups)
    work.product(joined, target, filters, split_axis(rows, 1, groups))
    return View(result.variable, 0, result.strides, (batch, channels, height, width))


def _conv2d_weight(work: Work) -> View:
    (x, g), groups, result = work.operands, work.given["groups"], dense(work.output)
    window, target = _window(work, work.given["size"]), split_axis(result, 0, groups)
    windows = lay_beside(work, pad(work, x, window.padding, 0), window)
    rows = _joined(windows)
    if rows is None:
        operands = split_axis(work.turned(g), 1, groups), split_axis(windows, 1, groups)
        work.product("ngopq,ngcpqij->gocij", target, *operands)
        return result
    width = windows.strides[2]
    if g.shape[3] != width or g.strides[2:] != (width, 1):
        # Zeros stand between the rows of g, where windows lie across the edge.
        g = put(work, g, Place((g.shape[2], width), (0, 0), (1, 1), 0))
    operands = split_axis(_row(g, rows.shape[2]), 1, groups), split_axis(rows, 1, groups)
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


def _counts(work: Work, image: Pair) -> View:
    dtype = work.output.dtype
    found = counts(work.pool, image, work.given["count_include_pad"], dtype)
    return work.constant(found, dtype)


def _avg_pool2d(work: Work) -> View:
    (x,) = work.operands
    windows = slide(pad(work, x, work.pool.padding, 0), work.pool)
    total = work.combined("sum", work.like(work.output.shape), (windows,))
    return work.map("divide", work.images, total, _counts(work, (x.shape[2], x.shape[3])))


def _avg_pool2d_input(work: Work) -> View:
    (g,), image = work.operands, work.given["image"]
    share = work.made("divide", work.output.dtype, g, _counts(work, image))
    return work.combined("sum", work.images, (spread_out(work, share, work.pool, image, 0),))


def _max_pool2d(work: Work) -> View:
    (x,) = work.operands
    return _maxima(work, x, work.images)


def _maxima(work: Work, x: View, target: View) -> View:
    windows = slide(pad(work, x, work.pool.padding, -np.inf), work.pool)
    return work.combined("max", target, (windows,))


def _top_and_count(work: Work, x: View, places: Shape) -> tuple[View, View, View]:
    """Return the maxima, the windows that ties are sought in, and how many tie (at least 1)."""
    dtype = work.output.dtype
    top = _maxima(work, x, work.new(places, x.variable.dtype))
    # Padding is NaN here, so that it never ties, not even for −∞.
    windows = slide(pad(work, x, work.pool.padding, np.nan), work.pool)
    count = work.combined("sum", work.like(places), (windows, work.spanned(top)), work.ties)
    return top, windows, work.made("maximum", dtype, count, work.constant(1, dtype))


def _max_pool2d_input(work: Work) -> View:
    g, x = work.operands
    image, dtype = (x.shape[2], x.shape[3]), work.output.dtype
    top, _, count = _top_and_count(work, x, g.shape)
    share = work.made("divide", dtype, g, count)
    tops = spread_out(work, top, work.pool, image, np.nan)
    shares = spread_out(work, share, work.pool, image, 0)

    def part(x: View, top: View, share: View) -> View:
        return work.made("multiply_or_zero", dtype, work.ties(x, top), share)

    return work.combined("sum", work.images, (work.spanned(x), tops, shares), part)


def _max_pool2d_pick(work: Work) -> View:
    v, x = work.operands
    dtype = work.output.dtype
    top, windows, count = _top_and_count(work, x, work.output.shape)
    values = slide(pad(work, v, work.pool.padding, 0), work.pool)

    def part(x: View, top: View, value: View) -> View:
        return work.made("multiply_or_zero", dtype, work.ties(x, top), value)

    views = (windows, work.spanned(top), values)
    total = work.combined("sum", work.like(work.output.shape), views, part)
    return work.map("divide", work.images, total, count)


_LOWERED: Mapping[str, Callable[[Work], View]] = {
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
    operation: Operation, operands: tuple[View, ...], images: Collection[Variable] = ()
) -> Lowered | None:
    """Return a convolution or pooling as steps over views, None for any other operator.

    ``images`` are stored with the batch innermost.
    """
    lowered = _LOWERED.get(operation.operator)
    if lowered is None:
        return None
    by_batch = any(v in images for v in (operation.output, *operation.inputs))
    work = Work(operation, operands, [], {}, by_batch)
    result = lowered(work)
    return Lowered(result, work.steps, work.constants)
