"""Statements from SQL: as the service reads them, page by page, and as psql does."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.support.database import Connection
from tests.support.ledger import decoded

Instant = datetime | str | None
Json = dict[str, Any]

PAGE_LINES = 1000


@dataclass
class OpenStatement:
    """What `wallet.open_statement` gave, and how far it was read."""

    connection: Connection
    head: Json
    account_ids: list[UUID]
    lows: list[int]
    highs: list[int]
    balance: Decimal
    """After the lines read so far."""

    def pages(self, limit: int = PAGE_LINES) -> Iterator[list[Json]]:
        """Give the lines that are left, page by page."""
        while self.lows != self.highs:
            row = self.connection.execute(
                "SELECT '[' || lines || ']', lows, line_count, debits, credits"
                " FROM wallet.statement_page(%s, %s::bigint[], %s::bigint[], %s, %s)",
                [self.account_ids, self.lows, self.highs, self.balance, limit],
            ).fetchone()
            assert row is not None
            lines: list[Json] = decoded(row[0])
            self.lows = row[1]
            assert 0 < len(lines) <= limit
            assert (row[2], row[3], row[4]) == (len(lines), total(lines, "DEBIT"), total(lines, "CREDIT"))
            self.balance += row[4] - row[3]
            yield lines

    def lines(self, limit: int = PAGE_LINES) -> list[Json]:
        """Give all the lines that are left."""
        return [line for page in self.pages(limit) for line in page]


def open_statement(
    connection: Connection, account_id: UUID, from_at: Instant = None, to_at: Instant = None
) -> OpenStatement:
    """Call `wallet.open_statement`."""
    row = connection.execute(
        "SELECT head::text, account_ids, lows, highs, opening"
        " FROM wallet.open_statement(%s, %s::timestamptz, %s::timestamptz)",
        [account_id, from_at, to_at],
    ).fetchone()
    assert row is not None
    return OpenStatement(connection, decoded(row[0]), *row[1:])


def total(lines: list[Json], entry_type: str) -> Decimal:
    """Give the sum of the debits or credits among lines."""
    return sum((line["amount"] for line in lines if line["entryType"] == entry_type), Decimal(0))


def check_arithmetic(head: Json, lines: list[Json]) -> None:
    """Opening and lines lead to closing, line by line, without a gap."""
    version, balance = head["opening"]["version"], head["opening"]["balance"]
    for line in lines:
        version += 1
        balance += line["amount"] if line["entryType"] == "CREDIT" else -line["amount"]
        assert (line["version"], line["balanceAfter"]) == (version, balance)
    assert (version, balance) == (head["closing"]["version"], head["closing"]["balance"])


def psql_statement(
    connection: Connection, account_id: UUID, from_at: Instant = None, to_at: Instant = None
) -> list[Json]:
    """Call `wallet.statement`; give its rows as objects."""
    cursor = connection.execute(
        "SELECT * FROM wallet.statement(%s, %s::timestamptz, %s::timestamptz)", [account_id, from_at, to_at]
    )
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def lines_of(rows: list[Json]) -> list[Json]:
    """The rows of `wallet.statement` between its first and its last, as the service shows them."""
    return [
        {
            "id": str(row["entry_id"]),
            "transactionId": str(row["transaction_id"]),
            "version": row["version"],
            "type": row["type"],
            "entryType": "CREDIT" if row["debit"] is None else "DEBIT",
            "amount": row["credit"] if row["debit"] is None else row["debit"],
            "balanceAfter": row["balance"],
            "createdAt": instant_text(row["created_at"]),
            "referenceId": row["reference_id"],
            "description": row["description"],
            "counterpartyAccountIds": [str(one) for one in row["counterparty_account_ids"]],
        }
        for row in rows[1:-1]
    ]


def instant_text(instant: datetime) -> str:
    """Give an instant (of a connection in UTC) as the service shows it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def fill(connection: Connection, account_id: UUID, count: int) -> None:
    """Give a fresh wallet so many lines of 1 each, a second apart from 2026-01-01 on, from its asset's treasury.

    Rows as postings leave them (but for counts and keys), written past the functions, which take ten times as long.
    """
    connection.execute(
        """
        WITH n AS (
            SELECT n, gen_random_uuid() AS seed, a.id AS wallet_id, a.asset_type_id, s.id AS treasury_id, s.version,
                timestamptz '2026-01-01Z' + (s.version + n) * interval '1 second' AS at
            FROM wallet.accounts AS a
            JOIN wallet.accounts AS s ON a.asset_type_id = s.asset_type_id
            CROSS JOIN generate_series(1, %(count)s) AS n
            WHERE a.id = %(account_id)s AND s.account_type = 'TREASURY' AND s.stripe = 0
        ),

        t AS (
            INSERT INTO wallet.transactions (
                id, source_account_id, dest_account_id, asset_type_id, source_version, dest_version, created_at, type,
                amount, idempotency_key, reference_id, description
            )
            SELECT
                wallet.transaction_id(nextval('wallet.transaction_numbers'), seed), treasury_id, wallet_id,
                asset_type_id, version + n, n, at, 'TOP_UP', 1, 'fill-' || seed, 'order-' || n, 'A coin for the player'
            FROM n
            RETURNING *
        )

        INSERT INTO wallet.ledger_entries (
            account_id, transaction_id, version, created_at, entry_type, leg, amount, balance_after
        )
        SELECT source_account_id, id, source_version, created_at, 'DEBIT'::wallet.entry_type, 1, 1, -source_version
        FROM t
        UNION ALL
        SELECT dest_account_id, id, dest_version, created_at, 'CREDIT', 2, 1, dest_version FROM t
        """,
        {"account_id": account_id, "count": count},
    )
    connection.execute(
        "UPDATE wallet.accounts AS a SET version = e.version, balance = e.balance FROM ("
        " SELECT account_id, max(version), sum(CASE entry_type WHEN 'CREDIT' THEN amount ELSE -amount END)"
        " FROM wallet.ledger_entries GROUP BY account_id) AS e (account_id, version, balance) WHERE a.id = e.account_id"
    )
    connection.execute("ANALYZE wallet.transactions, wallet.ledger_entries, wallet.accounts")


def be_patient(connection: Connection) -> None:
    """Have statements wait for half a minute at most."""
    row = connection.execute("SELECT pg_get_functiondef('wallet.settled_statement_ends'::regproc)").fetchone()
    assert row is not None
    assert "wallet.settled_number(0.25)" in row[0]
    connection.execute(row[0].replace("wallet.settled_number(0.25)", "wallet.settled_number(30)").encode())
