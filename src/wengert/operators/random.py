"""Operators that draw random numbers: bits from a counter, and what is made of them."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from wengert.base.errors import DtypeError, OptionError, ShapeError
from wengert.base.shapes import Shape, size
from wengert.operators.arithmetic import divide_or_zero, multiply_or_zero
from wengert.operators.blockwise import BLOCK, block_workspace, blockwise
from wengert.operators.broadcasting import broadcast_shape, like, nbytes
from wengert.operators.counter import mixed, words
from wengert.operators.dispatch import recordable
from wengert.operators.quantile import (
    minus_log,
    minus_log_scalar,
    normal_ppf,
    normal_ppf_scalar,
)
from wengert.operators.record import Cost, Operator, Samples, Type
from wengert.operators.samples import cases, real, unary

_MOST = 2**32
# Twenty rounds of an addition, a rotation and a difference, and the keys between them.
_BITS_COST = Cost(flops=100)


def _wanted(bits: int) -> np.dtype[Any]:
    return np.dtype(np.uint32 if bits == 32 else np.uint64)


def _need(name: str, x: Type, kinds: str) -> None:
    if x.dtype.name not in kinds.split():
        raise DtypeError(
            f"{name} of an array of {x.dtype.name}",
            expected=kinds.replace(" ", " or "),
            got=f"{x.dtype.name} of shape {x.shape}",
        )


# -- Bits ------------------------------------------------------------------------------------------


def _joined(key: tuple[Any, Any], counter: tuple[Any, Any], bits: int) -> Any:
    first, second = words(key, counter)
    if bits == 32:
        return first
    return first.astype(np.uint64) << np.uint64(32) | second


def _threefry(k0: Any, k1: Any, c0: Any, c1: Any, *, bits: int) -> Any:
    def block(k0: Any, k1: Any, c0: Any, c1: Any) -> Any:
        return _joined((k0, k1), (c0, c1), bits)

    return blockwise(block, _wanted(bits), k0, k1, c0, c1)


def _threefry_scalar(b: Any, k0: Any, k1: Any, c0: Any, c1: Any, *, bits: int) -> Any:
    first, second = mixed(b, (k0, k1), (c0, c1))
    if bits == 32:
        return first
    return b.bit_or(b.shift_left(b.cast(first, "uint64"), 32), b.cast(second, "uint64"))


def _threefry_result(*operands: Type, bits: int) -> Type:
    for each in operands:
        _need("threefry", each, "uint32")
    return Type(broadcast_shape("threefry", *(each.shape for each in operands)), _wanted(bits))


threefry = recordable("threefry", _threefry)


def _random_bits(key: Any, *, shape: Shape, place: int, bits: int) -> Any:
    found = np.empty(size(shape), _wanted(bits))
    pair, at = (np.asarray(key[0]), np.asarray(key[1])), np.array(place, np.uint32)
    for begin in range(0, len(found), BLOCK):
        counter = np.arange(begin, min(begin + BLOCK, len(found)), dtype=np.uint32)
        found[begin : begin + BLOCK] = _joined(pair, (counter, at), bits)
    return found.reshape(shape)


def _numbered(key: Any, *, shape: Shape, place: int, bits: int) -> Any:
    """The same, element by element: what a compiler, and a batch of keys, make of it."""
    counter = np.arange(size(shape), dtype=np.uint32).reshape(shape)
    return threefry(key[0], key[1], counter, np.array(place, np.uint32), bits=bits)


def _random_bits_result(key: Type, *, shape: Shape, place: int, bits: int) -> Type:
    _need("a random key", key, "uint32")
    if key.shape != (2,):
        raise ShapeError(
            "a random key of another shape",
            expected="two 32-bit words, shape (2,)",
            got=f"shape {key.shape}",
            remedy="wg.random.key(seed), or one row of several keys",
        )
    if size(shape) > _MOST:
        raise OptionError("a draw", expected=f"at most {_MOST} numbers", got=f"shape {shape}")
    return Type(shape, _wanted(bits))


def _threefry_workspace(*operands: Type, bits: int) -> int:
    return block_workspace(17 if bits == 32 else 25)(*operands)


def _random_bits_workspace(key: Type, *, shape: Shape, place: int, bits: int) -> int:
    return (17 if bits == 32 else 28) * min(size(shape), BLOCK)


def _drawn_words(rng: np.random.Generator, shape: Shape) -> Any:
    return np.asarray(rng.integers(0, _MOST, shape, dtype=np.uint32))


def _threefry_cases(rng: np.random.Generator) -> Any:
    shapes: tuple[tuple[Shape, ...], ...] = (
        ((), (), (), ()), ((), (), (5,), ()), ((2, 1), (2, 1), (1, 3), ()),
        ((), (), (0, 3), ()),
    )  # fmt: skip
    return [
        (tuple(_drawn_words(rng, shape) for shape in each), {"bits": bits})
        for each in shapes
        for bits in (32, 64)
    ]


def _random_bits_cases(rng: np.random.Generator) -> Any:
    return [
        ((_drawn_words(rng, (2,)),), {"shape": shape, "place": place, "bits": bits})
        for shape in ((), (5,), (2, 3), (0, 2))
        for place, bits in ((0, 32), (7, 64))
    ]


# -- Numbers ---------------------------------------------------------------------------------------


def _digits(bits: Any, dtype: str, middle: bool) -> tuple[int, int]:
    """Return by how much bits are shifted, and how many are left: as many as are exact."""
    width = 8 * bits.dtype.itemsize
    digits = min(width, (24 if dtype == "float32" else 53) - middle)
    return width - digits, digits


def _unit_interval(x: Any, *, dtype: str, middle: bool) -> Any:
    shift, digits = _digits(x, dtype, middle)
    number = np.asarray(np.right_shift(x, x.dtype.type(shift), order="C")).astype(dtype)
    number += number.dtype.type(0.5 * middle)
    number *= number.dtype.type(2.0**-digits)
    return number


def _unit_interval_scalar(b: Any, x: Any, *, dtype: str, middle: bool) -> Any:
    shift, digits = _digits(x, dtype, middle)
    number = b.cast(b.shift_right(x, shift) if shift else x, dtype)
    return b.mul(b.add(number, 0.5) if middle else number, 2.0**-digits)


def _unit_interval_result(x: Type, *, dtype: str, middle: bool) -> Type:
    _need("unit_interval", x, "uint32 uint64")
    if dtype not in ("float32", "float64"):
        raise DtypeError(f"random numbers of {dtype}", expected="float32 or float64", got=dtype)
    return Type(x.shape, np.dtype(dtype))


def _bounded(x: Any, *, low: int, high: int) -> Any:
    scaled = np.array(x, np.uint64, order="C")
    scaled *= np.uint64(high - low)
    scaled >>= np.uint64(32)
    found = scaled.view(np.int64)
    found += low
    return found


def _bounded_scalar(b: Any, x: Any, *, low: int, high: int) -> Any:
    scaled = b.shift_right(b.mul(b.cast(x, "uint64"), high - low), 32)
    return b.add(b.cast(scaled, "int64"), low)


def _bounded_result(x: Type, *, low: int, high: int) -> Type:
    _need("bounded_integer", x, "uint32")
    if not 0 < high - low <= _MOST:
        raise OptionError(
            "random integers between bounds",
            expected=f"low < high, at most {_MOST} apart",
            got=f"low = {low}, high = {high}",
        )
    return Type(x.shape, np.dtype(np.int64))


def _probability(name: str) -> Any:
    def result(p: Type) -> Type:
        _need(name, p, "float16 float32 float64")
        return like(p)

    return result


def _in_double(meaning: Any) -> Any:
    def computed(p: Any) -> Any:
        # Outside (0, 1) there is no quantile: the result is NaN, as for np.log.
        with np.errstate(all="ignore"):
            return blockwise(meaning, p.dtype, p)

    return computed


def _in_double_scalar(formula: Any) -> Any:
    return lambda b, p: b.cast(formula(b, p), p.dtype)


def _word_cases(**attributes: Any) -> Samples:
    def draws(rng: np.random.Generator) -> Any:
        shapes: tuple[Shape, ...] = ((), (3,), (2, 3), (2, 0))
        return [((_drawn_words(rng, shape),), dict(attributes)) for shape in shapes]

    return cases(draws)


normal_quantile = recordable("normal_ppf", _in_double(normal_ppf))
exponential_quantile = recordable("exponential_isf", _in_double(minus_log))
random_bits = recordable("random_bits", _random_bits)
unit_interval = recordable("unit_interval", _unit_interval)
bounded_integer = recordable("bounded_integer", _bounded)

RANDOM: tuple[Operator, ...] = (
    Operator(
        "threefry", "elementwise", numpy=_threefry, result=_threefry_result, vjp=None,
        latex=r"\operatorname{{bits}}({x0}, {x1}, {x2}, {x3})", symbol="bits", cost=_BITS_COST,
        samples=cases(_threefry_cases), scalar=_threefry_scalar, workspace=_threefry_workspace,
    ),
    Operator(
        "random_bits", "other", numpy=_random_bits, result=_random_bits_result, vjp=None,
        latex=r"\operatorname{{bits}}({x})", symbol="bits", cost=_BITS_COST,
        samples=cases(_random_bits_cases), decomposition=_numbered,
        workspace=_random_bits_workspace,
    ),
    Operator(
        "unit_interval", "elementwise", numpy=_unit_interval, result=_unit_interval_result,
        vjp=None, latex=r"\operatorname{{uniform}}({x})", symbol="U", cost=Cost(flops=3),
        samples=_word_cases(dtype="float64", middle=True), scalar=_unit_interval_scalar,
        workspace=lambda x, **_: nbytes(x),
    ),
    Operator(
        "bounded_integer", "elementwise", numpy=_bounded, result=_bounded_result, vjp=None,
        latex=r"\operatorname{{integer}}({x})", symbol="ℤ", cost=Cost(flops=3),
        samples=_word_cases(low=-2, high=5), scalar=_bounded_scalar,
    ),
    Operator(
        "normal_ppf", "elementwise", numpy=_in_double(normal_ppf),
        result=_probability("normal_ppf"),
        vjp=(lambda g, y, p: multiply_or_zero(g, sqrt(2 * pi) * np.exp(0.5 * y * y)),),
        saves=("y",), latex=r"\Phi^{{-1}}({x})", symbol="Φ⁻¹", cost=Cost(flops=90),
        samples=unary(real(0.05, 0.95), special=(1e-300, 0.5, 0.999)),
        scalar=_in_double_scalar(normal_ppf_scalar), workspace=block_workspace(90),
    ),
    Operator(
        "exponential_isf", "elementwise", numpy=_in_double(minus_log),
        result=_probability("exponential_isf"), vjp=(lambda g, y, p: -divide_or_zero(g, p),),
        saves=("x0",), latex=r"-\log({x})", symbol="−log", cost=Cost(flops=50),
        samples=unary(real(0.05, 0.95), special=(1e-300, 0.5, 1.0)),
        scalar=_in_double_scalar(minus_log_scalar), workspace=block_workspace(66),
    ),
)  # fmt: skip
