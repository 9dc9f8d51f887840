"""Convolution and pooling in machine code: drawn sizes, ties and padding, whole training steps."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wengert.graph.graph import Graph
from wengert.graph.variable import Variable
from wengert.native import fusion
from wengert.native.fusion import fuse
from wengert.native.images import batch_innermost
from wengert.native.program import compile_graph
from wengert.nn.functional import avg_pool2d, conv2d, max_pool2d, relu, softmax_cross_entropy
from wengert.reference.interpreter import run
from wengert.tracing.trace import trace
from wengert.tracing.tracer import apply
from wengert.transforms import joint


def both(name: str, operands: tuple[Any, ...], attributes: dict[str, Any]) -> tuple[Any, Any]:
    graph = trace(lambda *xs: apply(name, *xs, **attributes), *operands)
    (want,) = run(graph, list(operands))
    (got,) = compile_graph(graph)(*operands)
    np.testing.assert_allclose(by_batch(name, operands, attributes), want, 1e-12, 1e-11)
    return got, want


def by_batch(name: str, operands: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """Return the result with all images stored with the batch innermost."""

    def turned(*xs: Any) -> Any:
        return np.negative(apply(name, *map(np.negative, xs), **attributes))

    def every_image(graph: Graph) -> frozenset[Variable]:
        made = {v for each in graph.operations for v in each.outputs if len(v.shape) == 4}
        return frozenset(made - {*graph.outputs})

    others = [np.negative(x) for x in operands]
    with mock.patch.object(fusion, "batch_innermost", every_image):
        return np.negative(compile_graph(trace(turned, *others))(*others)[0])


small = st.integers(1, 3)
pair = st.tuples(small, small)


@st.composite
def convolutions(draw: Any) -> tuple[Any, Any, dict[str, Any]]:
    groups = draw(small)
    options = {"stride": draw(pair), "padding": draw(st.tuples(*[st.integers(0, 3)] * 2)),
               "dilation": draw(pair), "groups": groups}  # fmt: skip
    size = draw(pair)
    reach = [(k - 1) * d + 1 for k, d in zip(size, options["dilation"], strict=True)]
    image = [max(1, r - 2 * p) + draw(st.integers(0, 20)) for r, p in
             zip(reach, options["padding"], strict=True)]  # fmt: skip
    own, rng = draw(small), np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.normal(size=(draw(st.integers(0, 4)), own * groups, *image))
    w = rng.normal(size=(draw(small) * groups, own, *size))
    return x, w, options


@settings(max_examples=25, deadline=None)
@given(convolutions())
def test_convolutions_of_any_size(case: tuple[Any, Any, dict[str, Any]]) -> None:
    x, w, options = case
    got, y = both("conv2d", (x, w), options)
    np.testing.assert_allclose(got, y, rtol=1e-12, atol=1e-12)
    g = np.random.default_rng(1).normal(size=y.shape)
    for name, operands, more in (
        ("conv2d_input", (g, w), {"image": x.shape[2:]}),
        ("conv2d_weight", (x, g), {"size": w.shape[2:]}),
    ):
        got, want = both(name, operands, {**options, **more})
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-11)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_pools_of_any_size_with_ties_and_infinities(data: Any) -> None:
    window = data.draw(pair)
    options = {"window": window, "stride": data.draw(pair),
               "padding": tuple(data.draw(st.integers(0, k - 1)) for k in window)}  # fmt: skip
    image = [k + data.draw(st.integers(0, 15)) for k in window]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.integers(-1, 2, (data.draw(small), data.draw(small), *image)).astype(float)
    x[rng.random(x.shape) < 0.2] = data.draw(st.sampled_from([-np.inf, np.nan, 0.0]))
    got, y = both("max_pool2d", (x,), options)
    np.testing.assert_array_equal(got, y)
    g = rng.normal(size=y.shape)
    v = rng.normal(size=x.shape)
    for name, first in (("max_pool2d_input", g), ("max_pool2d_pick", v)):
        got, want = both(name, (first, x), options)
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    for include in (True, False):
        means = {**options, "count_include_pad": include}
        got, want = both("avg_pool2d", (v,), means)
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
        got, want = both("avg_pool2d_input", (g,), {**means, "image": tuple(image)})
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def network(parameters: Any, X: Any, y: Any) -> Any:
    K1, c1, K2, W, b = parameters
    H1 = max_pool2d(relu(conv2d(X, K1, c1, padding=1)), 2)
    H2 = avg_pool2d(relu(conv2d(H1, K2, stride=2, groups=2)), 2, 1)
    return softmax_cross_entropy(H2.reshape(len(H2), -1) @ W + b, y)


def arguments(dtype: str, batch: int) -> list[Any]:
    rng = np.random.default_rng(0)
    shapes = ((4, 1, 3, 3), (4,), (6, 2, 3, 3), (54, 5), (5,), (batch, 1, 18, 18))
    found = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    found[2] *= 0.2
    return [*found, rng.integers(0, 5, batch)]


@pytest.mark.parametrize("batch", [7, 19])
@pytest.mark.parametrize(("dtype", "bound"), [("float64", 1e-11), ("float32", 2e-4)])
def test_a_network_of_images_with_its_gradients(dtype: str, bound: float, batch: int) -> None:
    *parameters, X, y = arguments(dtype, batch)
    graph = joint(network, parameters, X, y)
    leaves = [*parameters, X, y]
    for got, want in zip(compile_graph(graph)(*leaves), run(graph, leaves), strict=True):
        scale = float(np.max(np.abs(want)))
        np.testing.assert_allclose(got, want, rtol=bound, atol=bound * scale)


@pytest.mark.parametrize("batch", [7, 19])
def test_the_same_bits_on_any_number_of_threads(batch: int) -> None:
    *parameters, X, y = arguments("float32", batch)
    graph = joint(network, parameters, X, y)
    leaves = [*parameters, X, y]
    first, *others = ([each.tobytes() for each in compile_graph(graph, threads)(*leaves)]
                      for threads in (1, 2, 3))  # fmt: skip
    assert all(other == first for other in others)


def test_few_channels_and_many_examples_are_stored_by_batch() -> None:
    def images(dtype: str, batch: int, channels: int = 4) -> list[Variable]:
        K = np.ones((channels, 1, 3, 3), dtype)
        X = np.ones((batch, 1, 8, 8), dtype)
        graph = trace(lambda X, K: relu(max_pool2d(relu(conv2d(X, K)), 2)), X, K)
        found = batch_innermost(graph)
        strides = {v: view.strides for v, view in fuse(graph).views.items() if v in found}
        assert all(each[0] == 1 for each in strides.values())
        assert not found.intersection(graph.outputs)
        return list(found)

    assert len(images("float32", 16)) == len(images("float64", 8)) == 3
    assert not images("float32", 15)
    assert not images("float64", 7)
    assert not images("float32", 64, channels=40)
