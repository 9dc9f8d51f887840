"""How everything is written: names of variables, letters of axes, short names for tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wengert.explanation.mathematics.terms import Atom, same_atoms
from wengert.explanation.symbols import Name, parse_name
from wengert.graph.variable import Variable

_FUNCTIONS = {"loss": "ℓ", "ell": "ℓ", "activation": "ϕ"}


@dataclass(frozen=True, eq=False)
class Notation:
    """Names for everything that is printed.

    Attributes:
        objective: the variable J; written J where the user has no name for it.
        unnamed: names made up for variables that have none.
        axes: the letter of each axis, by its identity.
        short: tensors with a letter of their own, such as P for softmax(O).
    """

    objective: Variable
    unnamed: Mapping[Variable, str] = field(default_factory=dict[Variable, str])
    axes: Mapping[int, str] = field(default_factory=dict[int, str])
    short: tuple[tuple[Atom, str], ...] = ()

    def name(self, variable: Variable) -> Name:
        """Return base, superscript and subscript of a variable."""
        if variable.name is None:
            made_up = self.unnamed.get(variable, "J")
            return parse_name(made_up, variable.rank) if variable.rank else function_name(made_up)
        return parse_name(variable.name, variable.rank, variable.version)

    def letter(self, atom: Atom) -> str | None:
        """Return the letter that stands for a tensor, None when there is none."""
        return next((letter for known, letter in self.short if same_atoms(known, atom)), None)


def function_name(name: str) -> Name:
    """Return how a function is written: loss is ℓ, phi is ϕ, ``my_norm`` is a word.

    >>> function_name("loss").base, function_name("phi").base
    ('ℓ', 'ϕ')
    """
    return Name(_FUNCTIONS[name]) if name in _FUNCTIONS else parse_name(name, 0)
