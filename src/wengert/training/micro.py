"""Micro-batches: one update from the gradients of the parts of a batch, one part after another.

With Bᵢ the parts, nᵢ their sizes and N the size of the batch::

    J(θ, B) = Σᵢ (nᵢ/N) J(θ, Bᵢ)        ∂J/∂θ (θ, B) = Σᵢ (nᵢ/N) ∂J/∂θ (θ, Bᵢ)

which holds for every objective that is a mean over the examples, plus terms that do not look at
them, such as L2 regularisation; whatever the nᵢ are. In real numbers the update is exactly that of
the whole batch. In floating point the same terms are added in another order: to the same bits where
every sum is exact, else to within 2γ·Σ|terms| with γ = Nε/(1 − Nε), as for any order.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from wengert.base.errors import OptionError
from wengert.base.tree import flatten, map_tree, unflatten

# Examples that an objective is tried on, and how far from a mean it may be, in units of rounding.
TRIED, _ROUNDING = 12, 2.0**12


def parts(batch: tuple[Any, ...], count: int) -> list[tuple[float, tuple[Any, ...]]]:
    """Return about equal parts of a batch, in order, each with its share of the examples.

    >>> [(share, x.tolist()) for share, (x,) in parts((np.arange(3),), 2)]
    [(0.6666666666666666, [0, 1]), (0.3333333333333333, [2])]
    """
    leaves, structure = flatten(batch)
    examples = min((leaf.shape[0] for leaf in leaves if getattr(leaf, "shape", ())), default=1)
    if count == 1 or examples < 2:
        return [(1.0, batch)]
    count = min(count, examples)
    ends = [-(-examples * part // count) for part in range(count + 1)]

    def cut(begin: int, end: int) -> Any:
        return unflatten(
            structure, [x[begin:end] if getattr(x, "shape", ()) else x for x in leaves]
        )

    return [((b - a) / examples, cut(a, b)) for a, b in pairwise(ends)]


def accumulated(shares: list[float], results: Callable[[int], tuple[Any, Any]]) -> tuple[Any, Any]:
    """Return the weighted sums of what ``results(i)`` gives for each part: value and gradient."""
    value, gradient = map_tree(lambda x: shares[0] * x, results(0))
    for at, share in enumerate(shares[1:], 1):
        more = results(at)
        value, gradient = _sum((value, gradient), more, share)
    return value, gradient


def _sum(total: Any, more: Any, share: float) -> Any:
    (left, structure), (right, _) = flatten(total), flatten(more)
    sums = [a + share * b for a, b in zip(left, right, strict=True)]
    return unflatten(structure, sums)


def check_mean(objective: Callable[..., Any], parameters: Any, batch: tuple[Any, ...]) -> None:
    """Refuse an objective that is no mean over the examples, tried on the first few of them.

    Raises:
        OptionError: its value on a batch is not the mean of those on two unequal parts of it.
    """
    leaves, structure = flatten(batch)
    count = min(TRIED, len(leaves[0]))
    first = count // 3
    if not first:
        return

    def value(begin: int, end: int) -> Any:
        result = objective(parameters, *unflatten(structure, [x[begin:end] for x in leaves]))
        return result[0] if isinstance(result, tuple) else result

    with np.errstate(all="ignore"):
        whole = value(0, count)
        values = [value(0, first), value(first, count)]
    said = (first * values[0] + (count - first) * values[1]) / count
    scale = max(abs(float(whole)), *(abs(float(each)) for each in values))
    kind = np.asarray(whole).dtype
    fine = np.finfo(kind).eps if kind.kind == "f" else np.finfo(np.float64).eps
    if np.isfinite(scale) and not abs(float(whole) - float(said)) <= _ROUNDING * fine * scale:
        raise OptionError(
            f"{getattr(objective, '__name__', 'the objective')} is no mean over the examples, "
            "so that micro-batches would not give the update of the whole batch",
            expected=f"J of {count} examples = {float(said):.6g}, the mean of J of the first "
            f"{first} and of the other {count - first}",
            got=f"J = {float(whole):.6g}",
            remedy="np.mean over the examples in place of np.sum, and nothing that mixes the "
            "examples of a batch; or accumulate=1",
        )
