"""Batches of the operators that pick elements by place and add them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.base.shapes import Shape
from wengert.batching.use import Operand, Use, moved, transposed

Template = tuple[Any, ...]
_ALL = slice(None)


@dataclass(frozen=True)
class _Layout:
    """Where the axes of the index arrays stand in the result of one example.

    NumPy puts them where the arrays stand if these stand together, and in front otherwise;
    integers count as arrays where there is one.
    """

    before: int
    chosen: int
    together: bool
    rank: int

    @classmethod
    def of(cls, template: Template, arrays: Sequence[Operand], shape: Shape) -> _Layout:
        places = [i for i, part in enumerate(template) if isinstance(part, int | str)]
        places = places if arrays else []
        together = not places or places[-1] - places[0] + 1 == len(places)
        chosen = max((len(each.shape) for each in arrays), default=0)
        used = sum(part is not None for part in template)
        kept = sum(part is None or isinstance(part, slice) for part in template)
        before = places[0] if places and together else 0
        return cls(before, chosen, together, kept + chosen + len(shape) - used)

    def chosen_first(self, rank: int) -> list[int]:
        """Return axes that bring (batch, before, chosen, after) to (batch, chosen, before, …)."""
        middle = 1 + self.before
        end = middle + self.chosen
        return [0, *range(middle, end), *range(1, middle), *range(end, rank)]


def index(use: Use) -> Any:
    """``x[template]`` of each example."""
    x, *arrays = use.operands
    template: Template = use.attributes["template"]
    layout = _Layout.of(template, arrays, x.shape)
    values = [each.aligned(layout.chosen) for each in arrays]
    if not any(each.is_batched for each in arrays):
        found = use(x.value, *values, template=(_ALL, *template))
        return found if layout.together else moved(found, layout.chosen, 0)
    if not x.is_batched:
        return moved(use(x.value, *values), layout.before, 0)
    rows = _rows(use.count, layout.chosen)
    found = use(x.value, *values, rows, template=(f"#{len(values)}", *template))
    return transposed(found, _inverse(layout.chosen_first(len(found.shape))))


def index_add(use: Use) -> Any:
    """Zeros with ``g`` added at the places of each example."""
    g, *arrays = use.operands
    template: Template = use.attributes["template"]
    shape: Shape = use.attributes["shape"]
    layout = _Layout.of(template, arrays, shape)
    values = [each.aligned(layout.chosen) for each in arrays]
    wide = g.with_batch_axis(layout.rank)
    many = (use.count, *shape)
    if not any(each.is_batched for each in arrays):
        wide = wide if layout.together else moved(wide, 0, layout.chosen)
        return use(wide, *values, template=(_ALL, *template), shape=many)
    wide = transposed(wide, layout.chosen_first(layout.rank + 1))
    rows = _rows(use.count, layout.chosen)
    return use(wide, *values, rows, template=(f"#{len(values)}", *template), shape=many)


def written(use: Use) -> Any:
    """``x`` of each example, with ``v`` written or added at its places."""
    x, v, *arrays = use.operands
    template: Template = use.attributes["template"]
    layout = _Layout.of(template, arrays, x.shape)
    values = [each.aligned(layout.chosen) for each in arrays]
    whole, wide = x.repeated(use.count), v.with_batch_axis(layout.rank)
    if not any(each.is_batched for each in arrays):
        wide = wide if layout.together else moved(wide, 0, layout.chosen)
        return use(whole, wide, *values, template=(_ALL, *template))
    wide = transposed(wide, layout.chosen_first(layout.rank + 1))
    rows = _rows(use.count, layout.chosen)
    return use(whole, wide, *values, rows, template=(f"#{len(values)}", *template))


def take_along_axis(use: Use) -> Any:
    """Elements along an axis of each example."""
    x, indices = use.operands
    return use(x.with_batch_axis(), indices.with_batch_axis(), axis=use.attributes["axis"] + 1)


def add_along_axis(use: Use) -> Any:
    """Zeros with ``g`` added along an axis of each example."""
    g, indices = use.operands
    shape = (use.count, *use.attributes["shape"])
    wide = g.repeated(use.count)
    return use(wide, indices.with_batch_axis(), axis=use.attributes["axis"] + 1, shape=shape)


def _rows(count: int, rank: int) -> Any:
    return np.arange(count).reshape(count, *(1,) * rank)


def _inverse(axes: Sequence[int]) -> list[int]:
    return [axes.index(axis) for axis in range(len(axes))]
