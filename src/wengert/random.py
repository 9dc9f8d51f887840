"""Random numbers that follow from a key: the same bits wherever, and however often, they are drawn.

A draw is a function of a key, of its place (the how-manieth of its generator) and of the number of
each element; no state is kept. So the backward pass that computes an intermediate again draws the
same numbers again, a resumed run goes on as it would have, and the interpreter, a program and any
number of its threads agree to the bit.

A key is an array like any other: an argument, so that each call can have its own.

>>> def noisy(x, key):
...     rng = default_rng(key)
...     return np.sum((x + rng.normal(scale=0.1, size=x.shape)) ** 2)
>>> x = np.ones(3)
>>> bool(noisy(x, key(1)) == noisy(x, key(1))), bool(noisy(x, key(1)) == noisy(x, key(2)))
(True, False)

In training, an objective with an argument ``rng=None`` is given a generator for each step, and none
where nothing is trained (:func:`wengert.fit`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, inf, sqrt
from typing import Any

import numpy as np

from wengert.base.errors import DtypeError, OptionError, ShapeError
from wengert.base.shapes import Shape, broadcast
from wengert.functions.calls import shape_of, use
from wengert.operators.broadcasting import broadcast_shape
from wengert.tracing.indexing import getitem
from wengert.tracing.tracer import Tracer, is_tracer

__all__ = ["Generator", "default_rng", "fold", "key"]

Size = int | Sequence[int] | None
# Places of draws lie below; folding counts from here, so that they never meet.
_FOLDED = 2**31
_WORD = 2**32


def key(seed: Any) -> Any:
    """Return the key of a seed: two 32-bit words.

    Args:
        seed: an integer of at least 0, below 2⁶⁴.

    Raises:
        OptionError: the seed is something else.

    >>> key(7)
    array([7, 0], dtype=uint32)
    """
    if not _is_count(seed) or not 0 <= int(seed) < 2**64:
        raise OptionError(
            "the seed of a key", expected="an integer from 0 to 2**64 - 1", got=repr(seed)
        )
    return np.array([int(seed) % _WORD, int(seed) // _WORD], np.uint32)


def fold(key: Any, number: Any) -> Any:
    """Return another key: that of a key and a number, such as a step or an example.

    Args:
        key: a key, shape (2,).
        number: an integer, counted modulo 2³²; it may be traced.

    >>> bool((fold(key(0), 1) == fold(key(0), 2)).any())
    False
    """
    word = number if is_tracer(number) else np.asarray(number)
    if word.dtype.kind not in "iu" or word.shape != ():
        raise DtypeError(
            "a key is folded with something that is no number",
            expected="an integer",
            got=f"{word.dtype.name} of shape {word.shape}",
        )
    word = word.astype(np.uint32)
    pair = [
        use("threefry", key[0], key[1], word, np.uint32(_FOLDED + half), bits=32) for half in (0, 1)
    ]
    return np.stack(pair)


def default_rng(key: Any = 0) -> Generator:
    """Return a generator that draws from a key, or from the key of a seed.

    >>> float(default_rng(3).random()) == float(default_rng(3).random())
    True
    """
    return Generator(key)


class Generator:
    """Draws numbers from a key; each draw has a place of its own, counted from 0.

    Methods have the names and arguments of ``numpy.random.Generator``. Gradients pass through
    ``loc``, ``scale``, ``low`` and ``high``; what is drawn is constant.

    Args:
        key: from :func:`key`, an argument of the traced function; or a seed.
    """

    def __init__(self, key: Any) -> None:
        self.key: Any = _key(key) if _is_count(key) else key
        self._place = 0
        if not isinstance(self.key, Tracer):
            self.key = np.asarray(self.key)

    def __wengert_drawn__(self) -> int | None:
        """Return how often it was drawn from; None where its key is an argument of a trace."""
        return None if isinstance(self.key, Tracer) else self._place

    # -- Bits -------------------------------------------------------------------------------------

    def bits(self, size: Size = None, width: int = 32) -> Any:
        """Return 32 or 64 random bits an element, as unsigned integers."""
        if width not in (32, 64):
            raise OptionError("random bits", expected="a width of 32 or 64", got=repr(width))
        shape = _shape(size)
        place, self._place = self._place, self._place + 1
        return use("random_bits", self.key, shape=shape, place=place, bits=width)

    def _unit(self, shape: Shape, dtype: str, *, middle: bool, width: int | None = None) -> Any:
        width = width or (32 if dtype == "float32" else 64)
        return use("unit_interval", self.bits(shape, width), dtype=dtype, middle=middle)

    # -- Distributions ----------------------------------------------------------------------------

    def random(self, size: Size = None, dtype: Any = None) -> Any:
        """Draw from [0, 1), every multiple of 2⁻⁵³ (float32: 2⁻²⁴) as likely as any other."""
        return self._unit(_shape(size), _dtype(dtype), middle=False)

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Size = None, dtype: Any = None) -> Any:
        """Draw from [low, high).

        >>> x = default_rng(0).uniform(-1, 1, 1000)
        >>> bool(x.min() >= -1), bool(x.max() < 1), bool(abs(x.mean()) < 0.1)
        (True, True, True)
        """
        shape, dtype = _shape(size, low, high), _dtype(dtype, low, high)
        return low + (high - low) * self.random(shape, dtype)

    def standard_normal(self, size: Size = None, dtype: Any = None) -> Any:
        """Draw from the normal distribution of mean 0 and standard deviation 1.

        z = Φ⁻¹(u) of a uniform u, which uses only what IEEE 754 rounds in one way.
        """
        shape, name = _shape(size), _dtype(dtype)
        # One word reaches 6.2 standard deviations; in double precision two reach 8.2.
        width = 32 if name == "float32" else 64
        u = self._unit(shape, "float64", middle=True, width=width)
        return use("normal_ppf", u).astype(name)

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Size = None, dtype: Any = None) -> Any:
        """Draw from the normal distribution: loc + scale · z.

        >>> x = default_rng(0).normal(5, 2, 10_000)
        >>> bool(abs(x.mean() - 5) < 0.1), bool(abs(x.std() - 2) < 0.1)
        (True, True)
        """
        shape, dtype = _shape(size, loc, scale), _dtype(dtype, loc, scale)
        return loc + scale * self.standard_normal(shape, dtype)

    def truncated_normal(  # noqa: PLR0917 - as NumPy's: bounds, place, scale, size
        self, low: float = -2.0, high: float = 2.0, loc: Any = 0.0, scale: Any = 1.0,
        size: Size = None, dtype: Any = None,
    ) -> Any:  # fmt: skip
        """Draw loc + scale · z with z normal, given low ≤ z ≤ high.

        >>> x = default_rng(0).truncated_normal(-1, 1, size=1000)
        >>> bool(np.abs(x).max() <= 1)
        True
        """
        low, high = _bounds(low, high)
        shape, name = _shape(size, loc, scale), _dtype(dtype, loc, scale)
        # The upper tail of Φ has no digits: it is drawn as the lower one, mirrored.
        sign, (a, b) = (-1.0, (-high, -low)) if low > 0 else (1.0, (low, high))
        under, over = _normal_cdf(a), _normal_cdf(b)
        u = under + (over - under) * self._unit(shape, "float64", middle=True)
        z = sign * np.clip(use("normal_ppf", u), a, b)
        return loc + scale * z.astype(name)

    def exponential(self, scale: Any = 1.0, size: Size = None, dtype: Any = None) -> Any:
        """Draw from the exponential distribution of mean ``scale``.

        >>> bool(abs(default_rng(0).exponential(3, 10_000).mean() - 3) < 0.2)
        True
        """
        shape, name = _shape(size, scale), _dtype(dtype, scale)
        u = self._unit(shape, "float64", middle=True)
        return scale * use("exponential_isf", u).astype(name)

    def bernoulli(self, p: Any = 0.5, size: Size = None) -> Any:
        """Draw booleans that are True with probability p; no gradient reaches p.

        >>> bool(abs(default_rng(0).bernoulli(0.9, 10_000).mean() - 0.9) < 0.02)
        True
        """
        if not is_tracer(p) and not np.all((np.asarray(p) >= 0) & (np.asarray(p) <= 1)):
            raise OptionError("bernoulli", expected="probabilities from 0 to 1", got=f"p = {p!r}")
        return self._unit(_shape(size, p), "float64", middle=False, width=32) < p

    # -- Whole numbers and choices ----------------------------------------------------------------

    def integers(self, low: int, high: int | None = None, size: Size = None) -> Any:
        """Draw integers from [low, high), or from [0, low); at most 2³² apart.

        >>> sorted(set(default_rng(0).integers(3, size=100).tolist()))
        [0, 1, 2]
        """
        low, high = (0, low) if high is None else (low, high)
        return use("bounded_integer", self.bits(size), low=int(low), high=int(high))

    def permutation(self, x: Any) -> Any:
        """Return the numbers below x, or the rows of x, in random order.

        >>> sorted(default_rng(0).permutation(5).tolist())
        [0, 1, 2, 3, 4]
        """
        is_count = _is_count(x)
        count = int(x) if is_count else _rows(x)
        order = np.argsort(self.bits(count, 64), kind="stable")
        return order if is_count else _picked(x, order)

    def choice(self, a: Any, size: Size = None, replace: bool = True, p: Any = None) -> Any:
        """Draw from the numbers below ``a``, or from the rows of ``a``.

        Args:
            a: a number or an array.
            size: how many; None draws one.
            replace: whether one may be drawn twice.
            p: the probability of each, known when the function is traced; None makes all alike.

        >>> default_rng(0).choice(np.array([5.0, 7.0]), 4, p=[0, 1])
        array([7., 7., 7., 7.])
        """
        is_count = _is_count(a)
        places = self._places(int(a) if is_count else _rows(a), size, replace, p)
        return places if is_count else _picked(a, places)

    def _places(self, count: int, size: Size, replace: bool, p: Any) -> Any:
        if p is None and replace:
            return self.integers(count, size=size)
        if p is not None and replace:
            return self._weighted(_cumulative(p, count), _shape(size))
        shape = _shape(size)
        wanted = int(np.prod(shape))
        if p is not None or wanted > count:
            raise OptionError(
                "choice without replacement",
                expected=f"at most {count} draws, all alike",
                got=f"{wanted} draws" + ("" if p is None else " with probabilities"),
                remedy="replace=True",
            )
        return np.reshape(self.permutation(count)[:wanted], shape)

    def _weighted(self, cumulative: Any, shape: Shape) -> Any:
        u = np.reshape(self.random(shape, "float64"), (*shape, 1))
        return np.sum(u >= cumulative[:-1], axis=-1)

    def spawn(self, count: int) -> list[Generator]:
        """Return generators whose draws have nothing to do with one another, nor with these."""
        number, self._place = self._place, self._place + 1
        own = fold(self.key, number)
        return [Generator(fold(own, each)) for each in range(count)]


_key = key


def _is_count(x: Any) -> bool:
    return isinstance(x, int | np.integer) and not isinstance(x, bool)


def _shape(size: Size, *parameters: Any) -> Shape:
    """Return the shape of a draw: as asked for, else that of the parameters."""
    found = broadcast_shape("a draw", *(shape_of(each) for each in parameters))
    if size is None:
        return found
    wanted: tuple[Any, ...] = tuple(size) if isinstance(size, Sequence) else (size,)
    if not all(_is_count(n) and n >= 0 for n in wanted):
        raise OptionError(
            "the size of a draw", expected="numbers of at least 0, known while tracing",
            got=repr(size), remedy="x.shape, or a number",
        )  # fmt: skip
    shape = tuple(int(n) for n in wanted)
    if broadcast(found, shape) != shape:
        raise ShapeError(
            "the size of a draw", expected=f"one that parameters of shape {found} broadcast to",
            got=str(shape),
        )  # fmt: skip
    return shape


def _dtype(dtype: Any, *parameters: Any) -> str:
    """Return the dtype of a draw: as asked for, else that of the arrays among the parameters."""
    if dtype is None:
        kinds = {each.dtype.name for each in parameters if getattr(each, "dtype", None) is not None}
        floats = [name for name in kinds if name in ("float32", "float64")]
        return "float32" if floats == ["float32"] else "float64"
    name = np.dtype(dtype).name
    if name not in ("float32", "float64"):
        raise DtypeError(
            f"random numbers of {name}", expected="float32 or float64", got=name,
            remedy=f'draw float32, then .astype("{name}")',
        )  # fmt: skip
    return name


def _picked(x: Any, rows: Any) -> Any:
    # An array that is a constant knows nothing of traced places.
    return getitem(x, rows) if is_tracer(rows) else x[rows]


def _rows(x: Any) -> int:
    shape = shape_of(x)
    if not shape:
        raise ShapeError("a random order of a scalar", expected="a number known while tracing, "
                         "or an array with rows", got="an array of shape ()")  # fmt: skip
    return shape[0]


def _bounds(low: Any, high: Any) -> tuple[float, float]:
    low, high = float(low), float(high)
    if not low < high or low == inf or high == -inf:
        raise OptionError(
            "truncated_normal", expected="low < high", got=f"low = {low}, high = {high}"
        )
    return low, high


def _normal_cdf(x: float) -> float:
    return 0.5 * erfc(-x / sqrt(2))


def _cumulative(p: Any, count: int) -> Any:
    weights = np.asarray(p, np.float64)
    fits = weights.shape == (count,) and np.all(weights >= 0)
    if not fits or abs(float(weights.sum()) - 1) > 1e-6:
        raise OptionError(
            "choice: p", expected=f"{count} probabilities whose sum is 1",
            got=f"shape {weights.shape}, sum {weights.sum():g}",
        )  # fmt: skip
    return np.cumsum(weights) / weights.sum()
