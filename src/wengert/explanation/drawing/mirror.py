"""The backward pass as it is drawn: one red circle for each rule, mirrored from the forward pass.

The chain rule walks the forward pass in reverse, so its drawing has the forward drawing's columns:
for every circle and every operand that needs a gradient there is a circle that carries ∂J/∂result
to a contribution to ∂J/∂operand. Which forward values it reads is taken from the backward
operations themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wengert.base.dtypes import is_differentiable
from wengert.explanation.drawing.circles import (
    nabla_line,
    norm_rule_line,
    prime_line,
    rule_line,
    seed_label,
    transposed_line,
)
from wengert.explanation.drawing.picture import Label, Line, Span
from wengert.explanation.drawing.scene import Node, Scene, Unit, is_number
from wengert.explanation.drawing.shapes import place_text
from wengert.explanation.symbols import gradient_label, plain, space_text
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.graph.walk import forward_operations
from wengert.operators.registry import OPERATORS

_PLUS, _PASS = "+", "1"


@dataclass(frozen=True, eq=False)
class Mark:
    """A box or circle of the backward pass.

    Attributes:
        mirrors: the forward node in whose column it stands.
        between: it stands half a column further right (the sum of contributions).
        variable: the forward variable whose gradient it is or adds to.
        reads: forward variables that its operations read.
    """

    number: int
    is_box: bool
    label: Label
    title: str
    mirrors: int
    variable: Variable | None = None
    between: bool = False
    reads: tuple[Variable, ...] = ()


@dataclass
class Mirror:
    """All marks, and the arrows between them in the direction in which gradients flow."""

    scene: Scene
    marks: list[Mark] = field(default_factory=list[Mark])
    arrows: list[tuple[int, int, Variable]] = field(default_factory=list[tuple[int, int, Variable]])
    rule_of: dict[tuple[int, Variable | None], int] = field(
        default_factory=dict[tuple[int, Variable | None], int]
    )
    box_of: dict[Variable, int] = field(default_factory=dict[Variable, int])
    sum_of: dict[Variable, int] = field(default_factory=dict[Variable, int])

    def rule(self, circle: int, variable: Variable) -> int | None:
        """Return the mark that carries the gradient through a circle to an operand."""
        return self.rule_of.get((circle, variable), self.rule_of.get((circle, None)))


def build_mirror(scene: Scene) -> Mirror:
    """Return the backward pass of a joint graph as marks and arrows."""
    live = live_variables(scene.graph, scene.objective)
    reads = _reads(scene)
    mirror = Mirror(scene)
    circles = [node for node in scene.nodes if node.unit is not None]
    needs = {node.number: _needed(node.unit, live) for node in circles if node.unit is not None}
    _add_seed(mirror)
    for node in reversed(circles):
        _add_rules(mirror, node, needs[node.number], reads)
    for variable in dict.fromkeys(v for wanted in needs.values() for v in wanted):
        _add_gradient(mirror, variable, [c for c, wanted in needs.items() if variable in wanted])
    for node in circles:
        _join(mirror, node, needs[node.number], live)
    return mirror


def live_variables(graph: Graph, objective: Variable) -> set[Variable]:
    """Return the forward variables whose gradients the backward pass goes through."""
    operations = forward_operations(graph)
    wrt = {v.of for v in graph.outputs if v.role == "gradient" and v.of is not None}
    reached = set(wrt) or {v for v in graph.inputs if v.role == "parameter"}
    for operation in operations:
        if any(v in reached for v in _differentiated(operation)):
            reached.update(operation.outputs)
    live = {objective} & reached
    for operation in reversed(operations):
        if any(out in live for out in operation.outputs):
            live.update(v for v in _differentiated(operation) if v in reached)
    return live


def _differentiated(operation: Operation) -> list[Variable]:
    """Return the operands that the operation has a derivative by."""
    record = OPERATORS[operation.operator]
    if not all(is_differentiable(out.dtype) for out in operation.outputs):
        return []
    return [
        variable
        for place, variable in enumerate(operation.inputs)
        if record.rule(place) is not None and is_differentiable(variable.dtype)
    ]


def _needed(unit: Unit, live: set[Variable]) -> list[Variable]:
    """Return the operands of a circle that get a gradient through it."""
    through = {
        variable
        for operation in unit.operations
        if any(out in live for out in operation.outputs)
        for variable in _differentiated(operation)
    }
    return [variable for variable in unit.inputs if variable in live and variable in through]


def _reads(scene: Scene) -> dict[tuple[int, Variable], dict[Variable, None]]:
    """Return the forward values read on the way from each circle to each operand's gradient."""
    circle = {
        out: node.number
        for node in scene.nodes
        if node.unit is not None
        for operation in node.unit.operations
        for out in operation.outputs
    }
    backward = [op for op in scene.graph.operations if op.origin is not None]
    made = {out for operation in backward for out in operation.outputs}
    goals: dict[Operation, set[Variable]] = {}
    found: dict[tuple[int, Variable], dict[Variable, None]] = {}
    for operation in reversed(backward):
        goals[operation] = goal = _goals(scene, operation, circle, goals)
        own = circle.get(operation.origin) if operation.origin is not None else None
        if own is None:
            continue
        used = [v for v in operation.inputs if v not in made and _is_kept(scene.graph, v)]
        for variable in goal:
            found.setdefault((own, variable), {}).update(dict.fromkeys(used))
    return found


