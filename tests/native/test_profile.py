"""Where the time of a program goes."""

import numpy as np

import wengert as wg
from wengert.native.profile import peaks
from wengert.native.program import compile_graph
from wengert.native.stepper import Memory, Stepper
from wengert.rewriting.rewrite import simplify

X, W = np.ones((64, 96), "float32"), np.ones((96, 32), "float32")


def f(w, x):
    h = np.tanh(x @ w)
    return w - 0.1 * np.mean(h, axis=0), np.sum(h)


def test_every_kernel_has_a_row_and_the_time_is_shared_out() -> None:
    program = compile_graph(simplify(wg.trace(f, W, X)), 2)
    before = [each.tobytes() for each in program(W, X)]
    found = program.profile(W, X)
    assert [row.kernel for row in found.rows] == list(program.kernels)
    assert all(row.seconds > 0 for row in found.rows) and found.steps > 1
    # Threads cannot work longer than the clock ran; the measure itself takes a little.
    assert sum(row.seconds for row in found.rows) <= found.seconds * found.threads
    assert [each.tobytes() for each in program(W, X)] == before
    assert not any(program._table.nanoseconds())
    text = str(found).splitlines()
    assert "GFLOP/s" in text[1] and len(text) == 3 + len(program.kernels)
    assert any("matmul" in line and "test_profile.py:" in line for line in text)


def test_profiling_a_step_leaves_the_state_as_it_is() -> None:
    stepper = Stepper(simplify(wg.trace(f, W, X[:8])), Memory([W]))
    found = stepper.profile([X], np.arange(64))
    assert stepper.memory.read()[0].tobytes() == W.tobytes()
    assert len(found.rows) == len(stepper.kernels)


def test_peaks_are_those_of_a_machine() -> None:
    found = peaks()
    assert 1e8 < found.flops < 1e13 and 1e8 < found.memory < 1e13
    assert found.cache > 0.5 * found.memory
    assert peaks() is found
