"""Inverses, solutions and determinants of matrices, alone or in stacks."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base.errors import ShapeError
from wengert.operators import matrices as mats
from wengert.operators.complexes import part_of
from wengert.operators.dispatch import recordable
from wengert.operators.matrices import adjoint, columns, conjugated, transposed
from wengert.operators.record import Cost, Operator, Samples, Type
from wengert.operators.samples import Case

_SQUARE = mats.stacks(mats.well, (3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 2, 2), (0, 0))
_SINGULAR = "a matrix has no inverse"
_REMEDY = "np.linalg.pinv or np.linalg.lstsq; or A + epsilon * np.eye(n)"


# -- Inverse ---------------------------------------------------------------------------------------


def _inverse_result(a: Type) -> Type:
    return mats.square("inv", a)


def _inverse_rule(g: Any, y: Any, a: Any) -> Any:
    turned = transposed(y)
    return -np.matmul(np.matmul(turned, g), turned)


INVERSE = Operator(
    "inv",
    "matrix",
    numpy=mats.refusing("inv", _SINGULAR, np.linalg.inv, remedy=_REMEDY),
    result=_inverse_result,
    vjp=(_inverse_rule,),
    latex=r"{x0}^{{-1}}",
    cost=Cost(flops=2, passes=mats.cubes(1)),
    samples=Samples(_SQUARE, (), True),
    saves=("y",),
    symbol="A⁻¹",
    workspace=mats.in_double(_inverse_result),
)


# -- Solution --------------------------------------------------------------------------------------


def _solve_result(a: Type, b: Type) -> Type:
    mats.square("solve", a)
    mats.matrices("solve", b)
    if a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[-2]:
        raise ShapeError(
            "np.linalg.solve cannot put these matrices together",
            expected=f"{a.shape[-1]} rows on the right",
            got=f"{a.shape} and {b.shape}",
            remedy="b[..., None] for a stack of vectors",
        )
    return Type(b.shape, mats.floating("solve", a.dtype, b.dtype))


def _solve_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    return -np.matmul(np.linalg.solve(transposed(a), g), transposed(y))


def _solve_cases(rng: np.random.Generator) -> list[Case]:
    shapes = (((3, 3), 1), ((2, 2), 4), ((2, 3, 3), 2), ((1, 1), 1), ((0, 2, 2), 3), ((2, 2), 0))
    return [((mats.well(rng, shape), rng.normal(size=(*shape[:-1], k))), {}) for shape, k in shapes]


def _solve_passes(a: Type, b: Type) -> int:
    n, k = b.shape[-2:]
    return mats.count(a.shape) * (n**3 // 3 + k * n * n)


SOLVE = Operator(
    "solve",
    "matrix",
    numpy=mats.refusing("solve", _SINGULAR, np.linalg.solve, remedy=_REMEDY),
    result=_solve_result,
    vjp=(_solve_left, lambda g, y, a, b: np.linalg.solve(transposed(a), g)),
    latex=r"{x0}^{{-1}} {x1}",
    cost=Cost(flops=2, passes=_solve_passes),
    samples=Samples(_solve_cases, (), True),
    saves=("x0", "y"),
    linear_in=(1,),
    symbol="A⁻¹b",
    workspace=mats.in_double(_solve_result),
)


# -- Determinant -----------------------------------------------------------------------------------


def _det_result(a: Type) -> Type:
    shape, dtype = mats.square("det", a)
    return Type(shape[:-2], dtype)


def _det(a: Any) -> Any:
    return np.asarray(np.linalg.det(a))


DETERMINANT = Operator(
    "det",
    "matrix",
    numpy=_det,
    result=_det_result,
    vjp=(lambda g, y, a: columns(columns(g)) * cofactor(a),),
    latex=r"\det {x0}",
    cost=Cost(flops=2, passes=mats.cubes(1 / 3)),
    samples=Samples(_SQUARE, (), True),
    saves=("x0",),
    symbol="det",
    workspace=mats.in_double(_det_result),
)


def _cofactor(a: Any) -> Any:
    """∂ det A / ∂A, also where A is singular: by singular values, each product without one."""
    a = np.asarray(a)
    u, s, vh = np.linalg.svd(a.astype(np.result_type(a.dtype, np.float64)))
    n = s.shape[-1]
    one = np.ones((*s.shape[:-1], 1))
    ahead = np.cumprod(np.concatenate([one, s[..., : max(n - 1, 0)]], -1), -1)[..., :n]
    behind = np.cumprod(np.concatenate([one, s[..., :0:-1]], -1), -1)[..., :n][..., ::-1]
    sign = np.asarray(np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    found = sign * np.matmul(np.conj(u) * (ahead * behind)[..., None, :], np.conj(vh))
    return found.astype(mats.floating("det", a.dtype), order="C")


def _cofactor_rule(g: Any, y: Any, a: Any) -> Any:
    turned = transposed(np.linalg.inv(a))
    total = np.sum(g * y, axis=(-2, -1), keepdims=True)
    return total * turned - np.matmul(np.matmul(turned, transposed(g)), y)


cofactor = recordable("cofactor", _cofactor)
COFACTOR = Operator(
    "cofactor",
    "matrix",
    numpy=mats.refusing("det", "no singular values", _cofactor),
    result=lambda a: mats.square("det", a),
    vjp=(_cofactor_rule,),
    latex=r"\operatorname{{cof}} {x0}",
    cost=Cost(flops=2, passes=mats.cubes(12)),
    samples=Samples(_SQUARE),
    saves=("x0", "y"),
    symbol="cof A",
    complex=True,
    workspace=lambda a: 4 * (mats.double_bytes(a) + 8 * mats.count(a.shape) * a.shape[-1]),
)


def _slogdet_result(a: Type) -> tuple[Type, Type]:
    shape, dtype = mats.square("slogdet", a)
    return Type(shape[:-2], dtype), Type(shape[:-2], part_of(dtype))


def _slogdet_rule(g: Any, y: Any, a: Any) -> Any:
    sign, log = g
    turned: Any = transposed(np.linalg.inv(a))
    weight = 0 * turned if log is None else columns(columns(log)) * turned
    if sign is None or a.dtype.kind != "c":
        return weight
    return weight + 1j * np.imag(columns(columns(sign * y[0]))) * turned


def _slogdet_cases(rng: np.random.Generator) -> list[Case]:
    rotated = mats.well(rng, (3, 3)) + 1j * mats.well(rng, (3, 3))
    return [*_SQUARE(rng), ((rotated,), {})]


SLOGDET = Operator(
    "slogdet",
    "matrix",
    numpy=mats.refusing("slogdet", "no determinant", np.linalg.slogdet),
    result=_slogdet_result,
    vjp=(_slogdet_rule,),
    latex=r"\ln |\det {x0}|",
    cost=Cost(flops=2, passes=mats.cubes(1 / 3)),
    samples=Samples(_slogdet_cases),
    saves=("x0", "y0"),
    symbol="log|A|",
    workspace=mats.in_double(_slogdet_result),
    complex=True,
    parts=("sign det", "log|det|"),
)


# -- Cholesky --------------------------------------------------------------------------------------


def _cholesky_result(a: Type) -> Type:
    return mats.square("cholesky", a)


def _cholesky_rule(g: Any, y: Any, a: Any) -> Any:
    """L⁻ᵀ Φ(Lᵀ g) L⁻¹, Φ the lower triangle with half the diagonal (Murray 2016, eq. 9)."""
    n, dtype = y.shape[-1], part_of(y.dtype)
    lower = np.tri(n, dtype=dtype) - 0.5 * np.eye(n, dtype=dtype)
    inner = np.matmul(transposed(y), g) * lower
    left = np.linalg.solve(transposed(y), inner)
    full = transposed(np.linalg.solve(adjoint(y), transposed(left)))
    return mats.of_triangle(full, True)


def _hermitian_cases(rng: np.random.Generator) -> list[Case]:
    shapes = ((3, 3), (1, 1), (2, 3, 3), (0, 2, 2), (0, 0))
    found = [*(mats.positive(rng, shape) for shape in shapes), mats.complex_positive(rng, 3)]
    return [((a,), {}) for a in found]


CHOLESKY = Operator(
    "cholesky",
    "matrix",
    numpy=mats.refusing(
        "cholesky", "a matrix is not positive definite", np.linalg.cholesky,
        remedy="A + epsilon * np.eye(n); NumPy reads the lower triangle alone",
    ),
    result=_cholesky_result,
    vjp=(_cholesky_rule,),
    latex=r"\operatorname{{chol}} {x0}",
    cost=Cost(flops=2, passes=mats.cubes(1 / 6)),
    samples=Samples(_hermitian_cases),
    saves=("y",),
    symbol="LLᵀ",
    workspace=mats.in_double(_cholesky_result),
    complex=True,
)  # fmt: skip


# -- Pseudo-inverse --------------------------------------------------------------------------------


def _pinv_result(a: Type, *, rcond: float) -> Type:
    *stack, m, n = mats.matrices("pinv", a).shape
    return Type((*stack, n, m), mats.floating("pinv", a.dtype))


def _pinv_bytes(a: Type, **_: Any) -> int:
    m, n = a.shape[-2:]
    least = min(m, n)
    each = 16 if a.dtype.kind == "c" else 8
    return mats.count(a.shape) * (each * least * (2 * m + n) + 8 * least)


def _pinv(a: Any, *, rcond: float) -> Any:
    return np.linalg.pinv(a, rcond)


def _pinv_rule(g: Any, y: Any, a: Any, *, rcond: float) -> Any:
    """Where the rank stays: −Pᵀ g Pᵀ and the parts beside the range (Golub & Pereyra 1973)."""
    turned, back = transposed(y), transposed(g)
    beside = np.matmul(np.matmul(back - np.matmul(a, np.matmul(y, back)), y), adjoint(y))
    within = back - np.matmul(np.matmul(back, y), a)
    above = np.matmul(adjoint(y), np.matmul(y, within))
    return conjugated(beside + above) - np.matmul(np.matmul(turned, g), turned)


def _pinv_cases(rng: np.random.Generator) -> list[Case]:
    shapes = ((3, 3), (4, 2), (2, 4), (2, 3, 2), (0, 2), (2, 0), (0, 3, 2))
    found = [mats.well(rng, shape) for shape in shapes]
    found.append(mats.well(rng, (4, 2)) + 1j * mats.well(rng, (4, 2)))
    return [((a,), {"rcond": 1e-15}) for a in found]


PSEUDO_INVERSE = Operator(
    "pinv",
    "matrix",
    numpy=mats.refusing("pinv", "the singular values did not converge", _pinv),
    result=_pinv_result,
    vjp=(_pinv_rule,),
    latex=r"{x0}^{{+}}",
    cost=Cost(flops=2, passes=mats.cubes(14)),
    samples=Samples(_pinv_cases),
    saves=("y", "x0"),
    symbol="A⁺",
    complex=True,
    workspace=_pinv_bytes,
)

LINALG = (INVERSE, SOLVE, DETERMINANT, COFACTOR, SLOGDET, CHOLESKY, PSEUDO_INVERSE)
