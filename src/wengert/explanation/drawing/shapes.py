"""Boxes and circles of a scene, with their sizes, tooltips and the shapes on their edges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import PurePath

from wengert.base.errors import Location
from wengert.explanation.drawing.circles import HELPERS
from wengert.explanation.drawing.geometry import SIDE, Grid, Route, Spot
from wengert.explanation.drawing.picture import (
    Box,
    Circle,
    Edge,
    EdgeRole,
    Label,
    Line,
    NodeRole,
    Point,
)
from wengert.explanation.drawing.scene import Arrow, Node, Scene
from wengert.explanation.symbols import line_width, plain, shape_text, space_text

FONT = 15.0
WORD = 12.5
SMALL = 9.0
_HELPER_SIDE = 24.0
_CARRIAGE = 6


def font_size(line: Line, inside: float, largest: float = FONT) -> float:
    """Return the size at which a line fits, at least 8.

    >>> from wengert.explanation.drawing.picture import Span
    >>> font_size((Span("x"),), 30), font_size((Span("softmax of all"),), 60)
    (15.0, 9.0)
    """
    width = line_width(line, 1.0)
    if len(line) == 1 and len(line[0].text) > 3:
        largest = min(largest, WORD)
    return max(8.0, min(largest, float(int(2 * inside / max(width, 0.1))) / 2))


def label_width(label: Label) -> float:
    """Return the room that a label takes at its usual size."""
    if label.below:
        return max(line_width(label.line, 12.5), line_width(label.below, 12.5))
    return line_width(label.line, FONT)


def box_width(label: Label) -> float:
    """Return how wide a box is: square, wider for a long name."""
    return max(SIDE, float(round(label_width(label) + 14)))


def circle_size(label: Label, is_helper: bool = False) -> tuple[float, float]:
    """Return width and height of a circle; a long symbol makes it a pill."""
    if is_helper:
        return (_HELPER_SIDE, _HELPER_SIDE)
    size = 12.0 if line_width(label.line, FONT) > SIDE - 6 else FONT
    return (max(SIDE, float(round(line_width(label.line, size) + 18))), SIDE)


def is_helper(node: Node) -> bool:
    """Return whether a circle only moves or copies values."""
    return node.unit is not None and node.unit.call is None and (node.unit.last.operator in HELPERS)


def spot_of(node: Node, column: int, dy: float) -> Spot:
    """Return the place and size of a node of the forward pass."""
    label = Label(node.line)
    if node.variable is not None:
        return Spot(column, dy, box_width(label), SIDE)
    return Spot(column, dy, *circle_size(label, is_helper(node)), is_round=True)


def draw_node(scene: Scene, node: Node, grid: Grid, spot: Spot, retained: bool) -> Box | Circle:
    """Return a node of the forward pass as it is drawn."""
    x, y = grid.point(spot.column, spot.dy)
    key = f"n{node.number}"
    if node.variable is None:
        return Circle(
            key, x, y, spot.width, spot.height, Label(node.line), "operator", _circle_title(node)
        )
    caption = "" if scene.before[node.number] else shape_text(node.variable.shape)
    return Box(
        key, x, y, spot.width, spot.height, Label(node.line), _role(scene, node),
        _box_title(scene, node, retained), caption, retained,
    )  # fmt: skip


def _role(scene: Scene, node: Node) -> NodeRole:
    variable = node.variable
    if variable is None:
        return "operator"
    if variable in scene.graph.outputs:
        return "output"
    return variable.role if variable.role != "gradient" else "intermediate"


def _box_title(scene: Scene, node: Node, retained: bool) -> str:
    variable = node.variable
    if variable is None:
        return ""
    lines = [f"{plain(node.line)} {space_text(variable.shape)}, {variable.dtype.name}"]
    if variable.formula is not None and variable in scene.graph.constants:
        lines.append(f"{variable.formula} = {scene.graph.constants[variable]}")
    made = scene.graph.producer.get(variable)
    if made is None:
        lines.append(variable.role)
    elif made.location is not None:
        lines.append(f"{made.operator}, {place_text(made.location)}")
    if retained:
        lines.append("retained: the backward pass reads it")
    return "\n".join(lines)


def _circle_title(node: Node) -> str:
    unit = node.unit
    if unit is None:
        return ""
    steps = ", ".join(dict.fromkeys(operation.operator for operation in unit.operations))
    name = f"{unit.call.function}: {steps}" if unit.call is not None else steps
    lines = [name]
    if unit.numbers:
        lines.append("with " + ", ".join(unit.numbers.values()))
    if unit.last.location is not None:
        lines.append(place_text(unit.last.location))
    return "\n".join(lines)


def place_text(location: Location) -> str:
    """Return a place in the user's code, without the folders: drawings are passed around.

    >>> place_text(Location("/home/me/net.py", 12, "forward"))
    'net.py:12 in forward'
    """
    return str(replace(location, file=PurePath(location.file).name))


def draw_edge(keys: tuple[str, str], role: EdgeRole, route: Route, label: str = "") -> Edge:
    """Return an edge with its label beside the middle of its first stretch."""
    # An edge that runs on from the line above has no stretch that is long enough for a label.
    text = "" if len(route.path) > _CARRIAGE else label
    return Edge(*keys, role, route.start, route.path, text, _label_place(route))


def _label_place(route: Route) -> Point:
    """Return a place above the first stretch that is long enough, or where it arrives."""
    corners = [route.start, *(stretch[-1] for stretch in route.path)]
    pairs = list(pairwise(corners))
    level = [(a, b) for a, b in pairs if abs(a[1] - b[1]) < 3 and abs(a[0] - b[0]) > 24]
    if not level and len(pairs) > 1:  # a steep curve: beside its beginning
        (x0, y0), (_, y1) = corners[0], corners[-1]
        return (x0 + 12, y0 - 4 if y1 > y0 else y0 + 11)
    (x0, y0), (x1, y1) = level[0] if level else pairs[0]
    if level and len(pairs) > 1:
        x1 = max(min(x1, x0 + 44), x0 - 44) if pairs[0] == level[0] else x1
        x0 = x0 if pairs[0] == level[0] else max(min(x0, x1 + 44), x1 - 44)
    steep = 0 if abs(y1 - y0) < 3 else -7 if y1 < y0 else 7
    return ((x0 + x1) / 2 + steep, (y0 + y1) / 2 - 4)


def edge_text(scene: Scene, arrow: Arrow) -> str:
    """Return the shape on an arrow: where a value comes from a circle, and only there."""
    if scene.nodes[arrow.source].unit is None:
        return ""
    target = scene.nodes[arrow.target]
    first = next(
        a for a in scene.arrows if a.source == arrow.source and a.variable is arrow.variable
    )
    if target.variable is None and first != arrow:
        return ""
    return shape_text(arrow.variable.shape)


def gaps_of(
    texts: Mapping[int, str], count: int, least: float = 32.0, extra: float = 15.0
) -> dict[int, float]:
    """Return the free space right of each column, wide enough for the shapes on its edges."""
    room = {column: least for column in range(count)}
    for column, text in texts.items():
        room[column] = max(least, len(text) * SMALL * 0.56 + extra)
    return room
