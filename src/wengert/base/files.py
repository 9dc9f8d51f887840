"""Files that are either the old one or the new one, whenever the machine stops."""

from __future__ import annotations

import os
from pathlib import Path

from wengert.base.errors import DataError


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
