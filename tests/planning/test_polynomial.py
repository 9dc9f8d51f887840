"""Exact polynomials against brute force over whole numbers."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from wengert.planning.polynomial import Polynomial, fit, last_within, maximum_pieces, turns

coefficients = st.lists(st.integers(-30, 30), min_size=1, max_size=4)
polynomials = coefficients.map(lambda found: Polynomial.of(*found))


@given(polynomials)
def test_fit_gives_back_what_was_sampled(polynomial):
    points = range(2, 2 + polynomial.degree + 3)
    assert fit(points, [int(polynomial(b)) for b in points]) == polynomial


def test_fit_divides_exactly():
    # B(B - 1)/2 has whole values but no whole coefficients.
    half = fit((1, 2, 3), (0, 1, 3))
    assert half.coefficients == (0, Fraction(-1, 2), Fraction(1, 2))
    assert half(1001) == 500500


@given(polynomials, st.integers(-20, 5), st.integers(0, 60))
def test_turns_are_all_sign_changes(polynomial, low, length):
    high = low + length
    brute = [b for b in range(low + 1, high + 1) if (polynomial(b) > 0) != (polynomial(b - 1) > 0)]
    assert turns(polynomial, low, high) == brute


@given(st.lists(polynomials, min_size=1, max_size=5), st.integers(0, 4))
def test_pieces_are_the_maximum_everywhere(several, start):
    pieces = maximum_pieces(several, start)
    assert pieces[0][0] == start
    assert pieces[-1][1] is None
    for b in range(start, start + 150):
        (value,) = [
            polynomial(b) for first, last, polynomial in pieces
            if first <= b and (last is None or b <= last)
        ]  # fmt: skip
        assert value == max(polynomial(b) for polynomial in several)


def test_pieces_reach_crossings_far_away():
    pieces = maximum_pieces([Polynomial.of(10**9), Polynomial.of(0, 3)], 1)
    assert [(first, last) for first, last, _ in pieces] == [(1, 333333333), (333333334, None)]


@given(polynomials, st.integers(-50, 200), st.integers(0, 5), st.none() | st.integers(0, 80))
def test_last_within_is_the_last(polynomial, limit, low, length):
    high = None if length is None else low + length
    found = last_within(polynomial, limit, low, high)
    far = 400 if high is None else high
    brute = [b for b in range(low, far + 1) if polynomial(b) <= limit]
    if found is None:
        assert not brute
    elif found == -1:
        assert high is None
        assert polynomial(10**6) <= limit
    else:
        assert brute[-1] == found


def test_text():
    assert Polynomial.of(4096, 1024).text("B") == "1,024·B + 4,096"
    assert Polynomial.of(-8, 0, 1).text("B") == "B² − 8"
    assert Polynomial.of(0, Fraction(-1, 2), Fraction(1, 2)).text("n") == "1/2·n² − 1/2·n"
    assert Polynomial.of().text("n") == "0"
