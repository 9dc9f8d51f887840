"""What surrounds a step: rows of a batch fetched, results handed out, a bad number noticed."""

from __future__ import annotations

from dataclasses import dataclass

from wengert.native import llvm
from wengert.native.llvm import Builder, Module, Value, ir

_SIGNATURE = ir.FunctionType(llvm.VOID, [llvm.POINTER, llvm.I64, llvm.I64])
# A chunk moves about this many bytes: some microseconds from memory.
_BYTES = 32 * 1024
# Words of a refusal: the flag comes first.
_ROW = 4


@dataclass(frozen=True)
class Rows:
    """``result[i] = data[order[i]]``, rows of bytes.

    Operands: data, order (64-bit row numbers), result.

    Attributes:
        count: rows of the result.
        nbytes: bytes of a row.
    """

    count: int
    nbytes: int

    @property
    def key(self) -> str:
        """All that the instructions depend on."""
        return repr(self)

    @property
    def block(self) -> int:
        """Rows in a chunk."""
        return max(_BYTES // max(self.nbytes, 64), 1)

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return -(-self.count // self.block) if self.nbytes else 0

    def define(self, module: Module, name: str) -> None:
        """Add the function to a module."""
        builder, operands, begin, end = _function(module, name)
        data, order, result = (_pointer(builder, operands, k) for k in range(3))
        size = llvm.integer(self.nbytes)

        def row(at: Value) -> list[Value]:
            number = llvm.load(builder, llvm.address(builder, order, llvm.I64, at), llvm.I64, 8)
            source = llvm.address(builder, data, llvm.I8, builder.mul(number, size))
            target = llvm.address(builder, result, llvm.I8, builder.mul(at, size))
            _move(builder, target, source, size)
            return []

        first = builder.mul(begin, llvm.integer(self.block))
        last = builder.mul(end, llvm.integer(self.block))
        past = _least(builder, last, llvm.integer(self.count))
        llvm.loop(builder, (first, past, llvm.integer(1)), row)
        builder.ret_void()


@dataclass(frozen=True)
class Copy:
    """``result = data``, a number of bytes. Operands: data, result."""

    nbytes: int

    @property
    def key(self) -> str:
        """All that the instructions depend on."""
        return repr(self)

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return -(-self.nbytes // _BYTES)

    def define(self, module: Module, name: str) -> None:
        """Add the function to a module."""
        builder, operands, begin, end = _function(module, name)
        data, result = (_pointer(builder, operands, k) for k in range(2))
        first = builder.mul(begin, llvm.integer(_BYTES))
        last = _least(builder, builder.mul(end, llvm.integer(_BYTES)), llvm.integer(self.nbytes))
        source, target = (llvm.address(builder, each, llvm.I8, first) for each in (data, result))
        _move(builder, target, source, builder.sub(last, first))
        builder.ret_void()


@dataclass(frozen=True)
class Tell:
    """Copies scalars. Operands: for each its place and where it goes.

    Attributes:
        sizes: bytes of each.
    """

    sizes: tuple[int, ...]

    @property
    def key(self) -> str:
        """All that the instructions depend on."""
        return repr(self)

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return 1 if self.sizes else 0

    def define(self, module: Module, name: str) -> None:
        """Add the function to a module."""
        builder, operands, _, _ = _function(module, name)
        for k, size in enumerate(self.sizes):
            source, target = (_pointer(builder, operands, 2 * k + side) for side in (0, 1))
            _move(builder, target, source, llvm.integer(size))
        builder.ret_void()


@dataclass(frozen=True)
class Guard:
    """Ends the run where a kernel has refused a number. Operands: the refusals, the stop word.

    Attributes:
        count: how many refusals there may be.
    """

    count: int

    @property
    def key(self) -> str:
        """All that the instructions depend on."""
        return repr(self)

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return 1 if self.count else 0

    def define(self, module: Module, name: str) -> None:
        """Add the function to a module."""
        builder, operands, _, _ = _function(module, name)
        refusals, stop = (_pointer(builder, operands, k) for k in range(2))
        total: Value = llvm.integer(0)
        for k in range(self.count):
            place = llvm.address(builder, refusals, llvm.I64, llvm.integer(_ROW * k))
            total = builder.or_(total, llvm.load(builder, place, llvm.I64, 8))
        with builder.if_then(builder.icmp_signed("!=", total, llvm.integer(0)), likely=False):
            llvm.store(builder, llvm.integer(1), stop, 8)
        builder.ret_void()


def _function(module: Module, name: str) -> tuple[Builder, Value, Value, Value]:
    function = ir.Function(module, _SIGNATURE, name)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    return (builder, *function.args)


def _pointer(builder: Builder, operands: Value, number: int) -> Value:
    place = llvm.address(builder, operands, llvm.POINTER, llvm.integer(number))
    return llvm.load(builder, place, llvm.POINTER, 8)


def _least(builder: Builder, x: Value, y: Value) -> Value:
    return builder.select(builder.icmp_signed("<", x, y), x, y)


def _move(builder: Builder, target: Value, source: Value, size: Value) -> None:
    arguments = [target, source, size, ir.Constant(llvm.BIT, 0)]
    llvm.intrinsic(builder, "llvm.memcpy.p0.p0.i64", llvm.VOID, arguments)
