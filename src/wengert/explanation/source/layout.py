"""Lines of at most 100 columns, broken between the items of a bracket."""

from __future__ import annotations

WIDTH = 100
INDENT = "    "


def wrapped(line: str, indent: str) -> list[str]:
    """Break a line that is too long after commas inside brackets.

    >>> wrapped("f(a, b)", "    ")
    ['    f(a, b)']
    """
    if len(indent) + len(line) <= WIDTH or "\n" in line:
        return [indent + each if each else "" for each in line.split("\n")]
    lines: list[str] = []
    prefix, current = indent, ""
    for piece in _pieces(line):
        if current and len(prefix) + len(current) + len(piece.rstrip()) > WIDTH:
            lines.append(prefix + current.rstrip())
            prefix, current = indent + INDENT, ""
        current += piece
    return [*lines, prefix + current.rstrip()]


def _pieces(line: str) -> list[str]:
    """Cut a line after each ``, `` that stands inside a bracket and outside of quotes."""
    pieces: list[str] = []
    start = depth = 0
    quote = ""
    for place, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote and line[place - 1] != "\\" else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == " " and depth and line[place - 1] == ",":
            pieces.append(line[start : place + 1])
            start = place + 1
    return [*pieces, line[start:]]
