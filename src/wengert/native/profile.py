"""Where the time of a program goes, kernel by kernel, against what the machine can do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from wengert.base.quantities import format_bytes
from wengert.native.jit import Code, session
from wengert.native.kernel import Body, Kernel
from wengert.native.kernels.peak import Arithmetic, Triad
from wengert.native.target import host
from wengert.native.threads import team
from wengert.native.walker import Record, Table

_SECONDS = 0.2
_HEAD = ("", "kernel", "µs", "share", "GFLOP/s", "of peak", "GB/s", "of peak", "from")


@dataclass(frozen=True, slots=True)
class Peaks:
    """What one core can do.

    Attributes:
        flops: a second, additions and multiplications of float32 in registers.
        cache: bytes a second, of a ← b + s · c in the second-level cache.
        memory: bytes a second, of the same over arrays much larger than that cache.
    """

    flops: float
    cache: float
    memory: float


@dataclass(frozen=True, slots=True)
class Row:
    """One kernel.

    Attributes:
        kernel: what it computes.
        seconds: time of all threads together, in each step.
    """

    kernel: Kernel
    seconds: float

    @property
    def flops(self) -> float:
        """Arithmetic a second, on one core."""
        return self.kernel.flops / self.seconds if self.seconds else 0.0

    @property
    def bandwidth(self) -> float:
        """Bytes a second, each read or written once, on one core."""
        return self.kernel.nbytes / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Profile:
    """The time of each kernel; its text is a table.

    Attributes:
        rows: in the order in which they run.
        seconds: of a step, from beginning to end.
        steps: how many were measured.
        threads: how many ran them.
        peaks: what one core can do.
    """

    rows: tuple[Row, ...]
    seconds: float
    steps: int
    threads: int
    peaks: Peaks

    def __str__(self) -> str:
        total = sum(row.seconds for row in self.rows) or 1.0
        cells = [_HEAD, *(self._cells(n, row, total) for n, row in enumerate(self.rows))]
        widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
        lines = [_line(row, widths) for row in cells]
        waited = max(self.seconds * self.threads - total, 0.0)
        head = (
            f"{self.seconds * 1e6:,.1f} µs a step on {self.threads} threads, "
            f"{100 * waited / (self.seconds * self.threads):.0f} % of it waiting "
            f"({self.steps:,} steps measured)"
        )
        foot = (
            f"peak of a core: {self.peaks.flops / 1e9:.0f} GFLOP/s in float32, "
            f"{format_bytes(int(self.peaks.cache))}/s in cache, "
            f"{format_bytes(int(self.peaks.memory))}/s from memory"
        )
        return "\n".join([head, foot, *lines])

    def _cells(self, number: int, row: Row, total: float) -> tuple[str, ...]:
        kernel, peaks = row.kernel, self.peaks
        bound = peaks.cache if kernel.nbytes <= host().l3 else peaks.memory
        lines = (f"{at.file.rsplit('/', 1)[-1]}:{at.line}" for at in kernel.locations)
        return (
            str(number), kernel.name[:32], f"{row.seconds * 1e6:.2f}",
            f"{100 * row.seconds / total:.0f} %",
            f"{row.flops / 1e9:.1f}", f"{100 * row.flops / peaks.flops:.0f} %",
            f"{row.bandwidth / 1e9:.1f}", f"{100 * row.bandwidth / bound:.0f} %",
            ", ".join(dict.fromkeys(lines)),
        )  # fmt: skip


def profiled(
    kernels: Sequence[Kernel], table: Table, threads: int, run: Callable[[int], int]
) -> Profile:
    """Return where the time of a table's steps goes; ``run`` takes a number of them.

    The clock is read around every kernel, which costs small ones some percent.
    """
    run(1)
    table.measure()
    try:
        steps, begun = 0, time.perf_counter()
        while (spent := time.perf_counter() - begun) < _SECONDS:
            steps += run(max(steps, 1))
        nanoseconds = table.nanoseconds()
    finally:
        table.measure(False)
    rows = [
        Row(kernel, each / 1e9 / steps) for kernel, each in zip(kernels, nanoseconds, strict=True)
    ]
    return Profile(tuple(rows), spent / steps, steps, threads, peaks())


@cache
def peaks() -> Peaks:
    """Return what one core can do, measured once: about 0.1 s."""
    arithmetic = Arithmetic(100_000)
    near, far = host().l2 // 2 // 12, 4 * max(host().l2, 2**22) // 4
    return Peaks(
        arithmetic.flops / _least(arithmetic, 64),
        *(triad.nbytes / _least(triad, triad.numbers)
          for triad in (Triad(near // 64 * 64, 100), Triad(far // 64 * 64, 1))),
    )  # fmt: skip


def _least(body: Body, numbers: int) -> float:
    """Return the seconds that a body takes at least, over three arrays."""
    arrays = [np.ones(numbers, np.float32) for _ in range(3)]
    pointers = np.array([array.ctypes.data for array in arrays], np.uint64)
    (kernel,) = session().load([Code(body.key, body.define)])
    table = Table([Record(kernel.address, pointers.ctypes.data, 1)], 1, (arrays, kernel))
    alone, best = team(1), float("inf")
    for _ in range(7):
        begun = time.perf_counter()
        alone.run(table)
        best = min(best, time.perf_counter() - begun)
    return best


def _line(row: tuple[str, ...], widths: Sequence[int]) -> str:
    left = (0, 1, 8)
    cells = (
        cell.ljust(width) if column in left else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join(cells).rstrip()
