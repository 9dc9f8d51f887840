"""wg.compile: the same numbers as the interpreter, made once a signature, never stale."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planning.networks import NETWORKS, data
from wengert import execution
from wengert.base.errors import BudgetError, DtypeError, OptionError, WengertWarning
from wengert.base.tree import flatten
from wengert.compilation import plan
from wengert.execution import Compiled, compile
from wengert.nn.functional import l2, relu, softmax_cross_entropy
from wengert.transforms import grad, value_and_grad

rng = np.random.default_rng(0)
rate = 0.5


def objective(parameters: Any, X: Any, y: Any) -> Any:
    H = relu(X @ parameters["W1"] + parameters["b1"])
    return softmax_cross_entropy(H @ parameters["W2"], y) + l2(parameters, 1e-3)


def arguments(batch: int, dtype: str = "float64") -> tuple[Any, Any, Any]:
    shapes = {"W1": (7, 5), "b1": (5,), "W2": (5, 3)}
    parameters = {k: rng.standard_normal(s).astype(dtype) for k, s in shapes.items()}
    return parameters, rng.standard_normal((batch, 7)).astype(dtype), rng.integers(0, 3, batch)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 2, 17, 64])
def test_forward_and_backward_agree_with_the_interpreter(batch: int, dtype: str) -> None:
    args = arguments(batch, dtype)
    plain = flatten(value_and_grad(objective)(*args))[0]
    fast = flatten(compile(value_and_grad(objective), threads=1)(*args))[0]
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    for a, b in zip(plain, fast, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_any_number_of_threads_gives_the_same_bits() -> None:
    args = arguments(300, "float32")

    def run(threads: int) -> list[bytes]:
        results = flatten(compile(value_and_grad(objective), threads)(*args))[0]
        return [np.asarray(leaf).tobytes() for leaf in results]

    runs = [run(threads) for threads in (1, 2, 3, 4)]
    assert runs[0] == runs[1] == runs[2] == runs[3]


def test_results_are_the_callers_own() -> None:
    twice = compile(lambda x: x * 2)
    first = twice(np.ones(3))
    twice(np.full(3, 5.0))
    np.testing.assert_array_equal(first, [2.0, 2.0, 2.0])


def test_one_program_a_signature() -> None:
    fast = compile(lambda x, n: x * n)
    fast(np.ones(3), 2)
    program = fast.made(np.zeros(3), 2).program
    assert fast.made(np.full(3, 7.0), 2).program is program
    assert fast.made(np.ones(4), 2).program is not program
    np.testing.assert_array_equal(fast(np.ones(3), 5), np.full(3, 5.0))


def test_nothing_goes_stale() -> None:
    global rate
    fast = compile(grad(lambda x: rate * np.sum(x)))
    np.testing.assert_array_equal(fast(np.ones(2)), [0.5, 0.5])
    rate = 0.25
    np.testing.assert_array_equal(fast(np.ones(2)), [0.25, 0.25])
    rate = 0.5


def test_a_compiled_function_can_be_differentiated() -> None:
    np.testing.assert_allclose(grad(compile(lambda x: np.sum(x**3)))(np.ones(2)), [3.0, 3.0])


def test_inputs_in_any_layout() -> None:
    fast = compile(lambda a: np.tanh(a) @ a.T)
    A = rng.standard_normal((6, 8))
    for layout in (A[::2, ::2], np.asfortranarray(A), A[::-1]):
        np.testing.assert_allclose(fast(layout), np.tanh(layout) @ layout.T, rtol=1e-13)
    frozen = A.copy()
    frozen.flags.writeable = False
    np.testing.assert_allclose(fast(frozen), np.tanh(A) @ A.T, rtol=1e-13)
    with pytest.raises(DtypeError, match="native byte order"):
        fast(A.astype(">f8"))


@pytest.mark.parametrize("threads", [0, -1, 10_000])
def test_impossible_thread_counts(threads: int) -> None:
    with pytest.raises(OptionError):
        compile(lambda x: x * 2, threads)(np.ones(3))


def test_without_llvmlite_the_interpreter_runs_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(execution, "find_spec", lambda name: None)
    execution.has_compiler.cache_clear()
    fast: Compiled = compile(lambda x: np.sum(x * 2))
    with pytest.warns(WengertWarning, match="pip install llvmlite"):
        assert fast(np.ones(3)) == 6.0
    assert fast(np.ones(4)) == 8.0
    assert "interpreted" in fast.listing(np.ones(3))
    execution.has_compiler.cache_clear()


table = np.array([1.0, 2.0])
settings = {"scale": 2.0}


def helper(x: Any, by: float = 3.0) -> Any:
    return x * by


def reads(x: Any) -> Any:
    return abs(helper(x)) * settings["scale"] + table


def test_everything_that_code_reads_is_looked_at_and_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fast, x = compile(reads), np.array([-1.0, 2.0])
    program = fast.made(x).program
    assert fast.made(x).program is program

    def changed() -> None:
        np.testing.assert_array_equal(fast(x), reads(x))

    changed()
    monkeypatch.setitem(settings, "scale", 5.0)
    changed()
    monkeypatch.setattr(helper, "__defaults__", (4.0,))
    changed()
    monkeypatch.setitem(globals(), "abs", np.negative)
    changed()
    monkeypatch.setitem(globals(), "table", np.array([7.0, 8.0]))
    changed()
    table[0] = 9.0
    changed()
    monkeypatch.setattr(helper, "__code__", (lambda x, by: x - by).__code__)
    changed()
    monkeypatch.undo()
    table[0] = 1.0
    assert fast(x)[1] == reads(x)[1]


@pytest.mark.parametrize("network", ["recurrent", "clipped"])
def test_a_budget_bounds_the_arena_and_keeps_the_bits(network):
    objective, *arguments = NETWORKS[network][0], *data(network)
    function = value_and_grad(objective)
    free = compile(function)
    whole = free.made(*arguments).program.arena_bytes
    least = plan(function, *arguments, backward=False)
    least = least._fitting.nbytes(least._fitting.lowest)
    expected = flatten(free(*arguments))[0]
    assert least < whole
    for allowed in (least, (least + whole) // 2):
        bound = compile(function, memory=allowed)
        found = flatten(bound(*arguments))[0]
        made = bound.made(*arguments)
        assert made.program.arena_bytes <= allowed
        planned = plan(function, *arguments, backward=False, memory=allowed)
        assert made.program.arena_bytes == planned.peak_bytes
        assert [x.tobytes() for x in found] == [x.tobytes() for x in expected]
    with pytest.raises(BudgetError, match="no recomputation can do with less than"):
        compile(function, memory=least - 1)(*arguments)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_inputs_that_lie_where_no_array_should(dtype: str, tmp_path: Path) -> None:
    fast = compile(lambda a, b: a * 2 + b)
    kind, x = np.dtype(dtype), np.arange(40).astype(dtype)
    raw = np.frombuffer(b"\0" + x.tobytes() + b"\0" * 7, np.uint8)
    misaligned = raw[1 : 1 + x.nbytes].view(kind)
    assert not misaligned.flags.aligned or kind.itemsize == 1
    x.tofile(tmp_path / "x")
    mapped = np.memmap(tmp_path / "x", kind, "r")
    for each in (misaligned, mapped, np.broadcast_to(x[:1], 40), np.asfortranarray(x), x[::-1]):
        np.testing.assert_array_equal(fast(each, each), each * 2 + each)
    whole = np.arange(60).astype(dtype)
    # Two inputs that overlap are two inputs: nothing is written over them.
    before = whole.copy()
    np.testing.assert_array_equal(fast(whole[:40], whole[20:]), whole[:40] * 2 + whole[20:])
    np.testing.assert_array_equal(whole, before)


_PROGRAM = """
import sys, warnings
import numpy as np
import wengert as wg
print("begin", flush=True)
W = np.linspace(-1, 1, 60).reshape(6, 10)
f = wg.compile(lambda W: np.sum(np.tanh(W @ W.T) ** 2) + np.max(np.exp(W)))
print(repr(float(f(W))), flush=True)
"""
_RESULT = float(
    np.sum(np.tanh((W := np.linspace(-1, 1, 60).reshape(6, 10)) @ W.T) ** 2) + np.max(np.exp(W))
)


def process(cache: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "WENGERT_CACHE": str(cache)}
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def result(running: subprocess.Popen[str]) -> tuple[float, str]:
    out, err = running.communicate(timeout=60)
    return float(out.split()[-1]), err


def test_a_cache_folder_that_cannot_be_is_said_once_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    value, said = result(process(tmp_path / "file" / "cache"))
    assert abs(value - _RESULT) < 1e-12
    assert said.count("compiled kernels are not kept") == 1


def test_killed_while_it_compiles_it_leaves_nothing_wrong(tmp_path: Path) -> None:
    for wait in (0.02, 0.1):
        running = process(tmp_path)
        assert running.stdout is not None
        assert running.stdout.readline() == "begin\n"
        time.sleep(wait)
        running.kill()
        running.communicate()
    value, said = result(process(tmp_path))
    assert abs(value - _RESULT) < 1e-12
    assert not said
