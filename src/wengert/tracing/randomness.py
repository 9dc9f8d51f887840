"""Random numbers that NumPy or Python draws while a function is traced."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

from wengert.base.errors import Location, TraceError
from wengert.tracing.freshness import frozen
from wengert.tracing.surroundings import places

REMEDY = (
    "rng = wg.random.default_rng(key) in the function, with key = wg.random.key(0) as an argument; "
    "in wg.fit an argument rng=None of the objective; or draw before, and pass the array"
)


class Draws:
    """Notices that a generator which outlives the trace has moved on.

    Its numbers would stand in the graph as constants, the same at every run. A generator made
    and seeded inside the function draws the same numbers each time: they are constants.
    """

    def __init__(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
        self.sources: dict[str, Callable[[], Any]] = {
            "np.random": lambda: np.random.get_state(legacy=False),
            "random": random.getstate,
        }
        read = ((place.name, place.read()) for place in places(function))
        for name, value in (*read, *arguments.items()):
            state = _state_of(value)
            if state is not None:
                self.sources[name] = state
        self.before = {name: frozen(state()) for name, state in self.sources.items()}

    def refuse(self, where: Location | None) -> None:
        """Raise when random numbers have been drawn since the trace began.

        Raises:
            TraceError: with the name of the generator and the line that used its numbers.
        """
        for name, state in self.sources.items():
            if frozen(state()) != self.before[name]:
                raise TraceError(
                    f"random numbers of {name} are drawn while the function is traced",
                    expected="a function that gives the same for the same arguments",
                    got="numbers that would be the same at every run of the graph",
                    remedy=REMEDY,
                    where=where,
                )


def refuse_unseeded(where: Location | None) -> NoReturn:
    """Refuse a generator that is made in a traced function and would differ at each trace.

    Raises:
        TraceError: with what to write.
    """
    raise TraceError(
        "np.random.default_rng() without a seed is made while the function is traced",
        expected="a function that gives the same for the same arguments",
        got="numbers that would be the same at every run of the graph, and others in the next",
        remedy=REMEDY,
        where=where,
    )


def _state_of(value: Any) -> Callable[[], Any] | None:
    if isinstance(value, np.random.Generator):
        return lambda: value.bit_generator.state
    if isinstance(value, np.random.RandomState):
        return lambda: value.get_state(legacy=False)
    if isinstance(value, random.Random):
        return value.getstate
    # A generator of ours whose key is traced draws from its key: that is an argument.
    drawn: Callable[[], Any] | None = getattr(value, "__wengert_drawn__", None)
    return None if drawn is None or drawn() is None else drawn
