"""Which axes of a graph are the same axis: found through the operators, never from sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from wengert.explanation.mathematics.terms import ONE, Atom, Factor, Index, Sum, Term
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable


class Axes:
    """The identity of every axis of every variable of a graph."""

    def __init__(self, graph: Graph) -> None:
        self._parent: list[int] = []
        self._own: dict[Variable, tuple[int, ...]] = {}
        self._constants = graph.constants
        for variable in graph.variables:
            self._own[variable] = tuple(self._new() for _ in variable.shape)
        for variable in graph.variables:
            if variable.of in self._own:
                assert variable.of is not None
                self.unite(self._own[variable], self._own[variable.of])
        for operation in graph.operations:
            _RULES.get(operation.operator, _align)(self, operation)
        given = {axis for v in (*graph.inputs, *graph.constants) for axis in self.of(v)}
        ones = (v for v in graph.variables if 1 in v.shape)
        pairs = (pair for v in ones for pair in zip(self.of(v), v.shape, strict=True))
        self._units = {axis for axis, size in pairs if size == 1} - given

    def _new(self) -> int:
        self._parent.append(len(self._parent))
        return len(self._parent) - 1

    def root(self, axis: int) -> int:
        """Return the identity of an axis."""
        while self._parent[axis] != axis:
            self._parent[axis] = self._parent[self._parent[axis]]
            axis = self._parent[axis]
        return axis

    def unite(self, left: Sequence[int], right: Sequence[int]) -> None:
        """Make axes the same, pair by pair."""
        for a, b in zip(left, right, strict=True):
            first, second = sorted((self.root(a), self.root(b)))
            self._parent[second] = first

    def own(self, variable: Variable) -> tuple[int, ...]:
        """Return the axes of a variable as they were first numbered."""
        return self._own[variable]

    def of(self, variable: Variable) -> tuple[int, ...]:
        """Return the identities of the axes of a variable."""
        return tuple(self.root(axis) for axis in self._own[variable])

    def indices(self, variable: Variable) -> tuple[Index, ...]:
        """Return new letters, one an axis of the variable."""
        pairs = zip(self.of(variable), variable.shape, strict=True)
        return tuple(Index(axis, size) for axis, size in pairs)

    def atom(self, atom: Atom, variable: Variable) -> Sum:
        """Return a variable, or what stands for it, as a tensor of one atom.

        An axis of length one that the program put in (keepdims) is not written.
        """
        outputs = self.indices(variable)
        letters = tuple(None if index.axis in self._units else index for index in outputs)
        return Sum(outputs, (Term(ONE, (Factor(atom, letters),)),))

    def constant(self, variable: Variable) -> np.ndarray[Any, np.dtype[Any]] | None:
        """Return the value of a constant, None for anything else."""
        return self._constants.get(variable)


def aligned(shape: Sequence[int], result: Sequence[int]) -> list[tuple[int, int]]:
    """Return the pairs of axes that broadcasting lays on each other and that have one size."""
    offset = len(result) - len(shape)
    return [(a, a + offset) for a, n in enumerate(shape) if result[a + offset] == n]


def reshape_groups(
    old: Sequence[int], new: Sequence[int]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]] | None:
    """Return which old axes become which new ones; None for arrays without elements.

    >>> reshape_groups((5, 1, 6), (5, 2, 3))
    [((0,), (0,)), ((1,), ()), ((2,), (1, 2))]
    """
    if 0 in old or 0 in new:
        return None
    groups: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    i = j = 0
    while i < len(old) or j < len(new):
        if i < len(old) and old[i] == 1:
            groups.append(((i,), ()))
            i += 1
        elif j < len(new) and new[j] == 1:
            groups.append(((), (j,)))
            j += 1
        else:
            first, second = i, j
            left, right = old[i], new[j]
            while left != right:
                if left < right:
                    i += 1
                    left *= old[i]
                else:
                    j += 1
                    right *= new[j]
            i, j = i + 1, j + 1
            groups.append((tuple(range(first, i)), tuple(range(second, j))))
    return groups


def kept_axes(rank: int, attributes: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return the pairs (axis of the operand, axis of the result) that a reduction keeps."""
    axes = attributes["axis"]
    gone = range(rank) if axes is None else (axes,) if isinstance(axes, int) else axes
    gone = {axis % rank for axis in gone} if rank else set[int]()
    if attributes.get("keepdims"):
        return [(axis, axis) for axis in range(rank) if axis not in gone]
    kept = [axis for axis in range(rank) if axis not in gone]
    return list(zip(kept, range(len(kept)), strict=True))


# One rule an operator -----------------------------------------------------------------------------

AxisRule = Callable[[Axes, Operation], None]


def _unite_pairs(
    axes: Axes, left: Variable, right: Variable, pairs: Sequence[tuple[int, int]]
) -> None:
    one, other = axes.own(left), axes.own(right)
    axes.unite([one[a] for a, _ in pairs], [other[b] for _, b in pairs])


