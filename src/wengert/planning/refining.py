"""A cheaper plan within a budget, by the solver: the greedy plan stands where none is found.

The search counts bytes as the interpreter holds them. What an executor needs is asked of it, and
the bytes that the search may use are tightened by the excess until its plan fits, or time runs out.
"""

from __future__ import annotations

from collections.abc import Callable

from wengert.planning.budget import Fitting
from wengert.planning.cost_graph import CostGraph
from wengert.planning.plan import Plan
from wengert.planning.playing import Recomputation
from wengert.planning.retention import retained
from wengert.planning.solver import Clock, warn_if_absent

Search = Callable[[CostGraph, Recomputation, int, Clock, int], Recomputation]
# Copies that are allowed first, and then; and the share of the time that one search may take.
_COPIES, _SHARE = (2, 3), 0.6
_ROUNDS = 6


def within(fitting: Fitting, budget: int, seconds: float | None) -> Plan | None:
    """Return the cheapest plan within a budget: greedy, or the solver's where it has time for one.

    Args:
        fitting: the plans of a graph.
        budget: bytes of the block.
        seconds: what the solver may take; None for the greedy plan.
    """
    found = fitting.within(budget)
    if seconds is None or not warn_if_absent():
        return found
    return refined(fitting, found, budget, Clock.of(seconds))


def refined(
    fitting: Fitting, found: Plan | None, budget: int, clock: Clock, search: Search = retained
) -> Plan | None:
    """Return the cheapest plan within a budget: ``found``, or a better one of the solver's.

    Args:
        fitting: the plans of a graph.
        found: the greedy plan within the budget, None where there is none.
        budget: bytes of the block.
        clock: when to give up.
        search: finds recomputation that is cheaper than one to start from, within bytes.
    """
    graph, best = fitting.numbers, found
    if best is not None and "recompute" not in best.passes:
        return best
    for copies in _COPIES:
        level = _level(fitting, best, budget)
        for _ in range(_ROUNDS):
            if clock.left() <= 0:
                return best
            start = _start(fitting, level)
            choice = search(graph, start, level, clock.part(_SHARE), copies)
            if choice is start or not choice.gaps:
                break
            plan = fitting.carried_out(choice)
            excess = fitting.nbytes(plan) - budget
            if excess <= 0:
                best = _cheaper(fitting, best, plan)
                break
            level -= excess
    return best


def _level(fitting: Fitting, found: Plan | None, budget: int) -> int:
    """Return what a plan may hold operation by operation so that it needs the budget."""
    plan = fitting.lowest if found is None else found
    return budget + plan.peak_bytes - fitting.nbytes(plan)


def _start(fitting: Fitting, level: int) -> Recomputation:
    within = (each for each in fitting.choices if each.peak_bytes <= level)
    return next(within, fitting.choices[-1])


def _cheaper(fitting: Fitting, found: Plan | None, plan: Plan) -> Plan:
    if found is None or fitting.overhead(plan) < fitting.overhead(found):
        return plan
    return found
