"""From index notation to matrix algebra: products, transposes, ⊙, diag, ones.

The indices of a term are the nodes of a network, its matrices the edges. Reducing series and
parallel edges until only the outputs are left finds the formula; where the network is not
series-parallel there is none, and the Σ form stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wengert.explanation.mathematics.formula import (
    Diagonal,
    DiagonalOf,
    Formula,
    Indexed,
    Inner,
    Leaf,
    Norm,
    Ones,
    Scaled,
    Total,
    Trace,
    hadamard,
    is_gradient,
    lighter,
    product,
    transpose,
    transposes,
)
from wengert.explanation.mathematics.grouping import grouped, lifted
from wengert.explanation.mathematics.terms import (
    Apply,
    Factor,
    Group,
    Index,
    Named,
    Sum,
    Term,
    inside,
)


@dataclass(eq=False, slots=True)
class Edge:
    """A matrix between two indices: ``formula`` has ``rows`` down and ``columns`` across."""

    rows: Index
    columns: Index
    formula: Formula

    def towards(self, columns: Index) -> Formula:
        """The matrix with this index across."""
        return self.formula if columns is self.columns else transpose(self.formula)

    def other(self, node: Index) -> Index:
        """The index at the other end."""
        return self.rows if node is self.columns else self.columns


@dataclass(slots=True)
class Network:
    """A term on its way to a formula."""

    outputs: tuple[Index, ...]
    edges: list[Edge] = field(default_factory=list[Edge])
    vectors: dict[Index, list[Formula]] = field(default_factory=dict[Index, list[Formula]])
    scalars: list[Formula] = field(default_factory=list[Formula])
    summed: list[Index] = field(default_factory=list[Index])

    def at(self, node: Index) -> list[Edge]:
        """The edges that end at a node."""
        return [edge for edge in self.edges if node in (edge.rows, edge.columns)]

    def take(self, node: Index) -> list[Formula]:
        """Remove a node's vectors and return them."""
        return self.vectors.pop(node, [])

    def give(self, node: Index, vector: Formula) -> None:
        """Put one more vector on a node."""
        self.vectors.setdefault(node, []).append(vector)


def matrix_form(tensor: Sum) -> Formula:
    """Return the formula of a tensor; an :class:`Indexed` where matrix algebra has none."""
    kept = _drop_unit_outputs(tensor)
    formula = _sum_form(grouped(kept))
    return Indexed(tensor) if formula is None else formula


def _drop_unit_outputs(tensor: Sum) -> Sum:
    used = {index for term in tensor.terms for index in term.letters}
    outputs = tuple(i for i in tensor.outputs if i in used or i.size != 1)
    return Sum(outputs, tensor.terms)


def _sum_form(tensor: Sum) -> Formula | None:
    items: list[Scaled] = []
    for term in sorted(tensor.terms, key=_order):
        item = term_form(lifted(term), tensor.outputs)
        if item is None:
            return None
        items.append(item)
    if len(items) == 1:
        return items[0]
    return Total(tuple(items))


def _order(term: Term) -> tuple[bool, bool]:
    """Gradients first; a sum does not begin with a minus when it can begin without."""
    return (not any(is_gradient(f.atom) for f in term.factors), term.coefficient < 0)


def term_form(term: Term, outputs: tuple[Index, ...]) -> Scaled | None:
    """Return the formula of one term, None where there is none."""
    scalars = [f for f in term.factors if f.is_scalar]
    others = sorted((f for f in term.factors if not f.is_scalar), key=_first)
    if any(not _has_form(f) for f in term.factors):
        return None
    if not outputs and len(others) == 1 and _is_sum_of_squares(others[0]):
        (square,) = others
        norm = Norm(Leaf(Factor(square.atom, square.indices)), len(square.letters) > 1)
        return Scaled(term.coefficient, (*_leaves(scalars), norm), None)
    if len(outputs) > 2 or any(len(f.letters) > 2 for f in others):
        body = _elementwise_form(others, outputs)
        return None if body is None else Scaled(term.coefficient, _leaves(scalars), body)
    network = _network(others, outputs)
    while _reduce(network):
        pass
    if network.summed:
        return None
    body = _finish(network)
    bodiless = not others or not outputs
    if not outputs:
        body = None
    elif bodiless and not others:
        body = Ones(outputs)
    return Scaled(term.coefficient, (*_leaves(scalars), *network.scalars), body)


def _is_sum_of_squares(factor: Factor) -> bool:
    return factor.power == 2 and len(set(factor.letters)) == len(factor.letters)


def _first(factor: Factor) -> bool:
    return not is_gradient(factor.atom)


def _leaves(factors: Sequence[Factor]) -> tuple[Formula, ...]:
    return tuple(Leaf(factor) for factor in factors)


def _has_form(factor: Factor) -> bool:
    """Brackets and elementwise functions need a matrix form inside; softmax can do without."""
    atom = factor.atom
    whole = isinstance(atom, Group | Named) or (isinstance(atom, Apply) and atom.elementwise)
    return not whole or not any(isinstance(matrix_form(each), Indexed) for each in inside(atom))


