"""Plots of training: loss and accuracy over the epochs, and live bytes over the schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from wengert.base.quantities import format_bytes
from wengert.explanation.drawing.svg import (
    AMBER,
    BLUE,
    GREY,
    INK,
    RED,
    document,
    number,
    rect,
    words,
)
from wengert.planning.timeline import Held

_PANEL, _HEIGHT, _LEFT, _TOP, _GAP = 330.0, 200.0, 62.0, 80.0, 84.0
_SKIPPED = {"epoch", "step", "kind", "seconds", "time", "rate", "examples", "learning_rate"}
_SPLITS = ("validation", "val", "test", "train", "training")
# Colour, dash and mark: each of the three alone tells the lines apart.
_LINES = {"training": (BLUE, ""), "validation": (RED, "6 3"), "test": (AMBER, "2 3")}
_Point = tuple[float, float]
_Points = list[_Point]


def curves_svg(
    history: Sequence[Mapping[str, Any]],
    steps: Sequence[Mapping[str, Any]] = (),
    title: str = "Training",
) -> str:
    """Return loss and metrics over the epochs as SVG text, one panel a measurement.

    Args:
        history: one record an epoch: ``epoch`` (counted from 1 when absent), measurements,
            and the same under ``validation`` (or as ``validation.accuracy``, ``val_accuracy``).
            Values that are missing or not finite leave a gap.
        steps: records of single steps, drawn thin behind the curve of the same name; they
            need ``step``, and ``history`` needs it too.
        title: the headline.

    >>> svg = curves_svg([{"epoch": 1, "objective": 0.9}, {"epoch": 2, "objective": 0.5}])
    >>> svg.startswith("<svg"), "objective" in svg
    (True, True)
    """
    panels = _measurements(history)
    count = max(1, len(panels))
    width = _LEFT + count * _PANEL + (count - 1) * _GAP + 60
    body: list[str] = []
    for place, (name, lines) in enumerate(panels.items()):
        left = _LEFT + place * (_PANEL + _GAP)
        body += _panel(name, lines, _step_points(name, history, steps), left)
    if not panels:
        body.append(words("no measurement yet", width / 2, 150, 12, GREY))
    return document(width, _TOP + _HEIGHT + 62, title, _curve_words(panels), body)


def _measurements(history: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, _Points]]:
    """Return for each measurement its training, validation and test points."""
    found: dict[str, dict[str, _Points]] = {}
    for index, record in enumerate(history):
        at = float(record.get("epoch", index + 1))
        for key, value in _flat(record):
            name, split = _split_name(key)
            if name in _SKIPPED:
                continue
            points = found.setdefault(name, {}).setdefault(split, [])
            if value is not None and math.isfinite(value):
                points.append((at, value))
    kept = {name: lines for name, lines in found.items() if any(lines.values())}
    first = [name for name in ("objective", "loss", "accuracy") if name in kept]
    return {name: kept[name] for name in [*first, *(n for n in kept if n not in first)]}


def _flat(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | None]]:
    for key, value in record.items():
        if isinstance(value, Mapping):
            inner: Mapping[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
            yield from _flat(inner, f"{prefix}{key}.")
        elif value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            yield f"{prefix}{key}", None if value is None else float(value)


def _split_name(key: str) -> tuple[str, str]:
    for split in _SPLITS:
        for mark in (".", "_"):
            if key.startswith(split + mark):
                name = {"val": "validation", "train": "training"}.get(split, split)
                return key[len(split) + 1 :], name
    return key, "training"


def _step_points(
    name: str, history: Sequence[Mapping[str, Any]], steps: Sequence[Mapping[str, Any]]
) -> _Points:
    """Return measurements of single steps, on the axis of epochs."""
    last = next((r["step"] / r["epoch"] for r in reversed(history) if r.get("step")), 0)
    if not last:
        return []
    rows = [(each["step"] / last, each.get(name)) for each in steps if "step" in each]
    return [(at, float(v)) for at, v in rows if v is not None and math.isfinite(v)]


class _Axes(NamedTuple):
    left: float
    top: float
    width: float
    height: float
    x0: float
    x1: float
    y0: float
    y1: float

    def at(self, point: tuple[float, float]) -> tuple[float, float]:
        x = self.left + (point[0] - self.x0) / (self.x1 - self.x0) * self.width
        low = self.top + self.height
        return x, low - (point[1] - self.y0) / (self.y1 - self.y0) * self.height


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return round values that cover a range.

    >>> ticks(0.0, 1.0), ticks(0.93, 0.981, 4)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.92, 0.94, 0.96, 0.98, 1.0])
    """
    if high <= low:
        high = low + (abs(low) or 1.0) * 0.1
    rough = (high - low) / wanted
    power = 10 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def _panel(name: str, lines: Mapping[str, _Points], fine: _Points, left: float) -> list[str]:
    drawn = [points for points in lines.values() if points]
    values = [value for points in drawn for _, value in points]
    at = [x for points in drawn for x, _ in points]
    rows = ticks(min(values), max(values))
    x0, x1 = (0.0 if fine else min(at)), max(at)
    if x0 == x1:
        x0, x1 = x0 - 0.5, x1 + 0.5
    axes = _Axes(left, _TOP, _PANEL, _HEIGHT, x0, x1, rows[0], rows[-1])
    parts = [words(name, left, _TOP - 12, 12, INK, anchor="start", weight="bold")]
    parts += _frame(axes, rows)
    if fine:
        parts.append(
            _path(axes, [p for p in fine if axes.y0 <= p[1] <= axes.y1], "#93b4f5", "", 0.8)
        )
    for place, (split, points) in enumerate(reversed(list(lines.items()))):
        colour, dash = _LINES.get(split, (INK, "1 2"))
        parts += _curve(axes, points, split, colour, dash)
        parts += _key(axes, split, colour, dash, place)
    return parts + _last_values(axes, lines)


