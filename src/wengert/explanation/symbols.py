"""How the user's names are set: W1 is a bold W with superscript (1), lam is an italic lambda."""

from __future__ import annotations

import re
from typing import NamedTuple

from wengert.base.shapes import Shape
from wengert.explanation.drawing.picture import Label, Line, Span
from wengert.graph.variable import Variable

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eps": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lam": "λ",
    "lambda": "λ", "lambd": "λ", "lmbda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π",
    "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "ϕ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Sigma": "Σ", "Phi": "Φ",
    "Psi": "Ψ", "Omega": "Ω", "ell": "ℓ",
}  # fmt: skip
_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
_TOKEN = re.compile(r"\*\*|[^\W\d]\w*|\d+\.?\d*(?:e-?\d+)?|\S")
_SIGNS: dict[str, str] = {"*": "·", "-": "−", "**": "^"}
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


class Name(NamedTuple):
    """The parts of a name: ``Wq`` is base W with subscript q, ``W1`` has superscript (1)."""

    base: str
    superscript: str = ""
    subscript: str = ""


def parse_name(name: str, rank: int, version: int = 1) -> Name:
    """Split a Python name into base, superscript and subscript.

    >>> parse_name("W1", 2), parse_name("Wq", 2), parse_name("n1", 0), parse_name("lam", 0)
    (Name(base='W', superscript='(1)', subscript=''), Name(base='W', superscript='',
    subscript='q'), Name(base='n', superscript='', subscript='1'), Name(base='λ',
    superscript='', subscript=''))
    """
    words = [word for word in re.split(r"[^\w]+|_+", name) if word]
    main = max((i for i, word in enumerate(words) if not word.isdigit()), default=0)
    if "." not in name and "[" not in name:
        main = next((i for i, word in enumerate(words) if not word.isdigit()), 0)
    base, index, lower = _split_word(words[main] if words else name, rank)
    levels: list[str] = [index] if index else []
    lowers: list[str] = [lower] if lower else []
    for place, word in enumerate(words):
        if place == main:
            continue
        if word in _ACCENTS and place > main:
            base += _ACCENTS[word]
        else:
            (levels if word.isdigit() else lowers).append(GREEK.get(word, word))
    if rank == 0:
        own = 1 if index else 0
        lowers, levels = levels[:own] + lowers + levels[own:], []
    if version > 1:
        lowers.append(str(version))
    return Name(base, f"({','.join(levels)})" if levels else "", ",".join(lowers))


def _split_word(word: str, rank: int) -> tuple[str, str, str]:
    match = re.fullmatch(r"([^\W\d]+?)(\d*)", word)
    if match is None:
        return word, "", ""
    head, digits = match[1], match[2]
    if head in GREEK:
        return GREEK[head], digits, ""
    short = 1 < len(head) <= 3 and head[1:].islower()
    if rank > 0 and short and (head[0].isupper() or (head[0] == "b" and len(head) == 2)):
        return head[0], digits, head[1:]
    return head, digits, ""


def name_line(name: str, rank: int, version: int = 1) -> Line:
    """Return a name as it is set: arrays bold, scalars italic."""
    parts = parse_name(name, rank, version)
    bold = rank > 0
    spans = [Span(parts.base, bold=bold, italic=not bold)]
    if parts.superscript:
        spans.append(Span(parts.superscript, shift=1))
    if parts.subscript:
        spans.append(Span(parts.subscript, italic=not parts.subscript.isdigit(), shift=-1))
    return tuple(spans)


def formula_line(formula: str) -> Line:
    """Return a Python expression of named numbers as mathematics.

    >>> "".join(span.text for span in formula_line("lam / 2"))
    'λ/2'
    """
    spans: list[Span] = []
    tokens: list[str] = _TOKEN.findall(formula)
    for token in tokens:
        if token[0].isalpha() or token[0] == "_":
            spans.extend(name_line(token, 0))
        else:
            spans.append(Span(_SIGNS.get(token, token)))
    return tuple(spans)


def variable_line(variable: Variable) -> Line:
    """Return what stands in the box of a variable; empty for an unnamed temporary."""
    if variable.name is not None:
        return name_line(variable.name, variable.rank, variable.version)
    return formula_line(variable.formula) if variable.formula else ()


def gradient_label(objective: Line, variable: Line) -> Label:
    """Return ∂J/∂v as a fraction."""
    return Label((Span("∂"), *objective), (Span("∂"), *variable))


def plain(line: Line) -> str:
    """Return a line as plain text, for tooltips.

    >>> plain(name_line("W1", 2)), plain(name_line("Wq", 2)), plain(name_line("h", 1, 2))
    ('W⁽¹⁾', 'W_q', 'h₂')
    """
    return "".join(_plain_span(span) for span in line)


def _plain_span(span: Span) -> str:
    if span.shift > 0:
        return span.text.translate(_SUPERSCRIPTS).replace("(", "⁽").replace(")", "⁾")
    if span.shift < 0:
        if span.text.isdigit():
            return span.text.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
        return f"_{span.text}"
    return span.text


def shape_text(shape: Shape) -> str:
    """Return a shape as it stands on an edge; nothing for a scalar.

    >>> shape_text((3, 4)), shape_text((3,)), shape_text(())
    ('3×4', '3', '')
    """
    return "×".join(str(size) for size in shape)


def space_text(shape: Shape) -> str:
    """Return the set that a value lies in, for tooltips.

    >>> space_text((3, 4)), space_text(())
    ('∈ ℝ^{3×4}', 'scalar')
    """
    return f"∈ ℝ^{{{shape_text(shape)}}}" if shape else "scalar"


def number_text(value: float) -> str:
    """Return a bare number as it is written into a circle.

    >>> number_text(2.0), number_text(0.5), number_text(1e-5), number_text(-0.25)
    ('2', '0.5', '10⁻⁵', '−0.25')
    """
    text = f"{value:.4g}"
    mantissa, _, exponent = text.partition("e")
    if exponent:
        power = "10" + str(int(exponent)).translate(_SUPERSCRIPTS)
        text = power if mantissa == "1" else f"{mantissa}·{power}"
    return text.replace("-", "−")


_NARROW, _WIDE = set("ijlt.,·′()|!1ft/ ") | {"\u0302", "\u0304", "\u0303"}, set("MWmw⊙∇⊤")
_SHIFTED = 0.7


def line_width(line: Line, size: float) -> float:
    """Return about how wide a line is, in the unit of its font size."""
    width, above = 0.0, 0.0
    for span in line:
        own = _span_width(span)
        # A subscript after a superscript stands under it.
        width += max(0.0, own - above) if span.shift < 0 else own
        above = own if span.shift > 0 else 0.0
    return width * size


def _span_width(span: Span) -> float:
    em = sum(0.34 if c in _NARROW else 0.86 if c in _WIDE else 0.56 for c in span.text)
    return em * (1.1 if span.bold else 1.0) * (_SHIFTED if span.shift else 1.0)
