"""Arguments and results: containers taken apart at the top and put together at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from wengert.base.errors import GraphError
from wengert.base.tree import LEAF, Structure
from wengert.explanation.source.words import Words, word_of
from wengert.graph.graph import Graph
from wengert.graph.literals import write_literal
from wengert.graph.variable import Variable


class Signature:
    """The arguments of the function, and the lines that give each input its name."""

    def __init__(self, graph: Graph, words: Words) -> None:
        self.arguments: list[str] = []
        self.lines: list[str] = []
        self.names: dict[Variable, str] = {}
        self.fixed: dict[str, Any] = {}
        self._words = words
        children = graph.input_structure.children
        if graph.input_structure == LEAF or len(children) != len(graph.arguments):
            self._plain(graph)
            return
        self.arguments = [words.argument(name) for name in graph.arguments]
        leaves = iter(graph.inputs)
        for argument, child in zip(self.arguments, children, strict=True):
            for path, node in _places(child, argument):
                if node.kind == "leaf":
                    self._take(next(leaves), path)
                elif _is_comparable(node.keys[0]):
                    self.fixed[path] = node.keys[0]
        if self.fixed:
            self.lines += _guard(self.fixed)

    def _plain(self, graph: Graph) -> None:
        for variable in graph.inputs:
            word = self._words.new(word_of(variable) or "x")
            self.names[variable] = word
            self.arguments.append(word)

    def _take(self, variable: Variable, path: str) -> None:
        wanted = word_of(variable)
        if path in self.arguments and wanted in (None, path):
            self.names[variable] = path
            return
        word = self._words.new(wanted or "x")
        self.names[variable] = word
        self.lines.append(f"{word} = {path}")


def _is_comparable(value: Any) -> bool:
    try:
        # A NaN differs from itself.
        return bool(write_literal(value)) and bool(value == value)  # noqa: PLR0124
    except GraphError:
        return False


def _guard(fixed: dict[str, Any]) -> list[str]:
    """Return the lines that refuse other values than those that the graph was traced with."""
    paths, values = ", ".join(fixed), ", ".join(key_text(value) for value in fixed.values())
    test = f"({paths}) != ({values})" if len(fixed) > 1 else f"{paths} != {values}"
    said = ", ".join(f"{path} = {value!r}" for path, value in fixed.items())
    return [f"if {test}:", f"    raise ValueError({key_text(f'this text is for {said}')})"]


def _places(structure: Structure, path: str) -> Iterator[tuple[str, Structure]]:
    """Yield the text that reaches each leaf and each part that was fixed by the trace."""
    if structure.kind in ("leaf", "static"):
        yield path, structure
        return
    for key, child in zip(structure.keys, structure.children, strict=True):
        if structure.kind in ("namedtuple", "dataclass"):
            yield from _places(child, f"{path}.{key}")
        else:
            yield from _places(child, f"{path}[{key_text(key)}]")


def key_text(key: Any) -> str:
    """Return a key of a container as Python text, texts in double quotes."""
    return json.dumps(key) if isinstance(key, str) and key.isprintable() else repr(key)


class Result:
    """The text after ``return``, and the classes that it needs."""

    def __init__(self, graph: Graph, texts: list[str], words: Words) -> None:
        self.classes: dict[str, str] = {}
        self.imports: set[str] = set()
        self._words = words
        self._known: dict[tuple[str, tuple[Any, ...]], str] = {}
        structure = graph.output_structure
        if structure.leaf_count() != len(texts):
            structure = Structure("tuple", tuple(range(len(texts))), (LEAF,) * len(texts))
        text = self._put(structure, iter(texts))
        is_open = structure.kind == "tuple" and len(structure.children) > 1
        self.text = text[1:-1] if is_open else text

    def _put(self, node: Structure, leaves: Iterator[str]) -> str:
        if node.kind == "leaf":
            return next(leaves)
        if node.kind == "none":
            return "None"
        if node.kind == "static":
            return repr(node.keys[0])
        parts = [self._put(child, leaves) for child in node.children]
        if node.kind == "dict":
            pairs = zip(node.keys, parts, strict=True)
            return "{" + ", ".join(f"{key_text(key)}: {part}" for key, part in pairs) + "}"
        if node.kind == "list":
            return f"[{', '.join(parts)}]"
        if node.kind == "tuple":
            return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
        pairs = zip(node.keys, parts, strict=True)
        return f"{self._class(node)}({', '.join(f'{key}={part}' for key, part in pairs)})"

    def _class(self, node: Structure) -> str:
        name = getattr(node.type, "__name__", "Container")
        key = (name, node.keys)
        if key not in self._known:
            word = self._words.new(name)
            maker = "namedtuple" if node.kind == "namedtuple" else "make_dataclass"
            source = "collections" if node.kind == "namedtuple" else "dataclasses"
            self.imports.add(f"from {source} import {maker}")
            fields = ", ".join(json.dumps(field) for field in node.keys)
            self._known[key] = word
            self.classes[word] = f'{word} = {maker}("{word}", [{fields}])'
        return self._known[key]
