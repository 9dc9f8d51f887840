"""Inverse and determinant of square matrices, alone or in stacks."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.operators import matrices as mats
from wengert.operators.complexes import part_of
from wengert.operators.matrices import columns, transposed
from wengert.operators.record import Cost, Operator, Samples, Type

_SQUARE = mats.stacks(mats.well, (3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 2, 2), (0, 0))
_SINGULAR = "a matrix has no inverse"
_REMEDY = "np.linalg.pinv or np.linalg.lstsq; or A + epsilon * np.eye(n)"


# -- Inverse ---------------------------------------------------------------------------------------


def _inverse_rule(g: Any, y: Any, a: Any) -> Any:
    turned = transposed(y)
    return -np.matmul(np.matmul(turned, g), turned)


def _inverse_result(a: Type) -> Type:
    return mats.square("inv", a)


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


# -- Determinant -----------------------------------------------------------------------------------


def _slogdet_result(a: Type) -> tuple[Type, Type]:
    shape, dtype = mats.square("slogdet", a)
    return Type(shape[:-2], dtype), Type(shape[:-2], part_of(dtype))


def _slogdet_rule(g: Any, y: Any, a: Any) -> Any:
    sign, log = g
    turned: Any = transposed(np.linalg.inv(a))
    weight = 0 * turned if log is None else columns(columns(log)) * turned
    if sign is None or a.dtype.kind != "c":
        return weight
    angle = columns(columns(1j * np.imag(sign * y[0])))
    return weight + angle * turned


SLOGDET = Operator(
    "slogdet",
    "matrix",
    numpy=mats.refusing("slogdet", "no determinant", np.linalg.slogdet),
    result=_slogdet_result,
    vjp=(_slogdet_rule,),
    latex=r"\ln |\det {x0}|",
    cost=Cost(flops=2, passes=mats.cubes(1 / 3)),
    samples=Samples(_SQUARE),
    saves=("x0",),
    symbol="log|A|",
    workspace=mats.in_double(_slogdet_result),
    complex=True,
    parts=("sign det", "log|det|"),
)

LINALG = (INVERSE, SLOGDET)
