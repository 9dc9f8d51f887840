"""What stands in the circles: the symbol of an operator, and of its rule in the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wengert.explanation.drawing.picture import Label, Line, Span
from wengert.explanation.symbols import GREEK
from wengert.graph.operation import Operation

NORM = "norm"
_SYMBOLS = {
    "negative": "−", "absolute": "|·|", "sqrt": "√", "reciprocal": "1/·",
    "add": "+", "subtract": "−", "multiply": "⊙", "divide": "÷", "power": "^", "matmul": "×",
    "maximum": "max", "minimum": "min", "sum": "Σ", "prod": "Π", "sigmoid": "σ", "less": "<",
    "less_equal": "≤", "greater": ">", "greater_equal": "≥", "equal": "=", "not_equal": "≠",
    "logical_and": "∧", "logical_or": "∨", "logical_not": "¬", "transpose": "⊤",
    "reshape": "▭", "broadcast_to": "↦", "cast": "↻", "stop_gradient": "⊣", "index": "[·]",
    "index_add": "+[·]", "index_update": "[·]←", "add_at": "[·]+=",
    "take_along_axis": "[·]", "add_along_axis": "+[·]",
    "concatenate": "‖", "squared_error": "½‖−‖²", "softmax_cross_entropy": "ℓ",
    "binary_cross_entropy": "ℓ", "log_softmax": "ln softmax", "logsumexp": "lse", "log": "ln",
    "absolute_value": "|·|", "leaky_relu": "lrelu", "var": "var", "std": "std", "mean": "mean",
}  # fmt: skip
_LOSSES = {"squared_error", "softmax_cross_entropy", "binary_cross_entropy"}
# Each element of the result depends on several of the operand: no elementwise derivative.
_COUPLED = {"softmax", "log_softmax", "cumsum"}
# Operators that only move or copy values are drawn smaller.
HELPERS = {"reshape", "broadcast_to", "cast", "stop_gradient", "transpose"}
_CALLS = {"loss": "ℓ", "ell": "ℓ", "phi": "ϕ", "activation": "ϕ", "sigmoid": "σ", "norm": "‖·‖"}
_ITALIC = set("ℓϕσλ")


def _text(text: str) -> Line:
    return (Span(text, italic=text in _ITALIC),)


def call_line(function: str) -> Line:
    """Return the symbol of one of the user's functions: phi is ϕ, loss is ℓ."""
    return _text(_CALLS.get(function) or GREEK.get(function) or function)


def norm_line(rank: int) -> Line:
    """Return ‖·‖² with the F of Frobenius where the operand is a matrix."""
    mark = (Span("F", italic=True, shift=-1),) if rank > 1 else ()
    return (Span("‖·‖"), Span("2", shift=1), *mark)


def operator_line(operation: Operation, numbers: Mapping[int, str], symbol: str = "") -> Line:
    """Return the symbol of one operation; ``numbers`` are its bare numbers by operand."""
    name = operation.operator
    if len(operation.inputs) == 2 and len(numbers) == 1:
        ((place, number),) = numbers.items()
        written = _NUMBERED.get(name)
        if written is not None:
            return written(number, place == 0)
    if name == "multiply" and any(variable.rank == 0 for variable in operation.inputs):
        return _text("·")
    if name == "transpose" and operation.inputs[0].rank > 2:
        return _text("axes")
    if name == "square":
        return _power("2", False)
    return _text(_SYMBOLS.get(name) or symbol or name)


def _power(number: str, first: bool) -> Line:
    if first:
        return (Span(number), Span("·", shift=1))
    return (Span("·"), Span(number, shift=1))


_NUMBERED: dict[str, Callable[[str, bool], Line]] = {
    "add": lambda n, first: _text(f"+{n}"),
    "subtract": lambda n, first: _text(f"{n}−·" if first else f"−{n}"),
    "multiply": lambda n, first: _text(f"×{n}"),
    "divide": lambda n, first: _text(f"{n}/·" if first else f"÷{n}"),
    "power": _power,
    "maximum": lambda n, first: _text(f"max {n}"),
    "minimum": lambda n, first: _text(f"min {n}"),
    "less": lambda n, first: _text(f"<{n}"),
    "greater": lambda n, first: _text(f">{n}"),
}


def prime_line(symbol: Line) -> Line:
    """Return ⊙ϕ′ for the rule of an elementwise operator."""
    return (Span("⊙"), *symbol, Span("′"))


