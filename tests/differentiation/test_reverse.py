"""The backward pass: against numbers worked out by hand, and its form as a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wengert.base.errors import DifferentiationError, DtypeError, WengertWarning
from wengert.graph.text import equal, parse, to_text
from wengert.tracing.spec import Spec
from wengert.transforms import grad, joint, jvp, value_and_grad, vjp

lam = 0.1
rng = np.random.default_rng(0)
W1, W2, x, y = (rng.standard_normal(s) for s in ((3, 4), (2, 3), (4,), (2,)))


def phi(z: Any) -> Any:
    return np.tanh(z)


def objective(parameters: Any, x: Any, y: Any) -> Any:
    W1, W2 = parameters["W1"], parameters["W2"]
    z = W1 @ x
    h = phi(z)
    o = W2 @ h
    L = 0.5 * np.sum((o - y) ** 2)
    s = lam / 2 * (np.sum(W1**2) + np.sum(W2**2))
    J = L + s
    return J


def test_sample_network_is_the_books_formulas() -> None:
    J, gradient = value_and_grad(objective)({"W1": W1, "W2": W2}, x, y)
    h = np.tanh(W1 @ x)
    d_o = W2 @ h - y
    d_z = (W2.T @ d_o) * (1 - h**2)
    np.testing.assert_allclose(gradient["W2"], np.outer(d_o, h) + lam * W2, rtol=1e-14)
    np.testing.assert_allclose(gradient["W1"], np.outer(d_z, x) + lam * W1, rtol=1e-14)
    assert J == objective({"W1": W1, "W2": W2}, x, y)


def test_joint_graph_labels_gradients_and_their_origin() -> None:
    graph = joint(objective, {"W1": W1, "W2": W2}, x, y)
    labels = [variable.label for variable in graph.variables]
    for name in ("J", "L", "s", "o", "h", "z", "W1", "W2"):
        assert f"d({name})" in labels
    d_z = graph.variable("d(z)")
    assert d_z.role == "gradient"
    assert graph.producer[d_z].origin is graph.variable("h")
    assert graph.producer[d_z].call is not None
    assert equal(parse(to_text(graph)), graph)


def test_forward_operations_come_first_and_gradients_last() -> None:
    graph = joint(objective, {"W1": W1, "W2": W2}, x, y)
    is_backward = [operation.origin is not None for operation in graph.operations]
    assert is_backward == sorted(is_backward)
    assert [v.label for v in graph.outputs] == ["J", "d(W1)", "d(W2)"]


def test_orders_beyond_the_first() -> None:
    third = grad(grad(grad(lambda t: np.sin(t) * np.exp(t))))
    t = 0.3
    assert third(t) == pytest.approx(2 * np.exp(t) * (np.cos(t) - np.sin(t)), rel=1e-14)


def test_gradient_inside_a_differentiated_function() -> None:
    def outer(a: Any, v: Any) -> Any:
        inner = grad(lambda b: np.sum(a * b**3))(v)
        return np.sum(inner * v)

    # d/da of Σ 3 a v³
    np.testing.assert_allclose(grad(outer)(np.ones(3), x[:3]), 3 * x[:3] ** 3, rtol=1e-14)


def test_containers_auxiliary_values_and_several_arguments() -> None:
    def f(p: Any, q: Any) -> Any:
        return np.sum(p[0] * q["a"]), {"metric": p[1] + 1}

    p, q = (x, np.array(2.0)), {"a": x + 1}
    (J, auxiliary), (dp, dq) = value_and_grad(f, wrt=(0, 1))(p, q)
    np.testing.assert_array_equal(dp[0], q["a"])
    np.testing.assert_array_equal(dq["a"], x)
    assert dp[1] == 0.0
    assert auxiliary == {"metric": 3.0}
    assert np.sum(x * (x + 1)) == J


pytestmark = pytest.mark.filterwarnings("ignore:f does not depend on")


def test_broadcasting_is_undone_once() -> None:
    def f(b: Any, M: Any) -> Any:
        return np.sum((M + b) * M)

    M = rng.standard_normal((5, 3))
    np.testing.assert_allclose(grad(f)(np.ones(3), M), M.sum(axis=0), rtol=1e-14)
    np.testing.assert_allclose(grad(f)(np.ones((5, 1)), M), M.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(grad(f)(np.array(1.0), M), M.sum(), rtol=1e-12)


def test_float32_stays_float32() -> None:
    gradient = grad(lambda w: np.mean(np.tanh(w) * 2) ** 2)(np.ones(3, np.float32))
    assert gradient.dtype == np.float32


def test_mixed_precision_gives_each_operand_its_own() -> None:
    gradient = grad(lambda w: np.sum(w * np.ones(3)))(np.ones(3, np.float32))
    assert gradient.dtype == np.float32


def test_a_variable_used_many_times_adds_up() -> None:
    assert grad(lambda t: t * t * t + t / t + t)(2.0) == pytest.approx(13.0)


def test_unconnected_parameters_warn_and_say_where_the_path_is_cut() -> None:
    with pytest.warns(WengertWarning, match="does not depend on w: it is not used"):
        result = grad(lambda w, x: np.sum(x))(np.ones(2), x)
    np.testing.assert_array_equal(result, np.zeros(2))
    with pytest.warns(WengertWarning, match=r"cut by greater at .*test_reverse\.py"):
        grad(lambda w: np.sum(np.where(w > 0, 1.0, 2.0)))(np.ones(2))


@pytest.mark.parametrize(
    "bad", [lambda w: w * 2, lambda w: np.argmax(w), lambda w: (), lambda w: 3]
)
def test_objectives_that_are_no_real_scalar(bad: Any) -> None:
    with pytest.raises(DifferentiationError, match="scalar"):
        grad(bad)(np.ones(3))


def test_integer_parameters_and_wrong_positions() -> None:
    with pytest.raises(DtypeError, match=r"w\['a'\]"):
        grad(lambda w: np.sum(w["a"]))({"a": np.arange(3)})
    with pytest.raises(DifferentiationError, match=r"0 \(w\)"):
        grad(lambda w: np.sum(w), wrt=3)(np.ones(3))


def test_products_with_the_jacobian_and_its_transpose() -> None:
    def f(W: Any, v: Any) -> Any:
        return np.tanh(W @ v), np.sum(v)

    y0, pull = vjp(f, W1, x)
    u = (rng.standard_normal(3), np.array(0.5))
    dW, dv = pull(u)
    tangents = (rng.standard_normal(W1.shape), rng.standard_normal(4))
    y1, dy = jvp(f, (W1, x), tangents)
    np.testing.assert_array_equal(y0[0], y1[0])
    left = np.sum(u[0] * dy[0]) + u[1] * dy[1]
    assert left == pytest.approx(np.sum(dW * tangents[0]) + np.sum(dv * tangents[1]), rel=1e-12)


def test_no_data_is_needed() -> None:
    graph = joint(objective, {"W1": Spec((3, 4)), "W2": Spec((2, 3))}, Spec((4,)), Spec((2,)))
    assert graph.outputs[1].shape == (3, 4)


def test_guards_stay_only_where_a_value_could_be_zero_or_infinite() -> None:
    def operators(f: Any) -> set[str]:
        return {operation.operator for operation in joint(f, Spec((3,))).operations}

    assert "divide_or_zero" not in operators(lambda w: np.sum(w / 2))
    assert "divide_or_zero" in operators(lambda w: np.sum(w / np.array([1.0, 0.0, 2.0])))
    assert "divide_or_zero" in operators(lambda w: np.sum(1 / np.exp(w)))
