"""Compiled training against interpreted: the same numbers but for rounding, and the same care."""

import signal
import threading
import time

import numpy as np
import pytest

import wengert as wg
from training.networks import data, objective, parameters, same
from wengert.base.errors import DataError, NonFiniteError, OptionError
from wengert.data import Batches
from wengert.native.stepper import MOST, Stepper
from wengert.nn.functional import softmax_cross_entropy
from wengert.optim import adam, cosine, sgd
from wengert.training import Callback, fit
from wengert.training.compiled import CompiledEngine
from wengert.training.engine import Interpreter, Stretch
from wengert.training.state import training_state
from wengert.training.step import training_step

# Two orders of summing 16 products of numbers near 1, over 12 steps, in float32.
BOUND = 2e-5


def train(f=objective, p=None, d=None, **options):
    given = {"epochs": 3, "batch_size": 16, "seed": 7, "progress": False, **options}
    return fit(f, parameters() if p is None else p, data(50) if d is None else d, **given)


@pytest.mark.parametrize(
    "optimizer",
    [sgd(0.1), sgd(0.1, momentum=0.9, nesterov=True), adam(0.01), sgd(cosine(0.1, 20))],
)
def test_compiled_is_interpreted_but_for_rounding(optimizer) -> None:
    compiled = train(optimizer=optimizer, validation=0.2)
    plain = train(optimizer=optimizer, validation=0.2, compiled=False)
    for name, array in plain.parameters.items():
        np.testing.assert_allclose(compiled.parameters[name], array, rtol=BOUND, atol=BOUND)
    assert compiled.history.names == plain.history.names
    for name in plain.history.names:
        np.testing.assert_allclose(compiled.history[name], plain.history[name], rtol=BOUND)
    steps = [(record["epoch"], record["step"]) for record in plain.history.steps]
    assert [(record["epoch"], record["step"]) for record in compiled.history.steps] == steps


@pytest.mark.parametrize("batch_size", [1, 7, 16, 50, 64])
def test_any_number_of_threads_gives_the_same_bits(batch_size: int) -> None:
    runs = [train(batch_size=batch_size, threads=threads) for threads in (1, 2, 3, 4)]
    for run in runs[1:]:
        assert same(run.parameters, runs[0].parameters)
        assert run.history == runs[0].history


def test_rows_are_fetched_from_the_file_itself(tmp_path, monkeypatch) -> None:
    X, y = data(50)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    mapped = tuple(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "Xy")
    fetched = []
    run = Stepper.run

    def watched(self, sources, order, poll=None):
        fetched.extend(sources)
        return run(self, sources, order, poll)

    monkeypatch.setattr(Stepper, "run", watched)
    got = train(d=mapped)
    assert fetched
    assert all(np.shares_memory(each, mapped[at % 2]) for at, each in enumerate(fetched))
    assert same(got.parameters, train(d=(X, y)).parameters)


def test_it_does_not_matter_where_callbacks_look() -> None:
    class Look(Callback):
        def __init__(self, every: int) -> None:
            self.every, self.seen = every, []

        def on_step(self, report):
            self.seen.append((report.step, float(report.metrics["objective"])))
            assert int(report.state.step) == report.step

    alone = train()
    both = Look(1), Look(5)
    watched = train(callbacks=both)
    assert same(alone.parameters, watched.parameters) and alone.history == watched.history
    assert [step for step, _ in both[0].seen] == list(range(1, 13))
    assert both[1].seen == [each for each in both[0].seen if each[0] % 5 == 0]


def test_many_steps_are_one_call(monkeypatch) -> None:
    taken = []
    advance = CompiledEngine.advance
    monkeypatch.setattr(
        CompiledEngine, "advance", lambda self, s: taken.append(advance(self, s)) or taken[-1]
    )
    train(epochs=2, batch_size=8)
    # Six whole batches and one of two examples, each epoch (a call also ends with the clock).
    assert [len(each.examples) for each in taken] == [6, 1, 6, 1]
    assert [int(each.examples.sum()) for each in taken] == [48, 2, 48, 2]


def test_more_steps_than_one_call_can_take() -> None:
    x = np.ones((MOST + 3, 1), "float32")
    run = train(
        lambda w, x: np.mean((x - w) ** 2), np.zeros(1, "float32"), x, batch_size=1, epochs=1,
        optimizer=sgd(1e-3),
    )  # fmt: skip
    expected = 1 - (1 - 2e-3) ** (MOST + 3)
    assert run.parameters[0] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("layout", ["columns", "memmap", "slices"])
def test_data_of_any_layout(layout: str, tmp_path) -> None:
    X, y = data(50)
    if layout == "columns":
        given = np.asfortranarray(X)
    elif layout == "slices":
        given = np.repeat(X, 2, axis=1)[:, ::2]
    else:
        given = np.memmap(tmp_path / "X", "float32", "w+", offset=4, shape=X.shape)
        given[:] = X
    assert same(train(d=(given, y)).parameters, train(d=(X, y)).parameters)


