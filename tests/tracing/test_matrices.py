"""np.linalg on traced matrices: NumPy's own values, types, derivatives to order 2, compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wengert as wg
from wengert.base.errors import LinearAlgebraError

la = np.linalg
RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 3)) + 3 * np.diag([1.0, 2.0, 3.0])
S = A @ A.T
T = np.stack([A, A.T + np.eye(3)])
B = RNG.normal(size=(3, 2))
V = RNG.normal(size=3)
W = RNG.normal(size=(4, 3))
Z = A + 0.4j * RNG.normal(size=(3, 3))
H = Z @ Z.conj().T


def _polar(a: Any) -> Any:
    u, _, v = la.svd(a)
    return u @ v


CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "inv": (lambda a: la.inv(a), (A,)),
    "inv of a stack": (lambda a: la.inv(a), (T,)),
    "inv, complex": (lambda a: la.inv(a), (Z,)),
    "solve vector": (lambda a, b: la.solve(a, b), (A, V)),
    "solve matrix": (lambda a, b: la.solve(a, b), (A, B)),
    "solve stacks": (lambda a, b: la.solve(a, b), (T, B)),
    "solve one for many": (lambda a, b: la.solve(a, np.stack([b, 2 * b])), (A, B)),
    "solve real with complex": (lambda a, b: la.solve(a, b), (Z, B)),
    "det": (lambda a: la.det(a), (A,)),
    "det of a stack": (lambda a: la.det(a) * 2, (T,)),
    "det, complex": (lambda a: la.det(a), (Z,)),
    "slogdet": (lambda a: la.slogdet(a).logabsdet, (A,)),
    "slogdet, complex": (lambda a: la.slogdet(a)[0] * la.slogdet(a)[1], (Z,)),
    "cholesky": (lambda a: la.cholesky(a), (S,)),
    "cholesky, upper": (lambda a: la.cholesky(a, upper=True), (S,)),
    "cholesky, complex": (lambda a: la.cholesky(a), (H,)),
    "qr": (lambda a: tuple(la.qr(a)), (W,)),
    "qr of a square": (lambda a: la.qr(a).Q * 2, (A,)),
    "qr, wide": (lambda a: tuple(la.qr(a.T)), (W,)),
    "qr, r": (lambda a: la.qr(a, mode="r"), (W,)),
    "qr, complete, R": (lambda a: la.qr(a, mode="complete")[1], (W,)),
    "qr, complex": (lambda a: tuple(la.qr(a)), (Z,)),
    "svd": (lambda a: tuple(la.svd(a, full_matrices=False)), (W,)),
    "svd, wide": (lambda a: tuple(la.svd(a.T, full_matrices=False)), (W,)),
    "svd, first of all vectors": (lambda a: la.svd(a)[0][:, :2], (W,)),
    "svd values": (lambda a: la.svd(a, compute_uv=False), (W,)),
    "svdvals": (lambda a: la.svdvals(a), (T,)),
    "svd, complex": (lambda a: np.abs(la.svd(a)[0]) * la.svd(a)[1], (Z,)),
    "svd, complex, right": (lambda a: np.abs(la.svd(a)[2]) ** 2 * la.svd(a)[1], (Z,)),
    "svd, complex, both": (lambda a: _polar(a), (Z,)),
    "svd, complex, wide": (
        lambda a: (np.abs(la.svd(a[:2], full_matrices=False)[2]), la.svd(a[:2])[1]), (Z,),
    ),
    "eigh": (lambda a: tuple(la.eigh(a)), (S,)),
    "eigh, upper": (lambda a: la.eigh(a, UPLO="U").eigenvectors ** 2, (S,)),
    "eigh, complex": (lambda a: (la.eigh(a)[0], np.abs(la.eigh(a)[1]) ** 2), (H,)),
    "eigvalsh": (lambda a: la.eigvalsh(a), (S,)),
    "eigvals": (lambda a: la.eigvals(a), (Z,)),
    "eig": (lambda a: tuple(la.eig(a)), (Z,)),
    "pinv": (lambda a: la.pinv(a), (W,)),
    "pinv, wide": (lambda a: la.pinv(a.T), (W,)),
    "lstsq": (lambda a, b: la.lstsq(a, b, rcond=None)[0], (W, W[:, :2] * 2 + 1)),
    "lstsq residuals": (lambda a, b: la.lstsq(a, b, rcond=None)[1], (W, W[:, :2] * 2 + 1)),
    "matrix_power": (lambda a: la.matrix_power(a, 5) + la.matrix_power(a, 0), (A / 3,)),
    "matrix_power, negative": (lambda a: la.matrix_power(a, -2), (A,)),
    "multi_dot": (lambda w, a, b, v: la.multi_dot([w, a, b, v[:2]]), (W, A, B, V)),
    "tensorsolve": (lambda a, b: la.tensorsolve(a.reshape(2, 3, 2, 3), b), (
        RNG.normal(size=(6, 6)) + 4 * np.eye(6), B.T)),
    "tensorinv": (lambda a: la.tensorinv(a.reshape(2, 3, 3, 2), ind=2), (
        RNG.normal(size=(6, 6)) + 4 * np.eye(6),)),
    "cross": (lambda a, v: np.cross(a, v) + la.cross(a, v), (A, V)),
    "diagonal": (lambda a: (np.diagonal(a, 1), la.diagonal(a, offset=-1), a.diagonal()), (A,)),
    "diagonal of a stack": (lambda a: np.diagonal(a, 0, 1, 2) + la.diagonal(a), (T,)),
    "trace": (lambda a: np.trace(a) + la.trace(a, offset=1) + a.trace(1), (A,)),
    "trace of a stack": (lambda a: la.trace(a) + np.trace(a, axis1=1, axis2=2), (T,)),
    "outer, vecdot, matmul": (
        lambda a, v: la.outer(v, v) @ la.matmul(a, v) + la.vecdot(a, v), (A, V),
    ),
    "matrix_transpose, tensordot": (
        lambda a: la.matrix_transpose(a) @ la.tensordot(a, a, axes=1), (A,),
    ),
    "cond": (lambda a: la.cond(a) + la.cond(a, "fro") + la.cond(a, 1), (A,)),
    "rank": (lambda a: la.matrix_rank(a) * np.sum(a) + la.matrix_rank(a[:, :1]), (A,)),
    **{f"norm of a vector, {p}": (lambda v, p=p: la.norm(v, p), (V,))
       for p in (None, 1, 2, 3, 2.5, 0, np.inf, -np.inf, -1)},
    **{f"norm of a matrix, {p}": (lambda a, p=p: la.norm(a, p) + la.norm(a, p, keepdims=True), (A,))
       for p in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)},
    **{f"norms along axes, {p}": (lambda a, p=p: la.norm(a, p, axis=(2, 0), keepdims=True), (T,))
       for p in (None, "nuc", 1, -np.inf, 2)},
    "norms along an axis": (lambda a: la.norm(a, axis=1) + la.norm(a, 3, axis=-1), (T,)),
    "norm of integers": (lambda a, v: la.norm(np.array([3, 4])) * la.norm(v), (A, V)),
    "norm, complex": (lambda z: la.norm(z) + la.norm(z, 1) + la.norm(z[0], 3), (Z,)),
    "matrix_norm, vector_norm": (
        lambda a: la.matrix_norm(a) + la.vector_norm(a) + la.vector_norm(a, axis=(0, 1), ord=3),
        (A,),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_traced_equals_plain(name: str) -> None:
    function, arguments = CASES[name]
    wanted = function(*arguments)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    found = wg.trace(function, *arguments)(*arguments)
    compiled = wg.compile(function)(*arguments)
    for results in (found, compiled):
        results = results if isinstance(results, tuple) else (results,)
        for got, want in zip(results, wanted, strict=True):
            want = np.asarray(want)
            assert (got.shape, got.dtype) == (want.shape, want.dtype)
            np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_derivatives_to_order_two(name: str) -> None:
    function, arguments = CASES[name]
    order = 1 if name in ("norm of a matrix, 2", "norm of a matrix, -2") else 2
    wg.check_gradients(function, *arguments, order=order, tolerance=1e-5)


@pytest.mark.parametrize("name", ["inv", "solve matrix", "cholesky", "eigh", "svd", "qr", "det"])
def test_single_precision(name: str) -> None:
    function, arguments = CASES[name]
    singles = [each.astype(np.float32) for each in arguments]
    wanted = function(*singles)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    found = wg.compile(function)(*singles)
    for got, want in zip(found if isinstance(found, tuple) else (found,), wanted, strict=True):
        assert got.dtype == np.asarray(want).dtype == np.float32
        np.testing.assert_array_equal(got, want)


# -- Where derivatives end -------------------------------------------------------------------------


def gradient(f: Callable[..., Any], a: Any) -> Any:
    return wg.grad(lambda a: np.sum(f(a)))(a)


def both(f: Callable[..., Any], a: Any) -> list[Callable[[], Any]]:
    run = wg.grad(lambda a: np.sum(f(a)))
    return [lambda: run(a), lambda: wg.compile(run)(a)]


@pytest.mark.parametrize(
    "function",
    [
        lambda a: la.eigh(a)[1] * A,
        lambda a: la.svd(a)[0] * A,
        lambda a: la.eigh(a)[1] @ np.diag([1.0, 2.0, 3.0]) @ la.eigh(a)[1].T,
    ],
)
def test_vectors_of_repeated_values_are_refused(function: Callable[..., Any]) -> None:
    for run in both(function, 2 * np.eye(3)):
        with pytest.raises(LinearAlgebraError, match="differ from one another"):
            run()


def test_repeated_values_alone_have_a_derivative() -> None:
    # Of a repeated value each ordering is a derivative; their sum is the only one there is.
    for f in (la.eigvalsh, la.svdvals, lambda a: la.norm(a, "nuc"), lambda a: la.eigh(a)[0]):
        np.testing.assert_allclose(gradient(f, 2 * np.eye(3)), np.eye(3), atol=1e-14)


def test_vectors_that_the_objective_does_not_read_do_not_matter() -> None:
    # Eigenvalues 3, 1, 1: the vector of 3 is smooth, and the plane of the others is not read.
    a = np.diag([1.0, 3.0, 1.0])
    for run in both(lambda a: la.eigh(a)[1][0, 2:] ** 2 + la.eigh(a)[1][1, 2:] ** 4, a):
        np.testing.assert_allclose(run(), np.zeros((3, 3)), atol=1e-14)


def test_a_singular_matrix_is_told() -> None:
    for f in (la.inv, lambda a: la.solve(a, np.ones(3)), lambda a: la.slogdet(a)[1]):
        for run in both(f, np.ones((3, 3))):
            with pytest.raises(la.LinAlgError, match="no inverse") as told:
                run()
            assert "a: float64 (3, 3)" in str(told.value)
            assert "test_matrices.py" in str(told.value)


def test_a_matrix_that_is_not_positive_definite_is_told() -> None:
    for run in both(la.cholesky, -np.eye(3)):
        with pytest.raises(la.LinAlgError, match="not positive definite"):
            run()


def test_the_determinant_of_a_singular_matrix_has_a_gradient() -> None:
    a = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]])
    wanted = np.array([[4.0, 4.0, -4.0], [-2.0, -2.0, 2.0], [0.0, 0.0, 0.0]])
    for run in both(la.det, a):
        np.testing.assert_allclose(run(), wanted, atol=1e-13)


def test_vectors_beside_the_range_are_refused() -> None:
    for run in both(lambda a: la.svd(a)[0][:, 3:] ** 3, W):
        with pytest.raises(LinearAlgebraError, match="beside the range"):
            run()
    with pytest.raises(LinearAlgebraError, match="beside the range"):
        gradient(lambda a: la.qr(a, mode="complete")[0] ** 3, W)


def test_the_phase_of_complex_vectors_is_refused() -> None:
    def phase(z: Any) -> Any:
        return np.real(la.eigh(z)[1][0] * (1 + 2j))

    with pytest.raises(LinearAlgebraError, match="phases"):
        gradient(phase, H)
    with pytest.raises(LinearAlgebraError, match="phases"):
        gradient(lambda z: np.real(la.svd(z)[0][0] * (1 + 2j)), Z)


def test_the_norm_at_zero_has_the_gradient_zero() -> None:
    for f in (la.norm, lambda a: la.norm(a, axis=0), lambda a: la.norm(a, 2, axis=1)):
        for run in both(f, np.zeros((2, 3))):
            np.testing.assert_array_equal(run(), np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda a: la.inv(a[:2]), "2 rows and 3 columns"),
        (lambda a: la.cholesky(a[0]), "at least two axes"),
        (lambda a: la.solve(a, np.ones(4)), "3 rows on the right"),
        (lambda a: la.eigh(a.astype(np.float16)), "float16"),
        (lambda a: la.qr(a, mode="raw"), "raw"),
        (lambda a: la.svd(a, hermitian=True), "hermitian"),
    ],
)
def test_what_does_not_fit_is_told(call: Callable[..., Any], said: str) -> None:
    with pytest.raises(wg.WengertError, match=said):
        wg.trace(call, A)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10**6), st.booleans())
def test_random_matrices(m: int, n: int, seed: int, stacked: bool) -> None:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(2, m, n) if stacked else (m, n))

    def objective(a: Any) -> Any:
        u, s, v = la.svd(a, full_matrices=False)
        q, r = la.qr(a)
        return (np.sum(u**2 * s[..., None, :]) + np.sum(v**3) * np.sum(np.log(s))
                + np.sum(np.abs(q) * 0.5) + la.norm(r) + np.sum(la.pinv(a) ** 2))  # fmt: skip

    # A right gradient, or a refusal; never a wrong one.
    try:
        wg.check_gradients(objective, a, order=1, tolerance=1e-4)
    except LinearAlgebraError:
        pass