def nabla_line(symbol: Line) -> Line:
    """Return ∇ℓ, the rule of an operator that has no shorter name."""
    return (Span("∇"), *symbol)


_TRANSPOSED = Span("⊤", shift=1)


def rule_line(
    operation: Operation, place: int, names: Mapping[int, Line], symbol: Line, numbers: int
) -> Line:
    """Return the symbol of one operation's rule for the operand at ``place``.

    ``names`` are the operands as they are set, ``symbol`` is the forward circle.
    """
    name = operation.operator
    operand, result = operation.inputs[place], operation.outputs[0]
    if name in _RULES:
        return _RULES[name](operation, place, names, symbol)
    if name in _LOSSES:
        return nabla_line(_text("ℓ"))
    if name == "square" and names[0]:
        return (Span("⊙2"), *names[0])
    alone = operand.shape == result.shape and len(operation.inputs) - numbers == 1
    is_word = symbol[0].text.isalnum() and len(symbol) == 1
    if alone and is_word and name not in _COUPLED:
        return prime_line(symbol)
    return nabla_line(symbol)


def _add_rule(operation: Operation, place: int, names: Mapping[int, Line], symbol: Line) -> Line:
    if operation.inputs[place].shape != operation.outputs[0].shape:
        return _text("Σ")
    return _text("−1" if operation.operator == "subtract" and place == 1 else "1")


def _times_rule(operation: Operation, place: int, names: Mapping[int, Line], symbol: Line) -> Line:
    other = operation.inputs[1 - place]
    mark = "·" if other.rank == 0 or operation.inputs[place].rank == 0 else "⊙"
    if operation.operator == "divide":
        return (Span("÷"), *names[1]) if place == 0 else nabla_line(symbol)
    line = names[1 - place]
    if not line:
        return nabla_line(symbol)
    return (*line, Span("·")) if mark == "·" else (Span(mark), *line)


def _product_rule(
    operation: Operation, place: int, names: Mapping[int, Line], symbol: Line
) -> Line:
    other = names[1 - place]
    if not other:
        return nabla_line(symbol)
    if place == 0:
        return (Span("·"), *_transposed(other))
    return (*_transposed(other), Span("·"))


def _transposed(line: Line) -> Line:
    last = line[-1]
    if last.shift != 1:
        return (*line, _TRANSPOSED)
    # The transpose of a transpose is the matrix itself.
    text = last.text.removesuffix("⊤") if last.text.endswith("⊤") else last.text + "⊤"
    return (*line[:-1], Span(text, shift=1)) if text else line[:-1]


def transposed_line(operation: Operation, line: Line) -> Line:
    """Return the name of a matrix with ⊤, when the operation is a plain transpose."""
    is_plain = operation.operator == "transpose" and operation.inputs[0].rank == 2
    return _transposed(line) if line and is_plain else ()


def _convolution_rule(
    operation: Operation, place: int, names: Mapping[int, Line], symbol: Line
) -> Line:
    """Return K⊤· for the images (K is the matrix of the convolution), x ⋆ for the filters."""
    if place == 0:
        return (*_transposed(_text("K")), Span("·"))
    return (*names[0], Span("⋆")) if names[0] else nabla_line(symbol)


def _fixed(text: str) -> Callable[[Operation, int, Mapping[int, Line], Line], Line]:
    return lambda operation, place, names, symbol: _text(text)


_RULES: dict[str, Callable[[Operation, int, Mapping[int, Line], Line], Line]] = {
    "add": _add_rule,
    "subtract": _add_rule,
    "multiply": _times_rule,
    "divide": _times_rule,
    "matmul": _product_rule,
    "conv2d": _convolution_rule,
    "negative": _fixed("−1"),
    "sum": _fixed("1·"),
    "mean": lambda operation, place, names, symbol: _text(
        f"÷{operation.inputs[0].size // max(1, operation.output.size)}"
    ),
    "transpose": _fixed("⊤"),
    "reshape": _fixed("▭"),
    "cast": _fixed("↻"),
    "broadcast_to": _fixed("Σ"),
    "index": _fixed("+[·]"),
    "take_along_axis": _fixed("+[·]"),
}


def norm_rule_line(name: Line) -> Line:
    """Return 2W·, the rule of the squared norm."""
    return (Span("2"), *name, Span("·")) if name else nabla_line((Span("‖·‖"), Span("2", shift=1)))


def seed_label() -> Label:
    """Return the 1 that the backward pass starts from."""
    return Label((Span("1"),))