def _frame(axes: _Axes, rows: Sequence[float]) -> list[str]:
    right, low = axes.left + axes.width, axes.top + axes.height
    parts: list[str] = []
    for value in rows:
        _, y = axes.at((axes.x0, value))
        parts.append(_line(axes.left, y, right, y, "#e2e8f0"))
        parts.append(words(f"{value:g}", axes.left - 8, y + 3.2, 9.5, GREY, anchor="end"))
    whole = [t for t in ticks(axes.x0, axes.x1, 6) if axes.x0 <= t <= axes.x1 and t == int(t)]
    for value in whole:
        x, _ = axes.at((value, axes.y0))
        parts.append(_line(x, low, x, low + 4, GREY))
        parts.append(words(f"{value:g}", x, low + 16, 9.5, GREY))
    parts.append(_line(axes.left, low, right, low, GREY))
    parts.append(words("epoch", axes.left + axes.width / 2, low + 32, 10.5, GREY))
    return parts


def _line(x0: float, y0: float, x1: float, y1: float, colour: str) -> str:
    return (
        f'<path d="M{number(x0)} {number(y0)}L{number(x1)} {number(y1)}" stroke="{colour}" '
        f'stroke-width="1"/>'
    )


def _path(axes: _Axes, points: _Points, colour: str, dash: str, width: float) -> str:
    places = [axes.at(point) for point in points]
    path = "L".join(f"{number(x)} {number(y)}" for x, y in places)
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes} '
        f'stroke-linejoin="round"/>'
        if path
        else ""
    )


def _curve(axes: _Axes, points: _Points, split: str, colour: str, dash: str) -> list[str]:
    parts = [_path(axes, points, colour, dash, 1.8)]
    if len(points) <= 40:
        radius = 3.0 if split == "training" else 0.0
        for x, y in (axes.at(point) for point in points):
            parts.append(
                rect(
                    x - 2.6,
                    y - 2.6,
                    5.2,
                    5.2,
                    radius=radius,
                    fill="#ffffff",
                    stroke=colour,
                    width=1.4,
                )
            )
    return parts


def _key(axes: _Axes, split: str, colour: str, dash: str, place: int) -> list[str]:
    x, y = axes.left + axes.width - 84.0 * (place + 1) + 12, axes.top - 16
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    line = f'<path d="M{number(x)} {number(y)}h22" stroke="{colour}" stroke-width="1.8"{dashes}/>'
    return [line, words(split, x + 26, y + 3.3, 9.5, GREY, anchor="start")]


def _last_values(axes: _Axes, lines: Mapping[str, _Points]) -> list[str]:
    """Write the last value of each line beside it, in the order of the values."""
    ends = [(points[-1], split) for split, points in lines.items() if points]
    parts: list[str] = []
    above = axes.top - 20
    for point, split in sorted(ends, key=lambda end: -end[0][1]):
        x, y = axes.at(point)
        y = max(y - (4 if len(ends) > 1 and not parts else 0), above + 12)
        above = y
        colour, _ = _LINES.get(split, (INK, ""))
        parts.append(words(f"{point[1]:.4g}", x + 8, y + 3.2, 9.5, colour, anchor="start"))
    return parts


def _curve_words(panels: Mapping[str, Mapping[str, _Points]]) -> str:
    sentences = [
        f"{split} {name} goes from {points[0][1]:.4g} to {points[-1][1]:.4g}."
        for name, lines in panels.items()
        for split, points in lines.items()
        if points
    ]
    return " ".join(sentences)


_PARTS = (
    ("retained", "#f59e0b", "retained for the backward pass"),
    ("forward", "#94a3b8", "other forward values"),
    ("gradient", "#dc4c4c", "gradients"),
    ("workspace", "#cbd5e1", "workspace"),
)
_HATCH = (
    '<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><path d="M0 0v5" stroke="#ffffff" stroke-width="1.6" '
    'stroke-opacity="0.65"/></pattern></defs>'
)


