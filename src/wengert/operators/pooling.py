"""Pooling of images: the mean or the maximum of each window, and what their gradients need.

Elements that tie for the maximum of a window share its gradient equally, as with ``max``. A cell
on padding never is the maximum; whether it counts in a mean is ``count_include_pad``.
"""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError
from wengert.base.shapes import Shape
from wengert.operators.activation import floating
from wengert.operators.broadcasting import nbytes
from wengert.operators.dispatch import recordable
from wengert.operators.record import Cost, Operator, Type
from wengert.operators.samples import Case, Draw, cases, distinct, real
from wengert.operators.window import Pair, Window, check_fit, check_images, check_same, taps

# -- Types --------------------------------------------------------------------------------------


def _window(given: dict[str, Any]) -> Window:
    return Window(given["window"], given["stride"], given["padding"])


def _image(x: Any) -> Pair:
    return (x.shape[2], x.shape[3])


def _pool_type(name: str, x: Type, given: dict[str, Any]) -> Type:
    floating(name, x)
    check_images(name, x.shape)
    window = _window(given)
    if any(p >= k for p, k in zip(window.padding, window.size, strict=True)):
        raise ShapeError(
            f"{name} with windows that lie on padding alone",
            expected=f"padding less than the window {window.size}",
            got=f"padding {window.padding}",
        )
    return Type((*x.shape[:2], *check_fit(name, window, x.shape)), x.dtype)


def _back_type(name: str, g: Type, image: Pair, given: dict[str, Any]) -> Type:
    check_images(name, g.shape)
    x = Type((*g.shape[:2], *image), g.dtype)
    wanted = _pool_type(name, x, given).shape
    check_same(name, "what is laid back on the images", g.shape, wanted)
    return x


def _scatter_result(g: Type, x: Type, **given: Any) -> Type:
    check_images("max_pool2d_input", x.shape)
    found = _back_type("max_pool2d_input", g, _image(x), given)
    check_same("max_pool2d_input", "the images", x.shape, found.shape)
    return found


def _gather_result(v: Type, x: Type, **given: Any) -> Type:
    check_same("max_pool2d_pick", "what is picked from", v.shape, x.shape)
    return _pool_type("max_pool2d_pick", v, given)


# -- Means --------------------------------------------------------------------------------------


def counts(window: Window, image: Pair, count_include_pad: bool, dtype: Any) -> Any:
    """Return how many cells each mean is of: one number for all, or one for each place."""
    if count_include_pad or window.padding == (0, 0):
        return np.asarray(prod(window.size), dtype)
    found = np.zeros(window.places(image), dtype)
    for there, _ in taps(window, image):
        found[there] += 1
    return found


def _avg_pool2d(x: Any, *, count_include_pad: bool, **given: Any) -> Any:
    x = np.asarray(x)
    window, image = _window(given), _image(x)
    out = np.zeros((*x.shape[:2], *window.places(image)), x.dtype)
    for there, here in taps(window, image):
        out[there] += x[here]
    return np.divide(out, counts(window, image, count_include_pad, x.dtype), out=out)


def _avg_pool2d_input(g: Any, *, image: Pair, count_include_pad: bool, **given: Any) -> Any:
    g, window = np.asarray(g), _window(given)
    share = np.empty(g.shape, g.dtype)
    np.divide(g, counts(window, image, count_include_pad, g.dtype), out=share)
    out = np.zeros((*g.shape[:2], *image), g.dtype)
    for there, here in taps(window, image):
        out[here] += share[there]
    return out


def _count_bytes(window: Window, image: Pair, include: bool, x: Type) -> int:
    plain = include or window.padding == (0, 0)
    return (1 if plain else prod(window.places(image))) * x.dtype.itemsize


def _avg_bytes(x: Type, *, count_include_pad: bool, **given: Any) -> int:
    return _count_bytes(_window(given), _image(x), count_include_pad, x)


def _avg_input_bytes(g: Type, *, image: Pair, count_include_pad: bool, **given: Any) -> int:
    return nbytes(g) + _count_bytes(_window(given), image, count_include_pad, g)


