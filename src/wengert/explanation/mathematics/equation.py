"""One line of a derivation as text: left side, chain rule, what it resolves to, its space."""

from __future__ import annotations

from dataclasses import replace

from wengert.explanation.mathematics.formula import Indexed
from wengert.explanation.mathematics.lines import Derivation, Line, Prod
from wengert.explanation.mathematics.matrix import matrix_form
from wengert.explanation.mathematics.numpy_text import NumpyWriter, default_name
from wengert.explanation.mathematics.style import ATOM, Style
from wengert.explanation.mathematics.terms import Sum
from wengert.explanation.mathematics.writer import Writer
from wengert.graph.variable import Variable

_LETTERS = "ijklrstuvwabcdef"


class Equations:
    """Writes the lines of a derivation in one style."""

    def __init__(self, derivation: Derivation, style: Style) -> None:
        self.derivation, self.style = derivation, style
        self.writer = Writer(derivation.notation, style)

    def line(self, line: Line) -> str:
        """Return a line in matrix form; in index form where it has no matrix form."""
        left, right = self.sides(line)
        return f"{left} = {right}"

    def sides(self, line: Line) -> tuple[str, str]:
        """Return what stands left of the equals sign, and right of it."""
        formula = matrix_form(line.resolved)
        left = self.writer.text(self.writer.atom(line.left))
        if isinstance(formula, Indexed):
            return self.index_sides(line)
        resolved = self.writer.text(self.writer.formula(formula))
        steps = [*self._chain(line), resolved]
        if line.kind in ("forward", "inside"):
            return left, " = ".join(steps)
        return left, " = ".join(dict.fromkeys(steps)) + self._space(line)

    def index_sides(self, line: Line) -> tuple[str, str]:
        """Return both sides in index form."""
        letters = _LETTERS[: len(line.outputs)]
        piece = self.writer.atom(line.left)
        left = self.writer.text(piece)
        if letters:
            left = self.style.brackets(left) if piece.level < ATOM else left
            left = self.style.lowered(left, letters)
        return left, self.writer.indexed(line.resolved, letters)

    def index_form(self, line: Line) -> str:
        """Return a line in index form."""
        left, right = self.index_sides(line)
        return f"{left} = {right}"

    def numpy_form(self, line: Line) -> str:
        """Return a line as NumPy source over the user's names."""
        left = line.gradient or (line.variable if line.kind == "forward" else None)
        right = NumpyWriter(self._source_name).tensor(line.resolved)
        return right if left is None else f"{self._source_name(left)} = {right}"

    def _source_name(self, variable: Variable) -> str:
        """Return a name for source text; a gradient takes none that the user has."""
        name = default_name(variable)
        taken = {default_name(line.variable) for line in self.derivation.lines}
        return f"{name}_" if variable.of is not None and name in taken else name

    def definition(self, tensor: Sum) -> str:
        """Return a tensor that has a letter by what the letter stands for."""
        notation = replace(self.derivation.notation, short=())
        return Writer(notation, self.style).tensor(tensor)

    def _chain(self, line: Line) -> list[str]:
        if not line.chain:
            return []
        first, *others = (self._step(step) for step in line.chain)
        minus = self.style.minus
        for part in others:
            sign, body = (minus, part[len(minus) :]) if part.startswith(minus) else ("+", part)
            first += f" {sign} {body.lstrip()}"
        return [first]

    def _step(self, step: Prod | Sum) -> str:
        writer = self.writer
        if isinstance(step, Sum):
            return writer.tensor(step)
        objective = self.derivation.objective
        outer = writer.text(writer.derivative(objective, step.outer))
        local = writer.text(writer.derivative(step.outer, step.by))
        return self.style.call(self.style.word("prod"), [outer, local])

    def _space(self, line: Line) -> str:
        axes = self.derivation.notation.axes
        letters = [axes.get(index.axis, str(index.size)) for index in line.outputs]
        return f" {self.style.space(letters)}" if letters else ""
