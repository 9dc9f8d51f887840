"""NumPy's functions of diagonals, triangles and products of matrices, on tracers."""

# NumPy's signatures have no types for arrays that record.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError
from wengert.tracing import frames
from wengert.tracing.apply import apply
from wengert.tracing.arrays import array, floating, known
from wengert.tracing.reductions import axes_of, cast
from wengert.tracing.value import described


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """np.diagonal"""
    first, second = axes_of(a, int(axis1))[0], axes_of(a, int(axis2))[0]
    if first == second:
        raise ShapeError(
            f"np.diagonal of {described(a)}", expected="two different axes", where=frames.caller()
        )
    moved = np.moveaxis(a, (first, second), (-2, -1))
    rows, columns = moved.shape[-2:]
    count = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    places = np.arange(count)
    return moved[..., places + max(-offset, 0), places + max(offset, 0)]


def diag(v: Any, k: int = 0) -> Any:
    """np.diag"""
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ShapeError(
            f"np.diag of {described(v)}", expected="one axis or two", where=frames.caller()
        )
    n, places = v.shape[0] + abs(k), np.arange(v.shape[0])
    rows, columns = places + max(-k, 0), places + max(k, 0)
    return apply("index_add", v, rows, columns, template=("#0", "#1"), shape=(n, n))


def diagflat(v: Any, k: int = 0) -> Any:
    """np.diagflat"""
    return diag(np.ravel(v), k)


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """np.trace"""
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


def _triangle(lower: bool) -> Callable[..., Any]:
    def part(m: Any, k: int = 0) -> Any:
        mask = np.tri(*m.shape[-2:], k=k if lower else k - 1, dtype=bool)
        zero = np.zeros((), m.dtype)
        return np.where(mask, m, zero) if lower else np.where(mask, zero, m)

    return part


tril, triu = _triangle(True), _triangle(False)


def kron(a: Any, b: Any) -> Any:
    """np.kron"""
    a, b = array(a), array(b)
    rank = max(a.ndim, b.ndim)
    left, right = ((1,) * (rank - len(shape)) + tuple(shape) for shape in (a.shape, b.shape))
    wide = np.reshape(a, [n for size in left for n in (size, 1)])
    other = np.reshape(b, [n for size in right for n in (1, size)])
    return np.reshape(wide * other, [n * m for n, m in zip(left, right, strict=True)])


def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """np.cross"""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(array(a), axisa, -1), np.moveaxis(array(b), axisb, -1)
    if not {a.shape[-1], b.shape[-1]} <= {2, 3}:
        raise ShapeError(
            "np.cross", expected="vectors of 2 or 3 components",
            got=f"{described(a)}; {described(b)}", where=frames.caller(),
        )  # fmt: skip
    x, y = ([v[..., i] for i in range(v.shape[-1])] for v in (a, b))
    last = x[0] * y[1] - x[1] * y[0]
    if len(x) == len(y) == 2:
        return last
    if len(x) == 2:
        parts = [x[1] * y[2], -(x[0] * y[2]), last]
    elif len(y) == 2:
        parts = [-(x[2] * y[1]), x[2] * y[0], last]
    else:
        parts = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], last]
    return np.moveaxis(np.stack(parts, axis=-1), -1, axisc)


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """np.vander"""
    count = x.shape[0] if N is None else int(N)
    dtype = np.promote_types(x.dtype, np.int64) if x.dtype.kind != "b" else np.dtype(int)
    one = np.ones((x.shape[0], min(count, 1)), dtype)
    columns = [one]
    if count > 1:
        many = np.broadcast_to(cast(x, dtype)[:, None], (x.shape[0], count - 1))
        columns.append(np.multiply.accumulate(many, axis=1))
    found = np.concatenate(columns, axis=1)
    return found if increasing else np.flip(found, 1)


# -- Covariance -----------------------------------------------------------------------------------


def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None,
    fweights: Any = None, aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    """np.cov"""
    rows = _rows(m, rowvar, dtype)
    if y is not None:
        rows = np.concatenate([rows, _rows(y, rowvar, dtype)], axis=0)
    ddof = (0 if bias else 1) if ddof is None else ddof
    w = None
    for weights in (fweights, aweights):
        if weights is not None:
            w = floating(weights) if w is None else w * floating(weights)
    average, total = _weighed(rows, w)
    if w is None:
        fact = rows.shape[1] - ddof
    elif ddof == 0:
        fact = total
    elif aweights is None:
        fact = total - ddof
    else:
        fact = total - ddof * np.sum(w * floating(aweights)) / total
    apart = rows - average[:, None]
    right = np.transpose(apart if w is None else apart * w)
    c = np.dot(apart, np.conj(right)) * np.true_divide(1, fact)
    return np.squeeze(c)


def _rows(m: Any, rowvar: bool, dtype: Any) -> Any:
    found = np.atleast_2d(floating(m) if dtype is None else cast(array(m), dtype))
    return np.transpose(found) if not rowvar and found.shape[0] != 1 else found


def _weighed(x: Any, w: Any) -> tuple[Any, Any]:
    if w is None:
        return np.mean(x, axis=1), x.shape[1]
    total = np.sum(w)
    return np.sum(x * w, axis=1) / total, total


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """np.corrcoef"""
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    stddev = np.sqrt(np.real(np.diagonal(c)))
    return np.clip(c / stddev[:, None] / stddev[None, :], -1, 1)


def _places(make: Callable[..., Any]) -> Callable[..., Any]:
    def of_shape(arr: Any, *args: Any, **options: Any) -> Any:
        known((args, options), "the offset of a diagonal")
        return make(np.broadcast_to(np.zeros((), bool), arr.shape), *args, **options)

    return of_shape


DIFFERENTIABLE: dict[str, Callable[..., Any]] = {
    "diagonal": diagonal, "diag": diag, "diagflat": diagflat, "trace": trace, "tril": tril,
    "triu": triu, "kron": kron, "cross": cross, "vander": vander, "cov": cov,
    "corrcoef": corrcoef,
}  # fmt: skip
CONSTANT: dict[str, Callable[..., Any]] = {
    "diag_indices_from": _places(np.diag_indices_from),
    "tril_indices_from": _places(np.tril_indices_from),
    "triu_indices_from": _places(np.triu_indices_from),
}  # fmt: skip
