"""Callbacks: looked at after steps and epochs, and able to end a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.base.errors import OptionError
from wengert.base.tree import map_tree
from wengert.training.history import History
from wengert.training.state import TrainingState


@dataclass(frozen=True)
class Report:
    """What a callback is told.

    Attributes:
        epoch: the epoch, counted from 1.
        step: updates so far.
        metrics: "objective" and the objective's own metrics: of the minibatch after a step; the
            means over the epoch after an epoch, with the validation's under "validation".
        history: every epoch so far, this one included where it is complete.
        state: the state of training.
    """

    epoch: int
    step: int
    metrics: Mapping[str, Any]
    history: History
    state: TrainingState

    @property
    def parameters(self) -> Any:
        """Copies of the parameters: writing to them does not move the run."""
        return map_tree(np.array, self.state.parameters)


class Callback:
    """Base of the callbacks; each method may return a reason, as a text, to end the run.

    A callback that keeps nothing of its own and decides from ``report.history`` decides the same
    after a resume.

    >>> class Enough(Callback):
    ...     every = 100
    ...     def on_step(self, report):
    ...         return "the objective is small" if report.metrics["objective"] < 1e-6 else None
    """

    every: int = 1

    def on_step(self, report: Report) -> str | None:
        """Called after every ``every``-th step."""

    def on_epoch(self, report: Report) -> str | None:
        """Called after each epoch and its validation."""


class EarlyStopping(Callback):
    """End a run whose measurement has not improved for some epochs.

    With m_e the measurement of epoch e, the run ends after epoch e where
    min_{i > e − patience} m_i > min_{i ≤ e − patience} m_i − least (for mode "max", −m).

    Args:
        measurement: a name that ``history[name]`` knows.
        patience: epochs without improvement, at least 1.
        least: what counts as an improvement, at least 0.
        mode: "min" where small is good, "max" where large is.

    Raises:
        OptionError: a value that makes no sense, or a measurement that the run does not have.

    >>> stopping = EarlyStopping("validation.accuracy", patience=3, mode="max")
    """

    every = 0

    def __init__(
        self,
        measurement: str = "validation.objective",
        patience: int = 5,
        least: float = 0.0,
        mode: str = "min",
    ) -> None:
        if isinstance(patience, bool) or not isinstance(patience, int) or patience < 1:
            raise OptionError(
                "EarlyStopping: patience", expected="an integer ≥ 1", got=repr(patience)
            )
        if mode not in ("min", "max"):
            raise OptionError("EarlyStopping: mode", expected='"min" or "max"', got=repr(mode))
        if not least >= 0:
            raise OptionError("EarlyStopping: least", expected="a number ≥ 0", got=repr(least))
        self.measurement, self.patience, self.least, self.mode = measurement, patience, least, mode

    def on_epoch(self, report: Report) -> str | None:
        """Return the reason to stop once the patience is over."""
        if self.measurement not in report.history.names:
            raise OptionError(
                f"EarlyStopping: no measurement {self.measurement!r}",
                expected=f"one of {', '.join(report.history.names)}",
                remedy="fit(…, validation=0.1) measures on examples that are set aside",
            )
        sign = 1 if self.mode == "min" else -1
        found = report.history[self.measurement]
        values = [math.inf if value is None else sign * value for value in found]
        before, recent = values[: -self.patience], values[-self.patience :]
        if not before or min(recent) < min(before) - self.least:
            return None
        return f"{self.measurement} has not improved for {self.patience} epochs"
