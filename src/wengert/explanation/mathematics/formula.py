"""Formulas of matrix algebra, and their value: what is printed is also what is executed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from wengert.explanation.mathematics.terms import Atom, Factor, Index, Partial, Sum, Value

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False, slots=True)
class Leaf:
    """One factor: a scalar, a column vector, a matrix, or an array of higher rank."""

    factor: Factor


@dataclass(frozen=True, eq=False, slots=True)
class Ones:
    """A vector or matrix of ones."""

    indices: tuple[Index, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Transposed:
    """Aᵀ."""

    inner: Formula


@dataclass(frozen=True, eq=False, slots=True)
class Product:
    """A B C: matrix products, a vector being a column."""

    items: tuple[Formula, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Hadamard:
    """A ⊙ B: element by element."""

    items: tuple[Formula, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Diagonal:
    """diag(v): the matrix with v on its diagonal."""

    inner: Formula


@dataclass(frozen=True, eq=False, slots=True)
class DiagonalOf:
    """The diagonal of a matrix as a vector."""

    inner: Formula


@dataclass(frozen=True, eq=False, slots=True)
class Inner:
    """⟨A, B⟩_F: the sum of all products of elements."""

    left: Formula
    right: Formula


@dataclass(frozen=True, eq=False, slots=True)
class Trace:
    """tr(A): the sum of the diagonal."""

    inner: Formula


@dataclass(frozen=True, eq=False, slots=True)
class Norm:
    """‖A‖²: the sum of the squares; with the index F when A is a matrix."""

    inner: Formula
    frobenius: bool


@dataclass(frozen=True, eq=False, slots=True)
class Scaled:
    """A rational number times scalars times a formula (None: the scalar itself)."""

    coefficient: Fraction
    scalars: tuple[Formula, ...]
    body: Formula | None


@dataclass(frozen=True, eq=False, slots=True)
class Total:
    """A sum; the signs stand in the coefficients of its items."""

    items: tuple[Scaled, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Indexed:
    """A tensor in Σ form, for what matrix algebra has no words."""

    tensor: Sum


Formula = (
    Leaf
    | Ones
    | Transposed
    | Product
    | Hadamard
    | Diagonal
    | DiagonalOf
    | Inner
    | Trace
    | Norm
    | Scaled
    | Total
    | Indexed
)


def transpose(formula: Formula) -> Formula:
    """Return the transpose, with transposes driven to the leaves (a chain reversed)."""
    match formula:
        case Transposed(inner):
            return inner
        case Product(items):
            return Product(tuple(transpose(item) for item in reversed(items)))
        case Hadamard(items) if 2 * sum(isinstance(i, Transposed) for i in items) >= len(items):
            return Hadamard(tuple(transpose(item) for item in items))
        case Diagonal():
            return formula
        case Ones(indices) if len(indices) == 2:
            return Ones(indices[::-1])
        case _:
            return Transposed(formula)


def product(*items: Formula) -> Formula:
    """Return a matrix product without nested products."""
    flat: list[Formula] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Product) else (item,))
    return flat[0] if len(flat) == 1 else Product(tuple(flat))


def lighter(formula: Formula) -> Formula:
    """Return a scalar or its transpose, whichever is written with fewer transposes."""
    other = transpose(formula)
    return other if transposes(other) < transposes(formula) else formula


def transposes(formula: Formula) -> int:
    """Return how many transposes a formula is written with."""
    match formula:
        case Transposed(inner):
            return 1 + transposes(inner)
        case Product(items) | Hadamard(items):
            return sum(map(transposes, items))
        case _:
            return 0


def hadamard(items: list[Formula]) -> Formula:
    """Return an elementwise product, gradients first."""
    flat: list[Formula] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Hadamard) else (item,))
    flat.sort(key=lambda item: not holds_gradient(item))
    return flat[0] if len(flat) == 1 else Hadamard(tuple(flat))


def is_gradient(atom: Atom) -> bool:
    """Return whether an atom is a derivative of the objective or of a scalar."""
    return isinstance(atom, Partial) or (isinstance(atom, Value) and atom.variable.of is not None)


def holds_gradient(formula: Formula) -> bool:
    """Return whether a derivative stands in a formula."""
    return any(is_gradient(leaf.factor.atom) for leaf in leaves(formula))


def leaves(formula: Formula) -> list[Leaf]:
    """Return the leaves of a formula, left to right."""
    match formula:
        case Leaf():
            return [formula]
        case Transposed(inner) | Diagonal(inner) | DiagonalOf(inner) | Trace(inner) | Norm(inner):
            return leaves(inner)
        case Product(items) | Hadamard(items) | Total(items):
            return [leaf for item in items for leaf in leaves(item)]
        case Inner(left, right):
            return leaves(left) + leaves(right)
        case Scaled(_, scalars, body):
            parts = (*scalars, body) if body is not None else scalars
            return [leaf for item in parts for leaf in leaves(item)]
        case Ones() | Indexed():
            return []


def evaluate(formula: Formula, value: Callable[[Atom], Array], tensor: TensorValue) -> Array:
    """Return the value of a formula: matrices as such, vectors as columns, scalars 1 × 1.

    Args:
        formula: what is printed.
        value: the array of an atom, one axis an index.
        tensor: the array of a sum, for what is printed in Σ form.
    """

    def go(part: Formula) -> Array:
        return evaluate(part, value, tensor)

    match formula:
        case Leaf(factor):
            return _leaf(factor, value)
        case Ones(indices):
            return _column(np.ones([index.size for index in indices]))
        case Transposed(inner):
            return go(inner).T
        case Product(items):
            return reduce(np.matmul, map(go, items))
        case Hadamard(items):
            return reduce(np.multiply, map(go, items))
        case Diagonal(inner):
            return np.diag(go(inner)[:, 0])
        case DiagonalOf(inner):
            return np.diag(go(inner))[:, None]
        case Inner(left, right):
            return np.sum(go(left) * go(right)).reshape(1, 1)
        case Trace(inner):
            return np.trace(go(inner)).reshape(1, 1)
        case Norm(inner):
            return np.sum(go(inner) ** 2).reshape(1, 1)
        case Scaled(coefficient, scalars, body):
            factors = [go(scalar) for scalar in scalars]
            by = reduce(np.multiply, factors, np.full((1, 1), float(coefficient)))
            return by if body is None else by.reshape(()) * go(body)
        case Total(items):
            return reduce(np.add, map(go, items), np.zeros((1, 1)))
        case Indexed(sum_):
            return _column(tensor(sum_))


TensorValue = Callable[[Sum], Array]


def _leaf(factor: Factor, value: Callable[[Atom], Array]) -> Array:
    array = value(factor.atom)
    kept = [n for n, index in zip(array.shape, factor.indices, strict=True) if index is not None]
    array = array.reshape(kept)
    # Powers of plain integers would wrap; what is printed is about real numbers.
    return _column(array if factor.power == 1 else array.astype(np.float64) ** factor.power)


def _column(array: Array) -> Array:
    return array.reshape((*array.shape, *(1,) * (2 - array.ndim))) if array.ndim < 2 else array
