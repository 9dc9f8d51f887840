"""Metrics for use inside an objective: plain NumPy, on arrays and on traced values."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base.errors import ShapeError


def accuracy(logits: Any, labels: Any) -> Any:
    """Return the part of the examples whose largest logit is that of their label.

    accuracy = (1/n) Σ_i [argmax_k logits_ik = labels_i]

    Args:
        logits: shape (…, classes).
        labels: class numbers of shape (…), or one-hot rows of the shape of ``logits``.

    Returns:
        A float scalar from 0 to 1, in the dtype of ``logits``.

    Raises:
        ShapeError: the shapes do not belong together.

    >>> float(accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1])))
    0.5
    """
    one_hot = labels.shape == logits.shape
    if logits.ndim < 1 or not (one_hot or labels.shape == logits.shape[:-1]):
        raise ShapeError(
            "accuracy: labels do not belong to the logits",
            expected=f"labels of shape {logits.shape[:-1]}, or one-hot {logits.shape}",
            got=f"logits: {logits.shape}, labels: {labels.shape}",
        )
    classes = np.argmax(labels, axis=-1) if one_hot else labels
    hits = np.argmax(logits, axis=-1) == classes
    return np.mean(hits.astype(logits.dtype))
