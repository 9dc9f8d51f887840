"""Activations, softmax, convolution, pooling, losses and the L2 term, for layers and objectives."""

from wengert.functions import (
    avg_pool2d,
    binary_cross_entropy,
    conv2d,
    gelu,
    l2,
    leaky_relu,
    log_softmax,
    logsumexp,
    max_pool2d,
    relu,
    sigmoid,
    softmax,
    softmax_cross_entropy,
    softplus,
    squared_error,
    stop_gradient,
)

__all__ = [
    "avg_pool2d",
    "binary_cross_entropy",
    "conv2d",
    "gelu",
    "l2",
    "leaky_relu",
    "log_softmax",
    "logsumexp",
    "max_pool2d",
    "relu",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "squared_error",
    "stop_gradient",
]
