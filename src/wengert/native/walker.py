"""The table of a program: which kernels run, in what order, and where threads must wait.

Threads walk the table natively (claiming.ll and running.ll tell how). Chunk boundaries are the
record's own, so the same numbers come out for any number of threads.
"""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wengert.native.jit import Library, session
from wengert.native.primitives import primitives

Words = NDArray[np.int64]

# Waking a partner and hearing from it costs more than this many nanoseconds of work.
SMALL = 3_000.0
_LINE = 8
# Places in the head of a table, in words: claiming.ll tells what they are.
_GATE, _ORIGIN, _STOP, _GROUPS, _TIMED, _WIDE = 0, 9, 11, 16, 24, 25
_HEAD = 4 * _LINE
_CALLS = ("wengert_run", "wengert_resume", "wengert_work", "wengert_quit")


@dataclass(frozen=True, slots=True)
class Record:
    """One kernel of a program.

    Attributes:
        kernel: address of ``void(ptr operands, i64 begin, i64 end)``.
        operands: address of its array of pointers.
        chunks: how many chunks it has; threads share them out.
        barrier: whether it reads what an earlier record since the last barrier wrote.
        chained: chunk c needs only chunk c of the record before, which has as many chunks:
            whoever runs the one runs the other right after it, without a barrier.
        grain: how many chunks are claimed at a time.
        nanoseconds: what it costs on one thread; below ``SMALL`` one thread runs all of it.
        stride: bytes added to ``operands`` at every step: a table of pointers for many steps.
    """

    kernel: int
    operands: int
    chunks: int
    barrier: bool = True
    chained: bool = False
    grain: int = 1
    nanoseconds: float = float("inf")
    stride: int = 0


