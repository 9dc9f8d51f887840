"""Transformations of functions: gradients, products with Jacobians, Jacobians, batches."""

from wengert.transforms.arguments import Wrt
from wengert.transforms.branches import cond
from wengert.transforms.custom import checkpoint, custom_gradient
from wengert.transforms.gradients import grad, joint, value_and_grad
from wengert.transforms.jacobians import hessian, jacobian
from wengert.transforms.loops import scan, while_loop
from wengert.transforms.naming import name
from wengert.transforms.products import hvp, jvp, vjp
from wengert.transforms.vectorise import vmap

__all__ = [
    "Wrt",
    "checkpoint",
    "cond",
    "custom_gradient",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "joint",
    "jvp",
    "name",
    "scan",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]
