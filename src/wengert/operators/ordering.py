"""Places of elements in order; they are whole numbers, and constant by nature."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base import shapes
from wengert.base.errors import ShapeError
from wengert.base.shapes import Shape
from wengert.operators.record import Cost, Operator, Type
from wengert.operators.samples import Case, cases, distinct, real

_PLACES: tuple[tuple[Shape, int], ...] = (
    ((5,), 0), ((2, 3), 0), ((4, 3), 1), ((2, 3, 2), 1), ((3, 0), 0), ((1,), 0),
)  # fmt: skip
_INTP = np.dtype(np.intp)


def _comparisons(x: Type, *_: Type, **__: Any) -> int:
    return shapes.size(x.shape)


def _searches(knots: Type, values: Type, **_: Any) -> int:
    return shapes.size(values.shape)


def _along(x: Type, *, axis: int, **_: Any) -> Type:
    if not 0 <= axis < len(x.shape):
        raise ShapeError(
            f"the order along axis {axis} of an array of shape {x.shape}",
            expected=f"an axis of 0 … {len(x.shape) - 1}",
            got=f"axis {axis}",
        )
    return Type(x.shape, _INTP)


def _argsort(x: Any, *, axis: int) -> Any:
    return np.asarray(np.argsort(x, axis=axis, kind="stable"), order="C")


def _argpartition(x: Any, *, kth: tuple[int, ...], axis: int) -> Any:
    if not kth:
        return np.asarray(np.argsort(x, axis=axis), order="C")
    return np.asarray(np.argpartition(x, kth, axis=axis), order="C")


def _searchsorted(knots: Any, values: Any, *, side: str) -> Any:
    return np.asarray(np.searchsorted(knots, values, side=side), order="C")  # type: ignore[call-overload]


def _searchsorted_result(knots: Type, values: Type, *, side: str) -> Type:
    if len(knots.shape) != 1:
        raise ShapeError("searchsorted", expected="knots of one axis", got=f"{knots.shape}")
    return Type(values.shape, _INTP)


def _order_cases(rng: np.random.Generator) -> list[Case]:
    return [((distinct(rng, shape),), {"axis": axis}) for shape, axis in _PLACES]


def _partition_cases(rng: np.random.Generator) -> list[Case]:
    return [
        ((distinct(rng, shape),), {"kth": (shape[axis] // 2,), "axis": axis})
        for shape, axis in _PLACES
        if shape[axis] and shapes.size(shape)
    ] + [((distinct(rng, (0, 2)),), {"kth": (1,), "axis": 1})]


def _search_cases(rng: np.random.Generator) -> list[Case]:
    draw = real(-3, 3)
    return [
        ((np.sort(draw(rng, (n,))), draw(rng, shape)), {"side": side})
        for n, shape in ((5, (3,)), (4, (2, 3)), (1, ()), (0, (2,)), (3, (0,)))
        for side in ("left", "right")
    ]


ORDERING: tuple[Operator, ...] = (
    Operator(
        "argsort", "other", _argsort, _along, None,
        latex=r"\operatorname{{argsort}}({x})", cost=Cost(flops=8, passes=_comparisons),
        samples=cases(_order_cases), symbol="argsort",
    ),
    Operator(
        "argpartition", "other", _argpartition, _along, None,
        latex=r"\operatorname{{argpartition}}({x})", cost=Cost(flops=4, passes=_comparisons),
        samples=cases(_partition_cases), symbol="argpart",
    ),
    Operator(
        "searchsorted", "other", _searchsorted, _searchsorted_result, None,
        latex=r"\operatorname{{place}}_{{{x0}}}({x1})",
        cost=Cost(flops=8, passes=_searches),
        samples=cases(_search_cases), symbol="place",
    ),
)  # fmt: skip
