"""The largest minibatch whose step is within a budget: found by plans, before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from wengert.base.errors import BudgetError
from wengert.base.tree import flatten, unflatten
from wengert.compilation import plan
from wengert.training.options import Options, is_largest
from wengert.training.state import TrainingState
from wengert.training.step import training_step

# Examples in the plan that the search starts from.
_START = 32


def sized(
    options: Options, objective: Callable[..., Any], state: TrainingState, data: tuple[Any, ...]
) -> Options:
    """Return the options with a number for ``batch_size="largest"``.

    It is all of the data where that fits; else the largest size whose step, with forward variables
    made again where that is needed, is within the budget, while one more example is not.

    Raises:
        BudgetError: not even one example fits.
        OptionError: steps of other sizes cannot be traced.
    """
    if not is_largest(options.batch_size):
        return options
    assert options.memory is not None
    step = training_step(
        objective, options.optimizer, int(options.seed), accumulate=int(options.accumulate)
    )
    leaves, structure = flatten(data)
    resident = len(flatten(state)[0]) if options.in_machine_code else None

    def planned(count: int) -> Any:
        batch = unflatten(structure, [x[:count] for x in leaves])
        return plan(step, state, batch, backward=False, resident=resident)

    most = len(leaves[0])
    try:
        planned(most).bounded(options.memory)
    except BudgetError:
        found = planned(min(_START, most)).largest_batch(options.memory, recompute=True)
        return replace(options, batch_size=int(found))
    return replace(options, batch_size=most)
