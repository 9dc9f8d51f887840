"""The folder of a run: made where there is none, and held by one run."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wengert.base.errors import OptionError

try:
    import fcntl
except ImportError:  # Windows: two runs in one directory are then not told apart.
    fcntl: Any = None


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
