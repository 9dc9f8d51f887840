"""What waits for the backward pass when forward has ended, and what each of it waits for."""

from __future__ import annotations

from dataclasses import dataclass

from wengert.base.quantities import format_bytes
from wengert.planning.plan import Plan
from wengert.planning.why import Reason, reason_of


@dataclass(frozen=True, slots=True)
class Retention:
    """The retained storages, the largest first.

    Attributes:
        reasons: of each storage: bytes, birth, death, the backward terms that read it, the peak
            without it, what making it again costs, and what cheaper thing would do.
        nbytes: bytes of all of them together: ``retained_bytes`` of the plan.
        peak_bytes: the peak of the plan, which ``reasons`` compare with.
    """

    reasons: tuple[Reason, ...]
    nbytes: int
    peak_bytes: int

    def __str__(self) -> str:
        many = f"{len(self.reasons)} storage{'' if len(self.reasons) == 1 else 's'}"
        head = f"retained when forward ends: {many}, {self.nbytes:,} bytes"
        return "\n".join([head, *("\n" + str(reason) for reason in self.reasons)])

    def rows(self) -> list[tuple[str, int, str]]:
        """Return (label, bytes, what reads it) of each storage, for a table."""
        return [(reason.label, reason.nbytes, "; ".join(_short(reason))) for reason in self.reasons]

    def text(self, width: int = 100) -> str:
        """Return one line a storage: bytes, name, life, and the gradients that read it."""
        named = max((len(reason.label) for reason in self.reasons), default=0)
        lines = [
            f"{format_bytes(r.nbytes):>8}  {r.label.ljust(named)}  "
            f"{r.birth}–{r.death - 1}  {'; '.join(_short(r))}"
            for r in self.reasons
        ]
        cut = [line if len(line) <= width else line[: width - 1] + "…" for line in lines]
        return "\n".join([*cut, f"{self.nbytes:,} bytes retained when forward ends"])


def retention(plan: Plan) -> Retention:
    """Return what backward waits for at the loss; the bytes add up to ``plan.retained_bytes``."""
    last = plan.loss_at - 1
    kept = [
        each
        for each in plan.intermediates
        if each.retained and each.alive(last) and each.death > plan.loss_at
    ]
    reasons = [reason_of(plan, each.base) for each in sorted(kept, key=lambda e: -e.nbytes)]
    return Retention(tuple(reasons), sum(r.nbytes for r in reasons), plan.peak_bytes)


def _short(reason: Reason) -> list[str]:
    """Return for each term its first formula, or operation, and the user's line."""
    found: list[str] = []
    for term in reason.terms:
        first = str(term).splitlines()[0]
        line = "" if term.location is None else f" (line {term.location.line})"
        found.append(f"{first}{line}")
    return found
