"""A value in the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wengert.base.dtypes import Dtype
from wengert.base.shapes import Shape, size

Role = Literal["input", "parameter", "constant", "intermediate", "gradient"]


@dataclass(frozen=True, eq=False, slots=True)
class Variable:
    """A value in the graph; two variables are the same only when they are one object.

    Attributes:
        shape: sizes of the axes.
        dtype: NumPy's dtype.
        role: input, parameter, constant, intermediate or gradient. Whether a variable is an
            output is the graph's to say (``graph.outputs``).
        name: the user's own name, None for an unnamed temporary.
        version: 1 for the first value that held the name, 2 after the first rebinding, …
        formula: for a number the Python expression it came from, such as ``lam / 2``.
        of: for a gradient the variable that it is the gradient of.
    """

    shape: Shape
    dtype: Dtype
    role: Role = "intermediate"
    name: str | None = None
    version: int = 1
    formula: str | None = None
    of: Variable | None = None

    def called(self, name: str | None, version: int, of: Variable | None) -> Variable:
        """Return the variable under this name: itself where that is its name already."""
        if (name, version) == (self.name, self.version) and of is self.of:
            return self
        return Variable(self.shape, self.dtype, self.role, name, version, self.formula, of)

    @property
    def size(self) -> int:
        """Number of elements."""
        return size(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of a dense array of this type."""
        return self.size * self.dtype.itemsize

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def label(self) -> str | None:
        """The name with its version, ``h`` or ``h.2``; ``d(h)`` for a gradient."""
        if self.of is not None:
            inner = self.of.label
            stem = None if inner is None else f"d({inner})"
        else:
            stem = self.name
        return stem if stem is None or self.version == 1 else f"{stem}.{self.version}"

    def __repr__(self) -> str:
        return f"Variable({self.label or '%'}: {self.dtype.name}{list(self.shape)}, {self.role})"
