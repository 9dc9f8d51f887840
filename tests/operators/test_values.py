"""Numbers at which other implementations have been wrong, and the conventions at kinks and ties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert.functions as F
from wengert.operators.registry import OPERATORS
from wengert.transforms import grad


def slope(f: Any, x: Any) -> Any:
    """Return ∂ Σ f(x) / ∂x, with every warning but underflow an error."""
    with np.errstate(all="raise", under="ignore"):
        return grad(lambda x: np.sum(f(x)))(np.asarray(x, float))


@pytest.mark.parametrize(
    ("f", "x", "y", "dy"),
    [
        (np.tanh, 800.0, 1.0, 0.0),
        (np.tanh, -800.0, -1.0, 0.0),
        (F.softplus, -40.0, 4.248354255291589e-18, 4.248354255291589e-18),
        (F.softplus, 800.0, 800.0, 1.0),
        (F.softplus, -800.0, 0.0, 0.0),
        (F.sigmoid, -40.0, 4.248354255291589e-18, 4.248354255291589e-18),
        (F.sigmoid, -800.0, 0.0, 0.0),
        (F.sigmoid, 800.0, 1.0, 0.0),
        (F.gelu, 800.0, 800.0, 1.0),
        (F.gelu, -800.0, 0.0, 0.0),
        (F.gelu, 0.0, 0.0, 0.5),
        (F.relu, 0.0, 0.0, 0.0),
        (np.abs, 0.0, 0.0, 0.0),
        (np.expm1, -40.0, -1.0, 4.248354255291589e-18),
        (np.square, 0.0, 0.0, 0.0),
        (lambda x: x**3, 0.0, 0.0, 0.0),
        (lambda x: x**3, -2.0, -8.0, 12.0),
        (lambda x: x**1.0, 0.0, 0.0, 1.0),
        (lambda x: np.power(x, 0.0), 0.0, 1.0, 0.0),
        (lambda x: F.logsumexp(np.stack([x, 0 * x])), 1000.0, 1000.0, 1.0),
        (lambda x: np.maximum(x, 0.0), 0.0, 0.0, 0.5),
        (lambda x: np.minimum(x, 0.0), 0.0, 0.0, 0.5),
    ],
)
def test_value_and_slope(f: Any, x: float, y: float, dy: float) -> None:
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(f(np.asarray(x)), y, rtol=1e-15)
    np.testing.assert_allclose(slope(f, x), dy, rtol=1e-15)


def test_gelu_keeps_its_digits_on_the_left() -> None:
    # ½ x (1 + tanh u) has none left at −8; the value is x / (1 + exp(−2u)).
    u = np.sqrt(2 / np.pi) * (-8 + 0.044715 * -512)
    np.testing.assert_allclose(F.gelu(np.float64(-8)), -8 / (1 + np.exp(-2 * u)), rtol=1e-13)


@pytest.mark.parametrize(
    ("masked", "x"),
    [
        (lambda x: np.where(x > 0, np.sqrt(np.abs(x)), 0.0), [0.0, 4.0]),
        (lambda x: np.where(x > 0, np.log(np.maximum(x, 0)), 0.0), [0.0, 4.0]),
        (lambda x: np.where(x > 0, 1 / x, 0.0), [0.0, 4.0]),
        (lambda x: np.where(x > 0, x**-1, 0.0), [0.0, 4.0]),
        (lambda x: np.where(x > 0, x**0.3, 0.0), [0.0, 4.0]),
        (lambda x: np.where(x < 5, np.exp(x), 0.0), [1000.0, 4.0]),
        (lambda x: np.where(x < 5, np.expm1(x), 0.0), [1000.0, 4.0]),
        (lambda x: np.where(x < 5, np.cosh(x), 0.0), [1000.0, 4.0]),
        (lambda x: np.where(x < 5, 2.0**x, 0.0), [3000.0, 4.0]),
    ],
)
def test_a_masked_pole_has_no_slope(masked: Any, x: list[float]) -> None:
    # The forward pass of the user warns where it computes the pole; the gradient is still right.
    x_, h = np.array(x), 1e-6
    with np.errstate(all="ignore"):
        found = grad(lambda x: np.sum(masked(x)))(x_)
        wanted = (masked(x_[1:] + h) - masked(x_[1:] - h)) / (2 * h)
    assert found[0] == 0
    np.testing.assert_allclose(found[1:], wanted, rtol=1e-7)


def test_std_of_equal_elements_has_slope_zero() -> None:
    np.testing.assert_array_equal(slope(np.std, np.full(5, 0.1)), np.zeros(5))


def test_root_at_zero_is_infinite_as_in_mathematics() -> None:
    with np.errstate(divide="ignore"):
        assert grad(lambda x: np.sqrt(x))(np.array(0.0)) == np.inf


@pytest.mark.parametrize("f", [np.max, np.min])
def test_ties_share_equally(f: Any) -> None:
    np.testing.assert_allclose(slope(f, [2.0, 2.0, 2.0, 2.0]), np.full(4, 0.25))


def test_prod_is_right_where_elements_are_zero() -> None:
    np.testing.assert_allclose(slope(np.prod, [2.0, 3.0, 4.0]), [12.0, 8.0, 6.0])
    np.testing.assert_allclose(slope(np.prod, [2.0, 0.0, 4.0]), [0.0, 8.0, 0.0])
    np.testing.assert_allclose(slope(np.prod, [2.0, 0.0, 0.0]), [0.0, 0.0, 0.0])


def test_prod_is_right_to_second_order_where_two_are_zero() -> None:
    x = np.array([0.0, 0.0, 3.0])
    found = slope(lambda x: grad(np.prod)(x)[0], x)
    np.testing.assert_allclose(found, [0.0, 3.0, 0.0])


def test_prod_is_right_to_third_order() -> None:
    first = grad(lambda x: np.prod(x))
    second = grad(lambda x: first(x)[0])
    third = grad(lambda x: second(x)[1])
    np.testing.assert_allclose(third(np.array([0.0, 0.0, 0.0])), [0.0, 0.0, 1.0])


def test_log_softmax_at_large_logits() -> None:
    logits = np.array([[1000.0, 0.0, -1000.0]])
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_array_equal(F.log_softmax(logits), [[0.0, -1000.0, -2000.0]])
    found = slope(lambda o: F.log_softmax(o)[:, 1], logits)
    np.testing.assert_allclose(found, [[-1.0, 1.0, 0.0]])


def test_cross_entropy_at_large_logits() -> None:
    logits = np.array([[1000.0, -1000.0], [1000.0, -1000.0]])
    labels = np.array([0, 1])
    losses = F.softmax_cross_entropy(logits, labels, reduction="none")
    np.testing.assert_array_equal(losses, [0.0, 2000.0])
    found = slope(lambda o: F.softmax_cross_entropy(o, labels, reduction="sum"), logits)
    np.testing.assert_allclose(found, [[0.0, 0.0], [1.0, -1.0]])


def test_masked_logits_cost_nothing_where_the_label_is_zero() -> None:
    logits, labels = np.array([[0.0, -np.inf]]), np.array([[1.0, 0.0]])
    assert F.softmax_cross_entropy(logits, labels) == 0
    found = grad(lambda o: F.softmax_cross_entropy(o, labels))(logits)
    np.testing.assert_array_equal(found, [[0.0, 0.0]])


def test_probabilities_need_not_add_up_to_one() -> None:
    logits, labels = np.array([0.3, -0.2, 0.1]), np.array([0.5, 0.1, 0.1])
    found = slope(lambda o: F.softmax_cross_entropy(o, labels), logits)
    np.testing.assert_allclose(found, 0.7 * F.softmax(logits) - labels)


def test_logsumexp_of_nothing_but_minus_infinity() -> None:
    with np.errstate(all="raise"):
        assert F.logsumexp(np.array([-np.inf, -np.inf])) == -np.inf


@pytest.mark.parametrize(("t", "o"), [(1.0, 40.0), (0.0, -40.0)])
def test_binary_cross_entropy_keeps_its_digits(t: float, o: float) -> None:
    loss = F.binary_cross_entropy(np.array(o), np.array(t))
    np.testing.assert_allclose(loss, 4.248354255291589e-18, rtol=1e-14)


@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 3, 4)])
def test_squared_norm_is_as_exact_as_a_careful_sum(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    wanted = np.sum(x.astype(float) ** 2)
    np.testing.assert_allclose(OPERATORS["squared_norm"].numpy(x), wanted, rtol=1e-6)
    np.testing.assert_allclose(OPERATORS["squared_norm"].numpy(x.T), wanted, rtol=1e-6)


def test_squared_norm_of_many_numbers_keeps_float32_digits() -> None:
    x = np.random.default_rng(0).normal(size=(1000, 1000)).astype(np.float32)
    wanted = np.sum(x.astype(float) ** 2)
    np.testing.assert_allclose(OPERATORS["squared_norm"].numpy(x), wanted, rtol=1e-5)


def test_a_power_of_zero_is_flat_to_any_order() -> None:
    flat = grad(grad(lambda x: x**0.0))
    assert flat(np.array(0.0)) == flat(np.array(2.0)) == 0
