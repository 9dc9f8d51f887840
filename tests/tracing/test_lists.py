"""A list of traced values is an array wherever NumPy takes a list of numbers for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.linalg import norm

from wengert.explanation.traced import trace
from wengert.transforms import grad

X = np.linspace(0.2, 1.1, 4)
PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "mean": lambda x: np.mean([x[0], 2 * x[1], 3.0]),
    "std": lambda x: np.std([x[0], x[1]]),
    "max": lambda x: np.max([x[0], x[1]]),
    "nested": lambda x: np.sum([[x[0], 1], [2, x[1]]], axis=(0, 1)),
    "dot": lambda x: np.dot([x[0], x[1]], [x[2], 2.0]),
    "norm": lambda x: np.linalg.norm([x[0], x[1]]),
    "norm by its name": lambda x: norm([x[0], x[1]]),
    "det": lambda x: np.linalg.det([[x[0], 1], [2, x[1]]]),
    "rows": lambda x: np.mean([row.sum() for row in x.reshape(2, 2)]),
    "beside": lambda x: np.sum(np.hstack([x, [1.0, 2.0]])),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_list_is_an_array(name: str) -> None:
    f = PROGRAMS[name]
    np.testing.assert_array_equal(trace(f, X)(X), f(X))
    way, step = np.array([0.3, -0.5, 0.2, 0.7]), 1e-6
    slope = (f(X + step * way) - f(X - step * way)) / (2 * step)
    np.testing.assert_allclose(np.sum(grad(f)(X) * way), slope, rtol=1e-7)
