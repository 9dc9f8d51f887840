"""The product of all elements but one: the derivative of ``prod``, right also where some are 0."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from wengert.base import shapes
from wengert.base.shapes import Shape
from wengert.operators.broadcasting import like, nbytes
from wengert.operators.dispatch import recordable
from wengert.operators.record import Cost, Operator, Type
from wengert.operators.samples import Case, cases, real

Axes = tuple[int, ...]


def _exclusive_product(x: Any, *, axis: Axes) -> Any:
    x = np.asarray(x)
    order, rows = _rows(x.shape, axis)
    flat = np.transpose(x, order).reshape(rows)
    out = np.ones(rows, x.dtype)
    np.cumprod(flat[..., :-1], axis=-1, out=out[..., 1:])
    after = np.ones(rows, x.dtype)
    np.cumprod(flat[..., :0:-1], axis=-1, out=after[..., -2::-1])
    out *= after
    del after, flat
    moved = out.reshape([x.shape[each] for each in order])
    return np.ascontiguousarray(np.transpose(moved, np.argsort(order))).reshape(x.shape)


exclusive_product = recordable("exclusive_product", _exclusive_product)


def _rows(shape: Shape, axis: Axes) -> tuple[tuple[int, ...], Shape]:
    """Return the order that puts the reduced axes last, and the shape with them made one."""
    kept = tuple(each for each in range(len(shape)) if each not in axis)
    count = prod(shape[each] for each in axis)
    return (*kept, *axis), (*(shape[each] for each in kept), count)


def _rule(g: Any, y: Any, x: Any, *, axis: Axes) -> Any:
    # ∂yᵢ/∂xₖ is symmetric, so the vjp in g is the derivative of y in the direction g: the
    # product tree carried out on the pairs (x, g). No division, so zeros need no care.
    order, rows = _rows(x.shape, axis)
    flat, direction = (np.reshape(np.transpose(each, order), rows) for each in (x, g))
    if rows[-1] == 0:
        return g
    change = _tree(flat, direction)[1]
    moved = np.reshape(change, tuple(x.shape[each] for each in order))
    return np.transpose(moved, tuple(int(each) for each in np.argsort(order)))


def _tree(x: Any, dx: Any) -> tuple[Any, Any]:
    """Return the exclusive products along the last axis and their change for a change dx."""
    n = x.shape[-1]
    if n == 1:
        return np.ones(x.shape, x.dtype), 0 * dx
    if n % 2:
        one = np.ones((*x.shape[:-1], 1), x.dtype)
        x, dx = np.concatenate([x, one], -1), np.concatenate([dx, 0 * one], -1)
    left, right, dleft, dright = x[..., ::2], x[..., 1::2], dx[..., ::2], dx[..., 1::2]
    others, dothers = _tree(left * right, dleft * right + left * dright)
    y = _interleave(others * right, others * left)
    dy = _interleave(dothers * right + others * dright, dothers * left + others * dleft)
    return y[..., :n], dy[..., :n]


def _interleave(even: Any, odd: Any) -> Any:
    both = [np.reshape(each, (*each.shape, 1)) for each in (even, odd)]
    return np.reshape(np.concatenate(both, -1), (*even.shape[:-1], 2 * even.shape[-1]))


def _parts(x: Any, *, axis: Axes) -> Any:
    order, rows = _rows(x.shape, axis)
    if rows[-1] == 0:
        return x
    found = _products(np.reshape(np.transpose(x, order), rows))
    moved = np.reshape(found, tuple(x.shape[each] for each in order))
    return np.transpose(moved, tuple(int(each) for each in np.argsort(order)))


def _products(x: Any) -> Any:
    """Return the exclusive products along the last axis, as :func:`_tree` without changes."""
    n = x.shape[-1]
    if n == 1:
        return np.ones_like(x)
    if n % 2:
        x = np.concatenate([x, np.ones((*x.shape[:-1], 1), x.dtype)], -1)
    left, right = x[..., ::2], x[..., 1::2]
    others = _products(left * right)
    return _interleave(others * right, others * left)[..., :n]


def _workspace(x: Type, *, axis: Axes) -> int:
    # The products from behind always; a copy of x where the reduced axes do not lie together.
    wide = [each for each in axis if x.shape[each] != 1]
    between = range(wide[0], wide[-1]) if wide else ()
    copies = any(x.shape[each] != 1 for each in between if each not in axis)
    return (2 if copies else 1) * nbytes(x)


def _cases(rng: np.random.Generator) -> list[Case]:
    options: tuple[tuple[Shape, Axes], ...] = (
        ((), ()), ((1,), (0,)), ((4,), (0,)), ((2, 5), (1,)), ((3, 2), (0,)), ((2, 3, 2), (0, 2)),
        ((2, 0), (1,)),
    )  # fmt: skip
    return [((real(-2, 2)(rng, shape),), {"axis": axis}) for shape, axis in options]


EXCLUSIVE_PRODUCT = Operator(
    "exclusive_product",
    "reduction",
    numpy=_exclusive_product,
    result=like,
    vjp=(_rule,),
    latex=r"\prod_{{j \ne i}} {x}_j",
    cost=Cost(flops=3, passes=lambda x, **_: shapes.size(x.shape)),
    samples=cases(_cases, analytic=True),
    saves=("x0",),
    symbol="Π≠",
    workspace=_workspace,
    decomposition=_parts,
)
