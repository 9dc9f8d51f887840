"""The directory of a run: checkpoint, parameters, history and a description, or nothing at all."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wengert import __version__
from wengert.base.files import write_atomically
from wengert.training import checkpoint
from wengert.training.checkpoint import Checkpoint, Position
from wengert.training.files import make_folder, only_run_in
from wengert.training.history import History, HistoryFile, Record
from wengert.training.state import TrainingState

CHECKPOINT, PARAMETERS = "checkpoint.safetensors", "parameters.safetensors"
HISTORY, DESCRIPTION = "history.jsonl", "run.json"


class Store:
    """Keeps a run on disk; without a directory every method does nothing."""

    def __init__(self, directory: Path | None, options: Mapping[str, str]) -> None:
        self.directory = directory
        self._options = options
        self._history = HistoryFile(directory / HISTORY) if directory else None

    @contextmanager
    def held(self) -> Generator[None]:
        """Make the directory and hold it against a second run."""
        if self.directory is None:
            yield
            return
        with only_run_in(make_folder(self.directory)):
            yield

    def restore(self, fresh: TrainingState, resume: bool) -> tuple[Checkpoint, History]:
        """Return where to begin: at the checkpoint, or afresh with an empty history."""
        beginning = Checkpoint(fresh, Position(), self._options)
        if self.directory is None or self._history is None:
            return beginning, History()
        path = self.directory / CHECKPOINT
        if not (resume and path.exists()):
            # The checkpoint goes first: a history without one is begun again anyway.
            path.unlink(missing_ok=True)
            self._history.cut(0)
            self.save(fresh, Position())
            return beginning, History()
        found = checkpoint.load(path, fresh, self._options)
        return found, self._history.cut(found.position.history_bytes)

    def append(self, record: Record) -> None:
        """Add a line to the history."""
        if self._history is not None:
            self._history.append(record)

    def save(self, state: TrainingState, position: Position) -> Position:
        """Write the checkpoint; return the position with the length of the history."""
        if self.directory is None or self._history is None:
            return position
        position = replace(position, history_bytes=self._history.flush())
        checkpoint.save(
            self.directory / CHECKPOINT, Checkpoint(state, position, dict(self._options))
        )
        return position

    def save_parameters(self, parameters: Any) -> None:
        """Write the parameters under their own names."""
        if self.directory is not None:
            checkpoint.save_parameters(self.directory / PARAMETERS, parameters)

    def describe(self, status: str, epochs: int, position: Position) -> None:
        """Write the description: options, versions, and how far the run is."""
        if self.directory is None:
            return
        described = {
            "status": status,
            "epochs": epochs,
            "epochs_done": position.epoch,
            "seconds": round(position.seconds, 3),
            "options": dict(self._options),
            "versions": {"wengert": __version__, "numpy": np.__version__},
        }
        text = json.dumps(described, indent=1, ensure_ascii=False) + "\n"
        write_atomically(self.directory / DESCRIPTION, text)
