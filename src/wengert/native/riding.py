"""Reductions that ride on a product: Σ W² is summed up where W is read to be updated.

A norm of its own would read all of W once more, which takes longer than a step of few examples.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from wengert.graph.variable import Variable
from wengert.native.epilogues import kept_axes
from wengert.native.kernel import REFUSAL, Kernel, Operand
from wengert.native.kernels.epilogue import Epilogue, Part
from wengert.native.kernels.loops import Loops
from wengert.native.kernels.matching import Match
from wengert.native.kernels.matching import match as matched
from wengert.native.kernels.nest import Compute, Load, Nest, Number, Reduce, Store, Strides
from wengert.native.kernels.tiled import Tiled, tiled

# Bytes that may have to wait in the arena for what is put off.
_FEW = 65_536


def with_riders(kernels: Sequence[Kernel], outputs: Collection[Variable]) -> list[Kernel]:
    """Return the kernels with reductions done by the products that read the same arrays anyway."""
    found = list(kernels)
    for rider in kernels:
        if not _may_ride(rider, outputs):
            continue
        waiting = _waiting(found, rider)
        for carrier in found:
            whole = None if carrier in waiting else _carrying(carrier, rider)
            if whole is not None:
                found = _joined(found, (rider, carrier, whole), waiting) or found
                break
    return found


def _may_ride(rider: Kernel, outputs: Collection[Variable]) -> bool:
    """Return whether a kernel does nothing but reduce all that it reads, in parts."""
    if not isinstance(rider.body, Loops) or any(v in outputs for v in rider.writes):
        return False
    nest = rider.body.nest
    return (
        nest.split
        and all(nest.inner)
        and all(store.chunk == 1 for store in nest.stores)
        and all(isinstance(value, Load | Number | Compute | Reduce) for value in nest.values)
    )


def _waiting(kernels: Sequence[Kernel], rider: Kernel) -> list[Kernel]:
    """Return what must come after a kernel, itself first."""
    found, made = [rider], {*rider.writes}
    for kernel in kernels:
        if kernel is not rider and made.intersection((*kernel.reads, *kernel.writes)):
            found.append(kernel)
            # Every kernel refuses in a row of its own.
            made |= {*kernel.writes} - {REFUSAL}
    return found


def _joined(
    kernels: Sequence[Kernel], joined: tuple[Kernel, Kernel, Kernel], waiting: Sequence[Kernel]
) -> list[Kernel] | None:
    """Return the kernels with the rider on its carrier, and what waits for it put off."""
    rider, carrier, whole = joined
    at = kernels.index(carrier)
    late = [kernel for kernel in waiting[1:] if kernels.index(kernel) < at]
    made = {v for kernel in kernels for v in kernel.writes}
    if sum(v.nbytes for kernel in late for v in kernel.reads if v in made) > _FEW:
        return None
    sums = dict(zip(rider.writes, whole.writes[-len(rider.writes) :], strict=True))
    found: list[Kernel] = []
    for kernel in kernels:
        if kernel is rider or kernel in late:
            continue
        for each in (whole, *late) if kernel is carrier else (kernel,):
            combining = _combining(each, sums)
            if combining is None:
                return None
            found.append(combining)
    return found


# -- The product that carries ----------------------------------------------------------------------


def _carrying(carrier: Kernel, rider: Kernel) -> Kernel | None:
    """Return a product that also reduces, None where it does not read what is reduced."""
    body = carrier.body
    assert isinstance(rider.body, Loops)
    if not isinstance(body, Tiled) or body.epilogue is None:
        return None
    nest = rider.body.nest
    kept = kept_axes(body)
    walks = [tuple((axis.c, *axis.extras)[n] for axis in kept)
             for n in range(len(carrier.operands) - 2)]  # fmt: skip
    along = _along(carrier, rider, [axis.size for axis in kept], walks)
    if along is None:
        return None
    loads: dict[tuple[Operand, Strides], int] = {
        (carrier.operands[2 + value.operand], walks[value.operand]): number
        for number, value in enumerate(body.epilogue.values)
        if isinstance(value, Load)
    }
    epilogue = _reducing(body.epilogue, nest, rider.operands, (loads, along, len(walks)))
    if epilogue is None:
        return None
    nothing = (0,) * len(nest.stores)
    axes = [replace(axis, extras=(*axis.extras, *nothing)) for axis in body.axes]
    made = tiled(body.schedule.dtype, axes, epilogue)
    if made is None:
        return None
    sums = [
        Operand(Variable((made.chunks,), rider.operands[s.operand].variable.dtype, "intermediate"),
                0, True)
        for s in nest.stores
    ]  # fmt: skip
    return replace(
        carrier, name=f"{carrier.name}+{rider.name}", body=made,
        operands=(*carrier.operands, *sums), flops=carrier.flops + rider.flops,
        operations=tuple(dict.fromkeys((*carrier.operations, *rider.operations))),
    )  # fmt: skip


def _along(
    carrier: Kernel, rider: Kernel, sizes: Sequence[int], walks: Sequence[Strides]
) -> Match | None:
    """Return how the axes of C lie along those of the rider, by an array that both read."""
    assert isinstance(rider.body, Loops)
    nest = rider.body.nest
    for value in nest.values:
        if not isinstance(value, Load):
            continue
        for operand, walk in zip(carrier.operands[2:], walks, strict=True):
            if operand == rider.operands[value.operand]:
                found = matched(sizes, walk, nest.sizes, value.strides)
                if found is not None:
                    return found
    return None


def _reducing(
    epilogue: Epilogue, nest: Nest, operands: Sequence[Operand],
    known: tuple[Mapping[tuple[Operand, Strides], int], Match, int],
) -> Epilogue | None:  # fmt: skip
    """Return an epilogue with the values of a nest; all that it loads must be loaded already."""
    loads, along, first = known
    values: list[Part] = list(epilogue.values)
    new: dict[int, int] = {}
    for number, value in enumerate(nest.values):
        if isinstance(value, Load):
            at = loads.get((operands[value.operand], along.strides(value.strides)))
            if at is None:
                return None
            new[number] = at
            continue
        new[number] = len(values)
        match value:
            case Compute():
                inputs = tuple(new[each] for each in value.inputs)
                values.append(replace(value, inputs=inputs))
            case Reduce():
                values.append(replace(value, input=new[value.input]))
            case Number():
                values.append(value)
            case _:
                return None
    stores = [Store(new[s.value], first + n, (), 1) for n, s in enumerate(nest.stores)]
    return Epilogue(tuple(values), (*epilogue.stores, *stores))


# -- What adds up the parts ------------------------------------------------------------------------


def _combining(kernel: Kernel, sums: Mapping[Variable, Variable]) -> Kernel | None:
    """Return a kernel that reads the carrier's parts for the rider's, None where it cannot."""
    if not any(v in sums for v in kernel.reads):
        return kernel
    if not isinstance(kernel.body, Loops):
        return None
    nest = kernel.body.nest
    sizes = list(nest.sizes)
    for axis, strides in enumerate(zip(*_every_strides(nest), strict=True)):
        walked = [
            operand.variable
            for operand, stride in zip(_walked(kernel, nest), strides, strict=True)
            if stride
        ]
        if any(v in sums for v in walked):
            if not all(v in sums for v in walked) or nest.split or not nest.inner[axis]:
                return None
            sizes[axis] = sums[walked[0]].size
    operands = tuple(replace(o, variable=sums.get(o.variable, o.variable)) for o in kernel.operands)
    whole = replace(nest, sizes=tuple(sizes))
    return replace(
        kernel, body=Loops(whole), operands=operands, flops=whole.flops, shape=whole.sizes
    )


def _every_strides(nest: Nest) -> list[Strides]:
    loads = [value.strides for value in nest.values if isinstance(value, Load)]
    return [*loads, *(store.strides for store in nest.stores)]


def _walked(kernel: Kernel, nest: Nest) -> list[Operand]:
    loads = [kernel.operands[v.operand] for v in nest.values if isinstance(v, Load)]
    return [*loads, *(kernel.operands[store.operand] for store in nest.stores)]
