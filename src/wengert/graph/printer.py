"""A graph as text: one line an operation, with the user's names and lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, cast

from wengert.base.dtypes import SHORT
from wengert.base.errors import GraphError, Location
from wengert.base.tree import LEAF, Structure
from wengert.graph.containers import write_static
from wengert.graph.graph import Graph
from wengert.graph.literals import write_array, write_literal
from wengert.graph.operation import Call, Operation
from wengert.graph.scanner import DEPTH, write_text, write_word
from wengert.graph.variable import Variable

PLAIN_FILE = re.compile(r"[\w./\\+~<>-]+")
PLAIN_FUNCTION = re.compile(r"[\w.<>]+")
PLAIN_CLASS = re.compile(r"[\w.<>]+:[\w.<>]+")


def to_text(graph: Graph) -> str:
    """Write a graph as text; :func:`wengert.graph.parser.parse` reads it back.

    >>> import numpy as np
    >>> x = Variable((3,), np.dtype("float64"), "input", "x")
    >>> h = Variable((3,), np.dtype("float64"), name="h")
    >>> print(to_text(Graph("f", (x,), (Operation("tanh", (x,), (h,)),), (h,))))
    graph f -> h
      input x: f64[3]
      h: f64[3] = tanh(x)

    Raises:
        GraphError: an attribute or a key of a container is not plain data.
    """
    return _Printer(graph).text()


def mentioned(graph: Graph) -> tuple[Variable, ...]:
    """Return the variables that gradients and origins speak of though they are not in the graph."""
    present = set(graph.variables)
    found: dict[Variable, None] = {}
    spoken: list[Variable] = [
        *graph.variables,
        *(operation.origin for operation in graph.operations if operation.origin is not None),
    ]
    for variable in spoken:
        each: Variable | None = variable
        while each is not None:
            if each not in present:
                found[each] = None
            each = each.of
    return tuple(found)


def references(variables: Iterable[Variable]) -> dict[Variable, str]:
    """Return for each variable the text that stands for it: ``h.2``, ``%3``, ``d(h)``."""
    ordered = tuple(variables)
    found: dict[Variable, str] = {}
    taken: set[str] = set()
    for variable in ordered:
        if variable.of is None and variable.name is None:
            found[variable] = f"%{len(found) + 1}"
    number = len(found)
    taken.update(found.values())
    pending = [v for v in ordered if v.of is None and v not in found]
    pending.extend(v for v in ordered if v.of is not None)
    for variable in pending:
        for each in reversed(_chain(variable)):
            if each in found:
                continue
            reference = _proper(each, found)
            if reference in taken:
                number += 1
                reference = f"%{number}"
            found[each] = reference
            taken.add(reference)
    return found


def _chain(variable: Variable) -> list[Variable]:
    chain = [variable]
    while chain[-1].of is not None:
        chain.append(chain[-1].of)
    return chain


def _proper(variable: Variable, found: dict[Variable, str]) -> str:
    if variable.of is not None:
        stem = f"d({found[variable.of]})"
    else:
        stem = write_word(cast(str, variable.name))
    plain = variable.version == 1 or variable.version < 0
    return stem if plain else f"{stem}.{variable.version}"


def _fields(variable: Variable, reference: str, names: dict[Variable, str]) -> str:
    """Return what the reference does not say of the variable: name, version, of."""
    fields: list[str] = []
    numbered = reference.startswith("%")
    if variable.name is not None and (numbered or variable.of is not None):
        fields.append(f"name={write_text(variable.name)}")
    if variable.version < 0 or (numbered and variable.version != 1):
        fields.append(f"version={variable.version}")
    if variable.of is not None and numbered:
        fields.append(f"of={names[variable.of]}")
    return f" {{{', '.join(fields)}}}" if fields else ""


class _Printer:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.absent = mentioned(graph)
        self.names = references((*graph.variables, *self.absent))

    def text(self) -> str:
        return "\n  ".join([self.header(), *self.lines()])

    def lines(self) -> Iterator[str]:
        for variable in self.absent:
            yield f"absent {self.declare(variable)}"
        for variable in self.graph.inputs:
            yield self.declare(variable, always=True)
        for variable, value in self.graph.constants.items():
            yield f"{self.declare(variable, always=True)} = {write_array(value)}"
        for operation in self.graph.operations:
            yield self.operation(operation)

    def declare(self, variable: Variable, always: bool = False) -> str:
        reference = self.names[variable]
        implied = "gradient" if reference.startswith("d(") else "intermediate"
        role = f"{variable.role} " if always or variable.role != implied else ""
        if variable.dtype.name not in SHORT:
            raise GraphError(f"{variable!r} has dtype {variable.dtype}, which no graph can hold")
        shape = ",".join(str(n) for n in variable.shape)
        formula = "" if variable.formula is None else f" {write_text(variable.formula)}"
        fields = _fields(variable, reference, self.names)
        return f"{role}{reference}: {SHORT[variable.dtype.name]}[{shape}]{formula}{fields}"

    def operation(self, operation: Operation) -> str:
        results = ", ".join(self.declare(variable) for variable in operation.outputs)
        operands = ", ".join(self.names[variable] for variable in operation.inputs)
        pairs = [f"{write_word(k)}={write_literal(v)}" for k, v in operation.attributes.items()]
        attributes = "; " + ", ".join(pairs) if pairs else ""
        head = f"{results} = {_operator(operation.operator)}({operands}{attributes})"
        return "  ".join([head.lstrip(), *self.notes(operation)])

    def notes(self, operation: Operation) -> Iterator[str]:
        if operation.origin is not None:
            yield f"for {self.names[operation.origin]}"
        if operation.call is not None:
            yield f"in {_write_call(operation.call)}"
        if operation.location is not None:
            yield _write_location(operation.location)

    def header(self) -> str:
        graph = self.graph
        name = write_word(graph.name)
        return f"graph {name}{self.arguments()} -> {self.results()}".rstrip()

    def arguments(self) -> str:
        graph, structure = self.graph, self.graph.input_structure
        if structure == LEAF:
            names = f" {{arguments={write_literal(graph.arguments)}}}" if graph.arguments else ""
            return names
        if structure.kind != "tuple" or structure.leaf_count() != len(graph.inputs):
            raise GraphError(f"the inputs of graph {graph.name} do not fill its input structure")
        leaves = iter(graph.inputs)
        texts = [self.structure(child, leaves) for child in structure.children]
        if not graph.arguments:
            return f"({', '.join(texts)})"
        if len(graph.arguments) != len(texts):
            raise GraphError(f"the arguments of graph {graph.name} do not fit its input structure")
        pairs = zip(graph.arguments, texts, strict=True)
        return f"({', '.join(f'{write_word(name)}={text}' for name, text in pairs)})"

    def results(self) -> str:
        graph, structure = self.graph, self.graph.output_structure
        if structure == LEAF and len(graph.outputs) != 1:
            return "; ".join(self.names[variable] for variable in graph.outputs) + ";"
        if structure.leaf_count() != len(graph.outputs):
            raise GraphError(f"the outputs of graph {graph.name} do not fill its output structure")
        return self.structure(structure, iter(graph.outputs))

    def structure(self, node: Structure, leaves: Iterator[Variable], depth: int = 0) -> str:
        if depth > DEPTH:
            raise GraphError(f"a container is nested more than {DEPTH} levels deep")
        if node.kind == "leaf":
            return self.names[next(leaves)]
        if node.kind == "none":
            return "None"
        if node.kind == "static":
            return f"static {write_static(node.keys[0])}"
        children = [self.structure(child, leaves, depth + 1) for child in node.children]
        inner = ", ".join(children)
        if node.kind == "list":
            return f"[{inner}]"
        if node.kind == "tuple":
            return f"({inner},)" if len(children) == 1 else f"({inner})"
        if node.kind == "dict":
            pairs = zip(node.keys, children, strict=True)
            return f"{{{', '.join(f'{_write_key(key)}: {text}' for key, text in pairs)}}}"
        pairs = zip(node.keys, children, strict=True)
        body = ", ".join(f"{write_word(key)}={text}" for key, text in pairs)
        return f"{node.kind} {_write_class(node)}({body})"


def _operator(name: str) -> str:
    # complex( begins a number.
    return write_text(name) if name == "complex" else write_word(name)


def _write_key(key: Any) -> str:
    text = write_literal(key)
    return f"({text})" if isinstance(key, slice) else text


def _write_class(node: Structure) -> str:
    kind = node.type
    path = ":" if kind is None else f"{kind.__module__}:{kind.__qualname__}"
    return path if PLAIN_CLASS.fullmatch(path) else write_text(path)


def _write_call(call: Call) -> str:
    return "/".join(f"{_write_function(each.function)}#{each.number}" for each in call.path)


def _write_function(name: str) -> str:
    return name if PLAIN_FUNCTION.fullmatch(name) else write_text(name)


def _write_location(location: Location) -> str:
    file = location.file if PLAIN_FILE.fullmatch(location.file) else write_text(location.file)
    function = f" {_write_function(location.function)}" if location.function else ""
    return f"@ {file}:{location.line}{function}"
