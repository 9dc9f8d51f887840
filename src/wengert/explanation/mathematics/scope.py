"""What the lines of a derivation may mention: which variables are atoms, and which are opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wengert.explanation.mathematics import algebra
from wengert.explanation.mathematics.axes import Axes
from wengert.explanation.mathematics.calls import Opaque, opaque_calls
from wengert.explanation.mathematics.lettering import Overrides, letters
from wengert.explanation.mathematics.notation import Notation
from wengert.explanation.mathematics.plain import forward_of, objective_of
from wengert.explanation.mathematics.reading import Assume, Reader
from wengert.explanation.mathematics.terms import Constant, Named, Partial, Size, Sum, Value
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable


@dataclass(frozen=True, eq=False)
class Part:
    """A contribution of an opaque call to the gradient of an operand."""

    call: Opaque
    operand: Variable
    first: bool


class Scope:
    """A joint graph read at three depths.

    ``raw`` keeps every gradient of a named variable as an atom; ``main`` puts in those that
    hold no other gradient (1, λ/2); the inside of a call is read by :meth:`inner`.

    Args:
        graph: the joint graph.
        assume: says whether a tensor is a number on the data; by default it is taken to be.
    """

    def __init__(self, graph: Graph, assume: Assume = lambda tensor, number, kind: True) -> None:
        self.graph, self.axes = graph, Axes(graph)
        self.objective = objective_of(graph)
        self.forward: tuple[Operation, ...] = forward_of(graph)
        named = [c for c in opaque_calls(graph, self.forward, self.objective) if self._tells(c)]
        self.calls = {call.result: call for call in named}
        hidden = {out for c in named for op in c.inside for out in op.outputs} - set(self.calls)
        made = [out for op in self.forward for out in op.outputs]
        self.shown = tuple(
            v for v in made
            if v not in hidden and (v.name is not None or v is self.objective)
        )  # fmt: skip
        self.visible = {*self.shown, *graph.inputs}
        self.gradients = {v.of: v for v in graph.variables if v.of is not None}
        self.parts = {
            part: Part(call, operand, place == 0)
            for call in named
            for operand, parts in call.parts.items()
            for place, part in enumerate(parts)
        }
        self._simple: dict[Variable, bool] = {}
        self.raw = Reader(graph, self.axes, self._stop_raw, assume)
        self.main = Reader(graph, self.axes, self._stop_main, assume)
        self._inner = {
            call.result: Reader(graph, self.axes, self._stop_inside(call), assume) for call in named
        }

    def _tells(self, call: Opaque) -> bool:
        """A loss of unnamed values has no ∂ℓ/∂o to write, so it is told in full."""
        return call.elementwise or all(v.name is not None for v in call.parts)

    # -- Reading -----------------------------------------------------------------------------------

    def line(self, variable: Variable, reader: Reader) -> Sum:
        """Return the right-hand side of a variable's own line."""
        call = self.calls.get(variable)
        if call is not None:
            return self.named(call, reader)
        found = self._part(variable, reader) if variable in self.parts else reader.open(variable)
        # The engine adds contributions up from the last user to the first.
        return found if variable.of is None else Sum(found.outputs, found.terms[::-1])

    def inner(self, call: Opaque, variable: Variable) -> Sum:
        """Return a variable by what the inside of a call is made of."""
        reader = self._inner[call.result]
        return reader.open(variable) if variable is call.result else reader.read(variable)

    def named(self, call: Opaque, reader: Reader, primes: int = 0) -> Sum:
        """Return ϕ(z), ϕ′(z) or ℓ(o, y)."""
        arguments = tuple(reader.read(operand) for operand in call.operands)
        if primes:
            meaning = self.derivative(call, call.operands[0])
        else:
            meaning = self.inner(call, call.result)
        atom = Named(call.name, primes, arguments, meaning)
        outputs = algebra.fresh(meaning.outputs) if call.elementwise else ()
        return algebra.atom(atom, outputs)

    def derivative(self, call: Opaque, operand: Variable) -> Sum:
        """Return ϕ′(z) or ∂ℓ/∂o by what the inside is made of."""
        reader = self._inner[call.result]
        outputs = self.axes.indices(operand)
        opened = [reader.open(part) for part in call.parts[operand]]
        return algebra.add([algebra.place(each, outputs, outputs) for each in opened])

    def partial(self, call: Opaque, operand: Variable) -> Sum:
        """Return ∂ℓ/∂o as an atom."""
        meaning = self.derivative(call, operand)
        return algebra.atom(Partial(call.result, operand, meaning), algebra.fresh(meaning.outputs))

    def _part(self, part: Variable, reader: Reader) -> Sum:
        found = self.parts[part]
        outputs = self.axes.indices(found.operand)
        if not found.first:  # the first contribution tells all of them together
            return Sum(outputs, ())
        assert found.call.incoming is not None
        incoming = reader.read(found.call.incoming)
        if found.call.elementwise:
            slope = self.named(found.call, reader, 1)
            incoming = algebra.place(incoming, outputs, outputs) if incoming.outputs else incoming
        else:
            slope = self.partial(found.call, found.operand)
        return algebra.multiply([incoming, algebra.place(slope, outputs, outputs)], outputs)

    # -- What stands for a variable ----------------------------------------------------------------

    def _atom(self, variable: Variable) -> Sum:
        return self.axes.atom(Value(variable), variable)

    def _stop_raw(self, variable: Variable) -> Sum | None:
        return self._stop(variable, self.raw)

    def _stop_main(self, variable: Variable) -> Sum | None:
        target = variable.of
        if target is not None and (target is self.objective or self.is_simple(variable)):
            return self._simple_value(variable)
        return self._stop(variable, self.main)

    def _simple_value(self, gradient: Variable) -> Sum | None:
        if gradient.of is self.objective:
            return algebra.number(1, self.axes.indices(gradient))
        return self._part(gradient, self.main) if gradient in self.parts else None

    def _stop(self, variable: Variable, reader: Reader) -> Sum | None:
        if variable in self.visible or variable.of in self.visible:
            return self._atom(variable)
        if variable in self.parts:
            return self._part(variable, reader)
        call = self.calls.get(variable)
        return None if call is None else self.named(call, reader)

    def is_simple(self, gradient: Variable) -> bool:
        """Return whether a gradient holds numbers only, so that it is put in where it occurs."""
        if gradient not in self._simple:
            self._simple[gradient] = False
            target = gradient.of
            if target in self.visible or target in self.calls:
                terms = self.line(gradient, self.main).terms
                self._simple[gradient] = all(
                    isinstance(f.atom, Constant | Size) for term in terms for f in term.factors
                )
        return self._simple[gradient]

    def _stop_inside(self, call: Opaque) -> Callable[[Variable], Sum | None]:
        members = {out for op in call.inside for out in op.outputs}

        def stop(variable: Variable) -> Sum | None:
            if variable is call.incoming:
                return algebra.number(1, self.axes.indices(variable))
            if variable is call.result:
                if not call.elementwise:
                    return self._atom(variable)
                arguments = (self.main.read(call.operands[0]),)
                outputs = self.axes.indices(variable)
                meaning = self._inner[call.result].open(variable)
                return algebra.atom(Named(call.name, 0, arguments, meaning), outputs)
            if variable in members or variable.of in members:
                return None
            if variable in call.operands:
                return self.main.read(variable)
            return None

        return stop


def notation_of(scope: Scope, overrides: Overrides | None = None) -> Notation:
    """Return names for the variables and letters for the axes of a graph."""
    graph = scope.graph
    arrays = [v for v in graph.constants if v.name is None and v.rank]
    names = {v: f"C{n}" for n, v in enumerate(arrays, 1)}
    for n, v in enumerate((v for v in graph.inputs if v.name is None), 1):
        names[v] = f"X{n}"
    names |= {v: call.name for v, call in scope.calls.items() if v.name is None}
    output = next((v for v in reversed(scope.shown) if v.rank and v in scope.gradients), None)
    shown = (*graph.inputs, *scope.shown)
    return Notation(scope.objective, names, letters(graph, scope.axes, shown, output, overrides))
