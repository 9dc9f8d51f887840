"""How operators on matrices are written: np.linalg's own functions, and helpers for the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wengert.explanation.source.expression import Expression, Row, Use, given

Options = Callable[[Mapping[str, Any]], str]


def _none(attributes: Mapping[str, Any]) -> str:
    return ""


def _triangle(attributes: Mapping[str, Any]) -> str:
    return "" if attributes["lower"] else ', "U"'


# operator -> NumPy's function, and what stands after the operands
CALLED: dict[str, tuple[str, Options]] = {
    "real": ("np.real", _none),
    "imag": ("np.imag", _none),
    "conjugate": ("np.conj", _none),
    "inv": ("np.linalg.inv", _none),
    "slogdet": ("np.linalg.slogdet", _none),
    "eigh": ("np.linalg.eigh", _triangle),
}
# operator -> the attributes that its helper takes
HELPED: dict[str, tuple[str, ...]] = {"over_gaps": ()}

MATRIX_HELPERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "over_gaps": ('''\
def over_gaps(m, w):
    """m[i, j] / (w[j] - w[i]) off the diagonal; refuses values that coincide."""
    gaps = w[..., None, :] - w[..., :, None]
    size = np.max(np.abs(w), axis=-1, initial=0)[..., None, None]
    near = np.abs(gaps) <= 4 * w.shape[-1] * np.finfo(w.dtype).eps * size
    zero = near & ((m == 0) | np.eye(w.shape[-1], dtype=bool))
    if (near & ~zero).any():
        raise ValueError("eigenvectors of repeated eigenvalues have no derivative")
    found = np.where(zero, 0, m / np.where(near, 1, gaps))
    return found.astype(m.dtype, order="C", copy=False)''', ()),
}  # fmt: skip


def library(function: str, options: Options) -> Row:
    """Write a call of a function of NumPy's that takes operands in any order."""

    def row(use: Use) -> Expression:
        operation = use.operation
        operands = ", ".join(given(use, n) for n in range(len(operation.inputs)))
        return Expression(f"{function}({operands}{options(operation.attributes)})")

    return row
