"""Seals: an edit, a deletion, an insertion and a swap past the guards are each found and named; nothing else is."""

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Connect
from tests.database.test_doctor import fill
from tests.support.database import SEEDED, Connection, Databases
from tests.support.guards import unguarded
from tests.support.ledger import Ledger, Request
from tests.support.session import Session, result_of

NOT_SEALED = {
    # Follow from the entries, which are sealed; the doctor holds one to the other.
    "balance",
    "version",
    "updated_at",
    # Follows from the holds.
    "held",
    # Where its opening stands among the events.
    "event_number",
    # May be changed; wallet.changes has by whom.
    "balance_min",
    "balance_max",
    "debt_max",
    "status",
    "credits_allowed",
    "owner_id",
    "name",
    "email",
}
"""Columns of accounts that a seal leaves out. Every column of transactions and entries is in."""

OTHER_VALUE = {
    "uuid": "gen_random_uuid()",
    "bigint": "{column} + 1000",
    "uuid[]": "{column} || gen_random_uuid()",
    "bigint[]": "{column} || 1000::bigint",
    "smallint": "{column} + 1",
    "numeric": "{column} + 0.0001",
    "text": "coalesce({column}, '') || 'x'",
    "jsonb": "coalesce({column}, '{{}}') || '{{\"x\": null}}'",
    "timestamp with time zone": "{column} + interval '1 microsecond'",
    "wallet.transaction_type": "'BONUS'",
    "wallet.transaction_status": "'PENDING'",
    "wallet.entry_type": "(CASE {column} WHEN 'DEBIT' THEN 'CREDIT' ELSE 'DEBIT' END)::wallet.entry_type",
    "wallet.account_type": "'REVENUE'",
}
"""By type: an expression for a value that is not the one that is there."""


@dataclass(frozen=True)
class Problem:
    """A row of `wallet.verify_seal`, without the ids."""

    problem: str
    object: str
    number: int | None = None
    leg: int | None = None


@pytest.fixture(scope="module")
def sealed_url(databases: Databases) -> Iterator[str]:
    """The demo data and postings 16 to 19, number 18 being a gap; 10 to 15 are in seal 1, the rest is in seal 2."""
    with databases.fresh(SEEDED) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            ledger = Ledger(connection)
            row = connection.execute("SELECT id FROM wallet.accounts WHERE external_id = 'USER_BOB_GC'").fetchone()
            assert row is not None
            asset = ledger.asset_of(row[0])
            small = Request(type="SPEND", key="8", account_id=row[0], asset_type_id=asset, amount=3)
            full = replace(small, key="7", amount=2, reference_id="a", description="bc", metadata={"a": None, "n": 1.5})
            ledger.call(full)
            ledger.call(small)
            with pytest.raises(psycopg.DatabaseError):
                ledger.spend(row[0], 5000)
            ledger.top_up(row[0], 4)
            connection.execute("SELECT wallet.seal_range('2026-01-01', 15)")
            connection.execute("SELECT wallet.seal_range('2026-01-02', 19)")
        yield url


@pytest.fixture
def connection(sealed_url: str) -> Iterator[Connection]:
    """A transaction past the guards, rolled back at the end."""
    with closing(psycopg.connect(sealed_url)) as connection, unguarded(connection):
        yield connection
        connection.rollback()


def problems(connection: Connection) -> dict[int, list[Problem]]:
    """Verify every seal; give what was found, by seal."""
    rows = connection.execute(
        "SELECT s.seal, v.problem, v.object, v.transaction_number, v.leg"
        " FROM generate_series(1, (SELECT max(seal) FROM wallet.list_seals())) AS s (seal),"
        " wallet.verify_seal(s.seal) AS v"
    ).fetchall()
    found: dict[int, list[Problem]] = {}
    for seal, *row in rows:
        found.setdefault(seal, []).append(Problem(*row))
    return found


def columns(connection: Connection, table: str) -> dict[str, str]:
    """Give the columns of a table and their types."""
    rows = connection.execute(
        "SELECT attname, regexp_replace(format_type(atttypid, NULL), '^(?!wallet)', '') FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        [f"wallet.{table}"],
    )
    return dict(rows.fetchall())


def without_checks(connection: Connection, table: str) -> None:
    """Drop what would refuse a bad value."""
    rows = connection.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('c', 'f')", [f"wallet.{table}"]
    ).fetchall()
    connection.execute("DROP INDEX IF EXISTS wallet.accounts_system_key")
    for (name,) in rows:
        connection.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.Identifier("wallet", table), sql.Identifier(name))
        )


def edit(connection: Connection, table: str, column: str, where: str) -> None:
    """Change one column of one row to another value of its type."""
    without_checks(connection, table)
    value = OTHER_VALUE[columns(connection, table)[column]].format(column=column)
    done = connection.execute(f"UPDATE wallet.{table} SET {column} = {value} WHERE {where}".encode())
    assert done.rowcount == 1


