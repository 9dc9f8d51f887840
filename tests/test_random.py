"""Random numbers: known answers, distributions, and the same bits wherever they are drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

import wengert as wg
from wengert.base.errors import DtypeError, OptionError, ShapeError, TraceError
from wengert.operators.counter import words
from wengert.operators.quantile import minus_log, normal_ppf

KEY = wg.random.key(2024)
DRAWS: dict[str, Callable[[wg.random.Generator], Any]] = {
    "random": lambda rng: rng.random((70, 3)),
    "single": lambda rng: rng.random((70, 3), "float32"),
    "uniform": lambda rng: rng.uniform(-2, 3, 500),
    "normal": lambda rng: rng.normal(1, 2, 5000),
    "normal in single precision": lambda rng: rng.normal(size=(4, 129), dtype="float32"),
    "truncated": lambda rng: rng.truncated_normal(-0.5, 2, size=500),
    "tail": lambda rng: rng.truncated_normal(6, 9, size=500),
    "exponential": lambda rng: rng.exponential(2, 500),
    "bernoulli": lambda rng: rng.bernoulli(0.3, (33, 5)),
    "integers": lambda rng: rng.integers(-3, 12, (5, 7)),
    "choice": lambda rng: rng.choice(np.arange(4.0), 50, p=[0.1, 0.2, 0.3, 0.4]),
    "several": lambda rng: [rng.random(3), rng.normal(size=3), rng.bits(3, 64)],
    "spawned": lambda rng: [each.random(3) for each in rng.spawn(2)],
}


@pytest.mark.parametrize(
    ("key", "counter", "answer"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_the_known_answers_of_threefry(key: Any, counter: Any, answer: Any) -> None:
    arrays = [np.array(word, np.uint32) for word in (*key, *counter)]
    found = words((arrays[0], arrays[1]), (arrays[2], arrays[3]))
    assert tuple(int(word) for word in found) == answer


def test_quantiles_are_those_of_scipy() -> None:
    p = np.concatenate([np.random.default_rng(0).random(20_000), 2.0 ** -np.arange(1, 54)])
    np.testing.assert_allclose(normal_ppf(p), stats.norm.ppf(p), rtol=2e-15, atol=1e-16)
    np.testing.assert_allclose(minus_log(p), -np.log(p), rtol=1e-15, atol=3e-16)


@pytest.mark.parametrize("name", DRAWS)
def test_plain_interpreted_and_compiled_draws_have_the_same_bits(name: str) -> None:
    def draw(key: Any) -> Any:
        return DRAWS[name](wg.random.default_rng(key))

    plain = draw(KEY)
    ways = [wg.trace(draw, KEY)(KEY), *(wg.compile(draw, threads=n)(KEY) for n in (1, 2, 3))]
    for way in ways:
        for got, want in zip(np.atleast_1d(way), np.atleast_1d(plain), strict=True):
            assert got.dtype == want.dtype
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("uniform", stats.uniform(-2, 5)), ("normal", stats.norm(1, 2)),
        ("truncated", stats.truncnorm(-0.5, 2)), ("tail", stats.truncnorm(6, 9)),
        ("exponential", stats.expon(scale=2)),
    ],
)  # fmt: skip
def test_distributions(name: str, distribution: Any) -> None:
    x = np.concatenate([DRAWS[name](wg.random.default_rng(seed)) for seed in range(20)])
    assert stats.kstest(x, distribution.cdf).pvalue > 0.01


def test_whole_numbers_choices_and_truth_come_as_often_as_they_should() -> None:
    rng = wg.random.default_rng(1)
    assert stats.chisquare(np.bincount(rng.integers(6, size=12_000))).pvalue > 0.01
    often = np.bincount(rng.choice(3, 12_000, p=[0.5, 0.2, 0.3]))
    assert stats.chisquare(often, 12_000 * np.array([0.5, 0.2, 0.3])).pvalue > 0.01
    assert abs(rng.bernoulli(0.25, 40_000).mean() - 0.25) < 0.01
    assert rng.bernoulli(np.array([0.0, 1.0]), (100, 2)).mean(0).tolist() == [0, 1]


def test_orders_are_permutations_and_all_of_them_come() -> None:
    rng = wg.random.default_rng(1)
    found = {tuple(rng.permutation(3).tolist()) for _ in range(100)}
    assert found == {(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)}
    rows = np.arange(6.0).reshape(3, 2)
    assert sorted(rng.permutation(rows).tolist()) == rows.tolist()
    assert len(set(rng.choice(10, 10, replace=False).tolist())) == 10


def test_draws_keys_and_generators_differ() -> None:
    rng = wg.random.default_rng(KEY)
    first, second = rng.random(100), rng.random(100)
    assert not np.intersect1d(first, second).size
    keys = [wg.random.fold(KEY, n) for n in range(1000)]
    assert len({tuple(key.tolist()) for key in keys}) == 1000
    a, b = rng.spawn(2)
    assert not np.intersect1d(a.random(100), b.random(100)).size


def test_float32_stays_float32() -> None:
    rng = wg.random.default_rng(0)
    one = np.ones(3, "float32")
    assert rng.normal(one, 0.1).dtype == np.float32
    assert rng.uniform(one, 2 * one).dtype == np.float32
    assert wg.nn.functional.dropout(one, 0.5, rng).dtype == np.float32


def test_gradients_pass_through_place_and_scale() -> None:
    def objective(loc: Any, scale: Any, key: Any) -> Any:
        return np.sum(wg.random.default_rng(key).normal(loc, scale, (4, 3)) ** 2)

    loc, scale = np.array([0.1, 0.2, 0.3]), np.array(1.5)
    wg.check_gradients(lambda x, s: objective(x, s, KEY), loc, scale)


def test_a_checkpoint_draws_the_same_again() -> None:
    def layer(x: Any, key: Any) -> Any:
        return np.tanh(wg.nn.functional.dropout(x * x, 0.4, wg.random.default_rng(key)))

    def objective(x: Any, key: Any, f: Any) -> Any:
        return np.sum(f(f(x, key), key) ** 2)

    x = np.linspace(-1, 1, 40)
    plain = wg.grad(lambda x, key: objective(x, key, layer))
    again = wg.grad(lambda x, key: objective(x, key, wg.checkpoint(layer)))
    np.testing.assert_array_equal(plain(x, KEY), again(x, KEY))
    np.testing.assert_allclose(wg.compile(again)(x, KEY), plain(x, KEY), rtol=1e-14)


def test_examples_may_have_keys_of_their_own() -> None:
    def draw(key: Any) -> Any:
        return wg.random.default_rng(key).normal(size=2)

    keys = np.stack([wg.random.fold(KEY, n) for n in range(4)])
    np.testing.assert_array_equal(wg.vmap(draw)(keys), np.stack([draw(key) for key in keys]))


# -- Training --------------------------------------------------------------------------------------


def objective(W: Any, X: Any, y: Any, rng: Any = None) -> Any:
    H = wg.nn.functional.dropout(np.tanh(X @ W["W1"]), 0.3, rng)
    return wg.nn.functional.softmax_cross_entropy(H @ W["W2"], y)


def _trained(**options: Any) -> Any:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((96, 5)).astype("float32"), np.arange(96) % 3
    W = {
        "W1": wg.nn.init.glorot(0, (5, 8)),
        "W2": wg.nn.init.glorot(1, (8, 3)),
    }
    return wg.fit(objective, W, (X, y), **{"epochs": 2, "batch_size": 16, "progress": False,
                                           **options})  # fmt: skip


def test_training_draws_anew_at_each_step_and_the_same_in_each_run() -> None:
    one, other = _trained(), _trained(seed=1)
    bits = [_trained(threads=n).parameters["W1"].tobytes() for n in (1, 2)]
    assert bits == [one.parameters["W1"].tobytes()] * 2
    assert (one.parameters["W1"] != other.parameters["W1"]).any()
    interpreted = _trained(compiled=False).parameters["W1"]
    np.testing.assert_allclose(one.parameters["W1"], interpreted, rtol=1e-4)
    step = wg.training_step(objective, wg.optim.sgd(0.0))
    W = {"W1": np.ones((5, 8)), "W2": np.arange(24.0).reshape(8, 3)}
    state = wg.training_state(W, wg.optim.sgd(0.0))
    batch = np.ones((4, 5)), np.arange(4) % 3
    state, first = step(state, batch)
    state, second = step(state, batch)
    assert int(state.step) == 2
    assert first["objective"] != second["objective"]


def test_a_resumed_run_draws_what_it_would_have_drawn(tmp_path: Any) -> None:
    whole = _trained(epochs=4, directory=tmp_path / "whole")
    _trained(epochs=2, directory=tmp_path / "parts")
    parts = _trained(epochs=4, directory=tmp_path / "parts")
    assert parts.parameters["W1"].tobytes() == whole.parameters["W1"].tobytes()


# -- Refusals --------------------------------------------------------------------------------------


def test_an_objective_must_do_without_a_generator() -> None:
    def wrong(W: Any, X: Any, rng: Any) -> Any:
        return np.sum(W * X) + rng.random()

    with pytest.raises(OptionError, match="rng=None"):
        wg.training_step(wrong, wg.optim.sgd(0.1))


def test_a_generator_from_outside_is_refused_with_what_to_write() -> None:
    outside = wg.random.default_rng(0)
    with pytest.raises(TraceError, match=r"random numbers of outside.*\n.*\n.*\n.*\n.*default_rng"):
        wg.trace(lambda x: x + outside.random(3), np.ones(3))
    with pytest.raises(TraceError, match=r"wg\.random\.key"):
        wg.trace(lambda x: x + np.random.rand(3), np.ones(3))


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (lambda r: wg.random.key(-1), OptionError),
        (lambda r: wg.random.key(1.5), OptionError),
        (lambda r: wg.random.key(True), OptionError),
        (lambda r: wg.random.fold(KEY, 0.5), DtypeError),
        (lambda r: wg.random.default_rng(np.zeros(2)).random(), DtypeError),
        (lambda r: wg.random.default_rng(np.zeros(3, np.uint32)).random(), ShapeError),
        (lambda r: r.random((2, -1)), OptionError),
        (lambda r: r.random(2.5), OptionError),
        (lambda r: r.random(2, "int32"), DtypeError),
        (lambda r: r.normal(np.ones(3), 1, 2), ShapeError),
        (lambda r: r.bernoulli(1.5), OptionError),
        (lambda r: r.integers(3, 3), OptionError),
        (lambda r: r.integers(2**40), OptionError),
        (lambda r: r.truncated_normal(2, 1), OptionError),
        (lambda r: r.choice(3, 4, replace=False), OptionError),
        (lambda r: r.choice(3, 4, p=[0.5, 0.1, 0.1]), OptionError),
        (lambda r: r.permutation(np.array(3.0)), ShapeError),
        (lambda r: r.bits(3, 16), OptionError),
        (lambda r: wg.nn.functional.dropout(np.ones(3), 1.0, r), OptionError),
    ],
)
def test_wrong_arguments_are_told(wrong: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        wrong(wg.random.default_rng(0))
