"""vmap: a function of one example on many is the stack of its results."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from wengert import functions as F
from wengert.base.errors import OptionError, ShapeError, UnsupportedError
from wengert.operators.registry import OPERATORS
from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace
from wengert.tracing.tracer import apply
from wengert.transforms import grad, hessian, jvp, value_and_grad, vmap

rng = np.random.default_rng(5)
W1, W2 = rng.standard_normal((4, 3)), rng.standard_normal((2, 4))
xs, ys = rng.standard_normal((6, 3)), rng.integers(0, 2, 6)


def loss(p: Any, x: Any, y: Any) -> Any:
    h = np.tanh(p["W1"] @ x)
    o = p["W2"] @ h
    return F.softmax_cross_entropy(o, y) + F.l2(p, 0.1)


p0 = {"W1": W1, "W2": W2}


def test_gradient_of_each_example() -> None:
    found = vmap(grad(loss), in_axes=(None, 0, 0))(p0, xs, ys)
    for key in p0:
        wanted = np.stack([grad(loss)(p0, x, y)[key] for x, y in zip(xs, ys, strict=True)])
        np.testing.assert_allclose(found[key], wanted, rtol=1e-12, atol=1e-14)
    losses, again = vmap(value_and_grad(loss), in_axes=(None, 0, 0))(p0, xs, ys)
    assert losses.shape == (6,)
    np.testing.assert_array_equal(again["W1"], found["W1"])


def test_the_mean_of_the_batched_loss_has_the_mean_gradient() -> None:
    together = grad(lambda p: np.mean(vmap(loss, in_axes=(None, 0, 0))(p, xs, ys)))(p0)
    apart = vmap(grad(loss), in_axes=(None, 0, 0))(p0, xs, ys)
    np.testing.assert_allclose(together["W1"], apart["W1"].mean(axis=0), rtol=1e-12)


def test_axes_in_and_out() -> None:
    a, b = rng.standard_normal((3, 5, 2)), rng.standard_normal((2, 5))

    def f(a: Any, b: Any) -> Any:
        return a @ b, np.sum(a, axis=0)

    found = vmap(f, in_axes=(1, -1), out_axes=(1, -1))(a, b)
    wanted = [f(a[:, i], b[:, i]) for i in range(5)]
    np.testing.assert_allclose(found[0], np.stack([w[0] for w in wanted], axis=1))
    np.testing.assert_allclose(found[1], np.stack([w[1] for w in wanted], axis=-1))


def test_one_within_another() -> None:
    a, b = rng.standard_normal((4, 3)), rng.standard_normal((5, 3))
    outer = vmap(vmap(lambda x, y: np.sum(x * y), in_axes=(None, 0)), in_axes=(0, None))
    np.testing.assert_allclose(outer(a, b), a @ b.T, rtol=1e-13)


def test_containers_and_axes_for_their_parts() -> None:
    p = {"W": rng.standard_normal((6, 2, 3)), "b": np.ones(2)}

    def f(p: Any, x: Any) -> Any:
        return {"y": p["W"] @ x + p["b"], "same": p["b"] * 2}

    found = vmap(f, in_axes=({"W": 0, "b": None}, 0), out_axes={"y": 0, "same": None})(p, xs)
    np.testing.assert_allclose(found["y"], np.einsum("bij,bj->bi", p["W"], xs) + 1)
    assert found["same"].shape == (2,)


def test_a_result_that_is_the_same_for_all_is_repeated() -> None:
    found = vmap(lambda x: (x[0], np.ones(2), 3.0))(xs)
    assert [each.shape for each in found] == [(6,), (6, 2), (6,)]


def test_derivatives_through_and_of_a_batch() -> None:
    f = vmap(lambda x: np.prod(x) * x)
    y, dy = jvp(f, (xs,), (np.ones_like(xs),))
    each = [jvp(lambda x: np.prod(x) * x, (x,), (np.ones(3),))[1] for x in xs]
    np.testing.assert_allclose(dy, np.stack(each), rtol=1e-11, atol=1e-13)
    assert y.shape == xs.shape
    H = vmap(hessian(lambda x: np.sum(x**3)))(xs)
    np.testing.assert_allclose(H[2], np.diag(6 * xs[2]), atol=1e-14)


def test_one_graph_without_a_loop_and_with_the_users_names() -> None:
    many = vmap(loss, in_axes=(None, 0, 0))
    small = trace(many, p0, Spec((2, 3)), Spec((2,), "int64"))
    large = trace(many, p0, Spec((500, 3)), Spec((500,), "int64"))
    assert len(small.operations) == len(large.operations)
    assert large.variable("h").shape == (500, 4)
    assert all(op.location is None or op.location.line > 0 for op in large.operations)


def test_no_examples_at_all() -> None:
    assert vmap(lambda x: np.sum(x * 2))(np.ones((0, 3))).shape == (0,)


def test_control_of_sizes_and_axes() -> None:
    with pytest.raises(ShapeError, match="number of examples") as caught:
        vmap(lambda a, b: a * b)(np.ones(3), np.ones(4))
    assert "a: 3" in str(caught.value) and "b: 4" in str(caught.value)
    with pytest.raises(ShapeError, match="axis 1 of x"):
        vmap(lambda x: x, in_axes=1)(np.ones(3))
    with pytest.raises(OptionError, match="one for each argument: a, b"):
        vmap(lambda a, b: a, in_axes=(0,))(np.ones(3), np.ones(3))
    with pytest.raises(OptionError, match="without an argument"):
        vmap(lambda a: a, in_axes=None)(np.ones(3))
    with pytest.raises(OptionError, match="axis 0 of rate"):
        vmap(lambda x, rate: x * rate)(np.ones(3), 0.1)
    with pytest.raises(OptionError, match="does not have the form"):
        vmap(lambda p: p["W"], in_axes=({"V": 0},))({"W": np.ones(3)})
    with pytest.raises(OptionError, match="out_axes None"):
        vmap(lambda x: x, out_axes=None)(np.ones(3))
    with pytest.raises(OptionError, match="out_axes 2"):
        vmap(lambda x: x, out_axes=2)(np.ones(3))


def test_an_error_inside_speaks_of_one_example() -> None:
    with pytest.raises(ShapeError, match=r"\(4, 3\)"):
        vmap(lambda x: W1 @ x)(np.ones((6, 5)))


def test_an_operator_without_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATORS, "strange", replace(OPERATORS["matmul"], name="strange"))
    with pytest.raises(UnsupportedError, match="strange") as caught:
        vmap(lambda x: apply("strange", x, x))(np.ones((3, 2, 2)))
    assert "np.stack" in str(caught.value)