def test_nothing_is_found_where_nothing_was_changed(connection: Connection) -> None:
    """Neither on a second look nor after more postings; accounts may be renamed and moved to other balances."""
    assert problems(connection) == {}
    rows = connection.execute("SELECT seal, number_from, number_to, row_count FROM wallet.seals ORDER BY 1").fetchall()
    assert rows == [(1, 0, 15, 27), (2, 16, 19, 10)]
    connection.execute("UPDATE wallet.accounts SET name = 'x', email = 'x@x', balance_min = NULL, balance = 7")
    assert problems(connection) == {}


TRANSACTION_COLUMNS = [
    *("id", "source_account_id", "dest_account_id", "asset_type_id", "source_version", "dest_version", "created_at"),
    *("type", "status", "amount", "idempotency_key", "reference_id", "description", "metadata", "posted_by"),
    *("related_id", "request", "leg_account_ids", "leg_versions"),
]

ENTRY_COLUMNS = [
    *("account_id", "transaction_id", "version", "created_at", "entry_type", "leg", "amount", "balance_after"),
]

ACCOUNT_COLUMNS = [
    *("id", "asset_type_id", "account_type", "asset_decimals", "stripe", "external_id", "created_at"),
]


def test_there_is_a_decision_for_every_column(connection: Connection) -> None:
    """A column that was added since is sealed and tried below, or is on the list of those that are not."""
    assert set(columns(connection, "transactions")) == set(TRANSACTION_COLUMNS)
    assert set(columns(connection, "ledger_entries")) == set(ENTRY_COLUMNS)
    assert set(columns(connection, "accounts")) == {*ACCOUNT_COLUMNS, *NOT_SEALED}


@pytest.mark.parametrize("number", [16, 17])
@pytest.mark.parametrize("column", [name for name in TRANSACTION_COLUMNS if name != "id"])
def test_an_edited_transaction_is_named(connection: Connection, column: str, number: int) -> None:
    """Each column, of a row with every field (7) and of one with as few as there can be (8)."""
    edit(connection, "transactions", column, f"wallet.transaction_number(id) = {number}")
    assert problems(connection) == {2: [Problem("edited", "transaction", number, 0)]}


@pytest.mark.parametrize("column", [name for name in ENTRY_COLUMNS if name not in {"transaction_id", "leg"}])
@pytest.mark.parametrize(("seal", "number", "leg"), [(1, 14, 2), (2, 17, 1)])
def test_an_edited_entry_is_named(connection: Connection, column: str, seal: int, number: int, leg: int) -> None:
    """Each column; also of an account's first entry, where the account is not blamed."""
    connection.execute("ALTER TABLE wallet.ledger_entries DROP CONSTRAINT ledger_entries_pkey")
    edit(connection, "ledger_entries", column, f"wallet.transaction_number(transaction_id) = {number} AND leg = {leg}")
    assert problems(connection) == {seal: [Problem("edited", "entry", number, leg)]}


@pytest.mark.parametrize("column", [name for name in ACCOUNT_COLUMNS if name != "id"])
def test_an_edited_account_is_named_once(connection: Connection, column: str) -> None:
    """Under its first entry, however many it has."""
    edit(connection, "accounts", column, "external_id = 'USER_BOB_GC'")
    ((seal, found),) = problems(connection).items()
    assert seal == 1
    assert [(one.problem, one.object, one.leg) for one in found] == [("edited", "account", 2)]


def test_an_assets_symbol_is_sealed_with_its_treasury(connection: Connection) -> None:
    """Coins are not made diamonds by their names."""
    connection.execute("UPDATE wallet.asset_types SET symbol = 'ZZ' WHERE symbol = 'GC'")
    ((seal, found),) = problems(connection).items()
    assert seal == 1
    assert [(one.problem, one.object, one.leg) for one in found] == [("edited", "account", 1)]


@pytest.mark.parametrize(
    ("column", "value"), [("reference_id", "''"), ("description", "''"), ("metadata", "'{}'"), ("metadata", "'null'")]
)
def test_an_empty_value_is_not_taken_for_none(connection: Connection, column: str, value: str) -> None:
    """NULL is one thing, the empty text another, and JSON's null a third."""
    without_checks(connection, "transactions")
    connection.execute(
        f"UPDATE wallet.transactions SET {column} = {value} WHERE wallet.transaction_number(id) = 17".encode()
    )
    assert problems(connection) == {2: [Problem("edited", "transaction", 17, 0)]}


def test_text_that_moves_to_the_next_column_is_found(connection: Connection) -> None:
    """Reference and description, one after the other, read the same before and after."""
    connection.execute(
        "UPDATE wallet.transactions SET reference_id = 'ab', description = 'c' WHERE wallet.transaction_number(id) = 16"
    )
    assert problems(connection) == {2: [Problem("edited", "transaction", 16, 0)]}


