"""The few marks that all drawings and plots are made of."""

from __future__ import annotations

from html import escape

INK, RED, AMBER, GREY, BLUE = "#1e293b", "#b91c1c", "#b45309", "#64748b", "#2563eb"
SERIF = (
    "'STIX Two Text','STIX Two Math','Latin Modern Roman','Cambria','Times New Roman',Tinos,"
    "'DejaVu Serif',serif"
)
SANS = "'Helvetica Neue',Arial,'Liberation Sans','DejaVu Sans',sans-serif"


def number(value: float) -> str:
    """Write a coordinate: at most one decimal, no trailing zero.

    >>> number(3.0), number(2.25), number(-0.04)
    ('3', '2.2', '0')
    """
    text = f"{value:.1f}"
    return "0" if text == "-0.0" else text.removesuffix(".0")


def rect(
    x: float,
    y: float,
    w: float,
    h: float,
    *,
    radius: float,
    fill: str,
    stroke: str,
    width: float,
) -> str:
    """Return a rectangle; a radius rounds its corners."""
    corner = f' rx="{number(radius)}"' if radius else ""
    return (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(w)}" height="{number(h)}"{corner} '
        f'fill="{fill}" stroke="{stroke}" stroke-width="{number(width)}"/>'
    )


def words(
    text: str,
    x: float,
    y: float,
    size: float,
    colour: str,
    *,
    anchor: str = "middle",
    weight: str = "normal",
) -> str:
    """Return upright text."""
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" fill="{colour}" '
        f'text-anchor="{anchor}" font-weight="{weight}" font-family="{SANS}">{escape(text)}</text>'
    )


def document(width: float, height: float, title: str, description: str, body: list[str]) -> str:
    """Return a complete SVG document on a white ground, with title and description."""
    w, h = number(width), number(height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" '
        f'role="img" aria-labelledby="title desc" font-family="{SERIF}">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(description)}</desc>',
        f'<rect width="{w}" height="{h}" rx="6" fill="#ffffff"/>',
        words(title, 26, 30, 14.5, INK, anchor="start", weight="bold"),
        *body,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"
