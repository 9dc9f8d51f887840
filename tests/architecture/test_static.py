"""Ruff and pyright, so that one command runs every check."""

import json
import subprocess
import sys

import pytest

from architecture.floors import REPOSITORY


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_ruff_finds_nothing() -> None:
    result = run("ruff", "check", "--no-cache", "--output-format=concise", ".")
    assert result.returncode == 0, result.stdout + result.stderr


def test_ruff_would_format_nothing() -> None:
    result = run("ruff", "format", "--no-cache", "--check", ".")
    assert result.returncode == 0, result.stdout + result.stderr


def test_pyright_finds_nothing() -> None:
    result = run("pyright", "--outputjson", "--pythonpath", sys.executable)
    if not result.stdout.lstrip().startswith("{"):
        pytest.skip(f"pyright cannot run here (it needs Node): {result.stderr.strip()[-300:]}")
    report = json.loads(result.stdout)
    problems = [
        f"{item['file']}:{item['range']['start']['line'] + 1}: {item['message']}"
        for item in report["generalDiagnostics"]
        if item["severity"] == "error"
    ]
    assert not problems, "\n".join(problems)
    assert report["summary"]["filesAnalyzed"] > 0
