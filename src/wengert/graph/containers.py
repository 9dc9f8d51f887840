"""Classes of containers and fixed arguments as text, read back without importing anything."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections import namedtuple
from typing import Any, cast

from wengert.base.errors import GraphError
from wengert.graph.literals import read_literal, write_literal
from wengert.graph.scanner import Scanner, read_text, write_text

_OBJECT = re.compile(r"object[ \t]+(?=['\"])")


@dataclasses.dataclass(frozen=True, slots=True)
class Opaque:
    """A fixed argument that is no plain data, such as a function: all that a text keeps of it."""

    path: str


def write_static(value: Any) -> str:
    """Write an argument that was fixed when the function was traced.

    >>> write_static(2.5), write_static(len)
    ('2.5', "object 'builtins:len'")
    """
    if isinstance(value, Opaque):
        return f"object {write_text(value.path)}"
    try:
        return write_literal(float(value) if isinstance(value, float) else value)
    except GraphError:
        named = cast(Any, value if hasattr(value, "__qualname__") else type(value))
        module = getattr(named, "__module__", "")
        return f"object {write_text(f'{module}:{named.__qualname__}')}"


def read_static(scanner: Scanner) -> Any:
    """Read a fixed argument; what is no plain data comes back as :class:`Opaque`."""
    return Opaque(read_text(scanner)) if scanner.match(_OBJECT) else read_literal(scanner)


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
