"""Two plans beside one another."""

import json

import pytest

from planning.networks import NETWORKS
from wengert.base.errors import DataError
from wengert.planning.difference import difference, read_plan
from wengert.planning.dump import dump
from wengert.planning.plan import plan_graph
from wengert.tracing.spec import Spec
from wengert.transforms import joint


def planned(batch):
    function, parameters, X, y = NETWORKS["deep"]
    X, y = (Spec((batch, *each.shape[1:]), each.dtype) for each in (X, y))
    return dump(plan_graph(joint(function, parameters, X, y)))


def test_nothing_changed():
    found = difference(planned(300), planned(300))
    assert found.peak_growth == 0 and not found.storages and not found.at_peak
    assert "peak  4,915,216 bytes, as before" in str(found)


def test_a_larger_batch_is_seen_in_totals_and_storages():
    old, new = planned(300), planned(310)
    found = difference(old, new)
    assert found.peak_growth == new["peak_bytes"] - old["peak_bytes"] > 0
    assert {each.what for each in found.storages} >= {"h", "h.6", "d(h.6)"}
    assert all(each.growth > 0 for each in found.storages)
    assert "~ h  614,400 → 634,880 bytes (+20,480, +3.33 %)" in str(found)


def test_what_is_new_and_what_is_gone():
    old, new = planned(300), planned(300)
    gone = new["intermediates"].pop(3)
    text = str(difference(old, new))
    assert f"- {gone['label']}" in text
    assert f"+ {gone['label']}" in str(difference(new, old))


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "{}", "{{{{", '{"schema": 1}', '{"schema": 2}', '{"schema": 2, "peak_bytes": "1"}'],
)  # fmt: skip
def test_what_is_no_plan_is_refused(text):
    with pytest.raises(DataError, match=r"old.json is no plan to compare with"):
        read_plan(text, "old.json")


def test_a_plan_with_a_damaged_row_is_refused():
    data = planned(300)
    data["intermediates"][2]["bytes"] = "many"
    with pytest.raises(DataError):
        read_plan(json.dumps(data), "old.json")
