"""Load tables of numbers from CSV text."""

from __future__ import annotations

import csv
import io
from array import array as typed_array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from wengert.base.errors import DataError, OptionError
from wengert.data.files import Array, PathLike, check_finite, open_data


@dataclass(frozen=True, eq=False)
class Table:
    """A table of numbers, with the label column apart.

    Attributes
    ----------
    features
        The number columns, shape (rows, columns).
    labels
        The label column, shape (rows,): int64 for whole numbers and for classes written as text,
        otherwise the dtype of the features; None where no label column was asked for.
    names
        The names of the feature columns; empty without a header.
    classes
        The text of class k at place k where labels are text, in sorted order; otherwise empty.
    """

    features: Array
    labels: Array | None
    names: tuple[str, ...]
    classes: tuple[str, ...]


def load_csv(
    path: PathLike,
    *,
    label: str | int | None = None,
    header: bool | None = None,
    delimiter: str = ",",
    dtype: str = "float64",
    finite: bool = True,
) -> Table:
    r"""Load a table of numbers from CSV text in UTF-8, compressed with gzip or not.

    Parameters
    ----------
    path
        The file.
    label
        The column of the labels: its name in the header or its number from 0 (negative from the
        end). A label column of text becomes class numbers; see :class:`Table`.
    header
        Whether the first row holds names. None finds out: the first row is a header when none of
        its cells outside the label column is a number.
    delimiter
        The one character between cells.
    dtype
        The float type of the features, "float32" or "float64".
    finite
        Refuse NaN and infinity.

    Returns
    -------
    table
        Features, labels, names and classes.

    Raises
    ------
    DataError
        The file is missing, empty or damaged; a row has more or fewer cells than the first; a cell
        is no number. The message names row and column; rows are counted from 1, header included.
    OptionError
        The label column does not exist, or an option has a value that makes no sense.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "iris.csv"
    >>> _ = file.write_text("width,length,kind\n1,2,lily\n3,4,iris\n5,6,lily\n")
    >>> table = load_csv(file, label="kind")
    >>> table.features.shape, table.labels, table.classes
    ((3, 2), array([1, 0, 1]), ('iris', 'lily'))
    """
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise OptionError("load_csv: delimiter", expected="one character", got=repr(delimiter))
    if dtype not in ("float32", "float64"):
        raise OptionError("load_csv: dtype", expected='"float32" or "float64"', got=repr(dtype))
    source = f"CSV file {path}"
    with open_data(path, "CSV file") as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        rows = _rows(text, delimiter, source)
        table = _read(rows, _Reading(source, label, header, np.dtype(dtype)))
        text.detach()
    if finite:
        check_finite(table.features, f"{source}, features")
        if table.labels is not None:
            check_finite(table.labels, f"{source}, labels")
    return table


@dataclass(frozen=True)
class _Reading:
    """What the caller asked of one file."""

    source: str
    label: str | int | None
    header: bool | None
    dtype: np.dtype[np.floating]


