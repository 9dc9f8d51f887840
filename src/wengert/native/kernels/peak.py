"""Kernels that do nothing but reach what the machine can do, to hold others against."""

from __future__ import annotations

from dataclasses import dataclass

from wengert.native import llvm
from wengert.native.llvm import Module, Value, ir
from wengert.native.target import host

_SIGNATURE = ir.FunctionType(llvm.VOID, [llvm.POINTER, llvm.I64, llvm.I64])
# As many sums as hide the latency of a multiplication, and fit into the registers.
_SUMS = 12


@dataclass(frozen=True)
class Arithmetic:
    """Multiplications and additions in registers, in float32. Operand: a place for the sums.

    Attributes:
        rounds: of one multiplication and addition on every sum, in each chunk.
    """

    rounds: int
    chunks: int = 1

    @property
    def key(self) -> str:
        """All that the instructions depend on."""
        return f"{self!r} {host().vector_bytes}"

    @property
    def flops(self) -> int:
        """Arithmetic of a chunk."""
        return 2 * _SUMS * self.rounds * (host().vector_bytes // 4)

    def define(self, module: Module, name: str) -> None:
        """Add the function to a module."""
        function = ir.Function(module, _SIGNATURE, name)
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        operands, begin, end = function.args
        wide = llvm.vector(llvm.F32, host().vector_bytes // 4)
        factor = llvm.constant(wide, 0.5)
        starts = [llvm.constant(wide, float(k)) for k in range(_SUMS)]

        def round_of(_: Value, *sums: Value) -> list[Value]:
            kind = f"llvm.fma.{llvm.suffix(wide)}" if host().fma else ""
            if not kind:
                return [builder.fadd(builder.fmul(x, factor), factor) for x in sums]
            return [llvm.intrinsic(builder, kind, wide, [x, factor, factor]) for x in sums]

        count = builder.mul(builder.sub(end, begin), llvm.integer(self.rounds))
        sums = llvm.loop(builder, (llvm.integer(0), count, llvm.integer(1)), round_of, starts)
        total = sums[0]
        for each in sums[1:]:
            total = builder.fadd(total, each)
        place = llvm.load(builder, operands, llvm.POINTER, 8)
        llvm.store(builder, total, place, 4)
        builder.ret_void()


@dataclass(frozen=True)
class Triad:
    """a ← b + s · c in float32. Operands: a, b, c.

    Attributes:
        numbers: of each array; a multiple of 64.
        rounds: how often a chunk does it.
    """

    numbers: int
    rounds: int
    chunks: int = 1

    @property
    def key(self) -> str:
        """All that the instructions depend on."""
        return f"{self!r} {host().vector_bytes}"

    @property
    def nbytes(self) -> int:
        """Bytes that a chunk reads and writes."""
        return 12 * self.numbers * self.rounds

    def define(self, module: Module, name: str) -> None:
        """Add the function to a module."""
        function = ir.Function(module, _SIGNATURE, name)
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        operands, begin, end = function.args
        lanes = host().vector_bytes // 4
        wide = llvm.vector(llvm.F32, lanes)
        places = [llvm.address(builder, operands, llvm.POINTER, llvm.integer(k)) for k in range(3)]
        a, b, c = (llvm.load(builder, place, llvm.POINTER, 8) for place in places)

        def element(at: Value) -> list[Value]:
            here = [llvm.address(builder, each, llvm.F32, at) for each in (a, b, c)]
            left, right = (llvm.load(builder, each, wide, 4) for each in here[1:])
            scaled = builder.fmul(right, llvm.constant(wide, 0.5))
            llvm.store(builder, builder.fadd(left, scaled), here[0], 4)
            return []

        def whole(_: Value) -> list[Value]:
            span = llvm.integer(0), llvm.integer(self.numbers), llvm.integer(lanes)
            llvm.loop(builder, span, element)
            return []

        count = builder.mul(builder.sub(end, begin), llvm.integer(self.rounds))
        llvm.loop(builder, (llvm.integer(0), count, llvm.integer(1)), whole)
        builder.ret_void()
