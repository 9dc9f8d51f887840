"""The drawings, measured: crossings, directions, overlaps, and the same picture every time."""

import re
import sys
import time
import xml.etree.ElementTree as ElementTree
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import networks

from wengert.base.errors import DifferentiationError
from wengert.explanation.drawing.draw import svg
from wengert.explanation.drawing.forward import forward_picture, forward_svg
from wengert.explanation.drawing.ladder import ladder_picture, ladder_svg
from wengert.explanation.drawing.picture import (
    Box,
    Circle,
    Edge,
    Frame,
    Label,
    Picture,
    Span,
    polyline,
)
from wengert.explanation.symbols import plain
from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace
from wengert.transforms import joint

NAMES = list(networks.GRAPHS)
SVG = "{http://www.w3.org/2000/svg}"


def label(node):
    return plain(node.label.line) + ("/" + plain(node.label.below) if node.label.below else "")


def labels(picture):
    return {node.key: label(node) for node in picture.nodes}


def by_label(picture: Picture, text):
    (found,) = [node for node in picture.nodes if label(node) == text]
    return found


def crosses(a, b, c, d):
    def side(p, q, r):
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def crossings(edges):
    found = []
    for one, two in combinations(edges, 2):
        if {one.source, one.target} & {two.source, two.target}:
            continue
        p, q = polyline(one, 8), polyline(two, 8)
        pairs = ((*near, *far) for near in pairwise(p) for far in pairwise(q))
        if any(crosses(*pair) for pair in pairs):
            found.append((one, two))
    return found


def overlapping(nodes):
    return [
        (a.key, b.key)
        for a, b in combinations(nodes, 2)
        if abs(a.x - b.x) < (a.width + b.width) / 2 + 2
        and abs(a.y - b.y) < (a.height + b.height) / 2 + 2
    ]


def hit(picture, roles):
    """Edges that run through a node which is not their own."""
    return [
        (edge.source, edge.target, node.key)
        for edge in picture.edges
        if edge.role in roles
        for node in picture.nodes
        if node.key not in (edge.source, edge.target)
        for x, y in polyline(edge, 24)
        if abs(x - node.x) < node.width / 2 - 0.5 and abs(y - node.y) < node.height / 2 - 0.5
    ]


@pytest.fixture(scope="module")
def graphs():
    return {name: make() for name, make in networks.GRAPHS.items()}


def test_sample_network_has_the_textbook_geometry(graphs):
    picture = forward_picture(graphs["sample"])
    assert crossings(picture.edges) == []
    rising = [e for e in picture.edges if e.end[0] > e.start[0] and e.end[1] <= e.start[1] + 1]
    assert len(rising) >= 0.75 * len(picture.edges)
    x, J = by_label(picture, "x"), by_label(picture, "J")
    assert x.x == min(n.x for n in picture.nodes if n.y == x.y)
    assert x.y == max(n.y for n in picture.nodes)
    assert J.x == max(n.x for n in picture.nodes)
    assert J.y <= np.mean([n.y for n in picture.nodes])
    spine = [by_label(picture, name) for name in ("x", "z", "ϕ", "h", "o", "ℓ", "L")]
    assert len({node.y for node in spine}) == 1
    assert [n.x for n in spine] == sorted(n.x for n in spine)


def test_sample_network_has_the_textbook_nodes(graphs):
    picture = forward_picture(graphs["sample"])
    boxes = sorted(label(box) for box in picture.boxes)
    assert boxes == sorted(["x", "W⁽¹⁾", "z", "h", "W⁽²⁾", "o", "y", "L", "λ/2", "s", "J"])
    circles = sorted(label(circle) for circle in picture.circles)
    assert circles == sorted(["×", "ϕ", "×", "ℓ", "‖·‖²_F", "‖·‖²_F", "+", "·", "+"])


GOLDEN = {
    "x": (0, 0), "×": (1, 0), "z": (2, 0), "ϕ": (3, 0), "h": (4, 0), "o": (6, 0), "ℓ": (7, 0),
    "L": (8, 0), "W⁽¹⁾": (0, 1), "W⁽²⁾": (4, 1), "y": (6, 1), "s": (8, 2), "J": (10, 2),
}  # fmt: skip


def test_golden_geometry_of_the_sample_network(graphs):
    picture = forward_picture(graphs["sample"])
    xs = sorted({round(node.x) for node in picture.nodes})
    ys = sorted({round(node.y) for node in picture.nodes}, reverse=True)
    where = {
        label(n): (xs.index(round(n.x)), ys.index(round(n.y))) for n in reversed(picture.nodes)
    }
    assert {name: where[name] for name in GOLDEN} == GOLDEN


@pytest.mark.parametrize("name", NAMES)
def test_no_two_nodes_overlap_and_no_edge_runs_through_a_node(graphs, name):
    for picture in (
        forward_picture(graphs[name]),
        forward_picture(graphs[name], open=True),
        ladder_picture(graphs[name]),
    ):
        assert overlapping(picture.nodes) == []
        assert hit(picture, {"forward", "backward", "seed"}) == []


