"""What a record must satisfy, one function a property; each raises AssertionError on a breach."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import fields
from math import prod
from typing import Any

import numpy as np

from wengert.base.dtypes import SHORT
from wengert.operators.broadcasting import unbroadcast
from wengert.operators.record import FREE, Cost, Operator, Samples, Type

Case = tuple[tuple[Any, ...], dict[str, Any]]


def draws(record: Operator, seed: int = 0) -> list[Case]:
    return list(record.samples.draws(np.random.default_rng(seed)))


def types(operands: tuple[Any, ...]) -> tuple[Type, ...]:
    return tuple(Type(np.shape(each), np.asarray(each).dtype) for each in operands)


def differentiated(record: Operator, operands: tuple[Any, ...]) -> Iterator[tuple[int, Any]]:
    """Yield the operands that have a rule and are floats, with the rule."""
    for number, operand in enumerate(operands):
        rule = record.rule(number)
        if rule is not None and np.asarray(operand).dtype.kind in "fc":
            yield number, rule


def cotangents(record: Operator, y: tuple[Any, ...], rng: np.random.Generator) -> Any:
    """Return an incoming gradient for each result, as a rule gets it: a tuple of several."""
    found = tuple(
        draw(rng, each.shape, each.dtype) if each.dtype.kind in "fc" else None for each in y
    )
    return found if record.parts else found[0]


def draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return normal numbers of a dtype, complex ones in both parts."""
    found = rng.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        found = found + 1j * rng.normal(size=shape)
    return np.asarray(found).astype(dtype)


def for_rule(record: Operator, y: tuple[Any, ...]) -> Any:
    return y if record.parts else y[0]


def typed(attributes: dict[str, Any], dtype: str) -> dict[str, Any]:
    """Return attributes for operands of a dtype: what bodies say in their texts changes too."""
    return {
        name: value.replace("f64", SHORT[dtype])
        if isinstance(value, str) and value.startswith("graph ") else value
        for name, value in attributes.items()
    }  # fmt: skip


def describe(record: Operator, operands: tuple[Any, ...], attributes: dict[str, Any]) -> str:
    return f"{record.name} {[np.shape(each) for each in operands]} {attributes}"


# -- Holes ------------------------------------------------------------------------------------


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _good_cost(record: Operator) -> bool:
    cost = record.cost
    if not isinstance(cost, Cost) or min(cost.flops, cost.transcendental) < 0:
        return False
    # Nothing is free by accident: the record says FREE.
    return cost is FREE or cost.flops + cost.transcendental > 0


def _good_saves(record: Operator) -> bool:
    return all(
        token in results(record) or (token[0] == "x" and token[1:].rstrip("+").isdigit())
        for token in record.saves
    ) and not (record.vjp is None and record.saves)


def results(record: Operator) -> tuple[str, ...]:
    """Return how ``saves`` calls the results."""
    return tuple(f"y{k}" for k in range(len(record.parts))) or ("y",)


def takes_integers_only(record: Operator) -> bool:
    """Return whether an operator works on the bits of integers, where no number is special."""
    return all(np.asarray(x).dtype.kind in "iu" for x in draws(record)[0][0])


def _good_samples(record: Operator) -> bool:
    needs_special = record.kind == "elementwise" and record.name not in ("cast", "where")
    needs_special = needs_special and not takes_integers_only(record)
    return isinstance(record.samples, Samples) and bool(record.samples.special or not needs_special)


def _good_vjp(record: Operator) -> bool:
    if record.vjp is None:
        return True
    return bool(record.vjp) and any(map(callable, record.vjp))


# Elementwise operators that no kernel computes: a program calls their NumPy meaning.
HOSTED = {
    "remainder", "fmod", "floor_divide", "nextafter", "spacing", "mantissa", "exponent",
    "fraction", "ldexp", "left_shift", "right_shift", "bitwise_count", "gcd", "lcm", "sinc",
    "bessel",
}  # fmt: skip


# Every field has its test here; a field that is added without one fails.
FIELDS: dict[str, Callable[[Operator], bool]] = {
    "name": lambda r: _is_text(r.name) and r.name.isidentifier(),
    "kind": lambda r: r.kind in {
        "elementwise", "reduction", "movement", "product", "index", "matrix", "composite",
        "other"},
    "numpy": lambda r: callable(r.numpy),
    "result": lambda r: callable(r.result),
    "vjp": _good_vjp,
    "latex": lambda r: _is_text(r.latex) and r.latex.count("{") == r.latex.count("}"),
    "cost": _good_cost,
    "samples": lambda r: _good_samples(r) and len(draws(r)) >= 3,
    "saves": _good_saves,
    "linear_in": lambda r: all(isinstance(each, int) and each >= 0 for each in r.linear_in),
    "symbol": lambda r: _is_text(r.symbol),
    "kinks": lambda r: all(isinstance(each, float) for each in r.kinks),
    "aliases": lambda r: r.aliases in ("new", "view"),
    "inplace": lambda r: r.aliases == "new" or not r.inplace,
    "workspace": lambda r: r.workspace is None or callable(r.workspace),
    "decomposition": lambda r: (
        callable(r.decomposition) == (r.kind == "composite")
        or (callable(r.decomposition) and r.kind in ("reduction", "other"))),
    "variadic": lambda r: isinstance(r.variadic, bool),
    "complex": lambda r: isinstance(r.complex, bool),
    "parts": lambda r: len(r.parts) != 1 and all(map(_is_text, r.parts)),
    "scalar": lambda r: callable(r.scalar) or (
        r.scalar is None and (r.kind != "elementwise" or r.name in HOSTED)),
}  # fmt: skip


