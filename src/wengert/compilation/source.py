"""A function and its arguments, to be traced and planned again at other sizes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from wengert.base.errors import OptionError, WengertWarning
from wengert.base.shapes import Shape
from wengert.base.tree import Structure, unflatten
from wengert.planning.growth import Growth, growth
from wengert.planning.plan import Plan, plan_graph
from wengert.planning.sizes import Axes, batch_axes, layer_run, repeated, resized, width_axes
from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace
from wengert.transforms import joint


@dataclass(frozen=True, eq=False)
class Source:
    """The function and its arguments, to be traced again with other sizes."""

    function: Callable[..., Any]
    backward: bool
    leaves: tuple[Any, ...]
    structure: Structure

    def plan(self, leaves: Sequence[Any], structure: Structure) -> Plan:
        """Plan for these arguments."""
        examples = unflatten(structure, list(leaves))
        if self.backward:
            return plan_graph(joint(self.function, *examples))
        return plan_graph(trace(self.function, *examples, parameters=0 if examples else None))

    @property
    def shapes(self) -> list[Shape | None]:
        """Shape of each leaf, None for one that is no array."""
        return [leaf.shape if isinstance(leaf, Spec) else None for leaf in self.leaves]

    @property
    def parameters(self) -> int:
        """Number of leaves of the first argument."""
        return self.structure.children[0].leaf_count() if self.structure.children else 0

    def again(self, leaves: Sequence[Any], structure: Structure) -> Plan:
        """Plan for other sizes; what there was to warn of has been said the first time."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", WengertWarning)
            return self.plan(leaves, structure)

    def at(self, axes: Axes, size: int) -> Plan:
        """Plan with these axes at another size."""
        shapes = resized(self.shapes, axes, size)
        pairs = zip(self.leaves, shapes, strict=True)
        changed = [leaf if shape is None else Spec(shape, leaf.dtype) for leaf, shape in pairs]
        return self.again(changed, self.structure)

    def size(self, axes: Axes) -> int:
        """Return the present size of axes that are one."""
        leaf = next(iter(axes))
        return self.leaves[leaf].shape[axes[leaf][0]]

    def works(self, axes: Axes) -> Exception | None:
        """Return the error of tracing with these axes one larger, None where there is none."""
        return _problem(lambda: self.at(axes, self.size(axes) + 1))

    @cached_property
    def batch(self) -> Axes | OptionError:
        """The axes that are the batch, or the error that says why there are none."""
        ways = batch_axes(self.shapes, self.parameters)
        problems = [(way, self.works(way)) for way in ways]
        for way, problem in problems:
            if problem is None:
                return way
        shapes = [str(shape) for shape in self.shapes[self.parameters :] if shape is not None]
        reason = f"; one more example gives: {problems[0][1]}" if problems else ""
        return OptionError(
            f"{self._name} has no batch axis to grow",
            expected="arguments after the first that share the size of axis 0, or of the last "
            "axis, and a function that takes any size there",
            got=", ".join(shapes or ["no arrays after the first argument"]) + reason,
            remedy="write the objective for a batch: x of shape (B, d), y of shape (B,)",
        )

    @property
    def _name(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)

    @cached_property
    def width(self) -> Axes | None:
        """The input width together with the parameters' axes that are tied to it."""
        if isinstance(self.batch, OptionError):
            return None
        ways = width_axes(self.shapes, self.parameters, self.batch)
        return next((way for way in ways if self.works(way) is None), None)

    def growth_in_batch(self) -> Growth:
        """Return how the peak grows with the batch size."""
        axes = self.batch
        if isinstance(axes, OptionError):
            raise axes
        return growth(lambda size: self.at(axes, size), self.size(axes), "batch size", "B")

    def growth_in_width(self) -> Growth | None:
        """Return how it grows with the input width, None where no axes are that."""
        axes = self.width
        if axes is None:
            return None
        return growth(lambda size: self.at(axes, size), self.size(axes), "input width", "d")

    def growth_in_layers(self) -> Growth | None:
        """Return how it grows with equal layers, None where there are none."""
        if not self.structure.children:
            return None
        kinds = [
            (leaf.shape, leaf.dtype) if isinstance(leaf, Spec) else leaf for leaf in self.leaves
        ]
        first, *rest = self.structure.children
        run = layer_run(first, kinds)
        if run is None:
            return None

        def at(count: int) -> Plan:
            changed, leaves = repeated(first, self.leaves, run, count)
            return self.again(leaves, replace(self.structure, children=(changed, *rest)))

        # Equal shapes may be no layers: the function then cannot do with one more of them.
        if _problem(lambda: at(run.count + 1)) is not None:
            return None
        return growth(at, run.count, "number of equal layers", "n")


def _problem(attempt: Callable[[], object]) -> Exception | None:
    """Return what an attempt raises; the user's own code may raise anything at other sizes."""
    try:
        attempt()
    except Exception as problem:
        return problem
    return None
