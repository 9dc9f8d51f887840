"""The smaller thing that rules would be content with, instead of a storage that waits for them."""

from __future__ import annotations

from wengert.base.quantities import format_bytes
from wengert.graph.variable import Variable
from wengert.planning.lifetime import Lifetime
from wengert.planning.plan import Plan
from wengert.planning.terms import backward_terms

# Operators whose derivative is decided by one bit an element: which side of a kink it is on.
_ONE_BIT = frozenset({"relu", "leaky_relu", "absolute", "maximum", "minimum", "where", "sign"})
# Operators whose derivative is decided by a place in a window, which fits a byte.
_PLACES = frozenset({"max_pool2d"})
# What random numbers are drawn with: the same ones come from the same key.
_DRAWN = frozenset({"threefry", "random_bits", "unit_interval"})
# A key has to be this much smaller than what is drawn from it.
_SMALLER = 8


def cheaper(plan: Plan, lifetime: Lifetime) -> str | None:
    """Name what the rules could do with instead, when every reader agrees that it could."""
    if lifetime.made != "forward" or not lifetime.retained:
        return None
    return _key(plan, lifetime) or _places(plan, lifetime) or _bits(plan, lifetime)


def _key(plan: Plan, lifetime: Lifetime) -> str | None:
    """Return the key of what is drawn by chance and by nothing else, as a mask of dropout is."""
    graph = plan.graph
    waiting, seen, drawn = [lifetime.base], set[Variable](), False
    given: dict[Variable, int] = {}
    while waiting:
        variable = waiting.pop()
        maker = graph.producer.get(variable)
        if maker is None:
            given[variable] = variable.nbytes
            continue
        drawn = drawn or maker.operator in _DRAWN
        fresh = [each for each in maker.inputs if each not in seen]
        seen.update(fresh)
        waiting += fresh
    nbytes = sum(given.values())
    if not drawn or _SMALLER * nbytes > lifetime.nbytes:
        return None
    return f"the key it is drawn from, {format_bytes(nbytes)}: the same numbers come again"


def _places(plan: Plan, lifetime: Lifetime) -> str | None:
    found = _operators(plan, lifetime)
    if not found or not set(found) <= _PLACES:
        return None
    nbytes = sum(variable.size for variables in found.values() for variable in variables)
    names = " and ".join(sorted(found))
    return f"a place in each window decides the derivative of {names}: {format_bytes(nbytes)}"


def _bits(plan: Plan, lifetime: Lifetime) -> str | None:
    found = _operators(plan, lifetime)
    bits = format_bytes((lifetime.base.size + 7) // 8)
    if lifetime.base.dtype.kind == "b":
        return f"one bit an element instead of a byte: {bits}"
    if not found or not set(found) <= _ONE_BIT:
        return None
    return f"one bit an element decides the derivative of {' and '.join(sorted(found))}: {bits}"


def _operators(plan: Plan, lifetime: Lifetime) -> dict[str, set[Variable]]:
    """Return the operators whose rules read a storage, each with its results."""
    found: dict[str, set[Variable]] = {}
    for term in backward_terms(plan, lifetime):
        origin = plan.operation(term.positions[0]).origin
        maker = plan.graph.producer.get(origin) if origin is not None else None
        name = maker.operator if maker is not None else ""
        found.setdefault(name, set()).update([] if origin is None else [origin])
    return found
