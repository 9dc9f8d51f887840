"""What the system counts for this process: bytes in memory now, and at the most."""

from __future__ import annotations

from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def resident_bytes() -> int | None:
    """Return the bytes of this process that are in memory; None where the system does not say."""
    return _field("VmRSS")


def high_water_bytes() -> int | None:
    """Return the most bytes that were in memory together since the last reset."""
    return _field("VmHWM")


def reset_high_water() -> bool:
    """Let the high-water mark begin anew at what is in memory now; False where it cannot."""
    try:
        _RESET.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _field(name: str) -> int | None:
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith(name + ":")), None)
    return None if found is None else int(found.split()[1]) * 1024
