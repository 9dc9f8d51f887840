"""One use of an operator for one example, whose operands may hold a whole batch of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wengert.base.shapes import Shape
from wengert.tracing.tracer import Tracer, apply


@dataclass(frozen=True, slots=True)
class Operand:
    """A value, and its shape for one example; a batch has one more axis, always in front."""

    value: Tracer
    shape: Shape
    is_batched: bool

    def aligned(self, rank: int) -> Any:
        """Return the value so that it broadcasts against others of this rank an example."""
        missing = rank - len(self.shape)
        if not self.is_batched or missing <= 0:
            return self.value
        return reshaped(self.value, (self.value.shape[0], *(1,) * missing, *self.shape))

    def with_batch_axis(self, rank: int | None = None) -> Any:
        """Return the value with an axis in front: of the batch, or of size 1."""
        missing = 0 if rank is None else rank - len(self.shape)
        front = self.value.shape[0] if self.is_batched else 1
        return reshaped(self.value, (front, *(1,) * missing, *self.shape))

    def repeated(self, count: int) -> Any:
        """Return the value as a batch: one that is the same for all examples is repeated."""
        if self.is_batched:
            return self.value
        return apply("broadcast_to", self.value, shape=(count, *self.shape))


@dataclass(frozen=True, slots=True)
class Use:
    """One operation: its operator, operands, attributes, the result of one example, the batch.

    Attributes:
        operator: the name of the record.
        operands: in order; at least one of them is batched.
        attributes: as they are for one example.
        shapes: of the results for one example.
        count: the size of the batch.
    """

    operator: str
    operands: Sequence[Operand]
    attributes: Mapping[str, Any]
    shapes: tuple[Shape, ...]
    count: int

    def __call__(self, *values: Any, **changed: Any) -> Any:
        """Record the operator on these values, with some attributes changed."""
        return apply(self.operator, *values, **{**self.attributes, **changed})

    @property
    def shape(self) -> Shape:
        """The shape of the only result for one example."""
        (shape,) = self.shapes
        return shape

    @property
    def ranks(self) -> int:
        """The most axes that an operand has for one example."""
        return max(len(each.shape) for each in self.operands)


def reshaped(value: Any, shape: Shape) -> Any:
    """Return the value in another shape; itself where it has it."""
    return value if value.shape == shape else apply("reshape", value, shape=shape)


def transposed(value: Any, axes: Sequence[int]) -> Any:
    """Return the value with its axes in another order; itself where it is the same."""
    if tuple(axes) == tuple(range(len(axes))):
        return value
    return apply("transpose", value, axes=tuple(axes))


def moved(value: Any, source: int, target: int) -> Any:
    """Return the value with one axis in another place, the others in their order."""
    axes = [axis for axis in range(len(value.shape)) if axis != source]
    axes.insert(target, source)
    return transposed(value, axes)