@dataclass(frozen=True, slots=True)
class _Stage:
    first: int
    last: int
    chunks: int
    grain: int

    @property
    def units(self) -> int:
        return -(-self.chunks // self.grain)


class Table:
    """Records laid out for the walker.

    Args:
        records: in order; the memory behind their addresses must outlive every run.
        owners: how many blocks the chunks of each record are shared into: the team's threads.
        keep: what must live as long as the table: libraries, operands.
    """

    def __init__(
        self, records: Sequence[Record], owners: int = 1, keep: Sequence[object] = ()
    ) -> None:
        self._keep = tuple(keep)
        self.records, self.owners = tuple(records), owners
        self.lock = threading.Lock()
        self.runner: int | None = None
        self.torn = False
        _tables.add(self)
        groups = _groups(self.records)
        stages = [stage for group in groups for stage in group]
        self.wide = any(stage.units > 1 for stage in stages)
        self._rows = words(4 * len(self.records))
        for i, record in enumerate(self.records):
            row = record.kernel, record.operands, record.stride, 0
            self._rows[4 * i : 4 * i + 4] = np.array(row, np.uint64).view(np.int64)
        self._groups = _group_rows(groups)
        self._stages = _stage_rows(stages)
        self._claims = _claim_rows(stages, owners)
        self._done = words(_LINE * len(groups))
        self._head = words(_HEAD)
        self._head[_GATE] = 1
        self._head[_WIDE] = int(self.wide)
        self._head[_GROUPS : _GROUPS + 8] = (
            len(groups), owners, address(self._groups), address(self._stages),
            address(self._rows), address(self._claims), 8 * len(self._claims) // owners,
            address(self._done),
        )  # fmt: skip
        self.address = address(self._head)

    @property
    def groups(self) -> int:
        """Return how many times a step the threads wait for one another."""
        return len(self._groups) // 4

    @property
    def steps(self) -> int:
        """Return how many steps of the present run have begun; any thread may ask."""
        return int(self._head[_GATE] >> 1) - int(self._head[_ORIGIN])

    @property
    def stop_address(self) -> int:
        """Return where a kernel writes anything but 0 to end the run after this step."""
        return self.address + 8 * _STOP

    @property
    def stopped(self) -> bool:
        """Return whether the present or last run was told to stop."""
        return bool(self._head[_STOP])

    def stop(self) -> None:
        """End the present run after the step it is in; any thread may ask."""
        self._head[_STOP] = 1

    def after_fork(self) -> None:
        """Let a child run the table, unless the fork cut a step in two."""
        self.torn |= self.runner not in (None, threading.get_ident())
        self.lock, self.runner = threading.Lock(), None

    def measure(self, on: bool = True) -> None:
        """Add up the time of each record from now on, or no longer."""
        self._rows[3::4] = 0
        self._head[_TIMED] = int(on)

    def nanoseconds(self) -> list[int]:
        """Return the time spent in each record, by all threads together, since ``measure``."""
        return [int(spent) for spent in self._rows[3::4]]


_tables: weakref.WeakSet[Table] = weakref.WeakSet()


def _after_fork() -> None:
    for table in list(_tables):
        table.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _groups(records: Sequence[Record]) -> list[list[_Stage]]:
    groups: list[list[_Stage]] = []
    for i, record in enumerate(records):
        if record.chunks <= 0:
            continue
        if record.chained and groups:
            _join(groups[-1], records, i)
        elif record.barrier or not groups:
            groups.append([_stage(record, i)])
        else:
            groups[-1].append(_stage(record, i))
    return groups


def _stage(record: Record, i: int) -> _Stage:
    grain = record.chunks if record.nanoseconds < SMALL else max(record.grain, 1)
    return _Stage(i, i + 1, record.chunks, grain)


def _join(group: list[_Stage], records: Sequence[Record], i: int) -> None:
    head = group[-1]
    if head.last != i or head.chunks != records[i].chunks:
        raise ValueError(
            f"record {i} is chained to one of {head.chunks} chunks and has {records[i].chunks}"
        )
    cost = sum(record.nanoseconds for record in records[head.first : i + 1])
    grain = head.chunks if cost < SMALL else max(records[head.first].grain, 1)
    group[-1] = _Stage(head.first, i + 1, head.chunks, grain)


def _group_rows(groups: list[list[_Stage]]) -> Words:
    wide = [any(stage.units > 1 for stage in group) for group in groups]
    rows, first = words(4 * len(groups)), 0
    for i, group in enumerate(groups):
        # Sleepers are worth waking for work that can be shared, and to end what was shared.
        wakes = wide[i] or wide[(i + 1) % len(groups)]
        units = sum(stage.units for stage in group)
        rows[4 * i : 4 * i + 4] = first, first + len(group), units, wakes
        first += len(group)
    return rows


def _stage_rows(stages: list[_Stage]) -> Words:
    rows = words(_LINE * len(stages))
    for i, stage in enumerate(stages):
        row = stage.units, stage.grain, stage.chunks, stage.first, stage.last
        rows[_LINE * i : _LINE * i + 5] = row
    return rows


def _claim_rows(stages: list[_Stage], owners: int) -> Words:
    # One row of lines an owner, so that no two threads write to one line unless one helps out.
    width = -(-4 * len(stages) // _LINE) * _LINE or _LINE
    rows = words(width * owners)
    for owner in range(owners):
        for i, stage in enumerate(stages):
            first, past = (-(-(owner + more) * stage.units // owners) for more in (0, 1))
            at = owner * width + 4 * i
            rows[at : at + 3] = 0, first, past - first
    return rows


def words(count: int) -> Words:
    """Return zeros that begin on a cache line."""
    block = np.zeros(count + _LINE, np.int64)
    skip = (-address(block) % (8 * _LINE)) // 8
    return block[skip : skip + count]


def address(array: Words) -> int:
    """Return where an array begins."""
    return array.ctypes.data


@dataclass(frozen=True, slots=True)
class Calls:
    """The walker's functions; ctypes lets other Python threads run meanwhile."""

    library: Library
    run: Callable[[int, int, int], int]
    resume: Callable[[int, int, int], int]
    work: Callable[[int, int], None]
    quit: Callable[[int], None]


@cache
def calls() -> Calls:
    """Return the walker, compiled or read from the disk."""
    here = Path(__file__).parent
    files = ("waiting.ll", "claiming.ll", "running.ll")
    text = "\n".join([primitives(), *((here / name).read_text() for name in files)])
    library = session().text(text, _CALLS)
    run, resume, work, leave = (library.addresses[name] for name in _CALLS)
    number = ctypes.c_int64
    return Calls(
        library,
        ctypes.CFUNCTYPE(number, *[number] * 3)(run),
        ctypes.CFUNCTYPE(number, *[number] * 3)(resume),
        ctypes.CFUNCTYPE(None, number, number)(work),
        ctypes.CFUNCTYPE(None, number)(leave),
    )
