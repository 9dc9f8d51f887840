"""How each operator is read as terms; one without a rule is read as a function of its operands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from wengert.base.shapes import Shape
from wengert.explanation import algebra
from wengert.explanation.axes import (
    Axes,
    counts_up,
    einsum_subscripts,
    kept_axes,
    matmul_subscripts,
    picked_axes,
    reshape_groups,
)
from wengert.explanation.numerals import as_number
from wengert.explanation.formula import is_gradient
from wengert.explanation.terms import Apply, Index, OneHot, Sum, atoms
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable


class Reading(Protocol):
    """What a rule may ask: the terms of an operand and the axes of a variable."""

    @property
    def axes(self) -> Axes: ...

    @property
    def graph(self) -> Graph: ...

    def read(self, variable: Variable, by: Operation | None = None) -> Sum:
        """Return a variable as a sum."""
        ...

    def assume(self, tensor: Sum, number: int, statement: str) -> bool:
        """Return whether a tensor is this number everywhere on the data; if so, state it."""
        ...

    def maker(self, operation: Operation) -> Operation | None:
        """Return the forward operation whose rule a backward operation carries out."""
        ...


Rule = Callable[[Any, Operation], Sum]


def operands(reader: Reading, operation: Operation) -> list[Sum]:
    """Return the operands as sums."""
    return [reader.read(variable, operation) for variable in operation.inputs]


def spread(tensor: Sum, shape: Shape, outputs: Sequence[Index]) -> Sum:
    """Broadcast a tensor of a shape to outputs."""
    offset = len(outputs) - len(shape)
    letters = [o if o.size == n else None for o, n in zip(outputs[offset:], shape, strict=True)]
    if not tensor.outputs and shape:  # a number stands for an array of any shape
        return Sum(tuple(outputs), tensor.terms)
    return algebra.place(tensor, letters, outputs)


def broadcast(reader: Reading, operation: Operation) -> tuple[list[Sum], tuple[Index, ...]]:
    """Return the operands spread over common outputs, and these."""
    outputs = reader.axes.indices(operation.output)
    parts = zip(operands(reader, operation), operation.inputs, strict=True)
    return [spread(tensor, v.shape, outputs) for tensor, v in parts], outputs


def elementwise(name: str) -> Rule:
    """Return the rule of an elementwise operator that is no arithmetic."""

    def rule(reader: Reading, operation: Operation) -> Sum:
        parts, outputs = broadcast(reader, operation)
        attributes = tuple(sorted(operation.attributes.items()))
        return function(name, parts, outputs, attributes)

    return rule


def function(
    name: str, parts: Sequence[Sum], outputs: Sequence[Index], attributes: Any = ()
) -> Sum:
    """Return an elementwise function of tensors that share their outputs."""
    used = {i for part in parts for term in part.terms for i in term.letters}
    kept = tuple(index for index in outputs if index in used)
    letters = algebra.fresh(kept)
    given = dict(zip(kept, letters, strict=True))
    arguments = tuple(
        Sum(letters, algebra.place(part, [given.get(i) for i in part.outputs], letters).terms)
        for part in parts
    )
    return Sum(
        tuple(outputs),
        algebra.atom(Apply(name, arguments, attributes, elementwise=True), kept).terms,
    )


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
    if after == "f" or before == after or before == "b":
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
    tensor = _full(reader, operation, operand)
    over = [tensor.outputs[axis] for axis in operation.attributes["axis"]]
    maker = reader.maker(operation)
    if maker is not None and maker.operator == "softmax_cross_entropy":
        summed = _onto(reader, operation, algebra.total(tensor, over))
        if not _holds_gradient(tensor) and reader.assume(summed, 1, "probabilities"):
            return algebra.number(1, summed.outputs)
    summed = algebra.average(tensor, over) if mean else algebra.total(tensor, over)
    return _onto(reader, operation, summed)


def _holds_gradient(tensor: Sum) -> bool:
    return any(is_gradient(atom) for atom in atoms(tensor))


def _full(reader: Reading, operation: Operation, variable: Variable) -> Sum:
    """Return an operand with one output an axis, also when it is a number everywhere."""
    tensor = reader.read(variable, operation)
    return spread(tensor, variable.shape, reader.axes.indices(variable)) if (
        len(tensor.outputs) != variable.rank
    ) else tensor


def _onto(reader: Reading, operation: Operation, reduced: Sum) -> Sum:
    """Give the result of a reduction its outputs, with new axes of length one if it has any."""
    pairs = kept_axes(operation.inputs[0].rank, operation.attributes)
    outputs = reader.axes.indices(operation.output)
    return algebra.place(reduced, [outputs[b] for _, b in pairs], outputs)


def _squared_norm(reader: Reading, operation: Operation) -> Sum:
    tensor = _full(reader, operation, operation.inputs[0])
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
    argument = algebra.place(_full(reader, operation, logits), given, given)
    log = algebra.atom(Apply("log_softmax", (argument,), (("axis", -1),)), outputs)
    target = _full(reader, operation, labels)
    if labels.rank < logits.rank:
        target = one_hot(target, outputs[-1])
        target = algebra.place(target, outputs, outputs)
    else:
        target = algebra.place(target, outputs, outputs)
    return algebra.scale(algebra.total(algebra.multiply([target, log], outputs), outputs[-1:]), -1)


def one_hot(labels: Sum, over: Index) -> Sum:
    """Return labels as an array of zeros and ones with one more axis at the end."""
    used = {index for term in labels.terms for index in term.letters}
    kept = tuple(index for index in labels.outputs if index in used or index.size != 1)
    last = Index(over.axis, over.size)
    inner = algebra.place(Sum(kept, labels.terms), letters := algebra.fresh(kept), letters)
    hot = algebra.atom(OneHot(inner, over.axis, over.size), (*kept, last))
    return Sum((*labels.outputs, last), hot.terms)


def _one_hot(reader: Reading, operation: Operation) -> Sum:
    labels = _full(reader, operation, operation.inputs[0])
    hot = one_hot(labels, reader.axes.indices(operation.output)[-1])
    return hot


def _transpose(reader: Reading, operation: Operation) -> Sum:
    tensor = _full(reader, operation, operation.inputs[0])
    order = operation.attributes["axes"]
    return Sum(tuple(tensor.outputs[axis] for axis in order), tensor.terms)


def _reshape(reader: Reading, operation: Operation) -> Sum:
    (operand,) = operation.inputs
    result = operation.output
    groups = reshape_groups(operand.shape, result.shape)
    simple = groups is not None and all(max(len(old), len(new)) <= 1 for old, new in groups)
    tensor = _full(reader, operation, operand)
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


def _contract(
    reader: Reading, operation: Operation, letters: Sequence[Sequence[Any]]
) -> Sum:
    outputs = reader.axes.indices(operation.output)
    given: dict[Any, Index] = dict(zip(letters[-1], outputs, strict=True))
    rows = list(zip(operation.inputs, letters[:-1], strict=True))
    for variable, row in rows:
        for letter, index in zip(row, reader.axes.indices(variable), strict=True):
            if letter not in given or given[letter].size == 1:
                if letter not in letters[-1]:
                    given[letter] = index
    parts: list[Sum] = []
    for variable, row in rows:
        tensor = _full(reader, operation, variable)
        places = [given[x] if given[x].size == n else None
                  for x, n in zip(row, variable.shape, strict=True)]  # fmt: skip
        own = tuple(dict.fromkeys(p for p in places if p is not None))
        parts.append(algebra.place(tensor, places, own))
    return algebra.multiply(parts, outputs)


# Picking ------------------------------------------------------------------------------------------


def _take_along(reader: Reading, operation: Operation) -> Sum:
    """x[i, labels[i, k]] = Σ_j x[i, j] Y[i, k, j], Y being the one-hot array of the labels."""
    operand, indices = operation.inputs
    axis = operation.attributes["axis"] % operand.rank
    outputs = reader.axes.indices(operation.output)
    return _along(reader, operation, operand, indices, axis, outputs, gather=True)


def _add_along(reader: Reading, operation: Operation) -> Sum:
    operand, indices = operation.inputs
    axis = operation.attributes["axis"] % operand.rank
    outputs = reader.axes.indices(operation.output)
    return _along(reader, operation, operand, indices, axis, outputs, gather=False)


def _along(
    reader: Reading,
    operation: Operation,
    operand: Variable,
    indices: Variable,
    axis: int,
    outputs: tuple[Index, ...],
    gather: bool,
) -> Sum:
    tensor = _full(reader, operation, operand)
    chosen, summed = (outputs[axis], algebra.fresh([tensor.outputs[axis]])[0])
    position, place_ = (chosen, summed) if gather else (summed, chosen)
    labels = _full(reader, operation, indices)
    hot = one_hot(labels, place_)
    others = list(outputs)
    others[axis] = position
    hot_letters = [*(o if o.size == n else None for o, n in
                     zip(others, indices.shape, strict=True)), place_]  # fmt: skip
    own = list(outputs)
    own[axis] = summed
    letters = [o if o.size == n else None for o, n in zip(own, operand.shape, strict=True)]
    parts = [_placed(tensor, letters), _placed(hot, hot_letters)]
    return algebra.multiply(parts, outputs)


def _placed(tensor: Sum, letters: Sequence[Index | None]) -> Sum:
    own = tuple(dict.fromkeys(letter for letter in letters if letter is not None))
    return algebra.place(tensor, letters, own)


def _index(reader: Reading, operation: Operation) -> Sum:
    return _picked(reader, operation, operation.inputs[0], operation.output, gather=True)


def _index_add(reader: Reading, operation: Operation) -> Sum:
    return _picked(reader, operation, operation.output, operation.inputs[0], gather=False)


def _picked(
    reader: Reading, operation: Operation, whole: Variable, picked: Variable, gather: bool
) -> Sum:
    found = picked_axes(operation.attributes["template"], whole.rank)
    if found is None:
        return _fallback(reader, operation)
    arrays, kept, at = found
    wide, narrow = list(reader.axes.indices(whole)), list(reader.axes.indices(picked))
    width = picked.rank - len(kept)
    for axis, place_ in zip(
        kept, [p for p in range(picked.rank) if not at <= p < at + width], strict=True
    ):
        wide[axis] = narrow[place_] = (narrow[place_] if gather else wide[axis])
    factors: list[Sum] = []
    spread_ = narrow[at : at + width]
    for axis, array in zip(arrays, operation.inputs[1:], strict=True):
        constant = reader.graph.constants.get(array)
        if width == 1 and constant is not None and counts_up(constant, whole.shape[axis]):
            _identify(wide, axis, narrow, at, gather)
            spread_ = narrow[at : at + width]
            continue
        factors.append(_hot(reader, operation, array, wide[axis], spread_))
    source = _full(reader, operation, operation.inputs[0])
    factors.insert(0, _placed(source, wide if gather else narrow))
    return algebra.multiply(factors, tuple(narrow if gather else wide))


def _identify(
    wide: list[Index], axis: int, narrow: list[Index], at: int, gather: bool
) -> None:
    wide[axis] = narrow[at] = narrow[at] if gather else wide[axis]


def _hot(
    reader: Reading, operation: Operation, array: Variable, over: Index, spread_: Sequence[Index]
) -> Sum:
    hot = one_hot(_full(reader, operation, array), over)
    offset = len(spread_) - array.rank
    letters = [s if s.size == n else None
               for s, n in zip(spread_[offset:], array.shape, strict=True)]  # fmt: skip
    return _placed(hot, [*letters, over])


def _fallback(reader: Reading, operation: Operation) -> Sum:
    parts = tuple(_full(reader, operation, variable) for variable in operation.inputs)
    attributes = tuple(sorted(operation.attributes.items(), key=lambda item: item[0]))
    outputs = reader.axes.indices(operation.output)
    return algebra.atom(Apply(operation.operator, parts, attributes), outputs)


FUNCTIONS = (
    "absolute", "sign", "exp", "log", "log1p", "expm1", "tanh", "sqrt", "sin", "cos", "log2",
    "log10", "exp2", "tan", "arctan", "sinh", "cosh", "logical_not", "isfinite", "isnan", "floor",
    "ceil", "maximum", "minimum", "arctan2", "less", "less_equal", "greater", "greater_equal",
    "equal", "not_equal", "logical_and", "logical_or", "relu", "leaky_relu", "sigmoid", "softplus",
    "gelu", "binary_cross_entropy",
)  # fmt: skip

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
    "stop_gradient": _same,
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
    "take_along_axis": _take_along,
    "add_along_axis": _add_along,
    "index": _index,
    "index_add": _index_add,
}
