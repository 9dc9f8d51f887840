"""Teams: counts that make sense, calls that end when asked to, forks, exits, busy neighbours."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from native.samples import kernels, operands
from wengert.base.errors import OptionError
from wengert.native import threads as module
from wengert.native.primitives import primitives
from wengert.native.target import cores
from wengert.native.threads import Team, checked, free_cores, team
from wengert.native.walker import Record, Table

LIBRARY = kernels()
SLOW, COUNT = LIBRARY.addresses["slow"], LIBRARY.addresses["count"]


def _slow(x: np.ndarray, rounds: int, chunks: int, owners: int = 2) -> tuple[Table, np.ndarray]:
    place = operands(x, rounds)
    return Table([Record(SLOW, place.ctypes.data, chunks)], owners), place


@pytest.mark.parametrize("wrong", [0, -1, 10_000, 4 * cores() + 1, True, 2.0, "2"])
def test_counts_that_make_no_sense(wrong):
    with pytest.raises(OptionError) as told:
        checked(wrong)
    assert str(wrong) in str(told.value)


def test_counts_that_do():
    assert checked(None) == free_cores() <= cores()
    assert [checked(n) for n in (1, np.int64(2), 4 * cores())] == [1, 2, 4 * cores()]
    assert team(2) is team(2) and team(1) is not team(2)


def test_a_quota_of_the_group_counts(tmp_path):
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert module._quota(tmp_path) == 1.5
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert module._quota(tmp_path) is None
    (tmp_path / "cpu.max").unlink()
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert module._quota(tmp_path) is None
    assert module._quota(tmp_path / "nowhere") is None


def test_polls_see_progress_and_can_end_the_run():
    x = np.zeros(4, np.int64)
    table, _place = _slow(x, 20_000, 4)
    seen: list[int] = []

    def poll(done: int) -> bool:
        seen.append(done)
        return len(seen) == 3

    done = team(2).run(table, 10**9, poll)
    assert done == seen[-1] == table.steps and sorted(set(seen)) == seen and len(seen) == 3
    assert (x == done).all()


def test_another_thread_stops_a_run_and_watches_it():
    x = np.zeros(4, np.int64)
    table, _place = _slow(x, 2_000, 4)
    steps: list[int] = []

    def watch() -> None:
        while len(steps) < 20:
            steps.append(table.steps)
            time.sleep(0.005)
        table.stop()

    watcher = threading.Thread(target=watch)
    watcher.start()
    done = team(2).run(table, 10**12)
    watcher.join()
    assert done >= steps[-1] > 0 and (x == done).all() and table.stopped


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_control_c_ends_a_long_run_between_two_steps():
    x = np.zeros(4, np.int64)
    table, _place = _slow(x, 2_000, 4)
    sent: list[float] = []

    def interrupt() -> None:
        time.sleep(0.2)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    other = threading.Thread(target=interrupt)
    other.start()
    with pytest.raises(KeyboardInterrupt):
        team(2).run(table, 10**12)
    late = time.monotonic() - sent[0]
    other.join()
    assert (x == x[0]).all() and x[0] > 0, "no step was cut in two"
    assert late < 2.0, "one turn is 0.05 s; the rest is a busy machine's"
    assert team(2).run(table, 5) == 5 and (x == x[0]).all()


def test_two_threads_of_python_run_at_once():
    crew, results = Team(2), []

    def work() -> None:
        x = np.zeros(16, np.int64)
        table, _place = _slow(x, 200, 16)
        for _ in range(30):
            crew.run(table, 10)
        results.append((x == 300).all())

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert results == [True] * 3
    crew.close()


def test_a_table_cannot_run_inside_its_own_run():
    x = np.zeros(4, np.int64)
    table, _place = _slow(x, 10, 4)
    with pytest.raises(RuntimeError, match="inside its own run"):
        team(2).run(table, 10, lambda done: team(2).run(table, 1))
    assert team(2).run(table, 1) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_a_team_of_its_own():
    x = np.zeros(16, np.int64)
    table, _place = _slow(x, 100, 16)
    team(2).run(table, 10)
    child = os.fork()
    if child == 0:
        done = team(2).run(table, 10)
        alive = [helper.is_alive() for helper in team(2)._crew.helpers]
        os._exit(0 if done == 10 and (x == 20).all() and alive == [True] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert team(2).run(table, 10) == 10 and (x == 20).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("between_steps", [True, False])
def test_a_fork_during_a_run(between_steps: bool):
    x = np.zeros(16, np.int64)
    table, _place = _slow(x, 1_000, 16)
    codes: list[int] = []

    def fork() -> None:
        child = os.fork()
        if child == 0:
            try:
                os._exit(team(2).run(table, 3))
            except RuntimeError:
                os._exit(99)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        table.stop()

    if between_steps:
        team(2).run(table, 10**12, lambda done: fork() if not codes else True)
    else:
        other = threading.Timer(0.02, fork)
        other.start()
        team(2).run(table, 10**12)
        other.join()
    assert codes == [3 if between_steps else 99]


_LEAVING = """
import numpy as np, threading, sys
from wengert.native.jit import session
from wengert.native.threads import Team, team
from wengert.native.walker import Record, Table
library = session().text("define void @f(ptr %o, i64 %a, i64 %b) {\\n  ret void\\n}\\n", ["f"])
table = Table([Record(library.addresses["f"], 0, 64)], 2)
def work():
    team(2).run(table, 100)
    Team(2).run(table, 100)
