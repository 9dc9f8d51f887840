"""How a function reaches its operator."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.operators.record import Type
from wengert.operators.registry import OPERATORS
from wengert.tracing.tracer import Tracer, apply


def use(name: str, *operands: Any, **attributes: Any) -> Any:
    """Record an operator where an operand is traced, else compute it at once."""
    if any(isinstance(each, Tracer) for each in operands):
        return apply(name, *operands, **attributes)
    record = OPERATORS[name]
    arrays = [np.asarray(each) for each in operands]
    # The same checks, with the same words, as while tracing.
    record.result(*(Type(each.shape, each.dtype) for each in arrays), **attributes)
    return record.numpy(*arrays, **attributes)[()]


def shape_of(x: Any) -> tuple[int, ...]:
    """Return the shape of an array, a traced value or a number."""
    shape: tuple[int, ...] = x.shape if isinstance(x, Tracer) else np.shape(x)
    return shape
