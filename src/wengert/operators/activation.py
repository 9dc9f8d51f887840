"""Activation functions, each one operator with a decomposition into simpler ones."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from wengert.base.errors import DtypeError
from wengert.operators.broadcasting import nbytes
from wengert.operators.dispatch import recordable
from wengert.operators.record import Cost, Operator, Rule, Samples, Type
from wengert.operators.samples import Case, away_from, real, unary


def floating(name: str, x: Type) -> Type:
    """Return the type of ``x``, refusing what is not a real floating-point array."""
    if x.dtype.kind != "f":
        raise DtypeError(
            f"{name} of an array of {x.dtype.name}",
            expected="real floating-point numbers",
            got=f"{x.dtype.name} of shape {x.shape}",
            remedy='convert first: x.astype("float32")',
        )
    return Type(x.shape, x.dtype)


def _result(name: str) -> Rule:
    return lambda x, **_: floating(name, x)


# -- Meanings -------------------------------------------------------------------------------------


def _relu(x: Any) -> Any:
    return np.asarray(np.maximum(x, 0, order="C"))


def _leaky_relu(x: Any, *, slope: float) -> Any:
    x = np.asarray(x)
    out = np.asarray(np.multiply(x, slope, order="C"))
    return (np.maximum if slope <= 1 else np.minimum)(x, out, out=out)


def _sigmoid(x: Any) -> Any:
    # exp(−|x|) never overflows, and each tail keeps its digits.
    x = np.asarray(x)
    out = np.asarray(np.abs(x, order="C"))
    np.negative(out, out=out)
    np.exp(out, out=out)
    below = np.asarray(out + 1)
    np.copyto(out, 1, where=x >= 0)
    return np.divide(out, below, out=out)


def _softplus(x: Any) -> Any:
    return np.asarray(np.logaddexp(x, 0, order="C"))


# σ(2u) has reached 0 and 1 long before 30, so holding the cube there changes no result and
# keeps 0 · ∞ out.
_HELD = 30.0
_GELU, _CUBE = sqrt(2 / pi), 0.044715


def _held(x: Any) -> Any:
    return np.minimum(np.maximum(x, -_HELD), _HELD)


def _gelu_inner(z: Any) -> Any:
    return (2 * _GELU) * (z + _CUBE * z * z * z)


def _gelu(x: Any) -> Any:
    out = np.array(x, order="C")
    np.clip(out, -_HELD, _HELD, out=out)
    cube = np.asarray(np.multiply(out, out))
    cube *= out
    cube *= _CUBE
    out += cube
    del cube
    out *= 2 * _GELU
    gate = _sigmoid(out)
    return np.multiply(gate, x, out=out)


relu = recordable("relu", _relu)
leaky_relu = recordable("leaky_relu", _leaky_relu)
sigmoid = recordable("sigmoid", _sigmoid)
softplus = recordable("softplus", _softplus)
gelu = recordable("gelu", _gelu)

# -- Rules ----------------------------------------------------------------------------------------


def _gelu_rule(g: Any, y: Any, x: Any) -> Any:
    z = _held(x)
    gate = sigmoid(_gelu_inner(z))
    slope = (2 * _GELU) * (1 + (3 * _CUBE) * z * z)
    return g * (gate * (1 + z * (1 - gate) * slope))


# -- Scalar formulas ------------------------------------------------------------------------------


def _leaky_scalar(b: Any, x: Any, *, slope: float) -> Any:
    return (b.max if slope <= 1 else b.min)(x, b.mul(x, slope))


def _sigmoid_scalar(b: Any, x: Any) -> Any:
    small = b.exp(b.neg(b.abs(x)))
    return b.div(b.select(b.ge(x, 0), 1, small), b.add(small, 1))


def _softplus_scalar(b: Any, x: Any) -> Any:
    return b.add(b.max(x, 0), b.log1p(b.exp(b.neg(b.abs(x)))))


def _gelu_scalar(b: Any, x: Any) -> Any:
    z = b.min(b.max(x, -_HELD), _HELD)
    cube = b.mul(b.mul(b.mul(z, z), z), _CUBE)
    return b.mul(_sigmoid_scalar(b, b.mul(b.add(z, cube), 2 * _GELU)), x)


# -- Records --------------------------------------------------------------------------------------

_TAILS = (0.0, 1.0, -40.0, 40.0, -800.0, 800.0)
_SMOOTH = unary(real(-4, 4), special=_TAILS)
_BENT = unary(away_from(real(-3, 3), 0.0), special=_TAILS)


def _leaky_cases(rng: np.random.Generator) -> list[Case]:
    draw = away_from(real(-3, 3), 0.0)
    return [
        ((draw(rng, shape),), {"slope": slope})
        for shape in ((), (2, 3), (0,))
        for slope in (0.01, 0.3, 2.0)
    ]


def _two_and_a_mask(x: Type) -> int:
    # While the gate is made: its own result, the denominator, and the mask.
    return 2 * nbytes(x) + nbytes(Type(x.shape, np.dtype(bool)))


ACTIVATIONS: tuple[Operator, ...] = (
    # At 0 the derivative is 0, as everyone has it.
    Operator(
        "relu", "composite", _relu, _result("relu"), (lambda g, y, x: np.where(y > 0, g, 0),),
        latex=r"\operatorname{{relu}}({x})", cost=Cost(flops=1), samples=_BENT, saves=("y",),
        symbol="relu", kinks=(0.0,), inplace=(0,),
        decomposition=lambda x: np.maximum(x, 0), scalar=lambda b, x: b.max(x, 0),
    ),
    Operator(
        "leaky_relu", "composite", _leaky_relu, _result("leaky_relu"),
        (lambda g, y, x, *, slope: np.where(x > 0, g, slope * g),),
        latex=r"\operatorname{{leaky\_relu}}({x})", cost=Cost(flops=2),
        samples=Samples(_leaky_cases, _TAILS), saves=("x0",), symbol="leaky", kinks=(0.0,),
        inplace=(0,),
        decomposition=lambda x, *, slope: np.where(x > 0, x, slope * x), scalar=_leaky_scalar,
    ),
    # y(1 − y) errs by less than one rounding of the largest derivative, and needs no x.
    Operator(
        "sigmoid", "composite", _sigmoid, _result("sigmoid"),
        (lambda g, y, x: g * (y * (1 - y)),),
        latex=r"\sigma({x})", cost=Cost(flops=3, transcendental=1), samples=_SMOOTH,
        saves=("y",), symbol="σ", inplace=(0,),
        workspace=lambda x: nbytes(x) + nbytes(Type(x.shape, np.dtype(bool))),
        decomposition=lambda x: np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x))),
        scalar=_sigmoid_scalar,
    ),
    Operator(
        "softplus", "composite", _softplus, _result("softplus"),
        (lambda g, y, x: g * sigmoid(x),),
        latex=r"\log(1 + \exp({x}))", cost=Cost(flops=3, transcendental=2), samples=_SMOOTH,
        saves=("x0",), symbol="softplus", inplace=(0,),
        decomposition=lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
        scalar=_softplus_scalar,
    ),
    Operator(
        "gelu", "composite", _gelu, _result("gelu"), (_gelu_rule,),
        latex=r"\operatorname{{gelu}}({x})", cost=Cost(flops=10, transcendental=1),
        samples=_SMOOTH, saves=("x0",), symbol="gelu", inplace=(0,), workspace=_two_and_a_mask,
        decomposition=lambda x: x * sigmoid(_gelu_inner(_held(x))), scalar=_gelu_scalar,
    ),
)  # fmt: skip
