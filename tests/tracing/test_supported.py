"""Every supported NumPy call gives the same array traced as plain, in shape, dtype and bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert.reference.interpreter import run
from wengert.tracing.trace import trace

A = np.arange(1.0, 13.0).reshape(3, 4) / 7
B = np.array([[2.0, -1.0, 0.5, 3.0]])
V = np.array([0.3, -1.2, 2.0, 0.7])
F = A.astype(np.float32)
I = np.array([[0, 2], [1, 1]])  # noqa: E741
CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "arithmetic": (lambda a, b: (a + b) * 2 - a / b + (-a) ** 2 - b**3, (A, B)),
    "reflected": (lambda a: 1 - a + 2 / a + 2.0**a + 3 * a, (A,)),
    "float32 stays": (lambda a: a * 0.5 + 1 - a / 3, (F,)),
    "float32 with float64 scalar": (lambda a: a * np.float64(0.5), (F,)),
    "int with float": (lambda i: i * 0.5, (I,)),
    "int power": (lambda i: i**2, (I,)),
    "roots and powers": (lambda a: a**0.5 + a**-1 + a**1.5 + a**1, (A,)),
    "comparison": (lambda a, b: np.logical_or(a < b, a >= 1), (A, B)),
    "functions": (
        lambda a: np.exp(a) + np.log(a) + np.log1p(a) + np.expm1(a) + np.tanh(a) + np.sqrt(a)
        + np.sin(a) + np.cos(a) + np.abs(a) + np.sign(a) + np.square(a), (A,),
    ),
    "extrema": (lambda a, b: np.maximum(a, b) + np.minimum(a, 0.5) + np.clip(a, 0.2, 1.0), (A, B)),
    "clip one side": (lambda a: np.clip(a, None, 1.0) + a.clip(min=0.5), (A,)),
    "where": (lambda a, b: np.where(a > 1, a, b), (A, B)),
    "where number": (lambda a: np.where(a > 1, a, 0), (F,)),
    "sum": (lambda a: a.sum() + np.sum(a, axis=0, keepdims=True) + a.sum(axis=(0, 1)), (A,)),
    "sum where": (lambda a: np.sum(a, axis=1, where=A > 0.5, initial=3.0), (A,)),
    "mean": (lambda a: a.mean(axis=-1) + np.mean(a), (A,)),
    "mean where": (lambda a: np.mean(a, axis=1, where=A > 0.3), (A,)),
    "var std": (lambda a: np.var(a, axis=0) + a.std(ddof=1), (A,)),
    "max min": (lambda a: a.max(axis=1) - np.min(a) + np.amax(a, axis=(0, 1)), (A,)),
    "prod": (lambda a: np.prod(a, axis=0), (A,)),
    "arg": (lambda a: (np.argmax(a, axis=1), a.argmin()), (A,)),
    "ufunc reduce": (lambda a: np.add.reduce(a) + np.maximum.reduce(a, axis=0), (A,)),
    "ufunc outer": (lambda v, b: np.multiply.outer(v, b) + np.subtract.outer(v, b), (V, B)),
    "reshape": (lambda a: a.reshape(4, 3) + a.reshape((-1, 3)) + np.reshape(a, (4, -1)), (A,)),
    "ravel": (lambda a: np.ravel(a) + a.flatten(), (A,)),
    "transpose": (lambda a: a.T @ a + np.transpose(a) @ a.transpose(0, 1), (A,)),
    "axes": (lambda a: np.swapaxes(a[None], 0, 2) + np.moveaxis(a[None], 2, 0), (A,)),
    "broadcast": (lambda b: np.broadcast_to(b, (3, 4)) * np.ones((3, 1)), (B,)),
    "expand squeeze": (
        lambda a: np.squeeze(np.expand_dims(a, (0, 2))) + a[:, None, :].squeeze(1), (A,),
    ),
    "concatenate": (lambda a, b: np.concatenate([a, b, A], axis=0), (A, B)),
    "concatenate flat": (lambda a, v: np.concatenate((a, v), axis=None), (A, V)),
    "stacks": (lambda v: np.stack([v, v * 2], axis=1) @ np.vstack([v, v]), (V,)),
    "hstack": (
        lambda v, a: (np.hstack([v, v]), np.column_stack([a, a]), np.append(v, 1.0)), (V, A),
    ),
    "basic index": (lambda a: a[1] + a[-1, ::-1] + a[0:3:2].sum(axis=0) + a[..., 2:3][0], (A,)),
    "new axes": (lambda a: a[:, None, 1:] * a[None, :, 1:], (A,)),
    "fancy": (lambda a: a[[0, 2, 0]] + a[np.array([1, 1, 2]), :], (A,)),
    "fancy pairs": (lambda a: a[np.arange(3), [0, 3, 1]], (A,)),
    "mixed": (lambda a: a[1:, [0, 2]] + a[[0, 1]][:, None, 0], (A,)),
    "mask": (lambda a: a[A > 0.9], (A,)),
    "traced index": (lambda v, i: v[i] * 2, (V, I)),
    "along axis": (lambda a, i: np.take_along_axis(a, i, axis=1), (A[:2], I)),
    "take": (lambda a: np.take(a, [2, 0], axis=0) + a.take(np.array([5, 1]))[:, None], (A,)),
    "flip": (lambda a: np.flip(a) + np.flip(a, 0), (A,)),
    "matmul": (lambda a, v: a @ v + np.matmul(a, v) + a.dot(v), (A, V)),
    "array @ traced": (lambda v: A @ v, (V,)),
    "batched matmul": (lambda a: (a[None] * np.ones((2, 1, 1))) @ a.T, (A,)),
    "dot": (lambda v: np.dot(v, v) + np.vdot(v, v) + np.inner(v, v) + np.dot(2.0, v), (V,)),
    "outer": (lambda v, b: np.outer(v, b), (V, B)),
    "tensordot": (
        lambda a: np.tensordot(a, a, axes=([0], [0])) + np.tensordot(a, a, ((0,), (0,))), (A,),
    ),
    "einsum": (lambda a, v: np.einsum("ij,j->i", a, v) + np.einsum("ij,kj", a, a)[:, 0], (A, V)),
    "einsum ellipsis": (lambda a, v: np.einsum("...j,j->...", a, v), (A, V)),
    "einsum lists": (lambda a, v: np.einsum(a, [0, 1], v, [1], [0]), (A, V)),
    "trace": (lambda a: np.trace(a @ a.T), (A,)),
    "cast": (lambda a: a.astype(np.float32) + a.astype("int32"), (A,)),
    "likes": (lambda a: np.zeros_like(a) + np.ones_like(a) * a + np.full_like(a, 2.0), (A,)),
    "matrix transpose": (lambda a: a.mT, (A,)),
    "iteration": (lambda a: sum(row * 2 for row in a), (A,)),
    "len and shape": (lambda a: a * len(a) / a.shape[1] + a.size + a.ndim, (A,)),
    "in place": (lambda a: _in_place(a), (A,)),
    "list operand": (lambda v: v + [1.0, 2.0, 3.0, 4.0], (V,)),  # noqa: RUF005
    "numpy scalar": (lambda v: v * np.float32(2) + np.int64(1), (V,)),
    "bool arithmetic": (lambda v: (v > 0) * v + (v > 0).sum(), (V,)),
    "empty": (lambda a: a[:0].sum(axis=0) + 1, (A,)),
    "0-d": (lambda s: np.tanh(s) * s + s[()], (np.array(0.3),)),
}  # fmt: skip


def _in_place(a: Any) -> Any:
    h = a * 2
    alias = h
    h += 1
    h *= a
    return alias - h + h


@pytest.mark.parametrize("name", CASES)
def test_traced_equals_plain(name: str) -> None:
    function, arguments = CASES[name]
    plain = function(*arguments)
    graph = trace(function, *arguments)
    results = run(graph, [np.asarray(argument) for argument in arguments])
    wanted = plain if isinstance(plain, tuple) else (plain,)
    assert len(results) == len(wanted)
    for variable, result, expected in zip(graph.outputs, results, wanted, strict=True):
        expected = np.asarray(expected)
        assert variable.shape == result.shape == expected.shape
        assert variable.dtype == result.dtype == expected.dtype
        # NumPy's tensordot copies and calls BLAS; as an einsum its sums may round otherwise.
        np.testing.assert_allclose(result, expected, rtol=1e-15 if name == "tensordot" else 0)
