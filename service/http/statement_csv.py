"""A statement as CSV (RFC 4180, UTF-8): a header, the opening balance, the lines, the closing balance.

The closing row comes last, so that a file that was cut off shows it.
"""

import csv
import io
from collections.abc import Iterable
from typing import Final

import msgspec

from service.statements import Head

CONTENT_TYPE: Final = "text/csv; charset=utf-8; header=present"

COLUMNS: Final = (
    "record",
    "version",
    "createdAt",
    "id",
    "transactionId",
    "type",
    "debit",
    "credit",
    "balance",
    "referenceId",
    "description",
    "counterpartyAccountIds",
)

# What spreadsheets take for the beginning of a formula: = + - @, also in full width, or after a tab or a line break.
# And the apostrophe itself, so that there is one rule to get the text back.
DANGEROUS: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n", "'")

_Row = Iterable[object]


class _Line(msgspec.Struct, rename="camel"):
    """A line as the database tells it; numbers stay the text they are."""

    id: str
    transaction_id: str
    version: int
    type: str | None
    entry_type: str
    amount: msgspec.Raw
    balance_after: msgspec.Raw
    created_at: str
    reference_id: str | None
    description: str | None
    counterparty_account_ids: list[str]


_LINES: Final = msgspec.json.Decoder(list[_Line])


def first_rows(head: Head) -> bytes:
    """The names of the columns, and the opening balance."""
    opening = ("OPENING", head.opening.version, head.from_at, *_BLANK, _number(head.opening.balance))
    return _text([COLUMNS, _filled(opening)])


def rows(lines: bytes) -> bytes:
    """Lines of the statement.

    Args:
        lines: JSON objects joined by commas, as of `wallet.statement_page`.
    """
    return _text(map(_row, _LINES.decode(b"[" + lines + b"]")))


def last_row(head: Head) -> bytes:
    """The closing balance."""
    return _text([_filled(("CLOSING", head.closing.version, head.to_at, *_BLANK, _number(head.closing.balance)))])


def file_name(head: Head) -> str:
    """A name for the file, of letters, digits, dashes and a point: the account, and the days of the instants in UTC."""
    days = [instant[:10] for instant in (head.from_at, head.to_at) if instant is not None]
    return "-".join(["statement", str(head.account_id), *days]) + ".csv"


# id, transactionId, type, debit, credit
_BLANK: Final = (None,) * 5


def _filled(row: tuple[object, ...]) -> tuple[object, ...]:
    return row + (None,) * (len(COLUMNS) - len(row))


def _row(line: _Line) -> tuple[object, ...]:
    amount = _number(line.amount)
    return (
        "ENTRY",
        line.version,
        line.created_at,
        line.id,
        line.transaction_id,
        line.type,
        amount if line.entry_type == "DEBIT" else None,
        amount if line.entry_type == "CREDIT" else None,
        _number(line.balance_after),
        harmless(line.reference_id),
        harmless(line.description),
        " ".join(line.counterparty_account_ids),
    )


def _number(raw: msgspec.Raw) -> str:
    return bytes(raw).decode()


def harmless(text: str | None) -> str | None:
    """Text that no spreadsheet runs: with an apostrophe in front where it begins like a formula."""
    return f"'{text}" if text is not None and text.startswith(DANGEROUS) else text


def _text(table: Iterable[_Row]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows(table)
    return buffer.getvalue().encode()
