"""What of NumPy reaches its arrays by no protocol: r_, c_, vectorize, and lists of traced values.

While a trace runs these stand in for NumPy's own, as the creation functions do (``creation.py``).
"""

# NumPy's own objects have no types for arrays that record.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from wengert.base.guards import is_sequence
from wengert.tracing import applying, ufuncs
from wengert.tracing.arrays import array, holds_tracer
from wengert.tracing.bare import bare
from wengert.tracing.splitting import broadcast_arrays


class _Joined:
    """np.r_ and np.c_: what stands in the brackets, joined along an axis."""

    def __init__(self, name: str, numpys: Any, axis: int) -> None:
        self.name, self.numpys, self.axis = name, numpys, axis

    def __getitem__(self, key: Any) -> Any:
        items = key if isinstance(key, tuple) else (key,)
        if not holds_tracer(list(items)):
            return self.numpys[bare(key)]
        if any(isinstance(each, str) for each in items):
            ufuncs.refuse(f"np.{self.name} with a text of directions", "np.concatenate, np.stack")
        return np.concatenate([self._part(each) for each in items], axis=self.axis)

    def _part(self, item: Any) -> Any:
        found = np.r_[item] if isinstance(item, slice) else array(bare(item))
        if found.ndim == 0:
            found = np.reshape(found, (1,))
        return found[:, None] if self.axis == -1 and found.ndim == 1 else found


class Vectorize:
    """np.vectorize: each call of the function is recorded where something is traced."""

    def __init__(self, pyfunc: Callable[..., Any], *args: Any, **options: Any) -> None:
        self.pyfunc = pyfunc
        self.numpys = np.vectorize(pyfunc, *args, **options)
        self.__doc__ = pyfunc.__doc__

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Return the function of each element."""
        if not holds_tracer([args, list(options.values())]):
            return self.numpys(*bare(args), **bare(options))
        if self.numpys.signature is not None or self.numpys.excluded or options:
            ufuncs.refuse("np.vectorize with signature=, excluded= or keywords", "wg.vmap")
        arrays = broadcast_arrays(*args)
        shape = tuple(arrays[0].shape)
        calls = [self.pyfunc(*(each[i] for each in arrays)) for i in np.ndindex(*shape)]
        if calls and isinstance(calls[0], tuple):
            return tuple(_stacked(list(each), shape) for each in zip(*calls, strict=True))
        return _stacked(calls, shape)


def _stacked(values: list[Any], shape: tuple[int, ...]) -> Any:
    if not values:
        ufuncs.refuse("np.vectorize over no elements", "arrays with elements")
    return np.reshape(np.stack([array(each) for each in values]), shape)


def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **options: Any
) -> Any:
    """np.apply_along_axis of rows that may meet something traced within the function"""
    return applying.apply_along_axis(func1d, axis, bare(arr), *args, **options)


# Functions of an array, not of a list of arrays: a list of traced values among their arguments is
# one array, as a list of numbers is.
_OF_ARRAYS = (
    "sum prod mean var std max min amax amin ptp median average percentile quantile argmax argmin "
    "sort argsort cumsum cumprod diff trapezoid dot inner outer vdot cross kron clip reshape flip "
    "interp polyval convolve correlate"
).split()
_OF_MATRICES = "norm det inv solve slogdet cholesky eigvalsh".split()


def _of_lists(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        return function(*map(_gathered, args), **options)

    return call


def _gathered(value: Any) -> Any:
    return array(bare(value)) if is_sequence(value) and holds_tracer(value) else value


STAND_INS: dict[str, Any] = {
    "r_": _Joined("r_", np.r_, 0),
    "c_": _Joined("c_", np.c_, -1),
    "vectorize": Vectorize,
    "apply_along_axis": apply_along_axis,
    **{name: _of_lists(getattr(np, name)) for name in _OF_ARRAYS},
}
LINALG: dict[str, Any] = {name: _of_lists(getattr(np.linalg, name)) for name in _OF_MATRICES}
