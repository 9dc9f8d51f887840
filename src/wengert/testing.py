"""Floor 7: what a network may hold, as a test that fails when it holds more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wengert.base.errors import BudgetError, WengertError
from wengert.base.quantities import format_bytes, parse_bytes
from wengert.compilation import MemoryPlan, plan


class PeakExceeded(BudgetError, AssertionError):
    """A function holds more than a test allows."""


def assert_peak(
    function: Callable[..., Any],
    specs: Sequence[Any],
    *,
    max: str | int,
    memory: str | int | None = None,
) -> MemoryPlan:
    """Fail when a function would hold more than ``max`` bytes of intermediates; nothing is run.

    What it holds is ``peak_bytes`` of :func:`wg.plan`: the one block of the compiled program.

    Args:
        function: an objective, which is planned with its backward pass, or a training step.
        specs: its arguments: arrays or :class:`~wengert.Spec`.
        max: bytes, or text such as ``"200MB"``.
        memory: a budget to plan within, as in ``wg.plan``.

    Returns:
        The plan, for further looks.

    Raises:
        PeakExceeded: the peak is higher; an ``AssertionError`` that says where it stands, what
            is alive there, and the largest batch that would fit.
        BudgetError: nothing fits ``memory``.

    >>> import numpy as np
    >>> from wengert.tracing.spec import Spec
    >>> def objective(W, X):
    ...     return np.sum(np.tanh(X @ W) ** 2)
    >>> assert_peak(objective, [Spec((3, 4)), Spec((64, 3))], max="10kB").peak_bytes
    2048
    """
    allowed = parse_bytes(max, "assert_peak: max")
    found = plan(function, *specs, memory=memory)
    if found.peak_bytes > allowed:
        raise _exceeded(found, allowed)
    return found


def _exceeded(found: MemoryPlan, allowed: int) -> PeakExceeded:
    return PeakExceeded(
        f"{found.graph.name} holds {found.peak_bytes - allowed:,} bytes more than allowed",
        expected=f"a peak of at most {allowed:,} bytes ({format_bytes(allowed)})",
        got=found.peak_text(),
        remedy=_remedy(found, allowed),
    )


def _remedy(found: MemoryPlan, allowed: int) -> str | None:
    try:
        return f"a batch of at most {int(found.largest_batch(allowed)):,}"
    except WengertError:
        return None
