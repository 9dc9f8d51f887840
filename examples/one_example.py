"""The sample network in its single-example form: one hidden layer, no bias, L2 regularisation.

Try:  wengert explain examples/one_example.py:objective
"""

import numpy as np

INPUTS, HIDDEN, OUTPUTS = 4, 3, 2
lam = 0.05


def phi(z):
    return np.tanh(z)


def loss(o, y):
    return np.sum((o - y) ** 2) / 2


def objective(parameters, x, y):
    W1, W2 = parameters["W1"], parameters["W2"]
    z = W1 @ x
    h = phi(z)
    o = W2 @ h
    L = loss(o, y)
    s = lam / 2 * (np.sum(W1**2) + np.sum(W2**2))
    J = L + s
    return J


def parameters(seed=0):
    rng = np.random.default_rng(seed)
    return {
        "W1": rng.standard_normal((HIDDEN, INPUTS)) / 2,
        "W2": rng.standard_normal((OUTPUTS, HIDDEN)) / 2,
    }


def data():
    rng = np.random.default_rng(1)
    return rng.standard_normal(INPUTS), rng.standard_normal(OUTPUTS)
