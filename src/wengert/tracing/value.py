"""A value of a running trace: what is known of it without data, and the ways out that raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from wengert.base.errors import TraceError
from wengert.base.guards import is_ndarray, is_number
from wengert.base.shapes import Shape
from wengert.graph.variable import Variable
from wengert.tracing import frames
from wengert.tracing.order import Order
from wengert.tracing.views import Link, order, refresh

_LONGEST = 60

if TYPE_CHECKING:
    from wengert.tracing.recorder import Recorder


class NumpysClass:
    """What ``__class__`` says of an array that stands for one of NumPy's: it is an ndarray.

    So ``isinstance(x, np.ndarray)`` holds in the user's code as it does without a trace; of a
    scalar, which NumPy has no array for, it does not. ``type(x)`` tells the truth, and C code
    goes by that.
    """

    def __get__(self, value: Any, owner: type[Any]) -> type[Any]:
        return np.ndarray if value is not None and not value.is_scalar else owner

    def __set__(self, value: Any, kind: type[Any]) -> None:
        vars(object)["__class__"].__set__(value, kind)


class TracedValue:
    """Holds the recorder of its trace and its variable; ``tracer.Tracer`` adds NumPy's face."""

    is_tracer = True
    __class__: Any = NumpysClass()

    def __init__(self, recorder: Recorder, variable: Variable, link: Link | None = None) -> None:
        self.recorder = recorder
        self.link = link
        # How often storage of its own was written into; of a view: when it was last read.
        self.version = 0 if link is None else link.parent.root.version
        # Whether it is an array though it has no axes; how its axes lie in storage of its own.
        self.is_array = False
        self.order: Order = None
        self._variable = variable

    @property
    def root(self) -> TracedValue:
        """The array whose storage it lies in."""
        value = self
        while value.link is not None:
            value = value.link.parent
        return value

    @property
    def variable(self) -> Variable:
        """The variable of what it holds now."""
        if self.link is not None and self.version != (now := self.root.version):
            refresh(self, now)
        return self._variable

    @property
    def latest(self) -> Variable:
        """The variable of what it held when it was last read or written."""
        return self._variable

    def settle(self, variable: Variable, version: int) -> None:
        """Take on a value, as of a version of the storage."""
        self._variable, self.version = variable, version

    @property
    def is_scalar(self) -> bool:
        """Whether NumPy has a scalar here, which nothing can change, and no 0-d array."""
        return self._variable.shape == () and self.link is None and not self.is_array

    def copied(self) -> Any:
        """Return a handle of its own, as a copy is: writing into one leaves the other."""
        found = self.recorder.wrap(self.recorder, self.variable, None)
        found.is_array, found.order = self.is_array, order(self)
        return found

    def called(self) -> str:
        """Return it as the user knows it: name, shape and dtype."""
        return described(self)

    # -- what is known without data ----------------------------------------------------------

    @property
    def shape(self) -> Shape:
        """Sizes of the axes."""
        return self._variable.shape

    @shape.setter
    def shape(self, wanted: Any) -> None:
        raise TraceError(
            f"{described(self)} is given another shape in place",
            expected="an array that keeps its shape",
            remedy="a = a.reshape(shape)",
            where=frames.caller(),
        )

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's dtype."""
        return self._variable.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._variable.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._variable.size

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of the dense array."""
        return self._variable.nbytes

    def __copy__(self) -> Any:
        return self.copied()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copied()

    def __repr__(self) -> str:
        return f"<traced {described(self)}>"

    def __format__(self, spec: str) -> str:
        return repr(self)

    # -- every way out of the graph raises ---------------------------------------------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        _leaves(
            self, "turned into a plain ndarray",
            "np.array or np.stack of traced values; to fill an array from outside, a copy made "
            "inside: a = np.array(a); x[indices] on a traced x; a number stays the 0-d array that "
            "it is",
        )  # fmt: skip

    def __float__(self) -> NoReturn:
        _leaves(
            self, "turned into a Python float",
            "leave it as the 0-d array that it is; to fill an array from outside, copy it inside: "
            "a = np.array(a)",
        )  # fmt: skip

    def __int__(self) -> NoReturn:
        _leaves(self, "turned into a Python int", "leave it as an array, or pass the int itself")

    def __complex__(self) -> NoReturn:
        _leaves(self, "turned into a Python complex", "leave it as the 0-d array that it is")

    def __index__(self) -> NoReturn:  # noqa: PLE0305 - it only raises
        _leaves(
            self, "used as an index, a size or a loop bound",
            "np.take_along_axis or x[indices] on a traced x; sizes must be plain integers",
        )  # fmt: skip

    def __round__(self, ndigits: int | None = None) -> NoReturn:
        _leaves(self, "rounded", "leave it as it is, and round what comes out")

    def __hash__(self) -> int:  # noqa: PLE0309 - it only raises
        _leaves(self, "used as a key of a dictionary or a member of a set", "a key that is known")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        _leaves(self, "pickled", "return it from the function, and save what comes out")

    def __bool__(self) -> NoReturn:  # noqa: PLE0304 - it only raises
        _leaves(
            self, "used as a condition (if, while, and, or, not, assert)",
            "np.where(condition, a, b) to choose elementwise; decide on shapes or plain numbers",
        )  # fmt: skip

    def __contains__(self, _: Any) -> NoReturn:
        _leaves(self, "searched with `in`", "np.sum(x == value) gives a count in the graph")


def _leaves(value: TracedValue, how: str, remedy: str) -> NoReturn:
    if any(held is np for frame in frames.user_frames(None) for held in frame.f_locals.values()
           if frame.f_locals is not frame.f_globals):  # fmt: skip
        remedy = "import numpy at the top of the module: a function that imports it in its own "
        remedy += "body makes arrays that cannot be filled while it is traced"
    raise TraceError(
        f"{described(value)} is {how}, but it has no numbers while the function is traced",
        expected="NumPy operations on it",
        remedy=remedy,
        where=frames.caller(),
    )


def described(value: Any) -> str:
    """Return a value as the user knows it: name, shape and dtype."""
    if isinstance(value, TracedValue):
        if not value.recorder.finished:
            for depth, frame in enumerate(frames.user_frames(value.recorder.boundary)):
                value.recorder.names.scan(value.recorder, frame, 500 - depth)
        name = value.recorder.names.get(value.latest) or "a value"
        return f"{name}: {value.dtype.name} {shape_text(value.shape)}"
    if is_ndarray(value):
        name = frames.name_in(frames.user_frames(None), value) or "an array"
        return f"{name}: {value.dtype.name} {shape_text(value.shape)}"
    name = None if is_number(value) else frames.name_in(frames.user_frames(None), value)
    text = f"{type(value).__name__} {_short(value)}"
    return text if name is None or value is None else f"{name}: {text}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def shape_text(shape: Shape) -> str:
    """Write a shape for people; () is "scalar"."""
    return str(shape) if shape else "scalar ()"
