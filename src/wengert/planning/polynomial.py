"""Polynomials with rational coefficients: exact, because bytes are whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, zip_longest
from math import ceil

_POWERS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Polynomial:
    """``coefficients[k]`` multiplies the k-th power; the last one is not zero.

    >>> Polynomial.of(4096, 1024).text("B")
    '1,024·B + 4,096'
    """

    coefficients: tuple[Fraction, ...] = ()

    @staticmethod
    def of(*coefficients: int | Fraction) -> Polynomial:
        """Return the polynomial with these coefficients, lowest power first."""
        found = [Fraction(each) for each in coefficients]
        while found and found[-1] == 0:
            found.pop()
        return Polynomial(tuple(found))

    @property
    def degree(self) -> int:
        """The highest power; 0 for a constant."""
        return max(0, len(self.coefficients) - 1)

    def __call__(self, at: int) -> Fraction:
        """Return the exact value at a whole number."""
        total = Fraction(0)
        for coefficient in reversed(self.coefficients):
            total = total * at + coefficient
        return total

    def __add__(self, other: Polynomial) -> Polynomial:
        pairs = zip_longest(self.coefficients, other.coefficients, fillvalue=Fraction(0))
        return Polynomial.of(*(a + b for a, b in pairs))

    def __neg__(self) -> Polynomial:
        return Polynomial(tuple(-each for each in self.coefficients))

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + -other

    def __mul__(self, other: Polynomial) -> Polynomial:
        found = [Fraction(0)] * (len(self.coefficients) + len(other.coefficients))
        for i, a in enumerate(self.coefficients):
            for j, b in enumerate(other.coefficients):
                found[i + j] += a * b
        return Polynomial.of(*found)

    def text(self, symbol: str) -> str:
        """Write it, highest power first, with thousands separated."""
        terms = [
            (coefficient, _power(symbol, power))
            for power, coefficient in reversed(list(enumerate(self.coefficients)))
            if coefficient
        ]
        if not terms:
            return "0"
        head, *rest = terms
        first = ("−" if head[0] < 0 else "") + _term(*head)
        return first + "".join(f" {'−' if c < 0 else '+'} {_term(c, power)}" for c, power in rest)


def _power(symbol: str, power: int) -> str:
    return "" if power == 0 else symbol + (str(power).translate(_POWERS) if power > 1 else "")


def _term(coefficient: Fraction, power: str) -> str:
    size = abs(coefficient)
    number = f"{size.numerator:,}" + (f"/{size.denominator:,}" if size.denominator > 1 else "")
    if not power:
        return number
    return power if size == 1 else f"{number}·{power}"


def fit(points: Sequence[int], values: Sequence[int]) -> Polynomial:
    """Return the polynomial of least degree through all points (Newton's divided differences).

    >>> fit((2, 3, 4), (5, 7, 9)).text("n")
    '2·n + 1'
    """
    differences = [Fraction(value) for value in values]
    result, basis = Polynomial(), Polynomial.of(1)
    for level, point in enumerate(points):
        result = result + basis * Polynomial.of(differences[0])
        basis = basis * Polynomial.of(-point, 1)
        differences = [
            (after - before) / (points[at + level + 1] - points[at])
            for at, (before, after) in enumerate(pairwise(differences))
        ]
    return result


def last_sign_change(polynomial: Polynomial) -> int:
    """Return a whole number above which the polynomial has the sign of its leading term.

    Cauchy's bound on the roots.
    """
    if len(polynomial.coefficients) < 2:
        return 0
    *rest, lead = polynomial.coefficients
    return 1 + ceil(max(abs(each / lead) for each in rest))


def turns(polynomial: Polynomial, low: int, high: int) -> list[int]:
    """Return each whole b in (low, high] where p(b) > 0 differs from p(b − 1) > 0.

    Between two turns of the difference p(b + 1) − p(b), which has one degree less, p rises
    or falls throughout, so bisection finds its only turn there.
    """
    if polynomial.degree == 0 or low >= high:
        return []
    difference = _shifted(polynomial) - polynomial
    bounds = [low, *turns(difference, low, high - 1), high]
    runs = pairwise(bounds)
    return [at for a, b in runs if (at := _turn_in_run(polynomial, a, b)) is not None]


def _turn_in_run(polynomial: Polynomial, low: int, high: int) -> int | None:
    before = polynomial(low) > 0
    if (polynomial(high) > 0) == before:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if (polynomial(middle) > 0) == before:
            low = middle
        else:
            high = middle
    return high


def _shifted(polynomial: Polynomial) -> Polynomial:
    result = Polynomial()
    for coefficient in reversed(polynomial.coefficients):
        result = result * Polynomial.of(1, 1) + Polynomial.of(coefficient)
    return result


def maximum_pieces(
    polynomials: Sequence[Polynomial], start: int
) -> list[tuple[int, int | None, Polynomial]]:
    """Return the largest of the polynomials piece by piece: (first, last or None, polynomial)."""
    rivals = _undominated(polynomials, start)
    pieces: list[tuple[int, int | None, Polynomial]] = []
    at = start
    while True:
        best = max(rivals, key=lambda each: (each(at), tuple(reversed(_padded(each, rivals)))))
        later = [b for other in rivals if (b := _overtakes(other, best, at)) is not None]
        if not later:
            return [*pieces, (at, None, best)]
        pieces.append((at, min(later) - 1, best))
        at = min(later)


def _padded(polynomial: Polynomial, others: Sequence[Polynomial]) -> tuple[Fraction, ...]:
    longest = max(len(each.coefficients) for each in others)
    return polynomial.coefficients + (Fraction(0),) * (longest - len(polynomial.coefficients))


def _overtakes(other: Polynomial, best: Polynomial, at: int) -> int | None:
    lead = other - best
    high = max(at, last_sign_change(lead)) + 1
    return next((b for b in turns(lead, at, high) if lead(b) > 0), None)


def _undominated(polynomials: Sequence[Polynomial], start: int) -> list[Polynomial]:
    """Drop what another one never lets win: smaller or equal in every coefficient."""
    distinct = sorted(set(polynomials), key=lambda each: each(start), reverse=True)
    kept: list[Polynomial] = []
    for each in distinct:
        if not any(_covers(other, each) for other in kept):
            kept.append(each)
    return kept or [Polynomial()]


def _covers(other: Polynomial, each: Polynomial) -> bool:
    return all(coefficient >= 0 for coefficient in (other - each).coefficients)


def last_within(polynomial: Polynomial, limit: int, low: int, high: int | None) -> int | None:
    """Return the largest b in [low, high] with p(b) ≤ limit, None where there is none.

    ``high=None`` is no bound; a polynomial that stays within the limit for ever gives -1.
    """
    excess = polynomial - Polynomial.of(limit)
    far = max(low, last_sign_change(excess)) + 1
    if high is None:
        if excess(far) <= 0:
            return -1
        high = far
    if excess(high) <= 0:
        return high
    ups = turns(excess, low, high)
    within = [b for b in (low, *ups) if excess(b) <= 0]
    return next(b for b in ups if b > within[-1]) - 1 if within else None
