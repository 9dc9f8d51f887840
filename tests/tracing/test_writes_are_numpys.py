"""Random programs that write: traced, they give what NumPy gives, bit for bit, and gradients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tracing.random_writes import DoubtError, program
from wengert.graph.graph import Graph
from wengert.native.program import compile_graph
from wengert.reference.interpreter import run
from wengert.rewriting.rewrite import simplify
from wengert.tracing.trace import trace
from wengert.transforms import grad

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(2, 3)), RNG.normal(size=4)
CHOICES = st.lists(st.integers(0, 839), min_size=2, max_size=60)


def traced(function: Any) -> Graph:
    try:
        return trace(function, X, Y)
    except DoubtError:
        assume(False)
        raise


def same(found: list[Any], wanted: list[Any]) -> None:
    for here, there in zip(found, wanted, strict=True):
        assert here.dtype == there.dtype
        np.testing.assert_array_equal(here, there)


@given(CHOICES)
@settings(max_examples=200, deadline=None)
def test_values_are_numpys(choices: list[int]) -> None:
    function: Any = program(choices)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        plain = function(X.copy(), Y.copy())
        log = function.log
        graph = traced(function)
        assert function.log == log
        same(run(graph, [X, Y]), plain)


@given(CHOICES)
@settings(max_examples=10, deadline=None)
def test_programs_are_the_interpreter(choices: list[int]) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        graph = traced(program(choices))
        same(compile_graph(simplify(graph))(X, Y), run(graph, [X, Y]))


@given(CHOICES)
@settings(max_examples=40, deadline=None)
def test_gradients_are_differences(choices: list[int]) -> None:
    function = program(choices, narrow="float64")

    def objective(x: Any, y: Any) -> Any:
        total = 0.0
        for k, each in enumerate(function(x, y)):
            if each.dtype.kind == "f" and each.size:
                weights = np.cos(np.arange(each.size)).reshape(each.shape)
                total = total + np.sum(np.sin(each * (0.3 + 0.1 * k)) * weights)
        return total

    rng = np.random.default_rng(1)
    u, v = rng.normal(size=X.shape), rng.normal(size=Y.shape)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        traced(lambda x, y: np.asarray(objective(x, y)))
        gx, gy = grad(objective, wrt=(0, 1))(X, Y)
        found = np.sum(gx * u) + np.sum(gy * v)
        # A difference may step over a kink; one of three does not.
        slopes = [
            (objective(X + h * u, Y + h * v) - objective(X - h * u, Y - h * v)) / (2 * h)
            for h in (1e-5, 2e-6, 4e-7)
        ]
    assume(np.isfinite(slopes).all())
    assert any(abs(found - slope) <= 1e-5 * (1 + abs(slope)) for slope in slopes)
