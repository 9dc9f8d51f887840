"""Formulas as text in either style; brackets exactly where they are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from wengert.explanation.mathematics.formula import (
    Diagonal,
    DiagonalOf,
    Formula,
    Hadamard,
    Indexed,
    Inner,
    Leaf,
    Norm,
    Ones,
    Product,
    Scaled,
    Total,
    Trace,
    Transposed,
    is_gradient,
)
from wengert.explanation.mathematics.functions_written import write_apply
from wengert.explanation.mathematics.matrix import matrix_form
from wengert.explanation.mathematics.notation import Name, Notation, function_name
from wengert.explanation.mathematics.style import (
    ATOM,
    FRACTION,
    HADAMARD,
    POWER,
    PRODUCT,
    SUM,
    Piece,
    Style,
)
from wengert.explanation.mathematics.terms import (
    Apply,
    Atom,
    Constant,
    Factor,
    Group,
    Index,
    Named,
    OneHot,
    Partial,
    Size,
    Sum,
    Term,
    Value,
)
from wengert.explanation.mathematics.windows_written import write_window
from wengert.graph.variable import Variable

_LETTERS = "ijklrstuvwabcdef"


class Writer:
    """Writes sums in one style and notation."""

    def __init__(self, notation: Notation, style: Style) -> None:
        self.notation, self.style = notation, style

    # -- Matrix form -------------------------------------------------------------------------------

    def tensor(self, tensor: Sum) -> str:
        """Return a sum in matrix form, in Σ form (in brackets) where it has none."""
        return self.text(self.formula(matrix_form(tensor)))

    def text(self, piece: Piece) -> str:
        """Return a finished piece."""
        return self.style.finish(piece)

    def argument(self, tensor: Sum) -> str:
        """Return what stands between the brackets of a function; a constant is a number."""
        if all(not term.letters for term in tensor.terms):
            tensor = Sum((), tensor.terms)
        return self.tensor(tensor)

    def formula(self, formula: Formula) -> Piece:
        """Return a formula as a piece."""
        match formula:
            case Leaf(factor):
                return self._leaf(factor)
            case Ones():
                return Piece(self.style.ones)
            case Transposed(inner):
                return self._raise(self.formula(inner), self.style.transpose)
            case Product(items):
                return Piece(self._join([self.formula(item) for item in items]), "", PRODUCT)
            case Hadamard(items):
                return self._hadamard(items)
            case Diagonal(inner) | DiagonalOf(inner):
                text = self.text(self.formula(inner))
                return Piece(self.style.call(self.style.word("diag"), [text]))
            case Trace(inner):
                return Piece(
                    self.style.call(self.style.word("tr"), [self.text(self.formula(inner))])
                )
            case Inner(left, right):
                texts = [self.text(self.formula(side)) for side in (left, right)]
                return Piece(self.style.inner(*texts))
            case Norm(inner, frobenius):
                return self.style.norm(self.text(self.formula(inner)), frobenius)
            case Scaled():
                return self._signed(formula)
            case Total(items):
                return self._total(items)
            case Indexed(tensor):
                letters = "".join(_LETTERS[: len(tensor.outputs)])
                body = f"[{self.indexed(tensor, letters)}]"
                return Piece(self.style.lowered(body, letters) if letters else body)

    def _raise(self, piece: Piece, mark: str) -> Piece:
        if piece.level < ATOM:
            piece = Piece(self.style.brackets(self.text(piece)))
        return Piece(piece.text, piece.raised + mark, ATOM)

    def _join(self, pieces: Sequence[Piece]) -> str:
        """Multiply: sums in brackets, and in plain text fractions that something follows."""
        texts: list[str] = []
        for place, piece in enumerate(pieces):
            last = place == len(pieces) - 1
            open_ = piece.level == FRACTION and not last and not self.style.fraction_is_closed
            loose = len(pieces) > 1 and piece.level < PRODUCT
            text = self.text(piece)
            texts.append(self.style.brackets(text) if open_ or loose else text)
        return " ".join(texts)

    def _hadamard(self, items: Sequence[Formula]) -> Piece:
        above = [item for item in items if not _is_inverse(item)]
        below = [_inverted(item) for item in items if _is_inverse(item)]
        if not above:
            above, below = [items[0]], [_inverted(item) for item in items[1:]]
        texts = [self._tight(item) for item in above]
        text = self.style.times.join(texts)
        for item in below:
            text += self.style.over + self._tight(item)
        return Piece(text, "", HADAMARD)

    def _tight(self, item: Formula) -> str:
        piece = self.formula(item)
        text = self.text(piece)
        return self.style.brackets(text) if piece.level <= PRODUCT else text

    def _total(self, items: Sequence[Scaled]) -> Piece:
        if not items:
            return Piece("0")
        text = ""
        for item in items:
            negative = item.coefficient < 0
            piece = self._scaled(Scaled(abs(item.coefficient), item.scalars, item.body))
            body = self.text(piece)
            if piece.level == SUM:
                body = self.style.brackets(body)
            if text:
                text += f" {self.style.minus if negative else '+'} {body}"
            else:
                text = f"{self.style.minus if negative else ''}{body}"
        return Piece(text, "", SUM if len(items) > 1 or items[0].coefficient < 0 else PRODUCT)

    def _signed(self, scaled: Scaled) -> Piece:
        if scaled.coefficient >= 0:
            return self._scaled(scaled)
        positive = Scaled(-scaled.coefficient, scaled.scalars, scaled.body)
        piece = self._scaled(positive)
        text = self.text(piece)
        text = self.style.brackets(text) if piece.level == SUM else text
        return Piece(f"{self.style.minus}{text}", "", SUM)

    def _scaled(self, scaled: Scaled) -> Piece:
        front, others = self._front(scaled)
        pieces = [self.formula(other) for other in others]
        if scaled.body is not None:
            pieces.append(self.formula(scaled.body))
        if front:
            pieces.insert(0, front)
        if isinstance(scaled.body, Ones) and len(pieces) > 1:  # 2·1 and not "2 1"
            one = pieces.pop()
            return Piece(f"{self._join([*pieces, one])[:-len(one.text)].rstrip()}"
                         f"{self.style.dot}{one.text}", "", PRODUCT)  # fmt: skip
        if not pieces:
            return Piece("1")
        if len(pieces) == 1:
            return pieces[0]
        return Piece(self._join(pieces), "", PRODUCT)

    def _front(self, scaled: Scaled) -> tuple[Piece | None, list[Formula]]:
        """Return the number with its named scalars as one fraction, and the other scalars."""
        above: list[str] = []
        below: list[str] = []
        others: list[Formula] = []
        for scalar in sorted(scaled.scalars, key=_scalar_order):
            factor = scalar.factor if isinstance(scalar, Leaf) else None
            if factor is None or (factor.power > 0 and not _is_simple(factor)):
                others.append(scalar)
            else:
                positive = Factor(factor.atom, factor.indices, abs(factor.power))
                side = above if factor.power > 0 else below
                side.append(self._in_product(self._leaf(positive)))
        number = scaled.coefficient
        if (above or below) and not _prints_decimal(number):
            above = ([str(number.numerator)] if number.numerator != 1 else []) + above
            below = ([str(number.denominator)] if number.denominator != 1 else []) + below
        elif number != 1:
            above = [self.style.number(number), *above]
        if below:
            text = self.style.fraction(" ".join(above) or "1", " ".join(below))
            return Piece(text, "", FRACTION if text != "½" else ATOM), others
        text = " ".join(above)
        fraction = number.denominator != 1 and not _prints_decimal(number) and text != "½"
        level = PRODUCT if len(above) > 1 else FRACTION if fraction else ATOM
        return (Piece(text, "", level) if text else None), others

    def _in_product(self, piece: Piece) -> str:
        text = self.text(piece)
        return self.style.brackets(text) if piece.level < PRODUCT else text

    # -- Leaves ------------------------------------------------------------------------------------

    def _leaf(self, factor: Factor) -> Piece:
        piece = self.atom(factor.atom)
        if factor.power == 1:
            return piece
        plain = not factor.letters or isinstance(factor.atom, Apply | Named)
        mark = self.style.raised(f"{'' if plain else '⊙'}{_signed_text(factor.power)}")
        if piece.raised:
            piece = Piece(self.style.brackets(self.text(piece)))
        raised = self._raise(piece, mark)
        return Piece(raised.text, raised.raised, POWER)

    def variable(self, variable: Variable) -> Piece:
        """Return a variable by its name; a gradient as ∂J/∂v."""
        if variable.of is not None:
            return self.derivative(self.notation.objective, variable.of)
        return self.style.name(self.notation.name(variable), variable.rank > 0)

    def derivative(self, above: Variable, below: Variable) -> Piece:
        """Return ∂u/∂v."""
        texts = (self.text(self.variable(above)), self.text(self.variable(below)))
        return Piece(self.style.derivative(*texts), "", FRACTION)

    def atom(self, atom: Atom) -> Piece:
        """Return an atom without indices."""
        letter = self.notation.letter(atom)
        if letter is not None:
            return self.style.name(function_name(letter), True)
        match atom:
            case Value(variable):
                return self.variable(variable)
            case Constant(name, _):
                return self._constant(name)
            case Size(axis, size):
                stem, _, place = self.notation.axes.get(axis, str(size)).partition("_")
                return self.style.name(Name(stem, subscript=place), False)
            case Named(name, primes, arguments, _):
                function = self.text(self.style.name(function_name(name), False))
                texts = [self.argument(each) for each in arguments]
                return Piece(self.style.call(function, texts, self.style.prime * primes))
            case Partial(of, by, _):
                return self.derivative(of, by)
            case OneHot(labels):
                return Piece(self.style.call(self.style.word("onehot"), [self.tensor(labels)]))
            case Group(inner):
                return self.formula(matrix_form(inner))
            case Apply():
                return write_window(self, atom) or write_apply(self, atom)

    def _constant(self, name: str) -> Piece:
        last = name.rpartition(".")[2]
        if last.isidentifier():
            return self.style.name(function_name(last), False)
        if name.lstrip("-") in ("inf", "nan"):
            return Piece(name.replace("inf", "∞") if not self.style.fraction_is_closed else
                         name.replace("inf", "\\infty"))  # fmt: skip
        return Piece(self.style.brackets(self.style.code(name)))

    # -- Index form --------------------------------------------------------------------------------

    def indexed(self, tensor: Sum, letters: Sequence[str]) -> str:
        """Return a sum in Σ form with these letters for its outputs."""
        named = dict(zip(tensor.outputs, letters, strict=True))
        if not tensor.terms:
            return "0"
        text = ""
        for term in tensor.terms:
            body = self._indexed_term(term, tensor, named)
            minus = term.coefficient < 0
            if text:
                text += f" {self.style.minus if minus else '+'} {body}"
            else:
                text = f"{self.style.minus if minus else ''}{body}"
        return text

    def _indexed_term(self, term: Term, tensor: Sum, named: Mapping[Index, str]) -> str:
        letters = dict(named)
        spare = [letter for letter in _LETTERS if letter not in letters.values()]
        summed = tensor.summed(term)
        for index, letter in zip(summed, spare, strict=False):
            letters[index] = letter
        above = [self._indexed_factor(f, letters) for f in term.factors if f.power > 0]
        below = [
            self._indexed_factor(Factor(f.atom, f.indices, -f.power), letters)
            for f in term.factors if f.power < 0
        ]  # fmt: skip
        number = abs(term.coefficient)
        sigma = ""
        if summed:
            marks = [letters[i] for i in summed]
            sigma = self.style.summation("".join(marks))
        if number != 1 or not above:
            above.insert(0, self.style.number(number))
            if number == 1 and (len(above) > 1 or below):
                above.pop(0)
        body = " ".join(above)
        if below:
            body = self.style.fraction(body or "1", " ".join(below))
        return sigma + body

    def _indexed_factor(self, factor: Factor, letters: Mapping[Index, str]) -> str:
        marks = ["1" if i is None else letters[i] for i in factor.indices]
        atom = factor.atom
        if isinstance(atom, Group):
            text = self.style.brackets(self.indexed(atom.inner, marks))
        elif isinstance(atom, Apply) and atom.elementwise and self.notation.letter(atom) is None:
            inner = [self.indexed(each, marks) for each in atom.arguments]
            text = self.text(write_apply(self, atom, inner))
        else:
            piece = self.atom(atom)
            text = self.text(piece)
            text = self.style.brackets(text) if piece.level < ATOM else text
            text = self.style.lowered(text, "".join(marks)) if marks else text
        if factor.power == 1:
            return text
        return self.text(Piece(text, self.style.raised(_signed_text(factor.power))))


def _signed_text(power: int) -> str:
    return str(power) if power >= 0 else f"−{-power}"


def _is_inverse(item: Formula) -> bool:
    return isinstance(item, Leaf) and item.factor.power < 0


def _inverted(item: Formula) -> Formula:
    if not _is_inverse(item):
        return item
    assert isinstance(item, Leaf)
    factor = item.factor
    return Leaf(Factor(factor.atom, factor.indices, -factor.power))


def _is_simple(factor: Factor) -> bool:
    plain = isinstance(factor.atom, Constant | Size | Value)
    return plain and not is_gradient(factor.atom)


def _scalar_order(scalar: Formula) -> int:
    """Lengths first, then numbers with a name, then the rest."""
    if not isinstance(scalar, Leaf):
        return 4
    atom = scalar.factor.atom
    ranks = (Size, Constant, Value)
    return 3 if is_gradient(atom) else ranks.index(type(atom)) if type(atom) in ranks else 4


def _prints_decimal(number: Fraction) -> bool:
    return number.denominator > 100
