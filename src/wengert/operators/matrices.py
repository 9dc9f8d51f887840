"""What operators on matrices share: types, refusals in words, and the small words of their rules.

A stack of matrices has its rows and columns on the last two axes; all axes before them are the
stack's. Rules are those of the real gradient ∂J/∂x − i ∂J/∂y, so that a product is transposed
and never conjugated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.base.errors import DtypeError, LinearAlgebraError, ShapeError
from wengert.base.guards import is_tuple
from wengert.base.shapes import Shape, size
from wengert.operators.broadcasting import nbytes
from wengert.operators.complexes import part_of
from wengert.operators.record import Rule, Type
from wengert.operators.samples import Case, Draw


def matrices(name: str, a: Type) -> Type:
    """Return the type, or say that there are no rows and columns, or no such numbers."""
    if len(a.shape) < 2:
        raise ShapeError(
            f"np.linalg.{name} takes matrices",
            expected="at least two axes",
            got=f"{len(a.shape)} in {a.shape}",
            remedy="x[None, :] for one row, x[:, None] for one column",
        )
    return Type(a.shape, floating(name, a.dtype))


def square(name: str, a: Type) -> Type:
    """Return the type of square matrices, or say which sizes differ."""
    found = matrices(name, a)
    if a.shape[-1] != a.shape[-2]:
        raise ShapeError(
            f"np.linalg.{name} takes square matrices",
            expected="last two axes of one size",
            got=f"{a.shape[-2]} rows and {a.shape[-1]} columns",
            remedy="np.linalg.lstsq or np.linalg.pinv" if name in ("solve", "inv") else None,
        )
    return found


def floating(name: str, *dtypes: Dtype) -> Dtype:
    """Return the dtype in which LAPACK works on these: single or double, real or complex."""
    found = np.result_type(*dtypes)
    if found.kind in "iub":
        return np.dtype(np.float64)
    if found.kind not in "fc" or found.itemsize < 4 or found.name not in _WORKING:
        raise DtypeError(
            f"np.linalg.{name} has no meaning for {found.name}",
            expected=", ".join(_WORKING),
            got=found.name,
            remedy='convert first: x.astype("float32")',
        )
    return found


_WORKING = ("float32", "float64", "complex64", "complex128")


def refusing(name: str, asked: str, meaning: Rule, *, remedy: str | None = None) -> Rule:
    """Return the meaning with NumPy's LinAlgError as a designed error, results in C order."""

    def found(*operands: Any, **attributes: Any) -> Any:
        try:
            values: Any = meaning(*operands, **attributes)
        except np.linalg.LinAlgError as problem:
            raise LinearAlgebraError(
                f"np.linalg.{name}: {asked}", got=str(problem), remedy=remedy
            ) from None
        if is_tuple(values):
            return tuple(np.require(each, requirements="C") for each in values)
        return np.require(values, requirements="C")

    found.__name__ = name
    return found


def in_double(result: Rule) -> Rule:
    """Return the workspace of one of NumPy's functions, which compute in double precision."""

    def workspace(*operands: Type, **attributes: Any) -> int:
        found = result(*operands, **attributes)
        results = (found,) if isinstance(found, Type) else found
        widened = sum(double_bytes(each) for each in operands if double_bytes(each) != nbytes(each)
                      or each.dtype.kind not in "fc")  # fmt: skip
        return widened + sum(double_bytes(y) - nbytes(y) for y in results if y.dtype.kind in "fc")

    return workspace


def double_bytes(x: Type) -> int:
    """Return the bytes of an array in double precision."""
    return size(x.shape) * (16 if x.dtype.kind == "c" else 8)


def transposed(x: Any) -> Any:
    """Return Xᵀ of each matrix."""
    rank = len(x.shape)
    return np.transpose(x, (*range(rank - 2), rank - 1, rank - 2))


