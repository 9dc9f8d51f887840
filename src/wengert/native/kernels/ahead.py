"""What comes after the present block of B, fetched while the tiles of this one are computed.

A tile reads B faster than memory beyond the second cache delivers it, and in rows that no
prefetcher of the processor foresees. At each k a tile asks for one line of the next block: the
first tile of a chunk for the first line of every row, the next one for the second, and so on.
"""

from __future__ import annotations

from wengert.native.kernels.schedule import Schedule
from wengert.native.llvm import I8, I32, VOID, Builder, Value, address, integer, intrinsic, ir

# Bytes of a line, and of B that are worth asking for.
_LINE, _LEAST = 64, 2**16


def lines_ahead(schedule: Schedule) -> int:
    """Return how many lines of each row of a block are fetched ahead, 0 where that does not pay."""
    k, n, size = schedule.k[-1], schedule.n, schedule.dtype.itemsize
    if schedule.packed or schedule.dot or len(schedule.k) > 1 or n.b != 1:
        return 0
    if k.size * n.size * size < _LEAST:
        return 0
    lines = -(-schedule.columns.size * size // _LINE)
    return lines if schedule.row_blocks.size >= lines else 0


def line_of(builder: Builder, lines: int, tile: Value) -> Value:
    """Return how many bytes into each row the tile of this number in a chunk looks ahead."""
    return builder.mul(builder.urem(tile, integer(lines)), integer(_LINE))


def fetch(builder: Builder, pointer: Value, away: Value) -> None:
    """Emit a request for the line so many bytes away, into the second cache."""
    how = [ir.Constant(I32, word) for word in (0, 2, 1)]
    here = address(builder, pointer, I8, away)
    intrinsic(builder, "llvm.prefetch.p0", VOID, [here, *how])
