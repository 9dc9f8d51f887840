"""Identifiers: the user's names where they have one, never two alike, never one of Python's."""

from __future__ import annotations

import builtins
import keyword
import re

from wengert.graph.variable import Variable

_RESERVED = frozenset(
    {*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "np", "base64", "zlib"}
    | {"namedtuple", "make_dataclass"}
)
# An argument may hide a builtin: the function's own lines use none but complex().
_HARMLESS = frozenset(dir(builtins)) - frozenset(keyword.kwlist) - {"complex"}
_SIGNS = (("**", " to "), ("*", " times "), ("/", " over "), ("+", " plus "), ("-", " minus "))
_LONGEST = 40


class Words:
    """The identifiers of one scope."""

    def __init__(self) -> None:
        self._taken = set(_RESERVED)
        self._used: set[str] = set()
        # Where the search for a free number goes on, so that many names take linear time.
        self._count: dict[str, int] = {}

    def new(self, wanted: str) -> str:
        """Return an identifier as near as possible to the wanted one."""
        word = re.sub(r"\W", "_", wanted)
        word = word if word.isidentifier() else f"_{word}"
        found, number = word, self._count.get(word, 1)
        while found in self._taken:
            number += 1
            found = f"{word}_" if number == 2 else f"{word}_{number}"
        self._count[word] = number
        self._taken.add(found)
        return found

    def numbered(self, stem: str) -> str:
        """Return the first of ``t1``, ``t2`` … that is free."""
        number = self._count.get(stem, 1)
        while f"{stem}{number}" in self._taken:
            number += 1
        self._count[stem] = number
        self._taken.add(f"{stem}{number}")
        return f"{stem}{number}"

    def argument(self, name: str) -> str:
        """Return the user's own name of an argument, which may hide a builtin that is not used."""
        if name in _HARMLESS and name not in self._used:
            self._used.add(name)
            return name
        return self.new(name)


def word_of(variable: Variable) -> str | None:
    """Return what a variable would like to be called: ``h``, ``h_2``, ``dh`` for its gradient."""
    if variable.of is not None:
        inner = word_of(variable.of)
        stem = None if inner is None else f"d{inner}"
    else:
        stem = variable.name
    if stem is None:
        return None if variable.formula is None else word_of_formula(variable.formula)
    return stem if variable.version == 1 else f"{stem}_{variable.version}"


def word_of_formula(formula: str) -> str:
    """Return a formula as one word.

    >>> word_of_formula("lam / 2")
    'lam_over_2'
    """
    for sign, text in _SIGNS:
        formula = formula.replace(sign, text)
    return "_".join(re.findall(r"\w+", formula))[:_LONGEST] or "number"
