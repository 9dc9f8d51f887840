"""The text of one operation, and what the row that writes it may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from wengert.graph.operation import Operation

COMPARE, SUM, PRODUCT, SIGN, POWER, ATOM = range(6)


class Expression(NamedTuple):
    """Python text and how tightly its last operation binds."""

    text: str
    level: int = ATOM

    def inside(self, level: int) -> str:
        """Return the text as an operand of an operation that binds this tightly."""
        return self.text if self.level >= level else f"({self.text})"


class Use(Protocol):
    """One operation as a row sees it."""

    operation: Operation

    def read(self, place: int) -> Expression:
        """Return an operand as it is."""
        ...

    def operand(self, place: int, level: int = COMPARE) -> str:
        """Return an operand with the dtype that it has."""
        ...

    def weak(self, place: int, level: int = COMPARE) -> str:
        """Return an operand; a number may stand bare where NumPy then takes the other's dtype."""
        ...

    def is_bare(self, place: int) -> bool:
        """Return whether ``weak`` gives a bare number."""
        ...

    def is_ordered(self, place: int) -> bool:
        """Return whether NumPy's own order for results of this operand is C order."""
        ...

    def is_exact(self, place: int) -> bool:
        """Return whether an operand surely lies in C order, one element after another."""
        ...

    def helper(self, name: str) -> str:
        """Ask for a helper function and return what it is called."""
        ...


Row = Callable[[Use], Expression]


def given(use: Use, place: int, ordered: bool = True) -> str:
    """Return an operand, in C order where that is asked for."""
    if not ordered or use.operation.inputs[place].rank < 2 or use.is_ordered(place):
        return use.operand(place)
    return f"np.ascontiguousarray({use.operand(place)})"


def in_order(use: Use, text: str, is_ordered: bool) -> Expression:
    """Return a call whose result is put into C order unless it surely lies in it."""
    if is_ordered or use.operation.output.rank < 2:
        return Expression(text)
    return Expression(f"np.ascontiguousarray({text})")
