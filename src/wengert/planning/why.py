"""Why a variable is held: the backward terms that read it, and what holding it costs."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from wengert.base.errors import OptionError
from wengert.base.quantities import format_bytes
from wengert.graph.variable import Variable
from wengert.planning.cheaper import cheaper
from wengert.planning.drop import Dropped, drop
from wengert.planning.lifetime import Lifetime
from wengert.planning.plan import Plan
from wengert.planning.terms import Term, backward_terms


@dataclass(frozen=True, slots=True)
class Reason:
    """The answer of ``plan.why``.

    Attributes:
        label: the variable asked about.
        base: the variable that owns the bytes; another one than ``label`` for a view.
        given: whether it is a parameter, an input or a constant, which live throughout.
        retained: whether the backward pass reads it.
        output: whether the graph returns it.
        nbytes: bytes of its storage.
        birth: position at which it is made, and ``death`` one past its last use.
        death: see birth.
        made_by: the operation that makes it; "given" when none does.
        freed_after: the last operation that reads it.
        terms: the backward operations that read it.
        dropped: what dropping it alone after forward and recomputing it would do.
        cheaper: the smaller thing that the rules would be content with, if there is one.
        operations: number of operations in the plan.
    """

    label: str
    base: str
    given: bool
    retained: bool
    output: bool
    nbytes: int
    birth: int
    death: int
    made_by: str
    freed_after: str
    terms: tuple[Term, ...]
    dropped: Dropped | None
    cheaper: str | None
    operations: int

    @property
    def held(self) -> int:
        """Number of operations during which the bytes are held."""
        return min(self.death, self.operations) - self.birth

    def __str__(self) -> str:
        lines = [self._headline(), self._life()]
        lines += [f"  {line}" for term in self.terms for line in str(term).splitlines()]
        lines += self._economy()
        return "\n".join(lines)

    def _headline(self) -> str:
        name = self.label if self.label == self.base else f"{self.label} (a view of {self.base})"
        size = format_bytes(self.nbytes)
        many = f"{len(self.terms)} backward term" + ("" if len(self.terms) == 1 else "s")
        if self.given:
            read = f"; read by {many}" if self.terms else ""
            return f"{name}: {size}, given, so it is held throughout{read}"
        if self.retained:
            return f"{name}: {size}, retained for {many}"
        if self.output:
            return f"{name}: {size}, held to the end because it is returned"
        return f"{name}: {size}, not retained: no backward operation reads it after forward"

    def _life(self) -> str:
        if self.given:
            return "  its bytes count as state and batch, not among the intermediates"
        return (
            f"  made by operation {self.birth}: {self.made_by}\n"
            f"  last read by {self.freed_after}\n"
            f"  held for {self.held} of {self.operations} operations"
        )

    def _economy(self) -> list[str]:
        lines: list[str] = []
        if self.dropped is not None:
            lines.append(f"  dropped and recomputed, {_saving(self.dropped)}")
        if self.cheaper is not None:
            lines.append(f"  cheaper: {self.cheaper}")
        return lines


def _saving(dropped: Dropped) -> str:
    cost = f"for {dropped.work}"
    if dropped.saved_bytes == 0:
        return f"it would not lower the peak by itself ({cost})"
    return (
        f"it alone would lower the peak by {format_bytes(dropped.saved_bytes)}"
        f" to {format_bytes(dropped.peak_bytes)} {cost}"
    )


def why(plan: Plan, label: str) -> Reason:
    """Return why the variable with this label is held, and what it would take not to.

    Args:
        plan: any plan.
        label: a name of the user's (``"h"``, ``"h.2"`` after a rebinding, ``"d(W1)"``), or
            ``"%3"`` for the unnamed result of operation 3.

    Raises:
        OptionError: nothing is called so; the message lists what there is.
    """
    return reason_of(plan, find(plan, label))


def reason_of(plan: Plan, variable: Variable) -> Reason:
    """Return why a variable is held; see :func:`why`."""
    lifetime = plan.lifetime_of[variable]
    terms = backward_terms(plan, lifetime)
    given = lifetime.made == "given"
    return Reason(
        label=plan.names[variable],
        base=plan.names[lifetime.base],
        given=given,
        retained=lifetime.retained and not given,
        output=any(member in plan.graph.outputs for member in lifetime.members),
        nbytes=lifetime.nbytes,
        birth=lifetime.birth,
        death=lifetime.death,
        made_by="given" if given else plan.written(lifetime.birth),
        freed_after=freed_after(plan, lifetime),
        terms=terms,
        dropped=drop(plan, lifetime),
        cheaper=cheaper(plan, lifetime),
        operations=len(plan.schedule),
    )


def find(plan: Plan, label: str) -> Variable:
    """Return the variable that a label means.

    Raises:
        OptionError: nothing is called so.
    """
    for variable, name in plan.names.items():
        if name == label:
            return variable
    known = [name for name in plan.names.values() if not name.startswith("%")]
    near = get_close_matches(str(label), known, 1)
    raise OptionError(
        f"{plan.graph.name} has no variable {label!r}",
        expected="one of " + (", ".join(known) or "the unnamed %0, %1 … of the table"),
        got=repr(label),
        remedy=f"did you mean {near[0]!r}?" if near else None,
    )


def freed_after(plan: Plan, lifetime: Lifetime) -> str:
    """Return in words what the storage waits for last."""
    if lifetime.death > len(plan.schedule):
        return "whoever called" if lifetime.made != "given" else "every run"
    last = lifetime.death - 1
    return f"operation {last}: {plan.written(last)}"
