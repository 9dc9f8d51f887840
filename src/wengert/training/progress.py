"""What a run says while it goes on: a bar on a terminal, else a line an epoch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

# A run that is over sooner needs no bar.
PATIENCE = 2.0


class Reporter:
    """Says how a run goes; ``show`` is True, False, or None for what fits the output."""

    def __init__(self, show: bool | None, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._silent = show is False
        self._bar_wanted = self.console.is_terminal and not self._silent
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._started = time.monotonic()
        self._steps = self._examples = 0

    def say(self, text: str) -> None:
        """Print a line, above the bar where there is one."""
        if not self._silent:
            self.console.print(text, markup=False)

    def step(
        self, done: int, total: int, examples: int, objective: float, epoch: str,
        *, steps: int = 1,
    ) -> None:  # fmt: skip
        """Take note of more steps of ``examples`` examples in all."""
        self._steps += steps
        self._examples += examples
        if not self._bar_wanted:
            return
        seconds = time.monotonic() - self._started
        if self._progress is None and seconds > PATIENCE:
            self._start(done, total)
        if self._progress is not None and self._task is not None:
            self._progress.update(
                self._task,
                completed=done,
                epoch=epoch,
                rate=f"{self._steps / seconds:,.0f} steps/s",
                examples=f"{self._examples / seconds:,.0f} examples/s",
                objective=f"J = {objective:.4g}",
            )

    def _start(self, done: int, total: int) -> None:
        bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.fields[rate]} · {task.fields[examples]} ·"),
            TimeRemainingColumn(),
            TextColumn("· {task.fields[objective]}"),
            console=self.console,
            transient=True,
        )
        self._task = bar.add_task(
            "", total=total, completed=done, epoch="", rate="", examples="", objective=""
        )
        bar.start()
        self._progress = bar

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def epoch_line(record: Mapping[str, Any], epochs: int) -> str:
    """Write an epoch in a line.

    >>> epoch_line({"epoch": 2, "objective": 0.25, "validation": {"accuracy": 0.5}}, 10)
    'epoch  2/10  objective 0.25  validation: accuracy 0.5'
    """
    plain = {k: v for k, v in record.items() if k not in ("kind", "epoch", "step", "validation")}
    head = f"epoch {record['epoch']:>{len(str(epochs))}}/{epochs}"
    text = f"{head}  {_measured(plain)}"
    if "validation" in record:
        text += f"  validation: {_measured(record['validation'])}"
    return text


def _measured(metrics: Mapping[str, Any]) -> str:
    return "  ".join(
        f"{name} {value:.4g}" if value is not None else f"{name} not finite"
        for name, value in metrics.items()
    )
