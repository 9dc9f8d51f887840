"""Plain arrays in the place of arrays whose numbers a trace knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from wengert.base.guards import Array, is_sequence, is_slice, is_tuple


class KnownValue:
    """An array of a running trace whose numbers are known; ``known.Known`` adds NumPy's face."""

    numbers: Array


def bare(value: Any) -> Any:
    """Return arguments, keys or nested lists with plain arrays in the places of known ones."""
    if isinstance(value, KnownValue):
        return value.numbers
    if is_tuple(value):
        return value if hasattr(value, "_fields") else tuple(map(bare, value))
    if isinstance(value, list):
        return list(map(bare, cast("list[Any]", value)))
    if isinstance(value, dict):
        return {name: bare(each) for name, each in cast("dict[str, Any]", value).items()}
    if is_slice(value):
        return slice(bare(value.start), bare(value.stop), bare(value.step))
    return value


def any_of(kind: type, value: Any) -> bool:
    """Return whether something of a kind is in arguments, keys or nested lists."""
    if isinstance(value, kind):
        return True
    if is_sequence(value):
        return any(any_of(kind, each) for each in value)
    if isinstance(value, Mapping):
        return any(any_of(kind, each) for each in cast("Mapping[str, Any]", value).values())
    return False
