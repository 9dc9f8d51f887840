"""What of NumPy has no meaning in a graph: why, and what to write instead."""

from __future__ import annotations

from typing import NamedTuple


class Refusal(NamedTuple):
    """Why a function cannot be traced, and what does the same."""

    because: str
    instead: str


def _each(names: str, because: str, instead: str) -> dict[str, Refusal]:
    return dict.fromkeys(names.split(), Refusal(because, instead))


UFUNCS: dict[str, Refusal] = {
    **_each(
        "startswith endswith str_len index rindex count find rfind isalnum isalpha isdecimal "
        "isdigit islower isnumeric isspace istitle isupper _center _expandtabs "
        "_expandtabs_length _ljust _rjust _lstrip_chars _lstrip_whitespace _partition "
        "_partition_index _replace _rpartition _rpartition_index _rstrip_chars "
        "_rstrip_whitespace _slice _strip_chars _strip_whitespace _zfill",
        "a graph holds numbers, and this is a function of text",
        "text outside the function, and numbers in it",
    ),
    "isnat": Refusal(
        "a graph holds numbers, and this is a function of dates", "np.isnan of seconds as float64"
    ),
}

_SHAPE = "the shape of its result depends on the numbers, which are not known while tracing"
_FILES = "a traced value has no numbers to write while the function is traced"

FUNCTIONS: dict[str, Refusal] = {
    **_each(
        "nonzero flatnonzero argwhere", _SHAPE,
        "np.where(mask, a, b), or sums with where=mask; np.nonzero of an array that is known",
    ),
    **_each(
        "unique unique_all unique_counts unique_inverse unique_values", _SHAPE,
        "np.sort(x), or np.unique of an array that is known",
    ),
    **_each(
        "union1d intersect1d setdiff1d setxor1d", _SHAPE, "np.isin(a, b), a mask of a's shape"
    ),
    "trim_zeros": Refusal(_SHAPE, "a slice whose ends are known"),
    "roots": Refusal(
        "leading and trailing zeros are cut off, so that the shape depends on the numbers",
        "np.linalg.eigvals of the companion matrix",
    ),
    "polydiv": Refusal(
        "leading zeros of the remainder are cut off, so that the shape depends on the numbers",
        "np.convolve and differences of a known length",
    ),
    **_each(
        "save savetxt savez savez_compressed", _FILES,
        "return it from the function, and save what comes out",
    ),
    **_each(
        "busday_count busday_offset is_busday datetime_as_string",
        "a graph holds numbers, and this is a function of dates",
        "days as numbers, made outside the function",
    ),
    **_each(
        "may_share_memory shares_memory",
        "where a traced value lies is decided later, by the plan", "wg.plan(f, …).table()",
    ),
    **_each(
        "lib.scimath.sqrt lib.scimath.log lib.scimath.log2 lib.scimath.log10 lib.scimath.logn "
        "lib.scimath.power lib.scimath.arccos lib.scimath.arcsin lib.scimath.arctanh",
        "whether its result is real or complex depends on the numbers",
        "the function of the same name in np, of x or of x.astype(complex)",
    ),
    **_each(
        "polynomial.polynomial.polyval2d polynomial.polynomial.polygrid2d",
        "it evaluates by objects of its own, which no protocol reaches",
        "np.polyval along one axis, and then along the other",
    ),
}  # fmt: skip

# Whole rooms of NumPy, for what has no reason of its own.
MODULES: dict[str, Refusal] = {
    "numpy.strings": Refusal(
        "a graph holds numbers, and this is a function of text",
        "text outside the function, and numbers in it",
    ),
    "numpy.char": Refusal(
        "a graph holds numbers, and this is a function of text",
        "text outside the function, and numbers in it",
    ),
    "numpy.lib.recfunctions": Refusal(
        "a graph holds arrays of plain numbers, and no structured ones",
        "one array for each field; nested containers of arrays are allowed everywhere",
    ),
}
