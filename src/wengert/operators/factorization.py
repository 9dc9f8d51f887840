"""Factors of matrices, alone or in stacks: singular values and QR; eigen.py has eigenvalues.

Derivatives of eigenvectors and singular vectors divide by distances of values. Where two of them
coincide the derivative exists for no choice of vectors; ``over_gaps`` then refuses, unless nothing
asks for it (the numerator is exactly zero, as for vectors that the objective does not read). The
phase of a complex vector is arbitrary, too: an objective that depends on it is refused, but for
``eig``, whose vectors have a largest component that is real.

Rules are written for conj(g), as the literature writes them, and conjugated at the end.
"""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from wengert.operators import matrices as mats
from wengert.operators.arithmetic import divide_or_zero
from wengert.operators.complexes import part_of
from wengert.operators.gaps import apart_from, must_vanish, over_gaps, phase_free
from wengert.operators.matrices import adjoint, columns, conjugated, rows, transposed
from wengert.operators.record import Cost, Operator, Samples, Type
from wengert.operators.samples import Case


def _over(m: Any, s: Any) -> Any:
    """Return m[i, j] / s[j]."""
    return over_gaps(m, s, np.zeros((*s.shape[:-1], m.shape[-2]), s.dtype), apart=False)


# -- Singular values -------------------------------------------------------------------------------


def _svd_result(a: Type, *, full: bool) -> tuple[Type, Type, Type]:
    (*stack, m, n), dtype = mats.matrices("svd", a)
    k = min(m, n)
    u = Type((*stack, m, m if full else k), dtype)
    v = Type((*stack, n if full else k, n), dtype)
    return u, Type((*stack, k), part_of(dtype)), v


def _svd(a: Any, *, full: bool) -> Any:
    return np.linalg.svd(a, full_matrices=full)


def _svd_rule(g: Any, y: Any, a: Any, *, full: bool) -> Any:
    """U (diag(s̄) + [Uᴴū] / (sⱼ² − sᵢ²) S + S [Vᴴv̄] / (sⱼ² − sᵢ²)) Vᴴ and the parts beside.

    [X] = X − Xᴴ. Source: J. Townsend, "Differentiating the singular value decomposition", 2016.
    """
    (gu, gs, gv), (u, s, v) = g, y
    k = s.shape[-1]
    (u, gu, beside), (v, gv, below) = _thin(u, gu, k), _thin(transposed(v), _turned(gv), k)
    v, gv = transposed(v), _turned(gv)
    squares = s * s
    parts: list[Any] = []
    turns: list[Any] = []
    inner: list[Any] = [] if gs is None else [mats.diagonal(gs)]
    if gu is not None:
        whole = conjugated(gu)
        m = np.matmul(adjoint(u), whole)
        turns.append(m)
        skew = m - adjoint(m)
        inner.append(apart_from(skew, squares) * rows(s))
        if skew.dtype.kind == "c":
            phases = mats.diagonal_of(skew)
            inner.append(mats.diagonal(divide_or_zero(phases, 2 * s)))
        if u.shape[-2] > k:
            rest = _over(whole - np.matmul(u, m), s)
            parts.append(np.matmul(rest, v))
    if gv is not None:
        whole = transposed(gv)
        m = np.matmul(v, whole)
        turns.append(m)
        skew = m - adjoint(m)
        inner.append(columns(s) * apart_from(skew, squares))
        if v.shape[-1] > k:
            rest = _over(whole - np.matmul(adjoint(v), m), s)
            parts.append(np.matmul(u, adjoint(rest)))
    if inner:
        total = sum(inner[1:], inner[0])
        parts.append(np.matmul(np.matmul(u, total), v))
    found = sum(parts[1:], parts[0]) if parts else 0 * a
    checked = [*beside, *below]
    if a.dtype.kind == "c" and turns:
        checked.append(phase_free(sum(turns[1:], turns[0])))
    return conjugated(found) + sum(columns(columns(each)) for each in checked)


def _turned(x: Any) -> Any:
    return None if x is None else transposed(x)


def _thin(vectors: Any, g: Any, k: int) -> tuple[Any, Any, list[Any]]:
    """Return the first k vectors and their gradients; those of the rest must be zero."""
    if vectors.shape[-1] == k:
        return vectors, g, []
    first = vectors[..., :k]
    return (first, None, []) if g is None else (first, g[..., :k], [must_vanish(g[..., k:])])


def _svd_cases(rng: np.random.Generator) -> list[Case]:
    shapes = ((3, 3), (4, 2), (2, 4), (1, 1), (2, 3, 2), (0, 2, 2), (0, 3))
    found = [mats.well(rng, shape) for shape in shapes]
    cases: list[Case] = [((a,), {"full": False}) for a in found]
    return [*cases, ((found[0],), {"full": True}), ((found[4][:0],), {"full": True})]


SVD = Operator(
    "svd",
    "matrix",
    numpy=mats.refusing("svd", "the singular values did not converge", _svd),
    result=_svd_result,
    vjp=(_svd_rule,),
    latex=r"{x0} = U \operatorname{{diag}}(\sigma)\, V^{{\mathsf{{H}}}}",
    cost=Cost(flops=2, passes=mats.cubes(12)),
    samples=Samples(_svd_cases),
    saves=("y0", "y1", "y2"),
    symbol="UΣVᴴ",
    workspace=mats.in_double(_svd_result),
    complex=True,
    parts=("left vectors", "singular values", "right vectors"),
)


