"""What an argument of unknown type is, said in a way that type checkers follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def is_ndarray(value: Any) -> TypeGuard[Array]:
    """Return whether a value is a NumPy array."""
    # By its type: an array that records says of its ``__class__`` that it is an ndarray.
    return issubclass(type(value), np.ndarray)


def is_numpy(value: Any) -> TypeGuard[Array]:
    """Return whether a value is a NumPy array or scalar."""
    return issubclass(type(value), np.ndarray | np.generic)


def is_sequence(value: Any) -> TypeGuard[Sequence[Any]]:
    """Return whether a value is a list or tuple."""
    return isinstance(value, list | tuple)


def is_tuple(value: Any) -> TypeGuard[tuple[Any, ...]]:
    """Return whether a value is a tuple."""
    return isinstance(value, tuple)


def is_slice(value: Any) -> TypeGuard[slice[Any, Any, Any]]:
    """Return whether a value is a slice."""
    return isinstance(value, slice)


def is_number(value: Any) -> TypeGuard[complex]:
    """Return whether a value is a Python number, and not one of NumPy's scalars."""
    return isinstance(value, bool | int | float | complex) and not isinstance(value, np.generic)


def sizes_of(value: Any) -> tuple[int, ...]:
    """Return the shape of anything that has one."""
    return tuple(value.shape)
