"""NumPy's functions that put in order and count, on tracers."""

# NumPy's signatures have no types for arrays that record.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError, TraceError
from wengert.tracing import frames
from wengert.tracing.apply import apply
from wengert.tracing.arrays import array, at, floating, holds_tracer, known, picked
from wengert.tracing.reductions import axes_of, cast
from wengert.tracing.value import described


def _along(a: Any, axis: int | None) -> tuple[Any, int]:
    found = np.ravel(a) if axis is None else a
    return found, axes_of(found, 0 if axis is None else axis)[0]


def argsort(
    a: Any, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: Any = None
) -> Any:
    """np.argsort; of equals the first comes first"""
    found, place = _along(a, axis)
    return apply("argsort", found, axis=place)


def sort(
    a: Any, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: Any = None
) -> Any:
    """np.sort; each element takes the gradient of the place that it comes to"""
    found, place = _along(a, axis)
    return np.take_along_axis(found, apply("argsort", found, axis=place), place)


def sort_complex(a: Any) -> Any:
    """np.sort_complex"""
    return sort(a).astype(np.promote_types(a.dtype, np.complex64))


def argpartition(
    a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: None = None
) -> Any:
    """np.argpartition"""
    found, place = _along(a, axis)
    n = found.shape[place]
    places = [int(k) for k in np.ravel(known(kth, "the places of np.partition"))]
    if any(not -n <= k < n for k in places):
        raise ShapeError(
            f"np.partition of {described(found)} at {kth}",
            expected=f"places of {-n} … {n - 1}",
            where=frames.caller(),
        )
    return apply("argpartition", found, kth=tuple(k % n for k in places), axis=place)


def partition(
    a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: None = None
) -> Any:
    """np.partition"""
    found, place = _along(a, axis)
    return np.take_along_axis(found, argpartition(found, kth, place), place)


def lexsort(keys: Any, axis: int = -1) -> Any:
    """np.lexsort"""
    rows = [array(key) for key in keys]
    (place,) = axes_of(rows[0], axis)
    order: Any = None
    for row in rows:
        if order is None:
            order = np.argsort(row, axis=place, kind="stable")
            continue
        moved = np.take_along_axis(row, order, place)
        order = np.take_along_axis(order, np.argsort(moved, axis=place, kind="stable"), place)
    return order


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """np.searchsorted"""
    knots = array(a) if sorter is None else picked(array(a), sorter)
    values = array(v)
    if knots.ndim != 1:
        raise ShapeError(
            f"np.searchsorted in {described(knots)}", expected="one axis", where=frames.caller()
        )
    if not holds_tracer((knots, values)):
        return np.searchsorted(knots, values, side=side)  # type: ignore[call-overload]
    dtype = np.result_type(knots.dtype, values.dtype)
    return apply("searchsorted", cast(knots, dtype), cast(values, dtype), side=side)


def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """np.digitize; traced bins must grow"""
    edges = array(bins)
    side = "left" if right else "right"
    falls = not holds_tracer(edges) and edges.size > 1 and edges[0] > edges[-1]
    if not falls:
        return searchsorted(edges, x, side)
    other = "right" if right else "left"
    return edges.shape[0] - searchsorted(edges[::-1], x, other)


# -- Counting -------------------------------------------------------------------------------------


def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """np.bincount; with a traced x, minlength is the length of the result"""
    places = array(x)
    if holds_tracer(x):
        if not minlength:
            raise TraceError(
                f"np.bincount of {described(x)}, whose largest number is not known while tracing",
                expected="a length",
                remedy="minlength=, which is then the length of the result",
                where=frames.caller(),
            )
        count = int(minlength)
    else:
        count = max(int(minlength), int(places.max()) + 1 if places.size else 0)
    if weights is None:
        ones = np.ones(places.shape, np.intp)
        return apply("add_along_axis", ones, places, axis=0, shape=(count,))
    return apply("add_along_axis", cast(array(weights), np.float64), places, axis=0, shape=(count,))


def _edges(a: Any, bins: Any, limits: Any) -> Any:
    if np.ndim(bins) == 1:
        return array(bins)
    if isinstance(bins, str):
        raise TraceError(
            f"np.histogram with bins={bins!r}, a number of bins that depends on the data",
            remedy="bins=10, or the edges",
            where=frames.caller(),
        )
    low, high = (np.min(a), np.max(a)) if limits is None else limits
    if not holds_tracer((low, high)) and low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, int(bins) + 1)


def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """np.histogram_bin_edges"""
    return _edges(np.ravel(array(a)), bins, range)


def _bin(values: Any, edges: Any) -> tuple[Any, Any]:
    """Return the bin of each value, and where a value lies in none."""
    count = edges.shape[0] - 1
    place = searchsorted(edges, values, "right") - 1
    place = np.where(values == edges[-1], count - 1, place)
    outside = np.logical_or(place < 0, place >= count)
    return np.where(outside, 0, place), outside


def _counted(place: Any, outside: Any, weights: Any, count: int) -> Any:
    if weights is None:
        ones = np.where(outside, 0, 1)
        return apply("add_along_axis", ones, place, axis=0, shape=(count,))
    held = np.ravel(array(weights))
    held = np.where(outside, np.zeros((), held.dtype), held)
    return apply("add_along_axis", held, place, axis=0, shape=(count,))


def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """np.histogram"""
    values = np.ravel(array(a))
    edges = _edges(values, bins, range)
    found = _counted(*_bin(values, edges), weights, edges.shape[0] - 1)
    if density:
        found = found / np.diff(edges) / np.sum(found)
    return found, edges


