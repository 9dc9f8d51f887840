"""Whole programs: models forward and backward, drawn graphs, any number of threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.networks import NETWORKS, data
from wengert.base.tree import flatten
from wengert.functions import relu, softmax, softmax_cross_entropy
from wengert.graph.graph import Graph
from wengert.native.program import compile_graph
from wengert.reference.interpreter import run
from wengert.tracing.trace import trace
from wengert.transforms import joint

BOUND = {"float64": 1e-12, "float32": 2e-5}


def close(got: list[Any], want: list[Any]) -> None:
    for a, b in zip(got, want, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        scale = np.max(np.abs(b), initial=1e-300)
        assert np.max(np.abs(a - b), initial=0) <= BOUND[b.dtype.name] * scale


def scalar(network: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: np.mean(network(*args))


def joint_of(name: str) -> tuple[Graph, list[Any]]:
    network, *specs = NETWORKS[name]
    return joint(scalar(network), *specs), flatten(data(name))[0]


# -- Models ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_forward_and_backward(name: str) -> None:
    graph, leaves = joint_of(name)
    close(compile_graph(graph)(*leaves), run(graph, leaves))


def sample(parameters: Any, X: Any, y: Any) -> Any:
    h = relu(X @ parameters["W1"])
    L = np.mean(softmax_cross_entropy(h @ parameters["W2"], y))
    return L + 0.05 / 2 * (np.sum(parameters["W1"] ** 2) + np.sum(parameters["W2"] ** 2))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 2, 7, 32, 100])
def test_the_sample_network_at_any_batch(batch: int, dtype: str) -> None:
    rng = np.random.default_rng(batch)
    parameters = {"W1": rng.normal(size=(784, 256)) / 28, "W2": rng.normal(size=(256, 10)) / 16}
    parameters = {name: W.astype(dtype) for name, W in parameters.items()}
    X, y = rng.uniform(size=(batch, 784)).astype(dtype), rng.integers(0, 10, batch)
    graph = joint(sample, parameters, X, y)
    leaves = flatten((parameters, X, y))[0]
    close(compile_graph(graph)(*leaves), run(graph, leaves))


def deep(parameters: Any, X: Any, y: Any) -> Any:
    h = X
    for W, b in parameters:
        h = np.tanh(h @ W + b)
    return np.mean((h - y) ** 2)


def regression(parameters: Any, X: Any, y: Any) -> Any:
    W, b = parameters
    p = softmax(X @ W + b)
    return -np.mean(np.log(p[np.arange(len(y.shape) and y.shape[0]), y]))


def test_fifty_layers() -> None:
    rng = np.random.default_rng(1)
    parameters = [(rng.normal(size=(20, 20)) / 4, rng.normal(size=20)) for _ in range(50)]
    X, y = rng.normal(size=(9, 20)), rng.normal(size=(9, 20))
    graph = joint(deep, parameters, X, y)
    leaves = flatten((parameters, X, y))[0]
    program = compile_graph(graph)
    close(program(*leaves), run(graph, leaves))
    # Layers that do the same share one function in memory.
    assert len({kernel.body.key for kernel in program.kernels}) < len(program.kernels) / 5


def test_softmax_regression() -> None:
    rng = np.random.default_rng(2)
    parameters = (rng.normal(size=(30, 5)), rng.normal(size=5))
    X, y = rng.normal(size=(40, 30)), rng.integers(0, 5, 40)
    graph = joint(regression, parameters, X, y)
    leaves = flatten((parameters, X, y))[0]
    close(compile_graph(graph)(*leaves), run(graph, leaves))


# -- Any number of threads ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sample", "biased", "attention", "normalised", "clipped"])
def test_the_same_bytes_on_any_number_of_threads(name: str) -> None:
    graph, leaves = joint_of(name)
    first = [each.tobytes() for each in compile_graph(graph, 1)(*leaves)]
    for threads in (2, 3, 4):
        program = compile_graph(graph, threads)
        for _ in range(3):
            assert [each.tobytes() for each in program(*leaves)] == first


# -- Memory in another order ----------------------------------------------------------------------


def turned(x: Any, y: Any) -> Any:
    return np.transpose(x) * 2 + y, np.tanh(np.transpose(x, (1, 0)))[::-1], x[:, ::3] - 1


@pytest.mark.parametrize("shape", [(300, 200), (65, 1000), (1000, 65), (129, 130), (20000, 3)])
def test_transposed_and_strided_operands(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    leaves = [rng.normal(size=shape), rng.normal(size=shape[::-1])]
    graph = trace(turned, *leaves)
    first = compile_graph(graph)(*leaves)
    close(first, run(graph, leaves))
    for a, b in zip(first, compile_graph(graph, 3)(*leaves), strict=True):
        np.testing.assert_array_equal(a, b)


def both_ways(x: Any) -> Any:
    y = np.tanh(x)
    return y + y.T, y * y[::-1], np.sum(y, axis=0) + np.sum(y, axis=1), np.max(y, axis=0) - y[0]


def test_a_value_read_in_two_orders() -> None:
    x = np.random.default_rng(0).normal(size=(33, 33))
    graph = trace(both_ways, x)
    close(compile_graph(graph)(x), run(graph, [x]))


# -- The arena ------------------------------------------------------------------------------------


def test_nothing_is_read_that_was_not_written() -> None:
    """Whatever the arena held before, the results are the same bytes."""
    for name in NETWORKS:
        graph, leaves = joint_of(name)
        program = compile_graph(graph)
        first = [each.tobytes() for each in program(*leaves)]
        program._arena[:] = 0xFF
        assert [each.tobytes() for each in program(*leaves)] == first


def test_results_outlive_the_next_run() -> None:
    x = np.arange(5.0)
    program = compile_graph(trace(lambda x: (x * 2, x.T, x[::-1]), x))
    kept = program(x)
    program(np.zeros(5))
    np.testing.assert_array_equal(kept, [x * 2, x, x[::-1]])


def test_the_listing_tells_of_every_kernel() -> None:
    graph, _ = joint_of("sample")
    program = compile_graph(graph)
    text = program.listing()
    assert f"{len(program.kernels)} kernels" in text and ", 1 thread\n" in text
    assert "networks.py:" in text and "matmul" in text and "512×" in text


# -- Drawn graphs ---------------------------------------------------------------------------------

UNARY = [np.tanh, np.negative, np.abs, np.square, relu, lambda x: np.exp(-np.abs(x))]
BINARY = [np.add, np.subtract, np.multiply, np.maximum, lambda x, y: x / (2 + np.abs(y)),
          lambda x, y: np.where(x > y, x, y * 0.5)]  # fmt: skip
REDUCE = [np.sum, np.mean, np.max, np.min, np.var]
MOVE = [
    lambda x: np.transpose(x), lambda x: x[::-1] if x.ndim else x, lambda x: np.reshape(x, -1),
    lambda x: x[..., None], lambda x: x[1:] if x.ndim and x.shape[0] > 1 else x,
    lambda x: np.broadcast_to(x, (2, *x.shape)), lambda x: np.swapaxes(x, 0, -1) if x.ndim else x,
]  # fmt: skip


@st.composite
def programs(draw: st.DrawFn) -> tuple[Callable[..., Any], list[Any]]:
    """Draw a function of two arrays, as a list of what to do with what is there already."""
    n, m = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    steps = draw(st.lists(
        st.tuples(st.sampled_from("uubbbrm"), st.integers(0, 99), st.integers(0, 9),
                  st.integers(0, 9)), min_size=1, max_size=12,
    ))  # fmt: skip
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    leaves = [rng.uniform(-1, 1, (n, m)), rng.uniform(-1, 1, (m,))]

    def function(*xs: Any) -> Any:
        made = list(xs)
        for kind, which, i, j in steps:
            x, y = made[-1 - i % len(made)], made[-1 - j % len(made)]
            made.append(_step(kind, which, x, y))
        return made[len(xs) :]

    return function, leaves


def _step(kind: str, which: int, x: Any, y: Any) -> Any:
    if kind == "u":
        return UNARY[which % len(UNARY)](x)
    if kind == "m":
        return MOVE[which % len(MOVE)](x) if x.ndim < 3 else x
    if kind == "r":
        axis = which % x.ndim if x.ndim else None
        return REDUCE[which % len(REDUCE)](x, axis=axis, keepdims=bool(which % 2))
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return x
    return BINARY[which % len(BINARY)](x, y)


@given(programs())
def test_drawn_programs(drawn: tuple[Callable[..., Any], list[Any]]) -> None:
    function, leaves = drawn
    graph = trace(function, *leaves)
    with np.errstate(all="ignore"):
        want = run(graph, leaves)
    got = compile_graph(graph)(*leaves)
    for a, b in zip(got, want, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("power", [1, 2, 3])
def test_small_powers_are_products_rounded_once(power: int, dtype: str) -> None:
    x = np.concatenate([
        np.random.default_rng(0).standard_normal(1000) * 10.0 ** np.arange(-10, 10).repeat(50),
        [0.0, -0.0, np.inf, -np.inf, np.nan],
    ]).astype(dtype)  # fmt: skip
    graph = trace(lambda x: x**power, x)
    (got,) = compile_graph(graph)(x)
    want = (
        x if power == 1 else x * x if power == 2 else (x.astype(np.longdouble) ** 3).astype(dtype)
    )
    if dtype == "float32" or power < 3:
        np.testing.assert_array_equal(got, want)
        np.testing.assert_array_equal(np.signbit(got[:-1]), np.signbit(want[:-1]))
    else:
        np.testing.assert_allclose(got, want, rtol=4e-16)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 11])
def test_zeros_behind_a_mask(count: int) -> None:
    # LLVM died of a stored zero whose mask was written as an integer.
    def late(x: Any) -> Any:
        out = np.zeros(count)
        out[: count // 2] = x[: count // 2]
        return out * np.sum(x)

    x = np.arange(1.0, 12.0)
    (found,) = compile_graph(trace(late, x))(x)
    np.testing.assert_array_equal(found, late(x))
