"""How a program rounds: into which parts each of its sums is cut.

The lanes of a nest follow from all that is fused into it, and the order of additions from its
lanes. So a graph in which something is made again can round differently, where other things meet in
a kernel. What this file returns is equal for two graphs of the same values when their sums are
added in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence

from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.native.kernel import Kernel
from wengert.native.kernels.loops import Loops
from wengert.native.steps import REDUCTIONS
from wengert.rewriting.share import frozen


def rounding(graph: Graph, kernels: Sequence[Kernel]) -> frozenset[object]:
    """Return what is summed, by value, with the shape of the loops that sum it."""
    values = _values(graph)
    return frozenset(
        (values[operation], _form(kernel))
        for kernel in kernels
        for operation in kernel.operations
        if operation.operator in REDUCTIONS and operation in values
    )


def _form(kernel: Kernel) -> object:
    if not isinstance(kernel.body, Loops):
        return type(kernel.body).__name__
    nest = kernel.body.nest
    return nest.lanes, nest.sizes, nest.inner, nest.split, nest.parts


def _values(graph: Graph) -> dict[Operation, int]:
    """Return for each operation a number that is the same for all that compute its value."""
    number = {variable: hash(("input", at)) for at, variable in enumerate(graph.inputs)}
    for variable, value in graph.constants.items():
        number[variable] = hash(("constant", value.dtype.str, value.shape, value.tobytes()))
    found: dict[Operation, int] = {}
    for operation in graph.operations:
        inputs = tuple(number[each] for each in operation.inputs)
        found[operation] = hash((operation.operator, inputs, frozen(operation.attributes)))
        for at, output in enumerate(operation.outputs):
            number[output] = hash((found[operation], at))
    return found