# -- What is refused ------------------------------------------------------------------------------


def messages(error, **options) -> list[str]:
    told = []
    for compiled in (True, False):
        with pytest.raises(error) as caught:
            train(compiled=compiled, **options)
        told.append(str(caught.value))
    return told


def test_a_label_out_of_range_is_told_as_by_the_interpreter() -> None:
    X, y = data(50)
    y[np.flatnonzero(np.arange(50) == 33)] = 9
    compiled, plain = messages(DataError, d=(X, y))
    assert compiled == plain and "holds 9" in plain


def exploding(p, X, y):
    J = softmax_cross_entropy(X @ p["first"] @ p["second"].T[:3].T[:5], y)
    return J + np.sum(p["second"] ** 4) + np.sum(p["bias"] ** 4)


def test_a_number_that_is_not_finite_is_told_as_by_the_interpreter(tmp_path) -> None:
    # The bias grows by its own cube until it leaves float32, in the middle of an epoch.
    p = {**parameters(), "bias": np.full(5, 3.0, "float32")}
    compiled, plain = messages(NonFiniteError, f=exploding, p=p, optimizer=sgd(0.1), batch_size=4)
    assert compiled.splitlines()[0] == plain.splitlines()[0] and "epoch 1, batch" in plain


def test_only_the_new_parameters_are_not_finite() -> None:
    # J and its gradient are finite; their product with the rate is not.
    def steep(w, x):
        return np.mean(x) * np.sum(w) * np.float32(1e20)

    for compiled in (True, False):
        with pytest.raises(NonFiniteError, match="epoch 1, batch 1 of 4"):
            train(
                steep, np.zeros(3, "float32"), np.ones((50, 1), "float32"),
                optimizer=sgd(1e20), compiled=compiled,
            )  # fmt: skip


def test_the_state_before_the_failure_is_kept() -> None:
    # The fourth batch holds what makes J infinite; three steps stay.
    X = np.ones((16, 1), "float32")
    X[13] = 3e38
    batches = Batches(X, 4, shuffle=False, finite=False)

    def f(w, x):
        return np.mean((x * w - 1) ** 2)

    optimizer = sgd(0.1, momentum=0.9)
    engines = []
    for threads in (None, 1, 2):
        engine = Interpreter(f, training_step(f, optimizer))
        engine = engine if threads is None else CompiledEngine(engine, threads)
        engine.begin(training_state(np.array(0.5, "float32"), optimizer))
        at = 0
        with pytest.raises(NonFiniteError, match="here 3"):
            while True:
                stretch = Stretch(batches, 0, at, 4, lambda at: f"here {at}", "")
                at += len(engine.advance(stretch).examples)
        assert at == engine.steps == int(engine.state.step) == 3
        engines.append(engine)
    assert engines[1].state.parameters == engines[2].state.parameters
    np.testing.assert_allclose(engines[1].state.parameters, engines[0].state.parameters, rtol=1e-6)


def test_ctrl_c_is_felt_within_a_tenth_of_a_second() -> None:
    X, y = data(200_000)
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals come to the main thread")
    pressed: list[float] = []

    def press() -> None:
        pressed.append(time.monotonic())
        signal.raise_signal(signal.SIGINT)

    # The first epoch compiles; the signal comes in the middle of a later one.
    timer = threading.Timer(1.5, press)
    timer.start()
    run = train(d=(X, y), epochs=10_000, batch_size=8)
    waited = time.monotonic() - pressed[0]
    timer.join()
    assert run.interrupted
    # Generous: neighbours may hold the cores of a machine that tests run on.
    assert waited < 1.0


# -- Options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{"threads": 0}, {"threads": 10_000}, {"threads": 1.5}, {"compiled": "yes"}]
)
def test_options_that_make_no_sense(options) -> None:
    with pytest.raises(OptionError, match=r"threads|compiled"):
        train(**options)


def test_a_compiled_run_is_not_gone_on_with_interpreted(tmp_path) -> None:
    train(epochs=1, directory=tmp_path, threads=1)
    train(epochs=2, directory=tmp_path, threads=2)
    with pytest.raises(OptionError, match="arithmetic changed"):
        train(epochs=3, directory=tmp_path, compiled=False)


def test_without_a_compiler_the_interpreter_runs_and_it_is_said(monkeypatch) -> None:
    monkeypatch.setattr("wengert.execution.find_spec", lambda name: None)
    wg.execution.has_compiler.cache_clear()
    try:
        with pytest.warns(wg.WengertWarning, match="llvmlite is not installed"):
            run = train()
    finally:
        wg.execution.has_compiler.cache_clear()
    assert same(run.parameters, train(compiled=False).parameters)
