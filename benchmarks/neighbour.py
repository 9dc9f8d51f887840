"""A neighbour: a process that keeps one of the cores busy, as other people's programs do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

_SPIN = """
import os, sys
core = int(sys.argv[1])
if core >= 0:
    os.sched_setaffinity(0, [core])
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def neighbour(there: bool) -> Generator[None]:
    """Keep the first core busy meanwhile, where a neighbour is wanted; it ends with its parent."""
    if not there:
        yield
        return
    free = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [-1]
    process = subprocess.Popen([sys.executable, "-c", _SPIN, str(free[0])])
    try:
        yield
    finally:
        process.kill()
        process.wait()
