"""The derivation of a joint graph: forward, chain rule, and what every gradient resolves to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from wengert.explanation.mathematics import algebra
from wengert.explanation.mathematics.lettering import Overrides
from wengert.explanation.mathematics.lines import Derivation, Kind, Line, Note, Prod
from wengert.explanation.mathematics.plain import plain_forward
from wengert.explanation.mathematics.scope import Scope, notation_of
from wengert.explanation.mathematics.shorthand import shorthands
from wengert.explanation.mathematics.terms import (
    Atom,
    Factor,
    Group,
    Partial,
    Sum,
    Term,
    Value,
    atoms,
    inside,
    read_variables,
    same_atoms,
)
from wengert.explanation.mathematics.verify import Check, Numbers, Stated
from wengert.graph.graph import Array, Graph
from wengert.graph.variable import Variable


def derive(
    graph: Graph, examples: Sequence[Array] | None = None, axes: Overrides | None = None
) -> Derivation:
    """Return the mathematics of a joint graph, every line executed and checked in float64.

    Args:
        graph: forward and backward pass, as :func:`wengert.transforms.joint` makes it.
        examples: one array an input, leaf by leaf; None to draw them (seeded).
        axes: letters for axes, by the label of a variable: ``{"W1": ("h", "d")}``.

    >>> import numpy as np
    >>> from wengert.explanation.mathematics.text import to_text
    >>> from wengert.tracing.spec import Spec
    >>> from wengert.transforms import joint
    >>> def objective(W, x):
    ...     h = W @ x
    ...     return np.sum(h * h)
    >>> derivation = derive(joint(objective, Spec((3, 4)), Spec((4,))))
    >>> [line.passed for line in derivation.gradients]
    [True, True]
    """
    return _Author(plain_forward(graph)[0], examples).write(axes)


class _Author:
    """Collects the lines of one derivation."""

    def __init__(self, graph: Graph, examples: Sequence[Array] | None) -> None:
        self.graph = graph
        self.numbers = Numbers(graph, examples)
        self.stated = Stated(self.numbers)
        self.scope = Scope(graph, self.stated.assume)
        self.order = {v: n for n, v in enumerate(graph.variables)}
        self.nexts = {
            v: tuple(self._nexts(v))
            for v in (*graph.inputs, *self.scope.shown)
            if v in self.scope.gradients and v is not self.scope.objective
        }

    def write(self, overrides: Overrides | None) -> Derivation:
        scope = self.scope
        forward = tuple(self._forward(v) for v in scope.shown)
        gradients = tuple(self._gradients())
        insides = tuple(self._insides())
        notation = notation_of(scope, overrides)
        shown, named = (*self.graph.inputs, *scope.shown), notation.axes
        told = [line.resolved for line in (*forward, *gradients, *insides)]
        short, notes = shorthands(notation, shown, told)
        notes = (*notes, *(Note(kind, tensor) for kind, tensor in self.stated.notes))
        sizes = {axis: n for v in shown for axis, n in zip(scope.axes.of(v), v.shape, strict=True)}
        legend = {named[axis]: size for axis, size in sizes.items() if named[axis] != "1"}
        return Derivation(
            self.graph.name, scope.objective, forward, gradients, insides, notes, legend,
            replace(notation, short=short),
        )  # fmt: skip

    # -- Lines -------------------------------------------------------------------------------------

    def _line(
        self,
        kind: Kind,
        left: Atom,
        resolved: Sum,
        variable: Variable,
        check: Check,
        *,
        chain: tuple[Prod | Sum, ...] = (),
        gradient: Variable | None = None,
    ) -> Line:
        operation = self.graph.producer.get(gradient or variable)
        location = None if operation is None else operation.location
        reads = tuple(dict.fromkeys(read_variables(resolved)))
        return Line(kind, left, chain, resolved, variable, gradient, location, check, reads)

    def _forward(self, variable: Variable) -> Line:
        resolved = self.scope.line(variable, self.scope.main)
        error = self.numbers.compare(resolved, self.numbers.values[variable])
        return self._line("forward", Value(variable), resolved, variable, Check(error, None))

    def _gradient(self, variable: Variable) -> Line:
        gradient = self.scope.gradients[variable]
        resolved = self.scope.line(gradient, self.scope.main)
        engine = self.numbers.compare(resolved, self.numbers.values[gradient])
        slope = self.numbers.slope(resolved, self.scope.objective, variable, ())
        return self._line(
            "gradient",
            Value(gradient),
            resolved,
            variable,
            Check(engine, slope),
            chain=self._chain(variable),
            gradient=gradient,
        )

    # -- The chain rule ----------------------------------------------------------------------------

    def _raw(self, variable: Variable) -> Sum:
        return self.scope.line(self.scope.gradients[variable], self.scope.raw)

    def _nexts(self, variable: Variable) -> list[Variable]:
        """Return the named variables that v reaches directly, J among them, in forward order."""
        found: set[Variable] = set()
        for atom in atoms(self._raw(variable)):
            if isinstance(atom, Value) and atom.variable.of is not None:
                found.add(atom.variable.of)
        return sorted(found, key=self.order.__getitem__)

    def _chain(self, variable: Variable) -> tuple[Prod | Sum, ...]:
        nexts = [u for u in self.nexts[variable] if u is not self.scope.objective]
        pieces: list[Prod | Sum] = [Prod(u, variable) for u in nexts]
        if self.scope.objective in self.nexts[variable] and nexts:
            direct = self._local(variable, self.scope.objective)
            if direct is None:
                return ()
            pieces.append(direct)
        return tuple(pieces)

    def _local(self, variable: Variable, by: Variable) -> Sum | None:
        """Return ∂u/∂v of a scalar u, from the terms of ∂J/∂v that hold ∂J/∂u."""
        raw, seed = self._raw(variable), Value(self.scope.gradients[by])
        terms: list[Term] = []
        for term in (each for whole in raw.terms for each in _opened(whole, seed)):
            held = [f for f in term.factors if same_atoms(f.atom, seed)]
            if not held and not _holds(term, seed):
                continue
            if len(held) != 1 or held[0].power != 1 or _holds(term, seed, inside_only=True):
                return None
            terms.append(Term(term.coefficient, _without(term.factors, held[0])))
        return algebra.normal(Sum(raw.outputs, tuple(terms))) if terms else None

    def _gradients(self) -> Iterator[Line]:
        """Yield the lines of the backward pass in the reverse of the forward order."""
        told: set[Variable] = set()
        for variable in self._backward_order():
            for scalar in self.nexts[variable]:
                if scalar not in told and scalar is not self.scope.objective:
                    told.add(scalar)
                    yield from self._locals(scalar)
            yield self._gradient(variable)

    def _backward_order(self) -> list[Variable]:
        ready = {self.scope.objective: None}
        for user in reversed(self.scope.shown):
            for variable in self._sources(user):
                if variable in self.nexts and all(u in ready for u in self.nexts[variable]):
                    ready.setdefault(variable)
        for variable in sorted(self.nexts, key=self.order.__getitem__, reverse=True):
            ready.setdefault(variable)
        return [v for v in ready if v is not self.scope.objective]

    def _sources(self, variable: Variable) -> list[Variable]:
        tensor = self.scope.line(variable, self.scope.main)
        return list(dict.fromkeys(read_variables(tensor)))

    def _locals(self, scalar: Variable) -> Iterator[Line]:
        """Yield ∂s/∂v for a scalar s that is told in full."""
        if scalar.rank or scalar in self.scope.calls:
            return
        for variable in sorted(self.nexts, key=self.order.__getitem__):
            if variable.rank and scalar in self.nexts[variable]:
                meaning = self._local(variable, scalar)
                if meaning is not None:
                    fixed = self.scope.visible - {scalar}
                    slope = self.numbers.slope(meaning, scalar, variable, fixed)
                    printed = self.numbers.compare(meaning, self.numbers.evaluator.tensor(meaning))
                    left = Partial(scalar, variable, meaning)
                    yield self._line("local", left, meaning, variable, Check(printed, slope))

    # -- Insides -----------------------------------------------------------------------------------

    def _insides(self) -> Iterator[Line]:
        told: set[str] = set()
        for call in self.scope.calls.values():
            if not call.is_users or (call.elementwise and call.name in told):
                continue
            told.add(call.name)
            value = self.scope.inner(call, call.result)
            named = self.scope.named(call, self.scope.main)
            atom = named.terms[0].factors[0].atom
            error = self.numbers.compare(value, self.numbers.values[call.result])
            yield self._line("inside", atom, value, call.result, Check(error, None))
            for operand in call.parts:
                meaning = self.scope.derivative(call, operand)
                if call.elementwise:
                    slope = self.scope.named(call, self.scope.main, 1)
                    left = slope.terms[0].factors[0].atom
                else:
                    left = Partial(call.result, operand, meaning)
                error = self.numbers.compare(meaning, self.numbers.evaluator.tensor(meaning))
                measured = self.numbers.slope(meaning, call.result, operand, ())
                line = self._line("inside", left, meaning, operand, Check(error, measured))
                yield replace(line, location=call.inside[-1].location)


def _holds(term: Term, seed: Atom, inside_only: bool = False) -> bool:
    """Return whether an atom stands in a product, or inside one of its atoms."""
    deep = (each for f in term.factors for inner in inside(f.atom) for each in atoms(inner))
    here = () if inside_only else (f.atom for f in term.factors)
    return any(same_atoms(each, seed) for each in (*here, *deep))


def _opened(term: Term, seed: Atom) -> list[Term]:
    """Multiply out the brackets in which ∂J/∂u stands, so that it becomes a factor."""
    for factor in term.factors:
        group = factor.atom
        if isinstance(group, Group) and factor.power == 1:
            placed = algebra.place(group.inner, factor.indices, factor.letters)
            if any(_holds(each, seed) for each in placed.terms):
                rest = _without(term.factors, factor)
                pieces = [Term(term.coefficient * t.coefficient, (*rest, *t.factors))
                          for t in placed.terms]  # fmt: skip
                return [each for piece in pieces for each in _opened(piece, seed)]
    return [term]


def _without(factors: tuple[Factor, ...], one: Factor) -> tuple[Factor, ...]:
    return tuple(factor for factor in factors if factor is not one)
