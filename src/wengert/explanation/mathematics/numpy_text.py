"""A formula as NumPy source: the third level of a line, from the same terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from wengert.explanation.mathematics.formula import (
    Diagonal,
    DiagonalOf,
    Formula,
    Hadamard,
    Indexed,
    Inner,
    Leaf,
    Norm,
    Ones,
    Product,
    Scaled,
    Total,
    Trace,
    Transposed,
)
from wengert.explanation.mathematics.functions_written import slice_text
from wengert.explanation.mathematics.matrix import matrix_form
from wengert.explanation.mathematics.terms import (
    Apply,
    Atom,
    Constant,
    Factor,
    Group,
    Named,
    OneHot,
    Partial,
    Size,
    Sum,
    Term,
    Value,
)
from wengert.explanation.source.matrices import CALLED
from wengert.graph.variable import Variable

_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_COMPARE = {
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==",
    "not_equal": "!=",
}  # fmt: skip


class Code(NamedTuple):
    """Source text, how tightly it binds, and what it makes.

    ``kind`` is "s" for a scalar, "v" for a vector, "r" for a vector that stands as a row,
    "m" for anything with two axes or more.
    """

    text: str
    level: int
    kind: str


class NumpyWriter:
    """Writes sums as NumPy expressions over the user's names; a gradient of h is ``dh``."""

    def __init__(self, name: Callable[[Variable], str] | None = None) -> None:
        self._name = name or default_name

    def tensor(self, tensor: Sum) -> str:
        """Return the source of a sum.

        What NumPy has no name for (``softmax``, ``index_add``) is called by its operator's name.
        """
        return self.code(matrix_form(tensor)).text

    def code(self, formula: Formula) -> Code:
        """Return the source of a formula."""
        match formula:
            case Leaf(factor):
                return self._leaf(factor)
            case Ones(indices):
                sizes = ", ".join(str(index.size) for index in indices)
                two = len(indices) > 1
                return Code(f"np.ones(({sizes}))" if two else f"np.ones({sizes})", _ATOM,
                            "m" if two else "v")  # fmt: skip
            case Transposed(inner):
                return _transposed(self.code(inner))
            case Product(items):
                return reduce(_product, [self.code(item) for item in items])
            case Hadamard(items):
                return self._hadamard(items)
            case Diagonal(inner):
                return Code(f"np.diag({self.code(inner).text})", _ATOM, "m")
            case DiagonalOf(inner):
                return Code(f"np.diag({self.code(inner).text})", _ATOM, "v")
            case Inner(left, right):
                texts = [_in(self.code(side), _PRODUCT) for side in (left, right)]
                return Code(f"np.sum({' * '.join(texts)})", _ATOM, "s")
            case Trace(inner):
                return Code(f"np.trace({self.code(inner).text})", _ATOM, "s")
            case Norm(inner):
                return Code(f"np.sum({_in(self.code(inner), _ATOM)}**2)", _ATOM, "s")
            case Scaled():
                return self._scaled(formula)
            case Total(items):
                return self._total(items)
            case Indexed(tensor):
                return self._einsum(tensor)

    def _leaf(self, factor: Factor) -> Code:
        text, level = self._atom(factor.atom)
        if None in factor.indices:
            places = ", ".join("0" if index is None else ":" for index in factor.indices)
            text, level = f"{text if level == _ATOM else f'({text})'}[{places}]", _ATOM
        kind = "svm"[min(2, len(factor.letters))]
        if factor.power == 1:
            return Code(text, level, kind)
        base = text if level == _ATOM else f"({text})"
        if factor.power < 0:
            power = "" if factor.power == -1 else f"**{-factor.power}"
            return Code(f"1 / {base}{power}", _PRODUCT, kind)
        return Code(f"{base}**{factor.power}", _POWER, kind)

    def _atom(self, atom: Atom) -> tuple[str, int]:
        match atom:
            case Value(variable):
                return self._name(variable), _ATOM
            case Constant(name, value):
                last = name.rpartition(".")[2]
                return (last, _ATOM) if last.isidentifier() else (repr(value), _ATOM)
            case Size(_, size):
                return str(size), _ATOM
            case Named(name, 0, arguments, _):
                return f"{name}({', '.join(map(self.tensor, arguments))})", _ATOM
            case Named() | Partial():
                code = self.code(matrix_form(atom.meaning))
                return code.text, code.level
            case OneHot(labels, _, size):
                return f"np.eye({size})[{self.tensor(labels)}]", _ATOM
            case Group(inner):
                code = self.code(matrix_form(inner))
                return code.text, code.level
            case Apply():
                return self._apply(atom)

    def _apply(self, atom: Apply) -> tuple[str, int]:
        texts = [self.code(matrix_form(each)) for each in atom.arguments]
        if atom.operator in _COMPARE:
            sign = _COMPARE[atom.operator]
            return f"({_in(texts[0], _SUM)} {sign} {_in(texts[1], _SUM)})", _ATOM
        if atom.operator == "index" and len(texts) == 1:
            places = ", ".join(map(_place, dict(atom.attributes)["template"]))
            return f"{_in(texts[0], _ATOM)}[{places}]", _ATOM
        parts = [code.text for code in texts]
        if atom.operator in CALLED:
            name, options = CALLED[atom.operator]
            part = "" if atom.part is None else f"[{atom.part}]"
            return f"{name}({', '.join(parts)}{options(dict(atom.attributes))}){part}", _ATOM
        parts += [f"{name}={_source(value)}" for name, value in atom.attributes]
        if atom.operator == "concatenate":
            parts = [f"[{', '.join(parts[: len(texts)])}]", *parts[len(texts) :]]
        module = "np." if hasattr(np, atom.operator) else ""
        return f"{module}{atom.operator}({', '.join(parts)})", _ATOM

    def _hadamard(self, items: Sequence[Formula]) -> Code:
        codes = [self.code(item) for item in items]
        text = " * ".join(_in(code, _PRODUCT if n == 0 else _POWER) for n, code in enumerate(codes))
        return Code(text, _PRODUCT, codes[0].kind)

    def _scaled(self, scaled: Scaled) -> Code:
        codes = [self.code(scalar) for scalar in scaled.scalars]
        if scaled.body is not None:
            codes.append(self.code(scaled.body))
        number = scaled.coefficient
        if number != 1 or not codes:
            codes.insert(0, Code(_number(number), _ATOM if number >= 0 else _PRODUCT, "s"))
        if len(codes) == 1:
            return codes[0]
        text = " * ".join(_in(code, _POWER if n else _PRODUCT) for n, code in enumerate(codes))
        return Code(text, _PRODUCT, codes[-1].kind if scaled.body is not None else "s")

    def _total(self, items: Sequence[Scaled]) -> Code:
        if not items:
            return Code("0.0", _ATOM, "s")
        text, kind = "", "s"
        for item in items:
            positive = Scaled(abs(item.coefficient), item.scalars, item.body)
            code = self._scaled(positive)
            kind = code.kind
            sign = "-" if item.coefficient < 0 else "+"
            body = _in(code, _PRODUCT)
            text += f" {sign} {body}" if text else f"{'-' if sign == '-' else ''}{body}"
        return Code(text, _SUM, kind)

    def _einsum(self, tensor: Sum) -> Code:
        kind = "svm"[min(2, len(tensor.outputs))]
        parts = [self._einsum_term(term, tensor) for term in tensor.terms]
        return Code(" + ".join(parts) or "0.0", _SUM, kind)

    def _einsum_term(self, term: Term, tensor: Sum) -> str:
        order = dict.fromkeys((*tensor.outputs, *term.letters))
        letters = {index: chr(ord("a") + n) for n, index in enumerate(order)}
        inputs, operands = [""], [_number(term.coefficient)]
        for factor in term.factors:
            inputs.append("".join(letters[index] for index in factor.letters))
            operands.append(self._leaf(factor).text)
        for index in tensor.outputs:
            if index not in term.letters:
                inputs.append(letters[index])
                operands.append(f"np.ones({index.size})")
        result = "".join(letters[index] for index in tensor.outputs)
        return f'np.einsum("{",".join(inputs)}->{result}", {", ".join(operands)})'


