"""Eigenvalues and eigenvectors of matrices, alone or in stacks; see factorization.py."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base.shapes import size
from wengert.operators import matrices as mats
from wengert.operators.complexes import part_of
from wengert.operators.gaps import apart_from, phase_free
from wengert.operators.matrices import adjoint, columns, conjugated, rows, transposed
from wengert.operators.record import Cost, Operator, Samples, Type
from wengert.operators.samples import Case

_LIMIT = "the eigenvalues did not converge"

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
        turned = apart_from(0.5 * (m - adjoint(m)), w)
        inner = turned if inner is None else inner + turned
    full = np.matmul(np.matmul(conjugated(v), inner), transposed(v))
    found = mats.of_triangle(full, lower)
    if gv is None or v.dtype.kind != "c":
        return found
    return found + columns(columns(phase_free(np.matmul(transposed(v), gv))))


def _hermitian(rng: np.random.Generator, *shapes: tuple[int, ...]) -> list[Case]:
    found = [mats.positive(rng, shape) for shape in shapes]
    cases: list[Case] = [((a,), {"lower": True}) for a in found]
    return [*cases, ((found[0],), {"lower": False})]


def _eigh_cases(rng: np.random.Generator) -> list[Case]:
    return _hermitian(rng, (3, 3), (1, 1), (2, 3, 3), (0, 2, 2), (0, 0))


EIGH = Operator(
    "eigh",
    "matrix",
    numpy=mats.refusing("eigh", _LIMIT, _eigh),
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


def _eigvalsh_result(a: Type, *, lower: bool) -> Type:
    return _eigh_result(a, lower=lower)[0]


def _eigvalsh(a: Any, *, lower: bool) -> Any:
    return np.linalg.eigvalsh(a, "L" if lower else "U")


def _eigvalsh_rule(g: Any, y: Any, a: Any, *, lower: bool) -> Any:
    v = np.linalg.eigh(a, "L" if lower else "U")[1]
    return mats.of_triangle(np.matmul(conjugated(v) * rows(g), transposed(v)), lower)


EIGVALSH = Operator(
    "eigvalsh",
    "matrix",
    numpy=mats.refusing("eigvalsh", _LIMIT, _eigvalsh),
    result=_eigvalsh_result,
    vjp=(_eigvalsh_rule,),
    latex=r"\lambda({x0})",
    cost=Cost(flops=2, passes=mats.cubes(4)),
    samples=Samples(_eigh_cases),
    saves=("x0",),
    symbol="λ",
    workspace=mats.in_double(_eigvalsh_result),
    complex=True,
)

# -- Any square matrix -----------------------------------------------------------------------------


def _complex_of(dtype: Any) -> Any:
    return np.result_type(dtype, np.complex64)


def _eig_result(a: Type) -> tuple[Type, Type]:
    shape, dtype = mats.square("eig", a)
    return Type(shape[:-1], _complex_of(dtype)), Type(shape, _complex_of(dtype))


def _eig(a: Any) -> Any:
    # NumPy gives real arrays where all eigenvalues happen to be real; a type must not depend
    # on numbers.
    found = np.linalg.eig(a)
    return tuple(each.astype(_complex_of(each.dtype)) for each in found)


def _eig_rule(g: Any, y: Any, a: Any) -> Any:
    """V⁻ᴴ (diag(w̄) + (Vᴴ v̄ − Vᴴ V Re diag(Vᴴ v̄)) / conj(wⱼ − wᵢ)) Vᴴ, vectors of length 1."""
    (gw, gv), (w, v) = g, y
    inner: Any = None if gw is None else mats.diagonal(np.conjugate(gw))
    if gv is not None:
        m = np.matmul(adjoint(v), _largest_held(np.conjugate(gv), v))
        m = m - np.matmul(adjoint(v), v) * rows(np.real(mats.diagonal_of(m)))
        turned = apart_from(m, np.conjugate(w))
        inner = turned if inner is None else inner + turned
    return np.conjugate(np.linalg.solve(adjoint(v), np.matmul(inner, adjoint(v))))


def _largest_held(bar: Any, v: Any) -> Any:
    """Return the gradient by vectors that may turn, of those whose largest component is real."""
    if 0 in v.shape:
        return bar
    turning = np.imag(np.sum(np.conjugate(v) * bar, axis=-2, keepdims=True))
    place = np.expand_dims(np.argmax(np.abs(v), axis=-2), -2)
    largest = np.arange(v.shape[-2])[:, None] == place
    return bar - np.where(largest, 1j * turning / np.where(largest, v, 1), 0)


def _eig_cases(rng: np.random.Generator) -> list[Case]:
    found: list[Any] = []
    for shape in ((3, 3), (1, 1), (2, 3, 3), (0, 2, 2), (0, 0)):
        apart = np.diag(1.0 + np.arange(shape[-1]))
        found.append(apart + 0.2 * rng.normal(size=shape))
    found.append(np.array([[0.3, -2.0], [1.0, 0.1]]) + 0.1 * rng.normal(size=(2, 2)))
    found.append(found[0] + 0.2j * rng.normal(size=(3, 3)))
    return [((a,), {}) for a in found]


EIG = Operator(
    "eig",
    "matrix",
    numpy=mats.refusing("eig", _LIMIT, _eig),
    result=_eig_result,
    vjp=(_eig_rule,),
    latex=r"{x0} = V \operatorname{{diag}}(\lambda)\, V^{{-1}}",
    cost=Cost(flops=2, passes=mats.cubes(25)),
    samples=Samples(_eig_cases),
    saves=("y0", "y1"),
    symbol="λ,V",
    workspace=lambda a: 2 * mats.double_bytes(a) + 16 * mats.count(a.shape) * a.shape[-1],
    complex=True,
    parts=("eigenvalues", "eigenvectors"),
)


def _eigvals(a: Any) -> Any:
    found = np.linalg.eigvals(a)
    return found.astype(_complex_of(found.dtype))


def _eigvals_rule(g: Any, y: Any, a: Any) -> Any:
    v: Any = np.linalg.eig(a)[1]
    return np.linalg.solve(transposed(v), columns(g) * transposed(v))


EIGVALS = Operator(
    "eigvals",
    "matrix",
    numpy=mats.refusing("eigvals", _LIMIT, _eigvals),
    result=lambda a: _eig_result(a)[0],
    vjp=(_eigvals_rule,),
    latex=r"\lambda({x0})",
    cost=Cost(flops=2, passes=mats.cubes(10)),
    samples=Samples(_eig_cases),
    saves=("x0",),
    symbol="λ",
    workspace=lambda a: (
        mats.double_bytes(a) if a.dtype.itemsize == 4 else size(a.shape[-2:]) * mats.count(a.shape)
    ),
    complex=True,
)

EIGEN = (EIGH, EIGVALSH, EIG, EIGVALS)
