"""Results for people: tables, with amounts aligned and ids whole however narrow the terminal is."""

import os
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDTH_OF_FILES: Final = 1_000


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, whole: Iterable[str] = ()) -> None:
    """Print a table.

    Args:
        columns: their names.
        rows: their values; None is shown as nothing, amounts stand at the right.
        whole: the columns that are not broken into lines: what is copied from them must be one word.
    """
    listed = [list(row) for row in rows]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        is_number = any(isinstance(row[index], Decimal) for row in listed)
        table.add_column(
            column,
            justify="right" if is_number else "left",
            no_wrap=column in whole,
            min_width=len(column),
            overflow="fold",
        )
    for row in listed:
        table.add_row(*(Text(shown(value)) for value in row))
    # A file or a program has no width: there, nothing is broken into lines.
    has_width = sys.stdout.isatty() or "COLUMNS" in os.environ
    Console(width=None if has_width else _WIDTH_OF_FILES).print(table)


def shown(value: object) -> str:
    """Give a value as people read it: exact amounts without zeros at the end."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)
