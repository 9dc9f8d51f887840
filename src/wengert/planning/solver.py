"""OR-Tools' CP-SAT, where the extra ``solve`` is installed: a few searches at once, first come.

Nothing that it answers is believed unseen: who asks checks every solution by other means, and goes
on with the greedy one where the solver is absent, runs out of time, or answers wrongly.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from math import isfinite
from threading import Event
from time import monotonic
from typing import Any, Literal

from wengert.base.errors import OptionError, WengertWarning

Verdict = Literal["optimal", "feasible", "infeasible", "unknown"]


@dataclass(frozen=True)
class Solved:
    """What a search found.

    Attributes:
        verdict: "optimal" where it is proven, "infeasible" where the search says that there is
            nothing (it has been wrong), "unknown" where time ran out.
        value: reads the value of an integer or Boolean variable; None where nothing was found.
    """

    verdict: Verdict
    value: Callable[[Any], int] | None = None


@dataclass(frozen=True)
class Clock:
    """Seconds that may pass.

    >>> Clock.of(60.0).left() <= 60.0
    True
    """

    end: float

    @staticmethod
    def of(seconds: float) -> Clock:
        """Return a clock that has so many seconds left."""
        return Clock(monotonic() + seconds)

    def left(self) -> float:
        """Return the seconds that are left, 0 where none are."""
        return max(0.0, self.end - monotonic())

    def part(self, share: float) -> Clock:
        """Return a clock with a part of what this one has left."""
        return Clock.of(self.left() * share)


def checked_seconds(seconds: Any, what: str = "solve") -> float | None:
    """Return the seconds that a solver may take.

    Raises:
        OptionError: no number, or none above 0.
    """
    if seconds is None:
        return None
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not isfinite(seconds) or seconds <= 0:
        raise OptionError(
            f"{what} is the time that the solver may take",
            expected="a number of seconds above 0, or None for the greedy plan alone",
            got=repr(seconds),
        )
    return float(seconds)


def has_solver() -> bool:
    """Return whether OR-Tools is there."""
    return find_spec("ortools") is not None


def warn_if_absent() -> bool:
    """Return whether OR-Tools is there; where it is not, say so."""
    if has_solver():
        return True
    warnings.warn(
        "solve= needs OR-Tools, which is not installed: the greedy plan stands. "
        "Instead: pip install 'wengert[solve]'",
        WengertWarning,
        stacklevel=2,
    )
    return False


def cp_model() -> Any:
    """Return the module of OR-Tools; it is imported when it is first asked for."""
    return import_module("ortools.sat.python.cp_model")


def first_of(
    model: Any, settings: Sequence[dict[str, Any]], clock: Clock, enough: bool = True
) -> Solved:
    """Solve with several settings at once, each on one core, and return what comes first.

    Args:
        model: a ``CpModel``.
        settings: for each search the parameters of the solver that differ from its defaults.
        clock: when to give up.
        enough: whether the first solution ends all searches; otherwise the first proof does.
    """
    module = cp_model()
    if not clock.left():
        return Solved("unknown")
    solvers = [_solver(module, chosen, clock) for chosen in settings]
    done = Event()

    def run(solver: Any) -> Solved:
        if done.is_set():
            return Solved("unknown")
        found = _read(module, solver, solver.solve(model))
        if found.verdict in ("optimal", "infeasible") or (enough and found.value is not None):
            done.set()
            for other in solvers:
                if other is not solver:
                    other.stop_search()
        return found

    with ThreadPoolExecutor(len(solvers)) as pool:
        found = list(pool.map(run, solvers))
    return min(found, key=lambda each: _RANKS.index(each.verdict))


_RANKS: tuple[Verdict, ...] = ("optimal", "feasible", "infeasible", "unknown")


def _solver(module: Any, chosen: dict[str, Any], clock: Clock) -> Any:
    solver = module.CpSolver()
    for name, value in {"num_workers": 1, "random_seed": 1, **chosen}.items():
        setattr(solver.parameters, name, value)
    solver.parameters.max_time_in_seconds = clock.left()
    return solver


def _read(module: Any, solver: Any, status: Any) -> Solved:
    if status == module.INFEASIBLE:
        return Solved("infeasible")
    if status not in (module.OPTIMAL, module.FEASIBLE):
        return Solved("unknown")
    return Solved(
        "optimal" if status == module.OPTIMAL else "feasible",
        lambda variable: int(solver.value(variable)),
    )