def default_name(variable: Variable) -> str:
    """Return the label of a variable as an identifier; ``dh`` for the gradient of h."""
    if variable.of is not None:
        return f"d{default_name(variable.of)}"
    return (variable.label or "J").replace(".", "_")


def _number(number: Fraction) -> str:
    return str(number.numerator) if number.denominator == 1 else (
        f"{number.numerator} / {number.denominator}" if number.denominator <= 100
        else repr(float(number))
    )  # fmt: skip


def _in(code: Code, level: int) -> str:
    return code.text if code.level >= level else f"({code.text})"


def _transposed(code: Code) -> Code:
    if code.kind == "m":
        return Code(f"{_in(code, _ATOM)}.T", _ATOM, "m")
    return Code(code.text, code.level, {"v": "r", "r": "v", "s": "s"}[code.kind])


def _product(left: Code, right: Code) -> Code:
    kinds = left.kind + right.kind
    if "s" in kinds:
        kind = kinds.replace("s", "", 1)
        return Code(f"{_in(left, _PRODUCT)} * {_in(right, _POWER)}", _PRODUCT, kind)
    if kinds == "vr":
        return Code(f"np.outer({left.text}, {right.text})", _ATOM, "m")
    kind = {"mm": "m", "mv": "v", "rm": "r", "rv": "s"}[kinds]
    return Code(f"{_in(left, _PRODUCT)} @ {_in(right, _POWER)}", _PRODUCT, kind)


def _source(value: Any) -> str:
    return repr(value)


def _place(entry: Any) -> str:
    return slice_text(entry) if isinstance(entry, slice) else repr(entry)
