"""The table of all operators."""

from __future__ import annotations

from collections.abc import Mapping

from wengert.operators import comparison, integers, reduction, special
from wengert.operators.activation import ACTIVATIONS
from wengert.operators.arithmetic import BINARY, CHOICE
from wengert.operators.complexes import COMPLEX
from wengert.operators.control import with_control
from wengert.operators.convolution import CONVOLUTION
from wengert.operators.cumulative import CUMULATIVE
from wengert.operators.eigen import EIGEN
from wengert.operators.elementwise import UNARY
from wengert.operators.exclusive import EXCLUSIVE_PRODUCT
from wengert.operators.factorization import FACTORIZATIONS
from wengert.operators.fourier import FOURIER
from wengert.operators.gaps import GAPS
from wengert.operators.index import INDEXING
from wengert.operators.linalg import LINALG
from wengert.operators.loss import LOSSES
from wengert.operators.movement import MOVEMENT
from wengert.operators.norms import EUCLIDEAN_NORM
from wengert.operators.ordering import ORDERING
from wengert.operators.pooling import POOLING
from wengert.operators.product import PRODUCTS
from wengert.operators.random import RANDOM
from wengert.operators.record import Operator, table
from wengert.operators.series import SERIES
from wengert.operators.softmax import SOFTMAX
from wengert.operators.update import UPDATES

_PLAIN = table(
    UNARY,
    BINARY,
    CHOICE,
    special.UNARY,
    special.BINARY,
    integers.PARTS,
    comparison.CONSTANT,
    integers.CONSTANT,
    reduction.REDUCTIONS,
    (EXCLUSIVE_PRODUCT,),
    reduction.CONSTANT,
    SERIES,
    CUMULATIVE,
    ORDERING,
    MOVEMENT,
    INDEXING,
    UPDATES,
    PRODUCTS,
    COMPLEX,
    LINALG,
    EIGEN,
    FACTORIZATIONS,
    GAPS,
    FOURIER,
    (EUCLIDEAN_NORM,),
    CONVOLUTION,
    POOLING,
    ACTIVATIONS,
    SOFTMAX,
    LOSSES,
    RANDOM,
)

OPERATORS: Mapping[str, Operator] = with_control(_PLAIN)
