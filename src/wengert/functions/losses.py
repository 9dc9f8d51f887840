"""Losses, and the L2 term."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from wengert.base.errors import DataError, DtypeError, OptionError
from wengert.base.tree import flatten, path_text, paths
from wengert.functions.calls import use

Reduction = Literal["mean", "sum", "none"]


def softmax_cross_entropy(logits: Any, labels: Any, reduction: Reduction = "mean") -> Any:
    """Cross-entropy of labels under softmax(logits): −Σᵢ tᵢ log softmax(o)ᵢ.

    Args:
        logits: floats of shape (…, classes).
        labels: integers of shape (…) that count classes from 0, or one row of probabilities
            (one-hot or soft) for each row of logits.
        reduction: "mean" or "sum" over the examples, or "none" for one loss each.

    Returns:
        A scalar, or an array of shape (…), in the dtype of the logits.

    Raises:
        ShapeError, DtypeError: logits and labels do not fit, or are of the wrong kind.
        DataError: a label is out of range, or a mean is asked of an empty batch.

    >>> import numpy as np
    >>> logits = np.array([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    >>> softmax_cross_entropy(logits, np.array([0, 2]), reduction="none").round(4)
    array([0.2395, 1.0986])
    """
    losses = use("softmax_cross_entropy", logits, labels)
    return _reduced("softmax_cross_entropy", losses, reduction)


def squared_error(prediction: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """Squared error ½ Σ (p − t)² over the last axis, then reduced over the others.

    Args:
        prediction: floats of shape (…, outputs), or one number.
        target: the same shape; nothing is broadcast.
        reduction: "mean" or "sum" over the examples, or "none" for one loss each.

    Returns:
        A scalar, or an array of shape (…), in the dtype of the prediction.

    Raises:
        ShapeError, DtypeError: the two do not fit. DataError: the mean of an empty batch.

    >>> import numpy as np
    >>> float(squared_error(np.array([1.0, 2.0]), np.array([0.0, 4.0])))
    2.5
    """
    return _reduced("squared_error", use("squared_error", prediction, target), reduction)


def binary_cross_entropy(logits: Any, labels: Any, reduction: Reduction = "mean") -> Any:
    """Cross-entropy of yes-or-no labels: −t log σ(o) − (1 − t) log σ(−o), elementwise.

    Args:
        logits: floats of any shape.
        labels: the same shape, from 0 to 1; nothing is broadcast.
        reduction: "mean" or "sum" over all elements, or "none".

    Returns:
        A scalar, or an array of the shape of the logits, in their dtype.

    Raises:
        ShapeError, DtypeError: the two do not fit. DataError: a label outside 0 … 1, or the
        mean of an empty batch.

    >>> import numpy as np
    >>> float(binary_cross_entropy(np.array([0.0]), np.array([1.0])).round(6))
    0.693147
    """
    losses = use("binary_cross_entropy", logits, labels)
    return _reduced("binary_cross_entropy", losses, reduction)


def l2(parameters: Any, strength: float = 1.0) -> Any:
    """L2 regularisation term, strength/2 · Σ ‖W‖²_F over all arrays of a nested container.

    Args:
        parameters: an array of floats, or dictionaries, lists, tuples and dataclasses of them.
        strength: λ; its gradient by W is then λ W.

    Raises:
        DtypeError: a leaf is not an array of floats. OptionError: there is no leaf at all.

    Source: A. Krogh, J. Hertz, "A simple weight decay can improve generalization",
    NIPS 1991.

    >>> import numpy as np
    >>> float(l2({"W1": np.ones((2, 2)), "W2": np.ones(3)}, strength=0.1).round(6))
    0.35
    """
    leaves, structure = flatten(parameters)
    if not leaves:
        raise OptionError(
            "l2 of no parameters", expected="at least one array", got=f"{parameters!r}"
        )
    for path, leaf in zip(paths(structure), leaves, strict=True):
        if getattr(leaf, "dtype", np.dtype(object)).kind != "f":
            raise DtypeError(
                f"l2 of parameters{path_text(path)}",
                expected="an array of floats",
                got=getattr(
                    getattr(leaf, "dtype", None), "name", f"{type(leaf).__name__} {leaf!r}"
                ),
            )
    total = use("squared_norm", leaves[0])
    for leaf in leaves[1:]:
        total = total + use("squared_norm", leaf)
    return strength / 2 * total


def _reduced(name: str, losses: Any, reduction: Reduction) -> Any:
    if reduction not in ("mean", "sum", "none"):
        raise OptionError(
            f"the reduction of {name}", expected='"mean", "sum" or "none"', got=repr(reduction)
        )
    if reduction == "none" or losses.shape == ():
        return losses
    if reduction == "mean" and 0 in losses.shape:
        raise DataError(
            f"the mean {name} of an empty batch",
            expected="at least one example",
            got=f"losses of shape {losses.shape}",
            remedy='leave empty batches out, or reduction="sum"',
        )
    together: Any = np.mean if reduction == "mean" else np.sum
    return together(losses)
