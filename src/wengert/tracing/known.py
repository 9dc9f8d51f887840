"""Arrays that a traced function makes itself and whose numbers are known, until they are not.

Inside a traced function NumPy's creation functions return a :class:`Known`: it computes with NumPy
as long as everything is known (masks, places, sizes, tables), and turns into a traced array, in
the same variables of the user's, when something traced is written into it or into a view of it.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any, NoReturn, cast

import numpy as np

from wengert.base.errors import TraceError
from wengert.base.guards import Array, is_ndarray, is_sequence, is_tuple
from wengert.graph.variable import Variable
from wengert.tracing import changing, frames, functions, methods, ufuncs, views, writing
from wengert.tracing.bare import KnownValue, any_of, bare
from wengert.tracing.laid import lies_in
from wengert.tracing.spec import checked_dtype
from wengert.tracing.value import NumpysClass, TracedValue


class Known(KnownValue, np.lib.mixins.NDArrayOperatorsMixin):
    """An array of a running trace with its numbers in ``numbers``; NumPy's own functions run."""

    __array_priority__ = 900.0
    __class__: Any = NumpysClass()
    is_scalar = False

    def __init__(self, recorder: Any, numbers: Array, owner: Known | None = None) -> None:
        self.recorder = recorder
        self.numbers = numbers
        # The array whose storage it lies in, and there: all that lie in it.
        self.owner = owner
        self.lenders: list[weakref.ref[Known]] = []
        if owner is not None:
            owner.lenders.append(weakref.ref(self, owner.lenders.remove))

    def called(self) -> str:
        """Return it as the user knows it: name, shape and dtype."""
        name = frames.name_in(frames.user_frames(None), self) or "an array"
        return f"{name}: {self.numbers.dtype} {self.numbers.shape}"

    # -- NumPy's protocols -----------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return np.array(self.numbers, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if has_traced(inputs) or has_traced(options):
            return with_traced_ufunc(ufunc, method, inputs, options)
        outs = options.get("out", ())
        for target in inputs[:1] if method == "at" else outs:
            if isinstance(target, Known):
                views.check_own(target)
        found = getattr(ufunc, method)(*map(bare, inputs), **bare(options))
        return wrapped(self.recorder, found, (*inputs, *(outs or ())))

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        if has_traced(args) or has_traced(options):
            return with_traced_function(function, args, options)
        if function in changing.FUNCTIONS and isinstance(args[0], Known):
            views.check_own(args[0])
        found = function(*bare(args), **bare(options))
        sources = [*args, *options.values()]
        sources += [each for group in sources if is_sequence(group) for each in group]
        return wrapped(self.recorder, found, sources)

    # -- Items -----------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        if has_traced(key):
            return promoted_copy(self)[key]
        return wrapped(self.recorder, self.numbers[bare(key)], (self,))

    def __setitem__(self, key: Any, value: Any) -> None:
        if has_traced(key) or has_traced(value):
            promote(self)
            writing.setitem(cast(Any, self), bare(key), bare(value))
            return
        views.check_own(self)
        self.numbers[bare(key)] = bare(value)

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return bare(value) in self.numbers

    # -- What an array of numbers can be ---------------------------------------------------------

    def __bool__(self) -> bool:
        return bool(self.numbers)

    def __int__(self) -> int:
        return int(self.numbers)

    def __float__(self) -> float:
        return float(self.numbers)

    def __complex__(self) -> complex:
        return complex(self.numbers)

    def __index__(self) -> int:
        return self.numbers.__index__()

    def __repr__(self) -> str:
        return repr(self.numbers)

    def __str__(self) -> str:
        return str(self.numbers)

    def __format__(self, spec: str) -> str:
        return format(self.numbers, spec)

    def __hash__(self) -> NoReturn:
        raise TypeError("unhashable type: 'numpy.ndarray'")

    def __copy__(self) -> Any:
        return wrapped(self.recorder, self.numbers.copy(), ())

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.numbers.__reduce_ex__(protocol)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("numbers", "recorder", "owner"):
            raise AttributeError(name)
        if name == "flat":
            return wrapped(self.recorder, self.numbers.reshape(-1), (self,))
        found = getattr(self.numbers, name)
        return _Method(self, name, found) if callable(found) else wrapped(
            self.recorder, found, (self,)
        )  # fmt: skip

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("shape", "dtype", "strides", "real", "imag", "flat"):
            setattr(self.numbers, name, bare(value))
        else:
            object.__setattr__(self, name, value)


class _Method:
    """A method of an array, bound: carried out by NumPy, or on the graph where it must be."""

    def __init__(self, array: Known, name: str, call: Any) -> None:
        self.array, self.name, self.call = array, name, call

    def __call__(self, *args: Any, **options: Any) -> Any:
        array = self.array
        if has_traced(args) or has_traced(options):
            return self._on_graph(args, options)
        if self.name in changing.METHODS:
            views.check_own(array)
        found = self.call(*bare(args), **bare(options))
        return wrapped(array.recorder, found, (array, *args, *options.values()))

    def _on_graph(self, args: Any, options: Any) -> Any:
        changes = self.name in changing.METHODS
        if changes:
            promote(self.array)
        target: Any = self.array if changes else promoted_copy(self.array)
        return methods.METHODS[self.name](target, *bare(args), **bare(options))


