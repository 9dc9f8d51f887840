"""The command: ``python -m benchmarks [CASE …] [options]``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.cases import CASES, QUICK, TINY
from benchmarks.contenders import CONTENDERS
from benchmarks.machine import describe, load, triad
from benchmarks.plot import picture
from benchmarks.report import Findings, duration, markdown
from benchmarks.report import as_json as plain
from benchmarks.rounds import Settings, compete

_QUICK_PEERS = "wengert,wengert-many,jax,jax-scan,torch"
_QUICK = ("--rounds", "3", "--seconds", "0.15", "--contenders", _QUICK_PEERS)
_PICTURE = "pictures/benchmarks.svg"


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for, print the tables and write them down."""
    asked = _parser().parse_args(arguments)
    if asked.quick:
        asked = _parser().parse_args([*_QUICK, *(sys.argv[1:] if arguments is None else arguments)])
    names = asked.cases or ([*QUICK] if asked.quick else [n for n in CASES if n not in TINY])
    settings = Settings(asked.rounds, asked.seconds, asked.warm)
    found = Findings(describe(), note=asked.note)
    for threads in asked.threads:
        if "chain" in names:
            found.bandwidth[threads] = triad(threads)
        for name in names:
            found.loads.append(load())
            _measure(found, name, threads, asked.contenders, settings)
            if asked.busy and threads > 1:
                crowded = replace(settings, warm=False, busy=True)
                _measure(found, name, threads, asked.contenders, crowded)
            if asked.out:
                _write(asked.out, found)  # a run that is broken off leaves what it found
    if asked.cliffs:
        from benchmarks.scan import scan

        for title, widths in (("widths at batch 32", True), ("batches at width 64", False)):
            found.cliffs[title] = scan(max(asked.threads), asked.cliffs, widths)
    if asked.out:
        _write(asked.out, found)
    print(markdown(found))
    return 0


def _measure(
    found: Findings, name: str, threads: int, contenders: list[str], settings: Settings
) -> None:
    begin = time.perf_counter()
    scores = compete(name, threads, contenders, settings)
    found.scores += scores
    told = ", ".join(f"{s.contender} {duration(s.median) if s.valid else '—'}" for s in scores)
    took = time.perf_counter() - begin
    print(f"{name}, {threads} threads, {took:.0f} s: {told}", file=sys.stderr, flush=True)


def _write(folder: Path, found: Findings) -> None:
    for place, text in (
        ("benchmarks.json", json.dumps(plain(found), indent=1, ensure_ascii=False) + "\n"),
        (_PICTURE, picture(found)),
        ("benchmarks.md", markdown(found, _PICTURE)),
    ):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(text, "utf-8")
        partial.replace(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--contenders", type=_chosen, default=list(CONTENDERS),
                        help="with commas: " + ",".join(CONTENDERS))  # fmt: skip
    parser.add_argument("--threads", type=_numbers, default=[2, 1], help="with commas: 2,1")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a turn")
    parser.add_argument("--cold", dest="warm", action="store_false",
                        help="do not measure a first call from cached object code")  # fmt: skip
    parser.add_argument("--busy", action="store_true",
                        help="measure again beside a process that keeps one core busy")  # fmt: skip
    parser.add_argument("--quick", action="store_true",
                        help="fewer cases and peers, shorter turns: five minutes")  # fmt: skip
    parser.add_argument("--cliffs", type=int, default=0, metavar="STEP",
                        help="scan sizes from 1 to 300, STEP apart; 1 looks at all")  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FOLDER",
                        help="write benchmarks.md, benchmarks.json and the plot there")  # fmt: skip
    parser.add_argument("--note", default="", help="a sentence for the page")
    return parser


def _chosen(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in CONTENDERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}")
    return names


def _numbers(text: str) -> list[int]:
    numbers = [int(part) for part in text.split(",")]
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError("1 thread at least")
    return numbers


if __name__ == "__main__":
    sys.exit(main())
