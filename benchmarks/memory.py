"""What a step holds, against PyTorch and JAX: ``python -m benchmarks.memory [--out docs]``.

Every measurement is a process of its own, on one thread. First everything is kept: the most that
each process holds during steps. Then PyTorch's ``activation_memory_budget`` is measured at a few
settings, which gives its range [floor, peak]; at 75, 50 and 25 % of it the cheapest of its settings
that stays below is compared with Wengert within the same bytes. Then Wengert
at 75, 50 and 25 % of its own range. About four minutes on a quiet machine, at most eight.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.memory_worker import NETWORKS
from wengert.explanation.drawing.svg import BLUE, GREY, INK, document, rect, words

KNOBS = (1.0, 0.75, 0.5, 0.25, 0.0)
SHARES = (0.75, 0.5, 0.25)
OWN = (75, 50, 25)
_SECONDS = 90


@dataclass(frozen=True)
class Measured:
    """One process: the most bytes that its steps held beyond the start, and their least time."""

    peak: int
    seconds: float
    planned: int = 0
    work: float = 0.0


@dataclass(frozen=True)
class Row:
    """At the same bytes: the allowance, and what each does with it; None where it cannot."""

    share: float
    allowed: int
    torch: Measured | None
    ours: Measured | None


@dataclass(frozen=True)
class Findings:
    """Everything about one network."""

    network: str
    kept: dict[str, Measured | None]
    knobs: dict[float, Measured]
    rows: list[Row]
    own: dict[int, Measured]


def measured(contender: str, network: str, budget: str = "-") -> Measured | None:
    """Measure in a process of its own; None where that fails."""
    command = [sys.executable, "-m", "benchmarks.memory_worker", contender, network, budget]
    once = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    try:
        done = subprocess.run(command, env={**os.environ, **once}, capture_output=True, text=True,
                              timeout=_SECONDS, check=True)  # fmt: skip
        told = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError) as problem:
        text = getattr(problem, "stderr", None) or str(problem)
        print(f"{contender} {network} {budget}: {text.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    print(f"{contender} {network} {budget}: {told}", file=sys.stderr, flush=True)
    return Measured(told["peak"], told["seconds"], told.get("planned", 0), told.get("work", 0.0))


def compare(network: str) -> Findings:
    """Measure everything about one network."""
    kept = {name: measured(name, network) for name in ("wengert", "torch", "jax")}
    knobs = {knob: measured("torch", network, str(knob)) for knob in KNOBS}
    found = {knob: each for knob, each in knobs.items() if each is not None}
    rows: list[Row] = []
    if len(found) > 1:
        floor, top = min(e.peak for e in found.values()), max(e.peak for e in found.values())
        rows = [_row(network, share, floor, top, found, kept["wengert"]) for share in SHARES]
    within = {share: measured("wengert", network, f"{share}%") for share in OWN}
    own = {share: each for share, each in within.items() if each is not None}
    return Findings(network, kept, found, rows, own)


def _row(
    network: str, share: float, floor: int, top: int, knobs: dict[float, Measured],
    whole: Measured | None,
) -> Row:  # fmt: skip
    allowed = floor + int(share * (top - floor))
    within = [each for each in knobs.values() if each.peak <= allowed]
    best = min(within, key=lambda each: each.seconds, default=None)
    if whole is not None and whole.planned <= allowed:
        return Row(share, allowed, best, whole)
    # Gradients are results: what is left of the allowance is the block's.
    results = sum(w.nbytes for w in NETWORKS[network].weights())
    return Row(share, allowed, best, measured("wengert", network, str(allowed - results)))


def markdown(found: list[Findings]) -> str:
    """Return the page."""
    machine = describe()
    lines = [
        "# Memory against peers",
        "",
        "`python -m benchmarks.memory --out docs` wrote this page.",
        f"{machine.get('processor', '')}; one thread; one process a measurement; the peak is the",
        "most that a process held during steps, less what it held before them.",
        "",
        "![Time of a step over the bytes that it holds](pictures/memory_peers.svg)",
        "",
    ]
    for each in found:
        lines += _section(each)
    return "\n".join(lines)


def _section(found: Findings) -> list[str]:
    free = found.kept["wengert"]
    lines = [f"## {NETWORKS[found.network].title}", ""]
    lines += _head("everything kept", "measured peak", "predicted", "time of a step")
    for name, each in found.kept.items():
        if each is None:
            lines.append(f"| {_TITLES[name]} | failed | | |")
            continue
        said = _megabytes(each.planned) if each.planned else "—"
        lines.append(f"| {_TITLES[name]} | {_megabytes(each.peak)} | {said} | {_time(each)} |")
    lines += ["", *_head("PyTorch's `activation_memory_budget`", "measured peak", "extra time")]
    for knob, each in found.knobs.items():
        extra = _extra(each, found.knobs.get(1.0))
        lines.append(f"| {knob} | {_megabytes(each.peak)} | {extra} |")
    lines += ["", *_head("share of PyTorch's range", "bytes", "PyTorch, extra time",
                         "Wengert, extra time", "Wengert, measured peak")]  # fmt: skip
    for row in found.rows:
        theirs, ours = _extra(row.torch, found.knobs.get(1.0)), _extra(row.ours, free)
        held = "—" if row.ours is None else _megabytes(row.ours.peak)
        lines.append(
            f"| {row.share:.0%} | {_megabytes(row.allowed)} | {theirs} | {ours} | {held} |"
        )
    lines += ["", *_head("share of Wengert's own range", "measured peak", "predicted",
                         "extra time", "extra work")]  # fmt: skip
    for share, each in found.own.items():
        peaks = f"{_megabytes(each.peak)} | {_megabytes(each.planned)}"
        lines.append(f"| {share} % | {peaks} | {_extra(each, free)} | {each.work:.1%} |")
    return [*lines, ""]


def _head(*titles: str) -> list[str]:
    return ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]


_TITLES = {"wengert": "Wengert", "torch": "PyTorch", "jax": "JAX"}


def _megabytes(nbytes: int) -> str:
    return f"{nbytes / 1e6:.1f} MB"


def _time(each: Measured) -> str:
    return _seconds(each.seconds)


def _seconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"


def _extra(each: Measured | None, free: Measured | None) -> str:
    return (
        "—" if each is None or free is None else f"{100 * (each.seconds / free.seconds - 1):+.0f} %"
    )


# -- The plot --------------------------------------------------------------------------------------

_WIDE, _HIGH, _EDGE = 300.0, 200.0, 60.0


def picture(found: list[Findings]) -> str:
    """Return time of a step over its peak, a panel a network: to the lower left is better."""
    body: list[str] = []
    for at, each in enumerate(found):
        body += _panel(each, _EDGE + at * (_WIDE + _EDGE + 20))
    width = _EDGE + len(found) * (_WIDE + _EDGE + 20)
    told = "; ".join(NETWORKS[each.network].title for each in found)
    return document(width, _HIGH + 150, "Time of a step over the bytes that it holds", told, body)


def _panel(found: Findings, left: float) -> list[str]:
    points = [(e, "PyTorch, its budget", "#94a3b8") for e in found.knobs.values()]
    points += [(each, "Wengert, its budget", BLUE) for each in found.own.values()]
    points += [(e, _TITLES[name], BLUE if name == "wengert" else INK)
               for name, e in found.kept.items() if e is not None]  # fmt: skip
    most = max((e.peak for e, _, _ in points), default=1)
    slow = max((e.seconds for e, _, _ in points), default=1.0)
    top, bottom = 90.0, 90.0 + _HIGH
    body = [words(NETWORKS[found.network].title, left, 76, 11, INK, anchor="start", weight="bold"),
            rect(left, bottom, _WIDE, 0.6, radius=0, fill=GREY, stroke="none", width=0),
            rect(left, top, 0.6, _HIGH, radius=0, fill=GREY, stroke="none", width=0),
            words(_megabytes(most), left + _WIDE, bottom + 14, 10, GREY),
            words("bytes held", left + _WIDE / 2, bottom + 14, 10, GREY),
            words(_seconds(slow), left + 4, top + 4, 10, GREY, anchor="start")]  # fmt: skip
    told: set[str] = set()
    for each, title, colour in points:
        x = left + _WIDE * each.peak / most
        y = bottom - _HIGH * each.seconds / slow
        body.append(rect(x - 3, y - 3, 6, 6, radius=3, fill=colour, stroke="none", width=0))
        if title not in told:
            told.add(title)
            body.append(words(title, x, y - 7, 9.5, colour))
    return body


def main() -> int:
    """Measure, print the page, and write it down where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("networks", nargs="*", default=[], help=", ".join(NETWORKS))
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write memory_peers.md and its plot there"
    )
    asked = parser.parse_args()
    found = [compare(network) for network in asked.networks or list(NETWORKS)]
    page = markdown(found)
    if asked.out:
        (asked.out / "pictures").mkdir(parents=True, exist_ok=True)
        (asked.out / "memory_peers.md").write_text(page, "utf-8")
        (asked.out / "pictures/memory_peers.svg").write_text(picture(found), "utf-8")
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
