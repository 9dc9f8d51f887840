"""Initial values: variance, seeds, fans, dtypes."""

from typing import Any

import numpy as np
import pytest

from wengert.base.errors import DtypeError, OptionError
from wengert.nn.init import glorot, he, mlp, zeros


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_variance_and_mean(distribution: str) -> None:
    for array, variance in [
        (he(0, (500, 200), distribution=distribution), 2 / 500),
        (he(0, (200, 500), form="columns", distribution=distribution), 2 / 500),
        (he(0, (8, 3, 50, 50), fan_in=75, distribution=distribution), 2 / 75),
        (glorot(0, (500, 200), distribution=distribution), 2 / 700),
        (glorot(0, (9, 9, 900), fan_in=9, fan_out=81, distribution=distribution), 2 / 90),
    ]:
        count = array.size
        # Five standard deviations: the kurtosis of a normal is 3, so var(s²) ≈ 2σ⁴/n.
        assert abs(array.astype(float).var() / variance - 1) < 5 * (2 / count) ** 0.5
        assert abs(array.astype(float).mean()) < 5 * (variance / count) ** 0.5


def test_uniform_stays_inside_its_bound_and_normal_does_not() -> None:
    for draw, bound in [(he, (6 / 100) ** 0.5), (glorot, (6 / 400) ** 0.5)]:
        inside = abs(draw(1, (100, 300), distribution="uniform")).max()
        assert 0.99 * bound < inside <= bound
        assert abs(draw(1, (100, 300), distribution="normal")).max() > bound


def test_fan_can_be_given_in_part() -> None:
    wide = glorot(0, (400, 600), fan_in=100, distribution="normal")
    np.testing.assert_allclose(wide.std(), (2 / 700) ** 0.5, rtol=0.02)


def test_seed_decides_and_dtype_only_rounds() -> None:
    np.testing.assert_array_equal(he(7, (4, 5)), he(7, (4, 5)))
    assert not np.array_equal(he(7, (4, 5)), he(8, (4, 5)))
    fine, coarse = he(7, (4, 5), dtype="float64"), he(7, (4, 5))
    assert coarse.dtype == np.float32
    np.testing.assert_array_equal(fine.astype("float32"), coarse)
    generator = np.random.default_rng(0)
    assert not np.array_equal(he(generator, (4, 5)), he(generator, (4, 5)))


def test_mlp_layers_draw_from_streams_of_their_own() -> None:
    small, large = mlp([4, 5, 2], seed=3), mlp([4, 5, 7, 2], seed=3)
    assert list(large) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    np.testing.assert_array_equal(small["W1"], large["W1"])
    square = mlp([5, 5, 5], seed=0)
    assert not np.array_equal(square["W1"], square["W2"])
    assert not np.array_equal(square["W1"], mlp([5, 5, 5], seed=1)["W1"])


def test_mlp_options() -> None:
    bare = mlp([3, 4, 2], bias=False, dtype="float64", init="glorot")
    assert list(bare) == ["W1", "W2"] and bare["W1"].dtype == np.float64
    assert abs(bare["W1"]).max() <= (6 / 7) ** 0.5

    def ones(generator: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        return np.ones(shape, dtype)

    own = mlp([3, 2], init=ones)
    np.testing.assert_array_equal(own["W1"], np.ones((3, 2)))
    np.testing.assert_array_equal(own["b1"], np.zeros(2))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: he(0, (3,)), "fans cannot be read off"),
        (lambda: glorot(0, (3, 4, 5), fan_in=3), "fans cannot be read off"),
        (lambda: he(0, (3, 0)), "shape"),
        (lambda: he(0, ()), "shape"),
        (lambda: he(0, "ab"), "shape"),
        (lambda: he(0, (3, 4), form="row"), "form"),
        (lambda: he(0, (3, 4), fan_in=0), "fan_in"),
        (lambda: glorot(0, (3, 4), fan_out=1.5), "fan_out"),
        (lambda: he(0, (3, 4), distribution="gauss"), "distribution"),
        (lambda: he(-1, (3, 4)), "seed"),
        (lambda: he(None, (3, 4)), "seed"),
        (lambda: mlp([3]), "widths"),
        (lambda: mlp([3, -1]), "widths"),
        (lambda: mlp([3, 4], seed=1.5), "seed"),
        (lambda: mlp([3, 4], init="kaiming"), "init"),
    ],
)  # fmt: skip
def test_options_that_make_no_sense(call: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        call()


@pytest.mark.parametrize("dtype", ["int32", "complex64", "float33", object])
def test_only_floats(dtype: Any) -> None:
    for call in (lambda: he(0, (3, 4), dtype=dtype), lambda: zeros((3,), dtype)):
        with pytest.raises(DtypeError, match="dtype"):
            call()
