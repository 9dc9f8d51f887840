"""Products that sum over a shared axis: matmul and einsum."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from wengert.base import shapes
from wengert.base.errors import ShapeError
from wengert.base.shapes import Shape
from wengert.operators.broadcasting import nbytes, ufunc_dtype, unbroadcast
from wengert.operators.index import index_add
from wengert.operators.record import Cost, Operator, Type
from wengert.operators.samples import Case, cases, real

_DRAW = real(-2, 2)

# -- matmul -------------------------------------------------------------------------------------


def _matmul_result(a: Type, b: Type) -> Type:
    shape = shapes.matmul(a.shape, b.shape)
    if shape is None:
        raise ShapeError(
            f"matmul cannot multiply the shapes {a.shape} and {b.shape}",
            expected=_expected(a.shape, b.shape),
            got=f"{a.shape} @ {b.shape}",
            remedy=_remedy(a.shape, b.shape),
        )
    return Type(shape, ufunc_dtype(np.matmul, a.dtype, b.dtype))


def _expected(a: Shape, b: Shape) -> str:
    if not a or not b:
        return "at least one axis in both; multiply by a scalar with *"
    inner = b[0] if len(b) == 1 else b[-2]
    if a[-1] != inner:
        axis = "first" if len(b) == 1 else "second-last"
        return f"the last axis of the first ({a[-1]}) to be the {axis} of the second ({inner})"
    return "leading axes that broadcast"


def _remedy(a: Shape, b: Shape) -> str | None:
    if len(a) == 2 and len(b) >= 1 and shapes.matmul(a[::-1], b) is not None:
        return "transpose the first: a.T @ b"
    if len(b) == 2 and len(a) >= 1 and shapes.matmul(a, b[::-1]) is not None:
        return "transpose the second: a @ b.T"
    return None


def _matmul(a: Any, b: Any) -> Any:
    return np.asarray(np.matmul(a, b, order="C"))


def _swap(x: Any) -> Any:
    rank = len(x.shape)
    return np.transpose(x, (*range(rank - 2), rank - 1, rank - 2))


def _column(x: Any) -> Any:
    return np.reshape(x, (*x.shape, 1))


def _row(x: Any) -> Any:
    return np.reshape(x, (*x.shape[:-1], 1, x.shape[-1]))


def _matmul_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    if len(b.shape) == 1:
        return _column(g) * b if len(a.shape) > 1 else g * b
    if len(a.shape) == 1:
        if len(b.shape) == 2:
            return np.matmul(b, g)
        return unbroadcast(np.reshape(np.matmul(b, _column(g)), b.shape[:-1]), a.shape)
    return unbroadcast(np.matmul(g, _swap(b)), a.shape)


def _matmul_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    if len(a.shape) == 1:
        return g * a if len(b.shape) == 1 else unbroadcast(_column(a) * _row(g), b.shape)
    if len(b.shape) <= 2 and len(a.shape) > 2:
        # One weight for a whole batch: the batch becomes rows, nothing of its size is made.
        rows = np.reshape(a, (prod(a.shape[:-1]), a.shape[-1]))
        return np.matmul(_swap(rows), np.reshape(g, (rows.shape[0], *b.shape[1:])))
    return unbroadcast(np.matmul(_swap(a), g), b.shape)


def _cast_bytes(a: Type, b: Type) -> int:
    """Return the bytes of the operands that NumPy first casts to the common dtype."""
    if a.dtype == b.dtype:
        return 0
    dtype = ufunc_dtype(np.matmul, a.dtype, b.dtype)
    return sum(nbytes(Type(x.shape, dtype)) for x in (a, b) if x.dtype != dtype)


def _matmul_cases(rng: np.random.Generator) -> list[Case]:
    pairs: tuple[tuple[Shape, Shape], ...] = (
        ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
        ((5, 2, 3), (3,)), ((3,), (5, 3, 2)), ((2, 3), (5, 3, 4)), ((4, 1, 2, 3), (5, 3, 2)),
        ((0, 3), (3, 2)), ((2, 0), (0, 3)),
    )  # fmt: skip
    return [((_DRAW(rng, a), _DRAW(rng, b)), {}) for a, b in pairs]


MATMUL = Operator(
    "matmul",
    "product",
    numpy=_matmul,
    result=_matmul_result,
    vjp=(_matmul_left, _matmul_right),
    latex="{x0} {x1}",
    cost=Cost(flops=2, passes=lambda a, b: shapes.size(_matmul_result(a, b).shape) * a.shape[-1]),
    samples=cases(_matmul_cases, analytic=True),
    saves=("x0", "x1"),
    linear_in=(0, 1),
    symbol="@",
    workspace=_cast_bytes,
)

# -- einsum -------------------------------------------------------------------------------------


def split(subscripts: str) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result.

    >>> split("ij,jk->ik")
    (['ij', 'jk'], 'ik')
    """
    left, right = subscripts.split("->")
    return left.split(","), right


