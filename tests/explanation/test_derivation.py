"""Derivations: the book's lines for the sample network, and every line of sixteen networks."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import programs

from wengert.base.errors import OptionError
from wengert.explanation.mathematics import algebra, rules
from wengert.explanation.mathematics.derive import derive
from wengert.explanation.mathematics.equation import Equations
from wengert.explanation.mathematics.latex import equation, to_latex
from wengert.explanation.mathematics.numpy_text import NumpyWriter, default_name
from wengert.explanation.mathematics.plain import plain_forward
from wengert.explanation.mathematics.reasons import reasons
from wengert.explanation.mathematics.style import Unicode
from wengert.explanation.mathematics.text import to_text
from wengert.explanation.mathematics.verify import Numbers
from wengert.operators.registry import OPERATORS
from wengert.tracing.spec import Spec
from wengert.transforms import joint

PROGRAMS = programs.PROGRAMS

BOOK = """
z = W⁽¹⁾ x
h = ϕ(z)
o = W⁽²⁾ h
L = ℓ(o, y)
s = (λ/2)(‖W⁽¹⁾‖²_F + ‖W⁽²⁾‖²_F)
J = L + s
∂J/∂L = 1
∂J/∂s = 1
∂J/∂o = prod(∂J/∂L, ∂L/∂o) = ∂L/∂o                                      ∈ R^q
∂s/∂W⁽¹⁾ = λ W⁽¹⁾                                                       ∈ R^{h×d}
∂s/∂W⁽²⁾ = λ W⁽²⁾                                                       ∈ R^{q×h}
∂J/∂W⁽²⁾ = prod(∂J/∂o, ∂o/∂W⁽²⁾) + prod(∂J/∂s, ∂s/∂W⁽²⁾) = (∂J/∂o) hᵀ + λ W⁽²⁾   ∈ R^{q×h}
∂J/∂h = prod(∂J/∂o, ∂o/∂h) = W⁽²⁾ᵀ ∂J/∂o                                ∈ R^h
∂J/∂z = prod(∂J/∂h, ∂h/∂z) = ∂J/∂h ⊙ ϕ′(z)                              ∈ R^h
∂J/∂W⁽¹⁾ = prod(∂J/∂z, ∂z/∂W⁽¹⁾) + prod(∂J/∂s, ∂s/∂W⁽¹⁾) = (∂J/∂z) xᵀ + λ W⁽¹⁾   ∈ R^{h×d}
"""

_D = r"\frac{{\partial {}}}{{\partial {}}}".format
_W1, _W2 = r"\mathbf{W}^{(1)}", r"\mathbf{W}^{(2)}"
_Z, _H, _O = (rf"\mathbf{{{letter}}}" for letter in "zho")


def _prod(outer: str, inner: str) -> str:
    return rf"\operatorname{{prod}}\left({outer}, {inner}\right)"


def _norm(weight: str) -> str:
    return rf"\left\|{weight}\right\|_F^2"


BOOK_LATEX = [
    rf"{_Z} = {_W1} \mathbf{{x}}",
    rf"{_H} = \phi\left({_Z}\right)",
    rf"{_O} = {_W2} {_H}",
    rf"L = \ell\left({_O}, \mathbf{{y}}\right)",
    rf"s = \frac{{\lambda}}{{2}} \left({_norm(_W1)} + {_norm(_W2)}\right)",
    "J = L + s",
    rf"{_D('J', 'L')} = 1",
    rf"{_D('J', 's')} = 1",
    rf"{_D('J', _O)} = {_prod(_D('J', 'L'), _D('L', _O))} = {_D('L', _O)} \in \mathbb{{R}}^{{q}}",
    rf"{_D('s', _W1)} = \lambda {_W1} \in \mathbb{{R}}^{{h \times d}}",
    rf"{_D('s', _W2)} = \lambda {_W2} \in \mathbb{{R}}^{{q \times h}}",
    rf"{_D('J', _W2)} = {_prod(_D('J', _O), _D(_O, _W2))} + {_prod(_D('J', 's'), _D('s', _W2))}"
    rf" = {_D('J', _O)} {_H}^\top + \lambda {_W2} \in \mathbb{{R}}^{{q \times h}}",
    rf"{_D('J', _H)} = {_prod(_D('J', _O), _D(_O, _H))} = \mathbf{{W}}^{{(2)\top}} {_D('J', _O)}"
    r" \in \mathbb{R}^{h}",
    rf"{_D('J', _Z)} = {_prod(_D('J', _H), _D(_H, _Z))} = {_D('J', _H)} \odot"
    rf" \phi'\left({_Z}\right) \in \mathbb{{R}}^{{h}}",
    rf"{_D('J', _W1)} = {_prod(_D('J', _Z), _D(_Z, _W1))} + {_prod(_D('J', 's'), _D('s', _W1))}"
    rf" = {_D('J', _Z)} \mathbf{{x}}^\top + \lambda {_W1} \in \mathbb{{R}}^{{h \times d}}",
]


def bare(text: str) -> str:
    return "".join(text.split())


def of(name: str, **options):
    function, examples = PROGRAMS[name]
    return derive(joint(function, *examples), **options)


def texts(derivation) -> list[str]:
    equations = Equations(derivation, Unicode())
    return [equations.line(line) for line in derivation.lines]


def resolved(derivation) -> dict[str, str]:
    """Return the last right-hand side of each gradient, by its left-hand side."""
    found = {}
    for text in texts(derivation):
        left, *steps = text.split(" = ")
        found[left] = steps[-1].split(" ∈ ")[0]
    return found


# -- The sample network ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sample", "penalty"])
def test_the_books_lines_in_unicode(name: str) -> None:
    derivation = of(name)
    told = (*derivation.forward, *derivation.gradients)
    equations = Equations(derivation, Unicode())
    assert [bare(equations.line(line)) for line in told] == [
        bare(line) for line in BOOK.strip().splitlines()
    ]


def test_the_books_lines_in_latex() -> None:
    derivation = of("sample")
    told = (*derivation.forward, *derivation.gradients)
    assert [bare(equation(derivation, line)) for line in told] == [bare(x) for x in BOOK_LATEX]


def test_the_insides_one_level_down() -> None:
    derivation = of("sample")
    equations = Equations(derivation, Unicode())
    assert [equations.line(line) for line in derivation.insides] == [
        "ϕ(z) = tanh(z)",
        "ϕ′(z) = 1 − ϕ(z)²",
        "ℓ(o, y) = ½ ‖o − y‖²",
        "∂L/∂o = o − y",
    ]


def test_align_environment_holds_every_line_and_its_tick() -> None:
    derivation = of("sample")
    latex = to_latex(derivation)
    assert latex.count(r"\begin{align*}") == latex.count(r"\end{align*}") == 3
    assert latex.count("✓") == len(derivation.lines)
    document = to_latex(derivation, document=True)
    assert document.startswith(r"\documentclass") and document.rstrip().endswith(r"\end{document}")


# -- Every network ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_line_is_right(name: str) -> None:
    derivation = of(name)
    wrong = [text for text, line in zip(texts(derivation), derivation.lines, strict=True)
             if not line.passed]  # fmt: skip
    assert not wrong
    assert derivation.worst < 1e-6
    graph = plain_forward(joint(PROGRAMS[name][0], *PROGRAMS[name][1]))[0]
    named = {v.of.label for v in graph.variables if v.of is not None and v.of.name is not None}
    told = {line.variable.label for line in derivation.gradients if line.kind == "gradient"}
    assert named - {"J"} <= told | {derivation.objective.label}


@pytest.mark.parametrize("name", PROGRAMS)
def test_numpy_source_of_every_line_runs_and_is_right(name: str) -> None:
    graph = plain_forward(joint(PROGRAMS[name][0], *PROGRAMS[name][1]))[0]
    derivation = derive(graph)
    values = Numbers(graph).values
    space = {op: record.numpy for op, record in OPERATORS.items()}
    space |= {f.__name__: f for f in vars(programs).values() if hasattr(f, "__code__")}
    space |= {"np": np, "lam": programs.lam, "beta": programs.beta}
    space |= {own_name(v): values[v] for v in graph.variables if v.label or v.of}
    for line in derivation.lines:
        if line.kind in ("forward", "gradient"):
            source = NumpyWriter(own_name).tensor(line.resolved)
            wanted = values[line.gradient or line.variable]
            with np.errstate(all="ignore"):
                found = np.squeeze(eval(source, dict(space)))
            found = np.broadcast_to(found, _flat(wanted).shape)
            np.testing.assert_allclose(found, _flat(wanted), rtol=1e-9, atol=1e-12, err_msg=source)


def own_name(variable) -> str:
    """Gradients apart from everything else: a user may well have a ``dw``."""
    return default_name(variable) if variable.of is None else f"g_{default_name(variable.of)}"


def _flat(array):
    """Axes of length one are not written."""
    return np.squeeze(array)


def test_numpy_form_takes_no_name_of_the_users() -> None:
    derivation = of("slope_penalty")
    equations = Equations(derivation, Unicode())
    lines = [equations.numpy_form(line) for line in derivation.lines]
    assert len({line.partition(" = ")[0] for line in lines}) == len(lines)
    assert lines[1].partition(" = ")[2] == "np.sum(dw**2)"


@pytest.mark.parametrize("name", PROGRAMS)
def test_index_form_of_every_line_can_be_written(name: str) -> None:
    derivation = of(name)
    equations = Equations(derivation, Unicode())
    for line in derivation.lines:
        assert " = " in equations.index_form(line)


def test_rows() -> None:
    found = resolved(of("rows"))
    assert found["Z"] == "X W⁽¹⁾ + 1 b⁽¹⁾ᵀ"
    assert found["L"] == "−(1/n) ⟨Y, log P⟩_F"
    assert found["∂J/∂O"] == "(1/n) (P − Y)"
    assert found["∂J/∂H"] == "(∂J/∂O) W⁽²⁾ᵀ"
    assert found["∂J/∂Z"] == "∂J/∂H ⊙ 1[H > 0]"
    assert found["∂J/∂W⁽¹⁾"] == "Xᵀ ∂J/∂Z + λ W⁽¹⁾"
    assert found["∂J/∂b⁽²⁾"] == "(∂J/∂O)ᵀ 1"
    text = to_text(of("rows"))
    assert "P = softmax(O)" in text and "Y is the one-hot form of y" in text


def test_columns() -> None:
    derivation = of("columns")
    found = resolved(derivation)
    assert found["Z"] == "W⁽¹⁾ X"
    assert found["∂J/∂O"] == "(1/n) (O − Y)"
    assert found["∂J/∂Z"] == "∂J/∂H ⊙ (1 − H^⊙2)"
    assert found["∂J/∂W⁽¹⁾"] == "(∂J/∂Z) Xᵀ + λ W⁽¹⁾"
    chain = next(t for t in texts(derivation) if t.startswith("∂J/∂W⁽²⁾"))
    assert chain.startswith("∂J/∂W⁽²⁾ = prod(∂J/∂O, ∂O/∂W⁽²⁾) + λ W⁽²⁾ = ")


def test_attention() -> None:
    found = resolved(of("attention"))
    assert found["∂J/∂S"] == "∂J/∂P ⊙ P − diag((∂J/∂P ⊙ P) 1) P"
    assert found["∂J/∂W_q"] == "Xᵀ ∂J/∂Q"
    assert found["∂J/∂K"] == "½ (∂J/∂S)ᵀ Q"


def test_deep_network_with_one_hot_labels() -> None:
    derivation = of("deep")
    found = resolved(derivation)
    assert found["∂J/∂O"] == "(1/n) (P − Y)"
    assert found["∂J/∂W⁽¹⁾"] == "Xᵀ (∂J/∂H⁽¹⁾ ⊙ H⁽¹⁾ ⊙ (1 − H⁽¹⁾))"
    assert {"tie", "probabilities"} <= {note.kind for note in derivation.notes}


def test_names_in_formulas_are_solved_for() -> None:
    found = resolved(of("regression"))
    assert found["J"] == "(1/(2 n)) ‖e‖² + ((β λ)/2) ‖w‖²"
    assert found["∂J/∂w"] == "Xᵀ ∂J/∂e + β λ w"


def test_what_has_no_matrix_form_is_printed_in_index_form() -> None:
    found = resolved(of("three_axes"))
    assert found["H_{ijk}"] == "tanh(Σ_l X_{ijl} W_{lk})"
    assert found["(∂J/∂W)_{ij}"] == "Σ_{kl} X_{kli} (∂J/∂H)_{klj} (1 − H_{klj}²)"


def test_picking_is_a_product_with_one_hot_rows() -> None:
    found = resolved(of("margin"))
    assert found["c"] == "(O ⊙ Y) 1"
    assert found["∂J/∂O"].startswith("diag(∂J/∂c) Y + ")


def test_functions_inside_functions() -> None:
    found = resolved(of("nested"))
    assert found["∂J/∂pre"] == "∂J/∂x ⊙ act′(pre)"
    assert found["∂J/∂pre₂"] == "∂J/∂P ⊙ act′(pre₂)"


def test_an_objective_made_of_gradients() -> None:
    found = resolved(of("slope_penalty"))
    assert next(text for left, text in found.items() if left.endswith("/∂dw")) == "2 dw"


def test_what_is_stopped_is_shown() -> None:
    found = resolved(of("stopped"))
    assert found["J"] == "hᵀ stop(h)" and found["∂J/∂h"] == "stop(h)"


# -- Axes, data and mistakes -----------------------------------------------------------------------


def test_letters_of_axes_do_not_come_from_sizes() -> None:
    legend = of("rows").legend
    assert legend == {"d": 4, "h": 4, "q": 4, "n": 5}


def test_letters_can_be_chosen() -> None:
    text = to_text(of("rows", axes={"X": ("N", "D"), "W2": ("m", "k")}))
    assert "∈ R^{D×m}" in text and "∈ R^{N×k}" in text
    with pytest.raises(OptionError, match="W7"):
        of("rows", axes={"W7": ("a", "b")})


def test_labels_that_do_not_sum_to_one_are_not_assumed_to() -> None:
    function, examples = PROGRAMS["deep"]
    rng = np.random.default_rng(3)
    arrays = [rng.standard_normal(leaf.shape) for leaf in (*examples[0].values(), *examples[1:])]
    derivation = derive(joint(function, *examples), arrays)
    assert "probabilities" not in {note.kind for note in derivation.notes}
    assert resolved(derivation)["∂J/∂O"] == "(1/n) (diag(Y 1) P − Y)"
    assert derivation.passed


def test_a_wrong_rule_of_the_printer_gets_a_cross(monkeypatch) -> None:
    true_rule = rules.RULES["matmul"]

    def wrong(reader, operation):
        return algebra.scale(true_rule(reader, operation), 2)

    monkeypatch.setitem(rules.RULES, "matmul", wrong)
    derivation = of("sample")
    assert not derivation.passed
    assert "✗" in to_text(derivation) and "✗" in to_latex(derivation)


def test_a_wrong_rule_of_the_engine_gets_a_cross(monkeypatch) -> None:
    record = OPERATORS["tanh"]
    wrong = replace(record, vjp=(lambda g, y, x: g * (1 - y),))
    monkeypatch.setitem(OPERATORS, "tanh", wrong)
    derivation = of("columns")
    failed = [line.variable.label for line in derivation.gradients if not line.passed]
    assert "Z" in failed


def test_float32_and_given_arrays() -> None:
    function, examples = PROGRAMS["sample"]
    specs = [Spec(leaf.shape, "float32") for leaf in (*examples[0].values(), *examples[1:])]
    graph = joint(function, {"W1": specs[0], "W2": specs[1]}, *specs[2:])
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(spec.shape).astype("float32") for spec in specs]
    derivation = derive(graph, arrays)
    assert derivation.passed
    assert resolved(derivation)["∂s/∂W⁽¹⁾"] == "λ W⁽¹⁾"


def test_reasons_name_the_terms_that_read_what_is_kept() -> None:
    function, examples = PROGRAMS["sample"]
    graph = joint(function, *examples)
    found = {v.label: [text for _, text in why] for v, why in reasons(graph).items()}
    assert found["h"] == [
        "∂J/∂W⁽²⁾ = (∂J/∂o) hᵀ + λ W⁽²⁾",
        "∂J/∂z = ∂J/∂h ⊙ ϕ′(z), ϕ′(z) = 1 − ϕ(z)²",
    ]
    assert "z" not in found  # the engine keeps h instead
