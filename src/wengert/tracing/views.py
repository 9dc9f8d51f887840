"""Arrays that lie in one another: a write to one shows in the others, as in NumPy.

A traced array either has storage of its own (it is a root, with a version that counts writes) or
looks into another one through a :class:`Link`. A graph knows no writes: writing into an array
makes a new variable, which the root takes on; whatever looks into it is made again when it is next
read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from wengert.base.errors import DataError, TraceError
from wengert.base.guards import is_numpy, is_slice
from wengert.base.shapes import Shape
from wengert.graph.operation import NO_ATTRIBUTES
from wengert.graph.variable import Variable
from wengert.operators.index import Template, is_basic
from wengert.operators.storage import Strides, dense_strides, reshaped_strides, view_strides
from wengert.tracing import frames
from wengert.tracing.active import active
from wengert.tracing.order import UNKNOWN, Order, order_of, strides_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wengert.tracing.value import TracedValue

# What one of our own functions returns is a value of its own, though it takes no bytes.
_COPIES = {"stop_gradient", "barrier", "custom_gradient"}


@dataclass(frozen=True, slots=True)
class Link:
    """How an array lies in another one.

    Attributes:
        parent: the array it looks into.
        operator, attributes: the operation that reads it from there; ``index`` with an operand
            ``places`` picks from the flat parent.
        places: where its elements lie in the flat parent, for what no movement describes.
        doubt: why it may be a copy just as well, None where it is known to be a view.
        fixed: why it cannot be written into, None where it can.
    """

    parent: TracedValue
    operator: str
    attributes: Mapping[str, Any] = field(default_factory=lambda: NO_ATTRIBUTES)
    places: Any = None
    doubt: str | None = None
    fixed: str | None = None


# -- Made -----------------------------------------------------------------------------------------


def link(parent: Any, operator: str, attributes: Mapping[str, Any], shape: Shape) -> Link | None:
    """Return how the result of a movement lies in its operand, None where NumPy copies."""
    # An array that is not traced has no view here: it is picked from by traced places.
    if operator in _COPIES or getattr(parent, "is_scalar", True):
        return None
    if operator == "index":
        template: Template = attributes["template"]
        return _index_link(parent, template) if is_basic(template) else None
    if operator == "reshape":
        there = strides(parent)
        if _without_ones(parent.shape) == _without_ones(shape):
            return Link(parent, operator, attributes)
        if there is None:
            doubt = "whether NumPy copies here depends on the order of its axes in memory"
            return Link(parent, operator, attributes, doubt=doubt)
        moved = reshaped_strides(parent.shape, there, shape)
        return None if moved is None else Link(parent, operator, attributes)
    if operator in ("transpose", "identity"):
        return Link(parent, operator, attributes)
    repeats = "its elements stand for several, so that NumPy makes it read-only"
    return Link(parent, operator, attributes, fixed=repeats)


def _without_ones(shape: Shape) -> Shape:
    return tuple(n for n in shape if n != 1)


def _index_link(parent: Any, template: Template) -> Link:
    above = parent.link
    if above is not None and above.operator == "index" and above.places is None:
        joined = composed(above.attributes["template"], above.parent.shape, template)
        if joined is not None:
            return Link(above.parent, "index", {"template": joined})
    return Link(parent, "index", {"template": template})


def composed(first: Template, shape: Shape, second: Template) -> Template | None:
    """Return the template of ``x[first][second]``, None where no template says it.

    >>> composed((slice(1, None), None, 2), (5, 3), (0, slice(None)))
    (1, None, 2)
    """
    found: list[Any] = []
    rest = list(second)
    axis = 0
    used = sum(part is not None for part in first)
    for part in (*first, *(slice(None) for _ in shape[used:])):
        size = 0 if part is None else shape[axis]
        axis += part is not None
        if part is not None and not is_slice(part):
            found.append(part)
            continue
        while rest and rest[0] is None:
            found.append(rest.pop(0))
        wanted = rest.pop(0) if rest else slice(None)
        if part is None:
            if is_slice(wanted) and len(range(1)[wanted]) == 0:
                return None
            found += [None] if is_slice(wanted) else []
            continue
        if wanted == slice(None):
            found.append(part)
            continue
        span = range(size)[part]
        found.append(_slice_of(span[wanted]) if is_slice(wanted) else span[wanted])
    return (*found, *rest)


def _slice_of(span: range) -> slice:
    if len(span) == 0:
        return slice(0, 0)
    stop = span.stop
    return slice(span.start, None if stop < 0 else stop, span.step)


def strides(value: TracedValue) -> Strides | None:
    """Return how far apart the elements lie in memory, None where a graph does not know it."""
    above = value.link
    if above is None:
        return strides_in(value.shape, value.order)
    there = strides(above.parent)
    if there is None or above.places is not None or above.doubt is not None:
        return None
    return view_strides(above.operator, above.attributes, (above.parent.shape, there), value.shape)


def order(value: Any) -> Order:
    """Return the order in which the axes of an array lie in memory."""
    if is_numpy(value):
        return order_of(value.shape, value.strides)
    if value.link is None or len(value.shape) < 2:
        return value.order
    there = strides(value)
    return UNKNOWN if there is None else order_of(value.shape, there)


# -- Read -----------------------------------------------------------------------------------------


def refresh(value: TracedValue, version: int) -> None:
    """Read a view again after a write to what it looks into."""
    above = value.link
    assert above is not None
    if above.doubt is not None:
        _refuse_doubt(value, above.doubt)
    value.settle(_reads(above, value.shape), version)


def _reads(above: Link, shape: Shape) -> Variable:
    record = above.parent.recorder.record
    source = above.parent.variable
    if above.places is None:
        return record(above.operator, [source], above.attributes)
    flat = record("reshape", [source], {"shape": (source.size,)})
    places = above.parent.recorder.constant(above.places)
    return record("index", [flat, places], {"template": ("#0",)})


# -- Written --------------------------------------------------------------------------------------


def assign(target: TracedValue, variable: Variable) -> None:
    """Give a traced array, and all that lies in the same storage, a new value."""
    check_writable(target)
    chain: list[tuple[TracedValue, Variable]] = []
    node = target
    while node.link is not None:
        chain.append((node, variable))
        variable = _put_back(node.link, variable)
        node = node.link.parent
    node.settle(variable, node.version + 1)
    for each, value in chain:
        each.settle(value, node.version)


def check_writable(target: TracedValue) -> None:
    """Raise where NumPy would not write, or where the write would be lost.

    Raises:
        DataError: a read-only view.
        TraceError: a scalar; what may be a view or not; an array of a trace around.
    """
    if target.recorder.finished:
        refuse_escaped(target)
    if target.is_scalar:
        raise TraceError(
            f"{target.called()} is written into, but it is a scalar, which cannot change",
            expected="an array",
            remedy="a = new_value, which gives the name to another value",
            where=frames.caller(),
        )
    node = target
    while node.link is not None:
        if node.link.doubt is not None:
            _refuse_doubt(target, node.link.doubt)
        if node.link.fixed is not None:
            raise DataError(
                f"{target.called()} is written into, but {node.link.fixed}",
                expected="an array of its own",
                remedy="np.array(…) of it, and write into that",
                where=frames.caller(),
            )
        node = node.link.parent
    check_own(node)


def check_own(target: Any) -> None:
    """Raise where a function that is traced by itself writes into an array of the one around."""
    now = active.get()
    if now is not None and now is not target.recorder and not target.recorder.finished:
        raise TraceError(
            f"{target.called()} is written into by a function that is traced by itself",
            expected="a function that leaves the arrays around it as they are",
            got="a write into an array of the function around",
            remedy="return the new array; or copy it first inside: a = a.copy()",
            where=frames.caller(),
        )


def _put_back(above: Link, variable: Variable) -> Variable:
    """Return the parent with a new value in the place of the view."""
    parent = above.parent
    record = parent.recorder.record
    if above.places is not None:
        flat = record("reshape", [parent.variable], {"shape": (parent.size,)})
        places = parent.recorder.constant(above.places)
        written = record("index_update", [flat, variable, places], {"template": ("#0",)})
        return record("reshape", [written], {"shape": parent.shape})
    match above.operator:
        case "index":
            template: Template = above.attributes["template"]
            if is_whole(template, parent.shape):
                return variable
            return record("index_update", [parent.variable, variable], {"template": template})
        case "reshape":
            return record("reshape", [variable], {"shape": parent.shape})
        case "transpose":
            axes: Sequence[int] = above.attributes["axes"]
            back = tuple(int(axis) for axis in np.argsort(axes))
            return record("transpose", [variable], {"axes": back})
        case _:
            return variable


def refuse_escaped(value: TracedValue) -> NoReturn:
    """Raise for a value that is used when its trace is over."""
    raise TraceError(
        f"{value.called()} belongs to a trace that is over",
        expected="values made in this call of the function",
        got="a traced value kept in a global, an attribute or a default, and used later",
        remedy="return it from the function instead",
        where=frames.caller(),
    )


def _refuse_doubt(target: TracedValue, doubt: str) -> NoReturn:
    raise TraceError(
        f"{target.called()} is changed, or read after what it was made from has changed: {doubt}",
        expected="an array of which it is known whether it is a view",
        got="a reshaped result of arrays with turned axes",
        remedy="make the copy plain: np.ascontiguousarray(…) before the reshape, or .copy() after",
        where=frames.caller(),
    )


def is_whole(template: Template, shape: Shape) -> bool:
    """Return whether a template picks everything as it is."""
    return all(
        is_slice(part) and part.indices(n) == (0, n, 1)
        for part, n in zip(template, shape, strict=False)
    ) and len(template) <= len(shape)


def is_dense(shape: Shape, steps: Strides) -> bool:
    """Return whether elements this far apart lie in C order without gaps."""
    wanted = dense_strides(shape, 1)
    return 0 in shape or all(n == 1 or s == w for n, s, w in zip(shape, steps, wanted, strict=True))
