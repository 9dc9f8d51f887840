"""The corpus: whole programs of the kind that scientists have, none of which knows Wengert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from corpus import algebra, dynamics, networks, signals, statistics, stencils

SUFFIX = "_arguments"


@dataclass(frozen=True)
class Case:
    """A program, and what it is called with."""

    room: str
    name: str
    program: Callable[..., Any]
    arguments: Callable[[np.random.Generator], tuple[Any, ...]]

    def example(self) -> tuple[Any, ...]:
        """Return the arguments, the same ones every time."""
        return self.arguments(np.random.default_rng(0))


def _cases(module: ModuleType) -> list[Case]:
    room = module.__name__.rsplit(".", 1)[-1]
    names = [name.removesuffix(SUFFIX) for name in vars(module) if name.endswith(SUFFIX)]
    return [
        Case(room, name, getattr(module, name), getattr(module, name + SUFFIX)) for name in names
    ]


PROGRAMS = [
    case
    for module in (stencils, dynamics, algebra, statistics, networks, signals)
    for case in _cases(module)
]
