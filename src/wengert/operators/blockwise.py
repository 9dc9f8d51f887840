"""Formulas of many steps, block by block: whole arrays of temporaries would fill the memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.base.shapes import size
from wengert.graph.graph import Array
from wengert.operators.record import Rule, Type

# Small enough for the first cache: a hundred passes over it cost little more than one.
BLOCK = 4096


def blockwise(formula: Callable[..., Array], dtype: Dtype, *operands: Any) -> Array:
    """Return ``formula`` of operands that broadcast, in C order, of a dtype.

    >>> blockwise(lambda x, y: x + y, np.dtype(float), np.arange(2.0), 10.0)
    array([10., 11.])
    """
    arrays = [np.asarray(each) for each in operands]
    # NumPy's stubs want literals where a list of any length is meant.
    flags: Any = [*[["readonly"]] * len(arrays), ["writeonly", "allocate"]]
    walk = np.nditer(
        [*arrays, None],
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=flags,
        op_dtypes=[*(each.dtype for each in arrays), dtype],
        order="C",
        buffersize=BLOCK,
    )
    with walk:
        for *given, made in walk:
            made[...] = formula(*given)
        return np.asarray(walk.operands[-1])


def block_workspace(each: int) -> Rule:
    """Return the rule of so many bytes an element of a block."""

    def workspace(*operands: Type, **_: Any) -> int:
        count = max((size(operand.shape) for operand in operands), default=0)
        return each * min(count, BLOCK)

    return workspace
