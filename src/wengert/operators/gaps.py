"""Division by distances of eigenvalues, which refuses to divide by rounding."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base.errors import LinearAlgebraError
from wengert.base.shapes import size
from wengert.operators.complexes import part_of
from wengert.operators.dispatch import recordable
from wengert.operators.matrices import columns, rows
from wengert.operators.record import FREE, Cost, Operator, Samples, Type
from wengert.operators.samples import Case, distinct

# Distances below this many units in the last place of the largest value are rounding.
_UNITS = 4
# Imaginary parts below this many units of the largest number are rounding.
_ROUNDING = 1000


def _over_gaps(m: Any, w: Any, v: Any, *, apart: bool) -> Any:
    """Return m[i, j] / (w[j] − v[i]); ``apart`` leaves zeros on the diagonal."""
    gaps = rows(w) - columns(v)
    most = max(w.shape[-1], v.shape[-1])
    noise = _UNITS * most * np.finfo(part_of(w.dtype)).eps
    top = np.maximum(*(np.max(np.abs(each), axis=-1, initial=0) for each in (w, v)))
    near = np.abs(gaps) <= noise * columns(columns(top))
    idle = np.eye(*m.shape[-2:], dtype=bool) if apart else np.zeros((), bool)
    wrong = near & (m != 0) & ~idle
    if wrong.any():
        *stack, i, j = (int(k) for k in np.argwhere(wrong)[0])
        raise LinearAlgebraError(
            "the derivative of eigenvectors or singular vectors",
            expected="values that differ from one another (singular values also from zero where "
            "rows and columns are not as many), or an objective of the values alone",
            got=f"number {j} is {w[(*stack, j)]:.6g}, and another is {v[(*stack, i)]:.6g}",
            remedy="an objective of the values, or of the matrix itself (np.linalg.solve, inv, "
            "det, pinv)",
        )
    found = np.where(idle, 0, m / np.where(near, 1, gaps))
    return np.ascontiguousarray(found.astype(_result(m, w, v).dtype, copy=False))


def _result(m: Any, w: Any, v: Any, **_: Any) -> Type:
    return Type(m.shape, np.result_type(m.dtype, w.dtype, v.dtype))


over_gaps = recordable("over_gaps", _over_gaps)


def apart_from(m: Any, w: Any) -> Any:
    """Return m[i, j] / (w[j] − w[i]), and zero on the diagonal."""
    return over_gaps(m, w, w, apart=True)


def _matrix_rule(g: Any, y: Any, m: Any, w: Any, v: Any, *, apart: bool) -> Any:
    return over_gaps(g, w, v, apart=apart)


def _columns_rule(g: Any, y: Any, m: Any, w: Any, v: Any, *, apart: bool) -> Any:
    return -np.sum(over_gaps(g * y, w, v, apart=apart), axis=-2)


def _rows_rule(g: Any, y: Any, m: Any, w: Any, v: Any, *, apart: bool) -> Any:
    return np.sum(over_gaps(g * y, w, v, apart=apart), axis=-1)


def _gap_cases(rng: np.random.Generator) -> list[Case]:
    found: list[Case] = []
    for stack, i, j in (((), 3, 3), ((), 1, 2), ((2,), 4, 3), ((), 0, 2), ((0,), 2, 2)):
        values = distinct(rng, (*stack, i + j))
        m = rng.normal(size=(*stack, i, j))
        found.append(((m, values[..., :j].copy(), values[..., j:].copy()), {"apart": False}))
    return [*found, (found[0][0], {"apart": True})]


def _gap_bytes(m: Type, w: Type, v: Type, *, apart: bool) -> int:
    return size(m.shape) * (2 + 2 * w.dtype.itemsize) + apart * size(m.shape[-2:])


OVER_GAPS = Operator(
    "over_gaps",
    "matrix",
    numpy=_over_gaps,
    result=_result,
    vjp=(_matrix_rule, _columns_rule, _rows_rule),
    latex=r"{x0} \oslash ({x1}_j - {x2}_i)",
    cost=Cost(flops=2),
    samples=Samples(_gap_cases),
    saves=("y", "x1", "x2"),
    linear_in=(0,),
    symbol="÷(λⱼ−λᵢ)",
    complex=True,
    workspace=_gap_bytes,
)


def _must_vanish(x: Any) -> Any:
    if np.any(x):
        raise LinearAlgebraError(
            "the derivative of vectors beside the range of a matrix",
            expected="an objective of the singular vectors alone: the others are any basis of "
            "what is left",
            remedy="np.linalg.svd(A, full_matrices=False)",
        )
    return np.zeros(x.shape[:-2], x.dtype)


must_vanish = recordable("must_vanish", _must_vanish)
MUST_VANISH = Operator(
    "must_vanish",
    "matrix",
    numpy=_must_vanish,
    result=lambda x: Type(x.shape[:-2], x.dtype),
    vjp=None,
    latex=r"0 = {x0}",
    cost=FREE,
    samples=Samples(
        lambda rng: [((np.zeros(shape),), {}) for shape in ((3, 2), (2, 3, 1), (0, 2, 2))]
    ),
    symbol="=0",
    complex=True,
)


def _phase_free(m: Any) -> Any:
    phases = np.abs(np.imag(np.einsum("...ii->...i", m)))
    size = np.max(np.abs(m), axis=(-2, -1), initial=0)[..., None]
    if np.any(phases > _ROUNDING * np.finfo(part_of(m.dtype)).eps * m.shape[-1] * size):
        raise LinearAlgebraError(
            "the objective depends on the phases of complex eigenvectors or singular vectors",
            expected="an objective that stays when a vector is multiplied by a complex number "
            "of modulus 1: the phase that LAPACK gives is arbitrary",
            remedy="np.abs of the vectors, or products v vᴴ",
        )
    return np.zeros(m.shape[:-2], m.dtype)


def _phase_cases(rng: np.random.Generator) -> list[Case]:
    return [((rng.normal(size=shape) + 0j,), {}) for shape in ((3, 3), (2, 1, 1), (0, 2, 2))]


phase_free = recordable("phase_free", _phase_free)
PHASE_FREE = Operator(
    "phase_free",
    "matrix",
    numpy=_phase_free,
    result=lambda m: Type(m.shape[:-2], m.dtype),
    vjp=None,
    latex=r"0 = \operatorname{{Im}} \operatorname{{diag}} {x0}",
    cost=FREE,
    samples=Samples(_phase_cases),
    symbol="∠=0",
    complex=True,
    workspace=lambda m: size(m.shape) * part_of(m.dtype).itemsize,
)

GAPS = (OVER_GAPS, MUST_VANISH, PHASE_FREE)