def memory_svg(
    moments: Sequence[Held], bound: int | None = None, title: str = "Live bytes over the schedule"
) -> str:
    """Return the live bytes at every operation, stacked by why they are held, as SVG text.

    Args:
        moments: of operations, from :func:`wengert.planning.timeline.timeline`, or of the kernels
            of a program.
        bound: a memory budget in bytes, drawn as a line.
        title: the headline.

    >>> memory_svg([]).startswith("<svg")
    True
    """
    if not moments:
        return document(420, 160, title, "no operation", [words("no operation", 210, 90, 12, GREY)])
    peak = max(moments, key=lambda moment: moment.live)
    rows = ticks(0.0, float(max(peak.live, bound or 0)), 4)
    width = max(420.0, min(960.0, 16.0 * len(moments)))
    axes = _Axes(78, _TOP, width, 220, 0.0, float(len(moments)), 0.0, rows[-1])
    body = [_HATCH, *_byte_rows(axes, rows), *_bars(axes, moments), *_peak(axes, peak)]
    body += _turn(axes, moments)
    if bound is not None:
        _, y = axes.at((0.0, float(bound)))
        body.append(_line(axes.left, y, axes.left + width, y, RED))
        body.append(
            words(f"budget {format_bytes(bound)}", axes.left + 4, y - 4, 9.5, RED, anchor="start")
        )
    body += _memory_key(axes)
    description = (
        f"{len(moments)} moments; the peak is {format_bytes(peak.live)} at number "
        f"{peak.position} ({peak.name})."
    )
    return document(width + 78 + 40, axes.top + 220 + 78, title, description, body)


def _byte_rows(axes: _Axes, rows: Sequence[float]) -> list[str]:
    parts: list[str] = []
    for value in rows:
        _, y = axes.at((0.0, value))
        parts.append(_line(axes.left, y, axes.left + axes.width, y, "#e2e8f0"))
        parts.append(words(format_bytes(value), axes.left - 8, y + 3.2, 9.5, GREY, anchor="end"))
    return parts


def _bars(axes: _Axes, moments: Sequence[Held]) -> list[str]:
    gap = 1.0 if len(moments) <= 120 else 0.0
    parts: list[str] = []
    for place, moment in enumerate(moments):
        left, right = axes.at((place, 0))[0], axes.at((place + 1, 0))[0]
        base = 0.0
        tip = f"{moment.position}: {moment.name}, {format_bytes(moment.live)} live"
        parts.append(f"<g><title>{tip}</title>")
        for name, colour, _ in _PARTS:
            value = float(getattr(moment, name))
            if value:
                (_, low), (_, high) = axes.at((0, base)), axes.at((0, base + value))
                fills = (colour, "url(#hatch)") if name == "gradient" else (colour,)
                parts += [_bar(left, high, right - left - gap, low - high, fill) for fill in fills]
                base += value
        parts.append("</g>")
    return parts


def _bar(x: float, y: float, w: float, h: float, fill: str) -> str:
    return (
        f'<rect x="{x:.2f}" y="{y:.2f}" width="{max(w, 0.2):.2f}" height="{h:.2f}" fill="{fill}"/>'
    )


def _peak(axes: _Axes, peak: Held) -> list[str]:
    x, y = axes.at((peak.position + 0.5, float(peak.live)))
    text = f"peak {format_bytes(peak.live)}, {peak.name}"
    anchor = "end" if x > axes.left + axes.width * 0.7 else "start"
    mark = f'<path d="M{number(x)} {number(y - 2)}l-4 -6h8z" fill="{INK}"/>'
    return [mark, words(text, x + (-7 if anchor == "end" else 7), y - 5, 10, INK, anchor=anchor)]


def _turn(axes: _Axes, moments: Sequence[Held]) -> list[str]:
    """Mark where the forward pass ends and the backward pass begins."""
    low = axes.top + axes.height
    turn = next((i for i, m in enumerate(moments) if m.made != "forward"), len(moments))
    parts = [_line(axes.left, low, axes.left + axes.width, low, GREY)]
    if 0 < turn < len(moments):
        x, _ = axes.at((turn, 0))
        parts.append(_line(x - 0.5, axes.top, x - 0.5, low + 8, GREY))
        parts.append(words("forward", (axes.left + x) / 2, low + 18, 10.5, GREY))
        parts.append(words("backward", (axes.left + axes.width + x) / 2, low + 18, 10.5, GREY))
    return parts


def _memory_key(axes: _Axes) -> list[str]:
    x, y = axes.left - 44, axes.top + axes.height + 48
    parts: list[str] = []
    for name, colour, text in _PARTS:
        parts.append(_bar(x, y - 9, 14, 11, colour))
        if name == "gradient":
            parts.append(_bar(x, y - 9, 14, 11, "url(#hatch)"))
        parts.append(words(text, x + 20, y, 10, GREY, anchor="start"))
        x += 34 + 5.2 * len(text)
    return parts
