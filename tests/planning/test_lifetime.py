"""Lifetimes of a network written by hand, interval by interval."""

from planning.handmade import two_layers
from wengert.planning.lifetime import lifetimes, passes


def storage_of(graph):
    views = {"transpose", "broadcast_to"}
    found = {v: v for v in (*graph.inputs, *graph.constants)}
    for operation in graph.operations:
        source = operation.inputs[0]
        found[operation.output] = found[source] if operation.operator in views else operation.output
    return found


def by_label(graph):
    found = lifetimes(graph, storage_of(graph), passes(graph))
    return {each.base.label: each for each in found if each.base.label is not None}


def test_a_storage_lives_until_the_last_use_of_it_or_of_a_view():
    lives = by_label(two_layers())
    # h: made at 2, read by the next product, by d(W2) at 11 and by tanh's rule at 13.
    assert (lives["h"].birth, lives["h"].death) == (2, 14)
    # z: made at 1, read by tanh only, whose rule needs the result and not the operand.
    assert (lives["z"].birth, lives["z"].death) == (1, 3)
    # d(o) has a view at 10 that product 11 reads, and it is read itself at 12.
    assert (lives["d(o)"].birth, lives["d(o)"].death) == (9, 13)
    # d(z) is not read again after its view is made at 16, but the view is at 17.
    assert (lives["d(z)"].birth, lives["d(z)"].death) == (15, 18)
    assert [v.shape for v in lives["d(z)"].views] == [(4, 8)]


def test_outputs_live_to_the_end_and_what_is_given_throughout():
    graph = two_layers()
    lives = by_label(graph)
    end = len(graph.operations) + 1
    assert [lives[name].death for name in ("J", "d(W1)", "d(W2)")] == [end] * 3
    for name in ("W1", "W2", "X"):
        assert (lives[name].birth, lives[name].death, lives[name].made) == (0, end, "given")


def test_retained_is_what_forward_makes_and_backward_reads():
    graph = two_layers()
    lives = by_label(graph)
    forward = {name for name, each in lives.items() if each.made == "forward"}
    assert forward == {"z", "h", "o", "J"}
    assert {name for name in forward if lives[name].retained} == {"h", "o"}
    assert lives["X"].retained and lives["W2"].retained and not lives["W1"].retained


def test_passes():
    graph = two_layers()
    assert passes(graph) == ("forward",) * 7 + ("backward",) * 11
