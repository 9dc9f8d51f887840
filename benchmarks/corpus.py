"""The scoreboard of the corpus: ``python -m benchmarks.corpus [--out docs/corpus.md]``.

Whole programs in plain NumPy, none of which knows Wengert (``tests/corpus``), run unchanged:
traced, equal to NumPy, differentiated (the gradient of the sum of all results against
differences), compiled, and timed against NumPy itself on one thread.
"""

from __future__ import annotations

import argparse
import inspect
import statistics
import sys
import warnings
from pathlib import Path

from rich.progress import track

from benchmarks.machine import describe

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from corpus.judge import STAGES, Score, judged
from corpus.programs import PROGRAMS, Case

_MARKS = {True: "yes", False: "**no**", None: "—"}


def main() -> int:
    """Judge every program and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corpus", description=__doc__)
    parser.add_argument("names", nargs="*", help="programs; all where none is named")
    parser.add_argument("--out", type=Path, help="where the page is written")
    asked = parser.parse_args()
    chosen = [case for case in PROGRAMS if not asked.names or case.name in asked.names]
    warnings.simplefilter("ignore")
    scores = {
        case.name: judged(case, timed=True)
        for case in track(chosen, "programs", disable=not sys.stderr.isatty())
    }
    page = markdown(chosen, scores)
    if asked.out:
        asked.out.write_text(page, "utf-8")
    print(page)
    return 0


def markdown(cases: list[Case], scores: dict[str, Score]) -> str:
    """Return the page."""
    every = list(scores.values())
    passed = {name: sum(s.passed.get(name) is not False and name in s.passed for s in every)
              for name in STAGES}  # fmt: skip
    ratios = [score.ratio for score in every if score.ratio]
    told = ", ".join(f"{count} {name}" for name, count in passed.items())
    machine = describe()
    lines = [
        "# The corpus", "", (__doc__ or "").split("\n\n")[1].replace("\n", " "), "",
        f"Of {len(every)} programs: {told}. Median time of NumPy over that of the compiled "
        f"program: {statistics.median(ratios) if ratios else 0:.1f}; above 1, the compiled program "
        "is faster. A dash: nothing real to differentiate.", "",
        f"Machine: {machine['processor']}, Python {machine['Python']}, "
        f"numpy {machine['numpy']}.", "",
        "| program | lines | operations | " + " | ".join(STAGES) + " | NumPy / compiled |",
        "| --- | ---: | ---: | " + " | ".join(":---:" for _ in STAGES) + " | ---: |",
    ]  # fmt: skip
    lines += [_row(case, scores[case.name]) for case in cases]
    failures = [(case, scores[case.name]) for case in cases if scores[case.name].reason]
    if failures:
        lines += ["", "## What stands in the way", ""]
        lines += [f"* `{case.name}`: {score.reason.splitlines()[0]}" for case, score in failures]
    return "\n".join(lines) + "\n"


def _row(case: Case, score: Score) -> str:
    marks = " | ".join(_MARKS[score.passed.get(name, False)] for name in STAGES)
    count = len(inspect.getsource(case.program).splitlines())
    ratio = f"{score.ratio:.2g}×" if score.ratio else ""
    return f"| {case.room}: {case.name} | {count} | {score.operations} | {marks} | {ratio} |"


if __name__ == "__main__":
    raise SystemExit(main())
