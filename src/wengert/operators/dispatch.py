"""How a rule uses an operator that NumPy has no name for.

A rule is plain Python over arrays. Where NumPy has the function (``np.exp``), arrays that record
receive it through NumPy's own protocols; for the rest (``index_add``, ``sigmoid``) the function
made here asks its operands, so that this floor knows nothing of the arrays that record.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from wengert.operators.record import Rule

PROTOCOL = "__wengert_apply__"


def recordable(name: str, meaning: Rule) -> Rule:
    """Return ``meaning`` as a function that arrays which record can take over.

    An operand with a method ``__wengert_apply__(operator, operands, attributes)`` receives the
    call; otherwise the meaning is computed.

    >>> double = recordable("double", lambda x: 2 * x)
    >>> double(3)
    6
    """

    @wraps(meaning)
    def use(*operands: Any, **attributes: Any) -> Any:
        for operand in operands:
            take = getattr(operand, PROTOCOL, None)
            if take is not None:
                return take(name, operands, attributes)
        return meaning(*operands, **attributes)

    use.__name__ = name
    return use
