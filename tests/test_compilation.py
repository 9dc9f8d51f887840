"""wg.plan: from a function and shapes to an answer."""

import json

import numpy as np
import pytest

from planning.networks import NETWORKS
from wengert.base.errors import BudgetError, OptionError, WengertWarning
from wengert.compilation import plan, programs
from wengert.tracing.spec import Spec
from wengert.transforms import grad

F4 = "float32"


@pytest.fixture(scope="module")
def sample():
    function, *specs = NETWORKS["sample"]
    return plan(function, *specs)


def test_an_objective_is_planned_with_its_backward_pass(sample):
    passes = {moment.made for moment in sample.timeline()}
    assert passes == {"forward", "backward"}
    assert {v.label for v in sample.graph.outputs} >= {"d(W1)", "d(W2)"}


def test_prediction_holds_less_than_training(sample):
    function, *specs = NETWORKS["sample"]
    forward = plan(function, *specs, backward=False)
    assert forward.peak_bytes < sample.peak_bytes
    assert forward.retained_bytes == 0 < sample.retained_bytes


def test_what_an_objective_returns_beside_J_lives_too():
    def objective(W, X, y):
        o = X @ W
        return np.sum((o - y) ** 2), {"output": o}

    found = plan(objective, Spec((5, 3)), Spec((8, 5)), Spec((8, 3)))
    assert {v.label for v in found.graph.outputs} >= {"o", "d(W)"}
    assert "returned" in found.why("o").__str__()


def test_a_warning_is_given_once():
    def objective(parameters, X):
        W, _unused = parameters
        return np.sum(np.tanh(X @ W))

    with pytest.warns(WengertWarning, match="does not depend on") as given:
        found = plan(objective, (Spec((5, 3)), Spec((2,))), Spec((8, 5)))
        assert found.largest_batch("1MB") > 0
    assert len(given) == 1


def test_a_step_is_planned_as_it_is():
    def step(state, X, y):
        gradient = grad(lambda W: np.sum((X @ W - y) ** 2))(state)
        return state - 0.1 * gradient, {"rate": 0.1}

    found = plan(step, Spec((5, 3)), Spec((8, 5)), Spec((8, 3)))
    assert len(found.graph.outputs) == 2
    assert found.growth()(16) > found.growth()(8)


def test_arrays_are_examples_too_and_are_not_read():
    function, *specs = NETWORKS["sample"]
    poisoned = [np.full((512, 784), np.nan, F4), np.full(512, 9**9)]
    assert plan(function, specs[0], *poisoned).peak_bytes == plan(function, *specs).peak_bytes


@pytest.mark.parametrize("network", [name for name in NETWORKS if name != "clipped"])
def test_growth_in_the_batch_is_the_plan_at_other_batches(network):
    function, parameters, *batch = NETWORKS[network]
    found = plan(function, parameters, *batch)
    axis = 1 if network == "columns" else 0
    for size in (2, 77, 600):
        specs = [
            Spec(tuple(size if a == axis else n for a, n in enumerate(s.shape)), s.dtype)
            for s in batch
        ]
        assert found.growth()(size) == plan(function, parameters, *specs).interpreter_bytes


def test_largest_batch_reads_budgets(sample):
    at = sample.largest_batch("200MB")
    assert at == sample.largest_batch(200_000_000)
    function, parameters, *_ = NETWORKS["sample"]
    here, more = (
        plan(function, parameters, Spec((n, 784), F4), Spec((n,), "int64")).peak_bytes
        for n in (int(at), at + 1)
    )
    assert here <= 200_000_000 < more
    with pytest.raises(OptionError, match="memory budget"):
        sample.largest_batch("plenty")
    with pytest.raises(BudgetError, match="no batch size fits"):
        sample.largest_batch("1kB")


def test_growth_in_width_changes_only_the_tied_axes():
    def objective(parameters, X, y):
        h = np.tanh(X @ parameters["W1"])
        return np.sum((h @ parameters["W2"] - y) ** 2)

    def at(d, parameters=None):
        weights = {"W1": Spec((d, 20)), "W2": Spec((20, 20))}
        return plan(objective, weights, Spec((64, d)), Spec((64, 20)))

    found = at(20).growth().width
    assert found is not None
    for d in (10, 20, 200):
        assert found(d) == at(d).interpreter_bytes


def test_growth_in_layers():
    def at(count):
        return plan(
            NETWORKS["deep"][0],
            [Spec((30, 20)), *[Spec((20, 20))] * count],
            Spec((50, 30)),
            Spec((50, 20)),
        )

    found = at(4).growth().layers
    assert found is not None and "peak(n)" in found.formula
    for count in (2, 3, 4, 9, 31):
        assert found(count) == at(count).interpreter_bytes


def test_a_single_example_has_no_batch_axis():
    def objective(W, x, y):
        return np.sum((W @ x - y) ** 2)

    found = plan(objective, Spec((3, 3)), Spec((3,)), Spec((3,)))
    with pytest.raises(OptionError, match="objective has no batch axis") as problem:
        found.growth()
    assert "(3,), (3,)" in str(problem.value)
    with pytest.raises(OptionError, match="no batch axis"):
        found.largest_batch("1MB")


def test_why_tells_the_terms_in_mathematics(sample):
    text = str(sample.why("h"))
    assert "∂J/∂W⁽²⁾ = hᵀ ∂J/∂o" in text
    assert "∂J/∂z = ∂J/∂h ⊙" in text
    assert "networks.py:" in text


