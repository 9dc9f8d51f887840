"""What training measured, in memory and as lines of JSON that only ever grow."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wengert.base.errors import DataError

Record = dict[str, Any]


@dataclass(frozen=True)
class History:
    """The measurements of a run.

    Attributes:
        epochs: for each epoch "epoch" and "step" (both counted from 1), the mean of
            "objective" and of each metric over the examples, and the same under "validation".
        steps: for every tenth step "epoch", "step" and "objective" of that minibatch.

    >>> history = History([{"epoch": 1, "objective": 0.5, "validation": {"objective": 0.6}}])
    >>> history["objective"], history["validation.objective"]
    ([0.5], [0.6])
    """

    epochs: list[Record] = field(default_factory=list)
    steps: list[Record] = field(default_factory=list)

    def __getitem__(self, name: str) -> list[float]:
        """Return one measurement over the epochs; "validation.accuracy" reads the inner one."""
        room, _, inner = name.rpartition(".")
        found = [epoch.get(room, {}) if room else epoch for epoch in self.epochs]
        if not all(inner in each for each in found):
            raise KeyError(f"no measurement {name!r}; there are {', '.join(self.names)}")
        return [each[inner] for each in found]

    @property
    def names(self) -> tuple[str, ...]:
        """The names that ``history[name]`` knows."""
        first = self.epochs[0] if self.epochs else {}
        plain = [name for name in first if name not in ("epoch", "step", "validation")]
        return (*plain, *(f"validation.{name}" for name in first.get("validation", {})))

    def add(self, record: Record) -> None:
        """Take in one line of the file."""
        rows = self.steps if record["kind"] == "step" else self.epochs
        rows.append({name: value for name, value in record.items() if name != "kind"})


def number(value: Any) -> float | None:
    """Return a measurement for the record; JSON has no NaN, so None stands for it."""
    as_float = float(value)
    return as_float if math.isfinite(as_float) else None


class HistoryFile:
    """Lines of JSON; one line is one write, and the file is cut back to a checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, record: Record) -> None:
        """Add a line."""
        line = json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def flush(self) -> int:
        """Bring the lines to disk and return their bytes."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            os.fsync(descriptor)
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def cut(self, length: int) -> History:
        """Drop everything after ``length`` bytes and return what the rest says.

        Lines after a checkpoint, the last one perhaps torn, are written again by the steps
        that are taken again.
        """
        size = self.path.stat().st_size if self.path.exists() else 0
        if size < length:
            raise DataError(
                f"{self.path} does not belong to the checkpoint beside it",
                expected=f"at least {length:,} bytes",
                got=f"{size:,} bytes",
                remedy="put the file back, or start again with resume=False",
            )
        if size > length:
            os.truncate(self.path, length)
        return read_history(self.path)


def read_history(path: Path) -> History:
    """Read the history of a run that may still be going on: a torn last line is left out.

    Raises:
        DataError: the file is missing, or a line is not one that a run writes.
    """
    history = History()
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise DataError(f"{path} could not be read", got=str(error)) from error
    for at, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            history.add(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{path}, line {at} is damaged",
                expected="a line of JSON as a run writes it",
                got=repr(line[:80]),
                remedy="start again with resume=False",
            ) from error
    return history
