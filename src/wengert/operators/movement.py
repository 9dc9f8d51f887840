"""Operators that move or repeat elements and compute nothing."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base import shapes
from wengert.base.dtypes import is_supported
from wengert.base.errors import DtypeError, ShapeError
from wengert.base.shapes import Shape
from wengert.operators.broadcasting import like, unbroadcast
from wengert.operators.record import FREE, Operator, Type
from wengert.operators.reduction import to_dtype
from wengert.operators.samples import Case, Samples, cases, real

_DRAW = real(-3, 3)


def _single(options: tuple[tuple[Shape, dict[str, Any]], ...], *, analytic: bool = True) -> Samples:
    def draws(rng: np.random.Generator) -> list[Case]:
        return [((_DRAW(rng, shape),), dict(attributes)) for shape, attributes in options]

    return cases(draws, analytic=analytic)


# -- Results ------------------------------------------------------------------------------------


def _reshape_result(x: Type, *, shape: Shape) -> Type:
    found = shapes.reshape(x.shape, shape)
    if found is None:
        raise ShapeError(
            f"an array of shape {x.shape} cannot be reshaped to {shape}",
            expected=f"a shape of {shapes.size(x.shape)} elements",
            got=f"{shape}",
        )
    return Type(found, x.dtype)


def _transpose_result(x: Type, *, axes: tuple[int, ...]) -> Type:
    if sorted(axes) != list(range(len(x.shape))):
        raise ShapeError(
            f"transpose with axes {axes} of an array of shape {x.shape}",
            expected=f"each axis of 0 … {len(x.shape) - 1} once",
            got=f"{axes}",
        )
    return Type(tuple(x.shape[axis] for axis in axes), x.dtype)


def _broadcast_result(x: Type, *, shape: Shape) -> Type:
    if shapes.broadcast(x.shape, shape) != shape:
        raise ShapeError(
            f"an array of shape {x.shape} cannot be broadcast to {shape}",
            expected="sizes that are equal, or 1 in the array, counted from the last axis",
            got=f"{x.shape} and {shape}",
        )
    return Type(shape, x.dtype)


def _concatenate_result(*xs: Type, axis: int) -> Type:
    first = xs[0].shape
    others = {(len(x.shape), x.shape[:axis], x.shape[axis + 1 :]) for x in xs}
    if not 0 <= axis < len(first) or len(others) > 1:
        raise ShapeError(
            f"concatenate cannot join {' and '.join(str(x.shape) for x in xs)} along axis {axis}",
            expected="the same sizes on all other axes",
            got=", ".join(str(x.shape) for x in xs),
        )
    joined = sum(x.shape[axis] for x in xs)
    shape = (*first[:axis], joined, *first[axis + 1 :])
    return Type(shape, np.result_type(*(x.dtype for x in xs)))


def _cast_result(x: Type, *, dtype: str) -> Type:
    found = np.dtype(dtype)
    if not is_supported(found):
        raise DtypeError(f"a graph cannot hold {dtype}", expected="a numeric dtype", got=dtype)
    return Type(x.shape, found)


# -- Meanings -----------------------------------------------------------------------------------


def _reshape(x: Any, *, shape: Shape) -> Any:
    return np.reshape(x, shape)


def _concatenate(*xs: Any, axis: int) -> Any:
    joined = _concatenate_result(*(Type(np.shape(x), np.asarray(x).dtype) for x in xs), axis=axis)
    return np.concatenate(xs, axis=axis, out=np.empty(*joined))


def _cast(x: Any, *, dtype: str) -> Any:
    return np.array(x, dtype=dtype, order="C")


# -- Rules --------------------------------------------------------------------------------------


def _cast_rule(g: Any, y: Any, x: Any, *, dtype: str) -> Any:
    # Of a complex gradient a real operand has the real part.
    part = np.real(g) if g.dtype.kind == "c" and x.dtype.kind == "f" else g
    return to_dtype(part, dtype=x.dtype.name)


def _transpose_rule(g: Any, y: Any, x: Any, *, axes: tuple[int, ...]) -> Any:
    return np.transpose(g, tuple(axes.index(axis) for axis in range(len(axes))))


def _concatenate_rule(number: int, g: Any, y: Any, *xs: Any, axis: int) -> Any:
    start = sum(x.shape[axis] for x in xs[:number])
    part = slice(start, start + xs[number].shape[axis])
    return g[(*(slice(None),) * axis, part)]


def _concatenate_cases(rng: np.random.Generator) -> list[Case]:
    options: tuple[tuple[tuple[Shape, ...], int], ...] = (
        (((2,), (3,)), 0), (((2, 3), (2, 1), (2, 2)), 1), (((1, 2), (0, 2)), 0), (((3,),), 0),
    )  # fmt: skip
    return [
        (tuple(_DRAW(rng, shape) for shape in operands), {"axis": axis})
        for operands, axis in options
    ]


def _custom_cases(rng: np.random.Generator) -> list[Case]:
    def doubled(shape: Shape) -> str:
        axes = ", ".join(map(str, shape))
        return f"graph f -> y\n  input u: f64[{axes}]\n  y: f64[{axes}] = add(u, u)\n"

    return [
        ((_DRAW(rng, shape), _DRAW(rng, shape)), {"pullback": doubled(shape), "count": 1})
        for shape in ((2, 3), (), (0,))
    ]


_SHARED: dict[str, Any] = {"cost": FREE, "linear_in": (0,), "aliases": "view"}

MOVEMENT: tuple[Operator, ...] = (
    Operator(
        "reshape", "movement", _reshape, _reshape_result,
        (lambda g, y, x, *, shape: np.reshape(g, x.shape),),
        latex=r"\operatorname{{reshape}}({x})", symbol="reshape", **_SHARED,
        samples=_single((((2, 3), {"shape": (3, 2)}), ((4,), {"shape": (2, 2)}),
                 ((), {"shape": (1,)}), ((2, 0), {"shape": (0,)}))),
    ),
    Operator(
        "transpose", "movement", lambda x, *, axes: np.transpose(x, axes), _transpose_result,
        (_transpose_rule,),
        latex=r"{x}^{{\top}}", symbol="ᵀ", **_SHARED,
        samples=_single((((2, 3), {"axes": (1, 0)}), ((2, 3, 4), {"axes": (2, 0, 1)}),
                 ((), {"axes": ()}), ((3, 0), {"axes": (1, 0)}))),
    ),
    Operator(
        "broadcast_to", "movement", lambda x, *, shape: np.broadcast_to(x, shape),
        _broadcast_result, (lambda g, y, x, *, shape: unbroadcast(g, x.shape),),
        latex=r"\operatorname{{broadcast}}({x})", symbol="broadcast", **_SHARED,
        samples=_single((((3,), {"shape": (2, 3)}), ((2, 1), {"shape": (4, 2, 3)}),
                 ((), {"shape": (2,)}), ((0,), {"shape": (2, 0)}))),
    ),
    Operator(
        "concatenate", "movement", _concatenate, _concatenate_result, (_concatenate_rule,),
        latex=r"\begin{{bmatrix}} {x} \end{{bmatrix}}", cost=FREE,
        samples=cases(_concatenate_cases, analytic=True), symbol="concat", linear_in=(0,),
        variadic=True,
    ),
    Operator(
        "cast", "elementwise", _cast, _cast_result,
        (_cast_rule,), complex=True,
        latex="{x}", cost=FREE, symbol="cast", linear_in=(0,),
        scalar=lambda b, x, *, dtype: b.cast(x, dtype),
        samples=_single((((2, 3), {"dtype": "float64"}), ((), {"dtype": "float64"}),
                         ((0,), {"dtype": "float64"})), analytic=False),
    ),
    # A second name for one value: the chain rule's ∂J/∂L = 1 beside ∂J/∂s = 1, at no bytes.
    Operator(
        "identity", "movement", lambda x: np.asarray(x)[...], like, (lambda g, y, x: g,),
        latex="{x}", cost=FREE, symbol="=", linear_in=(0,), aliases="view",
        samples=_single((((2, 3), {}), ((), {}), ((0,), {}))),
    ),
    Operator(
        "stop_gradient", "movement", lambda x: np.asarray(x)[...], like, None,
        latex=r"\operatorname{{stop}}({x})", cost=FREE, symbol="stop", aliases="view",
        samples=_single((((2, 3), {}), ((), {}), ((0,), {}))),
    ),
    # No rewrite looks through it: what is computed behind it is computed again, not shared.
    Operator(
        "barrier", "movement", lambda x: np.asarray(x)[...], like, (lambda g, y, x: g,),
        latex="{x}", cost=FREE, symbol="|", linear_in=(0,), aliases="view",
        samples=_single((((2, 3), {}), ((), {}), ((0,), {}))),
    ),
    # Its first operand; the user's own gradient by the next ``count`` operands is the graph
    # ``pullback`` of the incoming gradient and the rest (differentiation/custom.py).
    Operator(
        "custom_gradient", "movement", lambda y, *_, **__: np.asarray(y)[...],
        like, None,
        latex=r"\operatorname{{custom}}({x})", cost=FREE, symbol="custom", aliases="view",
        samples=cases(_custom_cases), variadic=True, complex=True,
    ),
)  # fmt: skip
