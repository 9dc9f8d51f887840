"""Floor 6: compile, plan and training_step, the one place where the floors are put together."""

from __future__ import annotations

import html
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from wengert.base.dtypes import is_differentiable
from wengert.base.errors import OptionError, WengertError, WengertWarning
from wengert.base.quantities import parse_bytes
from wengert.base.shapes import Shape
from wengert.base.tree import Structure, flatten, unflatten
from wengert.explanation.drawing.curves import memory_svg
from wengert.explanation.mathematics.reasons import reasons
from wengert.graph.graph import Graph
from wengert.graph.walk import made_again
from wengert.planning.budget import Fitting, arena, checked_budget
from wengert.planning.dump import dump
from wengert.planning.growth import Growth, Growths, Largest, growth, largest
from wengert.planning.largest import largest_within
from wengert.planning.plan import Plan, plan_graph
from wengert.planning.sizes import (
    Axes,
    batch_axes,
    layer_run,
    repeated,
    resized,
    width_axes,
)
from wengert.planning.table import Table, table, totals
from wengert.planning.timeline import Moment, timeline
from wengert.planning.why import Reason, why
from wengert.tracing.spec import Spec
from wengert.tracing.trace import is_array_like, trace
from wengert.transforms import joint

# A plan of more operations is refused without looking for the batch that would fit.
_SEARCHED = 1500


def plan(
    function: Callable[..., Any],
    *examples: Any,
    backward: bool | None = None,
    memory: str | int | None = None,
) -> MemoryPlan:
    """Return what a function holds in memory while it runs: exact, before anything runs.

    An objective (a function that returns a scalar J, or J and more) is planned with its backward
    pass: J and the gradients with respect to its first argument. Any other function, such as
    a training step, is planned as it is.

    Args:
        function: plain NumPy code.
        examples: its arguments: arrays or ``Spec``; no data is needed and none is read.
        backward: True or False to plan with or without the backward pass whatever the
            function returns; False shows what prediction alone would hold.
        memory: a budget, bytes or text such as ``"200MB"``, that bounds ``arena_bytes``: the
            operations are put in the order that holds least, and forward variables are made
            again before backward where that is needed, with the same results to the bit.

    Returns:
        A :class:`MemoryPlan`.

    Raises:
        WengertError: the function cannot be traced or differentiated.
        BudgetError: nothing fits the budget; the message states the least that does, what
            binds it, and the largest batch that would fit.
        OptionError: the budget is no number of bytes.

    >>> import numpy as np
    >>> def objective(W, x):
    ...     h = np.tanh(x @ W)
    ...     return np.sum(h * h)
    >>> p = plan(objective, Spec((3, 4), "float64"), Spec((8, 3), "float64"))
    >>> p.peak_bytes == max(moment.live for moment in p.timeline())
    True
    """
    allowed = None if memory is None else checked_budget(memory)
    leaves, structure = flatten(examples, is_leaf=lambda node: isinstance(node, Spec))
    specs = tuple(Spec(e.shape, e.dtype) if is_array_like(e) else e for e in leaves)
    if backward is None:
        backward = _is_objective(trace(function, *unflatten(structure, list(specs))))
    source = _Source(function, backward, specs, structure)
    found = MemoryPlan(source.plan(specs, structure), source)
    return found if allowed is None else found.bounded(allowed)


def _is_objective(graph: Graph) -> bool:
    """Return whether the result is a real scalar, or a pair that begins with one."""
    result = graph.output_structure
    is_pair = result.kind == "tuple" and len(result.children) == 2
    first = result.children[0] if is_pair else result
    if first.kind != "leaf" or not graph.outputs:
        return False
    output = graph.outputs[0]
    return output.shape == () and is_differentiable(output.dtype)


@dataclass(frozen=True, eq=False)
class _Source:
    """The function and its arguments, to be traced again with other sizes."""

    function: Callable[..., Any]
    backward: bool
    leaves: tuple[Any, ...]
    structure: Structure

    def plan(self, leaves: Sequence[Any], structure: Structure) -> Plan:
        examples = unflatten(structure, list(leaves))
        if self.backward:
            return plan_graph(joint(self.function, *examples))
        return plan_graph(trace(self.function, *examples, parameters=0 if examples else None))

    @property
    def shapes(self) -> list[Shape | None]:
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
        shapes = resized(self.shapes, axes, size)
        pairs = zip(self.leaves, shapes, strict=True)
        changed = [leaf if shape is None else Spec(shape, leaf.dtype) for leaf, shape in pairs]
        return self.again(changed, self.structure)

    def size(self, axes: Axes) -> int:
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
        axes = self.batch
        if isinstance(axes, OptionError):
            raise axes
        return growth(lambda size: self.at(axes, size), self.size(axes), "batch size", "B")

    def growth_in_width(self) -> Growth | None:
        axes = self.width
        if axes is None:
            return None
        return growth(lambda size: self.at(axes, size), self.size(axes), "input width", "d")

    def growth_in_layers(self) -> Growth | None:
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


