"""A run that is killed, interrupted or stopped goes on to the bits of one that never was."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from training.networks import data, objective, parameters, same
from wengert.base.errors import DataError, OptionError
from wengert.optim import adam, sgd
from wengert.training import Callback, fit

# The naps give a fast machine time to be killed in; files are written between them.
SCRIPT = """
import sys
import time
from training.networks import data, objective, parameters
from wengert.optim import adam
from wengert.training import Callback, fit

class Nap(Callback):
    every = 5

    def on_step(self, report):
        time.sleep(0.008)

run = fit(
    objective, parameters(), data(300), optimizer=adam(0.01), epochs=40, batch_size=8,
    validation=0.2, directory=sys.argv[1], save_seconds=0.005,
    callbacks=[Nap()],
)
print("interrupted" if run.interrupted else "done")
"""
FILES = ("parameters.safetensors", "history.jsonl")


def start(folder: Path) -> subprocess.Popen[str]:
    tests = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), *sys.path])}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(folder)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(folder: Path) -> str:
    process = start(folder)
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, bytes]:
    """The files of a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert "done" in finish(folder)
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment_it_ends_with_the_same_bits(tmp_path, whole, seed: int) -> None:
    draw = random.Random(seed)
    kills = 0
    for _ in range(25):
        process = start(tmp_path)
        wait_for(tmp_path / "checkpoint.safetensors", process)
        time.sleep(draw.uniform(0, 0.3))
        process.kill()
        process.communicate()
        if process.returncode == 0:
            break
        kills += process.returncode == -signal.SIGKILL
    out = finish(tmp_path)
    assert kills > 2
    assert "resuming the run" in out or "is finished" in out
    for name in FILES:
        assert (tmp_path / name).read_bytes() == whole[name], name


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a process has begun to train: the checkpoint is newer than the process."""
    begun = time.time()
    while process.poll() is None and time.time() - begun < 60:
        if path.exists() and path.stat().st_mtime >= begun:
            return
        time.sleep(0.002)


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_ctrl_c_saves_everything_and_says_how_to_go_on(tmp_path, whole) -> None:
    process = start(tmp_path)
    wait_for(tmp_path / "checkpoint.safetensors", process)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "interrupted after" in out and "run the same again to resume" in out
    assert "done" in finish(tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == whole[name], name


class Press(Callback):
    """Presses Ctrl-C at given steps."""

    def __init__(self, *steps: int) -> None:
        self.steps = steps

    def on_step(self, report):
        for _ in range(self.steps.count(report.step)):
            signal.raise_signal(signal.SIGINT)


def train(folder, **options):
    given = {
        "optimizer": adam(0.01), "epochs": 3, "batch_size": 16, "directory": folder,
        "progress": False, **options,
    }  # fmt: skip
    return fit(objective, parameters(), data(50), **given)


@pytest.mark.parametrize("step", [1, 3, 4, 5, 11])
def test_interrupted_at_a_step_it_ends_with_the_same_bits(tmp_path, step: int) -> None:
    straight = train(tmp_path / "straight")
    before = signal.getsignal(signal.SIGINT)
    first = train(tmp_path / "cut", callbacks=[Press(step)])
    assert first.interrupted and signal.getsignal(signal.SIGINT) is before
    second = train(tmp_path / "cut")
    assert not second.interrupted
    assert same(second.parameters, straight.parameters)
    assert second.history == straight.history
    for name in FILES:
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_a_second_ctrl_c_raises(tmp_path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callbacks=[Press(2, 2)])
    assert same(train(tmp_path).parameters, train(tmp_path / "other").parameters)


def test_interrupted_without_a_directory(capsys) -> None:
    run = train(None, callbacks=[Press(2)], progress=None)
    assert run.interrupted
    assert "directory=" in capsys.readouterr().out


def test_a_run_can_be_made_longer_and_a_finished_one_is_not_trained_again(tmp_path, capsys) -> None:
    train(tmp_path, epochs=2)
    longer = train(tmp_path, epochs=4)
    assert same(longer.parameters, train(tmp_path / "other", epochs=4).parameters)
    capsys.readouterr()
    again = train(tmp_path, epochs=4, progress=None)
    assert "is finished" in capsys.readouterr().out
    assert same(again.parameters, longer.parameters) and again.history == longer.history
    with pytest.raises(OptionError, match="longer than epochs"):
        train(tmp_path, epochs=3)
    assert len(train(tmp_path, epochs=1, resume=False).history.epochs) == 1


def changed(**options):
    return options


@pytest.mark.parametrize(
    ("named", "options"),
    [
        ("batch_size", changed(batch_size=8)),
        ("seed", changed(seed=1)),
        ("optimizer", changed(optimizer=sgd(0.1))),
        ("optimizer", changed(optimizer=adam(0.02))),
        ("validation", changed(validation=0.2)),
    ],
)
def test_a_changed_option_is_refused_by_name(tmp_path, named: str, options) -> None:
    train(tmp_path)
    with pytest.raises(OptionError, match=rf"cannot be resumed: .*{named}") as caught:
        train(tmp_path, **options)
    assert "resume=False" in str(caught.value)


def test_changed_parameters_data_or_objective_are_refused_by_name(tmp_path) -> None:
    def run(f=objective, p=None, d=None):
        return fit(
            f, parameters() if p is None else p, data(50) if d is None else d,
            epochs=1, directory=tmp_path, progress=False,
        )  # fmt: skip

    run()
    with pytest.raises(OptionError, match="initial values changed"):
        run(p=parameters(seed=5))
    with pytest.raises(OptionError, match="parameters and initial values"):
        run(p={**parameters(), "more": np.zeros(1, "float32")})
    X, y = data(50)
    with pytest.raises(OptionError, match="data changed"):
        run(d=(X, np.roll(y, 1)))
    with pytest.raises(OptionError, match="objective changed"):
        run(f=lambda p, X, y: objective(p, X, y)[0] * 2.0)
    run()


def test_the_same_objective_on_other_lines_resumes(tmp_path) -> None:
    source = "def f(w, x):\n    return ((x - w) ** 2).mean()\n"
    for text in (source, "\n\n# a comment\n" + source):
        space: dict = {}
        exec(compile(text, "net.py", "exec"), space)
        fit(space["f"], np.zeros(2), np.ones((8, 2)), epochs=1, directory=tmp_path, progress=False)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text", "other"])
def test_a_damaged_checkpoint_is_told(tmp_path, damage: str) -> None:
    train(tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[:-5]
    elif damage == "flip":
        content[-3] ^= 1
    elif damage == "empty":
        content = bytearray()
    elif damage == "text":
        content = bytearray(b"not a checkpoint at all")
    else:
        content = bytearray((tmp_path / "parameters.safetensors").read_bytes())
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"checkpoint\.safetensors is damaged"):
        train(tmp_path)
    train(tmp_path, resume=False)


def test_a_history_that_was_shortened_is_told(tmp_path) -> None:
    train(tmp_path)
    (tmp_path / "history.jsonl").write_text("")
    with pytest.raises(DataError, match="does not belong to the checkpoint"):
        train(tmp_path)


def test_a_torn_last_line_is_cut_off(tmp_path) -> None:
    train(tmp_path, epochs=2)
    with (tmp_path / "history.jsonl").open("a") as file:
        file.write('{"kind": "epoch", "epo')
    train(tmp_path, epochs=3)
    train(tmp_path / "other", epochs=3)
    assert (tmp_path / "history.jsonl").read_bytes() == (
        tmp_path / "other" / "history.jsonl"
    ).read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="no flock")
def test_a_second_run_in_one_directory_is_refused(tmp_path) -> None:
    class Rival(Callback):
        def on_step(self, report):
            with pytest.raises(OptionError, match="another run is writing"):
                train(tmp_path)
            return "tried"

    assert train(tmp_path, callbacks=[Rival()]).stopped == "tried"


def test_a_directory_that_cannot_be_one(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match="cannot be made"):
        train(tmp_path / "file" / "run")
