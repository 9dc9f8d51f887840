"""The parts of a line of a graph's text: references, types, attributes, calls, containers."""

from __future__ import annotations

import re
from typing import Any, cast

import numpy as np

from wengert.base.dtypes import LONG, Dtype
from wengert.base.errors import Location
from wengert.base.shapes import Shape
from wengert.base.tree import LEAF, Structure
from wengert.graph.containers import container, read_static
from wengert.graph.literals import read_literal, read_single
from wengert.graph.operation import Call
from wengert.graph.printer import PLAIN_CLASS, PLAIN_FILE, PLAIN_FUNCTION
from wengert.graph.scanner import Scanner, read_text, read_word, write_text, write_word

_NUMBERED = re.compile(r"%\d+")
VERSION = re.compile(r"\.(\d{1,18})")
_GRADIENT = re.compile(r"d\(")
_DTYPE = re.compile(r"[a-z]+\d*(?=\[)")
_SIZE = re.compile(r"\d{1,18}")
_WHOLE = re.compile(r"-?\d{1,18}")
_STATIC = re.compile(r"static[ \t]+(?=[^\s,;)\]}])")
_NONE = re.compile(r"None\b")
_CONTAINER = re.compile(r"(namedtuple|dataclass)[ \t]+(?=[\w.<>]+:[\w.<>]+\(|['\"])")


def read_reference(scanner: Scanner) -> str:
    """Read what stands for a variable, ``h.2`` or ``d(%3)``, in its one proper writing."""
    depth = 0
    while scanner.match(_GRADIENT):
        scanner.enter()
        depth += 1
    numbered = scanner.match(_NUMBERED)
    if numbered is not None:
        reference = numbered[0]
    else:
        reference = write_word(read_word(scanner, "the name of a variable"))
        reference += _read_version(scanner)
    for _ in range(depth):
        scanner.expect(")")
        scanner.leave()
        reference = f"d({reference}){_read_version(scanner)}"
    return reference


def _read_version(scanner: Scanner) -> str:
    found = scanner.match(VERSION)
    return f".{int(found[1])}" if found and int(found[1]) != 1 else ""


def read_type(scanner: Scanner) -> tuple[Dtype, Shape]:
    """Read a dtype and a shape, ``f64[3,4]``."""
    start = scanner.position
    dtype = scanner.match(_DTYPE)
    if dtype is None or dtype[0] not in LONG:
        scanner.position = start
        scanner.fail("a type such as f64[3,4]")
    scanner.expect("[")
    shape: list[int] = []
    while not scanner.take("]"):
        if shape:
            scanner.expect(",")
        number = scanner.match(_SIZE)
        if number is None:
            scanner.fail("the size of an axis")
        shape.append(int(number[0]))
    return np.dtype(LONG[dtype[0]]), tuple(shape)


def read_whole(scanner: Scanner) -> int:
    """Read a whole number."""
    found = scanner.match(_WHOLE)
    if found is None:
        scanner.fail("a whole number")
    return int(found[0])


def read_operands(scanner: Scanner) -> tuple[list[str], bool]:
    """Read the operands, and whether attributes follow before the closing bracket."""
    operands: list[str] = []
    if scanner.take(")"):
        return operands, False
    if scanner.take(";"):
        return operands, True
    while True:
        operands.append(read_reference(scanner))
        if scanner.take(";"):
            return operands, True
        if not scanner.take(","):
            scanner.expect(")")
            return operands, False


def read_attributes(scanner: Scanner) -> dict[str, Any]:
    """Read the attributes and the closing bracket."""
    attributes: dict[str, Any] = {}
    while True:
        key = read_word(scanner, "the name of an attribute")
        if key in attributes:
            scanner.fail(f"attribute {key!r} once")
        scanner.expect("=")
        attributes[key] = read_literal(scanner)
        if not scanner.take(","):
            scanner.expect(")")
            return attributes


