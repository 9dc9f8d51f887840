"""An independent check of a layout: write the bytes of every stage, and see who overwrites whom.

This file shares no code with the planner. It knows a layout only as addresses, and a schedule only
as reads and writes.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import NoReturn

from wengert.base.errors import GraphError
from wengert.planning.cost_graph import CostGraph

_LINE = 64


def replay(graph: CostGraph, offsets: Sequence[int], workspace: Sequence[int], nbytes: int) -> None:
    """Carry out all stages on addresses.

    Raises:
        GraphError: a storage is overwritten before its last reader, a stage writes where it
            reads without leave to, or the block is not as large as what is written in it.
    """
    last = {s: at for at, stage in enumerate(graph.stages) for s in (*stage.reads, *stage.makes)}
    last |= {storage: len(graph.stages) for storage in graph.kept}
    block = _Block()
    for at, stage in enumerate(graph.stages):
        for storage in stage.reads:
            if not block.holds(storage, offsets[storage], graph.nbytes[storage]):
                _fail(f"stage {at} reads storage {storage}, which is not there")
        for storage in stage.makes:
            for made, old in stage.over:
                if made == storage and last[old] == at and offsets[old] == offsets[storage]:
                    block.free(old)
            block.write(storage, offsets[storage], graph.nbytes[storage])
        if stage.workspace:
            block.write(-1, workspace[at], stage.workspace)
            block.free(-1)
        for storage in {*stage.reads, *stage.makes}:
            if last[storage] == at:
                block.free(storage)
    if block.top != nbytes:
        _fail(f"{nbytes:,} bytes were said and {block.top:,} written")


class _Block:
    """Who lies where, in whole lines."""

    def __init__(self) -> None:
        self.top = 0
        self.spans: list[tuple[int, int, int]] = []
        self.where: dict[int, tuple[int, int, int]] = {}

    def holds(self, storage: int, offset: int, nbytes: int) -> bool:
        span = self.where.get(storage)
        return not nbytes or (span is not None and span[0] == offset and span[1] - offset >= nbytes)

    def write(self, storage: int, offset: int, nbytes: int) -> None:
        if not nbytes:
            return
        end = offset + -(-nbytes // _LINE) * _LINE
        place = bisect_left(self.spans, (end, -2, -2))
        if place and self.spans[place - 1][1] > offset:
            other = self.spans[place - 1][2]
            _fail(f"storage {storage} is written over storage {other}, which is still needed")
        self.where[storage] = (offset, end, storage)
        insort(self.spans, self.where[storage])
        self.top = max(self.top, end)

    def free(self, storage: int) -> None:
        span = self.where.pop(storage, None)
        if span is not None:
            self.spans.remove(span)


def _fail(text: str) -> NoReturn:
    raise GraphError(f"a memory plan is not sound: {text}")
