"""The 784–256–10 network on MNIST: about 0.96 of the test digits after ten epochs.

    python examples/mnist.py [FOLDER]

FOLDER holds the four IDX files, gzipped or not; without it $WENGERT_DATA/mnist is taken, or
../shared/data/mnist beside this repository. From the same file:

    wengert train examples/mnist.py:objective
    wengert plan examples/mnist.py:objective --batch 256 --max 10MB
    wengert explain examples/mnist.py:objective
"""

import os
import sys
from pathlib import Path

import numpy as np

import wengert as wg
from wengert.nn.functional import relu, softmax_cross_entropy
from wengert.training import accuracy

PIXELS, HIDDEN, CLASSES = 784, 256, 10
lam = 1e-4


def objective(parameters, X, y):
    W1, b1, W2, b2 = (parameters[name] for name in ("W1", "b1", "W2", "b2"))
    Z = X @ W1 + b1
    H = relu(Z)
    O = H @ W2 + b2
    L = softmax_cross_entropy(O, y)
    s = lam / 2 * (np.sum(W1**2) + np.sum(W2**2))
    J = L + s
    return J, {"accuracy": accuracy(O, y)}


def parameters(seed=0):
    rng = np.random.default_rng(seed)
    return {
        "W1": wg.nn.init.he(rng, (PIXELS, HIDDEN)),
        "b1": np.zeros(HIDDEN, "float32"),
        "W2": wg.nn.init.he(rng, (HIDDEN, CLASSES)),
        "b2": np.zeros(CLASSES, "float32"),
    }


def data(folder=None):
    X, y, X_test, y_test = wg.data.mnist(folder or default_folder())
    return (X, y), (X_test, y_test)


def default_folder():
    named = os.environ.get("WENGERT_DATA")
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return (Path(named) if named else beside) / "mnist"


def main(folder=None, epochs=10, directory="runs/mnist-example"):
    training, test = data(folder)
    run = wg.fit(
        objective, parameters(), training, optimizer=wg.optim.sgd(0.1), epochs=epochs,
        batch_size=256, validation=test, directory=directory,
    )  # fmt: skip
    reached = run.history["validation.accuracy"][-1]
    print(f"test accuracy {reached:.4f} after {epochs} epochs, {run.seconds:.0f} s")
    return run


if __name__ == "__main__":
    main(*sys.argv[1:2])
