"""NumPy's functions that repeat, turn and pad arrays, on tracers."""

# NumPy's signatures have no types for arrays that record.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError
from wengert.tracing import frames, ufuncs
from wengert.tracing.arrays import array, at, known
from wengert.tracing.movement import sizes
from wengert.tracing.reductions import axes_of
from wengert.tracing.value import described


def tile(A: Any, reps: Any) -> Any:
    """np.tile"""
    counts = sizes(known(reps, "the number of repetitions"))
    rank = max(len(counts), A.ndim)
    counts = (1,) * (rank - len(counts)) + counts
    shape = (1,) * (rank - A.ndim) + tuple(A.shape)
    wide = np.reshape(A, [n for size in shape for n in (1, size)])
    pairs = list(zip(counts, shape, strict=True))
    many = np.broadcast_to(wide, [n for pair in pairs for n in pair])
    return np.reshape(many, tuple(count * size for count, size in pairs))


def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """np.repeat"""
    if axis is None:
        return repeat(np.ravel(a), repeats, 0)
    (place,) = axes_of(a, axis)
    order = np.repeat(np.arange(a.shape[place]), known(repeats, "the number of repetitions"))
    return a[at(place, order)]


def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """np.roll"""
    if axis is None:
        return np.reshape(roll(np.ravel(a), shift, 0), a.shape)
    known(shift, "the shift of np.roll")
    pairs = np.broadcast(shift, axis)
    found: Any = a
    for by, where in pairs:
        (place,) = axes_of(a, int(where))
        count = int(by) % max(a.shape[place], 1)
        if count:
            parts = [found[at(place, slice(-count, None))], found[at(place, slice(None, -count))]]
            found = np.concatenate(parts, axis=place)
    return found.copied() if found is a else found


def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """np.rollaxis"""
    (source,) = axes_of(a, axis)
    start = start + a.ndim if start < 0 else start
    return np.moveaxis(a, source, start - 1 if source < start else start)


