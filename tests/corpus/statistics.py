"""Estimation, filtering and learning without networks."""

import numpy as np


def gaussian_mixture_em(X, means, log_sd):
    weights = np.full(len(means), 1 / len(means))
    var = np.exp(2 * log_sd)
    for _ in range(5):
        distance = ((X[:, None, :] - means[None]) ** 2).sum(-1)
        logp = np.log(weights) - 0.5 * distance / var - X.shape[1] * 0.5 * np.log(var)
        logp -= logp.max(axis=1, keepdims=True)
        r = np.exp(logp)
        r /= r.sum(axis=1, keepdims=True)
        total = r.sum(axis=0)
        means = r.T @ X / total[:, None]
        distance = ((X[:, None, :] - means[None]) ** 2).sum(-1)
        var = (r * distance).sum(0) / (total * X.shape[1])
        weights = total / len(X)
    return means, var


def gaussian_mixture_em_arguments(rng):
    X = np.concatenate([rng.standard_normal((20, 2)) + 2, rng.standard_normal((20, 2)) - 2])
    return X, np.array([[1.0, 1.0], [-1.0, -1.0]]), np.zeros(2)


def kalman_filter(observations, A, Q, R):
    n = A.shape[0]
    m, P = np.zeros(n), np.eye(n)
    H = np.eye(1, n)
    means = np.empty((len(observations), n))
    loglik = 0.0
    for t, y in enumerate(observations):
        m = A @ m
        P = A @ P @ A.T + Q
        S = H @ P @ H.T + R
        K = P @ H.T @ np.linalg.inv(S)
        v = y - H @ m
        m = m + K @ v
        P = (np.eye(n) - K @ H) @ P
        loglik += -0.5 * (v @ np.linalg.solve(S, v) + np.linalg.slogdet(S)[1])
        means[t] = m
    return means, loglik


def kalman_filter_arguments(rng):
    A = np.array([[1.0, 0.1], [0.0, 1.0]])
    return np.cumsum(rng.standard_normal((15, 1)), 0), A, 0.1 * np.eye(2), np.array([[0.5]])


def hmm_forward(observations, transition, emission):
    T = transition / transition.sum(1, keepdims=True)
    E = emission / emission.sum(1, keepdims=True)
    alpha = np.full(len(T), 1 / len(T)) * E[:, observations[0]]
    loglik = np.log(alpha.sum())
    alpha = alpha / alpha.sum()
    for o in observations[1:]:
        alpha = (alpha @ T) * E[:, o]
        loglik += np.log(alpha.sum())
        alpha /= alpha.sum()
    return loglik


def hmm_forward_arguments(rng):
    return rng.integers(0, 4, 25), 0.1 + rng.random((3, 3)), 0.1 + rng.random((3, 4))


def viterbi(scores, transition):
    best = scores[0]
    for t in range(1, len(scores)):
        best = np.max(best[:, None] + transition, axis=0) + scores[t]
    return best.max()


def viterbi_arguments(rng):
    return rng.standard_normal((20, 5)), rng.standard_normal((5, 5))


def logistic_regression_newton(X, y):
    w = np.zeros(X.shape[1])
    for _ in range(5):
        p = 1 / (1 + np.exp(-X @ w))
        gradient = X.T @ (p - y) + 0.1 * w
        hessian = (X.T * (p * (1 - p))) @ X + 0.1 * np.eye(len(w))
        w -= np.linalg.solve(hessian, gradient)
    return w


def logistic_regression_newton_arguments(rng):
    X = rng.standard_normal((40, 4))
    return X, (X[:, 0] + rng.standard_normal(40) > 0).astype(float)


def k_means(X, centres):
    centres = centres.copy()
    for _ in range(4):
        distance = np.linalg.norm(X[:, None] - centres[None], axis=2)
        nearest = np.argmin(distance, axis=1)
        for k in range(len(centres)):
            member = (nearest == k)[:, None]
            centres[k] = np.sum(X * member, axis=0) / np.maximum(member.sum(), 1)
    return centres


def k_means_arguments(rng):
    X = np.concatenate([rng.standard_normal((15, 2)) + c for c in ([0, 0], [4, 4], [-4, 4])])
    return X, np.array([[0.5, 0.0], [3.0, 3.0], [-3.0, 3.0]])


def gaussian_process(X, y, Xnew, scale):
    def kernel(A, B):
        return np.exp(-0.5 * ((A[:, None] - B[None]) / scale) ** 2)

    K = kernel(X, X) + 0.1 * np.eye(len(X))
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    mean = kernel(Xnew, X) @ alpha
    v = np.linalg.solve(L, kernel(X, Xnew))
    loglik = -0.5 * y @ alpha - np.log(np.diag(L)).sum() - 0.5 * len(X) * np.log(2 * np.pi)
    return mean, 1 - np.sum(v**2, axis=0), loglik


def gaussian_process_arguments(rng):
    X = np.sort(rng.uniform(-3, 3, 15))
    return X, np.sin(X), np.linspace(-3, 3, 9), np.array(0.8)


def principal_components(X):
    X = X - X.mean(axis=0)
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    return s**2 / (len(X) - 1), np.abs(Vt[0])


def principal_components_arguments(rng):
    return (rng.standard_normal((20, 4)) * np.array([4.0, 2.0, 1.0, 0.3]),)


