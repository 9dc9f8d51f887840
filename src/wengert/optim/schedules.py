"""Learning rates that change with the step: plain NumPy, on numbers, arrays and traced values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.base.errors import OptionError


@dataclass(frozen=True)
class Schedule:
    """A learning rate as a function of the step, an integer that counts updates from 0.

    Attributes
    ----------
    rate
        ``rate(step) -> learning rate``, elementwise where ``step`` is an array.
    name
        The name of the rule.
    settings
        Its numbers by name, for the record of a run.

    Examples
    --------
    >>> schedule = exponential(0.1, factor=0.5)
    >>> schedule(np.arange(3))
    array([0.1  , 0.05 , 0.025])
    >>> schedule
    exponential(rate=0.1, factor=0.5, every=1)
    """

    rate: Callable[[Any], Any]
    name: str
    settings: dict[str, Any] = field(default_factory=dict)

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step."""
        return self.rate(step)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"{self.name}({inside})"


def constant(rate: float) -> Schedule:
    """η(t) = rate.

    Raises
    ------
    OptionError
        ``rate`` is negative or not finite.

    Examples
    --------
    >>> constant(0.1)(1000)
    0.1
    """
    _check("constant: rate", rate)
    return Schedule(lambda step: rate, "constant", {"rate": rate})


def step_decay(rate: float, boundaries: Sequence[int], factor: float = 0.1) -> Schedule:
    """η(t) = rate · factor^k, k the number of boundaries b with t ≥ b.

    Parameters
    ----------
    rate
        The first learning rate.
    boundaries
        The steps at which the rate is multiplied, strictly increasing.
    factor
        What it is multiplied by, greater than 0.

    Raises
    ------
    OptionError
        A negative rate, a factor of 0 or less, or boundaries that do not increase from 1 on.

    Examples
    --------
    >>> [float(step_decay(0.1, [100, 200], factor=0.5)(t)) for t in (0, 99, 100, 250)]
    [0.1, 0.1, 0.05, 0.025]
    """
    _check("step_decay: rate", rate)
    _check("step_decay: factor", factor, above_zero=True)
    places = tuple(boundaries)
    rising = all(before < after for before, after in zip((0, *places), places, strict=False))
    if not places or not rising or not all(_is_integer(place) for place in places):
        raise OptionError(
            "step_decay: boundaries",
            expected="integers that increase strictly, the first at least 1",
            got=repr(boundaries),
        )

    def decayed(step: Any) -> Any:
        result = rate
        for boundary in places:
            result = result * np.where(step >= boundary, factor, 1.0)
        return result

    return Schedule(decayed, "step_decay", {"rate": rate, "boundaries": places, "factor": factor})


def exponential(rate: float, factor: float, every: int = 1) -> Schedule:
    """η(t) = rate · factor^(t / every), without steps in between.

    Raises
    ------
    OptionError
        A negative rate, a factor of 0 or less, or ``every`` less than 1.

    Examples
    --------
    >>> float(exponential(0.1, factor=0.5, every=10)(20))
    0.025
    """
    _check("exponential: rate", rate)
    _check("exponential: factor", factor, above_zero=True)
    _check_steps("exponential: every", every)
    settings = {"rate": rate, "factor": factor, "every": every}
    return Schedule(lambda step: rate * factor ** (step / every), "exponential", settings)


def cosine(rate: float, steps: int, floor: float = 0.0) -> Schedule:
    """η(t) = floor + (rate − floor) · (1 + cos(π · min(t, steps) / steps)) / 2.

    From Loshchilov and Hutter, *SGDR: Stochastic gradient descent with warm restarts*, ICLR 2017,
    without the restarts: from step ``steps`` on the rate is ``floor``.

    Raises
    ------
    OptionError
        A negative rate or floor, a floor above the rate, or ``steps`` less than 1.

    Examples
    --------
    >>> [float(cosine(0.1, steps=100)(t)) for t in (0, 50, 100, 1000)]
    [0.1, 0.05, 0.0, 0.0]
    """
    _check("cosine: rate", rate)
    _check("cosine: floor", floor)
    _check_steps("cosine: steps", steps)
    if floor > rate:
        raise OptionError("cosine: floor", expected=f"at most rate = {rate}", got=repr(floor))

    def annealed(step: Any) -> Any:
        done = np.minimum(step, steps) / steps
        return floor + (rate - floor) * (1 + np.cos(math.pi * done)) / 2

    return Schedule(annealed, "cosine", {"rate": rate, "steps": steps, "floor": floor})


def linear_warmup(after: float | Schedule, steps: int) -> Schedule:
    """η(t) = after(0) · (t + 1) / steps for t < steps, then after(t − steps).

    The first step already moves, by 1/steps of the rate.

    Parameters
    ----------
    after
        The learning rate that the warm-up leads to: a number, or a schedule that then begins.
    steps
        The length of the warm-up.

    Raises
    ------
    OptionError
        A negative rate, or ``steps`` less than 1.

    Examples
    --------
    >>> [float(linear_warmup(0.1, steps=4)(t)) for t in (0, 1, 3, 4)]
    [0.025, 0.05, 0.1, 0.1]
    """
    if not callable(after):
        _check("linear_warmup: after", after)
    _check_steps("linear_warmup: steps", steps)
    follow = after if callable(after) else constant(after)

    def warmed(step: Any) -> Any:
        rising = follow(0) * (np.minimum(step, steps - 1) + 1) / steps
        return np.where(step < steps, rising, follow(np.maximum(step - steps, 0)))

    return Schedule(warmed, "linear_warmup", {"after": after, "steps": steps})


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _check(what: str, value: Any, *, above_zero: bool = False) -> None:
    number = isinstance(value, int | float | np.floating | np.integer)
    least = "greater than 0" if above_zero else "of at least 0"
    bad = not number or isinstance(value, bool) or not math.isfinite(value) or value < 0
    if bad or (above_zero and value == 0):
        raise OptionError(what, expected=f"a finite number {least}", got=repr(value))


def _check_steps(what: str, value: Any) -> None:
    if not _is_integer(value) or value < 1:
        raise OptionError(what, expected="an integer of at least 1", got=repr(value))