def _elementwise_form(factors: list[Factor], outputs: tuple[Index, ...]) -> Formula | None:
    if all(factor.letters == outputs for factor in factors):
        return hadamard(list(_leaves(factors))) if factors else Ones(outputs)
    return None


def _network(factors: Sequence[Factor], outputs: tuple[Index, ...]) -> Network:
    network = Network(outputs)
    for factor in factors:
        letters = factor.letters
        if len(letters) == 1:
            network.give(letters[0], Leaf(factor))
        elif letters[0] is letters[1]:
            network.give(letters[0], DiagonalOf(Leaf(factor)))
        else:
            network.edges.append(Edge(letters[0], letters[1], Leaf(factor)))
    found = dict.fromkeys(index for factor in factors for index in factor.letters)
    network.summed = [index for index in found if index not in outputs]
    return network


def _reduce(network: Network) -> bool:
    """Carry out one reduction; return whether there was one."""
    if _inner_product(network) or _parallel(network):
        return True
    return any(_eliminate(network, node, degree) for degree in (0, 1, 2) for node in network.summed)


def _inner_product(network: Network) -> bool:
    """Σ_ij A_ij B_ij, nothing else on i and j, is ⟨A, B⟩_F, and ‖A‖²_F when B is A."""
    for edge in network.edges:
        ends = (edge.rows, edge.columns)
        edges = network.at(edge.rows)
        if not all(end in network.summed and not network.vectors.get(end) for end in ends):
            continue
        if edges != network.at(edge.columns) or len(edges) > 2:
            continue
        square = _square(edge.formula) if len(edges) == 1 else None
        if len(edges) == 2:
            network.scalars.append(_inner(edge.formula, edges[1].towards(edge.columns)))
        elif square is not None:
            network.scalars.append(Norm(square, True))
        else:
            continue
        network.edges = [each for each in network.edges if each not in edges]
        network.summed = [node for node in network.summed if node not in ends]
        return True
    return False


def _inner(left: Formula, right: Formula) -> Formula:
    """⟨A, B⟩_F is ⟨Aᵀ, Bᵀ⟩_F: the one with fewer transposes."""
    turned = transpose(left), transpose(right)
    lighter_ = sum(map(transposes, turned)) < transposes(left) + transposes(right)
    return Inner(*turned) if lighter_ else Inner(left, right)


def _square(formula: Formula) -> Formula | None:
    """Return A when the formula is A squared element by element."""
    if isinstance(formula, Leaf) and formula.factor.power == 2:
        return Leaf(Factor(formula.factor.atom, formula.factor.indices))
    return None


def _parallel(network: Network) -> bool:
    for place, first in enumerate(network.edges):
        for second in network.edges[place + 1 :]:
            if {first.rows, first.columns} == {second.rows, second.columns}:
                network.edges.remove(second)
                items = [first.formula, second.towards(first.columns)]
                first.formula = hadamard(items)
                return True
    return False


def _eliminate(network: Network, node: Index, degree: int) -> bool:
    edges = network.at(node)
    if len(edges) != degree:
        return False
    network.summed.remove(node)
    vectors = network.take(node)
    if degree == 0:
        network.scalars.append(_dot(vectors, node))
        return True
    for edge in edges:
        network.edges.remove(edge)
    near = edges[0].other(node)
    left = edges[0].towards(node)
    if degree == 1:
        vector = hadamard(vectors) if vectors else Ones((node,))
        network.give(near, product(left, vector))
        return True
    far = edges[1].other(node)
    middle = [Diagonal(hadamard(vectors))] if vectors else []
    right = transpose(edges[1].towards(node))
    network.edges.append(Edge(near, far, product(left, *middle, right)))
    return True


def _dot(vectors: list[Formula], node: Index) -> Formula:
    """Return uᵀv; ‖v‖² when both are v; 1ᵀv when there is one vector only."""
    if len(vectors) == 1:
        square = _square(vectors[0])
        if square is not None:
            return Norm(square, False)
        if isinstance(vectors[0], DiagonalOf):
            return Trace(vectors[0].inner)
        return lighter(product(transpose(Ones((node,))), vectors[0]))
    return lighter(product(transpose(hadamard(vectors[:-1])), vectors[-1]))


def _finish(network: Network) -> Formula | None:
    outputs = network.outputs
    if not outputs:
        return None
    vectors = [network.vectors.get(node, []) for node in outputs]
    bodies = [hadamard(each) if each else None for each in vectors]
    if len(outputs) == 1:
        return bodies[0] or Ones(outputs)
    if not network.edges:
        left, right = (body or Ones((node,)) for body, node in zip(bodies, outputs, strict=True))
        return product(left, transpose(right))
    (edge,) = network.edges
    before = [Diagonal(bodies[0])] if bodies[0] else []
    after = [Diagonal(bodies[1])] if bodies[1] else []
    return product(*before, edge.towards(outputs[1]), *after)
