"""graph.audit(): what no gradient reaches, and what is closed over."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.explanation.audit import Lost

table = np.arange(300.0).reshape(100, 3)
lam = 0.25


def objective(p: Any, labels: Any, unused: Any) -> Any:
    h = table @ p["W"]
    gate = h > p["b"]
    k = np.argmax(p["c"])
    return np.sum(np.where(gate, h, 0.0)) * lam + k + np.sum(wg.stop_gradient(p["d"])) + labels[0]


def audited() -> Any:
    p = {"W": np.ones(3), "b": np.ones(()), "c": np.ones(4), "d": np.ones(2)}
    return wg.trace(objective, p, np.arange(2), np.ones(5)).audit()


def test_each_lost_input_says_where_it_was_cut() -> None:
    lost = {each.name: each for each in audited().lost}
    assert set(lost) == {"b", "c", "d", "labels", "unused"}
    assert [cut.operator for cut in lost["b"].cuts] == ["greater"]
    assert [cut.operator for cut in lost["c"].cuts] == ["argmax"]
    assert [cut.operator for cut in lost["d"].cuts] == ["stop_gradient"]
    line = objective.__code__.co_firstlineno + 2
    assert (lost["b"].cuts[0].where.file, lost["b"].cuts[0].where.line) == (__file__, line)
    assert lost["labels"].is_used and not lost["labels"].cuts
    assert not lost["unused"].is_used


def test_captured_constants_have_name_size_and_line() -> None:
    held = audited().constants
    assert (held[0].name, held[0].shape, held[0].nbytes) == ("table", (100, 3), 2400)
    assert held[0].where.line == objective.__code__.co_firstlineno + 1
    assert "lam" in [each.name for each in held]
    assert len(held) == 2, "0.0 is written in the code: it is not captured"


def test_text_and_data() -> None:
    found = audited()
    assert "b: float64 () — the path is cut by greater at" in str(found)
    assert "labels: int64 (2,) — int64 has no derivative" in str(found)
    assert "unused: float64 (5,) — no result depends on it" in str(found)
    assert "table: float64 (100, 3), 2.4 kB, read at" in str(found)
    assert json.loads(json.dumps(found.to_data()))["constants"][0]["nbytes"] == 2400


def test_nothing_to_say() -> None:
    found = wg.trace(lambda x: x * 2.0, np.ones(3)).audit()
    assert not found.lost and not found.constants
    assert "every input has a path" in found.text()


@pytest.mark.parametrize("second", [lambda x: x > 0, lambda x: x * 2.0])
def test_a_path_to_any_result_counts(second: Any) -> None:
    graph = wg.trace(lambda a, b: (np.sum(a), second(b)), np.ones(2), np.ones(2))
    names = [each.name for each in graph.audit().lost]
    assert names == (["b"] if second(1.0) is True else [])


def test_a_graph_read_from_text_can_be_audited() -> None:
    graph = wg.trace(objective, {k: np.ones(3) for k in "Wbcd"} | {"b": np.ones(())},
                     np.arange(2), np.ones(5))  # fmt: skip
    assert wg.Graph.parse(str(graph)).audit().lost == graph.audit().lost
    assert isinstance(graph.audit().lost[0], Lost)
