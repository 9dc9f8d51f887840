"""The table of a plan: totals that add up, and lines that fit."""

import pytest

from planning.networks import NETWORKS
from wengert.planning.plan import plan_graph
from wengert.planning.table import MARK, table
from wengert.planning.timeline import timeline
from wengert.transforms import joint


def planned(network):
    function, *specs = NETWORKS[network]
    return plan_graph(joint(function, *specs))


@pytest.mark.parametrize("network", NETWORKS)
def test_rows_alive_at_the_peak_and_workspace_are_the_peak(network):
    plan = planned(network)
    rows = table(plan).rows
    at_peak = sum(row.nbytes for row in rows if row.at_peak)
    assert at_peak + plan.workspace[plan.peak_at] == plan.peak_bytes
    assert [row.birth for row in rows] == sorted(row.birth for row in rows)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_timeline_splits_the_live_bytes(network):
    plan = planned(network)
    moments = timeline(plan)
    assert tuple(moment.live for moment in moments) == plan.live
    first_backward = moments[plan.loss_at]
    assert first_backward.retained == plan.retained_bytes
    assert all(moment.gradient == 0 for moment in moments[: plan.loss_at])
    gradients = {plan.lifetime_of[v] for v in plan.graph.outputs if v.role == "gradient"}
    assert moments[-1].gradient >= sum(each.nbytes for each in gradients) > 0


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 140, 200])
@pytest.mark.parametrize("network", ["sample", "recurrent"])
def test_no_line_is_wider_than_the_terminal(network, width):
    text = table(planned(network)).text(width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "peak" in text


def test_narrow_terminals_lose_columns_and_keep_names_and_bytes():
    wide, narrow = (table(planned("sample")).text(width) for width in (160, 30))
    for heading in ("variable", "bytes", "shape", "alive", "made by", "why"):
        assert heading in wide.splitlines()[0]
    assert narrow.splitlines()[0].split() == ["variable", "bytes", "alive"]
    assert any(line.startswith(f"{MARK} d(W1)") for line in narrow.splitlines())


def test_rows_say_why():
    rows = {row.label: row for row in table(planned("sample")).rows}
    assert rows["h"].retained and "d(W2)" in rows["h"].why
    assert rows["d(W1)"].why == "returned" and rows["d(W1)"].role == "output"
    assert rows["o"].kind in ("forward", "retained")
