"""Writing into traced arrays: a write makes a new variable, which the array takes on."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base import shapes
from wengert.base.errors import DtypeError, ShapeError, TraceError
from wengert.base.guards import is_number, is_sequence, is_slice, is_tuple
from wengert.base.shapes import Shape
from wengert.graph.variable import Variable
from wengert.operators.index import Template, index_result
from wengert.operators.record import Type
from wengert.tracing import frames, indexing, views
from wengert.tracing.apply import apply, as_variable
from wengert.tracing.indexing import Key
from wengert.tracing.selected import Selected, same
from wengert.tracing.value import TracedValue, described, shape_text


def setitem(array: Any, key: Any, value: Any) -> None:
    """Carry out ``array[key] = value``."""
    mask = traced_mask(key)
    if mask is not None:
        _where_mask(array, mask, value)
        return
    write_at(array, indexing.parsed(array, key), value)


def write_at(array: Any, key: Key, value: Any) -> None:
    """Write values at the places of an index: of several for one place the last stays."""
    if not key.arrays:
        _write_part(array, key.template, value)
        return
    views.check_writable(array)
    values = fitted(array, value, picked_shape(array, key))
    places = variables(array.recorder, key.arrays)
    attributes: dict[str, Any] = {"template": key.template}
    if are_distinct(array.shape, key):
        attributes["unique"] = True
    new = array.recorder.record("index_update", [array.variable, values, *places], attributes)
    views.assign(array, new)


def _write_part(array: Any, template: Template, value: Any) -> None:
    """Write into the part that a basic index names: directly into what the array looks into."""
    views.check_writable(array)
    lies = views.link(array, "index", {"template": template}, ())
    assert lies is not None
    parent, template = lies.parent, lies.attributes["template"]
    if _is_that_part(value, parent, template):
        return  # a[part] += b assigns what it has changed already
    wanted = picked_shape(parent, Key(template, (), False))
    values = fitted(parent, value, wanted)
    recorder = parent.recorder
    if views.is_whole(template, parent.shape):
        if values.shape != wanted:
            values = recorder.record("broadcast_to", [values], {"shape": wanted})
        views.assign(parent, values)
        return
    new = recorder.record("index_update", [parent.variable, values], {"template": template})
    views.assign(parent, new)


def _is_that_part(value: Any, parent: Any, template: Template) -> bool:
    if not isinstance(value, TracedValue) or value.link is None or value.link.parent is not parent:
        return False
    mine = value.link.operator == "index" and value.link.places is None
    return mine and value.link.attributes["template"] == template


def picked_shape(array: Any, key: Key) -> Shape:
    """Return the shape of ``array[key]``."""
    types = [Type(tuple(np.shape(each)), np.dtype(np.int64)) for each in key.arrays]
    return index_result(Type(array.shape, array.dtype), *types, template=key.template).shape


def are_distinct(shape: Shape, key: Key) -> bool:
    """Return whether no two of the arrays' places are known to be the same."""
    arrays = key.arrays
    if all(np.size(each) == 1 for each in arrays):
        return True
    if any(isinstance(each, TracedValue) for each in arrays):
        return False
    axes = [n for n, part in enumerate(p for p in key.template if p is not None)
            if isinstance(part, str)]  # fmt: skip
    flat: Any = 0
    for axis, places in zip(axes, arrays, strict=True):
        flat = flat * shape[axis] + np.asarray(places) % max(shape[axis], 1)
    return len(np.unique(flat)) == np.size(flat)


def variables(recorder: Any, arrays: tuple[Any, ...]) -> list[Variable]:
    """Return the variables of arrays of places."""
    return [as_variable(recorder, each, np.dtype(np.int64)) for each in arrays]


# -- Values ---------------------------------------------------------------------------------------


def fitted(array: Any, value: Any, shape: Shape) -> Variable:
    """Return values in the dtype of the array, in a shape that broadcasts to ``shape``.

    Raises:
        ShapeError: values that do not fit, as NumPy says it.
        DtypeError: complex values for real places.
    """
    found = np.shape(value)
    extra = len(found) - len(shape)
    if extra > 0 and set(found[:extra]) == {1}:
        value, found = np.reshape(value, found[extra:]), found[extra:]
    if shapes.broadcast(tuple(found), shape) != shape:
        raise ShapeError(
            f"{described(array)} is written into, at places of shape {shape_text(shape)}",
            expected=f"values that broadcast to {shape_text(shape)}",
            got=described(value),
            where=frames.caller(),
        )
    return _in_dtype(array, value)


