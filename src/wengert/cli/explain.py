"""``wengert explain``: the mathematics, the source and the drawings of an objective."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from wengert.base.files import write_atomically
from wengert.cli.load import load_program
from wengert.cli.output import body, make_console
from wengert.cli.problems import OK, UsageError
from wengert.cli.shown import explained
from wengert.explanation.explain import Explanation

EXAMPLES = 8


def explain(arguments: argparse.Namespace) -> int:
    """Carry out ``wengert explain``."""
    program = load_program(arguments.target)
    batch = EXAMPLES if arguments.batch is None else arguments.batch
    if batch < 1:
        raise UsageError("--batch", expected="an integer of at least 1", got=str(batch))
    shown = explained(program, program.parameters(0), arguments.spec, batch)
    text = _forms(shown, tuple(arguments.open))[arguments.form]()
    if arguments.output is None:
        body(make_console(), text)
        return OK
    write_atomically(Path(arguments.output), text if text.endswith("\n") else text + "\n")
    body(make_console(stderr=True), f"written: {arguments.output}")
    return OK


def _forms(shown: Explanation, opened: tuple[str, ...]) -> dict[str, Callable[[], str]]:
    return {
        "text": shown.text,
        "latex": lambda: shown.latex(document=False),
        "source": shown.source,
        "svg": lambda: shown.svg("ladder", opened),
        "forward-svg": lambda: shown.svg("forward", opened),
        "html": shown.html,
    }