def check_holes(record: Operator) -> None:
    assert {each.name for each in fields(record)} == set(FIELDS)
    for name, good in FIELDS.items():
        assert good(record), f"{record.name}.{name} is a hole: {getattr(record, name)!r}"


# -- Types and meanings -------------------------------------------------------------------------


def check_result(record: Operator, operands: tuple[Any, ...], attributes: dict[str, Any]) -> None:
    raw = record.numpy(*operands, **attributes)
    values = record.values(*operands, **attributes)
    types_ = record.types(*types(operands), **attributes)
    what = describe(record, operands, attributes)
    assert isinstance(raw, tuple if record.parts else np.ndarray), what
    assert len(values) == max(len(record.parts), 1), what
    for y, found in zip(values, types_, strict=True):
        told = f"{what}: {y.dtype}{y.shape} {found}"
        assert (y.shape, y.dtype) == (found.shape, found.dtype), told
        if record.aliases == "new":
            assert y.flags.c_contiguous, what


def strided(x: Any) -> Any:
    """Return an equal array that is neither contiguous nor in any usual order."""
    x = np.asarray(x)
    wide = np.zeros((2 * x.shape[-1] + 1, *x.shape[:-1][::-1]) if x.shape else (2,), x.dtype)
    view = np.moveaxis(wide.T, -1, -1)[..., 1::2] if x.shape else wide[1:].reshape(())
    view[...] = x
    return view


def laid_apart(x: Any) -> Any:
    """Return one array or several in another layout."""
    if isinstance(x, tuple):
        return tuple(map(laid_apart, x))
    return None if x is None else strided(x)


def check_strided(record: Operator, operands: tuple[Any, ...], attributes: dict[str, Any]) -> None:
    what = describe(record, operands, attributes)
    other = tuple(strided(each) for each in operands)
    values = record.values(*operands, **attributes)
    for y, there in zip(values, record.values(*other, **attributes), strict=True):
        np.testing.assert_allclose(there, y, rtol=1e-14, atol=1e-14, err_msg=what)
        if record.aliases == "new":
            assert there.flags.c_contiguous, what
    g = cotangents(record, values, np.random.default_rng(1))
    y = for_rule(record, values)
    for _, rule in differentiated(record, operands):
        ours = np.asarray(rule(g, y, *operands, **attributes))
        theirs = np.asarray(rule(laid_apart(g), laid_apart(y), *other, **attributes))
        np.testing.assert_allclose(theirs, ours, rtol=1e-13, atol=1e-13, err_msg=what)


# -- Derivatives --------------------------------------------------------------------------------


def slope(record: Operator, operands: tuple[Any, ...], attributes: dict[str, Any], number: int,
          v: Any) -> tuple[Any, ...]:  # fmt: skip
    """Return the directional derivatives J v, by a complex step or extrapolated differences."""
    if record.samples.analytic:
        step = 1e-30
        lifted = [x + 0j if np.asarray(x).dtype.kind == "f" else x for x in operands]
        lifted[number] = lifted[number] + 1j * step * v
        return tuple(y.imag / step for y in record.values(*lifted, **attributes))

    def at(t: float) -> tuple[Any, ...]:
        moved = operands[number] + t * v
        return record.values(*operands[:number], moved, *operands[number + 1 :], **attributes)

    def central(h: float) -> list[Any]:
        ahead, behind = at(h), at(-h)
        return [
            (a - b) / (2 * h) if a.dtype.kind in "fc" else 0 * a
            for a, b in zip(ahead, behind, strict=True)
        ]

    h = 1e-3
    steps = zip(central(2 * h), central(h), central(h / 2), strict=True)
    return tuple((wide - 20 * half + 64 * fine) / 45 for wide, half, fine in steps)