def test_why_without_mathematics_tells_the_operations():
    def objective(W, X):
        return np.sum(np.tanh(np.sin(X @ W)))

    found = plan(objective, Spec((5, 3)), Spec((8, 5)))
    for row in found.table().rows:
        assert str(found.why(row.label))


def test_json_is_plain_data(sample):
    found = json.loads(sample.to_json())
    assert found["peak_bytes"] == sample.peak_bytes
    assert max(each["live"] for each in found["operations"]) == sample.interpreter_bytes
    program = found["program"]
    assert max(each["live"] for each in program["kernels"]) == program["load_bytes"]
    ends = [each["offset"] + each["bytes"] for each in program["storages"]]
    assert 0 <= sample.peak_bytes - max(ends) < 64 and program["peak_bytes"] == sample.peak_bytes
    assert {each["label"] for each in found["state"]} >= {"W1", "W2", "X", "y"}
    h = next(each for each in found["intermediates"] if each["label"] == "h")
    assert h["bytes"] == 512 * 256 * 4 and h["kind"] == "retained"


def test_texts_and_pictures(sample):
    assert "peak" in str(sample) and "plan of sample" in str(sample)
    assert str(sample.growth()).startswith("batch size B: peak(B) = ")
    assert sample.svg().startswith("<svg") and "budget 200 MB" in sample.svg("200MB")
    page = sample._repr_html_()
    assert page.startswith("<svg") and page.endswith("</pre>")
    assert "h" in page.partition("<pre>")[2].split()


def test_equal_shapes_that_are_no_layers_grow_with_the_batch_only() -> None:
    def objective(p, X, Y):
        gamma, beta, W = p
        return np.mean((gamma * (X @ W) + beta - Y) ** 2)

    parameters = (Spec((4,)), Spec((4,)), Spec((3, 4)))
    found = plan(objective, parameters, Spec((6, 3)), Spec((6, 4))).growth()
    assert found.layers is None
    assert "batch size" in str(found)


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(OptionError, match="no variable 3"):
        plan(lambda x: np.sum(x), Spec((3,))).why(3)  # type: ignore[arg-type]


def test_a_budget_bounds_the_arena_and_shows_what_is_made_again():
    function, *specs = NETWORKS["recurrent"]
    whole = plan(function, *specs)
    found = plan(function, *specs, memory="3MB")
    assert found.peak_bytes <= 3 * 10**6 < whole.peak_bytes and 0 < found.overhead < 0.1
    text = str(found.table())
    assert "made again before backward" in text and "recomputation and its order" in text
    assert "makes both.3" in str(found.why("h.3"))
    assert any(v.label == "both_again" for v in found.graph.variables)
    assert found.within("1GB").graph is whole.graph or found.within("1GB").overhead == 0
    json.loads(found.to_json())


def test_a_budget_that_nothing_fits_tells_the_batch_that_would():
    function, *specs = NETWORKS["recurrent"]
    with pytest.raises(BudgetError, match=r"does not fit 1\.2 MB") as error:
        plan(function, *specs, memory="1200kB")
    text = str(error.value)
    most = int(text.split("a batch of at most ")[1].split(";")[0].replace(",", ""))

    def of(batch):
        X, h = specs[1:]
        return specs[0], Spec((batch, *X.shape[1:]), X.dtype), Spec((batch, 128), h.dtype)

    assert plan(function, *of(most), memory="1200kB").peak_bytes <= 1_200_000
    with pytest.raises(BudgetError):
        plan(function, *of(most + 1), memory="1200kB")
    with pytest.raises(BudgetError):
        plan(function, *specs).largest_batch("1kB", recompute=True)


def test_the_largest_batch_with_recomputation_is_larger():
    function, *specs = NETWORKS["recurrent"]
    without = plan(function, *specs).largest_batch("3MB")
    found = plan(function, *specs, memory="3MB").largest_batch("3MB")
    assert found > without
    assert found.peak_bytes <= 3 * 10**6 < found.next_peak_bytes


@pytest.mark.parametrize("odd", ["12 apples", 0, "-1MB"])
def test_a_budget_that_makes_no_sense(odd):
    function, *specs = NETWORKS["sample"]
    with pytest.raises(OptionError, match="memory"):
        plan(function, *specs, memory=odd)


def test_what_order_and_in_place_save_is_told():
    function, *specs = NETWORKS["attention"]
    found = plan(function, *specs)
    assert "order of kernels: least first saves 204,800 bytes" in str(found.table())
    function, *specs = NETWORKS["biased"]
    found = plan(function, *specs)
    assert found.program is not None and len(found.program.arranged.layout.over) > 1
    assert "results are written over what is read last" in str(found.table())
    apart = found.program.arranged.layout.apart_bytes
    assert f"{apart - found.peak_bytes:,} bytes" in str(found)


def test_without_llvmlite_the_plan_is_the_interpreters(monkeypatch):
    monkeypatch.setattr(programs, "find_spec", lambda name: None)
    function, *specs = NETWORKS["recurrent"]
    found = plan(function, *specs)
    assert found.program is None and found.peak_bytes == found.interpreter_bytes
    bound = found.within("3MB")
    assert bound.peak_bytes <= 3 * 10**6 and bound.overhead > 0
    assert "no program" in found.ledgers() and found.svg().startswith("<svg")
    assert int(found.largest_batch("3MB")) > 0
