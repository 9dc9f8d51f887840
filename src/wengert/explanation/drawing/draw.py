"""A picture as SVG text: no script, no external resource, readable on light and dark pages."""

from __future__ import annotations

from html import escape

from wengert.explanation.drawing.legend import LEGEND, LEGEND_ROW, legend_rows
from wengert.explanation.drawing.picture import (
    Box,
    Circle,
    Edge,
    Frame,
    Label,
    Line,
    Picture,
    Span,
    Stretch,
)
from wengert.explanation.drawing.shapes import font_size
from wengert.explanation.drawing.svg import (
    AMBER,
    BLUE,
    GREY,
    INK,
    RED,
    document,
    number,
    rect,
    words,
)
from wengert.explanation.symbols import line_width

_STYLE = {
    "input": ("#ffffff", INK, 1.4),
    "parameter": ("#e8eef6", INK, 1.4),
    "constant": ("#ffffff", INK, 1.0),
    "intermediate": ("#ffffff", INK, 1.4),
    "output": ("#ffffff", INK, 2.4),
    "gradient": ("#fdecec", RED, 1.4),
    "operator": ("#ffffff", INK, 1.4),
    "backward": ("#fdecec", RED, 1.4),
}
_EDGE = {
    "forward": (INK, 'stroke-width="1.3"', "ink"),
    "backward": (RED, 'stroke-width="1.3"', "red"),
    "retained": (AMBER, 'stroke-width="1.15" stroke-dasharray="5 3"', "amber"),
    "seed": (RED, 'stroke-width="1.3" stroke-dasharray="1.5 2.5"', "red"),
}


def svg(picture: Picture) -> str:
    """Return a picture as a complete SVG document."""
    body = [
        "<defs>",
        *(_arrow_head(name, colour) for name, colour in _heads()),
        "</defs>",
        *(_frame(frame) for frame in picture.frames),
        *(_edge(edge) for edge in picture.edges if edge.role == "retained"),
        *(_edge(edge) for edge in picture.edges if edge.role != "retained"),
        *(_box(box) for box in picture.boxes),
        *(_circle(circle) for circle in picture.circles),
        *(_edge_label(edge) for edge in picture.edges if edge.label),
        *_legend(picture),
    ]
    return document(picture.width, picture.height, picture.title, picture.description, body)


def _heads() -> list[tuple[str, str]]:
    return [("ink", INK), ("red", RED), ("amber", AMBER)]


def _arrow_head(name: str, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 10 8" refX="9.4" refY="4" markerWidth="9" '
        f'markerHeight="7.2" markerUnits="userSpaceOnUse" orient="auto">'
        f'<path d="M0 0.4L10 4L0 7.6L1.8 4z" fill="{colour}"/></marker>'
    )


def _edge(edge: Edge) -> str:
    colour, stroke, head = _EDGE[edge.role]
    x, y = edge.start
    path = f"M{number(x)} {number(y)}" + "".join(_stretch(stretch) for stretch in edge.path)
    return (
        f'<path class="edge {edge.role}" data-from="{edge.source}" data-to="{edge.target}" '
        f'd="{path}" fill="none" stroke="{colour}" {stroke} marker-end="url(#{head})"/>'
    )


def _stretch(stretch: Stretch) -> str:
    points = " ".join(f"{number(x)} {number(y)}" for x, y in stretch)
    return ("L" if len(stretch) == 1 else "C") + points


def _edge_label(edge: Edge) -> str:
    x, y = edge.label_at
    return words(edge.label, x, y, 9, GREY)


def _box(box: Box) -> str:
    fill, stroke, width = _STYLE[box.role]
    left, top = box.x - box.width / 2, box.y - box.height / 2
    parts = [
        f'<g id="{box.key}" class="node {box.role}"><title>{escape(box.title)}</title>',
        rect(left, top, box.width, box.height, radius=0, fill=fill, stroke=stroke, width=width),
    ]
    if box.retained:
        parts.append(
            rect(
                left + 3,
                top + 3,
                box.width - 6,
                box.height - 6,
                radius=0,
                fill="none",
                stroke=AMBER,
                width=1.0,
            )
        )
    parts.append(_label(box.label, box.x, box.y, box.width - 8, stroke))
    if box.caption:
        parts.append(words(box.caption, box.x, top - 4, 9, GREY))
    return "".join([*parts, "</g>"])


