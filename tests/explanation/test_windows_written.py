"""Convolution and pooling as they are printed, with their options, each line executed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.explanation.mathematics.derive import derive
from wengert.explanation.mathematics.equation import Equations
from wengert.explanation.mathematics.latex import to_latex
from wengert.explanation.mathematics.style import Latex, Unicode
from wengert.nn.functional import avg_pool2d, conv2d, max_pool2d, relu
from wengert.operators.registry import OPERATORS
from wengert.transforms import joint

rng = np.random.default_rng(0)
X, W = rng.normal(size=(2, 2, 9, 8)), rng.normal(size=(4, 2, 3, 3))


def printed(objective: Callable[..., Any], *arrays: Any, style: Any = None) -> list[str]:
    """Return every line, after seeing that each was found right."""
    derivation = derive(joint(objective, list(arrays)), list(arrays))
    equations = Equations(derivation, style or Unicode())
    lines = [equations.line(line) for line in derivation.lines]
    assert derivation.passed, [(str(line), each.check) for line, each in
                               zip(lines, derivation.lines, strict=True)]  # fmt: skip
    assert to_latex(derivation)
    return [str(line) for line in lines]


def holds(lines: list[str], *wanted: str) -> None:
    for text in wanted:
        assert any(text in line for line in lines), (text, lines)


def test_a_convolution_and_its_two_gradients() -> None:
    def objective(p):
        X, W = p
        Y = conv2d(X, W)
        return np.sum(Y**2)

    holds(printed(objective, X, W), "X ⋆ W", "X ⋆ ∂J/∂Y", "K(W)ᵀ ∂J/∂Y")
    holds(printed(objective, X, W, style=Latex()), r"\mathbf{X} \star \mathbf{W}")


def test_options_are_told_and_stride_and_dilation_change_places() -> None:
    def objective(p):
        X, W = p
        Y = conv2d(X, W[:, :1], stride=2, padding=(1, 0), dilation=(2, 1), groups=2)
        return np.sum(Y**2)

    options = "s=2, p=(1, 0), d=(2, 1), g=2"
    changed = "s=(2, 1), p=(1, 0), d=2, g=2"
    holds(printed(objective, X, W), f"X ⋆_{{{options}}} W", f"X ⋆_{{{changed}}} ∂J/∂Y",
          f"K_{{{options}}}")  # fmt: skip


def test_factors_stand_in_brackets_where_they_must() -> None:
    def objective(p):
        X, W = p
        Y = conv2d(X + 1, W * W)
        return np.sum(Y**2)

    holds(printed(objective, X, W), "(X + 1) ⋆ W^⊙2")


def test_pools_and_what_they_lay_back() -> None:
    def objective(p):
        (X,) = p
        A = avg_pool2d(X, (3, 2), 2, (1, 0), count_include_pad=False)
        B = max_pool2d(X, 3, 2)
        return np.sum(A**2) + np.sum(B**2)

    lines = printed(objective, X)
    holds(lines, "avgpool_{(3, 2), s=2, p=(1, 0), n}(X)", "maxpool_{3, s=2}(X)",
          "avgpool_{(3, 2), s=2, p=(1, 0), n}ᵀ(∂J/∂A)", "maxpool_{3, s=2}′(X)ᵀ ∂J/∂B")  # fmt: skip


def pooled_relu(p):
    (X,) = p
    H = relu(X)
    P = max_pool2d(H, 3)
    return np.sum(P**2)


def test_zeros_that_tie_are_no_error_of_the_line() -> None:
    x = X.copy()
    x[:, :, :5] = -np.abs(x[:, :, :5])
    holds(printed(pooled_relu, x), "maxpool_3′(H)ᵀ ∂J/∂P")


def test_a_wrong_gradient_is_seen_beside_the_ties(monkeypatch: pytest.MonkeyPatch) -> None:
    record = OPERATORS["max_pool2d_input"]

    def wrong(g: Any, x: Any, **given: Any) -> Any:
        return 1.001 * record.numpy(g, x, **given)

    monkeypatch.setitem(OPERATORS, "max_pool2d_input", replace(record, numpy=wrong))
    x = X.copy()
    x[:, :, :5] = -np.abs(x[:, :, :5])
    assert not derive(joint(pooled_relu, [x]), [x]).passed


def test_a_small_network_of_images_is_drawn_and_explained() -> None:
    def objective(parameters, X):
        W, b = parameters
        Z = conv2d(X, W, b, stride=2)
        H = relu(Z)
        P = max_pool2d(H, 2)
        return np.mean(P**2)

    e = wg.explain(objective, [W, rng.normal(size=4)], X)
    assert "⋆" in e.text() and "⋆" in e.svg()
