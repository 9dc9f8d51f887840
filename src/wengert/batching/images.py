"""Batches of operators on images, which have a batch axis of their own in front."""

from __future__ import annotations

from typing import Any

from wengert.base.shapes import Shape
from wengert.batching.use import Operand, Use, moved, reshaped


def merged(use: Use) -> Any:
    """Operands that are all stacks of images: the stacks of all examples become one."""
    values = [_merged(each.repeated(use.count)) for each in use.operands]
    return reshaped(use(*values), (use.count, *use.shape))


def _merged(value: Any) -> Any:
    count, images, *rest = value.shape
    return reshaped(value, (count * images, *rest))


def convolution(use: Use) -> Any:
    """``conv2d`` and its adjoint to the images: filters of its own make each example a group."""
    x, w = use.operands
    if not w.is_batched:
        found = use(_merged(x.value), w.value)
        return reshaped(found, (use.count, *use.shape))
    found = use(_side_by_side(x, use.count), _merged(w.value), groups=_groups(use))
    return _apart(found, use)


def filters(use: Use) -> Any:
    """``conv2d_weight``: one gradient for each example, so that each is a group of its own."""
    x, g = use.operands
    left, right = (_side_by_side(each, use.count) for each in (x, g))
    return reshaped(use(left, right, groups=_groups(use)), (use.count, *use.shape))


def _groups(use: Use) -> int:
    return use.count * use.attributes["groups"]


def _side_by_side(x: Operand, count: int) -> Any:
    """Return the images of all examples as the channels of one stack."""
    value = moved(x.repeated(count), 0, 1)
    images, _, channels, *size = value.shape
    return reshaped(value, (images, count * channels, *size))


def _apart(found: Any, use: Use) -> Any:
    images, *rest = use.shape
    shape: Shape = (images, use.count, *rest)
    return moved(reshaped(found, shape), 1, 0)
