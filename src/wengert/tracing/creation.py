"""NumPy's creation functions while a function is traced: what they make can be written into.

While a trace runs, the user's modules hold a stand-in for NumPy in the names that they gave it:
``np``, and ``zeros`` after ``from numpy import zeros``. NumPy itself stays as it is, for every
other module and for compiled code, which would not survive anything else. What the stand-in makes
differs only where a trace runs *here*: other threads get NumPy's own arrays.
"""

# NumPy's arrays of places have no types here.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from wengert.base.guards import is_ndarray, is_sequence
from wengert.tracing import frames, views
from wengert.tracing.active import active
from wengert.tracing.apply import apply
from wengert.tracing.bare import any_of, bare
from wengert.tracing.grids import GRIDS
from wengert.tracing.indirect import LINALG, STAND_INS
from wengert.tracing.known import Known, wrapped
from wengert.tracing.order import UNKNOWN
from wengert.tracing.randomness import refuse_unseeded
from wengert.tracing.reductions import cast as to_dtype
from wengert.tracing.value import TracedValue

_NAMES = (
    "empty zeros ones full eye identity arange linspace logspace geomspace array asarray "
    "asanyarray ascontiguousarray asfortranarray require copy empty_like zeros_like ones_like "
    "full_like indices meshgrid fromfunction fromiter tri tril triu diag diagflat vander tile "
    "repeat hanning hamming blackman bartlett kaiser"
).split()


# -- Made of traced values ------------------------------------------------------------------------


def _built(value: Any) -> Any:
    """Return nested lists of traced values and numbers as one array."""
    if not is_sequence(value):
        return value if isinstance(value, TracedValue) else np.asarray(bare(value))
    parts = [_built(each) for each in value]
    common = np.result_type(*(part.dtype for part in parts))
    return np.stack([_as(part, common) for part in parts])


def _as(value: Any, dtype: Any) -> Any:
    return to_dtype(value, dtype) if isinstance(value, TracedValue) else value.astype(dtype)


def _array(value: Any, dtype: Any = None, *, copy: Any = True, order: Any = "K",
           subok: bool = False, ndmin: int = 0, like: Any = None) -> Any:  # fmt: skip
    found = to_dtype(_built(value), dtype)
    if found.ndim < ndmin:
        found = np.reshape(found, (1,) * (ndmin - found.ndim) + found.shape)
    return _own(found) if copy or is_ndarray(found) else found


def _own(value: Any) -> Any:
    found = value.copied()
    found.is_array = True
    return found


def _asarray(a: Any, dtype: Any = None, order: Any = None, **_: Any) -> Any:
    return _array(a, dtype, copy=False)


def _ascontiguousarray(a: Any, dtype: Any = None, **_: Any) -> Any:
    found = _array(a, dtype, copy=False)
    if found.ndim == 0:
        return np.reshape(found, (1,))
    lies = views.strides(found)
    if lies is None or not views.is_dense(found.shape, lies):
        found = _own(found)
        found.order = None
    return found


def _asfortranarray(a: Any, dtype: Any = None, **_: Any) -> Any:
    found = _own(_array(a, dtype, copy=False))
    found.order = tuple(reversed(range(found.ndim)))
    return found


def _copy(a: Any, *_: Any, **__: Any) -> Any:
    return _array(a)


def _full(shape: Any, fill_value: Any, dtype: Any = None, *_: Any, **__: Any) -> Any:
    value = to_dtype(_built(fill_value), dtype)
    sizes = bare(shape) if is_sequence(shape) else (shape,)
    wide = apply("broadcast_to", value, shape=tuple(operator.index(n) for n in sizes))
    return _own(wide)


def _like(make: Callable[..., Any]) -> Callable[..., Any]:
    def found(a: Any, *values: Any, dtype: Any = None, shape: Any = None,
              **_: Any) -> Any:  # fmt: skip
        values, dtype = (values[:-1], values[-1]) if len(values) > _FILLS[make] else (values, dtype)
        kind = np.dtype(a.dtype if dtype is None else dtype)
        if any_of(TracedValue, values):
            return _full(a.shape if shape is None else shape, *values, kind)
        if shape is None:
            return Known(active.get(), make(_prototype(a), *bare(values), dtype=kind))
        return Known(active.get(), make(np.empty(()), *bare(values), dtype=kind, shape=bare(shape)))

    return found


def _prototype(a: Any) -> Any:
    """Return an array whose axes lie in memory as those of a traced one do."""
    order = views.order(a) if isinstance(a, TracedValue) else None
    if order is None or order == UNKNOWN:
        return np.empty(a.shape, np.bool_)
    return np.empty([a.shape[axis] for axis in order], np.bool_).transpose(np.argsort(order))


