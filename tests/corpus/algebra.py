"""Linear algebra written out, as in text books and benchmark collections."""

import numpy as np


def lu_loops(A):
    A = A.copy()
    n = A.shape[0]
    for i in range(n):
        for j in range(i):
            A[i, j] -= A[i, :j] @ A[:j, j]
            A[i, j] /= A[j, j]
        for j in range(i, n):
            A[i, j] -= A[i, :i] @ A[:i, j]
    return A


def lu_loops_arguments(rng):
    return (rng.standard_normal((8, 8)) + 8 * np.eye(8),)


def cholesky_loops(A):
    n = A.shape[0]
    L = np.zeros_like(A)
    for i in range(n):
        for j in range(i + 1):
            total = A[i, j] - np.dot(L[i, :j], L[j, :j])
            if i == j:
                L[i, j] = np.sqrt(total)
            else:
                L[i, j] = total / L[j, j]
    return L


def cholesky_loops_arguments(rng):
    B = rng.standard_normal((8, 8))
    return (B @ B.T + 8 * np.eye(8),)


def gauss_elimination(A, b):
    A, b = A.copy(), b.copy()
    n = len(b)
    for k in range(n - 1):
        factor = A[k + 1 :, k] / A[k, k]
        A[k + 1 :, k:] -= factor[:, None] * A[k, k:]
        b[k + 1 :] -= factor * b[k]
    x = np.zeros(n)
    for k in range(n - 1, -1, -1):
        x[k] = (b[k] - np.dot(A[k, k + 1 :], x[k + 1 :])) / A[k, k]
    return x


def gauss_elimination_arguments(rng):
    return rng.standard_normal((12, 12)) + 12 * np.eye(12), rng.standard_normal(12)


def gram_schmidt(A):
    n = A.shape[1]
    Q, R = np.zeros_like(A), np.zeros((n, n))
    A = A.copy()
    for k in range(n):
        R[k, k] = np.sqrt(np.dot(A[:, k], A[:, k]))
        Q[:, k] = A[:, k] / R[k, k]
        for j in range(k + 1, n):
            R[k, j] = np.dot(Q[:, k], A[:, j])
            A[:, j] -= Q[:, k] * R[k, j]
    return Q, R


def gram_schmidt_arguments(rng):
    return (rng.standard_normal((10, 6)),)


def householder_qr(A):
    R, (m, n) = A.copy(), A.shape
    Q = np.eye(m)
    for k in range(n):
        v = R[k:, k].copy()
        v[0] += np.copysign(np.linalg.norm(v), v[0])
        v /= np.linalg.norm(v)
        R[k:, k:] -= 2.0 * np.outer(v, v @ R[k:, k:])
        Q[:, k:] -= 2.0 * np.outer(Q[:, k:] @ v, v)
    return Q, R


def householder_qr_arguments(rng):
    return (rng.standard_normal((7, 5)),)


def power_iteration(A):
    v = np.ones(A.shape[0])
    for _ in range(40):
        v = A @ v
        v = v / np.linalg.norm(v)
    return v @ A @ v


def power_iteration_arguments(rng):
    B = rng.standard_normal((15, 15))
    return (B @ B.T,)


