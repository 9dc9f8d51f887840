"""Recomputation as a constraint problem: which copy of a storage is held from when until when.

The order is fixed. Stage s is preceded by what is made again for it, in the order of the graph; so
storage k made again before stage s stands at the event s(s + 1)/2 + k, and stage s itself at
s(s + 1)/2 + s. A storage has a first copy, made where the graph makes it, and a few more, each
present or not, with a *retention interval* from the event that makes it to the last that reads it
(Bartan and others, MOCCASIN, 2023, arXiv:2304.14463). Each reader chooses the copy that it reads.
The bytes held at every event are within the budget; the cost of the further copies is minimised.

Only what the forward pass makes is made again, from the loss on. What is found is played by
:class:`~wengert.planning.holding.Holding`, and the better of it and the plan that was there is
returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Any

from wengert.planning.cost_graph import CostGraph
from wengert.planning.holding import Gap
from wengert.planning.playing import Recomputation, held_under, played
from wengert.planning.solver import Clock, cp_model, first_of

# Where sizes have no common divisor so large, they are rounded up to this part of the budget.
_FINE = 1 << 40
_SEARCHES = 4


def event(stage: int, storage_at: int) -> int:
    """Return when what stage ``storage_at`` makes is made for a stage, or when that itself runs.

    >>> [event(2, k) for k in range(3)], event(3, 0)
    ([3, 4, 5], 6)
    """
    return stage * (stage + 1) // 2 + storage_at


def retained(
    graph: CostGraph, start: Recomputation, budget: int, clock: Clock, copies: int = 2
) -> Recomputation:
    """Return a plan within the budget that is cheaper than ``start``; ``start`` where none is.

    Args:
        graph: stages and bytes.
        start: a plan to begin from; if it is over the budget, any plan within it is better.
        budget: bytes that may be held together.
        clock: when to give up.
        copies: how often a storage may be made, at most; more where ``start`` makes it more often.
    """
    model = _Model(graph, start, budget, copies)
    # Several ways of searching take turns on the cores: some prove, some look about the best.
    solved = first_of(model.model, [{"num_workers": _SEARCHES}], clock, enough=False)
    if solved.value is None:
        return start
    return better(start, model.gaps(solved.value), graph, budget)


def better(start: Recomputation, gaps: set[Gap], graph: CostGraph, budget: int) -> Recomputation:
    """Return what letting go of gaps does, played anew, if that is better than ``start``."""
    found = played(graph, gaps)
    if found is None or found.peak_bytes > budget:
        return start
    return found if start.peak_bytes > budget or found.price < start.price else start


@dataclass(frozen=True)
class _Copy:
    """A storage as it is made once: when, until when, and whether at all."""

    start: Any
    end: Any
    present: Any


class _Model:
    """Variables and constraints; copies of storages by number."""

    def __init__(self, graph: CostGraph, start: Recomputation, budget: int, copies: int) -> None:
        self.graph, self.budget = graph, budget
        self.module = cp_model()
        self.model = self.module.CpModel()
        self.unit = _unit(graph, budget)
        self.most = copies
        self.horizon = event(len(graph.stages), len(graph.stages))
        self.hint = _Hint(graph, start)
        self.copies: list[list[_Copy]] = []
        self.stages = _stages_for(graph)
        self.uses = _last_plain_use(graph)
        for storage in range(len(graph.nbytes)):
            self.copies.append(self._copies_of(storage))
        for at, stage in enumerate(graph.stages):
            if at >= graph.begin:
                self._reads_of_stage(at, stage.reads)
        for storage in range(len(graph.nbytes)):
            for at, copy in enumerate(self.copies[storage][1:], 1):
                self._reads_of_copy(storage, at, copy)
        self._bound_bytes()
        again = [
            graph.stages[graph.made_at[storage]].price * copy.present
            for storage, all_ in enumerate(self.copies)
            for copy in all_[1:]
        ]
        self.model.minimize(sum(again))

    # -- variables -----------------------------------------------------------------------------

    def _copies_of(self, storage: int) -> list[_Copy]:
        graph, model = self.graph, self.model
        made, least = graph.made_at[storage], self.uses[storage] + 1
        horizon = self.horizon
        end = model.new_int_var(least, horizon, "")
        if storage in graph.kept:
            model.add(end == horizon)
        found = [_Copy(event(made, made), end, True)]
        model.add_hint(end, max(least, self.hint.end(storage, 0)))
        starts = [event(stage, made) for stage in self.stages[storage]]
        if not starts:
            return found
        domain = self.module.Domain.from_values(starts)
        for at in range(1, max(self.most, self.hint.count(storage))):
            start = model.new_int_var_from_domain(domain, "")
            end = model.new_int_var(starts[0] + 1, horizon, "")
            present = model.new_bool_var("")
            model.add(end > start)
            model.add(found[-1].end <= start).only_enforce_if(present)
            if at > 1:
                model.add_implication(present, found[-1].present)
            found.append(_Copy(start, end, present))
            self._hint_copy(storage, at, found[-1], starts[-1])
        return found

    def _hint_copy(self, storage: int, at: int, copy: _Copy, otherwise: int) -> None:
        stage, begin, end = self.hint.stage(storage, at), otherwise, otherwise + 1
        if stage is not None:
            begin = event(stage, self.graph.made_at[storage])
            end = self.hint.end(storage, at)
        for variable, value in ((copy.present, stage is not None), (copy.start, begin)):
            self.model.add_hint(variable, int(value))
        self.model.add_hint(copy.end, end)

    # -- constraints ---------------------------------------------------------------------------

    def _reads_of_stage(self, at: int, reads: tuple[int, ...]) -> None:
        for storage in reads:
            if self.graph.made_at[storage] < at:
                self._choose(storage, event(at, at), None, at)

    def _reads_of_copy(self, storage: int, number: int, copy: _Copy) -> None:
        made = self.graph.made_at[storage]
        for operand in self.graph.stages[made].reads:
            stage = self.hint.stage(storage, number)
            self._choose(operand, copy.start, copy.present, stage)

    def _choose(self, storage: int, when: Any, present: Any, hinted: int | None) -> None:
        """Let a reader at an event choose the copy that it reads."""
        model, choices = self.model, list[Any]()
        copies = self.copies[storage]
        if len(copies) == 1:
            held = model.add(copies[0].end >= when + 1)
            if present is not None:
                held.only_enforce_if(present)
            return
        for at, copy in enumerate(copies):
            chosen = model.new_bool_var("")
            model.add(copy.end >= when + 1).only_enforce_if(chosen)
            if at:
                model.add_implication(chosen, copy.present)
                model.add(copy.start + 1 <= when).only_enforce_if(chosen)
            is_read = hinted is not None and self.hint.copy_at(storage, hinted) == at
            model.add_hint(chosen, int(is_read))
            choices.append(chosen)
        model.add_bool_or([*choices, *([] if present is None else [present.negated()])])

    def _bound_bytes(self) -> None:
        model, graph = self.model, self.graph
        rooms, demands = list[Any](), list[int]()

        def hold(start: Any, end: Any, present: Any, nbytes: int) -> None:
            if not nbytes:
                return
            is_fixed = isinstance(start, int)
            length = end - start if is_fixed else model.new_int_var(1, self.horizon, "")
            rooms.append(model.new_optional_interval_var(start, length, end, present, ""))
            demands.append(-(-nbytes // self.unit))

        for storage, copies in enumerate(self.copies):
            workspace = graph.stages[graph.made_at[storage]].workspace
            for copy in copies:
                hold(copy.start, copy.end, copy.present, graph.nbytes[storage])
            for copy in copies[1:] if workspace else ():
                rooms.append(
                    model.new_optional_fixed_size_interval_var(copy.start, 1, copy.present, "")
                )
                demands.append(-(-workspace // self.unit))
        for at, stage in enumerate(graph.stages):
            hold(event(at, at), event(at, at) + 1, True, stage.workspace)
        model.add_cumulative(rooms, demands, self.budget // self.unit)

    # -- answers -------------------------------------------------------------------------------

    def gaps(self, value: Any) -> set[Gap]:
        """Return the gaps of a solution."""
        found: set[Gap] = set()
        for storage, copies in enumerate(self.copies):
            made = self.graph.made_at[storage]
            starts = {event(stage, made): stage for stage in self.stages[storage]}
            for copy in copies[1:]:
                if value(copy.present):
                    found.add((storage, starts[value(copy.start)]))
        return found


class _Hint:
    """A plan as the values of the variables."""

    def __init__(self, graph: CostGraph, start: Recomputation) -> None:
        self.graph = graph
        self.gaps: dict[int, list[int]] = {}
        for storage, stage in sorted(start.gaps):
            self.gaps.setdefault(storage, []).append(stage)
        self.holding = held_under(graph, start.gaps)
        self.latest: dict[Gap, int] = {}
        for storage, stage in start.gaps:
            made = graph.made_at[storage]
            for operand in graph.stages[made].reads:
                self.latest[operand, stage] = max(made, self.latest.get((operand, stage), 0))

    def count(self, storage: int) -> int:
        """Return how many copies there are."""
        return 1 + len(self.gaps.get(storage, ()))

    def stage(self, storage: int, at: int) -> int | None:
        """Return the stage before which a further copy is made, None where there is none."""
        gaps = self.gaps.get(storage, [])
        return gaps[at - 1] if at <= len(gaps) else None

    def copy_at(self, storage: int, stage: int) -> int:
        """Return which copy a reader at a stage reads."""
        return sum(gap <= stage for gap in self.gaps.get(storage, ()))

    def end(self, storage: int, at: int) -> int:
        """Return one past the event that reads a copy last."""
        following = self.stage(storage, at + 1)
        uses = self.holding.uses(storage)
        last = max(use for use in uses if following is None or use < following)
        stages = self.graph.stages
        if last == len(stages):
            return event(last, last)
        own = storage in (*stages[last].reads, *stages[last].makes)
        return event(last, last if own else self.latest[storage, last]) + 1


def _unit(graph: CostGraph, budget: int) -> int:
    exact = gcd(*graph.nbytes, *(stage.workspace for stage in graph.stages))
    return max(1, exact, budget // _FINE)


def _stages_for(graph: CostGraph) -> list[list[int]]:
    """Return for each storage the stages before which it may be made again.

    Those that read it, and those before which something made of it may be made again.
    """
    found: list[set[int]] = [set() for _ in graph.nbytes]
    for at in reversed(range(len(graph.stages))):
        stage = graph.stages[at]
        further = set[int]()
        if stage.again:
            further.update(*(found[made] for made in stage.makes))
        for storage in stage.reads:
            if graph.stages[graph.made_at[storage]].again:
                found[storage] |= further
                if at >= graph.begin:
                    found[storage].add(at)
    return [sorted(stages) for stages in found]


def _last_plain_use(graph: CostGraph) -> list[int]:
    """Return for each storage the last event at which its first copy is used for sure."""
    found = [event(made, made) for made in graph.made_at]
    for at, stage in enumerate(graph.stages[: graph.begin]):
        for storage in stage.reads:
            found[storage] = event(at, at)
    return found
