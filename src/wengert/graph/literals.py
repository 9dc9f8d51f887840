"""Plain data and arrays as text that reads back bit for bit.

Numbers, texts, None, Ellipsis, slices and tuples of them look as in Python, save that a slice is
written as between brackets: ``(1:, None, ::2)``.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from math import isfinite, isinf, isnan
from typing import Any, cast

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.base.errors import GraphError
from wengert.base.shapes import Shape, size
from wengert.graph.graph import Array
from wengert.graph.scanner import DEPTH, TEXT, Scanner, read_text, write_text

_SMALL = 24
_FILLED_BYTES = 2**26
_NUMBER = re.compile(r"-?(?:inf\b|nan\b|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)")
_ATOM = re.compile(r"None\b|True\b|False\b|\.\.\.")
_ATOMS: dict[str, Any] = {"None": None, "True": True, "False": False, "...": ...}
_PACKED = re.compile(r"zlib:([A-Za-z0-9+/=]*)")


def write_float(value: float) -> str:
    """Write a float so that it reads back bit for bit (the payload of a NaN aside)."""
    if isnan(value):
        return "-nan" if struct.pack(">d", value)[0] & 0x80 else "nan"
    return repr(value)


def write_literal(value: Any, depth: int = 0) -> str:
    """Write a value of plain data.

    >>> write_literal((slice(1, None), None, "#0", -0.0))
    "(1:, None, '#0', -0.0)"

    Raises:
        GraphError: the value is not plain data.
    """
    if depth > DEPTH:
        raise GraphError(f"an attribute is nested more than {DEPTH} levels deep")
    if value is None or value is True or value is False:
        return str(value)
    kind = cast("type[Any]", type(value))
    if kind is tuple:
        inner = [write_literal(item, depth + 1) for item in value]
        return f"({inner[0]},)" if len(inner) == 1 else f"({', '.join(inner)})"
    if kind is slice:
        return _write_slice(value, depth)
    if kind is int:
        return str(value)
    if kind is float:
        return write_float(value)
    if kind is complex:
        return f"complex({write_float(value.real)}, {write_float(value.imag)})"
    if kind is str:
        return write_text(value)
    if value is ...:
        return "..."
    raise GraphError(
        "a graph with this value has no text form",
        expected="numbers, texts, None, Ellipsis, slices and tuples of them",
        got=f"{value!r} of type {kind.__name__}",
    )


def _write_slice(value: slice, depth: int) -> str:
    start, stop, step = (value.start, value.stop, value.step)
    parts = ["" if part is None else _slice_part(part, depth) for part in (start, stop, step)]
    return ":".join(parts if step is not None else parts[:2])


def _slice_part(part: Any, depth: int) -> str:
    text = write_literal(part, depth + 1)
    return f"({text})" if isinstance(part, slice) else text


_COLON = re.compile(":")
_PART_END = re.compile(r"[,:)}]|$")


def read_literal(scanner: Scanner) -> Any:
    """Read a value of plain data."""
    first = None if scanner.peek(_COLON) else read_single(scanner)
    if not scanner.take(":"):
        return first
    stop = None if scanner.peek(_PART_END) else read_single(scanner)
    step = None
    if scanner.take(":"):
        step = None if scanner.peek(_PART_END) else read_single(scanner)
    return cast(Any, slice(first, stop, step))


def read_single(scanner: Scanner) -> Any:
    """Read a value of plain data that is not a bare slice."""
    if scanner.take("("):
        return _read_tuple(scanner)
    if scanner.peek(_NUMBER):
        return read_number(scanner)
    if scanner.take("complex("):
        return _read_complex(scanner)
    atom = scanner.match(_ATOM)
    if atom is not None:
        return _ATOMS[atom[0]]
    if scanner.peek(TEXT):
        return read_text(scanner)
    scanner.fail("a number, a text, None, a slice or a tuple")


def _read_tuple(scanner: Scanner) -> Any:
    scanner.enter()
    items: list[Any] = []
    while not scanner.take(")"):
        items.append(read_literal(scanner))
        if not scanner.take(","):
            scanner.expect(")")
            if len(items) == 1 and not isinstance(items[0], slice):
                scanner.fail("',' before the bracket that closes a tuple of one")
            scanner.leave()
            return cast(Any, items[0] if len(items) == 1 else tuple(items))
    scanner.leave()
    return tuple(items)


def _read_complex(scanner: Scanner) -> complex:
    real = float(read_number(scanner))
    scanner.expect(",")
    imaginary = float(read_number(scanner))
    scanner.expect(")")
    return complex(real, imaginary)


def read_number(scanner: Scanner) -> int | float:
    """Read an int or a float; which one it is, the text says."""
    start = scanner.position
    found = scanner.match(_NUMBER)
    if found is None:
        scanner.fail("a number")
    digits = found[0].removeprefix("-")
    try:
        value = int(found[0]) if digits.isdecimal() else float(found[0])
    except ValueError:
        scanner.position = start
        scanner.fail("a number that Python can read")
    return value


def write_array(value: Array) -> str:
    """Write an array: one number where all are alike, a list where it is small, else packed.

    >>> write_array(np.array([1.0, -0.0])), write_array(np.ones((3, 4)))
    ('[1.0, -0.0]', '1.0')
    """
    packed = np.ascontiguousarray(value)
    if value.size == 0:
        return "[]"
    texts: list[str] = []
    if _is_uniform(packed) and value.nbytes <= _FILLED_BYTES:
        texts.append(_write_element(packed.flat[0]))
    if value.size <= _SMALL:
        texts.append(_write_nested(value))
    for text in texts:
        if _read_back(text, value.shape, value.dtype) == packed.tobytes():
            return text
    data = packed.astype(value.dtype.newbyteorder("<"), copy=False).tobytes()
    return "zlib:" + base64.b64encode(zlib.compress(data, 9)).decode("ascii")


def _is_uniform(packed: Array) -> bool:
    raw = packed.reshape(-1).view(np.uint8).reshape(packed.size, packed.dtype.itemsize)
    return bool((raw == raw[0]).all())


def _read_back(text: str, shape: Shape, dtype: Dtype) -> bytes:
    try:
        return read_array(Scanner(text, 0), shape, dtype).tobytes()
    except GraphError:
        return b""


def _write_nested(value: Array) -> str:
    if value.ndim == 0:
        return _write_element(value[()])
    return f"[{', '.join(_write_nested(item) for item in value)}]"


def _write_element(element: Any) -> str:
    if element.dtype.kind == "f":
        # str() of a narrow float is the shortest text that names it among its own kind.
        text = str(element) if isfinite(element) else write_float(float(element))
        return text if any(mark in text for mark in ".en") else text + ".0"
    return write_literal(element.item())


def read_array(scanner: Scanner, shape: Shape, dtype: Dtype) -> Array:
    """Read an array of a known shape and dtype."""
    start = scanner.position
    packed = scanner.match(_PACKED)
    if packed is not None:
        return _unpack(scanner, packed[1], shape, dtype)
    elements: list[Any] = []
    if scanner.text.startswith("[", start):
        _read_nested(scanner, shape, elements)
    else:
        elements.append(read_single(scanner))
        if size(shape) * dtype.itemsize > _FILLED_BYTES:
            scanner.fail(f"an array of at most {_FILLED_BYTES} bytes when one number fills it")
    values = [_element(scanner, start, element, dtype) for element in elements]
    result = np.empty(shape, dtype)
    result[...] = np.array(values, dtype).reshape(shape if len(values) != 1 else ())
    return result


def _read_nested(scanner: Scanner, shape: Shape, elements: list[Any]) -> None:
    if not shape:
        elements.append(read_single(scanner))
        return
    scanner.expect("[")
    if size(shape) == 0:
        scanner.expect("]")
        return
    for index in range(shape[0]):
        if index:
            scanner.expect(",")
        _read_nested(scanner, shape[1:], elements)
    scanner.expect("]")


def _element(scanner: Scanner, start: int, element: Any, dtype: Dtype) -> Any:
    allowed = {"b": bool, "i": int, "u": int, "f": (int, float), "c": (int, float, complex)}
    problem = isinstance(element, bool) != (dtype.kind == "b")
    if not problem and isinstance(element, allowed[dtype.kind]):
        try:
            with np.errstate(all="ignore"):
                value = np.array(element, dtype)[()]
        except OverflowError:
            value = None
        if value is not None and not _overflowed(element, value):
            return value
    scanner.position = start
    scanner.fail(f"values of dtype {dtype.name}")


def _overflowed(element: Any, value: Any) -> bool:
    if value.dtype.kind == "f":
        return bool(np.isinf(value)) and not (isinstance(element, float) and isinf(element))
    return False


def _unpack(scanner: Scanner, text: str, shape: Shape, dtype: Dtype) -> Array:
    wanted = size(shape) * dtype.itemsize
    try:
        reader = zlib.decompressobj()
        data = reader.decompress(base64.b64decode(text, validate=True), wanted + 1)
        complete = reader.eof
    except (ValueError, zlib.error):
        data, complete = b"", False
    if len(data) != wanted or not complete:
        scanner.fail(f"{wanted} packed bytes", f"{len(data)} readable bytes")
    stored = np.frombuffer(data, dtype.newbyteorder("<")).reshape(shape)
    return stored.astype(dtype)
