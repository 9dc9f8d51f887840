"""One contender in a process of its own; told what to do by lines of JSON."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from importlib import import_module
from typing import Any, TextIO

import numpy as np

from benchmarks.cases import CASES, data
from benchmarks.contenders import CONTENDERS, Absent, Contender

_SAMPLE = 3e-3  # seconds: shorter steps are timed several at once


def main() -> None:
    """Prepare the contender, then answer one line for each line."""
    # What libraries print must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    name, case_name, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    try:
        module = import_module(f"benchmarks.contenders.{CONTENDERS[name].module}")
        module.prepare(threads)
        case = CASES[case_name]
        given = data(case)
        forget_peak()
        before = resident()
        contender: Contender = module.make(name, case, given)
    except Absent as reason:
        return tell(answers, absent=str(reason))
    tell(answers, ready=True, before=before)
    while line := sys.stdin.readline():
        asked = json.loads(line)
        try:
            tell(answers, **_DO[asked["do"]](contender, asked))
        except Exception as problem:  # a contender's failure is a result
            first = (str(problem).strip().splitlines() or [""])[0]
            tell(answers, failed=f"{type(problem).__name__}: {first}"[:200])


def tell(answers: TextIO, **what: Any) -> None:
    """Answer with one line."""
    print(json.dumps(what), file=answers, flush=True)


def _first(contender: Contender, asked: dict[str, Any]) -> dict[str, Any]:
    begin = time.perf_counter()
    contender.run(contender.unit)
    return {"first": time.perf_counter() - begin}


def _check(contender: Contender, asked: dict[str, Any]) -> dict[str, Any]:
    contender.reset()
    contender.run(asked["steps"])
    found = {name: np.array(value) for name, value in contender.result().items()}
    np.savez(asked["file"], **found)
    return {}


def _round(contender: Contender, asked: dict[str, Any]) -> dict[str, Any]:
    """Return times of steps, in seconds, for as long as asked."""
    end = time.perf_counter() + asked["seconds"]
    steps, wall, busy = contender.unit, [], []
    while time.perf_counter() < end or len(wall) < 2:
        begin, began = time.perf_counter(), time.process_time()
        contender.run(steps)
        took = time.perf_counter() - begin
        if took < _SAMPLE / 2 and not wall:
            steps *= 2
            continue
        wall.append(took / steps)
        busy.append((time.process_time() - began) / steps)
    return {"wall": wall, "busy": busy, "steps": steps}


def _memory(contender: Contender, asked: dict[str, Any]) -> dict[str, Any]:
    return {"peak": peak()}


def _listing(contender: Contender, asked: dict[str, Any]) -> dict[str, Any]:
    made = getattr(contender, "listing", None)
    return {"listing": made() if made else ""}


_DO = {
    "first": _first, "check": _check, "round": _round, "memory": _memory, "listing": _listing,
}  # fmt: skip


# -- Memory ----------------------------------------------------------------------------------------


def forget_peak() -> None:
    """Begin the record of peak memory anew, so that importing is not counted, where Linux can."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def resident() -> int:
    """Return the bytes that the process holds now; its peak where that is all that is known."""
    return _status("VmRSS") or peak()


def peak() -> int:
    """Return the most bytes that the process held."""
    unit = 1 if sys.platform == "darwin" else 1024
    return _status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status(key: str) -> int:
    try:
        with open("/proc/self/status") as file:
            for line in file:
                if line.startswith(key):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


if __name__ == "__main__":
    main()
