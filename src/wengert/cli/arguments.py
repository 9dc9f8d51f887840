"""The command line: what can be typed, and how --help teaches it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from wengert import __version__

Command = Callable[[argparse.Namespace], int]

_ABOUT = """\
Write the forward pass in plain NumPy; see its backward pass, its memory, and train it.

  wengert train                             the sample network, on real handwritten digits
  wengert train net.py:objective            your own network
  wengert explain net.py:objective          its mathematics, forward and backward
  wengert plan net.py:objective --max 2GB   whether it fits, before it runs
"""
_FILE = """\
FILE.py:objective names a Python file and a function in it:

  def objective(parameters, X, y):    plain NumPy; returns J or (J, {"accuracy": …})
  def parameters(seed=0):             the arrays to start from, in any nested container
  def data():                         (X, y), or ((X, y), (X_validation, y_validation))

The file is run as Python runs it. Without it the sample network is taken; its source, made to be
read and copied, is {sample}
"""
_EXITS = (
    "Exit codes: 0 done; 1 it cannot be done, and why is said; 2 the command line is wrong;\n"
    "130 ended by Ctrl-C, with everything saved."
)
_TRAIN = """\
examples:
  wengert train
  wengert train --epochs 40 --learning-rate 0.05 --momentum 0.9 --name slower
  wengert train net.py:objective --batch-size 128 --validation 0.1

Leaves in runs/NAME/: history.jsonl, parameters.safetensors, checkpoint.safetensors, run.json,
forward.svg, ladder.svg, derivation.tex, derivation.txt, plan.json, curves.svg. A run that was
killed, or ended by Ctrl-C, goes on where it was when the same command is given again.
"""
_EXPLAIN = """\
examples:
  wengert explain
  wengert explain net.py:objective --latex > derivation.tex
  wengert explain net.py:objective --source --output backward.py
  wengert explain net.py:objective --svg --open phi --output ladder.svg
"""
_PLAN = """\
examples:
  wengert plan
  wengert plan net.py:objective --batch 512 --max 200MB
  wengert plan net.py:objective --memory 100MB --svg memory.svg
  wengert plan net.py:objective --json > plan.json; wengert plan net.py:objective --diff plan.json
  wengert plan net.py:objective --spec 256x784:float32 --spec 256:int64 --why h
"""


# What an option is where it is not given: for a file, and for the sample network.
DEFAULTS: dict[str, Any] = {
    "epochs": 10, "batch_size": 256, "learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.0,
    "seed": 0,
}  # fmt: skip
SAMPLE_DEFAULTS = {**DEFAULTS, "epochs": 20, "batch_size": 32, "momentum": 0.9}


def make_parser(commands: dict[str, Command], sample: str) -> argparse.ArgumentParser:
    """Return the parser; each command's function is in ``command`` of the result."""
    parser = argparse.ArgumentParser(
        prog="wengert", description=_ABOUT, epilog=_EXITS, formatter_class=_Layout
    )
    parser.add_argument("--version", action="version", version=f"wengert {__version__}")
    rooms = parser.add_subparsers(title="commands", metavar="COMMAND", dest="name_of_command")
    told = {
        "train": ("train a network and keep everything about the run", _TRAIN, _train),
        "explain": ("derive and draw the backward pass", _EXPLAIN, _explain),
        "plan": ("tell what a step holds in memory, and whether it fits", _PLAN, _plan),
    }
    for name, (summary, examples, add) in told.items():
        about = f"{summary[0].upper()}{summary[1:]}.\n\n{_FILE.replace('{sample}', sample)}"
        room = rooms.add_parser(
            name, help=summary, description=about, epilog=f"{examples}\n{_EXITS}",
            formatter_class=_Layout,
        )  # fmt: skip
        room.add_argument("target", nargs="?", metavar="FILE.py:objective", help="the objective")
        add(room)
        room.add_argument("--traceback", action="store_true", help=argparse.SUPPRESS)
        room.set_defaults(command=commands[name])
    return parser


