"""Objectives with arrays large enough that Python's own objects do not count."""

import numpy as np

from wengert.functions import relu, sigmoid, softmax, softmax_cross_entropy, squared_error
from wengert.tracing.spec import Spec

F8, F4, I8 = "float64", "float32", "int64"


def sample(parameters, X, y):
    z = X @ parameters["W1"]
    h = relu(z)
    o = h @ parameters["W2"]
    L = softmax_cross_entropy(o, y)
    s = 0.05 / 2 * (np.sum(parameters["W1"] ** 2) + np.sum(parameters["W2"] ** 2))
    return L + s


def deep(parameters, X, y):
    h = X
    for W in parameters:
        h = np.tanh(h @ W)
    return squared_error(h, y)


def biased(parameters, X, y):
    (W1, b1), (W2, b2) = parameters
    h = sigmoid(X @ W1.T + b1)
    p = h @ W2.T + b2
    return np.mean((p - y) ** 2)


def attention(parameters, X, y):
    Q, K, V = (X @ parameters[name] for name in ("Q", "K", "V"))
    scores = Q @ np.swapaxes(K, -1, -2) / 8.0
    A = softmax(scores)
    o = A @ V
    return np.mean((o - y) ** 2)


def recurrent(parameters, X, h):
    for t in range(X.shape[1]):
        both = np.concatenate([X[:, t], h], axis=1)
        h = np.tanh(both @ parameters["W"] + parameters["b"])
    return np.sum(h**2) / X.shape[0]


def normalised(parameters, ids, y):
    E, W, scale = parameters
    e = E[ids]
    flat = e.reshape(ids.shape[0], -1)
    centred = flat - flat.mean(axis=1, keepdims=True)
    n = centred / np.sqrt(np.var(flat, axis=1, keepdims=True) + 1e-5) * scale
    logits = n @ W
    shifted = logits - logits.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(logp[np.arange(ids.shape[0]), y])


def columns(parameters, x, y):
    W1, W2 = parameters
    z = W1 @ x
    h = np.maximum(z, 0.1 * z)
    o = np.einsum("qh,hb->qb", W2, h)
    return np.sum(np.abs(o - y)) / x.shape[1]


def clipped(w, x):
    gate = np.where(x @ w > 0, np.exp(-np.square(x @ w)), np.log1p(np.square(x @ w)))
    parts = np.stack([gate, np.clip(gate, 0.1, 0.9), np.minimum(gate, 0.5)])
    return np.sum(np.prod(parts, axis=0)) + np.std(gate)


NETWORKS = {
    "sample": (
        sample,
        {"W1": Spec((784, 256), F4), "W2": Spec((256, 10), F4)},
        Spec((512, 784), F4),
        Spec((512,), I8),
    ),
    "deep": (
        deep,
        [Spec((256, 256), F8)] * 6,
        Spec((300, 256), F8),
        Spec((300, 256), F8),
    ),
    "biased": (
        biased,
        [(Spec((300, 200), F8), Spec((300,), F8)), (Spec((40, 300), F8), Spec((40,), F8))],
        Spec((700, 200), F8),
        Spec((700, 40), F8),
    ),
    "attention": (
        attention,
        {name: Spec((64, 64), F4) for name in "QKV"},
        Spec((4, 200, 64), F4),
        Spec((4, 200, 64), F4),
    ),
    "recurrent": (
        recurrent,
        {"W": Spec((160, 128), F8), "b": Spec((128,), F8)},
        Spec((256, 6, 32), F8),
        Spec((256, 128), F8),
    ),
    "normalised": (
        normalised,
        (Spec((500, 64), F8), Spec((256, 90), F8), Spec((256,), F8)),
        Spec((400, 4), I8),
        Spec((400,), I8),
    ),
    "columns": (
        columns,
        [Spec((256, 300), F8), Spec((50, 256), F8)],
        Spec((300, 400), F8),
        Spec((50, 400), F8),
    ),
    "clipped": (clipped, Spec((300, 200), F8), Spec((500, 300), F8)),
}


def data(network: str, seed: int = 0):
    """Return arrays for a network; labels and indices stay in range."""
    _, *specs = NETWORKS[network]
    random = np.random.default_rng(seed)

    def draw(spec):
        if spec.dtype.kind == "i":
            return random.integers(0, 10, spec.shape)
        return (random.normal(size=spec.shape) * 0.1).astype(spec.dtype)

    return [_mapped(draw, spec) for spec in specs]


def _mapped(function, tree):
    if isinstance(tree, dict):
        return {key: _mapped(function, each) for key, each in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(_mapped(function, each) for each in tree)
    return function(tree)
