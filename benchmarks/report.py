"""Scores as Markdown and JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.cases import CASES, flops
from benchmarks.contenders import CONTENDERS
from benchmarks.rounds import Score


@dataclass
class Findings:
    """All that one run found out."""

    machine: dict[str, str]
    scores: list[Score] = field(default_factory=list)
    bandwidth: dict[int, float] = field(default_factory=dict)
    cliffs: dict[str, dict[int, float]] = field(default_factory=dict)
    loads: list[float] = field(default_factory=list)
    note: str = ""

    def groups(self) -> list[list[Score]]:
        """Return the scores of each case and number of threads, without a neighbour."""
        return self._grouped(False)

    def crowded(self) -> list[list[Score]]:
        """Return the scores of each case and number of threads beside a busy neighbour."""
        return self._grouped(True)

    def _grouped(self, neighbour: bool) -> list[list[Score]]:
        found: dict[tuple[str, int], list[Score]] = {}
        for score in self.scores:
            if score.neighbour == neighbour:
                found.setdefault((score.case, score.threads), []).append(score)
        return list(found.values())


def best(scores: Sequence[Score], ours: bool, by: str = "median") -> Score | None:
    """Return the fastest of ours or of the peers, by median or least."""
    valid = [s for s in scores if s.valid and CONTENDERS[s.contender].ours == ours]
    return min(valid, key=lambda s: getattr(s, by), default=None)


def ratio(scores: Sequence[Score], by: str = "median") -> float:
    """Return how many times as fast as the best peer Wengert is."""
    mine, peer = best(scores, True, by), best(scores, False, by)
    return getattr(peer, by) / getattr(mine, by) if mine and peer else math.nan


def as_json(found: Findings) -> dict[str, Any]:
    """Return everything as plain data."""
    return asdict(found) | {
        "ratios": [
            {"case": group[0].case, "threads": group[0].threads,
             "target": CASES[group[0].case].targets.get(group[0].threads),
             "median": ratio(group), "least": ratio(group, "least"),
                "processor": ratio(group, "processor")}
            for group in found.groups()
        ]
    }  # fmt: skip


def markdown(found: Findings, picture: str = "") -> str:
    """Return the page."""
    parts = [_head(found, picture), _summary(found), *map(_group, found.groups())]
    if found.bandwidth:
        parts.append(_bandwidth(found))
    if found.crowded():
        parts.append(_crowded(found))
    parts += [_cliffs(name, times) for name, times in found.cliffs.items()]
    return "\n\n".join(parts) + "\n"


def _head(found: Findings, picture: str) -> str:
    facts = ", ".join(f"{key} {value}" for key, value in found.machine.items())
    lines = [
        "# Benchmarks",
        "",
        "Made by `python -m benchmarks`. One training step, forward, backward and update, in "
        "float32; each contender in a process of its own, all on the same cores, taking turns; "
        "results checked against NumPy in float64. *Ratio* is the time of the fastest peer over "
        "Wengert's: above 1, Wengert is faster. With one thread, processor time is what neighbours "
        "on the machine disturb least.",
        "",
        f"Machine: {facts}.",
    ]
    if found.loads:
        low, high = min(found.loads), max(found.loads)
        lines += ["", f"Processes that wanted a core meanwhile (load, one minute): {low:.1f} to "
                  f"{high:.1f}, the measured ones included. {found.note}".rstrip()]  # fmt: skip
    if picture:
        lines += ["", f"![Times of a step]({picture})"]
    return "\n".join(lines)


def _summary(found: Findings) -> str:
    rows = [("case", "threads", "Wengert", "best peer", "", "ratio", "by least time",
            "by processor time",
             "target")]  # fmt: skip
    for group in found.groups():
        mine, peer = best(group, True), best(group, False)
        target = CASES[group[0].case].targets.get(group[0].threads)
        rows.append((
            CASES[group[0].case].title, str(group[0].threads),
            duration(mine.median) if mine else "—",
            duration(peer.median) if peer else "—",
            CONTENDERS[peer.contender].title if peer else "",
            _times(ratio(group)), _times(ratio(group, "least")),
                _times(ratio(group, "processor")),
            f"{target:g}×" if target else "—",
        ))  # fmt: skip
    return "## Against the best peer\n\n" + table(rows)


def _group(scores: list[Score]) -> str:
    case, threads = CASES[scores[0].case], scores[0].threads
    rows = [("", "median", "least", "processor time", "first call", "again", "memory", "error",
             "ratio")]  # fmt: skip
    mine = best(scores, True)
    for s in scores:
        title = CONTENDERS[s.contender].title
        if not s.valid:
            rows.append((title, s.problem.replace("|", "/") or "no result", *[""] * 7))
            continue
        rows.append((
            title, duration(s.median), duration(s.least), duration(s.processor),
            duration(s.first), duration(s.first_warm), f"{s.memory / 1e6:.0f} MB",
            f"{s.error:.0e}", _times(s.median / mine.median) if mine else "",
        ))  # fmt: skip
    work = flops(case)
    if mine and work:
        speed = f" Wengert: {work / mine.least / 1e9:.0f} GFLOP/s at its best."
    else:
        speed = ""
    count = "one thread" if threads == 1 else f"{threads} threads"
    return f"## {case.title}, {count}\n\n{table(rows)}" + (f"\n\n{speed.strip()}" if speed else "")


def _bandwidth(found: Findings) -> str:
    rows = [("threads", "triad", "chain: bytes moved in the least time", "share")]
    for threads, speed in found.bandwidth.items():
        group = [s for s in found.scores if s.case == "chain" and s.threads == threads]
        mine = best(group, True, "least")
        if mine:
            moved = 8 * CASES["chain"].sizes[0] / mine.least
            rows.append((str(threads), f"{speed / 1e9:.1f} GB/s", f"{moved / 1e9:.1f} GB/s",
                         f"{100 * moved / speed:.0f} %"))  # fmt: skip
    return ("## The chain against the memory\n\nThe chain must read and write 4 bytes a number; "
            "the triad reads two arrays and writes one.\n\n" + table(rows))  # fmt: skip


def _crowded(found: Findings) -> str:
    """Return what a neighbour does to all threads, against one thread alone and the best peer."""
    rows = [("case", "threads", "Wengert", "one thread, quiet", "share", "best peer", "", "ratio")]
    alone = {group[0].case: best(group, True) for group in found.groups() if group[0].threads == 1}
    for group in found.crowded():
        mine, peer, one = best(group, True), best(group, False), alone.get(group[0].case)
        if mine is not None:
            rows.append((
                CASES[mine.case].title, str(mine.threads), duration(mine.median),
                duration(one.median) if one else "—", _times(mine.median / one.median) if one
                else "—", duration(peer.median) if peer else "—",
                CONTENDERS[peer.contender].title if peer else "", _times(ratio(group)),
            ))  # fmt: skip
    return ("## Beside a neighbour that keeps one core busy\n\nNo step should take more than 1.15 "
            "times as long as on one thread alone, nor longer than its peers.\n\n"
            + table(rows))  # fmt: skip


def _cliffs(name: str, times: dict[int, float]) -> str:
    found = cliffs(times)
    told = ", ".join(f"{at} ({times[at] * 1e6:.0f} µs, {by:.2f}×)" for at, by in found.items())
    return (f"## Cliffs: {name}\n\n{len(times)} sizes from {min(times)} to {max(times)}; more than "
            f"1.6 × both neighbours: {told or 'none'}.")  # fmt: skip


def cliffs(times: dict[int, float], limit: float = 1.6) -> dict[int, float]:
    """Return the sizes that take longer than both neighbours, and how many times as long.

    >>> cliffs({1: 1.0, 2: 2.0, 3: 1.1, 4: 1.2})
    {2: 1.8181818181818181}
    """
    sizes, found = list(times), {}
    for place, size in enumerate(sizes):
        near = sizes[max(place - 1, 0) : place] + sizes[place + 1 : place + 2]
        by = times[size] / max(times[other] for other in near) if near else 1.0
        if by > limit:
            found[size] = by
    return found


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first row is its head."""
    marks = ["---", *["---:"] * (len(rows[0]) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (rows[0], marks, *rows[1:]))


def duration(seconds: float) -> str:
    """Write a time with three digits.

    >>> duration(1.2345e-5), duration(0.0123), duration(2.0)
    ('12.3 µs', '12.3 ms', '2.00 s')
    """
    if math.isnan(seconds):
        return "—"
    units = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
    unit, size = next((each for each in units if seconds >= each[1]), units[-1])
    value = seconds / size
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} {unit}"


def _times(value: float) -> str:
    return "—" if math.isnan(value) else f"{value:.2f}×"
