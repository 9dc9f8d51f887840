"""Wengert: the training engine that shows its work.

Public names are imported when they are first used, so that ``import wengert`` stays fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# The public surface, twice: for static tools here and for the interpreter in the tables below;
# tests/architecture/test_public_surface.py keeps the two equal.
if TYPE_CHECKING:
    from wengert import data as data
    from wengert import nn as nn
    from wengert import optim as optim
    from wengert import random as random
    from wengert.base import errors as errors
    from wengert.base.errors import WengertError as WengertError
    from wengert.base.errors import WengertWarning as WengertWarning
    from wengert.checking import check_gradients as check_gradients
    from wengert.compilation import plan as plan
    from wengert.execution import compile as compile
    from wengert.explanation.explain import explain as explain
    from wengert.explanation.traced import Graph as Graph
    from wengert.explanation.traced import trace as trace
    from wengert.functions import stop_gradient as stop_gradient
    from wengert.tracing.spec import Spec as Spec
    from wengert.training.loop import fit as fit
    from wengert.training.state import training_state as training_state
    from wengert.training.step import training_step as training_step
    from wengert.transforms import checkpoint as checkpoint
    from wengert.transforms import cond as cond
    from wengert.transforms import custom_gradient as custom_gradient
    from wengert.transforms import grad as grad
    from wengert.transforms import hessian as hessian
    from wengert.transforms import hvp as hvp
    from wengert.transforms import jacobian as jacobian
    from wengert.transforms import jvp as jvp
    from wengert.transforms import name as name
    from wengert.transforms import scan as scan
    from wengert.transforms import value_and_grad as value_and_grad
    from wengert.transforms import vjp as vjp
    from wengert.transforms import vmap as vmap
    from wengert.transforms import while_loop as while_loop

__version__ = "0.1.0"

# name -> the module that defines it
_HOME: dict[str, str] = {
    "Graph": "wengert.explanation.traced",
    "Spec": "wengert.tracing.spec",
    "WengertError": "wengert.base.errors",
    "WengertWarning": "wengert.base.errors",
    "check_gradients": "wengert.checking",
    "checkpoint": "wengert.transforms",
    "cond": "wengert.transforms",
    "compile": "wengert.execution",
    "custom_gradient": "wengert.transforms",
    "explain": "wengert.explanation.explain",
    "fit": "wengert.training.loop",
    "grad": "wengert.transforms",
    "hessian": "wengert.transforms",
    "hvp": "wengert.transforms",
    "jacobian": "wengert.transforms",
    "jvp": "wengert.transforms",
    "name": "wengert.transforms",
    "plan": "wengert.compilation",
    "scan": "wengert.transforms",
    "stop_gradient": "wengert.functions",
    "trace": "wengert.explanation.traced",
    "training_state": "wengert.training.state",
    "training_step": "wengert.training.step",
    "value_and_grad": "wengert.transforms",
    "vjp": "wengert.transforms",
    "vmap": "wengert.transforms",
    "while_loop": "wengert.transforms",
}

# name -> the module that it is
_ROOMS: dict[str, str] = {
    "data": "wengert.data",
    "errors": "wengert.base.errors",
    "nn": "wengert.nn",
    "optim": "wengert.optim",
    "random": "wengert.random",
}

__all__ = sorted(["__version__", *_HOME, *_ROOMS])  # noqa: PLE0605 # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    elif name in _ROOMS:
        value = import_module(_ROOMS[name])
    else:
        raise AttributeError(f"module 'wengert' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
