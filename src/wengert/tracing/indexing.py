"""Reading items of a tracer: basic, integer-array, mask and mixed indices."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np

from wengert.base.errors import DtypeError, ShapeError, TraceError, WengertError
from wengert.base.guards import Array, is_ndarray, is_sequence, is_slice, is_tuple
from wengert.tracing import frames
from wengert.tracing.apply import apply
from wengert.tracing.value import TracedValue, described


@dataclass(frozen=True, slots=True)
class Key:
    """An index expression as an operator takes it.

    Attributes:
        template, arrays: see ``operators/index.py``.
        is_open: whether it has an ellipsis, so that even its 0-d result is a view.
    """

    template: tuple[Any, ...]
    arrays: tuple[Any, ...]
    is_open: bool


def getitem(array: Any, key: Any) -> Any:
    """Return ``array[key]``, recorded as one ``index`` operation."""
    read = parsed(array, key)
    found = apply("index", array, *read.arrays, template=read.template)
    if found.ndim == 0:
        # One element is a scalar of its own, no view; only `...` asks for a 0-d view.
        found.link, found.is_array = (found.link, True) if read.is_open else (None, False)
    return found


def parsed(array: Any, key: Any) -> Key:
    """Return an index expression on a traced array, checked against its shape."""
    items: list[Any] = list(key) if is_tuple(key) else [key]
    items = _without_masks(array, [_readable(array, item) for item in items])
    is_open = any(item is Ellipsis for item in items)
    items = _without_ellipsis(array, items)
    _check_bounds(array, items)
    template: list[Any] = []
    arrays: list[Any] = []
    for item in items:
        if is_ndarray(item) or isinstance(item, TracedValue):
            template.append(f"#{len(arrays)}")
            arrays.append(item)
        else:
            template.append(item)
    return Key(tuple(template), tuple(arrays), is_open)


def _readable(array: Any, item: Any) -> Any:
    """Return an index as integers, slices and arrays, or say why it is none."""
    try:
        return _prepared(item)
    except WengertError:
        raise
    except (TypeError, ValueError) as error:
        is_step = is_slice(item) and item.step == 0
        raise DtypeError(
            f"{described(array)} is indexed with {_index_text(item)}",
            expected="integers, slices, None, ..., and arrays of integers or booleans",
            got=None if is_step else str(error),
            remedy="a step other than 0" if is_step else None,
            where=frames.caller(),
        ) from None


def _index_text(item: Any) -> str:
    if not is_slice(item):
        return repr(item)
    ends = ("" if end is None else repr(end) for end in (item.start, item.stop))
    return ":".join([*ends, *([] if item.step is None else [repr(item.step)])])


def _prepared(item: Any) -> Any:
    if item is None or item is Ellipsis:
        return item
    if isinstance(item, slice):
        return _plain_slice(item)
    if isinstance(item, TracedValue):
        if item.dtype.kind == "b":
            raise TraceError(
                f"an array is indexed with the traced mask {described(item)}",
                expected="a result whose shape is known without data",
                remedy="np.where(mask, x, 0), or sums with where=mask",
                where=frames.caller(),
            )
        return item
    if isinstance(item, bool | np.bool_):
        raise TypeError("True and False are no places; None adds an axis")
    if is_sequence(item) or is_ndarray(item):
        return _index_array(np.asarray(item))
    return operator.index(item)


def _plain_slice(item: Any) -> slice:
    parts = (item.start, item.stop, item.step)
    found = slice(*(None if part is None else operator.index(part) for part in parts))
    found.indices(0)  # raises where the step is 0
    return found


def _index_array(array: Any) -> Any:
    if array.size == 0 and array.dtype.kind == "f":
        return array.astype(np.int64)
    if array.dtype.kind not in "iub":
        raise TraceError(
            f"an array is indexed with {array.dtype.name}",
            expected="integers or booleans",
            where=frames.caller(),
        )
    return array


def _without_masks(array: Any, items: list[Any]) -> list[Any]:
    # A mask of plain numbers selects places that are known now: write them as integers.
    found: list[Any] = []
    axis = 0
    spans = [_axes_taken(item) for item in items]
    for position, item in enumerate(items):
        if _is_mask(item):
            if item.shape != array.shape[axis : axis + item.ndim]:
                raise ShapeError(
                    f"{described(array)} is indexed with a mask of shape {item.shape}",
                    expected=f"a mask of shape {array.shape[axis : axis + item.ndim]}",
                    where=frames.caller(),
                )
            found.extend(np.nonzero(item))
        else:
            found.append(item)
        axis += spans[position]
        if item is Ellipsis:
            axis = array.ndim - sum(spans[position + 1 :])
    return found


def _is_mask(item: Any) -> TypeGuard[Array]:
    return is_ndarray(item) and item.dtype.kind == "b"


def _axes_taken(item: Any) -> int:
    if item is None or item is Ellipsis:
        return 0
    if _is_mask(item):
        return item.ndim
    return 1


def _without_ellipsis(array: Any, items: list[Any]) -> list[Any]:
    taken = sum(_axes_taken(item) for item in items)
    if taken > array.ndim:
        raise ShapeError(
            f"{described(array)} is indexed with {taken} indices",
            expected=f"at most {array.ndim}",
            where=frames.caller(),
        )
    rest = [slice(None)] * (array.ndim - taken)
    places = [i for i, item in enumerate(items) if item is Ellipsis]
    if not places:
        return items + rest
    if len(places) > 1:
        raise ShapeError(
            f"{described(array)} is indexed with {len(places)} ellipses",
            expected="one ... at most",
            where=frames.caller(),
        )
    (place,) = places
    return items[:place] + rest + items[place + 1 :]


def _check_bounds(array: Any, items: list[Any]) -> None:
    axis = 0
    for item in items:
        size = array.shape[axis] if _axes_taken(item) else 0
        low, high = _range(item)
        if low is not None and (low < -size or high >= size):
            raise ShapeError(
                f"{described(array)} has no place {low if low < -size else high} on axis {axis}",
                expected=f"from {-size} to {size - 1}",
                where=frames.caller(),
            )
        axis += _axes_taken(item)


def _range(item: Any) -> tuple[Any, Any]:
    if isinstance(item, int):
        return item, item
    if is_ndarray(item) and item.size:
        return item.min(), item.max()
    return None, None
