"""Networks whose derivations are tested; d = h = q in some, so that sizes tell nothing."""

# ruff: noqa: E741

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import functions as F
from wengert import stop_gradient
from wengert.tracing.spec import Spec
from wengert.transforms import grad

lam = 0.05


def s(*shape: int) -> Spec:
    return Spec(shape, "float64")


def labels(*shape: int) -> Spec:
    return Spec(shape, "int64")


def phi(z):
    return np.tanh(z)


def loss(o, y):
    return 0.5 * np.sum((o - y) ** 2)


def sample(params, x, y):
    W1, W2 = params["W1"], params["W2"]
    z = W1 @ x
    h = phi(z)
    o = W2 @ h
    L = loss(o, y)
    s = lam / 2 * (np.sum(W1**2) + np.sum(W2**2))
    J = L + s
    return J


def penalty(*weights):
    return lam / 2 * sum(np.sum(W * W) for W in weights)


def sample_with_penalty(params, x, y):
    W1, W2 = params["W1"], params["W2"]
    z = W1 @ x
    h = phi(z)
    o = W2 @ h
    L = loss(o, y)
    s = penalty(W1, W2)
    J = L + s
    return J


def rows(p, X, y):
    Z = X @ p["W1"] + p["b1"]
    H = F.relu(Z)
    O = H @ p["W2"] + p["b2"]
    L = F.softmax_cross_entropy(O, y)
    s = F.l2([p["W1"], p["W2"]], lam)
    J = L + s
    return J


def columns(p, X, Y):
    Z = p["W1"] @ X
    H = np.tanh(Z)
    O = p["W2"] @ H
    L = 0.5 * np.mean(np.sum((O - Y) ** 2, axis=0))
    return L + lam / 2 * (np.sum(p["W1"] ** 2) + np.sum(p["W2"] ** 2))


def deep(p, X, Y):
    H1 = F.sigmoid(X @ p["W1"])
    H2 = np.maximum(H1 @ p["W2"], 0)
    O = H2 @ p["W3"]
    J = F.softmax_cross_entropy(O, Y)
    return J


def binary(p, X, y):
    H = F.relu(X @ p["W1"] + p["b"])
    o = H @ p["w"]
    return np.mean(F.binary_cross_entropy(o, y))


def attention(p, X, Y):
    Q, K, V = X @ p["Wq"], X @ p["Wk"], X @ p["Wv"]
    S = Q @ K.T / np.sqrt(4.0)
    P = F.softmax(S)
    O = P @ V
    J = 0.5 * np.sum((O - Y) ** 2)
    return J


def batch_norm(p, X, Y):
    Z = X @ p["W"]
    mu = np.mean(Z, axis=0)
    C = Z - mu
    v = np.mean(C**2, axis=0)
    N = C / np.sqrt(v + 1e-5)
    O = p["gamma"] * N + p["beta"]
    return np.mean((O - Y) ** 2)


def layer_norm(p, X, Y):
    Z = X @ p["W"]
    mu = np.mean(Z, axis=1, keepdims=True)
    sigma = np.std(Z, axis=1, keepdims=True)
    O = p["g"] * (Z - mu) / sigma
    return np.mean((O - Y) ** 2)


def rnn(p, X, y):
    h = np.tanh(p["Wx"] @ X[0] + p["b"])
    h = np.tanh(p["Wx"] @ X[1] + p["Wh"] @ h + p["b"])
    h = np.tanh(p["Wx"] @ X[2] + p["Wh"] @ h + p["b"])
    return np.sum((h - y) ** 2)


def lstm(p, x, h, c, y):
    v = np.concatenate([h, x])
    f, i, o = F.sigmoid(p["Wf"] @ v), F.sigmoid(p["Wi"] @ v), F.sigmoid(p["Wo"] @ v)
    c = f * c + i * np.tanh(p["Wc"] @ v)
    h = o * np.tanh(c)
    return np.sum((h - y) ** 2)


def embedding(p, t, y):
    H = p["E"][t]
    O = H @ p["W"]
    A = F.log_softmax(O)
    return -np.mean(A[np.arange(5), y])


def vae(p, X, E):
    H = np.tanh(X @ p["We"])
    M, S = H @ p["Wm"], H @ p["Ws"]
    Z = M + np.exp(0.5 * S) * E
    R = Z @ p["Wd"]
    rec = np.mean(np.sum((R - X) ** 2, axis=1))
    kl = -0.5 * np.mean(np.sum(1 + S - M**2 - np.exp(S), axis=1))
    return rec + kl


def swish(z):
    return z * F.sigmoid(z)


def residual(p, x, y):
    h = x + swish(x @ p["W1"])
    o = h + F.gelu(h @ p["W2"])
    return np.mean((o - y) ** 2)


def convolution(p, x, y):
    h = np.tanh(p["k"][0] * x[0:6] + p["k"][1] * x[1:7] + p["k"][2] * x[2:8])
    return (p["w"] @ h - y) ** 2


def pooling(p, X, Y):
    Z = X @ p["W"]
    m = np.max(Z, axis=1)
    return np.mean((m - Y[:, 0]) ** 2)


