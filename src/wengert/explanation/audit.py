"""What a graph lost and what it holds: inputs without a gradient, and captured constants."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from wengert.base.dtypes import is_differentiable
from wengert.base.errors import Location
from wengert.base.quantities import format_bytes
from wengert.base.shapes import Shape
from wengert.differentiation.reverse import connected, where_cut
from wengert.graph.graph import Graph
from wengert.graph.variable import Variable
from wengert.graph.walk import ancestors


@dataclass(frozen=True)
class Cut:
    """An operation that no derivative passes.

    Attributes:
        operator: its operator: ``greater``, ``argmax``, ``stop_gradient``, …
        where: the user's line, None where it is not known.
    """

    operator: str
    where: Location | None

    def __str__(self) -> str:
        return self.operator if self.where is None else f"{self.operator} at {self.where}"


@dataclass(frozen=True)
class Lost:
    """An input with no path of derivatives to a result.

    Attributes:
        name: as the user calls it.
        role: "parameter" or "input".
        shape, dtype: its type.
        is_used: whether any result depends on it at all.
        cuts: where each path ends; empty where there is none.
    """

    name: str
    role: str
    shape: Shape
    dtype: str
    is_used: bool
    cuts: tuple[Cut, ...]

    def __str__(self) -> str:
        why = "no result depends on it"
        if self.cuts:
            why = f"the path is cut by {'; '.join(map(str, self.cuts))}"
        elif self.is_used:
            why = f"{self.dtype} has no derivative"
        return f"{self.name}: {self.dtype} {self.shape} — {why}"


@dataclass(frozen=True)
class Held:
    """An array or a named number that the function closes over; the graph has a copy of it.

    Attributes:
        name: as the user calls it, None where it has no name.
        shape, dtype, nbytes: its type and size.
        where: the first line that reads it, None where it is not known.
    """

    name: str | None
    shape: Shape
    dtype: str
    nbytes: int
    where: Location | None

    def __str__(self) -> str:
        place = "" if self.where is None else f", read at {self.where}"
        size = format_bytes(self.nbytes)
        return f"{self.name or 'an array'}: {self.dtype} {self.shape}, {size}{place}"


@dataclass(frozen=True)
class Audit:
    """What ``graph.audit()`` found; ``print`` shows it.

    Attributes:
        name: of the function.
        lost: inputs that no gradient reaches, in order.
        constants: arrays and named numbers closed over, the largest first.
    """

    name: str
    lost: tuple[Lost, ...]
    constants: tuple[Held, ...]

    @property
    def constant_bytes(self) -> int:
        """Bytes of all captured constants."""
        return sum(each.nbytes for each in self.constants)

    def to_data(self) -> dict[str, Any]:
        """Return the audit as plain data."""
        return asdict(self)

    def text(self) -> str:
        """Return the audit as text."""
        total = format_bytes(self.constant_bytes)
        rows = [
            f"audit of {self.name}",
            *_section("without a gradient", "every input has a path to a result", self.lost),
            *_section(f"closed over, {total}", "nothing is closed over", self.constants),
        ]
        return "\n".join(rows)

    def __str__(self) -> str:
        return self.text()


def _section(head: str, empty: str, rows: tuple[Lost, ...] | tuple[Held, ...]) -> list[str]:
    return [f"  {head}:", *(f"    {row}" for row in rows)] if rows else [f"  {empty}"]


def audit(graph: Graph) -> Audit:
    """Return the inputs that no gradient reaches, and the constants that are closed over.

    >>> import numpy as np
    >>> from wengert.tracing.trace import trace
    >>> graph = trace(lambda w, b: np.sum(w) + np.sum(np.sign(b)), np.ones(2), np.ones(3))
    >>> found = audit(graph)
    >>> [each.name for each in found.lost], found.lost[0].cuts[0].operator
    (['b'], 'sign')
    """
    reached = connected(graph, graph.outputs)
    used = ancestors(graph.operations, graph.outputs)
    lost = tuple(_lost(graph, each, used) for each in graph.inputs if each not in reached)
    held = [_held(graph, each) for each in graph.constants if _is_captured(each)]
    return Audit(graph.name, lost, tuple(sorted(held, key=lambda each: -each.nbytes)))


def _lost(graph: Graph, variable: Variable, used: set[Variable]) -> Lost:
    found = where_cut(graph, variable, graph.outputs) if is_differentiable(variable.dtype) else ()
    return Lost(
        variable.label or "an input",
        variable.role,
        variable.shape,
        variable.dtype.name,
        variable in used,
        tuple(Cut(each.operator, each.location) for each in found),
    )


def _is_captured(variable: Variable) -> bool:
    """Return whether a constant was read from outside; a number in the code was not."""
    named = variable.name is not None or variable.formula is not None
    return (named or variable.shape != ()) and variable.of is None


def _held(graph: Graph, variable: Variable) -> Held:
    readers = graph.consumers.get(variable, ())
    where = next((each.location for each in readers if each.location is not None), None)
    name = variable.label or variable.formula
    return Held(name, variable.shape, variable.dtype.name, variable.nbytes, where)
