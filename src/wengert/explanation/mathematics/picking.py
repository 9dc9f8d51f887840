"""How picking by an array is read: as a product with the one-hot array of the places."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.explanation.mathematics import algebra
from wengert.explanation.mathematics.axes import counts_up, picked_axes
from wengert.explanation.mathematics.rule import Reading, fitting, full, one_hot
from wengert.explanation.mathematics.terms import Apply, Index, Sum
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable


def take_along(reader: Reading, operation: Operation) -> Sum:
    """x[i, labels[i, k]] = Σ_j x[i, j] Y[i, k, j], Y being the one-hot array of the labels."""
    return _along(reader, operation, gather=True)


def add_along(reader: Reading, operation: Operation) -> Sum:
    """The adjoint of :func:`take_along`: Σ_k g[i, k] Y[i, k, j]."""
    return _along(reader, operation, gather=False)


def _along(reader: Reading, operation: Operation, gather: bool) -> Sum:
    operand, labels = operation.inputs
    axis: int = operation.attributes["axis"] % operand.rank
    outputs = reader.axes.indices(operation.output)
    tensor = full(reader, operation, operand)
    (summed,) = algebra.fresh([tensor.outputs[axis]])
    chosen = outputs[axis]
    position, place = (chosen, summed) if gather else (summed, chosen)
    hot = one_hot(full(reader, operation, labels), place)
    # Where the picked-from array was broadcast, its adjoint sums.
    shared = [o if gather or o.size == t.size else t for o, t in
              zip(outputs, algebra.fresh(tensor.outputs), strict=True)]  # fmt: skip
    inside, beside = list(shared), list(shared)
    inside[axis], beside[axis] = summed, position
    parts = [
        _placed(tensor, fitting(inside, operand.shape)),
        _placed(hot, [*fitting(beside, labels.shape), place]),
    ]
    return algebra.multiply(parts, outputs)


def _placed(tensor: Sum, letters: Sequence[Index | None]) -> Sum:
    own = tuple(dict.fromkeys(letter for letter in letters if letter is not None))
    return algebra.place(tensor, letters, own)


def index(reader: Reading, operation: Operation) -> Sum:
    """x[labels] = Σ_j Y[i, j] x[j]; parts by slices and integers are functions."""
    return _picked(reader, operation, operation.inputs[0], operation.output, gather=True)


def index_add(reader: Reading, operation: Operation) -> Sum:
    """The adjoint of :func:`index`: Σ_i Y[i, j] g[i]."""
    return _picked(reader, operation, operation.output, operation.inputs[0], gather=False)


def _picked(
    reader: Reading, operation: Operation, whole: Variable, picked: Variable, gather: bool
) -> Sum:
    template: tuple[object, ...] = operation.attributes["template"]
    if all(entry is None or entry == slice(None) for entry in template):
        return _with_new_axes(reader, operation, template, gather)
    found = picked_axes(template, whole.rank)
    if found is None:
        return _fallback(reader, operation)
    arrays, kept, at = found
    wide, narrow = list(reader.axes.indices(whole)), list(reader.axes.indices(picked))
    width = picked.rank - len(kept)
    places = [p for p in range(picked.rank) if not at <= p < at + width]
    for axis, place in zip(kept, places, strict=True):
        _identify(wide, axis, narrow, place, gather)
    factors: list[Sum] = []
    identified = False
    spread_ = narrow[at : at + width]
    for axis, array in zip(arrays, operation.inputs[1:], strict=True):
        constant = reader.graph.constants.get(array)
        counts = constant is not None and counts_up(constant, whole.shape[axis])
        if width == 1 and counts and (gather or not identified):
            identified = True
            _identify(wide, axis, narrow, at, gather)
            spread_ = narrow[at : at + width]
            continue
        factors.append(_hot(reader, operation, array, wide[axis], spread_))
    source = full(reader, operation, operation.inputs[0])
    factors.insert(0, _placed(source, wide if gather else narrow))
    return algebra.multiply(factors, tuple(narrow if gather else wide))


def _with_new_axes(
    reader: Reading, operation: Operation, template: Sequence[object], gather: bool
) -> Sum:
    """x[:, None] puts in an axis of length one; its adjoint takes it out."""
    tensor = full(reader, operation, operation.inputs[0])
    outputs = reader.axes.indices(operation.output)
    longer = outputs if gather else tensor.outputs
    kept = [n for n in range(len(longer)) if n >= len(template) or template[n] is not None]
    if gather:
        return algebra.place(tensor, [outputs[n] for n in kept], outputs)
    letters: list[Index | None] = [None] * len(longer)
    for place, n in enumerate(kept):
        letters[n] = outputs[place]
    return algebra.place(tensor, letters, outputs)


def _identify(wide: list[Index], axis: int, narrow: list[Index], place: int, gather: bool) -> None:
    wide[axis] = narrow[place] = narrow[place] if gather else wide[axis]


def _hot(
    reader: Reading, operation: Operation, array: Variable, over: Index, spread_: Sequence[Index]
) -> Sum:
    hot = one_hot(full(reader, operation, array), over)
    offset = len(spread_) - array.rank
    return _placed(hot, [*fitting(spread_[offset:], array.shape), over])


def _fallback(reader: Reading, operation: Operation) -> Sum:
    parts = tuple(full(reader, operation, variable) for variable in operation.inputs)
    attributes = tuple(sorted(operation.attributes.items(), key=lambda item: item[0]))
    atom = Apply(operation.operator, parts, attributes)
    return reader.axes.atom(atom, operation.output)
