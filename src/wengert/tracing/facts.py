"""NumPy's questions that shape and dtype answer: nothing is recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base.errors import UnsupportedError
from wengert.tracing import frames
from wengert.tracing.reductions import cast
from wengert.tracing.value import described


def real(val: Any) -> Any:
    """np.real of a real array, which is that very array."""
    return _of_real_numbers("np.real", val)


def conjugate(a: Any) -> Any:
    """np.conjugate of a real array, which is a copy."""
    return _of_real_numbers("np.conjugate", a).copied()


def _of_real_numbers(what: str, a: Any) -> Any:
    if a.dtype.kind == "c":
        raise UnsupportedError(
            f"{what} of {described(a)} cannot be traced",
            expected="real numbers",
            remedy="two real arrays, one for each part",
            where=frames.caller(),
        )
    return a


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
