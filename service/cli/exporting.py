"""`wallet export`: the accounts, transactions and entries of one moment, as files of CSV or JSON lines."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, LiteralString, NamedTuple

import psycopg
from psycopg import sql
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from service.cli.failure import Failure
from service.cli.output import discard_output

FORMATS: Final = ("csv", "jsonl")

_INSTANT: Final[LiteralString] = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


class _Column(NamedTuple):
    name: str
    expression: LiteralString
    is_text: bool = False
    """Whether people chose it, so that a spreadsheet may take it for a formula."""


class _Table(NamedTuple):
    columns: tuple[_Column, ...]
    source: LiteralString
    estimate_of: str
    """The table whose rows are counted for the progress bar."""


# The order is that of the primary key: nothing is sorted, so the first row comes at once and no disk is needed.
TABLES: Final = {
    "accounts": _Table(
        (
            _Column("id", "a.id"),
            _Column("externalId", "a.external_id", is_text=True),
            _Column("ownerId", "a.owner_id", is_text=True),
            _Column("accountType", "a.account_type"),
            _Column("status", "a.status"),
            _Column("creditsAllowed", "to_json(a.credits_allowed)"),
            _Column("name", "a.name", is_text=True),
            _Column("email", "a.email", is_text=True),
            _Column("assetTypeId", "a.asset_type_id"),
            _Column("assetSymbol", "t.symbol"),
            _Column("balance", "trim_scale(s.balance)"),
            _Column("creditLimit", "trim_scale(-a.balance_min)"),
            _Column("balanceMax", "trim_scale(a.balance_max)"),
            _Column("debtMax", "trim_scale(a.debt_max)"),
            _Column("createdAt", _INSTANT.format("a.created_at")),
            _Column("updatedAt", _INSTANT.format("s.updated_at")),
        ),
        # A system account may be kept in several rows.
        """FROM wallet.accounts AS a
        JOIN wallet.asset_types AS t ON a.asset_type_id = t.id
        CROSS JOIN LATERAL (
            SELECT a.balance, a.updated_at WHERE a.account_type = 'USER'
            UNION ALL
            SELECT sum(b.balance), max(b.updated_at) FROM wallet.accounts AS b
            WHERE a.account_type <> 'USER' AND b.account_type = a.account_type AND b.asset_type_id = a.asset_type_id
            HAVING count(*) > 0
        ) AS s
        WHERE a.stripe = 0
        ORDER BY a.id""",
        "wallet.accounts",
    ),
    "transactions": _Table(
        (
            _Column("id", "x.id"),
            _Column("idempotencyKey", "x.idempotency_key", is_text=True),
            _Column("type", "x.type"),
            _Column("status", "x.status"),
            _Column("sourceAccountId", "wallet.public_account_id(x.source_account_id)"),
            _Column("destAccountId", "wallet.public_account_id(x.dest_account_id)"),
            _Column("assetTypeId", "x.asset_type_id"),
            _Column("assetSymbol", "t.symbol"),
            _Column("amount", "trim_scale(x.amount)"),
            _Column("description", "x.description", is_text=True),
            _Column("referenceId", "x.reference_id", is_text=True),
            _Column("metadata", "x.metadata"),
            _Column("relatedId", "x.related_id"),
            _Column("postedBy", "x.posted_by"),
            _Column("createdAt", _INSTANT.format("x.created_at")),
        ),
        "FROM wallet.transactions AS x JOIN wallet.asset_types AS t ON x.asset_type_id = t.id ORDER BY x.id",
        "wallet.transactions",
    ),
    "entries": _Table(
        (
            _Column("id", "left(e.transaction_id::text, 34) || lpad(to_hex(e.leg::integer), 2, '0')"),
            _Column("transactionId", "e.transaction_id"),
            _Column("accountId", "wallet.public_account_id(e.account_id)"),
            _Column("entryType", "e.entry_type"),
            _Column("amount", "trim_scale(e.amount)"),
            # A system account may be kept in several rows, each with versions and balances of its own.
            _Column(
                "balanceAfter",
                "CASE WHEN substr(e.account_id::text, 15, 1) <> '8' THEN trim_scale(e.balance_after) END",
            ),
            _Column("version", "CASE WHEN substr(e.account_id::text, 15, 1) <> '8' THEN e.version END"),
            _Column("createdAt", _INSTANT.format("e.created_at")),
        ),
        "FROM wallet.ledger_entries AS e ORDER BY e.account_id, e.version",
        "wallet.ledger_entries",
    ),
}


def export(url: str, names: Sequence[str], format_: str, target: Path | None, console: Console) -> dict[str, int]:
    """Write tables as they were at one moment, row by row.

    Args:
        url: the database.
        names: of TABLES; with no target, one.
        format_: csv or jsonl.
        target: a folder for the files, which are there in the end or not at all; None: standard output.
        console: for the progress bar.

    Returns:
        The number of rows of each table.

    Raises:
        Failure: a file is there already, or cannot be written.
        psycopg.Error: the database is away, or refused the login.
    """
    rows: dict[str, int] = {}
    with (
        psycopg.connect(url, client_encoding="UTF8") as connection,
        _progress(console) as progress,
        _files(names, format_, target) as files,
    ):
        # One snapshot for all tables, so that they agree with each other.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        tasks = {name: progress.add_task(name, total=_estimate(connection, name)) for name in names}
        for name in names:
            rows[name] = _copy(connection, name, format_, files[name], progress, tasks[name])
    return rows


def _copy(
    connection: psycopg.Connection[Any], name: str, format_: str, file: BinaryIO, progress: Progress, task: TaskID
) -> int:
    count = 0
    try:
        with connection.cursor() as cursor, cursor.copy(_query(TABLES[name], format_)) as copy:
            for block in copy:
                file.write(block)
                # PostgreSQL sends each row by itself, the names of the columns too.
                count += 1
                if count % 1_000 == 0:
                    progress.update(task, completed=count)
        file.flush()
    except OSError as error:
        if file is sys.stdout.buffer:
            discard_output()
        raise Failure(f"The export cannot be written: {error.strerror or error}.") from error
    count -= format_ == "csv"
    progress.update(task, completed=count, total=count)
    return count


def _query(table: _Table, format_: str) -> sql.Composed:
    columns = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(_expression(column, format_), sql.Identifier(column.name))
        for column in table.columns
    )
    select = sql.SQL("SELECT {} {}").format(columns, sql.SQL(table.source))
    if format_ == "csv":
        return sql.SQL("COPY ({}) TO STDOUT WITH (FORMAT csv, HEADER)").format(select)
    # JSON text has no control characters, so that with these nothing is ever quoted or escaped.
    return sql.SQL(
        "COPY (SELECT row_to_json(r) FROM ({}) AS r) TO STDOUT WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
    ).format(select)


def _expression(column: _Column, format_: str) -> sql.Composable:
    expression = sql.SQL(column.expression)
    if not column.is_text or format_ != "csv":
        return expression
    # Imported here: the other commands start faster without the service.
    from service.http.statement_csv import DANGEROUS

    # As in statements: an apostrophe in front of what a spreadsheet would run.
    return sql.SQL("CASE WHEN left({0}, 1) = ANY({1}) THEN '''' || {0} ELSE {0} END").format(
        expression, sql.Literal(list(DANGEROUS))
    )


def _estimate(connection: psycopg.Connection[Any], name: str) -> int | None:
    """About how many rows there are, as PostgreSQL noted last; None: it has not counted yet."""
    row = connection.execute(
        "SELECT reltuples::bigint FROM pg_catalog.pg_class WHERE oid = %s::regclass", [TABLES[name].estimate_of]
    ).fetchone()
    assert row is not None  # the cast fails before
    return row[0] if row[0] > 0 else None


def _progress(console: Console) -> Progress:
    """A bar for each table; nothing when the console is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


@contextlib.contextmanager
def _files(names: Sequence[str], format_: str, target: Path | None) -> Iterator[dict[str, BinaryIO]]:
    """Open a file for each table. They get their names at the end, and go away when it is not reached."""
    if target is None:
        yield dict.fromkeys(names, sys.stdout.buffer)
        return
    paths = {name: target / f"{name}.{format_}" for name in names}
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path in paths.values():
            if path.exists():
                raise Failure(f"{path} is there already: name another folder, or remove it.")
        with contextlib.ExitStack() as stack:
            files: dict[str, BinaryIO] = {}
            for name, path in paths.items():
                files[name] = stack.enter_context(_part(path).open("wb"))
                stack.callback(_part(path).unlink, missing_ok=True)
            yield files
            for path in paths.values():
                os.replace(_part(path), path)
    except OSError as error:
        raise Failure(f"The export cannot be written to {target}: {error.strerror or error}.") from error


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")
