"""A convolutional network like LeNet-5 on MNIST: about 0.97 of the test digits after one epoch.

    python examples/lenet.py [FOLDER]

FOLDER holds the four IDX files, gzipped or not; without it $WENGERT_DATA/mnist is taken, or
../shared/data/mnist beside this repository. Two convolutions of 5 × 5, each followed by ReLU and
the maximum of 2 × 2 pixels, then three dense layers (Y. LeCun et al., "Gradient-based learning
applied to document recognition", Proceedings of the IEEE 86(11), 1998).
"""

import os
import sys
from pathlib import Path

import numpy as np

import wengert as wg
from wengert.nn.functional import conv2d, max_pool2d, relu, softmax_cross_entropy
from wengert.training import accuracy

CLASSES = 10


def objective(parameters, X, y):
    K1, c1, K2, c2, W1, b1, W2, b2, W3, b3 = parameters.values()
    H1 = max_pool2d(relu(conv2d(X, K1, c1, padding=2)), 2)
    H2 = max_pool2d(relu(conv2d(H1, K2, c2)), 2)
    F = H2.reshape(len(H2), -1)
    H3 = relu(F @ W1 + b1)
    H4 = relu(H3 @ W2 + b2)
    O = H4 @ W3 + b3
    J = softmax_cross_entropy(O, y)
    return J, {"accuracy": accuracy(O, y)}


def parameters(seed=0):
    rng = np.random.default_rng(seed)
    he = wg.nn.init.he
    return {
        "K1": he(rng, (6, 1, 5, 5), fan_in=25),
        "c1": np.zeros(6, "float32"),
        "K2": he(rng, (16, 6, 5, 5), fan_in=6 * 25),
        "c2": np.zeros(16, "float32"),
        "W1": he(rng, (16 * 5 * 5, 120)),
        "b1": np.zeros(120, "float32"),
        "W2": he(rng, (120, 84)),
        "b2": np.zeros(84, "float32"),
        "W3": he(rng, (84, CLASSES)),
        "b3": np.zeros(CLASSES, "float32"),
    }


def data(folder=None):
    X, y, X_test, y_test = wg.data.mnist(folder or default_folder(), flat=False)
    # One channel an image: (batch, 1, 28, 28).
    return (X[:, None], y), (X_test[:, None], y_test)


def default_folder():
    named = os.environ.get("WENGERT_DATA")
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return (Path(named) if named else beside) / "mnist"


def train(training, test, epochs=1, directory="runs/lenet-example"):
    return wg.fit(
        objective, parameters(), training, optimizer=wg.optim.sgd(0.1), epochs=epochs,
        batch_size=128, validation=test, directory=directory,
    )  # fmt: skip


def main(folder=None):
    run = train(*data(folder))
    reached = run.history["validation.accuracy"][-1]
    print(f"test accuracy {reached:.4f} after one epoch, {run.seconds:.0f} s")
    return run


if __name__ == "__main__":
    main(*sys.argv[1:2])
