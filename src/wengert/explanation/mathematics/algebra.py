"""Arithmetic on sums of terms. Every result is normal: merged, flattened, without zeros."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from wengert.explanation.mathematics.axes import reshape_groups
from wengert.explanation.mathematics.terms import (
    ONE,
    Apply,
    Atom,
    Factor,
    Group,
    Index,
    Size,
    Sum,
    Term,
    same_atoms,
    same_factors,
)


def fresh(indices: Iterable[Index]) -> tuple[Index, ...]:
    """Return new letters over the same axes."""
    return tuple(Index(index.axis, index.size) for index in indices)


def number(value: Fraction | int, outputs: Sequence[Index] = ()) -> Sum:
    """Return a tensor that holds one number everywhere."""
    return normal(Sum(tuple(outputs), (Term(Fraction(value)),)))


def atom(of: Atom, outputs: Sequence[Index] = (), power: int = 1) -> Sum:
    """Return an atom as a tensor whose axes are ``outputs``."""
    return Sum(tuple(outputs), (Term(ONE, (Factor(of, tuple(outputs), power),)),))


def place(tensor: Sum, indices: Sequence[Index | None], outputs: Sequence[Index]) -> Sum:
    """Put given letters on the axes of a tensor, and new ones on its summed indices.

    ``None`` puts a broadcast axis of length one. ``outputs`` are those of the result.
    """
    given = dict(zip(tensor.outputs, indices, strict=True))
    terms = tuple(_rename(term, given) for term in tensor.terms)
    return Sum(tuple(outputs), terms)


def _rename(term: Term, given: Mapping[Index, Index | None]) -> Term:
    letters: dict[Index, Index | None] = dict(given)
    for index in term.letters:
        if index not in letters:
            letters[index] = Index(index.axis, index.size)
    factors = tuple(
        Factor(f.atom, tuple(None if i is None else letters[i] for i in f.indices), f.power)
        for f in term.factors
    )
    return Term(term.coefficient, factors)


def add(parts: Sequence[Sum], signs: Sequence[int | Fraction] | None = None) -> Sum:
    """Add tensors that share their outputs."""
    weights = [ONE] * len(parts) if signs is None else [Fraction(sign) for sign in signs]
    terms = (
        Term(term.coefficient * weight, term.factors)
        for part, weight in zip(parts, weights, strict=True)
        for term in part.terms
    )
    return normal(Sum(parts[0].outputs, tuple(terms)))


def scale(tensor: Sum, by: Fraction | int) -> Sum:
    """Multiply by a rational number."""
    return add([tensor], [Fraction(by)])


def multiply(parts: Sequence[Sum], outputs: Sequence[Index]) -> Sum:
    """Multiply tensors whose letters are already placed; other letters are summed over.

    A part of several terms stays a bracket: what the user wrote as a product stays one.
    """
    coefficient, factors = ONE, list[Factor]()
    for part in parts:
        term = part.terms[0] if len(part.terms) == 1 else _bracket(part)
        if not part.terms:
            return Sum(tuple(outputs), ())
        coefficient *= term.coefficient
        factors.extend(_rename(term, {i: i for i in part.outputs}).factors)
    covered = {index for factor in factors for index in factor.letters}
    for index in dict.fromkeys(i for part in parts for i in part.outputs):
        if index not in covered and index not in outputs and index.size != 1:
            factors.append(Factor(Size(index.axis, index.size)))
    return normal(Sum(tuple(outputs), (Term(coefficient, tuple(factors)),)))


def _bracket(part: Sum) -> Term:
    used = {index for term in part.terms for index in term.letters}
    kept = tuple(index for index in part.outputs if index in used)
    inner = place(Sum(kept, part.terms), inner_letters := fresh(kept), inner_letters)
    return Term(ONE, (Factor(Group(inner), kept),))


def total(tensor: Sum, over: Iterable[Index]) -> Sum:
    """Sum over some of the outputs."""
    gone = set(over)
    outputs = tuple(index for index in tensor.outputs if index not in gone)
    terms: list[Term] = []
    for term in tensor.terms:
        lengths = (
            Factor(Size(i.axis, i.size)) for i in gone if i not in term.letters and i.size != 1
        )
        terms.append(Term(term.coefficient, (*term.factors, *lengths)))
    return normal(Sum(outputs, tuple(terms)))


def average(tensor: Sum, over: Sequence[Index]) -> Sum:
    """Take the mean over some of the outputs."""
    summed = total(tensor, over)
    lengths = tuple(
        Factor(Size(index.axis, index.size), (), -1) for index in over if index.size != 1
    )
    terms = (Term(t.coefficient, (*t.factors, *lengths)) for t in summed.terms)
    return normal(Sum(summed.outputs, tuple(terms)))


def power(tensor: Sum, exponent: int) -> Sum:
    """Raise every element to an integer power."""
    if exponent == 0:
        return number(1, tensor.outputs)
    single = tensor.terms[0] if len(tensor.terms) == 1 else None
    if single is None or tensor.summed(single) or (not single.coefficient and exponent < 0):
        single = _bracket(tensor)
    factors = tuple(Factor(f.atom, f.indices, f.power * exponent) for f in single.factors)
    return normal(Sum(tensor.outputs, (Term(single.coefficient**exponent, factors),)))


# Normal form ------------------------------------------------------------------------------------


def normal(tensor: Sum) -> Sum:
    """Merge equal factors and like terms, open brackets that stand alone, drop zeros."""
    terms: list[Term] = []
    for term in tensor.terms:
        merged = _merge_factors(_split_axes(term, tensor.outputs), tensor.outputs)
        for piece in _open(merged, tensor.outputs):
            _collect(terms, piece, tensor.outputs)
    return Sum(tensor.outputs, tuple(term for term in terms if term.coefficient))


def _collect(terms: list[Term], term: Term, outputs: tuple[Index, ...]) -> None:
    fixed = {index: index for index in outputs}
    for place_, other in enumerate(terms):
        if same_factors(other.factors, term.factors, fixed):
            terms[place_] = Term(other.coefficient + term.coefficient, other.factors)
            return
    terms.append(term)


def _merge_factors(term: Term, outputs: tuple[Index, ...]) -> Term:
    merged: list[Factor] = []
    for factor in term.factors:
        for place_, other in enumerate(merged):
            if other.indices == factor.indices and same_atoms(other.atom, factor.atom):
                merged[place_] = Factor(other.atom, other.indices, other.power + factor.power)
                break
        else:
            merged.append(factor)
    rooted = [factor for factor in merged if _is_square_of_root(factor)]
    if rooted:
        return _merge_factors(_without_roots(term.coefficient, merged), outputs)
    kept = [factor for factor in merged if factor.power]
    covered = {index for factor in kept for index in factor.letters}
    lost = [index for index in term.letters if index not in covered and index not in outputs]
    if not lost:
        return Term(term.coefficient, tuple(kept))
    lengths = tuple(Factor(Size(index.axis, index.size)) for index in lost if index.size != 1)
    return _merge_factors(Term(term.coefficient, (*kept, *lengths)), outputs)


def _split_axes(term: Term, outputs: tuple[Index, ...]) -> Term:
    """Σ over an axis that two reshapes made of the same axes is Σ over these."""
    for index in term.letters:
        places = [n for n, f in enumerate(term.factors) if index in f.letters]
        if index in outputs or len(places) != 2:
            continue
        pair = [term.factors[n] for n in places]
        axes = [_merged_axes(factor, index) for factor in pair]
        sizes = [[axis.size for axis in each] for each in axes if each]
        if len(sizes) == 2 and sizes[0] == sizes[1] and len(sizes[0]) > 1:
            letters = fresh(axes[0])
            others = [f for f in term.factors if f not in pair]
            opened = [f for each in pair for f in _before_reshape(each, index, letters)]
            return _split_axes(Term(term.coefficient, (*others, *opened)), outputs)
    return term


def _merged_axes(factor: Factor, index: Index) -> tuple[Index, ...]:
    """Return the axes that a reshape merged into this one; nothing where it does more."""
    atom_ = factor.atom
    if not isinstance(atom_, Apply) or atom_.operator != "reshape" or factor.power != 1:
        return ()
    (tensor,) = atom_.arguments
    groups = reshape_groups(tensor.shape, [0 if i is None else i.size for i in factor.indices])
    if groups is None or factor.indices.count(index) != 1:
        return ()
    place_ = factor.indices.index(index)
    if any(len(old) != len(new) and new != (place_,) for old, new in groups):
        return ()
    (old,) = (old for old, new in groups if new == (place_,))
    return tuple(tensor.outputs[axis] for axis in old)


def _before_reshape(factor: Factor, index: Index, letters: tuple[Index, ...]) -> tuple[Factor, ...]:
    assert isinstance(factor.atom, Apply)
    (tensor,) = factor.atom.arguments
    at = factor.indices.index(index)
    indices = (*factor.indices[:at], *letters, *factor.indices[at + 1 :])
    placed = place(tensor, indices, tuple(i for i in indices if i is not None))
    single = len(placed.terms) == 1 and placed.terms[0].coefficient == 1
    return (placed.terms[0] if single else _bracket(placed)).factors


def _is_square_of_root(factor: Factor) -> bool:
    atom_ = factor.atom
    root = isinstance(atom_, Apply) and atom_.operator == "sqrt"
    return root and factor.power != 0 and factor.power % 2 == 0


def _without_roots(coefficient: Fraction, factors: list[Factor]) -> Term:
    """√x² is x."""
    kept: list[Factor] = []
    for factor in factors:
        if not _is_square_of_root(factor):
            kept.append(factor)
            continue
        assert isinstance(factor.atom, Apply)
        inner = place(factor.atom.arguments[0], factor.indices, factor.letters)
        (term,) = power(inner, factor.power // 2).terms
        coefficient *= term.coefficient
        kept.extend(term.factors)
    return Term(coefficient, tuple(kept))


def _open(term: Term, outputs: tuple[Index, ...]) -> list[Term]:
    scalars = [f for f in term.factors if f.is_scalar and not _opens(f)]
    others = [f for f in term.factors if not f.is_scalar or _opens(f)]
    if len(others) != 1 or not _opens(others[0]):
        return [term]
    (bracket,) = others
    letters = set(bracket.letters)
    if len(letters) != len(bracket.indices) or not letters <= set(outputs):
        return [term]
    assert isinstance(bracket.atom, Group)
    inner = place(bracket.atom.inner, bracket.indices, outputs)
    return [
        _merge_factors(Term(t.coefficient * term.coefficient, (*scalars, *t.factors)), outputs)
        for t in inner.terms
    ]


def _opens(factor: Factor) -> bool:
    return isinstance(factor.atom, Group) and factor.power == 1
