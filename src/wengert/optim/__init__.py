"""Floor 7: optimizers as pairs of pure functions, and their schedules."""

from wengert.optim.optimizer import Optimizer
from wengert.optim.rules import adagrad, adam, adamw, rmsprop, sgd
from wengert.optim.schedules import (
    Schedule,
    constant,
    cosine,
    exponential,
    linear_warmup,
    step_decay,
)

__all__ = [
    "Optimizer",
    "Schedule",
    "adagrad",
    "adam",
    "adamw",
    "constant",
    "cosine",
    "exponential",
    "linear_warmup",
    "rmsprop",
    "sgd",
    "step_decay",
]
