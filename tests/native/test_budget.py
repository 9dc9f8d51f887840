"""Random networks under every budget: the block is what was said, and no bit changes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wengert.compilation.programs import fitting_of, program_of
from wengert.functions import relu, softmax
from wengert.native.program import compile_graph
from wengert.planning.plan import plan_graph
from wengert.planning.replay import replay
from wengert.rewriting.rewrite import simplify
from wengert.transforms import joint

_LAYERS = {
    "dense": lambda h, w: h @ w,
    "tanh": lambda h, w: np.tanh(h),
    "relu": lambda h, w: relu(h),
    "softmax": lambda h, w: softmax(h @ w),
    "centre": lambda h, w: (h - h.mean(1, keepdims=True)) / np.sqrt(h.var(1, keepdims=True) + 1),
    "residual": lambda h, w: h + np.tanh(h @ w),
    "joined": lambda h, w: np.concatenate([h[:, :3] * 2, np.exp(-h[:, 3:] ** 2)], axis=1),
    "gated": lambda h, w: np.where(h > 0, h * 0.5, h * h) + np.sum(h, axis=0),
    "scaled": lambda h, w: h * np.sum(h * h, axis=1, keepdims=True) * 0.01,
}  # fmt: skip


def objective(names):
    def network(parameters, X):
        h = X
        for name, W in zip(names, parameters, strict=True):
            h = _LAYERS[name](h, W)
        return np.mean(h * h) + 0.01 * sum(np.sum(W * W) for W in parameters)

    return network


@st.composite
def networks(draw):
    names = draw(st.lists(st.sampled_from(sorted(_LAYERS)), min_size=2, max_size=7))
    dtype = draw(st.sampled_from(["float32", "float64"]))
    rows, width = draw(st.integers(1, 70)), draw(st.integers(4, 40))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    parameters = [(random.normal(size=(width, width)) / 4).astype(dtype) for _ in names]
    return names, parameters, random.normal(size=(rows, width)).astype(dtype)


@given(networks())
@settings(max_examples=6, deadline=None)
def test_no_budget_changes_a_bit_and_none_is_exceeded(drawn):
    names, parameters, X = drawn
    graph = simplify(joint(objective(names), parameters, X))
    fitting = fitting_of(plan_graph(graph))
    leaves = [*parameters, X]
    expected = [each.tobytes() for each in compile_graph(graph)(*leaves)]
    sizes = sorted({fitting.nbytes(each) for each in fitting._same()})
    before = None
    for allowed in dict.fromkeys((sizes[0], sizes[len(sizes) // 2], sizes[-1])):
        plan = fitting.within(allowed)
        program = compile_graph(plan.graph)
        said = program_of(plan.graph)
        assert program.used_bytes == program.arena_bytes == said.peak_bytes <= allowed
        layout = said.arranged.layout
        replay(said.arranged.graph, layout.offsets, layout.workspace, layout.nbytes)
        assert [each.tobytes() for each in program(*leaves)] == expected
        price = fitting.overhead(plan)
        assert before is None or price <= before
        before = price
    assert fitting.within(sizes[0] - 1) is None


def test_what_only_a_later_stage_needs_is_made_there():
    # It was read from the stack, where the stage before had not left it.
    names, random = ["residual", "gated", "centre", "tanh"], np.random.default_rng(4)
    parameters = [(random.normal(size=(4, 4)) / 4).astype("float32") for _ in names]
    leaves = [*parameters, random.normal(size=(4, 4)).astype("float32")]
    graph = simplify(joint(objective(names), parameters, leaves[-1]))
    fitting = fitting_of(plan_graph(graph))
    least = min(fitting.nbytes(each) for each in fitting._same())
    tight = compile_graph(fitting.within(least).graph)
    found = [each.tobytes() for each in tight(*leaves)]
    assert found == [each.tobytes() for each in compile_graph(graph)(*leaves)]
