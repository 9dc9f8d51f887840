"""A regression on a table: read CSV, standardise, fit, predict.

    python examples/regression.py [FILE.csv [LABEL]]

Without a file it writes a small table first: the yield of a reaction against temperature,
pressure and time, with noise. Any CSV of numbers will do; LABEL names the column to predict.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

import wengert as wg
from wengert.training import EarlyStopping

HIDDEN = 16


def predict(parameters, X):
    H = np.tanh(X @ parameters["W1"] + parameters["b1"])
    return H @ parameters["w2"] + parameters["b2"]


def objective(parameters, X, y):
    error = predict(parameters, X) - y
    J = np.mean(error**2) / 2
    return J, {"mean_error": np.mean(np.abs(error))}


def parameters(columns, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "W1": wg.nn.init.glorot(rng, (columns, HIDDEN), dtype="float64"),
        "b1": np.zeros(HIDDEN),
        "w2": rng.standard_normal(HIDDEN) / np.sqrt(HIDDEN),
        "b2": np.array(0.0),
    }


def write_table(path, rows=600, seed=0):
    rng = np.random.default_rng(seed)
    temperature, pressure = rng.uniform(300, 400, rows), rng.uniform(1, 10, rows)
    minutes = rng.uniform(5, 60, rows)
    rate = 0.02 * np.exp((temperature - 350) / 40) * np.sqrt(pressure)
    percent = 100 * (1 - np.exp(-rate * minutes)) + rng.normal(0, 1, rows)
    table = np.column_stack([temperature, pressure, minutes, percent])
    np.savetxt(path, table, "%.4f", ",", header="temperature,pressure,minutes,yield", comments="")
    return path


def standardised(values):
    return (values - values.mean(axis=0)) / values.std(axis=0)


def main(file=None, label="yield"):
    path = file or write_table(Path(tempfile.mkdtemp()) / "reaction.csv")
    table = wg.data.load_csv(path, label=label)
    X, y = standardised(table.features), standardised(table.labels)
    run = wg.fit(
        objective, parameters(X.shape[1]), (X, y), validation=0.2, epochs=300, batch_size=32,
        optimizer=wg.optim.adam(0.01), callbacks=[EarlyStopping(patience=30)], progress=False,
    )  # fmt: skip
    error = run.history["validation.mean_error"][-1] * table.labels.std()
    why = run.stopped or "all epochs are done"
    print(f"{len(run.history.epochs)} epochs, {why}")
    print(f"{label} of new rows is off by {error:.3g}, of a spread of {table.labels.std():.3g}")
    return run


if __name__ == "__main__":
    main(*sys.argv[1:3])
