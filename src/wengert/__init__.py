"""Wengert: the training engine that shows its work.

Public names are imported when they are first used, so that ``import wengert`` stays fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# The public surface, twice: for static tools here and for the interpreter in the tables below;
# tests/architecture/test_public_surface.py keeps the two equal.
if TYPE_CHECKING:
    pass

__version__ = "0.1.0"

# name -> the module that defines it
_HOME: dict[str, str] = {}

# name -> the module that it is
_ROOMS: dict[str, str] = {}

__all__ = sorted(["__version__", *_HOME, *_ROOMS])  # noqa: PLE0605 # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    elif name in _ROOMS:
        value = import_module(_ROOMS[name])
    else:
        raise AttributeError(f"module 'wengert' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
