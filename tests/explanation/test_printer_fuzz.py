"""Random terms of distinct sizes: what the printer makes of them, executed, is the term."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np

from wengert.explanation.mathematics.evaluate import Evaluator
from wengert.explanation.mathematics.formula import Indexed, Leaf, Product, Transposed, leaves
from wengert.explanation.mathematics.matrix import matrix_form
from wengert.explanation.mathematics.terms import Factor, Index, Sum, Term, Value
from wengert.graph.variable import Variable

COUNT = 5_000
SIZES = (2, 3, 5, 7, 11)


def random_sum(rng: np.random.Generator, values: dict[Variable, np.ndarray]) -> Sum:
    letters = [Index(n, size) for n, size in enumerate(SIZES)][: rng.integers(1, 6)]
    outputs = tuple(rng.permutation(np.array(letters, dtype=object))[: rng.integers(0, 3)])
    pool: list[tuple[Variable, tuple[Index, ...]]] = []
    terms = []
    for _ in range(1 if rng.random() < 0.7 else rng.integers(2, 4)):
        factors = []
        for _ in range(rng.integers(0, 9)):
            if pool and rng.random() < 0.3:
                variable, indices = pool[rng.integers(len(pool))]
            else:
                rank = rng.choice([0, 1, 2, 2, 2])
                indices = tuple(letters[i] for i in rng.integers(0, len(letters), rank))
                variable = Variable(tuple(i.size for i in indices), np.dtype("float64"))
                values[variable] = rng.uniform(0.5, 1.5, variable.shape)
                pool.append((variable, indices))
            factors.append(Factor(Value(variable), indices, int(rng.choice([1, 1, 1, 2, -1]))))
        above, below = (int(n) for n in rng.integers(1, 5, 2))
        terms.append(Term(Fraction(above, below), tuple(factors)))
    return Sum(outputs, tuple(terms))


def plain_value(tensor: Sum, values: dict[Variable, np.ndarray]) -> np.ndarray:
    """The sum by explicit einsum text: independent of the evaluator."""
    result = np.zeros(tensor.shape)
    for term in tensor.terms:
        names = {i: "abcdefgh"[n] for n, i in enumerate((*tensor.outputs, *term.letters))}
        names = {i: "abcdefghijklmnop"[n] for n, i in enumerate(dict.fromkeys(names))}
        inputs = ["".join(names[i] for i in f.indices) for f in term.factors]
        arrays = [values[f.atom.variable] ** float(f.power) for f in term.factors]
        for index in tensor.outputs:
            inputs.append(names[index])
            arrays.append(np.ones(index.size))
        text = ",".join(["", *inputs]) + "->" + "".join(names[i] for i in tensor.outputs)
        result += np.einsum(text, float(term.coefficient), *arrays, optimize="greedy")
    return result


def wrong_terms(count: int, seed: int) -> tuple[int, int]:
    """Return how many of the random terms are printed wrong, and how many in Σ form."""
    rng = np.random.default_rng(seed)
    wrong = sigma = 0
    for _ in range(count):
        values: dict[Variable, np.ndarray] = {}
        tensor = random_sum(rng, values)
        formula = matrix_form(tensor)
        sigma += isinstance(formula, Indexed)
        got = Evaluator(values, {}).formula(formula)
        expected = plain_value(tensor, values)
        shape = expected.shape if expected.ndim == 2 else (expected.size, 1)
        wrong += got.shape != shape or not np.allclose(got, expected.reshape(shape), rtol=1e-9)
    return wrong, sigma


def test_random_terms_are_printed_right() -> None:
    wrong, sigma = wrong_terms(COUNT, 0)
    assert wrong == 0
    assert sigma < COUNT * 0.02


def test_fuzz_sees_a_forgotten_transpose(monkeypatch) -> None:
    monkeypatch.setattr("wengert.explanation.mathematics.matrix.transpose", lambda formula: formula)
    try:
        wrong, _ = wrong_terms(200, 1)
    except ValueError:  # shapes that do not fit are a find as well
        wrong = 1
    assert wrong


def test_what_is_not_series_parallel_stays_in_sigma_form() -> None:
    letters = [Index(n, size) for n, size in enumerate(SIZES[:4])]
    rng = np.random.default_rng(0)
    values: dict[Variable, np.ndarray] = {}
    factors = []
    for a, b in combinations(letters, 2):
        variable = Variable((a.size, b.size), np.dtype("float64"))
        values[variable] = rng.uniform(0.5, 1.5, variable.shape)
        factors.append(Factor(Value(variable), (a, b)))
    tensor = Sum((), (Term(Fraction(1), tuple(factors)),))
    formula = matrix_form(tensor)
    assert isinstance(formula, Indexed)
    got = Evaluator(values, {}).formula(formula)
    np.testing.assert_allclose(got.reshape(()), plain_value(tensor, values))


def test_product_of_matrix_and_transpose() -> None:
    i, j, k = Index(0, 2), Index(1, 3), Index(2, 4)
    a, b = (Value(Variable(shape, np.dtype("float64"))) for shape in ((2, 3), (4, 3)))
    tensor = Sum((i, k), (Term(Fraction(1), (Factor(a, (i, j)), Factor(b, (k, j)))),))
    formula = matrix_form(tensor)
    assert isinstance(formula.body, Product)
    left, right = formula.body.items
    assert isinstance(left, Leaf) and isinstance(right, Transposed)
    assert [leaf.factor.atom for leaf in leaves(formula)] == [a, b]
