"""Random bits from a counter: Threefry-2x32 with 20 rounds, on whole arrays.

The bits of an element follow from a key, the place of the draw and the number of the element, and
from nothing else: no state is kept, so they can be drawn again, in any order and on any thread.

Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from wengert.graph.graph import Array

PARITY = 0x1BD11BDA
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
ROUNDS = 20


class Words(Protocol):
    """Arithmetic on 32-bit words: that of a builder of scalar formulas."""

    def add(self, x: Any, y: Any) -> Any:
        """Return x + y modulo 2³²."""
        ...

    def bit_xor(self, x: Any, y: Any) -> Any:
        """Return the bits that differ."""
        ...

    def rotate_left(self, x: Any, by: int) -> Any:
        """Return the bits moved round by so many places."""
        ...


def mixed(w: Words, key: tuple[Any, Any], counter: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return the two words for a key and a counter of two words each, as a formula."""
    third = w.bit_xor(w.bit_xor(key[0], key[1]), PARITY)
    keys = (*key, third)
    x, y = w.add(counter[0], key[0]), w.add(counter[1], key[1])
    for group in range(ROUNDS // 4):
        for by in ROTATIONS[group % 2]:
            x = w.add(x, y)
            y = w.bit_xor(w.rotate_left(y, by), x)
        x = w.add(x, keys[(group + 1) % 3])
        y = w.add(w.add(y, keys[(group + 2) % 3]), group + 1)
    return x, y


def words(key: tuple[Array, Array], counter: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return the two words for keys and counters, 32-bit arrays of any shapes that broadcast.

    >>> zero = np.zeros((), np.uint32)
    >>> [hex(int(word)) for word in words((zero, zero), (zero, zero))]
    ['0x6b200159', '0x99ba4efe']
    """
    x, y = np.asarray(counter[0] + key[0]), np.asarray(counter[1] + key[1])
    x, y = (np.array(np.broadcast_to(each, np.broadcast(x, y).shape)) for each in (x, y))
    keys = (*key, key[0] ^ key[1] ^ np.uint32(PARITY))
    high = np.empty_like(x)
    for group in range(ROUNDS // 4):
        for by in ROTATIONS[group % 2]:
            x += y
            np.right_shift(y, 32 - by, out=high)
            np.left_shift(y, by, out=y)
            y |= high
            y ^= x
        x += keys[(group + 1) % 3]
        y += keys[(group + 2) % 3]
        y += np.uint32(group + 1)
    return x, y
