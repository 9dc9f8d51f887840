"""NumPy's averages, order statistics and what leaves NaN out, on tracers."""

# NumPy's signatures have no types for arrays that record.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.base import shapes
from wengert.base.errors import ShapeError
from wengert.tracing import frames, ufuncs
from wengert.tracing.arrays import array, floating, known
from wengert.tracing.reductions import axes_of, cast, root
from wengert.tracing.value import described

_NO_VALUE: Any = np._NoValue  # type: ignore[attr-defined]


def _keep(keepdims: Any) -> bool:
    return keepdims is not _NO_VALUE and bool(keepdims)


def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *,
    keepdims: Any = _NO_VALUE,
) -> Any:  # fmt: skip
    """np.average"""
    values, keep = array(a), _keep(keepdims)
    if weights is None:
        found = np.mean(values, axis=axis, keepdims=keep)
        total = np.asarray(values.size / max(found.size, 1), found.dtype)
        return (found, np.broadcast_to(total, found.shape)) if returned else found
    held = array(weights)
    dtype = np.result_type(floating(values).dtype, held.dtype)
    if tuple(held.shape) != tuple(values.shape):
        axes = axes_of(values, axis)
        if tuple(held.shape) != tuple(values.shape[k] for k in axes):
            raise ShapeError(
                "np.average", expected="weights of the shape of the averaged axes",
                got=f"{described(values)}; {described(held)}", where=frames.caller(),
            )  # fmt: skip
        held = np.reshape(held, [n if k in axes else 1 for k, n in enumerate(values.shape)])
        held = np.broadcast_to(held, values.shape)
    total = np.sum(held, axis=axis, dtype=dtype, keepdims=keep)
    found = np.sum(np.multiply(values, held, dtype=dtype), axis=axis, keepdims=keep) / total
    return (found, np.broadcast_to(total, found.shape)) if returned else found


def ptp(a: Any, axis: Any = None, out: None = None, keepdims: Any = False) -> Any:
    """np.ptp"""
    keep = _keep(keepdims)
    return np.max(a, axis=axis, keepdims=keep) - np.min(a, axis=axis, keepdims=keep)


# -- Leaving NaN out ------------------------------------------------------------------------------


def _present(a: Any, where: Any = True) -> Any:
    mask = np.logical_not(np.isnan(a))
    return mask if where is True or where is _NO_VALUE else np.logical_and(mask, where)


def _total(of: Callable[..., Any], neutral: float) -> Callable[..., Any]:
    def run(
        a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: Any = False,
        initial: Any = _NO_VALUE, where: Any = True,
    ) -> Any:  # fmt: skip
        filled = np.where(np.isnan(a), np.asarray(neutral, a.dtype), a)
        return of(
            filled, axis=axis, dtype=dtype, keepdims=_keep(keepdims), initial=initial, where=where
        )

    return run


nansum, nanprod = _total(np.sum, 0), _total(np.prod, 1)


def _extreme(of: Callable[..., Any], worst: float) -> Callable[..., Any]:
    def run(
        a: Any, axis: Any = None, out: None = None, keepdims: Any = False,
        initial: Any = _NO_VALUE, where: Any = True,
    ) -> Any:  # fmt: skip
        if a.dtype.kind not in "fc":
            return of(a, axis=axis, keepdims=_keep(keepdims), initial=initial, where=where)
        mask = _present(a, where)
        filled = np.where(mask, a, np.asarray(worst, a.dtype))
        found = of(filled, axis=axis, keepdims=_keep(keepdims), initial=initial)
        if initial is not _NO_VALUE:
            return found
        some = np.any(mask, axis=axis, keepdims=_keep(keepdims))
        return np.where(some, found, np.asarray(np.nan, a.dtype))

    return run


def _counted(a: Any, axis: Any, keepdims: Any, where: Any) -> Any:
    return np.sum(_present(a, where), axis=axis, keepdims=keepdims, dtype=np.intp)


def nanmean(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: Any = False, *,
    where: Any = True,
) -> Any:  # fmt: skip
    """np.nanmean"""
    keep = _keep(keepdims)
    if a.dtype.kind not in "fc":
        return np.mean(a, axis=axis, dtype=dtype, keepdims=keep, where=where)
    total = nansum(a, axis, dtype, None, keep, _NO_VALUE, where)
    return total / cast(_counted(a, axis, keep, where), total.dtype)


def nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: float = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = _NO_VALUE,
    correction: Any = _NO_VALUE,
) -> Any:  # fmt: skip
    """np.nanvar"""
    keep = _keep(keepdims)
    ddof = ddof if correction is _NO_VALUE else correction
    if a.dtype.kind not in "fc":
        return np.var(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keep)
    x = cast(a, dtype)
    middle = nanmean(x, axis, None, None, True, where=where) if mean is _NO_VALUE else mean
    apart = np.where(_present(x, where), x - middle, np.zeros((), x.dtype))
    total = np.sum(apart * apart, axis=axis, keepdims=keep)
    left = _counted(x, axis, keep, where) - ddof
    return total / np.where(left > 0, cast(left, total.dtype), np.asarray(np.nan, total.dtype))


def nanstd(a: Any, *args: Any, **options: Any) -> Any:
    """np.nanstd"""
    return root(nanvar(a, *args, **options))


def _place(of: Callable[..., Any], worst: float) -> Callable[..., Any]:
    def run(a: Any, axis: int | None = None, out: None = None, *, keepdims: Any = False) -> Any:
        filled = a
        if a.dtype.kind == "f":
            filled = np.where(np.isnan(a), np.asarray(worst, a.dtype), a)
        return of(filled, axis=axis, keepdims=_keep(keepdims))

    return run


# -- Order statistics -----------------------------------------------------------------------------