@pytest.mark.parametrize("name", ["sample", "residual", "attention", "autoencoder", "logistic"])
def test_dashed_edges_run_through_no_node(graphs, name):
    assert hit(ladder_picture(graphs[name]), {"retained"}) == []


@pytest.mark.parametrize("name", ["sample", "residual", "logistic", "deep", "mlp"])
def test_forward_edges_do_not_cross(graphs, name):
    assert crossings(forward_picture(graphs[name]).edges) == []


@pytest.mark.parametrize("name", NAMES)
def test_everything_lies_on_the_page(graphs, name):
    picture = ladder_picture(graphs[name])
    for edge in picture.edges:
        for x, y in polyline(edge):
            assert 0 <= x <= picture.width and 0 <= y <= picture.height
    for node in picture.nodes:
        assert node.x + node.width / 2 < picture.width
        assert node.y + node.height / 2 < picture.height


@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_the_same_every_time(name):
    first, second = networks.GRAPHS[name](), networks.GRAPHS[name]()
    assert forward_svg(first) == forward_svg(second)
    assert ladder_svg(first) == ladder_svg(second)


@pytest.mark.parametrize("name", NAMES)
def test_svg_is_well_formed_and_stands_alone(graphs, name):
    for text in (forward_svg(graphs[name], open=True), ladder_svg(graphs[name])):
        root = ElementTree.fromstring(text)
        assert root.tag == f"{SVG}svg" and root.get("role") == "img"
        assert root.find(f"{SVG}title") is not None and root.find(f"{SVG}desc").text
        assert root.find(f"{SVG}script") is None
        assert not re.search(r"(href|url\((?!#)|@import|<image|<style)", text)
        assert "nan" not in re.sub(r">[^<]*<", "", text)
        ids = [node.get("id") for node in root.iter() if node.get("id")]
        assert len(ids) == len(set(ids))


def test_ladder_has_a_gradient_below_each_variable(graphs):
    picture = ladder_picture(graphs["sample"])
    for name in ("W⁽¹⁾", "z", "h", "W⁽²⁾", "o", "L", "s"):
        variable, gradient = by_label(picture, name), by_label(picture, f"∂J/∂{name}")
        assert gradient.x == variable.x and gradient.y > variable.y
    assert not [node for node in picture.boxes if label(node) in ("∂J/∂x", "∂J/∂y", "∂J/∂λ/2")]
    for edge in picture.edges:
        if edge.role == "backward":
            assert edge.end[0] < edge.start[0]


def test_ladder_shows_what_each_rule_reads(graphs):
    picture = ladder_picture(graphs["sample"])
    name = labels(picture)
    read = {(name[e.source], name[e.target]) for e in picture.edges if e.role == "retained"}
    assert read == {
        ("z", "⊙ϕ′"), ("h", "·h⊤"), ("x", "·x⊤"), ("W⁽²⁾", "W⁽²⁾⊤·"), ("ℓ", "∇ℓ"),
        ("W⁽¹⁾", "2W⁽¹⁾·"), ("W⁽²⁾", "2W⁽²⁾·"),
    }  # fmt: skip
    assert {label(box) for box in picture.boxes if box.retained} == {"x", "z", "h"}


def test_gradients_of_a_parameter_used_twice_are_added(graphs):
    picture = ladder_picture(graphs["sample"])
    name = labels(picture)
    flows = {}
    for edge in picture.edges:
        if edge.role == "backward":
            flows.setdefault(edge.target, []).append(edge.source)
    for parameter in ("W⁽¹⁾", "W⁽²⁾"):
        (total,) = flows[by_label(picture, f"∂J/∂{parameter}").key]
        assert name[total] == "+" and len(flows[total]) == 2


def test_every_gradient_flows_from_the_seed(graphs):
    for make in graphs.values():
        picture = ladder_picture(make)
        after = {}
        for edge in picture.edges:
            if edge.role in ("backward", "seed"):
                after.setdefault(edge.source, []).append(edge.target)
        (seed,) = [e.source for e in picture.edges if e.role == "seed"]
        reached, waiting = {seed}, [seed]
        while waiting:
            for other in after.get(waiting.pop(), ()):
                if other not in reached:
                    reached.add(other)
                    waiting.append(other)
        red = {n.key for n in picture.nodes if n.role in ("gradient", "backward")}
        assert red <= reached


def test_opening_a_call_shows_its_inside_in_a_frame(graphs):
    closed = forward_picture(graphs["sample"])
    opened = forward_picture(graphs["sample"], open=("phi",))
    assert "ϕ" in labels(closed).values() and not closed.frames
    assert "max 0" in labels(opened).values() and "ϕ" not in labels(opened).values()
    (frame,) = opened.frames
    node = by_label(opened, "max 0")
    assert frame.x < node.x - node.width / 2 and node.x + node.width / 2 < frame.x + frame.width


