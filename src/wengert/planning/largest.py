"""The largest size that a budget allows when forward variables may be made again."""

from __future__ import annotations

from dataclasses import dataclass, field

from wengert.base.errors import BudgetError, OptionError
from wengert.base.quantities import format_bytes
from wengert.planning.budget import Fitting, arena
from wengert.planning.fitting import attempt
from wengert.planning.growth import Growth, Largest
from wengert.planning.plan import Plan

_BEYOND = 1 << 50


@dataclass(eq=False)
class _Sizes:
    """Plans within a budget, size by size, each made once."""

    of: Growth
    budget: int
    known: dict[int, Fitting | None] = field(default_factory=dict[int, "Fitting | None"])

    def fitting(self, size: int) -> Fitting | None:
        if size not in self.known:
            plan = attempt(self.of.plan_at, size)
            self.known[size] = None if plan is None else Fitting(plan)
        return self.known[size]

    def plan(self, size: int) -> Plan | None:
        found = self.fitting(size)
        return None if found is None else found.within(self.budget)


def largest_within(of: Growth, budget: int) -> Largest:
    """Return the largest size whose cheapest plan within the budget exists.

    The answer has such a plan and one more has none; sizes beyond are not looked at, as a larger
    one that fits by chance is no size to rely on.

    Raises:
        BudgetError: not even the smallest size fits.
        OptionError: every size fits.
    """
    sizes = _Sizes(of, budget)
    low, high = _bounds(sizes)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if sizes.plan(middle) is not None else (low, middle)
    plan, beyond = sizes.plan(low), sizes.fitting(low + 1)
    assert plan is not None
    if beyond is None:
        return Largest.at(low, of, budget)
    plans = plan, beyond.lowest
    return Largest.with_plans(low, of, budget, plans, [arena(each).nbytes for each in plans])


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
