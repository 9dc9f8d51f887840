"""Partial differential equations and images on grids, in the style of array programs."""

import numpy as np


def heat_1d(u, alpha):
    out = np.empty((40, u.size))
    out[0] = u
    for t in range(1, 40):
        out[t] = out[t - 1]
        out[t, 1:-1] += alpha * (out[t - 1, 2:] - 2 * out[t - 1, 1:-1] + out[t - 1, :-2])
    return out


def heat_1d_arguments(rng):
    return rng.standard_normal(50), 0.2


def jacobi_2d(A, B):
    A, B = A.copy(), B.copy()
    for _ in range(10):
        B[1:-1, 1:-1] = 0.2 * (
            A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1]
        )
        A[1:-1, 1:-1] = 0.2 * (
            B[1:-1, 1:-1] + B[1:-1, :-2] + B[1:-1, 2:] + B[2:, 1:-1] + B[:-2, 1:-1]
        )
    return A


def jacobi_2d_arguments(rng):
    return rng.standard_normal((30, 30)), rng.standard_normal((30, 30))


def seidel_2d(A):
    A = A.copy()
    n = A.shape[0]
    for _ in range(3):
        for i in range(1, n - 1):
            A[i, 1:-1] += (
                A[i - 1, :-2] + A[i - 1, 1:-1] + A[i - 1, 2:] + A[i, 2:]
                + A[i + 1, :-2] + A[i + 1, 1:-1] + A[i + 1, 2:]
            )  # fmt: skip
            for j in range(1, n - 1):
                A[i, j] += A[i, j - 1]
                A[i, j] /= 9.0
    return A


def seidel_2d_arguments(rng):
    return (rng.standard_normal((9, 9)),)


def fdtd_2d(ex, ey, hz, source):
    ex, ey, hz = ex.copy(), ey.copy(), hz.copy()
    for t in range(8):
        ey[0, :] = source[t]
        ey[1:, :] -= 0.5 * (hz[1:, :] - hz[:-1, :])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])
    return hz


def fdtd_2d_arguments(rng):
    return (*(rng.standard_normal((20, 24)) for _ in range(3)), rng.standard_normal(8))


def wave_1d(u0, speed):
    n = u0.size
    before, now = u0.copy(), u0.copy()
    record = np.zeros((30, n))
    for t in range(30):
        after = np.zeros(n)
        after[1:-1] = 2 * now[1:-1] - before[1:-1] + speed**2 * np.diff(now, 2)
        before, now = now, after
        record[t, :] = now
    return record


def wave_1d_arguments(rng):
    x = np.linspace(0, 1, 60)
    return np.exp(-100 * (x - 0.4) ** 2) + 0.01 * rng.standard_normal(60), 0.5


def advection_upwind(q, u):
    c = np.where(u > 0, u, 0.0), np.where(u < 0, u, 0.0)
    for _ in range(20):
        q = q - 0.3 * (c[0] * (q - np.roll(q, 1)) + c[1] * (np.roll(q, -1) - q))
    return q


def advection_upwind_arguments(rng):
    return rng.standard_normal(80), rng.standard_normal(80)


def burgers_lax_friedrichs(u):
    for _ in range(15):
        flux = 0.5 * u**2
        inner = 0.5 * (u[2:] + u[:-2]) - 0.05 * (flux[2:] - flux[:-2])
        u = np.concatenate([u[:1], inner, u[-1:]])
    return u


def burgers_lax_friedrichs_arguments(rng):
    return (np.sin(np.linspace(0, 6, 70)) + 0.1 * rng.standard_normal(70),)


def gray_scott(u, v, feed, kill):
    def laplacian(a):
        total = -4.0 * a
        for axis in (0, 1):
            for shift in (-1, 1):
                total += np.roll(a, shift, axis=axis)
        return total

    for _ in range(8):
        reaction = u * v * v
        u = u + 0.16 * laplacian(u) - reaction + feed * (1 - u)
        v = v + 0.08 * laplacian(v) + reaction - (feed + kill) * v
    return u, v


