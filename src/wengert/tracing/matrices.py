"""NumPy's linear algebra on tracers: np.linalg's functions, brought to the form of the records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.linalg._linalg import EighResult, EigResult, QRResult, SlogdetResult, SVDResult

from wengert.base.errors import ShapeError
from wengert.tracing import diagonals, frames
from wengert.tracing.apply import apply
from wengert.tracing.ufuncs import refuse
from wengert.tracing.value import described

_NO_VALUE: Any = np._NoValue  # type: ignore[attr-defined]


def _named(kind: type[Any], results: tuple[Any, ...]) -> Any:
    # Not kind(*results): its own locals would be read as the user's names.
    return tuple.__new__(kind, results)  # pyright: ignore[reportUnknownMemberType]


def _is_lower(uplo: str) -> bool:
    if uplo.upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    return uplo.upper() == "L"


def _adjoint(a: Any) -> Any:
    return np.conj(np.swapaxes(a, -1, -2))


# -- Factors ---------------------------------------------------------------------------------------


def slogdet(a: Any) -> Any:
    """np.linalg.slogdet"""
    return _named(SlogdetResult, apply("slogdet", a))


def eigh(a: Any, UPLO: str = "L") -> Any:
    """np.linalg.eigh"""
    return _named(EighResult, apply("eigh", a, lower=_is_lower(UPLO)))


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """np.linalg.eigvalsh"""
    return apply("eigvalsh", a, lower=_is_lower(UPLO))


def eig(a: Any) -> Any:
    """np.linalg.eig, always complex"""
    return _named(EigResult, apply("eig", a))


def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """np.linalg.cholesky"""
    return _adjoint(apply("cholesky", _adjoint(a))) if upper else apply("cholesky", a)


def qr(a: Any, mode: str = "reduced") -> Any:
    """np.linalg.qr"""
    if mode not in ("reduced", "complete", "r"):
        refuse(f"np.linalg.qr with mode={mode!r}", "mode='reduced', 'complete' or 'r'")
    found = apply("qr", a, complete=mode == "complete")
    return found[1] if mode == "r" else _named(QRResult, found)


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """np.linalg.svd"""
    if hermitian:
        refuse("np.linalg.svd with hermitian=True", "np.linalg.eigh, or np.linalg.svd(A)")
    if not compute_uv:
        return apply("svdvals", a)
    square = len(a.shape) > 1 and a.shape[-1] == a.shape[-2]
    return _named(SVDResult, apply("svd", a, full=full_matrices and not square))


# -- Solutions -------------------------------------------------------------------------------------


def solve(a: Any, b: Any) -> Any:
    """np.linalg.solve"""
    if np.ndim(b) == 1:
        return solve(a, np.reshape(b, (-1, 1)))[..., 0]
    left, right = np.shape(a)[:-2], np.shape(b)[:-2]
    if left == right:
        return apply("solve", a, b)
    stack = _stack("solve", a, b)
    return apply("solve", *(np.broadcast_to(x, (*stack, *np.shape(x)[-2:])) for x in (a, b)))


def _stack(name: str, a: Any, b: Any) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(np.shape(a)[:-2], np.shape(b)[:-2])
    except ValueError:
        raise ShapeError(
            f"np.linalg.{name}: the stacks do not fit",
            got=f"{described(a)}; {described(b)}",
            where=frames.caller(),
        ) from None


def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = _NO_VALUE) -> Any:
    """np.linalg.pinv"""
    if hermitian:
        refuse("np.linalg.pinv with hermitian=True", "np.linalg.pinv(A)")
    if rcond is None:
        eps = np.finfo(np.result_type(a.dtype, np.float32) if a.dtype.kind in "fc" else float).eps
        rcond = 1e-15 if rtol is _NO_VALUE else max(a.shape[-2:]) * eps if rtol is None else rtol
    return apply("pinv", a, rcond=float(rcond))


def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """np.linalg.lstsq; the residuals are there for every rank"""
    m, n = np.shape(a)
    kind = np.result_type(a.dtype, b.dtype)
    eps = float(np.finfo(kind if kind.kind in "fc" else float).eps)
    cut = max(m, n) * eps if rcond is None else eps if rcond < 0 else float(rcond)
    x = np.matmul(apply("pinv", a, rcond=cut), b)
    apart = np.abs(np.matmul(a, x) - b) ** 2
    wide = apart if len(apart.shape) > 1 else np.reshape(apart, (-1, 1))
    left = np.sum(wide, axis=0) if m > n else np.zeros(0, apart.dtype)
    values = svd(a, compute_uv=False)
    rank = np.sum(values > cut * np.max(values))
    return x, left, rank, values


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """np.linalg.tensorsolve"""
    if axes is not None:
        order = [k for k in range(np.ndim(a)) if k not in {axis % np.ndim(a) for axis in axes}]
        a = np.transpose(a, (*order, *axes))
    shape = np.shape(a)[np.ndim(b) :]
    found = solve(np.reshape(a, (prod(np.shape(b)), prod(shape))), np.ravel(b))
    return np.reshape(found, shape)


def tensorinv(a: Any, ind: int = 2) -> Any:
    """np.linalg.tensorinv"""
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    shape = np.shape(a)
    rows = prod(shape[:ind])
    found = apply("inv", np.reshape(a, (rows, -1)))
    return np.reshape(found, (*shape[ind:], *shape[:ind]))


def matrix_power(a: Any, n: int) -> Any:
    """np.linalg.matrix_power, by squaring as NumPy does it"""
    if n == 0:
        return np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    if n < 0:
        a, n = apply("inv", a), -n
    if n == 3:
        return np.matmul(np.matmul(a, a), a)
    power, found = None, None
    while n > 0:
        power = a if power is None else np.matmul(power, power)
        n, bit = divmod(n, 2)
        if bit:
            found = power if found is None else np.matmul(found, power)
    return found


def multi_dot(arrays: Sequence[Any], *, out: None = None) -> Any:
    """np.linalg.multi_dot: the products in the cheapest order"""
    items = list(arrays)
    if len(items) < 2:
        raise ValueError("Expecting at least two arrays.")
    ends = np.ndim(items[0]) == 1, np.ndim(items[-1]) == 1
    if ends[0]:
        items[0] = np.reshape(items[0], (1, -1))
    if ends[1]:
        items[-1] = np.reshape(items[-1], (-1, 1))
    sizes = [items[0].shape[0], *(each.shape[1] for each in items)]
    found = _product(items, _best_cuts(sizes), 0, len(items) - 1)
    if all(ends):
        return found[0, 0]
    return found[0] if ends[0] else found[:, 0] if ends[1] else found


def _best_cuts(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Return where each run of matrices is cut in two (Cormen et al., matrix-chain order)."""
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    cuts: dict[tuple[int, int], int] = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            ways = {
                k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                for k in range(i, j)
            }
            cuts[i, j] = min(ways, key=ways.__getitem__)
            cost[i, j] = ways[cuts[i, j]]
    return cuts


