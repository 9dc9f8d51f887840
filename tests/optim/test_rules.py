"""Optimizers: formulas by hand, convergence, purity, dtypes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert.base.errors import DtypeError, OptionError, ShapeError, WengertError
from wengert.optim import (
    Optimizer,
    adagrad,
    adam,
    adamw,
    constant,
    cosine,
    exponential,
    linear_warmup,
    rmsprop,
    sgd,
    step_decay,
)

ALL: dict[str, Callable[[Any], Optimizer]] = {
    "sgd": sgd,
    "momentum": lambda rate: sgd(rate, momentum=0.9),
    "nesterov": lambda rate: sgd(rate, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": adam,
    "adamw": adamw,
    "rmsprop": rmsprop,
    "adagrad": adagrad,
}


def run(optimizer: Optimizer, gradients: list[float], start: float = 1.0) -> list[float]:
    p: Any = np.array([start])
    state = optimizer.init(p)
    path: list[float] = []
    for step, gradient in enumerate(gradients):
        p, state = optimizer.update(np.array([float(gradient)]), state, p, np.array(step))
        path.append(float(p[0]))
    return path


# Each number is worked out by hand from the formula in the docstring.
BY_HAND: dict[str, tuple[Optimizer, list[float], list[float]]] = {
    "plain": (sgd(0.5), [1, -2], [0.5, 1.5]),
    # v: 1, 0.5 + 2 = 2.5, 1.25 + 0 = 1.25
    "momentum": (sgd(0.1, momentum=0.5), [1, 2, 0], [0.9, 0.65, 0.525]),
    # v: 1, 2.5; g + v/2: 1.5, 3.25
    "nesterov": (sgd(0.1, momentum=0.5, nesterov=True), [1, 2], [0.85, 0.525]),
    # g + p/2: 1.5, 1 + 0.425
    "decay": (sgd(0.1, weight_decay=0.5), [1, 1], [0.85, 0.7075]),
    # g: 1.5, 1.425; v: 1.5, 0.75 + 1.425 = 2.175
    "decay in velocity": (sgd(0.1, 0.5, weight_decay=0.5), [1, 1], [0.85, 0.6325]),
    # rates 0.1, 0.05 on the velocities 1, 1.5
    "schedule": (sgd(exponential(0.1, 0.5), momentum=0.5), [1, 1], [0.9, 0.825]),
    # m̂ = 2, v̂ = 4; then m = 0.5, m̂ = 0.5/0.75, v = 3/16 · 4... with v = 0.75·1 + 0 = 0.75,
    # v̂ = 0.75/(7/16)
    "adam": (
        adam(0.1, beta1=0.5, beta2=0.75, epsilon=1e-12),
        [2, 0],
        [0.9, 0.9 - 0.1 * (0.5 / 0.75) / (0.75 / (7 / 16)) ** 0.5],
    ),
    # the same, and each step also shrinks p by 0.1 · 0.5
    "adamw": (
        adamw(0.1, beta1=0.5, beta2=0.75, epsilon=1e-12, weight_decay=0.5),
        [2, 0],
        [0.85, 0.85 * 0.95 - 0.1 * (0.5 / 0.75) / (0.75 / (7 / 16)) ** 0.5],
    ),
    # v: 4 then 0.75 · 4 + 0.25 · 4 = 4
    "rmsprop": (rmsprop(0.1, decay=0.75, epsilon=1e-12), [4, 2], [0.8, 0.7]),
    # v: 9, 25
    "adagrad": (adagrad(0.5, epsilon=1e-12), [3, 4], [0.5, 0.1]),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_formula_by_hand(case: str) -> None:
    optimizer, gradients, expected = BY_HAND[case]
    np.testing.assert_allclose(run(optimizer, gradients), expected, rtol=1e-9)


def test_defaults_are_the_papers() -> None:
    assert adam().settings == {
        "learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8,
    }  # fmt: skip
    # With the bias correction, the first step is η · sign(g) whatever the size of g.
    np.testing.assert_allclose(run(adam(), [1e-3]), [0.999], rtol=1e-6)
    np.testing.assert_allclose(run(adam(), [1e4]), [0.999], rtol=1e-6)


def test_epsilon_stands_outside_the_root() -> None:
    np.testing.assert_allclose(run(adam(0.1, epsilon=1.0), [1]), [0.95])
    np.testing.assert_allclose(run(rmsprop(0.1, decay=0.75, epsilon=1.0), [2]), [0.9])
    np.testing.assert_allclose(run(adagrad(0.1, epsilon=1.0), [1]), [0.95])


def parabola(p: Any) -> Any:
    return {"x": 2 * (p["x"] - 3), "y": [20 * (p["y"][0] + 1)]}


def rosenbrock(p: Any) -> Any:
    x, y = p["x"], p["y"][0]
    return {"x": -2 * (1 - x) - 400 * x * (y - x * x), "y": [200 * (y - x * x)]}


def descend(optimizer: Optimizer, gradient: Callable[[Any], Any], steps: int) -> Any:
    p: Any = {"x": np.array(-1.0), "y": [np.array(1.5)]}
    state = optimizer.init(p)
    for step in range(steps):
        p, state = optimizer.update(gradient(p), state, p, step)
    return [float(p["x"]), float(p["y"][0])]


ON_PARABOLA = {
    "sgd": sgd(0.05),
    "momentum": sgd(0.02, momentum=0.9),
    "nesterov": sgd(0.02, momentum=0.9, nesterov=True),
    "adam": adam(cosine(0.1, 1500)),
    "adamw": adamw(cosine(0.1, 1500), weight_decay=0.0),
    "rmsprop": rmsprop(cosine(0.05, 1500)),
    "adagrad": adagrad(0.5),
}
ON_ROSENBROCK = {
    "sgd": sgd(0.0015),
    "momentum": sgd(0.001, momentum=0.9),
    "nesterov": sgd(0.001, momentum=0.9, nesterov=True),
    "adam": adam(cosine(0.05, 5000)),
    "adamw": adamw(cosine(0.05, 5000), weight_decay=0.0),
    "rmsprop": rmsprop(cosine(0.02, 5000)),
    "adagrad": adagrad(0.5),
}


@pytest.mark.parametrize("name", ALL)
def test_finds_the_bottom_of_a_parabola(name: str) -> None:
    np.testing.assert_allclose(descend(ON_PARABOLA[name], parabola, 1500), [3, -1], atol=1e-3)


@pytest.mark.parametrize("name", ALL)
def test_finds_the_bottom_of_rosenbrocks_valley(name: str) -> None:
    steps = 20000 if name in ("sgd", "adagrad") else 5000
    np.testing.assert_allclose(descend(ON_ROSENBROCK[name], rosenbrock, steps), [1, 1], atol=2e-2)


RATES = {
    "float": 0.1,
    "float64 scalar": np.float64(0.1),
    "constant": constant(0.1),
    "cosine": cosine(0.1, 10),
    "warm-up": linear_warmup(step_decay(0.1, [2, 4]), 3),
    "exponential": exponential(0.1, 0.9),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", ALL)
def test_dtype_shape_and_container_stay(name: str, rate: str, dtype: str) -> None:
    optimizer = ALL[name](RATES[rate])
    p: Any = {"W": np.ones((2, 3), dtype), "b": [np.ones((), dtype), np.ones(0, dtype)]}
    state = optimizer.init(p)
    for step in (0, np.int64(1), np.array(2), np.array(3, "int32")):
        p, state = optimizer.update(p, state, p, step)
        for tree in (p, *state.values()):
            assert list(tree) == ["W", "b"]
            assert {tree["W"].dtype, *(leaf.dtype for leaf in tree["b"])} == {np.dtype(dtype)}
            assert [tree["W"].shape, *(leaf.shape for leaf in tree["b"])] == [(2, 3), (), (0,)]


@pytest.mark.parametrize("name", ALL)
def test_update_is_pure_and_repeats(name: str) -> None:
    optimizer = ALL[name](0.1)
    p, g = {"w": np.arange(3.0)}, {"w": np.array([1.0, -2.0, 3.0])}
    state = optimizer.init(p)
    for array in (p["w"], g["w"], *(tree["w"] for tree in state.values())):
        array.flags.writeable = False
    first, second = (optimizer.update(g, state, p, 0) for _ in range(2))
    np.testing.assert_array_equal(first[0]["w"], second[0]["w"])
    assert first[0]["w"] is not p["w"]
    assert optimizer.update(g, first[1], first[0], 1)[1].keys() == state.keys()


@pytest.mark.parametrize("name", ALL)
def test_gradient_of_zero_is_harmless(name: str) -> None:
    p = {"w": np.zeros(3, "float32")}
    moved, _ = ALL[name](0.1).update(p, ALL[name](0.1).init(p), p, 0)
    np.testing.assert_array_equal(moved["w"], 0)


BAD_NUMBERS: list[tuple[Callable[..., Optimizer], dict[str, Any], str]] = [
    *((make, {"learning_rate": rate}, "learning_rate")
      for make in (sgd, adam, adamw, rmsprop, adagrad)
      for rate in (-0.1, float("nan"), float("inf"), "0.1", None, True)),
    (sgd, {"learning_rate": 0.1, "momentum": 1.0}, "momentum"),
    (sgd, {"learning_rate": 0.1, "momentum": -0.1}, "momentum"),
    (sgd, {"learning_rate": 0.1, "weight_decay": -1}, "weight_decay"),
    (sgd, {"learning_rate": 0.1, "nesterov": True}, "nesterov without momentum"),
    (adam, {"beta1": 1.0}, "beta1"), (adam, {"beta2": -0.1}, "beta2"),
    (adam, {"epsilon": 0}, "epsilon"),
    (adamw, {"beta1": 1}, "beta1"), (adamw, {"weight_decay": -0.1}, "weight_decay"),
    (rmsprop, {"decay": 1.0}, "decay"), (rmsprop, {"epsilon": -1}, "epsilon"),
    (adagrad, {"epsilon": 0.0}, "epsilon"),
]  # fmt: skip


@pytest.mark.parametrize("make, options, words", BAD_NUMBERS)
def test_numbers_out_of_range(
    make: Callable[..., Optimizer], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        make(**options)


W = np.ones((2, 3), "float32")
BAD_TREES: dict[str, tuple[Any, type[WengertError], str]] = {
    "broadcast": ({"W": W[:1], "b": W}, ShapeError, r"gradients\['W'\]"),
    "missing": ({"W": W}, ShapeError, r"\['b'\]"),
    "other order": ({"b": W, "W": W}, ShapeError, "same order"),
    "float64": ({"W": W, "b": W.astype("float64")}, DtypeError, r"gradients\['b'\]"),
    "number": ({"W": W, "b": 1.0}, ShapeError, "float"),
    "list": ([W, W], ShapeError, "container"),
}


@pytest.mark.parametrize("case", BAD_TREES)
def test_gradients_that_do_not_fit(case: str) -> None:
    gradients, error, words = BAD_TREES[case]
    p = {"W": W, "b": W}
    with pytest.raises(error, match=words):
        sgd(0.1).update(gradients, {}, p, 0)


def test_state_of_another_optimizer_and_of_other_parameters() -> None:
    p = {"W": W}
    with pytest.raises(OptionError, match="a state that is not its own"):
        adam().update(p, sgd(0.1, momentum=0.9).init(p), p, 0)
    with pytest.raises(ShapeError, match=r"square\['W'\]"):
        state = {"mean": p, "square": {"W": W[0]}}
        adam().update(p, state, p, 0)


@pytest.mark.parametrize("leaf", [np.arange(3), 1.0, np.array(["a"]), np.ones(2, complex)])
def test_parameters_that_cannot_move(leaf: Any) -> None:
    with pytest.raises(DtypeError, match=r"parameters\['layers'\]\[0\]"):
        adam().init({"layers": [leaf]})


def test_name_and_settings_are_told() -> None:
    optimizer = sgd(cosine(0.1, 5), momentum=0.9)
    assert optimizer.name == "sgd" and optimizer.settings["momentum"] == 0.9
    assert "cosine(rate=0.1, steps=5" in repr(optimizer)
