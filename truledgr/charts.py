"""The shapes of charts, in whole units of their view boxes: templates draw them as SVG.

Words stand beside the shapes, in HTML: a shape is stretched to the width of the page, and letters
would be, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

WIDTH, HEIGHT = 10_000, 1_000  # of a chart of columns
GAP = 0.2  # of a column's place
BAR = 1_000  # the longest bar
SHADES = 5
WEEKDAYS, HOURS = range(7), range(24)


@dataclass(frozen=True, slots=True)
class Column:
    """What is over the base line, and what is under it."""

    label: str
    over: int
    under: int
    x: int
    width: int
    y: int
    over_height: int
    under_height: int
    link: str


@dataclass(frozen=True, slots=True)
class Columns:
    columns: list[Column]
    base: int
    most_over: int
    most_under: int
    width: int = WIDTH
    height: int = HEIGHT


def columns_of(values: Sequence[tuple[str, int, int, str]]) -> Columns:
    """Each a label, a number over the line, one under it, and where it leads; one scale for all."""
    most_over = max((over for _, over, _, _ in values), default=0)
    most_under = max((under for _, _, under, _ in values), default=0)
    unit = HEIGHT / max(1, most_over + most_under)
    base = round(most_over * unit)
    place = WIDTH / max(1, len(values))
    columns = [
        Column(
            label=label,
            over=over,
            under=under,
            x=round((number + GAP / 2) * place),
            width=max(1, round(place * (1 - GAP))),
            y=base - round(over * unit),
            over_height=round(over * unit),
            under_height=round(under * unit),
            link=link,
        )
        for number, (label, over, under, link) in enumerate(values)
    ]
    return Columns(columns, base, most_over, most_under)


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    number: int
    length: int
    link: str


def bars_of(values: Iterable[tuple[str, int, str]]) -> list[Bar]:
    """One for each label, number and link; the longest is of the largest number."""
    rows = list(values)
    most = max((number for _, number, _ in rows), default=1) or 1
    return [Bar(label, number, round(BAR * number / most), link) for label, number, link in rows]


@dataclass(frozen=True, slots=True)
class Square:
    x: int
    y: int
    shade: int  # 0 for nothing, else 1 to SHADES
    number: int


def squares_of(hours: Mapping[tuple[int, int], int]) -> list[list[Square]]:
    """A row for each weekday with a square for each hour."""
    most = max(hours.values(), default=0) or 1
    return [
        [
            Square(
                x=hour,
                y=weekday,
                shade=ceil(SHADES * hours.get((weekday, hour), 0) / most),
                number=hours.get((weekday, hour), 0),
            )
            for hour in HOURS
        ]
        for weekday in WEEKDAYS
    ]
