"""The kernels of a program as text."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.base.quantities import format_bytes
from wengert.native.kernel import Kernel

_HEAD = ("", "kernel", "space", "flops", "bytes", "chunks", "from")


def listing(
    name: str, kernels: Sequence[Kernel], barriers: Sequence[bool], arena_bytes: int, threads: int
) -> str:
    """Return a row a kernel; a line ahead of it says that threads wait there for one another."""
    rows = [_HEAD, *(_row(n, kernel) for n, kernel in enumerate(kernels))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [_line(row, widths) for row in rows]
    body: list[str] = [lines[0]]
    for line, barrier in zip(lines[1:], barriers, strict=True):
        body += ["-" * sum(widths)] if barrier else []
        body.append(line)
    flops = sum(kernel.flops for kernel in kernels)
    head = (
        f"{name}: {len(kernels)} kernels, {sum(barriers)} barriers, {flops:,} flops, "
        f"arena {format_bytes(arena_bytes)}, {threads} thread{'s' * (threads != 1)}"
    )
    return "\n".join([head, *body])


def _row(number: int, kernel: Kernel) -> tuple[str, ...]:
    space = "×".join(map(str, kernel.shape)) or "1"
    lines = ", ".join(dict.fromkeys(f"{at.file.rsplit('/', 1)[-1]}:{at.line}"
                                    for at in kernel.locations))  # fmt: skip
    return (
        str(number), kernel.name[:40], space, f"{kernel.flops:,}", f"{kernel.nbytes:,}",
        str(kernel.body.chunks), lines,
    )  # fmt: skip


def _line(row: tuple[str, ...], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
