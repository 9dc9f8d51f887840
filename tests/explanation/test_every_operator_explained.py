"""Every operator, from the samples of its record: its lines are printed and right."""

from __future__ import annotations

import numpy as np
import pytest

from wengert.explanation.mathematics.derive import derive
from wengert.explanation.mathematics.equation import Equations
from wengert.explanation.mathematics.latex import to_latex
from wengert.explanation.mathematics.style import Unicode
from wengert.explanation.mathematics.text import to_text
from wengert.operators.registry import OPERATORS
from wengert.tracing.apply import apply
from wengert.transforms import joint

SMALL = 200


def cases(name: str):
    record = OPERATORS[name]
    for operands, attributes in record.samples.draws(np.random.default_rng(5)):
        arrays = [np.asarray(x) for x in operands]
        floats = [x for x in arrays if x.dtype == np.float64 and x.size]
        plain = all(x.dtype.kind in "fbiu" and x.size < SMALL for x in arrays)
        if floats and plain and len(floats) == sum(x.dtype.kind == "f" for x in arrays):
            yield arrays, attributes


def objective_of(name: str, arrays, attributes):
    rng = np.random.default_rng(0)
    results = OPERATORS[name].values(*arrays, **attributes)
    weights = [rng.uniform(0.5, 1.5, each.shape) for each in results]
    # An operand without a rule (where a maximum is) stays as it is.
    record = OPERATORS[name]
    floats = [n for n, x in enumerate(arrays) if x.dtype.kind == "f" and record.rule(n)]

    def objective(p):
        given = list(arrays)
        for n, x in zip(floats, p, strict=True):
            given[n] = x
        y = apply(name, *given, **attributes)
        several = y if isinstance(y, tuple) else (y,)
        parts = [np.sum(np.real(each) * w) for each, w in zip(several, weights, strict=True)]
        J = sum(parts[1:], parts[0])
        return J

    return objective, [arrays[n] for n in floats]


@pytest.mark.parametrize("name", OPERATORS)
def test_every_sample_is_explained(name: str) -> None:
    if not OPERATORS[name].differentiable:
        pytest.skip("constant by nature: it stands in no gradient of its own")
    for arrays, attributes in cases(name):
        objective, given = objective_of(name, arrays, attributes)
        graph = joint(objective, given)
        derivation = derive(graph, given)
        equations = Equations(derivation, Unicode())
        wrong = [(equations.line(line), line.check) for line in derivation.lines if not line.passed]
        assert not wrong, (name, [x.shape for x in arrays], attributes, wrong)
        assert to_text(derivation) and to_latex(derivation)