@pytest.mark.parametrize("metadata", ['{"n": 1.5}', '{"a": null, "n": 1.50}', '{"a": null, "n": "1.5"}'])
def test_metadata_is_sealed_to_the_letter(connection: Connection, metadata: str) -> None:
    """A null that goes, a digit that comes, a number that becomes a text."""
    connection.execute(
        "UPDATE wallet.transactions SET metadata = %s WHERE wallet.transaction_number(id) = 16", [metadata]
    )
    assert problems(connection) == {2: [Problem("edited", "transaction", 16, 0)]}


DELETED = {
    "a transaction": (
        "DELETE FROM wallet.transactions WHERE wallet.transaction_number(id) = 17",
        {2: [Problem("deleted", "transaction", 17, 0)]},
    ),
    "an entry": (
        "DELETE FROM wallet.ledger_entries WHERE wallet.transaction_number(transaction_id) = 17 AND leg = 1",
        {2: [Problem("deleted", "entry", 17, 1)]},
    ),
    "the last posting, with its key": (
        "WITH e AS (DELETE FROM wallet.ledger_entries WHERE wallet.transaction_number(transaction_id) = 19),"
        " k AS (DELETE FROM wallet.idempotency_keys WHERE wallet.transaction_number(transaction_id) = 19)"
        " DELETE FROM wallet.transactions WHERE wallet.transaction_number(id) = 19",
        {
            2: [
                Problem("deleted", "transaction", 19, 0),
                Problem("deleted", "entry", 19, 1),
                Problem("deleted", "entry", 19, 2),
            ]
        },
    ),
    "everything": (
        "WITH e AS (DELETE FROM wallet.ledger_entries) DELETE FROM wallet.transactions",
        {1: 18, 2: 9},
    ),
}


@pytest.mark.parametrize("what", DELETED)
def test_what_was_deleted_is_named(connection: Connection, what: str) -> None:
    """By the number of its posting and its leg: its id may be gone."""
    statement, expected = DELETED[what]
    connection.execute(statement.encode())
    found = problems(connection)
    if what == "everything":
        assert {seal: len(rows) for seal, rows in found.items()} == expected
        assert {one.problem for rows in found.values() for one in rows} == {"deleted"}
    else:
        assert found == expected


def test_a_deleted_account_is_named(connection: Connection) -> None:
    """Under its first entry."""
    connection.execute("DELETE FROM wallet.accounts WHERE external_id = 'USER_BOB_LP'")
    ((seal, found),) = problems(connection).items()
    assert seal == 1
    assert [(one.problem, one.object, one.leg) for one in found] == [("deleted", "account", 2)]


LONE_ENTRY = """
    INSERT INTO wallet.ledger_entries (
        account_id, transaction_id, version, created_at, entry_type, leg, amount, balance_after
    )
    VALUES (gen_random_uuid(), wallet.transaction_id({number}, gen_random_uuid()), 2, now(), 'CREDIT', {leg}, 1, 1)
"""

COPIED = """
    INSERT INTO wallet.{table}
    SELECT (jsonb_populate_record(t, jsonb_build_object({changes}))).* FROM wallet.{table} AS t WHERE {where}
"""

INSERTED = {
    "a transaction with the number of a gap": (
        COPIED.format(
            table="transactions",
            changes="'id', wallet.transaction_id(18, gen_random_uuid()), 'idempotency_key', 'x'",
            where="wallet.transaction_number(id) = 17",
        ),
        {2: [Problem("inserted", "transaction", 18, 0)]},
    ),
    "a transaction with the number of another one": (
        COPIED.format(
            table="transactions",
            changes="'id', wallet.transaction_id(17, 'ffffffff-ffff-ffff-bfff-ffffffffffff')",
            where="wallet.transaction_number(id) = 17",
        ),
        {2: [Problem("inserted", "transaction", 17, 0)]},
    ),
    "a transaction before the first": (
        COPIED.format(
            table="transactions",
            changes="'id', wallet.transaction_id(0, gen_random_uuid())",
            where="wallet.transaction_number(id) = 17",
        ),
        {1: [Problem("inserted", "transaction", 0, 0)]},
    ),
    "a third entry of a transaction": (
        COPIED.format(
            table="ledger_entries",
            changes="'leg', 3, 'version', 77",
            where="wallet.transaction_number(transaction_id) = 17 AND leg = 1",
        ),
        {2: [Problem("inserted", "entry", 17, 3)]},
    ),
    "an entry with the leg of another one": (
        COPIED.format(
            table="ledger_entries",
            changes="'version', 77",
            where="wallet.transaction_number(transaction_id) = 17 AND leg = 1",
        ),
        {2: [Problem("inserted", "entry", 17, 1)]},
    ),
    "an entry without a transaction, in a gap": (
        LONE_ENTRY.format(number=18, leg=2),
        {2: [Problem("inserted", "entry", 18, 2)]},
    ),
    "an entry without a transaction, before the first": (
        LONE_ENTRY.format(number=0, leg=255),
        {1: [Problem("inserted", "entry", 0, 255)]},
    ),
}


