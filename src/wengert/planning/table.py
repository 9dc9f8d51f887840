"""The table of a plan: every storage, when it lives, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wengert.base.dtypes import short
from wengert.base.quantities import format_bytes
from wengert.planning.lifetime import Lifetime
from wengert.planning.plan import Plan
from wengert.planning.terms import backward_terms, place
from wengert.planning.timeline import kind

MARK = "●"
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Row:
    """One storage of the plan.

    Attributes:
        label: name of the variable that owns the bytes, as ``plan.why`` takes it.
        shape: sizes of its axes.
        dtype: NumPy's name of its dtype.
        nbytes: bytes.
        birth: position of the operation that makes it; 0 for what is given.
        death: one past the position of the last one that reads it.
        made_by: that operation in words; "given" for parameters, batch and constants.
        freed_after: the last operation that reads it, in words.
        role: parameter, input, constant, intermediate or gradient; "output" when returned.
        kind: "given", "retained", "forward" or "gradient".
        at_peak: whether it is alive at the peak.
        why: what it waits for, in short.
    """

    label: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    birth: int
    death: int
    made_by: str
    freed_after: str
    role: str
    kind: str
    at_peak: bool
    why: str

    @property
    def retained(self) -> bool:
        """Whether it is an intermediate that the backward pass reads."""
        return self.kind == "retained"


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a plan and its totals; ``str`` of it is a text of at most 100 columns.

    Attributes:
        plan: what the rows are of.
        rows: the intermediates, by birth.
        state: what is given.
        savings: what order and recomputation save, a line each.
    """

    plan: Plan
    rows: tuple[Row, ...]
    state: tuple[Row, ...]
    savings: tuple[str, ...] = ()

    def text(self, width: int = 100) -> str:
        """Return the table for a terminal of this width: narrower ones get fewer columns."""
        columns = _fitting([*self.rows, *self.state], self.plan, width)
        before = [row for row in self.rows if row.birth <= self.plan.peak_at]
        after = [row for row in self.rows if row.birth > self.plan.peak_at]
        lines = [_headings(columns, width), *_lines(columns, before, width)]
        lines += [_peak_line(self.plan, width), *_lines(columns, after, width)]
        lines += ["", _cut(f"state and batch: {format_bytes(self.plan.state_bytes)}", width)]
        lines += _lines(columns, self.state, width)
        below = (*totals(self.plan), *self.savings)
        return "\n".join([*lines, "", *(_cut(line, width) for line in below)])

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: heading, texts, the most characters it takes, and when it is left out.

    Columns of a higher level go first when the terminal is narrow; those of level 0 stay.
    """

    heading: str
    level: int
    write: Callable[[Row], str]
    width: int
    right: bool = False

    def cell(self, text: str) -> str:
        fitted = _cut(text, self.width)
        return fitted.rjust(self.width) if self.right else fitted.ljust(self.width)


def table(plan: Plan, savings: tuple[str, ...] = ()) -> Table:
    """Return the rows of a plan: intermediates by birth, and what is given apart."""
    return Table(
        plan,
        tuple(_row(plan, each) for each in plan.intermediates),
        tuple(_row(plan, each) for each in plan.state),
        savings,
    )


def totals(plan: Plan) -> list[str]:
    """Return the sums below the table, one a line."""
    lines = [f"peak {_exact(plan.peak_bytes)} of intermediates{_peak_place(plan)}"]
    if plan.loss_at < len(plan.schedule):
        lines.append(f"retained for the backward pass {_exact(plan.retained_bytes)}")
    lines.append(f"largest single operation {_exact(plan.floor_bytes)}")
    if "recompute" in plan.passes:
        many = plan.passes.count("recompute")
        part = f"{100 * plan.recomputed_part:.2g} % more work"
        lines.append(f"made again before backward: {many} operations, {part}")
    total = plan.peak_bytes + plan.state_bytes
    lines.append(f"with state and batch {_exact(total)}")
    return lines


def _row(plan: Plan, lifetime: Lifetime) -> Row:
    base = lifetime.base
    given = lifetime.made == "given"
    end = len(plan.schedule)
    returned = lifetime.death > end
    last = "the end" if returned else plan.written(lifetime.death - 1)
    return Row(
        label=plan.names[base],
        shape=base.shape,
        dtype=base.dtype.name,
        nbytes=lifetime.nbytes,
        birth=lifetime.birth,
        death=lifetime.death,
        made_by="given" if given else plan.written(lifetime.birth),
        freed_after=last,
        role="output" if returned and not given else base.role,
        kind=kind(lifetime),
        at_peak=not given and lifetime.alive(plan.peak_at),
        why=_short_reason(plan, lifetime),
    )


def _short_reason(plan: Plan, lifetime: Lifetime) -> str:
    if any(member in plan.graph.outputs for member in lifetime.members):
        return "returned"
    if lifetime.retained:
        goals = dict.fromkeys(term.gradient for term in backward_terms(plan, lifetime))
        return "read by " + ", ".join(goals)
    if lifetime.made == "given":
        return ""
    last = plan.operation(lifetime.death - 1)
    again = "made again, " if lifetime.made == "recompute" else ""
    return f"{again}until " + ", ".join(plan.names[out] for out in last.outputs)


def _columns(plan: Plan) -> list[_Column]:
    return [
        _Column("variable", 0, _marked, 24),
        _Column("bytes", 0, lambda row: format_bytes(row.nbytes), 8, right=True),
        _Column("shape", 3, _type, 20),
        _Column("kind", 2, _kind, 12),
        _Column("alive", 1, lambda row: _alive(row, plan), 12),
        _Column("made by", 5, lambda row: row.made_by, 28),
        _Column("why", 4, lambda row: row.why, 200),
    ]


def _fitting(rows: Sequence[Row], plan: Plan, width: int) -> list[_Column]:
    """Return the columns that fit, each as wide as its texts need."""
    columns = [_narrowed(column, rows) for column in _columns(plan)]
    for level in (6, 5, 4, 3, 2, 1):
        *kept, last = [column for column in columns if column.level < level]
        room = width - sum(len(_GAP) + column.width for column in kept)
        if last.heading == "why" and room >= min(last.width, 12):
            return [*kept, replace(last, width=min(last.width, room))]
        if room >= last.width:
            return [*kept, last]
    return [column for column in columns if column.level == 0]


def _narrowed(column: _Column, rows: Sequence[Row]) -> _Column:
    longest = max([len(column.heading), *(len(column.write(row)) for row in rows)])
    return replace(column, width=min(column.width, longest))


def _marked(row: Row) -> str:
    return f"{MARK if row.at_peak else ' '} {row.label}"


def _kind(row: Row) -> str:
    return row.kind if row.kind in ("retained", "gradient") and row.role != "output" else row.role


def _type(row: Row) -> str:
    return f"{short(np.dtype(row.dtype))}[{','.join(str(n) for n in row.shape)}]"


def _alive(row: Row, plan: Plan) -> str:
    if row.kind == "given":
        return "throughout"
    last = row.death - 1
    return f"{row.birth}–{'end' if last >= len(plan.schedule) else last}"


def _headings(columns: Sequence[_Column], width: int) -> str:
    return _cut(_GAP.join(column.cell(column.heading) for column in columns), width).rstrip()


def _lines(columns: Sequence[_Column], rows: Sequence[Row], width: int) -> list[str]:
    joined = (_GAP.join(column.cell(column.write(row)) for column in columns) for row in rows)
    return [_cut(line, width).rstrip() for line in joined]


def _peak_line(plan: Plan, width: int) -> str:
    text = f"── peak {format_bytes(plan.peak_bytes)}{_peak_place(plan)} "
    return _cut(text, width) if len(text) >= width else text + "─" * (width - len(text))


def _peak_place(plan: Plan) -> str:
    if not plan.schedule:
        return ""
    operation = plan.operation(plan.peak_at)
    where = place(operation.location)
    return f" at operation {plan.peak_at}: {plan.written(plan.peak_at)}{where}"


def _exact(nbytes: int) -> str:
    plain = f"{nbytes:,} bytes"
    return plain if nbytes < 1000 else f"{plain} ({format_bytes(nbytes)})"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
