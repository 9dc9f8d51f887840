"""Jacobians, Hessians and their products: against numbers, formulas and one another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from wengert.base.errors import DifferentiationError, DtypeError, UnsupportedError
from wengert.operators.registry import OPERATORS
from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace
from wengert.transforms import grad, hessian, hvp, jacobian, joint, jvp, value_and_grad, vjp, vmap

rng = np.random.default_rng(3)


def numerical(f: Any, x: Any, h: float = 1e-6) -> Any:
    """Return ∂f/∂x by central differences, of shape S + T."""
    found = np.empty((*np.shape(f(x)), *x.shape))
    for place in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[place] = h
        found[(..., *place)] = (f(x + step) - f(x - step)) / (2 * h)
    return found


A, B = rng.standard_normal((4, 3)), rng.standard_normal((3, 5))


def wide(x: Any) -> Any:
    """More results than arguments: forward mode."""
    return np.tanh(A @ x)[:, None] * np.exp(0.1 * x[:2])


def narrow(x: Any) -> Any:
    """Fewer results than arguments: reverse mode."""
    return np.sum(np.sin(x) * x[:, ::-1], axis=0)[:2]


def square(x: Any) -> Any:
    return np.sqrt(np.sum(x**2)) * x


@pytest.mark.parametrize(("f", "shape"), [(wide, (3,)), (narrow, (3, 4)), (square, (2, 2))])
def test_against_differences(f: Any, shape: Any) -> None:
    x = rng.standard_normal(shape)
    found = jacobian(f)(x)
    assert found.shape == (*np.shape(f(x)), *shape)
    np.testing.assert_allclose(found, numerical(f, x), rtol=1e-7, atol=1e-8)


def test_both_modes_give_the_same_matrix() -> None:
    x = rng.standard_normal(3)
    rows = np.stack([vjp(wide, x)[1](u.reshape(4, 2))[0] for u in np.eye(8)]).reshape(4, 2, 3)
    columns = np.stack([jvp(wide, (x,), (v,))[1] for v in np.eye(3)], axis=-1)
    np.testing.assert_allclose(jacobian(wide)(x), rows, rtol=1e-13)
    np.testing.assert_allclose(jacobian(wide)(x), columns, rtol=1e-13)


def test_the_mode_with_fewer_directions_is_taken_and_is_one_batch() -> None:
    def directions(f: Any) -> list[Any]:
        graph = trace(jacobian(f), Spec((3,)))
        return [(v.name, v.shape) for v in graph.variables if v.name in ("u0", "v0")]

    # Tangents v of three columns; incoming gradients u of two rows.
    assert directions(lambda x: np.tanh(A @ x)) == [("v0", (3, 3))]
    assert directions(lambda x: np.tanh(B.T @ x)[:2]) == [("u0", (2, 2))]
    few, many = (trace(jacobian(lambda x: x * x), Spec((n,))).operations for n in (2, 200))
    assert len(few) == len(many), "no loop over the directions"


def test_containers_in_and_out() -> None:
    def f(p: Any, q: Any) -> Any:
        return {"a": p["W"] @ q, "b": (np.sum(p["c"] * q), p["c"])}

    p = {"W": rng.standard_normal((2, 3)), "c": rng.standard_normal(3)}
    q = rng.standard_normal(3)
    found = jacobian(f)(p, q)
    np.testing.assert_allclose(found["a"]["W"], np.einsum("ij,k->ijk", np.eye(2), q))
    np.testing.assert_array_equal(found["a"]["c"], np.zeros((2, 3)))
    np.testing.assert_allclose(found["b"][0]["c"], q)
    np.testing.assert_array_equal(found["b"][1]["c"], np.eye(3))
    both = jacobian(f, wrt=(1, 0))(p, q)
    np.testing.assert_allclose(both["a"][0], p["W"])
    np.testing.assert_allclose(both["a"][1]["W"], found["a"]["W"])


@pytest.mark.parametrize("count", [2, 40])
def test_scalars_empties_and_results_returned_twice(count: int) -> None:
    assert jacobian(lambda t: t**3)(2.0) == 12.0
    assert jacobian(lambda x: x * 2)(np.ones((0,))).shape == (0, 0)
    x = rng.standard_normal(count)
    first, second = jacobian(lambda x: (lambda y: (y, y))(x[:3] ** 2))(x)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, np.diag(2 * x)[:3])


def test_dtype_is_that_of_the_result_in_both_modes() -> None:
    x = np.ones(2, np.float32)
    assert jacobian(lambda x: x * np.ones((3, 1)))(x).dtype == np.float64
    assert jacobian(lambda x: np.sum(x * np.ones(2)))(x).dtype == np.float64
    assert jacobian(lambda x: x * 2)(x).dtype == np.float32


def objective(w: Any, x: Any) -> Any:
    return np.sum(np.tanh(x @ w) ** 2) + np.prod(w)


w0, x0 = rng.standard_normal(3), rng.standard_normal((5, 3))


def test_hessian_is_the_jacobian_of_the_gradient_and_of_differences() -> None:
    H = hessian(objective)(w0, x0)
    np.testing.assert_allclose(H, H.T, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(H, jacobian(grad(objective))(w0, x0), rtol=1e-14)
    np.testing.assert_allclose(
        H, numerical(lambda w: grad(objective)(w, x0), w0), rtol=1e-6, atol=1e-8
    )


def test_hessian_of_a_quadratic_is_its_matrix() -> None:
    S = A.T @ A
    np.testing.assert_allclose(hessian(lambda w: 0.5 * w @ S @ w)(w0), S, rtol=1e-13)
    np.testing.assert_array_equal(hessian(lambda w: np.sum(w))(w0), np.zeros((3, 3)))


def test_product_with_the_hessian_is_the_hessian_times_the_vector() -> None:
    v = rng.standard_normal(3)
    H = hessian(objective)(w0, x0)
    np.testing.assert_allclose(hvp(objective, (w0, x0), v), H @ v, rtol=1e-12)
    by_x = hvp(objective, (w0, x0), np.ones_like(x0), wrt=1)
    assert by_x.shape == x0.shape
    together = hvp(objective, (w0, x0), (v, np.zeros_like(x0)), wrt=(0, 1))
    np.testing.assert_allclose(together[0], H @ v, rtol=1e-12)


def test_product_in_containers_with_integers_beside() -> None:
    def loss(p: Any, labels: Any) -> Any:
        return np.sum(np.take_along_axis(np.exp(p["W"]), labels[:, None], axis=1)) + np.sum(p["b"])

    p = {"W": rng.standard_normal((2, 3)), "b": np.ones(2)}
    labels = np.array([0, 2])
    found = hvp(loss, (p, labels), {"W": np.ones((2, 3)), "b": np.ones(2)})
    wanted = np.zeros((2, 3))
    wanted[[0, 1], labels] = np.exp(p["W"])[[0, 1], labels]
    np.testing.assert_allclose(found["W"], wanted)
    np.testing.assert_array_equal(found["b"], np.zeros(2))


def test_inside_gradients_and_one_another() -> None:
    def trace_of_jacobian(x: Any) -> Any:
        return np.trace(jacobian(lambda y: y**3 * x)(x))

    # ∂(y³x)/∂y at y = x is diag(3 x³), so the objective is Σ 3 x³
    np.testing.assert_allclose(grad(trace_of_jacobian)(w0), 9 * w0**2, rtol=1e-12)
    third = jacobian(hessian(lambda t: np.sum(t**4)))(w0)
    wanted = np.zeros((3, 3, 3))
    wanted[range(3), range(3), range(3)] = 24 * w0
    np.testing.assert_allclose(third, wanted, rtol=1e-12, atol=1e-13)
    product = grad(lambda v: np.sum(hvp(objective, (w0, x0), v) * v))(w0)
    np.testing.assert_allclose(product, 2 * hessian(objective)(w0, x0) @ w0, rtol=1e-11)
    J, _ = value_and_grad(lambda w: np.sum(hessian(objective)(w, x0) ** 2))(w0)
    assert J == pytest.approx(np.sum(hessian(objective)(w0, x0) ** 2))


def test_jacobians_of_a_batch() -> None:
    xs = rng.standard_normal((6, 3))
    found = vmap(jacobian(wide))(xs)
    np.testing.assert_allclose(found, np.stack([jacobian(wide)(x) for x in xs]), rtol=1e-13)


def test_what_has_no_rule_for_a_batch_is_done_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    x = rng.standard_normal(3)
    wanted_wide, wanted_narrow = jacobian(wide)(x), jacobian(lambda x: np.tanh(x)[:2])(x)

    def refuse(*_: Any) -> Any:
        raise UnsupportedError("no rule")

    monkeypatch.setattr("wengert.transforms.jacobians.batch", refuse)
    np.testing.assert_allclose(jacobian(wide)(x), wanted_wide, rtol=1e-13)
    np.testing.assert_allclose(jacobian(lambda x: np.tanh(x)[:2])(x), wanted_narrow, rtol=1e-13)


def test_a_wrong_rule_gives_another_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(OPERATORS["tanh"], vjp=(lambda g, y, x: g * (1 - y),))
    monkeypatch.setitem(OPERATORS, "tanh", wrong)
    x = rng.standard_normal(3)
    assert not np.allclose(jacobian(wide)(x), numerical(wide, x), rtol=1e-3)


def test_wrong_inputs() -> None:
    with pytest.raises(DtypeError, match=r"jacobian of .*") as caught:
        jacobian(lambda x: np.argmax(x))(np.ones(3))
    assert caught.value.where is not None
    with pytest.raises(DtypeError, match="gradient by x"):
        jacobian(lambda x: x * 2.0)(np.arange(3))
    with pytest.raises(DifferentiationError, match=r"0 \(x\)"):
        jacobian(lambda x: x, wrt=4)(np.ones(2))
    with pytest.raises(DifferentiationError, match="scalar"):
        hessian(lambda x: x)(np.ones(2))
    with pytest.raises(DifferentiationError, match="direction v"):
        hvp(objective, (w0, x0), np.ones(4))


scale = 2.0


def scaled(x: Any) -> Any:
    return scale * x**2


def test_nothing_goes_stale() -> None:
    first, second = jacobian(scaled), jacobian(grad(lambda x: np.sum(scaled(x))))
    again = grad(grad(scaled))
    assert (first(1.0), second(1.0), again(1.0)) == (4.0, 4.0, 4.0)
    globals().update(scale=3.0)
    try:
        assert (first(1.0), second(1.0), again(1.0)) == (6.0, 6.0, 6.0)
    finally:
        globals().update(scale=2.0)


def test_both_values_of_a_result_returned_twice_count() -> None:
    _, pull = vjp(lambda x: (lambda y: (y, y))(x * 3), np.ones(2))
    np.testing.assert_array_equal(pull((np.ones(2), np.array([10.0, 20.0])))[0], [33.0, 63.0])


def test_joint_graph_is_as_before() -> None:
    assert joint(objective, Spec((3,)), Spec((5, 3))).outputs[1].label == "d(w)"
