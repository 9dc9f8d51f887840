"""Dtypes that a graph may hold, and how they are written."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from wengert.base.errors import DtypeError

Dtype = np.dtype[Any]

SHORT: dict[str, str] = {
    "bool": "bool",
    "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64",
    "uint8": "u8", "uint16": "u16", "uint32": "u32", "uint64": "u64",
    "float16": "f16", "float32": "f32", "float64": "f64",
    "complex64": "c64", "complex128": "c128",
}  # fmt: skip
LONG = {short: name for name, short in SHORT.items()}


def is_supported(dtype: Dtype) -> bool:
    """Return whether arrays of this dtype may enter a graph (native byte order, numeric)."""
    return dtype.isnative and dtype.name in SHORT


def refuse_other_algebra(value: Any, what: str) -> None:
    """Raise where an array's operators mean something else than an ndarray's.

    A masked array leaves numbers out, a matrix multiplies by ``*``: taken for plain arrays they
    would give other numbers than NumPy does.
    """
    if type(value) is np.ndarray or not issubclass(type(value), np.ndarray):
        return
    # Imported by whoever has made a masked array, and slow to import for whoever has not.
    masked = getattr(sys.modules.get("numpy.ma"), "MaskedArray", ())
    kinds: dict[Any, str] = {
        masked: "array.filled(0) with the mask as an argument of its own",
        np.matrix: "np.asarray(matrix), with @ for products",
    }
    for kind, remedy in kinds.items():
        if isinstance(value, kind):
            raise DtypeError(
                f"{what} is a {kind.__name__}", expected="a plain ndarray", remedy=remedy
            )


def is_differentiable(dtype: Dtype) -> bool:
    """Return whether derivatives exist with respect to a value of this dtype."""
    return dtype.kind in "fc"


def short(dtype: Dtype) -> str:
    """Return the short name used in the text form.

    >>> short(np.dtype("float32"))
    'f32'
    """
    return SHORT[dtype.name]
