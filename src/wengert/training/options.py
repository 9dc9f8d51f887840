"""The options of a run: checked at the door, and written down so that a resume can compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from wengert.base.errors import OptionError
from wengert.base.tree import flatten, path_text, paths
from wengert.execution import has_compiler
from wengert.optim.optimizer import Optimizer
from wengert.training.callbacks import Callback
from wengert.training.checkpoint import digest
from wengert.training.examples import Examples

LARGEST = "largest"


@dataclass(frozen=True)
class Options:
    """Everything that a user chooses about a run, beside objective, parameters and data."""

    optimizer: Optimizer
    epochs: int
    batch_size: int | Literal["largest"]
    validation: Any
    directory: Path | None
    resume: bool
    seed: int
    callbacks: Sequence[Callback]
    progress: bool | None
    save_seconds: float
    threads: int | None = None
    compiled: bool = True
    memory: int | None = None
    accumulate: int = 1
    solve: float | None = None

    def __post_init__(self) -> None:
        _check_optimizer(self.optimizer)
        size = self.batch_size
        check_numbers(self.epochs, 1 if is_largest(size) else size, self.seed)
        if is_largest(size) and self.memory is None:
            raise OptionError(
                f"fit: batch_size={LARGEST!r} asks for the largest within a budget",
                expected='memory="2GB", or whatever a step may take',
                got="memory=None",
            )
        for callback in self.callbacks:
            _check_callback(callback)
        if not isinstance(self.save_seconds, int | float) or not self.save_seconds >= 0:
            raise OptionError(
                "fit: save_seconds", expected="a number ≥ 0", got=repr(self.save_seconds)
            )
        _check_integer("accumulate", self.accumulate, 1)
        if self.threads is not None:
            _check_integer("threads", self.threads, 1)
        if not isinstance(self.compiled, bool):
            raise OptionError("fit: compiled", expected="True or False", got=repr(self.compiled))

    @property
    def in_machine_code(self) -> bool:
        """Whether steps are compiled: asked for, and llvmlite is there."""
        return self.compiled and has_compiler()


def is_largest(batch_size: Any) -> bool:
    """Return whether the batch size is to be found."""
    return isinstance(batch_size, str) and batch_size == LARGEST


def check_numbers(epochs: Any, batch_size: Any, seed: Any) -> None:
    """Refuse numbers that no run can have."""
    _check_integer("epochs", epochs, 1)
    _check_integer("batch_size", batch_size, 1)
    _check_integer("seed", seed, 0)


def _check_optimizer(optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise OptionError(
            "fit: optimizer",
            expected="an optimizer of wengert.optim",
            got=f"{type(optimizer).__name__} {optimizer!r}",
            remedy="optimizer=wg.optim.sgd(0.1)",
        )


def _check_integer(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise OptionError(
            f"fit: {name}", expected=f"an integer of at least {least}", got=repr(value)
        )


def _check_callback(callback: Any) -> None:
    if not isinstance(callback, Callback):
        raise OptionError(
            "fit: callbacks",
            expected="objects of classes derived from wengert.training.Callback",
            got=f"{type(callback).__name__} {callback!r}",
            remedy="class Mine(Callback) with on_epoch(self, report)",
        )


def refuse_later(workers: Any) -> None:
    """Refuse what the interface has a place for and this version does not do."""
    if workers != 1 or isinstance(workers, bool):
        raise OptionError(
            "fit: workers, training on several machines, comes with a later version",
            expected="workers=1",
            got=repr(workers),
        )


def identity(
    options: Options, objective: str, parameters: Any, examples: Examples
) -> dict[str, str]:
    """Return what must be the same for a resume, each under the name that the user knows.

    Epochs are not among them: a run may be made longer.
    """
    data, aside = examples.training, examples.aside
    return {
        "optimizer": _optimizer_text(options.optimizer),
        "batch_size": str(int(options.batch_size)),
        "accumulate": str(int(options.accumulate)),
        "seed": str(int(options.seed)),
        "parameters": _types(parameters),
        "initial values": digest(flatten(parameters)[0]),
        "objective": f"computation {objective}",
        # Both round differently, and a resumed run ends with the bits of one never interrupted.
        "arithmetic": "machine code" if options.in_machine_code else "interpreter",
        "data": f"{_types(data)}, content {digest(flatten(data)[0])}",
        "validation": "none" if aside is None else digest(flatten(aside)[0]),
    }


def _types(tree: Any) -> str:
    leaves, structure = flatten(tree)
    rows = zip(paths(structure), leaves, strict=True)
    return ", ".join(f"{path_text(path)} {leaf.dtype}{list(leaf.shape)}" for path, leaf in rows)


def _optimizer_text(optimizer: Optimizer) -> str:
    settings = ", ".join(f"{name}={_setting(value)}" for name, value in optimizer.settings.items())
    return f"{optimizer.name}({settings})"


def _setting(value: Any) -> str:
    # The repr of a function holds its address, which is another one in every process.
    inside = getattr(value, "settings", None)
    if isinstance(inside, dict):
        rows = ", ".join(f"{name}={_setting(each)}" for name, each in inside.items())
        return f"{value.name}({rows})"
    if isinstance(value, Callable):
        return getattr(value, "__qualname__", type(value).__qualname__)
    return repr(value)