def _align(axes: Axes, operation: Operation) -> None:
    """Lay operands on the result as broadcasting does (an unknown operator keeps no axis)."""
    if operation.operator in _UNRELATED:
        return
    shapes = [operand.shape for operand in operation.inputs]
    try:
        found = np.broadcast_shapes(*shapes)
    except ValueError:
        return
    for result in operation.outputs:
        if found == result.shape:
            for operand in operation.inputs:
                _unite_pairs(axes, operand, result, aligned(operand.shape, result.shape))


_UNRELATED = {"concatenate", "index_add"}


def _written(axes: Axes, operation: Operation) -> None:
    """What is written into has the axes of the result; the values are parts."""
    places = [(a, a) for a in range(operation.output.rank)]
    _unite_pairs(axes, operation.inputs[0], operation.output, places)


def _reduction(axes: Axes, operation: Operation) -> None:
    (operand,) = operation.inputs
    pairs = kept_axes(operand.rank, operation.attributes)
    _unite_pairs(axes, operand, operation.output, pairs)


def _transpose(axes: Axes, operation: Operation) -> None:
    order = operation.attributes["axes"]
    pairs = [(a, b) for b, a in enumerate(order)]
    _unite_pairs(axes, operation.inputs[0], operation.output, pairs)


def _reshape(axes: Axes, operation: Operation) -> None:
    operand, result = operation.inputs[0], operation.output
    for old, new in reshape_groups(operand.shape, result.shape) or ():
        if len(old) == len(new) == 1:
            _unite_pairs(axes, operand, result, [(old[0], new[0])])


def _broadcast_to(axes: Axes, operation: Operation) -> None:
    operand, result = operation.inputs[0], operation.output
    _unite_pairs(axes, operand, result, aligned(operand.shape, result.shape))


def matmul_subscripts(left: int, right: int) -> tuple[tuple[int, ...], ...]:
    """Return numbered letters for the two operands and the result of a matrix product.

    Batch axes count back from the result's; broadcasting is the caller's to see to.

    >>> matmul_subscripts(2, 2), matmul_subscripts(1, 2)
    (((-1, 0), (0, -2), (-1, -2)), ((0,), (0, -2), (-2,)))
    """
    batch = tuple(range(max(left, right) - 2, 0, -1))
    one = (*batch[len(batch) - max(0, left - 2) :], -1, 0) if left > 1 else (0,)
    other = (*batch[len(batch) - max(0, right - 2) :], 0, -2) if right > 1 else (0,)
    rows = (-1,) if left > 1 else ()
    columns = (-2,) if right > 1 else ()
    return one, other, (*batch, *rows, *columns)


def _matmul(axes: Axes, operation: Operation) -> None:
    left, right = operation.inputs
    _letters(axes, (left, right, operation.output), matmul_subscripts(left.rank, right.rank))


def einsum_subscripts(subscripts: str) -> tuple[tuple[str, ...], ...]:
    """Split einsum's text into the letters of each operand, then of the result."""
    operands, _, result = subscripts.replace(" ", "").partition("->")
    return tuple(tuple(part) for part in (*operands.split(","), result))


def _einsum(axes: Axes, operation: Operation) -> None:
    variables = (*operation.inputs, operation.output)
    _letters(axes, variables, einsum_subscripts(operation.attributes["subscripts"]))


def _letters(axes: Axes, variables: Sequence[Variable], letters: Sequence[Sequence[Any]]) -> None:
    sizes: dict[Any, int] = {}
    for variable, row in zip(variables, letters, strict=True):
        for letter, size in zip(row, variable.shape, strict=True):
            sizes[letter] = max(sizes.get(letter, 0), size)
    first: dict[Any, int] = {}
    for variable, row in zip(variables, letters, strict=True):
        for letter, axis, size in zip(row, axes.own(variable), variable.shape, strict=True):
            if size == sizes[letter]:
                axes.unite([axis], [first.setdefault(letter, axis)])


def _losses(axes: Axes, operation: Operation) -> None:
    """Predictions and targets share their axes; the losses keep the leading ones."""
    first, *others = operation.inputs
    result = operation.output
    for other in (*others, result):
        common = min(first.rank, other.rank)
        pairs = [(a, a) for a in range(common) if first.shape[a] == other.shape[a]]
        _unite_pairs(axes, first, other, pairs)


def _one_hot(axes: Axes, operation: Operation) -> None:
    (labels,) = operation.inputs
    _unite_pairs(axes, labels, operation.output, [(a, a) for a in range(labels.rank)])


def _along(axes: Axes, operation: Operation) -> None:
    """take_along_axis and add_along_axis: all axes but one are shared."""
    operand, indices = operation.inputs
    axis = operation.attributes["axis"] % operand.rank
    result = operation.output
    shared = [a for a in range(operand.rank) if a != axis]
    picked = operand if operation.operator == "add_along_axis" else result
    _unite_pairs(axes, indices, picked, [(axis, axis)])
    for other in (indices, result):
        pairs = [(a, a) for a in shared if operand.shape[a] == other.shape[a]]
        _unite_pairs(axes, operand, other, pairs)


