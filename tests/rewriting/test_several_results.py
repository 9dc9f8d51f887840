"""Operations with several results through every pass: one operation, results told apart."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.graph.text import parse, to_text
from wengert.rewriting.prune import prune
from wengert.rewriting.rewrite import simplify
from wengert.rewriting.share import share

A = np.array([[2.0, 0.3, 0.1], [0.3, 1.5, 0.2], [0.1, 0.2, 1.0]])


def both(A):
    sign, log = np.linalg.slogdet(A)
    values, vectors = np.linalg.eigh(A)
    return sign * log + np.sum(values * vectors[0] ** 2)


def test_a_trace_has_one_operation_and_names_for_its_results() -> None:
    graph = wg.trace(both, A)
    first, second, *_ = graph.operations
    assert [each.name for each in (*first.outputs, *second.outputs)] == [
        "sign", "log", "values", "vectors",
    ]  # fmt: skip
    assert to_text(parse(to_text(graph))) == to_text(graph)
    np.testing.assert_array_equal(graph(A), both(A))


def test_named_tuples_stay_what_they_are() -> None:
    graph = wg.trace(lambda A: np.linalg.eigh(A).eigenvalues, A)
    np.testing.assert_array_equal(graph(A), np.linalg.eigh(A)[0])


def test_results_that_nothing_reads_stand_for_no_gradient() -> None:
    wg.check_gradients(both, A)
    wg.check_gradients(lambda A: np.linalg.eigh(A)[1][0, 0] ** 2, A)
    wg.check_gradients(lambda A: np.linalg.eigh(A)[0], A)
    found = wg.grad(lambda A: np.linalg.slogdet(A)[0] * 1.0)(A)
    np.testing.assert_array_equal(found, np.zeros((3, 3)))


def test_equal_operations_are_shared_result_by_result() -> None:
    def twice(A):
        return np.linalg.slogdet(A)[1] + np.linalg.slogdet(A)[0] * np.linalg.slogdet(A)[1]

    graph = wg.trace(twice, A)
    shared = simplify(graph)
    assert [each.operator for each in shared.operations].count("slogdet") == 1
    assert wg.Graph.parse(to_text(shared))(A) == twice(A)


def test_two_named_results_stay_two() -> None:
    text = """graph f -> y
  input A: f64[3,3]
  s: f64[], l: f64[] = slogdet(A)
  t: f64[], %1: f64[] = slogdet(A)
  %2: f64[] = multiply(s, t)
  %3: f64[] = multiply(l, %1)
  y: f64[] = add(%2, %3)"""
    graph = parse(text)
    # ``s`` and ``t`` are both the user's: no result is merged while another cannot be.
    assert to_text(share(graph)) == to_text(graph)


def test_an_operation_stays_while_one_result_is_read() -> None:
    graph = wg.trace(lambda A: np.linalg.eigh(A)[1][0], A)
    assert [each.operator for each in prune(graph).operations] == ["eigh", "index"]


def test_the_source_unpacks_and_leaves_out_what_nobody_reads() -> None:
    source = wg.trace(lambda A: np.linalg.slogdet(A)[1], A).source()
    assert "_, t1 = np.linalg.slogdet(A)" in source


def test_a_plan_counts_every_result() -> None:
    plan = wg.plan(lambda A: np.sum(np.linalg.eigh(A)[1] ** 2), wg.Spec((40, 40), "float64"))
    eigh = next(o for o in plan.graph.operations if o.operator == "eigh")
    assert plan.peak_bytes >= sum(each.nbytes for each in eigh.outputs)


@pytest.mark.parametrize("words", ["eigenvalues(A)", "eigenvectors(A)", "sign det(A)"])
def test_formulas_say_which_result(words: str) -> None:
    assert words in wg.explain(both, A).text()


def test_a_drawing_and_an_audit_know_of_them() -> None:
    assert "<svg" in wg.explain(both, A).svg()
    audit = wg.trace(lambda A, B: np.linalg.slogdet(A)[0] + np.sum(B), A, A).audit()
    assert [each.name for each in audit.lost] == []


def test_many_are_one_stack() -> None:
    stack = np.stack([A, A + np.eye(3)])
    np.testing.assert_allclose(wg.vmap(both)(stack), [both(a) for a in stack], rtol=1e-14)
