"""How a view lies in an array, found from where both lie in memory."""

# NumPy's arrays of places have no types here.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base.guards import Array
from wengert.tracing.views import Link


def lies_in(root: Any, whole: Array, part: Array) -> Link:
    """Return the link of ``part``, a NumPy view of ``whole``, to the traced array ``root``.

    The simplest that says it: the same, a part by slices and integers, another shape; else a list
    of places.
    """
    places = _places(whole, part)
    fixed = None if part.flags.writeable else "it is read-only"
    flat = np.arange(whole.size)
    if part.size == whole.size and np.array_equal(places.reshape(-1), flat):
        if part.shape == whole.shape:
            return Link(root, "identity", fixed=fixed)
        return Link(root, "reshape", {"shape": part.shape}, fixed=fixed)
    template = _template(whole.shape, places)
    if template is not None:
        found = flat.reshape(whole.shape)[template]
        if found.shape == places.shape and np.array_equal(found, places):
            return Link(root, "index", {"template": template}, fixed=fixed)
    return Link(root, "index", places=places, fixed=fixed)


def _places(whole: Array, part: Array) -> Array:
    """Return the place of each element of ``part`` among those of ``whole`` in C order."""
    here, there = _addresses(whole).reshape(-1), _addresses(part)
    order = np.argsort(here, kind="stable")
    found = np.searchsorted(here[order], there.reshape(-1))
    return order[np.minimum(found, max(order.size - 1, 0))].reshape(part.shape)


def _addresses(array: Array) -> Array:
    start = array.__array_interface__["data"][0]
    found = np.full(array.shape, start, np.int64)
    for axis, (n, stride) in enumerate(zip(array.shape, array.strides, strict=True)):
        own = [n if k == axis else 1 for k in range(array.ndim)]
        found += (np.arange(n, dtype=np.int64) * stride).reshape(own)
    return found


def _template(shape: tuple[int, ...], places: Array) -> tuple[Any, ...] | None:
    """Guess slices and integers, axis by axis, in the order of the axes; the caller checks."""
    if places.size == 0:
        return None
    first = np.unravel_index(int(places.reshape(-1)[0]), shape)
    steps = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    found: list[Any] = [int(each) for each in first]
    axis = 0
    new: list[tuple[int, int]] = []
    for k, n in enumerate(places.shape):
        if n == 1:
            new.append((axis, k))
            continue
        by = int(np.take(places, 1, k).reshape(-1)[0]) - int(places.reshape(-1)[0])
        near = [a for a in range(axis, len(shape)) if by and by % steps[a] == 0
                and 0 <= first[a] + (n - 1) * (by // steps[a]) < shape[a]]  # fmt: skip
        if not near:
            return None
        axis = near[0]
        found[axis] = _slice(int(first[axis]), n, by // steps[axis])
        axis += 1
    for at, _ in reversed(new):
        found.insert(at, None)
    return tuple(found)


def _slice(start: int, n: int, step: int) -> slice:
    stop = start + n * step
    return slice(start, stop if stop >= 0 else None, None if step == 1 else step)
