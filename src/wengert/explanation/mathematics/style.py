"""The two ways of setting a formula: LaTeX, and Unicode for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from wengert.explanation.symbols import GREEK, Name

SUM, HADAMARD, PRODUCT, FRACTION, POWER, ATOM = range(6)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a formula: its text, what is raised after it, and how tightly it binds."""

    text: str
    raised: str = ""
    level: int = ATOM


class Style(Protocol):
    """How the parts of a formula are set."""

    minus: str
    times: str
    over: str
    partial: str
    transpose: str
    ones: str
    prime: str
    fraction_is_closed: bool
    dot: str

    def name(self, name: Name, bold: bool) -> Piece:
        """Return W1 as W⁽¹⁾."""
        ...

    def finish(self, piece: Piece) -> str:
        """Return a piece with what is raised after it."""
        ...

    def brackets(self, text: str) -> str:
        """Return a text in brackets."""
        ...

    def fraction(self, above: str, below: str) -> str:
        """Return a fraction."""
        ...

    def derivative(self, above: str, below: str) -> str:
        """Return ∂J/∂v."""
        ...

    def number(self, value: Fraction) -> str:
        """Return a number, as a fraction or decimal."""
        ...

    def raised(self, text: str) -> str:
        """Return what is raised, as it stands there."""
        ...

    def lowered(self, base: str, text: str) -> str:
        """Return a base with indices."""
        ...

    def picked(self, base: str, places: str) -> str:
        """Return a part of an array."""
        ...

    def call(self, function: str, arguments: Sequence[str], marks: str = "") -> str:
        """Return a function applied to arguments."""
        ...

    def indicator(self, text: str) -> str:
        """Return 1[condition]."""
        ...

    def norm(self, text: str, frobenius: bool) -> Piece:
        """Return a norm, to be squared."""
        ...

    def inner(self, left: str, right: str) -> str:
        """Return ⟨A, B⟩_F."""
        ...

    def absolute(self, text: str) -> str:
        """Return |x|."""
        ...

    def root(self, text: str) -> str:
        """Return the square root."""
        ...

    def summation(self, letters: str) -> str:
        """Return Σ over letters."""
        ...

    def word(self, text: str) -> str:
        """Return the name of a function."""
        ...

    def code(self, text: str) -> str:
        """Return program text."""
        ...

    def relation(self, operator: str) -> str:
        """Return the sign of a comparison."""
        ...

    def space(self, axes: Sequence[str]) -> str:
        """Return ∈ R^{q×h}; nothing for a scalar."""
        ...


_RELATIONS = {
    "less": ("<", "<"), "less_equal": ("\\le", "≤"), "greater": (">", ">"),
    "greater_equal": ("\\ge", "≥"), "equal": ("=", "="), "not_equal": ("\\ne", "≠"),
    "logical_and": ("\\wedge", "∧"), "logical_or": ("\\vee", "∨"),
}  # fmt: skip
RELATIONS = frozenset(_RELATIONS)
_LETTERS = {letter: f"\\{name}" for name, letter in reversed(GREEK.items())} | {
    "λ": "\\lambda", "ε": "\\epsilon", "ϕ": "\\phi", "ℓ": "\\ell", "ϵ": "\\epsilon", "∞": "\\infty",
}  # fmt: skip
_ACCENTS = {"\u0302": "\\hat", "\u0304": "\\bar", "\u0303": "\\tilde"}
_LATEX_NAMES = {"exp", "log", "tanh", "sin", "cos", "tan", "sinh", "cosh", "arctan", "max", "min"}
_DECIMAL_ABOVE = 100


def decimal(value: Fraction) -> str | None:
    """Return a number as a decimal when that reads better than a fraction.

    >>> decimal(Fraction(1, 3)), decimal(Fraction(44715, 1000000)), decimal(Fraction(2))
    (None, '0.044715', None)
    """
    if value.denominator <= _DECIMAL_ABOVE:
        return None
    text = repr(float(value))
    text = text if len(text) <= 10 else f"{float(value):.6g}"
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else text


