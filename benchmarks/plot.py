"""Times as bars: one group a case, on one logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.cases import CASES
from benchmarks.contenders import CONTENDERS
from benchmarks.report import Findings, best, duration
from benchmarks.rounds import Score
from wengert.explanation.drawing.svg import BLUE, GREY, INK, document, rect, words

_LEFT, _RIGHT, _TOP, _BAR, _GAP, _PLOT = 200.0, 150.0, 78.0, 14.0, 34.0, 520.0
_PALE = "#cbd5e1"


def picture(found: Findings) -> str:
    """Return the drawing: bars of medians, a tick at the least time, ratio beside the title."""
    groups = [[s for s in group if s.valid] for group in found.groups()]
    groups = [group for group in groups if group]
    times = [value for group in groups for s in group for value in (s.median, s.least)]
    low = math.floor(math.log10(min(times, default=1e-6)))
    high = max(math.ceil(math.log10(max(times, default=1.0))), low + 1)
    body, y = list[str](), _TOP
    marks: list[str] = []
    for group in groups:
        marks += _bars(group, y, low, high)
        y += _GAP + _BAR * len(group)
    for power in range(low, high + 1):
        x = _LEFT + _PLOT * (power - low) / (high - low)
        body.append(rect(x, _TOP - 16, 0.6, y - _TOP, radius=0, fill=_PALE, stroke="none", width=0))
        body.append(words(duration(10.0**power * (1 + 1e-9)).replace(".00", "").replace(".0", ""),
                          x, _TOP - 22, 10.5, GREY))  # fmt: skip
    machine = found.machine.get("processor", "")
    body.append(words(f"{machine}, {found.machine.get('cores', '?')} cores; shorter is faster",
                      26, 48, 10.5, GREY, anchor="start"))  # fmt: skip
    told = "; ".join(f"{CASES[group[0].case].title}: "
                     + ", ".join(f"{CONTENDERS[s.contender].title} {duration(s.median)}"
                                 for s in group) for group in groups)  # fmt: skip
    width = _LEFT + _PLOT + _RIGHT
    return document(width, y + 8, "Time of one step (median; tick: least)", told, body + marks)


def _bars(group: Sequence[Score], y: float, low: int, high: int) -> list[str]:
    def place(seconds: float) -> float:
        return max(_PLOT * (math.log10(seconds) - low) / (high - low), 1.0)

    count = "one thread" if group[0].threads == 1 else f"{group[0].threads} threads"
    title = f"{CASES[group[0].case].title}, {count}"
    body = [words(title, _LEFT, y - 2, 11.5, INK, anchor="start", weight="bold")]
    mine = best(group, True)
    for row, score in enumerate(group):
        ours = CONTENDERS[score.contender].ours
        top = y + 4 + _BAR * row
        colour = BLUE if ours else "#94a3b8"
        length = place(score.median)
        text = duration(score.median)
        if mine and not ours:
            text += f"  ({score.median / mine.median:.2f}×)"
        body += [
            words(CONTENDERS[score.contender].title, _LEFT - 8, top + 9.5, 10.5, INK, anchor="end"),
            rect(_LEFT, top, length, _BAR - 3, radius=0, fill=colour, stroke="none", width=0),
            rect(_LEFT + place(score.least), top - 1, 1.4, _BAR - 1, radius=0, fill=INK,
                 stroke="none", width=0),
            words(text, _LEFT + length + 6, top + 9.5, 10.5, INK, anchor="start"),
        ]  # fmt: skip
    return body
