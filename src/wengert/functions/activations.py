"""Activations, softmax, and what no derivative passes through."""

from __future__ import annotations

from math import isfinite
from typing import Any, NoReturn

from wengert.base.errors import OptionError, ShapeError
from wengert.base.shapes import normalize_axis, reduced_axes
from wengert.functions.calls import shape_of, use


def relu(x: Any) -> Any:
    """Rectified linear unit, max(x, 0), elementwise; its derivative at 0 is 0.

    Args:
        x: floats of any shape. DtypeError: x holds no floats.

    Source: V. Nair, G. Hinton, "Rectified linear units improve restricted Boltzmann
    machines", ICML 2010.

    >>> import numpy as np
    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return use("relu", x)


def leaky_relu(x: Any, slope: Any = 0.01) -> Any:
    """Leaky rectified linear unit: x where x > 0, slope · x elsewhere.

    Args:
        x: floats of any shape.
        slope: the factor below zero. OptionError: it is not a finite number.

    Source: A. Maas, A. Hannun, A. Ng, "Rectifier nonlinearities improve neural network
    acoustic models", ICML 2013.

    >>> import numpy as np
    >>> leaky_relu(np.array([-1.0, 2.0]), slope=0.1)
    array([-0.1,  2. ])
    """
    try:
        factor = float(slope)
    except (TypeError, ValueError):
        factor = float("nan")
    if not isfinite(factor):
        raise OptionError("the slope of leaky_relu", expected="a finite number", got=repr(slope))
    return use("leaky_relu", x, slope=factor)


def sigmoid(x: Any) -> Any:
    """Logistic function σ(x) = 1 / (1 + exp(−x)), elementwise, right in both tails.

    Args:
        x: floats of any shape.

    >>> import numpy as np
    >>> sigmoid(np.array([-800.0, 0.0, 800.0]))
    array([0. , 0.5, 1. ])
    """
    return use("sigmoid", x)


def softplus(x: Any) -> Any:
    """Smooth rectifier log(1 + exp(x)), elementwise; its derivative is σ(x).

    Args:
        x: floats of any shape.

    Source: C. Dugas et al., "Incorporating second-order functional knowledge for better
    option pricing", NIPS 2000.

    >>> import numpy as np
    >>> softplus(np.array([-800.0, 0.0, 800.0])).round(4).tolist()
    [0.0, 0.6931, 800.0]
    """
    return use("softplus", x)


def gelu(x: Any) -> Any:
    """Gaussian error linear unit, tanh form: ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))).

    Args:
        x: floats of any shape.

    Source: D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)",
    arXiv:1606.08415, 2016.

    >>> import numpy as np
    >>> gelu(np.array([-800.0, 0.0, 1.0])).round(4)
    array([-0.    ,  0.    ,  0.8412])
    """
    return use("gelu", x)


def softmax(x: Any, axis: int = -1) -> Any:
    """Softmax exp(xᵢ) / Σⱼ exp(xⱼ) along an axis; the maximum is subtracted first.

    Args:
        x: floats with at least one axis.
        axis: the axis that adds up to 1. ShapeError: there is no such axis, or it is empty.

    >>> import numpy as np
    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    return use("softmax", x, axis=_axis("softmax", x, axis))


def log_softmax(x: Any, axis: int = -1) -> Any:
    """Logarithm of the softmax, xᵢ − log Σⱼ exp(xⱼ), without forming the softmax.

    Args:
        x: floats with at least one axis.
        axis: the axis of the sum. ShapeError: there is no such axis, or it is empty.

    >>> import numpy as np
    >>> log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    return use("log_softmax", x, axis=_axis("log_softmax", x, axis))


def logsumexp(x: Any, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    """Log of a sum of exponentials, log Σ exp(x), over axes; the maximum is subtracted first.

    Args:
        x: floats.
        axis: one axis, several, or None for all. ShapeError: there is no such axis.
        keepdims: whether the reduced axes stay, with size 1.

    >>> import numpy as np
    >>> float(logsumexp(np.array([1000.0, 1000.0])))
    1000.6931471805599
    """
    shape = shape_of(x)
    axes = reduced_axes(axis, len(shape))
    if axes is None:
        _no_axis("logsumexp", axis, shape)
    return use("logsumexp", x, axis=axes, keepdims=bool(keepdims))


def stop_gradient(x: Any) -> Any:
    """Return x itself, as something that no derivative passes through.

    Args:
        x: an array of any shape and dtype.

    >>> import numpy as np
    >>> stop_gradient(np.array([1.0, 2.0]))
    array([1., 2.])
    """
    return use("stop_gradient", x)


def _axis(name: str, x: Any, axis: int) -> int:
    shape = shape_of(x)
    found = normalize_axis(axis, len(shape)) if shape else None
    if found is None:
        _no_axis(name, axis, shape)
    return found


def _no_axis(name: str, axis: Any, shape: tuple[int, ...]) -> NoReturn:
    raise ShapeError(
        f"{name} along axis {axis}",
        expected=f"an axis of 0 … {len(shape) - 1}" if shape else "an array with axes",
        got=f"an array of shape {shape}",
    )
