"""Elementwise operators that are constant by nature: their results carry no derivative."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import numpy as np

from wengert.operators.broadcasting import elementwise_meaning, elementwise_result
from wengert.operators.record import Cost, Operator
from wengert.operators.samples import binary, real, unary

_SPECIAL = (0.0, 1.0, -800.0, 1e300)


def _operator(function: np.ufunc, latex: str, symbol: str = "") -> Operator:
    two = function.nin == 2
    return Operator(
        function.__name__,
        "elementwise",
        numpy=elementwise_meaning(function),
        result=elementwise_result(function),
        vjp=None,
        latex=latex,
        cost=Cost(flops=1),
        samples=(
            binary(real(-3, 3), real(-3, 3), special=_SPECIAL)
            if two
            else unary(real(-3, 3), special=_SPECIAL)
        ),
        symbol=symbol or function.__name__,
    )


CONSTANT: tuple[Operator, ...] = (
    _operator(np.sign, r"\operatorname{{sign}}({x})"),
    _operator(np.floor, r"\lfloor {x} \rfloor"),
    _operator(np.ceil, r"\lceil {x} \rceil"),
    _operator(np.isfinite, r"[\lvert {x} \rvert < \infty]"),
    _operator(np.isnan, r"[{x} \text{{ is NaN}}]"),
    _operator(np.logical_not, r"\lnot {x}", "¬"),
    _operator(np.less, "[{x0} < {x1}]", "<"),
    _operator(np.less_equal, r"[{x0} \le {x1}]", "≤"),
    _operator(np.greater, "[{x0} > {x1}]", ">"),
    _operator(np.greater_equal, r"[{x0} \ge {x1}]", "≥"),
    _operator(np.equal, "[{x0} = {x1}]", "="),
    _operator(np.not_equal, r"[{x0} \ne {x1}]", "≠"),
    _operator(np.logical_and, r"{x0} \land {x1}", "∧"),
    _operator(np.logical_or, r"{x0} \lor {x1}", "∨"),
)