def kernel_density(points, grid):
    bandwidth = 1.06 * np.std(points) * len(points) ** -0.2
    z = (grid[:, None] - points) / bandwidth
    return np.exp(-0.5 * z * z).sum(axis=1) / (len(points) * bandwidth * np.sqrt(2 * np.pi))


def kernel_density_arguments(rng):
    return rng.standard_normal(50), np.linspace(-3, 3, 30)


def least_squares_fit(x, y):
    A = np.vander(x, 4)
    coefficients, *_ = np.linalg.lstsq(A, y, rcond=None)
    return A @ coefficients


def least_squares_fit_arguments(rng):
    x = np.linspace(-1, 1, 25)
    return x, x**3 - x + 0.1 * rng.standard_normal(25)


def poisson_regression(X, counts, w):
    eta = np.clip(X @ w, -10, 10)
    return np.mean(np.exp(eta) - counts * eta) + 0.01 * np.linalg.norm(w) ** 2


def poisson_regression_arguments(rng):
    X = rng.standard_normal((50, 5))
    return X, rng.poisson(2.0, 50).astype(float), 0.1 * rng.standard_normal(5)


def black_scholes(spot, strike, time, rate, vol):
    def cdf(x):
        """Abramowitz and Stegun 26.2.17."""
        k = 1.0 / (1.0 + 0.2316419 * np.abs(x))
        tail = k * (0.319381530 + k * (-0.356563782 + k * (1.781477937
               + k * (-1.821255978 + k * 1.330274429))))  # fmt: skip
        upper = 1 - np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi) * tail
        return np.where(x >= 0, upper, 1 - upper)

    d1 = (np.log(spot / strike) + (rate + 0.5 * vol**2) * time) / (vol * np.sqrt(time))
    d2 = d1 - vol * np.sqrt(time)
    call = spot * cdf(d1) - strike * np.exp(-rate * time) * cdf(d2)
    put = call - spot + strike * np.exp(-rate * time)
    return call, put


def black_scholes_arguments(rng):
    return (90 + 20 * rng.random(64), 90 + 20 * rng.random(64), 0.2 + rng.random(64), 0.03,
            np.array(0.25))  # fmt: skip


def option_paths(spot, vol, normals):
    steps = normals.shape[1]
    dt = 1.0 / steps
    path = np.zeros((normals.shape[0], steps + 1))
    path[:, 0] = spot
    for t in range(steps):
        growth = (0.03 - 0.5 * vol**2) * dt + vol * np.sqrt(dt) * normals[:, t]
        path[:, t + 1] = path[:, t] * np.exp(growth)
    payoff = np.maximum(path.mean(axis=1) - 100.0, 0)
    return np.exp(-0.03) * payoff.mean()


def option_paths_arguments(rng):
    return np.array(100.0), np.array(0.3), rng.standard_normal((50, 12))


def moving_statistics(x):
    total = np.cumsum(np.insert(x, 0, 0.0))
    mean = (total[5:] - total[:-5]) / 5
    window = np.lib.stride_tricks.sliding_window_view(x, 5)
    return mean, window.std(axis=-1), np.max(window, axis=-1)


def moving_statistics_arguments(rng):
    return (rng.standard_normal(40),)


def autocorrelation(x):
    x = x - np.mean(x)
    result = np.correlate(x, x, mode="full")[len(x) - 1 :]
    return result / result[0]


def autocorrelation_arguments(rng):
    return (rng.standard_normal(30),)


def robust_summary(x):
    centre = np.median(x)
    spread = np.median(np.abs(x - centre))
    low, high = np.percentile(x, [10, 90])
    trimmed = np.sort(x)[5:-5].mean()
    return np.array([centre, spread, low, high, trimmed])


def robust_summary_arguments(rng):
    return (rng.standard_normal(41),)


def markov_chain(logits):
    P = np.exp(logits)
    P /= P.sum(axis=1)[:, np.newaxis]
    n = len(P)
    A = np.vstack([P.T - np.eye(n), np.ones(n)])[1:]
    b = np.zeros(n)
    b[-1] = 1
    return np.linalg.solve(A, b) @ np.arange(n, dtype=float)


def markov_chain_arguments(rng):
    return (rng.standard_normal((6, 6)),)


def sinkhorn(cost, a, b):
    K = np.exp(-cost / 0.1)
    u = np.ones_like(a)
    for _ in range(20):
        v = b / (K.T @ u)
        u = a / (K @ v)
    return np.sum(u[:, None] * K * v * cost)


def sinkhorn_arguments(rng):
    return rng.random((8, 9)), np.full(8, 1 / 8), np.full(9, 1 / 9)


def tsne_gradient_free(X, Y):
    """The objective of t-SNE with fixed widths."""
    d = np.sum(X**2, 1)[:, None] + np.sum(X**2, 1) - 2 * X @ X.T
    P = np.exp(-d)
    np.fill_diagonal(P, 0)
    P = P / P.sum()
    P = np.maximum((P + P.T) / 2, 1e-12)
    e = np.sum(Y**2, 1)[:, None] + np.sum(Y**2, 1) - 2 * Y @ Y.T
    Q = 1 / (1 + e)
    Q[np.arange(len(Y)), np.arange(len(Y))] = 0
    Q = np.maximum(Q / Q.sum(), 1e-12)
    return np.sum(P * np.log(P / Q))


def tsne_gradient_free_arguments(rng):
    return rng.standard_normal((12, 5)), rng.standard_normal((12, 2))
