"""A word while compiling takes long."""

from __future__ import annotations

import io
import sys
import time

import pytest

from wengert.native.patience import patience


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def said(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, after: float, takes: float) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with patience("compiling step", after):
        time.sleep(takes)
    return stream.getvalue()


def test_what_is_quick_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch, io.StringIO(), 5.0, 0.0) == ""


def test_what_is_slow_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch, io.StringIO(), 0.01, 0.3) == "compiling step …\n"


def test_a_terminal_counts_and_is_clean_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    text = said(monkeypatch, Terminal(), 0.01, 0.8)
    assert "compiling step … 1 s" in text
    assert text.endswith("\r\x1b[2K")


def test_a_closed_stream_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    with patience("compiling step", 0.0):
        time.sleep(0.05)
