"""A word on the error stream while compiling takes long, and nothing while it does not."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

_SECONDS = 2.0
_CLEAR = "\r\x1b[2K"


@contextmanager
def patience(what: str, after: float = _SECONDS) -> Generator[None]:
    """Say that something is still being done once it has taken ``after`` seconds.

    On a terminal the line counts the seconds and is gone in the end; elsewhere it is said once.
    """
    ended = threading.Event()
    watch = threading.Thread(target=_say, args=(what, after, ended), daemon=True)
    watch.start()
    try:
        yield
    finally:
        ended.set()
        # What is written after this must not be wiped out by the last line.
        watch.join(timeout=1.0)


def _say(what: str, after: float, ended: threading.Event) -> None:
    begun = time.monotonic()
    if ended.wait(after):
        return
    stream = sys.stderr
    try:
        if not stream.isatty():
            stream.write(f"{what} …\n")
            return
        while not ended.wait(0.5):
            stream.write(f"{_CLEAR}{what} … {time.monotonic() - begun:.0f} s")
            stream.flush()
        stream.write(_CLEAR)
        stream.flush()
    except (OSError, ValueError, AttributeError):
        # A closed or absent stream is no reason to stop.
        return
