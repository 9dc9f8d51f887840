"""Names for values that no local variable holds."""

from __future__ import annotations

from typing import Any

from wengert.tracing.tracer import Tracer


def name(value: Any, label: str) -> Any:
    """Give a value the name under which graphs, formulas and drawings show it; return it.

    Needed only where no local variable holds the value. On plain arrays it does nothing.

    >>> import numpy as np
    >>> from wengert.tracing.trace import trace
    >>> trace(lambda x: np.sum(name(x * 2, "h")), np.ones(3)).operations[0].output.label
    'h'
    """
    if isinstance(value, Tracer):
        value.recorder.names.suggest(value.variable, label, -2)
    return value
