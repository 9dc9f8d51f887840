"""CSV files, whole and damaged."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.base.errors import DataError, OptionError, WengertError
from wengert.data import load_csv


def write(folder: Path, text: str | bytes) -> Path:
    file = folder / "t.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def test_numbers_without_header(tmp_path: Path) -> None:
    table = load_csv(write(tmp_path, "1,2.5\n-3,4e2\n"), dtype="float32")
    np.testing.assert_array_equal(table.features, np.array([[1, 2.5], [-3, 400]], "float32"))
    assert table.features.dtype == np.float32 and table.features.flags.writeable
    assert table.labels is None and table.names == () and table.classes == ()


@pytest.mark.parametrize("label", ["y", 1, -2])
def test_label_by_name_and_by_number(tmp_path: Path, label: str | int) -> None:
    table = load_csv(write(tmp_path, "a,y,b\n1,7,2\n3,8,4\n"), label=label)
    np.testing.assert_array_equal(table.features, [[1, 2], [3, 4]])
    assert table.labels is not None and table.labels.dtype == np.int64
    np.testing.assert_array_equal(table.labels, [7, 8])
    assert table.names == ("a", "b")


def test_text_labels_without_header_become_classes(tmp_path: Path) -> None:
    table = load_csv(write(tmp_path, "1,2,dog\n3,4,cat\n5,6,dog\n"), label=-1)
    assert table.classes == ("cat", "dog") and table.features.shape == (3, 2)
    assert table.labels is not None and table.labels.tolist() == [1, 0, 1]


def test_fractions_as_labels_are_floats(tmp_path: Path) -> None:
    table = load_csv(write(tmp_path, "1,0.5\n2,3\n"), label=1, dtype="float32")
    assert table.labels is not None and table.labels.dtype == np.float32


def test_quotes_delimiter_mark_line_ends_and_gzip(tmp_path: Path) -> None:
    text = b'\xef\xbb\xbf"size; m";b\r\n"1";2\r\n3;4\r\n\r\n\r\n'
    for content in (text, gzip.compress(text)):
        table = load_csv(write(tmp_path, content), delimiter=";")
        assert table.names == ("size; m", "b") and table.features.tolist() == [[1, 2], [3, 4]]


def test_header_of_numbers_when_said(tmp_path: Path) -> None:
    file = write(tmp_path, "2019,2020\n1,2\n")
    assert load_csv(file).features.shape == (2, 2)
    assert load_csv(file, header=True).names == ("2019", "2020")


MALFORMED: dict[str, tuple[str | bytes, dict[str, Any], list[str]]] = {
    "ragged": ("a,b\n1,2\n3\n", {}, ["row 3", "expected: 2", "got:      1"]),
    "too many": ("1,2\n3,4,5\n", {}, ["row 2", "got:      3"]),
    "word": ("a,b\n1,2\n3,four\n", {}, ["row 3", "column 1 ('b')", "'four'"]),
    "word after label": ("a,y,b\n1,0,x\n", {"label": "y"}, ["row 2", "column 2 ('b')", "'x'"]),
    "empty cell": ("a,b\n1,\n", {}, ["row 2", "an empty cell"]),
    "underscore": ("1,2\n3,1_000\n", {}, ["row 2", "column 1", "'1_000'"]),
    "nan": ("a,b\n1,2\n3,nan\n", {}, ["nan at [1, 1]"]),
    "too large": ("1,1e300\n", {"dtype": "float32"}, ["inf at [0, 1]"]),
    "half a header": ("a,2\n1,2\n", {}, ["row 1", "'a'", "header=True"]),
    "typing error in row 1": ("1.x,2\n1,2\n", {}, ["row 1", "'1.x'"]),
    "no rows": ("a,b\n", {}, ["no rows"]),
    "blank": ("\n\n", {}, ["no rows"]),
    "hole": ("1,2\n\n3,4\n", {}, ["empty row 2", "row 3"]),
    "mixed labels": ("1,2,0\n1,2,one\n", {"label": 2}, ["row 2", "'one'"]),
    "empty label": ("1,2,a\n1,2,\n", {"label": 2}, ["row 2", "an empty cell"]),
    "only label": ("y\n1\n", {"label": "y"}, ["no features"]),
    "open quote": ('1,2\n3,"4\n', {}, ["not CSV"]),
    "not UTF-8": (b"a,b\n1,\xff\n", {}, ["UTF-8", "ff"]),
    "zip": (b"PK\x03\x04\xff\xfe", {}, ["UTF-8"]),
    "NUL": (b"1,2\n3,4\0\n", {}, ["row 2"]),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_file_is_named(tmp_path: Path, case: str) -> None:
    text, options, words = MALFORMED[case]
    file = write(tmp_path, text)
    with pytest.raises(DataError) as caught:
        load_csv(file, **options)
    for word in [str(file), *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"label": "z"}, {"label": 3}, {"label": -4}, {"label": True}, {"label": "a"},
        {"delimiter": ""}, {"delimiter": ",,"}, {"dtype": "int32"}, {"label": "a", "header": False},
    ],
    ids=str,
)  # fmt: skip
def test_options_that_make_no_sense(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        load_csv(write(tmp_path, "a,a,b\n1,2,3\n"), **options)


@given(
    st.lists(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_every_float_comes_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[float]]
) -> None:
    file = tmp_path_factory.mktemp("csv") / "t.csv"
    file.write_text("\n".join(",".join(map(repr, row)) for row in rows))
    np.testing.assert_array_equal(load_csv(file).features, rows)


@given(st.text("0123456789.,;\"'\n\r -e_\0aé", min_size=1), st.sampled_from([None, 0, -1, "a"]))
def test_any_text_is_a_designed_error_or_a_table(
    tmp_path_factory: pytest.TempPathFactory, text: str, label: Any
) -> None:
    file = tmp_path_factory.mktemp("csv") / "t.csv"
    file.write_bytes(text.encode())
    try:
        table = load_csv(file, label=label)
        assert table.features.ndim == 2 and np.isfinite(table.features).all()
    except WengertError as error:
        assert str(file) in str(error)
