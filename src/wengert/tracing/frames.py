"""The user's frames: which file and line an operation came from, and what a value is called."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

import numpy as np

from wengert.base.errors import Location
from wengert.tracing.bare import KnownValue

_ROOMS = tuple(
    os.path.join(path, "")
    for path in (
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
        os.path.dirname(os.path.abspath(np.__file__)),
    )
)
_LIBRARY = os.path.join(sysconfig.get_paths()["stdlib"], "")
_PACKAGES = os.path.join(_LIBRARY, "site-packages", "")
_DOTTED = f"{os.sep}."
# Comes with us, but is read, drawn and derived as what a user wrote.
_SAMPLE = os.path.join(_ROOMS[0], "cli", "sample.py")


@lru_cache(maxsize=4096)
def is_user_file(file: str) -> bool:
    """Return whether code of this file is the user's: not ours, NumPy's or Python's own."""
    if file.startswith("<frozen"):
        return False
    # Of hundreds of modules nearly all come with an absolute path: nothing is left to resolve.
    path = file if file.startswith(os.sep) and _DOTTED not in file else os.path.abspath(file)
    if path.startswith(_ROOMS):
        return path == _SAMPLE
    return not path.startswith(_LIBRARY) or path.startswith(_PACKAGES)


def here() -> FrameType:
    """Return the frame that calls this function."""
    # The one place that reads the stack: every Python that runs NumPy has it.
    return sys._getframe(1)  # pyright: ignore[reportPrivateUsage]


def user_frames(boundary: FrameType | None, start: FrameType | None = None) -> list[FrameType]:
    """Return the user's frames from the innermost out to ``boundary`` (not included)."""
    frame = start if start is not None else here()
    found: list[FrameType] = []
    while frame is not None and frame is not boundary:
        if is_user_file(frame.f_code.co_filename):
            found.append(frame)
        frame = frame.f_back
    return found


def location(frame: FrameType) -> Location:
    """Return the user's file and line of a frame."""
    code = frame.f_code
    return Location(code.co_filename, frame.f_lineno, code.co_name)


def caller() -> Location | None:
    """Return the nearest place in the user's code, None where there is none."""
    frames = user_frames(None)
    return location(frames[0]) if frames else None


def is_transparent(frame: FrameType) -> bool:
    """Return whether a frame makes no group: lambdas and comprehensions have no name."""
    return frame.f_code.co_name.startswith("<")


def function_name(frame: FrameType) -> str:
    """Return the name of the function; for ``__call__`` that of its class."""
    name = frame.f_code.co_name
    if name == "__call__" and "self" in frame.f_locals:
        return type(frame.f_locals["self"]).__name__
    return name


def name_in(frames: list[FrameType], value: Any) -> str | None:
    """Return the name under which a frame holds this very object: locals, then globals."""
    for frame in frames:
        for space in (frame.f_locals, frame.f_globals):
            for name, held in space.items():
                is_it = held is value or (isinstance(held, KnownValue) and held.numbers is value)
                if is_it and not name.startswith("_"):
                    return name
    return None


def _is_generated(code: CodeType) -> bool:
    return code.co_filename == "<string>" and code.co_qualname.startswith("__create_fn__")


@contextmanager
def watching_returns(notice: Callable[[FrameType], None]) -> Generator[None]:
    """Call ``notice`` with each of the user's frames when it returns.

    A local assigned on a function's last lines is seen only here. A profiler that is already
    running keeps its place; such names are then found by the next operation, or not at all.
    """

    def profile(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        # What dataclasses write for us has no file of its own, but is not the user's.
        if event == "return" and is_user_file(code.co_filename) and not _is_generated(code):
            notice(frame)

    before = sys.getprofile()
    if before is not None and getattr(before, "__module__", None) != __name__:
        yield
        return
    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(before)
