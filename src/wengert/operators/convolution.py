"""Convolution of images, and the two adjoints that its gradients are made of.

All three belong to one sum, linear in each of x, w and g:

    T(x, w, g) = Σ x[n, c, s·p + d·i − pad, s·q + d·j − pad] · w[o, c, i, j] · g[n, o, p, q]

``conv2d`` is ∂T/∂g, ``conv2d_input`` is ∂T/∂x and ``conv2d_weight`` is ∂T/∂w, so the derivatives
of each are the other two, to any order. As in other frameworks this is a cross-correlation: the
window is not flipped. With groups, channel c meets only the filters o of its own group.
"""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.base.errors import ShapeError
from wengert.base.shapes import Shape
from wengert.operators.activation import floating
from wengert.operators.dispatch import recordable
from wengert.operators.record import Cost, Operator, Type
from wengert.operators.samples import Case, cases, real
from wengert.operators.window import Pair, Window, check_fit, check_images, check_same, windows

# The windows of as many images as fit into this are laid out at a time (of one at least).
_BLOCK = 1 << 20

# -- Types --------------------------------------------------------------------------------------


def _window(size: Shape, attributes: dict[str, Any]) -> Window:
    height, width = size[-2:]
    options = (attributes[name] for name in ("stride", "padding", "dilation"))
    return Window((height, width), *options)


def _check_filters(name: str, w: Type, channels: int, groups: int) -> None:
    floating(name, w)
    if len(w.shape) != 4:
        raise ShapeError(
            f"{name} with filters that have {len(w.shape)} axes",
            expected="filters of shape (filters, channels, height, width)",
            got=f"filters of shape {w.shape}",
        )
    if w.shape[0] % groups or channels % groups:
        raise ShapeError(
            f"{name} cannot split {channels} channels and {w.shape[0]} filters into {groups} "
            "groups",
            expected="numbers of channels and of filters that the groups divide",
            got=f"{channels} channels, {w.shape[0]} filters, groups={groups}",
        )
    if w.shape[1] * groups != channels:
        of_group = " of a group" if groups > 1 else ""
        raise ShapeError(
            f"{name} cannot lay filters of {w.shape[1]} channels on images of {channels}",
            expected=f"filters with one slice for each of the {channels // groups} "
            f"channels{of_group}",
            got=f"filters of shape {w.shape}",
            remedy=f"filters of shape ({w.shape[0]}, {channels // groups}, {w.shape[2]}, "
            f"{w.shape[3]})",
        )


def _conv_result(x: Type, w: Type, **attributes: Any) -> Type:
    floating("conv2d", x)
    check_images("conv2d", x.shape)
    _check_filters("conv2d", w, x.shape[1], attributes["groups"])
    places = check_fit("conv2d", _window(w.shape, attributes), x.shape)
    return Type((x.shape[0], w.shape[0], *places), np.result_type(x.dtype, w.dtype))


def _input_result(g: Type, w: Type, *, image: Pair, **attributes: Any) -> Type:
    check_images("conv2d_input", g.shape)
    x = Type((g.shape[0], w.shape[1] * attributes["groups"], *image), g.dtype)
    y = _conv_result(x, w, **attributes)
    check_same("conv2d_input", "what is laid back on the images", g.shape, y.shape)
    return Type(x.shape, y.dtype)


