"""Programs as scientists write them: buffers, loops, item assignment, arguments written into."""

from __future__ import annotations

from typing import Any

import numpy as np


def heat(u: Any) -> Any:
    for _ in range(4):
        new = np.empty_like(u)
        new[0], new[-1] = u[0], u[-1]
        new[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u = new
    return u


def jacobi(A: Any, B: Any) -> None:
    for _ in range(2):
        B[1:-1, 1:-1] = 0.2 * (
            A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1]
        )
        A[1:-1, 1:-1] = 0.2 * (
            B[1:-1, 1:-1] + B[1:-1, :-2] + B[1:-1, 2:] + B[2:, 1:-1] + B[:-2, 1:-1]
        )


def gauss_seidel(A: Any) -> None:
    n = A.shape[0]
    for _ in range(2):
        for i in range(1, n - 1):
            A[i, 1:-1] += A[i - 1, :-2] + A[i - 1, 1:-1] + A[i - 1, 2:] + A[i, 2:] + A[i + 1, :-2]
            for j in range(1, n - 1):
                A[i, j] += A[i, j - 1]
                A[i, j] /= 9.0


def lu(M: Any) -> Any:
    A = M.copy()
    n = A.shape[0]
    for i in range(n):
        for j in range(i):
            A[i, j] -= A[i, :j] @ A[:j, j]
            A[i, j] /= A[j, j]
        for j in range(i, n):
            A[i, j] -= A[i, :i] @ A[:i, j]
    return A


def cholesky(M: Any) -> Any:
    A = M @ M.T + 4 * np.eye(M.shape[0])
    n = A.shape[0]
    A[0, 0] = np.sqrt(A[0, 0])
    for i in range(1, n):
        for j in range(i):
            A[i, j] -= np.dot(A[i, :j], A[j, :j])
            A[i, j] /= A[j, j]
        A[i, i] -= np.dot(A[i, :i], A[i, :i])
        A[i, i] = np.sqrt(A[i, i])
    return np.tril(np.ones((n, n))) * A


def floyd_warshall(paths: Any) -> None:
    for k in range(paths.shape[0]):
        paths[:] = np.minimum(paths[:], np.add.outer(paths[:, k], paths[k, :]))


def n_body(positions: Any, masses: Any) -> Any:
    n = len(masses)
    forces = np.zeros((n, 3))
    for i in range(n):
        for j in range(n):
            if i != j:
                d = positions[j] - positions[i]
                forces[i] += masses[i] * masses[j] * d / (np.sum(d**2) + 0.1) ** 1.5
    velocities = np.zeros_like(positions)
    velocities += 0.01 * forces / masses[:, None]
    return positions + 0.01 * velocities, forces


def advection(q_init: Any) -> Any:
    q = q_init.copy()
    n = len(q)
    flux = np.empty(n - 1)
    for _ in range(3):
        for i in range(n - 1):
            flux[i] = (np.exp(1.0) - 1.0) * q[i] * q[i + 1] / (0.5 * q[i] + 2.0 * q[i + 1])
        for i in range(1, n - 1):
            q[i] += flux[i - 1] - flux[i]
        q[0] = q[n - 2]
        q[n - 1] = q[1]
    return q


def conv2d(image: Any, weights: Any) -> Any:
    k = weights.shape[0]
    h, w = image.shape[1] - k + 1, image.shape[2] - k + 1
    output = np.empty((image.shape[0], h, w, weights.shape[3]))
    for i in range(h):
        for j in range(w):
            output[:, i, j, :] = np.sum(
                image[:, i : i + k, j : j + k, :, np.newaxis] * weights[np.newaxis, :, :, :],
                axis=(1, 2, 3),
            )
    return output


def durbin(r: Any) -> Any:
    y = np.empty_like(r)
    alpha, beta = -r[0], 1.0
    y[0] = -r[0]
    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return y


def gram_schmidt(A: Any) -> Any:
    Q, R = np.zeros_like(A), np.zeros((A.shape[1], A.shape[1]), dtype=A.dtype)
    A = A.copy()
    for k in range(A.shape[1]):
        R[k, k] = np.sqrt(np.dot(A[:, k], A[:, k]))
        Q[:, k] = A[:, k] / R[k, k]
        for j in range(k + 1, A.shape[1]):
            R[k, j] = np.dot(Q[:, k], A[:, j])
            A[:, j] -= Q[:, k] * R[k, j]
    return Q, R


def relu_in_place(x: Any) -> Any:
    y = x * 2
    y[y < 0] = 0
    y[np.array([True, False, True]), 0] += 1
    np.add.at(y, [0, 0, 1], x[0])
    return y


def covariance(data: Any) -> Any:
    mean = np.mean(data, axis=0)
    data -= mean
    cov = np.zeros((data.shape[1], data.shape[1]), dtype=data.dtype)
    for i in range(data.shape[1]):
        cov[i:, i] = cov[i, i:] = data[:, i] @ data[:, i:] / (data.shape[0] - 1.0)
    return cov


def adi(u: Any) -> None:
    n = u.shape[0]
    v, p, q = np.empty_like(u), np.empty_like(u), np.empty_like(u)
    for _ in range(2):
        v[0, 1:-1] = 1.0
        p[1:-1, 0] = 0.0
        q[1:-1, 0] = v[0, 1:-1]
        for j in range(1, n - 1):
            p[1:-1, j] = -0.5 / (0.5 * p[1:-1, j - 1] + 2.0)
            q[1:-1, j] = (u[j, :-2] + 2 * u[j, 1:-1] + u[j, 2:] - 0.5 * q[1:-1, j - 1]) / (
                0.5 * p[1:-1, j - 1] + 2.0
            )
        v[-1, 1:-1] = 1.0
        for j in range(n - 2, -1, -1):
            v[j, 1:-1] = p[1:-1, j] * v[j + 1, 1:-1] + q[1:-1, j]
        u[1:-1, 1:-1] += 0.1 * v[1:-1, 1:-1]


def trisolv(L: Any, b: Any) -> Any:
    x = np.zeros_like(b)
    for i in range(len(b)):
        x[i] = (b[i] - L[i, :i] @ x[:i]) / (L[i, i] + 3)
    return x


_rng = np.random.default_rng(3)


def _draw(*shape: int) -> Any:
    return _rng.uniform(0.5, 1.5, shape)


PROGRAMS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "heat": (heat, (_draw(7),)),
    "jacobi": (jacobi, (_draw(5, 6), _draw(5, 6))),
    "gauss_seidel": (gauss_seidel, (_draw(5, 5),)),
    "lu": (lu, (_draw(4, 4) + 4 * np.eye(4),)),
    "cholesky": (cholesky, (_draw(4, 4),)),
    "floyd_warshall": (floyd_warshall, (_draw(5, 5),)),
    "n_body": (n_body, (_draw(3, 3), _draw(3))),
    "advection": (advection, (_draw(6),)),
    "conv2d": (conv2d, (_draw(2, 5, 4, 2), _draw(3, 3, 2, 3))),
    "durbin": (durbin, (_draw(5) / 9,)),
    "gram_schmidt": (gram_schmidt, (_draw(4, 3),)),
    "relu_in_place": (relu_in_place, (_rng.normal(size=(3, 4)),)),
    "covariance": (covariance, (_draw(5, 3),)),
    "adi": (adi, (_draw(5, 5),)),
    "trisolv": (trisolv, (_draw(5, 5), _draw(5))),
}
