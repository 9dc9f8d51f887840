"""``wengert train``: show what will be trained, train it, and leave everything in a folder."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from wengert.base.errors import OptionError, WengertError
from wengert.base.files import write_atomically
from wengert.base.quantities import format_bytes
from wengert.base.tree import flatten
from wengert.cli.arguments import DEFAULTS, SAMPLE_DEFAULTS
from wengert.cli.load import Program, load_program
from wengert.cli.output import body, heading, make_console, width
from wengert.cli.problems import INTERRUPTED, OK, UsageError
from wengert.cli.shown import as_options, bounded, first_examples, planned, specs_of
from wengert.explanation.explain import explain
from wengert.optim import Optimizer, sgd
from wengert.planning.budget import checked_budget
from wengert.training import Run, fit
from wengert.training.examples import checked_data
from wengert.training.files import make_folder
from wengert.training.options import check_numbers
from wengert.training.state import checked_parameters

# Enough examples to check every printed line on.
CHECKED = 8


@dataclass(frozen=True, eq=False)
class _Job:
    """Everything that a command line says about a run, checked before anything is shown."""

    program: Program
    parameters: Any
    data: tuple[Any, ...]
    validation: Any
    optimizer: Optimizer
    epochs: int
    batch_size: int
    seed: int
    folder: Path
    resume: bool
    memory: int | None


def train(arguments: argparse.Namespace) -> int:
    """Carry out ``wengert train``."""
    console = make_console()
    job = _job(arguments)
    make_folder(job.folder)
    _derive(console, job)
    _budget(console, job)
    heading(console, f"Training in {job.folder}")
    run = _fit(job)
    _conclude(console, run, job.folder)
    return INTERRUPTED if run.interrupted else OK


def _job(arguments: argparse.Namespace) -> _Job:
    program = load_program(arguments.target)
    defaults = SAMPLE_DEFAULTS if program.is_sample else DEFAULTS
    given = {name: getattr(arguments, name) for name in defaults}
    chosen = {k: defaults[k] if value is None else value for k, value in given.items()}
    optimizer = sgd(
        chosen["learning_rate"],
        momentum=chosen["momentum"],
        nesterov=arguments.nesterov,
        weight_decay=chosen["weight_decay"],
    )
    folder = _folder(arguments, program)
    check_numbers(chosen["epochs"], chosen["batch_size"], chosen["seed"])
    data, aside = program.data()
    if aside is not None and arguments.validation is not None:
        raise UsageError(
            "--validation sets a part of the data aside",
            expected=f"a data() of {program.place} that returns (X, y)",
            got="((X, y), (X_validation, y_validation)), which says already what to measure on",
            remedy="leave --validation out",
        )
    checked_data(program.objective, data, "data")
    return _Job(
        program,
        checked_parameters(program.parameters(chosen["seed"])),
        data,
        aside if aside is not None else arguments.validation,
        optimizer,
        chosen["epochs"],
        chosen["batch_size"],
        chosen["seed"],
        folder,
        not arguments.no_resume,
        _memory(arguments.memory),
    )


def _fit(job: _Job) -> Run:
    try:
        return fit(
            job.program.objective,
            job.parameters,
            job.data,
            optimizer=job.optimizer,
            epochs=job.epochs,
            batch_size=job.batch_size,
            validation=job.validation,
            directory=job.folder,
            resume=job.resume,
            seed=job.seed,
            memory=job.memory,
        )
    except WengertError as error:
        # What a program writes as an argument, a command line writes as an option.
        if error.remedy is not None:
            said = as_options(error.remedy).replace("resume=False", "--no-resume")
            error.remedy = said.replace("another directory", "another --name")
        raise


def _memory(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return checked_budget(text, "--memory")
    except OptionError as error:
        raise UsageError(error.asked, expected=error.expected, got=error.got) from None


def _folder(arguments: argparse.Namespace, program: Program) -> Path:
    name = arguments.name if arguments.name is not None else program.name
    if not name or Path(name).name != name or name in (".", ".."):
        raise UsageError(
            "--name could not be used",
            expected="the name of a folder inside --directory",
            got=repr(name),
        )
    return Path(arguments.directory) / name


def _derive(console: Console, job: _Job) -> None:
    """Print the derivation, and keep it with the drawings."""
    objective, folder = job.program.objective, job.folder
    shown = explain(objective, job.parameters, *first_examples(job.data, CHECKED))
    heading(console, f"{objective.__name__} of {job.program.place}: forward and backward")
    text = _made(console, folder / "derivation.txt", lambda: shown.text() + "\n")
    if text is not None:
        body(console, text)
    _made(console, folder / "derivation.tex", lambda: shown.latex(document=True))
    _made(console, folder / "forward.svg", lambda: shown.svg("forward"))
    _made(console, folder / "ladder.svg", lambda: shown.svg("ladder"))


def _budget(console: Console, job: _Job) -> None:
    """Print the memory table, and keep the plan."""
    batch = min(job.batch_size, len(flatten(job.data)[0][0]))
    memory = planned(job.program, job.parameters, specs_of(job.data, batch))
    if job.memory is not None:
        memory = bounded(memory, job.memory)
    peak = format_bytes(memory.peak_bytes)
    heading(console, f"Memory of a step on {batch} examples: peak {peak} of intermediates")
    body(console, memory.table().text(width(console)))
    _made(console, job.folder / "plan.json", memory.to_json)


def _made(console: Console, path: Path, make: Callable[[], str]) -> str | None:
    """Write what ``make`` returns; what cannot be shown must not keep a network from training."""
    try:
        text = make()
    except Exception as error:
        # Whatever it is: to see the training fail for the sake of a picture would be worse.
        console.print(f"warning: no {path.name}: {error or type(error).__name__}", markup=False)
        return None
    write_atomically(path, text)
    return text


def _conclude(console: Console, run: Run, folder: Path) -> None:
    if run.history.epochs:
        _made(console, folder / "curves.svg", run.plot)
    if run.interrupted:
        return
    heading(console, f"Trained in {run.seconds:.1f} s")
    last = run.history.epochs[-1] if run.history.epochs else {}
    for name, value in last.get("validation", {}).items():
        body(console, f"{name} on the examples kept aside: {_number(value)}")
    files = sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))
    body(console, f"{folder}{_separator(folder)}: {', '.join(files)}")


def _separator(folder: Path) -> str:
    return "" if str(folder).endswith("/") else "/"


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4f}"
