"""Data sets by name, from files that the user already has or from scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np

from wengert.base.errors import DataError, OptionError
from wengert.data.batches import split
from wengert.data.files import Array, PathLike, open_data
from wengert.data.sources import load_idx

Split = tuple[Array, Array, Array, Array]


def mnist(folder: PathLike, *, scaled: bool = True, flat: bool = True) -> Split:
    """Load the handwritten digits of MNIST, or a data set in the same four files.

    The folder holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
    ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, each with ``.gz`` or without
    (LeCun, Cortes and Burges, *The MNIST database of handwritten digits*).

    Parameters
    ----------
    folder
        Where the files are.
    scaled
        Return the images as float32 from 0 to 1; otherwise as uint8 from 0 to 255.
    flat
        Return each image as one row of its pixels; otherwise as a matrix.

    Returns
    -------
    train_images, train_labels, test_images, test_labels
        For MNIST: (60000, 784), (60000,), (10000, 784), (10000,); labels are int64.

    Raises
    ------
    DataError
        A file is missing or malformed, or images and labels do not belong together.

    Examples
    --------
    >>> mnist("no/such/folder")
    Traceback (most recent call last):
    ...
    wengert.base.errors.DataError: mnist: no file train-images-idx3-ubyte in no/such/folder
      ...
    """
    train = _images_and_labels(Path(folder), "train", scaled=scaled, flat=flat)
    test = _images_and_labels(Path(folder), "t10k", scaled=scaled, flat=flat)
    if train[0].shape[1:] != test[0].shape[1:]:
        raise DataError(
            f"mnist: training and test images in {folder} differ in size",
            expected=f"test images of shape {train[0].shape[1:]}",
            got=str(test[0].shape[1:]),
        )
    return (*train, *test)


def _images_and_labels(folder: Path, part: str, *, scaled: bool, flat: bool) -> tuple[Array, Array]:
    image_file = _either(folder, f"{part}-images-idx3-ubyte")
    label_file = _either(folder, f"{part}-labels-idx1-ubyte")
    images = load_idx(image_file, dimensions=3)
    labels = load_idx(label_file, dimensions=1)
    if images.dtype != np.uint8 or labels.dtype.kind not in "iu":
        raise DataError(
            f"mnist: {image_file} and {label_file} hold the wrong types",
            expected="images of uint8 and labels of integers",
            got=f"{images.dtype} and {labels.dtype}",
        )
    if len(images) != len(labels):
        raise DataError(
            f"mnist: {image_file} and {label_file} do not belong together",
            expected=f"{len(images):,} labels, one an image",
            got=f"{len(labels):,}",
        )
    if flat:
        images = images.reshape(len(images), images.shape[1] * images.shape[2])
    if scaled:
        images = images.astype("float32") / np.float32(255)
    return images, labels.astype("int64")


def _either(folder: Path, name: str) -> Path:
    for file in (folder / name, folder / f"{name}.gz"):
        if file.exists():
            return file
    raise DataError(
        f"mnist: no file {name} in {folder}",
        expected=f"{name} or {name}.gz",
        got="a folder without it" if folder.is_dir() else "no such folder",
        remedy="name the folder that holds the four files",
    )


def digits(*, test_fraction: float = 0.2, seed: int = 0, scaled: bool = True) -> Split:
    """Load scikit-learn's 1,797 handwritten digits of 8 × 8 pixels, split by a seed.

    The data come with scikit-learn, an optional dependency; nothing is fetched (Alpaydin and
    Kaynak, *Optical recognition of handwritten digits*, UCI 1998).

    Parameters
    ----------
    test_fraction
        The part of the examples that becomes the test set, between 0 and 1.
    seed
        The seed of the split.
    scaled
        Return pixels as float32 from 0 to 1; otherwise as float32 from 0 to 16.

    Returns
    -------
    train_images, train_labels, test_images, test_labels
        By default (1438, 64), (1438,), (359, 64), (359,); labels are int64.

    Raises
    ------
    DataError
        scikit-learn is not installed.
    OptionError
        A fraction or seed that makes no sense.

    Examples
    --------
    >>> train_images, train_labels, test_images, test_labels = digits()
    >>> train_images.shape, test_images.shape, train_images.dtype
    ((1438, 64), (359, 64), dtype('float32'))
    """
    images, labels = _load_digits()(return_X_y=True)
    pixels = np.asarray(images, dtype="float32") / np.float32(16 if scaled else 1)
    (train, train_labels), (test, test_labels) = split(
        (pixels, np.asarray(labels, dtype="int64")), test_fraction, seed
    )
    return train, train_labels, test, test_labels


def _load_digits() -> Callable[..., Any]:
    try:
        return cast("Callable[..., Any]", import_module("sklearn.datasets").load_digits)
    except ImportError as error:
        raise DataError(
            "digits: the data set comes with scikit-learn",
            expected="scikit-learn installed",
            got=str(error),
            remedy='pip install "wengert[train]"',
        ) from error


def tiny_shakespeare(path: PathLike) -> tuple[Array, tuple[str, ...]]:
    """Load a text as one array of character numbers; made for the tiny Shakespeare file.

    Parameters
    ----------
    path
        A text file in UTF-8, or the folder that holds it as ``input.txt``.

    Returns
    -------
    codes, characters
        ``codes`` is int64 of shape (length of the text,); character k of the vocabulary is
        ``characters[k]``, in sorted order.

    Raises
    ------
    DataError
        The file is missing, empty, or not text in UTF-8.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "input.txt"
    >>> _ = file.write_text("to be")
    >>> tiny_shakespeare(file)
    (array([4, 3, 0, 1, 2]), (' ', 'b', 'e', 'o', 't'))
    """
    file = Path(path) / "input.txt" if Path(path).is_dir() else Path(path)
    with open_data(file, "text") as stream:
        content = stream.read()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"text {file} is not UTF-8",
            expected="UTF-8",
            got=f"byte {content[error.start]:02x} at offset {error.start}",
            remedy="save the file as UTF-8",
        ) from error
    points = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    vocabulary, codes = np.unique(points, return_inverse=True)
    return codes.astype("int64"), tuple(chr(point) for point in vocabulary)


def one_hot(labels: Array, classes: int, dtype: str = "float32") -> Array:
    """Return the labels as rows of zeros with a one: Y[i, labels[i]] = 1.

    Parameters
    ----------
    labels
        Integers from 0 to ``classes`` − 1, shape (examples,).
    classes
        The number of classes.
    dtype
        The float type of the result.

    Returns
    -------
    rows
        Shape (examples, classes).

    Raises
    ------
    DataError
        A label is no integer or out of range; the message names the first such example.
    OptionError
        ``classes`` is less than 1.

    Examples
    --------
    >>> one_hot(np.array([2, 0]), 3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    if classes < 1:
        raise OptionError("one_hot: classes", expected="at least 1", got=str(classes))
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(
            "one_hot: labels",
            expected="integers of shape (examples,)",
            got=f"{labels.dtype} of shape {labels.shape}",
        )
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        first = int(np.argmax(outside))
        raise DataError(
            "one_hot: a label is out of range",
            expected=f"0 to {classes - 1}",
            got=f"labels[{first}] = {labels[first]}",
        )
    rows = np.zeros((len(labels), classes), dtype=dtype)
    rows[np.arange(len(labels)), labels] = 1
    return rows
