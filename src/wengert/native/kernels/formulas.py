"""The scalar formula of a computed value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wengert.native.kernels.nest import Compute
from wengert.native.lanes import Lanes, Vector
from wengert.operators.registry import OPERATORS

# Formulas that stand for movement: a copy in the dtype of the result, and zeros.
COPY, FILL = "copy", "fill"


def formula(lanes: Lanes, value: Compute, operands: Sequence[Vector]) -> Vector:
    """Emit the formula that the operator's record states."""
    if value.operator == COPY:
        return operands[0]
    if value.operator == FILL:
        return lanes.constant(0, np.dtype(value.dtype))
    rule = OPERATORS[value.operator].scalar
    assert rule is not None
    return rule(lanes, *operands, **dict(value.attributes))
