"""Live bytes at every operation, split by why they are held: what a picture of memory draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from wengert.graph.operation import Operation
from wengert.planning.lifetime import Lifetime
from wengert.planning.plan import Plan, live_curve

KINDS = ("retained", "forward", "gradient", "workspace")


@dataclass(frozen=True, slots=True)
class Moment:
    """What is held while one operation runs, in bytes.

    Attributes:
        position: place in the schedule.
        operation: what runs.
        made: the pass that it belongs to.
        retained: forward variables that the backward pass reads.
        forward: other forward variables, also where they are made again.
        gradient: what the backward pass and the update have made.
        workspace: what the operation holds for itself.
    """

    position: int
    operation: Operation
    made: str
    retained: int
    forward: int
    gradient: int
    workspace: int

    @property
    def name(self) -> str:
        """What runs, in a word."""
        return self.operation.operator

    @property
    def live(self) -> int:
        """All of them together."""
        return self.retained + self.forward + self.gradient + self.workspace


class Held(Protocol):
    """What is held at one moment, by an operation or a kernel: what a curve draws."""

    @property
    def position(self) -> int: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def made(self) -> str: ...  # noqa: D102
    @property
    def live(self) -> int: ...  # noqa: D102


_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(live: Sequence[int], width: int = 60) -> str:
    """Return bytes over a schedule as a line of blocks; each shows the most of its moments.

    >>> sparkline([0, 50, 100, 25])
    '▁▄█▂'
    """
    most = max(live, default=0)
    count = min(width, len(live))
    if not most:
        return _BLOCKS[0] * count
    cuts = [len(live) * at // count for at in range(count + 1)]
    tops = [max(live[low:high]) for low, high in pairwise(cuts)]
    return "".join(_BLOCKS[max(0, -(-top * len(_BLOCKS) // most) - 1)] for top in tops)


def kind(lifetime: Lifetime) -> str:
    """Return "given", or the part of the live bytes that a storage counts to."""
    if lifetime.made == "given":
        return "given"
    if lifetime.made not in ("forward", "recompute"):
        return "gradient"
    return "retained" if lifetime.retained else "forward"


def timeline(plan: Plan) -> tuple[Moment, ...]:
    """Return what is held while each operation runs, in schedule order."""
    idle = (0,) * len(plan.schedule)
    curves = [
        live_curve(
            [(e.birth, e.death, e.nbytes) for e in plan.intermediates if kind(e) == part], idle
        )
        for part in KINDS[:3]
    ]
    rows = zip(*curves, plan.workspace, strict=True)
    return tuple(
        Moment(at, plan.operation(at), plan.passes[at], *row) for at, row in enumerate(rows)
    )
