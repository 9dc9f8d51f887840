"""Every way a command can fail, as lines for people and an exit code; never a traceback of ours."""

from __future__ import annotations

import linecache
import traceback
from types import TracebackType

from wengert.base.errors import OptionError, WengertError
from wengert.tracing.frames import is_user_file

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


class UsageError(OptionError):
    """A command line that cannot be carried out: a file, function or option that is not there."""


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error: 2 for a wrong command line, 1 for anything else."""
    return USAGE if isinstance(error, UsageError) else FAILED


def described(error: BaseException) -> str:
    """Return what to print for an error that ended a command."""
    if isinstance(error, WengertError):
        return f"error: {error}"
    if isinstance(error, SyntaxError):
        return f"error: {_syntax(error)}"
    line = user_line(error.__traceback__)
    what = "".join(traceback.format_exception_only(error)).strip()
    if line is None:
        return (
            f"error: {what}\n  This is a mistake in Wengert itself; --traceback shows where, "
            "for a report."
        )
    return f"error: {what}\n  where:    {line}"


def user_line(start: TracebackType | None) -> str | None:
    """Return the innermost line of the user's own code in a traceback, None where there is none."""
    found = None
    for frame, number in traceback.walk_tb(start):
        file = frame.f_code.co_filename
        if is_user_file(file) and linecache.getline(file, number):
            name = frame.f_code.co_name
            place = f"{file}:{number}" + (f" in {name}" if name != "<module>" else "")
            found = f"{place}\n              {linecache.getline(file, number).strip()}"
    return found


def _syntax(error: SyntaxError) -> str:
    text = (error.text or "").rstrip()
    line = text.lstrip()
    caret = " " * max(0, (error.offset or 1) - 1 - (len(text) - len(line))) + "^"
    return (
        f"{error.filename} is not Python: {error.msg}\n"
        f"  where:    {error.filename}:{error.lineno}\n              {line}\n              {caret}"
    )
