"""Which of NumPy's functions stand in which room, by the name under ``np``, and what each gives.

A function is *differentiable* (traced values pass, and gradients come back), *constant* (its
result is a place, a truth value or a fact of the shape, and carries no gradient) or *refused*.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np

from wengert.tracing import (
    applying,
    choosing,
    creating,
    diagonals,
    ordering,
    polynomials,
    repeating,
    running,
    splitting,
    statistics,
)

Row = Callable[..., Any]
ROOMS: tuple[Any, ...] = (
    applying, choosing, creating, diagonals, ordering, polynomials, repeating, running, splitting,
    statistics,
)  # fmt: skip


def found(name: str) -> Any:
    """Return NumPy's function of a dotted name under ``np``; None where this NumPy lacks it."""
    try:
        return attrgetter(name)(np)
    except AttributeError:
        return None


def _rows(kind: str) -> dict[Any, Row]:
    rows: dict[str, Row] = {}
    for room in ROOMS:
        rows |= getattr(room, kind)
    return {found(name): row for name, row in rows.items() if found(name) is not None}


DIFFERENTIABLE = _rows("DIFFERENTIABLE")
CONSTANT = _rows("CONSTANT")
ROWS: dict[Any, Row] = {**DIFFERENTIABLE, **CONSTANT}
