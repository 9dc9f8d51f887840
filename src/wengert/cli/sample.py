"""The sample network: one hidden layer that learns to read handwritten digits.

This is all there is to write: plain NumPy from the parameters and a batch of examples to the
objective J. The backward pass, its mathematics, its drawing and its memory follow from it.

    Z = X W⁽¹⁾          hidden pre-activations     n × h
    H = ϕ(Z)            hidden variables           n × h
    O = H W⁽²⁾          output variables           n × q
    L = ℓ(O, y)         mean loss of the batch     scalar
    s = (λ/2)(‖W⁽¹⁾‖²_F + ‖W⁽²⁾‖²_F)               scalar
    J = L + s           objective                  scalar
"""

import numpy as np

from wengert.data import digits
from wengert.nn.functional import relu, softmax_cross_entropy
from wengert.nn.init import he
from wengert.training import accuracy

PIXELS, HIDDEN, CLASSES = 64, 128, 10
lam = 1e-4


def phi(Z):
    """Return the hidden variables: ReLU, element by element."""
    return relu(Z)


def loss(O, y):  # noqa: E741
    """Return the cross-entropy of softmax(O) against the labels, averaged over the batch."""
    return softmax_cross_entropy(O, y)


def objective(parameters, X, y):
    """Return J, and beside it the part of the batch that is read correctly."""
    W1, W2 = parameters["W1"], parameters["W2"]
    Z = X @ W1
    H = phi(Z)
    O = H @ W2  # noqa: E741
    L = loss(O, y)
    s = lam / 2 * (np.sum(W1**2) + np.sum(W2**2))
    J = L + s
    return J, {"accuracy": accuracy(O, y)}


def parameters(seed=0):
    """Return the parameters to start from: He initialisation, made for ReLU."""
    rng = np.random.default_rng(seed)
    return {"W1": he(rng, (PIXELS, HIDDEN)), "W2": he(rng, (HIDDEN, CLASSES))}


def data():
    """Return the examples to learn from, and those that are kept to test on."""
    X, y, X_test, y_test = digits()
    return (X, y), (X_test, y_test)
