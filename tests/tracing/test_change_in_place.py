"""What is changed in place changes exactly what NumPy changes, or is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert.base.errors import TraceError
from wengert.reference.interpreter import run
from wengert.tracing.trace import trace

X = np.array([1.0, -2.0, 3.0])
COPIES: dict[str, Callable[[Any], Any]] = {
    "copy method": lambda h: h.copy(),
    "np.copy": lambda h: np.copy(h),
    "plus": lambda h: +h,
    "conj": lambda h: np.conj(h),
    "astype": lambda h: h.astype(float),
    "np.astype": lambda h: np.astype(h, float),
    "flatten": lambda h: h.flatten(),
    "clip by nothing": lambda h: np.clip(h, None, None),
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "arithmetic": lambda h: h * 1,
}
SCALARS: dict[str, Callable[[Any], Any]] = {
    "sum": np.sum,
    "mean": lambda h: h.mean(),
    "max": np.max,
    "dot": lambda h: h @ h,
    "function of a scalar": lambda h: np.square(np.sum(h)),
    "element": lambda h: h[1],
}


def both(function: Callable[[Any], Any]) -> tuple[list[Any], list[Any]]:
    plain = function(X.copy())
    results = run(trace(function, X), [X])
    return [each.tolist() for each in results], [np.asarray(each).tolist() for each in plain]


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_keeps_its_numbers(name: str) -> None:
    def f(x: Any) -> Any:
        h = x * 2
        other = COPIES[name](h)
        h += 1
        other *= 3
        return h, other

    traced, plain = both(f)
    assert traced == plain


@pytest.mark.parametrize("name", SCALARS)
def test_a_scalar_does_not_change_with_its_name(name: str) -> None:
    def f(x: Any) -> Any:
        loss = SCALARS[name](x * 2)
        total = loss
        total += 5.0
        total /= 2
        return loss, total

    traced, plain = both(f)
    assert traced == plain


def test_the_copy_of_an_argument_may_be_changed() -> None:
    def f(x: Any) -> Any:
        h = x.copy()
        h += 1
        return h, x

    traced, plain = both(f)
    assert traced == plain


def test_a_view_through_einsum_is_not_lost() -> None:
    def f(x: Any) -> Any:
        h = x * 2
        view = np.einsum("i->i", h)
        h += 1
        view[0] = 9.0
        return view, h

    traced, plain = both(f)
    assert traced == plain


def test_a_scalar_takes_no_out() -> None:
    with pytest.raises(TraceError, match="is a scalar, which cannot change"):
        trace(lambda x: (lambda s: np.add(s, 1, out=s))(np.sum(x)), X)


def test_a_plain_buffer_that_is_filled_again_is_read_again() -> None:
    def f(x: Any) -> Any:
        mask = np.zeros(3)
        parts = []
        for i in range(3):
            mask[:] = 0
            mask[i] = 1
            parts.append(np.sum(x * mask))
        return parts

    traced, plain = both(f)
    assert traced == plain


def test_bitwise_operators_of_masks_are_the_logical_ones() -> None:
    def f(x: Any) -> Any:
        inside = (x > 0) & (x < 2)
        inside |= x < -1
        return np.where(inside ^ ~(x > 0), x, 0.0), inside & True

    traced, plain = both(f)
    assert traced == plain


def test_bitwise_operators_of_integers_are_those_of_bits() -> None:
    def f(i: Any) -> Any:
        return (i & 6) | 1, i ^ 3, ~i, i << 2, i >> 1, i % 3, i // 2

    graph = trace(f, np.arange(9))
    for ours, plain in zip(run(graph, [np.arange(9)]), f(np.arange(9)), strict=True):
        np.testing.assert_array_equal(ours, plain, strict=True)
