"""Which images are stored with the batch innermost, so that lanes are examples.

Rows of a few channels are short, and windows overlap: lanes along a row are empty at its end and
begin between the lines of the cache. With the batch innermost every window, of convolution and of
pooling, forward and backward, is whole vectors, and a weight is one number for all of them.
"""

from __future__ import annotations

from collections.abc import Collection

from wengert.base.shapes import Shape
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.operators.registry import OPERATORS
from wengert.operators.storage import dense_strides
from wengert.rewriting.decompose import CHECK

_VECTOR_BYTES = 64
# With more channels a row of pixels is worth more than the batch is.
_FEW = 32
_CONVOLUTIONS = ("conv2d", "conv2d_input", "conv2d_weight")
_MAKES = ("conv2d", "conv2d_input", "avg_pool2d", "avg_pool2d_input", "max_pool2d",
          "max_pool2d_input", "max_pool2d_pick")  # fmt: skip


def batch_innermost(graph: Graph) -> frozenset[Variable]:
    """Return the intermediates of a decomposed graph that are stored with the batch innermost."""
    convolutions = [each for each in graph.operations if each.operator in _CONVOLUTIONS]
    if not convolutions or not all(map(_is_narrow, convolutions)):
        return frozenset()
    found: set[Variable] = set()
    for operation in graph.operations:
        variable = operation.output
        if len(variable.shape) == 4 and _is_image(operation, found):
            found.add(variable)
    # What the caller gets lies in C order.
    return frozenset(found - {*graph.outputs})


def _is_narrow(operation: Operation) -> bool:
    images = [v for v in (*operation.inputs, operation.output) if len(v.shape) == 4]
    weight = operation.output if operation.operator == "conv2d_weight" else operation.inputs[1]
    batch = next(v for v in images if v is not weight)
    lanes = _VECTOR_BYTES // batch.dtype.itemsize
    return (
        batch.shape[0] >= lanes
        and max(v.shape[1] for v in images) <= _FEW
        and (weight.shape[0] <= _FEW)
    )


def _is_image(operation: Operation, images: Collection[Variable]) -> bool:
    if operation.operator in _MAKES:
        return True
    record = OPERATORS.get(operation.operator)
    pointwise = operation.operator == CHECK or (record is not None and record.scalar is not None)
    alias = record is not None and record.aliases == "view"
    return (pointwise or alias) and any(
        v in images and v.shape == operation.output.shape for v in operation.inputs
    )


def innermost_strides(shape: Shape) -> tuple[int, ...]:
    """Return the strides of images in whose storage the batch is the innermost axis.

    >>> innermost_strides((128, 6, 28, 28))
    (1, 100352, 3584, 128)
    """
    return (1, *(stride * shape[0] for stride in dense_strides(shape[1:], 1)))
