"""The doctor: silent on a whole ledger, and every check speaks when just its invariant is broken."""

from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import psycopg
import pytest

from tests.conftest import Connect
from tests.support.database import SEEDED, Connection, Databases
from tests.support.ledger import Ledger

CORRUPTIONS = {
    "check_trial_balance": [
        # A debit that grew.
        "UPDATE wallet.ledger_entries SET amount = amount + 1 WHERE entry_type = 'DEBIT' AND version = 1",
        # A balance out of nothing.
        "UPDATE wallet.accounts SET balance = balance + 1 WHERE external_id = 'USER_BOB_GC'",
    ],
    "check_balances": [
        "UPDATE wallet.accounts SET balance = balance + 1 WHERE external_id = 'USER_BOB_GC'",
        "UPDATE wallet.ledger_entries SET balance_after = balance_after + 1 WHERE account_id = {bob}",
        "UPDATE wallet.ledger_entries SET amount = amount + 1 WHERE account_id = {bob}",
        # A balance without any entry.
        "UPDATE wallet.accounts SET balance = 1 WHERE external_id = 'SYSTEM_REVENUE_LP'",
    ],
    "check_entry_chains": [
        "UPDATE wallet.ledger_entries SET balance_after = balance_after + 1 WHERE account_id = {bob}",
        "UPDATE wallet.ledger_entries SET balance_after = 0 WHERE account_id = {treasury} AND version = 1",
        "UPDATE wallet.ledger_entries SET entry_type = 'DEBIT' WHERE account_id = {bob}",
    ],
    "check_versions": [
        "UPDATE wallet.accounts SET version = version + 1 WHERE external_id = 'USER_BOB_GC'",
        "DELETE FROM wallet.ledger_entries WHERE account_id = {treasury} AND version = 1",
        "DELETE FROM wallet.ledger_entries WHERE account_id = {bob}",
        # The count is right, the numbers are not.
        "UPDATE wallet.ledger_entries SET version = version + 1 WHERE account_id = {bob}",
    ],
    "check_transactions": [
        "DELETE FROM wallet.ledger_entries WHERE account_id = {bob}",
        "UPDATE wallet.transactions SET amount = amount + 1 WHERE dest_account_id = {bob}",
        "UPDATE wallet.ledger_entries SET entry_type = 'CREDIT' WHERE account_id = {treasury} AND version = 1",
        "UPDATE wallet.transactions SET dest_account_id = {alice} WHERE dest_account_id = {bob}",
        "UPDATE wallet.transactions SET source_version = 7 WHERE dest_account_id = {bob}",
        # A second pair of legs, balanced in itself and right on its accounts.
        """
        WITH legs AS (
            INSERT INTO wallet.ledger_entries (
                account_id, transaction_id, version, created_at, entry_type, leg, amount, balance_after
            )
            SELECT
                a.id, t.id, a.version + 1, a.updated_at, s.entry_type::wallet.entry_type, s.leg, 1, a.balance + s.sign
            FROM (
                VALUES ({treasury}::uuid, 'DEBIT', 3, -1), ({bob}::uuid, 'CREDIT', 4, 1)
            ) AS s (account_id, entry_type, leg, sign)
            JOIN wallet.accounts AS a ON a.id = s.account_id
            JOIN wallet.transactions AS t ON t.dest_account_id = {bob}
            RETURNING account_id, balance_after, version
        )
        UPDATE wallet.accounts AS a SET balance = l.balance_after, version = l.version
        FROM legs AS l WHERE a.id = l.account_id
        """,
    ],
    "check_orphans": [
        "DELETE FROM wallet.transactions WHERE dest_account_id = {bob}",
        "DELETE FROM wallet.accounts WHERE id = {bob}",
        "UPDATE wallet.transactions SET asset_type_id = gen_random_uuid() WHERE dest_account_id = {bob}",
        "UPDATE wallet.transactions SET source_account_id = gen_random_uuid() WHERE dest_account_id = {bob}",
        "UPDATE wallet.transactions SET dest_account_id = gen_random_uuid() WHERE dest_account_id = {bob}",
    ],
    "check_assets": [
        "UPDATE wallet.transactions SET asset_type_id = {diamonds} WHERE dest_account_id = {bob}",
        "UPDATE wallet.accounts SET asset_type_id = {diamonds} WHERE id = {bob}",
    ],
    "check_directions": [
        "UPDATE wallet.transactions SET type = 'SPEND' WHERE dest_account_id = {bob}",
        "UPDATE wallet.transactions SET source_account_id = {alice} WHERE dest_account_id = {bob}",
        "UPDATE wallet.transactions SET dest_account_id = {revenue} WHERE dest_account_id = {bob}",
    ],
    "check_floors": [
        "UPDATE wallet.ledger_entries SET balance_after = -0.0001 WHERE account_id = {bob}",
        "ALTER TABLE wallet.accounts DROP CONSTRAINT accounts_balance_min_check;"
        " UPDATE wallet.accounts SET balance_min = 501 WHERE id = {bob}",
    ],
    "check_idempotency_keys": [
        "DELETE FROM wallet.idempotency_keys WHERE key = 'seed:opening:USER_BOB_GC'",
        "DELETE FROM wallet.transactions WHERE dest_account_id = {bob}",
        "UPDATE wallet.transactions SET idempotency_key = 'other' WHERE dest_account_id = {bob}",
        "UPDATE wallet.idempotency_keys SET key = 'other' WHERE key = 'seed:opening:USER_BOB_GC'",
        "DELETE FROM wallet.accounts WHERE id = {bob}",
    ],
    "check_counts": [
        "UPDATE wallet.transaction_blocks SET transaction_count = transaction_count + 1 WHERE level = 0",
        "UPDATE wallet.transaction_blocks SET transaction_count = transaction_count + 1 WHERE level = 1",
        "DELETE FROM wallet.transaction_blocks WHERE level = 1",
        "UPDATE wallet.transactions SET type = 'BONUS' WHERE dest_account_id = {bob}",
        "DELETE FROM wallet.transactions",
    ],
    "check_system_accounts": [
        "DELETE FROM wallet.accounts WHERE external_id = 'SYSTEM_TREASURY_LP'",
        "DELETE FROM wallet.accounts WHERE external_id = 'SYSTEM_REVENUE_LP'",
    ],
    "check_entry_order": [
        "UPDATE wallet.ledger_entries SET created_at = created_at + interval '1 hour'"
        " WHERE account_id = {treasury} AND version = 1",
    ],
    "check_guards": [
        "DROP TRIGGER append_only ON wallet.transactions",
        "ALTER TABLE wallet.ledger_entries DISABLE TRIGGER append_only",
        "ALTER TABLE wallet.accounts DISABLE TRIGGER ALL",
        "ALTER TABLE wallet.asset_types ENABLE REPLICA TRIGGER keep_rows",
        "ALTER TABLE wallet.idempotency_keys DISABLE TRIGGER USER",
    ],
}
"""By check: statements each of which breaks what the check looks at, and is run past the guards."""


