"""Dropout: units left out at random while training."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base.errors import OptionError
from wengert.functions.calls import shape_of


def dropout(x: Any, rate: Any, rng: Any = None) -> Any:
    """Leave out each element with probability ``rate``; the others grow by 1 / (1 − rate).

    Args:
        x: floats of any shape.
        rate: from 0 up to below 1. OptionError: it is something else.
        rng: what draws, a :class:`wengert.random.Generator`; None leaves x as it is, as where
            nothing is trained.

    Source: N. Srivastava et al., "Dropout: a simple way to prevent neural networks from
    overfitting", JMLR 15 (2014).

    >>> import wengert as wg
    >>> dropout(np.ones(6), 0.5, wg.random.default_rng(1)).tolist()
    [0.0, 2.0, 2.0, 0.0, 2.0, 2.0]
    """
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
        raise OptionError("dropout", expected="a rate from 0 up to below 1", got=repr(rate))
    if rng is None or rate == 0:
        return x
    return np.where(rng.bernoulli(1 - rate, shape_of(x)), x / (1 - rate), 0)
