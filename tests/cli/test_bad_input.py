"""Whatever is wrong on a command line or in a user's file is told without a traceback of ours."""

import subprocess
import sys

import pytest

from cli.commands import NET, carry_out

GOOD = NET.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(capsys, code: int, *words) -> str:
    found, _, errors = carry_out(capsys, *words)
    assert found == code, errors
    assert "Traceback" not in errors and "src/wengert" not in errors
    assert errors.startswith(("error: ", "usage: "))
    return errors


def written(tmp_path, text: str, name: str = "mine.py"):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("command", ["train", "explain", "plan"])
def test_an_unknown_file(tmp_path, capsys, command: str) -> None:
    written(tmp_path, GOOD, "network.py")
    errors = refused(capsys, 2, command, "netwrk.py:objective")
    assert "there is no file netwrk.py" in errors and "network.py" in errors
    assert "is a folder" in refused(capsys, 2, command, tmp_path)


def test_an_unknown_function(tmp_path, capsys) -> None:
    file = written(tmp_path, GOOD)
    errors = refused(capsys, 2, "explain", f"{file}:objectve")
    assert "has no function objectve" in errors and "mine.py:objective" in errors
    assert "lam = float" in refused(capsys, 2, "explain", f"{file}:lam")


@pytest.mark.parametrize("name", ["parameters", "data"])
def test_a_function_that_is_missing_beside_the_objective(tmp_path, capsys, name: str) -> None:
    file = written(tmp_path, GOOD.replace(f"def {name}(", "def other("))
    errors = refused(capsys, 2, "train", file)
    assert f"has no function {name}()" in errors and f"def {name}(): return" in errors


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import numpy as np\nx = undefined\n", "NameError: name 'undefined'"),
        ("import no_such_library_anywhere\n", "No module named 'no_such_library_anywhere'"),
        ("x = 1 / 0\n", "ZeroDivisionError"),
        ("raise SystemError('mine')\n", "SystemError: mine"),
    ],
)
def test_a_file_that_raises_shows_the_users_line(tmp_path, capsys, text: str, said: str) -> None:
    errors = refused(capsys, 1, "train", written(tmp_path, text))
    assert said in errors and "mine.py:" in errors
    assert text.splitlines()[-1] in errors


def test_a_file_that_is_not_python(tmp_path, capsys) -> None:
    errors = refused(capsys, 1, "train", written(tmp_path, "def objective(:\n"))
    assert "mine.py is not Python" in errors and "def objective(:" in errors and "^" in errors


def test_a_file_that_ends_python(tmp_path, capsys) -> None:
    errors = refused(capsys, 1, "train", written(tmp_path, "import sys\nsys.exit(0)\n"))
    assert "mine.py:2" in errors and "exit" in errors


def test_an_objective_that_raises_shows_the_users_line(tmp_path, capsys) -> None:
    file = written(tmp_path, GOOD.replace("H = phi(", "H = fi("))
    errors = refused(capsys, 1, "explain", file)
    assert "name 'fi' is not defined" in errors and "in objective" in errors
    assert 'H = fi(X @ parameters["W1"])' in errors


def test_parameters_that_raise(tmp_path, capsys) -> None:
    file = written(tmp_path, GOOD.replace("rng.standard_normal((3, 8))", "rng.normal_standard()"))
    assert "normal_standard" in refused(capsys, 1, "plan", file)


