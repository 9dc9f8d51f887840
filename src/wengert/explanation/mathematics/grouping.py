"""Common factors out: the last rewrite before printing."""

from __future__ import annotations

from wengert.explanation.mathematics.algebra import fresh, place
from wengert.explanation.mathematics.terms import (
    ONE,
    Constant,
    Factor,
    Group,
    Index,
    Size,
    Sum,
    Term,
    same_atoms,
    same_factors,
)


def grouped(tensor: Sum) -> Sum:
    """Return the same tensor with common elementwise factors and common scalars in front.

    G − G ⊙ H² becomes G ⊙ (1 − H²); λ/2 A + λ/2 B becomes λ/2 (A + B).
    """
    opened = (t for term in tensor.terms for t in _expanded(term, tensor.outputs))
    tensor = Sum(tensor.outputs, tuple(opened))
    if len(tensor.terms) < 2:
        return tensor
    common = _common_factors(tensor)
    rest = Sum(tensor.outputs, tuple(_without(term, common) for term in tensor.terms))
    if common and not _is_narrow(rest):
        return _pull(rest, common)
    return _pull_scalars(tensor)


def lifted(term: Term) -> Term:
    """Return a product with the numbers and scalars of its brackets in front.

    Xᵀ (1/n) (P − Y) becomes (1/n) Xᵀ (P − Y).
    """
    coefficient, factors = term.coefficient, list[Factor]()
    for factor in term.factors:
        single = _single(factor)
        if single is None:
            factors.append(factor)
        else:
            coefficient *= single.coefficient
            factors.extend(single.factors)
    return Term(coefficient, tuple(factors))


def _single(factor: Factor) -> Term | None:
    """Return a bracket as a number and scalars times one factor, None where it is not that."""
    if not isinstance(factor.atom, Group) or factor.power != 1:
        return None
    inner = grouped(factor.atom.inner)
    if len(inner.terms) != 1:
        return None
    (term,) = place(inner, factor.indices, factor.letters).terms
    arrays = [each for each in term.factors if not each.is_scalar]
    return term if len(arrays) == 1 and arrays[0].letters == factor.letters else None


def _expanded(term: Term, outputs: tuple[Index, ...]) -> list[Term]:
    """Open A ⊙ (B − v 1ᵀ), so that it reads A ⊙ B − diag(v) A."""
    for factor in term.factors:
        if not isinstance(factor.atom, Group) or factor.power != 1 or len(factor.letters) < 2:
            continue
        if set(factor.letters) != set(outputs):
            continue
        inner = factor.atom.inner
        rest = [f for f in term.factors if f is not factor]
        if _is_narrow(inner) and any(set(f.letters) == set(factor.letters) for f in rest):
            placed = place(inner, factor.indices, factor.letters)
            return [
                Term(term.coefficient * t.coefficient, (*rest, *t.factors)) for t in placed.terms
            ]
    return [term]


def _common_factors(tensor: Sum) -> list[Factor]:
    """Factors of every term that stand on all outputs, each as often as in all of them."""
    outputs = set(tensor.outputs)
    first, *rest = tensor.terms
    common: list[Factor] = []
    for factor in first.factors:
        full = outputs and len(factor.letters) == len(outputs) == len(set(factor.letters))
        if not full or set(factor.letters) != outputs:
            continue
        left = [_without(term, common) for term in rest]
        if all(_find(factor, term.factors) is not None for term in left):
            common.append(factor)
    return common


def _find(factor: Factor, among: tuple[Factor, ...]) -> int | None:
    for position, other in enumerate(among):
        if (
            other.indices == factor.indices
            and other.power == factor.power
            and same_atoms(other.atom, factor.atom)
        ):
            return position
    return None


def _without(term: Term, factors: list[Factor]) -> Term:
    left = list(term.factors)
    for factor in factors:
        position = _find(factor, tuple(left))
        assert position is not None
        del left[position]
    return Term(term.coefficient, tuple(left))


def _is_narrow(tensor: Sum) -> bool:
    """Return whether a term has some of the outputs, and not all: it needs a diag or a 1."""
    return any(0 < len(t.letters_of(tensor)) < len(tensor.outputs) for t in tensor.terms)


def _pull(rest: Sum, common: list[Factor]) -> Sum:
    return Sum(rest.outputs, (Term(ONE, (*common, _as_factor(rest))),))


def _as_factor(tensor: Sum) -> Factor:
    used = {index for term in tensor.terms for index in term.letters}
    kept = tuple(index for index in tensor.outputs if index in used)
    letters = fresh(kept)
    return Factor(Group(place(Sum(kept, tensor.terms), letters, letters)), kept)


def _scalars(term: Term, outputs: tuple[Index, ...]) -> tuple[Factor, ...]:
    """Return what may stand in front; variables do so before arrays only."""
    return tuple(
        factor
        for factor in term.factors
        if factor.is_scalar and (outputs or isinstance(factor.atom, Constant | Size))
    )


def _alike(left: Term, right: Term, outputs: tuple[Index, ...]) -> bool:
    nothing: dict[Index, Index] = {}
    return abs(left.coefficient) == abs(right.coefficient) and same_factors(
        _scalars(left, outputs), _scalars(right, outputs), nothing
    )


def _pull_scalars(tensor: Sum) -> Sum:
    families: list[list[Term]] = []
    for term in tensor.terms:
        family = next((each for each in families if _alike(each[0], term, tensor.outputs)), None)
        if family is None:
            families.append([term])
        else:
            family.append(term)
    terms: list[Term] = []
    for family in families:
        terms.extend(_front(family, tensor.outputs))
    return Sum(tensor.outputs, tuple(terms))


def _front(family: list[Term], outputs: tuple[Index, ...]) -> list[Term]:
    scalars = _scalars(family[0], outputs)
    size = abs(family[0].coefficient)
    plain = all(len(term.factors) == len(_scalars(term, outputs)) for term in family)
    if len(family) < 2 or plain or (not scalars and size == 1):
        return family
    rest = tuple(
        Term(term.coefficient / size, _without(term, list(scalars)).factors) for term in family
    )
    return [Term(size, (*scalars, _as_factor(Sum(outputs, rest))))]
