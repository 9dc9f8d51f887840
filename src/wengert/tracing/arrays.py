"""What NumPy's functions make of their arguments before they work: arrays, axes, known integers."""

# NumPy's signatures have no types for arrays that record.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base.errors import TraceError
from wengert.base.guards import is_sequence
from wengert.tracing import frames
from wengert.tracing.apply import apply
from wengert.tracing.reductions import cast
from wengert.tracing.value import TracedValue, described


def array(value: Any) -> Any:
    """Return a traced value or an array as it is, and a list as an array, whatever it holds."""
    if isinstance(value, TracedValue):
        return value
    if is_sequence(value) and holds_tracer(value):
        return np.stack([array(each) for each in value])
    return np.asarray(value)


def holds_tracer(value: Any) -> bool:
    """Return whether something is traced, or a list with something traced in it."""
    if is_sequence(value):
        return any(holds_tracer(each) for each in value)
    return isinstance(value, TracedValue)


def known(value: Any, what: str) -> Any:
    """Return an argument that decides shapes or places, refusing a traced one.

    Raises:
        TraceError: it is traced.
    """
    if holds_tracer(value):
        raise TraceError(
            f"{what} is traced" + (f": {described(value)}" if not is_sequence(value) else ""),
            expected="numbers that are known while tracing",
            remedy="pass it as a plain number or array, which becomes a constant",
            where=frames.caller(),
        )
    return value


def floating(value: Any) -> Any:
    """Return an array whose whole numbers and truth values have become doubles, as a mean does."""
    found = array(value)
    return found if found.dtype.kind in "fc" else cast(found, np.float64)


def picked(x: Any, places: Any) -> Any:
    """Return the elements of one axis at places that may be traced, as np.take cannot of arrays."""
    if not holds_tracer((x, places)):
        return x[places]
    return apply("index", x, places, template=("#0",))


def at(axis: int, place: Any, rank: int | None = None) -> tuple[Any, ...]:
    """Return the index that picks ``place`` along one axis; ``rank`` writes the axes after it."""
    behind = () if rank is None else (slice(None),) * (rank - axis - 1)
    return (*(slice(None),) * axis, place, *behind)
