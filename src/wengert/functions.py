"""What NumPy lacks: activations, softmax, losses and the L2 term.

On ndarrays each is plain NumPy; on traced values each is one composite operation. Every formula is
evaluated so that neither tail overflows or loses its digits.
"""

from __future__ import annotations

from math import isfinite
from typing import Any, Literal, NoReturn

import numpy as np

from wengert.base.errors import DataError, DtypeError, OptionError, ShapeError
from wengert.base.shapes import normalize_axis, reduced_axes
from wengert.base.tree import flatten, path_text, paths
from wengert.operators.record import Type
from wengert.operators.registry import OPERATORS
from wengert.tracing.tracer import Tracer, apply

__all__ = [
    "binary_cross_entropy",
    "gelu",
    "l2",
    "leaky_relu",
    "log_softmax",
    "logsumexp",
    "relu",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "squared_error",
    "stop_gradient",
]

Reduction = Literal["mean", "sum", "none"]


def relu(x: Any) -> Any:
    """Rectified linear unit, max(x, 0), elementwise; its derivative at 0 is 0.

    Args:
        x: floats of any shape. DtypeError: x holds no floats.

    Source: V. Nair, G. Hinton, "Rectified linear units improve restricted Boltzmann
    machines", ICML 2010.

    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return _use("relu", x)


def leaky_relu(x: Any, slope: Any = 0.01) -> Any:
    """Leaky rectified linear unit: x where x > 0, slope · x elsewhere.

    Args:
        x: floats of any shape.
        slope: the factor below zero. OptionError: it is not a finite number.

    Source: A. Maas, A. Hannun, A. Ng, "Rectifier nonlinearities improve neural network
    acoustic models", ICML 2013.

    >>> leaky_relu(np.array([-1.0, 2.0]), slope=0.1)
    array([-0.1,  2. ])
    """
    try:
        factor = float(slope)
    except (TypeError, ValueError):
        factor = float("nan")
    if not isfinite(factor):
        raise OptionError("the slope of leaky_relu", expected="a finite number", got=repr(slope))
    return _use("leaky_relu", x, slope=factor)


def sigmoid(x: Any) -> Any:
    """Logistic function σ(x) = 1 / (1 + exp(−x)), elementwise, right in both tails.

    Args:
        x: floats of any shape.

    >>> sigmoid(np.array([-800.0, 0.0, 800.0]))
    array([0. , 0.5, 1. ])
    """
    return _use("sigmoid", x)


def softplus(x: Any) -> Any:
    """Smooth rectifier log(1 + exp(x)), elementwise; its derivative is σ(x).

    Args:
        x: floats of any shape.

    Source: C. Dugas et al., "Incorporating second-order functional knowledge for better
    option pricing", NIPS 2000.

    >>> softplus(np.array([-800.0, 0.0, 800.0])).round(4).tolist()
    [0.0, 0.6931, 800.0]
    """
    return _use("softplus", x)


def gelu(x: Any) -> Any:
    """Gaussian error linear unit, tanh form: ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))).

    Args:
        x: floats of any shape.

    Source: D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)",
    arXiv:1606.08415, 2016.

    >>> gelu(np.array([-800.0, 0.0, 1.0])).round(4)
    array([-0.    ,  0.    ,  0.8412])
    """
    return _use("gelu", x)


def softmax(x: Any, axis: int = -1) -> Any:
    """Softmax exp(xᵢ) / Σⱼ exp(xⱼ) along an axis; the maximum is subtracted first.

    Args:
        x: floats with at least one axis.
        axis: the axis that adds up to 1. ShapeError: there is no such axis, or it is empty.

    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    return _use("softmax", x, axis=_axis("softmax", x, axis))


def log_softmax(x: Any, axis: int = -1) -> Any:
    """Logarithm of the softmax, xᵢ − log Σⱼ exp(xⱼ), without forming the softmax.

    Args:
        x: floats with at least one axis.
        axis: the axis of the sum. ShapeError: there is no such axis, or it is empty.

    >>> log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    return _use("log_softmax", x, axis=_axis("log_softmax", x, axis))


def logsumexp(x: Any, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    """Log of a sum of exponentials, log Σ exp(x), over axes; the maximum is subtracted first.

    Args:
        x: floats.
        axis: one axis, several, or None for all. ShapeError: there is no such axis.
        keepdims: whether the reduced axes stay, with size 1.

    >>> float(logsumexp(np.array([1000.0, 1000.0])))
    1000.6931471805599
    """
    shape = _shape(x)
    axes = reduced_axes(axis, len(shape))
    if axes is None:
        _no_axis("logsumexp", axis, shape)
    return _use("logsumexp", x, axis=axes, keepdims=bool(keepdims))


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

    >>> logits = np.array([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    >>> softmax_cross_entropy(logits, np.array([0, 2]), reduction="none").round(4)
    array([0.2395, 1.0986])
    """
    losses = _use("softmax_cross_entropy", logits, labels)
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

    >>> float(squared_error(np.array([1.0, 2.0]), np.array([0.0, 4.0])))
    2.5
    """
    return _reduced("squared_error", _use("squared_error", prediction, target), reduction)


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

    >>> float(binary_cross_entropy(np.array([0.0]), np.array([1.0])).round(6))
    0.693147
    """
    losses = _use("binary_cross_entropy", logits, labels)
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
    total = _use("squared_norm", leaves[0])
    for leaf in leaves[1:]:
        total = total + _use("squared_norm", leaf)
    return strength / 2 * total


def stop_gradient(x: Any) -> Any:
    """Return x itself, as something that no derivative passes through.

    Args:
        x: an array of any shape and dtype.

    >>> stop_gradient(np.array([1.0, 2.0]))
    array([1., 2.])
    """
    return _use("stop_gradient", x)


# -- How a function reaches its operator --------------------------------------------------------


def _use(name: str, *operands: Any, **attributes: Any) -> Any:
    if any(isinstance(each, Tracer) for each in operands):
        return apply(name, *operands, **attributes)
    record = OPERATORS[name]
    arrays = [np.asarray(each) for each in operands]
    # The same checks, with the same words, as while tracing.
    record.result(*(Type(each.shape, each.dtype) for each in arrays), **attributes)
    return record.numpy(*arrays, **attributes)[()]


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


def _axis(name: str, x: Any, axis: int) -> int:
    shape = _shape(x)
    found = normalize_axis(axis, len(shape)) if shape else None
    if found is None:
        _no_axis(name, axis, shape)
    return found


def _shape(x: Any) -> tuple[int, ...]:
    shape: tuple[int, ...] = x.shape if isinstance(x, Tracer) else np.shape(x)
    return shape


def _no_axis(name: str, axis: Any, shape: tuple[int, ...]) -> NoReturn:
    raise ShapeError(
        f"{name} along axis {axis}",
        expected=f"an axis of 0 … {len(shape) - 1}" if shape else "an array with axes",
        got=f"an array of shape {shape}",
    )
