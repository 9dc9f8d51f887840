"""Whatever happens to a file of the cache, what comes back is sound or nothing."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from wengert.base.errors import WengertWarning
from wengert.native.cache import Cache, digest

_WRITER = """
import sys
from pathlib import Path
from wengert.native.cache import Cache
cache = Cache(Path(sys.argv[1]))
content = bytes([int(sys.argv[2])]) * 200_000
print("writing", flush=True)
while True:
    cache.put("shared", content)
    found = cache.get("shared")
    assert found is not None and len(set(found)) == 1 and len(found) == 200_000, "torn"
"""


def test_what_is_put_comes_back(tmp_path: Path):
    cache = Cache(tmp_path / "deep" / "folder")
    assert cache.get("a") is None
    cache.put("a", b"code")
    assert cache.get("a") == b"code"
    cache.put("a", b"other")
    assert cache.get("a") == b"other"
    assert [path.name for path in cache.folder.iterdir()] == ["a.o"]


@pytest.mark.parametrize("cut", [0, 5, 20, 48, 60, -1])
def test_truncated_file_is_not_used(tmp_path: Path, cut: int):
    cache = Cache(tmp_path)
    cache.put("a", b"code" * 20)
    path = tmp_path / "a.o"
    path.write_bytes(path.read_bytes()[:cut])
    assert cache.get("a") is None


def test_any_flipped_byte_is_noticed(tmp_path: Path):
    cache = Cache(tmp_path)
    cache.put("a", b"code" * 5)
    path = tmp_path / "a.o"
    sound = path.read_bytes()
    for i in range(len(sound)):
        path.write_bytes(sound[:i] + bytes([sound[i] ^ 1]) + sound[i + 1 :])
        assert cache.get("a") is None, f"byte {i}"
    path.write_bytes(sound + b"more")
    assert cache.get("a") is None
    path.write_bytes(sound)
    assert cache.get("a") == b"code" * 5


def test_folder_that_cannot_be_written_warns_once_and_goes_on(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file" / "folder")
    with pytest.warns(WengertWarning, match="not kept in"):
        cache.put("a", b"code")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.put("b", b"code")
    assert cache.get("a") is None


def test_full_disk_warns_once_and_leaves_nothing(tmp_path: Path, monkeypatch):
    cache = Cache(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(WengertWarning, match="No space left"):
        cache.put("a", b"code")
    assert list(tmp_path.iterdir()) == [] and cache.get("a") is None


def test_least_lately_used_go_first(tmp_path: Path):
    cache = Cache(tmp_path, limit=10_000)
    for i in range(6):
        cache.put(f"n{i}", bytes(1_500))
        os.utime(tmp_path / f"n{i}.o", (i, i))
    assert cache.get("n0") is not None, "a hit makes it the latest"
    cache.put("n6", bytes(1_500))
    kept = {path.stem for path in tmp_path.iterdir()}
    assert "n0" in kept and "n6" in kept and "n1" not in kept
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 10_000


def test_leavings_of_killed_writers_are_cleared(tmp_path: Path):
    old, new = tmp_path / "a.1.2.part", tmp_path / "b.1.2.part"
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (1, 1))
    Cache(tmp_path).put("c", b"code")
    assert not old.exists() and new.exists()


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_code_that_others_could_write_is_not_run(tmp_path: Path):
    cache = Cache(tmp_path)
    cache.put("a", b"code")
    os.chmod(tmp_path / "a.o", 0o666)
    assert cache.get("a") is None


def test_two_writers_and_a_kill_leave_whole_files(tmp_path: Path):
    command = [sys.executable, "-c", _WRITER, str(tmp_path)]
    writers = [
        subprocess.Popen([*command, str(i)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for i in (1, 2)
    ]
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == b"writing\n"
    time.sleep(0.3)
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
        _, problems = writer.communicate()
        assert problems == b"" and writer.returncode == -signal.SIGKILL
    found = Cache(tmp_path).get("shared")
    assert found is not None and len(found) == 200_000 and len(set(found)) == 1


def _put(folder: str, name: str) -> None:
    Cache(Path(folder)).put(name, name.encode())


def test_many_processes_fill_one_folder(tmp_path: Path):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.starmap(_put, [(str(tmp_path), f"n{i}") for i in range(20)])
    cache = Cache(tmp_path)
    assert all(cache.get(f"n{i}") == f"n{i}".encode() for i in range(20))


def test_digest_keeps_parts_apart():
    assert digest("a", "bc") != digest("ab", "c")
    assert digest("a", "b") == digest("a", "b")