class Latex:
    """LaTeX with amsmath: bold vectors and matrices."""

    minus, times, over = "-", " \\odot ", " \\oslash "
    partial, transpose, ones, prime = "\\partial", "\\top", "\\mathbf{1}", "'"
    fraction_is_closed = True
    dot = " \\, "

    def name(self, name: Name, bold: bool) -> Piece:
        """Return W1 as a bold W with (1) raised."""
        base = name.base
        accents = [_ACCENTS[c] for c in base if c in _ACCENTS]
        base = "".join(c for c in base if c not in _ACCENTS)
        text = self._letters(base, bold)
        for accent in accents:
            text = f"{accent}{{{text}}}"
        if name.subscript:
            text += f"_{{{self._subscript(name.subscript)}}}"
        return Piece(text, name.superscript)

    def _letters(self, base: str, bold: bool) -> str:
        if base in _LETTERS:
            return f"\\boldsymbol{{{_LETTERS[base]}}}" if bold else _LETTERS[base]
        plain = unicodedata.normalize("NFKC", base).replace("_", "\\_")
        if bold:
            return f"\\mathbf{{{plain}}}"
        return plain if len(plain) == 1 else f"\\mathit{{{plain}}}"

    def _subscript(self, text: str) -> str:
        parts = [_LETTERS.get(p, p if len(p) == 1 or p.isdigit() else f"\\mathrm{{{p}}}")
                 for p in text.split(",")]  # fmt: skip
        return ",".join(parts)

    def finish(self, piece: Piece) -> str:
        """Return a piece with what is raised after it."""
        if not piece.raised:
            return piece.text
        return f"{piece.text}^{self._braced(piece.raised)}"

    def _braced(self, text: str) -> str:
        return text if text == "\\top" or len(text) == 1 else f"{{{text}}}"

    def brackets(self, text: str) -> str:
        """Return a text in brackets that grow."""
        return f"\\left({text}\\right)"

    def fraction(self, above: str, below: str) -> str:
        """Return a fraction."""
        return f"\\frac{{{above}}}{{{below}}}"

    def derivative(self, above: str, below: str) -> str:
        """Return ∂J/∂v."""
        return f"\\frac{{\\partial {above}}}{{\\partial {below}}}"

    def number(self, value: Fraction) -> str:
        """Return a number, as a fraction or decimal."""
        text = decimal(value)
        if text is not None:
            mantissa, e, exponent = text.partition("e")
            times = "" if mantissa == "1" else f"{mantissa} \\cdot "
            return f"{times}10^{{{int(exponent)}}}" if e else text
        if value.denominator == 1:
            return str(value.numerator)
        return self.fraction(str(value.numerator), str(value.denominator))

    def raised(self, text: str) -> str:
        """Return what is raised, as it stands there."""
        return text.replace("⊙", "\\odot ").replace("−", "-")

    def lowered(self, base: str, text: str) -> str:
        """Return a base with indices."""
        base = f"{{{base}}}" if "_" in base and base[-1] != ")" else base
        return f"{base}_{{{text}}}"

    def picked(self, base: str, places: str) -> str:
        """Return a part of an array."""
        return self.lowered(base, places)

    def call(self, function: str, arguments: Sequence[str], marks: str = "") -> str:
        """Return a function applied to arguments."""
        return f"{function}{marks}\\left({', '.join(arguments)}\\right)"

    def indicator(self, text: str) -> str:
        """Return 1[condition]."""
        return f"\\mathbf{{1}}\\left[{text}\\right]"

    def norm(self, text: str, frobenius: bool) -> Piece:
        """Return a norm, to be squared."""
        mark = "_F" if frobenius else ""
        return Piece(f"\\left\\|{text}\\right\\|{mark}", "2")

    def inner(self, left: str, right: str) -> str:
        """Return ⟨A, B⟩_F."""
        return f"\\left\\langle {left}, {right} \\right\\rangle_F"

    def absolute(self, text: str) -> str:
        """Return |x|."""
        return f"\\left|{text}\\right|"

    def root(self, text: str) -> str:
        """Return the square root."""
        return f"\\sqrt{{{text}}}"

    def summation(self, letters: str) -> str:
        """Return Σ over letters."""
        return f"\\sum_{{{letters}}} "

    def word(self, text: str) -> str:
        """Return the name of a function."""
        if text in _LATEX_NAMES:
            return f"\\{text}"
        return f"\\operatorname{{{text.replace('_', chr(92) + '_')}}}"

    def code(self, text: str) -> str:
        """Return program text."""
        for sign in "_&%#{}$":
            text = text.replace(sign, f"\\{sign}")
        return f"\\texttt{{{text}}}"

    def relation(self, operator: str) -> str:
        """Return the sign of a comparison."""
        return _RELATIONS[operator][0]

    def space(self, axes: Sequence[str]) -> str:
        """Return ∈ R^{q × h}; nothing for a scalar."""
        letters = " \\times ".join(axes)
        return f"\\in \\mathbb{{R}}^{{{letters}}}" if axes else ""