def _weight_result(x: Type, g: Type, *, size: Pair, **attributes: Any) -> Type:
    check_images("conv2d_weight", x.shape)
    check_images("conv2d_weight", g.shape)
    w = Type((g.shape[1], x.shape[1] // attributes["groups"], *size), g.dtype)
    y = _conv_result(x, w, **attributes)
    check_same("conv2d_weight", "what is laid back on the filters", g.shape, y.shape)
    return Type(w.shape, y.dtype)


# -- Meanings -----------------------------------------------------------------------------------


class _Layout:
    """Sizes of a convolution of x with w, and the blocks of images that are computed at a time."""

    def __init__(self, x: Shape, w: Shape, attributes: dict[str, Any]) -> None:
        self.window = _window(w, attributes)
        self.images, self.channels, height, width = x
        self.image: Pair = (height, width)
        self.padded: Shape = (self.channels, *self.window.padded(self.image))
        self.places = self.window.places(self.image)
        self.cells: Shape = (self.channels, *self.window.size, *self.places)
        self.groups: int = attributes["groups"]
        self.filters = w[0]
        # Filters, cells and places as the three sizes of one matrix product a group.
        self.rows = w[0] // self.groups
        self.depth = prod(w[1:])
        self.columns = prod(self.places)

    def block(self, dtype: Dtype) -> int:
        """Return how many images are laid out at a time."""
        each = prod(self.cells) * dtype.itemsize
        return max(1, min(self.images, _BLOCK // max(each, 1)))

    def blocks(self, dtype: Dtype) -> Iterator[slice]:
        """Yield the images, a block at a time."""
        step = self.block(dtype)
        for start in range(0, self.images, step):
            yield slice(start, min(start + step, self.images))

    def inside(self, padded: Any) -> Any:
        """Return the images without their padding."""
        top, left = self.window.padding
        height, width = self.image
        return padded[:, :, top : top + height, left : left + width]

    def laid_out(self, x: Any, dtype: Dtype) -> Iterator[tuple[slice, Any]]:
        """Yield blocks of images and their windows as columns: (images, groups, cells, places)."""
        step = self.block(dtype)
        padded = np.zeros((step, *self.padded), dtype)
        cells = np.empty((step, *self.cells), dtype)
        for block in self.blocks(dtype):
            count = block.stop - block.start
            self.inside(padded[:count])[...] = x[block]
            cells[:count] = windows(padded[:count], self.window)
            yield block, cells[:count].reshape(count, self.groups, self.depth, self.columns)

    def as_matrices(self, y: Any) -> Any:
        """Return results as matrices: (images, groups, filters, places)."""
        return y.reshape(y.shape[0], self.groups, self.rows, self.columns)


def _kernel(w: Any, layout: _Layout, dtype: Dtype) -> Any:
    return np.array(w, dtype, order="C").reshape(layout.groups, layout.rows, layout.depth)


def _conv2d(x: Any, w: Any, **attributes: Any) -> Any:
    x, w = np.asarray(x), np.asarray(w)
    layout, dtype = _Layout(x.shape, w.shape, attributes), np.result_type(x, w)
    kernel = _kernel(w, layout, dtype)
    out = np.empty((layout.images, layout.filters, *layout.places), dtype)
    for block, cells in layout.laid_out(x, dtype):
        np.matmul(kernel, cells, out=layout.as_matrices(out[block]))
    return out


def _conv2d_input(g: Any, w: Any, *, image: Pair, **attributes: Any) -> Any:
    g, w = np.asarray(g), np.asarray(w)
    x = (g.shape[0], w.shape[1] * attributes["groups"], *image)
    layout, dtype = _Layout(x, w.shape, attributes), np.result_type(g, w)
    back = np.swapaxes(_kernel(w, layout, dtype), 1, 2)
    step = layout.block(dtype)
    given = np.empty((step, *g.shape[1:]), dtype)
    cells = np.empty((step, *layout.cells), dtype)
    padded = np.empty((step, *layout.padded), dtype)
    out = np.empty(x, dtype)
    for block in layout.blocks(dtype):
        count = block.stop - block.start
        given[:count] = g[block]
        columns = cells[:count].reshape(count, layout.groups, layout.depth, layout.columns)
        np.matmul(back, layout.as_matrices(given[:count]), out=columns)
        padded[:count] = 0
        _add_cells(windows(padded[:count], layout.window), cells[:count])
        out[block] = layout.inside(padded[:count])
    return out


def _add_cells(there: Any, cells: Any) -> None:
    """Add cell after cell: those of neighbouring windows lie on one another."""
    for i in range(there.shape[2]):
        for j in range(there.shape[3]):
            place = there[:, :, i, j]
            np.add(place, cells[:, :, i, j], out=place)


def _conv2d_weight(x: Any, g: Any, *, size: Pair, **attributes: Any) -> Any:
    x, g = np.asarray(x), np.asarray(g)
    w = (g.shape[1], x.shape[1] // attributes["groups"], *size)
    layout, dtype = _Layout(x.shape, w, attributes), np.result_type(x, g)
    total = np.zeros((layout.groups, layout.rows, layout.depth), dtype)
    part = np.empty_like(total)
    given = np.empty((1, *g.shape[1:]), dtype)
    for block, cells in layout.laid_out(x, dtype):
        for image in range(block.start, block.stop):
            given[0] = g[image]
            across = np.swapaxes(cells[image - block.start], 1, 2)
            total += np.matmul(layout.as_matrices(given)[0], across, out=part)
    return total.reshape(w)


conv2d = recordable("conv2d", _conv2d)
conv2d_input = recordable("conv2d_input", _conv2d_input)
conv2d_weight = recordable("conv2d_weight", _conv2d_weight)

# -- Cost ---------------------------------------------------------------------------------------


def _products(layout: _Layout) -> int:
    return layout.images * layout.filters * layout.depth * layout.columns


def _conv_layout(x: Type, w: Type, **attributes: Any) -> _Layout:
    return _Layout(x.shape, w.shape, attributes)


def _input_layout(g: Type, w: Type, **attributes: Any) -> _Layout:
    return _Layout(_input_result(g, w, **attributes).shape, w.shape, attributes)


def _weight_layout(x: Type, g: Type, **attributes: Any) -> _Layout:
    return _Layout(x.shape, _weight_result(x, g, **attributes).shape, attributes)


def _block_bytes(layout: _Layout, dtype: Dtype) -> int:
    """Return the bytes of a block of padded images and their windows."""
    each = prod(layout.padded) + prod(layout.cells)
    return layout.block(dtype) * each * dtype.itemsize


def _conv_bytes(x: Type, w: Type, **attributes: Any) -> int:
    dtype = np.result_type(x.dtype, w.dtype)
    return _block_bytes(_conv_layout(x, w, **attributes), dtype) + prod(w.shape) * dtype.itemsize


def _input_bytes(g: Type, w: Type, **attributes: Any) -> int:
    layout, dtype = _input_layout(g, w, **attributes), np.result_type(g.dtype, w.dtype)
    given = layout.block(dtype) * prod(g.shape[1:])
    return _block_bytes(layout, dtype) + (prod(w.shape) + given) * dtype.itemsize


def _weight_bytes(x: Type, g: Type, **attributes: Any) -> int:
    layout, dtype = _weight_layout(x, g, **attributes), np.result_type(x.dtype, g.dtype)
    part = layout.filters * layout.depth
    return _block_bytes(layout, dtype) + (part + prod(g.shape[1:])) * dtype.itemsize


# -- Records ------------------------------------------------------------------------------------

_DRAW = real(-2, 2)
# (x, w, stride, padding, dilation, groups)
_SHAPES: tuple[tuple[Shape, Shape, Pair, Pair, Pair, int], ...] = (
    ((2, 1, 5, 4), (1, 1, 3, 3), (1, 1), (0, 0), (1, 1), 1),
    ((1, 2, 5, 7), (3, 2, 2, 3), (2, 2), (1, 1), (1, 1), 1),
    ((2, 2, 3, 3), (2, 2, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    ((1, 4, 5, 4), (2, 2, 3, 2), (2, 1), (1, 0), (1, 1), 2),
    ((1, 2, 7, 6), (2, 1, 3, 2), (1, 3), (2, 1), (2, 3), 2),
    ((2, 1, 4, 6), (2, 1, 2, 2), (3, 3), (0, 2), (1, 1), 1),
    ((0, 2, 4, 4), (1, 2, 2, 2), (1, 1), (0, 0), (1, 1), 1),
)  # fmt: skip


def _conv_cases(rng: np.random.Generator) -> list[Case]:
    return [
        ((_DRAW(rng, x), _DRAW(rng, w)),
         {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups})
        for x, w, stride, padding, dilation, groups in _SHAPES
    ]  # fmt: skip


def _result_of(rng: np.random.Generator, x: Any, w: Any, attributes: dict[str, Any]) -> Any:
    layout = _Layout(x.shape, w.shape, attributes)
    return _DRAW(rng, (layout.images, layout.filters, *layout.places))


def _input_cases(rng: np.random.Generator) -> list[Case]:
    return [
        ((_result_of(rng, x, w, given), w), {"image": x.shape[2:], **given})
        for (x, w), given in _conv_cases(rng)
    ]


def _weight_cases(rng: np.random.Generator) -> list[Case]:
    return [
        ((x, _result_of(rng, x, w, given)), {"size": w.shape[2:], **given})
        for (x, w), given in _conv_cases(rng)
    ]


def _image(x: Any) -> Pair:
    return (x.shape[2], x.shape[3])


CONVOLUTION: tuple[Operator, ...] = (
    Operator(
        "conv2d", "product", _conv2d, _conv_result,
        (
            lambda g, y, x, w, **given: conv2d_input(g, w, image=_image(x), **given),
            lambda g, y, x, w, **given: conv2d_weight(x, g, size=_image(w), **given),
        ),
        latex=r"{x0} \star {x1}", symbol="⋆",
        cost=Cost(flops=2, passes=lambda *xs, **given: _products(_conv_layout(*xs, **given))),
        samples=cases(_conv_cases, analytic=True), saves=("x0", "x1"), linear_in=(0, 1),
        workspace=_conv_bytes,
    ),
    Operator(
        "conv2d_input", "product", _conv2d_input, _input_result,
        (
            lambda g, y, a, w, image, **given: conv2d(g, w, **given),
            lambda g, y, a, w, image, **given: conv2d_weight(g, a, size=_image(w), **given),
        ),
        latex=r"K({x1})^\top {x0}", symbol="K⊤",
        cost=Cost(flops=2, passes=lambda *xs, **given: _products(_input_layout(*xs, **given))),
        samples=cases(_input_cases, analytic=True), saves=("x0", "x1"), linear_in=(0, 1),
        workspace=_input_bytes,
    ),
    Operator(
        "conv2d_weight", "product", _conv2d_weight, _weight_result,
        (
            lambda g, y, x, a, size, **given: conv2d_input(a, g, image=_image(x), **given),
            lambda g, y, x, a, size, **given: conv2d(x, g, **given),
        ),
        latex=r"{x0} \star {x1}", symbol="⋆",
        cost=Cost(flops=2, passes=lambda *xs, **given: _products(_weight_layout(*xs, **given))),
        samples=cases(_weight_cases, analytic=True), saves=("x0", "x1"), linear_in=(0, 1),
        workspace=_weight_bytes,
    ),
)  # fmt: skip
