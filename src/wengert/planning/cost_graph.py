"""What a schedule does to bytes, as plain numbers: all that recomputation has to know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from wengert.graph.operation import Operation
from wengert.planning.cost import price
from wengert.planning.plan import Plan


@dataclass(frozen=True, slots=True)
class Stage:
    """One operation of a schedule.

    Attributes:
        reads: the storages that it reads, each once; what is given is not among them.
        makes: the storages that it makes; none where it only looks at one in another way.
        workspace: bytes that it holds beside them while it runs.
        price: what one run of it costs, in elementary operations.
        again: whether it may be carried out once more, later.
        over: pairs of a storage that it makes and one that it reads, where the one may be written
            over the other: element for element, each read before it is overwritten.
    """

    reads: tuple[int, ...]
    makes: tuple[int, ...]
    workspace: int = 0
    price: int = 1
    again: bool = False
    over: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class CostGraph:
    """Stages in the order in which they run, and the bytes of the storages they touch.

    Attributes:
        stages: the operations.
        nbytes: bytes of each storage, by number.
        kept: the storages that outlive the last stage.
        begin: the first stage before which anything is carried out once more; the one after
            the loss, as nothing is worth it sooner.
        made_at: for each storage the stage that makes it.
    """

    stages: tuple[Stage, ...]
    nbytes: tuple[int, ...]
    kept: frozenset[int]
    begin: int
    made_at: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        made = [0] * len(self.nbytes)
        for at, stage in enumerate(self.stages):
            for storage in stage.makes:
                made[storage] = at
        object.__setattr__(self, "made_at", tuple(made))

    @property
    def price(self) -> int:
        """What one run of every stage costs."""
        return sum(stage.price for stage in self.stages)

    def alone(self, at: int) -> int:
        """Return the bytes that a stage needs by itself, whatever is written in place."""
        stage = self.stages[at]
        most = sum(self.nbytes[each] for each in {*stage.reads, *stage.makes})
        return (
            most + stage.workspace - sum(self.nbytes[made] for made in {m for m, _ in stage.over})
        )

    def floor(self) -> tuple[int, int]:
        """Return bytes that no recomputation can do without, and the stage that needs them.

        At each stage: what it touches and its workspace, and beside them every storage that
        is alive there and cannot be made again.
        """
        fixed = [0] * (len(self.stages) + 1)
        for storage, end in enumerate(self._ends()):
            if not self.stages[self.made_at[storage]].again or storage in self.kept:
                fixed[self.made_at[storage]] += self.nbytes[storage]
                fixed[min(end + 1, len(self.stages))] -= self.nbytes[storage]
        held, most, where = 0, 0, 0
        for at, stage in enumerate(self.stages):
            held += fixed[at]
            loose = {s for s in (*stage.reads, *stage.makes) if self._is_loose(s)}
            total = held + stage.workspace + sum(self.nbytes[s] for s in loose)
            if total > most:
                most, where = total, at
        return most, where

    def _is_loose(self, storage: int) -> bool:
        return self.stages[self.made_at[storage]].again and storage not in self.kept

    def _ends(self) -> list[int]:
        ends = list(self.made_at)
        for at, stage in enumerate(self.stages):
            for storage in stage.reads:
                ends[storage] = at
        for storage in self.kept:
            ends[storage] = len(self.stages)
        return ends


def cost_graph(plan: Plan) -> CostGraph:
    """Return the numbers of a plan; storages are numbered as ``plan.intermediates``.

    What the forward pass makes may be made again, unless it is returned.
    """
    number = {v: at for at, each in enumerate(plan.intermediates) for v in each.members}
    storages = plan.intermediates
    end = len(plan.schedule)
    kept = frozenset(at for at, each in enumerate(storages) if each.death > end)

    def stage(at: int, operation: Operation) -> Stage:
        reads = _numbers(number[v] for v in operation.inputs if v in number)
        outs = _numbers(number[v] for v in operation.outputs if v in number)
        makes = tuple(each for each in outs if storages[each].birth == at)
        again = (
            plan.passes[at] == "forward"
            and len(operation.outputs) == 1
            and not kept.intersection(makes)
        )
        cost = price(operation) if makes else 0
        return Stage(reads, makes, plan.workspace[at], cost, again and bool(makes))

    stages = tuple(stage(at, plan.operation(at)) for at in range(end))
    return CostGraph(stages, tuple(e.nbytes for e in storages), kept, plan.loss_at)


def _numbers(found: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(found))
