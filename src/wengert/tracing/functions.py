"""NumPy's functions on tracers: one row a function in ``TABLE``."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from wengert.base.errors import TraceError
from wengert.tracing import (
    changing,
    contractions,
    facts,
    frames,
    joining,
    matrices,
    movement,
    reductions,
    ufuncs,
    writing,
)
from wengert.tracing.apply import apply
from wengert.tracing.value import TracedValue


def dispatch(function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Carry out a NumPy function where some argument is traced."""
    handler = TABLE.get(function) or _refuse(function)
    out = options.pop("out", None)
    try:
        result = handler(*args, **options)
    except TypeError as error:
        # Only a call that does not fit the handler's signature is ours to explain.
        if error.__traceback__ is None or error.__traceback__.tb_next is not None:
            raise
        ufuncs.refuse(f"np.{function.__name__} called this way ({error})")
    return result if out is None else writing.write(result, out)


def _refuse(function: Any) -> NoReturn:
    module = getattr(function, "__module__", "numpy").replace("numpy", "np", 1)
    name = f"{module}.{function.__name__}"
    hint = _HINTS.get(name)
    if hint is None:
        offered = (each for each in (*TABLE, *ufuncs.TABLE) if each not in _NOT_OFFERED)
        known = {each.__name__: f"np.{each.__name__}" for each in offered}
        near = difflib.get_close_matches(function.__name__, known, n=2, cutoff=0.6)
        hint = " or ".join(known[each] for each in near) or None
    ufuncs.refuse(name, hint)


_HINTS = {
    "np.allclose": "compare what comes out of the function",
    "np.isclose": "np.abs(a - b) < tolerance",
    "np.array_equal": "np.all(a == b)",
    "np.average": "np.sum(weights * x) / np.sum(weights)",
    "np.interp": "np.where between known places",
    "np.block": "np.concatenate along each axis",
    "np.dstack": "np.stack(…, axis=-1)",
    "np.repeat": "np.broadcast_to and np.reshape",
    "np.roll": "np.concatenate([x[-k:], x[:-k]])",
    "np.diff": "x[1:] - x[:-1]",
    "np.kron": "np.einsum and np.reshape",
    "np.nansum": "np.sum(np.where(np.isnan(x), 0, x))",
    "np.nanmean": "np.where and np.sum",
    "np.median": "np.linalg and sorting functions come with a later version",
    "np.linalg.solve": "np.linalg functions come with a later version",
    "np.linalg.det": "np.linalg functions come with a later version",
    "np.save": "save what comes out of the function",
    "np.savetxt": "save what comes out of the function",
    "np.apply_along_axis": "a loop over rows, and np.stack",
    "np.linalg.norm": "np.sqrt(np.sum(x**2)), or np.sum(x**2) for its square",
    "np.convolve": "np.einsum over slices",
    "np.cumsum": "np.tril(np.ones((n, n))) @ x",
    "np.sort": "np.max, np.min or np.take_along_axis with known places",
    "np.pad": "np.concatenate with np.zeros",
    "np.split": "slices x[a:b]",
    "np.tile": "np.broadcast_to and np.reshape",
    "np.linalg.inv": "np.linalg functions come with a later version",
    "np.diag": "x * np.eye(n)",
}


def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None or y is None:
        raise TraceError(
            "np.where with one argument gives places that depend on the data",
            remedy="np.where(condition, a, b)",
            where=frames.caller(),
        )
    if not any(isinstance(each, TracedValue) for each in (x, y)) and not any(
        isinstance(each, np.ndarray | np.generic) for each in (x, y)
    ):
        x, y = np.asarray(x), np.asarray(y)
    return apply("where", condition, x, y)


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None,
          max: Any = None) -> Any:  # fmt: skip
    low = min if a_min is None else a_min
    high = max if a_max is None else a_max
    if low is None and high is None:
        return facts.copied(a)
    result = a if low is None else np.maximum(a, low)
    return result if high is None else np.minimum(result, high)


def _like(fill: Callable[..., Any]) -> Callable[..., Any]:
    def make(prototype: Any, *values: Any, dtype: Any = None, shape: Any = None,
             **_: Any) -> Any:  # fmt: skip
        if any(isinstance(value, TracedValue) for value in values):
            ufuncs.refuse("np.full_like with a traced value", "value * np.ones(shape)")
        size = prototype.shape if shape is None else shape
        return fill(size, *values, dtype=prototype.dtype if dtype is None else dtype)

    return make


def _nan_to_num(x: Any, *_: Any, **__: Any) -> Any:
    ufuncs.refuse("np.nan_to_num", "np.where(np.isnan(x), 0, x)")


# These have a row only to say better what is wrong.
_NOT_OFFERED = {np.nan_to_num}
TABLE: dict[Any, Callable[..., Any]] = {
    **matrices.TABLE,
    np.sum: reductions.sum_, np.mean: reductions.mean, np.var: reductions.var,
    np.std: reductions.std, np.prod: reductions.prod, np.max: reductions.max_,
    np.min: reductions.min_, np.amax: reductions.max_, np.amin: reductions.min_,
    np.all: reductions.all_, np.any: reductions.any_,
    np.argmax: reductions.argmax, np.argmin: reductions.argmin,
    np.reshape: movement.reshape, np.ravel: movement.ravel, np.transpose: movement.transpose,
    np.matrix_transpose: movement.matrix_transpose,
    np.swapaxes: movement.swapaxes, np.moveaxis: movement.moveaxis,
    np.broadcast_to: movement.broadcast_to, np.expand_dims: movement.expand_dims,
    np.squeeze: movement.squeeze, np.flip: movement.flip, np.take: movement.take,
    np.take_along_axis: movement.take_along_axis, np.atleast_1d: movement.atleast_1d,
    np.atleast_2d: movement.atleast_2d,
    np.concatenate: joining.concatenate, np.stack: joining.stack, np.vstack: joining.vstack,
    np.hstack: joining.hstack, np.column_stack: joining.column_stack,
    np.append: joining.append,
    np.where: _where, np.clip: _clip, np.copy: facts.copied,
    np.astype: facts.astype,
    np.real: facts.real, np.imag: facts.imag, np.angle: facts.angle,
    np.iscomplex: facts.iscomplex, np.isreal: facts.isreal, np.nan_to_num: _nan_to_num,
    np.dot: contractions.dot, np.inner: contractions.inner, np.outer: contractions.outer,
    np.vdot: contractions.vdot, np.tensordot: contractions.tensordot,
    np.einsum: contractions.einsum, np.trace: contractions.trace,
    np.zeros_like: _like(np.zeros), np.ones_like: _like(np.ones), np.full_like: _like(np.full),
    np.empty_like: _like(np.zeros),
    **changing.FUNCTIONS,
    np.shape: facts.shape, np.ndim: facts.ndim, np.size: facts.size,
    np.iscomplexobj: facts.iscomplexobj, np.isrealobj: facts.isrealobj,
    np.result_type: facts.result_type, np.can_cast: facts.can_cast,
}  # fmt: skip
