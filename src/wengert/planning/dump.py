"""A plan as plain data: what ``plan.json`` holds."""

from __future__ import annotations

from typing import Any

from wengert.planning.plan import Plan
from wengert.planning.table import Row, table
from wengert.planning.timeline import timeline

SCHEMA = 1


def dump(plan: Plan) -> dict[str, Any]:
    """Return the plan as dictionaries, lists, numbers and texts, ready for ``json.dumps``.

    Keys of the result, all sizes in bytes:

    - ``schema``: 1, raised when a key changes its meaning.
    - ``graph``: name of the traced function.
    - ``peak_bytes``, ``peak_at``: the most that intermediates hold, and at which operation.
    - ``retained_bytes``: what waits for the backward pass when forward ends.
    - ``floor_bytes``: the largest single operation.
    - ``state_bytes``: parameters, batch and constants, which are not part of the peak.
    - ``operations``: one record an operation: ``operator``, ``inputs`` and ``outputs`` (labels),
      ``pass``, ``file``, ``line``, ``flops``, ``transcendental``, and the bytes alive while it
      runs: ``live`` = ``retained`` + ``forward`` + ``gradient`` + ``workspace``.
    - ``intermediates``, ``state``: one record a storage: ``label``, ``shape``, ``dtype``,
      ``bytes``, ``birth``, ``death`` (half-open; one past the number of operations for what
      outlives them), ``made_by``, ``freed_after``, ``role``, ``kind``, ``at_peak``, ``why``.
    """
    rows = table(plan)
    return {
        "schema": SCHEMA,
        "graph": plan.graph.name,
        "peak_bytes": plan.peak_bytes,
        "peak_at": plan.peak_at,
        "retained_bytes": plan.retained_bytes,
        "floor_bytes": plan.floor_bytes,
        "state_bytes": plan.state_bytes,
        "operations": _operations(plan),
        "intermediates": [_storage(row) for row in rows.rows],
        "state": [_storage(row) for row in rows.state],
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
