"""Writing elements by place: an array with some elements replaced, or with values added to them."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base import shapes
from wengert.base.errors import DtypeError, ShapeError
from wengert.operators.broadcasting import unbroadcast
from wengert.operators.dispatch import recordable
from wengert.operators.index import (
    Template,
    index,
    index_cases,
    index_result,
    is_basic,
    key,
    out_of_range,
    template_text,
)
from wengert.operators.record import FREE, Cost, Operator, Type
from wengert.operators.samples import Case, cases, real

_DRAW = real(-3, 3)


def _written_result(
    x: Type, v: Type, *arrays: Type, template: Template, unique: bool = False
) -> Type:
    wanted = index_result(x, *arrays, template=template).shape
    if shapes.broadcast(v.shape, wanted) != wanted:
        raise ShapeError(
            f"values of shape {v.shape} cannot be written at [{template_text(template)}]",
            expected=f"values of shape {wanted}, or a shape that broadcasts to it",
            got=f"{v.shape}",
        )
    if v.dtype != x.dtype:
        raise DtypeError(
            f"{v.dtype.name} values are written into an array of {x.dtype.name}",
            expected=x.dtype.name,
            got=v.dtype.name,
        )
    return x


def _own(x: Any, v: Any) -> Any:
    # Of one dtype in a graph; a derivative by complex steps makes one of them complex.
    return np.array(x, dtype=np.result_type(x, v), order="C")


def _index_update(x: Any, v: Any, *arrays: Any, template: Template, unique: bool = False) -> Any:
    out = _own(x, v)
    try:
        out[key(template, arrays)] = v
    except IndexError as problem:
        raise out_of_range(problem) from problem
    return out


def _add_at(x: Any, v: Any, *arrays: Any, template: Template) -> Any:
    out = _own(x, v)
    try:
        np.add.at(out, key(template, arrays), v)
    except IndexError as problem:
        raise out_of_range(problem) from problem
    return out


index_update = recordable("index_update", _index_update)
add_at = recordable("add_at", _add_at)


def _of_buffer(
    g: Any, y: Any, x: Any, v: Any, *arrays: Any, template: Template, unique: bool = False
) -> Any:
    """What was overwritten has no influence any more."""
    nothing = np.zeros((), g.dtype)
    return index_update(g, nothing, *arrays, template=template, unique=unique)


def _of_values(
    g: Any, y: Any, x: Any, v: Any, *arrays: Any, template: Template, unique: bool = False
) -> Any:
    """Of values for one place only the last is there: only it has a gradient."""
    found = index(g, *arrays, template=template)
    if unique or is_basic(template):
        return unbroadcast(found, v.shape)
    numbers = np.arange(shapes.size(found.shape)).reshape(found.shape)
    blank = np.broadcast_to(np.zeros((), numbers.dtype), x.shape)
    writers = index_update(blank, numbers, *arrays, template=template)
    last = index(writers, *arrays, template=template) == numbers
    return unbroadcast(np.where(last, found, np.zeros((), g.dtype)), v.shape)


def _of_added(g: Any, y: Any, x: Any, v: Any, *arrays: Any, template: Template) -> Any:
    return unbroadcast(index(g, *arrays, template=template), v.shape)


def _update_cases(rng: np.random.Generator) -> list[Case]:
    found: list[Case] = []
    for (x, *arrays), attributes in index_cases(rng):
        shape = np.shape(x[key(attributes["template"], tuple(arrays))])
        # Values in full, and values that broadcast.
        for wanted in (shape, (1,) * len(shape[:1]) + shape[1:]):
            found.append(((x, _DRAW(rng, wanted), *arrays), dict(attributes)))
    return found


UPDATES: tuple[Operator, ...] = (
    Operator(
        "index_update", "index", _index_update, _written_result,
        (_of_buffer, _of_values, None),
        latex=r"{x0}_{{[{template}] \leftarrow {x1}}}", cost=FREE,
        samples=cases(_update_cases, analytic=True), saves=("x2+",), linear_in=(0, 1),
        symbol="[ ]←",
    ),
    Operator(
        "add_at", "index", _add_at, _written_result,
        (
            lambda g, y, x, v, *arrays, template: g,
            _of_added,
            None,
        ),
        latex=r"{x0}_{{[{template}] \mathrel{{+}}= {x1}}}", cost=Cost(flops=1),
        samples=cases(_update_cases, analytic=True), saves=("x2+",), linear_in=(0, 1),
        symbol="[ ]+=",
    ),
)  # fmt: skip
