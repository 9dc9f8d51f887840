"""Activations, softmax, losses and the L2 term, for layers and objectives."""

from wengert.functions import (
    binary_cross_entropy,
    gelu,
    l2,
    leaky_relu,
    log_softmax,
    logsumexp,
    relu,
    sigmoid,
    softmax,
    softmax_cross_entropy,
    softplus,
    squared_error,
    stop_gradient,
)

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
