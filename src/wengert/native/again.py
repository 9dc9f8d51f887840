"""Values that are cheaper to compute once more than to write down and read back.

λW belongs to the gradient of a norm, and is needed where W is updated: that kernel reads W anyway.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from wengert.graph.variable import Variable
from wengert.native.kernel import Kernel, Operand
from wengert.native.kernels.compact import compact
from wengert.native.kernels.loops import Loops
from wengert.native.kernels.matching import Match, match
from wengert.native.kernels.nest import Compute, Load, Nest, Number, Reduce, Store, Value
from wengert.operators.registry import OPERATORS

# Arithmetic of an element that is less than writing it to memory and reading it back.
_CHEAP = 3


def compute_again(kernels: Sequence[Kernel], outputs: Collection[Variable]) -> list[Kernel]:
    """Return kernels that compute a cheap value where it is read, if what it needs is there."""
    found = list(kernels)
    at = 0
    while at < len(found):
        changed = _without_a_store(found, at, outputs)
        if changed is None:
            at += 1
        else:
            found = changed
    return found


def _without_a_store(
    kernels: list[Kernel], at: int, outputs: Collection[Variable]
) -> list[Kernel] | None:
    """Return the kernels with one store of one kernel less, None where there is none to spare."""
    maker = kernels[at]
    if not isinstance(maker.body, Loops):
        return None
    for store in maker.body.nest.stores:
        variable = maker.operands[store.operand].variable
        readers = [n for n, each in enumerate(kernels) if n != at and variable in each.reads]
        writers = [each for each in kernels if variable in each.writes]
        if variable in outputs or len(readers) != 1 or len(writers) != 1:
            continue
        reader = _reader(kernels[readers[0]], maker, store)
        if reader is None:
            continue
        found = list(kernels)
        found[readers[0]] = reader
        found[at : at + 1] = _left(maker, store)
        return found
    return None


def _left(maker: Kernel, store: Store) -> list[Kernel]:
    """Return a kernel without one of its stores, or none where it has nothing left to do."""
    assert isinstance(maker.body, Loops)
    nest = maker.body.nest
    stores = tuple(each for each in nest.stores if each is not store)
    if not stores and not maker.checks:
        return []
    nest, operands = compact(replace(nest, stores=stores), maker.operands)
    return [replace(maker, name=nest.name, body=Loops(nest), operands=operands, flops=nest.flops)]


# -- What is computed again ------------------------------------------------------------------------


def _reader(reader: Kernel, maker: Kernel, store: Store) -> Kernel | None:
    """Return the reader of what is stored, computing it itself, None where that does not pay."""
    assert isinstance(maker.body, Loops)
    nest, target = maker.body.nest, maker.operands[store.operand]
    cone = _cone(nest, store.value)
    if cone is None or store.chunk or not isinstance(reader.body, Loops):
        return None
    sources = {maker.operands[v.operand] for v in cone.values() if isinstance(v, Load)}
    if target.offset or not sources <= set(reader.operands):
        return None
    loads = {
        value.strides
        for value in reader.body.nest.values
        if isinstance(value, Load) and reader.operands[value.operand].variable is target.variable
    }
    if len(loads) != 1 or any(each.offset for each in _of(reader, target.variable)):
        return None
    along = match(reader.body.nest.sizes, loads.pop(), nest.sizes, store.strides)
    return None if along is None else _computing(reader, maker, store, along)


def _of(kernel: Kernel, variable: Variable) -> list[Operand]:
    return [operand for operand in kernel.operands if operand.variable is variable]


def _cone(nest: Nest, number: int) -> dict[int, Value] | None:
    """Return what a value is computed from, None where that is not cheap."""
    found: dict[int, Value] = {}
    waiting = [number]
    while waiting:
        at = waiting.pop()
        value = nest.values[at]
        if isinstance(value, Compute):
            if value.operator not in OPERATORS or OPERATORS[value.operator].cost.transcendental:
                return None
            waiting += value.inputs
        elif not isinstance(value, Load | Number):
            return None
        found[at] = value
    computed = sum(isinstance(value, Compute) for value in found.values())
    return found if 0 < computed <= _CHEAP else None


def _computing(reader: Kernel, maker: Kernel, store: Store, along: Match) -> Kernel:
    assert isinstance(reader.body, Loops) and isinstance(maker.body, Loops)
    nest, source = reader.body.nest, maker.body.nest
    variable = maker.operands[store.operand].variable
    cone = _cone(source, store.value) or {}
    values: list[Value] = []
    new: dict[int, int] = {}
    for number in sorted(cone):
        new[number] = len(values)
        values.append(_moved(cone[number], new, reader, maker, along))
    made, old = new[store.value], dict[int, int]()
    for number, value in enumerate(nest.values):
        if isinstance(value, Load) and reader.operands[value.operand].variable is variable:
            old[number] = made
            continue
        old[number] = len(values)
        values.append(_renumbered(value, old))
    stores = tuple(replace(each, value=old[each.value]) for each in nest.stores)
    whole = replace(nest, values=tuple(values), stores=stores)
    whole, operands = compact(whole, reader.operands)
    more = tuple(o for o in maker.operations if variable in o.outputs)
    return replace(
        reader, name=whole.name, body=Loops(whole), operands=operands, flops=whole.flops,
        operations=tuple(dict.fromkeys((*more, *reader.operations))),
    )  # fmt: skip


def _moved(value: Value, new: dict[int, int], reader: Kernel, maker: Kernel, along: Match) -> Value:
    if isinstance(value, Load):
        operand = reader.operands.index(maker.operands[value.operand])
        return replace(value, operand=operand, strides=along.strides(value.strides))
    return _renumbered(value, new)


def _renumbered(value: Value, new: dict[int, int]) -> Value:
    if isinstance(value, Compute):
        return replace(value, inputs=tuple(new[each] for each in value.inputs))
    return replace(value, input=new[value.input]) if isinstance(value, Reduce) else value
