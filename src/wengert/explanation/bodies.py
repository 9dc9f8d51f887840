"""What stands inside loops and branches, derived as a function of its own: once, with gradient."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from wengert.explanation.mathematics.derive import derive
from wengert.explanation.mathematics.text import to_text
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.text import held
from wengert.operators.bodies import BODIES
from wengert.tracing.spec import Spec
from wengert.transforms import joint
from wengert.transforms.running import run_anywhere


def body_texts(graph: Graph) -> Iterator[str]:
    """Yield the derivation of each body of the forward pass, with those inside it."""
    for operation in graph.operations:
        for name in BODIES.get(operation.operator, ()) if operation.origin is None else ():
            body = held(operation.attributes[name])
            whole = _with_objective(body)
            if whole is not None:
                yield f"{_head(operation, name)}\n{to_text(derive(whole))}"
            yield from body_texts(body)


def _head(operation: Operation, name: str) -> str:
    if operation.operator == "scan":
        how = operation.attributes
        order = ", the last first" if how["reverse"] else ""
        return f"Each of {how['length']} iterations{order}, for the gradients u that come in"
    where = "where the condition holds" if name == "true" else "elsewhere"
    told = where if operation.operator == "cond" else f"the {name} of a while_loop"
    return f"{told[0].upper()}{told[1:]}, for the gradients u that come in"


def _with_objective(body: Graph) -> Graph | None:
    """Return Σ ⟨u, y⟩ over the results of a body, with its gradients; None without floats."""
    given = [i for i, v in enumerate(body.inputs) if v.dtype.kind == "f"]
    made = [i for i, v in enumerate(body.outputs) if v.dtype.kind == "f"]
    if not given or not made:
        return None
    count = len(body.inputs)

    def J(*leaves: Any) -> Any:
        ys = run_anywhere(body, (), leaves[:count])
        parts = [np.sum(u * ys[i]) for i, u in zip(made, leaves[count:], strict=True)]
        return sum(parts[1:], parts[0])

    names = [v.name or f"x{i}" for i, v in enumerate(body.inputs)]
    names += [f"u_{body.outputs[i].name or k}" for k, i in enumerate(made)]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    unique = [name if names.index(name) == k else f"{name}_{k}" for k, name in enumerate(names)]
    J.__signature__ = inspect.Signature([  # type: ignore[attr-defined]
        inspect.Parameter(name, kind) for name in unique
    ])  # fmt: skip
    J.__name__ = body.name
    specs = [Spec(v.shape, v.dtype) for v in (*body.inputs, *(body.outputs[i] for i in made))]
    return joint(J, *specs, wrt=tuple(given))
