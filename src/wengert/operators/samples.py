"""Operands for the generated tests, drawn the same way for all records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.base.shapes import Shape
from wengert.graph.graph import Array
from wengert.operators.record import Samples

Case = tuple[tuple[Array, ...], dict[str, Any]]
Draw = Callable[[np.random.Generator, Shape], Array]

_UNARY: tuple[Shape, ...] = ((), (3,), (2, 3), (2, 0))
_BINARY: tuple[tuple[Shape, Shape], ...] = (
    ((), ()),
    ((3,), ()),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((4, 1, 2), (3, 1)),
    ((0, 3), (1,)),
)
_REDUCED: tuple[tuple[Shape, tuple[int, ...]], ...] = (
    ((), ()),
    ((4,), (0,)),
    ((2, 3), (1,)),
    ((2, 3), (0, 1)),
    ((2, 3, 4), (0, 2)),
    ((2, 3, 4), (1,)),
    ((3, 0, 2), (0,)),
)


def real(low: float, high: float) -> Draw:
    """Draw reals from an interval."""
    return lambda rng, shape: np.asarray(rng.uniform(low, high, shape))


def away_from(draw: Draw, *kinks: float, gap: float = 0.05) -> Draw:
    """Draw as before, but keep a distance from the values where a derivative jumps."""

    def drawn(rng: np.random.Generator, shape: Shape) -> Array:
        x = draw(rng, shape)
        for kink in kinks:
            x = np.where(np.abs(x - kink) < gap, kink + gap, x)
        return np.asarray(x)

    return drawn


def distinct(rng: np.random.Generator, shape: Shape) -> Array:
    """Draw reals that keep a distance from one another and from zero (no ties)."""
    count = int(np.prod(shape))
    places = rng.permutation(count) - count // 2 + 0.5
    return np.asarray((places + rng.uniform(-0.2, 0.2, count)).reshape(shape) / 2)


def unary(
    draw: Draw, *, special: tuple[float, ...] = (0.0, 1.0, -2.0), analytic: bool = False
) -> Samples:
    """Cases of one operand in several shapes."""
    return Samples(lambda rng: [((draw(rng, s),), {}) for s in _UNARY], special, analytic)


def binary(
    left: Draw, right: Draw, *, special: tuple[float, ...] = (), analytic: bool = False
) -> Samples:
    """Cases of two operands that broadcast against each other."""

    def draws(rng: np.random.Generator) -> list[Case]:
        return [((left(rng, a), right(rng, b)), {}) for a, b in _BINARY]

    return Samples(draws, special, analytic)


def reduced(draw: Draw, *, analytic: bool = False, nonempty: bool = False, **extra: Any) -> Samples:
    """Cases of a reduction: axes, with and without ``keepdims``."""

    def draws(rng: np.random.Generator) -> list[Case]:
        return [
            ((draw(rng, shape),), {"axis": axis, "keepdims": keepdims, **extra})
            for shape, axis in _REDUCED
            for keepdims in (False, True)
            if not (nonempty and axis == ())
        ]

    return Samples(draws, (), analytic)


def cases(make: Callable[[np.random.Generator], list[Case]], *, analytic: bool = False) -> Samples:
    """Cases written out by the record itself."""
    return Samples(make, (), analytic)