# -- Maxima -------------------------------------------------------------------------------------


def _max_pool2d(x: Any, **given: Any) -> Any:
    x = np.asarray(x)
    window, image = _window(given), _image(x)
    out = np.full((*x.shape[:2], *window.places(image)), -np.inf, x.dtype)
    for there, here in taps(window, image):
        np.maximum(out[there], x[here], out=out[there])
    return out


def _ties(x: Any, top: Any, given: dict[str, Any], dtype: Any) -> tuple[Any, Any]:
    """Return (how many elements tie for each maximum, room to mark them, cell by cell)."""
    count, marks = np.zeros(top.shape, dtype), np.empty(top.shape, bool)
    for there, here in taps(_window(given), _image(x)):
        np.equal(x[here], top[there], out=marks[there])
        np.add(count[there], marks[there], out=count[there])
    # A window that holds NaN has no maximum: nothing ties, and its count divides nothing.
    return np.maximum(count, 1, out=count), marks


def _max_pool2d_input(g: Any, x: Any, **given: Any) -> Any:
    g, x = np.asarray(g), np.asarray(x)
    top = _max_pool2d(x, **given)
    share, marks = _ties(x, top, given, g.dtype)
    np.divide(g, share, out=share)
    # Times 0 or 1 is ten times as fast as a choice, and the same but for 0 · ∞.
    finite = bool(np.isfinite(share, out=marks).all())
    part, out = np.empty_like(share), np.zeros(x.shape, g.dtype)
    for there, here in taps(_window(given), _image(x)):
        np.equal(x[here], top[there], out=marks[there])
        if finite:
            np.multiply(share[there], marks[there], out=part[there])
            np.add(out[here], part[there], out=out[here])
        else:
            np.add(out[here], share[there], out=out[here], where=marks[there])
    return out


def _max_pool2d_pick(v: Any, x: Any, **given: Any) -> Any:
    v, x = np.asarray(v), np.asarray(x)
    top = _max_pool2d(x, **given)
    count, marks = _ties(x, top, given, v.dtype)
    out = np.zeros(top.shape, v.dtype)
    for there, here in taps(_window(given), _image(x)):
        np.equal(x[here], top[there], out=marks[there])
        np.add(out[there], v[here], out=out[there], where=marks[there])
    return np.divide(out, count, out=out)


def _tie_bytes(small: Type, x: Type) -> int:
    """Return the bytes of the maxima, of their counts and of the marks."""
    return prod(small.shape) * (x.dtype.itemsize + small.dtype.itemsize + 1)


def _scatter_bytes(g: Type, x: Type, **_: Any) -> int:
    return _tie_bytes(g, x) + nbytes(g)


avg_pool2d = recordable("avg_pool2d", _avg_pool2d)
avg_pool2d_input = recordable("avg_pool2d_input", _avg_pool2d_input)
max_pool2d_input = recordable("max_pool2d_input", _max_pool2d_input)
max_pool2d_pick = recordable("max_pool2d_pick", _max_pool2d_pick)

# -- Records ------------------------------------------------------------------------------------

# (x, window, stride, padding)
_SHAPES: tuple[tuple[Shape, Pair, Pair, Pair], ...] = (
    ((2, 1, 4, 6), (2, 2), (2, 2), (0, 0)),
    ((1, 2, 5, 5), (3, 2), (2, 1), (1, 0)),
    ((1, 2, 5, 7), (3, 3), (2, 2), (1, 1)),
    ((2, 2, 3, 3), (1, 1), (1, 1), (0, 0)),
    ((1, 1, 7, 5), (2, 3), (3, 3), (1, 2)),
    ((1, 3, 4, 4), (4, 4), (1, 1), (0, 0)),
    ((0, 2, 4, 4), (2, 2), (2, 2), (0, 0)),
)


def _pool_cases(draw: Draw, rng: np.random.Generator) -> list[Case]:
    return [
        ((draw(rng, x),), {"window": window, "stride": stride, "padding": padding})
        for x, window, stride, padding in _SHAPES
    ]


