"""Reading after writing: what was written is read as it was, what was not, from before the write.

A loop that fills an array and reads what it has filled then never reads the array itself, so that
its versions are one storage, written part by part.
"""

from __future__ import annotations

from math import gcd
from typing import Any

from wengert.base.guards import is_slice
from wengert.base.shapes import Shape
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.operators.index import Template, is_basic
from wengert.operators.storage import dense_strides

# A chain of writes is followed this far back.
_FAR = 4096


def read_before(operation: Operation, sight: Any) -> Operation | None:
    """x[i ← v][j] = x[j], and x[i += v][j] = x[j], where no place is in both."""
    template: Template = operation.attributes["template"]
    if not is_basic(template):
        return None
    first = found = last = operation.inputs[0]
    read = _spans(template, first.shape)
    for _ in range(_FAR):
        maker = sight.maker(found, "index_update", "add_at")
        if maker is None or not is_basic(maker.attributes["template"]):
            break
        written = _spans(maker.attributes["template"], found.shape)
        if not any(map(_are_apart, read, written)):
            break
        found = sight.standing(maker.inputs[0])
        if operation.output.size == 1 or sight.is_packed(found):
            last = found
    if last is first:
        return None
    return operation.on((last,), operation.outputs, operation.origin)


def read_written(operation: Operation, sight: Any) -> tuple[str, Variable, dict[str, Any]] | None:
    """x[i ← v][i] = v, and a part of what was written is that part of v.

    Returns operator, operand and attributes of what says it.
    """
    template: Template = operation.attributes["template"]
    maker = sight.maker(operation.inputs[0], "index_update")
    if maker is None or not is_basic(template) or not is_basic(maker.attributes["template"]):
        return None
    value = sight.standing(maker.inputs[1])
    shape = operation.inputs[0].shape
    wrote: Template = maker.attributes["template"]
    inside = _part_of(template, wrote, shape)
    if inside is None:
        return None
    out = operation.output
    if value.shape == () and out.size == 1:
        return "broadcast_to", value, {"shape": out.shape}
    if value.shape != _shape(wrote, shape):
        return None
    alike = sight.is_packed(value) and _steps(shape, template) == _steps(value.shape, inside)
    return ("index", value, {"template": inside}) if alike or out.size == 1 else None


def _spans(template: Template, shape: Shape) -> list[range]:
    """Return the places that a basic index names on each axis."""
    parts = [part for part in template if part is not None]
    parts += [slice(None)] * (len(shape) - len(parts))
    return [
        range(n)[part] if is_slice(part) else range(part % n, part % n + 1)
        for part, n in zip(parts, shape, strict=True)
    ]


def _are_apart(one: range, other: range) -> bool:
    if not one or not other:
        return True
    if max(one[0], one[-1]) < min(other[0], other[-1]):
        return True
    if max(other[0], other[-1]) < min(one[0], one[-1]):
        return True
    return (one[0] - other[0]) % gcd(one.step, other.step) != 0


def _part_of(template: Template, wrote: Template, shape: Shape) -> Template | None:
    """Return the template that reads from the written values, None where it reads beyond them."""
    if None in template or None in wrote:
        return None
    reads = [*template, *[slice(None)] * (len(shape) - len(template))]
    writes = [*wrote, *[slice(None)] * (len(shape) - len(wrote))]
    found: list[Any] = []
    for read, write, n in zip(reads, writes, shape, strict=True):
        if isinstance(write, int):
            if not isinstance(read, int) or read % n != write % n:
                return None
            continue
        there = range(n)[write]
        if isinstance(read, int):
            if read % n not in there:
                return None
            found.append(there.index(read % n))
            continue
        wanted = range(n)[read]
        if wanted == there:
            found.append(slice(None))
            continue
        if not wanted or wanted[0] not in there or wanted[-1] not in there:
            return None
        if wanted.step % there.step:
            return None
        start, step = there.index(wanted[0]), wanted.step // there.step
        stop = start + step * len(wanted)
        found.append(slice(start, stop if stop >= 0 else None, step))
    return tuple(found)


def _steps(shape: Shape, template: Template) -> list[int]:
    """Return the steps in memory of a part of a dense array, along axes longer than 1."""
    strides = dense_strides(shape, 1)
    parts = [*template, *[slice(None)] * (len(shape) - len(template))]
    spans = _spans(template, shape)
    return [
        span.step * step
        for part, span, step in zip(parts, spans, strides, strict=True)
        if is_slice(part) and len(span) > 1
    ]


def _shape(template: Template, shape: Shape) -> Shape:
    spans = _spans(template, shape)
    parts = [*template, *[slice(None)] * (len(shape) - len(template))]
    return tuple(len(span) for part, span in zip(parts, spans, strict=True) if is_slice(part))
