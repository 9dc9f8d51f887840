"""Steps over a state that stays in its place, against the interpreter step by step."""

import numpy as np
import pytest

import wengert as wg
from wengert.base.errors import UnsupportedError
from wengert.base.tree import flatten
from wengert.native.residence import reside
from wengert.native.stepper import MOST, Memory, Stepper, rows_of
from wengert.reference.interpreter import run
from wengert.rewriting.rewrite import simplify

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 6))


def made(function, state, batch: int = 4, threads: int = 1) -> Stepper:
    """Return a stepper of ``(state, x) -> (state, metrics)`` and let it keep its graph."""
    graph = simplify(wg.trace(function, state, X[:batch]))
    return Stepper(graph, Memory(flatten(state)[0]), threads)


def interpreted(stepper: Stepper, state, order: np.ndarray) -> tuple[list, list]:
    leaves, told = flatten(state)[0], []
    for rows in order.reshape(-1, stepper.batch):
        results = run(stepper.graph, [*leaves, X[rows]])
        leaves, told = results[: len(leaves)], [*told, results[len(leaves) :]]
    return leaves, told


def agree(function, state, in_place: int | None = None, batch: int = 4) -> None:
    order = RNG.permutation(40)
    for threads in (1, 3):
        stepper = made(function, state, batch, threads)
        taken = stepper.run([X], order)
        leaves, told = interpreted(stepper, state, order[: taken.steps * batch])
        assert taken.steps == 40 // batch and not taken.failed
        for mine, wanted in zip(stepper.memory.read(), leaves, strict=True):
            np.testing.assert_allclose(mine, wanted, rtol=1e-11, atol=1e-13)
        for ring, wanted in zip(taken.metrics, zip(*told, strict=True), strict=True):
            np.testing.assert_allclose(ring, np.array(wanted), rtol=1e-11)
        if in_place is not None:
            assert len(stepper._resident.homes) == in_place


W, V = RNG.standard_normal((6, 6)), RNG.standard_normal(6)


def test_an_elementwise_update_is_made_in_place() -> None:
    agree(lambda w, x: (w - 0.1 * np.mean(x), np.sum(w)), W, in_place=1)


def test_what_is_read_after_is_copied_or_put_off() -> None:
    def swap(s, x):
        return {"a": s["b"] * 0.5, "b": s["a"] + x.sum()}, np.sum(s["a"] @ s["b"])

    agree(swap, {"a": W, "b": W.T.copy()})


def test_a_writer_waits_for_the_last_reader_where_nobody_minds() -> None:
    # Nobody reads the new w, so that it may be written after the product has read the old one.
    agree(lambda w, x: (w * 0.9 + x.mean(), np.sum((w @ x.T) ** 2)), W, in_place=1)


def test_a_product_with_the_old_value_is_not_in_place() -> None:
    agree(lambda w, x: (0.1 * w @ w, np.sum(w) + x.sum()), W / 9, in_place=0)
    # Here the product is over before the first new value is written.
    agree(lambda w, x: (np.tanh(w @ w + x.mean()), np.sum(w)), W, in_place=1)


def test_neighbours_of_the_old_value_are_not_overwritten_too_early() -> None:
    agree(lambda w, x: (w[::-1] * 0.9 + x.mean(), np.sum(w)), W, in_place=0)
    agree(lambda w, x: (w.T * 0.9 + x.mean(), np.sum(w)), W, in_place=0)
    agree(lambda w, x: (w - w.mean(axis=0) + x.mean(), np.sum(w)), W)
    agree(lambda w, x: (w / (1 + np.sum(w**2)) + x.mean(), np.sum(w)), V)
    agree(lambda w, x: (np.concatenate([w[3:], w[:3]]) * 0.5 + x[0], np.sum(w)), V)


def test_a_new_value_that_reads_its_neighbours() -> None:
    agree(lambda s, x: ((s[1] + x.mean(), s[0] * 0.5), np.sum(s[0])), (W, W + 1))
    agree(lambda s, x: ((s[1], s[0]), np.sum(s[0]) + x.sum()), (W, W + 1))
    agree(lambda s, x: ((s[0] + x.sum(),) * 2, np.sum(s[0])), (V, V + 1))
    agree(lambda s, x: ((s[1].T, s[0].T * 0.5), np.sum(s[0]) + x.sum()), (W, W + 1))


def test_a_state_that_does_not_change_and_constants() -> None:
    agree(lambda s, x: ((s[0], np.ones(3), s[2] + 1), s[0][0] + x.sum()),
          (V, np.zeros(3), np.asarray(0)))  # fmt: skip


def test_metrics_of_every_kind() -> None:
    def step(w, x):
        J = np.mean((x @ w) ** 2)
        return w - 0.01 * x.mean(axis=0), {
            "J": J, "first": w[0], "steps": np.sum(x > 0), "positive": J > 1, "one": x[0, 0],
        }  # fmt: skip

    agree(step, V)


@pytest.mark.parametrize("batch", [1, 2, 3, 40])
def test_batches_of_any_size(batch: int) -> None:
    agree(lambda w, x: (w * 0.9 + x.mean(axis=0), np.sum(x @ w)), V, batch=batch)


