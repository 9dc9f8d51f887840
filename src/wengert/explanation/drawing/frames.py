"""The dashed outlines around opened calls of the user's functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wengert.explanation.drawing.circles import call_line
from wengert.explanation.drawing.geometry import Grid
from wengert.explanation.drawing.picture import Box, Circle, Frame, Label
from wengert.explanation.drawing.scene import Scene
from wengert.graph.operation import Call

_Nodes = Sequence[Box | Circle]


def frames_of(scene: Scene, nodes: _Nodes, grid: Grid) -> list[Frame]:
    """Return one outline a line for each opened call, around nothing but its own nodes.

    Where other nodes stand among those of a call, the outline goes around its longest row only.
    """
    place = {node.key: node for node in nodes}
    found: list[Frame] = []
    for call, members in scene.opened:
        own = [place[f"n{number}"] for number in members]
        for line in range(len(grid.base)):
            here = [n for n in own if grid.top[line] - 1 < n.y < grid.bottom[line] + 1]
            for part in (here, _longest_row(here)):
                if part and not _strangers(part, own, nodes):
                    found.append(_around(part, call))
                    break
    return found


def _longest_row(nodes: _Nodes) -> list[Box | Circle]:
    if not nodes:
        return []
    counts = Counter(node.y for node in nodes)
    best = max(counts, key=lambda y: (counts[y], y))
    return [node for node in nodes if node.y == best]


def _strangers(part: _Nodes, own: _Nodes, nodes: _Nodes) -> bool:
    left, top, right, low = _bounds(part)
    inside = {node.key for node in own}
    return any(
        left < node.x < right and top < node.y < low for node in nodes if node.key not in inside
    )


def _bounds(nodes: _Nodes) -> tuple[float, float, float, float]:
    return (
        min(n.x - n.width / 2 for n in nodes),
        min(n.y - n.height / 2 for n in nodes),
        max(n.x + n.width / 2 for n in nodes),
        max(n.y + n.height / 2 for n in nodes),
    )


def _around(nodes: _Nodes, call: Call) -> Frame:
    left, top, right, low = _bounds(nodes)
    deep = 7.0 + 4.0 * (3 - min(3, len(call.path)))
    label = Label(call_line(call.function))
    return Frame(left - deep, top - deep, right - left + 2 * deep, low - top + 2 * deep, label)
