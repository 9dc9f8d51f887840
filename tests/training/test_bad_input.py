"""Whatever cannot be trained is refused with the user's names, and with what to write instead."""

import numpy as np
import pytest

from training.networks import data, objective, parameters
from wengert.base.errors import (
    DataError,
    DifferentiationError,
    DtypeError,
    NonFiniteError,
    OptionError,
    ShapeError,
    TraceError,
    WengertError,
    WengertWarning,
)
from wengert.nn.functional import softmax_cross_entropy
from wengert.optim import sgd
from wengert.training import Callback, EarlyStopping, accuracy, fit, training_state, training_step


def train(f=objective, p=None, d=None, **options):
    return fit(
        f, parameters() if p is None else p, data() if d is None else d,
        **{"epochs": 1, "progress": False, **options},
    )  # fmt: skip


def message(error, **options) -> str:
    with pytest.raises(error) as caught:
        train(**options)
    assert isinstance(caught.value, WengertError)
    return str(caught.value)


# -- shapes and dtypes -----------------------------------------------------------------------------


def test_shapes_that_do_not_fit_name_the_variables_and_the_line() -> None:
    text = message(ShapeError, p={**parameters(), "first": np.zeros((7, 5), "float32")})
    assert "X" in text and "(50, 4)" in text and "(7, 5)" in text
    assert "networks.py:" in text


def test_integer_parameters() -> None:
    text = message(DtypeError, p={**parameters(), "bias": np.zeros(5, int)})
    assert "parameters['bias'] cannot be trained" in text and "int64" in text
    assert "np.asarray(parameters['bias'], dtype=np.float32)" in text


@pytest.mark.parametrize("leaf", [1.0, 3, "text", [1.0], np.array(["a"]), object()])
def test_a_parameter_that_is_no_array(leaf) -> None:
    assert "layers" in message(DtypeError, p={"layers": [leaf]})


def test_a_complex_parameter() -> None:
    assert "complex128" in message(DtypeError, p=np.zeros(3, complex))


def test_no_parameters() -> None:
    assert "training needs parameters" in message(OptionError, p={})


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_parameters_that_are_not_finite(bad) -> None:
    p = parameters()
    p["first"][2, 1] = bad
    text = message(DataError, p=p)
    assert "parameters['first']" in text and "[2, 1]" in text and str(bad) in text


def test_a_wrong_dtype_of_data() -> None:
    X, y = data()
    text = message(DtypeError, d=(X.astype(str), y))
    assert "X (data[0])" in text and "asarray" in text
    assert "is no array" in message(DtypeError, d=({"X": "pixels"}, y))


def test_labels_of_floats() -> None:
    X, y = data()
    text = message(WengertError, d=(X, y.astype("float64")))
    assert "y" in text and "integer" in text


# -- data ------------------------------------------------------------------------------------------


def test_no_examples() -> None:
    X, y = data()
    text = message(DataError, d=(X[:0], y[:0]))
    assert "data is empty" in text and "X (data[0]): (0, 4)" in text


def test_an_empty_batch_given_to_the_step() -> None:
    X, y = data()
    step = training_step(objective, sgd(0.1))
    with pytest.raises(WengertError, match=r"mean|empty|examples"):
        step(training_state(parameters(), sgd(0.1)), (X[:0], y[:0]))


@pytest.mark.parametrize("label", [3, -1, 1000])
def test_labels_out_of_range(label: int) -> None:
    X, y = data()
    y = y.copy()
    y[17] = label
    text = message(DataError, d=(X, y), batch_size=16)
    assert "3 classes, in epoch 1, batch 1 of 4" in text and f"holds {label}" in text
    assert "O: float32 (16, 3); y: int64 (16,)" in text and "networks.py:" in text


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_data_that_are_not_finite_name_the_argument_and_the_row(bad) -> None:
    X, y = data()
    X[31, 2] = bad
    text = message(DataError, d=(X, y))
    assert "X (data[0])" in text and "[31, 2]" in text and str(bad) in text


def test_validation_data_that_are_not_finite() -> None:
    X, y = data()
    aside = X.copy()
    aside[3, 0] = np.nan
    assert "X (validation[0])" in message(DataError, validation=(aside, y))


def test_arrays_of_different_length() -> None:
    X, y = data()
    text = message(ShapeError, d=(X, y[:-1]))
    assert "X (data[0]): (50, 4), y (data[1]): (49,)" in text


def test_an_array_without_examples() -> None:
    assert "no axis of examples" in message(ShapeError, d=(data()[0], np.array(1)))


def test_validation_of_another_kind() -> None:
    X, y = data()
    assert "another kind" in message(ShapeError, validation=(X[:, :3], y))
    assert "validation" in message(OptionError, validation=(X,))
    assert "between 0 and 1" in message(OptionError, validation=1.5)


# -- objectives ------------------------------------------------------------------------------------


def test_an_objective_that_is_not_scalar() -> None:
    def per_example(p, X, y):
        losses = softmax_cross_entropy(X @ p["first"] @ p["second"], y, reduction="none")
        return losses

    text = message(DifferentiationError, f=per_example)
    assert "per_example" in text and "losses" in text and "np.mean" in text
    assert "test_bad_input.py:" in text


def test_a_traced_value_in_an_if() -> None:
    def branching(p, X, y):
        J = objective(p, X, y)[0]
        if J > 1:
            J = J * 2
        return J

    text = message(TraceError, f=branching)
    assert "np.where" in text and "test_bad_input.py:" in text


