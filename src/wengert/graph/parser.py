"""A text becomes the graph that it was printed from, or a designed error; nothing is evaluated."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn, cast

from wengert.base.dtypes import Dtype
from wengert.base.errors import GraphError, Location
from wengert.base.shapes import Shape
from wengert.base.tree import LEAF, Structure
from wengert.graph.check import check
from wengert.graph.clauses import (
    VERSION,
    finish,
    read_attributes,
    read_call,
    read_location,
    read_names,
    read_operands,
    read_reference,
    read_structure,
    read_type,
    read_whole,
)
from wengert.graph.graph import Array, Graph
from wengert.graph.literals import read_array
from wengert.graph.operation import NO_ATTRIBUTES, Call, Operation
from wengert.graph.scanner import Scanner, read_text, read_word
from wengert.graph.variable import Role, Variable

_ROLE = re.compile(r"(input|parameter|constant|intermediate|gradient)[ \t]+(?=[^\s:=,.])")
_ABSENT = re.compile(r"absent[ \t]+(?=[^\s:=,.])")
_OPERATOR = re.compile(r"(?!complex\()[^\W\d]\w*(?=\()|['\"]")
_EQUALS = re.compile("=")
_QUOTE = re.compile(r"['\"]")
_KEYWORD = re.compile(r"(?:[^\W\d]\w*|'[^'\\\n]*'|\"(?:[^\"\\\n]|\\.)*\")[ \t]*=")


def parse(text: str) -> Graph:
    r"""Read a graph from its text form.

    >>> graph = parse("graph f -> h\n  input x: f64[3]\n  h: f64[3] = tanh(x)")
    >>> graph.operations
    (Operation(h = tanh(x)),)

    Raises:
        GraphError: the text is not the text of a well-formed graph; the message names the line,
            what was expected there and what was found.
    """
    rows = [
        Scanner(line.rstrip(" \t\r"), number)
        for number, line in enumerate(text.split("\n"), 1)
        if line.strip(" \t\r") and not line.lstrip(" \t").startswith("#")
    ]
    if not rows:
        raise GraphError("the text of a graph is empty", expected="graph NAME(…) -> …", got="")
    reader = _Reader()
    header = reader.header(rows[0])
    for scanner in rows[1:]:
        reader.line(scanner)
    return check(reader.build(header))


@dataclass(slots=True)
class _Declared:
    """A variable as its line declares it."""

    reference: str
    line: int
    role: Role
    shape: Shape
    dtype: Dtype
    formula: str | None = None
    name: str | None = None
    version: int = 1
    of: str | None = None


@dataclass(slots=True)
class _Line:
    """An operation as its line states it."""

    line: int
    operator: str
    inputs: list[str]
    outputs: list[_Declared]
    attributes: dict[str, Any]
    origin: str | None = None
    call: Call | None = None
    location: Location | None = None


@dataclass(slots=True)
class _Header:
    line: int
    name: str
    arguments: tuple[str, ...] = ()
    inputs: list[str] | None = None
    input_structure: Structure = LEAF
    outputs: list[str] = field(default_factory=list[str])
    output_structure: Structure = LEAF


def _fail(line: int, what: str, expected: str, got: str) -> NoReturn:
    raise GraphError(f"line {line} of the text {what}", expected=expected, got=got)


class _Reader:
    def __init__(self) -> None:
        self.declared: dict[str, _Declared] = {}
        self.inputs: list[_Declared] = []
        self.constants: list[tuple[_Declared, Array]] = []
        self.lines: list[_Line] = []
        self.made: dict[str, Variable] = {}

    def header(self, scanner: Scanner) -> _Header:
        if not scanner.take("graph "):
            scanner.fail("'graph NAME(…) -> …'")
        header = _Header(scanner.line, read_word(scanner, "the name of the graph"))
        if scanner.take("("):
            _read_arguments(scanner, header)
        elif scanner.take("{"):
            scanner.expect("arguments=")
            header.arguments = read_names(scanner)
            scanner.expect("}")
        scanner.expect("->")
        _read_results(scanner, header)
        finish(scanner)
        return header

    def line(self, scanner: Scanner) -> None:
        if scanner.match(_ABSENT):
            self.declare(scanner, self.variable(scanner))
            finish(scanner)
            return
        results = [] if scanner.peek(_EQUALS) else [self.variable(scanner)]
        while scanner.take(","):
            results.append(self.variable(scanner))
        if scanner.end() and len(results) == 1:
            self.declare(scanner, results[0])
            self.inputs.append(results[0])
            return
        scanner.expect("=")
        if scanner.peek(_OPERATOR):
            self.operation(scanner, results)
            return
        if len(results) != 1:
            scanner.fail("an operator and its operands")
        value = read_array(scanner, results[0].shape, results[0].dtype)
        self.declare(scanner, results[0])
        self.constants.append((results[0], value))
        finish(scanner)

    def declare(self, scanner: Scanner, variable: _Declared) -> None:
        if variable.reference in self.declared:
            first = self.declared[variable.reference].line
            _fail(
                scanner.line,
                f"declares {variable.reference} again",
                "each variable once",
                f"{variable.reference} on line {first} too",
            )
        self.declared[variable.reference] = variable

    def variable(self, scanner: Scanner) -> _Declared:
        role = scanner.match(_ROLE)
        reference = read_reference(scanner)
        implied = "gradient" if reference.startswith("d(") else "intermediate"
        scanner.expect(":")
        dtype, shape = read_type(scanner)
        declared = _Declared(
            reference, scanner.line, cast(Role, role[1] if role else implied), shape, dtype
        )
        _imply(declared)
        if scanner.peek(_QUOTE):
            declared.formula = read_text(scanner)
        if scanner.take("{"):
            _read_fields(scanner, declared)
        return declared

    def operation(self, scanner: Scanner, results: list[_Declared]) -> None:
        operator = read_word(scanner, "an operator")
        scanner.expect("(")
        operands, more = read_operands(scanner)
        attributes = read_attributes(scanner) if more else {}
        line = _Line(scanner.line, operator, operands, results, attributes)
        if scanner.take("for "):
            line.origin = read_reference(scanner)
        if scanner.take("in "):
            line.call = read_call(scanner)
        if scanner.take("@"):
            line.location = read_location(scanner)
        finish(scanner)
        for declared in results:
            self.declare(scanner, declared)
        self.lines.append(line)

    def build(self, header: _Header) -> Graph:
        named = [declared.reference for declared in self.inputs]
        if header.inputs is not None and header.inputs != named:
            _fail(
                header.line,
                "names other inputs than the lines that follow",
                ", ".join(named) or "no inputs",
                ", ".join(header.inputs) or "no inputs",
            )
        constants = {
            self.resolve(each.reference, each.line): value for each, value in self.constants
        }
        return Graph(
            header.name,
            tuple(self.resolve(name, header.line) for name in named),
            tuple(self.make(line) for line in self.lines),
            tuple(self.resolve(name, header.line) for name in header.outputs),
            MappingProxyType(constants),
            header.arguments,
            header.input_structure,
            header.output_structure,
        )

    def make(self, line: _Line) -> Operation:
        return Operation(
            line.operator,
            tuple(self.resolve(name, line.line) for name in line.inputs),
            tuple(self.resolve(each.reference, line.line) for each in line.outputs),
            MappingProxyType(line.attributes) if line.attributes else NO_ATTRIBUTES,
            line.location,
            line.call,
            None if line.origin is None else self.resolve(line.origin, line.line),
        )

    def resolve(self, reference: str, line: int) -> Variable:
        """Return the variable of a reference, making it and what it is the gradient of."""
        if reference in self.made:
            return self.made[reference]
        chain = self.chain(reference, line)
        for each in reversed(chain):
            if each.reference not in self.made:
                self.made[each.reference] = Variable(
                    each.shape,
                    each.dtype,
                    each.role,
                    each.name,
                    each.version,
                    each.formula,
                    None if each.of is None else self.made[each.of],
                )
        return self.made[reference]

    def chain(self, reference: str, line: int) -> list[_Declared]:
        chain: dict[str, _Declared] = {}
        wanted: str | None = reference
        while wanted is not None:
            if wanted not in self.declared:
                _fail(line, f"speaks of {wanted}", "a variable that a line declares", wanted)
            if wanted in chain:
                _fail(line, "goes in a circle", "a gradient of another variable", wanted)
            chain[wanted] = self.declared[wanted]
            wanted = chain[wanted].of
        return list(chain.values())


def _imply(declared: _Declared) -> None:
    """Fill in what the reference says: the name and version, or what it is the gradient of."""
    reference = declared.reference
    if reference.startswith("%"):
        return
    if reference.startswith("d("):
        declared.of, _, version = reference[2:].rpartition(")")
        declared.version = int(version[1:] or 1)
        return
    scanner = Scanner(reference, declared.line)
    declared.name = read_word(scanner, "a name")
    version = scanner.match(VERSION)
    declared.version = int(version[1]) if version else 1


def _read_fields(scanner: Scanner, declared: _Declared) -> None:
    while True:
        if scanner.take("name="):
            declared.name = read_text(scanner)
        elif scanner.take("version="):
            declared.version = read_whole(scanner)
        elif scanner.take("of="):
            declared.of = read_reference(scanner)
        else:
            scanner.fail("name=, version= or of=")
        if not scanner.take(","):
            scanner.expect("}")
            return


def _read_arguments(scanner: Scanner, header: _Header) -> None:
    names: list[str] = []
    children: list[Structure] = []
    header.inputs = []
    while not scanner.take(")"):
        if children:
            scanner.expect(",")
        if scanner.peek(_KEYWORD):
            names.append(read_word(scanner, "the name of an argument"))
            scanner.expect("=")
        children.append(read_structure(scanner, header.inputs))
    if names and len(names) != len(children):
        scanner.fail("a name for each argument or for none")
    header.arguments = tuple(names)
    header.input_structure = Structure("tuple", tuple(range(len(children))), tuple(children))


def _read_results(scanner: Scanner, header: _Header) -> None:
    if scanner.take(";"):
        return
    header.output_structure = read_structure(scanner, header.outputs)
    if header.output_structure == LEAF and scanner.take(";"):
        while not scanner.end():
            header.outputs.append(read_reference(scanner))
            scanner.expect(";")
        if len(header.outputs) == 1:
            scanner.fail("another output, or none of the ';'")
