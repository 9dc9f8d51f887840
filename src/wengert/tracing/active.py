"""Which trace is running here: each thread, and each task of an event loop, has its own answer."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wengert.tracing.recorder import Recorder

active: ContextVar[Recorder | None] = ContextVar("wengert_trace", default=None)
