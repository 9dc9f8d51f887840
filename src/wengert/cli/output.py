"""What a command prints: styled on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.rule import Rule

from wengert.base.errors import WengertWarning

WIDEST = 100


def make_console(stderr: bool = False) -> Console:
    """Return a console that never breaks or colours a line on its own."""
    return Console(stderr=stderr, highlight=False, soft_wrap=True, emoji=False)


def heading(console: Console, text: str) -> None:
    """Print a heading: a rule on a terminal, else an underlined line."""
    console.print()
    if console.is_terminal:
        console.print(Rule(text, align="left", style="dim"))
    else:
        console.print(f"{text}\n{'-' * len(text)}", markup=False)


def body(console: Console, text: str) -> None:
    """Print text as it is."""
    console.print(text.rstrip("\n"), markup=False)


def width(console: Console) -> int:
    """Return the columns of a table: those of the terminal, at most as many as a page has."""
    return min(WIDEST, console.width) if console.is_terminal else WIDEST


@contextmanager
def plain_warnings(console: Console) -> Generator[None]:
    """Print each warning once as a line, without our file and line, for a while."""
    shown: set[str] = set()

    def show(message: Any, *_: Any, **__: Any) -> None:
        if str(message) not in shown:
            shown.add(str(message))
            console.print(f"warning: {message}", markup=False)

    with warnings.catch_warnings():
        warnings.simplefilter("always", WengertWarning)
        warnings.showwarning = show
        yield


def tolerate_narrow_encodings() -> None:
    """Let a terminal that lacks a letter show ? for it instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