# -- Between the two ------------------------------------------------------------------------------


def has_traced(value: Any) -> bool:
    """Return whether something traced is in arguments, keys or nested lists."""
    return any_of(TracedValue, value)


def wrapped(recorder: Any, found: Any, sources: Any) -> Any:
    """Return what NumPy gave, its new arrays and views of known ones as known arrays."""
    if is_tuple(found) and not hasattr(found, "_fields"):
        return tuple(wrapped(recorder, each, sources) for each in found)
    if isinstance(found, list):
        return [wrapped(recorder, each, sources) for each in cast("list[Any]", found)]
    if not is_ndarray(found) or type(found) is not np.ndarray or recorder.finished:
        return found
    for source in sources:
        if isinstance(source, Known):
            if source.numbers is found:
                return source
            if np.may_share_memory(source.numbers, found) and found.size:
                return Known(recorder, found, source if source.owner is None else source.owner)
        elif is_ndarray(source) and np.may_share_memory(source, found):
            return found  # it lies in an array from outside
    return Known(recorder, found)


# What may be, or hold, an array whose numbers are known.
_MIXED = (KnownValue, list, tuple)


def with_traced_ufunc(ufunc: Any, method: str, inputs: Any, options: Any) -> Any:
    """Carry out a ufunc where known and traced arrays meet."""
    if method == "__call__" and not options and not any(isinstance(x, _MIXED) for x in inputs):
        return ufuncs.dispatch(ufunc, method, inputs, options)
    changed = inputs[:1] if method == "at" else options.get("out") or ()
    for target in changed:
        if isinstance(target, Known):
            promote(target)
    inputs, options = bare(inputs), bare(options)
    if method != "at" and not has_traced(inputs) and not has_traced(options.get("where")):
        return _written(ufunc, method, inputs, options)
    return ufuncs.dispatch(ufunc, method, inputs, options)


def _written(ufunc: Any, method: str, inputs: Any, options: Any) -> Any:
    """Carry out a ufunc of known numbers whose result is written into traced arrays."""
    out, where = options.pop("out"), options.pop("where", True)
    found = getattr(ufunc, method)(*inputs, **options)
    if where is not True and method == "__call__":
        changing.copyto(out[0], found, where=where)
        return out[0]
    if is_tuple(found):
        return tuple(map(writing.write, map(np.asarray, found), out))
    return writing.write(np.asarray(found), out)


def with_traced_function(function: Any, args: Any, options: Any) -> Any:
    """Carry out a function where known and traced arrays meet."""
    out = options.get("out")
    if isinstance(out, Known):
        promote(out)
    if function in changing.FUNCTIONS and args and isinstance(args[0], Known):
        promote(args[0])
    return functions.dispatch(function, bare(args), bare(options))


def promoted_copy(known: Known) -> Any:
    """Return the numbers as a traced array of its own."""
    return known.recorder.wrap(known.recorder, _variable(known.recorder, known.numbers), None)


def promote(known: Known) -> None:
    """Make a known array, and all that lies in its storage, traced arrays."""
    views.check_own(known)
    owner = known if known.owner is None else known.owner
    numbers = owner.numbers
    if numbers.dtype.hasobject:
        _refuse_objects(known)
    checked_dtype(numbers.dtype, owner.called(), frames.caller())
    if not known.numbers.flags.writeable:
        raise ValueError("assignment destination is read-only")
    lying = [each for each in (ref() for ref in owner.lenders) if each is not None]
    root = _become(owner, _variable(owner.recorder, numbers), None)
    for each in lying:
        kind = Variable(each.numbers.shape, each.numbers.dtype, "intermediate")
        view = _become(each, kind, lies_in(root, numbers, each.numbers))
        view.version = -1  # never read


def _become(known: Known, variable: Variable, link: Any) -> Any:
    numbers = known.numbers
    traced = known.recorder.wrap(known.recorder, variable, link)
    found: Any = known
    found.__dict__.clear()
    found.__class__ = type(traced)
    found.__dict__.update(traced.__dict__)
    found.is_array = True
    found.order = views.order(numbers)
    return found


def _variable(recorder: Any, numbers: Array) -> Variable:
    """Return the variable of known numbers: one number and its repetition where all are equal."""
    if numbers.size > 1 and _is_uniform(numbers):
        one = recorder.constant(numbers.reshape(-1)[0])
        return recorder.record("broadcast_to", [one], {"shape": numbers.shape})
    return recorder.constant(numbers)


def _is_uniform(numbers: Array) -> bool:
    first = numbers.reshape(-1)[:1]
    return bool((numbers == first).all()) and numbers.tobytes() == first.tobytes() * numbers.size


def _refuse_objects(array: Known) -> NoReturn:
    raise TraceError(
        f"a traced value is stored in {array.called()}, an array of objects",
        expected="an array of numbers, or a list",
        remedy="np.empty(n) of numbers; or a list, and np.stack(the_list)",
        where=frames.caller(),
    )
