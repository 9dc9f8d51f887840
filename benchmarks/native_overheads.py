"""What the native floor costs beside its kernels, and how calm it stays beside a neighbour.

Run: ``python benchmarks/native_overheads.py [--neighbour SECONDS]``. Times of calls are the least
of many; times beside a neighbour are spreads, told with what other processes really took.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from wengert.native.cache import Cache
from wengert.native.jit import Library, Session, session
from wengert.native.threads import Team, _idle, free_cores
from wengert.native.walker import SMALL, Record, Table, calls

_NOTHING = "define void @nothing(ptr %o, i64 %a, i64 %b) {\n  ret void\n}\n"
_BUSY = "import time\nend = time.time() + float('{0}')\nwhile time.time() < end: pass"

# n rounds of a chain of multiplications a chunk: work that touches no memory.
_WORK = """
define void @work(ptr %ops, i64 %a, i64 %b) {
entry:
  %x = load ptr, ptr %ops
  %pn = getelementptr ptr, ptr %ops, i64 1
  %n = load i64, ptr %pn
  br label %next
next:
  %c = phi i64 [ %a, %entry ], [ %c1, %told ]
  br label %round
round:
  %i = phi i64 [ 0, %next ], [ %i1, %round ]
  %f = phi double [ 1.0, %next ], [ %f1, %round ]
  %f1 = fmul double %f, 0x3FF0000001000000
  %i1 = add i64 %i, 1
  %more = icmp slt i64 %i1, %n
  br i1 %more, label %round, label %told
told:
  %p = getelementptr double, ptr %x, i64 %c
  store double %f1, ptr %p
  %c1 = add i64 %c, 1
  %again = icmp slt i64 %c1, %b
  br i1 %again, label %next, label %done
done:
  ret void
}
"""

# A kernel of a usual size: 6 rows by 4 vectors of accumulators, over k.
_ROWS, _COLUMNS = 6, 4


def _tile() -> str:
    cells = [(i, j) for i in range(_ROWS) for j in range(_COLUMNS)]
    lines = [
        "declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)",
        "define void @tile(ptr %ops, i64 %a, i64 %b) {",
        "entry:",
        "  br label %k",
        "k:",
        "  %i = phi i64 [ %a, %entry ], [ %i1, %k ]",
    ]
    zero = "zeroinitializer"
    for i, j in cells:
        lines.append(f"  %c{i}{j} = phi <16 x float> [ {zero}, %entry ], [ %d{i}{j}, %k ]")
    for j in range(_COLUMNS):
        lines += [
            f"  %pb{j} = getelementptr <16 x float>, ptr %ops, i64 {j}",
            f"  %b{j} = load <16 x float>, ptr %pb{j}, align 64",
        ]
    for i in range(_ROWS):
        lines += [
            f"  %pa{i} = getelementptr float, ptr %ops, i64 {i}",
            f"  %a{i} = load float, ptr %pa{i}",
            f"  %e{i} = insertelement <16 x float> poison, float %a{i}, i32 0",
            f"  %v{i} = shufflevector <16 x float> %e{i}, <16 x float> poison, "
            "<16 x i32> zeroinitializer",
        ]
    for i, j in cells:
        lines.append(
            f"  %d{i}{j} = call <16 x float> @llvm.fma.v16f32(<16 x float> %v{i}, "
            f"<16 x float> %b{j}, <16 x float> %c{i}{j})"
        )
    lines += ["  %i1 = add i64 %i, 1", "  %more = icmp slt i64 %i1, %b"]
    lines += ["  br i1 %more, label %k, label %done", "done:"]
    for i, j in cells:
        lines += [
            f"  %q{i}{j} = getelementptr <16 x float>, ptr %ops, i64 {8 + _COLUMNS * i + j}",
            f"  store <16 x float> %d{i}{j}, ptr %q{i}{j}, align 64",
        ]
    return "\n".join([*lines, "  ret void", "}", ""])


def least(function: Callable[[], object], times: int) -> float:
    """Return the least time of many calls, in seconds."""
    best = float("inf")
    for _ in range(times):
        begin = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - begin)
    return best


def calls_and_barriers() -> None:
    """Print what a call, a record and a barrier cost."""
    library = session().text(_NOTHING, ["nothing"])
    nothing = library.addresses["nothing"]
    native, empty = calls(), Table([])
    one, two = Team(1), Team(2)
    crew, place = one._crew.address, empty.address
    _tell("empty call of a team", 1e9 * least(lambda: one.run(empty, 0), 20_000), "ns")
    _tell("of it native", 1e9 * least(lambda: native.resume(crew, place, 0), 20_000), "ns")
    rows = [Record(nothing, 0, 8)] * 50
    small = [Record(nothing, 0, 8, nanoseconds=SMALL / 2)] * 50
    free = [Record(nothing, 0, 8, barrier=False)] * 50
    for name, team, records in (
        ("one thread", one, rows),
        ("two threads", two, rows),
        ("two threads, small", two, small),
        ("two threads, no barrier", two, free),
    ):
        table = Table(records, team.threads, [library])
        spent = least(partial(team.run, table, 400), 60) / (50 * 400)
        _tell(f"record of 8 chunks, {name}", 1e9 * spent, "ns")


def compiling() -> None:
    """Print what the walker and a usual kernel cost to compile, and to load from the disk."""
    begin = time.perf_counter()
    calls()
    _tell("the walker, first time or from disk", 1e3 * (time.perf_counter() - begin), "ms")
    text, loaded = _tile(), list[Library]()
    with tempfile.TemporaryDirectory() as folder:
        cold, warm = Session(Cache(Path(folder))), Session(Cache(Path(folder)))
        for session_, name, times in ((cold, "compiled", 1), (warm, "from disk", 20)):
            spent = least(partial(_load, session_, text, loaded), times)
            _tell(f"a tile of 6 x 4 vectors, {name}", 1e3 * spent, "ms")
        assert warm.compiled == 0


def _load(session_: Session, text: str, loaded: list[Library]) -> None:
    loaded.append(session_.text(text, ["tile"]))


def _tell(what: str, number: float, unit: str) -> None:
    print(f"{what:45s} {number:9.2f} {unit}")


def _window(team: Team, table: Table, seconds: float) -> np.ndarray:
    spent, end = [], time.perf_counter() + seconds
    while (begin := time.perf_counter()) < end:
        team.run(table, 1)
        spent.append(time.perf_counter() - begin)
    return 1e6 * np.array(spent)


def _beside(team: Team, table: Table) -> tuple[np.ndarray, float]:
    idle, own, begin = _idle(), time.process_time_ns(), time.monotonic_ns()
    spent = _window(team, table, 0.3)
    wall = time.monotonic_ns() - begin
    free = (_idle() or 0) - (idle or 0) + time.process_time_ns() - own
    return spent, free_cores() - free / wall


def neighbours(seconds: float) -> None:
    """Print the spread of step times on one and two threads, alone and beside one neighbour."""
    library, x = session().text(_WORK, ["work"]), np.zeros(64)
    teams = {1: Team(1), 2: Team(2)}
    print("\nstep times in us; a step counts as late above 1.15 x the median of one thread")
    for rounds, chunks in ((500, 8), (5_000, 16), (50_000, 16)):
        operands = np.array([x.ctypes.data, rounds], np.uint64)
        row = Record(library.addresses["work"], operands.ctypes.data, chunks)
        tables = {n: Table([row] * 4, n, [library, operands]) for n in teams}
        found: dict[tuple[str, int], list[np.ndarray]] = {}
        for busy in (False, True):
            command = [sys.executable, "-c", _BUSY.format(seconds)]
            hog = subprocess.Popen(command) if busy else None
            end = time.time() + seconds / 6
            while time.time() < end:
                for n, team in teams.items():
                    spent, others = _beside(team, tables[n])
                    where = "alone" if others < 0.2 else "beside" if others < 1.3 else "crowd"
                    found.setdefault((where, n), []).append(spent)
            if hog is not None:
                hog.kill()
                hog.wait()
        _spread(found)


def _spread(found: dict[tuple[str, int], list[np.ndarray]]) -> None:
    first = found.get(("alone", 1)) or found.get(("beside", 1))
    if not first:
        print("  the machine was too busy to tell")
        return
    one = float(np.median(np.concatenate(first)))
    for (where, n), parts in sorted(found.items()):
        if where != "crowd":
            all_ = np.concatenate(parts)
            quantiles = " ".join(f"{q:9.1f}" for q in np.percentile(all_, [50, 95, 99]))
            late = 100 * float((all_ > 1.15 * one).mean())
            print(f"  {where:7s} {n} threads: mean {all_.mean():9.1f} p50/95/99 {quantiles}"
                  f" late {late:5.2f} %")  # fmt: skip


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--neighbour", type=float, default=0.0, metavar="SECONDS")
    asked = parser.parse_args()
    compiling()
    calls_and_barriers()
    if asked.neighbour > 0:
        neighbours(asked.neighbour)


if __name__ == "__main__":
    main()
