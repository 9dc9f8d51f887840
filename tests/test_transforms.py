"""What the front doors of differentiation take, refuse and warn of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert.base.errors import DifferentiationError, WengertWarning
from wengert.transforms import grad, joint, value_and_grad

X = np.array([1.0, -2.0, 3.0])


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (lambda s: (s, s, s), "a tuple of 3"),
        (lambda s: [s], "a list of 1"),
        (lambda s: {"accuracy": s * 0, "loss": s}, "a dict of 2"),
        (lambda s: ((s, s), s), "a tuple of 2"),
        (lambda s: None, "nothing"),
        (lambda s: s + np.zeros(2), r"float64 \(2,\)"),
        (lambda s: s > 0, r"bool \(\)"),
    ],
)
def test_an_objective_is_one_scalar_or_a_scalar_and_more(
    result: Callable[[Any], Any], said: str
) -> None:
    with pytest.raises(DifferentiationError, match=f"got: +.*{said}"):
        grad(lambda x: result(np.sum(x)))(X)


def test_through_complex_numbers_real_gradients_come_back_real() -> None:
    gradient = grad(lambda x: np.sum(np.abs(x * (1 + 2j)) ** 2))(X)
    np.testing.assert_allclose(gradient, 10 * X, rtol=1e-14)
    assert gradient.dtype == np.float64
    assert grad(lambda x, c: np.sum(x) * np.sum(np.abs(c)))(X, np.array([3j])).tolist() == [3.0] * 3


def test_a_complex_objective_and_a_rule_of_real_numbers_are_refused_with_their_line() -> None:
    with pytest.raises(DifferentiationError, match="real scalar") as caught:
        grad(np.sum)(X + 0j)
    assert "complex128" in str(caught.value)
    with pytest.raises(DifferentiationError, match="through sign of z") as caught:
        grad(lambda z: np.real(np.sum(np.sign(z))))(X + 0j)
    assert caught.value.where is not None


def test_arguments_may_be_named() -> None:
    def objective(x: Any, scale: Any, shift: Any = 1.0) -> Any:
        return np.sum(x * scale + shift)

    assert grad(objective)(X, scale=2.0).tolist() == [2.0] * 3
    assert value_and_grad(objective)(shift=np.zeros(3), scale=3.0, x=X)[0] == 6.0
    with pytest.raises(DifferentiationError, match="by name only"):
        grad(lambda x, *, scale: np.sum(x * scale))(X, scale=2.0)


@pytest.mark.parametrize("wrt", ["x", 2, 1.0, (0, "y"), None])
def test_an_argument_that_is_not_there(wrt: Any) -> None:
    with pytest.raises(DifferentiationError, match=r"one of 0 \(x\), 1 \(y\)"):
        grad(lambda x, y: np.sum(x * y), wrt)(X, X)


def test_arguments_are_counted_from_the_end_too() -> None:
    graph = joint(lambda x, y: np.sum(x * y), X, X, wrt=-1)
    assert [variable.role for variable in graph.inputs] == ["input", "parameter"]


def test_a_warning_points_at_the_users_line() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        grad(lambda p: np.sum(p["a"]))({"a": X, "b": X})
    assert [(each.category, each.filename) for each in caught] == [(WengertWarning, __file__)]
