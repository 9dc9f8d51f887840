"""Eigenvalues of Hermitian matrices, alone or in stacks.

Derivatives of eigenvectors divide by the distances of eigenvalues. Where two of them coincide
the derivative exists for no choice of vectors; ``over_gaps`` then refuses, unless nothing asks
for it (the numerator is exactly zero, as for vectors that the objective does not read).
"""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base.errors import LinearAlgebraError
from wengert.base.shapes import size
from wengert.operators import matrices as mats
from wengert.operators.complexes import part_of
from wengert.operators.dispatch import recordable
from wengert.operators.matrices import adjoint, columns, rows, transposed
from wengert.operators.record import Cost, Operator, Samples, Type
from wengert.operators.samples import Case, distinct

# -- Division by distances -------------------------------------------------------------------------

# Distances below this many units of the largest eigenvalue are rounding.
_UNITS = 4


def _over_gaps(m: Any, w: Any) -> Any:
    gaps = rows(w) - columns(w)
    noise = _UNITS * w.shape[-1] * np.finfo(w.dtype).eps
    size = np.max(np.abs(w), axis=-1, initial=0)[..., None, None]
    near = np.abs(gaps) <= noise * size
    zero = near & ((m == 0) | np.eye(w.shape[-1], dtype=bool))
    if (near & ~zero).any():
        place = tuple(int(k) for k in np.argwhere(near & ~zero)[0])
        value = w[(*place[:-2], place[-1])]
        raise LinearAlgebraError(
            "the derivative of eigenvectors or singular vectors",
            expected="values that differ from one another, or an objective of the values alone",
            got=f"numbers {place[-2]} and {place[-1]} are both {value:.6g}",
            remedy="write the objective in the values, or in A itself (np.linalg.solve, inv, "
            "matrix_power); a matrix with random noise has no repeated values",
        )
    found = np.where(zero, 0, m / np.where(near, 1, gaps))
    return found.astype(m.dtype, order="C", copy=False)


def _over_gaps_result(m: Type, w: Type) -> Type:
    return Type(m.shape, np.result_type(m.dtype, w.dtype))


over_gaps = recordable("over_gaps", _over_gaps)


def _gap_rule(g: Any, y: Any, m: Any, w: Any) -> Any:
    part = over_gaps(g * y, w)
    part = np.real(part) if part.dtype.kind == "c" else part
    return np.sum(part, axis=-1) - np.sum(part, axis=-2)


def _gap_cases(rng: np.random.Generator) -> list[Case]:
    shapes: tuple[tuple[int, ...], ...] = ((3,), (1,), (2, 4), (0,), (0, 2))
    return [((rng.normal(size=(*s, s[-1])), distinct(rng, s)), {}) for s in shapes]


OVER_GAPS = Operator(
    "over_gaps",
    "matrix",
    numpy=_over_gaps,
    result=_over_gaps_result,
    vjp=(lambda g, y, m, w: over_gaps(g, w), _gap_rule),
    latex=r"{x0} \oslash ({x1}_j - {x1}_i)",
    cost=Cost(flops=2),
    samples=Samples(_gap_cases),
    saves=("y", "x1"),
    linear_in=(0,),
    complex=True,
    symbol="÷(λⱼ−λᵢ)",
    workspace=lambda m, w: size(m.shape) * (2 + w.dtype.itemsize + m.dtype.itemsize),
)


# -- Hermitian matrices ----------------------------------------------------------------------------


def _eigh_result(a: Type, *, lower: bool) -> tuple[Type, Type]:
    shape, dtype = mats.square("eigh", a)
    return Type(shape[:-1], part_of(dtype)), Type(shape, dtype)


def _eigh(a: Any, *, lower: bool) -> Any:
    return np.linalg.eigh(a, "L" if lower else "U")


def _eigh_rule(g: Any, y: Any, a: Any, *, lower: bool) -> Any:
    """A = V diag(w) Vᴴ: conj(V) (diag(gw) + ½ (Vᵀ gV − its adjoint) / (wⱼ − wᵢ)) Vᵀ."""
    (gw, gv), (w, v) = g, y
    inner: Any = None if gw is None else mats.diagonal(gw)
    if gv is not None:
        m = np.matmul(transposed(v), gv)
        turned = over_gaps(0.5 * (m - adjoint(m)), w)
        inner = turned if inner is None else inner + turned
    full = np.matmul(np.matmul(mats.conjugated(v), inner), transposed(v))
    return mats.of_triangle(full, lower)


def _eigh_cases(rng: np.random.Generator) -> list[Case]:
    shapes: tuple[tuple[int, ...], ...] = ((3, 3), (1, 1), (2, 3, 3), (0, 2, 2), (0, 0))
    found = [mats.positive(rng, shape) for shape in shapes]
    cases: list[Case] = [((a,), {"lower": True}) for a in found]
    return [*cases, ((found[0],), {"lower": False})]


EIGH = Operator(
    "eigh",
    "matrix",
    numpy=mats.refusing("eigh", "the eigenvalues did not converge", _eigh),
    result=_eigh_result,
    vjp=(_eigh_rule,),
    latex=r"{x0} = V \operatorname{{diag}}(\lambda)\, V^{{\mathsf{{H}}}}",
    cost=Cost(flops=2, passes=mats.cubes(9)),
    samples=Samples(_eigh_cases),
    saves=("y0", "y1"),
    symbol="λ,V",
    workspace=mats.in_double(_eigh_result),
    complex=True,
    parts=("eigenvalues", "eigenvectors"),
)

FACTORIZATIONS = (OVER_GAPS, EIGH)