def _in_dtype(array: Any, value: Any) -> Variable:
    recorder, dtype = array.recorder, array.dtype
    if is_number(value):
        _check_kind(array, value, complex if isinstance(value, complex) else None)
        number = value if isinstance(value, float) and dtype.kind == "f" else dtype.type(value)
        return recorder.number(number, dtype)
    if is_sequence(value):
        value = np.array(value)
    if isinstance(value, TracedValue):
        _check_kind(array, value, value.dtype)
        variable = as_variable(recorder, value, dtype)
        if variable.dtype == dtype:
            return variable
        return recorder.record("cast", [variable], {"dtype": dtype.name})
    given = np.asarray(value)
    _check_kind(array, value, given.dtype)
    return as_variable(recorder, given if given.dtype == dtype else given.astype(dtype), dtype)


def _check_kind(array: Any, value: Any, dtype: Any) -> None:
    if dtype is not None and np.dtype(dtype).kind == "c" and array.dtype.kind not in "cb":
        raise DtypeError(
            f"complex values are written into {described(array)}",
            expected="real values",
            got=described(value),
            remedy="np.real(…) of them, or an array of complex numbers",
            where=frames.caller(),
        )


# -- Masks ----------------------------------------------------------------------------------------


def traced_mask(key: Any) -> Any:
    """Return the traced mask that is all of an index but for whole axes, None for any other."""
    parts = [part for part in key if part is not Ellipsis] if is_tuple(key) else [key]
    whole = all(is_slice(part) and part == slice(None) for part in parts[1:])
    first = parts[0] if parts and whole else None
    is_mask = isinstance(first, TracedValue) and first.dtype.kind == "b"
    return first if is_mask else None


def _where_mask(array: Any, mask: Any, value: Any) -> None:
    """Write where a traced mask says: its number of places is not known, so one value for all."""
    if tuple(mask.shape) != array.shape[: mask.ndim]:
        raise ShapeError(
            f"{described(array)} is indexed with the mask {described(mask)}",
            expected=f"a mask of shape {array.shape[: mask.ndim]}",
            where=frames.caller(),
        )
    rest = array.shape[mask.ndim :]
    if isinstance(value, Selected):
        _choose_back(array, mask, value)
        return
    given = np.shape(value)
    if len(given) > len(rest) and given[0] != 1:
        raise TraceError(
            f"{described(array)} is written into at the places of the traced mask "
            f"{described(mask)}, which are not counted while it is traced",
            expected="one value for all places",
            got=described(value),
            remedy="np.where(mask, new, old) with arrays of the full shape",
            where=frames.caller(),
        )
    views.check_writable(array)
    values = array.recorder.wrap(array.recorder, fitted(array, value, (1, *rest)), None)
    if values.ndim > len(rest):
        values = np.reshape(values, values.shape[1:])
    wide = np.reshape(mask, (*mask.shape, *(1,) * len(rest)))
    views.assign(array, apply("where", wide, values, array).variable)


def _choose_back(array: Any, mask: Any, value: Selected) -> None:
    wide = np.reshape(mask, value.mask.shape) if mask.size == value.mask.size else mask
    if not same(wide, value.mask):
        raise TraceError(
            f"{described(array)} takes what another mask has picked",
            expected="the same mask on both sides",
            remedy="name the mask once: m = x > 0, and write y[m] = f(x[m])",
            where=frames.caller(),
        )
    views.check_writable(array)
    recorder = array.recorder
    new = recorder.wrap(recorder, fitted(array, value.full, array.shape), None)
    views.assign(array, apply("where", value.mask, new, array).variable)


# -- out= -----------------------------------------------------------------------------------------


def write(result: Any, out: Any) -> Any:
    """Carry out ``out=``: a traced array takes the new value."""
    target: Any = out[0] if is_tuple(out) else out
    if target is None:
        return result
    if not isinstance(target, TracedValue):
        raise TraceError(
            f"a traced result is written into {described(target)}, which is no traced array",
            expected="an array made inside the function",
            got="an array from outside, which would keep its numbers",
            remedy="a = a + b instead of a += b or out=a; or make it inside: a = np.array(a)",
            where=frames.caller(),
        )
    views.check_writable(target)
    if shapes.broadcast(tuple(np.shape(result)), target.shape) != target.shape:
        raise ShapeError(
            f"a result of shape {shape_text(tuple(np.shape(result)))} does not fit into "
            f"{described(target)}",
            expected=f"a result that broadcasts to {shape_text(target.shape)}",
            where=frames.caller(),
        )
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise DtypeError(
            f"a {result.dtype.name} result cannot be written into {described(target)}",
            expected="a cast of the same kind",
            remedy="a = a + b instead of a += b, or a buffer of that dtype",
            where=frames.caller(),
        )
    overwrite(target, result)
    return target


def overwrite(target: Any, value: Any) -> None:
    """Write values over all of an array."""
    _write_part(target, (slice(None),) * target.ndim, value)
