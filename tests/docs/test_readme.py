"""The README is executed: its Python blocks, and its two commands through .ci/run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def blocks() -> list[tuple[str, str]]:
    """Return every Python block with the page and the line where it starts."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            line = text.count("\n", 0, match.start(1)) + 1
            found.append((f"{page.relative_to(REPOSITORY)}:{line}", match[1]))
    return found


BLOCKS = blocks()


@pytest.mark.parametrize(("place", "code"), BLOCKS, ids=[place for place, _ in BLOCKS])
def test_python_block_runs(place: str, code: str, tmp_path: Path) -> None:
    file = tmp_path / "block.py"
    file.write_text(code, encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-W", "error", str(file)],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert result.returncode == 0, f"{place}\n{result.stdout}{result.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_of_this_repository_lead_somewhere(page: Path) -> None:
    targets = [t for t in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in t]
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


@pytest.mark.skipif(sys.platform == "win32", reason=".ci/run is a bash script")
@pytest.mark.parametrize(
    ("name", "ending"),
    [("main job", ".venv/bin/wengert train"), ("tests", ".venv/bin/python -m pytest -n auto")],
)
def test_ci_runs_the_commands_of_the_readme(name: str, ending: str) -> None:
    printed = subprocess.run(
        ["bash", str(REPOSITORY / ".ci" / "run"), "--print", name],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    command = printed.stdout.strip()
    assert command.endswith(ending)
    assert f"```bash\n{command}\n```" in PAGES[0].read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason=".ci/run is a bash script")
def test_ci_refuses_a_command_that_the_readme_does_not_have() -> None:
    result = subprocess.run(
        ["bash", str(REPOSITORY / ".ci" / "run"), "no such"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode != 0
    assert "README.md has no command" in result.stderr
