"""Elementwise kernels that end a product: done while its elements are in registers.

A product that only one elementwise kernel reads is never stored; so a gradient whose only use is
the update of its parameter takes no memory at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wengert.graph.variable import Variable
from wengert.native.kernel import FINITE, Kernel, Operand
from wengert.native.kernels.contraction import Axis
from wengert.native.kernels.epilogue import Epilogue, Made, Part
from wengert.native.kernels.loops import Loops
from wengert.native.kernels.matching import Match, match
from wengert.native.kernels.nest import Compute, Load, Nest, Number, Store, Strides, Value
from wengert.native.kernels.tiled import Tiled, tiled
from wengert.operators.registry import OPERATORS

# A longer formula is better off in a loop of its own.
_MOST_VALUES = 24


def with_epilogues(kernels: Sequence[Kernel], outputs: Collection[Variable]) -> list[Kernel]:
    """Return the kernels with what follows a product made a part of it, wherever that can be."""
    found = list(kernels)
    for product in kernels:
        if isinstance(product.body, Tiled) and product.body.epilogue is None:
            joined = _joined(found, product, outputs)
            found = found if joined is None else joined
    return found


def _joined(
    kernels: list[Kernel], product: Kernel, outputs: Collection[Variable]
) -> list[Kernel] | None:
    target = product.operands[2]
    variable = target.variable
    readers = [kernel for kernel in kernels if variable in kernel.reads]
    writers = [kernel for kernel in kernels if variable in kernel.writes]
    if variable in outputs or target.offset or len(readers) != 1 or len(writers) != 1:
        return None
    whole = ended(product, readers[0])
    if whole is None:
        return None
    at, later = kernels.index(product), kernels.index(readers[0])
    between = kernels[at + 1 : later]
    touched = {*readers[0].reads, *readers[0].writes}
    place = at if not any(touched & {*each.writes} for each in between) else later - 1
    rest = [kernel for kernel in kernels if kernel not in (product, readers[0])]
    return [*rest[:place], whole, *rest[place:]]


def ended(product: Kernel, following: Kernel) -> Kernel | None:
    """Return one kernel for a product and the elementwise kernel after it, where that can be."""
    if not isinstance(product.body, Tiled) or not isinstance(following.body, Loops):
        return None
    nest, made = following.body.nest, product.operands[2].variable
    along = _along(product.body, following, made)
    if along is None or not _is_light(following, nest):
        return None
    work = _Work(following, made, along)
    epilogue = work.epilogue()
    if epilogue is None:
        return None
    axes = _axes(product.body.axes, work.strides)
    body = tiled(product.body.schedule.dtype, axes, epilogue)
    if body is None:
        return None
    return Kernel(
        f"{product.name}+{following.name}", body, (*product.operands[:2], *work.operands),
        tuple(dict.fromkeys((*product.operations, *following.operations))),
        product.flops + following.flops, product.shape, following.checks,
    )  # fmt: skip


def kept_axes(body: Tiled) -> list[Axis]:
    """Return the axes of C that are longer than 1."""
    return [axis for axis in body.axes if axis.c and axis.size != 1]


def _along(body: Tiled, following: Kernel, made: Variable) -> Match | None:
    """Return how the axes of the product lie along those of what follows."""
    assert isinstance(following.body, Loops)
    nest = following.body.nest
    loads = {
        value.strides
        for value in nest.values
        if isinstance(value, Load) and following.operands[value.operand].variable is made
    }
    if len(loads) != 1 or any(o.offset for o in following.operands if o.variable is made):
        return None
    kept = kept_axes(body)
    return match([a.size for a in kept], [a.c for a in kept], nest.sizes, loads.pop())


def _is_light(following: Kernel, nest: Nest) -> bool:
    if any(nest.inner) or nest.split or len(nest.values) > _MOST_VALUES:
        return False
    if any(check.operator != FINITE for check in following.checks):
        return False
    return all(
        not isinstance(value, Compute)
        or value.operator not in OPERATORS
        or not OPERATORS[value.operator].cost.transcendental
        for value in nest.values
    )


def _axes(axes: Sequence[Axis], strides: Sequence[Strides]) -> list[Axis]:
    """Return a product's axes with the strides of C and of what the epilogue walks beside it."""
    found: list[Axis] = []
    kept = 0
    for axis in axes:
        if not axis.c or axis.size == 1:
            found.append(replace(axis, extras=(0,) * (len(strides) - 1)))
            continue
        c, *extras = (each[kept] for each in strides)
        found.append(replace(axis, c=c, extras=tuple(extras)))
        kept += 1
    return found


@dataclass(eq=False)
class _Work:
    """An epilogue that is being made of a nest.

    Attributes:
        operands: what it walks, C first; ``strides``: how, along the axes of C.
    """

    following: Kernel
    made: Variable
    along: Match
    operands: list[Operand] = field(default_factory=list[Operand])
    strides: list[Strides] = field(default_factory=list[Strides])

    def epilogue(self) -> Epilogue | None:
        """Return the epilogue, None where the nest holds what no epilogue can do."""
        assert isinstance(self.following.body, Loops)
        nest = self.following.body.nest
        written = [self.along.strides(each.strides) for each in nest.stores]
        if not written or not all(all(strides) for strides in written):
            return None
        stores = [
            Store(each.value, self._walked(each.operand, strides), ())
            for each, strides in zip(nest.stores, written, strict=True)
        ]
        values: list[Part] = [Made(self.made.dtype.name)]
        new: dict[int, int] = {}
        for number, value in enumerate(nest.values):
            part = self._part(value, new)
            if part is None:
                return None
            if isinstance(part, Made):
                new[number] = 0
                continue
            new[number] = len(values)
            values.append(part)
        return Epilogue(
            tuple(values), tuple(replace(each, value=new[each.value]) for each in stores)
        )

    def _part(self, value: Value, new: Mapping[int, int]) -> Part | None:
        match value:
            case Load():
                if self.following.operands[value.operand].variable is self.made:
                    return Made(value.dtype)
                strides = self.along.strides(value.strides)
                return Load(self._walked(value.operand, strides), value.dtype, ())
            case Number():
                return value
            case Compute():
                moved = replace(value, inputs=tuple(new[each] for each in value.inputs))
                return self._check(moved) if value.operator == "check" else moved
            case _:
                return None

    def _check(self, check: Compute) -> Compute:
        said = dict(check.attributes)
        nowhere = (0,) * len(self.along.axes)
        said["operand"] = self._walked(said["operand"], nowhere)
        del said["strides"]
        return replace(check, attributes=tuple(sorted(said.items())))

    def _walked(self, number: int, strides: Strides) -> int:
        operand = self.following.operands[number]
        for at, known in enumerate(zip(self.operands, self.strides, strict=True)):
            if known == (operand, strides):
                return at
        self.operands.append(operand)
        self.strides.append(strides)
        return len(self.operands) - 1
