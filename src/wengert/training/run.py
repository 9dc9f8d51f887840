"""What a run leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wengert.training.history import History


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
    """

    parameters: Any
    history: History
    interrupted: bool = False
    stopped: str | None = None
    seconds: float = 0.0
    directory: Path | None = None
    objective: Callable[..., Any] | None = field(default=None, repr=False)
    examples: tuple[Any, ...] = field(default=(), repr=False)
