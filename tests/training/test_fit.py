"""The loop against a loop written by hand, and what it promises about data, dtype and metrics."""

import json
import re
import warnings

import numpy as np
import pytest

import wengert as wg
from training.networks import data, objective, parameters, same
from wengert.data import Batches, split
from wengert.optim import adam, cosine, sgd
from wengert.training import Callback, EarlyStopping, fit, load_parameters, read_history


def by_hand(p, batches: Batches, epochs: int, rate: float, momentum: float) -> dict:
    """Momentum, written out in plain NumPy."""
    p = {name: array.copy() for name, array in p.items()}
    v = {name: np.zeros_like(array) for name, array in p.items()}
    for epoch in range(epochs):
        for X, y in batches.epoch(epoch):
            _, g = wg.value_and_grad(objective)(p, X, y)
            for name in p:
                v[name] = momentum * v[name] + g[name]
                p[name] = p[name] - rate * v[name]
    return p


def test_fit_is_the_loop_that_one_would_write_bit_for_bit() -> None:
    X, y = data(50)
    run = fit(
        objective, parameters(), (X, y), optimizer=sgd(0.1, momentum=0.9),
        epochs=3, batch_size=16, seed=7, progress=False, compiled=False,
    )  # fmt: skip
    expected = by_hand(parameters(), Batches((X, y), 16, 7), 3, 0.1, 0.9)
    assert same(run.parameters, expected)
    assert not same(run.parameters, parameters())


def test_fit_is_gradient_descent_written_without_us() -> None:
    rng = np.random.default_rng(0)
    X, w = rng.standard_normal((30, 3)), np.zeros(3)
    y = X @ np.array([1.0, -2.0, 0.5])
    run = fit(
        lambda w, X, y: np.mean((X @ w - y) ** 2), w, (X, y), optimizer=sgd(0.1),
        epochs=2, batch_size=10, progress=False,
    )  # fmt: skip
    for epoch in range(2):
        for A, b in Batches((X, y), 10, 0).epoch(epoch):
            w = w - 0.1 * (A.T @ (2 * (A @ w - b) / len(b)))
    np.testing.assert_allclose(run.parameters, w, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "optimizer", [sgd(cosine(0.1, 40), momentum=0.9, nesterov=True, weight_decay=1e-3), adam()]
)
def test_the_dtype_of_the_parameters_stays(dtype: str, optimizer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = fit(
            objective, parameters(dtype=dtype), data(dtype=dtype), optimizer=optimizer,
            epochs=2, batch_size=16, progress=False,
        )  # fmt: skip
    assert {array.dtype.name for array in run.parameters.values()} == {dtype}


def test_data_wider_than_the_parameters_is_pointed_out() -> None:
    with pytest.warns(wg.WengertWarning, match="computed in float64"):
        run = fit(objective, parameters(), data(dtype="float64"), epochs=1, progress=False)
    assert run.parameters["first"].dtype == "float32"


def test_parameters_and_data_of_the_user_are_left_as_they_are() -> None:
    mine, (X, y) = parameters(), data()
    for array in (*mine.values(), X, y):
        array.setflags(write=False)
    run = fit(objective, mine, (X, y), epochs=1, progress=False)
    assert same(mine, parameters())
    assert run.parameters["first"].flags.writeable
    assert not any(np.shares_memory(run.parameters[k], mine[k]) for k in mine)


def test_an_epoch_is_the_mean_over_its_examples_and_not_over_its_batches() -> None:
    X, y = data(50)
    run = fit(
        objective, parameters(), (X, y), optimizer=sgd(0.0), epochs=1, batch_size=16,
        validation=(X, y), progress=False,
    )  # fmt: skip
    J, metrics = objective(parameters(), X, y)
    # Without movement the batches 16, 16, 16, 2 must give the value of the whole.
    assert run.history["objective"][0] == pytest.approx(float(J), rel=1e-6)
    assert run.history["accuracy"][0] == pytest.approx(float(metrics["accuracy"]), rel=1e-6)
    assert run.history["validation.objective"][0] == pytest.approx(float(J), rel=1e-6)


def test_validation_moves_nothing_and_takes_no_random_number() -> None:
    X, y = data(60)
    (rest, rest_y), aside = split((X, y), 0.25, 3)
    with_part = fit(
        objective, parameters(), (X, y), epochs=2, batch_size=8, validation=0.25, seed=3,
        progress=False,
    )  # fmt: skip
    with_arrays = fit(
        objective, parameters(), (rest, rest_y), epochs=2, batch_size=8, validation=aside, seed=3,
        progress=False,
    )  # fmt: skip
    without = fit(
        objective, parameters(), (rest, rest_y), epochs=2, batch_size=8, seed=3, progress=False
    )
    assert same(with_part.parameters, without.parameters)
    assert same(with_arrays.parameters, without.parameters)
    assert with_part.history.epochs == with_arrays.history.epochs
    assert without.history.names == ("objective", "accuracy")


def test_one_graph_a_batch_shape(monkeypatch) -> None:
    from wengert.training import engine

    traced = []
    original = engine.trace
    monkeypatch.setattr(
        engine, "trace", lambda f, *args: traced.append(f.__name__) or original(f, *args)
    )
    fit(objective, parameters(), data(50), epochs=3, batch_size=16, progress=False)
    assert traced == ["step", "step"]


def test_containers_of_any_kind() -> None:
    def network(layers, batch):
        X = batch["pixels"]
        for W, b in layers:
            X = np.tanh(X @ W + b)
        return np.mean((X - batch["wanted"]) ** 2)

    rng = np.random.default_rng(0)
    layers = [(rng.standard_normal((3, 3)), np.zeros(3)) for _ in range(3)]
    batch = {"pixels": rng.standard_normal((20, 3)), "wanted": rng.standard_normal((20, 3))}
    run = fit(network, layers, batch, epochs=20, batch_size=5, validation=0.2, progress=False)
    assert [type(layer) for layer in run.parameters] == [tuple] * 3
    assert run.history["objective"][-1] < run.history["objective"][0]


def test_the_files_of_a_run(tmp_path) -> None:
    run = fit(
        objective, parameters(), data(), epochs=2, batch_size=4, validation=0.2,
        directory=tmp_path / "new" / "run", progress=False,
    )  # fmt: skip
    folder = run.directory
    assert same(load_parameters(folder / "parameters.safetensors", parameters()), run.parameters)
    assert read_history(folder / "history.jsonl") == run.history
    kinds = [
        json.loads(line)["kind"] for line in (folder / "history.jsonl").read_text().splitlines()
    ]
    assert kinds == ["step", "epoch", "step", "epoch"]
    assert json.loads((folder / "run.json").read_text())["status"] == "finished"
    assert run.plot().startswith("<svg")
    assert (folder / "curves.svg").read_text() == run.plot()
    assert not [each.name for each in folder.iterdir() if each.name.endswith(".part")]


def test_a_run_explains_its_objective() -> None:
    run = fit(objective, parameters(), data(), epochs=1, progress=False)
    assert "prod" in run.explain().text()


def test_plain_lines_without_a_terminal(capsys) -> None:
    fit(objective, parameters(), data(), epochs=2, validation=0.2)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:7] for line in lines] == ["epoch 1", "epoch 2", "memory:"]
    predicted, used = re.findall(r"([\d,]+)(?: bytes predicted| used)", lines[2])
    assert predicted == used
    assert "objective" in lines[0] and "validation: objective" in lines[0]
    fit(objective, parameters(), data(), epochs=2, progress=False)
    assert capsys.readouterr().out == ""


