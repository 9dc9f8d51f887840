"""Micro-batches give the update of the whole batch, and hold less."""

import numpy as np
import pytest

import wengert as wg
from wengert.base.errors import BudgetError, OptionError
from wengert.base.tree import flatten
from wengert.training.micro import parts

D = wg.nn.functional


def linear(w, x, y):
    return np.mean((x @ w - y) ** 2)


def network(W, x, y):
    h = np.tanh(x @ W["W1"])
    o = h @ W["W2"]
    right = np.mean(np.argmax(o, axis=1) == y)
    return D.softmax_cross_entropy(o, y) + D.l2(W, 1e-3), {"accuracy": right}


def data(count, dtype="float64", seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(count, 12)).astype(dtype), random.integers(0, 4, count)


def start(dtype="float64"):
    random = np.random.default_rng(1)
    draw = lambda *shape: (random.normal(size=shape) / 3).astype(dtype)  # noqa: E731
    return {"W1": draw(12, 9), "W2": draw(9, 4)}


def whole(count, seed=0):
    """Return whole numbers, of which every sum is exact."""
    random = np.random.default_rng(seed)
    return random.integers(-8, 9, (count, 5)).astype("float64")


@pytest.mark.parametrize("run", [lambda step: step, wg.compile], ids=["plain", "compiled"])
@pytest.mark.parametrize("count", [2, 4, 8])
def test_the_bits_are_equal_where_sums_are_exact(count, run):
    x, w = whole(32), whole(1)[0]
    y, optimizer = whole(32, 2)[:, 0], wg.optim.sgd(0.25)
    state = wg.training_state(w, optimizer)
    full, _ = wg.training_step(linear, optimizer)(state, (x, y))
    step = run(wg.training_step(linear, optimizer, accumulate=count))
    cut, metrics = step(state, (x, y))
    assert cut.parameters.tobytes() == full.parameters.tobytes()
    assert float(metrics["objective"]) == linear(w, x, y)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("count", [3, 7, 30])
def test_unequal_parts_have_their_share(count, dtype):
    batch, parameters, optimizer = data(30, dtype), start(dtype), wg.optim.sgd(0.5)
    state = wg.training_state(parameters, optimizer)
    full, said = wg.training_step(network, optimizer)(state, batch)
    cut, metrics = wg.training_step(network, optimizer, accumulate=count)(state, batch)
    # The bound for sums in another order; every term of these gradients is below 8.
    eps = np.finfo(dtype).eps
    for a, b in zip(flatten(cut.parameters)[0], flatten(full.parameters)[0], strict=True):
        assert a.dtype == dtype and np.abs(a - b).max() <= 2 * 30 * eps * 8
    for name in ("objective", "accuracy"):
        assert abs(float(said[name]) - float(metrics[name])) <= 60 * eps * 8


def test_only_one_part_is_held():
    optimizer = wg.optim.sgd(0.1)
    state = wg.training_state(start(), optimizer)
    batch = (wg.Spec((4096, 12), "float64"), wg.Spec((4096,), "int64"))
    peaks = [
        wg.plan(wg.training_step(network, optimizer, accumulate=k), state, batch).peak_bytes
        for k in (1, 8)
    ]
    assert peaks[1] < peaks[0] / 6


def test_parts_are_about_equal_and_never_empty():
    for examples in range(1, 20):
        for count in range(1, 25):
            cut = parts((np.arange(examples), np.arange(examples)), count)
            sizes = [len(x) for _, (x, _) in cut]
            assert len(cut) == min(count, examples) and max(sizes) - min(sizes) <= 1
            assert np.concatenate([x for _, (x, _) in cut]).tolist() == list(range(examples))
            assert [share for share, _ in cut] == [size / examples for size in sizes]


@pytest.mark.parametrize("compiled", [True, False])
def test_fit_takes_the_steps_of_whole_batches(compiled):
    found = [
        wg.fit(network, start(), data(100), optimizer=wg.optim.adam(0.01), epochs=2, batch_size=32,
               accumulate=k, compiled=compiled, progress=False)
        for k in (1, 4)
    ]  # fmt: skip
    for name, leaf in found[0].parameters.items():
        assert np.allclose(found[1].parameters[name], leaf, rtol=1e-9, atol=1e-12)
    assert np.allclose(found[0].history["accuracy"], found[1].history["accuracy"])


def summed(W, x, y):
    return np.sum((x @ W["W1"] @ W["W2"]) ** 2)


def mixed(W, x, y):
    return np.mean((x - x.mean(axis=0)) @ W["W1"] @ W["W2"] * x[:, :1])


@pytest.mark.parametrize("wrong", [summed, mixed])
def test_what_is_no_mean_over_examples_is_refused(wrong):
    with pytest.raises(OptionError, match="no mean over the examples"):
        wg.fit(wrong, start(), data(64), accumulate=2, progress=False)
    wg.fit(wrong, start(), data(64), optimizer=wg.optim.sgd(1e-6), epochs=1, progress=False)


@pytest.mark.parametrize("odd", [0, -1, 1.5, True, "two"])
def test_counts_that_are_none(odd):
    with pytest.raises(OptionError, match="accumulate"):
        wg.fit(network, start(), data(64), accumulate=odd, progress=False)
    with pytest.raises(OptionError, match="accumulate"):
        wg.training_step(network, wg.optim.sgd(0.1), accumulate=odd)


def test_the_largest_batch_within_a_budget(capsys):
    examples, optimizer = data(4000), wg.optim.sgd(0.1)
    run = wg.fit(network, start(), examples, optimizer=optimizer, epochs=1, batch_size="largest",
                 memory="200kB")  # fmt: skip
    steps = run.history["step"][-1]
    state = wg.training_state(start(), optimizer)
    step = wg.training_step(network, optimizer)
    few = tuple(x[:32] for x in examples)
    leaves = len(flatten(state)[0])
    planned = wg.plan(step, state, few, resident=leaves)
    most = int(planned.largest_batch("200kB", True))
    assert steps == -(-4000 // most)
    for size, fits in ((most, True), (most + 1, False)):
        plan = wg.plan(step, state, tuple(x[:size] for x in examples), resident=leaves)
        if fits:
            assert plan.within("200kB").peak_bytes <= 200_000
        else:
            with pytest.raises(BudgetError):
                plan.within("200kB")


def test_the_largest_batch_is_at_most_all_of_the_data():
    run = wg.fit(network, start(), data(40), epochs=3, batch_size="largest", memory="10MB",
                 progress=False)  # fmt: skip
    assert run.history["step"][-1] == 3


def test_the_largest_batch_asks_for_a_budget():
    with pytest.raises(OptionError, match="memory="):
        wg.fit(network, start(), data(40), batch_size="largest", progress=False)
    with pytest.raises(BudgetError):
        wg.fit(network, start(), data(40), batch_size="largest", memory="100B", progress=False)
    with pytest.raises(OptionError, match="batch_size"):
        wg.fit(network, start(), data(40), batch_size="biggest", progress=False)
