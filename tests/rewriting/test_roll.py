"""Loops that Python unrolled: rolled to one scan each, with the same bits, in linear time."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.execution import program
from wengert.graph.graph import Graph
from wengert.graph.text import equal, parse, to_text
from wengert.reference.interpreter import run
from wengert.rewriting.roll import roll
from wengert.rewriting.runs import FEWEST, LEAST, runs
from wengert.tracing.trace import trace
from wengert.transforms import joint

N = 160
rng = np.random.default_rng(7)
W, h0 = rng.standard_normal((5, 5)) / 3, rng.standard_normal(5)
xs = rng.standard_normal((N, 5))


def rnn(W: Any, xs: Any, h: Any) -> Any:
    J = 0.0
    for t in range(N):
        h = np.tanh(W @ h + xs[t])
        J = J + np.sum(h * h)
    return J


def stacked(W: Any, xs: Any, h: Any) -> Any:
    ys = []
    for t in reversed(range(N)):
        h = np.tanh(W @ h) * xs[t] + h
        ys.append(h)
    return np.sum(np.stack(ys, axis=1) ** 2) + np.sum(ys[3])


def filled(W: Any, xs: Any, h: Any) -> Any:
    out = np.empty((N, 5))
    out[0] = h
    for t in range(1, N):
        out[t] = np.sin(out[t - 1]) * 0.5 + W[0] * xs[t, 1] - 0.1 * h
    return np.sum(out * xs)


def within(W: Any, xs: Any, h: Any) -> Any:
    for t in range(N // 2):
        for k in range(5):
            h = h + 0.1 * np.sin(W[k] * h) * float(k)
        h = h / (1.0 + np.sum(h * h)) + xs[:, 0][t]
    return np.sum(h)


def two_back(W: Any, xs: Any, h: Any) -> Any:
    a, b, c = h, W[0], xs[0]
    for t in range(N):
        a, b, c = a * 0.3 - np.cos(c) * 0.2 + t * 0.01, a, b
    return np.sum(a * b * c)


LOOPS = [rnn, stacked, filled, within, two_back]


def same(one: Graph, other: Graph, *arrays: Any) -> None:
    for a, b in zip(run(one, list(arrays)), run(other, list(arrays)), strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("f", LOOPS)
def test_the_same_bits_from_few_operations(f: Any) -> None:
    graph = trace(f, W, xs, h0)
    rolled = roll(graph)
    assert len(rolled.operations) <= 12 < len(graph.operations)
    assert any(each.operator == "scan" for each in rolled.operations)
    same(graph, rolled, W, xs, h0)
    assert equal(parse(to_text(rolled)), rolled)


@pytest.mark.parametrize("f", LOOPS)
def test_the_backward_pass_is_rolled_too(f: Any) -> None:
    graph = joint(f, W, xs, h0, wrt=(0, 1, 2))
    rolled = roll(graph)
    assert len(rolled.operations) < len(graph.operations) / 8
    assert sum(each.operator == "scan" for each in rolled.operations) >= 2
    same(graph, rolled, W, xs, h0)


@pytest.mark.parametrize("f", LOOPS)
def test_programs_of_rolled_loops(f: Any) -> None:
    graph = joint(f, W, xs, h0, wrt=(0, 1, 2))
    found = program(graph, 1)(W, xs, h0)
    for got, wanted in zip(found, run(graph, [W, xs, h0]), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-12)
    again = wg.compile(f, threads=2)(W, xs, h0)
    assert np.asarray(again).tobytes() == found[0].tobytes()


def test_what_does_not_repeat_stays() -> None:
    def unlike(x: Any) -> Any:
        for t in range(N):
            # Which earlier value is read follows no rule that a scan could keep.
            ys = x if t == 0 else ys  # noqa: F821
            x = np.sin(x) + (ys if (t * t) % 7 < 3 else x) * 0.5 + x[(t * t) % 5]
            ys = x if (t * t) % 5 == 0 else ys
        return np.sum(x)

    graph = trace(unlike, h0)
    same(graph, roll(graph), h0)

    def short(x: Any) -> Any:
        for _ in range(FEWEST - 1):
            x = np.tanh(x) + x
        return x

    graph = trace(short, h0)
    assert roll(graph) is graph
    assert (FEWEST - 1) * 2 < LEAST


def test_a_value_of_one_iteration_and_a_loop_that_feeds_another() -> None:
    def f(x: Any) -> Any:
        kept = []
        for _ in range(N):
            x = np.tanh(x) * 0.9 + np.cos(x) * 0.1
            kept.append(x)
        y = x
        for t in range(N):
            y = y * kept[N - 1 - t] + np.sin(y) * kept[0]
        return np.sum(y) + np.sum(kept[17])

    graph = trace(f, h0)
    rolled = roll(graph)
    same(graph, rolled, h0)
    assert sum(each.operator == "scan" for each in rolled.operations) == 2
    assert len(rolled.operations) < 15


def test_finding_runs_takes_linear_time() -> None:
    def many(n: int) -> float:
        def f(x: Any) -> Any:
            for _ in range(n):
                x = np.tanh(x) * 0.5
            return x

        operations = trace(f, h0).operations
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            found = runs(operations)
            best = min(best, time.process_time() - start)
        assert [each.count for each in found] == [n]
        return best

    assert many(4000) < 40 * max(many(500), 1e-3)


def test_heavy_iterations_keep_their_threads() -> None:
    def f(W: Any, x: Any) -> Any:
        for _ in range(N):
            x = np.tanh(x @ W) * 0.5 + x * 0.5
        return x

    light, heavy = (trace(f, np.eye(n), np.ones((n, n))) for n in (4, 128))
    assert len(roll(light).operations) < 5
    assert roll(heavy) is heavy


def test_a_program_holds_what_was_planned_for_it() -> None:
    made = wg.compile(wg.value_and_grad(rnn)).made(W, xs, h0)
    assert wg.plan(rnn, W, xs, h0).peak_bytes == made.program.arena_bytes  # type: ignore[attr-defined]


def test_a_run_is_found_behind_shorter_ones_of_the_same_period() -> None:
    def wave(x: Any, times: int) -> Any:
        for _ in range(times):
            x = np.sin(np.tanh(x) * 2.0)
        return x

    # 300 operations are too few, 600 are enough.
    graph = trace(lambda x: wave(np.exp(wave(np.exp(wave(x, 100)), 100)), 200), np.ones(3))
    (found,) = runs(graph.operations)
    assert (found.start, found.period, found.count) == (602, 3, 200)