def test_callbacks_see_and_stop() -> None:
    seen = []

    class Watch(Callback):
        every = 3

        def on_step(self, report):
            seen.append((report.step, sorted(report.metrics)))
            report.parameters["first"][:] = np.nan  # a copy: the run must not feel it

        def on_epoch(self, report):
            return "enough" if len(report.history.epochs) == 2 else None

    run = fit(
        objective, parameters(), data(50), epochs=9, batch_size=16, callbacks=[Watch()],
        progress=False,
    )  # fmt: skip
    assert seen == [(3, ["accuracy", "objective"]), (6, ["accuracy", "objective"])]
    assert run.stopped == "enough" and len(run.history.epochs) == 2
    assert np.isfinite(run.parameters["first"]).all()


def test_early_stopping_and_its_resume(tmp_path) -> None:
    def train(epochs):
        return fit(
            objective, parameters(), data(60), optimizer=sgd(0.0), epochs=epochs, validation=0.25,
            callbacks=[EarlyStopping(patience=2)], directory=tmp_path, progress=False,
        )  # fmt: skip

    run = train(20)
    assert run.stopped == "validation.objective has not improved for 2 epochs"
    assert len(run.history.epochs) == 3
    again = train(20)
    assert again.stopped == run.stopped and again.history == run.history


def test_a_callback_can_stop_within_an_epoch(tmp_path) -> None:
    class Once(Callback):
        def on_step(self, report):
            return "seen enough" if report.step == 2 else None

    run = fit(
        objective, parameters(), data(50), epochs=5, batch_size=16, callbacks=[Once()],
        directory=tmp_path, progress=False,
    )  # fmt: skip
    assert run.stopped == "seen enough" and run.history.epochs == []


def test_the_step_is_an_ordinary_function_that_can_be_traced() -> None:
    optimizer = sgd(0.1, momentum=0.9)
    step, state = wg.training_step(objective, optimizer), wg.training_state(parameters(), optimizer)
    X, y = data(8)
    graph = wg.trace(step, state, (X, y))
    moved, metrics = step(state, (X, y))
    again, same_metrics = graph(state, (X, y))
    assert same(again.parameters, moved.parameters)
    assert float(same_metrics["objective"]) == float(metrics["objective"])
    assert int(moved.step) == 1 and int(state.step) == 0
    mine = parameters()
    kept = wg.training_state(mine, optimizer)
    assert not any(np.shares_memory(kept.parameters[name], mine[name]) for name in mine)
    labels = {variable.label for variable in graph.variables}
    assert {"X", "y", "H", "O", "L", "d(H)", "d(first)"} <= labels
