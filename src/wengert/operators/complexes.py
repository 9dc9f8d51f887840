"""Parts and conjugates of complex numbers.

The gradient of a real J by z = x + iy is g = ∂J/∂x − i ∂J/∂y, so that a change dz changes J by
Re(g dz). Through a formula that is differentiable in z the rule is then that of real numbers,
products transposed and nothing conjugated; only what takes z apart has rules of its own.
"""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.operators.broadcasting import elementwise_meaning, elementwise_result, ufunc_dtype
from wengert.operators.record import FREE, Cost, Operator, Samples, Type
from wengert.operators.samples import Case

SHAPES = ((), (3,), (2, 3), (2, 0))


def part_of(dtype: Dtype) -> Dtype:
    """Return the dtype of the parts of a complex number; of a real one itself."""
    return np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype


def complex_numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw complex numbers, none near zero."""
    return np.asarray(rng.uniform(0.5, 2, shape) * np.exp(1j * rng.uniform(-3, 3, shape)))


def _cases(rng: np.random.Generator) -> list[Case]:
    return [((complex_numbers(rng, shape),), {}) for shape in SHAPES]


def _real(x: Any) -> Any:
    array: Any = np.asarray(x)
    return np.array(array.real, order="C")


def _imag(x: Any) -> Any:
    array: Any = np.asarray(x)
    if array.dtype.kind != "c":
        return np.zeros(array.shape, array.dtype)
    return np.array(array.imag, order="C")


_SAMPLES = Samples(_cases, (0.0, -2.0, 1e300))

REAL = Operator(
    "real",
    "elementwise",
    numpy=_real,
    result=lambda x: Type(x.shape, part_of(x.dtype)),
    vjp=(lambda g, y, x: g,),
    latex=r"\operatorname{{Re}} {x}",
    cost=FREE,
    samples=_SAMPLES,
    symbol="Re",
    scalar=lambda b, x: x,
    complex=True,
)
IMAG = Operator(
    "imag",
    "elementwise",
    numpy=_imag,
    result=lambda x: Type(x.shape, part_of(x.dtype)),
    vjp=(lambda g, y, x: -1j * g if x.dtype.kind == "c" else 0 * g,),
    latex=r"\operatorname{{Im}} {x}",
    cost=FREE,
    samples=_SAMPLES,
    symbol="Im",
    scalar=lambda b, x: b.constant(0, x.dtype),
    complex=True,
)
CONJUGATE = Operator(
    "conjugate",
    "elementwise",
    numpy=elementwise_meaning(np.conjugate),
    result=elementwise_result(np.conjugate),
    vjp=(lambda g, y, x: np.conjugate(g),),
    latex=r"\overline{{{x}}}",
    cost=Cost(flops=1),
    samples=_SAMPLES,
    symbol="z̄",
    inplace=(0,),
    # NumPy makes a whole number of a truth.
    scalar=lambda b, x: b.cast(x, ufunc_dtype(np.conjugate, x.dtype).name),
    complex=True,
)
COMPLEX = (REAL, IMAG, CONJUGATE)
