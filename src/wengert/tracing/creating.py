"""Creation and facts, reached through a traced argument: ``like=``, shapes, dtypes, texts."""

# NumPy's signatures have no types for arrays that record.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.tracing import ufuncs
from wengert.tracing.value import TracedValue


def _made(function: str) -> Callable[..., Any]:
    """Return a row for a function that has come here by ``like=``: it makes what it always does."""

    def make(like: Any, *args: Any, **options: Any) -> Any:
        return getattr(np, function)(*args, **options)

    return make


def _stand_in(value: Any) -> Any:
    """Return an array of no memory that has the shape and dtype of a traced value."""
    if not isinstance(value, TracedValue):
        return value
    return np.broadcast_to(np.zeros((), value.dtype), value.shape)


def einsum_path(*operands: Any, **options: Any) -> Any:
    """np.einsum_path"""
    return np.einsum_path(*map(_stand_in, operands), **options)


def common_type(*arrays: Any) -> Any:
    """np.common_type"""
    return np.common_type(*map(_stand_in, arrays))


def min_scalar_type(a: Any, /) -> Any:
    """np.min_scalar_type of an array, which is its dtype"""
    if a.ndim == 0:
        ufuncs.refuse(
            "np.min_scalar_type of a traced scalar", "x.dtype",
            "it depends on the number, which is not known while tracing",
        )  # fmt: skip
    return a.dtype


def _text(a: Any, *_: Any, **__: Any) -> str:
    return repr(a)


def real_if_close(a: Any, tol: float = 100) -> Any:
    """np.real_if_close of a real array"""
    if a.dtype.kind == "c":
        ufuncs.refuse(
            "np.real_if_close of complex numbers", "np.real(x)",
            "whether its result is complex depends on the numbers",
        )  # fmt: skip
    return a


_CREATION = (
    "arange array asarray asanyarray ascontiguousarray asfortranarray empty eye frombuffer "
    "fromfile fromfunction fromiter fromstring full genfromtxt identity loadtxt ones require tri "
    "zeros"
).split()

DIFFERENTIABLE: dict[str, Callable[..., Any]] = {"real_if_close": real_if_close}
CONSTANT: dict[str, Callable[..., Any]] = {
    **{name: _made(name) for name in _CREATION},
    "einsum_path": einsum_path, "common_type": common_type, "min_scalar_type": min_scalar_type,
    "array2string": _text, "array_repr": _text, "array_str": _text,
}  # fmt: skip
