"""np.fft on traced arrays, and einsum in full: values, types, derivatives, compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg

ff = np.fft
RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 6))
Z = X + 1j * RNG.normal(size=(4, 6))
C = RNG.normal(size=(3, 4, 5))
A, B, M = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 5)), RNG.normal(size=(4, 4))
V = RNG.normal(size=5)
NORMS = (None, "backward", "ortho", "forward")

CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    **{f"{f.__name__}, {norm}, {n}": (lambda x, f=f, norm=norm, n=n: f(x, n, norm=norm), (x,))
       for f, x in ((ff.fft, Z), (ff.ifft, Z), (ff.rfft, X), (ff.irfft, Z), (ff.hfft, Z),
                    (ff.ihfft, X))
       for norm in NORMS for n in (None, 4, 7, 9)},
    "of real numbers": (lambda x: ff.fft(x, axis=0) * ff.ifft(x), (X,)),
    "irfft of real numbers": (lambda x: ff.irfft(x, axis=0), (X,)),
    "fft2": (lambda z: ff.fft2(z) + ff.ifft2(z, norm="ortho"), (Z,)),
    "fftn": (lambda c: ff.fftn(c) + ff.ifftn(c, axes=(0, 2)), (C,)),
    "fftn of a shape": (lambda c: ff.fftn(c, s=(2, 6), axes=(2, 0)), (C,)),
    "rfftn": (lambda c: ff.rfftn(c) + ff.rfft2(c), (C,)),
    "irfftn": (lambda z: (ff.irfftn(z), ff.irfft2(z, s=(4, 5))), (Z,)),
    "there and back": (lambda x: ff.irfft(ff.rfft(x), 6) * ff.ifft(ff.fft(x)), (X,)),
    "shifts": (lambda c: ff.fftshift(c) + ff.ifftshift(c, axes=(0, 2)) + ff.fftshift(c, 1), (C,)),
    "a derivative by frequencies": (
        lambda x: ff.ifft(2j * np.pi * ff.fftfreq(6) * ff.fft(x)).real, (X,),
    ),
    "a convolution": (lambda x: ff.irfft(ff.rfft(x) * ff.rfft(x[::-1]), 6), (X,)),
    "power spectrum": (lambda x: np.abs(ff.rfft(x)) ** 2, (X,)),
    "implicit": (lambda a, b: np.einsum("ij,jk", a, b) + np.einsum("kj,ji", b.T, a.T), (A, B)),
    "diagonals": (lambda m: np.einsum("ii->i", m) + np.einsum("ii", m), (M,)),
    "repeated with others": (lambda m, a: np.einsum("jj,ij->i", m, a), (M, A)),
    "ellipsis": (lambda c, v: np.einsum("...k,k", c, v) + np.einsum("i...k,k->i...", c, v), (C, V)),
    "ellipsis in both": (lambda c: np.einsum("...ij,...kj->...ik", c, c[0]), (C,)),
    "ellipsis summed": (lambda c: np.einsum("i...->...", c), (C,)),
    "spaces": (lambda a, b: np.einsum(" ij , jk -> ik ", a, b), (A, B)),
    "sublists": (
        lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [0, 2]) + np.einsum(a, [0, 1], b, [1, 2]),
        (A, B),
    ),
    "sublists with ellipsis": (lambda c, v: np.einsum(c, [..., 0], v, [0], [...]), (C, V)),
    **{f"many, optimize={how}": (
        lambda a, m, b, v, how=how: np.einsum("ij,jk,kl,l->i", a, m, b, v, optimize=how),
        (A, M, B, V))
       for how in (False, True, "greedy", "optimal")},
    "a path": (
        lambda a, m, b: np.einsum(
            "ij,jk,kl->il", a, m, b, optimize=["einsum_path", (1, 2), (0, 1)]), (A, M, B),
    ),
    "many, one letter summed late": (
        lambda a, b: np.einsum("ij,jk,jk,ij->k", a, b, b, a, optimize=True), (A, B),
    ),
}  # fmt: skip


def several(found: Any) -> tuple[Any, ...]:
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("name", CASES)
def test_traced_equals_plain(name: str) -> None:
    function, arguments = CASES[name]
    wanted = several(function(*arguments))
    found = several(wg.trace(function, *arguments)(*arguments))
    for got, want in zip(found, wanted, strict=True):
        assert (got.shape, got.dtype) == (np.shape(want), np.asarray(want).dtype)
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_derivatives_to_order_two(name: str) -> None:
    function, arguments = CASES[name]
    wg.check_gradients(function, *arguments, tolerance=1e-6)


@pytest.mark.parametrize(
    "name", ["fft2", "rfftn", "irfftn", "shifts", "a convolution", "diagonals", "a path"]
)
def test_compiled(name: str) -> None:
    function, arguments = CASES[name]

    def objective(*given: Any) -> Any:
        return sum(np.sum(np.abs(each) ** 2) for each in several(function(*given)))

    found = wg.compile(wg.grad(objective))(*arguments)
    np.testing.assert_allclose(found, wg.grad(objective)(*arguments), rtol=1e-11, atol=1e-12)


def test_out_takes_the_product() -> None:
    def filled(a: Any, b: Any) -> Any:
        out = np.zeros((3, 5))
        np.einsum("ij,jk->ik", a, b, out=out)
        return out * 2

    np.testing.assert_allclose(wg.trace(filled, A, B)(A, B), 2 * A @ B, rtol=1e-14)
    wg.check_gradients(filled, A, B)


def test_a_wider_dtype() -> None:
    def product(a: Any, b: Any) -> Any:
        return np.einsum("ij,jk", a, b, dtype="float64")

    singles = A.astype(np.float32), B.astype(np.float32)
    found = wg.trace(product, *singles)(*singles)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, product(*singles), rtol=1e-14)


def test_single_precision_stays_single() -> None:
    x = X.astype(np.float32)
    assert wg.trace(ff.rfft, x)(x).dtype == np.complex64
    assert wg.grad(lambda x: np.sum(np.abs(ff.fft(x))))(x).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: ff.fft(x, axis=2), "axis 2"),
        (lambda x: ff.rfft(x * 1j), "complex"),
        (lambda x: ff.fft(x, 0), "at least one"),
    ],
)
def test_what_does_not_fit_is_told(call: Callable[..., Any], said: str) -> None:
    with pytest.raises(wg.WengertError, match=said):
        wg.trace(call, X)