def test_a_long_chain_wraps_as_text_does(graphs):
    picture = forward_picture(graphs["deep"])
    assert picture.width < 1100
    spine = [n for n in picture.nodes if re.fullmatch("X[₀-₉]*", label(n))]
    assert len({node.y for node in spine}) == 3


def test_numbers_stand_in_circles_and_named_numbers_in_boxes():
    def f(x, alpha=0.3):
        y = alpha * (2 * x + 1) ** 3
        return y

    picture = forward_picture(trace(f, Spec((4,), "float64")))
    assert {label(box) for box in picture.boxes} == {"x", "α", "y"}
    assert {label(circle) for circle in picture.circles} == {"×2", "+1", "·³", "·"}


def test_texts_of_the_user_are_escaped():
    text = 'a<b & "c"'
    line = Label((Span(text),))
    picture = Picture(
        text, text, 300, 200,
        (Box("n0", 50, 50, 36, 36, line, "input", text, text),),
        (Circle("n1", 150, 50, 36, 36, line, "operator", text),),
        (Edge("n0", "n1", "forward", (68, 50), (((132, 50),),), text, (100, 40)),),
        (Frame(20, 20, 200, 80, line),),
    )  # fmt: skip
    root = ElementTree.fromstring(svg(picture))
    assert "".join(root.itertext()).count(text) == 10


def test_several_outputs_and_an_output_that_is_an_input():
    def f(x, y):
        a = x * y
        return a, x, np.sum(a)

    picture = forward_picture(trace(f, Spec((3,), "float64"), Spec((3,), "float64")))
    assert overlapping(picture.nodes) == []
    assert "a" in labels(picture).values()


def test_a_graph_without_operations_is_drawn():
    picture = forward_picture(trace(lambda x: x, Spec((3,), "float64")))
    assert [label(box) for box in picture.boxes] == ["x"]
    ElementTree.fromstring(forward_svg(trace(lambda x: x, Spec((), "float64"))))


def _random_network(rng, depth):
    """A network with random skips, activations and reuse that nobody drew before."""
    kinds = [int(rng.integers(0, 4)) for _ in range(depth)]

    def f(parameters, x, y):
        values = [x]
        for W, kind in zip(parameters, kinds, strict=True):
            h = values[-1]
            if kind == 0:
                values.append(np.tanh(W @ h))
            elif kind == 1:
                values.append(h + np.sin(W @ h))
            elif kind == 2:
                values.append(W @ h * values[len(values) // 2])
            else:
                values.append(np.exp(-values[0]) + W @ np.maximum(h, 0) / 3)
        J = np.sum((values[-1] - y) ** 2) + 0.1 * sum(np.sum(W**2) for W in parameters)
        return J

    spec = Spec((3,), "float64")
    return joint(f, [Spec((3, 3), "float64") for _ in range(depth)], spec, spec)


@pytest.mark.parametrize("seed", range(12))
def test_networks_nobody_thought_of(seed):
    graph = _random_network(np.random.default_rng(seed), 2 + seed % 6)
    for picture in (forward_picture(graph), ladder_picture(graph)):
        assert overlapping(picture.nodes) == []
        assert hit(picture, {"forward", "backward", "seed"}) == []
    ElementTree.fromstring(ladder_svg(graph))


def test_a_ladder_needs_a_backward_pass():
    graph = trace(lambda x: np.sin(x), Spec((3,), "float64"))
    with pytest.raises(DifferentiationError, match="no backward pass"):
        ladder_svg(graph)


def test_a_parameter_that_is_held_fixed_gets_no_gradient():
    def f(parameters, frozen, x):
        J = np.sum((frozen @ np.tanh(parameters @ x)) ** 2)
        return J

    spec = Spec((3, 3), "float64")
    picture = ladder_picture(joint(f, spec, spec, Spec((3,), "float64")))
    found = {label(box) for box in picture.boxes}
    assert "∂J/∂parameters" in found and "∂J/∂frozen" not in found


def test_a_gradient_is_not_drawn_through_a_comparison():
    def f(w, x):
        mask = (w * x > 0) * 1.0
        J = np.sum(mask * w)
        return J

    picture = ladder_picture(joint(f, Spec((3,), "float64"), Spec((3,), "float64")))
    found = {label(box) for box in picture.boxes}
    assert "∂J/∂w" in found and "∂J/∂mask" not in found


def test_a_hundred_nodes_are_drawn_in_seconds(graphs):
    start = time.perf_counter()
    graph = _random_network(np.random.default_rng(3), 12)
    assert len(forward_picture(graph).nodes) > 60
    ladder_svg(graph)
    assert time.perf_counter() - start < 15


def test_an_unnamed_result_has_the_name_of_its_key():
    def f(parameters, x):
        z = parameters @ x
        return np.sum(z**2), {"largest": np.max(z)}

    spec = Spec((3, 3), "float64")
    found = {label(box) for box in ladder_picture(joint(f, spec, Spec((3,), "float64"))).boxes}
    assert {"J", "largest"} <= found
