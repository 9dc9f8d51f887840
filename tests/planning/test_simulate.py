"""The simulation refuses plans that an executor could not carry out."""

from dataclasses import replace

import pytest

from planning.handmade import two_layers
from planning.test_lifetime import storage_of
from wengert.base.errors import GraphError
from wengert.planning.lifetime import lifetimes, passes
from wengert.planning.plan import checked, plan_graph
from wengert.planning.simulate import simulate


def play(change=lambda each: each):
    graph = two_layers()
    found = [change(each) for each in lifetimes(graph, storage_of(graph), passes(graph))]
    state = [each for each in found if each.made == "given"]
    made = [each for each in found if each.made != "given"]
    return simulate(graph, graph.operations, state, made, [0] * len(graph.operations))


def test_the_curve_is_what_is_held_together():
    curve = play()
    # z and its tanh; then h and o; at the end only J and the two gradients, and what made them.
    assert curve[1] == 4 * 8 * 4
    assert curve[2] == 4 * (8 * 4 + 8 * 4)
    assert curve[4] == 4 * (8 * 4 + 8 * 3)
    assert curve[17] == 4 * (1 + 4 * 5 + 3 * 4 + 8 * 4)


@pytest.mark.parametrize("by", [1, 2])
def test_freeing_too_early_is_seen(by):
    def early(each):
        return replace(each, death=each.death - by) if each.base.label == "h" else each

    with pytest.raises(GraphError, match="does not hold h when needed"):
        play(early)


def test_making_too_late_is_seen():
    def late(each):
        return replace(each, birth=3) if each.base.label == "h" else each

    with pytest.raises(GraphError, match="does not hold h"):
        play(late)


def test_an_output_that_is_freed_is_seen():
    def freed(each):
        return replace(each, death=12) if each.base.label == "d(W2)" else each

    with pytest.raises(GraphError, match=r"other bytes than outputs: d\(W2\)"):
        play(freed)


def test_what_is_never_freed_is_seen():
    def leaked(each):
        return replace(each, death=99) if each.base.label == "z" else each

    with pytest.raises(GraphError, match="other bytes than outputs: z"):
        play(leaked)


def test_a_plan_that_says_other_bytes_is_refused():
    plan = plan_graph(two_layers())
    assert checked(plan) is plan
    wrong = replace(plan, live=(*plan.live[:5], plan.live[5] + 1, *plan.live[6:]))
    with pytest.raises(GraphError, match="disagrees with its simulation at operation 5"):
        checked(wrong)
