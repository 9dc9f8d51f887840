"""Train: forward, backward and update over shuffled minibatches, kept safe on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import numpy as np

from wengert.base.tree import flatten, map_tree, unflatten
from wengert.optim.optimizer import Optimizer
from wengert.optim.rules import sgd
from wengert.planning.budget import checked_budget
from wengert.planning.solver import checked_seconds
from wengert.training.callbacks import Callback
from wengert.training.engine import Engine, Interpreter, fingerprint
from wengert.training.examples import Examples, set_aside
from wengert.training.interrupt import Interrupt
from wengert.training.largest import sized
from wengert.training.ledger import Ledger
from wengert.training.micro import check_mean
from wengert.training.options import Options, identity, refuse_later
from wengert.training.progress import Reporter
from wengert.training.run import Run
from wengert.training.session import Session
from wengert.training.state import TrainingState, training_state
from wengert.training.step import training_step
from wengert.training.store import Store

# Examples that an explanation of the run is checked on.
SHOWN = 8


def fit(
    objective: Callable[..., Any],
    parameters: Any,
    data: Any,
    *,
    optimizer: Optimizer | None = None,
    epochs: int = 10,
    batch_size: int | Literal["largest"] = 256,
    accumulate: int = 1,
    validation: Any = None,
    directory: str | os.PathLike[str] | None = None,
    resume: bool = True,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    progress: bool | None = None,
    save_seconds: float = 10.0,
    threads: int | None = None,
    compiled: bool = True,
    memory: str | int | None = None,
    solve: float | None = None,
    workers: int = 1,
) -> Run:
    """Minimise J over minibatches, starting from ``parameters``, which stay as they are.

    Each epoch draws a new order of the examples from the seed; each minibatch is one step of
    :func:`~wengert.training.step.training_step`, compiled as one program; many steps run in one
    native call, up to where a callback or the end of an epoch wants to look. The objective and
    metrics of an epoch are means over its examples, each measured before the update of its
    minibatch.

    Args:
        objective: ``objective(parameters, *batch)`` returns J or (J, {name: metric}). Where it has
            an argument ``rng=None``, each training step gives it a generator of its own
            (:mod:`wengert.random`), which follows from ``seed``; measurements give it none.
        parameters: an array of floats, or a nested container of them.
        data: a tuple of arrays or containers of arrays, the batch arguments of the objective,
            that share their first axis, the examples; or one array.
        optimizer: from ``wengert.optim``; ``sgd(0.1)`` where it is None.
        epochs: passes over the data.
        batch_size: examples in a minibatch; the last of an epoch may be smaller. ``"largest"``
            takes the most that a step within ``memory`` can have, at most all of the data.
        accumulate: parts that each minibatch is cut into: forward and backward run on one after
            another, so that only the intermediates of one are held, and the update is that of
            the whole minibatch; see :func:`~wengert.training.step.training_step`.
        validation: what the metrics are also measured on after each epoch: a part of the
            data between 0 and 1, set aside by the seed, or arrays like ``data``.
        directory: where history, checkpoint and parameters are kept; None keeps nothing.
        resume: go on with the run in the directory where there is one: to the same bits as a
            run that was never interrupted. False starts again.
        seed: of the order of the examples, of the split and of ``rng``; an integer of at least 0.
        callbacks: objects of classes derived from :class:`~wengert.training.Callback`.
        progress: False says nothing; None and True say a line an epoch, and show a bar on a
            terminal when it takes longer.
        save_seconds: time between two checkpoints within an epoch.
        threads: how many run the program together, None for the cores that are free; the
            results have the same bits for any number.
        compiled: False runs the steps in the reference interpreter, which also stands in where
            llvmlite is absent. Both agree but for rounding.
        memory: bytes, or text such as ``"200MB"``, that bound the one block for intermediates of
            every step: what does not fit is made again before the backward pass reads it, with
            the same bits. Predicted and used bytes are said, and what lies beside the block.
        solve: seconds in which OR-Tools looks for less to make again, for each kind of step; see
            :func:`wengert.plan`.
        workers: for later versions.

    Returns:
        A :class:`~wengert.training.run.Run`.

    Raises:
        DtypeError, ShapeError, DataError, OptionError: parameters, data or options that cannot
            be trained with, or that are not those of the run that is resumed.
        NonFiniteError: J, a gradient or a parameter became NaN or infinite; it tells where.
        BudgetError: no step fits ``memory``; it states the least that does, what binds it, and the
            largest ``batch_size`` that would fit.

    >>> x = np.linspace(-1, 1, 64)
    >>> def objective(p, x, y):
    ...     return np.mean((p["a"] * x + p["b"] - y) ** 2)
    >>> start = {"a": np.array(0.0), "b": np.array(0.0)}
    >>> run = fit(objective, start, (x, 2 * x + 1), epochs=50, batch_size=16, progress=False)
    >>> round(float(run.parameters["a"]), 3), round(float(run.parameters["b"]), 3)
    (2.0, 1.0)
    """
    refuse_later(workers)
    allowed = None if memory is None else checked_budget(memory, "fit: memory")
    seconds = checked_seconds(solve, "fit: solve")
    folder = None if directory is None else Path(directory)
    rule = sgd(0.1) if optimizer is None else optimizer
    chosen = Options(
        rule, epochs, batch_size, validation, folder, resume, seed, tuple(callbacks), progress,
        save_seconds, threads, compiled, allowed, accumulate, seconds,
    )  # fmt: skip
    return _trained(chosen, objective, parameters, data)


def _trained(chosen: Options, objective: Callable[..., Any], parameters: Any, data: Any) -> Run:
    fresh = training_state(parameters, chosen.optimizer)
    examples = set_aside(objective, data, chosen.validation, chosen.seed)
    chosen = sized(chosen, objective, fresh, examples.training)
    if chosen.accumulate > 1:
        check_mean(objective, fresh.parameters, examples.training)
    shown = _first(examples.training, min(int(chosen.batch_size), SHOWN))
    store = Store(chosen.directory, _identity(chosen, objective, fresh.parameters, examples))
    ledger = Ledger(chosen.memory, chosen.solve)
    engine = _engine(chosen, objective, ledger)
    with closing(Reporter(chosen.progress)) as reporter, store.held(), Interrupt() as interrupt:
        session = Session(chosen, engine, store, examples, reporter)
        interrupted = _carry_out(session, fresh, interrupt)
        if ledger.used:
            reporter.say(str(ledger))
    return Run(
        map_tree(np.array, session.engine.state.parameters),
        session.history,
        interrupted,
        session.position.stopped,
        session.position.seconds,
        chosen.directory,
        objective,
        (fresh.parameters, *shown),
        ledger,
    )


def _engine(chosen: Options, objective: Callable[..., Any], ledger: Ledger) -> Engine:
    step = training_step(
        objective, chosen.optimizer, int(chosen.seed), accumulate=int(chosen.accumulate)
    )
    plain = Interpreter(objective, step, None if chosen.in_machine_code else ledger)
    if not chosen.in_machine_code:
        return plain
    from wengert.training.compiled import CompiledEngine  # noqa: PLC0415 - may be absent

    return CompiledEngine(plain, chosen.threads, ledger)


def _identity(
    options: Options,
    objective: Callable[..., Any],
    parameters: Any,
    examples: Examples,
) -> dict[str, str]:
    """Fingerprints cost a pass over the data: only a run on disk pays for them."""
    if options.directory is None:
        return {}
    # Of one example, so that another batch size is not taken for another objective.
    computed = fingerprint(objective, parameters, _first(examples.training, 1))
    return identity(options, computed, parameters, examples)


def _first(data: tuple[Any, ...], count: int) -> tuple[Any, ...]:
    leaves, structure = flatten(data)
    return unflatten(structure, [leaf[:count] for leaf in leaves])


def _carry_out(session: Session, fresh: TrainingState, interrupt: Interrupt) -> bool:
    """Train from where the run stands; return whether Ctrl-C ended it."""
    session.begin(fresh)
    store, epochs = session.store, int(session.options.epochs)
    store.describe("running", epochs, session.position)
    session.train(interrupt)
    interrupted = interrupt.asked and not session.finished
    store.describe("interrupted" if interrupted else "finished", epochs, session.position)
    if session.position.stopped is not None:
        session.reporter.say(f"stopped: {session.position.stopped}")
    if interrupted:
        session.reporter.say(_farewell(session))
    return interrupted


def _farewell(session: Session) -> str:
    done = f"interrupted after {session.engine.steps} steps"
    if session.store.directory is None:
        return f"{done}; with directory=… the run could be resumed"
    return f"{done}; everything is saved in {session.store.directory}: run the same again to resume"
