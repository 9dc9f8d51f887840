"""What broadcasting does to shapes, dtypes and gradients; shared by the records."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from wengert.base import shapes
from wengert.base.dtypes import Dtype
from wengert.base.errors import DtypeError, ShapeError
from wengert.base.shapes import Shape
from wengert.operators.record import Rule, Type


def broadcast_shape(name: str, *operands: Shape) -> Shape:
    """Return the common shape, or say which axis does not fit."""
    found = shapes.broadcast(*operands)
    if found is None:
        raise ShapeError(
            f"{name} cannot combine the shapes {' and '.join(map(str, operands))}",
            expected="sizes that are equal, or 1, on each axis counted from the last",
            got=_first_clash(operands),
        )
    return found


def _first_clash(operands: tuple[Shape, ...]) -> str:
    for axis in range(-1, -max(map(len, operands)) - 1, -1):
        sizes = [shape[axis] for shape in operands if len(shape) >= -axis]
        if len({*sizes} - {1}) > 1:
            return f"axis {axis} has the sizes {' and '.join(map(str, sizes))}"
    raise AssertionError(operands)  # pragma: no cover


@lru_cache(maxsize=4096)
def ufunc_dtype(function: np.ufunc, *dtypes: Dtype) -> Dtype:
    """Return the dtype that a ufunc gives for operands of these dtypes, as NumPy resolves it."""
    return ufunc_dtypes(function, *dtypes)[0]


@lru_cache(maxsize=4096)
def ufunc_dtypes(function: np.ufunc, *dtypes: Dtype) -> tuple[Dtype, ...]:
    """Return the dtypes of all results of a ufunc."""
    try:
        return function.resolve_dtypes((*dtypes, *(None,) * function.nout))[len(dtypes) :]
    except TypeError as problem:
        names = " and ".join(dtype.name for dtype in dtypes)
        raise DtypeError(
            f"{function.__name__} has no meaning for {names}",
            expected="a dtype that NumPy computes it for",
            got=names,
            remedy='convert first: x.astype("float32")',
        ) from problem


def elementwise_result(function: np.ufunc, name: str = "") -> Rule:
    """Return the result rule of a ufunc: broadcast shape, NumPy's promotion."""
    called = name or function.__name__

    def result(*operands: Type) -> Type:
        shape = broadcast_shape(called, *(each.shape for each in operands))
        return Type(shape, ufunc_dtype(function, *(each.dtype for each in operands)))

    return result


def elementwise_meaning(function: np.ufunc) -> Rule:
    """Return the ufunc with results in C order, so that storage is known from types alone."""

    def meaning(*operands: Any) -> Any:
        return np.asarray(function(*operands, order="C"))

    meaning.__name__ = function.__name__
    return meaning


def unbroadcast(g: Any, shape: Shape) -> Any:
    """Return the sum of ``g`` over the axes that broadcasting made from ``shape``.

    >>> unbroadcast(np.ones((2, 3)), (3,)), unbroadcast(np.ones((2, 3)), (2, 1)).shape
    (array([2., 2., 2.]), (2, 1))
    """
    if tuple(g.shape) == shape:
        return g
    extra = len(g.shape) - len(shape)
    if extra > 0:
        g = np.sum(g, axis=tuple(range(extra)))
    grown = tuple(a for a, n in enumerate(shape) if n == 1 and g.shape[a] != 1)
    return np.sum(g, axis=grown, keepdims=True) if grown else g


def like(x: Type | Any, *_: Any, **__: Any) -> Type:
    """Return the type of the first operand: the result rule of what keeps it."""
    return Type(x.shape, x.dtype)


def nbytes(x: Type) -> int:
    """Return the bytes of a dense array of a type."""
    return shapes.size(x.shape) * x.dtype.itemsize
