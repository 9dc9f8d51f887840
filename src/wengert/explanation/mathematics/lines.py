"""A derivation as pure data: the lines, what they say, and how they were checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from wengert.base.errors import Location
from wengert.explanation.mathematics.notation import Notation
from wengert.explanation.mathematics.terms import Atom, Index, Sum
from wengert.explanation.mathematics.verify import Check
from wengert.graph.variable import Variable

Kind = Literal["forward", "gradient", "local", "inside"]


@dataclass(frozen=True, slots=True)
class Prod:
    """prod(∂J/∂u, ∂u/∂v): one path of the chain rule."""

    outer: Variable
    by: Variable


@dataclass(frozen=True, eq=False, slots=True)
class Line:
    """One line of a derivation.

    Attributes:
        kind: forward, gradient (∂J/∂v), local (∂s/∂v of a scalar s), or inside of a function.
        left: what stands left of the equals sign.
        chain: the chain rule before it is resolved; empty where there is nothing to say.
        resolved: the right-hand side as terms: source of its matrix, index and NumPy form.
        variable: the forward variable that the line is about.
        gradient: for a gradient line the variable of the joint graph that holds it.
        location: the user's file and line.
        check: how far the line is from the engine and from differences.
        reads: the forward variables that the line reads.
    """

    kind: Kind
    left: Atom
    chain: tuple[Prod | Sum, ...]
    resolved: Sum
    variable: Variable
    gradient: Variable | None
    location: Location | None
    check: Check
    reads: tuple[Variable, ...]

    @property
    def outputs(self) -> tuple[Index, ...]:
        """The indices of the left-hand side."""
        return self.resolved.outputs

    @property
    def passed(self) -> bool:
        """Whether the line was executed and found right."""
        return self.check.passed


@dataclass(frozen=True, eq=False, slots=True)
class Derivation:
    """Forward lines, chain-rule lines with what they resolve to, and the insides of functions.

    Attributes:
        name: the traced function.
        objective: J.
        forward: one line a named intermediate, in order.
        gradients: ∂J/∂v in the reverse order, with ∂s/∂v before its first use.
        insides: what the user's functions are made of, one level down.
        notes: what was assumed and checked on the data, and what letters stand for.
        legend: the length of each axis, by its letter.
        notation: how variables and axes are written.
    """

    name: str
    objective: Variable
    forward: tuple[Line, ...]
    gradients: tuple[Line, ...]
    insides: tuple[Line, ...]
    notes: tuple[Note, ...]
    legend: Mapping[str, int]
    notation: Notation

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line, in the order of printing."""
        return (*self.forward, *self.gradients, *self.insides)

    @property
    def passed(self) -> bool:
        """Whether every line was found right."""
        return all(line.passed for line in self.lines)

    @property
    def worst(self) -> float:
        """The largest error of any line."""
        return max((line.check.error for line in self.lines), default=0.0)


@dataclass(frozen=True, eq=False, slots=True)
class Note:
    """Something stated beside the lines.

    ``kind`` is "define" (a letter stands for a tensor), "one-hot", "probabilities" (rows of
    labels sum to one) or "tie" (no two operands of max are equal).
    """

    kind: str
    tensor: Sum
    letter: str = ""