def test_an_objective_of_another_signature(tmp_path, capsys) -> None:
    file = written(
        tmp_path, GOOD.replace("objective(parameters, X, y)", "objective(parameters, X)")
    )
    for command in ("train", "explain", "plan"):
        assert "given 3 arguments" in refused(capsys, 1, command, file)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("return X.tolist(), 3", "no array"),
        ("return 'digits'", "data() of"),
        ("return X[:0], X[:0, 0]", "is empty"),
        ("return X, X[:5, 0]", "do not share their first axis"),
        ("return X * np.nan, X[:, 0]", "not finite"),
        ("return {}", "data() of"),
    ],
)
def test_data_that_cannot_be_used(tmp_path, capsys, returned: str, said: str) -> None:
    text = GOOD.replace("return X, np.sin(X[:, 0]) + X[:, 1]", returned)
    assert text != GOOD
    assert said in refused(capsys, 1, "train", written(tmp_path, text))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trian"], "invalid choice"),
        (["train", "--epochs", "many"], "--epochs"),
        (["train", "--no-such-option"], "unrecognized"),
        (["explain", "--latex", "--svg"], "not allowed with"),
        (["plan", str(NET), "--max", "a lot"], "--max"),
        (["plan", str(NET), "--batch", "0"], "--batch"),
        (["explain", str(NET), "--batch", "-1"], "--batch"),
        (["plan", str(NET), "--spec", "axb:float32"], "--spec"),
        (["plan", str(NET), "--spec", "3:float31"], "float31"),
        (["train", str(NET), "--name", "../up"], "--name"),
        (["train", str(NET), "--name", ""], "--name"),
    ],
)
def test_a_wrong_command_line(capsys, words, said: str) -> None:
    assert said in refused(capsys, 2, *words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--epochs", "0"], "epochs"),
        (["--batch-size", "0"], "batch_size"),
        (["--learning-rate", "-1"], "learning_rate"),
        (["--momentum", "1"], "momentum"),
        (["--nesterov"], "nesterov"),
        (["--seed", "-1"], "seed"),
        (["--validation", "2"], "between 0 and 1"),
    ],
)
def test_a_value_that_makes_no_sense(capsys, words, said: str) -> None:
    assert said in refused(capsys, 1, "train", NET, *words)


def test_a_learning_rate_that_explodes(capsys) -> None:
    errors = refused(capsys, 1, "train", NET, "--learning-rate", 1e200, "--epochs", 5)
    assert "a number that is not finite in epoch" in errors and "net.py:" in errors
    assert "last good parameters" in errors


def test_a_place_that_cannot_be_written_to(tmp_path, capsys) -> None:
    written(tmp_path, "", "file")
    assert "cannot be made" in refused(capsys, 1, "train", NET, "--directory", tmp_path / "file")
    errors = refused(capsys, 1, "explain", NET, "--output", tmp_path / "no" / "file.txt")
    assert "could not be written" in errors


def test_a_parameter_that_j_does_not_depend_on_is_a_warning(tmp_path, capsys) -> None:
    text = GOOD.replace('"w2": rng', '"idle": np.zeros(2), "w2": rng')
    code, _, errors = carry_out(capsys, "train", written(tmp_path, text), "--epochs", 1)
    assert code == 0
    assert errors.count("warning: objective does not depend on idle") == 1


def test_no_command_shows_the_help(capsys) -> None:
    code, out, _ = carry_out(capsys)
    assert code == 2 and "wengert train net.py:objective" in out


@pytest.mark.parametrize("command", [[], ["train"], ["explain"], ["plan"]])
def test_help_teaches(capsys, command) -> None:
    code, out, _ = carry_out(capsys, *command, "--help")
    assert (code == 0 and "wengert plan" in out) or "examples:" in out
    assert "Exit codes" in out


def test_a_mistake_of_ours_asks_for_a_report(capsys, monkeypatch) -> None:
    from wengert.cli import plan

    monkeypatch.setattr(plan, "planned", type)  # raises, with no frame of a user's
    found, _, errors = carry_out(capsys, "plan", NET)
    assert found == 1 and "mistake in Wengert itself" in errors and "Traceback" not in errors
    assert "Traceback" in carry_out(capsys, "plan", NET, "--traceback")[2]


def test_a_file_named_like_a_library_does_not_take_its_place(tmp_path, capsys) -> None:
    file = written(tmp_path, GOOD, "numpy.py")
    program = (
        f"import sys; from wengert.cli.main import main; sys.exit(main(['explain', {str(file)!r}]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=NET.parent
    )
    assert result.returncode == 0, result.stderr


def test_a_validation_part_where_data_sets_examples_aside(tmp_path, capsys) -> None:
    file = written(tmp_path, GOOD.replace("return X, np.sin", "return (X, y), (X, y)  # ").replace(
        "X = rng.standard_normal((200, 3))", "X = rng.standard_normal((200, 3)); y = X[:, 0]"
    ))  # fmt: skip
    assert carry_out(capsys, "train", file, "--epochs", 1)[0] == 0
    assert "leave --validation out" in refused(capsys, 2, "train", file, "--validation", 0.1)
