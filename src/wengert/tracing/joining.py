"""NumPy's joining functions on tracers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError
from wengert.base.guards import is_ndarray
from wengert.tracing import frames
from wengert.tracing.apply import apply
from wengert.tracing.reductions import axes_of, cast
from wengert.tracing.value import described


def concatenate(arrays: Sequence[Any], /, axis: int | None = 0, out: None = None, *,
                dtype: Any = None, casting: str = "same_kind") -> Any:  # fmt: skip
    """np.concatenate"""
    parts = list(arrays)
    if axis is None:
        parts, axis = [np.ravel(part) for part in parts], 0
    parts = [part if hasattr(part, "dtype") else np.asarray(part) for part in parts]
    common = np.result_type(*(part.dtype for part in parts)) if dtype is None else dtype
    place = _place(parts, axis)
    return apply("concatenate", *(_as(part, common) for part in parts), axis=place)


def _as(part: Any, dtype: Any) -> Any:
    return part.astype(dtype, copy=False) if is_ndarray(part) else cast(part, dtype)


def _place(parts: list[Any], axis: int) -> int:
    ranks = {part.ndim for part in parts}
    if len(ranks) != 1:
        raise ShapeError(
            "arrays of different rank are joined",
            got="; ".join(described(part) for part in parts),
            remedy="np.expand_dims or np.reshape to one rank first",
            where=frames.caller(),
        )
    return axes_of(parts[0], axis)[0]


def stack(arrays: Sequence[Any], axis: int = 0, out: None = None, *, dtype: Any = None,
          casting: str = "same_kind") -> Any:  # fmt: skip
    """np.stack"""
    parts = [part if hasattr(part, "shape") else np.asarray(part) for part in arrays]
    if len({tuple(part.shape) for part in parts}) != 1:
        raise ShapeError(
            "arrays of different shapes are stacked",
            got="; ".join(described(part) for part in parts),
            where=frames.caller(),
        )
    return concatenate([np.expand_dims(part, axis) for part in parts], axis, dtype=dtype)


def vstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """np.vstack"""
    return concatenate([np.atleast_2d(part) for part in tup], 0, dtype=dtype)


def hstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """np.hstack"""
    parts = [np.atleast_1d(part) for part in tup]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype)


def column_stack(tup: Sequence[Any]) -> Any:
    """np.column_stack"""
    return concatenate([part[:, None] if part.ndim == 1 else part for part in tup], 1)


def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """np.append"""
    return concatenate([arr, values], axis)
