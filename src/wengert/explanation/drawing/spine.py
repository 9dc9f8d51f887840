"""The data spine of a forward pass: the path that is drawn as one straight line."""

from __future__ import annotations

from dataclasses import dataclass

from wengert.explanation.drawing.layout import Problem, ranks
from wengert.explanation.drawing.scene import Node, Scene


@dataclass(frozen=True, slots=True)
class Spine:
    """Nodes along row 0, then those that rise to the upper right, ending with the objective."""

    level: tuple[int, ...]
    raised: tuple[int, ...]

    @property
    def loose(self) -> frozenset[tuple[int, int]]:
        """The edge where the spine rises: it must not pull its ends to one row."""
        return frozenset({(self.level[-1], self.raised[0])} if self.raised else ())


def problem_of(scene: Scene) -> tuple[Problem, Spine]:
    """Return the layout problem of a forward scene, and its spine."""
    pairs = _pairs(scene)
    spine = find_spine(scene)
    columns = dict(enumerate(_columns(scene, spine)))
    return Problem(columns, pairs, spine.level, spine.loose), spine


def _pairs(scene: Scene) -> list[tuple[int, int]]:
    return list(dict.fromkeys((arrow.source, arrow.target) for arrow in scene.arrows))


def _columns(scene: Scene, spine: Spine) -> list[int]:
    """Return longest-path columns in which a parameter stands where the data meets it."""
    depth = _depths(scene)
    earliest = [0] * len(scene.nodes)
    column = ranks(len(scene.nodes), _pairs(scene))
    for _ in range(len(scene.nodes)):
        for node in scene.nodes:
            users = [column[n] for n in scene.after[node.number] if depth[n] >= 0]
            if users and not scene.before[node.number]:
                earliest[node.number] = max(earliest[node.number], min(users) - 1)
        found = ranks(len(scene.nodes), _pairs(scene), earliest)
        if found == column:
            break
        column = found
    return _drawn_close(scene, column, {*spine.level, *spine.raised})


def _drawn_close(scene: Scene, column: list[int], spine: set[int]) -> list[int]:
    """Move what is computed early but needed late next to where it is needed."""
    column = list(column)
    for number in reversed(_in_order(scene)):
        before, after = scene.before[number], scene.after[number]
        if number in spine or not after or not before:
            continue
        own = [n for n in before if not scene.before[n] and len(scene.after[n]) == 1]
        gain = len(after) - (len(before) - len(own))
        variables = [scene.nodes[n].variable for n in own]
        brings_data = any(v is not None and v.role == "input" for v in variables)
        if gain > 0 or (gain == 0 and brings_data):
            column[number] = min(column[n] for n in after) - 1
            for n in own:
                column[n] = column[number] - 1
    return column


def find_spine(scene: Scene) -> Spine:
    """Walk back from the objective along the longest way from the data.

    At an addition of which one term is computed from the other (a residual connection) the
    walk takes the short way: the skip path is the straight line.
    """
    depth = _depths(scene)
    path = [scene.place_of[scene.objective]]
    while True:
        before = [n for n in scene.before[path[-1]] if depth[n] >= 0]
        if not before:
            break
        skip = _skipped(scene, scene.nodes[path[-1]], before)
        path.append(max(before, key=lambda n: depth[n]) if skip is None else skip)
    path.reverse()
    rise = _rise(scene, path)
    return Spine(tuple(path[:rise]), tuple(path[rise:]))


def _depths(scene: Scene) -> list[int]:
    """Return the longest distance from a data input, -1 for what depends on none."""
    depth = [-1] * len(scene.nodes)
    sources = [node for node in scene.nodes if not scene.before[node.number]]
    data = [n for n in sources if n.variable is not None and n.variable.role == "input"]
    start = {node.number for node in data or sources}
    for number in _in_order(scene):
        found = [depth[n] + 1 for n in scene.before[number] if depth[n] >= 0]
        depth[number] = 0 if number in start else max(found, default=-1)
    return depth


def _in_order(scene: Scene) -> list[int]:
    """Return node numbers so that every arrow goes forward."""
    column = ranks(len(scene.nodes), _pairs(scene))
    return sorted(range(len(scene.nodes)), key=lambda n: (column[n], n))


def ancestors_of(scene: Scene, number: int) -> set[int]:
    """Return all nodes with a way to this one."""
    found: set[int] = set()
    waiting = [number]
    while waiting:
        for other in scene.before[waiting.pop()]:
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def _skipped(scene: Scene, node: Node, before: list[int]) -> int | None:
    if node.unit is None or node.unit.last.operator != "add" or len(before) < 2:
        return None
    above = {number: ancestors_of(scene, number) for number in before}
    for number in before:
        if all(number in above[other] for other in before if other != number):
            return number
    return None


def _rise(scene: Scene, path: list[int]) -> int:
    """Return where on the spine the last scalar join begins; the end where there is none."""
    if scene.objective.rank:
        return len(path)
    scalar = [i for i, n in enumerate(path) if _is_scalar_circle(scene.nodes[n]) and i > 0]
    joins = [i for i in scalar if len(scene.before[path[i]]) > 1]
    return (joins or scalar or [len(path)])[-1 if joins else 0]


def _is_scalar_circle(node: Node) -> bool:
    return node.unit is not None and node.unit.last.outputs[0].rank == 0