@pytest.fixture(scope="module")
def seeded_url(databases: Databases) -> Iterator[str]:
    """One database for the module: what is broken is rolled back."""
    with databases.fresh(SEEDED) as url:
        yield url


@pytest.fixture
def connection(seeded_url: str) -> Iterator[Connection]:
    """A transaction past the guards, rolled back at the end."""
    with closing(psycopg.connect(seeded_url)) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        yield connection
        connection.rollback()


def names(connection: Connection) -> dict[str, str]:
    """Give the ids the statements name, as literals."""
    rows = connection.execute("SELECT external_id, id FROM wallet.accounts").fetchall()
    ids: dict[str, UUID] = dict(rows)
    diamonds = connection.execute("SELECT id FROM wallet.asset_types WHERE symbol = 'DM'").fetchone()
    assert diamonds is not None
    found = {
        "alice": ids["USER_ALICE_GC"],
        "bob": ids["USER_BOB_GC"],
        "treasury": ids["SYSTEM_TREASURY_GC"],
        "revenue": ids["SYSTEM_REVENUE_GC"],
        "diamonds": diamonds[0],
    }
    return {name: f"'{one}'" for name, one in found.items()}


def test_every_check_has_a_corruption(connection: Connection) -> None:
    """A check that no test has seen speak proves nothing."""
    rows = connection.execute("SELECT check_name FROM wallet.doctor_checks()").fetchall()
    assert sorted(row[0] for row in rows) == sorted(CORRUPTIONS)


def test_every_check_function_is_run(connection: Connection) -> None:
    """The functions check_… without parameters are those the doctor runs."""
    rows = connection.execute(
        "SELECT proname::text FROM pg_proc"
        " WHERE pronamespace = 'wallet'::regnamespace AND proname LIKE 'check\\_%' AND pronargs = 0"
    ).fetchall()
    assert sorted(row[0] for row in rows) == sorted(CORRUPTIONS)


@pytest.mark.parametrize(
    ("check", "number"),
    [(check, number) for check, statements in CORRUPTIONS.items() for number in range(len(statements))],
)
def test_a_check_finds_its_corruption(connection: Connection, check: str, number: int) -> None:
    """The check counts the problem and shows one; before, it found nothing."""
    ledger = Ledger(connection)
    assert ledger.problems() == {}
    statement = CORRUPTIONS[check][number].format(**names(connection))
    assert connection.execute(statement.encode()).rowcount != 0
    assert ledger.problems().get(check, 0) > 0
    row = connection.execute(
        "SELECT severity, meaning, remedy, example FROM wallet.doctor() WHERE check_name = %s", [check]
    ).fetchone()
    assert row is not None
    severity, meaning, remedy, example = row
    assert severity in {"critical", "warning"}
    assert meaning
    assert remedy
    assert isinstance(example, dict)


def test_a_used_ledger_is_clean(databases: Databases, connect: Connect) -> None:
    """After postings, refusals and replays of every kind, in assets of 0 and 4 decimals."""
    with databases.fresh(SEEDED) as url:
        ledger = Ledger(connect(url))
        wallet = ledger.create_wallet(ledger.create_asset_type("WHOLE", 0))
        ledger.top_up(wallet, 10, key="k")
        ledger.top_up(wallet, 10, key="k")
        ledger.bonus(wallet, 1)
        ledger.spend(wallet, 11)
        with pytest.raises(psycopg.DatabaseError):
            ledger.spend(wallet, 1)
        ledger.create_account("N", ledger.asset_of(wallet), "ext", key="account")
        assert ledger.problems() == {}
        trial = ledger.connection.execute(
            "SELECT debits, credits, treasury_balance, revenue_balance, wallet_balance, balance_sum"
            " FROM wallet.trial_balance() WHERE symbol = 'WHOLE'"
        ).fetchone()
        assert trial == (22, 22, -11, 11, 0, 0)


def test_the_checks_are_silent_on_an_empty_ledger(database_url: str, connect: Connect) -> None:
    """Nothing to find where nothing is."""
    ledger = Ledger(connect(database_url))
    assert ledger.problems() == {}
    rows = ledger.connection.execute("SELECT check_name, problems, example FROM wallet.doctor()").fetchall()
    assert sorted(rows) == sorted((check, 0, None) for check in CORRUPTIONS)
