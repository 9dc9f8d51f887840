"""The class of a named tuple or dataclass from its written path, without importing anything."""

from __future__ import annotations

import dataclasses
import sys
from collections import namedtuple
from typing import Any, cast


def container(kind: str, path: str, fields: tuple[str, ...]) -> type | None:
    """Return the class at ``module:qualified.name``, or a stand-in of the same name and fields.

    Only modules that are loaded already are looked at: a text must not run code. The stand-in
    prints as the class does. None where no class can have this name and these fields.
    """
    module, _, name = path.partition(":")
    found = _loaded(module, name)
    if found is not None and _fields(kind, found) == fields:
        return found
    return _stand_in(kind, module, name, fields)


def _loaded(module: str, name: str) -> type | None:
    # vars() and not getattr(): a module may load others on attribute access.
    place: Any = sys.modules.get(module)
    for part in name.split("."):
        held: dict[str, Any] = getattr(place, "__dict__", {})
        place = held.get(part)
    return cast("type[Any]", place) if isinstance(place, type) else None


def _fields(kind: str, found: type[Any]) -> tuple[str, ...] | None:
    if kind == "namedtuple":
        return getattr(found, "_fields", None)
    if not dataclasses.is_dataclass(found):
        return None
    return tuple(field.name for field in dataclasses.fields(found))


def _stand_in(kind: str, module: str, name: str, fields: tuple[str, ...]) -> type | None:
    short = name.rpartition(".")[2]
    short = short if short.isidentifier() else "Container"
    try:
        if kind == "namedtuple":
            made: type[Any] = cast(Any, namedtuple)(short, fields)
        else:
            made = dataclasses.make_dataclass(short, fields)
    except (TypeError, ValueError):
        return None
    made.__module__, made.__qualname__ = module, name
    return made