@pytest.mark.parametrize("what", INSERTED)
def test_what_was_inserted_is_named(connection: Connection, what: str) -> None:
    """Also where no transaction leads to it."""
    statement, expected = INSERTED[what]
    assert connection.execute(statement.encode()).rowcount == 1
    assert problems(connection) == expected


def test_a_transaction_that_was_given_another_number_is_named(connection: Connection) -> None:
    """As deleted from its place, and inserted at the other."""
    connection.execute(
        "UPDATE wallet.transactions SET id = wallet.transaction_id(18, id) WHERE wallet.transaction_number(id) = 17"
    )
    assert problems(connection) == {
        2: [Problem("deleted", "transaction", 17, 0), Problem("inserted", "transaction", 18, 0)]
    }


def test_a_transaction_with_other_random_digits_is_named(connection: Connection) -> None:
    """The number is the same, the id is not."""
    connection.execute(
        "UPDATE wallet.transactions SET id = wallet.transaction_id(17, gen_random_uuid())"
        " WHERE wallet.transaction_number(id) = 17"
    )
    assert problems(connection) == {2: [Problem("edited", "transaction", 17, 0)]}


def swap(connection: Connection, table: str, column: str, first: str, second: str) -> None:
    """Exchange a column between two rows."""
    rows = connection.execute(
        f"SELECT {column} FROM wallet.{table} WHERE {first}"  # both are one row
        f" UNION ALL SELECT {column} FROM wallet.{table} WHERE {second}".encode()
    ).fetchall()
    (one,), (two,) = rows
    for value, other in ((one, None), (two, one), (None, two)):
        spare = "00000000-0000-8fff-bfff-ffffffffff00"
        connection.execute(
            f"UPDATE wallet.{table} SET {column} = %s WHERE {column} = %s AND (%s OR ({first}) OR ({second}))".encode(),
            [spare if other is None else other, spare if value is None else value, value is None],
        )


def test_two_transactions_that_changed_places_are_named(connection: Connection) -> None:
    """Their ids exchanged, with nothing else touched."""
    swap(
        connection, "transactions", "id",
        "wallet.transaction_number(id) = 16", "wallet.transaction_number(id) = 17",
    )  # fmt: skip
    assert problems(connection) == {
        2: [Problem("swapped", "transaction", 16, 0), Problem("swapped", "transaction", 17, 0)]
    }


def test_two_entries_that_changed_places_are_named(connection: Connection) -> None:
    """Each is of the other's transaction now."""
    swap(
        connection,
        "ledger_entries",
        "transaction_id",
        "wallet.transaction_number(transaction_id) = 16 AND leg = 1",
        "wallet.transaction_number(transaction_id) = 17 AND leg = 1",
    )
    assert problems(connection) == {2: [Problem("swapped", "entry", 16, 1), Problem("swapped", "entry", 17, 1)]}


def test_amounts_that_were_exchanged_are_named(connection: Connection) -> None:
    """The rows stay where they are, so each is an edited one."""
    connection.execute(
        "UPDATE wallet.transactions SET amount = 5 - amount WHERE wallet.transaction_number(id) IN (16, 17)"
    )
    assert problems(connection) == {
        2: [Problem("edited", "transaction", 16, 0), Problem("edited", "transaction", 17, 0)]
    }


SEAL_EDITS = {
    "UPDATE wallet.seals SET sha256 = sha256('x') WHERE seal = 1": {1, 2},
    "UPDATE wallet.seals SET sha256 = sha256('x') WHERE seal = 2": {2},
    "UPDATE wallet.seals SET day = day + 1 WHERE seal = 2": {2},
    "UPDATE wallet.seals SET sealed_at = sealed_at + interval '1 microsecond' WHERE seal = 2": {2},
    "UPDATE wallet.seals SET row_count = row_count + 1 WHERE seal = 2": {2},
    "UPDATE wallet.seals SET number_to = number_to + 1 WHERE seal = 2": {2},
    "UPDATE wallet.seals SET number_from = number_from + 1 WHERE seal = 2": {2},
    "UPDATE wallet.seal_blocks SET sha256 = sha256('x') WHERE seal = 2": {2},
}


@pytest.mark.parametrize("statement", SEAL_EDITS)
def test_an_edited_seal_is_named(connection: Connection, statement: str) -> None:
    """Whatever of it was changed; a seal also answers for the hash of the one before."""
    connection.execute(statement.encode())
    found = problems(connection)
    assert {seal for seal, rows in found.items() if Problem("edited", "seal") in rows} == SEAL_EDITS[statement]


@pytest.mark.parametrize("column", ["offsets", "legs", "hints"])
def test_names_that_were_changed_in_a_seal_are_found(connection: Connection, column: str) -> None:
    """They are no part of the hash, for they follow from the rows: so they are held to them."""
    connection.execute(f"UPDATE wallet.seal_blocks SET {column}[1] = {column}[1] + 1 WHERE seal = 2".encode())
    assert problems(connection).keys() == {2}


