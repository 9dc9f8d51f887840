"""The whole graph as one Python file that needs NumPy and nothing else."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator

from wengert.base.errors import Location
from wengert.explanation.source.expression import COMPARE, Expression
from wengert.explanation.source.helpers import HELPERS
from wengert.explanation.source.layout import INDENT, WIDTH, wrapped
from wengert.explanation.source.loops import Written, lines
from wengert.explanation.source.numbers import UNPACK
from wengert.explanation.source.rows import ROWS
from wengert.explanation.source.signature import Result, Signature
from wengert.explanation.source.storage import Storage
from wengert.explanation.source.values import Values
from wengert.explanation.source.words import Words, word_of
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.text import held
from wengert.graph.variable import Variable
from wengert.operators.bodies import BODIES

_LONG = 20
_INLINE = 48


def to_source(graph: Graph) -> str:
    """Write a graph as a NumPy function with the user's names, that runs without Wengert.

    For arguments in C order the function gives the bits of the reference interpreter.

    >>> from wengert.graph.text import parse
    >>> graph = parse('''graph predict(W=W, x=x) -> h
    ...   parameter W: f64[3,4]
    ...   input x: f64[4]
    ...   z: f64[3] = matmul(W, x)  @ net.py:7 predict
    ...   h: f64[3] = tanh(z)  @ net.py:8 predict''')
    >>> print(to_source(graph), end="")
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def predict(W, x):
        z = W @ x  # net.py:7
        h = np.tanh(z)  # net.py:8
        return h

    Raises:
        GraphError: an operator has no row that says how it is written.
    """
    return _Writer(graph).text()


class _Writer:
    def __init__(self, graph: Graph, root: _Writer | None = None) -> None:
        self.graph, self.root = graph, self if root is None else root
        self.words = Words()
        for name in () if root is None else (*HELPERS, *root.functions.values()):
            self.words.new(name)
        self.function = self.words.new(_function_name(graph.name))
        self.signature = Signature(graph, self.words)
        self.names: dict[Variable, str] = dict(self.signature.names)
        self._name_results()
        self.values = Values(graph, self.words, self.signature.fixed)
        self.storage = Storage(graph)
        self.uses = Counter(v for operation in graph.operations for v in operation.inputs)
        self.uses.update(graph.outputs)
        self.helpers: dict[str, str] = {}
        self.functions: dict[str, str] = {}
        self.definitions: list[str] = []
        self.waiting: dict[Variable, Expression] = {}
        self.body: list[str] = []
        self.place: Location | None = None
        self.files = _short_files(graph)

    def _name_results(self) -> None:
        for operation in self.graph.operations:
            for output in operation.outputs:
                wanted = word_of(output)
                if wanted is not None:
                    self.names[output] = self.words.new(wanted)

    # -- operations ----------------------------------------------------------------------------

    def write(self, operation: Operation) -> None:
        """Write an operation as a line, or keep it for the line that uses it."""
        if operation.operator in BODIES:
            self._control(operation)
            return
        if len(operation.outputs) > 1:
            self._unpack(operation)
            return
        output = operation.output
        expression = self.expression(operation, len(self.names.get(output, "t00")) + 3)
        is_passed_on = operation.operator in ("identity", "stop_gradient")
        if output not in self.names and (
            (is_passed_on and expression.text.isidentifier()) or self._fits_inside(operation)
        ):
            self.waiting[output] = expression
        else:
            self.assign(output, expression, operation.location)

    def _control(self, operation: Operation) -> None:
        """Write a loop or a branch, the functions that it calls above."""
        held_back = [v for v in dict.fromkeys(operation.inputs) if v in self.waiting]
        for variable in held_back:
            where = self.graph.producer[variable].location
            self.assign(variable, self.waiting.pop(variable), where)
        for output in operation.outputs:
            if self.uses[output] and output not in self.names:
                self.names[output] = self.words.numbered("t")
        names = BODIES[operation.operator]
        functions = {name: self.root.function_of(operation.attributes[name]) for name in names}
        use = _Use(self, operation)
        found = lines(Written(
            operation,
            [use.dense(place) for place in range(len(operation.inputs))],
            [self.names.get(output) for output in operation.outputs],
            functions,
            _Spare(self.words),
        ))  # fmt: skip
        note = self._note(operation.location)
        self.body += [note, *found] if note else found

    def function_of(self, text: str) -> str:
        """Return what the function of a body is called, and write it above."""
        if text not in self.functions:
            body = held(text)
            self.functions[text] = self.words.new(_function_name(body.name))
            inner = _Writer(body, self)
            inner.function = self.functions[text]
            self.definitions.append("\n".join(inner.definition()))
        return self.functions[text]

    def _unpack(self, operation: Operation) -> None:
        """Write ``a, b = expression``; a result that nothing reads is ``_``."""
        expression = self.expression(operation, 5 * len(operation.outputs))
        for output in operation.outputs:
            if self.uses[output] and output not in self.names:
                self.names[output] = self.words.numbered("t")
        targets = ", ".join(self.names.get(output, "_") for output in operation.outputs)
        self._line(f"{targets} = {expression.text}", operation.location)

    def expression(self, operation: Operation, margin: int) -> Expression:
        """Return the text of an operation; operands get lines of their own while it is long."""
        while True:
            found = ROWS[operation.operator](_Use(self, operation))
            inside = [v for v in operation.inputs if v in self.waiting]
            longest = max(inside, key=lambda v: len(self.waiting[v].text), default=None)
            if longest is None or len(self.waiting[longest].text) < _LONG:
                return found
            if len(found.text) + margin + len(INDENT) <= WIDTH - _LONG:
                return found
            where = self.graph.producer[longest].location
            self.assign(longest, self.waiting.pop(longest), where)

    def _fits_inside(self, operation: Operation) -> bool:
        if self.uses[operation.output] != 1:
            return False
        readers = self.graph.consumers[operation.output]
        if not readers:
            return len(self.graph.outputs) == 1
        reader = readers[0]
        text = ROWS[operation.operator](_Use(self, operation)).text
        same_pass = (reader.origin is None) == (operation.origin is None)
        return same_pass and len(text) <= _INLINE

    def assign(self, output: Variable, expression: Expression, where: Location | None) -> None:
        """Write ``name = expression``, with the user's line where it is another than before."""
        if output not in self.names:
            self.names[output] = self.words.numbered("t")
        self._line(f"{self.names[output]} = {expression.text}", where)

    def _line(self, line: str, where: Location | None) -> None:
        note = self._note(where)
        if note and len(INDENT) + len(line) + len(note) + 2 > WIDTH:
            self.body.append(note)
            note = ""
        self.body.append(f"{line}  {note}" if note else line)

    def _note(self, where: Location | None) -> str:
        if where is None or where == self.place:
            return ""
        self.place = where
        return f"# {self.files.get(where.file, os.path.basename(where.file))}:{where.line}"

    def read(self, variable: Variable) -> Expression:
        """Return the text of a variable in its own dtype."""
        if variable in self.waiting:
            return self.waiting[variable]
        if variable in self.names:
            return Expression(self.names[variable])
        return self.values.strong(variable)

    # -- the whole -----------------------------------------------------------------------------

    def definition(self) -> list[str]:
        """Return the lines of a body's function."""
        self._fill()
        self.body[:0] = self.values.lines(iter(self.graph.constants), large=True)
        texts = [self.read(variable).text for variable in self.graph.outputs]
        return self._function([*self.body, f"return {', '.join(texts)}"])

    def _function(self, body: list[str]) -> list[str]:
        head = wrapped(f"def {self.function}({', '.join(self.signature.arguments)}):", "")
        return [*head, *(each for line in body for each in wrapped(line, INDENT))]

    def text(self) -> str:
        self._fill()
        texts = [self.read(variable).text for variable in self.graph.outputs]
        result = Result(self.graph, texts, self.words)
        self.body.append(f"return {result.text}")
        return self._file(result)

    def _fill(self) -> None:
        backward = [op for op in self.graph.operations if op.origin is not None]
        seeds = [v for v in self.graph.constants if v.of is not None]
        ordinary = [v for v in self.graph.constants if v.of is None]
        self.body += self.signature.lines
        self.body += self.values.lines(iter(ordinary), large=False)
        is_told = self.root is self
        if is_told and backward and len(backward) < len(self.graph.operations):
            self.body += ["", "# forward"] if self.body else ["# forward"]
        before = True
        for operation in self.graph.operations:
            if is_told and before and operation.origin is not None:
                self.body += ["", "# backward"] if self.body else ["# backward"]
                self.body += self.values.lines(iter(seeds), large=False)
                before, self.place = False, None
            self.write(operation)
        if before:
            self.body += self.values.lines(iter(seeds), large=False)

    def _file(self, result: Result) -> str:
        arrays = list(self.values.lines(iter(self.graph.constants), large=True))
        is_packed = bool(arrays) or any("unpack(" in each for each in self.definitions)
        blocks = ["\n".join(_imports(result, is_packed, self._reads_math()))]
        blocks += [UNPACK] if is_packed else []
        blocks += self._helper_texts()
        blocks += ["\n".join(result.classes.values())] if result.classes else []
        blocks += ["\n".join(arrays)] if arrays else []
        blocks += self.definitions
        blocks.append("\n".join(self._function(self.body)))
        return "\n\n\n".join(blocks) + "\n"

    def helper(self, name: str) -> str:
        """Return what a helper function is called here, and write it above."""
        if self.root is not self:
            return self.root.helper(name)
        if name not in self.helpers:
            for other in HELPERS[name][1]:
                self.helper(other)
            self.helpers[name] = self.words.new(name)
        return self.helpers[name]

    def _reads_math(self) -> bool:
        return any("math." in HELPERS[name][0] for name in self.helpers)

    def _helper_texts(self) -> Iterator[str]:
        for name in self.helpers:
            text = HELPERS[name][0]
            for old, new in self.helpers.items():
                text = re.sub(rf"(?<![\w.]){old}\(", f"{new}(", text)
            yield text


