"""Bytes at every operation as exact polynomials of a size, from plans at a few sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from wengert.base.errors import WengertError
from wengert.planning.plan import Plan
from wengert.planning.polynomial import Polynomial, fit

PlanAt = Callable[[int], Plan]
Basis = Literal["storages", "peak"]


@dataclass(frozen=True, slots=True)
class Fit:
    """Polynomials of which the peak is the largest.

    Attributes:
        basis: "storages" when each one stands for the bytes alive at one operation, summed
            over storages fitted one by one; "peak" when the number of operations changes
            with the size, so that only the peak itself could be fitted.
        live: the polynomials.
        start: the smallest size that they were fitted at.
    """

    basis: Basis
    live: tuple[Polynomial, ...]
    start: int

    def agrees(self, plan: Plan) -> Callable[[int], bool]:
        """Return whether a direct plan at a size is what the polynomials say."""

        def at(size: int) -> bool:
            said = tuple(polynomial(size) for polynomial in self.live)
            return said == (plan.live if self.basis == "storages" else (plan.peak_bytes,))

        return at


def fit_plans(plan_at: PlanAt, start: int) -> Fit | None:
    """Return polynomials that reproduce the plans from ``start`` on, None if there are none.

    The degree is at most 2 where that reproduces two further plans, else at most 4.
    """
    further = (2 * start + 1, 4 * start + 3)
    for count in (3, 5):
        found = _fit_at(plan_at, range(start, start + count))
        if found is not None and all(holds(found, plan_at, size) for size in further):
            return found
    return None


def holds(found: Fit, plan_at: PlanAt, size: int) -> bool:
    """Return whether the polynomials give the plan that is made directly at ``size``."""
    plan = attempt(plan_at, size)
    return plan is not None and found.agrees(plan)(size)


def attempt(plan_at: PlanAt, size: int) -> Plan | None:
    """Return the plan at a size, None where the function cannot be traced with it."""
    try:
        return plan_at(size)
    except WengertError:
        return None


def first_held(found: Fit, plan_at: PlanAt, least: int) -> int:
    """Return the smallest size from which the polynomials hold up to where they were fitted.

    The sizes below are taken to be one run: those that hold above, those that differ below.
    """
    for size in (least, least + 1):
        if size >= found.start or holds(found, plan_at, size):
            return min(size, found.start)
    low, high = least + 1, found.start
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(found, plan_at, middle) else (middle, high)
    return high


def _fit_at(plan_at: PlanAt, sizes: Sequence[int]) -> Fit | None:
    plans = [attempt(plan_at, size) for size in sizes]
    made = [plan for plan in plans if plan is not None]
    if len(made) < len(plans):
        return None
    if len({_signature(plan) for plan in made}) == 1:
        return Fit("storages", _fit_storages(made, sizes), sizes[0])
    return Fit("peak", (fit(sizes, [plan.peak_bytes for plan in made]),), sizes[0])


def _signature(plan: Plan) -> tuple[object, ...]:
    """Return what must be equal for storages to be matched position by position."""
    number = {variable: at for at, variable in enumerate(plan.graph.variables)}
    operations = tuple(
        (operation.operator, *(number[operand] for operand in operation.inputs))
        for operation in plan.graph.operations
    )
    storages = tuple((number[e.base], e.birth, e.death) for e in plan.intermediates)
    return operations, storages


def _fit_storages(plans: Sequence[Plan], sizes: Sequence[int]) -> tuple[Polynomial, ...]:
    columns = zip(*(plan.intermediates for plan in plans), strict=True)
    change = [Polynomial()] * (len(plans[0].schedule) + 1)
    for column in columns:
        nbytes = fit(sizes, [each.nbytes for each in column])
        death = min(column[0].death, len(change) - 1)
        change[column[0].birth] = change[column[0].birth] + nbytes
        change[death] = change[death] - nbytes
    workspace = zip(*(plan.workspace for plan in plans), strict=True)
    total, live = Polynomial(), list[Polynomial]()
    for step, extra in zip(change, workspace, strict=False):
        total = total + step
        live.append(total + fit(sizes, extra))
    return tuple(live)
