"""`wallet statement`: an account's entries between two instants, read row by row."""

import csv
import io
import itertools
import json
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import click

from service.cli.failure import Failure
from service.cli.lookup import Connection
from service.cli.tables import print_table
from service.http.statement_csv import COLUMNS, harmless

_ROWS_AT_ONCE: Final = 1_000

#: More are for a file and not for eyes.
_LINES_SHOWN_MAX: Final = 1_000


class Line(NamedTuple):
    """A row of `wallet.statement`, with its columns."""

    record: str
    version: int
    created_at: datetime | None
    entry_id: str | None
    transaction_id: str | None
    type: str | None
    debit: Decimal | None
    credit: Decimal | None
    balance: Decimal
    reference_id: str | None
    description: str | None
    counterparty_account_ids: list[str] | None


def statement(
    connection: Connection, account_id: str, from_at: datetime | None, to_at: datetime | None
) -> Generator[Line]:
    """Give the opening balance, the entries and the closing balance, oldest first.

    Raises:
        psycopg.Error: `from_at` is after `to_at` (WL001), or the database is away.
    """
    # A cursor on the server gives as many rows as there is room for; it needs a transaction.
    with connection.transaction(), connection.cursor(name="statement") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        cursor.execute(
            "SELECT record, version, created_at, entry_id::text, transaction_id::text, type::text, debit, credit,"
            " balance, reference_id, description, counterparty_account_ids::text[] FROM wallet.statement(%s, %s, %s)",
            [account_id, from_at, to_at],
        )
        yield from map(Line._make, cursor)


def csv_rows(lines: Iterator[Line]) -> Iterator[str]:
    """Give the statement as CSV, with the columns and the care that it has over HTTP."""
    yield _csv_row(COLUMNS)
    for line in lines:
        yield _csv_row(
            (
                line.record,
                line.version,
                instant(line.created_at),
                line.entry_id,
                line.transaction_id,
                line.type,
                number(line.debit),
                number(line.credit),
                number(line.balance),
                harmless(line.reference_id),
                harmless(line.description),
                " ".join(line.counterparty_account_ids or ()),
            )
        )


def json_rows(lines: Iterator[Line]) -> Iterator[str]:
    """Give the statement as JSON objects, one a line, with the names of the CSV; amounts are decimal text."""
    for line in lines:
        values: tuple[Any, ...] = (
            *(line.record, line.version, instant(line.created_at), line.entry_id, line.transaction_id, line.type),
            *(number(line.debit), number(line.credit), number(line.balance), line.reference_id, line.description),
            line.counterparty_account_ids,
        )
        yield json.dumps(dict(zip(COLUMNS, values, strict=True)), ensure_ascii=False) + "\n"


def print_table_of(lines: Iterator[Line]) -> None:
    """Print the statement as a table.

    Raises:
        Failure: it is too long for that, and nothing was printed.
    """
    listed = list(itertools.islice(lines, _LINES_SHOWN_MAX + 3))
    entries = len(listed) - 2
    if entries > _LINES_SHOWN_MAX:
        raise Failure(
            f"The statement has more than {_LINES_SHOWN_MAX:,} entries: narrow it with --from and --to, or print it"
            " with --csv or --json."
        )
    print_table(
        ("Instant, UTC", "Type", "Debit", "Credit", "Balance", "Transaction"),
        map(_table_row, listed),
        whole=("Transaction",),
    )
    click.echo(f"{entries:,} entr{'y' if entries == 1 else 'ies'}.")


def _table_row(line: Line) -> tuple[object, ...]:
    at = None if line.created_at is None else line.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return (at, line.type or line.record, line.debit, line.credit, line.balance, line.transaction_id)


def instant(value: datetime | None) -> str | None:
    """Write an instant as the service does."""
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def number(value: Decimal | None) -> str | None:
    """Write an amount exactly, without zeros at the end."""
    return None if value is None else f"{value.normalize():f}"


def _csv_row(values: tuple[object, ...]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow(values)
    return buffer.getvalue()
