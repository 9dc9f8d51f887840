"""Elementwise operators that are constant by nature: their results carry no derivative."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import numpy as np

from wengert.operators.broadcasting import elementwise_meaning, elementwise_result
from wengert.operators.record import Cost, Operator, Rule
from wengert.operators.samples import away_from, binary, real, unary

_SPECIAL = (0.0, 1.0, -800.0, 1e300)


def _operator(
    function: np.ufunc,
    latex: str,
    scalar: Rule | None,
    symbol: str = "",
    *,
    special: tuple[float, ...] = _SPECIAL,
) -> Operator:
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
            binary(real(-3, 3), away_from(real(-3, 3), 0.0), special=special)
            if two
            else unary(real(-3, 3), special=special)
        ),
        symbol=symbol or function.__name__,
        scalar=scalar,
    )


CONSTANT: tuple[Operator, ...] = (
    _operator(np.sign, r"\operatorname{{sign}}({x})", lambda b, x: b.sign(x)),
    _operator(np.floor, r"\lfloor {x} \rfloor", lambda b, x: b.floor(x)),
    _operator(np.ceil, r"\lceil {x} \rceil", lambda b, x: b.ceil(x)),
    _operator(np.trunc, r"\operatorname{{trunc}}({x})", lambda b, x: b.trunc(x)),
    _operator(np.rint, r"\operatorname{{round}}({x})", lambda b, x: b.rint(x), "round"),
    _operator(np.signbit, "[{x} < 0]", lambda b, x: b.signbit(x)),
    _operator(np.isinf, r"[\lvert {x} \rvert = \infty]", lambda b, x: b.isinf(x)),
    _operator(np.spacing, r"\operatorname{{ulp}}({x})", None, "ulp"),
    _operator(np.isfinite, r"[\lvert {x} \rvert < \infty]", lambda b, x: b.isfinite(x)),
    _operator(np.isnan, r"[{x} \text{{ is NaN}}]", lambda b, x: b.isnan(x)),
    _operator(np.logical_not, r"\lnot {x}", lambda b, x: b.not_(x), "¬"),
    _operator(np.less, "[{x0} < {x1}]", lambda b, x0, x1: b.lt(x0, x1), "<"),
    _operator(np.less_equal, r"[{x0} \le {x1}]", lambda b, x0, x1: b.le(x0, x1), "≤"),
    _operator(np.greater, "[{x0} > {x1}]", lambda b, x0, x1: b.gt(x0, x1), ">"),
    _operator(np.greater_equal, r"[{x0} \ge {x1}]", lambda b, x0, x1: b.ge(x0, x1), "≥"),
    _operator(np.equal, "[{x0} = {x1}]", lambda b, x0, x1: b.eq(x0, x1), "="),
    _operator(np.not_equal, r"[{x0} \ne {x1}]", lambda b, x0, x1: b.ne(x0, x1), "≠"),
    _operator(np.logical_and, r"{x0} \land {x1}", lambda b, x0, x1: b.and_(x0, x1), "∧"),
    _operator(np.logical_or, r"{x0} \lor {x1}", lambda b, x0, x1: b.or_(x0, x1), "∨"),
    _operator(
        np.logical_xor, r"{x0} \oplus {x1}", lambda b, x0, x1: b.ne(b.not_(x0), b.not_(x1)), "⊕"
    ),
    _operator(np.floor_divide, r"\lfloor {x0} / {x1} \rfloor", None, "⌊÷⌋", special=(1.0, -2.0)),
)
