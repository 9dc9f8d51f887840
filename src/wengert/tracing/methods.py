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


def _flatten(a: Any, order: str = "C") -> Any:
    found = movement.ravel(a, order)
    return found.copied() if found is a else found


METHODS: dict[str, Callable[..., Any]] = {
    "sum": np.sum, "mean": np.mean, "var": np.var, "std": np.std, "prod": np.prod,
    "max": np.max, "min": np.min, "all": np.all, "any": np.any,
    "argmax": np.argmax, "argmin": np.argmin,
    "reshape": _reshape, "transpose": _transpose, "ravel": np.ravel, "flatten": _flatten,
    "squeeze": np.squeeze, "swapaxes": np.swapaxes, "take": np.take, "dot": np.dot,
    "clip": np.clip, "astype": _astype, "copy": np.copy, "conj": np.conj,
    "conjugate": np.conj, "repeat": np.repeat, "trace": np.trace, "diagonal": np.diagonal,
    **changing.METHODS,
}  # fmt: skip
ATTRIBUTES: dict[str, Callable[[Any], Any]] = {
    "T": np.transpose,
    "mT": partial(np.swapaxes, axis1=-1, axis2=-2),
    "real": np.real,
    "flat": changing.flat,
    "imag": np.imag,
}
_OUT = {
    "item": "leave it as the 0-d array that it is",
    "tolist": "keep it an array",
    "tobytes": "keep it an array",
}


def attribute(tracer: Any, name: str) -> Any:
    """Return a method bound to the tracer, or the value of an attribute."""
    if name in ATTRIBUTES:
        return ATTRIBUTES[name](tracer)
    if name in METHODS:
        return partial(METHODS[name], tracer)
    if name.startswith("_"):
        raise AttributeError(name)
    if name in _OUT:
        raise TraceError(
            f".{name}() of {described(tracer)}, which has no numbers while it is traced",
            remedy=_OUT[name],
            where=frames.caller(),
        )
    if not hasattr(np.ndarray, name):
        raise AttributeError(f"an array has no attribute {name!r}")
    near = difflib.get_close_matches(name, [*METHODS, *ATTRIBUTES], n=1, cutoff=0.5)
    raise UnsupportedError(
        f".{name} of {described(tracer)} cannot be traced",
        expected=", ".join(sorted((*METHODS, *ATTRIBUTES))),
        remedy=f".{near[0]}" if near else None,
        where=frames.caller(),
    )
