"""``wengert train``: the sample network, a user's file, and what a run leaves behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest

from cli.commands import NET, carry_out
from wengert.training import load_parameters

FILES = {
    "history.jsonl", "parameters.safetensors", "checkpoint.safetensors", "run.json",
    "forward.svg", "ladder.svg", "derivation.tex", "derivation.txt", "plan.json", "curves.svg",
}  # fmt: skip


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_arguments_it_trains_the_sample_network_on_digits(tmp_path) -> None:
    pytest.importorskip("sklearn")
    begun = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "wengert.cli", "train"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    assert time.monotonic() - begun < 60
    folder = tmp_path / "runs" / "digits"
    assert FILES <= {each.name for each in folder.iterdir()}
    found = re.search(r"^accuracy on the examples kept aside: ([0-9.]+)$", result.stdout, re.M)
    assert found is not None and float(found[1]) >= 0.95
    places = [result.stdout.index(word) for word in ("prod(", "peak", "epoch  1/20")]
    assert places == sorted(places)
    for drawing in ("forward.svg", "ladder.svg", "curves.svg"):
        assert ElementTree.parse(folder / drawing).getroot().tag.endswith("svg")
    assert json.loads((folder / "plan.json").read_text())
    assert r"\documentclass" in (folder / "derivation.tex").read_text()
    assert "✗" not in (folder / "derivation.txt").read_text()


def test_a_users_file(tmp_path, capsys) -> None:
    code, out, errors = carry_out(
        capsys, "train", f"{NET}:objective", "--epochs", 3, "--batch-size", 32,
        "--learning-rate", 0.05, "--momentum", 0.9, "--nesterov", "--weight-decay", 1e-4,
        "--seed", 3, "--validation", 0.2, "--name", "mine", "--directory", tmp_path / "all",
    )  # fmt: skip
    assert (code, errors) == (0, "")
    assert "error on the examples kept aside" in out
    folder = tmp_path / "all" / "mine"
    assert FILES <= {each.name for each in folder.iterdir()}
    options = json.loads((folder / "run.json").read_text())["options"]
    assert options["optimizer"] == (
        "sgd(learning_rate=0.05, momentum=0.9, nesterov=True, weight_decay=0.0001)"
    )
    assert (options["seed"], options["batch_size"]) == ("3", "32")


def test_a_finished_run_and_a_longer_one(capsys) -> None:
    carry_out(capsys, "train", NET, "--epochs", 2)
    code, out, _ = carry_out(capsys, "train", NET, "--epochs", 2)
    assert code == 0 and "is finished: 2 of 2 epochs" in out
    code, out, _ = carry_out(capsys, "train", NET, "--epochs", 3)
    assert code == 0 and "resuming the run" in out and "epoch 3/3" in out
    code, out, errors = carry_out(capsys, "train", NET, "--epochs", 3, "--learning-rate", 0.5)
    assert code == 1 and "optimizer changed" in errors and "--no-resume" in errors
    code, out, _ = carry_out(
        capsys, "train", NET, "--epochs", 3, "--learning-rate", 0.5, "--no-resume"
    )
    assert code == 0 and "epoch 1/3" in out


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_goes_on_when_the_command_is_given_again(tmp_path, capsys, how) -> None:
    command = ["train", str(NET), "--epochs", "600", "--batch-size", "16"]
    process = subprocess.Popen(
        [sys.executable, "-m", "wengert.cli", *command],
        stdout=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if re.match(r"epoch +5/600", line):
            process.send_signal(how)
            break
    rest, _ = process.communicate(timeout=60)
    if how is signal.SIGINT:
        assert process.returncode == 130 and "run the same again to resume" in rest
    code, out, _ = carry_out(capsys, *command)
    assert code == 0 and re.search(r"resuming the run in runs/net: \d+ of 600 epochs are done", out)
    carry_out(capsys, *command, "--name", "straight")
    for name in ("parameters.safetensors", "history.jsonl"):
        assert (tmp_path / "runs/net" / name).read_bytes() == (
            tmp_path / "runs/straight" / name
        ).read_bytes()


def test_what_cannot_be_explained_can_be_trained(tmp_path, capsys, monkeypatch) -> None:
    from wengert.base.errors import UnsupportedError
    from wengert.explanation.explain import Explanation

    def refuse(self) -> str:
        raise UnsupportedError("no mathematics for this")

    monkeypatch.setattr(Explanation, "text", refuse)
    code, out, _ = carry_out(capsys, "train", NET, "--epochs", 1)
    assert code == 0 and "warning: no derivation.txt: no mathematics for this" in out


def test_the_parameters_are_those_of_fit(tmp_path, capsys) -> None:
    from wengert.cli.load import load_program
    from wengert.optim import sgd
    from wengert.training import fit

    carry_out(capsys, "train", NET, "--epochs", 2, "--seed", 4)
    program = load_program(str(NET))
    run = fit(
        program.objective, program.parameters(4), program.data()[0], optimizer=sgd(0.1), epochs=2,
        seed=4, progress=False,
    )  # fmt: skip
    saved = load_parameters(tmp_path / "runs/net/parameters.safetensors", run.parameters)
    assert all((saved[name] == run.parameters[name]).all() for name in saved)
