"""Vector mathematics: polynomials on lanes, without tables, libraries or fast-math.

Every function is straight code on vectors of any width, with each multiply-add and each rounding
written out, so that a result has the same bits on every machine that has them at all. ``ULP`` in
``bounds.py`` says how far each may be from the true value.
"""
