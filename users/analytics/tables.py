"""Analytics as a table: the rows of a CSV file, fit for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from core.csv_cells import csv_row, safe_cell
from users.analytics.answers import Analytics, durations_of, totals_of
from users.analytics.counting import TOTALS
from users.analytics.periods import Grouping

PERIODS = frozenset({Grouping.DAY, Grouping.WEEK, Grouping.MONTH})


def groups_of(found: Analytics, grouping: Grouping) -> dict[str, int]:
    """Sign-ins of each value; hours as weekday (1 is Monday) and hour: "1-08"."""
    if grouping == Grouping.HOUR:
        hours = sorted(found.hours().items())
        return {f"{weekday + 1}-{hour:02d}": number for (weekday, hour), number in hours}
    return found.numbers(str(grouping))


def table_of(found: Analytics, grouping: Grouping) -> Iterator[Sequence[Any]]:
    """A row of names, then one for each day, week, month or value."""
    if grouping in PERIODS:
        yield (str(grouping), *TOTALS, "median_seconds", "p95_seconds")
        for start, counts in found.series(grouping).items():
            yield (
                start.isoformat(),
                *totals_of(counts).values(),
                *durations_of(counts).values(),
            )
    else:
        yield (str(grouping), "sign_ins")
        yield from groups_of(found, grouping).items()


def lines_of(table: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The table as CSV, line by line."""
    for row in table:
        yield csv_row(harmless(cell) for cell in row)


def harmless(cell: Any) -> Any:
    """Text that a spreadsheet would run gets an apostrophe before it; numbers stay numbers."""
    return safe_cell(cell) if isinstance(cell, str) else cell


def file_name(found: Analytics, grouping: Grouping) -> str:
    period = found.period
    return f"sessions-by-{grouping.replace('_', '-')}-{period.first}-{period.last}.csv"
