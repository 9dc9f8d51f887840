"""Wengert: the training engine that shows its work.

Public names are imported when they are first used, so that ``import wengert`` stays fast.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# The public surface: name -> module that defines it. An empty attribute means the module itself.
_HOME: dict[str, str] = {}
_ROOMS: dict[str, str] = {}

__all__ = ["__version__", *sorted({*_HOME, *_ROOMS})]  # noqa: PLE0604


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
