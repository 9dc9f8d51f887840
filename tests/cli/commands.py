"""Run a command line in this process, in a folder of its own."""

from pathlib import Path

from wengert.cli.main import main

NET = Path(__file__).with_name("net.py")


def carry_out(capsys, *words) -> tuple[int, str, str]:
    """Return exit code, output and errors of a command line."""
    capsys.readouterr()
    try:
        code = main([str(word) for word in words])
    except SystemExit as end:
        code = int(end.code or 0)
    out, errors = capsys.readouterr()
    return code, out, errors
