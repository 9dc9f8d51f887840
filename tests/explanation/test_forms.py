"""Forms that a reader expects: scalars in front, conditions bare, names where there are names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wengert import functions as F
from wengert.explanation.explain import explain
from wengert.explanation.mathematics.numerals import solve_names
from wengert.tracing.spec import Spec

bend = 0.7
strength = 0.3
share = 0.5


def lines(objective: Any, *examples: Any) -> str:
    text = explain(objective, *examples).text()
    assert "✗" not in text
    return text


def test_numbers_of_a_bracket_stand_in_front_of_the_product() -> None:
    def regression(c: Any, Phi: Any, y: Any) -> Any:
        return np.mean((Phi @ c - y) ** 2)

    text = lines(regression, Spec((4,)), Spec((9, 4)), Spec((9,)))
    assert "∂J/∂c = (2/n) Φᵀ (Φ c − y) ∈" in text

    def classes(W: Any, X: Any, y: Any) -> Any:
        H = np.tanh(X)
        return F.softmax_cross_entropy(H @ W, y)

    text = lines(classes, Spec((4, 3)), Spec((5, 4)), Spec((5,), "int64"))
    assert "(1/n) Hᵀ (softmax(H W) − Y)" in text


def elu(z: Any) -> Any:
    return np.where(z > 0, z, bend * (np.exp(z) - 1))


def test_a_condition_of_where_needs_no_indicator() -> None:
    def objective(W: Any, x: Any) -> Any:
        z = W @ x
        h = elu(z)
        return np.sum(h**2)

    text = lines(objective, Spec((3, 4)), Spec((4,)))
    assert "elu(z) = where(z > 0, z, bend (exp(z) − 1))" in text
    assert "elu′(z) = 1[z > 0] + bend ((1 − 1[z > 0]) ⊙ exp(z))" in text


def test_lengths_are_lowered_in_plain_text() -> None:
    def objective(p: Any, X: Any) -> Any:
        H = np.tanh(X @ p["W1"])
        M = H @ p["W2"]
        return np.mean(np.sum(M**2 - 1, axis=1))

    text = lines(objective, {"W1": Spec((6, 4)), "W2": Spec((4, 2))}, Spec((5, 6)))
    assert "_1" not in text
    assert "_2" not in text


def test_a_trace_and_its_sign() -> None:
    def objective(A: Any, x: Any) -> Any:
        S = (A + A.T) / 2
        return x @ S @ x - np.trace(A)

    text = lines(objective, Spec((3, 3)), Spec((3,)))
    assert "J = xᵀ S x − tr(A)" in text
    assert "+ −" not in text


def test_every_direct_part_stands_in_the_chain() -> None:
    def elastic(w: Any, X: Any, y: Any, l1_ratio: float = 0.4) -> Any:
        e = X @ w - y
        kept, rest = strength * l1_ratio, strength * (1 - l1_ratio) / 2
        return np.mean(e**2) / 2 + kept * np.sum(np.abs(w)) + rest * np.sum(w**2)

    text = lines(elastic, Spec((4,)), Spec((6, 4)), Spec((6,)))
    assert "*" not in text
    chain = next(line for line in text.splitlines() if line.lstrip().startswith("∂J/∂w"))
    told = chain.split(" = ")[1]
    assert "prod(∂J/∂e, ∂e/∂w)" in told
    assert "sign(w)" in told
    assert "strength w" in told
    assert "l_1,ratio" in told


def test_names_that_no_formula_tells_alone_are_solved_together() -> None:
    found = solve_names([("a * b", 0.15), ("a * (1 - b) / 2", 0.075)])
    assert found == pytest.approx({"a": 0.3, "b": 0.5})
    assert solve_names([("a * b", 6.0)])["a"] * solve_names([("a * b", 6.0)])["b"] == 6.0


def test_formulas_that_contradict_each_other_end() -> None:
    assert set(solve_names([("a + b", 1.0), ("a + b + 0", 2.0)])) == {"a", "b"}


def test_parameters_are_parameters_in_the_forward_drawing_too() -> None:
    found = explain(lambda a, x, b: np.sum(a * x + b), *[np.ones(3)] * 3, wrt=(0, -1))
    assert [v.role for v in found.forward.inputs] == ["parameter", "input", "parameter"]