def act(z):
    return 1 / (1 + np.exp(-z))


def layer(x, W):
    pre = x @ W.T
    return act(pre)


def nested(p, X, y):
    P = layer(layer(X, p["W1"]), p["W2"])
    return -np.mean(np.log(P[np.arange(5), y]))


def margin(p, X, y):
    O = X @ p["W"].T
    c = np.take_along_axis(O, y[:, None], axis=1)
    M = np.maximum(0, O - c + 1.0)
    return np.mean(np.sum(M, axis=1))


beta = 0.9


def regression(p, X, y):
    e = X @ p["w"] + p["b"] - y
    return np.mean(e**2) / 2 + beta * lam / 2 * np.sum(p["w"] ** 2)


def three_axes(p, X, Y):
    H = np.tanh(X @ p["W"])
    return np.mean((H - Y) ** 2)


def two_losses(p, x, y):
    o = p["W"] @ x
    u = np.tanh(o)
    return loss(o, y) + lam * loss(u, y)


def many_functions(p, x):
    h = p["W"] @ x
    many = np.prod(np.cos(h)) * np.max(h) + np.var(h) + np.std(h)
    return many + np.sqrt(np.sum(h**2)) + F.logsumexp(h) + h @ p["A"] @ h


def slope_penalty(p, x):
    dw = grad(lambda w: np.sum(np.tanh(w * x) ** 2))(p["w"])
    J = np.sum(dw**2)
    return J


def stopped(p, x):
    h = p["w"] * x
    J = np.sum(h * stop_gradient(h))
    return J


def with_metrics(p, X, y):
    O = X @ p["W"]
    J = F.softmax_cross_entropy(O, y)
    return J, {"accuracy": np.mean(np.argmax(O, axis=1) == y)}


Program = tuple[Callable[..., Any], tuple[Any, ...]]

PROGRAMS: dict[str, Program] = {
    "sample": (sample, ({"W1": s(4, 4), "W2": s(4, 4)}, s(4), s(4))),
    "penalty": (sample_with_penalty, ({"W1": s(3, 4), "W2": s(2, 3)}, s(4), s(2))),
    "rows": (
        rows,
        ({"W1": s(4, 4), "b1": s(4), "W2": s(4, 4), "b2": s(4)}, s(5, 4), labels(5)),
    ),
    "columns": (columns, ({"W1": s(4, 6), "W2": s(3, 4)}, s(6, 5), s(3, 5))),
    "deep": (deep, ({"W1": s(6, 4), "W2": s(4, 4), "W3": s(4, 3)}, s(5, 6), s(5, 3))),
    "binary": (binary, ({"W1": s(6, 4), "b": s(4), "w": s(4)}, s(5, 6), s(5))),
    "attention": (attention, ({"Wq": s(4, 4), "Wk": s(4, 4), "Wv": s(4, 4)}, s(5, 4), s(5, 4))),
    "batch_norm": (batch_norm, ({"W": s(6, 4), "gamma": s(4), "beta": s(4)}, s(5, 6), s(5, 4))),
    "layer_norm": (layer_norm, ({"W": s(6, 4), "g": s(4)}, s(5, 6), s(5, 4))),
    "rnn": (rnn, ({"Wx": s(4, 3), "Wh": s(4, 4), "b": s(4)}, s(3, 3), s(4))),
    "lstm": (lstm, (dict.fromkeys(("Wf", "Wi", "Wc", "Wo"), s(3, 7)), s(4), s(3), s(3), s(3))),
    "embedding": (embedding, ({"E": s(7, 4), "W": s(4, 3)}, labels(5), labels(5))),
    "vae": (vae, ({"We": s(6, 4), "Wm": s(4, 2), "Ws": s(4, 2), "Wd": s(2, 6)}, s(5, 6), s(5, 2))),
    "residual": (residual, ({"W1": s(4, 4), "W2": s(4, 4)}, s(5, 4), s(5, 4))),
    "convolution": (convolution, ({"k": s(3), "w": s(6)}, s(8), s())),
    "nested": (nested, ({"W1": s(3, 4), "W2": s(3, 3)}, s(5, 4), labels(5))),
    "margin": (margin, ({"W": s(5, 4)}, s(3, 4), labels(3))),
    "regression": (regression, ({"w": s(4), "b": s()}, s(5, 4), s(5))),
    "three_axes": (three_axes, ({"W": s(4, 4)}, s(2, 3, 4), s(2, 3, 4))),
    "two_losses": (two_losses, ({"W": s(3, 4)}, s(4), s(3))),
    "many_functions": (many_functions, ({"W": s(3, 4), "A": s(3, 3)}, s(4))),
    "slope_penalty": (slope_penalty, ({"w": s(3)}, s(3))),
    "stopped": (stopped, ({"w": s(3)}, s(3))),
    "with_metrics": (with_metrics, ({"W": s(4, 3)}, s(5, 4), labels(5))),
    "pooling": (pooling, ({"W": s(6, 4)}, s(5, 6), s(5, 4))),
}