def test_a_deleted_seal_is_named(connection: Connection) -> None:
    """There is a gap in the numbers, and the next seal has lost what it goes on from."""
    connection.execute("DELETE FROM wallet.seals WHERE seal = 1")
    assert problems(connection) == {1: [Problem("deleted", "seal")], 2: [Problem("edited", "seal")]}


def test_a_range_that_was_moved_past_a_deleted_posting_is_named(connection: Connection) -> None:
    """Hash and all: the seal still has to begin where the one before it ends."""
    connection.execute("DELETE FROM wallet.transactions WHERE wallet.transaction_number(id) = 16")
    connection.execute("DELETE FROM wallet.ledger_entries WHERE wallet.transaction_number(transaction_id) = 16")
    connection.execute(
        "UPDATE wallet.seal_blocks AS b SET sha256 = n.sha256, offsets = n.offsets, legs = n.legs, hints = n.hints"
        " FROM wallet.sealed_blocks(17, 19) AS n WHERE b.seal = 2"
    )
    connection.execute("UPDATE wallet.seals SET number_from = 17, row_count = 6 WHERE seal = 2")
    connection.execute(
        "UPDATE wallet.seals AS s SET sha256 = wallet.seal_sha256("
        " s.seal, s.encoding, s.day, s.number_from, s.number_to, s.row_count, s.sealed_at) WHERE s.seal = 2"
    )
    assert problems(connection) == {2: [Problem("edited", "seal")]}


def test_a_block_whose_names_all_match_is_told_all_the_same(connection: Connection) -> None:
    """Hints are 8 bytes; should one match by chance or by work, the block's whole hash does not."""
    edit(connection, "transactions", "amount", "wallet.transaction_number(id) = 16")
    connection.execute(
        "UPDATE wallet.seal_blocks AS b SET hints = n.hints FROM wallet.sealed_blocks(16, 19) AS n WHERE b.seal = 2"
    )
    assert problems(connection) == {2: [Problem("edited", "block", 0)]}


def test_seals_that_were_made_again_betray_themselves_outside_only(connection: Connection) -> None:
    """Whoever can write everywhere can make all seals anew: the line that was kept is another one then."""
    before = connection.execute("SELECT seal, sha256 FROM wallet.list_seals()").fetchall()
    edit(connection, "transactions", "amount", "wallet.transaction_number(id) = 11")
    connection.execute("DELETE FROM wallet.seals")
    connection.execute("DELETE FROM wallet.seal_blocks")
    connection.execute("SELECT wallet.seal_range('2026-01-01', 15)")
    connection.execute("SELECT wallet.seal_range('2026-01-02', 19)")
    assert problems(connection) == {}
    after = connection.execute("SELECT seal, sha256 FROM wallet.list_seals()").fetchall()
    assert [seal for seal, _ in after] == [1, 2]
    assert not set(before) & set(after)


# --- the encoding


def field(name: str, value: object) -> bytes:
    """Encode a column as the comment of `wallet.sealed_field` says."""
    if value is None:
        return b""
    content = str(value).encode()
    return f"{name}={len(content)}:".encode() + content + b"\n"


def sha256_of_row(kind: str, identity: Sequence[str], order: Sequence[str], row: Mapping[str, Any]) -> bytes:
    """Encode a row: what says where it belongs, and the hash of the rest."""
    content = hashlib.sha256(b"".join(field(name, row[name]) for name in order)).digest()
    return hashlib.sha256(
        kind.encode() + b"\n" + b"".join(field(name, row[name]) for name in identity) + content
    ).digest()


TRANSACTION_ORDER = (
    *("type", "status", "source_account_id", "source_version", "dest_account_id", "dest_version", "asset_type_id"),
    *("amount", "created_at", "idempotency_key", "reference_id", "description", "metadata", "posted_by"),
    *("related_id", "request", "leg_account_ids", "leg_versions"),
)
ENTRY_ORDER = ("account_id", "version", "entry_type", "amount", "balance_after", "created_at")
ACCOUNT_ORDER = (
    *("asset_type_id", "account_type", "stripe", "asset_decimals", "external_id", "created_at", "asset_symbol"),
)

MICROSECONDS = "(extract(epoch FROM {0}) * 1000000)::bigint::text"


