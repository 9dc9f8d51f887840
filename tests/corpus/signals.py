"""Signals, sequences, geometry and pictures."""

import numpy as np


def fft_low_pass(x):
    spectrum = np.fft.rfft(x)
    frequency = np.fft.rfftfreq(len(x))
    return np.fft.irfft(spectrum * np.exp(-((frequency / 0.1) ** 2)), n=len(x))


def fft_low_pass_arguments(rng):
    return (rng.standard_normal(64),)


def power_spectrum(x):
    frames = np.lib.stride_tricks.sliding_window_view(x, 16)[::8]
    spectrum = np.fft.rfft(frames * np.hanning(16), axis=-1)
    return np.log10(np.abs(spectrum) ** 2 + 1e-6)


def power_spectrum_arguments(rng):
    return (rng.standard_normal(80),)


def spectral_derivative(u):
    k = 2j * np.pi * np.fft.fftfreq(u.size, 1.0 / u.size)
    return np.real(np.fft.ifft(k * np.fft.fft(u)))


def spectral_derivative_arguments(rng):
    return (np.sin(np.linspace(0, 2 * np.pi, 32, endpoint=False)) + 0.1 * rng.standard_normal(32),)


def schroedinger_split_step(psi_real, psi_imag, potential):
    psi = psi_real + 1j * psi_imag
    k = 2 * np.pi * np.fft.fftfreq(len(psi), 0.1)
    for _ in range(4):
        psi = psi * np.exp(-0.5j * 0.01 * potential)
        psi = np.fft.ifft(np.exp(-0.5j * 0.01 * k**2) * np.fft.fft(psi))
        psi = psi * np.exp(-0.5j * 0.01 * potential)
    return np.abs(psi) ** 2


def schroedinger_split_step_arguments(rng):
    x = np.linspace(-2, 2, 32)
    return np.exp(-(x**2)), 0.1 * rng.standard_normal(32), 5 * x**2


def fir_filter(x, taps):
    return np.convolve(x, taps, mode="same")


def fir_filter_arguments(rng):
    return rng.standard_normal(50), rng.standard_normal(7)


def biquad(x, b, a):
    y = np.zeros_like(x)
    for n in range(len(x)):
        y[n] = b[0] * x[n]
        if n >= 1:
            y[n] += b[1] * x[n - 1] - a[0] * y[n - 1]
        if n >= 2:
            y[n] += b[2] * x[n - 2] - a[1] * y[n - 2]
    return y


def biquad_arguments(rng):
    return rng.standard_normal(30), np.array([0.2, 0.4, 0.2]), np.array([-0.5, 0.2])


def discrete_fourier_matrix(x):
    n = np.arange(len(x))
    angle = 2 * np.pi * np.outer(n, n) / len(x)
    return np.sqrt((np.cos(angle) @ x) ** 2 + (np.sin(angle) @ x) ** 2)


def discrete_fourier_matrix_arguments(rng):
    return (rng.standard_normal(20),)


def haar_wavelet(x):
    x = x.copy()
    n = len(x)
    while n > 1:
        half = n // 2
        average = (x[0:n:2] + x[1:n:2]) / np.sqrt(2)
        detail = (x[0:n:2] - x[1:n:2]) / np.sqrt(2)
        x[:half], x[half:n] = average, detail
        n = half
    return x


def haar_wavelet_arguments(rng):
    return (rng.standard_normal(32),)