def _goals(
    scene: Scene,
    operation: Operation,
    circle: Mapping[Variable, int],
    goals: Mapping[Operation, set[Variable]],
) -> set[Variable]:
    """Return the operands whose gradients a backward operation helps to make."""
    own = circle.get(operation.origin) if operation.origin is not None else None
    found: set[Variable] = set()
    for out in operation.outputs:
        if out.of is not None and circle.get(out.of) != own:
            found.add(out.of)
        for reader in scene.graph.consumers[out]:
            if reader.origin is None:
                continue
            inside = own is not None and circle.get(reader.origin) == own
            found.update(goals.get(reader, set()) if inside else {reader.origin})
    return found


def _is_kept(graph: Graph, variable: Variable) -> bool:
    return variable.role != "constant" or (variable.rank > 0 and not is_number(graph, variable))


def _add(
    mirror: Mirror,
    label: Label,
    title: str,
    mirrors: int,
    variable: Variable | None,
    *,
    is_box: bool = False,
    between: bool = False,
    reads: Iterable[Variable] = (),
) -> int:
    number = len(mirror.marks)
    mark = Mark(number, is_box, label, title, mirrors, variable, between, tuple(reads))
    mirror.marks.append(mark)
    return number


def _add_seed(mirror: Mirror) -> None:
    scene = mirror.scene
    place = scene.place_of[scene.objective]
    name = plain(scene.nodes[place].line)
    number = _add(mirror, seed_label(), f"∂{name}/∂{name} = 1", place, scene.objective, is_box=True)
    mirror.box_of[scene.objective] = number


def _add_rules(
    mirror: Mirror,
    node: Node,
    needed: list[Variable],
    reads: Mapping[tuple[int, Variable], Mapping[Variable, None]],
) -> None:
    if node.unit is None:
        return
    for variable in needed:
        line = _rule_symbol(mirror.scene, node.unit, variable)
        used = reads.get((node.number, variable), {})
        passes = len(line) == 1 and line[0].text == _PASS and not used
        key = (node.number, None if passes else variable)
        if key not in mirror.rule_of:
            title = _rule_title(mirror.scene, node, variable)
            mirror.rule_of[key] = _add(
                mirror, Label(line), title, node.number, variable, reads=used
            )


def _rule_symbol(scene: Scene, unit: Unit, variable: Variable) -> Line:
    if unit.call is not None:
        alone = len(unit.inputs) == 1 and all(_is_elementwise(op) for op in unit.operations)
        return prime_line(unit.line) if alone else nabla_line(unit.line)
    names = {
        place: (Span(unit.numbers[place]),) if place in unit.numbers else _name(scene, operand)
        for place, operand in enumerate(unit.last.inputs)
    }
    if unit.is_norm:
        return norm_rule_line(line_of(scene, variable))
    place = unit.last.inputs.index(variable)
    return rule_line(unit.last, place, names, unit.line, len(unit.numbers))