def rows_as_text(connection: Connection, table: str) -> list[dict[str, Any]]:
    """Give all rows of a table, each value as its text, instants in microseconds."""
    names = columns(connection, table)
    selected = ", ".join(
        f"{MICROSECONDS.format(name) if 'timestamp' in kind else f'{name}::text'} AS {name}"
        for name, kind in names.items()
    )
    rows = connection.execute(f"SELECT {selected} FROM wallet.{table}".encode()).fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_the_encoding_is_the_one_that_is_released(connection: Connection) -> None:
    """Done again here, in another language: whoever changes a letter of encoding 1 breaks every seal that was made."""
    hashes: list[tuple[str, int, str, bytes]] = [
        (row["id"], 0, "", sha256_of_row("transaction", ["id"], TRANSACTION_ORDER, row))
        for row in rows_as_text(connection, "transactions")
    ]
    accounts = {row["id"]: row for row in rows_as_text(connection, "accounts")}
    assets = {row["id"]: row for row in rows_as_text(connection, "asset_types")}
    for row in rows_as_text(connection, "ledger_entries"):
        identity = ["transaction_id", "leg"]
        hashes.append(
            (
                row["transaction_id"],
                int(row["leg"]),
                row["account_id"],
                sha256_of_row("entry", identity, ENTRY_ORDER, row),
            )
        )
        if row["version"] == "1":
            account = dict(accounts[row["account_id"]], asset_symbol=None)
            if account["account_type"] == "TREASURY":
                account["asset_symbol"] = assets[account["asset_type_id"]]["symbol"]
            digest = sha256_of_row("account", ["id"], ACCOUNT_ORDER, account)
            hashes.append((row["transaction_id"], -int(row["leg"]), row["account_id"], digest))
    hashes.sort()
    blocks = connection.execute("SELECT seal, sha256 FROM wallet.seal_blocks ORDER BY seal").fetchall()
    previous = None
    for (seal, block_sha256), (low, high) in zip(blocks, ((0, 15), (16, 19)), strict=True):
        inside = [
            one
            for one in hashes
            if low <= int(one[0].replace("-", "")[:12] + one[0].replace("-", "")[13:16], 16) <= high
        ]
        assert hashlib.sha256(b"".join(digest for *_, digest in inside)).digest() == block_sha256
        stored = connection.execute(
            "SELECT day::text, number_from, number_to, row_count, sha256,"
            " (extract(epoch FROM sealed_at) * 1000000)::bigint FROM wallet.seals WHERE seal = %s",
            [seal],
        ).fetchone()
        assert stored is not None
        assert stored[3] == len(inside)
        text = b"seal\n" + b"".join(
            [
                field("seal", seal), field("encoding", 1), field("day", stored[0]), field("number_from", stored[1]),
                field("number_to", stored[2]), field("row_count", stored[3]), field("sealed_at", stored[5]),
                field("previous", previous), field("block", f"0 {block_sha256.hex()}"),
            ]
        )  # fmt: skip
        assert hashlib.sha256(text).digest() == stored[4]
        previous = stored[4].hex()


def test_settings_of_the_session_change_nothing(connection: Connection) -> None:
    """Time zone, styles of dates and intervals, digits of floats."""
    for setting in (
        "TimeZone = 'Asia/Kathmandu'",
        "DateStyle = 'SQL, DMY'",
        "IntervalStyle = 'sql_standard'",
        "extra_float_digits = -15",
        "bytea_output = 'escape'",
        "search_path = pg_temp",
    ):
        connection.execute(f"SET LOCAL {setting}".encode())
    assert problems(connection) == {}


def test_a_newer_encoding_is_not_guessed_at(connection: Connection) -> None:
    """It is said, not taken for tampering."""
    connection.execute("UPDATE wallet.seals SET encoding = 2 WHERE seal = 2")
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        problems(connection)


# --- when and how much


def seal_all(connection: Connection) -> list[tuple[Any, ...]]:
    """Seal what the plan says; give the seals."""
    plan = connection.execute("SELECT day, number_to FROM wallet.seal_plan(wallet.settled_number())").fetchall()
    return [
        row
        for step in plan
        if (row := connection.execute("SELECT seal, day FROM wallet.seal_range(%s, %s)", step).fetchone()) is not None
    ]


def put_on_days(connection: Connection, days_ago: Mapping[int, int]) -> None:
    """Give postings, by number, an instant some days ago: before they are sealed, past the guards."""
    with unguarded(connection):
        for number, days in days_ago.items():
            for table, column in (("transactions", "id"), ("ledger_entries", "transaction_id")):
                connection.execute(
                    f"UPDATE wallet.{table} SET created_at = created_at - make_interval(days => %s)"
                    f" WHERE wallet.transaction_number({column}) = %s".encode(),
                    [days, number],
                )
    connection.execute(
        "UPDATE wallet.transaction_blocks"
        " SET created_min = created_min - interval '1 year', created_max = created_max + interval '1 year'"
    )


def test_each_closed_day_is_a_seal(seeded_url: str, connect: Connect) -> None:
    """Today is left; a day without postings has none; a second time there is nothing to do."""
    connection = connect(seeded_url)
    assert seal_all(connection) == []
    put_on_days(connection, {10: 9, 11: 9, 12: 5, 13: 2, 14: 2})
    days = connection.execute(
        "SELECT ARRAY(SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date - d FROM unnest(ARRAY[9, 5, 2]) AS d)"
    ).fetchone()
    assert days is not None
    assert seal_all(connection) == list(enumerate(days[0], start=1))
    rows = connection.execute("SELECT number_to FROM wallet.list_seals()").fetchall()
    assert rows == [(11,), (12,), (14,)]
    assert seal_all(connection) == []
    assert problems(connection) == {}


