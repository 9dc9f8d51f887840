"""What an optimizer is, and the checks and casts that all of them share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.base.errors import DtypeError, OptionError, ShapeError
from wengert.base.tree import flatten, path_text, paths, unflatten
from wengert.optim.schedules import Schedule

Tree = Any
State = dict[str, Tree]
LearningRate = float | Schedule | Callable[[Any], Any]


@dataclass(frozen=True)
class Optimizer:
    """A pair of pure functions that moves parameters against their gradient.

    Attributes
    ----------
    init
        ``init(parameters) -> state``; the state is a dictionary of containers like ``parameters``.
    update
        ``update(gradients, state, parameters, step) -> (parameters, state)``, in plain NumPy and
        without change in place. ``step`` is an integer scalar that counts updates from 0. New
        parameters have the dtype of the old ones.
    name
        The name of the rule.
    settings
        Its numbers by name, for the record of a run.

    Examples
    --------
    >>> import wengert.optim as optim
    >>> optimizer = optim.sgd(0.1)
    >>> w = np.array([1.0, 2.0])
    >>> state = optimizer.init({"w": w})
    >>> parameters, state = optimizer.update({"w": 2 * w}, state, {"w": w}, 0)
    >>> parameters["w"]
    array([0.8, 1.6])
    >>> optimizer
    sgd(learning_rate=0.1, momentum=0.0, nesterov=False, weight_decay=0.0)
    """

    init: Callable[[Tree], State]
    update: Callable[[Tree, State, Tree, Any], tuple[Tree, State]]
    name: str
    settings: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"{self.name}({inside})"


Move = Callable[..., tuple[Any, ...]]


def make_optimizer(
    name: str,
    settings: dict[str, Any],
    *,
    scalars: Callable[[Any], tuple[Any, ...]],
    move: Move,
    buffers: tuple[str, ...] = (),
) -> Optimizer:
    """Build an optimizer from its rule for one parameter.

    ``scalars(step)`` is worked out once an update; ``move(parameter, gradient, *scalars,
    *buffers)`` returns the new parameter and the new buffers.
    """

    def init(parameters: Tree) -> State:
        leaves, structure = flatten(parameters)
        for path, leaf in zip(paths(structure), leaves, strict=True):
            _check_parameter(name, path_text(path), leaf)
        return {
            buffer: unflatten(structure, [np.zeros_like(leaf) for leaf in leaves])
            for buffer in buffers
        }

    def update(gradients: Tree, state: State, parameters: Tree, step: Any) -> tuple[Tree, State]:
        leaves, structure = flatten(parameters)
        _check_buffers(name, buffers, state)
        inputs = {"gradients": gradients, **state}
        columns = [
            _matching(name, what, inputs[what], parameters) for what in ("gradients", *buffers)
        ]
        numbers = scalars(step)
        moved = [
            move(parameter, gradient, *(cast(number, parameter) for number in numbers), *old)
            for parameter, gradient, *old in zip(leaves, *columns, strict=True)
        ]
        trees = [
            unflatten(structure, [row[place] for row in moved]) for place in range(1 + len(buffers))
        ]
        return trees[0], dict(zip(buffers, trees[1:], strict=True))

    return Optimizer(init, update, name, settings)


def _check_parameter(name: str, place: str, leaf: Any) -> None:
    dtype = getattr(leaf, "dtype", None)
    if dtype is None or np.dtype(dtype).kind != "f":
        raise DtypeError(
            f"{name} cannot move parameters{place}",
            expected="an array of floats",
            got=f"dtype {dtype}" if dtype is not None else type(leaf).__name__,
            remedy="convert the parameters, for example with .astype('float32')",
        )


def _check_buffers(name: str, buffers: tuple[str, ...], state: Any) -> None:
    if not isinstance(state, dict) or set(state) != set(buffers):
        raise OptionError(
            f"{name} got a state that is not its own",
            expected=f"a dictionary of {', '.join(buffers) or 'nothing'}",
            got=", ".join(map(str, state)) if isinstance(state, dict) else type(state).__name__,
            remedy="begin with optimizer.init(parameters), with the same optimizer",
        )


def _matching(name: str, what: str, tree: Tree, parameters: Tree) -> list[Any]:
    """Return the leaves of ``tree`` after checking each against its parameter.

    A shape that merely broadcasts, or keys in another order, would move the wrong numbers
    without a word.
    """
    leaves, structure = flatten(tree)
    wanted, wanted_structure = flatten(parameters)
    if structure != wanted_structure:
        raise ShapeError(
            f"{name}: {what} are not in the container of the parameters",
            expected=_listed(wanted_structure),
            got=_listed(structure),
            remedy="keep the same keys in the same order",
        )
    for path, leaf, parameter in zip(paths(structure), leaves, wanted, strict=True):
        if getattr(leaf, "shape", None) != parameter.shape:
            raise ShapeError(
                f"{name}: the shape of {what}{path_text(path)} is not that of its parameter",
                expected=f"shape {parameter.shape}",
                got=f"shape {leaf.shape}" if hasattr(leaf, "shape") else type(leaf).__name__,
            )
        if leaf.dtype != parameter.dtype:
            raise DtypeError(
                f"{name}: the dtype of {what}{path_text(path)} is not that of its parameter",
                expected=f"dtype {parameter.dtype}",
                got=f"dtype {leaf.dtype}",
                remedy=f"convert it with .astype('{parameter.dtype}')",
            )
    return leaves


def _listed(structure: Any) -> str:
    return ", ".join(path_text(path) or "one array" for path in paths(structure)) or "no arrays"


def cast(value: Any, parameter: Any) -> Any:
    """Give a number the dtype of the parameter, unless it is a Python number.

    NumPy lets a Python number take the dtype of the array beside it; an array or NumPy scalar of
    float64 would turn float32 parameters into float64.
    """
    return value.astype(parameter.dtype) if hasattr(value, "astype") else value


def rate_at(learning_rate: LearningRate, step: Any) -> Any:
    """Return the learning rate of a step."""
    return learning_rate(step) if callable(learning_rate) else learning_rate


def check_rate(name: str, learning_rate: Any) -> None:
    """Refuse a learning rate that is neither a schedule nor a number of at least 0."""
    if not callable(learning_rate):
        check_number(f"{name}: learning_rate", learning_rate, "a number ≥ 0, or a schedule")


def check_number(
    what: str, value: Any, expected: str, *, above: float | None = None, below: float = math.inf
) -> None:
    """Refuse anything but a finite number in [0, below), or in (above, below)."""
    good = (
        isinstance(value, int | float | np.floating | np.integer)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and (value >= 0 if above is None else value > above)
        and value < below
    )
    if not good:
        raise OptionError(what, expected=expected, got=repr(value))