def test_programs_of_two_sizes_share_one_state() -> None:
    def f(w, x):
        return w * 0.9 + x.mean(axis=0), np.sum(x @ w)

    memory = Memory([V])
    whole, rest = (Stepper(simplify(wg.trace(f, V, X[:n])), memory) for n in (8, 3))
    whole.run([X], np.arange(16))
    rest.run([X], np.arange(16, 19))
    w = V
    for rows in (slice(0, 8), slice(8, 16), slice(16, 19)):
        w = f(w, X[rows])[0]
    np.testing.assert_allclose(memory.read()[0], w, rtol=1e-12)


def test_poll_ends_a_run_between_two_steps() -> None:
    stepper = made(lambda w, x: (w + 1.0, np.sum(w) + x.sum()), V, batch=1)
    order = np.zeros(MOST, np.int64)
    taken = stepper.run([X], order, lambda done: True)
    assert 0 < taken.steps <= MOST
    np.testing.assert_allclose(stepper.memory.read()[0], V + taken.steps)


# -- Numbers that are not finite ------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 1, 5, 8, 9])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_state_before_the_bad_step_stays(bad: float, at: int, threads: int) -> None:
    def f(s, x):
        return {"w": s["w"] + x[0], "t": s["t"] + 1}, np.mean(s["w"] ** 2)

    state = {"w": V, "t": np.asarray(0)}
    stepper = made(f, state, threads=threads)
    data = X.copy()
    data[4 * at, 2] = bad
    taken = stepper.run([data], np.arange(40))
    assert taken.failed and taken.steps == at
    w, t = stepper.memory.read()
    other = made(f, state)
    other.run([X], np.arange(4 * at))
    assert w.tobytes() == other.memory.read()[0].tobytes() and t == at
    # The same step fails again, and one with sound data goes on.
    assert stepper.run([data], np.arange(4 * at, 40)).steps == 0
    assert stepper.run([X], np.arange(4 * at, 40)).steps == 10 - at


def test_only_j_or_only_the_state() -> None:
    only_j = made(lambda w, x: (w + 1.0, np.log(x[0, 0] * 0)), V)
    only_w = made(lambda w, x: (w / (x[0, 0] * 0), np.sum(x)), V)
    only_a_metric = made(lambda w, x: (w + 1.0, {"J": np.sum(x), "m": np.log(x[0, 0] * 0)}), V)
    assert [s.run([X], np.arange(8)).steps for s in (only_j, only_w, only_a_metric)] == [0, 0, 2]


def test_what_comes_out_of_a_product_is_looked_at_too() -> None:
    large = np.full((6, 6), 1e200)
    new_w = made(lambda w, x: (w @ w, np.sum(x)), large)
    J = made(lambda w, x: (w * 1.0, np.ones(6) @ (w @ w @ np.ones(6)) + 0 * x[0, 0]), large)
    only_product = made(lambda w, x: (w * 1.0, (w[0] * 1e200) @ x[0]), large)
    for stepper in (new_w, J, only_product):
        assert stepper.run([X], np.arange(8)).steps == 0
        assert stepper.memory.read()[0].tobytes() == large.tobytes()


def test_a_label_that_is_no_class() -> None:
    def f(w, y):
        return w * 0.5, wg.nn.functional.softmax_cross_entropy(np.zeros((4, 3)) + w, y)

    y = np.arange(40) % 3
    y[21] = 3
    stepper = Stepper(simplify(wg.trace(f, np.ones(()), y[:4])), Memory([np.ones(())]))
    taken = stepper.run([y], np.arange(40))
    assert taken.failed and taken.steps == 5
    assert stepper.memory.read()[0] == 0.5**5


# -- What it refuses itself -----------------------------------------------------------------------


def test_rows_and_arrays_that_do_not_fit() -> None:
    stepper = made(lambda w, x: (w + x.mean(axis=0), np.sum(w)), V)
    for order in ([-1, 0, 1, 2], [0, 1, 2, 40]):
        with pytest.raises(IndexError):
            stepper.run([X], np.array(order))
    for wrong in (X[:, :5], X.astype("float32"), np.asfortranarray(X)):
        with pytest.raises(ValueError, match="rows of float64"):
            stepper.run([wrong], np.arange(4))
    assert rows_of(X) is X and rows_of(np.asfortranarray(X)).flags.c_contiguous


def test_a_state_that_changes_its_type() -> None:
    with pytest.raises(UnsupportedError, match="changes its type"):
        made(lambda w, x: (w + x.mean(axis=0), np.sum(w)), V.astype("float32"))


def test_the_listing_begins_with_the_guard_and_the_batch() -> None:
    stepper = made(lambda w, x: (w + x.mean(axis=0), np.sum(w)), V)
    lines = stepper.listing().splitlines()
    assert "guard" in lines[2] and any("rows of x" in line for line in lines)
    assert stepper.arena_bytes > 0


def test_a_check_on_every_new_number() -> None:
    graph = wg.trace(lambda w, x: (w + x.mean(axis=0), np.sum(w)), V, X[:4])
    checks = [check for kernel in reside(graph, 1).fused.kernels for check in kernel.checks]
    assert len(checks) == 2
