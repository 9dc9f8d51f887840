"""From columns and rows to coordinates: lines of columns, and the paths of the edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from wengert.explanation.drawing.picture import Point, Stretch

PITCH = 62.0
SIDE = 36.0
MARGIN = 26.0
TRACK = 9.0
_REACH = 1.3


@dataclass(frozen=True, slots=True)
class Spot:
    """A node in its column, ``dy`` below the base of its line (negative above)."""

    column: int
    dy: float
    width: float = SIDE
    height: float = SIDE
    is_round: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the columns and lines of a drawing are.

    Attributes:
        line: the line of text, so to speak, that each column stands in.
        x: the centre of each column.
        half: half of the width of each column.
        base: the height at which row 0 of each line stands.
        top: upper end of each line.
        bottom: lower end of each line.
        right: right end of each line.
    """

    line: tuple[int, ...]
    x: tuple[float, ...]
    half: tuple[float, ...]
    base: tuple[float, ...]
    top: tuple[float, ...]
    bottom: tuple[float, ...]
    right: tuple[float, ...]

    def point(self, column: int, dy: float) -> Point:
        """Return the coordinates of a place in a column."""
        return (self.x[column], self.base[self.line[column]] + dy)


def make_grid(
    spots: Sequence[Spot],
    passing: Sequence[tuple[int, float]],
    gaps: Mapping[int, float],
    cuts: Sequence[int],
    *,
    tracks: Mapping[int, int],
    top: float,
) -> Grid:
    """Place columns.

    Args:
        spots: all nodes.
        passing: (column, dy) of the places that long edges pass.
        gaps: the free space to the right of each column.
        cuts: the columns that begin a new line.
        tracks: how many edges run back between each line and the next.
        top: the room above the first line.
    """
    count = 1 + max(spot.column for spot in spots)
    half = [0.0] * count
    for spot in spots:
        half[spot.column] = max(half[spot.column], spot.width / 2)
    line = tuple(sum(column >= cut for cut in cuts) for column in range(count))
    side = MARGIN + TRACK * max(tracks.values(), default=0)
    x: list[float] = []
    edge = side
    for column in range(count):
        if column and line[column] != line[column - 1]:
            edge = side
        x.append(edge + half[column])
        edge = x[-1] + half[column] + gaps.get(column, 0.0)
    right = tuple(
        max(x[c] + half[c] for c in range(count) if line[c] == number)
        for number in range(line[-1] + 1)
    )
    base, tops, bottoms = _lines(spots, passing, line, tracks, top)
    return Grid(line, tuple(x), tuple(half), base, tops, bottoms, right)