_COMPOSITES = {"relu", "leaky_relu", "sigmoid", "softplus", "gelu"}


def _is_elementwise(operation: Operation) -> bool:
    kind = OPERATORS[operation.operator].kind
    return kind == "elementwise" or operation.operator in _COMPOSITES


def _name(scene: Scene, variable: Variable) -> Line:
    """Return the name of a variable, Kᵀ for the unnamed transpose of K."""
    line, maker = line_of(scene, variable), scene.graph.producer.get(variable)
    if line or maker is None:
        return line
    return transposed_line(maker, line_of(scene, maker.inputs[0]))


def line_of(scene: Scene, variable: Variable) -> Line:
    """Return what stands in the box of a variable; nothing when it has no box."""
    for node in scene.nodes:
        if node.variable is variable:
            return node.line
    return ()


def _rule_title(scene: Scene, node: Node, variable: Variable) -> str:
    objective = plain(line_of(scene, scene.objective))
    operand = plain(line_of(scene, variable)) or "·"
    made = [scene.nodes[n] for n in scene.after[node.number] if scene.nodes[n].variable]
    result = plain(made[0].line) if made else "·"
    lines = [f"prod(∂{objective}/∂{result}, ∂{result}/∂{operand})"]
    if node.unit is not None and node.unit.last.location is not None:
        lines.append(f"backward of {place_text(node.unit.last.location)}")
    return "\n".join(lines)


def _add_gradient(mirror: Mirror, variable: Variable, circles: list[int]) -> None:
    """Add the box of a gradient, and the sum where several contributions arrive."""
    scene = mirror.scene
    place = scene.place_of[variable]
    rules = [rule for circle in circles if (rule := mirror.rule(circle, variable)) is not None]
    objective, line = line_of(scene, scene.objective), line_of(scene, variable)
    if scene.nodes[place].variable is variable and variable not in mirror.box_of:
        title = f"∂{plain(objective)}/∂{plain(line)} {space_text(variable.shape)}"
        label = gradient_label(objective, line)
        mirror.box_of[variable] = _add(mirror, label, title, place, variable, is_box=True)
    if len(rules) > 1:
        title = f"sum of {len(rules)} contributions to ∂{plain(objective)}/∂{plain(line) or '·'}"
        total = _add(mirror, Label((Span(_PLUS),)), title, place, variable, between=True)
        mirror.sum_of[variable] = total
        mirror.arrows.extend((rule, total, variable) for rule in rules)
        if variable in mirror.box_of:
            mirror.arrows.append((total, mirror.box_of[variable], variable))
    elif variable in mirror.box_of:
        mirror.arrows.extend((rule, mirror.box_of[variable], variable) for rule in rules)


def _join(mirror: Mirror, node: Node, needed: list[Variable], live: set[Variable]) -> None:
    """Bring the gradient of a circle's results to the rules of the circle."""
    if node.unit is None:
        return
    rules = {rule for v in needed if (rule := mirror.rule(node.number, v)) is not None}
    for result in (out for op in node.unit.operations for out in op.outputs):
        if result not in live:
            continue
        for source in _arriving(mirror, result, node.number):
            mirror.arrows.extend((source, rule, result) for rule in sorted(rules))


def _arriving(mirror: Mirror, result: Variable, circle: int) -> list[int]:
    if result in mirror.box_of:
        return [mirror.box_of[result]]
    if result in mirror.sum_of:
        return [mirror.sum_of[result]]
    readers = [
        rule
        for (reader, variable), rule in mirror.rule_of.items()
        if reader != circle and (variable is result or variable is None)
        if _reads_result(mirror.scene, reader, result)
    ]
    return sorted(set(readers))


def _reads_result(scene: Scene, circle: int, result: Variable) -> bool:
    unit = scene.nodes[circle].unit
    return unit is not None and result in unit.inputs