def rot90(m: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Any:
    """np.rot90"""
    first, second = (axes_of(m, int(each))[0] for each in axes)
    match k % 4:
        case 0:
            return m[:]
        case 2:
            return np.flip(m, (first, second))
        case 1:
            return np.swapaxes(np.flip(m, second), first, second)
        case _:
            return np.flip(np.swapaxes(m, first, second), second)


def fliplr(m: Any) -> Any:
    """np.fliplr"""
    return np.flip(m, 1)


def flipud(m: Any) -> Any:
    """np.flipud"""
    return np.flip(m, 0)


def resize(a: Any, new_shape: Any) -> Any:
    """np.resize"""
    shape = sizes(known(new_shape, "the new shape"))
    count = int(np.prod(shape))
    if a.size == 0:
        return np.zeros(shape, a.dtype)
    return np.reshape(np.ravel(a)[np.arange(count) % a.size], shape)


def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """np.delete"""
    if axis is None:
        arr, axis = np.ravel(arr), 0
    (place,) = axes_of(arr, axis)
    return arr[at(place, np.delete(np.arange(arr.shape[place]), known(obj, "what is deleted")))]


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """np.insert"""
    arr, values = array(arr), array(values)
    if axis is None:
        arr, axis = np.ravel(arr), 0
    (place,) = axes_of(arr, axis)
    n = arr.shape[place]
    known(obj, "the place of what is inserted")
    is_single = not isinstance(obj, slice) and np.ndim(obj) == 0
    if is_single:
        values = np.reshape(values, (1,) * (arr.ndim - values.ndim) + tuple(values.shape))
        values = np.moveaxis(values, 0, place)
    count = values.shape[place] if is_single else np.arange(n)[obj].size
    if not isinstance(obj, slice) and not is_single:
        count = np.size(obj)
    slab = (*arr.shape[:place], count, *arr.shape[place + 1 :])
    added = np.broadcast_to(values, slab).astype(arr.dtype)
    order = np.insert(np.arange(n), obj, np.arange(n, n + count))
    return np.concatenate([arr, added], axis=place)[at(place, order)]


# -- Padding --------------------------------------------------------------------------------------

_BY_PLACE = ("edge", "wrap", "reflect", "symmetric")
_OF_SIDES: dict[str, Callable[..., Any]] = {
    "maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median,
}  # fmt: skip


def pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    """np.pad"""
    if callable(mode):
        ufuncs.refuse(
            "np.pad with a function", "np.concatenate", "it fills an array in place, part by part"
        )
    widths = _pairs(known(pad_width, "the width of the padding"), array.ndim)
    found = array
    for axis, width in enumerate(widths):
        if width != (0, 0):
            found = _padded(found, axis, width, mode, _options(options, array.ndim, axis))
    return found.copied() if found is array else found


def _pairs(width: Any, rank: int) -> list[tuple[int, int]]:
    if isinstance(width, dict):
        rows: dict[int, Any] = {axis % rank: each for axis, each in width.items()}
        return [_pairs(rows.get(axis, 0), 1)[0] for axis in range(rank)]
    pairs = np.broadcast_to(np.asarray(width, int), (rank, 2))
    if (pairs < 0).any():
        raise ShapeError("np.pad", expected="widths of at least 0", where=frames.caller())
    return [(int(before), int(after)) for before, after in pairs]


def _options(options: dict[str, Any], rank: int, axis: int) -> dict[str, Any]:
    """Return the options of one axis: those that are pairs a side, for that axis."""
    found = dict(options)
    for name in ("constant_values", "end_values", "stat_length"):
        value = options.get(name)
        if value is not None and not hasattr(value, "recorder"):
            before, after = np.broadcast_to(np.asarray(value), (rank, 2))[axis]
            found[name] = (before, after)
        elif value is not None:
            found[name] = (value, value)
    return found


def _padded(x: Any, axis: int, width: tuple[int, int], mode: str, options: dict[str, Any]) -> Any:
    n = x.shape[axis]
    if mode in ("constant", "empty"):
        values = options.get("constant_values", (0, 0))
        sides = [np.asarray(v).astype(x.dtype) if not hasattr(v, "recorder") else v for v in values]
        return _surrounded(x, axis, width, sides)
    if n == 0:
        raise ShapeError(
            f"np.pad of {described(x)} with mode={mode!r}",
            expected="an axis with elements to go by",
            where=frames.caller(),
        )
    if mode in _BY_PLACE:
        if options.get("reflect_type", "even") == "odd":
            weights = np.pad(np.eye(n), ((0, 0), width), mode, reflect_type="odd")
            moved = np.moveaxis(x, axis, -1) @ weights.astype(x.dtype)
            return np.moveaxis(moved, -1, axis)
        return x[at(axis, np.pad(np.arange(n), width, mode))]  # type: ignore[call-overload]
    if mode == "linear_ramp":
        return _ramped(x, axis, width, options.get("end_values", (0, 0)))
    if mode in _OF_SIDES:
        lengths = options.get("stat_length", (None, None))
        ends = (slice(None, lengths[0]), slice(None if lengths[1] is None else -lengths[1], None))
        sides = [_OF_SIDES[mode](x[at(axis, end)], axis=axis, keepdims=True) for end in ends]
        whole = x.dtype.kind in "iu"
        sides = [(np.rint(side) if whole else side).astype(x.dtype) for side in sides]
        return _surrounded(x, axis, width, sides)
    ufuncs.refuse(f"np.pad with mode={mode!r}", "a mode that np.pad has")


def _surrounded(x: Any, axis: int, width: tuple[int, int], sides: Sequence[Any]) -> Any:
    shapes = [tuple(each if k == axis else n for k, n in enumerate(x.shape)) for each in width]
    before, after = (np.broadcast_to(v, s) for v, s in zip(sides, shapes, strict=True))
    return np.concatenate([before, x, after], axis=axis)


def _ramped(x: Any, axis: int, width: tuple[int, int], ends: Any) -> Any:
    first, last = x[at(axis, slice(0, 1))], x[at(axis, slice(-1, None))]
    parts = [
        np.linspace(end, np.squeeze(edge, axis), num, endpoint=False, axis=axis).astype(x.dtype)
        for end, edge, num in zip(ends, (first, last), width, strict=True)
    ]
    return np.concatenate([parts[0], x, np.flip(parts[1], axis)], axis=axis)


def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """np.lib.stride_tricks.sliding_window_view, as a copy"""
    windows = sizes(window_shape)
    axes = tuple(range(x.ndim)) if axis is None else tuple(axes_of(x, a)[0] for a in sizes(axis))
    if len(windows) != len(axes):
        raise ShapeError(
            f"sliding_window_view of {described(x)} with {len(windows)} window sizes",
            expected=f"one for each of {len(axes)} axes",
            where=frames.caller(),
        )
    found = x
    for window, place in zip(windows, axes, strict=True):
        count = found.shape[place] - window + 1
        if window < 0 or count < 1:
            raise ShapeError(
                f"sliding_window_view of {described(x)} with a window of {window}",
                expected=f"a window of at most {found.shape[place]} along axis {place}",
                where=frames.caller(),
            )
        places = np.arange(count)[:, None] + np.arange(window)
        found = np.moveaxis(found[at(place, places)], place + 1, -1)
    return found


DIFFERENTIABLE: dict[str, Callable[..., Any]] = {
    "tile": tile, "repeat": repeat, "roll": roll, "rollaxis": rollaxis, "rot90": rot90,
    "fliplr": fliplr, "flipud": flipud, "resize": resize, "delete": delete, "insert": insert,
    "pad": pad, "lib.stride_tricks.sliding_window_view": sliding_window_view,
}  # fmt: skip
CONSTANT: dict[str, Callable[..., Any]] = {}
