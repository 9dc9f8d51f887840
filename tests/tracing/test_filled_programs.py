"""Whole programs that fill and change arrays: equal to NumPy, with gradients, and compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tracing.filled import PROGRAMS
from wengert.base.tree import flatten
from wengert.execution import compile as compiled
from wengert.reference.interpreter import run
from wengert.tracing.trace import trace_with_changes
from wengert.transforms import grad

every = pytest.mark.parametrize("name", PROGRAMS)


def plain(function: Any, given: Any) -> list[Any]:
    """Return what a call leaves behind: what is returned, and the arguments."""
    given = [each.copy() for each in given]
    return [np.array(each) for each in (*flatten(function(*given))[0], *given)]


@every
def test_values_are_numpys(name: str) -> None:
    function, given = PROGRAMS[name]
    traced = trace_with_changes(function, *given)
    results = run(traced.graph, list(given))
    changed = dict(zip(traced.changed, results[len(results) - len(traced.changed) :], strict=True))
    after = [changed.get(k, each) for k, each in enumerate(given)]
    found = [*results[: len(results) - len(traced.changed)], *after]
    for here, there in zip(found, plain(function, given), strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-13, atol=0)


@every
def test_compiled_programs_leave_behind_what_numpy_does(name: str) -> None:
    function, given = PROGRAMS[name]
    for here, there in zip(plain(compiled(function), given), plain(function, given), strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-12, atol=1e-14)


@every
def test_gradients_are_differences(name: str) -> None:
    function, given = PROGRAMS[name]

    def objective(*arguments: Any) -> Any:
        own = [each.copy() for each in arguments]
        leaves = [*flatten(function(*own))[0], *own]
        return sum(np.sum(np.sin(each * (1 + 0.1 * k))) for k, each in enumerate(leaves))

    rng = np.random.default_rng(0)
    ways = [rng.normal(size=each.shape) for each in given]
    gradients = grad(objective, wrt=tuple(range(len(given))))(*given)
    found = sum(np.sum(g * v) for g, v in zip(gradients, ways, strict=True))

    def moved(h: float) -> Any:
        return objective(*(x + h * v for x, v in zip(given, ways, strict=True)))

    wanted = (moved(1e-6) - moved(-1e-6)) / 2e-6
    assert abs(found - wanted) <= 1e-7 * (1 + abs(wanted))
