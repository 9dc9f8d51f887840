"""Gradients of real objectives through complex numbers: ∂J/∂x − i ∂J/∂y."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3))


def drawn(*shape: int) -> Any:
    return RNG.normal(size=shape) + 1j * RNG.normal(size=shape)


Z, W, M = drawn(2, 3), drawn(2, 3), drawn(3, 3)

FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "arithmetic": (lambda z, w: z * w + z / w - z * z, (Z, W)),
    "powers": (lambda z: z**2 + z**-1 + z**0.5 + z**3 + np.power(z, 1.5), (Z,)),
    "numbers to the power": (lambda z: 2.0**z, (Z,)),
    "parts": (lambda z: np.real(z) * np.imag(z) ** 2 + z.real + z.imag, (Z,)),
    "conjugate": (lambda z, w: np.conj(z) * w + z.conj().T[0, 0], (Z, W)),
    "absolute": (lambda z: np.abs(z) ** 3 + np.absolute(z * z), (Z,)),
    "angle": (lambda z: np.angle(z) + np.angle(z * 1j, deg=True), (Z,)),
    "functions": (lambda z: np.exp(z) + np.sin(z) * np.cos(z) + np.tanh(z), (Z,)),
    "roots and logarithms": (lambda z: np.sqrt(z) * np.log(z) + np.log1p(z) + np.expm1(z), (Z,)),
    "hyperbolic": (lambda z: np.sinh(z) + np.cosh(z) + np.tan(z) + np.reciprocal(z), (Z,)),
    "log2, log10, exp2": (lambda z: np.log2(z) + np.log10(z) * np.exp2(z), (Z,)),
    "real with complex": (lambda x, z: x * z + x, (X, Z)),
    "real alone": (lambda x: np.abs(np.exp(1j * x)) * np.real(np.exp(1j * x)), (X,)),
    "real broadcast": (lambda x, z: x[0] * z, (X, Z)),
    "cast": (lambda x: x.astype(complex) ** 2, (X,)),
    "sums": (lambda z: z.sum(axis=0) * np.mean(z) * np.prod(z, axis=0), (Z,)),
    "spread": (lambda z: np.var(z, axis=1) + np.std(z, axis=1, ddof=1), (Z,)),
    "movement": (lambda z: np.stack([z.T[1:], z.T[:-1]]).reshape(4, 2)[:, ::-1], (Z,)),
    "index": (lambda z: z[[0, 1, 0], [2, 0, 1]] ** 2, (Z,)),
    "where": (lambda z, w: np.where(X > 0, z * w, z), (Z, W)),
    "matmul": (lambda z, m: z @ m @ np.conj(z).T, (Z, M)),
    "matmul with real": (lambda x, m: x @ m, (X, M)),
    "einsum": (lambda z, m: np.einsum("ij,jk,ik->i", z, m, np.conj(z)), (Z, M)),
    "einsum with real": (lambda x, m: np.einsum("ij,jj->i", x, m), (X, M)),
    "dot, vdot, inner, outer": (
        lambda z, w: np.dot(z, w.T).sum() + np.vdot(z, w) * np.inner(z[0], w[1])
        + np.outer(z[0], w[0]).sum(), (Z, W),
    ),
    "tensordot": (lambda z, w: np.tensordot(z, w, axes=([1], [1])), (Z, W)),
    "hermitian form": (lambda m, z: np.real(np.conj(z[0]) @ m @ z[0]), (M, Z)),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_traced_equals_plain(name: str) -> None:
    function, arguments = FUNCTIONS[name]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(wg.trace(function, *arguments)(*arguments),
                                   function(*arguments), rtol=1e-14)  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_to_order_two(name: str) -> None:
    function, arguments = FUNCTIONS[name]
    wg.check_gradients(function, *arguments, tolerance=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_compiled_gradients(name: str) -> None:
    function, arguments = FUNCTIONS[name]

    def objective(*given: Any) -> Any:
        return np.sum(np.abs(function(*given)) ** 2)

    found = wg.compile(wg.grad(objective))(*arguments)
    wanted = wg.grad(objective)(*arguments)
    assert found.dtype == wanted.dtype == arguments[0].dtype
    np.testing.assert_allclose(found, wanted, rtol=1e-11)


def test_the_convention_is_that_of_the_field() -> None:
    # z ↦ |z|²: ∂/∂x − i ∂/∂y = 2x − 2iy.
    z = np.array([1.0 + 2j, -3j])
    np.testing.assert_allclose(wg.grad(lambda z: np.sum(np.abs(z) ** 2))(z), 2 * np.conj(z))
    # A holomorphic function: its derivative.
    np.testing.assert_allclose(wg.grad(lambda z: np.real(np.sum(np.exp(z))))(z), np.exp(z))


def test_descent_goes_along_the_conjugate() -> None:
    def objective(z: Any) -> Any:
        return np.abs(z**2 + 1) ** 2

    z = np.array(0.3 + 0.4j)
    for _ in range(200):
        z = z - 0.1 * np.conj(wg.grad(objective)(z))
    np.testing.assert_allclose(z, 1j, atol=1e-8)


def test_at_zero_the_absolute_value_has_the_gradient_zero() -> None:
    gradient = wg.grad(lambda z: np.sum(np.abs(z)))(np.array([0j, 3 + 4j]))
    np.testing.assert_allclose(gradient, [0, 0.6 - 0.8j])


def test_single_precision_stays_single() -> None:
    z = Z.astype(np.complex64)
    assert wg.grad(lambda z: np.sum(np.abs(z * (1 + 2j))))(z).dtype == np.complex64
    x = X.astype(np.float32)
    assert wg.grad(lambda x: np.sum(np.abs(x * z)))(x).dtype == np.float32


def test_products_of_derivatives() -> None:
    def f(z: Any) -> Any:
        return np.conj(z) * np.exp(z)

    _, tangent = wg.jvp(f, (Z,), (W,))
    step = 1e-7
    np.testing.assert_allclose(tangent, (f(Z + step * W) - f(Z - step * W)) / (2 * step), rtol=1e-6)
    y, pullback = wg.vjp(f, Z)
    g = drawn(2, 3)
    gradient = pullback(g)
    gradient = gradient[0] if isinstance(gradient, tuple) else gradient
    np.testing.assert_allclose(np.sum(gradient * W).real, np.sum(g * tangent).real, rtol=1e-12)
    np.testing.assert_allclose(y, f(Z))


def test_rules_of_real_numbers_alone_are_refused_by_name() -> None:
    for function in (
        lambda z: np.real(np.sum(np.sign(z))),
        lambda z: np.sum(np.real(wg.nn.functional.softmax(z))),
    ):
        with pytest.raises(wg.WengertError, match=r"sign|softmax"):
            wg.grad(function)(Z)


def test_a_checkpoint_of_complex_numbers() -> None:
    def objective(z: Any, x: Any) -> Any:
        return np.sum(np.abs(wg.checkpoint(lambda z, x: np.exp(z) * x)(z, x)) ** 2)

    def plain(z: Any, x: Any) -> Any:
        return np.sum(np.abs(np.exp(z) * x) ** 2)

    for wrt in (0, 1):
        found = wg.grad(objective, wrt=wrt)(Z, X)
        np.testing.assert_allclose(found, wg.grad(plain, wrt=wrt)(Z, X), rtol=1e-13)
        assert found.dtype == (Z, X)[wrt].dtype
