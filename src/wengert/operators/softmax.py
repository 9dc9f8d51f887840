"""Softmax, its logarithm, and the logarithm of a sum of exponentials."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base import shapes
from wengert.operators.activation import floating
from wengert.operators.broadcasting import nbytes
from wengert.operators.dispatch import recordable
from wengert.operators.record import Cost, Operator, Rule, Type
from wengert.operators.reduction import Axes, expand, reduced_shape
from wengert.operators.samples import Case, cases, distinct, reduced


def per_operand(x: Type, *_: Type, **__: Any) -> int:
    """Count one pass an element of the operand."""
    return shapes.size(x.shape)


# -- Softmax --------------------------------------------------------------------------------------


def _softmax_result(name: str) -> Rule:
    def result(x: Type, *, axis: int) -> Type:
        reduced_shape(name, floating(name, x), (axis,), False, empty=False)
        return Type(x.shape, x.dtype)

    return result


def _softmax(x: Any, *, axis: int) -> Any:
    x = np.asarray(x)
    out = np.asarray(np.subtract(x, np.max(x, axis=axis, keepdims=True), order="C"))
    np.exp(out, out=out)
    return np.divide(out, np.sum(out, axis=axis, keepdims=True), out=out)


def _log_softmax(x: Any, *, axis: int) -> Any:
    x = np.asarray(x)
    out = np.asarray(np.subtract(x, np.max(x, axis=axis, keepdims=True), order="C"))
    total = np.asarray(np.sum(np.exp(out), axis=axis, keepdims=True))
    return np.subtract(out, np.log(total, out=total), out=out)


softmax = recordable("softmax", _softmax)
log_softmax = recordable("log_softmax", _log_softmax)


def _softmax_rule(g: Any, y: Any, x: Any, *, axis: int) -> Any:
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


def _log_softmax_rule(g: Any, y: Any, x: Any, *, axis: int) -> Any:
    return g - np.exp(y) * np.sum(g, axis=axis, keepdims=True)


# -- Log-sum-exp ----------------------------------------------------------------------------------


def _logsumexp_result(x: Type, *, axis: Axes, keepdims: bool) -> Type:
    floating("logsumexp", x)
    return Type(reduced_shape("logsumexp", x, axis, keepdims, empty=False), x.dtype)


def _logsumexp(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    # A row of −∞ alone has no finite maximum to subtract; its answer is −∞, and no warning.
    x = np.asarray(x)
    top = np.asarray(np.max(x, axis=axis, keepdims=True))
    top = np.where(np.isfinite(top), top, 0).astype(x.dtype, copy=False)
    shifted = np.asarray(np.subtract(x, top, order="C"))
    np.exp(shifted, out=shifted)
    out = np.empty(shapes.reduce(x.shape, axis, keepdims), x.dtype)
    np.sum(shifted, axis=axis, keepdims=keepdims, out=out)
    with np.errstate(divide="ignore"):
        np.log(out, out=out)
    return np.add(out, top.reshape(out.shape), out=out)


logsumexp = recordable("logsumexp", _logsumexp)


def _logsumexp_rule(g: Any, y: Any, x: Any, *, axis: Axes, keepdims: bool) -> Any:
    wide = expand(y, x.shape, axis, keepdims)
    return expand(g, x.shape, axis, keepdims) * np.exp(x - wide)


# -- Decompositions ------------------------------------------------------------------------------
# They subtract the maximum as the meanings do: exp of a large logit alone would be infinite.


def _log_softmax_parts(x: Any, *, axis: int) -> Any:
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def _logsumexp_parts(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=keepdims))
    return total + np.reshape(top, total.shape)


# -- Records --------------------------------------------------------------------------------------


def _axis_cases(rng: np.random.Generator) -> list[Case]:
    options: tuple[tuple[tuple[int, ...], int], ...] = (
        ((4,), 0), ((2, 3), 1), ((2, 3), 0), ((2, 3, 2), 1), ((0, 3), 1),
    )  # fmt: skip
    return [((distinct(rng, shape),), {"axis": axis}) for shape, axis in options]


def kept(x: Type, axes: Axes) -> int:
    """Return the bytes of a reduction that keeps its axes."""
    return nbytes(Type(shapes.reduce(x.shape, axes, True), x.dtype))


SOFTMAX: tuple[Operator, ...] = (
    Operator(
        "softmax", "composite", _softmax, _softmax_result("softmax"), (_softmax_rule,),
        latex=r"\operatorname{{softmax}}({x})", cost=Cost(flops=4, transcendental=1),
        samples=cases(_axis_cases), saves=("y",), symbol="softmax",
        workspace=lambda x, *, axis: kept(x, (axis,)),
        decomposition=lambda x, *, axis: (
            np.exp(x - np.max(x, axis=axis, keepdims=True))
            / np.sum(np.exp(x - np.max(x, axis=axis, keepdims=True)), axis=axis, keepdims=True)
        ),
    ),
    Operator(
        "log_softmax", "composite", _log_softmax, _softmax_result("log_softmax"),
        (_log_softmax_rule,),
        latex=r"\log\operatorname{{softmax}}({x})", cost=Cost(flops=4, transcendental=1),
        samples=cases(_axis_cases), saves=("y",), symbol="log softmax",
        workspace=lambda x, *, axis: nbytes(x) + kept(x, (axis,)),
        decomposition=_log_softmax_parts,
    ),
    Operator(
        "logsumexp", "composite", _logsumexp, _logsumexp_result, (_logsumexp_rule,),
        latex=r"\log\sum\exp({x})",
        cost=Cost(flops=3, transcendental=1, passes=per_operand),
        samples=reduced(distinct), saves=("y", "x0"), symbol="logsumexp",
        workspace=lambda x, *, axis, keepdims: nbytes(x) + kept(x, axis),
        decomposition=_logsumexp_parts,
    ),
)  # fmt: skip
