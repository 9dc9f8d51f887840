"""``wengert plan``: what a step holds in memory, why, and whether it fits; nothing is run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console  # pyright: ignore[reportMissingImports]

from wengert.base.errors import BudgetError, OptionError, WengertError
from wengert.base.files import write_atomically
from wengert.base.quantities import format_bytes, parse_bytes
from wengert.cli.load import Program, batch_specs, load_program
from wengert.cli.output import body, heading, make_console, width
from wengert.cli.problems import FAILED, OK, UsageError
from wengert.cli.shown import bounded, planned
from wengert.compilation import MemoryPlan
from wengert.planning.budget import checked_budget
from wengert.planning.difference import difference, read_plan
from wengert.planning.solver import checked_seconds

BATCH = 256


def plan(arguments: argparse.Namespace) -> int:
    """Carry out ``wengert plan``."""
    console = make_console()
    budget = _budget(arguments.max, "--max")
    old = _old_plan(arguments.diff)
    program = load_program(arguments.target)
    memory = _plan(program, arguments)
    if arguments.json:
        body(console, memory.to_json())
    elif old is not None:
        body(console, str(difference(old, memory.to_data())))
    elif arguments.why is not None:
        body(console, str(memory.why(arguments.why)))
    else:
        _show(console, program, memory)
    if arguments.svg is not None:
        write_atomically(Path(arguments.svg), memory.svg(budget if budget else memory.budget))
    grown = old is not None and difference(old, memory.to_data()).peak_growth > 0
    if budget is None:
        return FAILED if grown else OK
    # The verdict must not end up inside JSON that is piped to a program.
    return _verdict(make_console(stderr=arguments.json), memory, budget) or int(grown)


def _old_plan(path: str | None) -> Mapping[str, Any] | None:
    if path is None:
        return None
    try:
        return read_plan(Path(path).read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "--diff could not read the old plan",
            expected="a file that wengert plan --json wrote",
            got=f"{path}: {error.strerror if isinstance(error, OSError) else 'no text'}",
        ) from None


def _budget(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    try:
        return parse_bytes(text, option)
    except OptionError as error:
        raise UsageError(error.asked, expected=error.expected, got=error.got) from None


def _seconds(solve: float | None) -> float | None:
    try:
        return checked_seconds(solve, "--solve")
    except OptionError as error:
        raise UsageError(error.asked, expected=error.expected, got=error.got) from None


def _plan(program: Program, arguments: argparse.Namespace) -> MemoryPlan:
    batch = BATCH if arguments.batch is None else arguments.batch
    if batch < 1:
        raise UsageError("--batch", expected="an integer of at least 1", got=str(batch))
    specs = batch_specs(program, arguments.spec, batch)
    found = planned(program, program.parameters(0), specs)
    if arguments.memory is None:
        return found
    try:
        allowed = checked_budget(arguments.memory, "--memory")
    except OptionError as error:
        raise UsageError(error.asked, expected=error.expected, got=error.got) from None
    return bounded(found, allowed, _seconds(arguments.solve))


def _show(console: Console, program: Program, memory: MemoryPlan) -> None:
    heading(console, f"Memory of {program.objective.__name__} of {program.place}")
    body(console, memory.table().text(width(console)))
    if memory.retained_bytes:
        heading(console, "Retained for the backward pass")
        body(console, memory.retention().text(width(console)))
    heading(console, "Three ledgers")
    body(console, memory.ledgers(min(width(console), 80)))
    if memory.budget is not None:
        body(console, _largest(memory, memory.budget))
        return
    try:
        growth = str(memory.growth())
    except WengertError:
        return
    heading(console, "How the interpreter's peak grows")
    body(console, growth)


def _verdict(console: Console, memory: MemoryPlan, budget: int) -> int:
    fits = memory.peak_bytes <= budget
    peak = f"{memory.peak_bytes:,} bytes ({format_bytes(memory.peak_bytes)})"
    console.print()
    body(console, f"{'fits' if fits else 'does not fit'} {format_bytes(budget)}: peak {peak}")
    if not fits:
        body(console, memory.peak_text())
    body(console, _largest(memory, budget))
    return OK if fits else FAILED


def _largest(memory: MemoryPlan, budget: int) -> str:
    try:
        return memory.largest_batch(budget).text()
    except (BudgetError, OptionError) as error:
        return str(error)
