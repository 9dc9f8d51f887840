"""Minibatches: every example once, the same again, and taken up in the middle."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.base.errors import DataError, OptionError, ShapeError, WengertError
from wengert.data import Batches, split
from wengert.data.batches import permutation

# A run begun under one version of NumPy must be resumable under another.
FROZEN_0 = [9, 7, 2, 0, 4, 3, 5, 6, 1, 8]
FROZEN_1 = [6, 0, 1, 5, 7, 4, 9, 8, 3, 2]


def pairs(count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(2 * count).reshape(count, 2), np.arange(count)


@given(
    st.integers(1, 40), st.integers(1, 45), st.integers(0, 2**70), st.integers(0, 5), st.booleans()
)
def test_every_example_once_and_rows_stay_together(
    count: int, batch_size: int, seed: int, epoch: int, shuffle: bool
) -> None:
    batches = Batches(pairs(count), batch_size, seed, shuffle=shuffle)
    taken = list(batches.epoch(epoch))
    assert len(taken) == len(batches)
    assert all(len(y) == batch_size for _, y in taken[:-1])
    assert sorted(np.concatenate([y for _, y in taken])) == list(range(count))
    for x, y in taken:
        np.testing.assert_array_equal(x[:, 0], 2 * y)


@given(st.integers(1, 30), st.integers(1, 10), st.integers(0, 9), st.integers(0, 3), st.booleans())
def test_resumed_epoch_is_the_rest_of_the_whole(
    count: int, batch_size: int, seed: int, epoch: int, shuffle: bool
) -> None:
    whole = [y.tolist() for _, y in Batches(pairs(count), batch_size, seed, shuffle).epoch(epoch)]
    for start in range(len(whole) + 1):
        again = Batches(pairs(count), batch_size, seed, shuffle)
        assert [y.tolist() for _, y in again.epoch(epoch, start=start)] == whole[start:]


def test_order_is_a_frozen_fact() -> None:
    assert permutation(10, 0, 0, 0).tolist() == FROZEN_0
    assert permutation(10, 2**64 + 1, 0, 7).tolist() == FROZEN_1
    assert Batches(pairs(10), 3, seed=0).order(0).tolist() == FROZEN_0


def test_epochs_seeds_and_uses_differ() -> None:
    orders = [Batches(pairs(50), 8, seed).order(epoch) for seed in (0, 1) for epoch in (0, 1, 2)]
    orders.append(permutation(50, 0, 1))
    assert len({tuple(order) for order in orders}) == 7


def test_orders_are_even() -> None:
    first = np.array([permutation(6, 3, epoch)[0] for epoch in range(3000)])
    counts = np.bincount(first, minlength=6)
    # Six standard deviations of a binomial with p = 1/6.
    assert abs(counts - 500).max() < 6 * (3000 * 5 / 36) ** 0.5


def test_without_shuffle_the_order_is_kept_and_last_can_be_dropped() -> None:
    batches = Batches(pairs(7), 3, shuffle=False, drop_last=True)
    assert [y.tolist() for _, y in batches.epoch(4)] == [[0, 1, 2], [3, 4, 5]]
    assert len(batches) == 2


def test_containers_keep_their_shape() -> None:
    x, y = pairs(4)
    (batch,) = Batches({"image": x, "meta": (y, [y])}, 4, shuffle=False).epoch(0)
    assert list(batch) == ["image", "meta"] and isinstance(batch["meta"][1], list)
    (alone,) = Batches(y, 4, shuffle=False).epoch(0)
    assert alone.tolist() == [0, 1, 2, 3]


X, Y = pairs(4)
BAD: dict[str, tuple[Any, dict[str, Any], type[WengertError], str]] = {
    "lengths": ((X, Y[:3]), {}, ShapeError, r"arrays\[0\]: \(4, 2\), arrays\[1\]: \(3,\)"),
    "empty": ((X[:0], Y[:0]), {}, DataError, "no examples"),
    "no array": ((), {}, DataError, "no array"),
    "None": (None, {}, DataError, "no array"),
    "list": (([1, 2], Y), {}, DataError, r"arrays\[0\]\[0\] is no array"),
    "text": ((X, np.array(list("abcd"))), {}, DataError, "<U1"),
    "objects": (np.array([None]), {}, DataError, "object"),
    "scalar": ({"x": np.array(1.0)}, {}, ShapeError, r"arrays\['x'\]"),
    "NaN": ((np.array([[0.0], [np.nan]]), Y[:2]), {}, DataError, r"nan at \[1, 0\]"),
    "size 0": ((X, Y), {"batch_size": 0}, OptionError, "batch_size"),
    "size -1": ((X, Y), {"batch_size": -1}, OptionError, "batch_size"),
    "size 2.0": ((X, Y), {"batch_size": 2.0}, OptionError, "batch_size"),
    "size True": ((X, Y), {"batch_size": True}, OptionError, "batch_size"),
    "seed": ((X, Y), {"seed": -1}, OptionError, "seed"),
    "seed None": ((X, Y), {"seed": None}, OptionError, "seed"),
    "none left": ((X, Y), {"batch_size": 5, "drop_last": True}, OptionError, "at most 4"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case: str) -> None:
    arrays, options, error, words = BAD[case]
    with pytest.raises(error, match=words):
        Batches(arrays, **{"batch_size": 2, **options})


@pytest.mark.parametrize("epoch, start", [(-1, 0), (0, -1), (0, 3), (0.5, 0)])
def test_bad_place(epoch: Any, start: Any) -> None:
    with pytest.raises(OptionError):
        Batches((X, Y), 2).epoch(epoch, start)


@given(st.integers(2, 50), st.floats(0.001, 0.999), st.integers(0, 5))
def test_split_parts_are_disjoint_and_whole(count: int, fraction: float, seed: int) -> None:
    (x, y), (x_aside, y_aside) = split(pairs(count), fraction, seed)
    assert sorted([*y, *y_aside]) == list(range(count))
    assert 1 <= len(y_aside) <= count - 1 and abs(len(y_aside) - fraction * count) <= 1
    np.testing.assert_array_equal(x_aside[:, 0], 2 * y_aside)
    np.testing.assert_array_equal(x[:, 0], 2 * y)
    assert split(pairs(count), fraction, seed)[1][1].tolist() == y_aside.tolist()


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan"), True, "half"])
def test_split_refuses_fraction(fraction: Any) -> None:
    with pytest.raises(OptionError, match="fraction"):
        split((X, Y), fraction)


def test_split_refuses_one_example() -> None:
    with pytest.raises(DataError, match="both parts"):
        split(Y[:1], 0.5)
