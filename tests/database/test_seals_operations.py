"""Seals of operations of every kind: what they are sealed by, holds as they were made, and nothing else of a hold."""

import hashlib
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import psycopg
import pytest

from tests.conftest import Connect
from tests.database.operation_world import Names, World
from tests.database.test_seals import (
    ACCOUNT_ORDER,
    ENTRY_ORDER,
    TRANSACTION_ORDER,
    Problem,
    columns,
    problems,
    rows_as_text,
    sha256_of_row,
    without_checks,
)
from tests.support.database import MIGRATED, Connection, Databases
from tests.support.guards import unguarded
from tests.support.ledger import Ledger
from tests.support.operations import Operation, call

HOLD_COLUMNS = (
    *("account_id", "dest_account_id", "asset_type_id", "amount", "created_at", "expires_at", "idempotency_key"),
    *("reference_id", "description", "metadata", "posted_by", "request", "stripe"),
)
"""In the order in which they are sealed."""

HOLD_COLUMNS_NOT_SEALED = {
    *("state", "closed_at", "captured", "capture_id", "void_id", "void_key", "void_request"),
    "expiry_number",
}
"""What became of a hold: its capture is a transaction, and sealed; the doctor holds one to the other."""

OTHER_VALUE = {
    "uuid": "gen_random_uuid()",
    "smallint": "{column} + 1",
    "numeric": "{column} + 1",
    "text": "coalesce({column}, '') || 'x'",
    "jsonb": "coalesce({column}, '{{}}') || '{{\"x\": null}}'",
    "timestamp with time zone": "{column} + interval '1 microsecond'",
}


class Sealed(NamedTuple):
    """A database in which all there is is in one seal."""

    url: str
    names: Names

    def number(self, connection: Connection, key: str) -> int:
        """The posting number of what a key made."""
        row = connection.execute(
            "SELECT wallet.transaction_number(transaction_id) FROM wallet.idempotency_keys WHERE key = %s", [key]
        ).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="module")
def sealed(databases: Databases) -> Iterator[Sealed]:
    with databases.fresh(MIGRATED) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            names = World(Ledger(connection)).fill()
            connection.execute("SELECT wallet.seal_range('2026-01-01', wallet.settled_number())")
        yield Sealed(url, names)


@pytest.fixture
def connection(sealed: Sealed) -> Iterator[Connection]:
    """A transaction past the guards, rolled back at the end."""
    with closing(psycopg.connect(sealed.url)) as connection, unguarded(connection):
        yield connection
        connection.rollback()


def test_nothing_is_found_where_nothing_was_changed(connection: Connection) -> None:
    """Whatever kinds of operations there were."""
    assert problems(connection) == {}


@pytest.mark.parametrize(
    ("key", "column"),
    [
        *((key, "related_id") for key in ("refund", "refund-journal", "capture")),
        *((key, "request") for key in ("refund", "capture", "journal", "conversion", "campaign")),
        *((key, column) for key in ("journal", "conversion") for column in ("leg_account_ids", "leg_versions")),
    ],
)
def test_an_edit_of_what_an_operation_asked_for_is_named(
    connection: Connection, sealed: Sealed, key: str, column: str
) -> None:
    """The columns that only some kinds have: changed, and taken away."""
    number = sealed.number(connection, key)
    without_checks(connection, "transactions")
    change = {"related_id": "gen_random_uuid()", "request": "request - 'amount' || '{\"x\": 1}'"}.get(
        column, f"{column}[2:] || {column}[1]"
    )
    for value in (change, "NULL"):
        with connection.transaction(force_rollback=True):
            connection.execute(
                f"UPDATE wallet.transactions SET {column} = {value} WHERE wallet.transaction_number(id) = %s".encode(),
                [number],
            )
            assert problems(connection) == {1: [Problem("edited", "transaction", number, 0)]}


def test_there_is_a_decision_for_every_column_of_a_hold(connection: Connection) -> None:
    """A column that was added since is sealed and tried below, or is on the list of those that are not."""
    assert set(columns(connection, "holds")) == {"id", *HOLD_COLUMNS, *HOLD_COLUMNS_NOT_SEALED}


@pytest.mark.parametrize("column", HOLD_COLUMNS)
@pytest.mark.parametrize("key", ["open", "captured"])
def test_an_edited_hold_is_named(connection: Connection, sealed: Sealed, key: str, column: str) -> None:
    """Each column of how it was made, whatever became of it."""
    without_checks(connection, "holds")
    value = OTHER_VALUE[columns(connection, "holds")[column]].format(column=column)
    done = connection.execute(f"UPDATE wallet.holds SET {column} = {value} WHERE id = %s".encode(), [sealed.names[key]])
    assert done.rowcount == 1
    assert problems(connection) == {1: [Problem("edited", "hold", sealed.number(connection, key))]}


