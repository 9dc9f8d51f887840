"""Teams of threads that run tables of kernels, calm beside other processes.

The caller is thread 0; its helpers live as long as the team and sleep natively between runs. A
helper that lost its core is sent away by whoever waits for it, and called back when the cores
have been free for a while.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from operator import index
from pathlib import Path
from typing import SupportsIndex

from wengert.base.errors import OptionError
from wengert.native.primitives import clock_of
from wengert.native.target import cores
from wengert.native.walker import Table, Words, address, calls, words

# Python looks at signals and at the machine this often (ns); a step is never cut in two.
_TURN = 50_000_000
_SPIN, _YIELD = 30_000, 100_000
# A thread that is late twice within this time has lost its core to a neighbour.
_SOON = 20_000_000
# A team that shrank looks again after this many ns, later where that proved too early.
_PATIENCE, _LONGEST = 100_000_000, 800_000_000
_MOST_PER_CORE = 4
# Places in the control block, in words: claiming.ll tells what they are.
_COMMAND, _ACTIVE, _TIMES, _SLOTS, _SLOT = 0, 24, 26, 32, 8

Poll = Callable[[int], object]


def free_cores() -> int:
    """Return how many threads this process may keep busy: its cores, or its share of them."""
    quota = _quota(Path("/sys/fs/cgroup"))
    return max(min(cores(), int(quota) if quota else cores()), 1)


def _quota(root: Path) -> float | None:
    with suppress(OSError, ValueError):
        limit, period = (root / "cpu.max").read_text().split()
        return None if limit == "max" else int(limit) / int(period)
    with suppress(OSError, ValueError):
        limit = int((root / "cpu" / "cpu.cfs_quota_us").read_text())
        return limit / int((root / "cpu" / "cpu.cfs_period_us").read_text()) if limit > 0 else None
    return None


def checked(threads: SupportsIndex | None) -> int:
    """Return a number of threads that makes sense: by default as many as there are free cores.

    >>> checked(1)
    1
    """
    if threads is None:
        return free_cores()
    most = _MOST_PER_CORE * cores()
    if isinstance(threads, bool) or not hasattr(threads, "__index__"):
        got = f"threads={threads!r}"
        raise OptionError("threads is a number", expected="an int, or None", got=got)
    count = index(threads)
    if not 1 <= count <= most:
        raise OptionError(
            f"a program cannot run on {count} threads",
            expected=f"1 to {most} threads ({_MOST_PER_CORE} for each core)",
            got=f"threads={count} on {cores()} cores",
            remedy=f"threads=None takes {free_cores()}, one for each free core",
        )
    return count


class _Crew:
    """The control block of a team and the helpers that watch it."""

    def __init__(self, threads: int) -> None:
        self.control = words(_SLOTS + _SLOT * threads)
        self.control[_ACTIVE] = threads
        self.control[_TIMES : _TIMES + 5] = _SPIN, _YIELD, _TURN, threads, _SOON
        self.address = address(self.control)
        self.slots = self.control[_SLOTS:].reshape(threads, _SLOT)
        self.helpers: list[threading.Thread] = []
        self.caller = 0
        self.present: Table | None = None
        # Tables that a helper may still be leaving, with the command that replaced them.
        self.left: list[tuple[int, Table]] = []

    def _start(self) -> None:
        for thread in range(1, len(self.slots)):
            helper = threading.Thread(
                target=_help, args=(self.control, thread), name=f"wengert-{thread}", daemon=True
            )
            self.helpers.append(helper)
            helper.start()

    def prepare(self, table: Table, caller: int) -> None:
        """Make ready for runs of a table by this caller; keep the last until no helper is in it."""
        if len(self.helpers) < len(self.slots) - 1:
            self._start()
        if caller != self.caller:
            self.caller = caller
            self.slots[0, 1] = clock_of(threading.get_native_id())
        if self.present is not None and self.present is not table:
            self.left.append((int(self.control[_COMMAND]) + 1, self.present))
        self.present = table
        if self.left:
            seen = int(self.slots[1:, 0].min(initial=2**62))
            self.left = [(command, old) for command, old in self.left if command > seen]


def _help(control: Words, thread: int) -> None:
    slot = control[_SLOTS + _SLOT * thread :]
    slot[1] = clock_of(threading.get_native_id())
    calls().work(address(control), thread)


def _dismiss(crew: _Crew) -> None:
    calls().quit(crew.address)
    for helper in crew.helpers:
        helper.join(timeout=1.0)


class Team:
    """Threads that run tables together.

    Args:
        threads: 1 to four for each core; None for one on each free core.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = checked(threads)
        self._lock = threading.Lock()
        self._native = calls()
        self._begin()
        _teams.add(self)

    def _begin(self) -> None:
        self._crew = _Crew(self.threads)
        self._watch: _Watch | None = None
        self._patience, self._back = _PATIENCE, 0
        self._end = weakref.finalize(self, _dismiss, self._crew)

    def after_fork(self) -> None:
        """Forget the parent's helpers: a child has none of its parent's threads."""
        self._end.detach()
        self._lock = threading.Lock()
        self._begin()

    @property
    def active(self) -> int:
        """Return how many threads take part now: fewer than all where others hold the cores."""
        return int(self._crew.control[_ACTIVE])

    @property
    def retreats(self) -> int:
        """Return how often the team shrank because a thread had lost its core."""
        return int(self._crew.control[_ACTIVE + 1])

    def close(self) -> None:
        """End the helpers; the team can run no more."""
        self._end()

    def run(self, table: Table, steps: int = 1, poll: Poll | None = None) -> int:
        """Run a table ``steps`` times and return how many steps were done.

        Python looks in about twenty times a second between two steps: Ctrl-C ends the run there,
        and ``poll(done)`` is called, which ends it by returning True. A team that is already
        running leaves this run to the caller's own thread: the same numbers, later.
        """
        me = threading.get_ident()
        if table.runner == me:
            raise RuntimeError("a table cannot run inside its own run")
        with table.lock:
            if table.torn:
                raise RuntimeError("the process was forked in the middle of a step of this table")
            table.runner = me
            mine = self._lock.acquire(blocking=False)
            try:
                crew = self._crew if mine else _alone()
                if mine and table.wide and (table is not crew.present or me != crew.caller):
                    crew.prepare(table, me)
                return self._turns(crew, table, steps, poll)
            finally:
                table.runner = None
                if mine:
                    self._lock.release()

    def _turns(self, crew: _Crew, table: Table, steps: int, poll: Poll | None) -> int:
        told = self._native.run(crew.address, table.address, steps)
        done = told >> 1
        while True:
            if told & 1:
                self._look_around(crew)
            if poll is not None and poll(done) is True:
                return done
            if done >= steps or table.stopped:
                return done
            told = self._native.resume(crew.address, table.address, steps - done)
            done += told >> 1

    def _look_around(self, crew: _Crew) -> None:
        now = time.monotonic_ns()
        if self._watch is None:
            early = self._back and now - self._back < 4 * _PATIENCE
            self._patience = min(2 * self._patience, _LONGEST) if early else _PATIENCE
            self._watch = _Watch(crew)
        elif now - self._watch.since >= self._patience:
            room = min(self._watch.room(), self.threads)
            if room > crew.control[_ACTIVE]:
                crew.control[_ACTIVE] = room
                self._back, self._watch = now, None
            else:
                self._watch = _Watch(crew)


