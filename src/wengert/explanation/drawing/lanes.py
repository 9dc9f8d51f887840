"""The dashed edges from retained values down to the rules that read them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from wengert.explanation.drawing.geometry import Grid, Route, orthogonal
from wengert.explanation.drawing.picture import Box, Circle, Edge, Point, polyline

_CLEAR = 3.0
_STEP = 5.0
_FIRST = 7.0
_HIT, _CORNER = 400.0, 26.0


class Lanes:
    """Finds for each dashed edge a way that meets no node: straight, else between the columns."""

    def __init__(self, grid: Grid, nodes: Sequence[Box | Circle]) -> None:
        self.grid, self.nodes = grid, list(nodes)
        self.by_key = {node.key: node for node in nodes}
        self.used: dict[tuple[str, int], int] = {}

    def connect(self, source: str, target: str) -> Route:
        """Return the cheapest way from a forward node to a mark of the backward pass."""
        a, b = self.by_key[source], self.by_key[target]
        ways = [_straight(a, b), *self._lanes(a, b)]
        costs = [self._cost(way, a, b) for way in ways]
        best = costs.index(min(costs))
        if best:
            for lane in (("x", round(a.x)), ("x", round(b.x)), ("y", round(b.y))):
                self.used[lane] = self.used.get(lane, 0) + 1
        return ways[best]

    def _lanes(self, a: Box | Circle, b: Box | Circle) -> list[Route]:
        shift = _FIRST + _STEP * self.used.get(("x", round(a.x)), 0)
        arrive = _FIRST + _STEP * self.used.get(("x", round(b.x)), 0)
        level = self._channel(a) + _STEP * (self.used.get(("x", round(a.x)), 0) % 6)
        ways: list[Route] = []
        starts: list[list[Point]] = [[(a.x, a.y + a.height / 2), (a.x, level)]]
        for side in (1.0, -1.0):
            edge = a.x + side * a.width / 2
            lane = a.x + side * (self._half(a) + shift)
            starts.append(
                [(edge, a.y + a.height * 0.3), (lane, a.y + a.height * 0.3), (lane, level)]
            )
        for start in starts:
            ways.append(orthogonal([*start, _towards(b, start[-1])]))
            for side in (1.0, -1.0):
                lane = b.x + side * (self._half(b) + arrive)
                high = b.y - b.height / 2 - 8
                end = _towards(b, (lane, high))
                ways.append(orthogonal([*start, (lane, level), (lane, high), end]))
        return ways

    def _half(self, node: Box | Circle) -> float:
        """Return half of the width of the column that a node stands in."""
        place = min(range(len(self.grid.x)), key=lambda c: abs(self.grid.x[c] - node.x))
        return self.grid.half[place]

    def _channel(self, node: Box | Circle) -> float:
        """Return the height just below the forward pass of the node's line."""
        base = min((y for y in self.grid.base if y >= node.y - 1), default=self.grid.base[-1])
        return base + 34

    def _cost(self, way: Route, a: Box | Circle, b: Box | Circle) -> float:
        points = _corners(way)
        pairs = list(pairwise(points))
        length = sum(abs(p[0] - q[0]) + abs(p[1] - q[1]) for p, q in pairs)
        hits = sum(
            any(_meets(p, q, node) for p, q in pairs)
            for node in self.nodes
            if node is not a and node is not b
        )
        return _HIT * hits + length + _CORNER * (len(way.path) - 1)


def _corners(way: Route) -> list[Point]:
    """Return a path as straight pieces."""
    points = [way.start]
    for stretch in way.path:
        steps = 4 if len(stretch) > 1 else 1
        points += polyline(Edge("", "", "retained", points[-1], (stretch,)), steps)[1:]
    return points


def _meets(p: Point, q: Point, node: Box | Circle) -> bool:
    """Return whether a straight piece meets a node, by cutting it at the node's sides."""
    low, high = 0.0, 1.0
    for axis, centre, half in (
        (0, node.x, node.width / 2 + _CLEAR),
        (1, node.y, node.height / 2 + _CLEAR),
    ):
        start, step = p[axis] - centre, q[axis] - p[axis]
        if abs(step) < 1e-9:
            if abs(start) >= half:
                return False
            continue
        one, two = (-half - start) / step, (half - start) / step
        low, high = max(low, min(one, two)), min(high, max(one, two))
        if low >= high:
            return False
    return True


def _straight(a: Box | Circle, b: Box | Circle) -> Route:
    return Route(_towards(a, (b.x, b.y)), ((_towards(b, (a.x, a.y)),),))


def _towards(node: Box | Circle, point: Point) -> Point:
    """Return where the line from a node's centre to a point leaves the node."""
    dx, dy = point[0] - node.x, point[1] - node.y
    if isinstance(node, Box):
        scale = 1 / max(abs(dx) / (node.width / 2), abs(dy) / (node.height / 2), 1e-9)
        return (node.x + dx * scale, node.y + dy * scale)
    shaft = max(0.0, node.width / 2 - node.height / 2)
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    along = max(-shaft, min(shaft, dx))
    return (
        node.x + along * 0.8 + dx / length * node.height / 2,
        node.y + dy / length * node.height / 2,
    )
