"""What a function holds in memory while it runs, and why."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from wengert.base.errors import WengertError
from wengert.base.process import resident_bytes
from wengert.base.quantities import format_bytes, parse_bytes
from wengert.compilation.programs import fitting_of, program_fitting, program_of
from wengert.compilation.source import Source
from wengert.explanation.drawing.curves import memory_svg
from wengert.explanation.drawing.growing import growth_svg
from wengert.explanation.mathematics.reasons import reasons
from wengert.graph.graph import Graph
from wengert.graph.walk import made_again
from wengert.planning.budget import Fitting, checked_budget
from wengert.planning.dump import dump
from wengert.planning.growth import Growth, Growths, Largest, largest
from wengert.planning.largest import largest_within
from wengert.planning.plan import Plan
from wengert.planning.program import ProgramPlan
from wengert.planning.refining import within
from wengert.planning.retained import Retention, retention
from wengert.planning.solver import checked_seconds
from wengert.planning.table import Table, table, totals
from wengert.planning.terms import place as line
from wengert.planning.timeline import Moment, sparkline, timeline
from wengert.planning.why import Reason, why
from wengert.rewriting.roll import prepared

# A plan of more operations is refused without looking for the batch that would fit.
_SEARCHED = 1000


@dataclass(frozen=True, eq=False)
class MemoryPlan:
    """What a function holds in memory while it runs, and why.

    Two executors can carry it out, and each has its ledger. The compiled program fuses operations
    and makes one allocation for what its kernels hand to one another: ``program`` tells of it, and
    ``peak_bytes`` is its size. The interpreter goes operation by operation and holds every
    variable that the user wrote: ``table``, ``timeline`` and ``why`` tell of it, and
    ``interpreter_bytes`` is the most that it holds. Where llvmlite is absent, or an operator has no
    kernel, the interpreter runs, and ``peak_bytes`` is that.

    Attributes:
        data: the operations, pure data.
        budget: the bytes that bound the peak, None where nothing does.
        resident: leaves of the state that stays in its place, None for a program that returns it.
    """

    data: Plan
    _source: Source
    budget: int | None = None
    _written: Plan | None = None
    resident: int | None = None

    @property
    def graph(self) -> Graph:
        """What is run: forward and, for an objective, backward operations."""
        return self.data.graph

    @cached_property
    def program(self) -> ProgramPlan | None:
        """The compiled program's kernels and block; None where the interpreter runs."""
        # What is made again within a budget is equal to what was made: nothing may merge them.
        is_ready = self._written is not None
        return program_of(self.graph if is_ready else prepared(self.graph), self.resident)

    @property
    def peak_bytes(self) -> int:
        """Size of the one block that the compiled program allocates for intermediates."""
        return self.interpreter_bytes if self.program is None else self.program.peak_bytes

    @property
    def interpreter_bytes(self) -> int:
        """The most bytes of intermediates that the interpreter ever holds together."""
        return self.data.peak_bytes

    @property
    def peak_at(self) -> int:
        """Position of the first operation at which the interpreter's peak stands."""
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

    @property
    def overhead(self) -> float:
        """What is made again costs this part of all other work."""
        return self.data.recomputed_part

    def within(self, budget: str | int, solve: float | None = None) -> MemoryPlan:
        """Return the plan of the same results whose peak is within a budget; see :func:`plan`.

        Raises:
            BudgetError: there is none.
            OptionError: the budget is no number of bytes, or ``solve`` no number of seconds.
        """
        return self.bounded(checked_budget(budget), checked_seconds(solve))

    def bounded(self, allowed: int, seconds: float | None = None) -> MemoryPlan:
        """Return the plan within bytes and time that were checked already; see :meth:`within`."""
        found = within(self._fitting, allowed, seconds)
        if found is not None:
            return replace(self, data=found, budget=allowed, _written=self._fitting.plan)
        refusal = self._fitting.refusal(allowed)
        if len(self._whole.schedule) <= _SEARCHED:
            refusal.remedy = self._smaller(allowed, refusal.remedy)
        raise refusal

    def at_peak(self) -> tuple[str, list[tuple[str, int]]]:
        """Return where the peak stands, in words, and the storages alive there, largest first."""
        program, data = self.program, self.data
        if program is not None:
            where = f"kernel {program.peak_at}, {program.kernels[program.peak_at]}"
            return where, [(each.label, each.nbytes) for each in program.top(len(program.storages))]
        alive = [each for each in data.intermediates if each.alive(data.peak_at)]
        pairs = sorted(((data.names[e.base], e.nbytes) for e in alive), key=lambda each: -each[1])
        place = f"operation {data.peak_at}, {data.written(data.peak_at)}"
        return f"{place}{line(data.operation(data.peak_at).location)}", pairs

    def peak_text(self, shown: int = 5) -> str:
        """Return where the peak stands, and the largest storages there, in words."""
        where, alive = self.at_peak()
        rows = [f"{label} {format_bytes(nbytes)}" for label, nbytes in alive[:shown]]
        more = f" and {len(alive) - shown} more" if len(alive) > shown else ""
        return f"{self.peak_bytes:,} bytes at {where}\nalive there: {', '.join(rows)}{more}"

    def table(self) -> Table:
        """Return every storage with its bytes, birth, death and reason; ``print`` shows it."""
        return table(self.data, self._savings())

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

    def retention(self) -> Retention:
        """Return every storage that waits for backward at the loss, each with its reason.

        The bytes of the reasons add up to ``retained_bytes``.
        """
        return retention(self._explained)

    def growth(self) -> Growths:
        """Return the interpreter's peak as an exact function of batch size, width and layers.

        Raises:
            OptionError: the arguments have no batch axis.
        """
        return self._growths

    def growth_svg(self) -> str:
        """Return the picture of :meth:`growth`: a curve a size, with the formula of each piece."""
        return growth_svg(self.growth(), f"How the peak of {self.graph.name} grows")

    def largest_batch(self, budget: str | int, recompute: bool | None = None) -> Largest:
        """Return the largest batch size whose peak is within the budget.

        Args:
            budget: bytes, or text such as ``"200MB"`` or ``"2 GiB"``; it bounds
                ``peak_bytes``, the intermediates.
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
        return self._largest(allowed, again)

    def _largest(self, allowed: int, again: bool) -> Largest:
        if self._is_compiled:
            return largest_within(self._batch_growth, allowed, self._fitting_at, again)
        return (largest_within if again else largest)(self._batch_growth, allowed)

    def svg(self, budget: str | int | None = None, interpreter: bool = False) -> str:
        """Return the picture of the live bytes over the schedule, with a budget as a line.

        The schedule is that of the program's kernels; of the interpreter's operations where that
        is asked for, or runs.
        """
        bound = None if budget is None else parse_bytes(budget, "the memory budget")
        if self.program is None or interpreter:
            return memory_svg(self.timeline(), bound, f"Live bytes of {self.graph.name}")
        title = f"The block of {self.graph.name} over its kernels"
        return memory_svg(self.program.moments(), bound, title)

    def ledgers(self, width: int = 60) -> str:
        """Return the three ledgers, which are never mixed, and the curve over the schedule.

        The plan: the block that the program allocates. The interpreter: what it would hold. The
        process: what lies beside the block while the program runs; the code of libraries, and
        what they keep for themselves, is in what the process is now.
        """
        return "\n".join(self._ledger_lines(width))

    def _ledger_lines(self, width: int) -> Iterator[str]:
        program, data = self.program, self.data
        live = data.live if program is None else program.live
        yield sparkline(live, width)
        if program is None:
            yield "plan: no program, as llvmlite is absent"
        else:
            yield f"plan: {program.peak_bytes:,} bytes in one block, {len(program.kernels)} kernels"
            yield from (f"  {each}" for each in program.alive_lines())
        where = f"at operation {data.peak_at} of {len(data.schedule)}" if data.schedule else ""
        yield f"interpreter: {data.peak_bytes:,} bytes of intermediates {where}".rstrip()
        results = 0 if program is None else program.result_bytes
        beside = [(data.state_bytes, "parameters, batch and constants"), (results, "results")]
        yield "process: " + ", ".join(f"{n:,} bytes {what}" for n, what in beside if n)
        now = resident_bytes()
        if now is not None:
            yield f"  {now:,} bytes this process with its libraries, now"

    def to_data(self) -> dict[str, Any]:
        """Return the plan as plain data; the keys are told in ``wengert.planning.dump``."""
        return dump(self.data, self.program)

    def to_json(self) -> str:
        """Return the text of ``plan.json``."""
        return json.dumps(self.to_data(), indent=1, ensure_ascii=False) + "\n"

    @property
    def _whole(self) -> Plan:
        """The plan as the function was written, with nothing made again."""
        return self.data if self._written is None else self._written

    @cached_property
    def _is_compiled(self) -> bool:
        return self.program is not None

    @cached_property
    def _fitting(self) -> Fitting:
        if not self._is_compiled:
            return Fitting(self._whole)
        ready = self._written is not None
        return (fitting_of if ready else program_fitting)(self._whole, self.resident)

    def _fitting_at(self, plan: Plan) -> Fitting:
        return program_fitting(plan, self.resident)

    def _savings(self) -> tuple[str, ...]:
        if self.program is None:
            return self._fitting.savings(self.data)
        # Only a budget looks for another graph.
        again = () if self._written is None else self._fitting.savings(self.data)
        return (*again, "", *str(self.program).splitlines())

    def _smaller(self, allowed: int, otherwise: str | None) -> str | None:
        """Return which batch would fit instead."""
        try:
            most = int(self._largest(allowed, True))
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
        lines = [f"plan of {self.graph.name}", *(f"  {line}" for line in totals(self.data))]
        return "\n".join([*lines, *([] if self.program is None else [str(self.program)])])

    def _repr_html_(self) -> str:
        return f"{self.svg()}<pre>{html.escape(self.table().text())}</pre>"
