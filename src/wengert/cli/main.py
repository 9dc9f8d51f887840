"""``wengert``: the command line."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from wengert.cli import sample
from wengert.cli.arguments import make_parser
from wengert.cli.explain import explain
from wengert.cli.output import make_console, plain_warnings, tolerate_narrow_encodings
from wengert.cli.plan import plan
from wengert.cli.problems import FAILED, INTERRUPTED, USAGE, described, exit_code
from wengert.cli.train import train


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line and return its exit code.

    >>> main(["explain", "no_such_file.py:objective"])
    2
    """
    tolerate_narrow_encodings()
    commands = {"train": train, "explain": explain, "plan": plan}
    parser = make_parser(commands, sample.__file__)
    chosen = parser.parse_args(arguments)
    if chosen.name_of_command is None:
        parser.print_help()
        return USAGE
    with plain_warnings(make_console(stderr=True)):
        return _carried_out(chosen)


def _carried_out(chosen: argparse.Namespace) -> int:
    try:
        return chosen.command(chosen)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has enough; Python must not complain of it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if chosen.traceback:
            traceback.print_exc()
        print(described(error), file=sys.stderr)
        return exit_code(error)
