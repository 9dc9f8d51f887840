"""How an operator works on a batch, derived from its kind and its attributes.

A rule is told one :class:`~wengert.batching.use.Use` and returns the results of all examples, the
batch in front. What no rule covers is taken apart by the decomposition of its record; what has
none is refused by name. Nothing is looped over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wengert.base.shapes import Shape, size
from wengert.batching import images, places, products
from wengert.batching.use import Use, reshaped
from wengert.operators.record import Operator
from wengert.tracing.tracer import apply

Rule = Callable[[Use], Any]


def rule_for(record: Operator, use: Use) -> Rule | None:
    """Return the rule of an operator, None where only its decomposition can tell."""
    if record.name in BY_NAME:
        return BY_NAME[record.name]
    if record.kind == "elementwise":
        return elementwise
    if record.kind == "matrix":
        return side_by_side
    if record.kind in ("reduction", "composite") and "axis" in use.attributes:
        return along_axes if len(use.operands) == 1 else None
    return None


def elementwise(use: Use) -> Any:
    """Operands that broadcast: the axes of an example are counted from the last."""
    return use(*(each.aligned(use.ranks) for each in use.operands))


def along_axes(use: Use) -> Any:
    """One operand, and axes that all count one more."""
    (x,) = use.operands
    axis: int | tuple[int, ...] | None = use.attributes["axis"]
    if axis is None:
        flat = reshaped(x.value, (use.count, size(x.shape)))
        return reshaped(use(flat, axis=1, keepdims=False), (use.count, *use.shape))
    return use(x.value, axis=axis + 1 if isinstance(axis, int) else tuple(a + 1 for a in axis))


def side_by_side(use: Use) -> Any:
    """An operator that treats the leading axes of all its operands alike."""
    return use(*(each.repeated(use.count) for each in use.operands))


def _squared_error(use: Use) -> Any:
    # Of single numbers it sums nothing: a batch of them is a column.
    rank = max(use.ranks, 1)
    return use(*(_column(each.repeated(use.count), rank) for each in use.operands))


def _column(value: Any, rank: int) -> Any:
    return reshaped(value, (*value.shape, *(1,) * (rank + 1 - len(value.shape))))


def _reshape(use: Use) -> Any:
    return reshaped(use.operands[0].value, (use.count, *use.shape))


def _transpose(use: Use) -> Any:
    axes: tuple[int, ...] = use.attributes["axes"]
    return use(use.operands[0].value, axes=(0, *(axis + 1 for axis in axes)))


def _broadcast_to(use: Use) -> Any:
    shape: Shape = use.attributes["shape"]
    return use(use.operands[0].aligned(len(shape)), shape=(use.count, *shape))


def _searchsorted(use: Use) -> Any:
    knots, values = use.operands
    if not knots.is_batched:
        return use(knots.value, values.value)
    # As many knots as lie in front of a value: NumPy's own function knows one row of them only.
    last = len(values.shape)
    wide = reshaped(values.with_batch_axis(), (*values.with_batch_axis().shape, 1))
    rows = reshaped(knots.value, (use.count, *(1,) * last, knots.shape[0]))
    before = apply("less" if use.attributes["side"] == "left" else "less_equal", rows, wide)
    return apply("sum", before, axis=(last + 1,), keepdims=False)


def _along_axis_of_all(use: Use) -> Any:
    values = [each.repeated(use.count) for each in use.operands]
    return use(*values, axis=use.attributes["axis"] + 1)


_ALIKE = (
    "relu", "leaky_relu", "sigmoid", "softplus", "gelu", "binary_cross_entropy",
    "softmax_cross_entropy", "one_hot", "identity", "stop_gradient", "barrier",
)  # fmt: skip

# One operand, and an axis that the result keeps.
_ALONG = ("cumsum", "cumprod", "running_max", "running_min", "argsort", "argpartition")

_IMAGES = (
    "avg_pool2d", "avg_pool2d_input", "max_pool2d", "max_pool2d_input", "max_pool2d_pick",
)  # fmt: skip

BY_NAME: Mapping[str, Rule] = {
    **dict.fromkeys(_ALIKE, side_by_side),
    **dict.fromkeys(_IMAGES, images.merged),
    **dict.fromkeys(("fft", "ifft", "rfft", "irfft"), along_axes),
    "conv2d": images.convolution,
    "conv2d_input": images.convolution,
    "conv2d_weight": images.filters,
    "squared_error": _squared_error,
    "reshape": _reshape,
    "transpose": _transpose,
    "broadcast_to": _broadcast_to,
    "concatenate": _along_axis_of_all,
    **dict.fromkeys(_ALONG, along_axes),
    "recurrence": _along_axis_of_all,
    "searchsorted": _searchsorted,
    "index": places.index,
    "index_add": places.index_add,
    "index_update": places.written,
    "add_at": places.written,
    "take_along_axis": places.take_along_axis,
    "add_along_axis": places.add_along_axis,
    "matmul": products.matmul,
    "einsum": products.einsum,
}