def test_a_deleted_and_an_inserted_hold_are_named(connection: Connection, sealed: Sealed) -> None:
    """By number: the id may be gone."""
    number = sealed.number(connection, "voided")
    connection.execute("DELETE FROM wallet.holds WHERE id = %s", [sealed.names["voided"]])
    assert problems(connection) == {1: [Problem("deleted", "hold", number)]}
    connection.execute(
        "INSERT INTO wallet.holds SELECT (jsonb_populate_record(h, jsonb_build_object("
        "'id', wallet.transaction_id(0, gen_random_uuid())))).* FROM wallet.holds AS h WHERE h.id = %s",
        [sealed.names["open"]],
    )
    assert problems(connection) == {1: [Problem("inserted", "hold", 0), Problem("deleted", "hold", number)]}


def test_two_holds_that_changed_places_are_named(connection: Connection, sealed: Sealed) -> None:
    """Each under the other's id."""
    both = [sealed.names["open"], sealed.names["expired"]]
    connection.execute("UPDATE wallet.holds SET id = gen_random_uuid() WHERE id = %s", [both[0]])
    connection.execute("UPDATE wallet.holds SET id = %s WHERE id = %s", both)
    connection.execute(
        "UPDATE wallet.holds SET id = %s WHERE NOT id IN (SELECT transaction_id FROM wallet.idempotency_keys)",
        [both[1]],
    )
    numbers = [sealed.number(connection, key) for key in ("open", "expired")]
    assert problems(connection) == {1: [Problem("swapped", "hold", number) for number in numbers]}


def test_what_becomes_of_a_hold_is_no_tampering(databases: Databases, connect: Connect) -> None:
    """Sealed while open, then captured, voided, run out: nothing is found; the capture is in the next seal."""
    with databases.fresh(MIGRATED) as url:
        connection = connect(url)
        ledger = Ledger(connection)
        wallet = ledger.create_wallet(ledger.create_asset_type())
        ledger.top_up(wallet, 10)
        holds = [
            call(
                ledger,
                Operation(type="HOLD", key=f"h{n}", account_id=wallet, asset_type_id=ledger.asset_of(wallet), amount=1),
            ).id
            for n in range(3)
        ]
        connection.execute("SELECT wallet.seal_range('2026-01-01', wallet.settled_number())")
        call(ledger, Operation(type="CAPTURE", key="c", related_id=holds[0]))
        call(ledger, Operation(type="VOID", key="v", related_id=holds[1]))
        connection.execute(
            "UPDATE wallet.accounts SET updated_at = updated_at + interval '8 days' WHERE id = %s", [wallet]
        )
        ledger.spend(wallet, 1)
        states = connection.execute("SELECT state::text FROM wallet.holds ORDER BY id").fetchall()
        assert states == [("CAPTURED",), ("VOIDED",), ("EXPIRED",)]
        connection.execute("SELECT wallet.seal_range('2026-01-02', wallet.settled_number())")
        assert problems(connection) == {}


def test_the_encoding_is_the_one_that_is_released(connection: Connection) -> None:
    """Done again here, in another language, holds included."""
    hashes: list[tuple[str, int, str, bytes]] = [
        (row["id"], 0, "", sha256_of_row("transaction", ["id"], TRANSACTION_ORDER, row))
        for row in rows_as_text(connection, "transactions")
    ]
    hashes += [
        (row["id"], 32767, row["account_id"], sha256_of_row("hold", ["id"], HOLD_COLUMNS, row))
        for row in rows_as_text(connection, "holds")
    ]
    accounts = {row["id"]: row for row in rows_as_text(connection, "accounts")}
    assets = {row["id"]: row for row in rows_as_text(connection, "asset_types")}
    for row in rows_as_text(connection, "ledger_entries"):
        place = (row["transaction_id"], int(row["leg"]), row["account_id"])
        hashes.append((*place, sha256_of_row("entry", ["transaction_id", "leg"], ENTRY_ORDER, row)))
        if row["version"] == "1":
            account = accounts[row["account_id"]]
            symbol = assets[account["asset_type_id"]]["symbol"] if account["account_type"] == "TREASURY" else None
            digest = sha256_of_row("account", ["id"], ACCOUNT_ORDER, {**account, "asset_symbol": symbol})
            hashes.append((row["transaction_id"], -int(row["leg"]), row["account_id"], digest))
    hashes.sort()
    blocks = connection.execute("SELECT sha256, cardinality(hints) FROM wallet.seal_blocks").fetchall()
    assert blocks == [(hashlib.sha256(b"".join(digest for *_, digest in hashes)).digest(), len(hashes))]