def test_a_clock_that_stepped_back_makes_no_false_alarm(seeded_url: str, connect: Connect) -> None:
    """The numbers decide: what has an earlier day and a later number is in the next seal, and nothing is left out."""
    connection = connect(seeded_url)
    put_on_days(connection, {10: 3, 11: 2, 12: 9, 13: 4, 14: 2, 15: 0})
    seal_all(connection)
    rows = connection.execute("SELECT seal, number_from, number_to FROM wallet.seals ORDER BY seal").fetchall()
    assert rows == [(1, 0, 12), (2, 13, 13), (3, 14, 14)]
    assert problems(connection) == {}
    # A clock that was ahead for a while: its posting waits for that day, or goes with a later number of a closed one.
    put_on_days(connection, {15: -3})
    ledger = Ledger(connection)
    bob = connection.execute("SELECT id FROM wallet.accounts WHERE external_id = 'USER_BOB_DM'").fetchone()
    assert bob is not None
    connection.execute("UPDATE wallet.accounts SET updated_at = now() - interval '30 days'")
    ledger.top_up(bob[0], 1)
    assert seal_all(connection) == []
    put_on_days(connection, {16: 1})
    assert len(seal_all(connection)) == 1
    assert connection.execute("SELECT max(number_to) FROM wallet.seals").fetchone() == (16,)
    assert problems(connection) == {}


def test_a_day_with_very_much_is_more_than_one_seal(seeded_url: str, connect: Connect) -> None:
    """At most 262,144 numbers each, so that a run that is stopped has lost little."""
    connection = connect(seeded_url)
    ledger = Ledger(connection)
    bob = connection.execute("SELECT id FROM wallet.accounts WHERE external_id = 'USER_BOB_DM'").fetchone()
    assert bob is not None
    connection.execute("SELECT setval('wallet.transaction_numbers', 600000)")
    ledger.top_up(bob[0], 1)
    put_on_days(connection, dict.fromkeys((*range(10, 16), 600001), 1))
    assert len(seal_all(connection)) == 3
    rows = connection.execute("SELECT number_from, number_to, row_count FROM wallet.seals ORDER BY seal").fetchall()
    assert rows == [(0, 262143, 27), (262144, 524287, 0), (524288, 600001, 3)]
    assert problems(connection) == {}
    # Where there was nothing at all.
    connection.execute("SET session_replication_role = replica")
    for number in (5_000, 300_000):
        connection.execute(LONE_ENTRY.format(number=number, leg=1).encode())
    assert problems(connection) == {
        1: [Problem("inserted", "entry", 5_000, 1)],
        2: [Problem("inserted", "entry", 300_000, 1)],
    }


def test_a_posting_in_flight_is_waited_for(database_url: str) -> None:
    """Its number is below one that is committed: the seal has both, and nobody was held up for it."""
    with Session(database_url) as slow, Session(database_url) as quick, Session(database_url) as sealer:
        one = slow.ledger.create_wallet(slow.ledger.create_asset_type("GC"))
        two = slow.ledger.create_wallet(slow.ledger.create_asset_type("LP"))
        slow.begin("READ COMMITTED")
        slow.ledger.top_up(one, 1)
        quick.connection.execute("SET lock_timeout = '2s'")
        quick.ledger.top_up(two, 1)
        sealed = sealer.start(
            lambda ledger: ledger.connection.execute("SELECT seal FROM wallet.seal_range('2026-01-01', 6)").fetchone()
        )
        quick.ledger.top_up(two, 1)
        assert not sealed.done()
        slow.commit()
        assert result_of(sealed) == (1,)
        row = quick.connection.execute("SELECT row_count FROM wallet.seals").fetchone()
        assert row == (10,)
        assert problems(quick.connection) == {}


def test_a_number_that_is_not_drawn_cannot_be_sealed(seeded_url: str, connect: Connect) -> None:
    """It would be found as inserted later."""
    connection = connect(seeded_url)
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        connection.execute("SELECT wallet.seal_range('2026-01-01', 16)")
    assert connection.execute("SELECT count(*) FROM wallet.seal_blocks").fetchone() == (0,)


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_snapshot_that_may_be_too_old_is_refused(seeded_url: str, connect: Connect, level: str) -> None:
    """It could miss a posting that was waited for."""
    connection = connect(seeded_url)
    connection.execute(f"BEGIN ISOLATION LEVEL {level}".encode())
    with pytest.raises(psycopg.errors.InvalidTransactionState):
        connection.execute("SELECT wallet.seal_range('2026-01-01', 15)")
    connection.execute("ROLLBACK")


