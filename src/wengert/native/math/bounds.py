"""How far each function may be from the true value, in units of the last place of the result.

Measured, not proved: the largest errors over millions of arguments of each format, rounded up.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Bound(NamedTuple):
    """The largest error, for each format; half a unit is a result rounded correctly."""

    float32: float
    float64: float


ULP: Mapping[str, Bound] = MappingProxyType(
    {
        "exp": Bound(1.0, 1.0),
        "exp2": Bound(1.0, 1.0),
        "expm1": Bound(1.25, 1.25),
        "sinh": Bound(1.0, 1.0),
        "cosh": Bound(1.0, 1.0),
        "tanh": Bound(1.0, 1.0),
        "log": Bound(1.0, 1.0),
        "log1p": Bound(1.0, 1.0),
        "log2": Bound(1.0, 1.0),
        "log10": Bound(1.0, 1.0),
        "sin": Bound(1.0, 1.0),
        "cos": Bound(1.0, 1.0),
        "tan": Bound(1.25, 1.25),
        "arctan": Bound(1.5, 1.5),
        "arctan2": Bound(1.25, 1.25),
        "power": Bound(0.75, 1.25),
        "erf": Bound(1.25, 1.25),
    }
)

# Formulas made of these functions and of algebra, such as arcsin x = arctan2(x, √((1 − x)(1 + x))).
# Those of sums of logarithms are in units of the largest of result and operands: where the sum is
# near 0 the operands cancel, and NumPy's own results err as much.
COMPOSED: Mapping[str, Bound] = MappingProxyType(
    {
        "arcsin": Bound(1.75, 1.75),
        "arccos": Bound(2.25, 2.25),
        "arcsinh": Bound(1.75, 1.75),
        "arccosh": Bound(3.0, 3.5),
        "arctanh": Bound(2.0, 2.0),
        "cbrt": Bound(0.75, 0.75),
        "hypot": Bound(2.0, 2.0),
        "logaddexp": Bound(2.0, 2.0),
        "logaddexp2": Bound(2.0, 2.0),
    }
)
