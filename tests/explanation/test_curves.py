"""Plots of training and of memory."""

import math
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import networks
import numpy as np

import wengert as wg
from wengert.explanation.drawing.curves import curves_svg, memory_svg, ticks
from wengert.planning.plan import plan_graph
from wengert.planning.timeline import timeline

SVG = "{http://www.w3.org/2000/svg}"


def history(count=5):
    return [
        {
            "epoch": i + 1,
            "step": 10 * (i + 1),
            "objective": 1 / (i + 1),
            "accuracy": 1 - 1 / (i + 2),
            "validation": {"objective": 1.2 / (i + 1), "accuracy": 0.9},
        }
        for i in range(count)
    ]


def texts(svg):
    return ["".join(t.itertext()) for t in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_panel_for_each_measurement_and_a_line_for_each_split():
    found = texts(curves_svg(history()))
    assert found.count("objective") == found.count("accuracy") == 1
    assert found.count("training") == found.count("validation") == 2
    assert "0.2" in found and "0.24" in found


def test_flat_names_mean_the_same_as_nested_ones():
    flat = [
        {"epoch": r["epoch"], "step": r["step"], "objective": r["objective"],
         "accuracy": r["accuracy"], "validation.objective": r["validation"]["objective"],
         "val_accuracy": r["validation"]["accuracy"]}
        for r in history()
    ]  # fmt: skip
    assert curves_svg(flat) == curves_svg(history())


def test_missing_and_non_finite_values_leave_a_gap():
    records = [{"loss": 1.0}, {"loss": None}, {"loss": math.nan}, {"loss": math.inf}, {"loss": 0.5}]
    svg = curves_svg(records)
    ElementTree.fromstring(svg)
    assert "nan" not in svg and "inf" not in svg
    assert "0.5" in texts(svg)


def test_no_history_is_a_plot_that_says_so():
    assert "no measurement yet" in texts(curves_svg([]))
    assert "no measurement yet" in texts(curves_svg([{"loss": math.nan}]))


def test_one_point_and_a_constant_are_drawn():
    for records in ([{"loss": 0.0}], [{"loss": 2.0}, {"loss": 2.0}], [{"loss": -1e-9}]):
        ElementTree.fromstring(curves_svg(records))


def test_steps_are_drawn_behind():
    steps = [{"step": i, "objective": 1.0 - i / 100} for i in range(1, 51)]
    assert len(curves_svg(history(), steps)) > len(curves_svg(history())) + 200


def test_ticks_are_round_and_cover():
    for low, high in ((0.013, 7.7), (-3, 4), (1e-9, 2e-9), (5, 5), (0, 0), (0.9991, 0.9992)):
        found = ticks(low, high)
        assert found[0] <= low + 1e-12 and found[-1] >= high - 1e-12 and 2 <= len(found) <= 12


def test_memory_bars_are_the_bytes_of_the_plan():
    moments = timeline(plan_graph(networks.GRAPHS["sample"]()))
    root = ElementTree.fromstring(memory_svg(moments))
    groups = [g for g in root.iter(f"{SVG}g")]
    assert len(groups) == len(moments)
    heights = [
        sum(float(r.get("height")) for r in g.iter(f"{SVG}rect") if "url" not in r.get("fill"))
        for g in groups
    ]
    scale = max(heights) / max(m.live for m in moments)
    for height, moment in zip(heights, moments, strict=True):
        assert abs(height - moment.live * scale) < 0.05
    peak = max(moments, key=lambda m: m.live)
    assert any(text.startswith(f"peak {peak.live} B") for text in texts(memory_svg(moments)))


def test_budget_is_a_line():
    moments = timeline(plan_graph(networks.GRAPHS["sample"]()))
    assert "budget 2 kB" in texts(memory_svg(moments, bound=2000))


def test_growth_is_drawn_with_its_formulas():
    def objective(layers, x, y):
        h = x
        for W in layers:
            h = np.tanh(h @ W)
        return np.sum((h - y) ** 2)

    layers = [wg.Spec((32, 32), "float64")] * 3
    plan = wg.plan(objective, layers, *[wg.Spec((48, 32), "float64")] * 2)
    text = plan.growth_svg()
    words = "".join(ElementTree.fromstring(text).itertext())
    growths = plan.growth()
    for growth in (growths.batch, growths.layers):
        assert growth is not None and growth.what in words
        for piece in growth.pieces:
            assert piece.formula.text(growth.symbol) in words
    assert "B = 48" in words
