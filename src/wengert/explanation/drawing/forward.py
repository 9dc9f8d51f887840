"""The forward pass as a drawing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from wengert.explanation.drawing.draw import svg
from wengert.explanation.drawing.frames import frames_of
from wengert.explanation.drawing.geometry import (
    MARGIN,
    PITCH,
    Grid,
    Spot,
    choose_cuts,
    make_grid,
    route,
)
from wengert.explanation.drawing.layout import Problem, arrange
from wengert.explanation.drawing.legend import LEGEND_ROW, legend_rows
from wengert.explanation.drawing.picture import Box, Circle, Edge, Frame, Picture
from wengert.explanation.drawing.scene import Opened, Scene, build_scene
from wengert.explanation.drawing.shapes import draw_edge, draw_node, edge_text, gaps_of, spot_of
from wengert.explanation.drawing.spine import problem_of
from wengert.explanation.symbols import plain, shape_text
from wengert.graph.graph import Graph

LONGEST_LINE = 18
TITLE = 46.0
BELOW = 53.0
Bends = Mapping[tuple[int, int], Sequence[tuple[int, float]]]


def forward_svg(graph: Graph, open: Opened = (), *, fold: Collection[str] = ()) -> str:
    """Return the computational graph of the forward pass as SVG text.

    Args:
        graph: a traced graph; of a joint graph the forward part is drawn.
        open: names of the user's functions whose calls are opened (``"phi"``, or ``"phi#2"``
            for the second call), True for all.
        fold: names of functions that read parameters, and are one circle all the same.

    >>> import numpy as np
    >>> from wengert.tracing.spec import Spec
    >>> from wengert.tracing.trace import trace
    >>> svg = forward_svg(trace(lambda W, x: np.tanh(W @ x), Spec((2, 3)), Spec((3,))))
    >>> "tanh" in svg and svg.startswith("<svg")
    True
    """
    return svg(forward_picture(graph, open, fold=fold))


def forward_picture(graph: Graph, open: Opened = (), *, fold: Collection[str] = ()) -> Picture:
    """Return the computational graph of the forward pass as data."""
    scene = build_scene(graph, open, fold)
    problem, _ = problem_of(scene)
    rows = arrange(problem)
    spots = {
        node.number: spot_of(node, problem.columns[node.number], -PITCH * rows.nodes[node.number])
        for node in scene.nodes
    }
    bends = {edge: [(c, -PITCH * row) for c, row in places] for edge, places in rows.bends.items()}
    count = 1 + max(problem.columns.values())
    spans = [(problem.columns[a], problem.columns[b]) for a, b in problem.edges]
    cuts = choose_cuts(count, spans, LONGEST_LINE)
    tracks = carriage_tracks(problem, spots, cuts)
    grid = make_grid(
        list(spots.values()),
        [place for places in bends.values() for place in places],
        gaps_of(gap_texts(scene, problem), count),
        cuts,
        tracks=line_tracks(tracks),
        top=TITLE + 18.0,
    )
    nodes = [draw_node(scene, node, grid, spots[node.number], False) for node in scene.nodes]
    edges = forward_edges(scene, grid, spots, bends, tracks)
    frames = frames_of(scene, nodes, grid)
    return assemble(
        f"Forward propagation: {graph.name}", describe(scene), grid, nodes, edges, frames=frames
    )


def gap_texts(scene: Scene, problem: Problem) -> dict[int, str]:
    """Return the longest shape that stands right of each column."""
    found: dict[int, str] = {}
    for arrow in scene.arrows:
        text, column = edge_text(scene, arrow), problem.columns[arrow.source]
        found[column] = max(found.get(column, ""), text, key=len)
    return found


def carriage_tracks(
    problem: Problem, spots: Mapping[int, Spot], cuts: Sequence[int]
) -> dict[tuple[int, int], int]:
    """Number the edges that run on to the next line; the lowest row runs innermost."""
    found: dict[tuple[int, int], int] = {}
    for cut in cuts:
        over = [e for e in problem.edges if problem.columns[e[0]] < cut <= problem.columns[e[1]]]
        over.sort(key=lambda edge: -spots[edge[0]].dy)
        for number, edge in enumerate(over):
            found[edge] = max(found.get(edge, 0), number)
    return found


def line_tracks(tracks: Mapping[tuple[int, int], int]) -> dict[int, int]:
    """Return how much room each line leaves for the edges that run back."""
    most = 1 + max(tracks.values(), default=-1)
    return {line: most for line in range(64)} if most else {}


def forward_edges(
    scene: Scene,
    grid: Grid,
    spots: Mapping[int, Spot],
    bends: Bends,
    tracks: Mapping[tuple[int, int], int],
) -> list[Edge]:
    """Return every arrow of the forward pass as it is drawn."""
    found: list[Edge] = []
    for arrow in scene.arrows:
        pair = (arrow.source, arrow.target)
        way = route(grid, spots[pair[0]], bends.get(pair, ()), spots[pair[1]], tracks.get(pair, 0))
        text = edge_text(scene, arrow)
        found.append(draw_edge((f"n{pair[0]}", f"n{pair[1]}"), "forward", way, text))
    return found


def assemble(
    title: str,
    description: str,
    grid: Grid,
    nodes: Sequence[Box | Circle],
    edges: Sequence[Edge],
    *,
    frames: Sequence[Frame],
    extra_legend: tuple[str, ...] = (),
) -> Picture:
    """Put a picture together and leave room for its title and legend."""
    boxes = tuple(node for node in nodes if isinstance(node, Box))
    circles = tuple(node for node in nodes if isinstance(node, Circle))
    legend = ("variable", "parameter", "operator", *extra_legend)
    if not any(box.role == "parameter" for box in boxes):
        legend = tuple(mark for mark in legend if mark != "parameter")
    tracks = max((max(p[0] for s in e.path for p in s) for e in edges), default=0.0)
    width = max(420.0, *grid.right, tracks) + MARGIN
    rows = len(legend_rows(legend, width))
    height = grid.bottom[-1] + BELOW + LEGEND_ROW * (rows - 1)
    return Picture(
        title, description, width, height, boxes, circles, tuple(edges),
        tuple(frames), legend,
    )  # fmt: skip


def describe(scene: Scene) -> str:
    """Return the forward pass in words."""
    sentences: list[str] = []
    for node in scene.nodes:
        if node.unit is None:
            continue
        given = [plain(scene.nodes[n].line) or "an intermediate" for n in scene.before[node.number]]
        made = [scene.nodes[n] for n in scene.after[node.number]]
        names = [
            f"{plain(n.line)} ({shape_text(n.variable.shape) or 'scalar'})"
            for n in made
            if n.variable is not None
        ]
        result = f" gives {', '.join(names)}" if names else ""
        sentences.append(f"{plain(node.line)} of {', '.join(given) or 'constants'}{result}.")
    return " ".join(sentences)
