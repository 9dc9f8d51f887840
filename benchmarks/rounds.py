"""Contenders against one another: each in a process of its own, taking turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import CASES, Case, data
from benchmarks.contenders import CONTENDERS
from benchmarks.neighbour import neighbour
from benchmarks.reference import expected, moved, worst

ROOT = Path(__file__).resolve().parent.parent
_LONGEST = 180.0  # seconds for one answer
WORST_ERROR = 2e-3  # relative, of the distance that parameters went, in float32


@dataclass(frozen=True)
class Settings:
    """How thoroughly to measure."""

    rounds: int = 3
    seconds: float = 0.3
    warm: bool = True
    busy: bool = False  # with a neighbour that keeps one core


@dataclass
class Score:
    """What was found out about one contender; times are seconds a step."""

    contender: str
    case: str
    threads: int
    neighbour: bool = False
    problem: str = ""
    error: float = float("nan")
    first: float = float("nan")
    first_warm: float = float("nan")
    memory: int = 0
    wall: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    listing: str = ""

    @property
    def valid(self) -> bool:
        """Whether it ran, and computed what it should."""
        return not self.problem and bool(self.wall)

    @property
    def median(self) -> float:
        """Return the median time of a step."""
        return float(np.median(self.wall))

    @property
    def least(self) -> float:
        """Return the least time of a step."""
        return min(self.wall)

    @property
    def processor(self) -> float:
        """Return the median processor time of a step, all threads together."""
        return float(np.median(self.busy))


class Worker:
    """A process that carries out one contender."""

    def __init__(self, score: Score, caches: Path) -> None:
        self._score = score
        arguments = [score.contender, score.case, str(score.threads)]
        environment = dict(os.environ)
        for name in ("OMP", "OPENBLAS", "MKL"):
            environment[f"{name}_NUM_THREADS"] = str(score.threads)
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "src")])
        environment["WENGERT_CACHE"] = str(caches / "wengert")
        environment["TORCHINDUCTOR_CACHE_DIR"] = str(caches / "inductor")
        self._process = subprocess.Popen(
            [*_bound(score.threads), sys.executable, "-m", "benchmarks.worker", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, cwd=ROOT, env=environment,
        )  # fmt: skip
        answer = self._answer()
        score.problem = answer.get("absent", "") or answer.get("failed", "")
        self.before = answer.get("before", 0)

    def ask(self, do: str, **what: Any) -> dict[str, Any]:
        """Send one line and return the answer; a failure is kept in the score."""
        if self._score.problem:
            return {}
        assert self._process.stdin is not None
        try:
            print(json.dumps({"do": do, **what}), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            pass
        answer = self._answer()
        self._score.problem = answer.get("failed", "")
        return answer

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        # A contender that hangs must not hold up the others.
        patience = threading.Timer(_LONGEST, self._process.kill)
        patience.start()
        line = self._process.stdout.readline()
        patience.cancel()
        return json.loads(line) if line else {"failed": f"the process ended: {self.end()}"}

    def end(self) -> int:
        """End the process and return its exit status."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            return self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _bound(threads: int) -> list[str]:
    """Return a command that binds what follows to as many cores, which holds every contender.

    JAX has no other way to say how many threads it may use.
    """
    if not hasattr(os, "sched_getaffinity"):
        return []
    free = sorted(os.sched_getaffinity(0))
    if threads >= len(free):
        return []
    cores = ",".join(map(str, free[-threads:]))
    return [sys.executable, "-c", _BIND, cores]


_BIND = """
import os, sys
os.sched_setaffinity(0, [int(core) for core in sys.argv[1].split(",")])
os.execv(sys.argv[2], sys.argv[2:])
"""


def compete(name: str, threads: int, contenders: Sequence[str], settings: Settings) -> list[Score]:
    """Return the scores of all contenders in one case."""
    case = CASES[name]
    scores = [Score(contender, name, threads, settings.busy) for contender in contenders]
    wanted = expected(case, data(case))
    with tempfile.TemporaryDirectory() as folder:
        workers = {score.contender: _start(case, score, wanted, Path(folder), settings)
                   for score in scores}  # fmt: skip
        for turn in range(settings.rounds):
            shift = turn % len(scores)
            for score in scores[shift:] + scores[:shift]:
                with neighbour(settings.busy):
                    answer = workers[score.contender].ask("round", seconds=settings.seconds)
                score.wall += answer.get("wall", [])
                score.busy += answer.get("busy", [])
        for score in scores:
            worker = workers[score.contender]
            score.memory = max(worker.ask("memory").get("peak", 0) - worker.before, 0)
            score.listing = worker.ask("listing").get("listing", "")
            worker.end()
    return scores


def _start(
    case: Case, score: Score, wanted: dict[str, Any], folder: Path, settings: Settings
) -> Worker:
    """Return a worker that has made its first call and was found to be right."""
    caches = folder / score.contender
    worker = Worker(score, caches)
    score.first = worker.ask("first").get("first", float("nan"))
    if settings.warm and CONTENDERS[score.contender].ours and not score.problem:
        worker.end()
        worker = Worker(score, caches)
        score.first_warm = worker.ask("first").get("first", float("nan"))
    file = folder / f"{score.contender}.npz"
    worker.ask("check", file=str(file), steps=case.checked_steps)
    if not score.problem:
        with np.load(file) as found:
            got = dict(found)
        if case.trains:
            got = moved(got, data(case).parameters)
        score.error = worst(got, wanted)
        if not score.error < WORST_ERROR:
            score.problem = f"wrong by {score.error:.1e}"
    return worker
