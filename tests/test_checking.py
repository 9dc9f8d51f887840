"""check_gradients passes what is right and catches what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from wengert.base.errors import GradientMismatch
from wengert.checking import check_gradients
from wengert.operators import registry


def network(W: Any, b: Any, x: Any) -> Any:
    return np.sum(np.tanh(x @ W + b) ** 2) + np.log(np.sum(np.exp(b)))


rng = np.random.default_rng(1)
ARGUMENTS = (rng.standard_normal((3, 2)), rng.standard_normal(2), rng.standard_normal((4, 3)))


def test_right_gradients_pass_three_ways_to_order_two() -> None:
    report = check_gradients(network, *ARGUMENTS)
    assert {check.way for check in report.checks} == {"differences", "adjoint", "complex step"}
    assert {check.order for check in report.checks} == {1, 2}
    assert report.worst.agrees
    assert "✓" in str(report)


@pytest.mark.parametrize(
    ("operator", "wrong"),
    [
        ("tanh", lambda g, y, x: g * (1 - y)),
        ("exp", lambda g, y, x: g * y * (1 + 1e-5)),  # noise would hide it from loose differences
        ("square", lambda g, y, x: g * x),
    ],
)
def test_a_planted_wrong_rule_is_caught(
    operator: str, wrong: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = replace(registry.OPERATORS[operator], vjp=(wrong,))
    monkeypatch.setitem(registry.OPERATORS, operator, record)  # type: ignore[arg-type]
    with pytest.raises(GradientMismatch, match="differences"):
        check_gradients(network, *ARGUMENTS, order=1)


def test_a_kink_is_no_mismatch_but_is_said() -> None:
    report = check_gradients(lambda x: np.sum(np.abs(x)), np.array([0.0, 1.0]), order=1)
    assert any(check.is_kink for check in report.checks)


def test_integers_stay_fixed_and_float32_is_checked_in_double() -> None:
    report = check_gradients(
        lambda table, places: np.sum(table[places] ** 2),
        rng.standard_normal((4, 2)).astype(np.float32),
        np.array([0, 3, 3]),
    )
    assert report.worst.agrees
