"""``wengert explain`` and ``wengert plan``."""

import json
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from cli.commands import NET, carry_out


def test_the_derivation_in_the_forms(capsys) -> None:
    code, text, _ = carry_out(capsys, "explain", f"{NET}:objective")
    assert code == 0 and "∂J/∂W⁽¹⁾" in text and "ϕ′" in text and "λ W⁽¹⁾" in text
    assert carry_out(capsys, "explain", NET, "--text")[1] == text
    assert r"\partial" in carry_out(capsys, "explain", NET, "--latex")[1]
    for form in ("--svg", "--forward-svg"):
        out = carry_out(capsys, "explain", NET, form)[1]
        assert ElementTree.fromstring(out).tag.endswith("svg")
    assert carry_out(capsys, "explain", NET, "--html")[1].startswith("<!doctype html>")


def test_opened_functions_are_drawn_from_inside(capsys) -> None:
    closed = carry_out(capsys, "explain", NET, "--forward-svg")[1]
    opened = carry_out(capsys, "explain", NET, "--forward-svg", "--open", "phi")[1]
    assert closed != opened and "tanh" in opened


def test_the_source_runs_without_wengert(tmp_path, capsys) -> None:
    path = tmp_path / "backward.py"
    code, out, errors = carry_out(capsys, "explain", NET, "--source", "--output", path)
    assert (code, out) == (0, "") and str(path) in errors
    program = f"import sys; sys.modules['wengert'] = None; exec(open({str(path)!r}).read())"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_the_sample_network_is_the_default(capsys) -> None:
    pytest.importorskip("sklearn")
    code, text, _ = carry_out(capsys, "explain")
    assert code == 0 and "(∂J/∂O) W⁽²⁾ᵀ" in text and "✗" not in text
    code, table, _ = carry_out(capsys, "plan")
    assert code == 0 and "f32[256,128]" in table


def test_shapes_can_be_given_where_there_is_no_data(tmp_path, capsys) -> None:
    file = tmp_path / "bare.py"
    file.write_text(
        "import numpy as np\n"
        "def parameters():\n    return np.zeros((3, 2), 'float32')\n"
        "def J(W, x):\n    return np.sum(np.tanh(x @ W))\n"
    )
    code, out, _ = carry_out(capsys, "plan", f"{file}:J", "--spec", "64x3:float32")
    assert code == 0 and "f32[64,2]" in out
    assert carry_out(capsys, "explain", f"{file}:J", "--spec", "4x3:float32")[0] == 0
    code, _, errors = carry_out(capsys, "plan", f"{file}:J")
    assert code == 2 and "--spec" in errors and "data()" in errors


def test_a_plan_that_fits_and_one_that_does_not(capsys) -> None:
    code, out, _ = carry_out(capsys, "plan", NET, "--batch", 64, "--max", "1MB")
    assert code == 0 and "\nfits 1 MB" in out and "largest batch size within 1 MB" in out
    code, out, _ = carry_out(capsys, "plan", NET, "--batch", 64, "--max", "8kB")
    assert code == 1 and "does not fit 8 kB" in out and "alive there: " in out
    largest = int(out.split("largest batch size within 8 kB: ")[1].split()[0].replace(",", ""))
    assert carry_out(capsys, "plan", NET, "--batch", largest, "--max", "8kB")[0] == 0
    assert carry_out(capsys, "plan", NET, "--batch", largest + 1, "--max", "8kB")[0] == 1


def test_a_budget_that_nothing_fits(capsys) -> None:
    code, out, _ = carry_out(capsys, "plan", NET, "--max", "10B")
    assert code == 1 and "no batch size fits 10 B" in out


def test_the_plan_as_json_and_the_reason_of_a_variable(capsys) -> None:
    code, out, errors = carry_out(capsys, "plan", NET, "--json", "--max", "1B")
    assert code == 1 and "does not fit" in errors
    assert json.loads(out)
    code, out, _ = carry_out(capsys, "plan", NET, "--why", "H")
    assert code == 0 and "H" in out
    code, _, errors = carry_out(capsys, "plan", NET, "--why", "nothing")
    assert code == 1 and "nothing" in errors


