"""How running sums and places in order are written in NumPy."""

from __future__ import annotations

from wengert.explanation.source.expression import Expression, Row, Use, in_order


def _running(name: str) -> Row:
    def row(use: Use) -> Expression:
        text = f"{name}({use.operand(0)}, axis={use.operation.attributes['axis']})"
        return in_order(use, text, use.is_ordered(0))

    return row


def _ordered(name: str, *options: str) -> Row:
    def row(use: Use) -> Expression:
        given = dict(use.operation.attributes)
        parts = [use.operand(0), *([str(given["kth"])] if "kth" in given else [])]
        parts += [f"axis={given['axis']}", *options]
        return in_order(use, f"{name}({', '.join(parts)})", False)

    return row


def _searchsorted(use: Use) -> Expression:
    side = use.operation.attributes["side"]
    text = f'np.searchsorted({use.operand(0)}, {use.operand(1)}, side="{side}")'
    return in_order(use, text, use.is_ordered(1))


ORDERED: dict[str, Row] = {
    "cumsum": _running("np.cumsum"),
    "cumprod": _running("np.cumprod"),
    "running_max": _running("np.maximum.accumulate"),
    "running_min": _running("np.minimum.accumulate"),
    "argsort": _ordered("np.argsort", 'kind="stable"'),
    "argpartition": _ordered("np.argpartition"),
    "searchsorted": _searchsorted,
}
