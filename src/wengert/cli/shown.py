"""The drawings, formulas and tables of a program, made once for printing and for files."""

from __future__ import annotations

import re
from typing import Any

from wengert.base.errors import BudgetError
from wengert.base.tree import flatten, unflatten
from wengert.cli.load import Program, batch_specs
from wengert.compilation import MemoryPlan, plan
from wengert.explanation.explain import Explanation, explain
from wengert.tracing.spec import Spec


def explained(program: Program, parameters: Any, texts: list[str], batch: int) -> Explanation:
    """Return the explanation on real examples where there is data, else on drawn ones."""
    if texts or not program.has_data():
        return explain(program.objective, parameters, *batch_specs(program, texts, batch))
    return explain(program.objective, parameters, *first_examples(program.data()[0], batch))


def first_examples(data: tuple[Any, ...], count: int) -> tuple[Any, ...]:
    """Return the first examples of each array."""
    leaves, structure = flatten(data)
    return unflatten(structure, [leaf[:count] for leaf in leaves])


def planned(program: Program, parameters: Any, specs: tuple[Any, ...]) -> MemoryPlan:
    """Return the plan of a step's forward and backward pass for a batch of these types."""
    return plan(program.objective, parameters, *specs)


def bounded(memory: MemoryPlan, budget: int, seconds: float | None = None) -> MemoryPlan:
    """Return the plan within a budget; its remedy is told as an option of the command line."""
    try:
        return memory.bounded(budget, seconds)
    except BudgetError as error:
        error.remedy = None if error.remedy is None else as_options(error.remedy)
        raise


def as_options(remedy: str) -> str:
    """Return a remedy as it is written on a command line."""
    remedy = remedy.replace("a batch of at most", "--batch of at most")
    return re.sub(r'memory="(\w+)"', r"--memory \1", remedy)


def specs_of(data: tuple[Any, ...], batch: int) -> tuple[Any, ...]:
    """Return the types of a batch of these arrays."""
    leaves, structure = flatten(data)
    return unflatten(structure, [Spec((batch, *leaf.shape[1:]), leaf.dtype) for leaf in leaves])
