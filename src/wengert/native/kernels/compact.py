"""A nest with nothing to spare: dead values gone, operands numbered anew, axes merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wengert.native.kernel import Operand
from wengert.native.kernels.nest import Compute, Load, Nest, Ramp, Reduce, Store, Strides, Value


def compact(nest: Nest, operands: Sequence[Operand]) -> tuple[Nest, tuple[Operand, ...]]:
    """Return the nest with what its stores need, and the operands that it then has."""
    nest = _merged(_alive(nest))
    used: dict[int, int] = {}
    values = tuple(_renumbered(value, used) for value in nest.values)
    stores = tuple(
        replace(each, operand=used.setdefault(each.operand, len(used))) for each in nest.stores
    )
    kept = tuple(operands[number] for number in used)
    return replace(nest, values=values, stores=stores), kept


def _renumbered(value: Value, used: dict[int, int]) -> Value:
    if isinstance(value, Load):
        return replace(value, operand=used.setdefault(value.operand, len(used)))
    if isinstance(value, Compute) and value.operator == "check":
        said = dict(value.attributes)
        said["operand"] = used.setdefault(said["operand"], len(used))
        return replace(value, attributes=tuple(sorted(said.items())))
    return value


def _inputs(value: Value) -> tuple[int, ...]:
    if isinstance(value, Compute):
        return value.inputs
    return (value.input,) if isinstance(value, Reduce) else ()


def _alive(nest: Nest) -> Nest:
    needed: set[int] = set()
    waiting = [store.value for store in nest.stores]
    waiting += [n for n, v in enumerate(nest.values)
                if isinstance(v, Compute) and v.operator == "check"]  # fmt: skip
    while waiting:
        number = waiting.pop()
        if number not in needed:
            needed.add(number)
            waiting += _inputs(nest.values[number])
    new = {old: number for number, old in enumerate(sorted(needed))}

    def moved(value: Value) -> Value:
        if isinstance(value, Compute):
            return replace(value, inputs=tuple(new[each] for each in value.inputs))
        return replace(value, input=new[value.input]) if isinstance(value, Reduce) else value

    values = tuple(moved(nest.values[old]) for old in sorted(needed))
    stores = tuple(replace(each, value=new[each.value]) for each in nest.stores)
    return replace(nest, values=values, stores=stores)


# -- Axes -----------------------------------------------------------------------------------------


def _merged(nest: Nest) -> Nest:
    """Make one axis of two neighbours that every operand walks through as one."""
    axis = len(nest.sizes) - 2
    while axis >= 0:
        if nest.inner[axis] == nest.inner[axis + 1] and all(
            strides[axis] == strides[axis + 1] * nest.sizes[axis + 1]
            for strides in _every_strides(nest)
        ):
            nest = _without(nest, axis)
        axis -= 1
    return nest


def _every_strides(nest: Nest) -> list[Strides]:
    found = [store.strides for store in nest.stores]
    for value in nest.values:
        if isinstance(value, Load | Ramp):
            found.append(value.strides)
        elif isinstance(value, Compute) and value.operator == "check":
            found.append(dict(value.attributes)["strides"])
    return found


def _without(nest: Nest, axis: int) -> Nest:
    """Return the nest with an axis merged into the next."""

    def shorter(strides: Strides) -> Strides:
        return (*strides[:axis], *strides[axis + 1 :])

    def moved(value: Value) -> Value:
        if isinstance(value, Load | Ramp):
            return replace(value, strides=shorter(value.strides))
        if isinstance(value, Compute) and value.operator == "check":
            said = dict(value.attributes)
            said["strides"] = shorter(said["strides"])
            return replace(value, attributes=tuple(sorted(said.items())))
        return value

    n = nest.sizes[axis] * nest.sizes[axis + 1]
    return replace(
        nest,
        sizes=(*nest.sizes[:axis], n, *nest.sizes[axis + 2 :]),
        inner=shorter_flags(nest.inner, axis),
        values=tuple(moved(value) for value in nest.values),
        stores=tuple(_moved_store(each, shorter) for each in nest.stores),
    )


def shorter_flags(flags: tuple[bool, ...], axis: int) -> tuple[bool, ...]:
    """Return flags without the one of an axis."""
    return (*flags[:axis], *flags[axis + 1 :])


def _moved_store(store: Store, shorter: object) -> Store:
    assert callable(shorter)
    return replace(store, strides=shorter(store.strides))