_ZEROS, _ZEROS_LIKE, _ONES_LIKE, _FULL_LIKE = np.zeros, np.zeros_like, np.ones_like, np.full_like
_FILLS: dict[Any, int] = {_ZEROS_LIKE: 0, _ONES_LIKE: 0, _FULL_LIKE: 1}
_OF_TRACED: dict[str, Callable[..., Any]] = {
    "array": _array, "asarray": _asarray, "asanyarray": _asarray, "copy": _copy,
    "ascontiguousarray": _ascontiguousarray, "asfortranarray": _asfortranarray, "full": _full,
    "require": lambda a, dtype=None, requirements=None: _asarray(a, dtype),
    "empty_like": _like(_ZEROS_LIKE), "zeros_like": _like(_ZEROS_LIKE),
    "ones_like": _like(_ONES_LIKE), "full_like": _like(_FULL_LIKE),
}  # fmt: skip


_SIZED = (
    "empty zeros ones eye identity arange indices tri hanning hamming blackman bartlett".split()
)


def _refuse_size(*args: Any, **options: Any) -> NoReturn:
    """Let the traced value say that it is no size."""
    for each in (*args, *options.values()):
        if any_of(TracedValue, each):
            traced = each
            while is_sequence(traced):
                traced = next(part for part in traced if any_of(TracedValue, part))
            operator.index(traced)
    raise AssertionError(args)  # pragma: no cover


# -- Made of numbers ------------------------------------------------------------------------------


def _empty(shape: Any, dtype: Any = float, *args: Any, **options: Any) -> Any:
    # What is in it first must be the same at every run.
    return _ZEROS(shape, dtype, *args, **options)


def _empty_like(a: Any, *args: Any, **options: Any) -> Any:
    return _ZEROS_LIKE(a, *args, **options)


def _fromfunction(function: Any, shape: Any, *, dtype: Any = float, **options: Any) -> Any:
    grids = np.indices(shape, dtype)
    recorder = active.get()
    return function(*(Known(recorder, each.copy()) for each in grids), **bare(options))


_OF_NUMBERS: dict[str, Callable[..., Any]] = {
    "empty": _empty, "empty_like": _empty_like, "fromfunction": _fromfunction,
}  # fmt: skip


# -- The exchange ---------------------------------------------------------------------------------


def _exchanged(name: str) -> Callable[..., Any]:
    numpys: Callable[..., Any] = getattr(np, name)
    of_traced, of_numbers = _OF_TRACED.get(name, numpys), _OF_NUMBERS.get(name, numpys)
    if name in _SIZED:
        of_traced = _refuse_size

    @wraps(numpys)
    def make(*args: Any, **options: Any) -> Any:
        recorder = active.get()
        if recorder is None or recorder.finished:
            return numpys(*args, **options)
        # What is made while a trace runs is like what is traced already.
        options.pop("like", None)
        if any_of(TracedValue, args) or any_of(TracedValue, options):
            return of_traced(*args, **options)
        found = of_numbers(*bare(args), **bare(options))
        return wrapped(recorder, found, (*args, *options.values()))

    return make


class _Numpy(ModuleType):
    """NumPy as the user's modules see it while a trace runs."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def _default_rng(seed: Any = None) -> Any:
    recorder = active.get()
    if seed is None and recorder is not None and not recorder.finished:
        refuse_unseeded(frames.caller())
    return np.random.default_rng(seed)


def _module(name: str, numpys: ModuleType, exchanged: dict[str, Any]) -> _Numpy:
    found = _Numpy(name)
    found.__dict__.update(vars(numpys))
    found.__dict__.update(exchanged)
    return found


_EXCHANGED = {name: _exchanged(name) for name in _NAMES}
_RANDOM = _module("numpy.random", np.random, {"default_rng": _default_rng})
_LINALG = _module("numpy.linalg", np.linalg, LINALG)
_NUMPY = _module(
    "numpy", np, {**_EXCHANGED, **STAND_INS, **GRIDS, "random": _RANDOM, "linalg": _LINALG}
)
_BY_IDENTITY = {
    id(np): _NUMPY,
    id(np.random): _RANDOM,
    id(np.linalg): _LINALG,
    id(np.random.default_rng): _default_rng,
    **{id(getattr(np, name)): _EXCHANGED[name] for name in _NAMES},
    **{id(getattr(np, name)): found for name, found in {**STAND_INS, **GRIDS}.items()},
    **{id(getattr(np.linalg, name)): found for name, found in LINALG.items()},
}


def stand_in(value: Any) -> Any:
    """Return what stands for NumPy, or for one of its creation functions, in a user's name."""
    return _BY_IDENTITY.get(id(value))
