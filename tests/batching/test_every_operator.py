"""Generated from the records: a batch is the stack of its examples, for every operator."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from operators import checks
from wengert.base.errors import UnsupportedError
from wengert.batching import rules
from wengert.batching.batch import batch
from wengert.graph.text import equal, parse, to_text
from wengert.operators.record import Operator
from wengert.operators.registry import OPERATORS
from wengert.reference.interpreter import run
from wengert.tracing.trace import trace
from wengert.tracing.tracer import apply

# The backward pass through an open loop is refused before it comes to a batch.
NAMES = sorted({*OPERATORS} - {"while_pullback"})
COUNT = 3


def examples(record: Operator, case: int) -> list[tuple[Any, ...]]:
    """Return COUNT lists of operands of one type; indices are turned, so that they differ."""
    found = [checks.draws(record, seed=i)[case][0] for i in range(COUNT)]
    turned = [
        tuple(
            np.roll(x.ravel(), i).reshape(x.shape) if x.dtype.kind in "iu" else x for x in operands
        )
        for i, operands in enumerate(found)
    ]
    return turned


def masks(count: int) -> list[tuple[bool, ...]]:
    """Return which operands are batched: every choice of a few, the ends of many."""
    every = [mask for mask in product((False, True), repeat=count) if any(mask)]
    return every if count <= 3 else [every[0], every[-1]]


def compare(record: Operator, case: int) -> int:
    attributes = checks.draws(record)[case][1]
    operands = examples(record, case)
    compared = 0
    for mask in masks(len(operands[0])):
        one = trace(lambda *xs: apply(record.name, *xs, **attributes), *operands[0])
        axes = [0 if each else None for each in mask]
        many = batch(one, axes, COUNT, [0] * len(one.outputs))
        columns = list(zip(*operands, strict=True))
        leaves = [np.stack(xs) if each else xs[0] for xs, each in zip(columns, mask, strict=True)]
        alone = [
            run(one, [x[i] if each else x[0] for x, each in zip(columns, mask, strict=True)])
            for i in range(COUNT)
        ]
        what = f"{checks.describe(record, operands[0], attributes)} batched {mask}"
        for got, examples_ in zip(run(many, leaves), zip(*alone, strict=True), strict=True):
            wanted = np.stack(examples_)
            assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype), what
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13, err_msg=what)
        assert equal(parse(to_text(many)), many)
        compared += 1
    return compared


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_the_stack_of_its_examples(name: str) -> None:
    record = OPERATORS[name]
    assert sum(compare(record, case) for case in range(len(checks.draws(record)))) >= 3


@pytest.mark.parametrize(
    "name", ["sum", "softmax", "argmax", "matmul", "concatenate", "index", "index_add", "reshape"]
)
def test_a_wrong_rule_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record = OPERATORS[name]
    right = rules.rule_for

    def wrong(record: Operator, use: Any) -> Any:
        # What a hasty rule would do: the results of all examples in the wrong order.
        return lambda use: apply(
            "index", right(record, use)(use), template=(slice(None, None, -1),)
        )

    monkeypatch.setattr("wengert.batching.batch.rule_for", wrong)
    with pytest.raises(AssertionError):
        for case in range(len(checks.draws(record))):
            compare(record, case)


def test_an_operator_without_a_rule_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    strange = replace(OPERATORS["matmul"], name="strange")
    monkeypatch.setitem(OPERATORS, "strange", strange)
    graph = trace(lambda x: apply("strange", x, x), np.ones((2, 2)))
    with pytest.raises(UnsupportedError, match="strange"):
        batch(graph, [0], 3, [0])
