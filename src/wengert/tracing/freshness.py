"""Whether what a function reads besides its arguments is still what it was when it was traced."""

from __future__ import annotations

import argparse
import hashlib
import types
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeVar, cast

from wengert.base.guards import is_ndarray, is_sequence
from wengert.base.tree import parts_of
from wengert.tracing.numbers import plain
from wengert.tracing.surroundings import absent, is_of_users, places

T = TypeVar("T")
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


class Fresh(Generic[T]):
    """What was made of a function, by signature, as long as nothing that it reads has changed.

    Args:
        function: the user's code, whose defaults, closures, globals and attributes count.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._held: dict[Any, tuple[Watch | None, dict[tuple[Any, ...], Any], T]] = {}

    def get(self, key: Any) -> T | None:
        """Return what was made for a signature, None where there is nothing that still holds."""
        before = self._held.get(key)
        if before is None:
            return None
        watch, then, found = before
        if watch is not None and watch.holds():
            return found
        return found if then == surroundings(self._function) else None

    def put(self, key: Any, found: T) -> None:
        """Keep what was made."""
        self._held[key] = (watched(self._function), surroundings(self._function), found)


def surroundings(function: Callable[..., Any]) -> dict[tuple[Any, ...], Any]:
    """Return what stands in each place that the function reads, so that two can be compared."""
    return {place.key: frozen(place.read()) for place in places(function)}


def signature(args: tuple[Any, ...], is_array: Callable[[Any], bool]) -> tuple[Any, list[Any]]:
    """Return what decides the graph of a function, as far as it lies in these arguments.

    With it come the arrays among them, leaf by leaf.
    """
    arrays: list[Any] = []
    return tuple([_told(each, is_array, arrays) for each in args]), arrays


def _told(node: Any, is_array: Callable[[Any], bool], arrays: list[Any]) -> Any:
    if is_array(node):
        arrays.append(node)
        return (node.shape, node.dtype)
    if node is None:
        return None
    parts = parts_of(node)
    if parts is None:
        return ("fixed", frozen(node))
    kind, keys, children, type_ = parts
    return (kind, keys, type_, *[_told(each, is_array, arrays) for each in children])


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
    if isinstance(value, types.FunctionType):
        return (_Itself(value), _Itself(value.__code__))
    if isinstance(value, _CODE) or id(value) in above:
        return _Itself(value)
    return _of_parts(value, (*above, id(value)))


def _of_parts(value: object, above: tuple[int, ...]) -> Any:
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return (Mapping, tuple((_frozen(k, above), _frozen(v, above)) for k, v in items))
    if is_sequence(value):
        # The state of a random generator is a long tuple of numbers.
        if set(map(type, value)) == {int}:
            return (type(value), int, tuple(value))
        return (type(value), tuple(_frozen(each, above) for each in value))
    kind: type[object] = type(value)
    if issubclass(kind, _SETTINGS) or is_of_users(kind):
        return (_Itself(value), _of_parts(getattr(value, "__dict__", {}), above))
    return _Itself(value)


class Watch:
    """Looks at what plain functions read, quickly: most of it is the very object it was.

    Args:
        changing: places whose values can be changed in place, and what they were.
        fixed: the other places, and what was there.
        missing: names that code mentions, by the namespace in which they were not found.
    """

    def __init__(
        self,
        changing: Sequence[tuple[Callable[[], Any], Any]],
        fixed: Sequence[tuple[Callable[[], Any], Any]],
        missing: Sequence[tuple[Mapping[str, Any], frozenset[str]]],
    ) -> None:
        self._changing, self._fixed, self._missing = changing, fixed, missing

    def holds(self) -> bool:
        """Return whether all is as it was; False where that takes a closer look."""
        # Asked at every call: loops, which are quicker than generators.
        for read, value in self._fixed:
            if read() is not value:
                return False
        for space, names in self._missing:
            if not space.keys().isdisjoint(names):
                return False
        for read, value in self._changing:
            if frozen(read()) != value:
                return False
        return True


_PLAIN = ("space", "cell", "default", "wrapped")
_UNCHANGING = (type(None), bool, int, float, complex, str, bytes, types.FunctionType,
               types.BuiltinFunctionType, types.ModuleType, type)  # fmt: skip


def watched(function: Callable[..., Any]) -> Watch | None:
    """Return a watch over what a function reads; None where objects and methods take part."""
    found = list(places(function))
    values: list[Any] = [place.read() for place in found]
    functions = [each for each in (function, *values) if callable(each)]
    if not all(type(each) in _UNCHANGING for each in functions) or not all(
        place.key[0] in _PLAIN for place in found
    ):
        return None
    pairs = list(zip((place.read for place in found), values, strict=True))
    changing = [(read, frozen(v)) for read, v in pairs if type(v) not in _UNCHANGING]
    fixed = [(read, v) for read, v in pairs if type(v) in _UNCHANGING]
    codes = [each for each in functions if isinstance(each, types.FunctionType)]
    fixed += [(partial(getattr, each, name), getattr(each, name)) for each in codes
              for name in ("__code__", "__defaults__")]  # fmt: skip
    return Watch(changing, fixed, [pair for each in codes for pair in absent(each)])