def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """np.histogramdd"""
    table = np.stack([array(s) for s in sample], axis=1) if isinstance(sample, tuple | list) else (
        array(sample))  # fmt: skip
    count = table.shape[1]
    each_bins = [bins] * count if np.ndim(bins) == 0 else list(bins)
    limits = [None] * count if range is None else list(range)
    columns = [table[:, k] for k in _numbers(count)]
    edges = [_edges(*each) for each in zip(columns, each_bins, limits, strict=True)]
    shape = tuple(edge.shape[0] - 1 for edge in edges)
    place, outside = None, None
    for column, edge, size in zip(columns, edges, shape, strict=True):
        own, out = _bin(column, edge)
        place = own if place is None else place * size + own
        outside = out if outside is None else np.logical_or(outside, out)
    held = np.ones(table.shape[0]) if weights is None else floating(weights)
    found = np.reshape(_counted(place, outside, held, int(np.prod(shape))), shape)
    if density:
        for axis, edge in enumerate(edges):
            own = [-1 if k == axis else 1 for k in _numbers(count)]
            found = found / np.reshape(np.diff(edge), own)
        found = found / np.sum(found * _volumes(edges))
    return found, tuple(edges)


_numbers = range


def _volumes(edges: Any) -> Any:
    rank = len(edges)
    found: Any = 1.0
    for axis, edge in enumerate(edges):
        found = found * np.reshape(np.diff(edge), [-1 if k == axis else 1 for k in range(rank)])
    return found


def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """np.histogram2d"""
    pair = bins
    if np.ndim(bins) == 1 and len(bins) != 2:
        pair = [array(bins), array(bins)]
    found, edges = histogramdd((x, y), pair, range, density, weights)
    return found, edges[0], edges[1]


# -- Places ---------------------------------------------------------------------------------------


def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    """np.ravel_multi_index"""
    sizes = [int(n) for n in np.atleast_1d(known(dims, "the dimensions"))]
    modes = [mode] * len(sizes) if isinstance(mode, str) else list(mode)
    rows = [array(each) for each in multi_index]
    steps = np.cumprod([1, *(sizes[:0:-1] if order == "C" else sizes[:-1])])
    steps = [int(s) for s in (steps[::-1] if order == "C" else steps)]
    found: Any = 0
    for row, n, step, how in zip(rows, sizes, steps, modes, strict=True):
        match how:
            case "wrap":
                found = found + np.remainder(row, n) * step
            case "clip":
                found = found + np.clip(row, 0, n - 1) * step
            case _:
                found = found + row * step
    return found


def unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Any, ...]:
    """np.unravel_index"""
    sizes = [int(n) for n in np.atleast_1d(known(shape, "the shape"))]
    rest = array(indices)
    found: list[Any] = []
    for n in reversed(sizes) if order == "C" else sizes:
        found.append(np.remainder(rest, n))
        rest = np.floor_divide(rest, n)
    return tuple(reversed(found)) if order == "C" else tuple(found)


def packbits(a: Any, /, axis: int | None = None, bitorder: str = "big") -> Any:
    """np.packbits"""
    found, place = _along(a, axis)
    n = found.shape[place]
    widths = [(0, -n % 8 if k == place else 0) for k in range(found.ndim)]
    bits = np.pad((found != 0).astype(np.uint8), widths)
    shape = (*bits.shape[:place], -1, 8, *bits.shape[place + 1 :])
    weights = 1 << np.arange(8, dtype=np.uint8)
    weights = weights[::-1] if bitorder == "big" else weights
    wide = np.reshape(weights, (8, *(1,) * (bits.ndim - place - 1)))
    return np.sum(np.reshape(bits, shape) * wide, axis=place + 1, dtype=np.uint8)


def unpackbits(
    a: Any, /, axis: int | None = None, count: int | None = None, bitorder: str = "big"
) -> Any:
    """np.unpackbits"""
    found, place = _along(a, axis)
    shifts = np.arange(8, dtype=np.uint8)
    shifts = shifts[::-1] if bitorder == "big" else shifts
    wide = np.expand_dims(found, place + 1)
    own = np.reshape(shifts, (8, *(1,) * (found.ndim - place - 1)))
    bits = np.bitwise_and(np.right_shift(wide, own), np.uint8(1))
    shape = (*found.shape[:place], 8 * found.shape[place], *found.shape[place + 1 :])
    whole = np.reshape(bits, shape)
    if count is None:
        return whole
    if count > whole.shape[place]:
        extra = count - whole.shape[place]
        return np.pad(whole, [(0, extra if k == place else 0) for k in range(whole.ndim)])
    return whole[at(place, slice(None, count))]


DIFFERENTIABLE: dict[str, Callable[..., Any]] = {
    "sort": sort, "sort_complex": sort_complex, "partition": partition, "bincount": bincount,
    "histogram": histogram, "histogramdd": histogramdd, "histogram2d": histogram2d,
    "histogram_bin_edges": histogram_bin_edges,
}  # fmt: skip
CONSTANT: dict[str, Callable[..., Any]] = {
    "argsort": argsort, "argpartition": argpartition, "lexsort": lexsort,
    "searchsorted": searchsorted, "digitize": digitize,
    "ravel_multi_index": ravel_multi_index, "unravel_index": unravel_index,
    "packbits": packbits, "unpackbits": unpackbits,
}  # fmt: skip
