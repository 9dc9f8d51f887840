"""Why a forward value is kept: the lines of the backward pass that read it, in mathematics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from wengert.explanation.mathematics.notation import Notation
from wengert.explanation.mathematics.plain import plain_forward
from wengert.explanation.mathematics.scope import Scope, notation_of
from wengert.explanation.mathematics.shorthand import shorthands
from wengert.explanation.mathematics.style import Style, Unicode
from wengert.explanation.mathematics.terms import Sum
from wengert.explanation.mathematics.writer import Writer
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable

Reasons = Mapping[Variable, tuple[tuple[Variable, str], ...]]


def reasons(graph: Graph, style: Style | None = None) -> Reasons:
    """Return for each retained forward variable the gradients that read it, and their formula.

    Needs no data: labels are taken to sum to one, and max to have no ties. A formula that tells
    a function by name is followed by what its derivative is made of.

    Args:
        graph: a joint graph.
        style: how formulas are set; Unicode by default.

    >>> import numpy as np
    >>> from wengert.tracing.spec import Spec
    >>> from wengert.transforms import joint
    >>> def objective(W, x):
    ...     h = W @ x
    ...     J = np.sum(h * h)
    ...     return J
    >>> found = reasons(joint(objective, Spec((3, 4)), Spec((4,))))
    >>> {variable.name: [text for _, text in why] for variable, why in found.items()}
    {'h': ['∂J/∂h = 2 h'], 'x': ['∂J/∂W = (∂J/∂h) xᵀ']}
    """
    plain, back = plain_forward(graph)
    found = _Witness(plain, style or Unicode()).tell()
    return {
        back.get(variable, variable): tuple((back.get(g, g), text) for g, text in why)
        for variable, why in found.items()
    }


class _Witness:
    def __init__(self, graph: Graph, style: Style) -> None:
        self.graph, self.scope = graph, Scope(graph)
        self.style = style
        forward = set(self.scope.forward)
        self.backward = {op for op in graph.operations if op not in forward}
        self.gradients = [
            v for v in graph.variables if v.of is not None and v.of in self.scope.visible
        ]

    def tell(self) -> Reasons:
        lines = {g: self.scope.line(g, self.scope.main) for g in self._told()}
        notation = self._notation(lines)
        found: dict[Variable, list[tuple[Variable, str]]] = {}
        for gradient, tensor in lines.items():
            text = self._text(notation, gradient, tensor)
            for variable in self._reads(gradient):
                found.setdefault(variable, []).append((gradient, text))
        return {variable: tuple(each) for variable, each in found.items()}

    def _told(self) -> Iterator[Variable]:
        return (g for g in self.gradients if g in self.graph.producer)

    def _notation(self, lines: Mapping[Variable, Sum]) -> Notation:
        notation = notation_of(self.scope)
        shown = (*self.graph.inputs, *self.scope.shown)
        short, _ = shorthands(notation, shown, lines.values())
        return replace(notation, short=short)

    def _text(self, notation: Notation, gradient: Variable, tensor: Sum) -> str:
        writer = Writer(notation, self.style)
        text = f"{writer.text(writer.variable(gradient))} = {writer.tensor(tensor)}"
        inner = [self._inner(writer, op) for op in self._cone(gradient)]
        return ", ".join(dict.fromkeys([text, *(each for each in inner if each)]))

    def _inner(self, writer: Writer, operation: Operation) -> str | None:
        """Return what a derivative told by name is made of, if the operation makes one."""
        part = self.scope.parts.get(operation.outputs[0])
        if part is None or not part.first or not part.call.is_users:
            return None
        meaning = self.scope.derivative(part.call, part.operand)
        if part.call.elementwise:
            name = self.scope.named(part.call, self.scope.main, 1)
        else:
            name = self.scope.partial(part.call, part.operand)
        left = writer.text(writer.atom(name.terms[0].factors[0].atom))
        return f"{left} = {writer.tensor(meaning)}"

    def _cone(self, gradient: Variable) -> list[Operation]:
        """Return the operations between a gradient and the named gradients it comes from."""
        stop = set(self.gradients) - {gradient}
        found: dict[Operation, None] = {}
        waiting = [gradient]
        while waiting:
            variable = waiting.pop()
            operation = self.graph.producer.get(variable)
            if operation in self.backward and operation not in found and variable not in stop:
                found[operation] = None
                waiting.extend(operation.inputs)
        return list(found)

    def _reads(self, gradient: Variable) -> list[Variable]:
        """Return the forward variables that the operations of a line read, numbers aside."""
        made = {out for op in self.backward for out in op.outputs}
        read = (v for op in self._cone(gradient) for v in op.inputs)
        return [
            v for v in dict.fromkeys(read)
            if v not in made and v.of is None and not (v in self.graph.constants and not v.rank)
        ]  # fmt: skip
