"""What has no machine code: NumPy does it in the middle of a program, on any thread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import wengert as wg
from operators import checks
from wengert.base.errors import LinearAlgebraError
from wengert.graph.graph import Graph
from wengert.native.host import Host
from wengert.native.program import compile_graph
from wengert.native.stepper import Memory, Stepper
from wengert.operators.registry import OPERATORS
from wengert.reference.interpreter import run
from wengert.rewriting.decompose import CHECK
from wengert.tracing.trace import trace
from wengert.tracing.tracer import apply
from wengert.transforms import joint

RNG = np.random.default_rng(0)
A = RNG.normal(size=(5, 5))
A = A @ A.T + np.eye(5)


def of(function: Any, *arguments: Any) -> Graph:
    return trace(function, *arguments)


def agree(graph: Graph, *arguments: Any, threads: int = 1) -> None:
    program = compile_graph(graph, threads)
    for _ in range(2):
        for got, want in zip(program(*arguments), run(graph, list(arguments)), strict=True):
            assert (got.dtype, got.shape) == (want.dtype, want.shape)
            np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-13)


def without_kernel(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(OPERATORS, name, replace(OPERATORS[name], scalar=None))


def test_an_operator_without_a_formula_is_carried_out_by_numpy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_kernel(monkeypatch, "tanh")
    program = compile_graph(of(lambda x: np.tanh(x * 2) + 1, np.ones(3)))
    assert [kernel.name for kernel in program.kernels] == ["multiply", "host tanh", "add"]
    assert "host tanh" in program.listing()
    x = np.linspace(-1, 1, 3)
    np.testing.assert_array_equal(program(x)[0], np.tanh(x * 2) + 1)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_several_results_on_any_thread(threads: int) -> None:
    def objective(a: Any) -> Any:
        values, vectors = np.linalg.eigh(a)
        return np.linalg.slogdet(a)[1] + np.sum(np.sin(values) * vectors[0] ** 2)

    graph = joint(objective, A)
    program = compile_graph(graph, threads)
    wanted = run(graph, [A])
    for _ in range(50):
        for got, want in zip(program(A), wanted, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-12)


def test_operands_are_read_as_they_lie() -> None:
    x = RNG.normal(size=(6, 5, 5)) + 3 * np.eye(5)
    agree(of(lambda x: np.linalg.inv(x[::-2, ::-1].transpose(0, 2, 1)), x), x)
    agree(of(lambda x: np.linalg.slogdet(np.broadcast_to(x[0], (3, 5, 5))), x), x)
    agree(of(lambda x: np.linalg.inv(x[:0]), x), x)
    agree(of(lambda x: np.linalg.inv(x.T.reshape(-1, 5, 5)), x), x)


def test_complex_numbers() -> None:
    z = RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4))
    agree(of(lambda z: np.exp(z) * z + 1, z), z)
    agree(of(lambda z: z.T.reshape(2, 6), z), z)
    agree(of(lambda z: (z[::-1], z.T, z.sum(axis=0), z @ z.T, z), z), z)
    agree(of(lambda z: np.linalg.inv(z @ z.T), z), z)
    agree(of(lambda z: np.linalg.eigh(z @ z.T)[0] * 2.0, z), z)
    single = z.astype(np.complex64)
    agree(of(lambda z: z * 2, single), single)


def test_integers_to_a_power() -> None:
    i = np.array([2, -3, 5])
    agree(of(lambda i: i**3, i), i)
    with pytest.raises(ValueError, match="negative integer powers"):
        compile_graph(of(lambda i: np.power(2, i), i))(i)


def test_what_numpy_raises_is_raised_with_the_users_names() -> None:
    def f(K: Any, x: Any) -> Any:
        return np.sum(np.linalg.inv(K) * np.exp(x))

    singular = np.ones((3, 3))
    graph = of(f, singular, singular)
    with pytest.raises(LinearAlgebraError) as told:
        run(graph, [singular, singular])
    for threads in (1, 2):
        program = compile_graph(graph, threads)
        with pytest.raises(np.linalg.LinAlgError) as found:
            program(singular, singular)
        assert str(found.value) == str(told.value)
        assert "K: float64 (3, 3)" in str(found.value) and "test_host.py" in str(found.value)
        # It is as good as before.
        good = np.eye(3) * 2
        np.testing.assert_allclose(program(good, good)[0], run(graph, [good, good])[0])


def test_a_strange_error_passes_and_ctrl_c_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    program = compile_graph(of(lambda a: np.linalg.inv(a), A))
    for error in (KeyboardInterrupt, ZeroDivisionError):

        def raising(*_: Any, error: type[BaseException] = error, **__: Any) -> Any:
            raise error

        monkeypatch.setitem(OPERATORS, "inv", replace(OPERATORS["inv"], numpy=raising))
        with pytest.raises(error):
            program(A)
    monkeypatch.undo()
    np.testing.assert_array_equal(program(A)[0], np.linalg.inv(A))


def step(W: Any, x: Any) -> Any:
    K = x.T @ x + W @ W.T
    values, vectors = np.linalg.eigh(K)
    J = np.sum(np.log(values))
    return W - 0.01 * (vectors * values) @ np.linalg.inv(K), J


def test_many_steps_in_one_call() -> None:
    X = RNG.normal(size=(40, 3))
    W = np.eye(3)
    graph = of(step, W, X[:4])
    for threads in (1, 2):
        memory = Memory([W])
        taken = Stepper(graph, memory, threads).run([X], np.arange(40))
        assert taken.steps == 10 and not taken.failed
        state = W
        for rows, told in zip(X.reshape(10, 4, 3), taken.metrics[0], strict=True):
            state, J = run(graph, [state, rows])
            np.testing.assert_allclose(told, J, rtol=1e-12)
        np.testing.assert_allclose(memory.read()[0], state, rtol=1e-12)


def test_a_step_that_is_refused_leaves_the_state_before_it() -> None:
    def singular(w: Any, x: Any) -> Any:
        return w + 1.0, np.sum(np.linalg.inv(x + 0 * w))

    X = np.stack([np.eye(2) + i for i in range(6)]).reshape(12, 2)
    X[8:10] = 1
    for threads in (1, 2):
        memory = Memory([np.zeros((2, 2))])
        taken = Stepper(of(singular, np.zeros((2, 2)), X[:2]), memory, threads).run(
            [X], np.arange(12)
        )
        assert taken.failed and taken.steps == 4
        np.testing.assert_array_equal(memory.read()[0], np.full((2, 2), 4.0))


def test_ctrl_c_in_a_step_is_no_failed_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    memory = Memory([np.eye(3)])
    stepper = Stepper(of(step, np.eye(3), np.ones((4, 3))), memory)
    monkeypatch.setitem(OPERATORS, "inv", replace(OPERATORS["inv"], numpy=interrupted))
    with pytest.raises(KeyboardInterrupt):
        stepper.run([np.ones((40, 3))], np.arange(40))
    np.testing.assert_array_equal(memory.read()[0], np.eye(3))


def test_complex_state_moves_on() -> None:
    def turned(z: Any, x: Any) -> Any:
        return z[::-1] * 1j, x.sum() + np.abs(x).sum()

    z = np.array([1 + 2j, 3.0])
    memory = Memory([z])
    Stepper(of(turned, z, np.ones((2, 2))), memory).run([np.ones((4, 2))], np.arange(4))
    np.testing.assert_array_equal(memory.read()[0], -z)


def test_every_operator_can_be_carried_out_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wengert.native.steps._is_native", lambda op: op.operator == CHECK)
    for name, record in sorted(OPERATORS.items()):
        operands, attributes = checks.draws(record)[0]
        graph = trace(lambda *xs, n=name, a=attributes: apply(n, *xs, **a), *operands)
        program = compile_graph(graph)
        hosts = [k for k in program.kernels if isinstance(k.body, Host)]
        # Views and composites of them need no kernel; control has kernels of its own.
        other = record.aliases == "view" or record.decomposition or len(program.kernels) == 1
        assert hosts or other, name
        for got, want in zip(program(*operands), run(graph, list(operands)), strict=True):
            np.testing.assert_array_equal(got, want, err_msg=name)


def test_training_with_a_determinant() -> None:
    def objective(W: Any, x: Any) -> Any:
        K = x.T @ x / len(x) + W.T @ W + np.eye(3)
        return np.linalg.slogdet(K)[1] - np.trace(W)

    X = RNG.normal(size=(64, 3))
    finished = [
        wg.fit(objective, np.eye(3), X, optimizer=wg.optim.sgd(0.05), epochs=2, batch_size=16,
               compiled=compiled).parameters
        for compiled in (True, False)
    ]  # fmt: skip
    np.testing.assert_allclose(*finished, rtol=1e-10)
