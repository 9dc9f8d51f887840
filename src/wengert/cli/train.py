"""``wengert train``: show what will be trained, train it, and leave everything in a folder."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from wengert.base.errors import WengertError
from wengert.base.files import write_atomically
from wengert.base.quantities import format_bytes
from wengert.cli.arguments import DEFAULTS, SAMPLE_DEFAULTS
from wengert.cli.load import Program, load_program
from wengert.cli.output import body, heading, make_console, width
from wengert.cli.problems import INTERRUPTED, OK, UsageError
from wengert.cli.shown import first_examples, planned, specs_of
from wengert.compilation import MemoryPlan
from wengert.explanation.explain import explain
from wengert.optim import sgd
from wengert.training import Run, fit
from wengert.training.files import make_folder

# Enough examples to check every printed line on.
CHECKED = 8


def train(arguments: argparse.Namespace) -> int:
    """Carry out ``wengert train``."""
    console = make_console()
    program = load_program(arguments.target)
    options = _options(arguments, program)
    folder = _folder(arguments, program)
    parameters = program.parameters(options["seed"])
    data, aside = program.data()
    make_folder(folder)
    _derive(console, program, (parameters, *first_examples(data, CHECKED)), folder)
    batch = min(options["batch_size"], len(first_leaf(data)))
    _budget(console, planned(program, parameters, specs_of(data, batch)), batch, folder)
    heading(console, f"Training in {folder}")
    run = fit(
        program.objective,
        parameters,
        data,
        optimizer=sgd(
            options["learning_rate"],
            momentum=options["momentum"],
            nesterov=arguments.nesterov,
            weight_decay=options["weight_decay"],
        ),
        epochs=options["epochs"],
        batch_size=options["batch_size"],
        validation=aside if aside is not None else arguments.validation,
        directory=folder,
        resume=not arguments.no_resume,
        seed=options["seed"],
    )
    _conclude(console, run, folder)
    return INTERRUPTED if run.interrupted else OK


def _options(arguments: argparse.Namespace, program: Program) -> Mapping[str, Any]:
    defaults = SAMPLE_DEFAULTS if program.is_sample else DEFAULTS
    given = {name: getattr(arguments, name) for name in defaults}
    return {name: defaults[name] if value is None else value for name, value in given.items()}


def _folder(arguments: argparse.Namespace, program: Program) -> Path:
    name = arguments.name if arguments.name is not None else program.name
    if not name or Path(name).name != name or name in (".", ".."):
        raise UsageError(
            "--name could not be used",
            expected="the name of a folder inside --directory",
            got=repr(name),
        )
    return Path(arguments.directory) / name


def _derive(console: Console, program: Program, examples: tuple[Any, ...], folder: Path) -> None:
    """Print the derivation, and keep it with the drawings."""
    shown = explain(program.objective, *examples)
    heading(console, f"{program.objective.__name__} of {program.place}: forward and backward")
    text = _made(console, folder / "derivation.txt", lambda: shown.text() + "\n")
    if text is not None:
        body(console, text)
    _made(console, folder / "derivation.tex", lambda: shown.latex(document=True))
    _made(console, folder / "forward.svg", lambda: shown.svg("forward"))
    _made(console, folder / "ladder.svg", lambda: shown.svg("ladder"))


def _budget(console: Console, memory: MemoryPlan, batch: int, folder: Path) -> None:
    """Print the memory table, and keep the plan."""
    peak = format_bytes(memory.peak_bytes)
    heading(console, f"Memory of a step on {batch} examples: peak {peak} of intermediates")
    body(console, memory.table().text(width(console)))
    _made(console, folder / "plan.json", memory.to_json)


def first_leaf(data: tuple[Any, ...]) -> Any:
    """Return the first array of the data, whose length is the number of examples."""
    leaf: Any = data
    while not hasattr(leaf, "shape"):
        leaf = next(iter(leaf.values())) if isinstance(leaf, Mapping) else leaf[0]
    return leaf


def _made(console: Console, path: Path, make: Callable[[], str]) -> str | None:
    """Write what ``make`` returns; what cannot be shown must not keep a network from training."""
    try:
        text = make()
    except WengertError as error:
        console.print(f"warning: no {path.name}: {error}", markup=False)
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
