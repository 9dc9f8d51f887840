"""Seeded, resumable minibatches, and the split that sets a part of the data aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.base.errors import DataError, OptionError, ShapeError
from wengert.base.tree import Structure, flatten, path_text, paths, unflatten
from wengert.data.files import Array, check_finite

# The first word of the stream's key, so that no two uses of one seed ever share random bits.
_EPOCHS, _SPLIT = 0, 1


def permutation(count: int, seed: int, *key: int) -> Array:
    """Return a random order of ``count`` rows that is a pure function of the seed and the key.

    π = argsort(u), u_i the i-th raw 64-bit word of PCG64(SeedSequence(seed, spawn_key=key)). Raw
    words, unlike NumPy's own ``Generator.permutation``, are promised never to change with the
    version of NumPy (NEP 19), so a run may be resumed under another one.

    Examples
    --------
    >>> permutation(5, 0, 1)
    array([1, 3, 2, 0, 4])
    """
    bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key))
    return np.argsort(bits.random_raw(count), kind="stable")


@dataclass(frozen=True, eq=False)
class Batches:
    """Minibatches of arrays that share their first axis, the examples.

    The order of the examples in epoch e is a pure function of (seed, e), so training can be taken
    up again at any batch of any epoch.

    Parameters
    ----------
    arrays
        One array or a nested container of arrays, each of shape (examples, …).
    batch_size
        Examples in a batch, at least 1.
    seed
        The seed of the order, an integer of at least 0.
    shuffle
        Draw a new order for each epoch; without it the examples keep theirs, and the batches are
        views of the arrays.
    drop_last
        Leave out the last batch of an epoch where it is smaller than the others.
    finite
        Refuse NaN and infinity, once, here.

    Raises
    ------
    DataError
        No examples, different numbers of examples, no array, NaN or infinity.
    OptionError
        A batch size or seed that makes no sense, or no whole batch with ``drop_last``.

    Examples
    --------
    >>> x, y = np.arange(10.0).reshape(5, 2), np.arange(5)
    >>> batches = Batches((x, y), batch_size=2, seed=0)
    >>> len(batches)
    3
    >>> [labels.tolist() for _, labels in batches.epoch(1)]
    [[3, 4], [0, 2], [1]]
    >>> [labels.tolist() for _, labels in batches.epoch(1, start=2)]
    [[1]]
    """

    arrays: Any
    batch_size: int
    seed: int = 0
    shuffle: bool = True
    drop_last: bool = False
    finite: bool = True
    example_count: int = field(init=False)
    _leaves: tuple[Array, ...] = field(init=False, repr=False)
    _structure: Structure = field(init=False, repr=False)

    def __post_init__(self) -> None:
        leaves, structure, count = _examples(self.arrays, "Batches", finite=self.finite)
        _check_integer("Batches: batch_size", self.batch_size, least=1)
        _check_integer("Batches: seed", self.seed, least=0)
        if self.drop_last and self.batch_size > count:
            raise OptionError(
                "Batches: drop_last leaves no batch",
                expected=f"batch_size of at most {count}, the number of examples",
                got=f"batch_size = {self.batch_size}",
                remedy="make batch_size smaller or leave drop_last out",
            )
        object.__setattr__(self, "example_count", count)
        object.__setattr__(self, "_leaves", leaves)
        object.__setattr__(self, "_structure", structure)

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        whole, rest = divmod(self.example_count, self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def order(self, epoch: int) -> Array:
        """Return the order of the examples in an epoch, shape (examples,)."""
        _check_integer("Batches.order: epoch", epoch, least=0)
        if not self.shuffle:
            return np.arange(self.example_count)
        return permutation(self.example_count, self.seed, _EPOCHS, epoch)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Any]:
        """Return the batches of an epoch from batch ``start`` on, each shaped as ``arrays``.

        Raises
        ------
        OptionError
            ``epoch`` is negative, or ``start`` is not from 0 to the number of batches.
        """
        _check_integer("Batches.epoch: epoch", epoch, least=0)
        _check_integer("Batches.epoch: start", start, least=0)
        if start > len(self):
            raise OptionError(
                "Batches.epoch: start",
                expected=f"from 0 to {len(self)}, the number of batches",
                got=str(start),
            )
        return self._from(epoch, start)

    def _from(self, epoch: int, start: int) -> Iterator[Any]:
        order = self.order(epoch) if self.shuffle else None
        for batch in range(start, len(self)):
            rows = slice(batch * self.batch_size, (batch + 1) * self.batch_size)
            taken = rows if order is None else order[rows]
            yield unflatten(self._structure, [leaf[taken] for leaf in self._leaves])


def split(arrays: Any, fraction: float, seed: int = 0) -> tuple[Any, Any]:
    """Set a random part of the examples aside, for validation.

    Of n examples, max(1, round(fraction · n)) are set aside, and at least one stays.

    Parameters
    ----------
    arrays
        One array or a nested container of arrays, each of shape (examples, …).
    fraction
        The part to set aside, between 0 and 1.
    seed
        The seed of the choice, an integer of at least 0.

    Returns
    -------
    rest, aside
        Copies, in the container of ``arrays``.

    Raises
    ------
    DataError
        Fewer than two examples, or arrays of different length.
    OptionError
        A fraction or seed that makes no sense.

    Examples
    --------
    >>> (x, y), (x_aside, y_aside) = split((np.zeros((10, 3)), np.arange(10)), 0.2)
    >>> x.shape, y_aside
    ((8, 3), array([1, 3]))
    """
    leaves, structure, count = _examples(arrays, "split", finite=False)
    _check_integer("split: seed", seed, least=0)
    if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 < fraction < 1:
        raise OptionError(
            "split: fraction", expected="a number between 0 and 1", got=repr(fraction)
        )
    if count < 2:
        raise DataError("split needs examples for both parts", expected="at least 2", got="1")
    size = min(max(1, round(fraction * count)), count - 1)
    order = permutation(count, seed, _SPLIT)
    parts = (np.sort(order[size:]), np.sort(order[:size]))
    rest, aside = (unflatten(structure, [leaf[rows] for leaf in leaves]) for rows in parts)
    return rest, aside


def _examples(arrays: Any, asked: str, finite: bool) -> tuple[tuple[Array, ...], Structure, int]:
    """Return the arrays, their structure and the number of examples that they all share."""
    leaves, structure = flatten(arrays)
    names = [f"arrays{path_text(path)}" for path in paths(structure)]
    if not leaves:
        raise DataError(f"{asked} got no array", expected="at least one", got=repr(arrays))
    for name, leaf in zip(names, leaves, strict=True):
        _check_leaf(asked, name, leaf)
    lengths = [len(leaf) for leaf in leaves]
    shapes = ", ".join(f"{name}: {leaf.shape}" for name, leaf in zip(names, leaves, strict=True))
    if len(set(lengths)) > 1:
        raise ShapeError(
            f"{asked}: the arrays do not share their first axis, the examples",
            expected="as many examples in each",
            got=shapes,
            remedy="check that the labels belong to these inputs",
        )
    if lengths[0] == 0:
        raise DataError(
            f"{asked} got no examples",
            expected="at least one",
            got=shapes,
        )
    if finite:
        for name, leaf in zip(names, leaves, strict=True):
            check_finite(leaf, f"{asked}: {name}")
    return tuple(leaves), structure, lengths[0]


def _check_leaf(asked: str, name: str, leaf: Any) -> None:
    if not isinstance(leaf, np.ndarray) or leaf.dtype.kind not in "biufc":
        got = f"dtype {leaf.dtype}" if isinstance(leaf, np.ndarray) else type(leaf).__name__
        raise DataError(
            f"{asked}: {name} is no array of numbers",
            expected="a numpy.ndarray of numbers",
            got=got,
            remedy="convert it with numpy.asarray(…, dtype=…); put several arrays into a tuple",
        )
    if leaf.ndim == 0:
        raise ShapeError(
            f"{asked}: {name} has no axis of examples",
            expected="shape (examples, …)",
            got="shape ()",
        )


def _check_integer(asked: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise OptionError(asked, expected=f"an integer of at least {least}", got=repr(value))
