"""Letters for tensors that recur: P for softmax(O), Y for the one-hot array of the labels y."""

from __future__ import annotations

from collections.abc import Iterable

from wengert.explanation.mathematics import algebra
from wengert.explanation.mathematics.lines import Note
from wengert.explanation.mathematics.notation import Notation
from wengert.explanation.mathematics.terms import (
    Apply,
    Atom,
    OneHot,
    Partial,
    Sum,
    Value,
    atoms,
    same_atoms,
)
from wengert.graph.variable import Variable


def shorthands(
    notation: Notation, shown: Iterable[Variable], tensors: Iterable[Sum]
) -> tuple[tuple[tuple[Atom, str], ...], tuple[Note, ...]]:
    """Return the tensors that get a letter, and the notes that say so.

    A letter that the user has taken is not used; the tensor is then written out.
    """
    taken = {notation.name(v).base for v in shown}
    short: list[tuple[Atom, str]] = []
    notes: list[Note] = []
    for tensor in tensors:
        for atom in _all_atoms(tensor):
            letter = _letter(atom, notation)
            if letter is None or any(same_atoms(known, atom) for known, _ in short):
                continue
            if letter in taken:
                continue
            taken.add(letter)
            short.append((atom, letter))
            kind = "one-hot" if isinstance(atom, OneHot) else "define"
            notes.append(Note(kind, _tensor(atom), letter))
    return tuple(short), tuple(notes)


def _all_atoms(tensor: Sum) -> Iterable[Atom]:
    for atom in atoms(tensor):
        yield atom
        if isinstance(atom, Partial):
            yield from _all_atoms(atom.meaning)


def _letter(atom: Atom, notation: Notation) -> str | None:
    if isinstance(atom, OneHot):
        name = _single(atom.labels)
        base = None if name is None else notation.name(name).base
        return base.upper() if base is not None and base.upper() != base else "Y"
    if isinstance(atom, Apply) and atom.operator == "softmax":
        name = _single(atom.arguments[0])
        if name is not None:
            return "p" if name.rank == 1 else "P"
    return None


def _single(tensor: Sum) -> Variable | None:
    """Return the variable that a tensor is, None when it is anything else."""
    if len(tensor.terms) == 1 and len(tensor.terms[0].factors) == 1:
        atom = tensor.terms[0].factors[0].atom
        return atom.variable if isinstance(atom, Value) else None
    return None


def _tensor(atom: Atom) -> Sum:
    if isinstance(atom, OneHot):
        return atom.labels
    assert isinstance(atom, Apply)
    return algebra.atom(atom, algebra.fresh(atom.arguments[0].outputs))