class _Use:
    """One operation as its row sees it."""

    def __init__(self, writer: _Writer, operation: Operation) -> None:
        self.writer, self.operation = writer, operation

    def read(self, place: int) -> Expression:
        return self.writer.read(self.operation.inputs[place])

    def operand(self, place: int, level: int = COMPARE) -> str:
        return self.read(place).inside(level)

    def weak(self, place: int, level: int = COMPARE) -> str:
        variable = self.operation.inputs[place]
        if self.is_bare(place):
            return self.writer.values.weak(variable).inside(level)
        return self.operand(place, level)

    def dense(self, place: int) -> str:
        text = self.operand(place)
        is_dense = self.is_exact(place) or not self.operation.inputs[place].rank
        return text if is_dense else f'np.asarray({text}, order="C")'

    def is_bare(self, place: int) -> bool:
        variable = self.operation.inputs[place]
        is_number = variable in self.writer.graph.constants and not variable.shape
        return is_number and self.writer.values.is_weak(self.operation, place)

    def is_ordered(self, place: int) -> bool:
        return self.operation.inputs[place] in self.writer.storage.ordered

    def is_exact(self, place: int) -> bool:
        return self.operation.inputs[place] in self.writer.storage.exact

    def helper(self, name: str) -> str:
        return self.writer.helper(name)


class _Spare(dict[str, str]):
    """Words that stand for nothing else: taken when they are first asked for."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self.words = words

    def __missing__(self, name: str) -> str:
        self[name] = self.words.new(name)
        return self[name]


def _function_name(name: str) -> str:
    return name if name.isidentifier() else "function"


def _short_files(graph: Graph) -> dict[str, str]:
    files = {op.location.file for op in graph.operations if op.location is not None}
    short = Counter(os.path.basename(file) for file in files)
    chosen = {file: os.path.basename(file) for file in files}
    return {file: name if short[name] == 1 else file for file, name in chosen.items()}


def _imports(result: Result, is_packed: bool, reads_math: bool) -> list[str]:
    packing = ["import base64", "import zlib"] if is_packed else []
    mathematics = ["import math"] if reads_math else []
    standard = [*sorted([*packing, *mathematics]), *sorted(result.imports)]
    return [*standard, *([""] if standard else []), "import numpy as np"]
