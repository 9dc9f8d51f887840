"""How each operator is read as terms; one without a rule is read as a function of its operands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from wengert.explanation.mathematics import algebra
from wengert.explanation.mathematics.axes import (
    einsum_subscripts,
    kept_axes,
    matmul_subscripts,
    reshape_groups,
)
from wengert.explanation.mathematics.formula import is_gradient
from wengert.explanation.mathematics.numerals import as_number
from wengert.explanation.mathematics.picking import add_along, index, index_add, take_along
from wengert.explanation.mathematics.rule import (
    Reading,
    Rule,
    broadcast,
    elementwise,
    fitting,
    full,
    function,
    one_hot,
    operands,
    spread,
)
from wengert.explanation.mathematics.terms import Apply, Index, Sum, atoms
from wengert.graph.operation import Operation
from wengert.operators.registry import OPERATORS

# Arithmetic -------------------------------------------------------------------------------------


def _add(reader: Reading, operation: Operation) -> Sum:
    return algebra.add(broadcast(reader, operation)[0])


def _subtract(reader: Reading, operation: Operation) -> Sum:
    return algebra.add(broadcast(reader, operation)[0], [1, -1])


def _negative(reader: Reading, operation: Operation) -> Sum:
    return algebra.scale(operands(reader, operation)[0], -1)


def _multiply(reader: Reading, operation: Operation) -> Sum:
    parts, outputs = broadcast(reader, operation)
    return algebra.multiply(parts, outputs)


def _divide(reader: Reading, operation: Operation) -> Sum:
    (above, below), outputs = broadcast(reader, operation)
    if not below.terms:
        return function("divide", [above, below], outputs)
    return algebra.multiply([above, algebra.power(below, -1)], outputs)


def _reciprocal(reader: Reading, operation: Operation) -> Sum:
    (x,), outputs = broadcast(reader, operation)
    return algebra.power(x, -1) if x.terms else function("reciprocal", [x], outputs)


def _square(reader: Reading, operation: Operation) -> Sum:
    return algebra.power(operands(reader, operation)[0], 2)


def _power(reader: Reading, operation: Operation) -> Sum:
    (base, exponent), outputs = broadcast(reader, operation)
    whole = _whole(exponent)
    if whole is None or (whole < 0 and not base.terms):
        return function("power", [base, exponent], outputs)
    return algebra.power(base, whole)


def _power_derivative(reader: Reading, operation: Operation) -> Sum:
    (base, exponent), outputs = broadcast(reader, operation)
    whole = _whole(exponent)
    if whole is not None and (whole > 0 or base.terms):
        return algebra.scale(algebra.power(base, whole - 1), whole)
    less = algebra.add([exponent, algebra.number(1, outputs)], [1, -1])
    return algebra.multiply([exponent, function("power", [base, less], outputs)], outputs)


def _whole(exponent: Sum) -> int | None:
    number = as_number(exponent)
    small = number is not None and number.denominator == 1 and abs(number) <= 12
    return int(number) if number is not None and small else None


def _same(reader: Reading, operation: Operation) -> Sum:
    return operands(reader, operation)[0]


def _cast(reader: Reading, operation: Operation) -> Sum:
    """A cast that loses nothing is not seen; one to integers is a function (it rounds)."""
    before, after = operation.inputs[0].dtype.kind, np.dtype(operation.attributes["dtype"]).kind
    exact = after == "f" or before in (after, "b")
    if exact:
        return _same(reader, operation)
    return elementwise("cast")(reader, operation)


def _where(reader: Reading, operation: Operation) -> Sum:
    (condition, chosen, other), outputs = broadcast(reader, operation)
    maker = reader.maker(operation)
    if maker is not None and maker.operator in ("maximum", "minimum"):
        test = reader.graph.producer.get(operation.inputs[0])
        if test is not None and test.operator == "equal" and reader.assume(condition, 0, "tie"):
            return other
    if chosen.terms and other.terms and operation.origin is None:
        return function("where", [condition, chosen, other], outputs)
    opposite = algebra.add([algebra.number(1, outputs), condition], [1, -1])
    first = algebra.multiply([condition, chosen], outputs)
    return algebra.add([first, algebra.multiply([opposite, other], outputs)])


# Reductions and movement --------------------------------------------------------------------------


def _reduced(reader: Reading, operation: Operation, mean: bool) -> Sum:
    (operand,) = operation.inputs
    tensor = full(reader, operation, operand)
    axes: tuple[int, ...] = operation.attributes["axis"]
    over = [tensor.outputs[axis] for axis in axes]
    maker = reader.maker(operation)
    if maker is not None and maker.operator == "softmax_cross_entropy":
        summed = _onto(reader, operation, algebra.total(tensor, over))
        if not _holds_gradient(tensor) and reader.assume(summed, 1, "probabilities"):
            return algebra.number(1, summed.outputs)
    summed = algebra.average(tensor, over) if mean else algebra.total(tensor, over)
    return _onto(reader, operation, summed)


def _holds_gradient(tensor: Sum) -> bool:
    return any(is_gradient(atom) for atom in atoms(tensor))


def _onto(reader: Reading, operation: Operation, reduced: Sum) -> Sum:
    """Give the result of a reduction its outputs, with new axes of length one if it has any."""
    pairs = kept_axes(operation.inputs[0].rank, operation.attributes)
    outputs = reader.axes.indices(operation.output)
    return algebra.place(reduced, [outputs[b] for _, b in pairs], outputs)


def _squared_norm(reader: Reading, operation: Operation) -> Sum:
    tensor = full(reader, operation, operation.inputs[0])
    return algebra.total(algebra.power(tensor, 2), tensor.outputs)


def _squared_error(reader: Reading, operation: Operation) -> Sum:
    (prediction, target), outputs = _pair(reader, operation)
    difference = algebra.add([prediction, target], [1, -1])
    square = algebra.scale(algebra.power(difference, 2), Fraction(1, 2))
    return algebra.total(square, outputs[-1:])


def _pair(reader: Reading, operation: Operation) -> tuple[list[Sum], tuple[Index, ...]]:
    first = operation.inputs[0]
    outputs = reader.axes.indices(first)
    tensors = zip(operands(reader, operation), operation.inputs, strict=True)
    return [spread(tensor, v.shape, outputs) for tensor, v in tensors], outputs


def _cross_entropy(reader: Reading, operation: Operation) -> Sum:
    """−Σ_k Y_k log softmax(o)_k; integer labels are read as their one-hot array Y."""
    logits, labels = operation.inputs
    outputs = reader.axes.indices(logits)
    given = algebra.fresh(outputs)
    argument = algebra.place(full(reader, operation, logits), given, given)
    log = algebra.atom(Apply("log_softmax", (argument,), (("axis", -1),)), outputs)
    target = full(reader, operation, labels)
    if labels.rank < logits.rank:
        target = one_hot(target, outputs[-1])
    target = algebra.place(target, outputs, outputs)
    return algebra.scale(algebra.total(algebra.multiply([target, log], outputs), outputs[-1:]), -1)


def _one_hot(reader: Reading, operation: Operation) -> Sum:
    labels = full(reader, operation, operation.inputs[0])
    hot = one_hot(labels, reader.axes.indices(operation.output)[-1])
    return hot


def _transpose(reader: Reading, operation: Operation) -> Sum:
    tensor = full(reader, operation, operation.inputs[0])
    order: tuple[int, ...] = operation.attributes["axes"]
    return Sum(tuple(tensor.outputs[axis] for axis in order), tensor.terms)


def _reshape(reader: Reading, operation: Operation) -> Sum:
    (operand,) = operation.inputs
    result = operation.output
    groups = reshape_groups(operand.shape, result.shape)
    simple = groups is not None and all(max(len(old), len(new)) <= 1 for old, new in groups)
    tensor = full(reader, operation, operand)
    outputs = reader.axes.indices(result)
    if groups is None or not simple:
        return algebra.atom(Apply("reshape", (tensor,), (("shape", result.shape),)), outputs)
    letters: list[Index | None] = [None] * operand.rank
    for old, new in groups:
        if old and new:
            letters[old[0]] = outputs[new[0]]
    return algebra.place(tensor, letters, outputs)


def _broadcast_to(reader: Reading, operation: Operation) -> Sum:
    return broadcast(reader, operation)[0][0]


# Products -----------------------------------------------------------------------------------------


def _matmul(reader: Reading, operation: Operation) -> Sum:
    left, right = operation.inputs
    return _contract(reader, operation, matmul_subscripts(left.rank, right.rank))


def _einsum(reader: Reading, operation: Operation) -> Sum:
    return _contract(reader, operation, einsum_subscripts(operation.attributes["subscripts"]))


def _contract(reader: Reading, operation: Operation, letters: Sequence[Sequence[Any]]) -> Sum:
    outputs = reader.axes.indices(operation.output)
    given: dict[Any, Index] = dict(zip(letters[-1], outputs, strict=True))
    rows = list(zip(operation.inputs, letters[:-1], strict=True))
    for variable, row in rows:
        for letter, own in zip(row, reader.axes.indices(variable), strict=True):
            narrow = letter not in given or given[letter].size == 1
            if narrow and letter not in letters[-1]:
                given[letter] = own
    parts: list[Sum] = []
    for variable, row in rows:
        tensor = full(reader, operation, variable)
        places = fitting([given[letter] for letter in row], variable.shape)
        kept = tuple(dict.fromkeys(p for p in places if p is not None))
        parts.append(algebra.place(tensor, places, kept))
    return algebra.multiply(parts, outputs)


# Composites that work element by element, and functions of numbers that no operand is varied in.
_ALSO = (
    "relu", "leaky_relu", "sigmoid", "softplus", "gelu", "binary_cross_entropy", "stop_gradient",
)  # fmt: skip
FUNCTIONS = (
    *(name for name, record in OPERATORS.items() if record.kind == "elementwise"),
    *_ALSO,
)

RULES: Mapping[str, Rule] = {
    **{name: elementwise(name) for name in FUNCTIONS},
    "add": _add,
    "subtract": _subtract,
    "negative": _negative,
    "multiply": _multiply,
    "multiply_or_zero": _multiply,
    "divide": _divide,
    "divide_or_zero": _divide,
    "reciprocal": _reciprocal,
    "square": _square,
    "power": _power,
    "power_derivative": _power_derivative,
    "identity": _same,
    "barrier": _same,
    "custom_gradient": _same,
    "cast": _cast,
    "where": _where,
    "sum": lambda reader, operation: _reduced(reader, operation, mean=False),
    "mean": lambda reader, operation: _reduced(reader, operation, mean=True),
    "squared_norm": _squared_norm,
    "one_hot": _one_hot,
    "squared_error": _squared_error,
    "softmax_cross_entropy": _cross_entropy,
    "transpose": _transpose,
    "reshape": _reshape,
    "broadcast_to": _broadcast_to,
    "matmul": _matmul,
    "einsum": _einsum,
    "take_along_axis": take_along,
    "add_along_axis": add_along,
    "index": index,
    "index_add": index_add,
}
