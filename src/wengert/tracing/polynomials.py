"""NumPy's functions of polynomials, highest power first, on tracers."""

# NumPy's signatures have no types for arrays that record.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError
from wengert.tracing import frames, ufuncs
from wengert.tracing.arrays import array, floating
from wengert.tracing.value import described


def polyval(p: Any, x: Any) -> Any:
    """np.polyval"""
    coefficients, places = array(p), array(x)
    found: Any = np.zeros(places.shape, places.dtype)
    for k in range(coefficients.shape[0]):
        found = found * places + coefficients[k]
    return found


def _of_one_length(a: Any, b: Any) -> tuple[Any, Any]:
    left, right = np.atleast_1d(array(a)), np.atleast_1d(array(b))
    count = max(left.shape[0], right.shape[0])

    def led(x: Any) -> Any:
        missing = count - x.shape[0]
        return np.concatenate([np.zeros(missing, x.dtype), x]) if missing else x

    return led(left), led(right)


def polyadd(a1: Any, a2: Any) -> Any:
    """np.polyadd"""
    left, right = _of_one_length(a1, a2)
    return left + right


def polysub(a1: Any, a2: Any) -> Any:
    """np.polysub"""
    left, right = _of_one_length(a1, a2)
    return left - right


def polymul(a1: Any, a2: Any) -> Any:
    """np.polymul; leading zeros stay"""
    return np.convolve(array(a1), array(a2))


def polyder(p: Any, m: int = 1) -> Any:
    """np.polyder"""
    found = array(p)
    for _ in range(m):
        found = found[:-1] * np.arange(found.shape[0] - 1, 0, -1)
    return found


def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """np.polyint"""
    found = array(p)
    constants = np.atleast_1d(array(0 if k is None else k))
    if constants.shape[0] not in (1, m):
        raise ShapeError(
            "np.polyint", expected=f"1 or {m} constants", got=described(constants),
            where=frames.caller(),
        )  # fmt: skip
    for step in range(m):
        constant = constants[step : step + 1] if constants.shape[0] == m else constants
        found = np.concatenate([found / np.arange(found.shape[0], 0, -1), constant])
    return found


def poly(seq_of_zeros: Any) -> Any:
    """np.poly"""
    zeros = np.atleast_1d(array(seq_of_zeros))
    if zeros.ndim == 2:
        zeros = np.linalg.eigvals(zeros)
    found: Any = np.ones(1, zeros.dtype if zeros.dtype.kind in "fc" else np.dtype(float))
    for k in range(zeros.shape[0]):
        longer = np.concatenate([found, np.zeros(1, found.dtype)])
        moved = np.concatenate([np.zeros(1, found.dtype), found])
        found = longer - zeros[k] * moved
    return found


def polyfit(
    x: Any, y: Any, deg: Any, rcond: Any = None, full: bool = False, w: Any = None,
    cov: Any = False,
) -> Any:  # fmt: skip
    """np.polyfit"""
    if full or cov or np.ndim(deg):
        ufuncs.refuse("np.polyfit with full=, cov= or several degrees", "np.linalg.lstsq")
    places, values = floating(x), floating(y)
    left = np.vander(places, int(deg) + 1)
    rcond = places.shape[0] * np.finfo(places.dtype).eps if rcond is None else rcond
    if w is not None:
        held = floating(w)
        left = left * held[:, None]
        values = values * (held[:, None] if values.ndim == 2 else held)
    scale = np.sqrt(np.sum(left * left, axis=0))
    found = np.linalg.lstsq(left / scale, values, rcond)[0]
    return np.transpose(np.transpose(found) / scale)


DIFFERENTIABLE: dict[str, Callable[..., Any]] = {
    "polyval": polyval, "polyadd": polyadd, "polysub": polysub, "polymul": polymul,
    "polyder": polyder, "polyint": polyint, "poly": poly, "polyfit": polyfit,
}  # fmt: skip
CONSTANT: dict[str, Callable[..., Any]] = {}
