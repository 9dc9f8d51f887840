"""Methods and attributes of ndarray on tracers."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from wengert.base.errors import TraceError, UnsupportedError
from wengert.tracing import changing, facts, frames, movement
from wengert.tracing.value import described


def _shape_argument(wanted: tuple[Any, ...]) -> Any:
    return wanted[0] if len(wanted) == 1 and not isinstance(wanted[0], int) else wanted


def _reshape(a: Any, *shape: Any, order: str = "C") -> Any:
    return np.reshape(a, _shape_argument(shape), order=order)  # type: ignore[call-overload]


def _transpose(a: Any, *axes: Any) -> Any:
    wanted = _shape_argument(axes) if axes else None
    return np.transpose(a, wanted)


def _astype(a: Any, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True,
            copy: bool = True) -> Any:  # fmt: skip
    if not np.can_cast(a.dtype, dtype, casting):  # type: ignore[arg-type]
        raise TraceError(
            f"{described(a)} cannot become {np.dtype(dtype).name} with casting={casting!r}",
            where=frames.caller(),
        )
    return facts.astype(a, dtype, copy=copy)


def _copy(a: Any, order: str = "C") -> Any:
    # Unlike np.copy, it puts the axes into C's order.
    found = a.copied()
    found.order = None if order == "C" else found.order
    return found


def _flatten(a: Any, order: str = "C") -> Any:
    return movement.ravel(a, order).copied()


def _compress(a: Any, condition: Any, axis: int | None = None, out: None = None) -> Any:
    return np.compress(condition, a, axis)


def _choose(a: Any, choices: Any, out: None = None, mode: Any = "raise") -> Any:
    return np.choose(a, choices, mode=mode)


def _view(a: Any, dtype: Any = None, type: Any = None) -> Any:
    if type is not None or (dtype is not None and np.dtype(dtype) != a.dtype):
        raise UnsupportedError(
            f".view of {described(a)} as another type",
            expected="the same dtype",
            got="bits would be read as numbers of another kind, which has no derivative",
            remedy=".astype(dtype) converts the numbers",
            where=frames.caller(),
        )
    return a[...]


# Methods that are NumPy's function of the same name.
_SAME = (
    "sum mean var std prod max min all any argmax argmin ravel squeeze swapaxes take dot clip "
    "repeat trace diagonal cumsum cumprod argsort argpartition round searchsorted"
).split()
METHODS: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in _SAME},
    "reshape": _reshape, "transpose": _transpose, "flatten": _flatten, "astype": _astype,
    "conj": np.conj, "conjugate": np.conj, "compress": _compress, "choose": _choose,
    "view": _view, "copy": _copy,
    **changing.METHODS,
}  # fmt: skip
ATTRIBUTES: dict[str, Callable[[Any], Any]] = {
    "T": np.transpose,
    "mT": partial(np.swapaxes, axis1=-1, axis2=-2),
    "real": np.real,
    "flat": changing.flat,
    "imag": np.imag,
}
OUT = {
    "item": "leave it as the 0-d array that it is",
    "tolist": "keep it an array",
    "tobytes": "keep it an array",
    "tofile": "return it from the function, and save what comes out",
    "dump": "return it from the function, and save what comes out",
    "dumps": "return it from the function, and save what comes out",
}
REMEDIES = {
    "nonzero": "np.where(mask, a, b), or sums with where=mask",
    "strides": "x.shape; where elements lie is decided later, by the plan",
    "data": "x itself",
    "ctypes": "x itself",
    "base": "x itself",
    "byteswap": "x.astype(dtype)",
    "setfield": "x.astype(dtype)",
    "getfield": "x.astype(dtype)",
    "setflags": "x itself: no array of a graph is written to",
}


def attribute(tracer: Any, name: str) -> Any:
    """Return a method bound to the tracer, or the value of an attribute."""
    if name in ATTRIBUTES:
        return ATTRIBUTES[name](tracer)
    if name in METHODS:
        return partial(METHODS[name], tracer)
    if name.startswith("_"):
        raise AttributeError(name)
    if name in OUT:
        raise TraceError(
            f".{name}() of {described(tracer)}, which has no numbers while it is traced",
            remedy=OUT[name],
            where=frames.caller(),
        )
    if not hasattr(np.ndarray, name):
        raise AttributeError(f"an array has no attribute {name!r}")
    near = difflib.get_close_matches(name, [*METHODS, *ATTRIBUTES], n=1, cutoff=0.5)
    remedy = REMEDIES.get(name, f".{near[0]}" if near else None)
    raise UnsupportedError(
        f".{name} of {described(tracer)} cannot be traced",
        expected=", ".join(sorted((*METHODS, *ATTRIBUTES))),
        remedy=remedy,
        where=frames.caller(),
    )
