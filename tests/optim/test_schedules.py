"""Schedules: their formulas, on one step and on many."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert.base.errors import OptionError
from wengert.optim import Schedule, constant, cosine, exponential, linear_warmup, step_decay

STEPS = np.arange(12)
BY_HAND: dict[str, tuple[Schedule, list[float]]] = {
    "constant": (constant(0.3), [0.3] * 12),
    "step_decay": (step_decay(8.0, [3, 6, 9], 0.5), [8] * 3 + [4] * 3 + [2] * 3 + [1] * 3),
    "exponential": (exponential(1.0, 0.5, every=2), [0.5 ** (t / 2) for t in range(12)]),
    "cosine": (
        cosine(1.0, steps=4, floor=0.2),
        [1, 0.6 + 0.4 * 0.5**0.5, 0.6, 0.6 - 0.4 * 0.5**0.5] + [0.2] * 8,
    ),
    "warm-up": (linear_warmup(0.4, 4), [0.1, 0.2, 0.3] + [0.4] * 9),
    "warm-up, then": (linear_warmup(step_decay(2.0, [3], 0.5), 2), [1, 2, 2, 2, 2] + [1] * 7),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_formula_on_arrays_and_on_single_steps(case: str) -> None:
    schedule, expected = BY_HAND[case]
    np.testing.assert_allclose(np.broadcast_to(schedule(STEPS), 12), expected, atol=1e-15)
    for kind in (int, np.int32, np.array):
        np.testing.assert_allclose([schedule(kind(t)) for t in STEPS], expected, atol=1e-15)


@pytest.mark.parametrize("case", BY_HAND)
def test_far_steps_stay_finite(case: str) -> None:
    rates = BY_HAND[case][0](np.array([10**6, 10**9]))
    assert np.isfinite(rates).all() and np.min(rates) >= 0


BAD: list[tuple[Callable[..., Schedule], tuple[Any, ...], str]] = [
    (constant, (-1,), "rate"), (constant, (float("nan"),), "rate"), (constant, ("1",), "rate"),
    (step_decay, (-1, [1]), "rate"), (step_decay, (1, [1], 0), "factor"),
    (step_decay, (1, []), "boundaries"), (step_decay, (1, [0, 3]), "boundaries"),
    (step_decay, (1, [3, 3]), "boundaries"), (step_decay, (1, [1.5]), "boundaries"),
    (exponential, (1, -0.5), "factor"), (exponential, (1, 0.5, 0), "every"),
    (cosine, (1, 0), "steps"), (cosine, (1, 2.5), "steps"), (cosine, (1, 5, 2), "floor"),
    (cosine, (1, 5, -1), "floor"),
    (linear_warmup, (-1, 5), "after"), (linear_warmup, (1, 0), "steps"),
    (linear_warmup, (1, True), "steps"),
]  # fmt: skip


@pytest.mark.parametrize("make, arguments, words", BAD)
def test_numbers_out_of_range(
    make: Callable[..., Schedule], arguments: tuple[Any, ...], words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        make(*arguments)
