"""np.linalg's norms, condition numbers and ranks on tracers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError
from wengert.tracing import frames
from wengert.tracing.apply import apply
from wengert.tracing.reductions import axes_of
from wengert.tracing.value import described

Axis = int | tuple[int, ...] | None
_NO_VALUE: Any = np._NoValue  # type: ignore[attr-defined]
_EDGES: dict[Any, tuple[Any, bool]] = {
    1: (np.max, False), -1: (np.min, False), np.inf: (np.max, True), -np.inf: (np.min, True),
}  # fmt: skip


def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """np.linalg.norm"""
    if x.dtype.kind not in "fc":
        x = x.astype(np.float64)
    if axis is None:
        flat = ord is None or (ord in ("f", "fro") and x.ndim == 2) or (ord == 2 and x.ndim == 1)
        if flat:
            return _euclidean(x, tuple(range(x.ndim)), keepdims)
        axis = tuple(range(x.ndim))
    axes = _ordered(x, axis)
    if ord is None:
        return _euclidean(x, axes, keepdims)
    if len(axes) == 1:
        return _of_vectors(x, ord, axes, keepdims)
    if len(axes) == 2:
        return _of_matrices(x, ord, axes, keepdims)
    raise ValueError("Improper number of dimensions to norm.")


def _ordered(x: Any, axis: Axis) -> tuple[int, ...]:
    """Return the axes counted from the first, in the order given: rows, then columns."""
    axes_of(x, axis)
    wanted = axis if isinstance(axis, tuple | list) else (axis,)
    return tuple(int(each) % x.ndim for each in wanted if each is not None)


def _euclidean(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return apply("euclidean_norm", x, axis=tuple(sorted(axes)), keepdims=bool(keepdims))


def _of_vectors(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if ord == 2:
        return _euclidean(x, axes, keepdims)
    if ord in (np.inf, -np.inf):
        extreme = np.max if ord > 0 else np.min
        return extreme(np.abs(x), axis=axes, keepdims=keepdims)
    if ord == 0:
        return np.sum((x != 0).astype(np.real(x).dtype), axis=axes, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.abs(x), axis=axes, keepdims=keepdims)
    total = np.sum(np.abs(x) ** ord, axis=axes, keepdims=keepdims)
    return total ** (1 / ord)


def _of_matrices(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    row, column = axes
    if row == column:
        raise ValueError("Duplicate axes given.")
    if ord in ("fro", "f"):
        return _euclidean(x, axes, keepdims)
    moved = np.moveaxis(np.abs(x), axes, (-2, -1)) if ord in _EDGES else None
    if moved is not None:
        extreme, along_rows = _EDGES[ord]
        found = extreme(np.sum(moved, axis=-1 if along_rows else -2), axis=-1)
    elif ord in (2, -2, "nuc"):
        values = apply("svdvals", np.moveaxis(x, axes, (-2, -1)))
        reduce = {2: np.max, -2: np.min, "nuc": np.sum}[ord]
        found = reduce(values, axis=-1)
    else:
        raise ValueError(f"Invalid norm order {ord!r} for matrices.")
    return np.expand_dims(found, tuple(sorted(axes))) if keepdims else found


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """np.linalg.matrix_norm"""
    return norm(x, ord, (-2, -1), keepdims)


def vector_norm(x: Any, /, *, axis: Axis = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """np.linalg.vector_norm"""
    if axis is None:
        found = norm(np.ravel(x), ord, 0)
        return np.reshape(found, (1,) * x.ndim) if keepdims else found
    if isinstance(axis, tuple) and len(axis) > 1:
        kept = [each for each in range(x.ndim) if each not in {k % x.ndim for k in axis}]
        flat = np.reshape(np.transpose(x, (*axis, *kept)), (-1, *(x.shape[k] for k in kept)))
        found = norm(flat, ord, 0)
        return np.expand_dims(found, tuple(sorted(k % x.ndim for k in axis))) if keepdims else found
    return norm(x, ord, axis, keepdims)


def cond(x: Any, p: Any = None) -> Any:
    """np.linalg.cond"""
    if 0 in x.shape[-2:]:
        raise ShapeError("np.linalg.cond of no elements", got=described(x), where=frames.caller())
    if p in (None, 2, -2):
        s = apply("svdvals", x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return norm(x, p, (-2, -1)) * norm(apply("inv", x), p, (-2, -1))


def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """np.linalg.matrix_rank: a number without derivative"""
    if A.ndim < 2:
        return np.any(A != 0).astype(np.int64)
    values = np.abs(apply("eigvalsh", A, lower=True)) if hermitian else apply("svdvals", A)
    if tol is None:
        eps = np.finfo(values.dtype).eps
        relative = max(A.shape[-2:]) * eps if rtol is None else np.asarray(rtol)[..., None]
        tol = np.max(values, axis=-1, keepdims=True) * relative
    else:
        tol = np.asarray(tol)[..., None] if not hasattr(tol, "variable") else tol[..., None]
    return np.sum(values > tol, axis=-1)


TABLE: dict[Any, Callable[..., Any]] = {
    np.linalg.norm: norm, np.linalg.matrix_norm: matrix_norm,
    np.linalg.vector_norm: vector_norm, np.linalg.cond: cond,
    np.linalg.matrix_rank: matrix_rank,
}  # fmt: skip