def read_call(scanner: Scanner) -> Call:
    """Read the calls from the outermost to the inmost, ``forward#1/phi#2``."""
    call: Call | None = None
    while True:
        function = _read_function(scanner)
        scanner.expect("#")
        call = Call(function, read_whole(scanner), call)
        if not scanner.take("/"):
            return call


def _read_function(scanner: Scanner) -> str:
    found = scanner.match(PLAIN_FUNCTION)
    return read_text(scanner) if found is None else found[0]


def read_location(scanner: Scanner) -> Location:
    """Read a file, a line and a function, ``net.py:12 forward``."""
    found = scanner.match(PLAIN_FILE)
    file = read_text(scanner) if found is None else found[0]
    scanner.expect(":")
    line = read_whole(scanner)
    return Location(file, line, "" if scanner.end() else _read_function(scanner))


def read_names(scanner: Scanner) -> tuple[str, ...]:
    """Read a tuple of texts."""
    value = read_single(scanner)
    if not isinstance(value, tuple):
        scanner.fail("a tuple of names")
    names = cast("tuple[Any, ...]", value)
    if not names or not all(isinstance(name, str) for name in names):
        scanner.fail("a tuple of names")
    return cast("tuple[str, ...]", names)


def read_structure(scanner: Scanner, leaves: list[str]) -> Structure:
    """Read a container; the references in it are added to ``leaves``."""
    scanner.enter()
    try:
        return _read_node(scanner, leaves)
    finally:
        scanner.leave()


def _read_node(scanner: Scanner, leaves: list[str]) -> Structure:
    if scanner.match(_NONE):
        return Structure("none")
    if scanner.take("{"):
        return _read_dict(scanner, leaves)
    for opening, closing, kind in (("[", "]", "list"), ("(", ")", "tuple")):
        if scanner.take(opening):
            children = _read_items(scanner, leaves, closing, kind)
            return Structure(kind, tuple(range(len(children))), tuple(children))
    if scanner.match(_STATIC):
        return Structure("static", (_hashable(scanner, read_static(scanner)),))
    found = scanner.match(_CONTAINER)
    if found is not None:
        return _read_container(scanner, leaves, found[1])
    leaves.append(read_reference(scanner))
    return LEAF


def _read_items(scanner: Scanner, leaves: list[str], closing: str, kind: str) -> list[Structure]:
    children: list[Structure] = []
    while not scanner.take(closing):
        children.append(read_structure(scanner, leaves))
        if not scanner.take(","):
            if kind == "tuple" and len(children) == 1:
                scanner.fail("',' after the item of a tuple of one")
            scanner.expect(closing)
            break
    return children


def _read_dict(scanner: Scanner, leaves: list[str]) -> Structure:
    children: dict[Any, Structure] = {}
    while not scanner.take("}"):
        key = _hashable(scanner, read_single(scanner))
        if key in children:
            scanner.fail("each key once", repr(key))
        scanner.expect(":")
        children[key] = read_structure(scanner, leaves)
        if not scanner.take(","):
            scanner.expect("}")
            break
    return Structure("dict", tuple(children), tuple(children.values()))


def _hashable(scanner: Scanner, value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        scanner.fail("a value that Python can hash", repr(value))
    return value


def _read_container(scanner: Scanner, leaves: list[str], kind: str) -> Structure:
    plain = scanner.match(PLAIN_CLASS)
    path = read_text(scanner) if plain is None else plain[0]
    scanner.expect("(")
    children: dict[str, Structure] = {}
    while not scanner.take(")"):
        name = read_word(scanner, "the name of a field")
        if name in children:
            scanner.fail("each field once", name)
        scanner.expect("=")
        children[name] = read_structure(scanner, leaves)
        if not scanner.take(","):
            scanner.expect(")")
            break
    type_ = container(kind, path, tuple(children))
    if type_ is None:
        scanner.fail(f"a {kind} that Python can make", write_text(path))
    return Structure(kind, tuple(children), tuple(children.values()), type_)


def finish(scanner: Scanner) -> None:
    """Make sure that nothing is left of the line."""
    if not scanner.end():
        scanner.fail("the end of the line")
