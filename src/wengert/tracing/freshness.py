"""Whether what a function reads besides its arguments is still what it was when it was traced."""

from __future__ import annotations

import argparse
import hashlib
import types
from collections.abc import Callable, Mapping
from typing import Any, cast

from wengert.base.guards import is_ndarray, is_sequence
from wengert.base.tree import flatten
from wengert.tracing.numbers import plain
from wengert.tracing.surroundings import is_of_users, places

_CODE = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.ModuleType, type)
_SETTINGS = (types.SimpleNamespace, argparse.Namespace)


class _Itself:
    """Equal to itself only; it holds on to its value, so that no other takes its place."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


def surroundings(function: Callable[..., Any]) -> dict[tuple[Any, ...], Any]:
    """Return what stands in each place that the function reads, so that two can be compared."""
    return {place.key: frozen(place.read()) for place in places(function)}


def signature(args: tuple[Any, ...], is_array: Callable[[Any], bool]) -> Any:
    """Return what decides the graph of a function, as far as it lies in these arguments."""
    leaves, structure = flatten(args, is_leaf=is_array)
    kinds = ((tuple(x.shape), x.dtype) if is_array(x) else frozen(x) for x in leaves)
    return (structure, tuple(kinds))


def frozen(value: Any) -> Any:
    """Return something equal for values that a trace treats alike, and for no others.

    An array is its type and its bytes, for it may be changed in place; a container is its parts;
    an object of the user's is its attributes; anything else is itself.
    """
    return _frozen(value, ())


def _frozen(value: Any, above: tuple[int, ...]) -> Any:
    value = plain(value)
    if value is None or isinstance(value, str | bytes | int | complex):
        return (type(value), value)
    if isinstance(value, float):
        return (float, value.hex())
    if is_ndarray(value) and not value.dtype.hasobject:
        digest = hashlib.blake2b(value.tobytes(), digest_size=16).digest()
        return (type(value), value.shape, value.dtype.str, digest)
    if isinstance(value, types.MethodType):
        return (types.MethodType, _Itself(value.__func__), _Itself(value.__self__))
    if isinstance(value, _CODE) or id(value) in above:
        return _Itself(value)
    return _of_parts(value, (*above, id(value)))


def _of_parts(value: object, above: tuple[int, ...]) -> Any:
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return (Mapping, tuple((_frozen(k, above), _frozen(v, above)) for k, v in items))
    if is_sequence(value):
        return (type(value), tuple(_frozen(each, above) for each in value))
    kind: type[object] = type(value)
    if issubclass(kind, _SETTINGS) or is_of_users(kind):
        return (_Itself(value), _of_parts(getattr(value, "__dict__", {}), above))
    return _Itself(value)
