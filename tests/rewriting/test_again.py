"""What is computed twice on purpose, to hold less, stays so through every rewrite."""

import numpy as np

from wengert.functions import softmax
from wengert.planning.again import recomputed
from wengert.planning.cost_graph import cost_graph
from wengert.planning.plan import plan_graph
from wengert.planning.recompute import recomputations
from wengert.rewriting.decompose import decompose
from wengert.rewriting.rewrite import simplify
from wengert.rewriting.share import repeats, share
from wengert.tracing.spec import Spec
from wengert.transforms import joint


def test_what_is_made_again_is_not_merged_with_what_it_makes_again():
    """Recomputation survives the way to kernels, for operators and for the parts of composites."""

    def objective(W, X):
        A = softmax(np.tanh(X @ W))
        return np.sum((A @ W.T) ** 2)

    plan = plan_graph(simplify(joint(objective, Spec((40, 200)), Spec((300, 40)))))
    gaps = recomputations(cost_graph(plan))[-1].gaps
    graph = recomputed(plan, gaps)
    assert gaps and len(repeats(graph)) == len(graph.operations) - len(plan.graph.operations)
    apart, shared = decompose(graph), decompose(plan.graph)
    assert len(apart.operations) > len(shared.operations)
    assert repeats(apart) and not repeats(shared)
    assert len(share(apart).operations) < len(apart.operations)
