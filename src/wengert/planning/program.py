"""The plan of a compiled program: its kernels, and the block in which everything they make lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wengert.base.errors import Location
from wengert.base.quantities import format_bytes
from wengert.planning.arena import ALIGNMENT
from wengert.planning.budget import Need
from wengert.planning.layout import Arranged
from wengert.planning.lifetime import Pass
from wengert.planning.terms import place

_TOP = 8


@dataclass(frozen=True, slots=True)
class KernelPlan:
    """One kernel.

    Attributes:
        name: what it computes, ``multiply+subtract``.
        location: the user's line that it begins with.
        made: the passes that it belongs to.
    """

    name: str
    location: Location | None
    made: frozenset[Pass]

    def __str__(self) -> str:
        return f"{self.name}{place(self.location)}"


@dataclass(frozen=True, slots=True)
class Stored:
    """One storage in the block.

    Attributes:
        label: name of the variable, or of the kernel that makes it where it has none.
        nbytes: bytes.
        offset: where it begins, a multiple of 64 bytes.
        birth: the kernel that makes it.
        death: one past the last kernel that touches it.
        over: the storage that it is written over, None where it has a place of its own.
        forward: whether the forward pass makes it.
        number: its place among the storages of the layout.
    """

    label: str
    nbytes: int
    offset: int
    birth: int
    death: int
    over: str | None
    forward: bool
    number: int


@dataclass(frozen=True, slots=True)
class ProgramMoment:
    """What is held while one kernel runs, in bytes, rounded up to 64 each.

    Attributes:
        position: place among the kernels.
        name: what runs.
        made: the pass that it belongs to.
        retained: of forward, waiting for backward.
        forward: other results of forward.
        gradient: the rest.
        workspace: nothing; kernels have none.
    """

    position: int
    name: str
    made: str
    retained: int
    forward: int
    gradient: int
    workspace: int = 0

    @property
    def live(self) -> int:
        """All of them together."""
        return self.retained + self.forward + self.gradient + self.workspace


@dataclass(frozen=True, eq=False)
class ProgramPlan:
    """What a compiled program holds: exactly the block that it allocates for intermediates.

    Attributes:
        name: of the graph.
        kernels: in the order in which they run.
        storages: what lies in the block, by birth.
        arranged: order, stages and layout as numbers; its storages are those of ``storages``.
        result_bytes: what is written straight into the arrays that the caller gets.
        unstored: variables with names, such as gradients of weights, that are used where they are
            made and never stored, with the bytes that they would take.
    """

    name: str
    kernels: tuple[KernelPlan, ...]
    storages: tuple[Stored, ...]
    arranged: Arranged
    result_bytes: int
    unstored: tuple[tuple[str, int], ...] = ()
    rounding: frozenset[object] = frozenset()

    @property
    def peak_bytes(self) -> int:
        """Size of the block: the one allocation for intermediates."""
        return self.arranged.layout.nbytes

    @property
    def live(self) -> tuple[int, ...]:
        """Bytes alive while each kernel runs, each storage rounded up to 64 bytes."""
        return self.arranged.layout.live

    @property
    def peak_at(self) -> int:
        """The first kernel at which most is alive."""
        return self.live.index(max(self.live)) if self.live else 0

    @property
    def loss_at(self) -> int:
        """The first kernel of backward alone; the number of kernels where there is none."""
        first = (at for at, kernel in enumerate(self.kernels) if is_after(kernel))
        return next(first, len(self.kernels))

    @property
    def retained_bytes(self) -> int:
        """Bytes of forward that wait for backward when forward ends."""
        end = self.loss_at
        if not 0 < end < len(self.kernels):
            return 0
        return sum(s.nbytes for s in self.storages if s.forward and s.birth < end < s.death)

    def moments(self) -> tuple[ProgramMoment, ...]:
        """Return what is held while each kernel runs, split by why."""
        over = self.arranged.layout.over
        births = self.arranged.layout.births
        gone = {(births[made], old) for made, old in over.items()}
        end, parts = self.loss_at, [[0, 0, 0] for _ in self.kernels]
        for stored in self.storages:
            kind = 2 if not stored.forward else int(stored.death <= end)
            nbytes = -(-stored.nbytes // ALIGNMENT) * ALIGNMENT
            for at in range(stored.birth, min(stored.death, len(parts))):
                # Written over in this very kernel: the bytes are those of the new one.
                if (at, stored.number) not in gone:
                    parts[at][kind] += nbytes
        return tuple(
            ProgramMoment(at, kernel.name, self._pass(at), *parts[at])
            for at, kernel in enumerate(self.kernels)
        )

    def _pass(self, at: int) -> str:
        made = self.kernels[at].made
        order = ("forward", "recompute", "backward", "update")
        return next((each for each in order if each in made), "given")

    @property
    def need(self) -> Need:
        """What the program needs, and the kernel that needs most by itself."""
        graph = self.arranged.graph
        at = max(range(len(self.kernels)), key=graph.alone, default=0)
        floor = graph.alone(at) if self.kernels else 0
        binds = f"kernel {at}, {self.kernels[at]}," if floor else "it"
        return Need(self.peak_bytes, floor, binds, self.rounding)

    def top(self, count: int = _TOP) -> list[Stored]:
        """Return the largest storages that are alive at the peak."""
        at = self.peak_at
        alive = [s for s in self.storages if s.birth <= at < s.death and s.nbytes]
        return sorted(alive, key=lambda s: -s.nbytes)[:count]

    def savings(self) -> tuple[str, ...]:
        """Say what order and writing in place save, to the byte."""
        plan, lines = self.arranged, list[str]()
        saved = plan.written_bytes - plan.layout.nbytes
        if saved:
            lines.append(f"order of kernels: {plan.order.rule} saves {saved:,} bytes")
        saved = plan.layout.apart_bytes - plan.layout.nbytes
        if saved:
            many = len(plan.layout.over)
            results = "1 result is" if many == 1 else f"{many} results are"
            lines.append(f"in place: {results} written over what is read last, {saved:,} bytes")
        return (*lines, *self.updates())

    def updates(self) -> tuple[str, ...]:
        """Say how many updates run before backward ends, and why where none can."""
        moving = [at for at, kernel in enumerate(self.kernels) if "update" in kernel.made]
        backward = [at for at, kernel in enumerate(self.kernels) if "backward" in kernel.made]
        if not moving or not backward:
            return ()
        early = sum(at <= backward[-1] for at in moving)
        said = f"early update: {early} of {len(moving)} kernels that move parameters run"
        said += " before backward ends"
        makers = {made: at for at, s in enumerate(self.arranged.graph.stages) for made in s.makes}
        waiting = sum(backward[-1] in self._behind(at, makers) for at in moving)
        # Without it only the update of the last gradient waits for it.
        if not early and waiting > max(1, len(moving) // 2):
            said += "; each waits for every gradient, as clipping by the global norm asks"
        return (said,)

    def _behind(self, at: int, makers: Mapping[int, int]) -> set[int]:
        """Return the kernels whose results a kernel is made from."""
        found, waiting = set[int](), [at]
        while waiting:
            stage = self.arranged.graph.stages[waiting.pop()]
            fresh = {makers[each] for each in stage.reads} - found
            found |= fresh
            waiting += fresh
        return found

    def alive_lines(self) -> list[str]:
        """Return the largest storages at the peak, one a line."""
        return [
            f"{s.label} {format_bytes(s.nbytes)}, kernels {s.birth}–{s.death - 1}"
            + (f", over {s.over}" if s.over else "")
            for s in self.top()
        ]

    def lines(self) -> list[str]:
        """Return what there is to say, one thing a line."""
        found = [f"arena {self.peak_bytes:,} bytes ({format_bytes(self.peak_bytes)})"]
        if self.kernels:
            at = self.peak_at
            found[0] += f", {len(self.kernels)} kernels, most at kernel {at}: {self.kernels[at]}"
        if self.retained_bytes:
            found.append(f"retained when forward ends {self.retained_bytes:,} bytes")
        found += [f"  {line}" for line in self.alive_lines()]
        if self.unstored:
            largest = sorted(self.unstored, key=lambda each: -each[1])
            told = [f"{label} {format_bytes(nbytes)}" for label, nbytes in largest[:_TOP]]
            more = len(largest) - len(told)
            found.append("never stored: " + ", ".join(told) + (f" and {more} more" * bool(more)))
        if self.result_bytes:
            found.append(f"results, in the caller's arrays, {self.result_bytes:,} bytes")
        return [*found, *self.savings()]

    def __str__(self) -> str:
        return "\n".join([f"program of {self.name}", *(f"  {line}" for line in self.lines())])


def is_after(kernel: KernelPlan) -> bool:
    """Return whether a kernel runs after the forward pass."""
    return bool(kernel.made) and "forward" not in kernel.made