def _svdvals_result(a: Type) -> Type:
    return _svd_result(a, full=False)[1]


def _svdvals(a: Any) -> Any:
    return np.linalg.svd(a, compute_uv=False)


def _svdvals_rule(g: Any, y: Any, a: Any) -> Any:
    u, _, v = np.linalg.svd(a, full_matrices=False)
    return np.matmul(conjugated(u) * rows(g), conjugated(v))


def _svdvals_cases(rng: np.random.Generator) -> list[Case]:
    return [((a,), {}) for (a,), given in _svd_cases(rng) if not given["full"]]


SINGULAR_VALUES = Operator(
    "svdvals",
    "matrix",
    numpy=mats.refusing("svd", "the singular values did not converge", _svdvals),
    result=_svdvals_result,
    vjp=(_svdvals_rule,),
    latex=r"\sigma({x0})",
    cost=Cost(flops=2, passes=mats.cubes(3)),
    samples=Samples(_svdvals_cases),
    saves=("x0",),
    symbol="σ",
    workspace=mats.in_double(_svdvals_result),
    complex=True,
)

# -- QR --------------------------------------------------------------------------------------------


def _qr_result(a: Type, *, complete: bool) -> tuple[Type, Type]:
    (*stack, m, n), dtype = mats.matrices("qr", a)
    k = m if complete else min(m, n)
    return Type((*stack, m, k), dtype), Type((*stack, k, n), dtype)


def _qr(a: Any, *, complete: bool) -> Any:
    return np.linalg.qr(a, "complete" if complete else "reduced")


def _qr_rule(g: Any, y: Any, a: Any, *, complete: bool) -> Any:
    """(q̄ + Q copyltu(R r̄ᴴ − q̄ᴴ Q)) R⁻ᴴ (Walter & Lehmann 2018); wide matrices column by column."""
    (gq, gr), (q, r) = g, y
    m, n = a.shape[-2:]
    k = min(m, n)
    q, gq, beside = _thin(q, gq, k)
    if r.shape[-2] > k:
        r, gr = r[..., :k, :], None if gr is None else gr[..., :k, :]
    q_bar = None if gq is None else conjugated(gq)
    r_bar = None if gr is None else conjugated(gr)
    if n <= m:
        tall = _qr_tall(q_bar, r_bar, q, r)
        return conjugated(tall) + sum(columns(columns(each)) for each in beside)
    # A = Q [U, W], and W = Qᴴ Y for the columns Y beyond the square.
    first, rest = r[..., :m], None
    if r_bar is not None:
        back = adjoint(r_bar[..., m:])
        more = np.matmul(a[..., m:], back)
        q_bar = more if q_bar is None else q_bar + more
        rest, r_bar = np.matmul(q, r_bar[..., m:]), r_bar[..., :m]
    square = _qr_tall(q_bar, r_bar, q, first)
    rest = 0 * a[..., m:] if rest is None else rest
    return conjugated(np.concatenate([square, rest], axis=-1))


def _qr_tall(q_bar: Any, r_bar: Any, q: Any, r: Any) -> Any:
    inner = 0 if r_bar is None else np.matmul(r, adjoint(r_bar))
    inner = inner if q_bar is None else inner - np.matmul(adjoint(q_bar), q)
    n, dtype = r.shape[-1], part_of(r.dtype)
    lower = inner * np.tri(n, k=-1, dtype=dtype)
    middle = np.real(mats.diagonal_of(inner)) if r.dtype.kind == "c" else mats.diagonal_of(inner)
    both = lower + adjoint(lower) + mats.diagonal(middle)
    right = np.matmul(q, both) if q_bar is None else q_bar + np.matmul(q, both)
    return adjoint(np.linalg.solve(r, adjoint(right)))


def _qr_cases(rng: np.random.Generator) -> list[Case]:
    shapes = ((3, 3), (4, 2), (2, 4), (1, 1), (2, 3, 2), (0, 2, 2), (0, 3))
    found = [mats.well(rng, shape) for shape in shapes]
    found.append(mats.well(rng, (3, 2)) + 1j * mats.well(rng, (3, 2)))
    cases: list[Case] = [((a,), {"complete": False}) for a in found]
    return [*cases, ((found[2],), {"complete": True})]


def _qr_bytes(a: Type, **_: Any) -> int:
    # A copy, the scales of the reflections, and the mask of the triangle.
    *stack, m, n = a.shape
    least = min(m, n)
    return mats.double_bytes(a) + 8 * prod(stack) * least + least * n


QR = Operator(
    "qr",
    "matrix",
    numpy=mats.refusing("qr", "no factors", _qr),
    result=_qr_result,
    vjp=(_qr_rule,),
    latex=r"{x0} = Q R",
    cost=Cost(flops=2, passes=mats.cubes(2)),
    samples=Samples(_qr_cases),
    saves=("y0", "y1", "x0"),
    symbol="QR",
    workspace=_qr_bytes,
    complex=True,
    parts=("Q", "R"),
)

FACTORIZATIONS = (SVD, SINGULAR_VALUES, QR)