@dataclass(frozen=True, eq=False)
class MemoryPlan:
    """What a function holds in memory while it runs, and why.

    Attributes:
        data: the plan itself, pure data.
        budget: the bytes that bound its arena, None where nothing does.
    """

    data: Plan
    _source: _Source
    budget: int | None = None
    _written: Plan | None = None

    @property
    def graph(self) -> Graph:
        """What is run: forward and, for an objective, backward operations."""
        return self.data.graph

    @property
    def peak_bytes(self) -> int:
        """The most bytes of intermediates that are ever alive together."""
        return self.data.peak_bytes

    @property
    def peak_at(self) -> int:
        """Position of the first operation at which the peak stands."""
        return self.data.peak_at

    @property
    def retained_bytes(self) -> int:
        """Bytes that wait for the backward pass when the forward pass ends."""
        return self.data.retained_bytes

    @property
    def state_bytes(self) -> int:
        """Bytes of parameters, batch and constants: a ledger of their own."""
        return self.data.state_bytes

    @property
    def floor_bytes(self) -> int:
        """Bytes of the largest single operation: no recomputation can do with less."""
        return self.data.floor_bytes

    @cached_property
    def arena_bytes(self) -> int:
        """Size of one block that holds all intermediates, each at a multiple of 64 bytes."""
        return arena(self.data).nbytes

    @property
    def overhead(self) -> float:
        """What is made again costs this part of all other work."""
        return self.data.recomputed_part

    def within(self, budget: str | int) -> MemoryPlan:
        """Return the plan of the same results whose arena is within a budget; see :func:`plan`.

        Raises:
            BudgetError: there is none.
            OptionError: the budget is no number of bytes.
        """
        return self.bounded(checked_budget(budget))

    def bounded(self, allowed: int) -> MemoryPlan:
        """Return the plan within bytes that were checked already; see :meth:`within`."""
        found = self._fitting.within(allowed)
        if found is not None:
            return replace(self, data=found, budget=allowed, _written=self._whole)
        refusal = self._fitting.refusal(allowed)
        if len(self._whole.schedule) <= _SEARCHED:
            refusal.remedy = self._smaller(allowed, refusal.remedy)
        raise refusal

    def table(self) -> Table:
        """Return every storage with its bytes, birth, death and reason; ``print`` shows it."""
        return table(self.data, self._fitting.savings(self.data))

    def timeline(self) -> tuple[Moment, ...]:
        """Return the live bytes at every operation, split by why they are held."""
        return timeline(self.data)

    def why(self, label: str) -> Reason:
        """Return why a variable is held: the backward terms that read it, and what that costs.

        Args:
            label: a name of the user's (``"h"``, ``"d(W1)"``) or ``"%3"`` from the table.

        Raises:
            OptionError: nothing is called so.
        """
        return why(self._explained, label)

    def growth(self) -> Growths:
        """Return the peak as an exact function of batch size, input width and layers.

        Raises:
            OptionError: the arguments have no batch axis.
        """
        return self._growths

    def largest_batch(self, budget: str | int, recompute: bool | None = None) -> Largest:
        """Return the largest batch size whose peak is within the budget.

        Args:
            budget: bytes, or text such as ``"200MB"`` or ``"2 GiB"``; it bounds
                ``peak_bytes``, the intermediates; with recomputation ``arena_bytes``.
            recompute: whether forward variables may be made again, as under a budget; by
                default where this plan was made for one.

        Returns:
            A whole number with ``peak_bytes``, ``next_peak_bytes`` and ``text()``.

        Raises:
            BudgetError: not even one example fits; the message says what would.
            OptionError: the budget cannot be read, or there is no batch axis.
        """
        allowed = parse_bytes(budget, "the memory budget")
        again = self.budget is not None if recompute is None else recompute
        return (largest_within if again else largest)(self._batch_growth, allowed)

    def svg(self, budget: str | int | None = None) -> str:
        """Return the picture of the live bytes over the schedule, with a budget as a line."""
        bound = None if budget is None else parse_bytes(budget, "the memory budget")
        return memory_svg(self.timeline(), bound, f"Live bytes of {self.graph.name}")

    def to_data(self) -> dict[str, Any]:
        """Return the plan as plain data; the keys are told in ``wengert.planning.dump``."""
        return dump(self.data)

    def to_json(self) -> str:
        """Return the text of ``plan.json``."""
        return json.dumps(self.to_data(), indent=1, ensure_ascii=False) + "\n"

    @property
    def _whole(self) -> Plan:
        """The plan as the function was written, with nothing made again."""
        return self.data if self._written is None else self._written

    @cached_property
    def _fitting(self) -> Fitting:
        return Fitting(self._whole)

    def _smaller(self, allowed: int, otherwise: str | None) -> str | None:
        """Return which batch would fit instead."""
        try:
            most = int(largest_within(self._batch_growth, allowed))
        except WengertError:
            return otherwise
        return f"a batch of at most {most:,}; or {otherwise}"

    @cached_property
    def _explained(self) -> Plan:
        """The plan with the mathematics of its backward terms, where there is any."""
        try:
            formulas = dict(reasons(self._whole.graph))
        except WengertError:
            return self.data
        again = made_again(self.graph)
        formulas.update({v: formulas[first] for v, first in again.items() if first in formulas})
        return replace(self.data, formulas=formulas)

    @cached_property
    def _batch_growth(self) -> Growth:
        return self._source.growth_in_batch()

    @cached_property
    def _growths(self) -> Growths:
        source = self._source
        return Growths(self._batch_growth, source.growth_in_width(), source.growth_in_layers())

    def __str__(self) -> str:
        return "\n".join([f"plan of {self.graph.name}", *(f"  {s}" for s in totals(self.data))])

    def _repr_html_(self) -> str:
        return f"{self.svg()}<pre>{html.escape(self.table().text())}</pre>"
