"""The interpreter runs a graph, frees by last use, and finds where numbers break."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from wengert.base.errors import DataError, GraphError
from wengert.functions import softmax_cross_entropy
from wengert.reference.interpreter import first_non_finite, run, run_all
from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace


def test_values_are_let_go_after_their_last_use() -> None:
    def chain(x: Any) -> Any:
        for _ in range(20):
            x = np.tanh(x)
        return np.sum(x)

    x = np.ones(1_000_000)
    graph = trace(chain, x)
    tracemalloc.start()
    try:
        run(graph, [x])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Two buffers, the operand and the result of one tanh; twenty if nothing were let go.
    assert 2 * x.nbytes <= peak < 2 * x.nbytes + 100_000


def test_everything_is_kept_where_wanted() -> None:
    graph = trace(lambda x: np.sum(np.tanh(x * 2)), np.ones(3))
    assert set(run_all(graph, [np.ones(3)])) == set(graph.variables)


def test_the_earliest_non_finite_operation_is_found() -> None:
    def f(x: Any) -> Any:
        a = x - 1
        b = np.log(a)
        return np.sum(b * 2)

    graph = trace(f, np.ones(3))
    found = first_non_finite(graph, [np.array([2.0, 1.0, 3.0])])
    assert found is not None
    operation, values = found
    assert operation.operator == "log"
    assert values[operation.inputs[0]].min() == 0
    assert first_non_finite(graph, [np.full(3, 2.0)]) is None


def test_inputs_of_another_type_are_refused() -> None:
    graph = trace(lambda x: x * 2, Spec((3,)))
    with pytest.raises(GraphError, match="x of"):
        run(graph, [np.ones(4)])
    with pytest.raises(GraphError, match="x of"):
        run(graph, [np.ones(3, np.float32)])
    with pytest.raises(GraphError, match="1 arrays"):
        run(graph, [])


def test_what_an_operator_refuses_is_told_by_the_users_names_and_line() -> None:
    def loss(O: Any, y: Any) -> Any:  # noqa: E741
        L = softmax_cross_entropy(O, y)
        return L

    graph = trace(loss, np.zeros((2, 3)), np.zeros(2, int))
    with pytest.raises(DataError, match="out of range") as caught:
        run(graph, [np.zeros((2, 3)), np.array([0, 3])])
    assert "O: float64 (2, 3); y: int64 (2,)" in str(caught.value)
    assert "test_interpreter.py:" in str(caught.value)
