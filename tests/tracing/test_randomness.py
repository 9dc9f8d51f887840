"""Random numbers that would become constants are refused with their line."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert.base.errors import TraceError
from wengert.reference.interpreter import run
from wengert.tracing.trace import trace

X = np.ones(3)
generator = np.random.default_rng(0)


class Dropout:
    def __init__(self) -> None:
        self.source = np.random.RandomState(1)

    def __call__(self, x: Any) -> Any:
        return np.sum(x * self.source.rand(3))


DRAWN: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "np.random": ("np.random", lambda x: np.sum(x * np.random.randn(3))),
    "a scalar": ("np.random", lambda x: np.sum(x) * np.random.rand()),
    "a global generator": ("generator", lambda x: np.sum(x * generator.random(3))),
    "an attribute": ("source", Dropout()),
    "Python's own": ("random", lambda x: np.sum(x) * random.random()),
}


@pytest.mark.parametrize("name", DRAWN)
def test_random_numbers_are_no_constants(name: str) -> None:
    source, function = DRAWN[name]
    with pytest.raises(TraceError, match=f"random numbers of {source} are drawn") as caught:
        trace(function, X)
    assert caught.value.where is not None
    assert caught.value.where.file == __file__


def test_a_generator_among_the_arguments_is_seen() -> None:
    with pytest.raises(TraceError, match="random numbers of rng"):
        trace(lambda x, rng: np.sum(x * rng.random(3)), X, np.random.default_rng(0))


def test_numbers_of_a_generator_seeded_inside_are_constants() -> None:
    def f(x: Any) -> Any:
        return x * np.random.default_rng(7).random(3)

    assert run(trace(f, X), [X])[0].tolist() == f(X).tolist()


def test_a_generator_that_only_stands_there_is_fine() -> None:
    def f(x: Any) -> Any:
        return np.sum(x) if generator is not None else 0.0

    assert run(trace(f, X), [X])[0].tolist() == 3.0


def test_a_generator_without_a_seed_is_refused_where_it_is_made() -> None:
    def noisy(x: Any) -> Any:
        return x + np.random.default_rng().random(3)

    with pytest.raises(TraceError, match=r"without a seed(.*\n)*.*wg\.random\.default_rng\(key\)"):
        trace(noisy, np.ones(3))
    assert noisy(np.ones(3)).shape == (3,)
    seeded = trace(lambda x: x + np.random.default_rng(1).random(3), np.ones(3))
    assert len(seeded.operations) == 1
