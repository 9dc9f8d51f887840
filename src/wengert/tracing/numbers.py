"""Numbers that keep their names: a float that also carries the formula it came from."""

from __future__ import annotations

import types
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from wengert.tracing.frames import is_user_file

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


@contextmanager
def named_numbers(function: Callable[..., Any]) -> Generator[None]:
    """Name the floats that a function reads from defaults, closures and globals, for a while.

    Reaches the user's own functions that it calls by name. Everything is put back afterwards;
    a global that the function rebinds meanwhile keeps its new value.
    """
    undo: list[Callable[[], None]] = []
    seen: set[int] = set()
    try:
        _name_function(function, seen, undo)
        yield
    finally:
        for restore in reversed(undo):
            restore()


def _name_function(function: Any, seen: set[int], undo: list[Callable[[], None]]) -> None:
    function = getattr(function, "__func__", function)
    if not isinstance(function, types.FunctionType) or id(function) in seen:
        return
    if not is_user_file(function.__code__.co_filename):
        return
    seen.add(id(function))
    _name_defaults(function, undo)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:
            continue
        _name_value(name, value, seen, undo, lambda v, cell=cell: setattr(cell, "cell_contents", v))
    space = function.__globals__
    for name in _global_names(function.__code__):
        if name in space:
            _name_value(
                name, space[name], seen, undo,
                lambda v, name=name: space.__setitem__(name, v),
                lambda name=name: space.get(name),
            )  # fmt: skip


def _global_names(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _global_names(constant)
    return names


def _name_value(  # noqa: PLR0917 - a place to read, to write and to undo
    name: str,
    value: Any,
    seen: set[int],
    undo: list[Callable[[], None]],
    put: Callable[[Any], None],
    now: Callable[[], Any] | None = None,
) -> None:
    if type(value) is not float:
        _name_function(value, seen, undo)
        return
    named = NamedNumber(value, name)
    put(named)

    def restore() -> None:
        held = named if now is None else now()
        if held is named:
            put(value)
        elif isinstance(held, NamedNumber):
            put(float(held))

    undo.append(restore)


def _name_defaults(function: types.FunctionType, undo: list[Callable[[], None]]) -> None:
    old, old_keywords = function.__defaults__, function.__kwdefaults__
    code = function.__code__
    if old:
        names = code.co_varnames[code.co_argcount - len(old) : code.co_argcount]
        function.__defaults__ = tuple(
            NamedNumber(value, name) if type(value) is float else value
            for name, value in zip(names, old, strict=True)
        )
    if old_keywords:
        function.__kwdefaults__ = {
            name: NamedNumber(value, name) if type(value) is float else value
            for name, value in old_keywords.items()
        }

    def restore() -> None:
        function.__defaults__, function.__kwdefaults__ = old, old_keywords

    undo.append(restore)
