"""A look for cliffs: sizes of the sample network at which a step takes suddenly longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from benchmarks.cases import Case, data
from benchmarks.contenders import Absent, Contender
from benchmarks.contenders.with_wengert import make, prepare
from benchmarks.report import cliffs


def scan(threads: int, step: int, widths: bool = True, most: int = 300) -> dict[int, float]:
    """Return the least time of a step for each width at batch 32, or each batch at width 64.

    Args:
        threads: how many run a step.
        step: distance of neighbours; an odd one meets every remainder of a vector's length.
        widths: whether the hidden layer varies, or the batch.
        most: the largest size.
    """
    prepare(threads)
    sizes = range(1, most + 1, step)
    again: dict[int, Contender] = {}
    times = {size: _time(again.setdefault(size, _made(size, widths))) for size in sizes}
    # What a neighbour on the machine slowed down is no cliff: look again at what stands out.
    for _ in range(4):
        for size in _doubtful(times):
            times[size] = min(times[size], _time(again[size]))
    return times


def _doubtful(times: dict[int, float]) -> Iterable[int]:
    return cliffs(times, 1.4)


def _made(size: int, widths: bool) -> Contender:
    batch, width = (32, size) if widths else (size, 64)
    case = Case("scan", "scan", "mlp", batch, (784, width, 10), decay=1e-3)
    given = data(case)
    for name in ("wengert-many", "wengert"):
        try:
            made = make(name, case, given)
        except Absent:
            continue
        made.run(1)
        return made
    raise Absent("nothing to scan")


def _time(contender: Contender, seconds: float = 0.02) -> float:
    run: Callable[[int], None] = contender.run
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin = time.perf_counter()
        run(4)
        best = min(best, (time.perf_counter() - begin) / 4)
    return best
