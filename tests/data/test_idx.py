"""IDX files, whole and damaged."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.base.errors import DataError
from wengert.data import load_idx

TYPES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def idx(array: np.ndarray) -> bytes:
    kind = next(code for name, code in TYPES.items() if np.dtype(name) == array.dtype)
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, kind, array.ndim]) + sizes + array.tobytes()


IMAGES = idx(np.arange(24, dtype="u1").reshape(2, 3, 4))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("packed", [False, True])
def test_every_type_comes_back_in_native_order(tmp_path: Path, kind: str, packed: bool) -> None:
    array = np.arange(12).reshape(3, 4).astype(kind)
    content = idx(array)
    file = tmp_path / "data"
    file.write_bytes(gzip.compress(content) if packed else content)
    loaded = load_idx(file)
    assert loaded.dtype == np.dtype(kind).newbyteorder("=")
    assert loaded.dtype.isnative and loaded.flags.writeable
    np.testing.assert_array_equal(loaded, array)


def test_no_examples_and_no_axes_are_arrays_too(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_bytes(idx(np.zeros((0, 28, 28), "u1")))
    assert load_idx(file).shape == (0, 28, 28)
    file.write_bytes(idx(np.array(7, "u1")))
    assert load_idx(file).shape == ()


MALFORMED = {
    "not IDX": (b"PK\x03\x04rest", "50 4b 03 04"),
    "unknown type": (b"\0\0\x0a\x01", "00 00 0a 01"),
    "short magic": (b"\0\0", "00 00"),
    "header cut": (IMAGES[:9], "5 bytes"),
    "cut by one": (IMAGES[:-1], "23 bytes"),
    "one too many": (IMAGES + b"x", "more bytes"),
    "wrong axes": (idx(np.zeros(3, "u1")), "got:      1"),
    "huge sizes": (b"\0\0\x08\x03" + b"\xff" * 12, "4294967295"),
    "huge and empty": (b"\0\0\x08\x03" + bytes(4) + b"\xff" * 8, "(0, 4294967295, 4294967295)"),
    "large sizes": (b"\0\0\x08\x03\0\0\xff\xff\0\0\xff\xff\0\0\0\1", "0 bytes"),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_file_is_named(tmp_path: Path, case: str, packed: bool) -> None:
    content, got = MALFORMED[case]
    file = tmp_path / "damaged"
    file.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(DataError) as caught:
        load_idx(file, dimensions=3)
    message = str(caught.value)
    assert str(file) in message and "expected:" in message and got in message


def test_damaged_gzip(tmp_path: Path) -> None:
    whole = gzip.compress(IMAGES)
    file = tmp_path / "data.gz"
    flipped = whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:]
    for content in (whole[:-3], whole[:15], whole[:5], flipped, whole[:10] + b"\xff" * 9):
        file.write_bytes(content)
        with pytest.raises(DataError, match="not a whole gzip file"):
            load_idx(file)


def test_missing_folder_empty_and_strange_paths(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for path, words in [
        (tmp_path / "absent", "does not exist"),
        (tmp_path, "is a folder"),
        (tmp_path / "empty", "is empty"),
        (tmp_path / "empty" / "inside", "does not exist|could not be read"),
        ("nul\0byte", "does not exist|could not be read"),
        (tmp_path / ("x" * 5000), "could not be read|does not exist"),
    ]:
        with pytest.raises(DataError, match=words):
            load_idx(path)


def test_not_finite_is_refused_with_its_place(tmp_path: Path) -> None:
    array = np.zeros((3, 4), ">f4")
    array[2, 1] = np.nan
    file = tmp_path / "data"
    file.write_bytes(idx(array))
    with pytest.raises(DataError, match=r"nan at \[2, 1\]"):
        load_idx(file)
    assert np.isnan(load_idx(file, finite=False)[2, 1])


@given(st.data())
def test_any_damage_is_a_designed_error_or_an_array(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = data.draw(st.sampled_from([IMAGES, gzip.compress(IMAGES, mtime=0)]))
    content = bytearray(whole[: data.draw(st.integers(1, len(whole)))])
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.mktemp("idx") / "data"
    file.write_bytes(content)
    try:
        assert isinstance(load_idx(file), np.ndarray)
    except DataError as error:
        assert str(file) in str(error)
