"""Data sets by name."""

import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from wengert.base.errors import DataError, OptionError
from wengert.data import digits, mnist, one_hot, tiny_shakespeare


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype("u1").tobytes()


def small_mnist(folder: Path) -> Path:
    for part, count in (("train", 5), ("t10k", 2)):
        images = np.arange(count * 6).reshape(count, 2, 3)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        labels = gzip.compress(idx(np.arange(count)))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(labels)
    return folder


def test_mnist_forms(tmp_path: Path) -> None:
    folder = small_mnist(tmp_path)
    images, labels, test_images, test_labels = mnist(folder)
    assert images.shape == (5, 6) and images.dtype == np.float32 and test_images.shape == (2, 6)
    assert labels.dtype == np.int64 and test_labels.tolist() == [0, 1]
    assert images[4, 5] == np.float32(29) / np.float32(255)
    raw, *_ = mnist(folder, scaled=False, flat=False)
    assert raw.shape == (5, 2, 3) and raw.dtype == np.uint8


def test_mnist_files_that_do_not_fit(tmp_path: Path) -> None:
    folder = small_mnist(tmp_path)
    whole = (folder / "t10k-images-idx3-ubyte").read_bytes()
    for content, words in [
        (idx(np.zeros((3, 2, 3))), "do not belong together"),
        (idx(np.zeros((2, 4, 4))), "differ in size"),
        (idx(np.zeros(2)), "wrong number of axes"),
        (whole[:-1], "does not hold what its header says"),
        (b"\0\0\x0c" + whole[3:16] + bytes(48), "wrong types"),
    ]:
        (folder / "t10k-images-idx3-ubyte").write_bytes(content)
        with pytest.raises(DataError, match=words) as caught:
            mnist(folder)
        assert "t10k-images" in str(caught.value) or str(folder) in str(caught.value)
    (folder / "t10k-images-idx3-ubyte").unlink()
    with pytest.raises(DataError, match="no file t10k-images-idx3-ubyte"):
        mnist(folder)


def test_mnist_itself(shared_data: Path) -> None:
    if not (shared_data / "mnist").is_dir():
        pytest.skip(f"no mnist/ in {shared_data}")
    images, labels, test_images, test_labels = mnist(shared_data / "mnist", scaled=False)
    assert images.shape == (60000, 784) and test_images.shape == (10000, 784)
    header = bytes.fromhex("00000803 0000ea60 0000001c 0000001c")
    digest = hashlib.md5(header + images.tobytes(), usedforsecurity=False).hexdigest()
    assert digest == "6bbc9ace898e44ae57da46a324031adb"
    assert labels[:5].tolist() == [5, 0, 4, 1, 9] and test_labels[:3].tolist() == [7, 2, 1]


def test_tiny_shakespeare_itself(shared_data: Path) -> None:
    folder = shared_data / "tinyshakespeare"
    if not folder.is_dir():
        pytest.skip(f"no tinyshakespeare/ in {shared_data}")
    codes, characters = tiny_shakespeare(folder)
    assert codes.shape == (1115394,) and len(characters) == 65
    assert "".join(characters[code] for code in codes[:13]) == "First Citizen"


def test_text_keeps_every_character(tmp_path: Path) -> None:
    text = "naïve 文字 🙂\r\n\n"
    (tmp_path / "t.txt").write_bytes(text.encode())
    codes, characters = tiny_shakespeare(tmp_path / "t.txt")
    assert "".join(characters[code] for code in codes) == text


def test_text_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(b"ab\xff")
    with pytest.raises(DataError, match="ff at offset 2"):
        tiny_shakespeare(tmp_path / "t.txt")
    with pytest.raises(DataError, match="does not exist"):
        tiny_shakespeare(tmp_path)


def test_digits_are_split_by_the_seed() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is an extra")
    images, labels, test_images, test_labels = digits()
    assert images.shape == (1438, 64) and test_images.shape == (359, 64)
    assert images.max() == 1 and images.dtype == np.float32 and labels.dtype == np.int64
    assert digits(scaled=False)[0].max() == 16
    np.testing.assert_array_equal(digits()[3], test_labels)
    assert not np.array_equal(digits(seed=1)[3], test_labels)
    assert np.bincount(np.concatenate([labels, test_labels])).tolist() == [
        178, 182, 177, 183, 181, 182, 181, 179, 174, 180,
    ]  # fmt: skip


def test_digits_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(DataError, match=r'pip install "wengert\[train\]"'):
        digits()


def test_one_hot_refuses() -> None:
    for labels, classes, error, words in [
        (np.array([0, 3]), 3, DataError, r"labels\[1\] = 3"),
        (np.array([-1]), 3, DataError, r"labels\[0\] = -1"),
        (np.array([0.0]), 3, DataError, "float64"),
        (np.array([[0]]), 3, DataError, r"\(1, 1\)"),
        (np.array([0]), 0, OptionError, "classes"),
    ]:
        with pytest.raises(error, match=words):
            one_hot(labels, classes)