def _sizes(subscripts: str, operands: tuple[Shape, ...]) -> dict[str, int]:
    letters, out = split(subscripts)
    if len(letters) != len(operands):
        raise ShapeError(f'einsum "{subscripts}" has {len(letters)} operands', got=f"{operands}")
    sizes: dict[str, int] = {}
    for part, shape in zip(letters, operands, strict=True):
        if len(part) != len(shape):
            _einsum_fail(subscripts, f'"{part}" for an array of shape {shape}', "a letter an axis")
        mine: dict[str, int] = {}
        for letter, n in zip(part, shape, strict=True):
            known = sizes.get(letter, 1)
            if mine.setdefault(letter, n) != n or (n != known and 1 not in (n, known)):
                _einsum_fail(subscripts, f'"{letter}" is {n} and {mine[letter]}, {known}', "one")
            sizes[letter] = n if known == 1 else known
    if len(set(out)) < len(out) or not set(out) <= set(sizes):
        _einsum_fail(subscripts, f'"{out}"', "letters of the operands, each once")
    return sizes


def _einsum_fail(subscripts: str, got: str, expected: str) -> None:
    expected = "one size for each letter" if expected == "one" else expected
    raise ShapeError(f'einsum "{subscripts}" does not fit its operands', expected=expected, got=got)


def _einsum_result(*xs: Type, subscripts: str) -> Type:
    sizes = _sizes(subscripts, tuple(x.shape for x in xs))
    shape = tuple(sizes[letter] for letter in split(subscripts)[1])
    return Type(shape, np.result_type(*(x.dtype for x in xs)))


def _einsum(*xs: Any, subscripts: str) -> Any:
    arrays = [np.asarray(x) for x in xs]
    found = _einsum_result(*(Type(x.shape, x.dtype) for x in arrays), subscripts=subscripts)
    return np.einsum(subscripts, *arrays, out=np.empty(*found))


def _einsum_rule(number: int, g: Any, y: Any, *xs: Any, subscripts: str) -> Any:
    letters, out = split(subscripts)
    sizes = _sizes(subscripts, tuple(x.shape for x in xs))
    mine = "".join(dict.fromkeys(letters[number]))
    others = [part for k, part in enumerate(letters) if k != number]
    found = "".join(each for each in mine if each in out or any(each in part for part in others))
    recipe = f"{','.join([out, *others])}->{found}"
    rest = [x for k, x in enumerate(xs) if k != number]
    part = np.einsum(recipe, g, *rest) if rest or out != found else g
    # A letter that only this operand has was summed: its gradient is the same all along it.
    wide = tuple(sizes[each] for each in mine)
    if found != mine:
        unit = tuple(sizes[each] if each in found else 1 for each in mine)
        part = np.broadcast_to(np.reshape(part, unit), wide)
    return _to_diagonal(part, mine, letters[number], xs[number].shape)


def _to_diagonal(part: Any, mine: str, letters: str, shape: Shape) -> Any:
    """Return the gradient of an operand from that of its distinct letters."""
    if mine == letters:
        return unbroadcast(part, shape)
    own = {letter: n for letter, n in zip(letters, shape, strict=True)}
    part = unbroadcast(part, tuple(own[each] for each in mine))
    places = [
        np.arange(own[each]).reshape([-1 if other == each else 1 for other in mine])
        for each in letters
    ]
    template = tuple(f"#{k}" for k in range(len(places)))
    return index_add(part, *places, template=template, shape=shape)


def _einsum_passes(*xs: Type, subscripts: str) -> int:
    return prod(_sizes(subscripts, tuple(x.shape for x in xs)).values()) * len(xs)


def _einsum_cases(rng: np.random.Generator) -> list[Case]:
    options: tuple[tuple[str, tuple[Shape, ...]], ...] = (
        ("ij,jk->ik", ((2, 3), (3, 4))), ("i,j->ij", ((2,), (3,))), ("ij->ji", ((2, 3),)),
        ("ii->i", ((3, 3),)), ("ii->", ((3, 3),)), ("ij->j", ((2, 3),)),
        ("ij,k->i", ((2, 3), (4,))), ("ij,jk->ik", ((0, 3), (3, 2))),
        ("ij,ij->", ((2, 3), (2, 3))), ("iij,j->i", ((2, 2, 3), (3,))), ("i,i,i->i", ((3,),) * 3),
        ("ij,ij->ij", ((2, 1), (2, 3))), ("bij,jk->bik", ((2, 2, 3), (3, 2))),
        (",i->i", ((), (3,))), ("iji->j", ((2, 3, 2),)), ("->", ((),)),
    )  # fmt: skip
    return [
        (tuple(_DRAW(rng, shape) for shape in operands), {"subscripts": subscripts})
        for subscripts, operands in options
    ]


EINSUM = Operator(
    "einsum",
    "product",
    numpy=_einsum,
    result=_einsum_result,
    vjp=(_einsum_rule,),
    latex=r"\operatorname{{einsum}}({x})",
    cost=Cost(flops=1, passes=_einsum_passes),
    samples=cases(_einsum_cases, analytic=True),
    saves=("x0+",),
    linear_in=(0,),
    symbol="einsum",
    variadic=True,
)

PRODUCTS: tuple[Operator, ...] = (MATMUL, EINSUM)
