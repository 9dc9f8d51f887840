"""Seeded initial values of parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from wengert.base.errors import DtypeError, OptionError

Array = np.ndarray[Any, np.dtype[Any]]
Seed = int | np.random.Generator


def he(
    seed: Seed,
    shape: Sequence[int],
    *,
    form: str = "rows",
    fan_in: int | None = None,
    distribution: str = "normal",
    dtype: Any = "float32",
) -> Array:
    """Draw weights that keep the size of a signal that passes through ReLU.

    Normal: w ~ N(0, 2 / fan_in). Uniform: w ~ U(−a, a), a = √(6 / fan_in). Both have variance
    2 / fan_in (He, Zhang, Ren and Sun, *Delving deep into rectifiers*, ICCV 2015).

    Parameters
    ----------
    seed
        An integer of at least 0, or a generator, which is drawn from.
    shape
        The shape of the weights.
    form
        How the matrix is used. "rows", the default: examples are rows, X W, with W of shape
        (inputs, outputs). "columns": W x or W X, with W of shape (outputs, inputs).
    fan_in
        The number of inputs, where it is not to be read off the shape; needed for anything but a
        matrix.
    distribution
        "normal" or "uniform".
    dtype
        The float type of the result. The draw is the same for each, rounded.

    Raises
    ------
    OptionError
        A shape, form, fan, distribution or seed that makes no sense.
    DtypeError
        ``dtype`` is no float type.

    Examples
    --------
    >>> W = he(0, (784, 256))
    >>> W.dtype, round(float(W.std() / (2 / 784) ** 0.5), 2)
    (dtype('float32'), 1.0)
    """
    sizes = _check_shape("he", shape)
    inputs, _ = _fans("he", sizes, form, fan_in, 1 if fan_in is not None else None)
    draw = _distribution("he", distribution, 2 / inputs)
    return draw(_generator("he", seed), sizes).astype(_check_dtype("he", dtype))


def glorot(
    seed: Seed,
    shape: Sequence[int],
    *,
    form: str = "rows",
    fan_in: int | None = None,
    fan_out: int | None = None,
    distribution: str = "uniform",
    dtype: Any = "float32",
) -> Array:
    """Draw weights that keep the size of signals and gradients through tanh and the like.

    Uniform: w ~ U(−a, a), a = √(6 / (fan_in + fan_out)). Normal: w ~ N(0, 2 / (fan_in + fan_out)).
    Both have variance 2 / (fan_in + fan_out) (Glorot and Bengio, *Understanding the difficulty of
    training deep feedforward neural networks*, AISTATS 2010, which uses the uniform one).

    Parameters
    ----------
    seed
        An integer of at least 0, or a generator, which is drawn from.
    shape
        The shape of the weights.
    form
        "rows", the default: X W with W of shape (inputs, outputs). "columns": W x with W of shape
        (outputs, inputs). The variance is the same.
    fan_in, fan_out
        The numbers of inputs and outputs, where they are not to be read off the shape; both are
        needed for anything but a matrix.
    distribution
        "uniform" or "normal".
    dtype
        The float type of the result. The draw is the same for each, rounded.

    Raises
    ------
    OptionError
        A shape, form, fan, distribution or seed that makes no sense.
    DtypeError
        ``dtype`` is no float type.

    Examples
    --------
    >>> W = glorot(0, (300, 100))
    >>> bool(abs(W).max() <= (6 / 400) ** 0.5)
    True
    """
    sizes = _check_shape("glorot", shape)
    inputs, outputs = _fans("glorot", sizes, form, fan_in, fan_out)
    draw = _distribution("glorot", distribution, 2 / (inputs + outputs))
    return draw(_generator("glorot", seed), sizes).astype(_check_dtype("glorot", dtype))


def zeros(shape: Sequence[int], dtype: Any = "float32") -> Array:
    """Return zeros, the usual first value of a bias.

    Raises
    ------
    OptionError
        The shape makes no sense.
    DtypeError
        ``dtype`` is no float type.

    Examples
    --------
    >>> zeros((3,))
    array([0., 0., 0.], dtype=float32)
    """
    return np.zeros(_check_shape("zeros", shape), dtype=_check_dtype("zeros", dtype))


_INITIALISERS: dict[str, Callable[..., Array]] = {"he": he, "glorot": glorot}


def mlp(
    widths: Sequence[int],
    seed: int = 0,
    *,
    bias: bool = True,
    dtype: Any = "float32",
    init: str | Callable[..., Array] = "he",
) -> dict[str, Array]:
    """Return the parameters of a multilayer perceptron in rows form, X W + b.

    Layer l of widths[l−1] inputs and widths[l] outputs has ``W{l}`` of that shape and, where
    asked for, ``b{l}`` of shape (widths[l],), zero at first. Each layer draws from a stream of its
    own, keyed by (seed, l).

    Parameters
    ----------
    widths
        The width of every layer from the input to the output, at least two.
    seed
        An integer of at least 0.
    bias
        Whether the layers have biases.
    dtype
        The float type of all parameters.
    init
        "he", "glorot", or a function called as ``init(generator, shape, dtype=dtype)``.

    Returns
    -------
    parameters
        ``{"W1": …, "b1": …, "W2": …, …}``

    Raises
    ------
    OptionError
        Widths, seed or ``init`` that make no sense.
    DtypeError
        ``dtype`` is no float type.

    Examples
    --------
    >>> {name: value.shape for name, value in mlp([64, 32, 10]).items()}
    {'W1': (64, 32), 'b1': (32,), 'W2': (32, 10), 'b2': (10,)}
    """
    sizes = _check_shape("mlp: widths", widths)
    if len(sizes) < 2:
        raise OptionError(
            "mlp: widths", expected="at least two, input and output", got=repr(widths)
        )
    draw = _INITIALISERS.get(init) if isinstance(init, str) else init
    if draw is None:
        raise OptionError("mlp: init", expected='"he", "glorot" or a function', got=repr(init))
    _check_seed("mlp", seed)
    parameters: dict[str, Array] = {}
    for layer, shape in enumerate(pairwise(sizes), start=1):
        stream = np.random.SeedSequence(seed, spawn_key=(layer,))
        generator = np.random.Generator(np.random.PCG64(stream))
        parameters[f"W{layer}"] = draw(generator, shape, dtype=dtype)
        if bias:
            parameters[f"b{layer}"] = zeros(shape[1:], dtype)
    return parameters


def _fans(
    name: str, shape: tuple[int, ...], form: str, fan_in: int | None, fan_out: int | None
) -> tuple[int, int]:
    if form not in ("rows", "columns"):
        raise OptionError(f"{name}: form", expected='"rows" or "columns"', got=repr(form))
    for what, fan in (("fan_in", fan_in), ("fan_out", fan_out)):
        if fan is not None and (not _is_integer(fan) or fan < 1):
            raise OptionError(f"{name}: {what}", expected="an integer ≥ 1", got=repr(fan))
    if fan_in is not None and fan_out is not None:
        return fan_in, fan_out
    if len(shape) != 2:
        raise OptionError(
            f"{name}: the fans cannot be read off shape {shape}",
            expected="a matrix",
            got=f"{len(shape)} axes",
            remedy="give fan_in= (and fan_out= for glorot)",
        )
    inputs, outputs = shape if form == "rows" else shape[::-1]
    return fan_in or inputs, fan_out or outputs


def _distribution(name: str, distribution: str, variance: float) -> Callable[..., Array]:
    bound = math.sqrt(3 * variance)
    if distribution == "normal":
        return lambda generator, shape: generator.standard_normal(shape) * math.sqrt(variance)
    if distribution == "uniform":
        return lambda generator, shape: generator.uniform(-bound, bound, shape)
    raise OptionError(
        f"{name}: distribution", expected='"normal" or "uniform"', got=repr(distribution)
    )


def _generator(name: str, seed: Seed) -> np.random.Generator:
    if isinstance(seed, np.random.Generator):
        return seed
    _check_seed(name, seed)
    return np.random.Generator(np.random.PCG64(seed))


def _check_seed(name: str, seed: Any) -> None:
    if not _is_integer(seed) or seed < 0:
        raise OptionError(
            f"{name}: seed", expected="an integer of at least 0, or a generator", got=repr(seed)
        )


def _check_shape(name: str, shape: Any) -> tuple[int, ...]:
    sizes = tuple(shape) if isinstance(shape, Sequence) else ()
    if isinstance(shape, str) or not sizes or not all(_is_integer(n) and n >= 1 for n in sizes):
        raise OptionError(f"{name}: shape", expected="integers of at least 1", got=repr(shape))
    return tuple(int(size) for size in sizes)


def _check_dtype(name: str, dtype: Any) -> np.dtype[Any]:
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = None
    if kind is None or kind.kind != "f":
        raise DtypeError(
            f"{name}: dtype", expected='a float type, such as "float32"', got=repr(dtype)
        )
    return kind


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
