"""Open data files and read from them with nothing taken on trust."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from wengert.base.errors import DataError

PathLike = str | os.PathLike[str]
Array = np.ndarray[Any, np.dtype[Any]]

_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 1 << 20


@contextmanager
def open_data(path: PathLike, what: str) -> Generator[BinaryIO]:
    """Open a file for reading, decompressing gzip, which is told by its first two bytes.

    Every failure of the file itself, met here or while the caller reads, is a
    :class:`~wengert.base.errors.DataError` that names the file.
    """
    file = _existing(path, what)
    try:
        with file.open("rb") as raw:
            packed = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            if not packed:
                yield raw
                return
            with gzip.open(raw, "rb") as stream:
                yield cast(BinaryIO, stream)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(
            f"{what} {file} is not a whole gzip file",
            expected="a gzip stream that ends with its own checksum",
            got=str(error),
            remedy="fetch the file again; the copy is cut short or damaged",
        ) from error
    except OSError as error:
        raise DataError(f"{what} {file} could not be read", got=str(error)) from error


def _existing(path: PathLike, what: str) -> Path:
    file = Path(path)
    try:
        is_file, is_folder = file.is_file(), file.is_dir()
        empty = is_file and file.stat().st_size == 0
    except (OSError, ValueError) as error:
        raise DataError(f"{what} {path!r} could not be read", got=str(error)) from error
    if is_folder:
        raise DataError(
            f"{what} {file} is a folder", expected="a file", remedy="name a file inside the folder"
        )
    if not file.exists():
        raise DataError(
            f"{what} {file} does not exist",
            expected="an existing file",
            got=f"no such file (working directory {Path.cwd()})",
            remedy="check the spelling, or give the path from the root",
        )
    if empty:
        raise DataError(f"{what} {file} is empty", expected="at least a header", got="0 bytes")
    return file


def read_at_most(stream: Any, count: int) -> bytearray:
    """Read up to ``count`` bytes, never reserving more memory than the file really holds."""
    content = bytearray()
    while len(content) < count:
        chunk = stream.read(min(_CHUNK, count - len(content)))
        if not chunk:
            break
        content += chunk
    return content


def read_elements(
    stream: Any, shape: tuple[int, ...], dtype: np.dtype[Any], source: str, offset: int
) -> Array:
    """Read the elements of an array that fill the rest of the stream exactly.

    The result is writable, in C order and in native byte order.
    """
    count = 1
    for size in shape:
        count *= size
    wanted = count * dtype.itemsize
    content = read_at_most(stream, wanted + 1)
    if len(content) != wanted:
        came = f"{len(content):,} bytes" if len(content) < wanted else "more bytes than that"
        raise DataError(
            f"{source} does not hold what its header says",
            expected=f"{wanted:,} bytes from offset {offset} on, for shape {shape} of {dtype.name}",
            got=came,
            remedy="fetch the file again; "
            + ("the copy is cut short" if len(content) < wanted else "something was appended"),
        )
    elements = np.frombuffer(content, dtype=dtype).reshape(shape)
    return elements.astype(dtype.newbyteorder("="), copy=False)


def check_finite(array: Array, source: str) -> None:
    """Refuse NaN and infinity, naming the first place where one stands."""
    if array.dtype.kind not in "fc" or array.size == 0:
        return
    rows = array.reshape(1) if array.ndim == 0 else array
    # In chunks, so that the check never holds a second array of the data's size.
    stride = max(1, _CHUNK * len(rows) // rows.size)
    for start in range(0, len(rows), stride):
        finite = np.isfinite(rows[start : start + stride])
        if not finite.all():
            place = np.unravel_index(int(np.argmin(finite)), finite.shape)
            first = (int(place[0]) + start, *(int(axis) for axis in place[1:]))
            value = rows[first]
            raise DataError(
                f"{source} holds a value that is not finite",
                expected="finite numbers only",
                got=f"{value} at {'the only element' if array.ndim == 0 else list(first)}",
                remedy="repair or drop the row, or load with finite=False and handle it yourself",
            )
