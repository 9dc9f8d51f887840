"""One run while it goes on: takes steps, ends epochs, and saves what can be taken up again."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.base.errors import NonFiniteError, OptionError, WengertWarning
from wengert.base.tree import flatten
from wengert.data.batches import Batches
from wengert.training.callbacks import Report
from wengert.training.checkpoint import Position
from wengert.training.engine import Engine, Stretch, Taken
from wengert.training.examples import Examples
from wengert.training.history import History, Record, number
from wengert.training.interrupt import Interrupt
from wengert.training.options import Options
from wengert.training.progress import Reporter, epoch_line
from wengert.training.state import TrainingState
from wengert.training.step import OBJECTIVE, as_arguments
from wengert.training.store import Store

# Steps between two lines of the history.
LOGGED = 10


class Session:
    """The moving parts of :func:`wengert.training.loop.fit`."""

    def __init__(
        self,
        options: Options,
        engine: Engine,
        store: Store,
        examples: Examples,
        reporter: Reporter,
    ) -> None:
        self.options, self.engine, self.store, self.reporter = options, engine, store, reporter
        size, seed = int(options.batch_size), int(options.seed)
        self.batches = Batches(examples.training, size, seed, finite=False)
        self.aside = (
            None
            if examples.aside is None
            else Batches(examples.aside, size, shuffle=False, finite=False)
        )
        self.position, self.history = Position(), History()
        self._saved = self._clock = time.monotonic()

    # -- where to begin ----------------------------------------------------------------------

    def begin(self, fresh: TrainingState) -> None:
        """Take up the run of the directory, or begin one."""
        found, self.history = self.store.restore(fresh, self.options.resume)
        self.engine.begin(found.state)
        self.position = found.position
        self._saved = self._clock = time.monotonic()
        if self.position.epoch > self.options.epochs:
            raise OptionError(
                f"fit: the run in {self.store.directory} is longer than epochs",
                expected=f"epochs of at least {self.position.epoch}",
                got=f"epochs = {self.options.epochs}",
                remedy="choose another directory, or resume=False to start again",
            )
        if self.engine.steps:
            self.reporter.say(self._taken_up())

    def _taken_up(self) -> str:
        done = f"{self.position.epoch} of {self.options.epochs} epochs"
        if self.finished:
            return f"the run in {self.store.directory} is finished: {done}"
        place = f"epoch {self.position.epoch + 1}, batch {self.position.batch + 1}"
        return f"resuming the run in {self.store.directory}: {done} are done, next is {place}"

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return self.position.epoch >= self.options.epochs or self.position.stopped is not None

    # -- training ----------------------------------------------------------------------------

    def train(self, interrupt: Interrupt) -> None:
        """Take steps until the run is finished or interrupted, and save where it ends."""
        try:
            while not self.finished and not interrupt.asked:
                self._epoch(interrupt)
        except NonFiniteError:
            self.save(with_parameters=True)
            raise
        self.save(with_parameters=True)

    def _epoch(self, interrupt: Interrupt) -> None:
        while self.position.batch < len(self.batches):
            self._stretch()
            if interrupt.asked or self.position.stopped is not None:
                return
            if time.monotonic() - self._saved >= self.options.save_seconds:
                self.save(with_parameters=False)
        self._end_epoch()
        self.save(with_parameters=True)

    def _stretch(self) -> None:
        """Take steps up to where somebody wants to look: a callback, or the end of the epoch."""
        begin, step = self.position.batch, self.engine.steps
        awaited = [each.every - step % each.every for each in self.options.callbacks if each.every]
        end = min([len(self.batches), *(begin + steps for steps in awaited)])
        epoch = self.position.epoch
        taken = self.engine.advance(
            Stretch(self.batches, epoch, begin, end, self._place, self._remedy())
        )
        self._count(taken)
        if step == 0:
            _warn_wider(taken.metrics[OBJECTIVE], self.engine.state.parameters)
        self._after_steps(taken)

    def _count(self, taken: Taken) -> None:
        position = self.position
        # Summed one after the other, so that it does not matter where a stretch ends.
        sums = {
            name: float(np.cumsum([position.sums.get(name, 0.0), *(
                values.astype(np.float64) * taken.examples)])[-1])
            for name, values in taken.metrics.items()
        }  # fmt: skip
        self.position = replace(
            position,
            batch=position.batch + len(taken.examples),
            examples=position.examples + int(taken.examples.sum()),
            sums=sums,
        )

    def _after_steps(self, taken: Taken) -> None:
        step, epoch = self.engine.steps, self.position.epoch + 1
        objectives = taken.metrics[OBJECTIVE]
        first = step - len(objectives) + 1
        for at in range(-first % LOGGED, len(objectives), LOGGED):
            J = number(objectives[at])
            self._log({"kind": "step", "epoch": epoch, "step": first + at, OBJECTIVE: J})
        total = self.options.epochs * len(self.batches)
        place = f"{epoch}/{self.options.epochs}"
        examples, J = int(taken.examples.sum()), float(objectives[-1])
        self.reporter.step(step, total, examples, J, place, steps=len(objectives))
        last = {name: values[-1] for name, values in taken.metrics.items()}
        for callback in self.options.callbacks:
            if callback.every and step % callback.every == 0:
                self._heed(callback.on_step, last)

    def _end_epoch(self) -> None:
        position = self.position
        means = {k: number(v / position.examples) for k, v in position.sums.items()}
        record: Record = {
            "kind": "epoch",
            "epoch": position.epoch + 1,
            "step": self.engine.steps,
            **means,
        }
        if self.aside is not None:
            record["validation"] = self._validate(self.aside)
        self._log(record)
        self.reporter.say(epoch_line(record, self.options.epochs))
        for callback in self.options.callbacks:
            self._heed(callback.on_epoch, record)
        self.position = replace(
            self.position, epoch=position.epoch + 1, batch=0, examples=0, sums={}
        )

    def _validate(self, aside: Batches) -> dict[str, float | None]:
        sums: dict[str, float] = {}
        for batch in aside.epoch(0):
            arguments = as_arguments(batch)
            count = len(flatten(arguments)[0][0])
            for name, value in self.engine.evaluate(arguments).items():
                sums[name] = sums.get(name, 0.0) + float(value) * count
        return {name: number(total / aside.example_count) for name, total in sums.items()}

    def _heed(self, callback: Callable[[Report], str | None], metrics: Any) -> None:
        shown = {name: value for name, value in metrics.items() if name != "kind"}
        reason = callback(
            Report(
                self.position.epoch + 1, self.engine.steps, shown, self.history, self.engine.state
            )
        )  # fmt: skip
        if reason is not None and self.position.stopped is None:
            self.position = replace(self.position, stopped=str(reason))

    # -- keeping -----------------------------------------------------------------------------

    def _log(self, record: Record) -> None:
        self.store.append(record)
        self.history.add(record)

    def save(self, with_parameters: bool) -> None:
        """Write the checkpoint, and the parameters where asked."""
        now = time.monotonic()
        seconds = self.position.seconds + now - self._clock
        self._saved = self._clock = now
        self.position = self.store.save(self.engine.state, replace(self.position, seconds=seconds))
        if with_parameters:
            self.store.save_parameters(self.engine.state.parameters)

    # -- words -------------------------------------------------------------------------------

    def _place(self, at: int) -> str:
        batch = f"batch {at + 1} of {len(self.batches)}"
        return f"epoch {self.position.epoch + 1}, {batch}"

    def _remedy(self) -> str:
        text = "a smaller learning rate, or np.maximum or np.where on the input of that line"
        if self.store.directory is not None:
            text += f"\nthe last good parameters are in {self.store.directory}"
        return text


def _warn_wider(objective: Any, parameters: Any) -> None:
    widest = max(leaf.dtype.itemsize for leaf in flatten(parameters)[0])
    if np.asarray(objective).dtype.itemsize > widest:
        warnings.warn(
            f"the objective is computed in {np.asarray(objective).dtype}, wider than the "
            "parameters: convert the data, or the array that widens it, with .astype",
            WengertWarning,
            stacklevel=2,
        )
