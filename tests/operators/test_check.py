"""A graph read from a text holds only what the operators would have made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wengert.base.errors import GraphError
from wengert.explanation.traced import Graph, trace


def f(x: Any) -> Any:
    h = np.tanh(x)
    return np.sum(h, axis=0)


TEXT = str(trace(f, np.ones((4, 3))))


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("input x: f64[4,3]", "input x: f64[5,3]", r"float64 \(5, 3\)"),
        ("h: f64[4,3]", "h: f32[4,3]", "float64"),
        ("tanh(x)", "tanhh(x)", "operator 'tanhh'"),
        ("tanh(x)", "add(x)", "does not fit its operator"),
        ("axis=(0,)", "axis=(7,)", "does not fit its operator"),
        ("keepdims=False", "keep=False", "does not fit its operator"),
        ("f64[3] = sum", "f64[4] = sum", r"float64 \(3,\)"),
    ],
)
def test_a_text_that_was_changed_by_hand(written: str, instead: str, said: str) -> None:
    assert written in TEXT
    with pytest.raises(GraphError, match=said):
        Graph.parse(TEXT.replace(written, instead, 1))


def test_the_text_of_a_trace_is_taken() -> None:
    assert Graph.parse(TEXT) == trace(f, np.ones((4, 3)))
