"""Results are written where the caller gets them: new each time, the memory used again."""

from __future__ import annotations

import gc
import threading
from typing import Any

import numpy as np
import pytest

from wengert.base.errors import DtypeError
from wengert.execution import compile
from wengert.native import outside
from wengert.native.outside import LARGE, Fresh, address_of
from wengert.native.program import compile_graph
from wengert.tracing.trace import trace

MANY = LARGE // 4  # numbers of float32 that make a large array


def test_address_is_where_the_numbers_are() -> None:
    whole = np.arange(10.0)
    for array in (whole, whole[3:], whole[::-1], np.zeros(()), np.empty(0)):
        assert address_of(array) == array.ctypes.data


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool", "int8"])
@pytest.mark.parametrize("size", [0, 1, 7, LARGE, LARGE + 1])
def test_new_arrays_are_ordinary(dtype: str, size: int) -> None:
    array = Fresh((size,), np.dtype(dtype))()
    assert (array.shape, array.dtype) == ((size,), np.dtype(dtype))
    assert array.flags.carray
    array[...] = 1
    assert np.count_nonzero(array) == size


def test_large_memory_is_used_again_only_when_nobody_holds_it() -> None:
    fresh = Fresh((MANY,), np.dtype(np.float32))
    first = fresh()
    part, at = first[10:20], address_of(first)
    del first
    second = fresh()
    assert address_of(second) != at, "a view of it is still held"
    part[:] = 1
    del part
    assert address_of(fresh()) == at


def test_one_idle_block_is_kept_and_no_more() -> None:
    fresh = Fresh((MANY,), np.dtype(np.float32))
    held = [fresh() for _ in range(4)]
    assert len({address_of(each) for each in held}) == 4
    del held
    assert len(fresh._idle) == 1


@pytest.mark.parametrize("size", [3, MANY])
def test_every_output_is_the_callers_own(size: int) -> None:
    def all_kinds(x: Any) -> Any:
        y = x * 2
        return y, y, y[1:], x, x[:2], y.reshape(-1, 1), y[::-1], np.ones(3), np.zeros((0, 2)), y.T

    x = np.arange(size, dtype=np.float32)
    compiled = compile(all_kinds, threads=1)
    first = compiled(x)
    for got, want in zip(first, all_kinds(x), strict=True):
        np.testing.assert_array_equal(got, want)
        assert got.flags.c_contiguous and got.flags.writeable
    for at, one in enumerate(first):
        assert not any(np.shares_memory(one, other) for other in (*first[:at], x))
    before = [each.copy() for each in first]
    for each in compiled(x + 1):
        each[...] = -1
    for was, each in zip(before, first, strict=True):
        np.testing.assert_array_equal(was, each)


def test_nothing_holds_a_result_that_the_caller_let_go() -> None:
    compiled = compile(lambda x: {"y": [x + 1]}, threads=1)
    x = np.zeros(MANY, np.float32)
    gc.disable()
    try:
        addresses = set()
        for _ in range(6):
            addresses.add(address_of(compiled(x)["y"][0]))
    finally:
        gc.enable()
    assert len(addresses) == 1


def test_calls_from_several_threads_take_turns() -> None:
    compiled = compile(lambda x, y: np.tanh(x) * y + np.sum(x * y), threads=1)
    rng = np.random.default_rng(0)
    inputs = [tuple(rng.standard_normal((2, MANY)).astype(np.float32)) for _ in range(3)]
    wanted = [compiled(*each) for each in inputs]
    wrong: list[int] = []

    def work(at: int) -> None:
        for _ in range(20):
            if not np.array_equal(compiled(*inputs[at]), wanted[at]):
                wrong.append(at)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong


def test_a_profile_writes_into_memory_of_its_own() -> None:
    program = compile_graph(trace(lambda x: x * 3, np.zeros(MANY, np.float32)))
    (first,) = program(np.ones(MANY, np.float32))
    program.profile(np.full(MANY, 2, np.float32))
    assert np.all(first == 3)


def test_where_objects_look_otherwise_addresses_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outside.ctypes, "sizeof", lambda _: 4)
    array = np.arange(3)
    assert outside._reader()(array) == array.ctypes.data


def test_a_matrix_is_refused_even_where_an_array_of_its_type_was_taken() -> None:
    compiled = compile(lambda x: x * x)
    compiled(np.ones((2, 2)))
    with pytest.raises(DtypeError, match="matrix"):
        compiled(np.ma.masked_array(np.ones((2, 2))).view(np.matrix))
