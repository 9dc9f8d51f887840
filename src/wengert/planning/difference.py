"""What changed between two plans, both as the plain data of ``plan.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from wengert.base.errors import DataError
from wengert.base.quantities import format_bytes
from wengert.planning.dump import SCHEMA

_SHOWN = 20
_TOTALS = (
    ("peak_bytes", "peak"),
    ("retained_bytes", "retained"),
    ("floor_bytes", "largest single operation"),
    ("state_bytes", "state and batch"),
)


@dataclass(frozen=True, slots=True)
class Change:
    """Bytes of a total or of a storage; None where there is no such storage.

    Attributes:
        what: the total, or the label of the storage.
        before: bytes in the old plan.
        after: bytes in the new plan.
    """

    what: str
    before: int | None
    after: int | None

    @property
    def growth(self) -> int:
        """Bytes more than before."""
        return (self.after or 0) - (self.before or 0)

    def __str__(self) -> str:
        if self.before is None:
            return f"+ {self.what}  {format_bytes(self.after or 0)}"
        if self.after is None:
            return f"- {self.what}  {format_bytes(self.before)}"
        if not self.growth:
            return f"  {self.what}  {self.before:,} bytes, as before"
        percent = f", {100 * self.growth / self.before:+.3g} %" if self.before else ""
        return f"~ {self.what}  {self.before:,} → {self.after:,} bytes ({self.growth:+,}{percent})"


@dataclass(frozen=True, slots=True)
class Difference:
    """Two plans beside one another.

    Attributes:
        totals: peak, retained, largest operation and state, each with both its sizes.
        storages: what is new, gone or of another size, the largest change first.
        at_peak: labels of what stands at the new peak and did not at the old one.
    """

    totals: tuple[Change, ...]
    storages: tuple[Change, ...]
    at_peak: tuple[str, ...]

    @property
    def peak_growth(self) -> int:
        """Bytes by which the peak is higher than before."""
        return self.totals[0].growth

    def __str__(self) -> str:
        lines = [str(each) for each in self.totals]
        if self.storages:
            lines += ["", "intermediates that are new (+), gone (-) or of another size (~)"]
            lines += [f"  {each}" for each in self.storages[:_SHOWN]]
            if len(self.storages) > _SHOWN:
                lines.append(f"  and {len(self.storages) - _SHOWN} more")
        if self.at_peak:
            lines += ["", f"now at the peak: {', '.join(self.at_peak)}"]
        return "\n".join(lines)


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> Difference:
    """Return what changed from one plan to another.

    Args:
        old: the data of a plan, as :func:`read_plan` gives it.
        new: that of the plan now.
    """
    before, after = _sizes(old), _sizes(new)
    labels = dict.fromkeys((*after, *before))
    found = [Change(label, before.get(label), after.get(label)) for label in labels]
    changed = [each for each in found if each.before != each.after]
    standing = {each["label"] for each in old["intermediates"] if each["at_peak"]}
    arrived = [e["label"] for e in new["intermediates"] if e["at_peak"]]
    return Difference(
        tuple(Change(name, old[key], new[key]) for key, name in _TOTALS),
        tuple(sorted(changed, key=lambda each: -abs(each.growth))),
        tuple(label for label in arrived if label not in standing),
    )


def _sizes(plan: Mapping[str, Any]) -> dict[str, int]:
    storages: Sequence[Mapping[str, Any]] = plan["intermediates"]
    return {each["label"]: each["bytes"] for each in storages}


def read_plan(text: str, where: str) -> Mapping[str, Any]:
    """Return the data of a ``plan.json``.

    Raises:
        DataError: it is no plan, or one of another schema.
    """
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no_plan(where, f"text that is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise _no_plan(where, f"a JSON {type(found).__name__}")
    data = cast("dict[str, Any]", found)
    if data.get("schema") != SCHEMA:
        raise _no_plan(where, f"schema {data.get('schema')!r}")
    numbers = [data.get(key) for key, _ in _TOTALS]
    if not all(type(each) is int for each in numbers) or not _are_storages(data):
        raise _no_plan(where, "a plan with parts missing")
    return data


def _are_storages(data: Mapping[str, Any]) -> bool:
    rows: Any = data.get("intermediates")
    if not isinstance(rows, list):
        return False
    kinds = (("label", str), ("bytes", int), ("at_peak", bool))
    return all(
        isinstance(row, dict) and all(type(row.get(key)) is kind for key, kind in kinds)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        for row in cast("list[Any]", rows)
    )


def _no_plan(where: str, got: str) -> DataError:
    return DataError(
        f"{where} is no plan to compare with",
        expected=f"what wengert plan --json wrote, schema {SCHEMA}",
        got=got,
        remedy="wengert plan FILE.py:objective --json > plan.json",
    )
