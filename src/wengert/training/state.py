"""The state of training: parameters, what the optimizer keeps, and the number of steps taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.base.errors import DataError, DtypeError, OptionError
from wengert.base.tree import flatten, path_text, paths, unflatten
from wengert.optim.optimizer import Optimizer

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class TrainingState:
    """What a step reads and makes anew; a container like any other, so that it can be traced.

    Attributes:
        parameters: the user's nested container of arrays.
        optimizer: what the optimizer keeps, such as velocities.
        step: the number of updates so far, an integer scalar.
    """

    parameters: Any
    optimizer: Mapping[str, Any]
    step: Any


def training_state(parameters: Any, optimizer: Optimizer) -> TrainingState:
    """Return the state before the first step; the parameters are copied.

    Raises:
        DtypeError: a parameter is not an array of floats. DataError: a parameter holds NaN or
            infinity. OptionError: there is no parameter.

    >>> from wengert.optim import sgd
    >>> state = training_state({"w": np.ones(2)}, sgd(0.1, momentum=0.9))
    >>> state.optimizer, int(state.step)
    ({'velocity': {'w': array([0., 0.])}}, 0)
    """
    own = checked_parameters(parameters)
    return TrainingState(own, optimizer.init(own), np.asarray(0, dtype=np.int64))


def checked_parameters(parameters: Any) -> Any:
    """Return copies of the parameters, each a C-contiguous array of finite floats."""
    leaves, structure = flatten(parameters)
    if not leaves:
        raise OptionError(
            "training needs parameters",
            expected="an array, or a nested container that holds one",
            got=repr(parameters),
        )
    names = [f"parameters{path_text(path)}" for path in paths(structure)]
    return unflatten(
        structure, [_checked(name, leaf) for name, leaf in zip(names, leaves, strict=True)]
    )


def _checked(name: str, leaf: Any) -> Array:
    is_array = isinstance(leaf, np.ndarray | np.floating | np.integer)
    if not is_array or leaf.dtype.kind != "f":
        raise DtypeError(
            f"{name} cannot be trained",
            expected="an array of floats",
            got=f"dtype {leaf.dtype}" if is_array else f"{type(leaf).__name__} {leaf!r}"[:200],
            remedy=_remedy(name, leaf, is_array),
        )
    if leaf.size and not np.isfinite(leaf).all():
        place = np.argwhere(~np.isfinite(leaf))[0].tolist()
        raise DataError(
            f"{name} holds a value that is not finite",
            expected="finite numbers before the first step",
            got=f"{np.asarray(leaf)[tuple(place)]} at {place}",
            remedy="initialise it with wengert.nn.init, or repair what it was loaded from",
        )
    return np.array(leaf, order="C")


def _remedy(name: str, leaf: Any, is_array: bool) -> str:
    if is_array or isinstance(leaf, bool | int | float):
        return f"np.asarray({name}, dtype=np.float32)"
    return "keep what is not trained out of the parameters: close over it, or pass it as data"
