"""The Euclidean norm along axes: its slope at zero is zero, the subgradient of least norm."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base import shapes
from wengert.base.errors import DtypeError
from wengert.operators.arithmetic import divide_or_zero
from wengert.operators.broadcasting import nbytes
from wengert.operators.complexes import part_of
from wengert.operators.matrices import conjugated
from wengert.operators.record import Cost, Operator, Samples, Type
from wengert.operators.reduction import Axes, expand, reduced_shape
from wengert.operators.samples import away_from, real, reduced


def _result(x: Type, *, axis: Axes, keepdims: bool) -> Type:
    if x.dtype.kind not in "fc":
        raise DtypeError("a norm of other numbers than floats", got=x.dtype.name)
    shape = reduced_shape("norm", x, axis, keepdims, empty=True)
    return Type(shape, part_of(x.dtype))


def _norm(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    x = np.asarray(x)
    squares = np.multiply(conjugated(x), x, order="C").real
    total = np.sum(squares, axis=axis, keepdims=keepdims)
    return np.asarray(np.sqrt(total), order="C")


def _rule(g: Any, y: Any, x: Any, *, axis: Axes, keepdims: bool) -> Any:
    wide = expand(y, x.shape, axis, keepdims)
    return expand(g, x.shape, axis, keepdims) * divide_or_zero(conjugated(x), wide)


def _parts(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    squares = np.real(np.conjugate(x) * x) if x.dtype.kind == "c" else x * x
    return np.sqrt(np.sum(squares, axis=axis, keepdims=keepdims))


EUCLIDEAN_NORM = Operator(
    "euclidean_norm",
    "reduction",
    numpy=_norm,
    result=_result,
    vjp=(_rule,),
    latex=r"\lVert {x} \rVert_2",
    cost=Cost(flops=2, passes=lambda x, **_: shapes.size(x.shape)),
    samples=Samples(reduced(away_from(real(-2, 2), 0.0, gap=0.4)).draws),
    saves=("y", "x0"),
    symbol="‖·‖",
    workspace=lambda x, **_: nbytes(x) * (2 if x.dtype.kind == "c" else 1),
    decomposition=_parts,
    complex=True,
)
