"""Forward and backward pass in one drawing: the gradients stand below their variables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from wengert.base.errors import DifferentiationError
from wengert.explanation.drawing.draw import svg
from wengert.explanation.drawing.forward import (
    LONGEST_LINE,
    TITLE,
    assemble,
    carriage_tracks,
    describe,
    forward_edges,
    gap_texts,
    line_tracks,
)
from wengert.explanation.drawing.frames import frames_of
from wengert.explanation.drawing.geometry import (
    PITCH,
    SIDE,
    Grid,
    Spot,
    choose_cuts,
    make_grid,
    route,
)
from wengert.explanation.drawing.lanes import Lanes
from wengert.explanation.drawing.layout import Problem, Rows, arrange
from wengert.explanation.drawing.mirror import Mark, Mirror, build_mirror
from wengert.explanation.drawing.picture import Box, Circle, Edge, Picture
from wengert.explanation.drawing.scene import Opened, Scene, build_scene
from wengert.explanation.drawing.shapes import (
    box_width,
    circle_size,
    draw_edge,
    draw_node,
    gaps_of,
    spot_of,
)
from wengert.explanation.drawing.spine import Spine, problem_of
from wengert.graph.graph import Graph
from wengert.graph.variable import Variable

CHANNEL = 2.0 * PITCH
_SUM, _FRACTION = 22.0, 42.0
_NARROW = 14.0


def ladder_svg(joint: Graph, open: Opened = (), *, fold: Collection[str] = ()) -> str:
    """Return forward and backward pass as SVG text, with what the backward pass retains.

    Args:
        joint: a graph with its backward pass, from :func:`wengert.transforms.joint`.
        open: names of the user's functions whose calls are opened, True for all.
        fold: names of functions that read parameters, and are one circle all the same.

    Raises:
        DifferentiationError: the graph has no backward pass.

    >>> import numpy as np
    >>> from wengert.tracing.spec import Spec
    >>> from wengert.transforms import joint
    >>> svg = ladder_svg(joint(lambda w: np.sum(w**2), Spec((3,), "float64")))
    >>> "∂" in svg and svg.startswith("<svg")
    True
    """
    return svg(ladder_picture(joint, open, fold=fold))


def ladder_picture(joint: Graph, open: Opened = (), *, fold: Collection[str] = ()) -> Picture:
    """Return forward and backward pass as data."""
    if not any(operation.origin is not None for operation in joint.operations):
        raise DifferentiationError(
            f"{joint.name} has no backward pass to draw",
            expected="a joint graph of the objective and its gradients",
            got=f"a graph of {len(joint.operations)} forward operations",
            remedy="wengert.transforms.joint(objective, *examples)",
        )
    scene = build_scene(joint, open, fold)
    problem, spine = problem_of(scene)
    mirror = build_mirror(scene)
    board = _Board(scene, mirror, problem, spine)
    return board.picture()


@dataclass(frozen=True)
class _Columns:
    """Ladder columns: those of the forward pass, and narrow ones for sums of gradients."""

    index: Mapping[int, int]

    def forward(self, column: int) -> int:
        return self.index[2 * column]

    def mark(self, mark: Mark, problem: Problem) -> int:
        return self.index[2 * problem.columns[mark.mirrors] + mark.between]


class _Board:
    def __init__(self, scene: Scene, mirror: Mirror, problem: Problem, spine: Spine) -> None:
        self.scene, self.mirror, self.spine = scene, mirror, spine
        keys = {2 * column for column in range(max(problem.columns.values()) + 1)}
        keys |= {2 * problem.columns[m.mirrors] + 1 for m in mirror.marks if m.between}
        self.columns = _Columns({key: place for place, key in enumerate(sorted(keys))})
        self.narrow = {self.columns.index[key] for key in keys if key % 2}
        self.forward = problem
        self.backward = self._mirrored(problem)

    def _mirrored(self, problem: Problem) -> Problem:
        mirror = self.mirror
        columns = {m.number: self.columns.mark(m, problem) for m in mirror.marks}
        # The layout reads from left to right; gradients flow the other way.
        edges = list(dict.fromkeys((b, a) for a, b, _ in mirror.arrows))
        pinned = _gradient_spine(mirror, self.spine)
        ahead = [edge for edge in edges if pinned and edge[0] == pinned[-1]]
        return Problem(columns, edges, pinned, frozenset(ahead))

    def picture(self) -> Picture:
        ahead, back = arrange(self.forward), arrange(self.backward)
        spots = self._forward_spots(ahead)
        marks = {m.number: self._mark_spot(m, back) for m in self.mirror.marks}
        bends = {
            edge: [(self.columns.forward(c), -PITCH * row) for c, row in places]
            for edge, places in ahead.bends.items()
        }
        below = {
            edge: [(c, CHANNEL + PITCH * row) for c, row in places]
            for edge, places in back.bends.items()
        }
        passing = [p for places in (*bends.values(), *below.values()) for p in places]
        grid, tracks, back_tracks = self._grid(spots, marks, passing)
        kept = self._kept()
        nodes = [
            draw_node(self.scene, node, grid, spots[node.number], node.number in kept)
            for node in self.scene.nodes
        ]
        drawn = [_draw_mark(mark, grid, marks[mark.number]) for mark in self.mirror.marks]
        edges = forward_edges(self.scene, grid, spots, bends, tracks)
        for a, b, _ in dict.fromkeys(self.mirror.arrows):
            places = tuple(reversed(below.get((b, a), ())))
            way = route(grid, marks[a], places, marks[b], back_tracks.get((b, a), 0))
            edges.append(draw_edge((f"g{a}", f"g{b}"), "backward", way))
        edges.append(self._seed_edge(grid, spots, marks))
        edges.extend(self._retained_edges(grid, [*nodes, *drawn]))
        return assemble(
            f"Forward and backward propagation: {self.scene.graph.name}",
            describe(self.scene),
            grid,
            [*nodes, *drawn],
            edges,
            frames=frames_of(self.scene, nodes, grid),
            extra_legend=("backward", "gradient", "retained"),
        )

    def _forward_spots(self, rows: Rows) -> dict[int, Spot]:
        return {
            node.number: spot_of(
                node,
                self.columns.forward(self.forward.columns[node.number]),
                -PITCH * rows.nodes[node.number],
            )
            for node in self.scene.nodes
        }

    def _mark_spot(self, mark: Mark, rows: Rows) -> Spot:
        column, dy = self.backward.columns[mark.number], CHANNEL + PITCH * rows.nodes[mark.number]
        if mark.is_box:
            high = _FRACTION if mark.label.below else SIDE
            return Spot(column, dy, box_width(mark.label), high)
        size = (_SUM, _SUM) if mark.between else circle_size(mark.label)
        return Spot(column, dy, *size, is_round=True)

    def _grid(
        self, spots: dict[int, Spot], marks: dict[int, Spot], passing: list[tuple[int, float]]
    ) -> tuple[Grid, dict[tuple[int, int], int], dict[tuple[int, int], int]]:
        count = len(self.columns.index)
        usual = gaps_of(gap_texts(self.scene, self.forward), count)
        gaps: dict[int, float] = {}
        for key, place in self.columns.index.items():
            room = usual[key // 2]
            split = place in self.narrow or place + 1 in self.narrow
            gaps[place] = max(_NARROW, (room - _SUM) / 2) if split else room
        shifted = Problem(
            {n: self.columns.forward(c) for n, c in self.forward.columns.items()},
            self.forward.edges,
        )
        spans = [
            (problem.columns[a], problem.columns[b])
            for problem in (shifted, self.backward)
            for a, b in problem.edges
        ]
        # An edge from a retained value must not cross a line either.
        place = self.scene.place_of
        for mark in self.mirror.marks:
            for variable in mark.reads:
                if variable in place:
                    ends = (shifted.columns[place[variable]], self.backward.columns[mark.number])
                    spans += [(min(ends), max(ends))] * 2
        cuts = choose_cuts(count, spans, LONGEST_LINE + 2 + len(self.narrow) // 2)
        tracks, back = _all_tracks(shifted, spots, self.backward, marks, cuts)
        room = line_tracks({**tracks, **{(-a - 1, b): t for (a, b), t in back.items()}})
        everything = [*spots.values(), *marks.values()]
        return (
            make_grid(everything, passing, gaps, cuts, tracks=room, top=TITLE + 18.0),
            tracks,
            back,
        )

    def _kept(self) -> set[int]:
        """Return the boxes of forward values that live on because the backward pass reads them."""
        place = self.scene.place_of
        return {
            place[variable]
            for mark in self.mirror.marks
            for variable in mark.reads
            if variable in place and variable.role in ("intermediate", "input")
        }

    def _seed_edge(self, grid: Grid, spots: dict[int, Spot], marks: dict[int, Spot]) -> Edge:
        place = self.scene.place_of[self.scene.objective]
        seed = self.mirror.box_of[self.scene.objective]
        top, low = spots[place], marks[seed]
        x, y = grid.point(top.column, top.dy + top.height / 2)
        _, end = grid.point(low.column, low.dy - low.height / 2)
        return Edge(f"n{place}", f"g{seed}", "seed", (x, y), (((x, end),),))

    def _retained_edges(self, grid: Grid, nodes: list[Box | Circle]) -> list[Edge]:
        lanes = Lanes(grid, nodes)
        place = self.scene.place_of
        found: dict[tuple[str, str], Edge] = {}
        for mark in self.mirror.marks:
            for variable in mark.reads:
                if variable not in place:
                    continue
                pair = (f"n{place[variable]}", f"g{mark.number}")
                if pair not in found:
                    way = lanes.connect(*pair)
                    found[pair] = Edge(*pair, "retained", way.start, way.path)
        return list(found.values())


def _gradient_spine(mirror: Mirror, spine: Spine) -> list[int]:
    """Return the marks below the straight line of the forward pass, from left to right."""
    scene = mirror.scene
    found: list[int] = []
    previous: Variable | None = None
    for number in spine.level:
        node = scene.nodes[number]
        if node.unit is None:
            previous = node.variable
        else:
            operand = next((v for v in node.unit.inputs if _comes_from(scene, v, previous)), None)
            rule = mirror.rule(number, operand) if operand is not None else None
            found = [*found, rule] if rule is not None else []
            previous = node.unit.last.outputs[0]
        if previous is None:
            continue
        for marks in (mirror.box_of, mirror.sum_of):
            if previous in marks and marks[previous] not in found:
                if scene.place_of[previous] == number:
                    found.append(marks[previous])
    return found


def _comes_from(scene: Scene, variable: Variable, previous: Variable | None) -> bool:
    return previous is not None and variable is previous


def _all_tracks(
    forward: Problem,
    spots: Mapping[int, Spot],
    backward: Problem,
    marks: Mapping[int, Spot],
    cuts: list[int],
) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int], int]]:
    """Number all edges that run on to the next line; backward ones lie innermost."""
    back = carriage_tracks(backward, marks, cuts)
    ahead = carriage_tracks(forward, spots, cuts)
    first = 1 + max(back.values(), default=-1)
    return {edge: first + track for edge, track in ahead.items()}, back


def _draw_mark(mark: Mark, grid: Grid, spot: Spot) -> Box | Circle:
    x, y = grid.point(spot.column, spot.dy)
    key = f"g{mark.number}"
    if mark.is_box:
        return Box(key, x, y, spot.width, spot.height, mark.label, "gradient", mark.title)
    return Circle(key, x, y, spot.width, spot.height, mark.label, "backward", mark.title)
