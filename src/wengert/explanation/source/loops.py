"""Loops and branches as Python writes them: their bodies are functions of their own above."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wengert.explanation.source.storage import Storage
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.text import held
from wengert.graph.variable import Variable


@dataclass(frozen=True)
class Written:
    """One operation: the words of operands and results, the functions of its bodies, free words.

    Attributes:
        operation: what is written.
        operands: the text of each operand.
        targets: the word of each result, None for one that nobody reads.
        functions: for each attribute that holds a body the word of its function.
        spare: words that stand for nothing else.
    """

    operation: Operation
    operands: Sequence[str]
    targets: Sequence[str | None]
    functions: Mapping[str, str]
    spare: Mapping[str, str]


def lines(written: Written) -> list[str]:
    """Return the lines of a loop or a branch."""
    return list(_WAYS[written.operation.operator](written))


def _call(function: str, arguments: Sequence[str]) -> str:
    return f"{function}({', '.join(arguments)})"


def _is_dense(body: Graph, output: Variable) -> bool:
    return output in Storage(body).exact or output.rank < 1


def _in_order(body: Graph, targets: Sequence[str | None], outputs: Sequence[Variable]) -> list[str]:
    """Return what puts results into C order where the body may give them in another."""
    return [
        f'{word} = np.asarray({word}, order="C")'
        for word, output in zip(targets, outputs, strict=False)
        if word is not None and not _is_dense(body, output)
    ]


def _assigned(targets: Sequence[str | None], text: str) -> str:
    words = [word or "_" for word in targets]
    return f"{', '.join(words)} = {text}" if words else text


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _scan(w: Written) -> Iterator[str]:
    how: Mapping[str, Any] = w.operation.attributes
    carries, stacked, length = int(how["carries"]), int(how["stacked"]), int(how["length"])
    body, i = held(how["body"]), w.spare["i"]
    carry = [word or w.spare[f"c{k}"] for k, word in enumerate(w.targets[:carries])]
    for word, start in zip(carry, w.operands, strict=False):
        yield f"{word} = {start}"
    rows = w.targets[carries:]
    for word, output in zip(rows, w.operation.outputs[carries:], strict=True):
        if word is not None:
            yield f'{word} = np.empty({output.shape}, "{output.dtype.name}")'
    xs = [f"{each}[{i}]" for each in w.operands[carries : carries + stacked]]
    arguments = [*carry, *xs, *w.operands[carries + stacked :]]
    made = [*carry, *(None if word is None else f"{word}[{i}]" for word in rows)]
    order = f"reversed(range({length}))" if how["reverse"] else f"range({length})"
    yield f"for {i} in {order}:"
    yield from _indented([
        _assigned(made, _call(w.functions["body"], arguments)),
        *_in_order(body, carry, body.outputs[:carries]),
    ])  # fmt: skip


def _cond(w: Written) -> Iterator[str]:
    for head, name in (("if " + w.operands[0], "true"), ("else", "false")):
        body = held(w.operation.attributes[name])
        yield f"{head}:"
        yield from _indented([
            _assigned(w.targets, _call(w.functions[name], w.operands[1:])),
            *_in_order(body, w.targets, body.outputs),
        ])  # fmt: skip


def _while(w: Written) -> Iterator[str]:
    carries = int(w.operation.attributes["carries"])
    body = held(w.operation.attributes["body"])
    carry = [word or w.spare[f"c{k}"] for k, word in enumerate(w.targets)]
    for word, start in zip(carry, w.operands, strict=False):
        yield f"{word} = {start}"
    arguments = [*carry, *w.operands[carries:]]
    yield f"while {_call(w.functions['test'], arguments)}:"
    yield from _indented([
        _assigned(carry, _call(w.functions["body"], arguments)),
        *_in_order(body, carry, body.outputs),
    ])  # fmt: skip


def _while_pullback(w: Written) -> Iterator[str]:
    how = w.operation.attributes
    carries, count, active = int(how["carries"]), len(held(how["body"]).inputs), len(how["active"])
    carry = [w.spare[f"c{k}"] for k in range(carries)]
    passed = w.spare["i"]
    for word, start in zip(carry, w.operands, strict=False):
        yield f"{word} = {start}"
    shared = list(w.operands[carries:count])
    yield f"{passed} = []"
    yield f"while {_call(w.functions['test'], [*carry, *shared])}:"
    yield f"    {passed}.append(({', '.join(carry)},))"
    yield f"    {_assigned(carry, _call(w.functions['body'], [*carry, *shared]))}"
    targets = [word or w.spare[f"g{k}"] for k, word in enumerate(w.targets)]
    for word, start in zip(targets, w.operands[count:], strict=False):
        yield f"{word} = {start}"
    for word, output in zip(targets[active:], w.operation.outputs[active:], strict=True):
        yield f'{word} = np.zeros({output.shape}, "{output.dtype.name}")'
    more = [w.spare[f"h{k}"] for k in range(len(targets) - active)]
    back = _call(w.functions["pull"], [f"*{passed}.pop()", *shared, *targets[:active]])
    yield f"while {passed}:"
    yield f"    {_assigned([*targets[:active], *more], back)}"
    for word, part in zip(targets[active:], more, strict=True):
        yield f"    {word} = {word} + {part}"


_WAYS = {"scan": _scan, "cond": _cond, "while_loop": _while, "while_pullback": _while_pullback}