def _rows(text: io.TextIOWrapper, delimiter: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of each row; empty rows are allowed at the end only."""
    empty = 0
    number = 0
    try:
        for number, cells in enumerate(csv.reader(text, delimiter=delimiter, strict=True), start=1):
            if not cells:
                empty = empty or number
                continue
            if empty:
                raise DataError(
                    f"{source} has an empty row {empty}",
                    expected="empty rows at the end only",
                    got=f"cells again in row {number}",
                    remedy="fill the row or drop it",
                )
            yield number, cells
    except csv.Error as error:
        raise DataError(f"{source}, row {number + 1}: not CSV", got=str(error)) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source} is not text in UTF-8",
            expected="UTF-8",
            got=f"byte {error.object[error.start]:02x} after row {number}",
            remedy="save the file as UTF-8; a spreadsheet file must be exported as CSV",
        ) from error


def _read(rows: Iterator[tuple[int, list[str]]], reading: _Reading) -> Table:
    number, first = next(rows, (0, []))
    if not first:
        raise DataError(f"{reading.source} has no rows", expected="rows of numbers", got="none")
    by_position = isinstance(reading.label, int)
    label = _label_position(first, reading) if by_position else None
    has_header = _has_header(first, label, reading)
    names = [cell.strip() for cell in first] if has_header else []
    if isinstance(reading.label, str):
        label = _named_position(names, reading)
    if label is not None and len(first) == 1:
        raise DataError(
            f"{reading.source} has no features",
            expected="columns beside the label column",
            got="the label column alone",
        )
    body = rows if has_header else chain([(number, first)], rows)
    columns = _Columns(reading.source, names, len(first), label)
    values, labels = columns.collect(body)
    features = np.frombuffer(values, dtype="float64").reshape(-1, columns.feature_count)
    with np.errstate(over="ignore"):
        features = features.astype(reading.dtype, copy=False)
    column, classes = _decode_labels(labels, columns, reading) if label is not None else (None, ())
    kept = tuple(name for place, name in enumerate(names) if place != label)
    return Table(features, column, kept, classes)


def _label_position(first: list[str], reading: _Reading) -> int:
    assert isinstance(reading.label, int)
    if isinstance(reading.label, bool) or not -len(first) <= reading.label < len(first):
        raise OptionError(
            f"{reading.source}: label column",
            expected=f"a number from {-len(first)} to {len(first) - 1}, or a name",
            got=repr(reading.label),
        )
    return reading.label % len(first)


def _named_position(names: list[str], reading: _Reading) -> int:
    assert isinstance(reading.label, str)
    if names.count(reading.label) == 1:
        return names.index(reading.label)
    raise OptionError(
        f"{reading.source}: label column {reading.label!r}",
        expected=f"one of {', '.join(map(repr, names))}" if names else "a header that names it",
        got="several columns of that name" if reading.label in names else "no such column",
        remedy="give the number of the column, counted from 0",
    )


def _has_header(first: list[str], label: int | None, reading: _Reading) -> bool:
    if reading.header is not None:
        return reading.header
    others = [(place, cell) for place, cell in enumerate(first) if place != label]
    words = [(place, cell) for place, cell in others if _number(cell) is None]
    # A half-numeric first row is either a header of years or data with a typing error; guessing
    # would lose a row or a name without a word.
    if words and len(words) < len(others):
        raise DataError(
            f"{reading.source}: row 1 is neither all names nor all numbers",
            expected="names only (a header) or numbers only",
            got=f"{words[0][1]!r} in column {words[0][0]} beside numbers",
            remedy="say header=True or header=False; a column of text can be the label column",
        )
    return bool(words)


def _number(cell: str) -> float | None:
    try:
        # Python would read 1_000 as a number; no program that writes CSV means that.
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


@dataclass(frozen=True)
class _Columns:
    """The layout that every row must keep."""

    source: str
    names: list[str]
    count: int
    label: int | None

    @property
    def feature_count(self) -> int:
        return self.count - (self.label is not None)

    def title(self, place: int) -> str:
        return f"column {place} ({self.names[place]!r})" if self.names else f"column {place}"

    def collect(
        self, rows: Iterator[tuple[int, list[str]]]
    ) -> tuple[typed_array[float], list[tuple[int, str]]]:
        values = typed_array("d")
        labels: list[tuple[int, str]] = []
        for number, cells in rows:
            if len(cells) != self.count:
                raise DataError(
                    f"{self.source}, row {number} has the wrong number of cells",
                    expected=f"{self.count}, as in row 1",
                    got=str(len(cells)),
                    remedy="repair the row; a cell that holds the delimiter must be quoted",
                )
            if self.label is not None:
                labels.append((number, cells.pop(self.label).strip()))
            try:
                values.extend(map(float, cells))
            except ValueError:
                self._refuse(number, cells)
            if "_" in "".join(cells):
                self._refuse(number, cells)
        if not values and not labels:
            raise DataError(
                f"{self.source} has a header and no rows", expected="rows of numbers", got="none"
            )
        return values, labels

    def _refuse(self, number: int, cells: list[str]) -> None:
        odd = next(place for place, cell in enumerate(cells) if _number(cell) is None)
        place = odd + (self.label is not None and odd >= self.label)
        raise DataError(
            f"{self.source}, row {number}, {self.title(place)}: not a number",
            expected="a number",
            got=repr(cells[odd]) if cells[odd].strip() else "an empty cell",
            remedy="repair the cell; a column of text can be the label column",
        )


def _decode_labels(
    labels: list[tuple[int, str]], columns: _Columns, reading: _Reading
) -> tuple[Array, tuple[str, ...]]:
    """Return the labels as numbers, and the classes where they are text."""
    assert columns.label is not None
    numbers = [_number(cell) for _, cell in labels]
    words = [number is None for number in numbers]
    mixed = any(words) and not all(words)
    empty = [row for row, cell in labels if not cell]
    if mixed or empty:
        row, cell = next(
            (row, cell) for (row, cell), word in zip(labels, words, strict=True)
            if not cell or (not empty and word != words[0])
        )  # fmt: skip
        raise DataError(
            f"{columns.source}, row {row}, {columns.title(columns.label)}: label",
            expected="all numbers or all text, none empty",
            got=repr(cell) if cell else "an empty cell",
            remedy="repair the cell",
        )
    if all(words):
        classes = tuple(sorted({cell for _, cell in labels}))
        codes = {text: code for code, text in enumerate(classes)}
        return np.array([codes[cell] for _, cell in labels], dtype="int64"), classes
    column = np.array(numbers, dtype="float64")
    # Beyond 2**53 a float64 no longer tells neighbouring whole numbers apart.
    whole = np.isfinite(column) & (column == np.trunc(column)) & (np.abs(column) < 2.0**53)
    return column.astype("int64" if whole.all() else reading.dtype), ()
