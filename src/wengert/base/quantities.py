"""Bytes and counts as people write and read them."""

from __future__ import annotations

import re

from wengert.base.errors import OptionError

_UNITS = {
    "": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
_MOST = 1e30
_PATTERN = re.compile(r"\s*([0-9]*\.?[0-9]+(?:e[0-9]+)?)\s*([a-z]*)\s*", re.IGNORECASE)


def parse_bytes(text: str | int, what: str = "a memory size") -> int:
    """Read a number of bytes: an integer, or text with an SI or IEC unit.

    >>> parse_bytes("200MB"), parse_bytes("2 GiB"), parse_bytes(1024)
    (200000000, 2147483648, 1024)
    """
    if isinstance(text, bool):
        match = None
    elif isinstance(text, int):
        match = _PATTERN.fullmatch(str(text))
    else:
        match = _PATTERN.fullmatch(text)
    # A power that no number of bytes has would not even be a float.
    is_number = match is not None and float(match[1]) < _MOST
    if match is None or not is_number or match[2].lower() not in _UNITS:
        raise OptionError(
            f"{what} could not be read",
            expected='a number of bytes, or text such as "200MB" or "2 GiB"',
            got=repr(text),
        )
    return int(float(match[1]) * _UNITS[match[2].lower()])


def format_bytes(count: int | float) -> str:
    """Write a number of bytes for people, in SI units.

    >>> format_bytes(532), format_bytes(1_234_567)
    ('532 B', '1.23 MB')
    """
    if abs(count) < 1000:
        return f"{int(count)} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        value /= 1000
        if abs(value) < 999.5:
            return f"{value:.3g} {unit}"
    return f"{value:.3g} EB"
