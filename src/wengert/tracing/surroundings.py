"""What a function reads besides its arguments: defaults, closures, globals, attributes.

Found from the names in its code, and in that of the user's own functions that it reaches.
"""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, cast

from wengert.tracing.frames import is_user_file

_EMPTY: Any = object()


@dataclass(frozen=True)
class Place:
    """One place that user's code reads a value from, and that can be written.

    Attributes:
        name: what the code calls it.
        key: which place it is: two places with one key are the same.
        read, write: the value in it now, and how to put another one there.
    """

    name: str
    key: tuple[Any, ...]
    read: Callable[[], Any]
    write: Callable[[Any], None]


def places(function: Any) -> Iterator[Place]:
    """Yield each place that a function and the user's functions it reaches read from."""
    seen: set[tuple[Any, ...]] = set()
    waiting: list[Any] = [function]
    while waiting:
        value = waiting.pop()
        key = ("value", id(value))
        if key in seen:
            continue
        seen.add(key)
        for place in (*_of_object(value), *_of_function(value)):
            if place.key not in seen:
                seen.add(place.key)
                yield place
                waiting.append(place.read())


def module_places(function: Any, wanted: Callable[[Any], Any] | None) -> Iterator[Place]:
    """Yield the globals of the user's modules, and of the function's package, that are wanted."""
    if wanted is None:
        return
    home = _package(getattr(code_of(function), "__globals__", {}).get("__file__"))
    for module in list(sys.modules.values()):
        if (
            _is_of(getattr(module, "__file__", None), home)
            or getattr(module, "__name__", None) == "__main__"
        ):
            space = vars(module)
            names = {name for name, held in list(space.items()) if wanted(held) is not None}
            yield from _in_space(space, names)


@lru_cache(maxsize=16384)
def _is_of(file: str | None, home: str | None) -> bool:
    """Return whether a file is the user's own, or of one installed package."""
    return file is not None and is_user_file(file) and _package(file) in (None, home)


@lru_cache(maxsize=4096)
def _package(file: str | None) -> str | None:
    """Return the installed package that a file belongs to, None where it is no such file."""
    _, found, rest = (file or "").rpartition(f"{os.sep}site-packages{os.sep}")
    return rest.split(os.sep)[0] if found else None


def code_of(value: Any) -> types.FunctionType | None:
    """Return the user's plain function behind a function or method, None where there is none."""
    found = getattr(value, "__func__", value)
    if not isinstance(found, types.FunctionType):
        return None
    return found if is_user_file(found.__code__.co_filename) else None


def _of_function(value: Any) -> Iterator[Place]:
    function = code_of(value)
    if function is None:
        return
    yield from _defaults(function)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if _cell_value(cell) is not _EMPTY:
            key = ("cell", id(cell))
            yield Place(name, key, partial(_cell_value, cell), partial(_set_cell, cell))
    names = global_names(function.__code__)
    yield from _in_space(function.__globals__, names)
    for name in names:
        held = function.__globals__.get(name)
        if isinstance(held, types.ModuleType) and _is_users(held):
            yield from _in_space(vars(held), names)
    owner = getattr(value, "__self__", None)
    if owner is not None:
        yield from _members(owner, names)


def absent(function: types.FunctionType) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """Yield the namespaces of a user's function with the names that it could find there later."""
    if code_of(function) is None:
        return
    names = global_names(function.__code__)
    space = function.__globals__
    yield space, frozenset(names - space.keys())
    for held in (space.get(name) for name in names):
        if isinstance(held, types.ModuleType) and _is_users(held):
            yield vars(held), frozenset(names - vars(held).keys())


def _of_object(value: Any) -> Iterator[Place]:
    """What stands behind a callable that is no plain function."""
    if isinstance(value, partial):
        held = cast("partial[Any]", value)
        yield Place("function", ("partial", id(held)), lambda: held.func, _nothing)
        yield from _in_space(held.keywords, set(held.keywords))
        return
    wrapped = getattr(value, "__wrapped__", None)
    if isinstance(value, types.FunctionType) and wrapped is not None and code_of(value) is None:
        # Ours around the user's: grad(f) reads what f reads.
        yield Place("__wrapped__", ("wrapped", id(value)), lambda: wrapped, _nothing)
        return
    call = _member(type(cast(object, value)), "__call__")
    if call is not None and code_of(call[1]) is not None:
        bound = types.MethodType(call[1], value)
        yield Place("__call__", ("call", id(value)), lambda: bound, _nothing)


def _members(owner: object, names: set[str]) -> Iterator[Place]:
    """The attributes of ``self`` that a method's code names, its other methods among them."""
    own = getattr(owner, "__dict__", None)
    if isinstance(own, dict):
        yield from _in_space(cast("dict[str, Any]", own), names)
    for name in sorted(names):
        found = _member(type(owner), name)
        if found is None:
            continue
        kind, member = found
        method = member.fget if isinstance(member, property) else member
        if isinstance(method, types.FunctionType):
            bound = types.MethodType(method, owner)
            yield Place(name, ("method", id(owner), name), partial(_same, bound), _nothing)
        elif is_of_users(kind):
            read = partial(vars(kind).get, name)
            yield Place(name, ("class", id(kind), name), read, partial(setattr, kind, name))


def _member(kind: type, name: str) -> tuple[type, Any] | None:
    """Return the class that holds a name, and what it holds, as the attribute is looked up."""
    return next(((each, vars(each)[name]) for each in kind.__mro__ if name in vars(each)), None)


def _in_space(space: dict[str, Any], names: set[str]) -> Iterator[Place]:
    for name in sorted(names):
        if name in space:
            key = ("space", id(space), name)
            yield Place(name, key, partial(space.get, name), partial(space.__setitem__, name))


def _defaults(function: types.FunctionType) -> Iterator[Place]:
    code = function.__code__
    held = function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(held) : code.co_argcount]
    for position, name in enumerate(names):
        key = ("default", id(function), position)
        yield Place(
            name, key,
            partial(_default, function, position), partial(_set_default, function, position),
        )  # fmt: skip
    yield from _in_space(function.__kwdefaults__ or {}, set(function.__kwdefaults__ or {}))


def global_names(code: types.CodeType) -> set[str]:
    """Return the names of globals and attributes in a code object and those inside it."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= global_names(constant)
    return names


def is_of_users(kind: type) -> bool:
    """Return whether a class was written by the user."""
    return _is_users(sys.modules.get(kind.__module__))


def _is_users(module: types.ModuleType | None) -> bool:
    if module is None or module.__name__ == "__main__":
        return module is not None
    file = getattr(module, "__file__", None)
    return file is not None and is_user_file(file) and "site-packages" not in file


def _default(function: types.FunctionType, position: int) -> Any:
    held = function.__defaults__ or ()
    return held[position] if position < len(held) else None


def _set_default(function: types.FunctionType, position: int, value: Any) -> None:
    held = list(function.__defaults__ or ())
    if position < len(held):
        held[position] = value
        function.__defaults__ = tuple(held)


def _cell_value(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY


def _set_cell(cell: types.CellType, value: Any) -> None:
    cell.cell_contents = value


def _same(value: Any) -> Any:
    return value


def _nothing(_: Any) -> None:
    """A place that is only read."""
