"""Load arrays from binary files: IDX, NumPy's ``.npy`` and ``.npz``."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np

from wengert.base.errors import DataError
from wengert.data.files import Array, PathLike, check_finite, open_data, read_at_most, read_elements

_IDX_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_NPY_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 1 << 16


def load_idx(path: PathLike, *, dimensions: int | None = None, finite: bool = True) -> Array:
    """Load an IDX file, the format of MNIST, compressed with gzip or not.

    An IDX file is two zero bytes, one byte for the type, one for the number of axes n, then n
    sizes as big-endian 32-bit integers, then the elements in C order (LeCun, Cortes and Burges,
    *The MNIST database*).

    Parameters
    ----------
    path
        The file; gzip is told by its content, not by its name.
    dimensions
        The number of axes that the caller expects; None takes any.
    finite
        Refuse NaN and infinity.

    Returns
    -------
    array
        A writable array in native byte order, of the shape and type that the file states.

    Raises
    ------
    DataError
        The file is missing, empty, cut short, too long, damaged, or no IDX file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "labels").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    >>> load_idx(folder / "labels")
    array([7, 2, 1], dtype=uint8)
    """
    source = f"IDX file {path}"
    with open_data(path, "IDX file") as stream:
        magic = bytes(read_at_most(stream, 4))
        if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _IDX_DTYPES:
            kinds = ", ".join(f"{kind:02x}" for kind in _IDX_DTYPES)
            raise DataError(
                f"{source} does not begin like an IDX file",
                expected=f"at offset 0: 00 00, a type ({kinds}), the number of axes",
                got=magic.hex(" "),
                remedy="check that this is the IDX file and not, say, an archive of it",
            )
        if dimensions is not None and magic[3] != dimensions:
            raise DataError(
                f"{source} has the wrong number of axes",
                expected=f"{dimensions} at offset 3",
                got=str(magic[3]),
                remedy="check that images and labels are not exchanged",
            )
        sizes = read_at_most(stream, 4 * magic[3])
        if len(sizes) < 4 * magic[3]:
            raise DataError(
                f"{source} ends inside its header",
                expected=f"{magic[3]} sizes of 4 bytes from offset 4 on",
                got=f"{len(sizes)} bytes",
                remedy="fetch the file again; the copy is cut short",
            )
        shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
        dtype = np.dtype(_IDX_DTYPES[magic[2]])
        array = read_elements(stream, _bounded(shape, source), dtype, source, 4 + len(sizes))
    if finite:
        check_finite(array, source)
    return array


def load_npy(path: PathLike, *, finite: bool = True) -> Array:
    """Load one array of numbers from a ``.npy`` file; objects are never unpickled.

    The format is NumPy's own (``numpy.lib.format``, versions 1.0 and 2.0).

    Parameters
    ----------
    path
        The file, compressed with gzip or not.
    finite
        Refuse NaN and infinity.

    Returns
    -------
    array
        A writable array in native byte order; Fortran order is kept.

    Raises
    ------
    DataError
        The file is missing, empty, cut short, too long or damaged, or holds something other
        than numbers (Python objects, text, records).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "x.npy"
    >>> np.save(file, np.arange(3.0))
    >>> load_npy(file)
    array([0., 1., 2.])
    """
    source = f"NumPy file {path}"
    with open_data(path, "NumPy file") as stream:
        array = _read_npy(stream, source)
    if finite:
        check_finite(array, source)
    return array


def load_npz(path: PathLike, *, finite: bool = True) -> dict[str, Array]:
    """Load every array of a ``.npz`` archive; objects are never unpickled.

    Parameters
    ----------
    path
        The archive, as :func:`numpy.savez` and :func:`numpy.savez_compressed` write it.
    finite
        Refuse NaN and infinity.

    Returns
    -------
    arrays
        Array by name, in the order of the archive.

    Raises
    ------
    DataError
        As :func:`load_npy`, naming the array in the archive as well.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "xy.npz"
    >>> np.savez(file, x=np.zeros((2, 3)), y=np.array([1, 0]))
    >>> {name: array.shape for name, array in load_npz(file).items()}
    {'x': (2, 3), 'y': (2,)}
    """
    arrays: dict[str, Array] = {}
    with open_data(path, "NumPy archive") as raw, _archive(raw, path) as archive:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            source = f"array {name!r} in NumPy archive {path}"
            if name == member.filename or name in arrays:
                raise DataError(
                    f"{source} has no place there",
                    expected="different names, each ending in .npy",
                    got=member.filename,
                    remedy="write the archive with numpy.savez",
                )
            with archive.open(member) as stream:
                arrays[name] = _read_npy(stream, source)
            if finite:
                check_finite(arrays[name], source)
    return arrays


@contextmanager
def _archive(raw: Any, path: PathLike) -> Generator[zipfile.ZipFile]:
    # zipfile answers damage with whatever exception the damaged field leads it to.
    damage = (
        zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError,
        RuntimeError, UnicodeDecodeError, ValueError, OverflowError, LookupError,
    )  # fmt: skip
    try:
        with zipfile.ZipFile(raw) as archive:
            yield archive
    except DataError:
        raise
    except damage as error:
        raise DataError(
            f"NumPy archive {path} is not a whole .npz file",
            expected="a zip archive of .npy files, as numpy.savez writes it",
            got=str(error) or type(error).__name__,
            remedy="write it again with numpy.savez, or fetch it again",
        ) from error


def _read_npy(stream: Any, source: str) -> Array:
    shape, fortran, dtype, offset = _read_npy_header(stream, source)
    if dtype.hasobject or dtype.kind not in "biufc":
        what = (
            "Python objects, which only unpickling could read" if dtype.hasobject else "no numbers"
        )
        raise DataError(
            f"{source} holds {what}",
            expected="an array of booleans, integers, floats or complex numbers",
            got=f"dtype {dtype}",
            remedy="save it again as numbers: numpy.save(file, array.astype(float))",
        )
    if not fortran:
        return read_elements(stream, _bounded(shape, source), dtype, source, offset)
    return read_elements(stream, _bounded(shape, source)[::-1], dtype, source, offset).T


def _read_npy_header(stream: Any, source: str) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    start = bytes(read_at_most(stream, 8))
    if len(start) < 8 or start[:6] != _NPY_MAGIC or start[6:] not in (b"\1\0", b"\2\0"):
        raise DataError(
            f"{source} does not begin like a .npy file",
            expected="at offset 0: 93 4e 55 4d 50 59 (NUMPY), then version 01 00 or 02 00",
            got=start.hex(" "),
            remedy="write it with numpy.save; an .npz archive is read by load_npz",
        )
    width = 2 if start[6] == 1 else 4
    length = bytes(read_at_most(stream, width))
    text = bytes(read_at_most(stream, min(int.from_bytes(length, "little"), _LONGEST_HEADER)))
    read = (
        np.lib.format.read_array_header_1_0 if width == 2 else np.lib.format.read_array_header_2_0
    )
    try:
        shape, fortran, dtype = read(io.BytesIO(length + text))
    except Exception as error:
        # The header is a Python literal: parsing a damaged one may fail in any way.
        raise DataError(
            f"{source} has a header that cannot be read",
            expected="a dictionary with descr, fortran_order and shape from offset 8 on",
            got=str(error).splitlines()[0][:200] if str(error) else type(error).__name__,
            remedy="write it again with numpy.save, or fetch it again",
        ) from error
    return tuple(int(size) for size in shape), bool(fortran), dtype, 8 + width + len(text)


def _bounded(shape: tuple[int, ...], source: str) -> tuple[int, ...]:
    largest = 1
    for size in shape:
        largest *= max(size, 1)
    if len(shape) > 64 or any(size < 0 for size in shape) or largest * 16 >= 2**63:
        raise DataError(
            f"{source} states a shape that no array can have",
            expected="at most 64 axes, sizes of at least 0, fewer than 2**63 bytes",
            got=f"shape {shape}",
            remedy="fetch the file again; its header is damaged",
        )
    return shape
