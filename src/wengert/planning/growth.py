"""How the peak grows with a size: an exact formula, and the largest size that fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wengert.base.errors import BudgetError, OptionError
from wengert.base.quantities import format_bytes
from wengert.planning.fitting import Basis, Fit, PlanAt, attempt, first_held, fit_plans
from wengert.planning.plan import Plan
from wengert.planning.polynomial import Polynomial, last_within, maximum_pieces


@dataclass(frozen=True, slots=True)
class Piece:
    """The peak between two sizes, both included; ``last=None`` is without end."""

    first: int
    last: int | None
    formula: Polynomial


@dataclass(frozen=True, eq=False)
class Growth:
    """The peak of a plan as a function of a size.

    Calling it with a size gives the bytes: by the formula where that holds, by planning at
    that very size elsewhere. Both are exact.

    Attributes:
        what: the size that changes, "batch size".
        symbol: its letter in the formula.
        at: its value in the plan that was asked for.
        pieces: the formula, piece by piece; empty where the peak follows no polynomial.
        basis: "storages" or "peak", see :class:`wengert.planning.fitting.Fit`.
        least: the smallest size that makes sense.
        note: what a reader should know, such as where the sequence of operations changes.
    """

    what: str
    symbol: str
    at: int
    pieces: tuple[Piece, ...]
    basis: Basis | None
    least: int
    note: str | None
    plan_at: PlanAt = field(repr=False)

    def __call__(self, size: int) -> int:
        """Return the peak in bytes at a size."""
        if size < self.least:
            raise OptionError(
                f"the {self.what} must be at least {self.least}", got=f"{self.symbol} = {size}"
            )
        for piece in self.pieces:
            if piece.first <= size and (piece.last is None or size <= piece.last):
                return int(piece.formula(size))
        return self.plan_at(size).peak_bytes

    @property
    def formula(self) -> str:
        """The formula in one line, such as ``peak(B) = 1,024·B + 4,096 bytes for B ≥ 2``."""
        if not self.pieces:
            return f"peak({self.symbol}) follows no polynomial: each size is planned by itself"
        parts = [
            f"{piece.formula.text(self.symbol)} bytes {self._range(piece)}" for piece in self.pieces
        ]
        return f"peak({self.symbol}) = " + "; ".join(parts)

    def rows(self, sizes: Sequence[int] | None = None) -> list[tuple[int, int]]:
        """Return (size, peak bytes), by default for halves and doubles of the present size."""
        chosen = sizes or sorted({max(self.least, self.at // 2)} | {self.at << k for k in range(4)})
        return [(size, self(size)) for size in chosen]

    def __str__(self) -> str:
        lines = [f"{self.what} {self.symbol}: {self.formula}"]
        pairs = [(f"{self.symbol} = {size:,}", peak) for size, peak in self.rows()]
        wide = max(len(text) for text, _ in pairs)
        lines += [f"  {text.ljust(wide)}  {format_bytes(peak):>8}" for text, peak in pairs]
        return "\n".join([*lines, *([f"  {self.note}"] if self.note else [])])

    def _range(self, piece: Piece) -> str:
        if piece.last is None:
            return f"for {self.symbol} ≥ {piece.first:,}"
        if piece.last == piece.first:
            return f"for {self.symbol} = {piece.first:,}"
        return f"for {piece.first:,} ≤ {self.symbol} ≤ {piece.last:,}"


@dataclass(frozen=True, eq=False)
class Growths:
    """How the peak grows: with the batch, and where they can be told with width and layers.

    Attributes:
        batch: as a function of the batch size.
        width: as a function of the input width, None where no axes can be tied to it.
        layers: as a function of the number of equal layers, None where the parameters hold
            no list of two or more.
    """

    batch: Growth
    width: Growth | None
    layers: Growth | None

    def __call__(self, batch: int) -> int:
        """Return the peak in bytes at a batch size."""
        return self.batch(batch)

    @property
    def formula(self) -> str:
        """The formula in the batch size."""
        return self.batch.formula

    def __str__(self) -> str:
        return "\n".join(str(each) for each in (self.batch, self.width, self.layers) if each)


def growth(plan_at: PlanAt, at: int, what: str, symbol: str, least: int = 1) -> Growth:
    """Return how the peak grows with a size, from plans at a few sizes.

    The storages of the plans are matched position by position and the bytes of each fitted as
    a polynomial; the peak is the largest of the sums over what is alive together. Two further
    plans and the smallest sizes check the formula before it is returned.

    Args:
        plan_at: gives the plan at a size.
        at: the present size.
        what: the size in words, for texts.
        symbol: its letter.
        least: the smallest size that makes sense.
    """
    known: dict[int, Plan] = {}

    def remembered(size: int) -> Plan:
        if size not in known:
            known[size] = plan_at(size)
        return known[size]

    found = next((f for s in (at, at + 1) if (f := fit_plans(remembered, s)) is not None), None)
    if found is None:
        note = f"no polynomial reproduces the plans from {symbol} = {at} on"
        return Growth(what, symbol, at, (), None, least, note, remembered)
    first = first_held(found, remembered, least)
    pieces = tuple(Piece(*each) for each in maximum_pieces(found.live, first))
    note = _note(found, remembered, first, least, symbol)
    return Growth(what, symbol, at, pieces, found.basis, least, note, remembered)


def _note(found: Fit, plan_at: PlanAt, first: int, least: int, symbol: str) -> str | None:
    parts: list[str] = []
    if found.basis == "peak":
        parts.append(
            f"the number of operations changes with {symbol}, so the peak itself was fitted; "
            f"plans up to {symbol} = {4 * found.start + 3} agree"
        )
    if first > least:
        below = attempt(plan_at, first - 1)
        what = (
            "the function cannot be traced" if below is None else "other operations or shapes run"
        )
        parts.append(f"below {symbol} = {first} {what}")
    return "; ".join(parts) or None


class Largest(int):
    """The largest size whose plan fits a budget: a whole number that carries its proof.

    Attributes:
        of: the growth that was asked.
        budget: bytes that were allowed.
        plan: the plan at this size.
        next_plan: the plan at one more, which is over the budget.
        peak_bytes: what this size needs, within the budget: the peak of its plan, or its arena
            where forward variables may be made again.
        next_peak_bytes: what one more needs, over the budget.
    """

    of: Growth
    budget: int
    plan: Plan
    next_plan: Plan
    peak_bytes: int
    next_peak_bytes: int

    @classmethod
    def at(cls, size: int, of: Growth, budget: int) -> Largest:
        """Return the size with its own plan and that of one more."""
        plans = of.plan_at(size), of.plan_at(size + 1)
        return cls.with_plans(size, of, budget, plans, [each.peak_bytes for each in plans])

    @classmethod
    def with_plans(
        cls, size: int, of: Growth, budget: int, plans: tuple[Plan, Plan], needs: Sequence[int]
    ) -> Largest:
        """Return the size with the plans of it and of one more, and the bytes they need."""
        found = cls(size)
        found.of, found.budget = of, budget
        found.plan, found.next_plan = plans
        found.peak_bytes, found.next_peak_bytes = needs
        return found

    def text(self) -> str:
        """Say it in a sentence with both plans."""
        return (
            f"largest {self.of.what} within {format_bytes(self.budget)}: {int(self):,} "
            f"(peak {self.peak_bytes:,} bytes, {int(self) + 1:,} would need "
            f"{self.next_peak_bytes:,}; state and batch are {self.plan.state_bytes:,} more)"
        )


def largest(of: Growth, budget: int) -> Largest:
    """Return the largest size whose peak is within the budget, checked by planning directly.

    Nothing is taken to be monotone: the answer is the last size at which the formula is
    within the budget, and both it and the next one are planned before it is returned.

    Raises:
        BudgetError: not even the smallest size fits.
        OptionError: every size fits, as the peak does not grow.
    """
    guess = _by_formula(of, budget)
    if guess is None or not _is_last(of, guess, budget):
        guess = _by_planning(of, budget)
    return Largest.at(guess, of, budget)


def _is_last(of: Growth, size: int, budget: int) -> bool:
    here, following = attempt(of.plan_at, size), attempt(of.plan_at, size + 1)
    if here is None or following is None:
        return False
    return here.peak_bytes <= budget < following.peak_bytes


def _by_formula(of: Growth, budget: int) -> int | None:
    for piece in reversed(of.pieces):
        found = last_within(piece.formula, budget, piece.first, piece.last)
        if found == -1:
            raise OptionError(
                f"there is no largest {of.what} within {format_bytes(budget)}",
                expected=f"a peak that grows with {of.symbol}",
                got=of.formula,
            )
        if found is not None:
            return found
    return None


def _by_planning(of: Growth, budget: int) -> int:
    """Bisect between a size that fits and one that does not, planning each."""
    low = of.least
    peak = of.plan_at(low).peak_bytes
    if peak > budget:
        raise BudgetError(
            f"no {of.what} fits {format_bytes(budget)}",
            expected=f"at least {peak:,} bytes ({format_bytes(peak)}), "
            f"the peak at {of.symbol} = {low}",
            got=f"{budget:,} bytes",
            remedy=f"allow {format_bytes(peak)} or make the network smaller",
        )
    high = max(2 * low, of.at)
    while of.plan_at(high).peak_bytes <= budget:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        fits = of.plan_at(middle).peak_bytes <= budget
        low, high = (middle, high) if fits else (low, middle)
    return low
