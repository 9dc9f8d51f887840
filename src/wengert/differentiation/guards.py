"""Guards against 0 · ∞ that a constant makes needless."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from wengert.graph.graph import Array
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable

# A guarded operator, the plain one, and whether a constant second operand of 0 needs the guard.
_PLAIN = {"multiply_or_zero": ("multiply", False), "divide_or_zero": ("divide", True)}


def without_needless_guards(operation: Operation, constants: Mapping[Variable, Array]) -> Operation:
    """Return g / 2 for a guarded g / 2: with a finite, nonzero constant nothing can be NaN."""
    if operation.operator not in _PLAIN:
        return operation
    plain, must_not_be_zero = _PLAIN[operation.operator]
    value = constants.get(operation.inputs[1])
    if value is None or not np.isfinite(value).all() or (must_not_be_zero and not value.all()):
        return operation
    return replace(operation, operator=plain)
