"""Every printed line is executed: against the engine's arrays and against differences."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from wengert.base.errors import DataError
from wengert.base.shapes import Shape
from wengert.explanation.mathematics.evaluate import Evaluator
from wengert.explanation.mathematics.formula import Array
from wengert.explanation.mathematics.matrix import matrix_form
from wengert.explanation.mathematics.numerals import rational
from wengert.explanation.mathematics.terms import Sum, same_sums
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.operators.registry import OPERATORS

TOLERANCE = 1e-6
_STEPS = (1e-6, 1e-5, 1e-7, 1e-4, 1e-3)
_CLOSE = 3e-8
_NOISE = 1e-4
_DIRECTIONS = 2
_ASIDE = 3e-3
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Check:
    """How far a printed line is from the truth, relative to the largest element.

    Attributes:
        engine: distance to the array that the engine computes; None where there is none.
        difference: distance to central differences; None for a forward line.
    """

    engine: float | None
    difference: float | None

    @property
    def error(self) -> float:
        """The larger of the two distances; infinite where a value is not finite."""
        found = [e for e in (self.engine, self.difference) if e is not None]
        return max((e if np.isfinite(e) else np.inf for e in found), default=np.inf)

    @property
    def passed(self) -> bool:
        """Whether the line is right."""
        return self.error <= TOLERANCE


class Numbers:
    """The values of a joint graph in float64, and what follows from them.

    Args:
        graph: the joint graph.
        examples: one array an input, or None to draw them (seeded).
    """

    def __init__(self, graph: Graph, examples: Sequence[Array] | None = None) -> None:
        self.graph = graph
        self._places = {out: n for n, op in enumerate(graph.operations) for out in op.outputs}
        self.constants = {v: _exact(v, array) for v, array in graph.constants.items()}
        if examples is None:
            self.values = self._drawn()
        else:
            self.values = self._run([_double(np.asarray(array)) for array in examples])
        meanings = {name: record.numpy for name, record in OPERATORS.items()}
        self.evaluator = Evaluator(self.values, meanings)

    def _run(self, leaves: Sequence[Array]) -> dict[Variable, Array]:
        values = dict(self.constants) | dict(zip(self.graph.inputs, leaves, strict=True))
        with np.errstate(all="ignore"):
            for operation in self.graph.operations:
                operands = [values[variable] for variable in operation.inputs]
                found = _carry_out(operation, operands)
                values.update(zip(operation.outputs, found, strict=True))
        return values

    def _drawn(self) -> dict[Variable, Array]:
        """Draw inputs; where the result is not finite, positive ones are tried (for log)."""
        values: dict[Variable, Array] = {}
        for attempt in range(_TRIES):
            rng = np.random.default_rng(attempt)
            draw = _normal(rng) if attempt % 2 == 0 else _positive(rng)
            leaves = [_draw(self.graph, v, rng, draw) for v in self.graph.inputs]
            values = self._run(leaves)
            if all(np.isfinite(values[v]).all() for v in self.graph.outputs):
                break
        return values

    def compare(self, tensor: Sum, wanted: Array) -> float:
        """Return the distance of a sum, and of the formula printed for it, from an array."""
        exact = self.evaluator.tensor(tensor)
        printed = self.evaluator.formula(matrix_form(tensor))
        if not tensor.terms:  # a 0 stands for zeros of any shape
            printed = np.broadcast_to(printed, (*exact.shape, 1, 1))
        return max(distance(exact, wanted), distance(printed.reshape(wanted.shape), wanted))

    def slope(
        self, tensor: Sum, result: Variable, by: Variable, fixed: Collection[Variable]
    ) -> float:
        """Return the distance of ∂result/∂by from central differences.

        A scalar result is compared with ⟨tensor, direction⟩, an elementwise one element by
        element. ``fixed`` variables keep their values. The best of several steps counts: a
        short one stays clear of kinks, a long one of rounding, and a wrong line fits none. Where
        the values lie on a kink (zeros of a ReLU that tie for a maximum), differences say
        nothing, and a point beside is taken.
        """
        worst = self._slope(tensor, result, by, fixed)
        if worst <= TOLERANCE:
            return worst
        return min(worst, self._beside(by, fixed)._slope(tensor, result, by, fixed))

    def _beside(self, by: Variable, fixed: Collection[Variable]) -> Numbers:
        """Return the values where a variable is a little off."""
        value = self.values[by]
        size = _ASIDE * max(1.0, float(np.max(np.abs(value), initial=0.0)))
        noise = size * _normal(np.random.default_rng(2))(value.shape)
        other = copy(self)
        other.values = self.values | self._changed(
            self._places.get(by, -1) + 1, len(self._places), {by: value + noise}, fixed
        )
        other.evaluator = Evaluator(other.values, self.evaluator.operators)
        return other

    def _slope(
        self, tensor: Sum, result: Variable, by: Variable, fixed: Collection[Variable]
    ) -> float:
        gradient = self.evaluator.tensor(tensor)
        rng = np.random.default_rng(1)
        worst = 0.0
        for _ in range(_DIRECTIONS):
            direction = _normal(rng)(self.values[by].shape)
            best = np.inf
            for step in _STEPS:
                measured = self._measured(result, by, direction, step, fixed)
                best = min(best, self._apart(gradient, direction, measured, result))
                if best <= _CLOSE:
                    break
            worst = max(worst, best)
        return worst

    def _measured(
        self,
        result: Variable,
        by: Variable,
        direction: Array,
        step: float,
        fixed: Collection[Variable],
    ) -> Array:
        """Return the derivative along a direction, by differences of fourth order."""
        base = self.values[by]
        step *= max(1.0, float(np.max(np.abs(base), initial=0.0)))

        def apart(times: int) -> Array:
            ahead = self._moved(result, by, base + times * step * direction, fixed)
            return ahead - self._moved(result, by, base - times * step * direction, fixed)

        return (8 * apart(1) - apart(2)) / (12 * step)

    def _apart(self, gradient: Array, direction: Array, measured: Array, result: Variable) -> float:
        told: Array = gradient * direction
        scalar = result.rank == 0
        size = float(np.sum(np.abs(told))) if scalar else 1.0
        told = np.asarray(np.sum(told)) if scalar else told
        # Differences see nothing below the rounding of the result itself.
        noise = _NOISE * float(np.max(np.abs(self.values[result]), initial=0.0))
        error = _relative(told - measured, max(size, noise))
        return error if np.isfinite(error) else np.inf

    def _moved(
        self, result: Variable, by: Variable, value: Array, fixed: Collection[Variable]
    ) -> Array:
        start, end = self._places.get(by, -1) + 1, self._places[result] + 1
        changed = self._changed(start, end, {by: value}, fixed)
        return changed.get(result, self.values[result])

    def _changed(
        self, start: int, end: int, given: Mapping[Variable, Array], fixed: Collection[Variable]
    ) -> dict[Variable, Array]:
        """Return what operations from start to end make of other values."""
        changed = dict(given)
        with np.errstate(all="ignore"):
            for operation in self.graph.operations[start:end]:
                reads = any(variable in changed for variable in operation.inputs)
                stopped = operation.operator == "stop_gradient"
                if stopped or not reads or all(each in fixed for each in operation.outputs):
                    continue
                operands = [changed.get(v, self.values[v]) for v in operation.inputs]
                found = zip(operation.outputs, _carry_out(operation, operands), strict=True)
                changed.update((each, value) for each, value in found if each not in fixed)
        return changed


def distance(found: Array, wanted: Array) -> float:
    """Return the largest error relative to the largest element (NaN equal to NaN)."""
    if np.array_equal(found, wanted, equal_nan=True):
        return 0.0
    return _relative(found - wanted, float(np.max(np.abs(wanted), initial=0.0)))


def _relative(error: Array, size: float) -> float:
    largest = float(np.max(np.abs(error), initial=0.0))
    return largest if size == 0 else largest / size


def _carry_out(operation: Operation, operands: list[Array]) -> tuple[Array, ...]:
    attributes = dict(operation.attributes)
    dtype = attributes.get("dtype")
    if isinstance(dtype, str) and np.dtype(dtype).kind == "f":
        attributes["dtype"] = "float64"
    return OPERATORS[operation.operator].values(*operands, **attributes)


def _double(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _exact(variable: Variable, array: Array) -> Array:
    """Return a constant in float64; a number is what the user wrote, not its rounding."""
    if variable.rank == 0 and array.dtype.kind == "f":
        number = rational(array[()])
        return np.asarray(float(array) if number is None else float(number))
    return _double(array)


Draw = Callable[[Shape], Array]


def _normal(rng: np.random.Generator) -> Draw:
    return lambda shape: np.asarray(rng.standard_normal(shape))


def _positive(rng: np.random.Generator) -> Draw:
    return lambda shape: np.asarray(rng.uniform(0.5, 1.5, shape))


def _draw(graph: Graph, variable: Variable, rng: np.random.Generator, draw: Draw) -> Array:
    kind, shape = variable.dtype.kind, variable.shape
    if kind == "b":
        return rng.random(shape) < 0.5
    if kind in "iu":
        return rng.integers(0, limit(graph, variable), shape).astype(variable.dtype)
    if kind != "f":
        raise DataError(
            f"the derivation of {graph.name} needs values for {variable.label or 'an input'}",
            expected="float, integer or boolean arrays",
            got=variable.dtype.name,
            remedy="give example arrays",
        )
    users = {op.operator for op in graph.consumers[variable] if op.inputs[-1] is variable}
    if "softmax_cross_entropy" in users:
        weights = np.exp(rng.standard_normal(shape))
        return weights / np.sum(weights, axis=-1, keepdims=True)
    if "binary_cross_entropy" in users:
        return np.asarray(rng.uniform(0.0, 1.0, shape))
    # Weights as a network has them, so that deep ones neither die out nor run away.
    return draw(shape) * (0.7 if len(shape) < 2 else shape[-1] ** -0.5)


def limit(graph: Graph, variable: Variable) -> int:
    """Return how many values an integer input may take: the classes or rows it picks from."""
    best = np.inf
    for operation in graph.consumers[variable]:
        found = _limit_at(graph, operation, variable)
        best = min(best, found)
    return int(best) if np.isfinite(best) else 2


def _limit_at(graph: Graph, operation: Operation, variable: Variable) -> float:
    name, inputs = operation.operator, operation.inputs
    if name == "softmax_cross_entropy" and inputs[1] is variable:
        return inputs[0].shape[-1]
    if name == "one_hot":
        return int(operation.attributes["classes"])
    if name == "take_along_axis" and inputs[1] is variable:
        axis: int = operation.attributes["axis"]
        return inputs[0].shape[axis]
    first = {"index": 1, "index_update": 2, "add_at": 2}.get(name)
    if first is not None and variable in inputs[first:]:
        text = f"#{inputs.index(variable, first) - first}"
        return inputs[0].shape[list(operation.attributes["template"]).index(text)]
    if name in ("reshape", "cast", "transpose", "broadcast_to", "index", "identity"):
        return limit(graph, operation.output)
    return np.inf


class Stated:
    """What is assumed of the data, once the data agree; each statement once."""

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers
        self.notes: list[tuple[str, Sum]] = []

    def assume(self, tensor: Sum, number: int, kind: str) -> bool:
        """Return whether a tensor is a number everywhere on the data; if so, keep that."""
        value = self.numbers.evaluator.tensor(tensor)
        if not np.allclose(value, number, rtol=TOLERANCE, atol=TOLERANCE):
            return False
        if not any(known == kind and same_sums(each, tensor) for known, each in self.notes):
            self.notes.append((kind, tensor))
        return True
