"""What NumPy lacks: activations, softmax, convolution, pooling, losses and the L2 term.

On ndarrays each is plain NumPy; on traced values each is one composite operation. Every formula is
evaluated so that neither tail overflows or loses its digits.
"""

from wengert.functions.activations import (
    gelu,
    leaky_relu,
    log_softmax,
    logsumexp,
    relu,
    sigmoid,
    softmax,
    softplus,
    stop_gradient,
)
from wengert.functions.dropout import dropout
from wengert.functions.images import (
    avg_pool2d,
    conv2d,
    max_pool2d,
)
from wengert.functions.losses import (
    binary_cross_entropy,
    l2,
    softmax_cross_entropy,
    squared_error,
)

__all__ = [
    "avg_pool2d",
    "binary_cross_entropy",
    "conv2d",
    "dropout",
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
