"""Index expressions whose numbers advance evenly, as rows of a view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wengert.graph.operation import Operation
from wengert.graph.variable import Variable

Template = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Window t reads entry ``first + t · step`` along an axis of ``source``."""

    source: Variable
    axis: int
    first: int
    step: int

    def views(self, count: int) -> list[Operation]:
        """Return the views after which row t is what window t reads; none where it is so."""
        found: list[Operation] = []
        shape = self.source.shape
        value = self.source
        if self.axis:
            axes = (self.axis, *(k for k in range(len(shape)) if k != self.axis))
            turned = Variable(tuple(shape[k] for k in axes), value.dtype)
            found.append(Operation("transpose", (value,), (turned,), {"axes": axes}))
            value = turned
        if (self.first, self.step, count) != (0, 1, value.shape[0]):
            stop = self.first + count * self.step
            part = slice(self.first, stop if stop >= 0 else None, self.step)
            cut = Variable((count, *value.shape[1:]), value.dtype)
            found.append(Operation("index", (value,), (cut,), {"template": (part,)}))
        return found

    def inside(self, template: Template, at: int) -> Template:
        """Return what is left of an index expression once the row is there."""
        part = template[at]
        keeps = (None,) if isinstance(part, slice) else ()
        return (*template[:at], *keeps, *template[at + 1 :])


def step_of(numbers: Sequence[int]) -> tuple[int, int] | None:
    """Return (first, step) of numbers that advance evenly, None of others.

    >>> step_of([5, 3, 1]), step_of([1, 2, 4]), step_of([2, 2])
    ((5, -2), None, None)
    """
    first, step = numbers[0], numbers[1] - numbers[0]
    even = all(n == first + t * step for t, n in enumerate(numbers))
    return (first, step) if even and step else None


def advancing(templates: Sequence[Template]) -> int | None:
    """Return the one place in which index expressions differ, None where there are more."""
    first = templates[0]
    places = [i for i in range(len(first)) if any(each[i] != first[i] for each in templates)]
    return places[0] if len(places) == 1 else None


def row_of(source: Variable, templates: Sequence[Template], at: int) -> Row | None:
    """Return the row that each of these index expressions begins with, None where there is none."""
    axis = sum(part is not None for part in templates[0][:at])
    size = source.shape[axis]
    parts = [each[at] for each in templates]
    if isinstance(parts[0], slice):
        ranges = [range(*part.indices(size)) for part in parts]
        if any(len(each) != 1 for each in ranges):
            return None
        numbers = [each[0] for each in ranges]
    else:
        numbers = [part % size for part in parts]
    step = step_of(numbers)
    return None if step is None else Row(source, axis, *step)