def gradient(record: Operator, rule: Any, g: Any, y: Any, operands: tuple[Any, ...],
             attributes: dict[str, Any], number: int) -> Any:  # fmt: skip
    """Return what the engine makes of a rule: un-broadcast, for elementwise operators only."""
    found = np.asarray(rule(g, y, *operands, **attributes))
    shape = np.shape(operands[number])
    if record.kind == "elementwise" or record.name == "binary_cross_entropy":
        y = y[0] if record.parts else y
        broadcast = np.broadcast_shapes(found.shape, shape)
        assert y.shape in (broadcast, shape) or found.shape == shape
        return unbroadcast(np.broadcast_to(found, np.broadcast_shapes(found.shape, y.shape)), shape)
    if found.dtype.kind == "c" and np.asarray(operands[number]).dtype.kind == "f":
        found = found.real
    assert found.shape == shape, f"{record.name}: rule {number} gives {found.shape}, not {shape}"
    return found


def check_vjp(record: Operator, operands: tuple[Any, ...], attributes: dict[str, Any],
              seed: int = 0) -> int:  # fmt: skip
    """Compare ⟨g, J v⟩ with ⟨Jᵀg, v⟩ for each operand; return how many were compared."""
    rng = np.random.default_rng(seed)
    values = record.values(*operands, **attributes)
    y, g = for_rule(record, values), cotangents(record, values, rng)
    compared = 0
    for number, rule in differentiated(record, operands):
        found = gradient(record, rule, g, y, operands, attributes, number)
        v = draw(rng, np.shape(operands[number]), np.asarray(operands[number]).dtype)
        slopes = slope(record, operands, attributes, number, v)
        incoming = g if record.parts else (g,)
        pairs = zip(incoming, slopes, strict=True)
        wanted = float(sum(np.sum(a * b).real for a, b in pairs if a is not None))
        got = float(np.sum(found * v).real)
        tolerance = (1e-12 if record.samples.analytic else 1e-8) * (1 + abs(wanted))
        assert abs(got - wanted) <= tolerance, (
            f"{describe(record, operands, attributes)}: operand {number}: {got} ≠ {wanted}"
        )
        compared += v.size > 0
    return compared


def check_all_vjps(record: Operator) -> int:
    return sum(check_vjp(record, *case) for case in draws(record))


# -- Honesty about what is read -----------------------------------------------------------------


def saved(record: Operator, count: int) -> set[str]:
    found: set[str] = set()
    for token in record.saves:
        if token.endswith("+"):
            found |= {f"x{k}" for k in range(int(token[1:-1]), count)}
        else:
            found.add(token)
    return found


def poison(x: Any) -> Any:
    x = np.asarray(x)
    return np.full(x.shape, np.nan if x.dtype.kind in "fc" else 10**6, x.dtype)


def outcome(rule: Any, values: dict[str, Any], g: Any, attributes: dict[str, Any]) -> Any:
    operands = [x for name, x in values.items() if name[0] == "x"]
    results = tuple(x for name, x in values.items() if name[0] == "y")
    y = values["y"] if "y" in values else results
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return np.asarray(rule(g, y, *operands, **attributes))
        except Exception as problem:
            return problem


def same(a: Any, b: Any) -> bool:
    if isinstance(a, Exception) or isinstance(b, Exception):
        return False
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=True)


def reads(record: Operator, operands: tuple[Any, ...], attributes: dict[str, Any]) -> set[str]:
    """Return the forward values that change some rule's answer when they are poisoned."""
    made = record.values(*operands, **attributes)
    g = cotangents(record, made, np.random.default_rng(2))
    values = dict(zip(results(record), made, strict=True))
    values |= {f"x{k}": np.asarray(x) for k, x in enumerate(operands)}
    found: set[str] = set()
    for _, rule in differentiated(record, operands):
        honest = outcome(rule, values, g, attributes)
        for name, value in values.items():
            if prod(value.shape) == 0 or value.dtype.kind == "b":
                continue
            if not same(honest, outcome(rule, {**values, name: poison(value)}, g, attributes)):
                found.add(name)
    return found


def check_saves(record: Operator) -> None:
    seen: set[str] = set()
    claimed: set[str] = set()
    for operands, attributes in draws(record):
        here = saved(record, len(operands))
        found = reads(record, operands, attributes)
        assert found <= here, f"{record.name} reads {found - here} and does not say so"
        seen, claimed = seen | found, claimed | here
    bools = {"x0"} if record.name == "where" else set()
    assert seen >= claimed - bools, f"{record.name} says that it reads {claimed - seen}"


# -- Presentation -------------------------------------------------------------------------------


def formatted(record: Operator, operands: tuple[Any, ...], attributes: dict[str, Any]) -> str:
    letters = [f"L_{{{k}}}" for k in range(len(operands))]
    numbered = {f"x{k}": letter for k, letter in enumerate(letters)}
    shown = record.latex.format(x=", ".join(letters), **numbered, **attributes)
    for letter in letters if record.kind != "index" else letters[:1]:
        assert letter in shown, f"{record.name}: {shown} does not show {letter}"
    assert shown.count("{") == shown.count("}")
    return shown
