"""What the planner finds, and how long it takes: ``python -m benchmarks.planning [--out docs]``.

Offsets: the published instances (``$WENGERT_DATA`` or ``../shared/data``), which nearly every
greedy layout fails, with the solver on two cores; and a step of 20,000 buffers. Recomputation:
public networks as cost graphs and deep networks of our own, greedy and, with ``--solve SECONDS``,
with the solver.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import wengert as wg
from benchmarks.cost_graphs import cost_graph_of
from wengert.functions import softmax
from wengert.planning.arena import Interval, lay_out
from wengert.planning.cost_graph import CostGraph, cost_graph
from wengert.planning.packing import fits, fitting
from wengert.planning.recompute import recomputations
from wengert.planning.retention import retained
from wengert.planning.solver import Clock

CAPACITY = 1_048_576
# Network, share of [floor, peak], and the extra compute to reach in percent.
GOALS = (("VGG16", 0.85, 1.97), ("VGG19", 0.80, 2.76), ("U-Net", 0.5, 6.97), ("SegNet", 0.5, 40.7),
         ("MobileNet", 0.5, 1.64), ("ResNet-50", 0.5, 2.45), ("ResNet-50", 0.3, 10.6))  # fmt: skip


def instances() -> Iterator[tuple[str, list[Interval]]]:
    """Yield the published instances of the offset problem."""
    data = Path(os.environ.get("WENGERT_DATA", Path(__file__).parents[1] / "../shared/data"))
    for path in sorted((data / "offset-instances").glob("*.csv")):
        with path.open() as file:
            rows = list(csv.DictReader(file))
        yield (
            path.name.split(".")[0],
            [Interval(int(r["lower"]), int(r["upper"]), int(r["size"])) for r in rows],
        )


def offsets(seconds: float) -> Iterator[str]:
    """Yield the rows about offsets."""
    yield "| instance | buffers | greedy / load | solved at 1,048,576 | seconds |"
    yield "|---|---|---|---|---|"
    for name, buffers in instances():
        greedy = lay_out(buffers)
        begin = time.perf_counter()
        found = fitting(buffers, CAPACITY, Clock.of(seconds))
        took = time.perf_counter() - begin
        solved = found is not None and fits(buffers, found, CAPACITY)
        ratio = greedy.nbytes / greedy.load
        told = "yes" if solved else "no"
        yield f"| {name} | {len(buffers)} | {ratio:.3f} | {told} | {took:.1f} |"
    buffers = list(long_step(5_000))
    begin = time.process_time()
    greedy = lay_out(buffers)
    took = time.process_time() - begin
    ratio = greedy.nbytes / greedy.load
    yield f"| a step of 5,000 layers | {len(buffers):,} | {ratio:.4f} | — | {took:.1f} (greedy) |"


def long_step(layers: int) -> Iterator[Interval]:
    """Yield the buffers of forward and backward through layers of odd sizes."""
    draw = np.random.default_rng(0).integers
    end = 4 * layers
    for at in range(layers):
        begin, size = 2 * at, 64 * int(draw(1, 4000))
        yield Interval(begin, end - begin, size)
        yield Interval(begin, begin + int(draw(2, 6)), 64 * int(draw(1, 400)))
        yield Interval(end - begin - 1, end - begin + 2, size)
        yield Interval(end - begin, end - begin + 1 + int(draw(0, 3)), 64 * int(draw(1, 900)))


def residual(layers, x):  # type: ignore[no-untyped-def]
    """A residual perceptron."""
    for W in layers:
        x = x + np.tanh(x @ W)
    return np.mean(x * x)


def attention(blocks, x):  # type: ignore[no-untyped-def]
    """A stack of attention and a perceptron, each around a residual."""
    for Q, K, V, A, B in blocks:
        scores = (x @ Q) @ np.swapaxes(x @ K, -1, -2) / 8.0
        x = x + softmax(scores) @ (x @ V)
        x = x + np.tanh(x @ A) @ B
    return np.mean(x * x)


def own() -> Iterator[tuple[str, CostGraph]]:
    """Yield deep networks of our own, traced."""
    square = wg.Spec((256, 256))
    plan = wg.plan(residual, [square] * 200, wg.Spec((512, 256)))
    yield "residual perceptron, 200 layers", cost_graph(plan.data)
    block = tuple(wg.Spec(s) for s in [(64, 64)] * 3 + [(64, 256), (256, 64)])
    plan = wg.plan(attention, [block] * 12, wg.Spec((8, 256, 64)))
    yield "attention stack, 12 blocks", cost_graph(plan.data)


def recomputation(seconds: float) -> Iterator[str]:
    """Yield the rows about recomputation."""
    yield "| network | operations | share of [floor, peak] | to reach | greedy | time | solver |"
    yield "|---|---|---|---|---|---|---|"
    named = [(name, cost_graph_of(name), share, f"{goal} %") for name, share, goal in GOALS]
    named += [(name, graph, 0.3, "—") for name, graph in own()]
    for name, graph, share, goal in named:
        begin = time.process_time()
        found = recomputations(graph)
        took = time.process_time() - begin
        peak, floor = found[0].peak_bytes, graph.floor()[0]
        budget = floor + int(share * (peak - floor))
        best = next((each for each in found if each.peak_bytes <= budget), None)
        solved = "—"
        if seconds:
            better = retained(graph, best or found[-1], budget, Clock.of(seconds))
            solved = f"{100 * better.price / graph.price:.2f} %"
        greedy = "—" if best is None else f"{100 * best.price / graph.price:.2f} %"
        stages = len(graph.stages)
        yield f"| {name} | {stages} | {share:.0%} | {goal} | {greedy} | {took:.2f} s | {solved} |"


def main() -> int:
    """Print the tables, and write them down where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planning", description=__doc__)
    parser.add_argument("--solve", type=float, default=0.0, metavar="SECONDS",
                        help="let the solver look so long for less recomputation")  # fmt: skip
    parser.add_argument("--seconds", type=float, default=60.0, help="for each offset instance")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write planning.md there")
    asked = parser.parse_args()
    lines = ["# What the planner finds", "", "`python -m benchmarks.planning` wrote this page.", ""]
    for title, rows in (("Recomputation: extra compute", recomputation(asked.solve)),
                        ("Offsets", offsets(asked.seconds))):  # fmt: skip
        lines += [f"## {title}", ""]
        for row in rows:
            print(row, flush=True)
            lines.append(row)
        lines.append("")
    if asked.out:
        (asked.out / "planning.md").write_text("\n".join(lines), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
