"""Quantiles of the normal and of the exponential distribution, by arithmetic alone.

Random numbers must have the same bits wherever they are drawn, and libraries differ in the last
bit of a logarithm. So these formulas use nothing but +, −, ×, ÷, √ and comparisons, which
IEEE 754 rounds in one way only, in an order that is written down twice: here for arrays, and for a
builder of scalar formulas.

Source: M. Wichura, "Algorithm AS 241: the percentage points of the normal distribution",
Applied Statistics 37 (1988).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt
from typing import Any

import numpy as np

from wengert.graph.graph import Array

# Numerators and denominators in falling powers: the middle, the tail, the far tail.
MIDDLE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
     4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
     1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
     2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
     4.2313330701600911252e1, 1.0),
)  # fmt: skip
TAIL = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
     4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
     2.05319162663775882187e0, 1.0),
)  # fmt: skip
FAR = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
     5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1.0),
)  # fmt: skip
CENTRE, NEAR, FURTHER = 0.425, 0.180625, 5.0
HALVINGS = (512, 256, 128, 64, 32, 16, 8, 4, 2, 1)
ROOT, LN2, LN_ROOT = sqrt(0.5), log(2), 0.5 * log(0.5)
# log((1 + s) / (1 − s)) = 2 (s + s³/3 + s⁵/5 + …), |s| ≤ 0.172.
SERIES = tuple(2 / n for n in range(23, 0, -2))


def minus_log(p: Array) -> Array:
    """Return −log p for 0 < p ≤ 1, within two units of the last place or 10⁻¹⁶."""
    p = np.array(p, np.float64)
    halved = np.zeros_like(p)
    for k in HALVINGS:
        small = p < 2.0**-k
        p = np.where(small, p * 2.0**k, p)
        halved = np.where(small, halved + k, halved)
    s = (p - ROOT) / (p + ROOT)
    return halved * LN2 - (_series(s * s) * s + LN_ROOT)


def _series(t: Array) -> Array:
    total = np.full_like(t, SERIES[0])
    for c in SERIES[1:]:
        total = total * t + c
    return total


def _ratio(terms: tuple[Sequence[float], Sequence[float]], t: Array) -> Array:
    above, below = (np.full_like(t, each[0]) for each in terms)
    for c in terms[0][1:]:
        above = above * t + c
    for c in terms[1][1:]:
        below = below * t + c
    return above / below


def normal_ppf(p: Array) -> Array:
    """Return x with Φ(x) = p for 0 < p < 1, right to 16 digits.

    >>> float(normal_ppf(np.array(0.5))), round(float(normal_ppf(np.array(0.975))), 12)
    (0.0, 1.95996398454)
    """
    q = np.asarray(p, np.float64) - 0.5
    middle = q * _ratio(MIDDLE, NEAR - q * q)
    tail = np.where(q < 0, p, 1 - np.asarray(p, np.float64))
    # In the middle the tails are not looked at: any number does there.
    r = np.sqrt(minus_log(np.where(np.abs(q) <= CENTRE, 0.25, tail)))
    x = np.where(r <= FURTHER, _ratio(TAIL, r - 1.6), _ratio(FAR, r - FURTHER))
    x = np.where(q < 0, -x, x)
    return np.where(np.abs(q) <= CENTRE, middle, x)


# -- The same as scalar formulas -------------------------------------------------------------------


def _horner(b: Any, terms: Sequence[float], t: Any) -> Any:
    total = b.add(b.mul(t, terms[0]), terms[1])
    for c in terms[2:]:
        total = b.add(b.mul(total, t), c)
    return total


def minus_log_scalar(b: Any, p: Any) -> Any:
    """Return −log p as a formula in double precision."""
    p = b.cast(p, "float64")
    halved = b.mul(p, 0.0)
    for k in HALVINGS:
        small = b.lt(p, 2.0**-k)
        p = b.select(small, b.mul(p, 2.0**k), p)
        halved = b.select(small, b.add(halved, float(k)), halved)
    s = b.div(b.sub(p, ROOT), b.add(p, ROOT))
    near = b.add(b.mul(_horner(b, SERIES, b.mul(s, s)), s), LN_ROOT)
    return b.sub(b.mul(halved, LN2), near)


def normal_ppf_scalar(b: Any, p: Any) -> Any:
    """Return the normal quantile as a formula in double precision."""

    def ratio(terms: tuple[Sequence[float], Sequence[float]], t: Any) -> Any:
        return b.div(_horner(b, terms[0], t), _horner(b, terms[1], t))

    p = b.cast(p, "float64")
    q = b.sub(p, 0.5)
    central, below = b.le(b.abs(q), CENTRE), b.lt(q, 0.0)
    middle = b.mul(q, ratio(MIDDLE, b.sub(NEAR, b.mul(q, q))))
    tail = b.select(below, p, b.sub(1.0, p))
    r = b.sqrt(minus_log_scalar(b, b.select(central, 0.25, tail)))
    near, far = ratio(TAIL, b.sub(r, 1.6)), ratio(FAR, b.sub(r, FURTHER))
    x = b.select(b.le(r, FURTHER), near, far)
    return b.select(central, middle, b.select(below, b.neg(x), x))