def test_float_of_a_traced_value() -> None:
    def leaving(p, X, y):
        J = objective(p, X, y)[0]
        return float(J)

    text = message(TraceError, f=leaving)
    assert "J" in text and "Python float" in text and "test_bad_input.py:" in text


def test_a_parameter_that_j_does_not_depend_on() -> None:
    with pytest.warns(WengertWarning, match=r"does not depend on unused"):
        train(p={**parameters(), "unused": np.zeros(2, "float32")})


@pytest.mark.parametrize("f", [lambda p, X: 0.0, lambda p, X, y, z: 0.0])
def test_an_objective_of_another_signature(f) -> None:
    assert "given 3 arguments" in message(TraceError, f=f)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (lambda J: (J, J), "J, or (J, {name: metric})"),
        (lambda J: (J, {"a": 1.0}, 3.0), "J, or (J, {name: metric})"),
        (lambda J: (J, {"objective": J}), "a name that it cannot have"),
        (lambda J: (J, {"a": np.zeros(3)}), "more than one number"),
    ],
)
def test_an_objective_that_returns_something_else(returned, said: str) -> None:
    assert said in message(WengertError, f=lambda p, X, y: returned(objective(p, X, y)[0]))


# -- options ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 0}, {"epochs": 1.5}, {"epochs": True}, {"batch_size": 0}, {"batch_size": "16"},
        {"seed": -1}, {"seed": None}, {"optimizer": 0.1}, {"optimizer": sgd},
        {"callbacks": [print]}, {"callbacks": [EarlyStopping]}, {"save_seconds": -1},
        {"memory": "12 apples"}, {"memory": 0}, {"memory": "-1MB"},
    ],
)  # fmt: skip
def test_options_that_make_no_sense(options) -> None:
    assert f"fit: {next(iter(options))}" in message(OptionError, **options)


@pytest.mark.parametrize("options", [{"workers": 2}, {"workers": "all"}])
def test_options_that_come_with_a_later_version(options) -> None:
    assert "comes with a later version" in message(OptionError, **options)


def test_early_stopping_on_something_that_is_not_measured() -> None:
    text = message(OptionError, callbacks=[EarlyStopping()])
    assert "'validation.objective'" in text and "objective, accuracy" in text
    for wrong in ({"patience": 0}, {"mode": "least"}, {"least": -1}):
        with pytest.raises(OptionError):
            EarlyStopping(**wrong)


def test_accuracy_of_shapes_that_do_not_belong_together() -> None:
    with pytest.raises(ShapeError, match="labels do not belong"):
        accuracy(np.zeros((4, 3)), np.zeros((5,), int))
    one_hot = np.eye(3)[[0, 1, 2, 2]]
    assert accuracy(one_hot, np.array([0, 1, 2, 0])) == accuracy(one_hot, np.eye(3)[[0, 1, 2, 0]])


# -- numbers that stop being finite ----------------------------------------------------------------


def logarithm(p, X, y):
    Z = X @ p["first"]
    mask = np.where(Z > 1e9, Z, -np.inf)  # an infinity that is meant
    kept = np.sum(np.exp(mask))
    safe = np.exp(Z)
    D = np.log(safe - 1.0)
    return np.sum(D) + kept + 0.0 * np.sum(p["second"]) + 0.0 * np.sum(p["bias"])


def test_the_earliest_operation_is_named_with_ranges_line_and_batch() -> None:
    text = message(NonFiniteError, f=logarithm, batch_size=16)
    assert "epoch 1, batch 1 of 4: it began with D = log(" in text
    assert "float32 (16, 5), from" in text and "NaN" in text
    assert "test_bad_input.py:" in text and "in logarithm" in text


def exploding(p, X, y):
    return np.sum(np.exp(X @ p["first"])) + 0.0 * np.sum(p["second"]) + 0.0 * np.sum(p["bias"])


def test_a_gradient_that_is_not_finite_is_not_applied() -> None:
    def root(w, x):
        r = np.sqrt(np.abs(w - x))
        return np.sum(r)

    text = message(NonFiniteError, f=root, p=np.array(1.0), d=np.array([5.0, 3.0, 1.0, 2.0]))
    assert "in the backward pass of" in text


def test_everything_before_is_saved_and_the_run_can_be_taken_up(tmp_path) -> None:
    class Last(Callback):
        state = None

        def on_step(self, report):
            self.state = report.parameters

    last = Last()
    X, y = data()
    text = message(
        NonFiniteError, f=exploding, d=(50 * X, y), optimizer=sgd(1e3), batch_size=4,
        directory=tmp_path, callbacks=[last], epochs=3,
    )  # fmt: skip
    assert str(tmp_path) in text
    from wengert.training import load_parameters

    saved = load_parameters(tmp_path / "parameters.safetensors", parameters())
    wanted = last.state or parameters()
    assert all(np.array_equal(saved[name], wanted[name]) for name in saved)
    again = message(
        NonFiniteError, f=exploding, d=(50 * X, y), optimizer=sgd(1e3), batch_size=4,
        directory=tmp_path, epochs=3,
    )  # fmt: skip
    assert again == text


def test_a_metric_that_is_not_finite_is_no_reason_to_stop() -> None:
    def undefined(p, X, y):
        return objective(p, X, y)[0], {"ratio": np.sum(X) / (0.0 * np.sum(X))}

    assert train(f=undefined).history["ratio"] == [None]