def test_lines_are_plain_and_whole_without_a_terminal(capsys) -> None:
    for command in (["plan", NET], ["explain", NET]):
        out = carry_out(capsys, *command)[1]
        assert "\x1b" not in out
    assert not [line for line in carry_out(capsys, "plan", NET)[1].splitlines() if len(line) > 160]


def test_a_reader_that_has_enough() -> None:
    command = f"{sys.executable} -m wengert.cli explain {NET} --html | head -c 10"
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert result.stdout == "<!doctype " and result.stderr == ""


def test_a_terminal_that_lacks_the_letters() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "wengert.cli", "explain", str(NET)],
        capture_output=True, check=False, env={"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert result.returncode == 0 and b"?J/?W" in result.stdout


def test_plan_does_not_read_the_numbers(tmp_path, capsys) -> None:
    file = tmp_path / "big.py"
    file.write_text(NET.read_text().replace("(200, 3)", "(200, 3)") + "\n")
    assert np.__name__ and carry_out(capsys, "plan", file, "--batch", 10**6)[0] == 0


def test_a_plan_within_a_budget_and_one_that_cannot_be(capsys) -> None:
    whole = json.loads(carry_out(capsys, "plan", NET, "--json")[1])["peak_bytes"]
    allowed = f"{whole * 9 // 10}B"
    code, out, errors = carry_out(capsys, "plan", NET, "--memory", allowed)
    assert (code, "largest batch size" in out) == (0, True) or "whatever is made again" in errors
    code, _, errors = carry_out(capsys, "plan", NET, "--memory", "10B")
    assert code == 1 and "at least" in errors and "--memory " in errors and "net.py:" in errors


def test_a_plan_with_the_solver(capsys) -> None:
    pytest.importorskip("ortools")
    whole = json.loads(carry_out(capsys, "plan", NET, "--json")[1])["peak_bytes"]
    arguments = ["plan", NET, "--memory", f"{whole}B", "--solve"]
    assert carry_out(capsys, *arguments, 1)[0] == 0
    code, _, errors = carry_out(capsys, *arguments, 0)
    assert code == 2 and "--solve is the time" in errors


@pytest.mark.parametrize("odd", ["12 apples", "0", ""])
def test_budgets_that_are_none(capsys, odd) -> None:
    code, _, errors = carry_out(capsys, "plan", NET, "--memory", odd)
    assert code == 2 and "--memory" in errors


def test_what_changed_since_a_plan_was_kept(tmp_path, capsys) -> None:
    old = tmp_path / "plan.json"
    old.write_text(carry_out(capsys, "plan", NET, "--batch", 64, "--json")[1])
    code, out, _ = carry_out(capsys, "plan", NET, "--batch", 64, "--diff", old)
    assert code == 0 and "as before" in out
    code, out, _ = carry_out(capsys, "plan", NET, "--batch", 65, "--diff", old)
    assert code == 1 and "~ peak" in out
    code, out, _ = carry_out(capsys, "plan", NET, "--batch", 63, "--diff", old)
    assert code == 0 and "~ peak" in out
    code, _, errors = carry_out(capsys, "plan", NET, "--diff", tmp_path / "none.json")
    assert code == 2 and "--diff" in errors
    old.write_text("{}")
    code, _, errors = carry_out(capsys, "plan", NET, "--diff", old)
    assert code == 1 and "is no plan to compare with" in errors


def test_plan_tells_three_ledgers_and_draws_the_curve(capsys, tmp_path):
    path = tmp_path / "memory.svg"
    code, out, _ = carry_out(capsys, "plan", NET, "--svg", str(path))
    assert code == 0 and "Three ledgers" in out and "█" in out
    for ledger in ("plan: ", "interpreter: ", "process: "):
        assert ledger in out
    assert ElementTree.fromstring(path.read_text(encoding="utf-8")).tag.endswith("svg")