_UP = str.maketrans("0123456789-−()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁽⁾ⁿ")
_DOWN = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_HALVES = {Fraction(1, 2): "½"}


class Unicode:
    """Plain text in the letters of mathematics, for a terminal."""

    minus, times, over = "−", " ⊙ ", " ⊘ "
    partial, transpose, ones, prime = "∂", "ᵀ", "1", "′"
    fraction_is_closed = False
    dot = "·"

    def name(self, name: Name, bold: bool) -> Piece:
        """Return W1 as W⁽¹⁾."""
        text = name.base
        if name.subscript:
            digits = name.subscript.isdigit()
            text += name.subscript.translate(_DOWN) if digits else f"_{name.subscript}"
        return Piece(text, name.superscript.translate(_UP).replace(",", "˒"))

    def finish(self, piece: Piece) -> str:
        """Return a piece with what is raised after it."""
        return piece.text + piece.raised

    def brackets(self, text: str) -> str:
        """Return a text in brackets."""
        return f"({text})"

    def fraction(self, above: str, below: str) -> str:
        """Return a fraction."""
        if (above, below) == ("1", "2"):
            return "½"
        above = f"({above})" if " " in above else above
        return f"{above}/({below})" if " " in below else f"{above}/{below}"

    def derivative(self, above: str, below: str) -> str:
        """Return ∂J/∂v."""
        return f"∂{above}/∂{below}"

    def number(self, value: Fraction) -> str:
        """Return a number, as a fraction or decimal."""
        return _HALVES.get(value) or decimal(value) or str(value)

    def raised(self, text: str) -> str:
        """Return what is raised, as it stands there."""
        plain = text.lstrip("−-")
        return text.translate(_UP) if plain.isdigit() else f"^{text}"

    def lowered(self, base: str, text: str) -> str:
        """Return a base with indices."""
        return f"{base}_{text}" if len(text) == 1 else f"{base}_{{{text}}}"

    def picked(self, base: str, places: str) -> str:
        """Return a part of an array."""
        return f"{base}[{places}]"

    def call(self, function: str, arguments: Sequence[str], marks: str = "") -> str:
        """Return a function applied to arguments."""
        return f"{function}{marks}({', '.join(arguments)})"

    def indicator(self, text: str) -> str:
        """Return 1[condition]."""
        return f"1[{text}]"

    def norm(self, text: str, frobenius: bool) -> Piece:
        """Return a norm, to be squared."""
        return Piece(f"‖{text}‖", "²_F" if frobenius else "²")

    def inner(self, left: str, right: str) -> str:
        """Return ⟨A, B⟩_F."""
        return f"⟨{left}, {right}⟩_F"

    def absolute(self, text: str) -> str:
        """Return |x|."""
        return f"|{text}|"

    def root(self, text: str) -> str:
        """Return the square root."""
        return f"√({text})"

    def summation(self, letters: str) -> str:
        """Return Σ over letters."""
        return f"Σ_{letters} " if len(letters) == 1 else f"Σ_{{{letters}}} "

    def word(self, text: str) -> str:
        """Return the name of a function."""
        return text

    def code(self, text: str) -> str:
        """Return program text."""
        return text

    def relation(self, operator: str) -> str:
        """Return the sign of a comparison."""
        return _RELATIONS[operator][1]

    def space(self, axes: Sequence[str]) -> str:
        """Return ∈ R^{q×h}; nothing for a scalar."""
        if not axes:
            return ""
        letters = "×".join(axis.replace("_", "").translate(_DOWN) if "_" in axis else axis
                           for axis in axes)  # fmt: skip
        return f"∈ R^{letters}" if len(letters) == 1 else f"∈ R^{{{letters}}}"