def _lines(
    spots: Sequence[Spot],
    passing: Sequence[tuple[int, float]],
    line: tuple[int, ...],
    tracks: Mapping[int, int],
    top: float,
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    base: list[float] = []
    tops: list[float] = []
    bottoms: list[float] = []
    edge = top
    for number in range(line[-1] + 1):
        own = [s for s in spots if line[s.column] == number]
        rows = [s.dy - s.height / 2 for s in own] + [dy for c, dy in passing if line[c] == number]
        ends = [s.dy + s.height / 2 for s in own] + [dy for c, dy in passing if line[c] == number]
        base.append(edge - min(rows))
        tops.append(edge)
        bottoms.append(base[-1] + max(ends))
        edge = bottoms[-1] + 44 + TRACK * tracks.get(number, 0)
    return tuple(base), tuple(tops), tuple(bottoms)


def choose_cuts(count: int, edges: Sequence[tuple[int, int]], limit: int) -> list[int]:
    """Return the columns that begin a new line, where few edges are cut.

    >>> choose_cuts(8, [(i, i + 1) for i in range(7)], 4)
    [4]
    """
    if count <= limit:
        return []
    lines = -(-count // (limit - 2))
    ideal = count / lines
    crossing = [0.0] * (count + 1)
    for a, b in edges:
        for column in range(a + 1, b + 1):
            crossing[column] += 1
    nowhere: list[tuple[float, list[int]]] = [(1e18, [])] * count
    best: list[tuple[float, list[int]]] = [(0.0, []), *nowhere]
    for end in range(1, count + 1):
        for start in range(max(0, end - limit), end):
            cost = best[start][0] + (end - start - ideal) ** 2 / 4
            if end < count:
                cost += 4 * crossing[end]
            if cost < best[end][0]:
                best[end] = (cost, [*best[start][1], end])
    return best[count][1][:-1]


@dataclass(frozen=True, slots=True)
class Route:
    """The path of an edge."""

    start: Point
    path: tuple[Stretch, ...]


def route(
    grid: Grid, source: Spot, bends: Sequence[tuple[int, float]], target: Spot, track: int = 0
) -> Route:
    """Return the path between two nodes through the given (column, dy) places.

    The edge may go to the right or to the left. It leaves and enters by the sides, so that
    within a column it never meets another row.
    """
    stops = [source, *(Spot(column, dy, 0.0, 0.0) for column, dy in bends), target]
    rightwards = source.column < target.column
    start: Point | None = None
    path: list[Stretch] = []
    for one, two in pairwise(stops):
        if grid.line[one.column] != grid.line[two.column]:
            begin, stretches = _carriage(grid, one, two, rightwards, track)
        else:
            begin, stretches = _step(grid, one, two, 1.0 if rightwards else -1.0)
        if start is None:
            start = begin
        else:
            path.append((begin,))
        path.extend(stretches)
    return Route(start or grid.point(source.column, source.dy), _tidy(start, path))


def _tidy(start: Point | None, path: list[Stretch]) -> tuple[Stretch, ...]:
    """Merge straight stretches along one row."""
    tidy: list[Stretch] = []
    here = start
    for stretch in path:
        if len(stretch) == 1 and here == stretch[0]:
            continue
        if (
            tidy
            and len(stretch) == len(tidy[-1]) == 1
            and here is not None
            and stretch[0][1] == here[1] == (tidy[-2][-1] if len(tidy) > 1 else start or here)[1]
        ):
            tidy.pop()
        tidy.append(stretch)
        here = stretch[-1]
    return tuple(tidy)


def _step(grid: Grid, one: Spot, two: Spot, way: float) -> tuple[Point, list[Stretch]]:
    """Go from a stop to the next within a line."""
    a, b = grid.point(one.column, one.dy), grid.point(two.column, two.dy)
    dy = b[1] - a[1]
    if dy == 0:
        start, end = _side(a, one, way, 0.0), _side(b, two, -way, 0.0)
        return start, [(end,)]
    near = abs(b[0] - a[0]) <= 2.2 * PITCH and abs(dy) <= _REACH * PITCH
    if near and one.width and two.width:
        slope = dy / (b[0] - a[0])
        return _side(a, one, way, slope), [(_side(b, two, -way, slope),)]
    slope = way * (1.0 if dy > 0 else -1.0) * 0.7
    start, end = _side(a, one, way, slope), _side(b, two, -way, slope)
    out = (a[0] + way * (grid.half[one.column] + 1), start[1])
    into = (b[0] - way * (grid.half[two.column] + 1), end[1])
    out = start if (out[0] - start[0]) * way < 3 else out
    into = end if (end[0] - into[0]) * way < 3 else into
    reach = 0.55 * (into[0] - out[0])
    curve = ((out[0] + reach, out[1]), (into[0] - reach, into[1]), into)
    before = [] if out is start else [(out,)]
    after = [] if into is end else [(end,)]
    return start, [*before, curve, *after]


def _side(centre: Point, spot: Spot, way: float, slope: float) -> Point:
    """Return where a line of this slope through the centre leaves the left or right side."""
    half_w, half_h = spot.width / 2, spot.height / 2
    if half_w == 0:
        return centre
    if spot.is_round:
        shaft = half_w - half_h
        limited = max(-1.3, min(1.3, slope))
        cos = 1 / (1 + limited * limited) ** 0.5
        return (
            centre[0] + way * (shaft + half_h * cos),
            centre[1] + way * half_h * cos * limited,
        )
    rise = half_w * slope * way
    if abs(rise) <= half_h:
        return (centre[0] + way * half_w, centre[1] + rise)
    # Through the upper or lower side, next to the corner.
    sign = 1.0 if rise > 0 else -1.0
    return (centre[0] + way * half_h / abs(slope), centre[1] + sign * half_h)


def _carriage(
    grid: Grid, one: Spot, two: Spot, rightwards: bool, track: int
) -> tuple[Point, list[Stretch]]:
    """Return to the start of the next line, as a line of text does (or from it, backwards)."""
    upper, lower = (one, two) if rightwards else (two, one)
    a, b = grid.point(upper.column, upper.dy), grid.point(lower.column, lower.dy)
    start, end = _side(a, upper, 1.0, 0.0), _side(b, lower, -1.0, 0.0)
    line = grid.line[upper.column]
    right = grid.right[line] + 12 + TRACK * track
    left = 10 + TRACK * track
    middle = grid.bottom[line] + 20 + TRACK * track
    corners = [start, (right, start[1]), (right, middle), (left, middle), (left, end[1]), end]
    if not rightwards:
        corners.reverse()
    return corners[0], _rounded(corners, 7.0)


def _rounded(corners: Sequence[Point], radius: float) -> list[Stretch]:
    """Return straight stretches with rounded corners."""
    path: list[Stretch] = []
    for a, b, c in zip(corners, corners[1:], corners[2:], strict=False):
        before, after = _towards(b, a, radius), _towards(b, c, radius)
        path += [(before,), (_towards(b, a, radius / 2), _towards(b, c, radius / 2), after)]
    return [*path, (corners[-1],)]


def _towards(a: Point, b: Point, distance: float) -> Point:
    length = ((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2) ** 0.5 or 1.0
    step = min(distance, length / 2) / length
    return (a[0] + (b[0] - a[0]) * step, a[1] + (b[1] - a[1]) * step)


def orthogonal(corners: Sequence[Point], radius: float = 8.0) -> Route:
    """Return a path along straight lanes with rounded corners."""
    return Route(corners[0], tuple(_rounded(corners, radius)))
