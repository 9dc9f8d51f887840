"""The benchmarks' harness, on sizes that take no time: right, wrong and absent contenders."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from benchmarks.cases import CASES, QUICK, TINY

pytest.importorskip("llvmlite")

_PLANTED = """
import sys
from benchmarks import worker
from benchmarks.contenders import by_hand
if "numpy" in sys.argv:
    honest = by_hand.Network.result
    by_hand.Network.result = lambda self: {n: w * 1.001 for n, w in honest(self).items()}
worker.main()
"""


def _run(repository, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=repository,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def test_tables_data_and_plot_are_written(repository, tmp_path):
    _run(
        repository, "tiny", "--threads", "1", "--rounds", "2", "--seconds", "0.02", "--cold",
        "--contenders", "wengert,numpy", "--out", str(tmp_path),
    )  # fmt: skip
    found = json.loads((tmp_path / "benchmarks.json").read_text("utf-8"))
    ours, peer = found["scores"]
    assert (ours["contender"], peer["contender"]) == ("wengert", "numpy")
    for score in (ours, peer):
        assert not score["problem"]
        assert score["error"] < 1e-4
        assert 0 < min(score["wall"]) < 0.1
        assert score["first"] > 0
    (ratio,) = found["ratios"]
    expected = np.median(peer["wall"]) / np.median(ours["wall"])
    assert ratio["median"] == pytest.approx(expected)
    page = (tmp_path / "benchmarks.md").read_text("utf-8")
    assert "| Tiny network | 1 |" in page
    assert (tmp_path / "pictures" / "benchmarks.svg").read_text("utf-8").startswith("<svg")


def test_sequences_are_right_and_a_neighbour_has_a_table_of_its_own(repository, tmp_path):
    _run(
        repository, "tiny-lstm", "tiny-gpt", "--threads", "2,1", "--rounds", "1", "--seconds",
        "0.02", "--cold", "--busy", "--contenders", "wengert-many,numpy", "--out", str(tmp_path),
    )  # fmt: skip
    found = json.loads((tmp_path / "benchmarks.json").read_text("utf-8"))
    assert not [each["problem"] for each in found["scores"] if each["problem"]]
    assert max(each["error"] for each in found["scores"]) < 1e-3
    assert [each["neighbour"] for each in found["scores"] if each["threads"] == 1] == [False] * 4
    assert sum(each["neighbour"] for each in found["scores"]) == 4
    page = (tmp_path / "benchmarks.md").read_text("utf-8")
    assert page.count("| Tiny LSTM | 2 |") == 2
    assert "## Beside a neighbour" in page


def test_the_quick_suite_is_a_part_of_the_whole():
    assert {*QUICK} < {*CASES} - {*TINY}


def test_unknown_contenders_are_refused(repository):
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _run(repository, "tiny", "--contenders", "wengert,abacus")
    assert "unknown: abacus" in caught.value.stderr


def test_a_wrong_contender_has_no_time(repository):
    program = f"""
import sys
from benchmarks import rounds
real = rounds.subprocess.Popen
def planted(command, **options):
    command = [sys.executable, "-c", {_PLANTED!r}, *command[-3:]]
    return real(command, **options)
rounds.subprocess.Popen = planted
scores = rounds.compete("tiny", 1, ["numpy"], rounds.Settings(1, 0.01))
print(scores[0].problem, scores[0].valid)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=repository, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("wrong by")
    assert done.stdout.strip().endswith("False")
