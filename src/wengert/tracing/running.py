"""NumPy's running sums, differences and everything that slides along an axis, on tracers."""

# NumPy's signatures have no types for arrays that record.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError
from wengert.tracing import frames, ufuncs
from wengert.tracing.apply import apply
from wengert.tracing.arrays import array, at, floating, picked
from wengert.tracing.reductions import axes_of, cast
from wengert.tracing.value import described

_NO_VALUE: Any = np._NoValue  # type: ignore[attr-defined]


def _running(operator: str) -> Callable[..., Any]:
    def run(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
        if axis is None:
            return run(np.ravel(a), 0, dtype)
        (place,) = axes_of(a, axis)
        return cast(apply(operator, cast(a, dtype), axis=place), dtype)

    return run


cumsum, cumprod = _running("cumsum"), _running("cumprod")


def _cumulative(of: Callable[..., Any], start: int) -> Callable[..., Any]:
    def run(
        x: Any, /, *, axis: int | None = None, dtype: Any = None, out: None = None,
        include_initial: bool = False,
    ) -> Any:  # fmt: skip
        if axis is None and x.ndim > 1:
            raise ShapeError(
                f"a cumulative sum or product of {described(x)}",
                expected="axis=, where there are several",
                where=frames.caller(),
            )
        found = of(x, 0 if axis is None else axis, dtype)
        if not include_initial:
            return found
        (place,) = axes_of(x, 0 if axis is None else axis)
        shape = (*found.shape[:place], 1, *found.shape[place + 1 :])
        return np.concatenate([np.full(shape, start, found.dtype), found], axis=place)

    return run


def _of_present(of: Callable[..., Any], neutral: int) -> Callable[..., Any]:
    def run(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
        return of(np.where(np.isnan(a), np.asarray(neutral, a.dtype), a), axis, dtype)

    return run


# -- Differences ----------------------------------------------------------------------------------


def diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = _NO_VALUE, append: Any = _NO_VALUE
) -> Any:
    """np.diff"""
    found = array(a)
    (place,) = axes_of(found, axis)
    parts = [found if each is found else _end(each, found, place)
             for each in (prepend, found, append) if each is not _NO_VALUE]  # fmt: skip
    if len(parts) > 1:
        found = np.concatenate(parts, axis=place)
    for _ in range(n):
        later, earlier = found[at(place, slice(1, None))], found[at(place, slice(None, -1))]
        found = later != earlier if found.dtype.kind == "b" else later - earlier
    return found


def _end(value: Any, like: Any, place: int) -> Any:
    found = array(value)
    if found.ndim == 0:
        shape = (*like.shape[:place], 1, *like.shape[place + 1 :])
        return np.broadcast_to(found, shape)
    return found


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """np.ediff1d"""
    flat = np.ravel(ary)
    parts = [None if to_begin is None else np.ravel(array(to_begin)), flat[1:] - flat[:-1]]
    parts.append(None if to_end is None else np.ravel(array(to_end)))
    return np.concatenate([each for each in parts if each is not None])


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """np.gradient"""
    values = floating(f)
    axes = tuple(range(values.ndim)) if axis is None else (
        (axis,) if isinstance(axis, int) else tuple(axis))  # fmt: skip
    if len(varargs) not in (0, 1, len(axes)):
        ufuncs.refuse(
            f"np.gradient with {len(varargs)} spacings", "one spacing, or one for each axis"
        )
    spacings = varargs if len(varargs) == len(axes) else (varargs or (1.0,)) * len(axes)
    found = tuple(
        _gradient(values, axes_of(values, each)[0], spacing, edge_order)
        for each, spacing in zip(axes, spacings, strict=True)
    )
    return found[0] if len(found) == 1 else found


def _gradient(f: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    if f.shape[axis] < edge_order + 1:
        raise ShapeError(
            f"np.gradient of {described(f)} along axis {axis}",
            expected=f"{edge_order + 1} elements or more",
            where=frames.caller(),
        )

    def row(start: int | None, stop: int | None) -> Any:
        return f[at(axis, slice(start, stop))]

    head = row(0, 1), row(1, 2), row(2, 3)
    tail = row(-1, None), row(-2, -1), row(-3, -2)
    even = np.ndim(spacing) == 0
    steps = spacing if even else np.diff(array(spacing))
    first, last = (steps, steps) if even else (steps[0], steps[-1])
    if even:
        inner = (row(2, None) - row(None, -2)) / (2.0 * steps)
    else:
        shape = tuple(-1 if k == axis else 1 for k in range(f.ndim))
        sides = np.reshape(steps[:-1], shape), np.reshape(steps[1:], shape)
        inner = _uneven((row(None, -2), row(1, -1), row(2, None)), *sides)
    if edge_order == 1:
        ends = (head[1] - head[0]) / first, (tail[0] - tail[1]) / last
    elif even:
        a, b, c = -1.5 / steps, 2.0 / steps, -0.5 / steps
        start = a * head[0] + b * head[1] + c * head[2]
        ends = start, -c * tail[2] + -b * tail[1] + -a * tail[0]
    else:
        ends = _uneven_start(head, first, steps[1]), _uneven_stop(tail, steps[-2], last)
    return np.concatenate([ends[0], inner, ends[1]], axis=axis)


def _uneven(rows: tuple[Any, Any, Any], left: Any, right: Any) -> Any:
    """Return the slope in the middle of three rows, from the parabola through them."""
    below, here, above = rows
    return (
        -right / (left * (left + right)) * below
        + (right - left) / (left * right) * here
        + left / (right * (left + right)) * above
    )


def _uneven_start(rows: tuple[Any, Any, Any], p: Any, q: Any) -> Any:
    """Return the slope at the first of three rows, p and q apart."""
    first, second, third = rows
    return (
        -(2.0 * p + q) / (p * (p + q)) * first
        + (p + q) / (p * q) * second
        + -p / (q * (p + q)) * third
    )


def _uneven_stop(rows: tuple[Any, Any, Any], p: Any, q: Any) -> Any:
    """Return the slope at the last of three rows, given from behind."""
    last, before, third = rows
    return (
        q / (p * (p + q)) * third
        + -(q + p) / (p * q) * before
        + (2.0 * q + p) / (q * (p + q)) * last
    )


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """np.trapezoid"""
    values = array(y)
    (place,) = axes_of(values, axis)
    step = dx
    if x is not None:
        places = array(x)
        step = np.diff(places, axis=axis if places.ndim > 1 else -1)
        if places.ndim == 1:
            step = np.reshape(step, [-1 if k == place else 1 for k in range(values.ndim)])
    later, earlier = values[at(place, slice(1, None))], values[at(place, slice(None, -1))]
    return np.sum(step * (later + earlier) / 2.0, axis=place)


def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    """np.unwrap"""
    values = array(p)
    (place,) = axes_of(values, axis)
    steps = np.diff(values, axis=place)
    whole = steps.dtype.kind in "iu" and isinstance(period, int)
    high, odd = divmod(period, 2) if whole else (period / 2, 1)
    low = -high
    folded = np.mod(steps - low, period) + low
    if not whole or odd == 0:
        folded = np.where(np.logical_and(folded == low, steps > 0), high, folded)
    correction = folded - steps
    limit = max(period / 2 if discont is None else discont, period / 2)
    correction = np.where(np.abs(steps) < limit, 0, correction)
    moved = values[at(place, slice(1, None))] + np.cumsum(correction, axis=place)
    head = values[at(place, slice(0, 1))].astype(moved.dtype)
    return np.concatenate([head, moved], axis=place)


# -- Convolution and interpolation ----------------------------------------------------------------


def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """np.convolve"""
    left, right = np.atleast_1d(array(a)), np.atleast_1d(array(v))
    if left.shape[0] < right.shape[0]:
        left, right = right, left
    return _slid(left, np.flip(right), mode, "np.convolve")


def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """np.correlate"""
    left, right = np.atleast_1d(array(a)), np.atleast_1d(np.conj(array(v)))
    if left.shape[0] < right.shape[0]:
        found = _slid(right, left, mode, "np.correlate")
        return np.flip(found)
    return _slid(left, right, mode, "np.correlate")


def _slid(x: Any, w: Any, mode: str, what: str) -> Any:
    """Return the sums of w times each part of x that w covers, x being the longer one."""
    n, m = x.shape[0], w.shape[0]
    if m == 0 or mode not in ("full", "same", "valid"):
        raise ShapeError(
            f"{what} of {described(x)} and {described(w)} with mode={mode!r}",
            expected="elements in both, and the mode full, same or valid",
            where=frames.caller(),
        )
    dtype = np.result_type(x.dtype, w.dtype)
    before = {"full": m - 1, "same": m // 2, "valid": 0}[mode]
    after = {"full": m - 1, "same": m - 1 - m // 2, "valid": 0}[mode]
    wide = np.pad(cast(x, dtype), (before, after)) if before or after else cast(x, dtype)
    if dtype.kind == "f" and dtype.itemsize > 2:
        image, filters = wide[None, None, None, :], cast(w, dtype)[None, None, None, :]
        one = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
        return apply("conv2d", image, filters, **one)[0, 0, 0]
    places = np.arange(n + before + after - m + 1)[:, None] + np.arange(m)
    return np.matmul(wide[places], cast(w, dtype))


def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """np.interp; at a place of ``xp`` the slope is that of the piece on its right"""
    places, knots, values = floating(x), floating(xp), floating(fp)
    if knots.ndim != 1 or tuple(knots.shape) != tuple(values.shape) or knots.shape[0] == 0:
        raise ShapeError(
            "np.interp", expected="xp and fp of one axis and one length",
            got=f"{described(knots)}; {described(values)}", where=frames.caller(),
        )  # fmt: skip
    places, knots = cast(places, np.float64), cast(knots, np.float64)
    values = cast(values, np.complex128 if values.dtype.kind == "c" else np.float64)
    if period is not None:
        period = abs(period)
        places, knots = np.remainder(places, period), np.remainder(knots, period)
        order = np.argsort(knots)
        knots, values = picked(knots, order), picked(values, order)
        knots = np.concatenate([knots[-1:] - period, knots, knots[:1] + period])
        values = np.concatenate([values[-1:], values, values[:1]])
        left = right = None
    low = values[0] if left is None else left
    high = values[-1] if right is None else right
    if knots.shape[0] == 1:
        inner = np.broadcast_to(values[0], places.shape)
    else:
        j = np.clip(np.searchsorted(knots, places, side="right") - 1, 0, knots.shape[0] - 2)
        first, start = picked(knots, j), picked(values, j)
        slope = (picked(values, j + 1) - start) / (picked(knots, j + 1) - first)
        inner = np.where(places == knots[-1], values[-1], slope * (places - first) + start)
    found = np.where(places < knots[0], low, np.where(places > knots[-1], high, inner))
    return np.where(np.isnan(places), places, found)


DIFFERENTIABLE: dict[str, Callable[..., Any]] = {
    "cumsum": cumsum, "cumprod": cumprod, "cumulative_sum": _cumulative(cumsum, 0),
    "cumulative_prod": _cumulative(cumprod, 1), "nancumsum": _of_present(cumsum, 0),
    "nancumprod": _of_present(cumprod, 1), "diff": diff, "ediff1d": ediff1d,
    "gradient": gradient, "trapezoid": trapezoid, "unwrap": unwrap, "convolve": convolve,
    "correlate": correlate, "interp": interp,
}  # fmt: skip
CONSTANT: dict[str, Callable[..., Any]] = {}
