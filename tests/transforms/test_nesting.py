"""Every transformation around every other: the outer one against differences of the inner one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg

Function = Callable[[Any], Any]

X, V, D = np.array([[0.3, -0.8, 0.5], [1.0, -0.5, 2.0], [0.6, 0.9, -0.7]])


def base(x: Any) -> Any:
    return np.stack([np.sin(x[0]) * x[1], np.exp(x[1] * 0.5) + x[2] ** 2, x[0] * x[2]])


def total(f: Function) -> Function:
    return lambda x: np.sum(f(x) * V)


# -- Each takes a function of three numbers to three numbers, and gives another one ----------------


def custom(f: Function) -> Function:
    @wg.custom_gradient
    def mine(x: Any) -> Any:
        y, pull = wg.vjp(f, x)
        return y, lambda u: pull(u)

    return mine


def scanned(f: Function) -> Function:
    def twice(x: Any) -> Any:
        last, rows = wg.scan(lambda c, k: (f(c) * 0.5, {"y": c * k}), x, np.array([1.0, 2.0]))
        return last + np.sum(rows["y"], axis=0)

    return twice


def bounded(f: Function) -> Function:
    def three(x: Any) -> Any:
        return wg.while_loop(
            lambda v: v[0] < 2, lambda v: (v[0] + 1, f(v[1]) * 0.5), (0, x), max_steps=3
        )[1]

    return three


TRANSFORMS: dict[str, Callable[[Function], Function]] = {
    "grad": lambda f: wg.grad(total(f)),
    "vjp": lambda f: lambda x: wg.vjp(f, x)[1](V)[0],
    "jvp": lambda f: lambda x: wg.jvp(f, (x,), (V,))[1],
    "jacobian": lambda f: lambda x: wg.jacobian(f)(x) @ V,
    "hessian": lambda f: lambda x: wg.hessian(total(f))(x) @ V,
    "hvp": lambda f: lambda x: wg.hvp(total(f), (x,), V),
    "vmap": lambda f: lambda x: np.sum(wg.vmap(f)(np.stack([x, x * 2.0, V * x])), axis=0),
    "vmap of grad": lambda f: (
        lambda x: np.sum(wg.vmap(wg.grad(total(f)))(np.stack([x, x * 2.0])), axis=0)
    ),
    "checkpoint": lambda f: lambda x: wg.checkpoint(f)(x) * 2.0,
    "custom_gradient": custom,
    "stop_gradient": lambda f: lambda x: f(x) + wg.stop_gradient(x) * 0.0,
    "scan": scanned,
    "cond": lambda f: lambda x: wg.cond(np.sum(x) < 100.0, f, lambda x: x, x),
    "while": bounded,
    "compile": lambda f: wg.compile(f),
}
# Of these the values of the inner function say only what they are along a direction.
COVECTORS = ("grad", "vjp")
PLAIN: dict[str, Callable[[Function], Function]] = {
    "jvp": lambda f: lambda x: slope(f, x, V),
    "jacobian": lambda f: lambda x: slope(f, x, V),
    "hessian": lambda f: second(f),
    "hvp": lambda f: second(f),
    "vmap": lambda f: lambda x: f(x) + f(x * 2.0) + f(V * x),
    "checkpoint": lambda f: lambda x: f(x) * 2.0,
    "scan": lambda f: lambda x: f(f(x) * 0.5) * 0.5 + x + f(x) * 0.5 * 2.0,
    "while": lambda f: lambda x: f(f(x) * 0.5) * 0.5,
}


def slope(f: Function, x: Any, v: Any) -> Any:
    """Differences of the function as it is along a direction, extrapolated twice."""

    def central(h: float) -> Any:
        return (f(x + h * v) - f(x - h * v)) / (2 * h)

    h = 1e-3
    return (central(2 * h) - 20 * central(h) + 64 * central(h / 2)) / 45


def second(f: Function) -> Function:
    gradient = wg.grad(total(f))
    return lambda x: slope(gradient, x, V)


def agree(name: str, got: Any, f: Function) -> None:
    """Compare with what a transformation should be, from the values of a function alone."""
    if name in COVECTORS:
        got, wanted = np.sum(got * D), np.sum(slope(f, X, D) * V)
    elif name == "vmap of grad":
        wanted = sum(np.sum(slope(f, p, D) * V) for p in (X, X * 2.0))
        got = np.sum(got * D)
    else:
        wanted = PLAIN.get(name, lambda f: f)(f)(X)
    np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("inner", TRANSFORMS)
@pytest.mark.parametrize("outer", TRANSFORMS)
def test_any_in_any(outer: str, inner: str) -> None:
    made = TRANSFORMS[inner](base)
    agree(outer, TRANSFORMS[outer](made)(X), made)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_each_alone_traced_and_compiled(name: str) -> None:
    made = TRANSFORMS[name](base)
    for found in (made(X), wg.trace(made, X)(X), wg.compile(made)(X)):
        agree(name, found, base)


def test_containers_go_through_all_of_them() -> None:
    def f(p: Any) -> Any:
        return {"a": p["w"] * p["b"][0], "b": (np.sum(p["w"] ** 2), p["b"][1])}

    def J(p: Any) -> Any:
        y = wg.checkpoint(f)(p)
        y = wg.cond(y["b"][0] > 0, lambda y: y, lambda y: y, y)
        y, _ = wg.scan(lambda c, _: ({"a": c["a"] * 0.5, "b": c["b"]}, None), y, None, 2)
        return np.sum(y["a"] ** 2) + y["b"][0] * y["b"][1]

    p = {"w": X, "b": (np.array(2.0), np.array(3.0))}
    gradient = wg.compile(wg.grad(J))(p)
    assert gradient["w"].shape == (3,) and isinstance(gradient["b"], tuple)
    np.testing.assert_allclose(gradient["w"], 2 * 0.0625 * 4 * X + 6 * X, rtol=1e-12)
    matrix = wg.jacobian(f)(p)
    assert matrix["b"][0]["w"].shape == (3,) and matrix["a"]["b"][0].shape == (3,)
    many = {"w": np.stack([X, V]), "b": (np.array([2.0, 1.0]), np.array([3.0, 1.0]))}
    each = wg.vmap(wg.grad(J))(many)
    np.testing.assert_allclose(each["w"][0], gradient["w"], rtol=1e-12)
    y, dy = wg.jvp(f, (p,), (p,))
    assert dy["b"][1] == y["b"][1]
