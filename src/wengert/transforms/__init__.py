"""Transformations of functions: gradients, products with Jacobians, Jacobians, batches."""

from wengert.transforms.arguments import Wrt
from wengert.transforms.custom import checkpoint, custom_gradient
from wengert.transforms.gradients import grad, joint, value_and_grad
from wengert.transforms.jacobians import hessian, jacobian
from wengert.transforms.naming import name
from wengert.transforms.products import hvp, jvp, vjp
from wengert.transforms.vectorise import vmap

__all__ = [
    "Wrt",
    "checkpoint",
    "custom_gradient",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "joint",
    "jvp",
    "name",
    "value_and_grad",
    "vjp",
    "vmap",
]
