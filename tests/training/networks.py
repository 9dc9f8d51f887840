"""Small networks that the tests of training share."""

import numpy as np

from wengert.nn.functional import relu, softmax_cross_entropy
from wengert.training import accuracy


def parameters(seed: int = 0, dtype: str = "float32") -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    # Keys that do not stand in sorted order: a file that sorts them must not exchange arrays.
    return {
        "second": (rng.standard_normal((5, 3)) / 2).astype(dtype),
        "first": (rng.standard_normal((4, 5)) / 2).astype(dtype),
        "bias": np.zeros(5, dtype),
    }


def data(count: int = 50, seed: int = 1, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((count, 4)).astype(dtype)
    return X, (X[:, 0] > 0).astype("int64") + (X[:, 1] > 0)


def objective(p, X, y):
    H = relu(X @ p["first"] + p["bias"])
    O = H @ p["second"]  # noqa: E741
    L = softmax_cross_entropy(O, y)
    return L + 0.01 / 2 * np.sum(p["first"] ** 2), {"accuracy": accuracy(O, y)}


def same(left: dict, right: dict) -> bool:
    """Return whether two dictionaries of arrays are the same bit for bit."""
    return list(left) == list(right) and all(
        left[k].dtype == right[k].dtype and left[k].tobytes() == right[k].tobytes() for k in left
    )
