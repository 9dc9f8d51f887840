"""From a graph to what is drawn: calls folded into circles, numbers written into them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from wengert.base.tree import paths
from wengert.explanation.drawing.circles import call_line, norm_line, operator_line
from wengert.explanation.drawing.picture import Line, Span
from wengert.explanation.symbols import name_line, number_text, variable_line
from wengert.graph.graph import Graph
from wengert.graph.operation import Call, Operation
from wengert.graph.variable import Variable
from wengert.graph.walk import forward_operations
from wengert.operators.registry import OPERATORS

Opened = Collection[str] | Literal[True]


@dataclass(frozen=True, eq=False)
class Unit:
    """Operations that are drawn as one circle.

    Attributes:
        inputs: the variables that an arrow brings in; bare numbers are in ``numbers``.
        numbers: the bare numbers of a single operation, by operand.
        call: the folded call of a user's function, None for anything else.
    """

    operations: tuple[Operation, ...]
    inputs: tuple[Variable, ...]
    line: Line
    numbers: Mapping[int, str] = field(default_factory=dict[int, str])
    call: Call | None = None
    is_norm: bool = False

    @property
    def last(self) -> Operation:
        """The operation that makes the result."""
        return self.operations[-1]


@dataclass(frozen=True, eq=False)
class Node:
    """A box (with a variable) or a circle (with a unit), numbered in drawing order."""

    number: int
    variable: Variable | None = None
    unit: Unit | None = None
    line: Line = ()


@dataclass(frozen=True, slots=True)
class Arrow:
    """The value of ``variable`` on its way between two nodes."""

    source: int
    target: int
    variable: Variable


@dataclass(frozen=True, eq=False)
class Scene:
    """Nodes and arrows of a forward pass."""

    graph: Graph
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    objective: Variable
    opened: tuple[tuple[Call, tuple[int, ...]], ...] = ()

    @cached_property
    def before(self) -> Mapping[int, tuple[int, ...]]:
        """Nodes with an arrow to each node."""
        return _neighbours(self, False)

    @cached_property
    def after(self) -> Mapping[int, tuple[int, ...]]:
        """Nodes with an arrow from each node."""
        return _neighbours(self, True)

    @cached_property
    def place_of(self) -> Mapping[Variable, int]:
        """The node that shows a variable: its box, else the circle that makes it."""
        found: dict[Variable, int] = {}
        for node in self.nodes:
            if node.unit is not None:
                found.update(
                    (out, node.number) for op in node.unit.operations for out in op.outputs
                )
        for node in self.nodes:
            if node.variable is not None:
                found[node.variable] = node.number
        return found


def _neighbours(scene: Scene, forward: bool) -> dict[int, tuple[int, ...]]:
    found: dict[int, dict[int, None]] = {node.number: {} for node in scene.nodes}
    for arrow in scene.arrows:
        a, b = (arrow.source, arrow.target) if forward else (arrow.target, arrow.source)
        found[a][b] = None
    return {number: tuple(others) for number, others in found.items()}


def build_scene(graph: Graph, open: Opened = (), fold: Collection[str] = ()) -> Scene:
    """Fold the forward pass of a graph into nodes and arrows.

    A call that reads a parameter is open unless ``fold`` names it; any other is one circle
    unless ``open`` names it (``True`` opens all).
    """
    operations = forward_operations(graph)
    outer = _folded_calls(graph, operations, open, fold)
    groups = _groups(graph, operations, outer)
    units = [_unit(graph, group, call, set(graph.outputs)) for group, call in groups]
    shown = {out for unit in units for op in unit.operations for out in op.outputs}
    outputs = [v for v in graph.outputs if v in shown or (v in graph.inputs and v.of is None)]
    objective = outputs[0] if outputs else units[-1].last.outputs[0]
    nodes, arrows = _Drafting(graph, objective, set(outputs)).draw(units)
    asked = _asked_frames(operations, outer, open)
    frames = tuple((call, _members(nodes, arrows, call)) for call in asked)
    return Scene(graph, nodes, arrows, objective, frames)


def _folded_calls(
    graph: Graph, operations: tuple[Operation, ...], open: Opened, fold: Collection[str]
) -> dict[Operation, Call | None]:
    """Return for each operation the outermost folded call that it is in."""
    reading = {
        call
        for operation in operations
        if operation.call is not None
        if any(variable.role == "parameter" for variable in operation.inputs)
        for call in operation.call.path
    }

    def is_open(call: Call) -> bool:
        if open is True or call.function in open or f"{call.function}#{call.number}" in open:
            return True
        return call in reading and call.function not in fold

    found: dict[Operation, Call | None] = {}
    for operation in operations:
        path = operation.call.path if operation.call is not None else ()
        found[operation] = next((call for call in path if not is_open(call)), None)
    if len(operations) > 1 and None not in found.values() and len(set(found.values())) == 1:
        (whole,) = {call.function for call in found.values() if call is not None}
        opened = True if open is True else {*open, whole}
        if whole not in fold:
            return _folded_calls(graph, operations, opened, fold)
    return found


def _groups(
    graph: Graph, operations: tuple[Operation, ...], outer: Mapping[Operation, Call | None]
) -> list[tuple[tuple[Operation, ...], Call | None]]:
    """Gather the operations of each circle, in order of its last operation."""
    norms = {op: _square_below(graph, op, outer) for op in operations if outer[op] is None}
    taken = {square for square in norms.values() if square is not None}
    gathered: dict[Call | Operation, list[Operation]] = {}
    for operation in operations:
        call, square = outer[operation], norms.get(operation)
        if call is not None:
            gathered.setdefault(call, []).append(operation)
        elif operation not in taken:
            gathered[operation] = [operation] if square is None else [square, operation]
    position = {operation: index for index, operation in enumerate(operations)}
    rows = [(tuple(ops), key if isinstance(key, Call) else None) for key, ops in gathered.items()]
    rows.sort(key=lambda row: position[row[0][-1]])
    if _is_ordered(rows):
        return rows
    # A call that gives a value out and takes one back in is no circle: show its operations.
    return _groups(graph, operations, dict.fromkeys(operations))


def _is_ordered(rows: list[tuple[tuple[Operation, ...], Call | None]]) -> bool:
    row_of = {out: i for i, (ops, _) in enumerate(rows) for op in ops for out in op.outputs}
    return all(
        row_of.get(variable, -1) <= index
        for index, (operations, _) in enumerate(rows)
        for operation in operations
        for variable in operation.inputs
    )


def _square_below(
    graph: Graph, operation: Operation, outer: Mapping[Operation, Call | None]
) -> Operation | None:
    """Return the unnamed square that this sum of all axes adds up: together they are ‖·‖²."""
    whole = tuple(range(operation.inputs[0].rank)) if operation.inputs else ()
    if operation.operator != "sum" or tuple(operation.attributes.get("axis", ())) != whole:
        return None
    operand = operation.inputs[0]
    square = graph.producer.get(operand)
    if square is None or not whole or operand.name is not None or operand in graph.outputs:
        return None
    if outer.get(square, operation) is not None or not _is_square(square):
        return None
    readers = [op for op in graph.consumers[operand] if op in outer]
    return square if readers == [operation] else None


def _is_square(operation: Operation) -> bool:
    twice = operation.operator == "multiply" and len(set(operation.inputs)) == 1
    return operation.operator == "square" or twice


def is_number(graph: Graph, variable: Variable) -> bool:
    """Return whether a variable is a bare number of the source text, such as 2 or 0.5."""
    if variable.role != "constant" or variable.rank or variable.name is not None:
        return False
    return variable.formula is None or not any(c.isalpha() for c in variable.formula)


def _unit(
    graph: Graph, operations: tuple[Operation, ...], call: Call | None, outputs: set[Variable]
) -> Unit:
    inner = {out for operation in operations for out in operation.outputs}
    given = dict.fromkeys(v for operation in operations for v in operation.inputs)
    inputs = tuple(v for v in given if v not in inner and not _is_hidden(graph, v, call))
    last = operations[-1]
    if call is not None:
        return Unit(operations, inputs, call_line(call.function), call=call)
    if len(operations) > 1 or last.operator == "squared_norm":
        return Unit(operations, inputs, norm_line(inputs[0].rank), is_norm=True)
    numbers = {
        place: number_text(float(np.real(graph.constants[v])))
        for place, v in enumerate(last.inputs)
        if is_number(graph, v)
    }
    return Unit(
        operations, inputs, operator_line(last, numbers, OPERATORS[last.operator].symbol), numbers
    )


def _is_hidden(graph: Graph, variable: Variable, call: Call | None) -> bool:
    inside_call = call is not None and variable.role == "constant" and variable.rank == 0
    return inside_call or is_number(graph, variable)


class _Drafting:
    """Number boxes and circles in the order of the program, and join them."""

    def __init__(self, graph: Graph, objective: Variable, outputs: set[Variable]) -> None:
        self.graph, self.objective, self.outputs = graph, objective, outputs
        self.nodes: list[Node] = []
        self.arrows: list[Arrow] = []
        self.source: dict[Variable, int] = {}

    def draw(self, units: list[Unit]) -> tuple[tuple[Node, ...], tuple[Arrow, ...]]:
        if self.objective in self.graph.inputs:
            self._box(self.objective)
        for unit in units:
            sources = [self._arrive(variable) for variable in unit.inputs]
            circle = self._add(unit=unit, line=unit.line)
            for source, variable in zip(sources, unit.inputs, strict=True):
                self.arrows.append(Arrow(source, circle, variable))
            for variable in (out for op in unit.operations for out in op.outputs):
                self.source[variable] = circle
            for variable in unit.last.outputs if unit.call is None else self._leaving(unit):
                self._leave(variable, circle)
        return tuple(self.nodes), tuple(self.arrows)

    def _add(
        self, variable: Variable | None = None, unit: Unit | None = None, line: Line = ()
    ) -> int:
        self.nodes.append(Node(len(self.nodes), variable, unit, line))
        return len(self.nodes) - 1

    def _leaving(self, unit: Unit) -> list[Variable]:
        inside = set(unit.operations)
        return [
            out
            for operation in unit.operations
            for out in operation.outputs
            if out in self.outputs
            or any(op not in inside and op.origin is None for op in self.graph.consumers[out])
        ]

    def _arrive(self, variable: Variable) -> int:
        """Return the node an arrow starts from; a named number is a box at each use."""
        if variable.role == "constant" and variable.rank == 0:
            return self._box(variable)
        if variable not in self.source:
            self.source[variable] = self._box(variable)
        return self.source[variable]

    def _box(self, variable: Variable) -> int:
        return self._add(variable, line=self._line(variable))

    def _leave(self, variable: Variable, circle: int) -> None:
        if variable.name is None and variable not in self.outputs:
            return
        box = self._box(variable)
        self.arrows.append(Arrow(circle, box, variable))
        self.source[variable] = box

    def _line(self, variable: Variable) -> Line:
        line = variable_line(variable)
        if line:
            return line
        if variable in self.outputs:
            return name_line(self._output_name(variable), variable.rank)
        return (Span("c", bold=variable.rank > 0, italic=variable.rank == 0),)

    def _output_name(self, variable: Variable) -> str:
        """Name an unnamed result: its key in the returned container, J for the objective."""
        for path, output in zip(
            paths(self.graph.output_structure), self.graph.outputs, strict=False
        ):
            if output is variable and path and isinstance(path[-1], str):
                return path[-1]
        taken = any(other.name == "J" for other in self.graph.variables)
        is_objective = variable is self.objective and variable.rank == 0
        return "J" if is_objective and not taken else "out"


def _asked_frames(
    operations: tuple[Operation, ...], outer: Mapping[Operation, Call | None], open: Opened
) -> list[Call]:
    found: dict[Call, None] = {}
    for operation in operations:
        for call in operation.call.path if operation.call is not None else ():
            if call == outer[operation]:
                break
            if open is True or call.function in open or f"{call.function}#{call.number}" in open:
                found[call] = None
    return list(found)


def _members(nodes: tuple[Node, ...], arrows: tuple[Arrow, ...], call: Call) -> tuple[int, ...]:
    circles = {
        node.number
        for node in nodes
        if node.unit is not None
        if all(op.call is not None and call in op.call.path for op in node.unit.operations)
    }
    readers: dict[int, set[int]] = {}
    makers: dict[int, int] = {}
    for arrow in arrows:
        readers.setdefault(arrow.source, set()).add(arrow.target)
        makers[arrow.target] = arrow.source
    inner = {
        box
        for box, targets in readers.items()
        if nodes[box].variable is not None and targets <= circles
        if box not in makers or makers[box] in circles
        if box in makers or nodes[box].variable.role == "constant"  # pyright: ignore[reportOptionalMemberAccess]
    }
    return tuple(sorted(circles | inner))
