"""What a traced mask picks, ``x[x > 0]``: how many numbers there are is not known, the rest is.

All elements are computed with, in the shape of the mask; those that are not picked hold one that
is, so that a function sees nothing outside its domain. Written back under the same mask, or summed
up, the picked ones alone count.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import numpy as np

from wengert.base.errors import TraceError
from wengert.tracing import frames
from wengert.tracing.apply import apply
from wengert.tracing.value import TracedValue, described


class Selected(np.lib.mixins.NDArrayOperatorsMixin):
    """The elements of a traced array at the places of a traced mask.

    Attributes:
        full: values in the shape of the array, right where the mask says.
        mask: the mask, with axes of size 1 behind its own where the array has more.
        behind: how many axes those are.
    """

    __array_priority__ = 1100.0

    def __init__(self, full: Any, mask: Any, behind: int) -> None:
        self.full: Any = full
        self.mask: Any = mask
        self.behind = behind

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's dtype."""
        return self.full.dtype

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        out = options.pop("out", (self,))
        if method != "__call__" or options or out[0] is not self:
            self.refuse(f"np.{ufunc.__name__}.{method} of")
        return Selected(ufunc(*(self._operand(each) for each in inputs)), self.mask, self.behind)

    def _operand(self, value: Any) -> Any:
        if isinstance(value, Selected):
            if not same(value.mask, self.mask):
                self.refuse("values under another mask, together with")
            return value.full
        if np.ndim(value) > self.behind:
            self.refuse("an array, together with")
        return value

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function not in _SUMMED or len(args) != 1 or options.get("axis") not in (None, 0):
            self.refuse(f"np.{function.__name__} of")
        return _SUMMED[function](self)

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name, None)
        if function in _SUMMED:
            return partial(self._summed, function)
        if name.startswith("__"):
            raise AttributeError(name)
        self.refuse(f".{name} of")

    def _summed(self, function: Any, axis: Any = None) -> Any:
        return self.__array_function__(function, (), (self,), {"axis": axis})

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        self.refuse("a plain array of")

    def __iter__(self) -> NoReturn:
        self.refuse("a loop over")

    def __len__(self) -> int:  # noqa: PLE0303 - it only raises
        self.refuse("len() of")

    def refuse(self, what: str) -> NoReturn:
        """Raise for what would need to know how many elements there are."""
        raise TraceError(
            f"{what} the elements at the places of the traced mask {described(self.mask)}",
            expected="arithmetic, functions element by element, sums, and x[mask] = … under the "
            "same mask: how many elements there are is not known while it is traced",
            remedy="np.where(mask, a, b), or sums with where=mask",
            where=frames.caller(),
        )

    def picked(self, otherwise: Any) -> Any:
        """Return the values in full, another one where the mask does not pick."""
        return apply("where", self.mask, self.full, self.full.dtype.type(otherwise))


def select(array: Any, mask: Any) -> Selected:
    """Return ``array[mask]`` for a traced mask."""
    behind = array.ndim - mask.ndim
    wide = np.reshape(mask, (*mask.shape, *(1,) * behind))
    if array.size == 0:
        return Selected(array.copied(), wide, behind)
    rows = np.reshape(array, (mask.size, *array.shape[mask.ndim :]))
    one = rows[np.argmax(np.reshape(mask, -1))]
    inside = apply("where", np.any(mask), one, np.ones((), array.dtype))
    # Whatever it is, it has no part in the result, and no gradient.
    filler = apply("stop_gradient", inside)
    return Selected(apply("where", wide, array, filler), wide, behind)


def same(one: Any, other: Any) -> bool:
    """Return whether two masks are made in the same way from the same values."""
    if one is other or one.variable is other.variable:
        return True
    if one.recorder is not other.recorder or one.shape != other.shape:
        return False
    return _made(one) is not None and _made(one) == _made(other)


def _made(value: TracedValue) -> Any:
    """Return what makes a mask, through reshapes: operator, operands, attributes."""
    wanted = value.variable
    for operation in reversed(value.recorder.operations):
        if wanted in operation.outputs:
            if operation.operator != "reshape":
                return operation.operator, operation.inputs, dict(operation.attributes)
            (wanted,) = operation.inputs
    return None


def _sum(chosen: Selected) -> Any:
    return np.sum(chosen.picked(0))


def _mean(chosen: Selected) -> Any:
    wide = np.broadcast_to(chosen.mask, chosen.full.shape)
    return np.sum(chosen.picked(0)) / np.sum(wide)


def _prod(chosen: Selected) -> Any:
    found: Any = np.multiply.reduce(np.ravel(chosen.picked(1)))
    return found


def _any(chosen: Selected) -> Any:
    return np.any(chosen.picked(0))


def _all(chosen: Selected) -> Any:
    return np.all(chosen.picked(1))


def _most(chosen: Selected) -> Any:
    kind = chosen.dtype
    return np.max(chosen.picked(np.iinfo(kind).min if kind.kind in "iu" else -np.inf))


def _least(chosen: Selected) -> Any:
    kind = chosen.dtype
    return np.min(chosen.picked(np.iinfo(kind).max if kind.kind in "iu" else np.inf))


_SUMMED: dict[Any, Callable[[Selected], Any]] = {
    np.sum: _sum,
    np.prod: _prod,
    np.mean: _mean,
    np.any: _any,
    np.all: _all,
    np.max: _most,
    np.min: _least,
}  # fmt: skip
