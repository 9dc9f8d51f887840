"""Picking elements by place, and adding them back: each is the other's derivative.

A ``template`` is a plain index expression: integers, slices, None, and ``"#0"``, ``"#1"`` … where
an integer array stands that is an operand of its own.
"""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from wengert.base import shapes
from wengert.base.errors import DataError, DtypeError, ShapeError
from wengert.base.shapes import Shape
from wengert.operators.broadcasting import broadcast_shape, nbytes
from wengert.operators.dispatch import recordable
from wengert.operators.record import FREE, Cost, Operator, Type
from wengert.operators.samples import Case, cases, real

Template = tuple[Any, ...]

_DRAW = real(-3, 3)


def key(template: Template, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the index expression with the arrays in their places.

    >>> key((0, "#0"), (np.array([1, 2]),))
    (0, array([1, 2]))
    """
    return tuple(arrays[int(part[1:])] if isinstance(part, str) else part for part in template)


def is_basic(template: Template) -> bool:
    """Return whether a template has no arrays, so that its result is a view."""
    return not any(isinstance(part, str) for part in template)


# -- Types --------------------------------------------------------------------------------------


def _indexed_shape(shape: Shape, template: Template, arrays: tuple[Shape, ...]) -> Shape:
    used = sum(part is not None for part in template)
    if used > len(shape):
        _fail(shape, template, f"at most {len(shape)} indices", f"{used} indices")
    # (places of the result, whether an array or an integer makes them)
    parts: list[tuple[Shape, bool]] = []
    axis = 0
    for part in template:
        parts.append(_part(part, axis, shape, template))
        axis += part is not None
    rest = shape[axis:]
    if is_basic(template):
        return (*(n for found, _ in parts for n in found), *rest)
    chosen = broadcast_shape("index", *arrays)
    advanced = [place for place, (_, is_array) in enumerate(parts) if is_array]
    together = advanced[-1] - advanced[0] + 1 == len(advanced)
    first = advanced[0] if together else 0
    before = [n for found, _ in parts[:first] for n in found]
    after = [n for found, _ in parts[first:] for n in found]
    return (*before, *chosen, *after, *rest)


def _part(part: Any, axis: int, shape: Shape, template: Template) -> tuple[Shape, bool]:
    if part is None:
        return (1,), False
    if isinstance(part, slice):
        return (len(range(*part.indices(shape[axis]))),), False
    if isinstance(part, int) and not -shape[axis] <= part < shape[axis]:
        size = shape[axis]
        _fail(shape, template, f"an index of {-size} … {size - 1} on axis {axis}", f"{part}")
    return (), True


def _fail(shape: Shape, template: Template, expected: str, got: str) -> NoReturn:
    raise ShapeError(
        f"an array of shape {shape} cannot be indexed with [{template_text(template)}]",
        expected=expected,
        got=got,
    )


def template_text(template: Template) -> str:
    """Return a template as it is written in Python.

    >>> template_text((slice(None), slice(0, None, 2), 3, None, "#0"))
    ':, ::2, 3, None, #0'
    """
    return ", ".join(_text(part) for part in template)


def _text(part: Any) -> str:
    if not isinstance(part, slice):
        return str(part)
    ends = [part.start or None, part.stop] + ([] if part.step is None else [part.step])
    return ":".join("" if each is None else str(each) for each in ends)


def _check_arrays(arrays: tuple[Type, ...]) -> None:
    for each in arrays:
        if each.dtype.kind not in "iu":
            raise DtypeError(
                f"an array of {each.dtype.name} cannot be an index",
                expected="integers",
                got=f"{each.dtype.name} of shape {each.shape}",
                remedy="np.where(mask, x, 0) where the index is a mask"
                if each.dtype.kind == "b"
                else "index.astype(int)",
            )


def index_result(x: Type, *arrays: Type, template: Template) -> Type:
    """Return the type of ``x[template]``."""
    _check_arrays(arrays)
    found = _indexed_shape(x.shape, template, tuple(each.shape for each in arrays))
    return Type(found, x.dtype)


def _index_add_result(g: Type, *arrays: Type, template: Template, shape: Shape) -> Type:
    wanted = index_result(Type(shape, g.dtype), *arrays, template=template).shape
    if shapes.broadcast(g.shape, wanted) != wanted:
        raise ShapeError(
            f"values of shape {g.shape} cannot be added at [{template_text(template)}]",
            expected=f"values of shape {wanted}",
            got=f"{g.shape}",
        )
    return Type(shape, g.dtype)


# -- Meanings -----------------------------------------------------------------------------------


def out_of_range(problem: IndexError) -> DataError:
    """Return the designed error for a place that is none."""
    return DataError("an index lies outside its array", got=str(problem))


def _index(x: Any, *arrays: Any, template: Template) -> Any:
    try:
        found = np.asarray(x)[key(template, arrays)]
    except IndexError as problem:
        raise out_of_range(problem) from problem
    return np.asarray(found) if is_basic(template) else np.array(found, order="C", copy=None)


def _index_add(g: Any, *arrays: Any, template: Template, shape: Shape) -> Any:
    g = np.asarray(g)
    out = np.zeros(shape, g.dtype)
    try:
        if is_basic(template):
            out[template] = g
        else:
            np.add.at(out, key(template, arrays), g)
    except IndexError as problem:
        raise out_of_range(problem) from problem
    return out


index = recordable("index", _index)
index_add = recordable("index_add", _index_add)


def _copy_bytes(x: Type, *arrays: Type, template: Template) -> int:
    """Return the bytes of NumPy's own result where its axes come in another order than ours.

    NumPy makes the axes of the arrays the slowest; where sliced axes stand before them in the
    result, the result is put into C order by a copy.
    """
    if is_basic(template):
        return 0
    chosen = broadcast_shape("index", *(each.shape for each in arrays))
    found = index_result(x, *arrays, template=template)
    marks = _indexed_shape(
        tuple(1 for _ in x.shape), _all_slices(template), tuple((-7,) * len(chosen) for _ in arrays)
    )
    if -7 not in marks:
        return 0
    start = marks.index(-7)
    reordered = any(n != 1 for n in found.shape[:start]) and any(n != 1 for n in chosen)
    return nbytes(found) if reordered else 0


def _all_slices(template: Template) -> Template:
    """Return the template with everything but the arrays made neutral for an array of ones."""
    return tuple(0 if isinstance(part, int) else slice(None) if isinstance(part, slice) else part
                 for part in template)  # fmt: skip


# -- Along one axis -------------------------------------------------------------------------------


def _along_shape(x: Shape, indices: Shape, axis: int) -> Shape:
    if len(x) != len(indices) or not 0 <= axis < len(x):
        raise ShapeError(
            f"take_along_axis of shape {x} with indices of shape {indices} along axis {axis}",
            expected=f"indices with {len(x)} axes, and an axis of 0 … {len(x) - 1}",
            got=f"{len(indices)} axes, axis {axis}",
        )
    others = (*x[:axis], 1, *x[axis + 1 :])
    return broadcast_shape("take_along_axis", others, indices)


def _take_result(x: Type, indices: Type, *, axis: int) -> Type:
    _check_arrays((indices,))
    return Type(_along_shape(x.shape, indices.shape, axis), x.dtype)


def _add_along_result(g: Type, indices: Type, *, axis: int, shape: Shape) -> Type:
    wanted = _take_result(Type(shape, g.dtype), indices, axis=axis).shape
    if g.shape != wanted:
        raise ShapeError(
            f"values of shape {g.shape} cannot be added along axis {axis} of shape {shape}",
            expected=f"{wanted}",
            got=f"{g.shape}",
        )
    return Type(shape, g.dtype)


def _along_key(shape: Shape, indices: Any, axis: int) -> tuple[Any, ...]:
    rank = len(shape)
    return tuple(
        indices
        if each == axis
        else np.arange(n).reshape([-1 if other == each else 1 for other in range(rank)])
        for each, n in enumerate(shape)
    )


def _take_along(x: Any, indices: Any, *, axis: int) -> Any:
    x = np.asarray(x)
    try:
        return np.array(x[_along_key(x.shape, indices, axis)], order="C", copy=None)
    except IndexError as problem:
        raise out_of_range(problem) from problem


def _add_along(g: Any, indices: Any, *, axis: int, shape: Shape) -> Any:
    g = np.asarray(g)
    out = np.zeros(shape, g.dtype)
    try:
        np.add.at(out, _along_key(shape, indices, axis), g)
    except IndexError as problem:
        raise out_of_range(problem) from problem
    return out


take_along_axis = recordable("take_along_axis", _take_along)
add_along_axis = recordable("add_along_axis", _add_along)

# -- Records --------------------------------------------------------------------------------------


_PICKS: tuple[tuple[Shape, Template, tuple[Any, ...]], ...] = (
    ((4,), (1,), ()),
    ((4, 3), (slice(1, None, 2), None, -1), ()),
    ((4, 3), (slice(None, None, -1),), ()),
    ((2, 3), (), ()),
    ((4, 3), ("#0",), ([0, 2, 2],)),
    ((4, 3), ("#0", "#1"), ([0, -1, 0], [1, 1, 1])),
    ((2, 3, 4), (slice(None), "#0"), ([[0, 2], [1, 1]],)),
    ((2, 3, 4), ("#0", slice(None), "#1"), ([1, 0, 1], [3, 3, 3])),
    ((2, 3, 4), (1, slice(None), "#0"), ([3, 3],)),
    ((3, 4), ("#0", None), (2,)),
    ((3, 0), ("#0",), ([1, 1],)),
)


def index_cases(rng: np.random.Generator) -> list[Case]:
    """Return an array, its index arrays and the template, in each form."""
    return [
        ((_DRAW(rng, shape), *(np.array(each) for each in arrays)), {"template": template})
        for shape, template, arrays in _PICKS
    ]


def _index_add_cases(rng: np.random.Generator) -> list[Case]:
    found: list[Case] = []
    for (x, *arrays), attributes in index_cases(rng):
        g = _index(x, *arrays, **attributes)
        found.append(((np.array(g), *arrays), {**attributes, "shape": x.shape}))
    return found


_ALONG: tuple[tuple[Shape, Any, int], ...] = (
    ((4,), [0, 3, 3], 0),
    ((3, 4), [[0], [3], [1]], 1),
    ((3, 4), [[0, 2, 2, 1]], 0),
    ((2, 3, 2), [[[0], [1], [1]]], 2),
    ((1, 3), [[0], [2]], 1),
    ((2, 0), np.zeros((1, 0), int), 0),
)


def _along_cases(rng: np.random.Generator) -> list[Case]:
    return [
        ((_DRAW(rng, shape), np.array(indices)), {"axis": axis}) for shape, indices, axis in _ALONG
    ]


def _add_along_cases(rng: np.random.Generator) -> list[Case]:
    return [
        (
            (_DRAW(rng, _along_shape(x.shape, indices.shape, attributes["axis"])), indices),
            {**attributes, "shape": x.shape},
        )
        for (x, indices), attributes in _along_cases(rng)
    ]


INDEXING: tuple[Operator, ...] = (
    Operator(
        "index", "index", _index, index_result,
        (
            lambda g, y, x, *arrays, template: index_add(
                g, *arrays, template=template, shape=tuple(x.shape)),
            None,
        ),
        latex=r"{x0}_{{[{template}]}}", cost=FREE, samples=cases(index_cases, analytic=True),
        saves=("x1+",), linear_in=(0,), symbol="[ ]", aliases="view", workspace=_copy_bytes,
    ),
    Operator(
        "index_add", "index", _index_add, _index_add_result,
        (
            lambda g, y, x, *arrays, template, shape: index(g, *arrays, template=template),
            None,
        ),
        latex=r"\operatorname{{place}}_{{[{template}]}}({x0})", cost=Cost(flops=1),
        samples=cases(_index_add_cases, analytic=True), saves=("x1+",), linear_in=(0,),
        symbol="+[ ]",
    ),
    Operator(
        "take_along_axis", "index", _take_along, _take_result,
        (
            lambda g, y, x, indices, *, axis: add_along_axis(
                g, indices, axis=axis, shape=tuple(x.shape)),
            None,
        ),
        latex=r"{x0}_{{[{x1}]}}", cost=FREE, samples=cases(_along_cases, analytic=True),
        saves=("x1+",), linear_in=(0,), symbol="[ ]",
    ),
    Operator(
        "add_along_axis", "index", _add_along, _add_along_result,
        (
            lambda g, y, x, indices, *, axis, shape: take_along_axis(g, indices, axis=axis),
            None,
        ),
        latex=r"\operatorname{{place}}_{{[{x1}]}}({x0})", cost=Cost(flops=1),
        samples=cases(_add_along_cases, analytic=True), saves=("x1+",), linear_in=(0,),
        symbol="+[ ]",
    ),
)  # fmt: skip