def _product(items: Sequence[Any], cuts: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return items[i]
    k = cuts[i, j]
    return np.matmul(_product(items, cuts, i, k), _product(items, cuts, k + 1, j))


# -- Views and products ----------------------------------------------------------------------------


def linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """np.linalg.diagonal"""
    return diagonals.diagonal(x, offset, -2, -1)


def linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """np.linalg.trace"""
    return diagonals.trace(x, offset, -2, -1, dtype)


def linalg_outer(x1: Any, x2: Any, /) -> Any:
    """np.linalg.outer"""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError("Input arrays must be one-dimensional")
    return np.outer(x1, x2)


def linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """np.linalg.cross"""
    if np.shape(x1)[axis] != 3 or np.shape(x2)[axis] != 3:
        raise ValueError("Both input arrays must be (arrays of) 3-dimensional vectors")
    return diagonals.cross(x1, x2, axis=axis)


def linalg_vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """np.linalg.vecdot"""
    dot: Any = np.vecdot
    return dot(x1, x2, axis=axis)


TABLE: dict[Any, Callable[..., Any]] = {
    np.linalg.slogdet: slogdet, np.linalg.inv: partial(apply, "inv"),
    np.linalg.det: partial(apply, "det"), np.linalg.eigh: eigh, np.linalg.eigvalsh: eigvalsh,
    np.linalg.eig: eig, np.linalg.eigvals: partial(apply, "eigvals"),
    np.linalg.cholesky: cholesky, np.linalg.qr: qr, np.linalg.svd: svd,
    np.linalg.svdvals: partial(apply, "svdvals"), np.linalg.solve: solve,
    np.linalg.pinv: pinv, np.linalg.lstsq: lstsq, np.linalg.tensorsolve: tensorsolve,
    np.linalg.tensorinv: tensorinv, np.linalg.matrix_power: matrix_power,
    np.linalg.multi_dot: multi_dot, np.linalg.diagonal: linalg_diagonal,
    np.linalg.trace: linalg_trace, np.linalg.outer: linalg_outer,
    np.linalg.cross: linalg_cross, np.linalg.vecdot: linalg_vecdot,
    np.linalg.matmul: np.matmul, np.linalg.tensordot: np.tensordot,
    np.linalg.matrix_transpose: np.matrix_transpose,
}  # fmt: skip
