"""Reading one line of a graph's text from left to right."""

from __future__ import annotations

import json
import re
from typing import NoReturn, cast

from wengert.base.errors import GraphError

DEPTH = 60
TEXT = re.compile(r"'[^'\\\n]*'|\"(?:[^\"\\\n]|\\.)*\"")
RESERVED = frozenset({"None", "True", "False"})
_SIMPLE_TEXT = re.compile(r"[^'\\\n]*")
_WORD = re.compile(r"[^\W\d]\w*")
_SPACE = re.compile(r"[ \t]*")


class Scanner:
    """A place in one line of text; every reader moves it on or raises where it stands."""

    def __init__(self, text: str, line: int) -> None:
        self.text, self.line, self.position, self.depth = text, line, 0, 0
        self._skip()

    def _skip(self) -> None:
        space = _SPACE.match(self.text, self.position)
        self.position = space.end() if space else self.position

    def peek(self, pattern: re.Pattern[str]) -> bool:
        """Return whether the pattern stands here."""
        return pattern.match(self.text, self.position) is not None

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Move behind the pattern, and the blanks that follow it, where it stands here."""
        found = pattern.match(self.text, self.position)
        if found is not None:
            self.position = found.end()
            self._skip()
        return found

    def take(self, text: str) -> bool:
        """Move behind ``text`` where it stands here."""
        if not self.text.startswith(text, self.position):
            return False
        self.position += len(text)
        self._skip()
        return True

    def expect(self, text: str) -> None:
        """Move behind ``text``, which must stand here."""
        if not self.take(text):
            self.fail(repr(text))

    def end(self) -> bool:
        """Return whether nothing is left of the line."""
        return self.position >= len(self.text)

    def enter(self) -> None:
        """Count one more level of nesting, so that no text can exhaust Python's stack."""
        self.depth += 1
        if self.depth > DEPTH:
            self.fail(f"at most {DEPTH} levels of nesting")

    def leave(self) -> None:
        """Come back from one level of nesting."""
        self.depth -= 1

    def fail(self, expected: str, found: str | None = None) -> NoReturn:
        """Raise the error that names the line, what was expected here and what was found."""
        rest = self.text[self.position :]
        shown = rest if len(rest) <= 60 else rest[:57] + "…"
        raise GraphError(
            f"line {self.line} of the text is not a line of a graph",
            expected=f"{expected} at column {self.position + 1}",
            got=found or (repr(shown) if rest else "the end of the line"),
        )


def write_text(text: str) -> str:
    """Write a text between quotes.

    >>> print(write_text("axis"), write_text("it's"))
    'axis' "it's"
    """
    if text.isprintable() and _SIMPLE_TEXT.fullmatch(text):
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=not text.isprintable())


def read_text(scanner: Scanner) -> str:
    """Read a text between quotes."""
    start = scanner.position
    found = scanner.match(TEXT)
    if found is None:
        scanner.fail("a text between quotes")
    if found[0][0] == "'":
        return found[0][1:-1]
    try:
        return cast(str, json.loads(found[0], strict=False))
    except ValueError:
        scanner.position = start
        scanner.fail("a text with JSON's escapes")


def write_word(word: str) -> str:
    """Write a name: bare where it is one word, else between quotes."""
    return word if _WORD.fullmatch(word) and word not in RESERVED else write_text(word)


def read_word(scanner: Scanner, what: str) -> str:
    """Read a name, bare or between quotes."""
    found = scanner.match(_WORD)
    if found is not None:
        return found[0]
    if not scanner.peek(TEXT):
        scanner.fail(what)
    return read_text(scanner)
