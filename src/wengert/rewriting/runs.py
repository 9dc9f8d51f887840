"""Stretches of a list of operations that repeat: what a Python loop leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wengert.base.guards import is_slice
from wengert.graph.literals import write_literal
from wengert.graph.operation import Operation

# A loop of fewer iterations, or fewer operations in all, is left as it is.
FEWEST, LEAST = 12, 480
_LONGEST = 4_000
# Ways to read the same start that are tried: an operation may stand in a body several times.
_TRIED = 24


@dataclass(frozen=True, slots=True)
class Run:
    """Operations ``start … start + period · count`` are ``count`` windows that look alike."""

    start: int
    period: int
    count: int

    @property
    def end(self) -> int:
        """One past the last operation."""
        return self.start + self.period * self.count

    def trimmed(self, first: int, last: int) -> Run:
        """Return the run without some windows at either end."""
        return Run(self.start + first * self.period, self.period, self.count - first - last)


def runs(operations: Sequence[Operation]) -> list[Run]:
    """Return the stretches that repeat, in order, the shortest period of each.

    Operations look alike when they have the same operator, attributes (but for integers in an
    index), types and line. Time is linear in their number.
    """
    looks = _looks(operations)
    after = _next(looks)
    found: list[Run] = []
    unlike: dict[int, int] = {}
    at = 0
    while at < len(looks):
        run = _run_at(looks, after, at, unlike)
        if run is None:
            at += 1
        else:
            found.append(run)
            at = run.end
    return found


def _run_at(looks: list[int], after: list[int], at: int, unlike: dict[int, int]) -> Run | None:
    """Return the run that begins here, if one does.

    ``unlike`` remembers, for each period, the first place known to differ from the one a period
    later, so that no place is compared twice at the same distance.
    """
    again = after[at]
    for _ in range(_TRIED):
        period = again - at
        if again >= len(looks) or period > _LONGEST:
            return None
        end = unlike.get(period, -1)
        if end < at:
            end = at
            while end + period < len(looks) and looks[end] == looks[end + period]:
                end += 1
            unlike[period] = end
        count = (end - at) // period + 1
        if count >= FEWEST and count * period >= LEAST:
            return Run(at, period, count)
        again = after[again]
    return None


def _next(looks: list[int]) -> list[int]:
    """Return for each place the next one that looks the same; past the end where there is none."""
    seen: dict[int, int] = {}
    found = [len(looks)] * len(looks)
    for at in range(len(looks) - 1, -1, -1):
        found[at] = seen.get(looks[at], len(looks))
        seen[looks[at]] = at
    return found


def _looks(operations: Sequence[Operation]) -> list[int]:
    numbers: dict[Any, int] = {}
    return [numbers.setdefault(look(each), len(numbers)) for each in operations]


def look(operation: Operation) -> Any:
    """Return what operations that look alike have in common."""
    where = operation.location
    return (
        operation.operator,
        tuple((v.shape, v.dtype) for v in operation.inputs),
        tuple((v.shape, v.dtype) for v in operation.outputs),
        tuple((name, alike(value) if name == "template" else write_literal(value))
              for name, value in operation.attributes.items()),
        where and (where.file, where.line),
    )  # fmt: skip


def alike(template: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what two index expressions share that differ in numbers only.

    >>> alike((3, slice(1, 2), "#0")) == alike((4, slice(2, 3), "#0"))
    True
    """
    return tuple(map(_kind, template))


def _kind(part: Any) -> Any:
    if is_slice(part):
        return ("slice", part.step)
    return "int" if isinstance(part, int) else part