class _Watch:
    """How busy other processes keep the cores, from now on."""

    def __init__(self, crew: _Crew) -> None:
        self.clocks = [int(clock) for clock in crew.slots[:, 1] if clock]
        self.since = time.monotonic_ns()
        self.idle, self.ours = _idle(), self._spent()

    def room(self) -> int:
        """Return how many cores have been free, or held by the team, since this watch began."""
        idle, wall = _idle(), time.monotonic_ns() - self.since
        if self.idle is None or idle is None:
            return free_cores()
        others = cores() - (idle - self.idle + self._spent() - self.ours) / wall
        # The system counts in ticks of 10 ms, and is never quite still itself.
        return min(int(cores() - others + 0.25), free_cores())

    def _spent(self) -> int:
        spent = 0
        for clock in self.clocks:
            with suppress(OSError):
                spent += time.clock_gettime_ns(clock)
        return spent


def _idle() -> int | None:
    """Return the nanoseconds that this process's cores have been idle since the machine began."""
    try:
        lines = Path("/proc/stat").read_text().splitlines()
        mine = {f"cpu{core}" for core in os.sched_getaffinity(0)}
        idle = [line.split()[4:6] for line in lines if line.split(" ", 1)[0] in mine]
        ticks = sum(int(column) for columns in idle for column in columns)
        return ticks * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None


_teams: weakref.WeakSet[Team] = weakref.WeakSet()


@cache
def _alone() -> _Crew:
    return _Crew(1)


@cache
def _shared(threads: int) -> Team:
    return Team(threads)


def team(threads: int | None = None) -> Team:
    """Return the process's one team of so many threads."""
    return _shared(checked(threads))


def _after_fork() -> None:
    for each in list(_teams):
        each.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
