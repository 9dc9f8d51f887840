"""NumPy's questions that shape and dtype answer: nothing is recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.tracing.apply import apply
from wengert.tracing.reductions import cast


def real(val: Any) -> Any:
    """np.real; of a real array that very array."""
    return apply("real", val) if val.dtype.kind == "c" else val


def imag(val: Any) -> Any:
    """np.imag; of a real array zeros."""
    return apply("imag", val) if val.dtype.kind == "c" else np.zeros(val.shape, val.dtype)


def conjugate(a: Any) -> Any:
    """np.conjugate; of a real array a copy."""
    return apply("conjugate", a) if a.dtype.kind == "c" else a.copied()


def angle(z: Any, deg: bool = False) -> Any:
    """np.angle"""
    found = np.arctan2(imag(z), real(z))
    return found * (180 / np.pi) if deg else found


def iscomplex(x: Any) -> Any:
    """np.iscomplex"""
    return np.not_equal(imag(x), 0)


def isreal(x: Any) -> Any:
    """np.isreal"""
    return np.equal(imag(x), 0)


def copied(a: Any, *_: Any, **__: Any) -> Any:
    """np.copy, np.positive: equal, and apart when one is changed in place."""
    return a.copied()


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
    found = cast(x, dtype)
    return found.copied() if copy and found is x else found
