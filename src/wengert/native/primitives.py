"""What the walker asks of the operating system, as LLVM IR for each platform.

Linux sleeps on a futex; elsewhere a thread naps for a while and looks again.
"""

from __future__ import annotations

import platform
import sys

# The system call number of futex, by machine; its operations on memory of one process.
_FUTEX = {"x86_64": 202, "AMD64": 202, "aarch64": 98, "arm64": 98, "riscv64": 98, "ppc64le": 221}
_WAIT, _WAKE = 128, 129

_PAUSE = ("declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()")
_HINT = ("declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)")
_RELAX = {"x86_64": _PAUSE, "AMD64": _PAUSE, "aarch64": _HINT, "arm64": _HINT}

_POSIX = """
declare i32 @clock_gettime(i32, ptr)
declare i32 @sched_yield()

define internal i64 @clock(i32 %id) {
  %at = alloca [2 x i64]
  %failed = call i32 @clock_gettime(i32 %id, ptr %at)
  %s = load i64, ptr %at
  %pn = getelementptr i64, ptr %at, i64 1
  %n = load i64, ptr %pn
  %ns = mul i64 %s, 1000000000
  %sum = add i64 %ns, %n
  %bad = icmp ne i32 %failed, 0
  %r = select i1 %bad, i64 -1, i64 %sum
  ret i64 %r
}

define internal i64 @now() {
  %r = call i64 @clock(i32 MONOTONIC)
  ret i64 %r
}

define internal void @give() {
  %r = call i32 @sched_yield()
  ret void
}
"""

_FUTEX_SLEEP = """
declare i64 @syscall(i64, ...)

define internal void @nap(ptr %bell, i32 %seen, i64 %ns) {
  %at = alloca [2 x i64]
  store i64 0, ptr %at
  %pn = getelementptr i64, ptr %at, i64 1
  store i64 %ns, ptr %pn
  %forever = icmp eq i64 %ns, 0
  %limit = select i1 %forever, ptr null, ptr %at
  %r = call i64 (i64, ...) @syscall(i64 FUTEX, ptr %bell, i32 WAIT, i32 %seen, ptr %limit)
  ret void
}

define internal void @strike(ptr %bell) {
  %r = call i64 (i64, ...) @syscall(i64 FUTEX, ptr %bell, i32 WAKE, i32 2147483647)
  ret void
}
"""

_POLLED_SLEEP = """
declare i32 @usleep(i32)

define internal void @nap(ptr %bell, i32 %seen, i64 %ns) {
  %parked = icmp eq i64 %ns, 0
  %us = select i1 %parked, i32 500, i32 50
  %r = call i32 @usleep(i32 %us)
  ret void
}

define internal void @strike(ptr %bell) {
  ret void
}
"""

# The performance counter of Windows counts in units of 100 ns.
_WINDOWS = """
declare i32 @QueryPerformanceCounter(ptr)
declare i32 @SwitchToThread()
declare void @Sleep(i32)

define internal i64 @clock(i32 %id) {
  ret i64 -1
}

define internal i64 @now() {
  %at = alloca i64
  %ok = call i32 @QueryPerformanceCounter(ptr %at)
  %ticks = load i64, ptr %at
  %ns = mul i64 %ticks, 100
  ret i64 %ns
}

define internal void @give() {
  %r = call i32 @SwitchToThread()
  ret void
}

define internal void @nap(ptr %bell, i32 %seen, i64 %ns) {
  call void @Sleep(i32 1)
  ret void
}

define internal void @strike(ptr %bell) {
  ret void
}
"""


def primitives(system: str = sys.platform, machine: str = platform.machine()) -> str:
    """Return the IR of clock, pause, yield and sleep for a platform (default: this one)."""
    return _relax(machine) + _system(system, machine)


def _system(system: str, machine: str) -> str:
    if system == "win32":
        return _WINDOWS
    posix = _POSIX.replace("MONOTONIC", "6" if system == "darwin" else "1")
    if system != "linux" or machine not in _FUTEX:
        return posix + _POLLED_SLEEP
    sleep = _FUTEX_SLEEP.replace("FUTEX", str(_FUTEX[machine]))
    return posix + sleep.replace("WAIT", str(_WAIT)).replace("WAKE", str(_WAKE))


def _relax(machine: str) -> str:
    declaration, call = _RELAX.get(machine, ("", ""))
    return f"{declaration}\ndefine internal void @relax() {{\n  {call}\n  ret void\n}}\n"


def clock_of(thread: int) -> int:
    """Return the clock that counts a thread's time on a core, 0 where there is none.

    ``thread`` is the system's own number, ``threading.get_native_id()``.
    """
    # Linux: the complement of the number, then 6: this one thread, in nanoseconds of run time.
    return ((~thread) << 3) | 6 if sys.platform == "linux" else 0
