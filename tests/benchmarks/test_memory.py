"""The page about memory against peers: written from what was measured, gaps included."""

from xml.etree import ElementTree

from benchmarks.memory import Findings, Measured, Row, markdown, picture


def found():
    ours, theirs = Measured(10**8, 0.5, 10**8), Measured(2 * 10**8, 1.0)
    row = Row(0.5, 15 * 10**7, theirs, ours)
    kept = {"wengert": ours, "torch": theirs, "jax": None}
    none = Row(0.25, 9 * 10**7, None, None)
    return Findings(
        "residual", kept, {1.0: theirs}, [row, none], {50: Measured(10**7, 0.6, 1, 0.1)}
    )


def test_the_page_tells_every_number():
    page = markdown([found()])
    assert "| JAX | failed | | |" in page and "| PyTorch | 200.0 MB | — | 1000 ms |" in page
    assert "| 50% | 150.0 MB | +0 % | +0 % | 100.0 MB |" in page
    assert "| 25% | 90.0 MB | — | — | — |" in page
    assert "| 50 % | 10.0 MB | 0.0 MB | +20 % | 10.0% |" in page


def test_the_plot_is_drawn():
    words = "".join(ElementTree.fromstring(picture([found(), found()])).itertext())
    assert "Wengert, its budget" in words and "PyTorch, its budget" in words
