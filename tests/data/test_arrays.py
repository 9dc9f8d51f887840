"""``.npy`` and ``.npz`` files, whole and damaged."""

import io
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.base.errors import DataError
from wengert.data import load_npy, load_npz


def npy(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=version)
    return stream.getvalue()


WHOLE = npy(np.arange(6.0).reshape(2, 3))


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\0" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="float32").reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.arange(4, dtype=">i2"),
        np.array(3.5),
        np.zeros((0, 5)),
        np.array([True, False]),
        np.array([1 + 2j]),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_round_trip(tmp_path: Path, array: np.ndarray, version: tuple[int, int]) -> None:
    file = tmp_path / "x.npy"
    file.write_bytes(npy(array, version))
    loaded = load_npy(file)
    np.testing.assert_array_equal(loaded, array)
    assert loaded.dtype == array.dtype.newbyteorder("=") and loaded.dtype.isnative
    assert loaded.shape == array.shape and loaded.flags.writeable


MALFORMED = {
    "not npy": (b"hello world", "68 65 6c 6c 6f"),
    "short": (b"\x93NU", "93 4e 55"),
    "version 3": (WHOLE[:6] + b"\3\0" + WHOLE[8:], "03 00"),
    "header cut": (WHOLE[:20], "header"),
    "header is no literal": (header("{'descr': open('x')}"), "header"),
    "header is unbalanced": (header("((((" * 20), "header"),
    "unknown dtype": (header("{'descr': '<q9', 'fortran_order': False, 'shape': (2,)}\n"), "q9"),
    "negative size": (header("{'descr': '<f8', 'fortran_order': False, 'shape': (-2,)}\n"), "-2"),
    "huge shape": (
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (9999999, 9999999, 9999)}\n"),
        "9999999",
    ),
    "large shape": (
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999,)}\n"),
        "0 bytes",
    ),
    "cut by one": (WHOLE[:-1], "47 bytes"),
    "two arrays": (WHOLE + WHOLE, "more bytes"),
    "text": (npy(np.array(["a", "b"])), "<U1"),
    "records": (npy(np.zeros(2, dtype=[("x", "f8")])), "('x', '<f8')"),
    "dates": (npy(np.zeros(2, dtype="M8[s]").astype("M8[s]")), "datetime64"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_file_is_named(tmp_path: Path, case: str) -> None:
    content, got = MALFORMED[case]
    file = tmp_path / "x.npy"
    file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_npy(file)
    message = str(caught.value)
    assert str(file) in message and "expected:" in message and got in message
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("inner.npy", content)
    with pytest.raises(DataError, match="array 'inner' in NumPy archive"):
        load_npz(tmp_path / "x.npz")


class Bomb:
    """Unpickling this would create a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    mark = tmp_path / "unpickled"
    array = np.array([Bomb(mark)], dtype=object)
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=array)
    (tmp_path / "bare.npy").write_bytes(pickle.dumps(Bomb(mark)))
    for load, name in [(load_npy, "x.npy"), (load_npz, "x.npz")]:
        with pytest.raises(DataError, match="Python objects"):
            load(tmp_path / name)
    for load in (load_npy, load_npz):
        with pytest.raises(DataError):
            load(tmp_path / "bare.npy")
    assert not mark.exists()


def test_not_finite_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    np.savez(file, good=np.zeros(2), bad=np.array([[0.0, -np.inf]]), single=np.float64(1))
    with pytest.raises(DataError, match=r"(?s)array 'bad' .*-inf at \[0, 1\]"):
        load_npz(file)
    assert list(load_npz(file, finite=False)) == ["good", "bad", "single"]
    np.save(tmp_path / "x.npy", np.nan)
    with pytest.raises(DataError, match="the only element"):
        load_npy(tmp_path / "x.npy")


def test_not_finite_is_found_past_the_first_chunk(tmp_path: Path) -> None:
    array = np.zeros((3000, 700), "float32")
    array[2999, 699] = np.inf
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(DataError, match=r"inf at \[2999, 699\]"):
        load_npy(tmp_path / "x.npy")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archive_round_trip(tmp_path: Path, save: Any) -> None:
    save(tmp_path / "x.npz", b=np.arange(3), a=np.ones((2, 2), "float32"))
    loaded = load_npz(tmp_path / "x.npz")
    assert list(loaded) == ["b", "a"] and loaded["a"].dtype == np.float32


def test_archive_refuses_what_is_no_array_and_twins(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(DataError, match="readme"):
        load_npz(tmp_path / "x.npz")
    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("x.npy", WHOLE)
        archive.writestr("x.npy", WHOLE)
    with pytest.raises(DataError, match="different names"):
        load_npz(tmp_path / "x.npz")


@given(st.data())
def test_any_damage_is_a_designed_error_or_an_array(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    packed = io.BytesIO()
    np.savez_compressed(packed, x=np.arange(6.0), y=np.arange(2))
    load, whole = data.draw(st.sampled_from([(load_npy, WHOLE), (load_npz, packed.getvalue())]))
    content = bytearray(whole[: data.draw(st.integers(1, len(whole)))])
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.mktemp("npy") / "data"
    file.write_bytes(content)
    try:
        load(file)
    except DataError as error:
        assert str(file) in str(error)
