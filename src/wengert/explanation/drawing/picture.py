"""A drawing as pure data: boxes are variables, circles are operators, all with coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

NodeRole = Literal[
    "input", "parameter", "constant", "intermediate", "output", "gradient", "operator", "backward"
]
EdgeRole = Literal["forward", "backward", "retained", "seed"]
Point = tuple[float, float]
# One stretch of a path after its start: one point is a straight line, three are a cubic curve.
Stretch = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style; ``shift`` is 1 for a superscript, -1 for a subscript."""

    text: str
    bold: bool = False
    italic: bool = False
    shift: int = 0


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """What stands in a node: one line, or a fraction when there is a ``below``."""

    line: Line
    below: Line = ()


@dataclass(frozen=True, slots=True)
class Box:
    """A variable, centred on (x, y)."""

    key: str
    x: float
    y: float
    width: float
    height: float
    label: Label
    role: NodeRole
    title: str
    caption: str = ""
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Circle:
    """An operator, centred on (x, y); wider than high (a pill) when its symbol is long."""

    key: str
    x: float
    y: float
    width: float
    height: float
    label: Label
    role: NodeRole
    title: str


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow between two nodes, with the shape of the value that travels on it."""

    source: str
    target: str
    role: EdgeRole
    start: Point
    path: tuple[Stretch, ...]
    label: str = ""
    label_at: Point = (0.0, 0.0)

    @property
    def end(self) -> Point:
        """Where the arrow head is."""
        return self.path[-1][-1]


@dataclass(frozen=True, slots=True)
class Frame:
    """The dashed outline of an opened call of a function of the user's."""

    x: float
    y: float
    width: float
    height: float
    label: Label


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole drawing.

    Attributes:
        title: one line above the drawing.
        description: the same in words, for those who cannot see it.
        legend: which kinds of marks occur, in the order they are explained.
    """

    title: str
    description: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    circles: tuple[Circle, ...]
    edges: tuple[Edge, ...]
    frames: tuple[Frame, ...] = ()
    legend: tuple[str, ...] = ()

    @property
    def nodes(self) -> tuple[Box | Circle, ...]:
        """Boxes, then circles."""
        return (*self.boxes, *self.circles)


def polyline(edge: Edge, steps: int = 12) -> list[Point]:
    """Return points along an edge, close enough together to measure it."""
    points = [edge.start]
    for stretch in edge.path:
        corners = (points[-1], *stretch)
        for step in range(1, steps + 1):
            points.append(_bezier(corners, step / steps))
    return points


def _bezier(corners: tuple[Point, ...], t: float) -> Point:
    row: list[Point] = list(corners)
    while len(row) > 1:
        pairs: list[tuple[Point, Point]] = list(pairwise(row))
        row = [((1 - t) * a[0] + t * b[0], (1 - t) * a[1] + t * b[1]) for a, b in pairs]
    return row[0]
