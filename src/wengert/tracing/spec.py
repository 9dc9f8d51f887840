"""The type of an array, for tracing without data."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.base.dtypes import Dtype, is_supported
from wengert.base.errors import DtypeError, Location, ShapeError
from wengert.base.shapes import Shape


@dataclass(frozen=True, init=False)
class Spec:
    """Shape and dtype of an array that need not exist.

    >>> Spec((256, 784), "float32").nbytes
    802816
    """

    shape: Shape
    dtype: Dtype = field(default_factory=lambda: np.dtype("float64"))

    def __init__(self, shape: int | tuple[int, ...] = (), dtype: Any = "float64") -> None:
        sizes: Any = (shape,) if isinstance(shape, int) else shape
        wanted: tuple[Any, ...] = tuple(sizes) if hasattr(sizes, "__iter__") else (sizes,)
        if not all(_is_size(n) for n in wanted):
            raise ShapeError(
                "a Spec needs sizes", expected="integers of at least 0", got=repr(shape)
            )
        object.__setattr__(self, "shape", tuple(int(n) for n in wanted))
        object.__setattr__(self, "dtype", checked_dtype(dtype, "a Spec"))

    @property
    def nbytes(self) -> int:
        """Bytes of a dense array of this type."""
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize


def _is_size(n: Any) -> bool:
    try:
        return not isinstance(n, bool) and operator.index(n) >= 0
    except TypeError:
        return False


def checked_dtype(dtype: Any, what: str, where: Location | None = None) -> Dtype:
    """Return the dtype, or raise a DtypeError where a graph cannot hold it."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise DtypeError(f"{what} has no dtype {dtype!r}", expected="such as 'float32'") from None
    if not is_supported(found):
        raise DtypeError(
            f"{what} has a dtype that a graph cannot hold",
            expected="bool, integers, float16/32/64 or complex64/128 in native byte order",
            got=str(found),
            remedy="convert it first: array.astype(np.float64)",
            where=where,
        )
    return found
