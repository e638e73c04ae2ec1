"""The chart: per row a bar, as long as the ratio is good, and one line that all bars should reach."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from bench.report import Row

_WIDTH, _ROW_HEIGHT, _TOP, _LABEL_WIDTH = 980, 34, 56, 470
_BAR_WIDTH = 300
_SHOWN_MAX = 2.0
_COLOURS = {"yes": "#2e7d32", "in the spread": "#c77700", "no": "#c62828"}


def goodness(row: Row) -> float:
    """How far the ratio is on its way: 1.0 is just what is wanted, more is better.

    Where at most so much is wanted, half of it counts twice. Inside a range everything counts 1.0.
    """
    target = row.question.target
    if target.low is not None and target.high is not None:
        return min(row.ratio / target.low, target.high / row.ratio, 1.0)
    if target.low is not None:
        return row.ratio / target.low
    assert target.high is not None
    return target.high / row.ratio


def draw(rows: Sequence[Row], caption: str) -> str:
    """Draws the rows that have a ratio and a target, as the text of an SVG file."""
    drawn = [row for row in rows if row.reached in _COLOURS]
    height = _TOP + _ROW_HEIGHT * len(drawn) + 34
    wanted_x = _LABEL_WIDTH + _BAR_WIDTH / _SHOWN_MAX
    bottom = _TOP + _ROW_HEIGHT * len(drawn)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
        ' font-family="system-ui, sans-serif" font-size="13">',
        f"<title>{escape(caption)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(16, 26, caption, weight="bold"),
        _text(wanted_x, _TOP - 8, "wanted", anchor="middle", colour="#555555"),
        *(part for index, row in enumerate(drawn) for part in _bar(row, _TOP + index * _ROW_HEIGHT)),
        f'<line x1="{wanted_x:g}" y1="{_TOP}" x2="{wanted_x:g}" y2="{bottom}" stroke="#222222" stroke-width="2"/>',
        _text(16, bottom + 22, "Bars end at twice what is wanted; the figure is the ratio of the medians.", size=11),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bar(row: Row, top: float) -> list[str]:
    width = min(goodness(row), _SHOWN_MAX) / _SHOWN_MAX * _BAR_WIDTH
    label = f"{row.ratio:.2f} ({row.question.target})"
    middle = top + _ROW_HEIGHT / 2
    return [
        _text(_LABEL_WIDTH - 10, middle - 3, _short(row.question.title), anchor="end"),
        _text(_LABEL_WIDTH - 10, middle + 11, _short(f"against {row.question.against}"), "end", "#777777", 10),
        f'<rect x="{_LABEL_WIDTH}" y="{top + 6:g}" width="{width:.1f}" height="{_ROW_HEIGHT - 12}"'
        f' fill="{_COLOURS[row.reached]}"/>',
        _text(_LABEL_WIDTH + _BAR_WIDTH + 12, middle + 5, label),
    ]


def _short(text: str, length: int = 68) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _text(
    x: float,
    y: float,
    text: str,
    anchor: str = "start",
    colour: str = "#222222",
    size: int = 13,
    weight: str = "normal",
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{colour}" font-size="{size}" font-weight="{weight}">'
        f"{escape(text)}</text>"
    )
