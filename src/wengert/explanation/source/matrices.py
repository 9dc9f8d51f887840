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


def _points(attributes: Mapping[str, Any]) -> str:
    norm = attributes["norm"]
    said = "" if norm == "backward" else f', norm="{norm}"'
    return f", {attributes['n']}, axis={attributes['axis']}{said}"


# operator -> NumPy's function, and what stands after the operands
CALLED: dict[str, tuple[str, Options]] = {
    "real": ("np.real", _none),
    "imag": ("np.imag", _none),
    "conjugate": ("np.conj", _none),
    **{name: (f"np.fft.{name}", _points) for name in ("fft", "ifft", "rfft", "irfft")},
    "inv": ("np.linalg.inv", _none),
    "solve": ("np.linalg.solve", _none),
    "det": ("np.linalg.det", _none),
    "slogdet": ("np.linalg.slogdet", _none),
    "cholesky": ("np.linalg.cholesky", _none),
    "pinv": ("np.linalg.pinv", lambda given: f", {given['rcond']!r}"),
    "eigh": ("np.linalg.eigh", _triangle),
    "eigvalsh": ("np.linalg.eigvalsh", _triangle),
    "svd": ("np.linalg.svd", lambda given: "" if given["full"] else ", full_matrices=False"),
    "svdvals": ("np.linalg.svdvals", _none),
    "qr": ("np.linalg.qr", lambda given: ', "complete"' if given["complete"] else ""),
}
# operator -> the attributes that its helper takes
HELPED: dict[str, tuple[str, ...]] = {
    "over_gaps": ("apart",), "must_vanish": (), "phase_free": (), "cofactor": (),
    "eig": (), "eigvals": (),
    "euclidean_norm": ("axis", "keepdims"),
}  # fmt: skip

MATRIX_HELPERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "over_gaps": ('''\
def over_gaps(m, w, v, apart):
    """m[i, j] / (w[j] - v[i]); refuses to divide by rounding."""
    gaps = w[..., None, :] - v[..., :, None]
    eps = np.finfo(w.dtype).eps * 4 * max(w.shape[-1], v.shape[-1])
    top = np.maximum(*(np.max(np.abs(each), axis=-1, initial=0) for each in (w, v)))
    near = np.abs(gaps) <= eps * top[..., None, None]
    idle = np.eye(*m.shape[-2:], dtype=bool) if apart else np.zeros((), bool)
    if np.any(near & (m != 0) & ~idle):
        raise ValueError("vectors of repeated values have no derivative")
    found = np.where(idle, 0, m / np.where(near, 1, gaps))
    return np.ascontiguousarray(found.astype(np.result_type(m, w, v)))''', ()),
    "must_vanish": ('''\
def must_vanish(x):
    """0; refuses a derivative of vectors beside the range of a matrix."""
    if np.any(x):
        raise ValueError("vectors beside the range of a matrix have no derivative")
    return np.zeros(x.shape[:-2], x.dtype)''', ()),
    "phase_free": ('''\
def phase_free(m):
    """0; refuses an objective that depends on the phases of complex vectors."""
    phases = np.abs(np.imag(np.einsum("...ii->...i", m)))
    size = np.max(np.abs(m), axis=(-2, -1), initial=0)[..., None]
    if np.any(phases > 1000 * np.finfo(m.real.dtype).eps * m.shape[-1] * size):
        raise ValueError("the objective depends on the phases of complex vectors")
    return np.zeros(m.shape[:-2], m.dtype)''', ()),
    "cofactor": ('''\
def cofactor(a):
    """The derivative of the determinant, also of a singular matrix."""
    u, s, vh = np.linalg.svd(a.astype(np.result_type(a.dtype, np.float64)))
    n = s.shape[-1]
    one = np.ones((*s.shape[:-1], 1))
    ahead = np.cumprod(np.concatenate([one, s[..., : max(n - 1, 0)]], -1), -1)[..., :n]
    behind = np.cumprod(np.concatenate([one, s[..., :0:-1]], -1), -1)[..., :n][..., ::-1]
    sign = np.asarray(np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    found = sign * np.matmul(np.conj(u) * (ahead * behind)[..., None, :], np.conj(vh))
    return found.astype(a.dtype, order="C")''', ()),
    "eig": ('''\
def eig(a):
    """Eigenvalues and eigenvectors, complex also where all are real."""
    return [x.astype(np.result_type(x.dtype, np.complex64)) for x in np.linalg.eig(a)]''', ()),
    "eigvals": ('''\
def eigvals(a):
    """Eigenvalues, complex also where all are real."""
    found = np.linalg.eigvals(a)
    return found.astype(np.result_type(found.dtype, np.complex64))''', ()),
    "euclidean_norm": ('''\
def euclidean_norm(x, axis, keepdims):
    """The root of the sum of squares along axes."""
    squares = np.multiply(np.conj(x), x, order="C").real
    return np.asarray(np.sqrt(np.sum(squares, axis=axis, keepdims=keepdims)), order="C")''', ()),
}  # fmt: skip


def library(function: str, options: Options) -> Row:
    """Write a call of a function of NumPy's that takes operands in any order."""

    def row(use: Use) -> Expression:
        operation = use.operation
        operands = ", ".join(given(use, n) for n in range(len(operation.inputs)))
        return Expression(f"{function}({operands}{options(operation.attributes)})")

    return row