thread = threading.Thread(target=work, daemon=True)
thread.start()
thread.join()
"""


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "threading.Timer(0.05, work).start()"])
def test_a_process_ends_though_helpers_are_parked(end: str):
    command = [sys.executable, "-W", "error", "-c", _LEAVING + end]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0 and done.stderr == b"", done.stderr


def test_a_team_that_goes_takes_its_helpers_along():
    crew = Team(2)
    table, _place = _slow(np.zeros(16, np.int64), 10, 16)
    crew.run(table, 10)
    (helper,) = crew._crew.helpers
    assert helper.is_alive()
    del crew
    helper.join(timeout=5)
    assert not helper.is_alive()


def _shrunk() -> tuple[Team, Table, np.ndarray, np.ndarray]:
    crew, x = Team(2), np.zeros(16, np.int64)
    table, place = _slow(x, 10, 16)
    crew.run(table, 1)
    crew._crew.control[module._ACTIVE] = 1
    return crew, table, x, place


def test_a_shrunk_team_does_the_same_and_comes_back(monkeypatch):
    crew, table, x, _place = _shrunk()
    monkeypatch.setattr(module._Watch, "room", lambda self: 1)
    monkeypatch.setattr(module, "_PATIENCE", 0)
    for _ in range(10):
        crew.run(table, 10)
    assert crew.active == 1 and (x == 101).all()
    monkeypatch.setattr(module._Watch, "room", lambda self: 2)
    crew._patience = 0
    crew.run(table, 1)
    crew.run(table, 1)
    assert crew.active == 2
    assert crew.run(table, 10) == 10 and (x == 113).all()
    crew.close()


def test_a_team_that_came_back_too_early_waits_longer(monkeypatch):
    crew, table, _x, _place = _shrunk()
    monkeypatch.setattr(module._Watch, "room", lambda self: 2)
    waits = []
    for _ in range(3):
        crew._crew.control[module._ACTIVE] = 1
        crew.run(table, 1)
        waits.append(crew._patience)
        assert crew._watch is not None
        crew._watch.since -= 10**10
        crew.run(table, 1)
        assert crew.active == 2
    assert waits == [module._PATIENCE, 2 * module._PATIENCE, 4 * module._PATIENCE]
    crew.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_watch_sees_the_room_that_others_leave(monkeypatch):
    crew, _table, _x, _place = _shrunk()
    times = iter([0, 10**9, 10**9])
    monkeypatch.setattr(module.time, "monotonic_ns", lambda: next(times))
    monkeypatch.setattr(module, "cores", lambda: 2)
    monkeypatch.setattr(module, "free_cores", lambda: 2)
    idle = iter([0, 10**9])
    monkeypatch.setattr(module, "_idle", lambda: next(idle))
    monkeypatch.setattr(module._Watch, "_spent", lambda self: 0)
    # One of two cores idle for a second while the team did nothing: a neighbour has the other.
    assert module._Watch(crew._crew).room() == 1
    monkeypatch.undo()
    crew.close()


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "unheard of"])
def test_primitives_are_written_for_every_platform(system: str, machine: str):
    from wengert.native.llvm import binding

    binding.initialize_native_target()
    module = binding.parse_assembly(primitives(system, machine))
    module.verify()
    told = {function.name for function in module.functions if not function.is_declaration}
    assert told == {"relax", "clock", "now", "give", "nap", "strike"}
