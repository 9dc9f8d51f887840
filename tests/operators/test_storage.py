"""Which results are views is known before anything runs."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.graph.graph import Graph
from wengert.operators.storage import layouts, reshaped_strides, storages
from wengert.reference.interpreter import run_all
from wengert.tracing.trace import trace


def check(graph: Graph, *arrays: Any) -> None:
    values = run_all(graph, arrays)
    found = layouts(graph)
    bases = storages(graph)
    for one in graph.variables:
        if 0 in one.shape:
            continue
        assert bases[one] is found[one].base
        real = [s for s, n in zip(values[one].strides, one.shape, strict=True) if n != 1]
        said = [s for s, n in zip(found[one].strides, one.shape, strict=True) if n != 1]
        assert said == real, f"{one}: {said} ≠ {real}"
        for other in graph.variables:
            if 0 not in other.shape:
                shared = np.may_share_memory(_whole(values[one]), _whole(values[other]))
                assert shared == (bases[one] is bases[other]), f"{one} and {other}"


def _whole(array: Any) -> Any:
    """Return the storage that an array lies in, so that disjoint views of it overlap too."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


X = np.arange(24.0).reshape(2, 3, 4)

PROGRAMS = {
    "transpose then reshape copies": lambda x: np.transpose(x, (1, 0, 2)).reshape(6, 4),
    "reshape of a result is a view": lambda x: (x + 1).reshape(6, 4).reshape(-1),
    "reshape that splits a transposed axis is a view": lambda x: x.T.reshape(2, 2, 3, 2),
    "elementwise on transposed operands is dense": lambda x: (x.T + x.T).reshape(-1),
    "slices": lambda x: x[:, ::2, 1:].reshape(2, 2, 3),
    "a slice that stays even": lambda x: x[:, :, ::2].reshape(6, 2),
    "new axes and integers": lambda x: x[0, None, :, ::-1].reshape(3, 4),
    "broadcast": lambda x: np.broadcast_to(x[:, :1], (2, 3, 4)).reshape(2, 12),
    "broadcast alone": lambda x: np.broadcast_to(x, (5, 2, 3, 4)) * 2,
    "integer arrays copy": lambda x: x[:, np.array([0, 2])].reshape(-1),
    "take along an axis": lambda x: np.take_along_axis(x, np.zeros((2, 1, 4), int), 1).T,
    "reductions": lambda x: np.sum(x.T, axis=1).reshape(-1),
    "products": lambda x: (x @ np.swapaxes(x, 1, 2)).reshape(-1),
    "transposed batch product": lambda x: np.matmul(x.T, np.transpose(x.T, (0, 2, 1))).reshape(-1),
    "concatenate of transposed": lambda x: np.concatenate([x.T, x.T]).reshape(-1),
    "where of transposed": lambda x: np.where(x.T > 3, x.T, 0).reshape(-1),
    "einsum of transposed": lambda x: np.einsum("ijk->kij", x).reshape(-1),
    "std of transposed": lambda x: np.std(x.T, axis=0).reshape(-1),
    "cast of transposed": lambda x: x.T.astype(np.float32).reshape(-1),
    "index placed back": lambda x: x.T[1].reshape(-1),
    "squeeze and expand": lambda x: np.squeeze(np.expand_dims(x.T, 1)).ravel(),
}


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_prediction_is_what_numpy_does(name: str) -> None:
    check(trace(PROGRAMS[name], X), X)


def test_inputs_in_another_order_change_nothing() -> None:
    graph = trace(lambda x: x.reshape(6, 4) + 1, X)
    check(graph, np.asfortranarray(X))


def test_captured_constants_keep_their_layout() -> None:
    constant = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    check(trace(lambda x: (constant.reshape(6) + x, x * constant)[1], np.ones(())), np.ones(()))


sizes = st.sampled_from([1, 2, 3, 4])


@given(
    shape=st.lists(sizes, min_size=0, max_size=4).map(tuple),
    data=st.data(),
)
def test_reshape_copies_exactly_when_numpy_does(shape: tuple[int, ...], data: Any) -> None:
    x = np.zeros(tuple(2 * n for n in shape))
    steps = data.draw(st.tuples(*(st.sampled_from([1, 2, -1]) for _ in shape)))
    x = x[(..., *(slice(None, None, s) for s in steps))]
    x = x[(..., *(slice(n) for n in shape))]
    x = np.transpose(x, data.draw(st.permutations(range(len(shape)))))
    if x.ndim and data.draw(st.booleans()):
        x = np.broadcast_to(x[:1], x.shape)
    wanted: list[int] = []
    rest = prod(shape)
    while rest > 1 or data.draw(st.booleans()):
        step = data.draw(st.sampled_from([n for n in range(1, rest + 1) if rest % n == 0]))
        wanted.append(step)
        rest //= step
        if len(wanted) > 6:
            wanted.append(rest)
            break
    y = x.reshape(tuple(wanted))
    found = reshaped_strides(x.shape, x.strides, tuple(wanted))
    assert (found is not None) == np.may_share_memory(x, y)
    if found is not None:
        pairs = zip(found, y.strides, wanted, strict=True)
        assert all(a == b for a, b, n in pairs if n != 1)
