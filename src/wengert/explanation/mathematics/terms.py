"""Index notation: a tensor as a sum of terms, a term as a coefficient times indexed factors.

An index is an object of its own, so that two axes of one size are never mistaken for each
other. An index of a term that is not among the outputs of its sum is summed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from wengert.graph.variable import Variable


@dataclass(frozen=True, eq=False, slots=True)
class Index:
    """A letter that runs over an axis; ``axis`` is the identity of the axis it runs over."""

    axis: int
    size: int


@dataclass(frozen=True, slots=True)
class Value:
    """A variable of the graph, printed by its name."""

    variable: Variable


@dataclass(frozen=True, slots=True)
class Constant:
    """A number with a name, such as λ."""

    name: str
    value: complex


@dataclass(frozen=True, slots=True)
class Size:
    """The length of an axis as a number, printed by the letter of the axis."""

    axis: int
    size: int


@dataclass(frozen=True, eq=False, slots=True)
class Apply:
    """An operator applied to tensors.

    An elementwise one has arguments that share the axes of the result. ``part`` says which of
    several results it is.
    """

    operator: str
    arguments: tuple[Sum, ...]
    attributes: tuple[tuple[str, Any], ...] = ()
    elementwise: bool = False
    part: int | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Named:
    """A function of the user's, or a derivative of it, told by name; ``meaning`` is its value.

    Attributes:
        name: the name of the function.
        primes: 0 for ϕ(z), 1 for ϕ′(z).
        arguments: what stands in the brackets.
        meaning: the inside, in the same outputs as the value has.
    """

    name: str
    primes: int
    arguments: tuple[Sum, ...]
    meaning: Sum


@dataclass(frozen=True, eq=False, slots=True)
class Partial:
    """The derivative of a scalar variable by another variable, such as ∂L/∂o."""

    of: Variable
    by: Variable
    meaning: Sum


@dataclass(frozen=True, eq=False, slots=True)
class OneHot:
    """Labels as an array of zeros and ones, with one more axis at the end."""

    labels: Sum
    axis: int
    size: int


@dataclass(frozen=True, eq=False, slots=True)
class Group:
    """A sum in brackets."""

    inner: Sum


Atom = Value | Constant | Size | Apply | Named | Partial | OneHot | Group


@dataclass(frozen=True, eq=False, slots=True)
class Factor:
    """An atom with its indices, raised to a power element by element.

    An index None stands on an axis of length one that is broadcast.
    """

    atom: Atom
    indices: tuple[Index | None, ...] = ()
    power: int = 1

    @property
    def letters(self) -> tuple[Index, ...]:
        """The indices without those of broadcast axes."""
        return tuple(index for index in self.indices if index is not None)

    @property
    def is_scalar(self) -> bool:
        """Whether it has no index."""
        return not self.letters


@dataclass(frozen=True, eq=False, slots=True)
class Term:
    """A rational coefficient times factors."""

    coefficient: Fraction
    factors: tuple[Factor, ...] = ()

    @property
    def letters(self) -> tuple[Index, ...]:
        """Every index once, in order of appearance."""
        return tuple(dict.fromkeys(i for factor in self.factors for i in factor.letters))

    def letters_of(self, tensor: Sum) -> tuple[Index, ...]:
        """The outputs of its sum that it has."""
        return tuple(index for index in tensor.outputs if index in self.letters)


@dataclass(frozen=True, eq=False, slots=True)
class Sum:
    """A tensor: its output indices, in the order of its axes, and its terms."""

    outputs: tuple[Index, ...]
    terms: tuple[Term, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return tuple(index.size for index in self.outputs)

    def summed(self, term: Term) -> tuple[Index, ...]:
        """The indices of a term that are summed over."""
        return tuple(index for index in term.letters if index not in self.outputs)


ONE = Fraction(1)


def atoms(tensor: Sum) -> Iterator[Atom]:
    """Yield every atom of a sum, those inside brackets and arguments included."""
    for term in tensor.terms:
        for factor in term.factors:
            yield factor.atom
            for inner in inside(factor.atom):
                yield from atoms(inner)


def inside(atom: Atom) -> tuple[Sum, ...]:
    """Return the sums that are printed as part of an atom."""
    if isinstance(atom, Apply | Named):
        return atom.arguments
    if isinstance(atom, OneHot):
        return (atom.labels,)
    if isinstance(atom, Group):
        return (atom.inner,)
    return ()


def read_variables(tensor: Sum) -> Iterator[Variable]:
    """Yield the variables that a sum is printed with, those of a ∂ℓ/∂o included."""
    for atom in atoms(tensor):
        if isinstance(atom, Value):
            yield atom.variable
        elif isinstance(atom, Partial):
            yield from read_variables(atom.meaning)


# Equality up to the names of bound indices ------------------------------------------------------

Letters = Mapping[Index, Index]


def same_sums(left: Sum, right: Sum) -> bool:
    """Return whether two sums are the same up to the names of their indices."""
    if [i.axis for i in left.outputs] != [i.axis for i in right.outputs]:
        return False
    return same_terms(left, right, dict(zip(left.outputs, right.outputs, strict=True)))


def same_terms(left: Sum, right: Sum, letters: Letters) -> bool:
    """Return whether the terms agree, in any order, when the outputs are paired so."""
    if len(left.terms) != len(right.terms):
        return False
    rest = list(right.terms)
    for term in left.terms:
        found = next((t for t in rest if same_term(term, t, letters)), None)
        if found is None:
            return False
        rest.remove(found)
    return True


def same_term(left: Term, right: Term, letters: Letters) -> bool:
    """Return whether two terms are equal, coefficient included."""
    return left.coefficient == right.coefficient and same_factors(
        left.factors, right.factors, letters
    )


def same_factors(left: Sequence[Factor], right: Sequence[Factor], letters: Letters) -> bool:
    """Return whether products agree up to order and to the names of the summed indices."""
    if len(left) != len(right):
        return False
    if not left:
        return True
    first, rest = left[0], left[1:]
    for place, candidate in enumerate(right):
        extended = _pair(first, candidate, letters)
        others = (*right[:place], *right[place + 1 :])
        if extended is not None and same_factors(rest, others, extended):
            return True
    return False


def _pair(left: Factor, right: Factor, letters: Letters) -> Letters | None:
    if left.power != right.power or len(left.indices) != len(right.indices):
        return None
    extended = dict(letters)
    for a, b in zip(left.indices, right.indices, strict=True):
        if a is None or b is None:
            if a is not b:
                return None
        elif extended.setdefault(a, b) is not b:
            return None
    if len(set(extended.values())) != len(extended) or not same_atoms(left.atom, right.atom):
        return None
    return extended


def same_atoms(left: Atom, right: Atom) -> bool:
    """Return whether two atoms stand for the same tensor."""
    if isinstance(left, Value | Constant | Size) or isinstance(right, Value | Constant | Size):
        return left == right
    if isinstance(left, Partial) and isinstance(right, Partial):
        return left.of is right.of and left.by is right.by
    return (
        type(left) is type(right)
        and _head(left) == _head(right)
        and len(inside(left)) == len(inside(right))
        and all(map(same_sums, inside(left), inside(right)))
    )


def _head(atom: Atom) -> tuple[Any, ...]:
    if isinstance(atom, Apply):
        return (atom.operator, repr(atom.attributes), atom.elementwise, atom.part)
    if isinstance(atom, Named):
        return (atom.name, atom.primes)
    if isinstance(atom, OneHot):
        return (atom.axis, atom.size)
    return ()
