"""Gradients that the user writes, and checkpoints: what they say, to any order, in any nesting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import functions as F
from wengert.base.errors import DifferentiationError, ShapeError
from wengert.graph.text import equal, parse, to_text
from wengert.reference.interpreter import run
from wengert.rewriting.rewrite import simplify
from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace
from wengert.transforms import (
    checkpoint,
    custom_gradient,
    grad,
    hessian,
    hvp,
    jacobian,
    joint,
    jvp,
    value_and_grad,
    vjp,
    vmap,
)

rng = np.random.default_rng(11)
x = rng.standard_normal(4)


@custom_gradient
def softplus(x: Any) -> Any:
    e = np.exp(x)
    return np.log1p(e), lambda u: (u * e / (1 + e),)


def plain_softplus(x: Any) -> Any:
    return np.log1p(np.exp(x))


@custom_gradient
def tripled(x: Any) -> Any:
    return x * 2.0, lambda u: (3.0 * u,)


def test_called_with_arrays_it_is_the_function() -> None:
    np.testing.assert_array_equal(softplus(x), plain_softplus(x))


def test_the_gradient_is_the_one_that_is_said() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(tripled(x)))(x), np.full(4, 3.0))
    np.testing.assert_allclose(
        grad(lambda x: np.sum(softplus(x) ** 2))(x),
        grad(lambda x: np.sum(plain_softplus(x) ** 2))(x),
        rtol=1e-13,
    )


def test_to_any_order_and_in_any_nesting() -> None:
    def mine(x: Any) -> Any:
        return np.sum(softplus(x * x) * x)

    def plain(x: Any) -> Any:
        return np.sum(plain_softplus(x * x) * x)

    np.testing.assert_allclose(hessian(mine)(x), hessian(plain)(x), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(hvp(mine, (x,), x), hvp(plain, (x,), x), rtol=1e-11)
    third = [jacobian(hessian(f))(x) for f in (mine, plain)]
    np.testing.assert_allclose(third[0], third[1], rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(jacobian(softplus)(x), np.diag(1 / (1 + np.exp(-x))), rtol=1e-13)
    xs = rng.standard_normal((5, 4))
    np.testing.assert_allclose(
        vmap(grad(mine))(xs), np.stack([grad(plain)(x) for x in xs]), rtol=1e-12
    )
    np.testing.assert_allclose(
        grad(lambda xs: np.sum(vmap(mine)(xs)))(xs), vmap(grad(plain))(xs), rtol=1e-12
    )
    slope = jvp(softplus, (x,), (np.ones(4),))[1]
    np.testing.assert_allclose(slope, 1 / (1 + np.exp(-x)), rtol=1e-13)


@custom_gradient
def layer(p: Any, x: Any, k: int) -> Any:
    y = p["W"] @ x * k

    def back(u: Any) -> Any:
        uy, un = u
        return {"W": np.outer(uy, x) * k, "b": None}, p["W"].T @ uy * k + un * x, None

    return (y, np.sum(x * x) / 2), back  # fmt: skip


def test_containers_several_results_and_numbers_beside() -> None:
    p = {"W": rng.standard_normal((3, 4)), "b": np.ones(2)}

    def J(p: Any, x: Any) -> Any:
        y, n = layer(p, x, 3)
        return np.sum(np.sin(y)) + n**2

    def plain(p: Any, x: Any) -> Any:
        return np.sum(np.sin(p["W"] @ x * 3)) + (np.sum(x * x) / 2) ** 2

    mine, wanted = grad(J, wrt=(0, 1))(p, x), grad(plain, wrt=1)(p, x)
    np.testing.assert_allclose(mine[1], wanted, rtol=1e-12)
    np.testing.assert_array_equal(mine[0]["b"], np.zeros(2))
    np.testing.assert_allclose(mine[0]["W"], np.outer(np.cos(p["W"] @ x * 3), x) * 3, rtol=1e-12)


def test_shared_arguments_of_a_batch_get_the_sum() -> None:
    @custom_gradient
    def scaled(w: Any, x: Any) -> Any:
        return w * x, lambda u: (u * x, u * w)

    xs = rng.standard_normal((6, 4))

    def J(w: Any) -> Any:
        return np.sum(vmap(scaled, in_axes=(None, 0))(w, xs) ** 2)

    np.testing.assert_allclose(grad(J)(x), 2 * x * np.sum(xs**2, axis=0), rtol=1e-12)


def test_a_pullback_need_not_be_linear() -> None:
    @custom_gradient
    def clipped(x: Any) -> Any:
        return x, lambda u: (np.clip(u, -1.0, 1.0),)

    def J(x: Any) -> Any:
        return np.sum(5.0 * clipped(x)) + 0.5 * x[0]

    np.testing.assert_array_equal(grad(J)(x), [1.5, 1.0, 1.0, 1.0])
    with pytest.raises(DifferentiationError, match="forward mode"):
        jvp(clipped, (x,), (np.ones(4),))


def test_what_vjp_returns_is_a_pair() -> None:
    same = custom_gradient(lambda x: vjp(lambda x: x**3, x))
    assert grad(same)(2.0) == 12.0
    assert grad(grad(same))(2.0) == 12.0


def test_the_graph_is_plain_data_and_keeps_names() -> None:
    graph = joint(lambda x: np.sum(softplus(x)), x)
    assert equal(parse(to_text(graph)), graph)
    assert graph.variable("e") is not None
    assert "custom_gradient" in {op.operator for op in graph.operations}
    small = simplify(graph)
    assert "custom_gradient" not in {op.operator for op in small.operations}
    np.testing.assert_array_equal(run(small, [x])[1], run(graph, [x])[1])
    assert all(op.origin is not None for op in graph.operations[-2:])


def test_wrong_functions() -> None:
    def use(f: Any) -> Any:
        return grad(lambda x: np.sum(custom_gradient(f)(x)))(x)

    with pytest.raises(DifferentiationError, match="custom_gradient of"):
        use(lambda x: x * 2)
    with pytest.raises(ShapeError, match="for x"):
        use(lambda x: (x * 2, lambda u: (np.sum(u),)))
    with pytest.raises(DifferentiationError, match="one for each argument: a, b"):
        two = custom_gradient(lambda a, b: (a * b, lambda u: (u,)))
        grad(lambda x: np.sum(two(x, x)))(x)
    with pytest.raises(DifferentiationError, match="containers of p"):
        one = custom_gradient(lambda p: (p["W"], lambda u: ({"V": u},)))
        grad(lambda x: np.sum(one({"W": x})))(x)


# -- Checkpoints ----------------------------------------------------------------------------------

W1, W2 = rng.standard_normal((5, 4)), rng.standard_normal((4, 5))


def block(p: Any, x: Any) -> Any:
    h = np.tanh(p["W1"] @ x)
    g = np.sin(h) * h
    return F.softmax(p["W2"] @ g)


def network(block: Any) -> Any:
    def J(p: Any, x: Any) -> Any:
        for _ in range(3):
            x = block(p, x)
        return np.sum(x**2)

    return J


p0 = {"W1": W1, "W2": W2}


def test_a_checkpoint_keeps_every_bit() -> None:
    J, g = value_and_grad(network(block), wrt=(0, 1))(p0, x)
    J2, g2 = value_and_grad(network(checkpoint(block)), wrt=(0, 1))(p0, x)
    assert J == J2
    for a, b in zip((*g[0].values(), g[1]), (*g2[0].values(), g2[1]), strict=True):
        np.testing.assert_array_equal(a, b)


def retained(graph: Any) -> set[Any]:
    """Return the forward intermediates that the backward pass reads."""
    forward = {op.output for op in graph.operations if op.origin is None}
    return {v for op in graph.operations if op.origin is not None for v in op.inputs} & forward


def test_no_intermediate_of_the_block_waits_for_the_backward_pass() -> None:
    plain = retained(joint(network(block), p0, x))
    marked = joint(network(checkpoint(block)), p0, x)
    assert any(v.name == "h" for v in plain)
    for graph in (marked, simplify(marked)):
        assert not any(v.name in ("h", "g") for v in retained(graph))
        again = [op for op in graph.operations if op.origin is not None and op.operator == "tanh"]
        assert len(again) == 3, "once more for each block, also after equal parts were shared"


def test_no_rewrite_shares_what_is_computed_again() -> None:
    def J(x: Any) -> Any:
        return np.sum(checkpoint(lambda x: np.sin(np.tanh(x)))(x))

    graph = simplify(joint(J, x))
    assert [op.operator for op in graph.operations].count("tanh") == 2


def test_checkpoints_nest_and_are_differentiated_again() -> None:
    twice = checkpoint(lambda p, x: checkpoint(block)(p, block(p, x)))

    def J(f: Any) -> Any:
        return lambda x: np.sum(f(p0, x) ** 2)

    plain = J(lambda p, x: block(p, block(p, x)))
    np.testing.assert_array_equal(grad(J(twice))(x), grad(plain)(x))
    np.testing.assert_allclose(hessian(J(twice))(x), hessian(plain)(x), rtol=1e-9, atol=1e-12)
    xs = rng.standard_normal((3, 4))
    np.testing.assert_allclose(vmap(grad(J(twice)))(xs), vmap(grad(plain))(xs), rtol=1e-12)


def test_a_checkpoint_sees_what_it_closes_over() -> None:
    def J(w: Any, x: Any) -> Any:
        return np.sum(checkpoint(lambda x: np.sin(w * x))(x))

    np.testing.assert_allclose(grad(J)(x, x + 1), np.cos(x * (x + 1)) * (x + 1), rtol=1e-13)


def test_a_checkpoint_with_several_results_and_integers() -> None:
    def f(x: Any, k: Any) -> Any:
        y = np.exp(x)
        return {"y": y, "again": y, "sum": np.sum(y * y), "k": k + 1}

    def J(f: Any) -> Any:
        def inner(x: Any, k: Any) -> Any:
            r = f(x, k)
            return np.sum(r["y"] * r["again"]) * r["sum"] + r["k"][0]

        return inner  # fmt: skip

    k = np.arange(3)
    np.testing.assert_allclose(grad(J(checkpoint(f)))(x, k), grad(J(f))(x, k), rtol=1e-13)


def test_a_checkpoint_on_arrays_is_the_function() -> None:
    np.testing.assert_array_equal(checkpoint(block)(p0, x), block(p0, x))


def test_the_public_names() -> None:
    assert wg.custom_gradient is custom_gradient and wg.checkpoint is checkpoint
    assert trace(checkpoint(lambda x: x * 2), Spec((2,))).outputs[0].shape == (2,)
