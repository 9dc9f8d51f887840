"""The largest size that a budget allows when forward variables may be made again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from wengert.base.errors import BudgetError, OptionError
from wengert.base.quantities import format_bytes
from wengert.planning.budget import Fitting
from wengert.planning.fitting import attempt
from wengert.planning.growth import Growth, Largest
from wengert.planning.plan import Plan

_BEYOND = 1 << 50

FittingOf = Callable[[Plan], Fitting]


@dataclass(eq=False)
class _Sizes:
    """Plans within a budget, size by size, each made once."""

    of: Growth
    budget: int
    fitting_of: FittingOf
    again: bool
    known: dict[int, Fitting | None] = field(default_factory=dict[int, "Fitting | None"])

    def fitting(self, size: int) -> Fitting | None:
        if size not in self.known:
            plan = attempt(self.of.plan_at, size)
            self.known[size] = None if plan is None else self.fitting_of(plan)
        return self.known[size]

    def plan(self, size: int) -> Plan | None:
        found = self.fitting(size)
        if found is None:
            return None
        if self.again:
            return found.within(self.budget)
        return found.plan if found.nbytes(found.plan) <= self.budget else None

    def least(self, fitting: Fitting) -> Plan:
        """Return the plan of a size that needs least."""
        return fitting.lowest if self.again else fitting.plan


def largest_within(
    of: Growth, budget: int, fitting_of: FittingOf = Fitting, again: bool = True
) -> Largest:
    """Return the largest size whose cheapest plan within the budget exists.

    The answer has such a plan and one more has none; sizes beyond are not looked at, as a larger
    one that fits by chance is no size to rely on.

    Args:
        of: gives the plan at a size.
        budget: bytes that are allowed.
        fitting_of: gives what an executor needs for a plan, under every budget.
        again: whether forward variables may be made again.

    Raises:
        BudgetError: not even the smallest size fits.
        OptionError: every size fits.
    """
    sizes = _Sizes(of, budget, fitting_of, again)
    low, high = _bounds(sizes)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if sizes.plan(middle) is not None else (low, middle)
    plan, here, beyond = sizes.plan(low), sizes.fitting(low), sizes.fitting(low + 1)
    assert plan is not None and here is not None
    if beyond is None:
        return Largest.at(low, of, budget)
    plans = plan, sizes.least(beyond)
    needs = here.nbytes(plan), beyond.nbytes(plans[1])
    return Largest.with_plans(low, of, budget, plans, needs)


def _bounds(sizes: _Sizes) -> tuple[int, int]:
    """Return a size that fits and a larger one that does not."""
    of = sizes.of
    low = max(of.at, of.least)
    if sizes.plan(low) is not None:
        high = 2 * low
        while sizes.plan(high) is not None:
            low, high = high, 2 * high
            if high > _BEYOND:
                raise OptionError(
                    f"there is no largest {of.what} within {format_bytes(sizes.budget)}",
                    expected=f"bytes that grow with {of.symbol}",
                )
        return low, high
    high = low
    while high > of.least:
        low = max(of.least, high // 2)
        if sizes.plan(low) is not None:
            return low, high
        high = low
    raise _nothing_fits(sizes)


def _nothing_fits(sizes: _Sizes) -> BudgetError:
    of, first = sizes.of, sizes.fitting(sizes.of.least)
    if first is None:
        return BudgetError(f"no {of.what} fits {format_bytes(sizes.budget)}")
    reason = first.refusal(sizes.budget)
    reason.asked = f"no {of.what} fits {format_bytes(sizes.budget)}: at {of.symbol} = {of.least}, "
    reason.asked += "whatever is made again"
    return reason
