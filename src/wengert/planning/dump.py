"""A plan as plain data: what ``plan.json`` holds."""

from __future__ import annotations

from typing import Any

from wengert.planning.plan import Plan
from wengert.planning.program import ProgramPlan
from wengert.planning.table import Row, table
from wengert.planning.timeline import timeline

SCHEMA = 2


def dump(plan: Plan, program: ProgramPlan | None = None) -> dict[str, Any]:
    """Return the plan as dictionaries, lists, numbers and texts, ready for ``json.dumps``.

    Keys of the result, all sizes in bytes:

    - ``schema``: 2, raised when a key changes its meaning.
    - ``graph``: name of the traced function.
    - ``peak_bytes``: what is held at the most: the block of the compiled program where there is
      one, else ``interpreter_bytes``.
    - ``interpreter_bytes``, ``peak_at``: the most that the interpreter holds of intermediates, and
      at which operation.
    - ``retained_bytes``: what waits for the backward pass when forward ends.
    - ``floor_bytes``: the largest single operation.
    - ``state_bytes``: parameters, batch and constants, which are not part of the peak.
    - ``operations``: one record an operation: ``operator``, ``inputs`` and ``outputs`` (labels),
      ``pass``, ``file``, ``line``, ``flops``, ``transcendental``, and the bytes alive while it
      runs: ``live`` = ``retained`` + ``forward`` + ``gradient`` + ``workspace``.
    - ``intermediates``, ``state``: one record a storage: ``label``, ``shape``, ``dtype``,
      ``bytes``, ``birth``, ``death`` (half-open; one past the number of operations for what
      outlives them), ``made_by``, ``freed_after``, ``role``, ``kind``, ``at_peak``, ``why``.
    - ``program``: None, or the compiled program: ``peak_bytes``, ``load_bytes``, ``apart_bytes``
      (with nothing in place), ``written_bytes`` (in the order as written), ``result_bytes``,
      ``order``; ``kernels`` with ``name``, ``live``, ``file`` and ``line``; ``storages`` with
      ``label``, ``bytes``, ``offset``, ``birth``, ``death`` (kernels), ``over``.
    """
    rows = table(plan)
    return {
        "schema": SCHEMA,
        "graph": plan.graph.name,
        "peak_bytes": plan.peak_bytes if program is None else program.peak_bytes,
        "interpreter_bytes": plan.peak_bytes,
        "peak_at": plan.peak_at,
        "retained_bytes": plan.retained_bytes,
        "floor_bytes": plan.floor_bytes,
        "state_bytes": plan.state_bytes,
        "operations": _operations(plan),
        "intermediates": [_storage(row) for row in rows.rows],
        "state": [_storage(row) for row in rows.state],
        "program": None if program is None else _program(program),
    }


def _program(program: ProgramPlan) -> dict[str, Any]:
    layout = program.arranged.layout
    return {
        "peak_bytes": program.peak_bytes,
        "load_bytes": layout.load,
        "apart_bytes": layout.apart_bytes,
        "written_bytes": program.arranged.written_bytes,
        "result_bytes": program.result_bytes,
        "order": program.arranged.order.rule,
        "kernels": [
            {
                "name": kernel.name,
                "live": live,
                "file": kernel.location.file if kernel.location else None,
                "line": kernel.location.line if kernel.location else None,
            }
            for kernel, live in zip(program.kernels, program.live, strict=True)
        ],
        "storages": [
            {
                "label": each.label,
                "bytes": each.nbytes,
                "offset": each.offset,
                "birth": each.birth,
                "death": each.death,
                "over": each.over,
            }
            for each in program.storages
        ],
    }


def _operations(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "operator": moment.operation.operator,
            "inputs": [plan.names[each] for each in moment.operation.inputs],
            "outputs": [plan.names[each] for each in moment.operation.outputs],
            "pass": moment.made,
            "file": moment.operation.location.file if moment.operation.location else None,
            "line": moment.operation.location.line if moment.operation.location else None,
            "flops": plan.work[moment.position].flops,
            "transcendental": plan.work[moment.position].transcendental,
            "live": moment.live,
            "retained": moment.retained,
            "forward": moment.forward,
            "gradient": moment.gradient,
            "workspace": moment.workspace,
        }
        for moment in timeline(plan)
    ]


def _storage(row: Row) -> dict[str, Any]:
    return {
        "label": row.label,
        "shape": list(row.shape),
        "dtype": row.dtype,
        "bytes": row.nbytes,
        "birth": row.birth,
        "death": row.death,
        "made_by": row.made_by,
        "freed_after": row.freed_after,
        "role": row.role,
        "kind": row.kind,
        "at_peak": row.at_peak,
        "why": row.why,
    }
