"""Loops and branches as operations: the same numbers as Python's own, to any order, nested."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.base.errors import (
    DataError,
    DifferentiationError,
    DtypeError,
    OptionError,
    ShapeError,
    TraceError,
)
from wengert.graph.text import equal, held, parse, to_text
from wengert.transforms import joint

rng = np.random.default_rng(3)
W, h0 = rng.standard_normal((3, 3)) / 2, rng.standard_normal(3)
xs = rng.standard_normal((6, 3))


def rnn(W: Any, xs: Any, h0: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = np.tanh(W @ h + x)
        return h, {"square": h * h}

    h, ys = wg.scan(step, h0, xs)
    return np.sum(h) + np.sum(ys["square"] ** 2)


def unrolled(W: Any, xs: Any, h0: Any) -> Any:
    h, J = h0, 0.0
    for t in range(6):
        h = np.tanh(W @ h + xs[t])
        J = J + np.sum((h * h) ** 2)
    return np.sum(h) + J


def nested(W: Any, xs: Any, h0: Any) -> Any:
    def outer(h: Any, x: Any) -> Any:
        h, _ = wg.scan(lambda c, _: (np.tanh(W @ c) + x, None), h, None, 3)
        return h, np.sum(h)

    h, sums = wg.scan(outer, h0, xs, reverse=True)
    return np.sum(h) + np.sum(sums * np.arange(6.0))


def nested_unrolled(W: Any, xs: Any, h0: Any) -> Any:
    h, J = h0, 0.0
    for t in reversed(range(6)):
        for _ in range(3):
            h = np.tanh(W @ h) + xs[t]
        J = J + np.sum(h) * float(t)
    return np.sum(h) + J


PAIRS = [(rnn, unrolled), (nested, nested_unrolled)]
both = pytest.mark.parametrize(("mine", "plain"), PAIRS)


def close(got: Any, wanted: Any) -> None:
    np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-12)


@both
def test_plain_traced_and_unrolled_give_the_same_bits(mine: Any, plain: Any) -> None:
    graph = wg.trace(mine, W, xs, h0)
    assert [each.operator for each in graph.operations].count("scan") == 1
    assert graph(W, xs, h0) == mine(W, xs, h0)
    close(mine(W, xs, h0), plain(W, xs, h0))
    assert equal(parse(to_text(graph)), graph)


@both
def test_every_derivative_is_that_of_the_unrolled_loop(mine: Any, plain: Any) -> None:
    for got, wanted in zip(wg.grad(mine, (0, 1, 2))(W, xs, h0),
                           wg.grad(plain, (0, 1, 2))(W, xs, h0), strict=True):  # fmt: skip
        close(got, wanted)
    close(wg.hessian(mine, 2)(W, xs, h0), wg.hessian(plain, 2)(W, xs, h0))
    close(wg.hvp(mine, (W, xs, h0), W), wg.hvp(plain, (W, xs, h0), W))
    close(wg.jvp(mine, (W, xs, h0), (W, xs, h0))[1], wg.jvp(plain, (W, xs, h0), (W, xs, h0))[1])
    wg.check_gradients(mine, W, xs, h0, order=2)


@pytest.mark.parametrize("axes", [(None, 0, None), (None, None, 0), (0, 0, 0)])
def test_batches(axes: tuple[int | None, ...]) -> None:
    shapes = (W.shape, xs.shape, h0.shape)
    args = [
        rng.standard_normal((4, *shape)) / 2 if axis == 0 else one
        for axis, shape, one in zip(axes, shapes, (W, xs, h0), strict=True)
    ]
    for mine, plain in ((rnn, unrolled), (wg.grad(rnn), wg.grad(unrolled))):
        close(wg.vmap(mine, axes)(*args), wg.vmap(plain, axes)(*args))
    total = [wg.grad(lambda *a, f=f: np.sum(wg.vmap(f, axes)(*a)))(*args) for f in (rnn, unrolled)]
    close(*total)


def test_only_what_the_backward_pass_reads_is_stacked() -> None:
    def f(W: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            # Of exp the result is read; of the sum nothing; the mask is made from W, shared.
            return np.exp(x * np.abs(W)) + h, None

        return np.sum(wg.scan(step, np.zeros(3), xs)[0])

    graph = joint(f, np.ones(3), xs)
    forward, backward = (each for each in graph.operations if each.operator == "scan")
    assert [v.shape for v in forward.outputs] == [(3,), (6, 3)]
    assert xs.shape in [v.shape for v in backward.inputs]
    assert backward.attributes["reverse"] is True


def test_what_is_read_from_outside_is_named_and_held_once() -> None:
    table = np.arange(12.0).reshape(4, 3)

    def f(x: Any) -> Any:
        def step(h: Any, _: Any) -> Any:
            return h + np.sum(table * h[0]) * x, None

        return wg.scan(step, x, None, 5)[0] + np.sum(table * x[0])

    graph = wg.trace(f, np.ones(2))
    assert [v.label for v in graph.constants if v.shape] == ["table"]
    (scan,) = (each for each in graph.operations if each.operator == "scan")
    body = held(scan.attributes["body"])
    assert not any(value.ndim for value in body.constants.values())
    assert {v.label for v in body.inputs} >= {"h", "x", "table"}
    assert all(each.location is not None for each in body.operations)
    close(graph(np.ones(2)), f(np.ones(2)))


def test_python_numbers_take_the_dtype_of_the_loop() -> None:
    single = xs.astype("float32")
    graph = wg.trace(lambda xs: wg.scan(lambda s, x: (s + x[0], s), 0.0, xs), single)
    assert [v.dtype.name for v in graph.outputs] == ["float32", "float32"]
    last, rows = wg.scan(lambda s, x: (s + x[0], s), 0.0, single)
    assert (last.dtype, rows.shape) == (np.float32, (6,))


def test_no_iterations() -> None:
    nothing = np.empty((0, 3))
    for f in (lambda xs: wg.scan(lambda h, x: (h + x, {"y": x[:2]}), h0, xs),):
        last, ys = f(nothing)
        np.testing.assert_array_equal(last, h0)
        assert ys["y"].shape == (0, 2)
        graph = wg.trace(f, nothing)
        np.testing.assert_array_equal(graph(nothing)[0], h0)
        assert graph(nothing)[1]["y"].shape == (0, 2)
    gradient = wg.grad(lambda h, xs: np.sum(wg.scan(lambda h, x: (h * x, h), h, xs)[0] ** 2))
    np.testing.assert_array_equal(gradient(h0, nothing), 2 * h0)


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda x: wg.scan(lambda h, x: h, x, x), TraceError, "returns (carry, y)"),
        (lambda x: wg.scan(lambda h, x: (np.stack([h, h]), h), x, x), ShapeError, "its shape"),
        (lambda x: wg.scan(lambda h, x: ((h, h), h), x[0], x), TraceError, "containers"),
        (lambda x: wg.scan(lambda h, x: (h, h), x), OptionError, "xs, or length="),
        (lambda x: wg.scan(lambda h, x: (h, h), x, x, length=2), ShapeError, "length=2"),
        (lambda x: wg.scan(lambda h, x: (h, h), x, (x, x[:2])), ShapeError, "xs[1]: 2 rows"),
        (lambda x: wg.scan(lambda h, x: (h, h), x, x[0, 0]), ShapeError, "a row for every"),
        (lambda x: wg.scan(lambda h, x: (h, h), {"a": "b"}, x), DtypeError, "carry['a']"),
        (lambda x: wg.scan(lambda h, x: (h + 1.5, h), np.arange(4) + 0 * x[0].astype(int), x),
         DtypeError, "changes its dtype"),
        (lambda x: wg.cond(x > 0, np.exp, np.exp, x), TraceError, "one boolean"),
        (lambda x: wg.cond(x[0, 0] > 0, np.exp, lambda x: x[0], x), ShapeError, "same shapes"),
        (lambda x: wg.cond(x[0, 0] > 0, np.exp, lambda x: (x,), x), TraceError, "same containers"),
        (lambda x: wg.while_loop(lambda v: v > 0, lambda v: v - 1, x), TraceError, "one boolean"),
        (lambda x: wg.while_loop(lambda v: v < 0, lambda v: v - 1, x[0, 0], max_steps=-1),
         OptionError, "max_steps"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(call: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as told:
        wg.trace(call, np.ones((3, 4)))
    assert words in str(told.value)
    assert "test_loops.py" in str(told.value)


def test_explained_with_the_body_once_and_its_gradient() -> None:
    text = wg.explain(rnn, W, xs, h0).text()
    assert text.count("Each of 6 iterations") == 1
    assert "h₂ = tanh(W h + x)" in text
    assert "∂J/∂W = prod(∂J/∂h₂, ∂h₂/∂W) = (∂J/∂h₂ ⊙ (1 − h₂^⊙2)) hᵀ" in text
    assert "✗" not in text and "= step 1(" in text
    both = wg.explain(branching, np.array([1.0, 2.0])).text()
    assert "Where the condition holds" in both and "Elsewhere" in both and "✗" not in both
    assert wg.explain(nested, W, xs, h0).text().count("Each of 3 iterations") == 1
    assert "for i in range(6):" in wg.explain(rnn, W, xs, h0).source()
    assert wg.explain(rnn, W, xs, h0).svg().startswith("<svg")
    assert "every input has a path" in str(wg.trace(rnn, W, xs, h0).audit())


# -- Branches -------------------------------------------------------------------------------------


def branching(x: Any) -> Any:
    return wg.cond(np.sum(x) > 0, lambda x: np.sum(np.sqrt(x)), lambda x: np.sum(x * x), x)


@pytest.mark.parametrize("x", [np.array([1.0, 2.0]), np.array([-1.0, -2.0])])
def test_one_branch_runs_and_has_the_gradient(x: Any) -> None:
    positive = x.sum() > 0
    graph = wg.trace(branching, x)
    # The other branch would take the root of a negative number, a warning that is an error.
    close(graph(x), np.sum(np.sqrt(x)) if positive else np.sum(x * x))
    close(wg.grad(branching)(x), 0.5 / np.sqrt(x) if positive else 2 * x)
    second = np.diag(-0.25 * x**-1.5) if positive else 2 * np.eye(2)
    close(wg.hessian(branching)(x), second)
    wg.check_gradients(branching, x, order=2)
    assert equal(parse(to_text(graph)), graph)


def test_a_condition_for_each_example() -> None:
    X = np.array([[1.0, 2.0], [-1.0, -2.0]])
    with np.errstate(invalid="ignore"):
        close(wg.vmap(branching)(X), [branching(x) for x in X])
    shared = wg.vmap(lambda p, x: wg.cond(p, np.sin, np.cos, x), (None, 0))
    close(shared(np.bool_(True), X), np.sin(X))


def test_branches_read_from_outside_and_differ_in_dtype() -> None:
    def f(w: Any, x: Any) -> Any:
        return wg.cond(x[0] > 0, lambda: np.sum(w * x), lambda: 0.0)

    for sign in (1.0, -1.0):
        close(wg.grad(f)(W[0], sign * np.abs(h0)), np.abs(h0) if sign > 0 else np.zeros(3))


# -- While ----------------------------------------------------------------------------------------


def power(x: Any) -> Any:
    """x⁶ by a loop that counts."""
    return wg.while_loop(lambda v: v[0] < 5, lambda v: (v[0] + 1, v[1] * x), (0, x))[1]


def root(a: Any) -> Any:
    def better(x: Any) -> Any:
        return 0.5 * (x + a / x)

    return wg.while_loop(lambda x: np.abs(x * x - a) > 1e-12, better, a)


def test_an_open_loop_has_values_and_forward_derivatives() -> None:
    close(wg.trace(power, np.ones(()))(np.array(2.0)), 64.0)
    close(wg.jvp(power, (np.array(2.0),), (np.array(1.0),))[1], 192.0)
    close(wg.jvp(root, (np.array(2.0),), (np.array(1.0),))[1], 0.5 / np.sqrt(2))
    a = np.array([1.0, 2.0, 3.0])
    close(wg.vmap(root)(a), np.sqrt(a))
    slopes = wg.vmap(lambda a: wg.jvp(root, (a,), (np.ones(()),))[1])
    close(slopes(a[1:]), 0.5 / np.sqrt(a[1:]))


@pytest.mark.parametrize("transform", [wg.grad, lambda f: lambda x: wg.vjp(f, x)[1](1.0)])
def test_its_backward_pass_asks_for_a_bound(transform: Any) -> None:
    with pytest.raises(DifferentiationError, match="max_steps") as told:
        transform(power)(np.array(2.0))
    assert "test_loops.py" in str(told.value)


def test_a_bounded_loop_has_every_derivative() -> None:
    def bounded(x: Any) -> Any:
        return wg.while_loop(
            lambda v: v[0] < 5, lambda v: (v[0] + 1, v[1] * x), (0, x), max_steps=9
        )[1]

    close(wg.grad(bounded)(2.0), 192.0)
    close(wg.grad(wg.grad(bounded))(2.0), 480.0)
    close(bounded(2.0), 64.0)


def test_a_bound_that_is_too_low_does_not_pass_for_a_result() -> None:
    def short(x: Any) -> Any:
        return wg.while_loop(lambda v: v < 100.0, lambda v: v * 2.0, x, max_steps=3)

    with pytest.raises(DataError, match="max_steps=3"):
        short(1.0)
    assert np.isnan(wg.trace(short, np.ones(()))(np.array(1.0)))
