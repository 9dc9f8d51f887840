"""The contenders by name, each written as its own users would write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from benchmarks.cases import Array, Case, Data


class Absent(Exception):
    """A contender that cannot take part, and why."""


class Contender(Protocol):
    """One program for one case.

    Attributes:
        unit: the least number of steps that one call makes.
    """

    unit: int

    def reset(self) -> None:
        """Go back to the first parameters, and fill with NaN whatever results are written to."""
        ...

    def run(self, steps: int) -> None:
        """Make steps, a multiple of ``unit``, and wait for their results."""
        ...

    def result(self) -> dict[str, Array]:
        """Return the parameters, or the array "y" that a step makes."""
        ...


class Factory(Protocol):
    """What a contender's module offers."""

    def prepare(self, threads: int) -> None:
        """Import what is needed and set the number of threads, or raise Absent."""
        ...

    def make(self, name: str, case: Case, data: Data) -> Contender:
        """Return the contender of that name, or raise Absent."""
        ...


@dataclass(frozen=True)
class Known:
    """A contender as tables call it, and the module that makes it."""

    title: str
    module: str
    ours: bool = False


CONTENDERS: dict[str, Known] = {
    "wengert": Known("Wengert, step by step", "with_wengert", ours=True),
    "wengert-many": Known("Wengert, many steps a call", "with_wengert", ours=True),
    "numpy": Known("NumPy by hand", "by_hand"),
    "torch": Known("PyTorch eager", "with_torch"),
    "torch-compile": Known("PyTorch compiled", "with_torch"),
    "jax": Known("JAX jit", "with_jax"),
    "jax-scan": Known("JAX, ten steps a scan", "with_jax"),
}
