"""Random numbers in plain NumPy: a counter-based generator, and quantiles by arithmetic alone."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.operators.counter import PARITY, ROTATIONS
from wengert.operators.quantile import (
    CENTRE,
    FAR,
    FURTHER,
    HALVINGS,
    LN2,
    LN_ROOT,
    MIDDLE,
    NEAR,
    ROOT,
    SERIES,
    TAIL,
)


def _numbers(values: Sequence[object], indent: int = 8) -> str:
    lines = [", ".join(map(repr, values[k : k + 3])) for k in range(0, len(values), 3)]
    return f",\n{' ' * indent}".join(lines)


_THREEFRY = f'''\
def threefry(k0, k1, c0, c1, bits):
    """Random bits for keys and counters of 32-bit words: Threefry-2x32 with 20 rounds."""
    x, y = np.asarray(c0 + k0), np.asarray(c1 + k1)
    x, y = (np.array(np.broadcast_to(each, np.broadcast(x, y).shape)) for each in (x, y))
    keys = (k0, k1, k0 ^ k1 ^ np.uint32({PARITY}))
    for group in range(5):
        for by in ({ROTATIONS[0]}, {ROTATIONS[1]})[group % 2]:
            x = np.add(x, y)
            y = (np.left_shift(y, by) | np.right_shift(y, 32 - by)) ^ x
        x = np.add(x, keys[(group + 1) % 3])
        y = np.add(np.add(y, keys[(group + 2) % 3]), np.uint32(group + 1))
    if bits == 32:
        return np.asarray(x)
    return np.asarray(x.astype(np.uint64) << np.uint64(32) | y)'''

_RANDOM_BITS = '''\
def random_bits(key, shape, place, bits):
    """Random bits: a function of the key, of the place of the draw and of the element's number."""
    count = np.arange(np.prod(shape, dtype=int), dtype=np.uint32).reshape(shape)
    return threefry(key[0], key[1], count, np.array(place, np.uint32), bits=bits)'''

_UNIT_INTERVAL = '''\
def unit_interval(x, dtype, middle):
    """Numbers in [0, 1) of the upper bits of integers; the middle of each step where asked."""
    width = 8 * x.dtype.itemsize
    digits = min(width, (24 if dtype == "float32" else 53) - middle)
    number = np.asarray(np.right_shift(x, x.dtype.type(width - digits), order="C")).astype(dtype)
    return (number + number.dtype.type(0.5 * middle)) * number.dtype.type(2.0**-digits)'''

_BOUNDED = '''\
def bounded_integer(x, low, high):
    """Integers from low up to below high, from 32 random bits."""
    scaled = np.array(x, np.uint64, order="C") * np.uint64(high - low) >> np.uint64(32)
    return np.asarray(scaled.astype(np.int64) + low)'''

_MINUS_LOG = f'''\
def minus_log(p):
    """-log(p) for 0 < p <= 1, by arithmetic that has the same bits everywhere."""
    p = np.array(p, np.float64, order="C")
    halved = np.zeros_like(p)
    for k in {HALVINGS}:
        small = p < 2.0**-k
        p, halved = np.where(small, p * 2.0**k, p), np.where(small, halved + k, halved)
    s = (p - {ROOT!r}) / (p + {ROOT!r})
    total, square = np.full_like(s, {SERIES[0]!r}), s * s
    for c in (
        {_numbers(SERIES[1:])},
    ):
        total = total * square + c
    return halved * {LN2!r} - (total * s + {LN_ROOT!r})'''

_EXPONENTIAL = '''\
def exponential_isf(p):
    """The number that an exponential variable exceeds with probability p."""
    with np.errstate(all="ignore"):
        return minus_log(p).astype(p.dtype)'''

_NORMAL = f'''\
def normal_ppf(p):
    """The number that a normal variable stays below with probability p (Algorithm AS 241)."""

    def ratio(above, below, t):
        top, bottom = np.full_like(t, above[0]), np.full_like(t, below[0])
        for c in above[1:]:
            top = top * t + c
        for c in below[1:]:
            bottom = bottom * t + c
        return top / bottom

    middle_terms = (
        {_numbers(MIDDLE[0])},
    ), (
        {_numbers(MIDDLE[1])},
    )
    tail_terms = (
        {_numbers(TAIL[0])},
    ), (
        {_numbers(TAIL[1])},
    )
    far_terms = (
        {_numbers(FAR[0])},
    ), (
        {_numbers(FAR[1])},
    )
    with np.errstate(all="ignore"):
        wide = np.array(p, np.float64, order="C")
        q = wide - 0.5
        central = np.abs(q) <= {CENTRE}
        middle = q * ratio(*middle_terms, {NEAR} - q * q)
        tail = np.where(q < 0, wide, 1 - wide)
        r = np.sqrt(minus_log(np.where(central, 0.25, tail)))
        far = ratio(*far_terms, r - {FURTHER})
        x = np.where(r <= {FURTHER}, ratio(*tail_terms, r - 1.6), far)
        x = np.where(q < 0, -x, x)
        return np.where(central, middle, x).astype(p.dtype)'''

# name -> (text, other helpers that it calls)
DRAW_HELPERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "threefry": (_THREEFRY, ()),
    "random_bits": (_RANDOM_BITS, ("threefry",)),
    "unit_interval": (_UNIT_INTERVAL, ()),
    "bounded_integer": (_BOUNDED, ()),
    "minus_log": (_MINUS_LOG, ()),
    "exponential_isf": (_EXPONENTIAL, ("minus_log",)),
    "normal_ppf": (_NORMAL, ("minus_log",)),
}