def test_two_that_seal_at_once_make_one_seal(database_url: str) -> None:
    """The second waits, and finds nothing left to do."""
    with Session(database_url) as first, Session(database_url) as second:
        first.ledger.top_up(first.ledger.create_wallet(first.ledger.create_asset_type()), 1)
        first.begin("READ COMMITTED")
        made = first.connection.execute("SELECT seal FROM wallet.seal_range('2026-01-01', 1)").fetchone()
        assert made == (1,)
        other = second.start_and_block(
            lambda ledger: ledger.connection.execute("SELECT seal FROM wallet.seal_range('2026-01-01', 1)").fetchone()
        )
        first.commit()
        assert result_of(other) is None
        assert first.connection.execute("SELECT count(*) FROM wallet.seals").fetchone() == (1,)


def test_sealing_and_posting_at_the_same_time(database_url: str, connect: Connect) -> None:
    """Several post while one seals again and again: every seal holds afterwards, and no number is left out."""
    owner = connect(database_url)
    ledger = Ledger(owner)
    asset = ledger.create_asset_type()
    ledger.connection.execute("SELECT wallet.set_stripes('GC', 4)")
    wallets = [ledger.create_wallet(asset) for _ in range(3)]
    ended = threading.Event()

    def post(number: int) -> None:
        with psycopg.connect(database_url, autocommit=True) as own:
            for _ in range(40):
                Ledger(own).top_up(wallets[number], 1)

    posters = [threading.Thread(target=post, args=(number,)) for number in range(3)]
    for poster in posters:
        poster.start()
    while not ended.is_set():
        if not any(poster.is_alive() for poster in posters):
            ended.set()
        owner.execute("SELECT wallet.seal_range('2026-01-01', wallet.settled_number())")
    for poster in posters:
        poster.join()
    assert problems(owner) == {}
    row = owner.execute("SELECT sum(row_count), max(number_to) FROM wallet.seals").fetchone()
    accounts = owner.execute("SELECT count(*) FROM wallet.accounts WHERE version > 0").fetchone()
    assert row is not None
    assert accounts is not None
    # The asset type and the wallets have numbers too.
    assert row == (120 * 3 + accounts[0], 120 + 4)


def test_a_seal_costs_what_is_new(seeded_url: str, connect: Connect) -> None:
    """Nine times the old postings, the same new ones: it reads hardly more pages."""
    connection = connect(seeded_url)
    pages = []
    for old in (2_000, 16_000):
        fill(connection, old)
        connection.execute("VACUUM ANALYZE")
        connection.execute("SELECT wallet.seal_range('2026-01-01', wallet.settled_number())")
        fill(connection, 1_000)
        pages.append(pages_touched(connection, "SELECT wallet.seal_range('2026-01-01', wallet.settled_number())"))
    assert pages[1] < 2 * pages[0]
    assert problems(connection) == {}


def test_a_seal_is_no_dearer_before_a_vacuum(seeded_url: str, connect: Connect) -> None:
    """Pages whose entries no vacuum has summarized would be read again for each chunk of numbers."""
    connection = connect(seeded_url)
    for chunk in range(1, 9):
        connection.execute("SELECT setval('wallet.transaction_numbers', %s)", [chunk * 16384])
        fill(connection, 2_000)
    connection.execute("SELECT wallet.seal_range('2026-01-01', wallet.settled_number())")
    chunk_of_a_seal = "SELECT wallet.sealed_blocks(16384, 32767)"
    pages = []
    for statement in ("SELECT 1", "VACUUM ANALYZE"):
        connection.execute(statement.encode())
        # Once for what the session has to look up in the catalogue again.
        pages_touched(connection, chunk_of_a_seal)
        pages.append(pages_touched(connection, chunk_of_a_seal))
    assert pages[0] < 1.2 * pages[1]


def pages_touched(connection: Connection, statement: str) -> int:
    """Run a statement; give the pages it looked at."""
    row = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}".encode()).fetchone()
    assert row is not None
    plan = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def test_who_may_seal_and_who_may_verify(sealed_url: str, connect: Connect) -> None:
    """The service seals, the auditor verifies; jobs do neither."""
    service = connect(sealed_url, role="wallet_service")
    assert service.execute("SELECT * FROM wallet.seal_plan(wallet.settled_number())").fetchall() == []
    assert service.execute("SELECT * FROM wallet.seal_range('2026-01-01', 19)").fetchall() == []
    assert problems(service) == {}
    auditor = connect(sealed_url, role="wallet_auditor")
    assert problems(auditor) == {}
    jobs = connect(sealed_url, role="wallet_jobs")
    for role, call in (
        (auditor, "wallet.seal_range('2026-01-01', 19)"),
        (jobs, "wallet.seal_range('2026-01-01', 19)"),
        (jobs, "wallet.verify_seal(1)"),
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            role.execute(f"SELECT {call}".encode())
