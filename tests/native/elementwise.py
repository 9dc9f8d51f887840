"""Scalar formulas compiled into plain loops, for tests."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.native import llvm
from wengert.native.jit import Session, session
from wengert.native.lanes import Lanes, Vector
from wengert.native.llvm import ir

Formula = Callable[..., Vector]
_SIGNATURE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)


class Loop:
    """A formula over whole vectors of elements: call it with arrays of one length."""

    def __init__(self, formula: Formula, dtypes: Sequence[Any], lanes: int) -> None:
        self.formula, self.lanes = formula, lanes
        self.dtypes = [np.dtype(dtype) for dtype in dtypes]
        self.result: np.dtype[Any] | None = None
        self.library: Any = None
        self.address = 0

    def define(self, module: Any, name: str) -> None:
        """Add the loop to a module as ``void name(ptr operands, i64 count)``."""
        function = ir.Function(module, ir.FunctionType(llvm.VOID, [llvm.POINTER, llvm.I64]), name)
        builder = ir.IRBuilder(function.append_basic_block())
        lanes = Lanes(builder, self.lanes)
        places = [
            llvm.load(
                builder,
                llvm.address(builder, function.args[0], llvm.POINTER, llvm.integer(k)),
                llvm.POINTER,
                8,
            )
            for k in range(len(self.dtypes) + 1)
        ]

        def body(i: Any) -> list[Any]:
            operands = [
                lanes.load(llvm.address(builder, place, llvm.memory_type(dtype), i), dtype)
                for place, dtype in zip(places, self.dtypes, strict=False)
            ]
            made = self.formula(lanes, *operands)
            self.result = made.dtype
            element = llvm.memory_type(made.dtype)
            lanes.store(made, llvm.address(builder, places[-1], element, i))
            return []

        llvm.loop(builder, (llvm.integer(0), function.args[1], llvm.integer(self.lanes)), body)
        builder.ret_void()

    def __call__(self, *operands: Any) -> np.ndarray:
        count = len(operands[0])
        more = -count % self.lanes
        arrays = [
            np.concatenate([np.asarray(x, dtype), np.ones(more, dtype)])
            for x, dtype in zip(operands, self.dtypes, strict=True)
        ]
        assert self.result is not None
        arrays.append(np.empty(count + more, self.result))
        pointers = (ctypes.c_void_p * len(arrays))(*(x.ctypes.data for x in arrays))
        _SIGNATURE(self.address)(ctypes.addressof(pointers), count + more)
        return arrays[-1][:count]


def compiled(loops: Sequence[Loop], where: Session | None = None) -> None:
    """Compile loops together, in one module."""
    module = ir.Module()
    names = [f"loop{k}" for k in range(len(loops))]
    for loop, name in zip(loops, names, strict=True):
        loop.define(module, name)
    library = (where or session()).text(str(module), names)
    for loop, name in zip(loops, names, strict=True):
        loop.library, loop.address = library, library.addresses[name]


def loop(formula: Formula, *dtypes: Any, lanes: int = 8) -> Loop:
    """Compile one formula for operands of these dtypes."""
    made = Loop(formula, dtypes, lanes)
    compiled([made])
    return made


def ulp_errors(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return distances from the true values in units of the last place of the result's dtype.

    A result that ought to be infinite or NaN and is not, or is and ought not, is infinitely far.
    """
    info = np.finfo(found.dtype)
    with np.errstate(all="ignore"):
        rounded = true.astype(found.dtype)
        _, exponent = np.frexp(np.maximum(np.abs(true), info.tiny))
        unit = np.ldexp(np.ones_like(true), exponent - 1 - info.nmant)
        far = np.abs(found.astype(true.dtype) - true) / unit
    same = (found == rounded) | (np.isnan(found) & np.isnan(rounded))
    usual = np.isfinite(found) & np.isfinite(rounded)
    return np.where(usual, far, np.where(same, 0.0, np.inf)).astype(float)
