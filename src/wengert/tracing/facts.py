"""NumPy's questions that shape and dtype answer: nothing is recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.tracing.reductions import cast


def itself(a: Any, *_: Any, **__: Any) -> Any:
    """np.copy, np.real, np.positive of an array that nobody can write into."""
    return a


def shape(a: Any) -> tuple[int, ...]:
    """np.shape"""
    return a.shape


def ndim(a: Any) -> int:
    """np.ndim"""
    return a.ndim


def size(a: Any, axis: int | tuple[int, ...] | None = None) -> int:
    """np.size"""
    return int(np.size(np.broadcast_to(np.empty((), a.dtype), a.shape), axis))


def iscomplexobj(x: Any) -> bool:
    """np.iscomplexobj"""
    return x.dtype.kind == "c"


def isrealobj(x: Any) -> bool:
    """np.isrealobj"""
    return x.dtype.kind != "c"


def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """np.result_type"""
    return np.result_type(*(getattr(each, "dtype", each) for each in arrays_and_dtypes))


def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    """np.can_cast"""
    return np.can_cast(from_.dtype, to, casting)


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: None = None) -> Any:
    """np.astype"""
    return cast(x, dtype)
