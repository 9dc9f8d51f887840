"""Networks to draw, as their users would write them."""

import numpy as np

import wengert.functions as F
from wengert.tracing.spec import Spec
from wengert.transforms import joint


def phi(z):
    return np.maximum(z, 0.0)


def loss(o, y):
    return 0.5 * np.sum((o - y) ** 2)


def sample(parameters, x, y, lam=0.05):
    W1, W2 = parameters["W1"], parameters["W2"]
    z = W1 @ x
    h = phi(z)
    o = W2 @ h
    L = loss(o, y)
    s = lam / 2 * (np.sum(W1**2) + np.sum(W2**2))
    J = L + s
    return J


def mlp(parameters, X, y):
    W1, b1, W2, b2, W3, b3 = parameters
    Z1 = X @ W1 + b1
    H1 = np.tanh(Z1)
    Z2 = H1 @ W2 + b2
    H2 = np.tanh(Z2)
    O = H2 @ W3 + b3  # noqa: E741
    L = F.softmax_cross_entropy(O, y)
    J = L + F.l2([W1, W2, W3], 1e-3)
    return J


def residual(parameters, x, y):
    W1, U1, W2, U2, V = parameters
    r1 = x + U1 @ phi(W1 @ x)
    r2 = r1 + U2 @ phi(W2 @ r1)
    o = V @ r2
    J = loss(o, y)
    return J


def step(parameters, h, x):
    Wx, Wh, b = parameters
    return np.tanh(Wx @ x + Wh @ h + b)


def rnn(parameters, x1, x2, x3, y, h0):
    inner, Wo = parameters[:3], parameters[3]
    h1 = step(inner, h0, x1)
    h2 = step(inner, h1, x2)
    h3 = step(inner, h2, x3)
    o = Wo @ h3
    J = loss(o, y)
    return J


def attention(parameters, X, Y, d=4):
    Wq, Wk, Wv = parameters
    Q = X @ Wq
    K = X @ Wk
    V = X @ Wv
    S = Q @ K.T / np.sqrt(d)
    P = F.softmax(S)
    O = P @ V  # noqa: E741
    J = 0.5 * np.sum((O - Y) ** 2)
    return J


def autoencoder(parameters, X):
    W1, b1, W2, b2 = parameters
    H = F.sigmoid(X @ W1 + b1)
    X_hat = H @ W2 + b2
    J = np.mean((X_hat - X) ** 2)
    return J


def logistic(parameters, X, y):
    w, b = parameters
    z = X @ w + b
    J = np.mean(F.binary_cross_entropy(z, y, reduction="none"))
    return J


def deep(parameters, X, y):
    for W, b in parameters:
        H = np.tanh(X @ W + b)
        X = H
    J = F.softmax_cross_entropy(X, y)
    return J


def _s(*shape):
    return Spec(shape, "float64")


_y = Spec((32,), "int64")
GRAPHS = {
    "sample": lambda: joint(sample, {"W1": _s(5, 4), "W2": _s(3, 5)}, _s(4), _s(3)),
    "mlp": lambda: joint(
        mlp, (_s(64, 32), _s(32), _s(32, 16), _s(16), _s(16, 10), _s(10)), _s(32, 64), _y
    ),
    "residual": lambda: joint(
        residual, (_s(8, 4), _s(4, 8), _s(8, 4), _s(4, 8), _s(3, 4)), _s(4), _s(3)
    ),
    "rnn": lambda: joint(
        rnn, (_s(6, 4), _s(6, 6), _s(6), _s(3, 6)), _s(4), _s(4), _s(4), _s(3), _s(6)
    ),
    "attention": lambda: joint(attention, (_s(8, 4), _s(8, 4), _s(8, 5)), _s(10, 8), _s(10, 5)),
    "autoencoder": lambda: joint(autoencoder, (_s(20, 6), _s(6), _s(6, 20), _s(20)), _s(32, 20)),
    "logistic": lambda: joint(logistic, (_s(20), _s()), _s(32, 20), _s(32)),
    "deep": lambda: joint(deep, [(_s(10, 10), _s(10)) for _ in range(8)], _s(32, 10), _y),
}
