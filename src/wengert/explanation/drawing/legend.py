"""What the marks of a drawing mean, in rows below it."""

from __future__ import annotations

from collections.abc import Sequence

LEGEND_ROW = 20.0
LEGEND = {
    "variable": "variable",
    "parameter": "parameter",
    "operator": "operator",
    "gradient": "gradient ∂J/∂·",
    "backward": "backward pass",
    "retained": "retained: kept alive for the backward pass",
}
_LEFT, _MARK, _LETTER, _SPACE = 26.0, 32.0, 5.3, 22.0


def legend_rows(marks: Sequence[str], width: float) -> list[list[tuple[str, float]]]:
    """Return the marks of each row with the place where they begin.

    >>> legend_rows(("variable", "operator"), 500)
    [[('variable', 26.0), ('operator', 122.4)]]
    """
    rows: list[list[tuple[str, float]]] = [[]]
    x = _LEFT
    for mark in marks:
        room = _MARK + len(LEGEND[mark]) * _LETTER
        if rows[-1] and x + room > width - _LEFT:
            rows.append([])
            x = _LEFT
        rows[-1].append((mark, x))
        x += room + _SPACE
    return rows
