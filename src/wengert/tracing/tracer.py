"""The array that records: NumPy hands it every call, and it writes down what was asked."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from wengert.tracing import indexing, known, methods, ufuncs, writing
from wengert.tracing.apply import apply, is_tracer
from wengert.tracing.bare import bare
from wengert.tracing.selected import select
from wengert.tracing.value import TracedValue

__all__ = ["Tracer", "apply", "is_tracer"]


class Tracer(TracedValue, np.lib.mixins.NDArrayOperatorsMixin):
    """A value of a running trace; behaves as an ndarray without numbers in it."""

    __array_priority__ = 1000.0
    # The mixin's __eq__ would take it away; asked for, it says why there is none.
    __hash__ = TracedValue.__hash__

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return known.with_traced_ufunc(ufunc, method, inputs, options)

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        return known.with_traced_function(function, args, options)

    def __wengert_apply__(
        self, operator: str, operands: tuple[Any, ...], attributes: dict[str, Any]
    ) -> Any:
        # How an operator that NumPy has no name for reaches the tape (operators/dispatch.py).
        return apply(operator, *operands, **attributes)

    def __getattr__(self, name: str) -> Any:
        return methods.attribute(self, name)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an unsized object: the traced value is a scalar")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a traced scalar")
        return (self[i] for i in range(self.shape[0]))

    def __getitem__(self, key: Any) -> Any:
        mask = writing.traced_mask(key)
        return indexing.getitem(self, bare(key)) if mask is None else select(self, mask)

    def __setitem__(self, key: Any, value: Any) -> None:
        writing.setitem(self, bare(key), bare(value))

    def __pow__(self, other: Any) -> Any:
        return ufuncs.power(self, other)


def _in_place(sign: str) -> None:
    change = getattr(np.lib.mixins.NDArrayOperatorsMixin, f"__i{sign}__")
    combine = getattr(operator, f"__{sign}__")

    def assign(self: Tracer, other: Any) -> Any:
        # NumPy's scalars do not change: `s += x` gives the name s to a new value.
        return combine(self, other) if self.is_scalar else change(self, other)

    setattr(Tracer, f"__i{sign}__", assign)


for _sign in "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split():
    _in_place(_sign)