def soft_dtw(a, b):
    n, m = len(a), len(b)
    R = np.full((n + 1, m + 1), 1e10)
    R[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            three = -np.array([R[i - 1, j - 1], R[i - 1, j], R[i, j - 1]])
            top = np.max(three)
            R[i, j] = (a[i - 1] - b[j - 1]) ** 2 - (top + np.log(np.sum(np.exp(three - top))))
    return R[n, m]


def soft_dtw_arguments(rng):
    return rng.standard_normal(7), rng.standard_normal(6)


def smith_waterman(scores):
    n, m = scores.shape
    H = np.zeros((n + 1, m + 1))
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            H[i, j] = max_of(
                0.0, H[i - 1, j - 1] + scores[i - 1, j - 1], H[i - 1, j] - 0.5, H[i, j - 1] - 0.5
            )
    return H.max()


def max_of(*values):
    result = values[0]
    for value in values[1:]:
        result = np.maximum(result, value)
    return result


def smith_waterman_arguments(rng):
    return (rng.standard_normal((6, 7)),)


def ray_march_spheres(centres, radii, light):
    y, x = np.mgrid[-1:1:10j, -1:1:12j]
    direction = np.stack([x, y, np.ones_like(x)], axis=-1)
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    position = np.zeros_like(direction)

    def distance(p):
        d = np.sqrt(np.sum((p[..., None, :] - centres) ** 2, axis=-1)) - radii
        return -np.log(np.sum(np.exp(-8 * np.minimum(d, 50.0)), axis=-1)) / 8

    for _ in range(12):
        position = position + 0.8 * distance(position)[..., None] * direction
    normal = position - centres[0]
    normal = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
    shade = np.clip(normal @ light, 0.0, 1.0)
    return np.where(distance(position) < 0.1, shade, 0.05)


def ray_march_spheres_arguments(rng):
    return (np.array([[0.0, 0.0, 3.0], [0.5, 0.2, 2.5]]), np.array([0.9, 0.5]),
            np.array([0.3, 0.5, -0.8]))  # fmt: skip


def mandelbrot_smooth(centre_real, centre_imag):
    x = np.linspace(-0.5, 0.5, 12) + centre_real
    y = np.linspace(-0.5, 0.5, 10) + centre_imag
    cr, ci = np.meshgrid(x, y)
    zr, zi, count = np.zeros_like(cr), np.zeros_like(ci), np.zeros_like(cr)
    for _ in range(10):
        inside = zr * zr + zi * zi < 4.0
        zr, zi = (np.where(inside, zr * zr - zi * zi + cr, zr),
                  np.where(inside, 2 * zr * zi + ci, zi))  # fmt: skip
        count += inside
    return count - np.log2(np.log2(zr * zr + zi * zi + 2.1))


def mandelbrot_smooth_arguments(rng):
    return np.array(-0.6), np.array(0.2)


def bezier_curve(points):
    t = np.linspace(0, 1, 20)[:, None]
    levels = [np.broadcast_to(p, (20, 2)) for p in points]
    while len(levels) > 1:
        levels = [(1 - t) * a + t * b for a, b in zip(levels, levels[1:])]
    return levels[0]


def bezier_curve_arguments(rng):
    return (rng.standard_normal((5, 2)),)


def bilinear_sample(image, x, y):
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    x0, y0 = np.clip(x0, 0, image.shape[1] - 2), np.clip(y0, 0, image.shape[0] - 2)
    fx, fy = x - x0, y - y0
    return (image[y0, x0] * (1 - fx) * (1 - fy) + image[y0, x0 + 1] * fx * (1 - fy)
            + image[y0 + 1, x0] * (1 - fx) * fy + image[y0 + 1, x0 + 1] * fx * fy)  # fmt: skip


def bilinear_sample_arguments(rng):
    return rng.standard_normal((8, 9)), rng.uniform(0.1, 7.9, 25), rng.uniform(0.1, 6.9, 25)


def kabsch(P, Q):
    P, Q = P - P.mean(0), Q - Q.mean(0)
    U, _, Vt = np.linalg.svd(P.T @ Q)
    d = np.sign(np.linalg.det(U @ Vt))
    R = U @ np.diag(np.array([1.0, 1.0, d])) @ Vt
    return np.sqrt(np.mean(np.sum((P @ R - Q) ** 2, axis=1)))


def kabsch_arguments(rng):
    P = rng.standard_normal((10, 3))
    return P, P[:, [1, 2, 0]] + 0.1 * rng.standard_normal((10, 3))


def quaternion_rotation(q, v):
    w, x, y, z = q / np.linalg.norm(q)
    R = np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ])  # fmt: skip
    return v @ R.T


def quaternion_rotation_arguments(rng):
    return rng.standard_normal(4), rng.standard_normal((6, 3))


def robot_arm(angles, lengths):
    """Forward kinematics of a planar chain, by homogeneous matrices."""
    T = np.eye(3)
    joints = [T[:2, 2]]
    for angle, length in zip(angles, lengths):
        c, s = np.cos(angle), np.sin(angle)
        step = np.eye(3)
        step[0, 0], step[0, 1], step[1, 0], step[1, 1] = c, -s, s, c
        step[0, 2], step[1, 2] = length * c, length * s
        T = T @ step
        joints.append(T[:2, 2])
    return np.array(joints)


def robot_arm_arguments(rng):
    return rng.standard_normal(5), 1 + rng.random(5)


