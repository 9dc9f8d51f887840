"""The training step: forward, backward and update as one ordinary function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import numpy as np

import wengert.random
from wengert.base.errors import OptionError, ShapeError
from wengert.optim.optimizer import Optimizer
from wengert.training.micro import accumulated, parts
from wengert.training.state import TrainingState
from wengert.transforms import value_and_grad

OBJECTIVE = "objective"
Step = Callable[[TrainingState, Any], tuple[TrainingState, dict[str, Any]]]


def training_step(
    objective: Callable[..., Any], optimizer: Optimizer, seed: int = 0, accumulate: int = 1
) -> Step:
    """Return the function ``(state, batch) -> (state, metrics)`` of one training step.

    With J the objective, θ the parameters and u the optimizer's update::

        g ← ∂J/∂θ (θ, batch)        θ, memory, t ← u(g, memory, θ, t), t + 1

    It is plain code: it runs on arrays, and ``wg.trace(step, state, batch)`` records forward,
    backward and update in one graph.

    Args:
        objective: ``objective(parameters, *batch)`` returns J or (J, {name: metric}).
        optimizer: from ``wengert.optim``.
        seed: of the random numbers of an objective that has an argument ``rng=None``: each step
            gives it a :class:`wengert.random.Generator` of its own.
        accumulate: parts that a batch is cut into: forward and backward run on one after another,
            so that only the intermediates of one are held, and the update is that of the whole
            batch. The objective must be a mean over the examples (plus terms that do not look
            at them); see :mod:`wengert.training.micro`. Random numbers are drawn part by part.

    Returns:
        A function; ``batch`` is a tuple of the objective's arguments after the parameters, or
        the only one. The metrics are J under "objective", and those that the objective names.

    Raises:
        OptionError: the objective returns something else, or ``accumulate`` is no count.
        ShapeError: a metric is not a scalar.

    >>> import numpy as np
    >>> from wengert.optim import sgd
    >>> from wengert.training.state import training_state
    >>> def objective(w, x):
    ...     return np.mean((x - w) ** 2)
    >>> step = training_step(objective, sgd(0.25))
    >>> state = training_state(np.array(0.0), sgd(0.25))
    >>> state, metrics = step(state, np.array([1.0, 3.0]))
    >>> float(metrics["objective"]), float(state.parameters)
    (5.0, 1.0)
    """
    check_count("training_step: accumulate", accumulate)
    draws = takes_rng(objective)
    key = wengert.random.key(seed)

    def gradient(state: TrainingState, batch: tuple[Any, ...], key: Any) -> tuple[Any, Any]:
        given = _with_rng(objective, key) if draws else objective
        return value_and_grad(given)(state.parameters, *batch)

    def step(state: TrainingState, batch: Any) -> tuple[TrainingState, dict[str, Any]]:
        now = wengert.random.fold(key, state.step) if draws else None
        cut = parts(as_arguments(batch), int(accumulate))
        if len(cut) == 1:
            result, gradients = gradient(state, as_arguments(batch), now)
        else:
            result, gradients = accumulated(
                [share for share, _ in cut],
                lambda at: gradient(
                    state, cut[at][1], wengert.random.fold(now, at) if draws else None
                ),
            )
        parameters, memory = optimizer.update(
            gradients, dict(state.optimizer), state.parameters, state.step
        )
        return TrainingState(parameters, memory, state.step + 1), metrics_of(objective, result)

    return step


def takes_rng(objective: Callable[..., Any]) -> bool:
    """Return whether an objective wants random numbers: it has an argument ``rng=None``.

    Raises:
        OptionError: the argument has no default, so that nothing could be measured without one.
    """
    try:
        argument = inspect.signature(objective).parameters.get("rng")
    except (TypeError, ValueError):
        return False
    if argument is not None and argument.default is argument.empty:
        raise OptionError(
            "the objective has an argument rng without a default",
            expected="rng=None: training steps give a generator, measurements give none",
            got=f"{getattr(objective, '__name__', 'objective')}(…, {argument})",
            remedy="rng=None, and `if rng is not None:` around what is random",
        )
    return argument is not None


def _with_rng(objective: Callable[..., Any], key: Any) -> Callable[..., Any]:
    @wraps(objective)
    def given(*arguments: Any) -> Any:
        return objective(*arguments, rng=wengert.random.default_rng(key))

    return given


def check_count(name: str, value: Any) -> None:
    """Refuse what is no whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise OptionError(name, expected="an integer of at least 1", got=repr(value))


def as_arguments(batch: Any) -> tuple[Any, ...]:
    """Return a batch as arguments: a tuple or list is several, anything else is one."""
    return tuple(batch) if isinstance(batch, tuple | list) else (batch,)


def metrics_of(objective: Callable[..., Any], result: Any) -> dict[str, Any]:
    """Return J and the objective's own metrics in one dictionary of scalars."""
    if not isinstance(result, tuple):
        return {OBJECTIVE: result}
    name = getattr(objective, "__name__", "the objective")
    if len(result) != 2 or not isinstance(result[1], Mapping):
        raise OptionError(
            f"{name} returns something that training cannot read",
            expected="J, or (J, {name: metric})",
            got=f"a tuple of {', '.join(type(each).__name__ for each in result)}",
            remedy='return J, {"accuracy": …}',
        )
    for key, value in result[1].items():
        _check_metric(name, key, value)
    return {OBJECTIVE: result[0], **result[1]}


def _check_metric(name: str, key: Any, value: Any) -> None:
    if not isinstance(key, str) or key == OBJECTIVE:
        raise OptionError(
            f"{name} returns a metric under a name that it cannot have",
            expected=f"a text other than {OBJECTIVE!r}",
            got=repr(key),
        )
    if getattr(value, "shape", ()) != ():
        raise ShapeError(
            f"{name} returns the metric {key!r} of more than one number",
            expected="a scalar",
            got=f"shape {value.shape}",
            remedy="np.mean over the examples",
        )