def adjoint(x: Any) -> Any:
    """Return Xᴴ of each matrix; of real ones the transpose."""
    return np.conjugate(transposed(x)) if x.dtype.kind == "c" else transposed(x)


def conjugated(x: Any) -> Any:
    """Return the conjugate; a real array as it is."""
    return np.conjugate(x) if x.dtype.kind == "c" else x


def columns(x: Any) -> Any:
    """Return vectors as matrices of one column."""
    return np.reshape(x, (*x.shape, 1))


def rows(x: Any) -> Any:
    """Return vectors as matrices of one row."""
    return np.reshape(x, (*x.shape[:-1], 1, x.shape[-1]))


def triangle(n: int, m: int, dtype: Dtype, *, lower: bool, strict: bool = False) -> Any:
    """Return ones below (or above) the diagonal and zeros elsewhere."""
    make = np.tri(n, m, -1 if strict else 0, dtype=part_of(dtype))
    return make if lower else np.tri(m, n, -1 if strict else 0, dtype=part_of(dtype)).T.copy()


def diagonal_of(x: Any) -> Any:
    """Return the diagonal of each square matrix."""
    return np.einsum("...ii->...i", x)


def diagonal(x: Any) -> Any:
    """Return vectors as diagonal matrices."""
    return rows(x) * np.eye(x.shape[-1], dtype=part_of(x.dtype))


def of_triangle(full: Any, lower: bool) -> Any:
    """Return what a gradient by a Hermitian matrix is by the triangle that LAPACK reads.

    An entry below the diagonal stands for its mirror image too; of the diagonal the real part.
    """
    n, dtype = full.shape[-1], full.dtype
    both = full + adjoint(full)
    one = triangle(n, n, dtype, lower=lower, strict=True) + 0.5 * np.eye(n, dtype=part_of(dtype))
    return both * one


# -- Samples -------------------------------------------------------------------------------------


def well(rng: np.random.Generator, shape: Shape) -> Any:
    """Draw matrices whose singular values keep a distance from one another and from zero."""
    *stack, m, n = shape
    least = min(m, n)
    if 0 in shape:
        return np.zeros(shape)
    u = np.linalg.qr(rng.normal(size=(*stack, m, least)))[0]
    v = np.linalg.qr(rng.normal(size=(*stack, n, least)))[0]
    s = 0.7 + 0.6 * (np.arange(least) + rng.uniform(0, 0.3, (*stack, least)))
    return np.ascontiguousarray((u * s[..., None, :]) @ np.swapaxes(v, -1, -2))


def positive(rng: np.random.Generator, shape: Shape) -> Any:
    """Draw symmetric positive definite matrices with eigenvalues apart from one another."""
    a = well(rng, shape)
    return np.ascontiguousarray(a @ np.swapaxes(a, -1, -2))


def complex_positive(rng: np.random.Generator, n: int) -> Any:
    """Draw a Hermitian positive definite matrix with eigenvalues apart from one another."""
    a = well(rng, (n, n)) + 0.3j * well(rng, (n, n))
    return np.ascontiguousarray(a @ a.conj().T + np.diag(np.arange(1.0, n + 1)))


def stacks(draw: Draw, *shapes: Shape) -> Callable[[np.random.Generator], list[Case]]:
    """Return the cases of an operator of one operand: a draw for each shape."""
    return lambda rng: [((draw(rng, shape),), {}) for shape in shapes]


def count(shape: Shape) -> int:
    """Return how many matrices a stack holds."""
    return prod(shape[:-2])


def cubes(part: float) -> Rule:
    """Return the passes of an algorithm that takes ``part`` · n³ multiply-adds a matrix."""

    def passes(*types: Type, **_: Any) -> int:
        *stack, m, n = types[0].shape
        return int(part * prod(stack) * max(m, n) * min(m, n) ** 2)

    return passes


def spread(shape: Sequence[int], tail: Sequence[int]) -> Shape:
    """Return the shape of a stack with other last axes."""
    return (*shape[:-2], *tail)
