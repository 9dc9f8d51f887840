"""Numbers that keep their names: a float that also carries the formula it came from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from wengert.tracing.surroundings import Place, module_places, places

_SUM, _PRODUCT, _UNARY, _POWER, _ATOM = range(5)


class NamedNumber(float):
    """A float that remembers its formula; arithmetic with plain numbers extends it.

    >>> lam = NamedNumber(0.05, "lam")
    >>> (lam / 2).formula, lam / 2
    ('lam / 2', 0.025)
    """

    __slots__ = ("formula", "level")
    formula: str
    level: int

    def __new__(cls, value: float, formula: str, level: int = _ATOM) -> NamedNumber:
        """Make a number; ``level`` says how tightly the formula's last operation binds."""
        self = super().__new__(cls, value)
        self.formula, self.level = formula, level
        return self

    def __neg__(self) -> NamedNumber:
        return NamedNumber(-float(self), f"-{_inside(self, _UNARY)}", _UNARY)

    def __pos__(self) -> NamedNumber:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (float, (float(self),))


def _inside(operand: Any, level: int) -> str:
    text = operand.formula if isinstance(operand, NamedNumber) else repr(operand)
    own = operand.level if isinstance(operand, NamedNumber) else (_ATOM if operand >= 0 else _UNARY)
    return text if own >= level else f"({text})"


def _binary(name: str, sign: str, level: int) -> None:
    # Brackets follow the order of evaluation exactly, so that the text gives the same bits.
    left, right = (level + 1, level) if sign == "**" else (level, level + 1)
    plain = getattr(float, f"__{name}__")

    def combine(a: Any, b: Any) -> Any:
        value = plain(float(a), float(b))
        if type(value) is not float:
            return value
        return NamedNumber(value, f"{_inside(a, left)} {sign} {_inside(b, right)}", level)

    def forward(self: NamedNumber, other: Any) -> Any:
        return combine(self, other) if type(other) in _NUMBERS else NotImplemented

    def backward(self: NamedNumber, other: Any) -> Any:
        return combine(other, self) if type(other) in _NUMBERS else NotImplemented

    setattr(NamedNumber, f"__{name}__", forward)
    setattr(NamedNumber, f"__r{name}__", backward)


_NUMBERS = (float, int, NamedNumber)
for _row in (
    ("add", "+", _SUM),
    ("sub", "-", _SUM),
    ("mul", "*", _PRODUCT),
    ("truediv", "/", _PRODUCT),
    ("pow", "**", _POWER),
):
    _binary(*_row)


def plain(value: Any) -> Any:
    """Return the bare float of a named number, anything else unchanged."""
    return float(value) if isinstance(value, NamedNumber) else value


# Which places hold a named number or another stand-in now, what stood there, and for how many
# running traces.
_lent: dict[tuple[Any, ...], tuple[Any, Any, int]] = {}
_lock = threading.Lock()


@contextmanager
def named_numbers(
    function: Callable[..., Any], stand_in: Callable[[Any], Any] | None = None
) -> Generator[None]:
    """Name the floats that a function reads from defaults, closures and globals, for a while.

    ``stand_in`` returns what stands for other values, None for nothing: in those places, and in
    the globals of all of the user's modules.

    Reaches the user's own functions that it calls by name. Everything is put back when the last
    trace that reads a place is over, whatever thread it runs in; a global that the function
    rebinds meanwhile keeps its new value.
    """
    taken: list[Place] = []
    try:
        with _lock:
            for place in (*places(function), *module_places(function, stand_in)):
                if _lend(place, stand_in):
                    taken.append(place)
        yield
    finally:
        with _lock:
            for place in reversed(taken):
                _give_back(place)


def _lend(place: Place, stand_in: Callable[[Any], Any] | None) -> bool:
    held = _lent.get(place.key)
    value = place.read()
    if held is not None and value is held[0]:
        _lent[place.key] = (held[0], held[1], held[2] + 1)
        return True
    if held is not None:
        return False
    is_float = type(value) is float
    other = None if stand_in is None or is_float else stand_in(value)
    if other is None and not is_float:
        return False
    named = NamedNumber(value, place.name) if is_float else other
    place.write(named)
    _lent[place.key] = (named, value, 1)
    return True


def _give_back(place: Place) -> None:
    named, value, count = _lent[place.key]
    if count > 1:
        _lent[place.key] = (named, value, count - 1)
        return
    del _lent[place.key]
    now = place.read()
    if now is named:
        place.write(value)
    elif isinstance(now, NamedNumber):
        place.write(float(now))