def conjugate_gradient(A, b):
    x = np.zeros_like(b)
    r = b - A @ x
    p = r
    rs = r @ r
    for _ in range(len(b) // 2):
        Ap = A @ p
        alpha = rs / (p @ Ap)
        x = x + alpha * p
        r = r - alpha * Ap
        new = r @ r
        p = r + (new / rs) * p
        rs = new
    return x


def conjugate_gradient_arguments(rng):
    B = rng.standard_normal((20, 20))
    return B @ B.T + 20 * np.eye(20), rng.standard_normal(20)


def jacobi_iteration(A, b):
    D = np.diag(A)
    R = A - np.diagflat(D)
    x = np.zeros_like(b)
    for _ in range(25):
        x = (b - np.dot(R, x)) / D
    return x


def jacobi_iteration_arguments(rng):
    return rng.standard_normal((15, 15)) + 30 * np.eye(15), rng.standard_normal(15)


def thomas_tridiagonal(lower, diagonal, upper, rhs):
    n = len(diagonal)
    c, d = upper.copy(), rhs.copy()
    c[0] /= diagonal[0]
    d[0] /= diagonal[0]
    for i in range(1, n):
        m = diagonal[i] - lower[i - 1] * c[i - 1]
        if i < n - 1:
            c[i] /= m
        d[i] = (d[i] - lower[i - 1] * d[i - 1]) / m
    for i in reversed(range(n - 1)):
        d[i] -= c[i] * d[i + 1]
    return d


def thomas_tridiagonal_arguments(rng):
    return rng.random(19), 3 + rng.random(20), rng.random(19), rng.standard_normal(20)


def matrix_exponential(A):
    """Scaling and squaring with a Taylor polynomial."""
    A = A / 2**5
    term = total = np.eye(len(A))
    for k in range(1, 12):
        term = term @ A / k
        total = total + term
    for _ in range(5):
        total = total @ total
    return total


def matrix_exponential_arguments(rng):
    return (rng.standard_normal((8, 8)),)


def durbin(r):
    n = len(r)
    y = np.zeros_like(r)
    alpha, beta = -r[0], 1.0
    y[0] = -r[0]
    for k in range(1, n):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return y


def durbin_arguments(rng):
    return (0.1 * rng.random(15),)


def floyd_warshall(path):
    path = path.copy()
    for k in range(path.shape[0]):
        path[:] = np.minimum(path, np.add.outer(path[:, k], path[k, :]))
    return path


def floyd_warshall_arguments(rng):
    return (rng.random((16, 16)),)


def correlation(data):
    mean = np.mean(data, axis=0)
    stddev = np.std(data, axis=0)
    stddev[stddev <= 0.1] = 1.0
    data = (data - mean) / (np.sqrt(float(data.shape[0])) * stddev)
    corr = np.eye(data.shape[1])
    for i in range(data.shape[1] - 1):
        corr[i, i + 1 :] = data[:, i] @ data[:, i + 1 :]
        corr[i + 1 :, i] = corr[i, i + 1 :]
    return corr


def correlation_arguments(rng):
    return (rng.standard_normal((30, 8)),)


def symmetric_rank_update(C, A, B):
    C = C.copy()
    for i in range(A.shape[0]):
        C[i, : i + 1] *= 0.5
        for k in range(A.shape[1]):
            C[i, : i + 1] += A[: i + 1, k] * B[i, k] + B[: i + 1, k] * A[i, k]
    return C


def symmetric_rank_update_arguments(rng):
    return rng.standard_normal((7, 7)), rng.standard_normal((7, 4)), rng.standard_normal((7, 4))


def multigrid(rhs):
    """One V-cycle for −u″ = f, with full weighting and linear interpolation."""

    def smooth(u, f, h):
        for _ in range(3):
            u = u.copy()
            u[1:-1] = u[1:-1] + 0.66 * 0.5 * (u[2:] + u[:-2] - 2 * u[1:-1] + h * h * f[1:-1])
        return u

    def cycle(u, f, h):
        u = smooth(u, f, h)
        if len(u) <= 3:
            return u
        r = np.zeros_like(u)
        r[1:-1] = f[1:-1] - (2 * u[1:-1] - u[2:] - u[:-2]) / h**2
        coarse = np.concatenate([r[:1], 0.25 * (r[1:-2:2] + 2 * r[2:-1:2] + r[3::2]), r[-1:]])
        e = cycle(np.zeros_like(coarse), coarse, 2 * h)
        fine = np.zeros_like(u)
        fine[::2] = e
        fine[1::2] = 0.5 * (e[1:] + e[:-1])
        return smooth(u + fine, f, h)

    return cycle(np.zeros_like(rhs), rhs, 1 / (len(rhs) - 1))


def multigrid_arguments(rng):
    return (rng.standard_normal(33),)
