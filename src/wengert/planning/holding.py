"""Bytes held at every stage while storages are let go and made again: changed piece by piece.

A storage is used at stages u₀ < u₁ < …; u₀ makes it. Letting it go before the use at w means: it is
freed after the use before w, and its maker is carried out again at the beginning of stage w,
whose operands are thereby used at w too. So a storage lives in spans, each from a stage that
makes it to the last use before the next one that does. ``through[t]`` sums what lives strictly
across stage t; the rest of what t holds is local to it: at most a few storages, played one
event after another.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from itertools import pairwise
from typing import Any

import numpy as np

from wengert.planning.cost_graph import CostGraph

Gap = tuple[int, int]
Bytes = np.ndarray[Any, np.dtype[Any]]


class Holding:
    """Which storages are held when, under a set of gaps (storage, stage before which it is
    made again)."""

    def __init__(self, graph: CostGraph) -> None:
        self.graph = graph
        self.end = len(graph.stages)
        self.price = 0
        self.gaps: set[Gap] = set()
        self._uses: list[list[int]] = [[] for _ in graph.nbytes]
        self._users: list[dict[int, int]] = [{} for _ in graph.nbytes]
        self._again: list[list[int]] = [[] for _ in range(self.end + 1)]
        # Sizes beyond 64 bits are no reason to answer wrongly: Python's integers hold them.
        kind = np.int64 if sum(graph.nbytes) < 2**60 else object
        self._through = np.zeros(self.end + 1, kind)
        self._local = np.zeros(self.end + 1, kind)
        self._stale: set[int] = set(range(self.end))
        self._play()

    def _play(self) -> None:
        graph = self.graph
        for at, stage in enumerate(graph.stages):
            for storage in dict.fromkeys((*stage.reads, *stage.makes)):
                self._users[storage][at] = 1
                self._uses[storage].append(at)
        for storage in graph.kept:
            self._users[storage][self.end] = 1
            self._uses[storage].append(self.end)
        for storage, uses in enumerate(self._uses):
            self._through[uses[0] + 1 : uses[-1]] += graph.nbytes[storage]

    # -- questions -----------------------------------------------------------------------------

    def live(self) -> Bytes:
        """Return the most bytes held during each stage, recomputation before it included."""
        for stage in self._stale:
            self._local[stage] = self._local_bytes(stage)
        self._stale.clear()
        return self._through[: self.end] + self._local[: self.end]

    def tried(self) -> tuple[Bytes, dict[int, int]]:
        """Return ``live`` after a change, and what :meth:`settle` takes when it is undone."""
        undo = {stage: int(self._local[stage]) for stage in self._stale}
        return self.live(), undo

    def settle(self, undo: dict[int, int]) -> None:
        """Say that the last change was undone, so that no stage has to be played again."""
        for stage, nbytes in undo.items():
            self._local[stage] = nbytes
        self._stale.clear()

    def next_use(self, storage: int, stage: int) -> int | None:
        """Return the first use after a stage."""
        uses = self._uses[storage]
        at = bisect_left(uses, stage + 1)
        return uses[at] if at < len(uses) else None

    def previous_use(self, storage: int, stage: int) -> int:
        """Return the last use before a stage."""
        uses = self._uses[storage]
        return uses[bisect_left(uses, stage) - 1]

    def uses(self, storage: int) -> tuple[int, ...]:
        """Return the stages that touch it; one past the last stage for what is kept."""
        return tuple(self._uses[storage])

    def is_used(self, storage: int, stage: int) -> bool:
        """Return whether a stage touches the storage."""
        return stage in self._users[storage]

    def is_held(self, storage: int, stage: int) -> bool:
        """Return whether it is there when the stage begins, for any use that could be added."""
        if (storage, stage) in self.gaps:
            return False
        if stage in self._users[storage]:
            return True
        following = self.next_use(storage, stage)
        return following is not None and (storage, following) not in self.gaps

    def open_gaps(self, storage: int) -> list[tuple[int, int]]:
        """Return (use, next use) wherever it is held between them and could be made again."""
        uses = self._uses[storage]
        return [
            (before, after)
            for before, after in pairwise(uses)
            if self.graph.begin <= after < self.end
            and after - before > 1
            and (storage, after) not in self.gaps
        ]

    def released(self, storage: int, stage: int) -> int:
        """Return at most how many bytes would not be held before a stage if a gap were kept."""
        found, waiting = 0, [storage]
        while waiting:
            for operand in self.graph.stages[self.graph.made_at[waiting.pop()]].reads:
                if self._users[operand][stage] > 1:
                    continue
                following = self.next_use(operand, stage)
                if (operand, stage) in self.gaps:
                    waiting.append(operand)
                elif following is None or (operand, following) in self.gaps:
                    found += self.graph.nbytes[operand]
        return found

    # -- changes -------------------------------------------------------------------------------

    def drop(self, storage: int, stage: int) -> None:
        """Let a storage go before its use at a stage, and make it again there."""
        first, last = self._span(storage, stage)
        before = self.previous_use(storage, stage)
        self._change(storage, max(first + 1, before), min(last - 1, stage) + 1, -1)
        self.gaps.add((storage, stage))
        self._stale.update((before, stage))
        maker = self.graph.made_at[storage]
        insort(self._again[stage], maker)
        self.price += self.graph.stages[maker].price
        for operand in self.graph.stages[maker].reads:
            self._use(operand, stage)

    def keep(self, storage: int, stage: int) -> list[Gap]:
        """Undo a drop; return every gap that went with it, as nothing needs it any more."""
        self.gaps.remove((storage, stage))
        first, last = self._span(storage, stage)
        before = self.previous_use(storage, stage)
        self._change(storage, max(first + 1, before), min(last - 1, stage) + 1, 1)
        self._stale.update((before, stage))
        maker = self.graph.made_at[storage]
        self._again[stage].remove(maker)
        self.price -= self.graph.stages[maker].price
        gone = [(storage, stage)]
        for operand in self.graph.stages[maker].reads:
            gone += self._unuse(operand, stage)
        return gone

    def _span(self, storage: int, stage: int) -> Gap:
        """Return the first and the last use of the span that a use belongs to."""
        uses, at = self._uses[storage], bisect_left(self._uses[storage], stage)
        first = at
        while first > 0 and (storage, uses[first]) not in self.gaps:
            first -= 1
        last = at
        while last + 1 < len(uses) and (storage, uses[last + 1]) not in self.gaps:
            last += 1
        return uses[first], uses[last]

    def _change(self, storage: int, low: int, high: int, sign: int) -> None:
        if low < high:
            self._through[low:high] += sign * self.graph.nbytes[storage]

    def _use(self, storage: int, stage: int) -> None:
        self._stale.add(stage)
        users = self._users[storage]
        users[stage] = users.get(stage, 0) + 1
        if users[stage] > 1:
            return
        insort(self._uses[storage], stage)
        following = self.next_use(storage, stage)
        if following is None or (storage, following) in self.gaps:
            self._reach(storage, stage, 1)

    def _unuse(self, storage: int, stage: int) -> list[Gap]:
        self._stale.add(stage)
        users = self._users[storage]
        users[stage] -= 1
        if users[stage]:
            return []
        gone = self.keep(storage, stage) if (storage, stage) in self.gaps else []
        following = self.next_use(storage, stage)
        if following is None or (storage, following) in self.gaps:
            self._reach(storage, stage, -1)
        del users[stage]
        self._uses[storage].remove(stage)
        return gone

    def _reach(self, storage: int, stage: int, sign: int) -> None:
        """Hold a storage from its use before a stage, where it ended, up to that stage."""
        before = self.previous_use(storage, stage)
        first, _ = self._span(storage, before)
        self._stale.add(before)
        self._change(storage, max(first + 1, before), stage, sign)

    # -- one stage -----------------------------------------------------------------------------

    def _local_bytes(self, at: int) -> int:
        """Return the most that a stage holds of what does not live across it."""
        stages, again = self.graph.stages, self._again[at]
        events = [*(stages[maker] for maker in again), stages[at]]
        last = len(events) - 1
        first_touch: dict[int, int] = {}
        last_touch: dict[int, int] = {}
        for index, event in enumerate(events):
            for storage in (*event.reads, *event.makes):
                first_touch.setdefault(storage, index)
                last_touch[storage] = index
        change = [0] * (len(events) + 1)
        for storage, begin in first_touch.items():
            enters, leaves = self._crosses(storage, at)
            if enters and leaves:
                continue
            nbytes = self.graph.nbytes[storage]
            change[0 if enters else begin] += nbytes
            change[last + 1 if leaves else last_touch[storage] + 1] -= nbytes
        held = most = 0
        for index, event in enumerate(events):
            held += change[index]
            most = max(most, held + event.workspace)
        return most

    def _crosses(self, storage: int, at: int) -> tuple[bool, bool]:
        """Return whether it is there before a stage that uses it, and whether it stays after."""
        made = self.graph.made_at[storage] == at or (storage, at) in self.gaps
        following = self.next_use(storage, at)
        stays = following is not None and (storage, following) not in self.gaps
        return not made, stays
