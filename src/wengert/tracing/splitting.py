"""NumPy's functions that split arrays, stack them and lay out grids, on tracers."""

# NumPy's signatures have no types for arrays that record.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError
from wengert.base.guards import is_sequence
from wengert.tracing import frames
from wengert.tracing.arrays import array, at, known
from wengert.tracing.reductions import axes_of
from wengert.tracing.value import described


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """np.array_split"""
    (place,) = axes_of(ary, axis)
    n = ary.shape[place]
    known(indices_or_sections, "where an array is split")
    if np.ndim(indices_or_sections) == 0:
        count = int(indices_or_sections)
        if count < 1:
            raise ShapeError("np.array_split", expected="1 part or more", where=frames.caller())
        each, extra = divmod(n, count)
        ends = np.cumsum([0, *[each + 1] * extra, *[each] * (count - extra)])
        pairs = list(pairwise(int(end) for end in ends))
    else:
        inner = [int(each) for each in indices_or_sections]
        pairs = list(zip([0, *inner], [*inner, n], strict=True))
    return [ary[at(place, slice(start, stop))] for start, stop in pairs]


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """np.split"""
    (place,) = axes_of(ary, axis)
    whole = np.ndim(known(indices_or_sections, "where an array is split")) == 0
    if whole and ary.shape[place] % max(int(indices_or_sections), 1):
        raise ShapeError(
            f"np.split of {described(ary)} into {indices_or_sections} parts",
            expected=f"a number that divides {ary.shape[place]}",
            remedy="np.array_split",
            where=frames.caller(),
        )
    return array_split(ary, indices_or_sections, place)


def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """np.hsplit"""
    return split(ary, indices_or_sections, 1 if ary.ndim > 1 else 0)


def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """np.vsplit"""
    return split(_with_axes(ary, 2, "np.vsplit"), indices_or_sections, 0)


def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """np.dsplit"""
    return split(_with_axes(ary, 3, "np.dsplit"), indices_or_sections, 2)


def _with_axes(ary: Any, rank: int, what: str) -> Any:
    if ary.ndim < rank:
        raise ShapeError(
            f"{what} of {described(ary)}", expected=f"{rank} axes or more", where=frames.caller()
        )
    return ary


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """np.unstack"""
    (place,) = axes_of(x, axis)
    return tuple(x[at(place, i)] for i in range(x.shape[place]))


def atleast_3d(*arys: Any) -> Any:
    """np.atleast_3d"""
    raised = tuple(_raised(array(each)) for each in arys)
    return raised[0] if len(raised) == 1 else raised


def _raised(x: Any) -> Any:
    match x.ndim:
        case 0:
            return np.reshape(x, (1, 1, 1))
        case 1:
            return x[None, :, None]
        case 2:
            return x[:, :, None]
        case _:
            return x


def dstack(tup: Sequence[Any]) -> Any:
    """np.dstack"""
    return np.concatenate([_raised(array(each)) for each in tup], axis=2)


def block(arrays: Any) -> Any:
    """np.block"""
    depth = _depth(arrays)
    rank = max(depth, *(array(leaf).ndim for leaf in _leaves(arrays)))
    return _joined(arrays, depth, rank)


def _depth(arrays: Any) -> int:
    if not is_sequence(arrays):
        return 0
    depths = {_depth(each) for each in arrays}
    if len(depths) != 1:
        raise ShapeError(
            "np.block of lists of different depth", expected="one depth", where=frames.caller()
        )
    return 1 + depths.pop()


def _leaves(arrays: Any) -> list[Any]:
    if not is_sequence(arrays):
        return [arrays]
    return [leaf for each in arrays for leaf in _leaves(each)]


def _joined(arrays: Any, depth: int, rank: int) -> Any:
    if depth == 0:
        found = array(arrays)
        return np.reshape(found, (1,) * (rank - found.ndim) + tuple(found.shape))
    return np.concatenate([_joined(each, depth - 1, rank) for each in arrays], axis=-depth)


def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """np.broadcast_arrays"""
    arrays = [array(each) for each in args]
    shape = np.broadcast_shapes(*(each.shape for each in arrays))
    return tuple(np.broadcast_to(each, shape) for each in arrays)


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """np.meshgrid"""
    rank = len(xi)
    axes = list(range(rank))
    if indexing == "xy" and rank > 1:
        axes[:2] = [1, 0]
    wide = [
        np.reshape(array(x), [-1 if k == axis else 1 for k in range(rank)])
        for x, axis in zip(xi, axes, strict=True)
    ]
    return tuple(wide) if sparse else broadcast_arrays(*wide)


def ix_(*args: Any) -> tuple[Any, ...]:
    """np.ix_"""
    return meshgrid(*args, sparse=True, indexing="ij")


DIFFERENTIABLE: dict[str, Callable[..., Any]] = {
    "array_split": array_split, "split": split, "hsplit": hsplit, "vsplit": vsplit,
    "dsplit": dsplit, "unstack": unstack, "atleast_3d": atleast_3d, "dstack": dstack,
    "block": block, "broadcast_arrays": broadcast_arrays, "meshgrid": meshgrid,
}  # fmt: skip
CONSTANT: dict[str, Callable[..., Any]] = {"ix_": ix_}
