"""erf: a polynomial up to 1, and 1 − exp(−x²) E(x) beyond, where erf is near 1.

E(x) = exp(x²) erfc(x) is smooth: a polynomial in u = (x − 2) / (x + 2), which moves it towards a
finite interval. Both polynomials are minimax, by Remez' exchange, the second weighted by exp(−x²).
"""

from __future__ import annotations

from dataclasses import dataclass

from wengert.native.llvm import Value
from wengert.native.math.exponential import exp
from wengert.native.math.floats import Floats


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What depends on the format; from ``limit`` on the result is 1."""

    limit: float
    near: tuple[float, ...]
    far: tuple[float, ...]


_SINGLE = _Numbers(
    limit=4.0,
    near=(
        0.12837917, -0.37612626, 0.112835854, -0.026853815, 0.0051883305, -0.00080102024,
        7.85385e-05,
    ),
    far=(0.25539568, -0.42718586, 0.24165727, -0.078986906, 0.0037297506, 0.007212563),
)  # fmt: skip
_DOUBLE = _Numbers(
    limit=6.0,
    near=(
        0.1283791670955126, -0.3761263890318352, 0.112837916709442, -0.026866170643113415,
        0.005223977606130842, -0.0008548325929766244, 0.0001205529358693695,
        -1.4924712439534814e-05, 1.6447132699786621e-06, -1.6206318752969208e-07,
        1.3710988704190523e-08, -7.779462971761596e-10,
    ),
    far=(
        0.25539567631050575, -0.4271858474139568, 0.24165819424246884, -0.07897858101641567,
        0.0037328923985292376, 0.006997461785599667, -0.0008471425903101039,
        -0.000981976476490832, 4.353616739809741e-05, 0.000174288453136022,
        2.762306158523e-05, -2.661171787995751e-05, -1.2644252774939836e-05,
    ),
)  # fmt: skip


def erf(f: Floats, x: Value) -> Value:
    """Return 2/√π ∫₀ˣ exp(−t²) dt."""
    numbers = _SINGLE if f.single else _DOUBLE
    size = f.at_most(f.abs(x), numbers.limit)
    square = f.mul(size, size)
    near = f.fma(size, f.polynomial(square, numbers.near), size)
    two = f.number(2.0)
    u = f.div(f.sub(size, two), f.add(size, two))
    left = f.mul(exp(f, f.neg(square)), f.polynomial(u, numbers.far))
    far = f.sub(f.number(1.0), left)
    return f.copysign(f.select(f.compare(size, "<", f.number(1.0)), near, far), x)
