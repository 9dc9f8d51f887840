"""NumPy's functions on tracers: one row a function in ``TABLE``."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from wengert.base.errors import TraceError
from wengert.base.guards import is_numpy
from wengert.tracing import (
    changing,
    contractions,
    facts,
    fourier,
    frames,
    joining,
    matrices,
    movement,
    norms,
    reductions,
    refused,
    rooms,
    ufuncs,
    writing,
)
from wengert.tracing.apply import apply
from wengert.tracing.value import TracedValue


def dispatch(function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Carry out a NumPy function where some argument is traced."""
    handler = row(function) or _refuse(function)
    out = options.pop("out", None)
    try:
        result = handler(*args, **options)
    except TypeError as error:
        # Only a call that does not fit the handler's signature is ours to explain.
        if error.__traceback__ is None or error.__traceback__.tb_next is not None:
            raise
        ufuncs.refuse(f"np.{function.__name__} called this way ({error})")
    return result if out is None else writing.write(result, out)


def row(function: Any) -> Callable[..., Any] | None:
    """Return what carries out a function of NumPy's, None where it is refused."""
    # What comes here by ``like=`` is another object than the public function of its name.
    return TABLE.get(function) or TABLE.get(rooms.found(path(function)))


def path(function: Any) -> str:
    """Return the dotted name of a function under ``np``."""
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module}.{function.__name__}".removeprefix("numpy.")


def why_not(function: Any) -> refused.Refusal | None:
    """Return why a function is refused, and what does the same; None where nothing is known."""
    module = getattr(function, "__module__", None)
    return refused.FUNCTIONS.get(path(function)) or refused.MODULES.get(module or "")


def _refuse(function: Any) -> NoReturn:
    name = f"np.{path(function)}"
    why = why_not(function)
    if why is not None:
        ufuncs.refuse(name, why.instead, why.because)
    known = {each.__name__: f"np.{each.__name__}" for each in (*TABLE, *ufuncs.TABLE)}
    near = difflib.get_close_matches(function.__name__, known, n=2, cutoff=0.6)
    ufuncs.refuse(name, " or ".join(known[each] for each in near) or None)


def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None or y is None:
        raise TraceError(
            "np.where with one argument gives places that depend on the data",
            remedy="np.where(condition, a, b)",
            where=frames.caller(),
        )
    if not any(isinstance(each, TracedValue) for each in (x, y)) and not any(
        is_numpy(each) for each in (x, y)
    ):
        x, y = np.asarray(x), np.asarray(y)
    return apply("where", condition, x, y)


def _like(fill: Callable[..., Any]) -> Callable[..., Any]:
    def make(prototype: Any, *values: Any, dtype: Any = None, shape: Any = None,
             **_: Any) -> Any:  # fmt: skip
        if any(isinstance(value, TracedValue) for value in values):
            ufuncs.refuse("np.full_like with a traced value", "value * np.ones(shape)")
        size = prototype.shape if shape is None else shape
        return fill(size, *values, dtype=prototype.dtype if dtype is None else dtype)

    return make


TABLE: dict[Any, Callable[..., Any]] = {
    **rooms.ROWS,
    **matrices.TABLE,
    **norms.TABLE,
    **fourier.TABLE,
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
    np.where: _where, np.copy: facts.copied,
    np.astype: facts.astype,
    np.real: facts.real, np.imag: facts.imag, np.angle: facts.angle,
    np.iscomplex: facts.iscomplex, np.isreal: facts.isreal,
    np.dot: contractions.dot, np.inner: contractions.inner, np.outer: contractions.outer,
    np.vdot: contractions.vdot, np.tensordot: contractions.tensordot,
    np.einsum: contractions.einsum,
    np.zeros_like: _like(np.zeros), np.ones_like: _like(np.ones), np.full_like: _like(np.full),
    np.empty_like: _like(np.zeros),
    **changing.FUNCTIONS,
    np.shape: facts.shape, np.ndim: facts.ndim, np.size: facts.size,
    np.iscomplexobj: facts.iscomplexobj, np.isrealobj: facts.isrealobj,
    np.result_type: facts.result_type, np.can_cast: facts.can_cast,
}  # fmt: skip
