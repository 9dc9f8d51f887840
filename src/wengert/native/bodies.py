"""From a loop or branch of a graph to its kernel: bodies fused, and everything given a place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from wengert.graph.graph import Array, Graph
from wengert.graph.operation import Operation
from wengert.graph.text import held
from wengert.graph.variable import Variable
from wengert.native.kernel import REFUSAL, Kernel, Operand
from wengert.native.looping import Call, Loop, Place, calls, copied
from wengert.native.placement import placed
from wengert.native.steps import Step, View, dense
from wengert.operators.storage import dense_strides
from wengert.planning.arena import ALIGNMENT
from wengert.planning.cost import price

_BYTES = np.dtype(np.uint8)


Fuse = Callable[[Graph], Any]


def is_block(view: View) -> bool:
    """Return whether a view lies in C order."""
    return _lies(view.shape, view.strides)


def _lies(shape: Sequence[int], strides: Sequence[int]) -> bool:
    wanted = dense_strides(tuple(shape), 1)
    return all(a == b for n, a, b in zip(shape, strides, wanted, strict=True) if n != 1)


def is_whole(view: View) -> bool:
    """Return whether a view is all of its storage."""
    return is_block(view) and not view.offset and prod(view.shape) == view.variable.size


class Builder:
    """The memory of a loop, while its bodies are laid out in it.

    Args:
        operation: the loop or branch.
        views: where its operands lie.
        fuse: makes the kernels of a body.
    """

    def __init__(self, operation: Operation, views: Sequence[View], fuse: Fuse) -> None:
        self.operation, self.views, self.fuse = operation, views, fuse
        self.nbytes = 0
        self.constants: list[Array] = []
        self.results = 1 + len(views)
        self.scratch = self.results + len(operation.outputs)

    def step(self) -> tuple[Step, Mapping[Variable, Array]]:
        """Return the step of the loop, and the constant that describes it to the walker."""
        make = {"scan": self._scan, "cond": self._cond, "while_loop": self._while}
        loop = make[self.operation.operator]()
        described = Variable(loop.words.shape, loop.words.dtype, "constant")
        scratch = Variable((max(self.nbytes, ALIGNMENT),), _BYTES)
        target, *also = (dense(each) for each in (*self.operation.outputs, scratch))
        step = Step(
            "loop", self.operation, self.operation.operator, target.shape,
            (dense(described), *self.views), target, (), {"loop": loop}, tuple(also),
        )  # fmt: skip
        return step, {described: loop.words}

    def _loop(self, lists: Mapping[str, Sequence[Call]], test: Place) -> Loop:
        return Loop(self.operation, lists, test, self.constants, self.scratch + 2)

    def room(self, nbytes: int) -> int:
        """Return where so many bytes of scratch memory begin."""
        at = self.nbytes
        self.nbytes += -(-nbytes // ALIGNMENT) * ALIGNMENT
        return at

    # -- the three of them -------------------------------------------------------------------------

    def _scan(self) -> Loop:
        how = self.operation.attributes
        body, carries, stacked = held(how["body"]), int(how["carries"]), int(how["stacked"])
        now, then = self._buffers(body.inputs[:carries])
        n = int(how["length"]) if how["reverse"] else 0
        rows = [self._row(k, n) for k in range(carries, carries + stacked)]
        shared = [self._operand(k) for k in range(carries + stacked, len(body.inputs))]
        made = [
            _along(Place(self.results + carries + k), y.nbytes, n)
            for k, y in enumerate(body.outputs[carries:])
        ]
        lists = self._around(body.inputs[:carries], now)
        found, _ = self._body(body, [*now, *rows, *shared], [*then, *made])
        return self._loop({**lists, "body": found}, Place(-1))

    def _while(self) -> Loop:
        how = self.operation.attributes
        body, carries = held(how["body"]), int(how["carries"])
        now, then = self._buffers(body.inputs[:carries])
        given = [*now, *(self._operand(k) for k in range(carries, len(body.inputs)))]
        lists = self._around(body.inputs[:carries], now)
        goes_on = Place(self.scratch, self.room(1))
        test, _ = self._body(held(how["test"]), given, [goes_on])
        found, _ = self._body(body, given, then)
        return self._loop({**lists, "test": test, "body": found}, goes_on)

    def _cond(self) -> Loop:
        given = [self._operand(k) for k in range(1, len(self.views))]
        made = [Place(self.results + k) for k in range(len(self.operation.outputs))]
        lists: dict[str, list[Call]] = {}
        for name, attribute in (("body", "true"), ("after", "false")):
            lists[name], _ = self._body(held(self.operation.attributes[attribute]), given, made)
        return self._loop(lists, self._operand(0))

    # -- places ------------------------------------------------------------------------------------

    def _operand(self, k: int) -> Place:
        view = self.views[k]
        return Place(1 + k, view.offset * view.variable.dtype.itemsize)

    def _row(self, k: int, n: int) -> Place:
        view = self.views[k]
        stride = view.strides[0] * view.variable.dtype.itemsize if view.shape[0] > 1 else 0
        return _along(self._operand(k), stride, n)

    def _buffers(self, carried: Sequence[Variable]) -> tuple[list[Place], list[Place]]:
        """Return where values are carried in, and where they are carried out."""
        now: list[Place] = []
        then: list[Place] = []
        for variable in carried:
            a, b = self.room(variable.nbytes), self.room(variable.nbytes)
            now.append(Place(self.scratch, a, 0, b - a))
            then.append(Place(self.scratch, b, 0, a - b))
        return now, then

    def _around(self, carried: Sequence[Variable], now: Sequence[Place]) -> dict[str, list[Call]]:
        """Return what brings values into their buffers at first, and out of them in the end."""
        pairs = list(enumerate(zip(carried, now, strict=True)))
        return {
            "before": [copied(self._operand(k), to, v.nbytes) for k, (v, to) in pairs if v.size],
            "after": [
                copied(to, Place(self.results + k), v.nbytes) for k, (v, to) in pairs if v.size
            ],
        }

    # -- bodies ------------------------------------------------------------------------------------

    def _body(
        self, body: Graph, given: Sequence[Place], made: Sequence[Place]
    ) -> tuple[list[Call], Any]:
        """Return the calls of a body whose inputs and outputs lie in these places."""
        fused = self.fuse(body)
        odd = [v for v in fused.graph.outputs if not is_whole(fused.views[v])]
        if odd:
            fused = self.fuse(_copying(body, [body.outputs[i] for i, v in enumerate(
                fused.graph.outputs) if v in odd]))  # fmt: skip
        graph = fused.graph
        roots = [fused.views[v].variable for v in graph.outputs]
        where: dict[Variable, Place] = dict(zip(graph.inputs, given, strict=True))
        for variable, value in graph.constants.items():
            array = np.require(value, value.dtype, ["C", "A"])
            self.constants.append(array)
            where[variable] = Place(-1, array.ctypes.data)
        more: list[Call] = []
        for root, place in zip(roots, made, strict=True):
            if root in where:
                if root.nbytes:
                    more.append(copied(where[root], place, root.nbytes))
            else:
                where[root] = place
        layout = placed(fused.kernels, set(where), graph=graph)
        start = self.room(layout.nbytes)
        for variable, offset in layout.offsets.items():
            where[variable] = Place(self.scratch, start + offset)
        spare = Place(self.scratch, start)
        return [*calls(layout.kernels, lambda v: where.get(v, spare)), *more], layout


def _along(place: Place, stride: int, n: int) -> Place:
    """Return the place of a row: the last one first where there are n in the other order."""
    if n:
        return Place(place.base, place.offset + (n - 1) * stride, -stride)
    return Place(place.base, place.offset, stride)


def _copying(body: Graph, odd: Sequence[Variable]) -> Graph:
    """Return the body with outputs in memory of their own, in C order, that were views."""
    operations = list(body.operations)
    outputs: list[Variable] = []
    for variable in body.outputs:
        if variable not in odd:
            outputs.append(variable)
            continue
        value = variable
        if not value.shape:
            value = _made(operations, "reshape", value, (1,), {"shape": (1,)})
        value = _made(operations, "concatenate", value, value.shape, {"axis": 0})
        if not variable.shape:
            value = _made(operations, "reshape", value, (), {"shape": ()})
        outputs.append(value)
    return replace(body, operations=tuple(operations), outputs=tuple(outputs))


def _made(
    operations: list[Operation], name: str, value: Variable, shape: tuple[int, ...],
    attributes: dict[str, Any],
) -> Variable:  # fmt: skip
    output = Variable(shape, value.dtype)
    operations.append(Operation(name, (value,), (output,), attributes))
    return output


def loop_kernel(step: Step) -> Kernel:
    """Return the kernel of a loop or branch."""
    loop = step.attributes["loop"]
    views = (*step.operands, *step.targets)
    operands = [Operand(view.variable, 0, n >= len(step.operands)) for n, view in enumerate(views)]
    if loop.refusing:
        operands.append(Operand(REFUSAL, 0, True))
    inner = "+".join(dict.fromkeys(kernel.name for kernel in loop.kernels))
    name = f"{step.operation.operator} of {inner}"
    return Kernel(name, loop, tuple(operands), (step.operation,), int(price(step.operation)),
                  step.target.shape)  # fmt: skip