def gray_scott_arguments(rng):
    return 1 - 0.1 * rng.random((24, 24)), 0.3 * rng.random((24, 24)), 0.035, 0.06


def poisson_red_black(b):
    p = np.zeros_like(b)
    for _ in range(6):
        for parity in (0, 1):
            for row in range(1, b.shape[0] - 1):
                s = 1 + (row + parity) % 2
                p[row, s:-1:2] = 0.25 * (
                    p[row - 1, s:-1:2] + p[row + 1, s:-1:2] + p[row, s - 1:-2:2]
                    + p[row, s + 1::2][: p[row, s:-1:2].size] - b[row, s:-1:2]
                )  # fmt: skip
    return p


def poisson_red_black_arguments(rng):
    return (rng.standard_normal((10, 12)),)


def hdiff(field, coefficient):
    laplacian = 4.0 * field[1:-1, 1:-1] - (
        field[2:, 1:-1] + field[:-2, 1:-1] + field[1:-1, 2:] + field[1:-1, :-2]
    )
    flx = laplacian[1:, 1:-1] - laplacian[:-1, 1:-1]
    flx = np.where(flx * (field[2:-1, 2:-2] - field[1:-2, 2:-2]) > 0, 0, flx)
    fly = laplacian[1:-1, 1:] - laplacian[1:-1, :-1]
    fly = np.where(fly * (field[2:-2, 2:-1] - field[2:-2, 1:-2]) > 0, 0, fly)
    return field[2:-2, 2:-2] - coefficient * (flx[1:] - flx[:-1] + fly[:, 1:] - fly[:, :-1])


def hdiff_arguments(rng):
    return rng.standard_normal((20, 22)), rng.random((16, 18))


def vertical_advection(u, w):
    """Thomas' algorithm along the last axis of a column model."""
    n = u.shape[-1]
    c, d = np.zeros_like(u), np.zeros_like(u)
    b = 1 + 0.5 * (w[..., 1:] - w[..., :-1]) + 2.0
    c[..., 0] = 0.3 * w[..., 1] / b[..., 0]
    d[..., 0] = u[..., 0] / b[..., 0]
    for k in range(1, n):
        a = 0.2 * w[..., k]
        m = 1.0 / (b[..., k] - a * c[..., k - 1])
        c[..., k] = 0.3 * w[..., k + 1] * m
        d[..., k] = (u[..., k] - a * d[..., k - 1]) * m
    x = np.empty_like(u)
    x[..., -1] = d[..., -1]
    for k in range(n - 2, -1, -1):
        x[..., k] = d[..., k] - c[..., k] * x[..., k + 1]
    return x


def vertical_advection_arguments(rng):
    return rng.standard_normal((6, 5, 12)), rng.random((6, 5, 13))


def box_blur_loops(image):
    h, w = image.shape
    out = np.zeros((h - 2, w - 2))
    for i in range(h - 2):
        for j in range(w - 2):
            out[i, j] = np.mean(image[i : i + 3, j : j + 3])
    return out


def box_blur_loops_arguments(rng):
    return (rng.standard_normal((12, 13)),)


def sobel_edges(image):
    padded = np.pad(image, 1, mode="edge")
    gx = (padded[:-2, 2:] + 2 * padded[1:-1, 2:] + padded[2:, 2:]
          - padded[:-2, :-2] - 2 * padded[1:-1, :-2] - padded[2:, :-2])  # fmt: skip
    gy = (padded[2:, :-2] + 2 * padded[2:, 1:-1] + padded[2:, 2:]
          - padded[:-2, :-2] - 2 * padded[:-2, 1:-1] - padded[:-2, 2:])  # fmt: skip
    return np.hypot(gx, gy)


def sobel_edges_arguments(rng):
    return (rng.standard_normal((20, 21)),)


def game_of_life(board):
    for _ in range(5):
        count = sum(
            np.roll(np.roll(board, i, 0), j, 1)
            for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)
        )  # fmt: skip
        board = ((count == 3) | ((board == 1) & (count == 2))).astype(board.dtype)
    return board


def game_of_life_arguments(rng):
    return (rng.integers(0, 2, (16, 16)),)