def picked_axes(template: Sequence[Any], rank: int) -> tuple[list[int], list[int], int] | None:
    """Return (axes picked by arrays, axes kept whole, place of the picked ones in the result).

    None for a template that mixes arrays with integers, parts of axes or new axes.
    """
    entries = [*template, *[slice(None)] * (rank - len(template))]
    arrays = [a for a, entry in enumerate(entries) if isinstance(entry, str)]
    whole = [a for a, entry in enumerate(entries) if entry == slice(None)]
    if not arrays or len(arrays) + len(whole) != len(entries) or len(entries) != rank:
        return None
    together = arrays[-1] - arrays[0] + 1 == len(arrays)
    return arrays, whole, arrays[0] if together else 0


def _pick(axes: Axes, operation: Operation) -> None:
    adds = operation.operator == "index_add"
    whole_side = operation.output if adds else operation.inputs[0]
    picked_side = operation.inputs[0] if adds else operation.output
    template = operation.attributes["template"]
    found = picked_axes(template, whole_side.rank)
    if found is None:
        if not any(isinstance(entry, str) for entry in template):
            _unite_pairs(axes, whole_side, picked_side, _sliced_axes(template, whole_side.rank))
        return
    arrays, whole, at = found
    width = picked_side.rank - len(whole)
    places = [p for p in range(picked_side.rank) if not at <= p < at + width]
    _unite_pairs(axes, whole_side, picked_side, list(zip(whole, places, strict=True)))
    spread = range(at, at + width)
    for axis, array in zip(arrays, operation.inputs[1:], strict=True):
        pairs = aligned(array.shape, [picked_side.shape[p] for p in spread])
        _unite_pairs(axes, array, picked_side, [(a, b + at) for a, b in pairs])
        value = axes.constant(array)
        if value is not None and counts_up(value, whole_side.shape[axis]) and width == 1:
            _unite_pairs(axes, whole_side, picked_side, [(axis, at)])


def counts_up(value: np.ndarray[Any, np.dtype[Any]], size: int) -> bool:
    """Return whether an index array is 0, 1, … size − 1, so that it picks every place once."""
    return value.shape == (size,) and bool(np.array_equal(value, np.arange(size)))


def _sliced_axes(template: Sequence[Any], rank: int) -> list[tuple[int, int]]:
    """Return the axes that a template of integers and slices keeps whole."""
    pairs: list[tuple[int, int]] = []
    axis = place = 0
    for entry in template:
        if entry is None:
            place += 1
            continue
        if isinstance(entry, slice):
            if entry == slice(None):
                pairs.append((axis, place))
            place += 1
        axis += 1
    rest = range(rank - axis)
    return pairs + [(axis + each, place + each) for each in rest]


def _convolution(axes: Axes, operation: Operation) -> None:
    """Images share the batch, images and filters their channels; places are axes of their own."""
    one, other = operation.inputs
    x, w, y = {
        "conv2d": (one, other, operation.output),
        "conv2d_input": (operation.output, other, one),
        "conv2d_weight": (one, operation.output, other),
    }[operation.operator]
    _unite_pairs(axes, x, y, [(0, 0)])
    _unite_pairs(axes, w, y, [(0, 1)])
    if operation.attributes["groups"] == 1:
        _unite_pairs(axes, x, w, [(1, 1)])


def _pooling(axes: Axes, operation: Operation) -> None:
    """Images of one size are the same images; all share batch and channels."""
    for operand in operation.inputs:
        whole = operation.operator == "max_pool2d_input" and operand is operation.inputs[1]
        pairs = [(a, a) for a in range(4 if whole else 2)]
        _unite_pairs(axes, operand, operation.output, pairs)
    if operation.operator == "max_pool2d_pick":
        picked, images = operation.inputs
        _unite_pairs(axes, picked, images, [(a, a) for a in range(4)])


_REDUCTIONS = (
    "sum", "mean", "var", "std", "max", "min", "prod", "argmax", "argmin", "any", "all",
    "logsumexp",
)  # fmt: skip
_RULES: dict[str, AxisRule] = {
    **dict.fromkeys(_REDUCTIONS, _reduction),
    **dict.fromkeys(("softmax_cross_entropy", "squared_error"), _losses),
    **dict.fromkeys(("take_along_axis", "add_along_axis"), _along),
    **dict.fromkeys(("index", "index_add"), _pick),
    **dict.fromkeys(("index_update", "add_at"), _written),
    "transpose": _transpose,
    "reshape": _reshape,
    "broadcast_to": _broadcast_to,
    "matmul": _matmul,
    "einsum": _einsum,
    "one_hot": _one_hot,
    **dict.fromkeys(("conv2d", "conv2d_input", "conv2d_weight"), _convolution),
    **dict.fromkeys(("avg_pool2d", "avg_pool2d_input"), _pooling),
    **dict.fromkeys(("max_pool2d", "max_pool2d_input", "max_pool2d_pick"), _pooling),
    "squared_norm": lambda axes, operation: None,
}
