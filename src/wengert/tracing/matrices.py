"""NumPy's linear algebra on tracers: np.linalg's functions, brought to the form of the records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.linalg._linalg import EighResult, SlogdetResult

from wengert.tracing.apply import apply


def slogdet(a: Any) -> Any:
    """np.linalg.slogdet"""
    return _named(SlogdetResult, apply("slogdet", a))


def inv(a: Any) -> Any:
    """np.linalg.inv"""
    return apply("inv", a)


def eigh(a: Any, UPLO: str = "L") -> Any:
    """np.linalg.eigh"""
    return _named(EighResult, apply("eigh", a, lower=_is_lower(UPLO)))


def _named(kind: type[Any], results: tuple[Any, ...]) -> Any:
    # Not kind(*results): its own locals would be read as the user's names.
    return tuple.__new__(kind, results)  # pyright: ignore[reportUnknownMemberType]


def _is_lower(uplo: str) -> bool:
    if uplo.upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    return uplo.upper() == "L"


TABLE: dict[Any, Callable[..., Any]] = {
    np.linalg.slogdet: slogdet, np.linalg.inv: inv, np.linalg.eigh: eigh,
}  # fmt: skip
