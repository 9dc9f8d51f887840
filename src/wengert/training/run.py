"""What a run leaves behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wengert.base.errors import OptionError
from wengert.base.files import write_atomically
from wengert.explanation.drawing.curves import curves_svg
from wengert.explanation.explain import Explanation, explain
from wengert.training.history import History
from wengert.training.ledger import Ledger

CURVES = "curves.svg"


class Svg(str):
    """SVG text that a notebook shows as the drawing it is."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)


@dataclass(frozen=True, eq=False)
class Run:
    """The result of :func:`fit`.

    Attributes:
        parameters: the trained parameters, in the container that they were given in.
        history: objective and metrics over epochs and steps.
        interrupted: whether Ctrl-C ended it before its time.
        stopped: the reason of the callback that ended it, None where none did.
        seconds: time spent, earlier parts of a resumed run included.
        directory: where its files are, None where it has none.
        memory: the bytes that were predicted and used; None for a run read from disk.
    """

    parameters: Any
    history: History
    interrupted: bool = False
    stopped: str | None = None
    seconds: float = 0.0
    directory: Path | None = None
    objective: Callable[..., Any] | None = field(default=None, repr=False)
    examples: tuple[Any, ...] = field(default=(), repr=False)
    memory: Ledger | None = field(default=None, repr=False)

    def plot(self, path: str | os.PathLike[str] | None = None) -> Svg:
        """Return the curves of objective and metrics as SVG text, which a notebook shows.

        Written to ``path``, else to ``curves.svg`` in the run's directory where it has one.
        """
        drawn = Svg(curves_svg(self.history.epochs, self.history.steps))
        target = Path(path) if path is not None else self.directory and self.directory / CURVES
        if target:
            write_atomically(target, drawn)
        return drawn

    def report(self) -> str:
        """Return the ledger of the run: bytes predicted and used, and what lies beside them."""
        return "" if self.memory is None else self.memory.report()

    def explain(self) -> Explanation:
        """Return the explanation of the objective, checked on a few examples of the data.

        Raises:
            OptionError: the run was read from disk and knows its objective no longer.
        """
        if self.objective is None:
            raise OptionError(
                "this run does not know its objective",
                expected="a run that fit returned",
                remedy="wg.explain(objective, parameters, *batch)",
            )
        return explain(self.objective, *self.examples)
