"""Loops and branches as kernels: the numbers of the interpreter, whatever the bodies hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import functions as F
from wengert.base.errors import DataError
from wengert.graph.graph import Graph
from wengert.native.host import Host
from wengert.native.looping import Loop
from wengert.native.program import Program, compile_graph
from wengert.reference.interpreter import run
from wengert.tracing.trace import trace
from wengert.transforms import joint

rng = np.random.default_rng(5)
W, h0 = rng.standard_normal((4, 4)) / 2, rng.standard_normal(4)
xs = rng.standard_normal((7, 4))


def flat(value: Any) -> list[Any]:
    return [np.asarray(each) for each in value]


def same(graph: Graph, *arrays: Any, exact: bool = True, threads: int = 1) -> Program:
    """Compare a program with the interpreter, twice: nothing stays behind from a call."""
    program = compile_graph(graph, threads)
    for leaves in (arrays, tuple(x[::-1].copy() if x.ndim else x for x in arrays), arrays):
        with np.errstate(all="ignore"):
            wanted = run(graph, list(leaves))
        for got, want in zip(program(*leaves), wanted, strict=True):
            if exact:
                np.testing.assert_array_equal(got, want)
            else:
                np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-13)
    return program


def loops(program: Program) -> list[Loop]:
    return [kernel.body for kernel in program.kernels if isinstance(kernel.body, Loop)]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [0, 1, 2, 7])
def test_rows_and_carries_of_every_kind(reverse: bool, length: int) -> None:
    def f(h: Any, xs: Any, w: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            a, b, n = c
            # Passed through, exchanged, counted; rows that are new, views, shared and constant.
            return (b * w, a, n + 1), (a + x, x[::-1], a, w, x[1], x * 0 + 1.0)

        return wg.scan(step, (h, h * 2, 0), xs[:, 0], reverse=reverse)

    many = rng.standard_normal((length, 2, 4))
    graph = trace(f, h0, many, np.array(1.5))
    program = same(graph, h0, many, np.array(1.5))
    assert len(loops(program)) == 1
    assert not any(isinstance(kernel.body, Host) for kernel in program.kernels)


def test_operands_that_lie_in_other_orders() -> None:
    def f(W: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            return h * 0.5 + W.T[0] * x, np.stack([h, x])

        return wg.scan(step, W[:, 1], xs.T[:, ::-1])

    same(trace(f, W, xs[:4]), W, xs[:4])
    same(trace(lambda W: wg.scan(lambda h, x: (h + x, h), W[0], np.broadcast_to(W[1], (5, 4))), W),
         W)  # fmt: skip


def rnn(W: Any, xs: Any, h0: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        def inner(c: Any, k: Any) -> Any:
            return np.maximum(W @ c + x, 0.1 * c) * k, None

        h, _ = wg.scan(inner, h, np.array([1.0, 0.5, 0.25]))
        return h, h * h

    h, ys = wg.scan(step, h0, xs)
    return np.sum(h) + np.sum(ys)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_gradients_of_loops_in_loops(threads: int) -> None:
    graph = joint(rnn, W, xs, h0, wrt=(0, 1, 2))
    program = same(graph, W, xs, h0, exact=False, threads=threads)
    bits = [x.tobytes() for x in program(W, xs, h0)]
    assert bits == [x.tobytes() for x in compile_graph(graph, 1)(W, xs, h0)]
    assert any(any(isinstance(k.body, Loop) for k in each.kernels) for each in loops(program))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_branches(sign: float) -> None:
    def f(x: Any) -> Any:
        return wg.cond(
            np.sum(x) > 0,
            lambda x: (np.sqrt(x), x[::-1], x),
            lambda x: (x * x, x, x * 2.0),
            x,
        )

    x = sign * np.abs(h0)
    program = same(trace(f, x), x)
    assert len(loops(program)) == 1
    same(joint(lambda x: np.sum(f(x)[0]), x), x, exact=False)


def test_while() -> None:
    def collatz(n: Any) -> Any:
        def step(v: Any) -> Any:
            n, count = v
            return np.where(n % 2 == 0, n // 2, 3 * n + 1), count + 1

        return wg.while_loop(lambda v: v[0] != 1, step, (n, 0))[1]

    program = compile_graph(trace(collatz, np.array(27)))
    assert [int(program(np.array(n))[0]) for n in (1, 2, 27, 97)] == [0, 1, 111, 118]
    newton = trace(
        lambda a: wg.while_loop(
            lambda x: np.abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a + 1.0
        ),
        np.array(2.0),
    )
    for a in (2.0, 9.0):
        np.testing.assert_array_equal(
            compile_graph(newton)(np.array(a)), run(newton, [np.array(a)])
        )


def test_what_numpy_has_to_do_stays_inside_the_loop() -> None:
    def f(a: Any, xs: Any) -> Any:
        return wg.scan(lambda h, x: (np.linalg.inv(a) @ h + x, np.linalg.inv(a)[0]), xs[0], xs)

    a = np.eye(4) * 2 + W / 8
    same(trace(f, a, xs), a, xs, exact=False)


def test_a_number_that_is_refused_inside_is_told_as_outside() -> None:
    def f(logits: Any, labels: Any) -> Any:
        def step(total: Any, x: Any) -> Any:
            row, label = x
            loss = F.softmax_cross_entropy(np.stack([row, row]), np.stack([label, label]))
            return total + loss + np.log(row[0] * 0 + 2), None

        return wg.scan(step, np.zeros(()), (logits, labels))[0]

    good, bad = np.array([0, 1, 2, 3, 0, 1, 2]), np.array([0, 1, 2, 9, 0, 1, 2])
    program = compile_graph(trace(f, xs, good))
    for _ in range(2):
        program(xs, good)
        with pytest.raises(DataError, match="label is out of range for 4 classes") as told:
            program(xs, bad)
        assert "test_loops.py" in str(told.value)


def test_a_thousand_iterations_compile_as_one() -> None:
    graph = [joint(rnn, W, rng.standard_normal((n, 4)), h0) for n in (3, 1000)]
    short, long = (compile_graph(each) for each in graph)
    assert [k.name for k in short.kernels] == [k.name for k in long.kernels]
    assert "scan of" in long.listing()


def test_training_steps_run_loops() -> None:
    def objective(p: Any, X: Any, y: Any) -> Any:
        h, _ = wg.scan(
            lambda h, x: (np.tanh(h @ p["W"] + x), None), np.zeros((*X.shape[:1], 4)),
            np.moveaxis(X, 1, 0),
        )  # fmt: skip
        return np.mean((h[:, 0] - y) ** 2)

    X, y = rng.standard_normal((32, 7, 4)), rng.standard_normal(32)
    first = {"W": W}
    found = wg.fit(objective, first, (X, y), optimizer=wg.optim.sgd(0.1), epochs=3, batch_size=8)
    assert found.history["objective"][-1] < found.history["objective"][0]