class _Layout(argparse.RawDescriptionHelpFormatter):
    pass


def _train(parser: argparse.ArgumentParser) -> None:
    def option(name: str, kind: Any, metavar: str, text: str) -> None:
        key = name.replace("-", "_")
        own, its = DEFAULTS[key], SAMPLE_DEFAULTS[key]
        said = f"default {own}" if own == its else f"default {own}; the sample network {its}"
        parser.add_argument(f"--{name}", type=kind, metavar=metavar, help=f"{text} ({said})")

    option("epochs", int, "N", "passes over the data")
    option("batch-size", int, "N", "examples in a minibatch")
    option("learning-rate", float, "ETA", "step size of gradient descent")
    option("momentum", float, "MU", "part of the velocity that is kept, from 0 to below 1")
    parser.add_argument(
        "--nesterov", action="store_true", help="look ahead along the velocity; needs --momentum"
    )
    option("weight-decay", float, "LAMBDA", "decay of every parameter")
    option("seed", int, "N", "seed of initial values, order and split")
    parser.add_argument(
        "--validation", type=float, metavar="PART",
        help="part of the data set aside to measure on, where data() gives none",
    )  # fmt: skip
    parser.add_argument(
        "--memory", metavar="BYTES",
        help="bound what a step holds: variables are made again rather than held, where needed",
    )  # fmt: skip
    parser.add_argument("--name", help="name of the run (default: digits, or that of the file)")
    parser.add_argument(
        "--directory", default="runs", metavar="DIR", help="where runs are kept (default: runs)"
    )
    parser.add_argument(
        "--no-resume", action="store_true", help="start again where there is a run of this name"
    )


def _explain(parser: argparse.ArgumentParser) -> None:
    forms = parser.add_mutually_exclusive_group()
    for form, text in (
        ("text", "the derivation in Unicode, each line with its check (the default)"),
        ("latex", "the derivation in LaTeX"),
        ("source", "forward and backward pass as NumPy that runs without Wengert"),
        ("svg", "the drawing: forward and backward pass, and what is retained"),
        ("forward-svg", "the drawing of the forward pass alone"),
        ("html", "everything on one page"),
    ):
        forms.add_argument(f"--{form}", dest="form", action="store_const", const=form, help=text)
    parser.set_defaults(form="text")
    parser.add_argument(
        "--open", action="append", default=[], metavar="FUNCTION",
        help="draw the inside of calls of this function of yours",
    )  # fmt: skip
    parser.add_argument("--output", metavar="PATH", help="write to this file, not to the terminal")
    _batch(parser, "examples that the lines are checked on (default 8)")


def _plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--max", metavar="BYTES", help="the memory there is, such as 200MB or 2GiB")
    parser.add_argument(
        "--memory", metavar="BYTES",
        help="plan within this budget: variables are made again rather than held, where needed",
    )  # fmt: skip
    parser.add_argument(
        "--solve", type=float, metavar="SECONDS",
        help="let OR-Tools look so long for less recomputation within --memory",
    )  # fmt: skip
    parser.add_argument(
        "--diff", metavar="OLD.json",
        help="what changed since a plan that --json wrote; exit code 1 where the peak has grown",
    )  # fmt: skip
    parser.add_argument("--why", metavar="NAME", help="why this variable is held")
    parser.add_argument("--json", action="store_true", help="the whole plan as JSON")
    parser.add_argument("--svg", metavar="PATH", help="draw what is held over the schedule")
    _batch(parser, "examples in a batch (default 256)")


def _batch(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--batch", type=int, metavar="N", help=text)
    parser.add_argument(
        "--spec", action="append", default=[], metavar="SHAPE:DTYPE",
        help="shape and dtype of a batch argument where there is no data(): 256x784:float32",
    )  # fmt: skip
