"""The picture of how the peak grows: a panel a size, with the formula of every piece under it."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from wengert.base.quantities import format_bytes
from wengert.explanation.drawing.curves import ticks
from wengert.explanation.drawing.svg import BLUE, GREY, INK, RED, document, number, rect, words
from wengert.planning.growth import Growth, Growths

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP, _ROW = 300.0, 190.0, 78.0, 84.0, 104.0, 15.0
# How far beyond the present size the curve is drawn, and at how many sizes at most.
_FAR, _DRAWN = 4, 48
# Letters in a line under a panel.
_LETTERS = 58


def growth_svg(growths: Growths, title: str = "How the peak grows") -> str:
    """Return the peak over batch size, input width and layers as SVG text.

    Each curve is the exact formula at whole sizes; a mark stands where one piece follows another,
    and at the present size.

    Args:
        growths: from ``plan.growth()``.
        title: the headline.
    """
    drawn = [each for each in (growths.batch, growths.width, growths.layers) if each is not None]
    rows = max(len(_formulas(each)) for each in drawn)
    width = _LEFT + len(drawn) * (_WIDTH + _GAP)
    body = [part for at, each in enumerate(drawn) for part in _panel(each, at)]
    told = "; ".join(f"{each.what}: {each.formula}" for each in drawn)
    return document(width, _TOP + _HEIGHT + 62 + rows * _ROW, title, told, body)


def _panel(growth: Growth, place: int) -> list[str]:
    left, low = _LEFT + place * (_WIDTH + _GAP), _TOP + _HEIGHT
    last = max(_FAR * growth.at, growth.least + 1, *(p.first + 1 for p in growth.pieces))
    sizes = _sizes(growth, last)
    peaks = {size: growth(size) for size in sizes}
    rows = ticks(0.0, float(max(peaks.values())), 4)

    def at(size: int) -> tuple[float, float]:
        along = (size - growth.least) / (last - growth.least)
        return left + _WIDTH * along, low - _HEIGHT * peaks[size] / (rows[-1] or 1.0)

    body = [words(growth.what, left, _TOP - 14, 12, INK, anchor="start", weight="bold")]
    body += _frame(left, low, rows, growth, last)
    path = "L".join(f"{number(x)} {number(y)}" for x, y in map(at, sizes))
    body.append(f'<path d="M{path}" fill="none" stroke="{BLUE}" stroke-width="1.8"/>')
    for piece in growth.pieces[1:]:
        body.append(_mark(*at(piece.first), GREY))
    x, y = at(growth.at)
    told = f"{growth.symbol} = {growth.at:,}: {format_bytes(peaks[growth.at])}"
    body += [_mark(x, y, RED), words(told, x + 7, y + 12, 9.5, RED, anchor="start")]
    for row, text in enumerate(_formulas(growth)):
        y = low + 52 + row * _ROW
        body.append(words(text, left, y, 9.5, INK, anchor="start"))
    return body


def _frame(left: float, low: float, rows: Sequence[float], growth: Growth, last: int) -> list[str]:
    parts: list[str] = []
    for value in rows:
        y = low - _HEIGHT * value / (rows[-1] or 1.0)
        parts.append(rect(left, y, _WIDTH, 0.5, radius=0, fill=GREY, stroke="none", width=0))
        parts.append(words(format_bytes(value), left - 8, y + 3.2, 9.5, GREY, anchor="end"))
    parts.append(words(f"{growth.least:,}", left, low + 16, 9.5, GREY))
    parts.append(words(f"{last:,}", left + _WIDTH, low + 16, 9.5, GREY))
    parts.append(words(f"{growth.what} {growth.symbol}", left + _WIDTH / 2, low + 30, 10.5, GREY))
    return parts


def _mark(x: float, y: float, colour: str) -> str:
    return rect(x - 3, y - 3, 6, 6, radius=3, fill="#ffffff", stroke=colour, width=1.6)


def _sizes(growth: Growth, last: int) -> list[int]:
    """Return whole sizes from the least on, each end of a piece among them."""
    span = last - growth.least
    found = {growth.least + span * at // _DRAWN for at in range(_DRAWN + 1)} | {growth.at, last}
    if not growth.pieces:
        # Each of them is planned by itself.
        return sorted({growth.least, growth.at, 2 * growth.at, last})
    for piece in growth.pieces:
        found |= {end for end in (piece.first, piece.last) if end is not None and end <= last}
    return sorted(found)


def _formulas(growth: Growth) -> list[str]:
    lines = growth.formula.split("; ")
    return [*lines, *([] if growth.note is None else wrap(growth.note, _LETTERS))]