def _avg_cases(rng: np.random.Generator) -> list[Case]:
    return [
        (operands, {**given, "count_include_pad": include})
        for operands, given in _pool_cases(real(-2, 2), rng)
        for include in (True, False)
        if include or given["padding"] != (0, 0)
    ]


def _smaller(rng: np.random.Generator, x: Any, given: dict[str, Any]) -> Any:
    return real(-2, 2)(rng, (*x.shape[:2], *_window(given).places(_image(x))))


def _avg_input_cases(rng: np.random.Generator) -> list[Case]:
    return [
        ((_smaller(rng, x, given),), {"image": _image(x), **given})
        for (x,), given in _avg_cases(rng)
    ]


def _max_cases(rng: np.random.Generator) -> list[Case]:
    return _pool_cases(distinct, rng)


def _scatter_cases(rng: np.random.Generator) -> list[Case]:
    return [((_smaller(rng, x, given), x), given) for (x,), given in _max_cases(rng)]


def _gather_cases(rng: np.random.Generator) -> list[Case]:
    return [((real(-2, 2)(rng, x.shape), x), given) for (x,), given in _max_cases(rng)]


def _cells(size: Shape, given: dict[str, Any]) -> int:
    return prod(size) * prod(given["window"])


POOLING: tuple[Operator, ...] = (
    Operator(
        "avg_pool2d", "index", _avg_pool2d, lambda x, **given: _pool_type("avg_pool2d", x, given),
        (lambda g, y, x, **given: avg_pool2d_input(g, image=_image(x), **given),),
        latex=r"\operatorname{{avgpool}}({x})", symbol="avg",
        cost=Cost(flops=1, passes=lambda x, **given: _cells(
            _pool_type("avg_pool2d", x, given).shape, given)),
        samples=cases(_avg_cases, analytic=True), linear_in=(0,), workspace=_avg_bytes,
    ),
    Operator(
        "avg_pool2d_input", "index", _avg_pool2d_input,
        lambda g, image, **given: _back_type("avg_pool2d_input", g, image, given),
        (lambda g, y, a, image, **given: avg_pool2d(g, **given),),
        latex=r"\operatorname{{avgpool}}^\top({x})", symbol="avg⊤",
        cost=Cost(flops=1, passes=lambda g, **given: _cells(g.shape, given)),
        samples=cases(_avg_input_cases, analytic=True), linear_in=(0,),
        workspace=_avg_input_bytes,
    ),
    Operator(
        "max_pool2d", "index", _max_pool2d, lambda x, **given: _pool_type("max_pool2d", x, given),
        (lambda g, y, x, **given: max_pool2d_input(g, x, **given),),
        latex=r"\operatorname{{maxpool}}({x})", symbol="max",
        cost=Cost(flops=1, passes=lambda x, **given: _cells(
            _pool_type("max_pool2d", x, given).shape, given)),
        samples=cases(_max_cases), saves=("x0",),
    ),
    Operator(
        "max_pool2d_input", "index", _max_pool2d_input, _scatter_result,
        (lambda g, y, a, x, **given: max_pool2d_pick(g, x, **given), None),
        latex=r"\operatorname{{maxpool}}'({x1})^\top {x0}", symbol="max⊤",
        cost=Cost(flops=4, passes=lambda g, x, **given: _cells(g.shape, given)),
        samples=cases(_scatter_cases, analytic=True), saves=("x1",), linear_in=(0,),
        workspace=_scatter_bytes,
    ),
    Operator(
        "max_pool2d_pick", "index", _max_pool2d_pick, _gather_result,
        (lambda g, y, v, x, **given: max_pool2d_input(g, x, **given), None),
        latex=r"\operatorname{{maxpool}}'({x1}) {x0}", symbol="[max]",
        cost=Cost(flops=4, passes=lambda v, x, **given: _cells(
            _gather_result(v, x, **given).shape, given)),
        samples=cases(_gather_cases, analytic=True), saves=("x1",), linear_in=(0,),
        workspace=lambda v, x, **given: _tie_bytes(_gather_result(v, x, **given), x),
    ),
)  # fmt: skip
