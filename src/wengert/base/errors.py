"""The family of designed errors: what was asked, expected and got, where, and what to write."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Location:
    """A place in the user's code.

    >>> str(Location("net.py", 12, "forward"))
    'net.py:12 in forward'
    """

    file: str
    line: int
    function: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return f"{place} in {self.function}" if self.function else place


class WengertError(Exception):
    """Base of every error that Wengert raises on purpose.

    Args:
        asked: what the user asked for, in one sentence.
        expected: what would have been right.
        got: what came instead, in the user's variable names.
        remedy: what to write instead.
        where: the user's file and line.

    >>> print(WengertError("W @ x needs matching axes", expected="x: (3,)", got="x: (4,)"))
    W @ x needs matching axes
      expected: x: (3,)
      got:      x: (4,)
    """

    def __init__(
        self,
        asked: str,
        *,
        expected: str | None = None,
        got: str | None = None,
        remedy: str | None = None,
        where: Location | str | None = None,
    ) -> None:
        super().__init__(asked)
        self.asked, self.expected, self.got = asked, expected, got
        self.remedy, self.where = remedy, where

    def __str__(self) -> str:
        rows = (
            ("expected:", self.expected),
            ("got:     ", self.got),
            ("where:   ", self.where),
            ("instead: ", self.remedy),
        )
        lines = [self.asked]
        for head, text in rows:
            if text is not None:
                body = str(text).replace("\n", "\n            ")
                lines.append(f"  {head} {body}")
        return "\n".join(lines)


class ShapeError(WengertError, ValueError):
    """Shapes that do not fit together."""


class DtypeError(WengertError, TypeError):
    """A dtype that the operation or the parameter cannot have."""


class TraceError(WengertError, TypeError):
    """Something that cannot be recorded: a traced value leaves the graph."""


class UnsupportedError(TraceError, NotImplementedError):
    """A NumPy callable outside the supported surface; the message names the nearest one."""


class GraphError(WengertError):
    """A graph that breaks its own rules, or a text that is not a graph."""


class DifferentiationError(WengertError):
    """A derivative that does not exist or was asked of the wrong thing."""


class GradientMismatch(WengertError, AssertionError):
    """A gradient that disagrees with its independent check."""


class DataError(WengertError, ValueError):
    """Data that cannot be used: malformed file, empty batch, label out of range, NaN."""


class LinearAlgebraError(DataError, np.linalg.LinAlgError):
    """A matrix that cannot be inverted or factored: singular, not positive definite, no limit."""


class NonFiniteError(WengertError, FloatingPointError):
    """A loss or parameter that became infinite or NaN."""


class OptionError(WengertError, ValueError):
    """An argument or option with a value that makes no sense."""


class BudgetError(WengertError, MemoryError):
    """A memory budget that cannot be met."""


class WengertWarning(UserWarning):
    """Something legal that is probably not meant, such as a parameter without a gradient."""