def _last(a: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """Return the array with the axes that are gone over flattened into the last one."""
    axes = axes_of(a, axis)
    kept = [k for k in range(a.ndim) if k not in axes]
    moved = np.transpose(a, [*kept, *axes])
    count = shapes.size(tuple(a.shape[k] for k in axes))
    return np.reshape(moved, (*(a.shape[k] for k in kept), count)), axes


def _shaped(found: Any, a: Any, axes: tuple[int, ...], keepdims: bool, ahead: int = 0) -> Any:
    if not keepdims:
        return found
    return np.expand_dims(found, tuple(ahead + k for k in axes))


def median(
    a: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    """np.median"""
    rows, axes = _last(floating(a), axis)
    ordered = np.sort(rows, axis=-1)
    n = rows.shape[-1]
    if n == 0:
        raise ShapeError(f"np.median of {described(a)}", expected="elements", where=frames.caller())
    middle = ordered[..., (n - 1) // 2 : n // 2 + 1]
    found = _unless_nan(ordered[..., -1], np.mean(middle, axis=-1))
    return _shaped(found, a, axes, _keep(keepdims))


def _unless_nan(greatest: Any, found: Any) -> Any:
    # NaN is sorted last, so the last element tells.
    return np.where(np.isnan(greatest), greatest, found)


def nanmedian(
    a: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    """np.nanmedian"""
    rows, axes = _last(floating(a), axis)
    ordered = np.sort(rows, axis=-1)
    count: Any = np.sum(_present(rows), axis=-1, keepdims=True, dtype=np.intp)
    # Where all are NaN both places are the first, and that is NaN.
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, -1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, rows.shape[-1] - 1), -1)
    both = np.mean(np.concatenate([low, high], axis=-1), axis=-1)
    found = np.where(count[..., 0] % 2 == 1, low[..., 0], both)
    return _shaped(found, a, axes, _keep(keepdims))


# α and β of the continuous methods: the place of q is n q + α + q (1 − α − β) − 1.
_CONTINUOUS = {
    "interpolated_inverted_cdf": (0.0, 1.0), "hazen": (0.5, 0.5), "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3), "normal_unbiased": (3 / 8, 3 / 8),
}  # fmt: skip
_DISCRETE = ("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "lower", "higher",
             "nearest", "midpoint")  # fmt: skip


def _virtual(method: str, n: Any, q: Any) -> Any:
    """Return the place of a quantile among n ordered numbers, as NumPy's method puts it."""
    match method:
        case "linear":
            return (n - 1) * q
        case "lower":
            return np.floor((n - 1) * q)
        case "higher":
            return np.ceil((n - 1) * q)
        case "midpoint":
            return 0.5 * (np.floor((n - 1) * q) + np.ceil((n - 1) * q))
        case "nearest":
            return np.rint((n - 1) * q)
        case "inverted_cdf" | "averaged_inverted_cdf":
            return n * q - 1
        case "closest_observation":
            return n * q - 1 - 0.5
        case _:
            alpha, beta = _CONTINUOUS[method]
            return n * q + (alpha + q * (1 - alpha - beta)) - 1


def _weight(method: str, place: Any, below: Any) -> Any:
    """Return how much of the upper neighbour is taken."""
    gamma = place - below
    match method:
        case "inverted_cdf":
            return np.where(gamma > 0, 1.0, 0.0)
        case "averaged_inverted_cdf":
            return np.where(gamma > 0, 1.0, 0.5)
        case "closest_observation":
            even = np.logical_and(gamma == 0, np.remainder(np.floor(place), 2) == 1)
            return np.where(even, 0.0, 1.0)
        case _:
            return gamma


def quantile(
    a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
    method: str = "linear", keepdims: Any = False, *, weights: Any = None,
    interpolation: Any = None,
) -> Any:  # fmt: skip
    """np.quantile"""
    return _quantile(a, q, axis, method, keepdims, weights, of_present=False)


def nanquantile(
    a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
    method: str = "linear", keepdims: Any = False, *, weights: Any = None,
    interpolation: Any = None,
) -> Any:  # fmt: skip
    """np.nanquantile"""
    return _quantile(a, q, axis, method, keepdims, weights, of_present=True)


def _quantile(
    a: Any, q: Any, axis: Any, method: str, keepdims: Any, weights: Any, *, of_present: bool
) -> Any:
    if weights is not None:
        ufuncs.refuse("np.quantile with weights=", "np.sort, np.cumsum of the weights, np.interp")
    if method not in _CONTINUOUS and method not in _DISCRETE and method != "linear":
        ufuncs.refuse(f"np.quantile with method={method!r}", "method='linear'")
    wanted = np.asarray(known(q, "the probability of a quantile"))
    if ((wanted < 0) | (wanted > 1)).any():
        raise ShapeError(
            "np.quantile", expected="probabilities of 0 … 1", got=str(q), where=frames.caller()
        )
    rows, axes = _last(floating(a), axis)
    n = rows.shape[-1]
    if n == 0:
        raise ShapeError(
            f"np.quantile of {described(a)}", expected="elements", where=frames.caller()
        )
    ordered = np.sort(rows, axis=-1)
    count = np.sum(_present(rows), axis=-1, dtype=np.intp) if of_present else n
    found = [_one_quantile(ordered, float(p), count, method) for p in wanted.ravel()]
    found = [each if of_present else _unless_nan(ordered[..., -1], each) for each in found]
    whole = np.reshape(np.stack(found), (*wanted.shape, *rows.shape[:-1]))
    return _shaped(whole, a, axes, _keep(keepdims), wanted.ndim)


def _one_quantile(ordered: Any, q: float, n: Any, method: str) -> Any:
    dtype = ordered.dtype
    place = _virtual(method, n, q)
    below = np.floor(place)
    top = n - 1
    gamma = _weight(method, place, below)
    low, high = np.clip(below, 0, top), np.clip(below + 1, 0, top)
    gamma = np.where(np.logical_or(place < 0, place >= top), 0.0, gamma)
    low = np.where(place >= top, top, low)
    if isinstance(n, int):
        first, second = ordered[..., int(low)], ordered[..., int(high)]
        gamma = np.asarray(gamma, dtype)
    else:
        places = (np.maximum(each, 0).astype(np.intp)[..., None] for each in (low, high))
        first, second = (np.take_along_axis(ordered, each, -1)[..., 0] for each in places)
        gamma = gamma.astype(dtype)
    step = second - first
    near = first + step * gamma
    far = second - step * (1 - gamma)
    return np.where(gamma >= 0.5, far, near)


def _percent(of: Callable[..., Any]) -> Callable[..., Any]:
    def run(a: Any, q: Any, *args: Any, **options: Any) -> Any:
        part = np.true_divide(known(q, "the percentage of a percentile"), 100)
        return of(a, part, *args, **options)

    return run


DIFFERENTIABLE: dict[str, Callable[..., Any]] = {
    "average": average, "ptp": ptp, "nansum": nansum, "nanprod": nanprod,
    "nanmax": _extreme(np.max, -np.inf), "nanmin": _extreme(np.min, np.inf),
    "nanmean": nanmean, "nanvar": nanvar, "nanstd": nanstd, "median": median,
    "nanmedian": nanmedian, "quantile": quantile, "nanquantile": nanquantile,
    "percentile": _percent(quantile), "nanpercentile": _percent(nanquantile),
}  # fmt: skip
CONSTANT: dict[str, Callable[..., Any]] = {
    "nanargmax": _place(np.argmax, -np.inf), "nanargmin": _place(np.argmin, np.inf),
}  # fmt: skip
