"""Object code on disk, by content: whatever is wrong with a file, the kernel is compiled again.

A file is named by a digest of everything its code depends on, and carries a digest of itself.
Writers need not know of one another: each writes under a name of its own and renames.
"""

from __future__ import annotations

import os
import stat
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path

from wengert.base.errors import WengertWarning

_MAGIC = b"wengert object 1\n"
_SEAL = 32
_SUFFIX = ".o"
_LIMIT = 256 * 2**20
# A temporary file this old belongs to a writer that was killed.
_ABANDONED = 3600.0
# Room is made down to this part of the limit, so that it is not made at every write.
_ROOM = 0.8


def digest(*parts: str) -> str:
    """Return a name for content: equal parts, equal name.

    >>> digest("a", "b") == digest("a", "b"), digest("ab", "") == digest("a", "b")
    (True, False)
    """
    told = blake2b(digest_size=20)
    for part in parts:
        data = part.encode()
        told.update(len(data).to_bytes(8, "little"))
        told.update(data)
    return told.hexdigest()


class Cache:
    """A folder of object code, at most ``limit`` bytes; the least lately used goes first.

    Args:
        folder: made when first written to; None keeps nothing.
        limit: bytes.

    >>> Cache(None).get("00") is None
    True
    """

    def __init__(self, folder: Path | None, limit: int = _LIMIT) -> None:
        self.folder, self.limit = folder, limit
        self._warned = False

    def get(self, name: str) -> bytes | None:
        """Return the object of this name, or None where there is no sound one."""
        if self.folder is None:
            return None
        path = self.folder / (name + _SUFFIX)
        try:
            with path.open("rb") as file:
                if not _trusted(os.fstat(file.fileno())):
                    return None
                content = _opened(file.read())
            if content is not None:
                os.utime(path)
            return content
        except OSError:
            return None

    def put(self, name: str, content: bytes) -> None:
        """Keep an object; where that is not possible, say so once and go on."""
        if self.folder is None:
            return
        temporary = self.folder / f"{name}.{os.getpid()}.{time.monotonic_ns()}.part"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                _write(temporary, _MAGIC + _seal(content) + content)
                os.replace(temporary, self.folder / (name + _SUFFIX))
            except OSError:
                with suppress(OSError):
                    temporary.unlink()
                raise
            self._make_room()
        except OSError as error:
            self._warn(error)

    def _make_room(self) -> None:
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        if total <= self.limit:
            return
        for _, size, path in files:
            if total <= self.limit * _ROOM:
                break
            with suppress(OSError):
                os.unlink(path)
            total -= size

    def _files(self) -> Iterator[tuple[float, int, str]]:
        now = time.time()
        with os.scandir(self.folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    told = entry.stat()
                    if entry.name.endswith(_SUFFIX):
                        yield told.st_mtime, told.st_size, entry.path
                    elif entry.name.endswith(".part") and now - told.st_mtime > _ABANDONED:
                        os.unlink(entry.path)

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"compiled kernels are not kept in {self.folder}: "
                f"{error.strerror or error}; every process will compile its own "
                "(set WENGERT_CACHE to a folder that can be written to)",
                WengertWarning,
                stacklevel=2,
            )


@cache
def default() -> Cache:
    """Return the cache of this process: $WENGERT_CACHE, or the user's cache folder."""
    return Cache(_folder())


def _folder() -> Path | None:
    asked = os.environ.get("WENGERT_CACHE")
    if asked:
        return Path(asked).expanduser()
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "wengert"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home) / "wengert" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "wengert"


def _seal(content: bytes) -> bytes:
    return blake2b(content, digest_size=_SEAL).digest()


def _opened(data: bytes) -> bytes | None:
    seal, content = data[len(_MAGIC) : len(_MAGIC) + _SEAL], data[len(_MAGIC) + _SEAL :]
    sound = data.startswith(_MAGIC) and seal == _seal(content)
    return content if sound else None


def _trusted(file: os.stat_result) -> bool:
    # Machine code is run: a file that others could have written is not.
    if os.name != "posix":
        return True
    return file.st_uid in (os.getuid(), 0) and not file.st_mode & stat.S_IWOTH


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
