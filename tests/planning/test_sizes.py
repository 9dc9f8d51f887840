"""Which axes change together."""

from wengert.base.tree import flatten
from wengert.planning.sizes import batch_axes, layer_run, repeated, resized, width_axes


def test_rows_then_columns():
    assert batch_axes([(4, 3), (8, 3), (8,)], 1) == [{1: (0,), 2: (0,)}]
    assert batch_axes([(4, 3), (3, 8), (2, 8)], 1) == [{1: (1,), 2: (1,)}]
    assert batch_axes([(4, 3), (8, 8), (8,)], 1) == [{1: (0,), 2: (0,)}, {1: (1,), 2: (0,)}]


def test_a_single_example_has_no_batch_axis():
    assert batch_axes([(4, 3), (3,), ()], 1) == []
    assert batch_axes([(4, 3)], 1) == []
    assert batch_axes([(4, 3), (3,), (4,)], 1) == []


def test_a_number_beside_a_batch_is_no_part_of_it():
    assert batch_axes([(4, 3), (8, 3), (8,), ()], 1) == [{1: (0,), 2: (0,)}]
    assert batch_axes([(4, 3), (8, 3), (8,), None], 1) == [{1: (0,), 2: (0,)}]


def test_width_tries_the_fewest_tied_axes_first():
    ways = list(width_axes([(3, 4), (4, 3), (8, 3), (8,)], 2, {2: (0,), 3: (0,)}))
    assert ways[0] == {2: (1,)}
    assert ways[1:3] == [{2: (1,), 0: (0,)}, {2: (1,), 1: (1,)}]


def test_resized():
    assert resized([(3, 4), None, (8, 3)], {0: (0,), 2: (1,)}, 5) == [(5, 4), None, (8, 5)]


def test_layers_in_a_list_are_found_and_repeated():
    leaves, structure = flatten({"layers": ["in", "mid", "mid", "mid", "out"], "b": "bias"})
    run = layer_run(structure, leaves)
    assert run is not None and (run.first, run.count, run.leaf) == (1, 3, 1)
    changed, longer = repeated(structure, leaves, run, 5)
    assert longer == ["in", *["mid"] * 5, "out", "bias"]
    assert changed.leaf_count() == len(longer)
    shorter = repeated(structure, leaves, run, 1)[1]
    assert shorter == ["in", "mid", "out", "bias"]


def test_layers_of_several_items_are_found():
    leaves, structure = flatten(["W", "b", "W", "b", "W", "b", "out"])
    run = layer_run(structure, leaves)
    assert run is not None and (run.period, run.count) == (2, 3)
    assert repeated(structure, leaves, run, 1)[1] == ["W", "b", "out"]
    nested, structure = flatten(([("W", "b"), ("W", "b"), ("V", "b")],))
    run = layer_run(structure, nested)
    assert run is not None and (run.path, run.count, run.leaves) == ((0,), 2, 2)


def test_no_run():
    leaves, structure = flatten({"W1": "a", "W2": "a"})
    assert layer_run(structure, leaves) is None
