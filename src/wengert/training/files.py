"""Files that are either the old one or the new one, whenever the machine stops."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wengert.base.errors import DataError, OptionError

try:
    import fcntl
except ImportError:  # Windows: two runs in one directory are then not told apart.
    fcntl: Any = None


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file under a temporary name, flush it to disk and rename it."""
    temporary = path.with_name(f".{path.name}.part")
    data = content.encode() if isinstance(content, str) else content
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except OSError as error:
        raise DataError(
            f"{path} could not be written",
            expected="a folder that can be written to, with room on its disk",
            got=error.strerror or str(error),
        ) from error


def _flush_folder(folder: Path) -> None:
    # The rename itself is only safe from a power cut once the folder is on disk.
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make_folder(path: Path) -> Path:
    """Make a folder where there is none yet."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(
            f"the directory {path} cannot be made",
            expected="a path to a folder, new or old",
            got=error.strerror or str(error),
        ) from error
    return path


@contextmanager
def only_run_in(folder: Path) -> Generator[None]:
    """Hold a folder against a second run; the hold ends with the process, however it ends."""
    if fcntl is None:
        yield
        return
    with (folder / ".lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OptionError(
                f"another run is writing to {folder}",
                expected="one run a directory",
                got="a directory that a living process holds",
                remedy="wait for it, end it, or choose another directory",
            ) from error
        yield