def _circle(circle: Circle) -> str:
    fill, stroke, width = _STYLE[circle.role]
    left, top = circle.x - circle.width / 2, circle.y - circle.height / 2
    radius = circle.height / 2
    inside = circle.width - (7 if circle.width == circle.height else 15)
    return "".join(
        [
            f'<g id="{circle.key}" class="node {circle.role}">',
            f"<title>{escape(circle.title)}</title>",
            rect(
                left,
                top,
                circle.width,
                circle.height,
                radius=radius,
                fill=fill,
                stroke=stroke,
                width=width,
            ),
            _label(circle.label, circle.x, circle.y, inside, stroke),
            "</g>",
        ]
    )


def _frame(frame: Frame) -> str:
    outline = (
        f'<rect x="{number(frame.x)}" y="{number(frame.y)}" width="{number(frame.width)}" '
        f'height="{number(frame.height)}" rx="10" fill="#f8fafc" stroke="{BLUE}" '
        f'stroke-width="1.1" stroke-dasharray="6 4"/>'
    )
    return outline + _line(frame.label.line, frame.x + 12, frame.y - 4, 12, BLUE, anchor="start")


def _label(label: Label, x: float, y: float, inside: float, colour: str) -> str:
    if not label.below:
        size = font_size(label.line, inside)
        return _line(label.line, x, y + size * 0.34, size, colour)
    size = min(font_size(label.line, inside, 12.5), font_size(label.below, inside, 12.5))
    half = inside / 2 - 1
    bar = (
        f'<path d="M{number(x - half)} {number(y)}H{number(x + half)}" stroke="{colour}" '
        f'stroke-width="0.9"/>'
    )
    return (
        _line(label.line, x, y - 4, size, colour)
        + bar
        + _line(label.below, x, y + size * 0.98, size, colour)
    )


def _line(
    line: Line, x: float, y: float, size: float, colour: str, *, anchor: str = "middle"
) -> str:
    stacked = next(
        (i for i in range(1, len(line)) if (line[i - 1].shift, line[i].shift) == (1, -1)), 0
    )
    if not stacked:
        return _text(line, x, y, size, colour, anchor=anchor)
    # Renderers disagree about a negative dx, so superscript and subscript are texts of their own.
    before, pair, after = line[: stacked - 1], line[stacked - 1 : stacked + 1], line[stacked + 1 :]
    left, middle = line_width(before, size), max(line_width((span,), size) for span in pair)
    join = x + left
    if anchor == "middle":
        join = x + (left - middle - line_width(after, size)) / 2
    parts = [_text(before, join, y, size, colour, anchor="end")]
    parts += [_text((span,), join + 0.5, y, size, colour, anchor="start") for span in pair]
    parts += [_text(after, join + middle + 0.5, y, size, colour, anchor="start")] if after else []
    return "".join(parts)


def _text(line: Line, x: float, y: float, size: float, colour: str, *, anchor: str) -> str:
    parts: list[str] = []
    raised = 0.0
    for span in line:
        wanted = -0.36 * size if span.shift > 0 else 0.24 * size if span.shift < 0 else 0.0
        parts.append(_span(span, wanted - raised, size))
        raised = wanted
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" fill="{colour}" '
        f'text-anchor="{anchor}">{"".join(parts)}</text>'
    )


def _span(span: Span, dy: float, size: float) -> str:
    style = ' font-weight="bold"' if span.bold else ""
    style += ' font-style="italic"' if span.italic else ""
    style += f' dy="{number(dy)}"' if abs(dy) > 0.04 else ""
    style += f' font-size="{number(size * 0.7)}"' if span.shift else ""
    return f"<tspan{style}>{escape(span.text)}</tspan>"


def _legend(picture: Picture) -> list[str]:
    rows = legend_rows(picture.legend, picture.width)
    parts: list[str] = []
    for place, row in enumerate(rows):
        y = picture.height - 20 - LEGEND_ROW * (len(rows) - 1 - place)
        for mark, x in row:
            parts.append(_mark(mark, x, y))
            parts.append(words(LEGEND[mark], x + 32, y + 3.5, 10, GREY, anchor="start"))
    return parts


def _mark(mark: str, x: float, y: float) -> str:
    if mark == "operator":
        return rect(x + 10, y - 6, 12, 12, radius=6, fill="#ffffff", stroke=INK, width=1.2)
    if mark in ("backward", "retained"):
        colour, stroke, head = _EDGE[mark]
        line = (
            f'<path d="M{number(x)} {number(y)}H{number(x + 26)}" stroke="{colour}" {stroke} '
            f'marker-end="url(#{head})"/>'
        )
        return line
    fill, stroke, width = _STYLE["intermediate" if mark == "variable" else mark]
    return rect(x + 10, y - 6, 12, 12, radius=0, fill=fill, stroke=stroke, width=width)