def spherical_distances(latitude, longitude):
    lat, lon = np.deg2rad(latitude), np.deg2rad(longitude)
    dlat, dlon = np.subtract.outer(lat, lat), np.subtract.outer(lon, lon)
    a = np.sin(dlat / 2) ** 2 + np.cos(lat)[:, None] * np.cos(lat) * np.sin(dlon / 2) ** 2
    return 2 * 6371 * np.arcsin(np.sqrt(a + 1e-12))


def spherical_distances_arguments(rng):
    return rng.uniform(-60, 60, 8), rng.uniform(-180, 180, 8)


def cubic_spline(x, y, at):
    n = len(x)
    h = np.diff(x)
    A = np.eye(n)
    rhs = np.zeros(n)
    for i in range(1, n - 1):
        A[i, i - 1], A[i, i], A[i, i + 1] = h[i - 1], 2 * (h[i - 1] + h[i]), h[i]
        rhs[i] = 3 * ((y[i + 1] - y[i]) / h[i] - (y[i] - y[i - 1]) / h[i - 1])
    c = np.linalg.solve(A, rhs)
    k = np.searchsorted(x, at) - 1
    t = at - x[k]
    b = (y[1:] - y[:-1]) / h - h * (2 * c[:-1] + c[1:]) / 3
    d = (c[1:] - c[:-1]) / (3 * h)
    return y[k] + t * (b[k] + t * (c[k] + t * d[k]))


def cubic_spline_arguments(rng):
    x = np.linspace(0, 1, 7)
    return x, rng.standard_normal(7), rng.uniform(0.05, 0.95, 11)


def simpson(a, b, shape):
    x = np.linspace(a, b, 41)
    y = np.exp(-shape * x) * np.sin(3 * x)
    weights = np.ones(41)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    return (b - a) / 120 * np.sum(weights * y)


def simpson_arguments(rng):
    return np.array(0.2), np.array(2.0), np.array(1.3)


def chebyshev_interpolation(values, at):
    n = len(values)
    k = np.arange(n)
    nodes = np.cos(np.pi * (k + 0.5) / n)
    weights = (-1.0) ** k * np.sin(np.pi * (k + 0.5) / n)
    ratio = weights / (at[:, None] - nodes)
    return ratio @ values / ratio.sum(axis=1)


def chebyshev_interpolation_arguments(rng):
    return rng.standard_normal(9), rng.uniform(-0.9, 0.9, 13) + 1e-3


def horner_polynomial(coefficients, x):
    y = np.zeros_like(x)
    for c in coefficients[::-1]:
        y *= x
        y += c
    return y


def horner_polynomial_arguments(rng):
    return rng.standard_normal(8), rng.uniform(-1, 1, 30)


def newton_roots(a):
    x = np.ones_like(a)
    for _ in range(12):
        x = x - (x**3 - a) / (3 * x**2)
    return x


def newton_roots_arguments(rng):
    return (0.5 + rng.random(10),)


def knapsack(values, weights):
    best = np.zeros(21)
    for value, weight in zip(values, weights):
        best[weight:] = np.maximum(best[weight:], best[:-weight] + value)
    return best


def knapsack_arguments(rng):
    return rng.random(8), rng.integers(1, 8, 8).tolist()


def histogram_soft(x, edges):
    centre = 0.5 * (edges[1:] + edges[:-1])
    width = np.ediff1d(edges)
    inside = 1 / (1 + np.exp(-(0.5 * width - np.abs(x[:, None] - centre)) / 0.05))
    return inside.sum(0) / len(x)


def histogram_soft_arguments(rng):
    return rng.standard_normal(30), np.linspace(-3, 3, 8)


def scatter_charges(position, charge):
    """Cloud in cell: charges onto a grid, and its field back onto them."""
    n = 16
    cell = np.floor(position).astype(int)
    part = position - cell
    rho = np.zeros(n)
    np.add.at(rho, cell % n, charge * (1 - part))
    np.add.at(rho, (cell + 1) % n, charge * part)
    field = np.cumsum(rho - rho.mean())
    return field[cell % n] * (1 - part) + field[(cell + 1) % n] * part


def scatter_charges_arguments(rng):
    return rng.uniform(0.1, 15.9, 40), rng.random(40)


def contour_integral(coefficients):
    """The number of zeros inside the unit circle, before rounding."""
    theta = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    z = np.exp(1j * theta)
    powers = np.arange(len(coefficients))
    p = (coefficients * z[:, None] ** powers).sum(1)
    dp = (coefficients[1:] * powers[1:] * z[:, None] ** powers[:-1]).sum(1)
    return np.real(np.mean(z * dp / p))


def contour_integral_arguments(rng):
    return (np.array([0.3, 1.0, 0.2, 2.5]),)
