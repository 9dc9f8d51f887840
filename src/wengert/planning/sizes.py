"""Which axes of the arguments are the batch, the input width and the repeated layers.

Everything here is about shapes of leaves, in the order of ``base.tree.flatten``; a leaf that is
no array has the shape None.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from wengert.base.shapes import Shape
from wengert.base.tree import Structure

Shapes = Sequence[Shape | None]
Axes = Mapping[int, tuple[int, ...]]

_MOST_TIED = 3
_MOST_TRIES = 64
_LONGEST_PERIOD = 4


def batch_axes(shapes: Shapes, parameters: int) -> list[Axes]:
    """Return the ways in which the leaves after the first ``parameters`` may share a batch axis.

    Rows first (axis 0 of each), then columns (the last axis). A number among the arguments
    means a single example, unless at least two arrays beside it agree.

    >>> batch_axes([(4, 3), (32, 3), (32,)], 1)
    [{1: (0,), 2: (0,)}]
    """
    arrays = {at: s for at, s in enumerate(shapes) if at >= parameters and s is not None}
    batch = {at: shape for at, shape in arrays.items() if shape}
    if not batch or (len(batch) < 2 and len(batch) < len(arrays)):
        return []
    ways = [{at: (0,) for at in batch}, {at: (len(shape) - 1,) for at, shape in batch.items()}]
    equal = [way for way in ways if len({batch[at][way[at][0]] for at in way}) == 1]
    return [way for at, way in enumerate(equal) if way not in equal[:at]]


def width_axes(shapes: Shapes, parameters: int, batch: Axes) -> Iterator[Axes]:
    """Yield the ways in which the first input's other axis may be tied to axes of parameters.

    Axes of the same size are candidates; which of them really are the same axis is found by
    tracing: the fewest that still fit together.
    """
    inputs = [at for at in batch if len(shapes[at] or ()) > 1]
    if not inputs:
        return
    first = inputs[0]
    shape = shapes[first] or ()
    axis = 0 if batch[first] == (len(shape) - 1,) else len(shape) - 1
    places = [
        (at, place)
        for at, other in enumerate(shapes)
        for place, size in enumerate(other or ())
        if size == shape[axis] and (at, place) != (first, axis) and place not in batch.get(at, ())
    ]
    tries = 0
    for count in range(min(_MOST_TIED, len(places)) + 1):
        for chosen in combinations(places, count):
            tries += 1
            if tries > _MOST_TRIES:
                break
            yield _grouped([(first, axis), *chosen])
    if len(places) > _MOST_TIED:
        yield _grouped([(first, axis), *places])


def _grouped(places: Sequence[tuple[int, int]]) -> Axes:
    found: dict[int, tuple[int, ...]] = {}
    for at, axis in places:
        found[at] = (*found.get(at, ()), axis)
    return found


def resized(shapes: Shapes, axes: Axes, size: int) -> list[Shape | None]:
    """Return the shapes with these axes at another size.

    >>> resized([(4, 3), (32, 3)], {1: (0,)}, 64)
    [(4, 3), (64, 3)]
    """
    return [
        None
        if shape is None
        else tuple(size if axis in axes.get(at, ()) else n for axis, n in enumerate(shape))
        for at, shape in enumerate(shapes)
    ]


@dataclass(frozen=True, slots=True)
class Run:
    """Equal layers that follow one another in a list of the parameters.

    Attributes:
        path: which child to go into, from the top down to the list.
        first: index of the first of them in the list.
        period: items of the list that make up one layer.
        count: number of layers.
        leaf: index of their first leaf.
        leaves: leaves of one layer.
    """

    path: tuple[int, ...]
    first: int
    period: int
    count: int
    leaf: int
    leaves: int


def layer_run(structure: Structure, kinds: Sequence[Any]) -> Run | None:
    """Return the longest run of two or more equal layers, None where there is none.

    Args:
        structure: of the parameters.
        kinds: shape and dtype of each leaf, or whatever tells layers apart.
    """
    runs = list(_runs(structure, kinds, (), 0))
    return max(runs, key=lambda run: run.count * run.leaves, default=None)


def _runs(
    structure: Structure, kinds: Sequence[Any], path: tuple[int, ...], offset: int
) -> Iterator[Run]:
    starts = [offset]
    for child in structure.children:
        starts.append(starts[-1] + child.leaf_count())
    for at, child in enumerate(structure.children):
        yield from _runs(child, kinds, (*path, at), starts[at])
    if structure.kind not in ("list", "tuple"):
        return
    items = [
        (child, tuple(kinds[low:high]))
        for child, low, high in zip(structure.children, starts, starts[1:], strict=False)
    ]
    for period in range(1, _LONGEST_PERIOD + 1):
        for first in range(len(items)):
            count = _repeats(items, first, period)
            leaves = starts[min(first + period, len(items))] - starts[first]
            if count >= 2 and leaves:
                yield Run(path, first, period, count, starts[first], leaves)


def _repeats(items: Sequence[Any], first: int, period: int) -> int:
    layer, count = items[first : first + period], 1
    if len(layer) < period:
        return 0
    while items[first + count * period : first + (count + 1) * period] == layer:
        count += 1
    return count


def repeated(
    structure: Structure, leaves: Sequence[Any], run: Run, count: int
) -> tuple[Structure, list[Any]]:
    """Return the structure and the leaves with ``count`` of the equal layers."""
    layer = list(leaves[run.leaf : run.leaf + run.leaves])
    after = run.leaf + run.leaves * run.count
    return (
        _with_layers(structure, run, run.path, count),
        [*leaves[: run.leaf], *layer * count, *leaves[after:]],
    )


def _with_layers(structure: Structure, run: Run, path: tuple[int, ...], count: int) -> Structure:
    children = list(structure.children)
    if path:
        children[path[0]] = _with_layers(children[path[0]], run, path[1:], count)
        return replace(structure, children=tuple(children))
    layer = children[run.first : run.first + run.period]
    children[run.first : run.first + run.period * run.count] = layer * count
    return replace(structure, keys=tuple(range(len(children))), children=tuple(children))
