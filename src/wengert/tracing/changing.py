"""NumPy's functions and methods that change an array: copyto, put, add.at, fill_diagonal, sort…"""

# NumPy's arrays of places have no types here.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from wengert.base import shapes
from wengert.base.errors import DtypeError, ShapeError, TraceError
from wengert.base.guards import is_number
from wengert.tracing import frames, indexing, views, writing
from wengert.tracing.apply import apply
from wengert.tracing.indexing import Key
from wengert.tracing.reductions import axes_of
from wengert.tracing.value import TracedValue, described


def _needs_traced(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Refuse a target that is no traced array: it would keep its numbers."""

    def around(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def change(target: Any, *args: Any, **options: Any) -> None:
            if not isinstance(target, TracedValue):
                raise TraceError(
                    f"{name} writes traced values into {described(target)}",
                    expected="an array made inside the function",
                    got="an array from outside, which would keep its numbers",
                    remedy="make it inside: a = np.array(a), and write into that",
                    where=frames.caller(),
                )
            function(target, *args, **options)

        return change

    return around


@_needs_traced("np.copyto")
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """np.copyto"""
    kind = src.dtype if hasattr(src, "dtype") else np.asarray(src).dtype
    weak = is_number(src) and not isinstance(src, complex) and dst.dtype.kind in "fc"
    if not weak and not np.can_cast(kind, dst.dtype, casting):
        raise DtypeError(
            f"np.copyto writes {kind.name} values into {described(dst)}",
            expected=f"a cast that casting={casting!r} allows",
            where=frames.caller(),
        )
    if where is True:
        writing.overwrite(dst, src)
    else:
        _choose(dst, where, src)


def _choose(target: Any, mask: Any, value: Any) -> None:
    """Write values that broadcast to an array where a mask says."""
    views.check_writable(target)
    recorder = target.recorder
    values = recorder.wrap(recorder, writing.fitted(target, value, target.shape), None)
    mask = mask if isinstance(mask, TracedValue) else np.asarray(mask, bool)
    found = apply("where", mask, values, target)
    views.assign(target, found.variable)


@_needs_traced("np.put")
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """np.put"""
    _check_safe("np.put", a, v)
    places = ind if isinstance(ind, TracedValue) else np.asarray(ind)
    if mode != "raise":
        if isinstance(places, TracedValue):
            places = np.clip(places, 0, a.size - 1) if mode == "clip" else np.mod(places, a.size)
        else:
            places = np.clip(places, 0, a.size - 1) if mode == "clip" else places % a.size
    places = np.reshape(places, -1)
    write_flat(a, places, _repeated(v, places.size))


def _check_safe(name: str, target: Any, value: Any) -> None:
    kind = getattr(value, "dtype", None)
    if np.shape(value) and kind is not None and not np.can_cast(kind, target.dtype, "safe"):
        raise DtypeError(
            f"{name} writes {kind.name} values into {described(target)}",
            expected="a cast that loses nothing",
            remedy="values.astype(…) of the array's dtype",
            where=frames.caller(),
        )


def write_flat(a: Any, places: Any, values: Any) -> None:
    """Write values at places of the flat array, whatever its axes are."""
    views.check_writable(a)
    flat = a.copied() if a.ndim == 1 else apply("reshape", a, shape=(a.size,))
    flat.link = None
    writing.setitem(flat, places, values)
    views.assign(a, a.recorder.record("reshape", [flat.variable], {"shape": a.shape}))


def _repeated(values: Any, count: int) -> Any:
    """Return as many values as there are places: cut, or repeated from the first on."""
    if is_number(values) or np.size(values) == 1:
        return values if is_number(values) else np.reshape(values, ())
    flat = np.reshape(values if isinstance(values, TracedValue) else np.asarray(values), -1)
    if flat.size == count:
        return flat
    return flat[np.arange(count) % max(flat.size, 1)]


@_needs_traced("np.place")
def place(arr: Any, mask: Any, vals: Any) -> None:
    """np.place"""
    _check_safe("np.place", arr, vals)
    if isinstance(mask, TracedValue):
        flat = np.reshape(vals, -1) if isinstance(vals, TracedValue) else np.asarray(vals).ravel()
        writing.setitem(arr, mask, flat[0] if flat.size == 1 else flat)
        return
    places = np.flatnonzero(np.asarray(mask, bool))
    write_flat(arr, places, _repeated(vals, places.size))


@_needs_traced("np.putmask")
def putmask(a: Any, mask: Any, values: Any) -> None:
    """np.putmask"""
    _check_safe("np.putmask", a, values)
    given = _repeated(values, a.size)
    _choose(a, mask, given if np.shape(given) == () else np.reshape(given, a.shape))


@_needs_traced("np.put_along_axis")
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None = -1) -> None:
    """np.put_along_axis"""
    if axis is None:
        put(arr, indices, values)
        return
    places = indices if isinstance(indices, TracedValue) else np.asarray(indices)
    (along,) = axes_of(arr, int(axis))
    grid = [np.arange(n).reshape([-1 if k == j else 1 for j in range(arr.ndim)])
            for k, n in enumerate(arr.shape)]  # fmt: skip
    key = tuple(places if k == along else each for k, each in enumerate(grid))
    writing.setitem(arr, key, values)


@_needs_traced("np.fill_diagonal")
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """np.fill_diagonal"""
    places = np.arange(a.size)
    if a.ndim == 2:
        end = None if wrap else a.shape[1] * a.shape[1]
        places = places[: end : a.shape[1] + 1]
    elif a.ndim > 2 and len(set(a.shape)) == 1:
        places = places[:: int(1 + np.cumprod(a.shape[:-1]).sum())]
    else:
        raise ValueError("array must be at least 2-d, and of equal sizes where it has more axes")
    write_flat(a, places, _repeated(val, places.size))


# -- ufunc.at -------------------------------------------------------------------------------------


def at(ufunc: Any, target: Any, key: Any, *operands: Any) -> None:
    """Carry out ``ufunc.at(target, key, b)``: places that come twice are changed twice."""
    _check_traced(target)
    views.check_writable(target)
    read = indexing.parsed(target, key)
    for each in operands:
        _check_fits(target, read, each)
    if writing.are_distinct(target.shape, read):
        writing.write_at(target, read, ufunc(target[key], *operands))
    elif ufunc in (np.add, np.subtract) and _same_dtype(target, operands[0]):
        (value,) = operands
        signed = value if ufunc is np.add else np.negative(value)
        values = writing.fitted(target, signed, writing.picked_shape(target, read))
        places = writing.variables(target.recorder, read.arrays)
        inputs = [target.variable, values, *places]
        new = target.recorder.record("add_at", inputs, {"template": read.template})
        views.assign(target, new)
    else:
        _one_by_one(ufunc, target, read, operands)


def _check_fits(target: Any, read: Key, value: Any) -> None:
    wanted = writing.picked_shape(target, read)
    if shapes.broadcast(tuple(np.shape(value)), wanted) != wanted:
        raise ShapeError(
            f"{described(target)} is changed at places of shape {wanted}",
            expected=f"values that broadcast to {wanted}",
            got=described(value),
            where=frames.caller(),
        )


_check_traced = _needs_traced("ufunc.at")(lambda _: None)


def _same_dtype(target: Any, value: Any) -> bool:
    return is_number(value) or np.result_type(target.dtype, value.dtype) == target.dtype


def _one_by_one(ufunc: Any, target: Any, read: Key, operands: tuple[Any, ...]) -> None:
    """Change each place as often as it comes: first all first times, then all second times…"""
    if any(isinstance(each, TracedValue) for each in read.arrays):
        raise TraceError(
            f"np.{ufunc.__name__}.at on {described(target)} at traced places",
            expected="places that are known while the function is traced, or np.add.at",
            remedy="np.add.at; or a mask: np.where(ids == k, x, neutral) reduced for each k",
            where=frames.caller(),
        )
    key = tuple(read.arrays[int(p[1:])] if isinstance(p, str) else p for p in read.template)
    places = np.arange(target.size).reshape(target.shape)[key]
    given = [_spread(each, places.shape) for each in operands]
    flat = places.reshape(-1)
    turn = _occurrence(flat)
    for time in range(int(turn.max(initial=-1)) + 1):
        chosen = np.flatnonzero(turn == time)
        where = flat[chosen]
        before = np.reshape(target, -1)[where]
        parts = [each if is_number(each) else each[chosen] for each in given]
        write_flat(target, where, ufunc(before, *parts))


def _spread(value: Any, shape: shapes.Shape) -> Any:
    return value if is_number(value) else np.reshape(np.broadcast_to(value, shape), -1)


def _occurrence(flat: Any) -> Any:
    """Return for each place how often it came before."""
    order = np.argsort(flat, kind="stable")
    ranked = flat[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]])[: flat.size])
    first = np.repeat(starts, np.diff(np.append(starts, flat.size)))
    found = np.empty(flat.size, np.int64)
    found[order] = np.arange(flat.size) - first
    return found


# -- Methods --------------------------------------------------------------------------------------


def fill(a: Any, value: Any) -> None:
    """ndarray.fill"""
    writing.overwrite(a, value)


def sort(a: Any, axis: int = -1, kind: Any = None, order: Any = None) -> None:
    """ndarray.sort"""
    writing.overwrite(a, np.sort(a, axis=axis, kind=kind, order=order))


def partition(a: Any, kth: Any, axis: int = -1, kind: str = "introselect") -> None:
    """ndarray.partition"""
    writing.overwrite(a, np.partition(a, kth, axis=axis))


def flat(a: Any) -> Any:
    """ndarray.flat: the elements in order; what is written there is written into the array."""
    found = a[:] if a.ndim == 1 else apply("reshape", a, shape=(a.size,))
    if a.ndim != 1:
        found.link = views.Link(a, "reshape", {"shape": (a.size,)})
    return found


def resize(a: Any, *shape: Any, refcheck: bool = True) -> None:
    """ndarray.resize"""
    raise TraceError(
        f"{described(a)} is resized in place",
        expected="arrays that keep their size",
        remedy="a = np.resize(a, shape), or np.concatenate([a, np.zeros(more)])",
        where=frames.caller(),
    )


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.copyto: copyto, np.put: put, np.place: place, np.putmask: putmask,
    np.put_along_axis: put_along_axis, np.fill_diagonal: fill_diagonal,
}  # fmt: skip
METHODS: dict[str, Callable[..., Any]] = {
    "fill": fill, "sort": sort, "partition": partition, "put": put, "resize": resize,
}  # fmt: skip
