"""System accounts in stripes: one account outside, several rows inside."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest

from tests.conftest import Connect
from tests.support.database import MIGRATED, Connection, Databases
from tests.support.ledger import Ledger, Request, decoded

STRIPES = 5


class Striped(NamedTuple):
    """An asset whose stripes were raised after some postings."""

    ledger: Ledger
    asset_type_id: UUID
    wallets: list[UUID]
    treasury: UUID
    revenue: UUID


def connection_of(striped: Striped) -> Connection:
    """The connection under the ledger's functions."""
    return striped.ledger.connection


def requests(striped: Striped, batch: int) -> list[Request]:
    """A batch over several wallets, with spends among the top-ups."""
    return [
        Request(
            type="SPEND" if (batch + n) % 3 == 0 else "TOP_UP",
            key=f"batch-{batch}-{n}",
            account_id=striped.wallets[(batch * 7 + n * 3) % len(striped.wallets)],
            asset_type_id=striped.asset_type_id,
            amount=Decimal(1 + n) / 4,
        )
        for n in range(1 + batch % 5)
    ]


@pytest.fixture(scope="module")
def striped(databases: Databases) -> Iterator[Striped]:
    """40 batches, half of them before the number of stripes was raised."""
    with databases.fresh(MIGRATED) as url, closing(psycopg.connect(url, autocommit=True)) as connection:
        ledger = Ledger(connection)
        asset = ledger.create_asset_type()
        found = Striped(
            ledger,
            asset,
            [ledger.create_wallet(asset) for _ in range(20)],
            ledger.treasury(asset),
            ledger.revenue(asset),
        )
        for wallet in found.wallets:
            ledger.top_up(wallet, 100)
        for batch in range(40):
            if batch == 20:
                connection.execute("SELECT wallet.set_stripes('GC', %s)", [STRIPES])
            ledger.post(requests(found, batch))
        yield found


def history(striped: Striped, account_id: UUID) -> list[tuple[UUID, Decimal, datetime]]:
    """A striped account's whole history, oldest first, as plain SQL reads it: transaction, balance after, instant."""
    return (
        connection_of(striped)
        .execute(
            """
        SELECT
            e.transaction_id,
            sum(CASE e.entry_type WHEN 'CREDIT' THEN e.amount ELSE -e.amount END)
                OVER (ORDER BY e.created_at, e.account_id, e.version),
            e.created_at
        FROM wallet.ledger_entries AS e
        WHERE wallet.public_account_id(e.account_id) = %s
        ORDER BY e.created_at, e.account_id, e.version
        """,
            [account_id],
        )
        .fetchall()
    )


def page(striped: Striped, account_id: UUID, number: int, limit: int) -> dict[str, Any]:
    """A page of the account's ledger."""
    row = (
        connection_of(striped)
        .execute("SELECT wallet.list_ledger_entries(%s, %s, %s)::text", [account_id, number, limit])
        .fetchone()
    )
    assert row is not None
    found: dict[str, Any] = decoded(row[0])
    return found


def test_postings_spread_over_the_stripes_and_the_books_balance(striped: Striped) -> None:
    """After the raise every stripe is posted to, and no invariant minds."""
    used = (
        connection_of(striped)
        .execute("SELECT count(*) FROM wallet.accounts WHERE account_type = 'TREASURY' AND version > 0")
        .fetchone()
    )
    assert used == (STRIPES,)
    assert striped.ledger.problems() == {}


def test_balance_is_the_sum_over_the_stripes(striped: Striped) -> None:
    """The account's JSON, its balance and its balance at an instant are those of all rows together."""
    for account_id in (striped.treasury, striped.revenue):
        expected = history(striped, account_id)[-1][1]
        rows = (
            connection_of(striped)
            .execute(
                "SELECT (SELECT answer::text FROM wallet.read_balances(ARRAY[%(id)s])),"
                " wallet.get_account(%(id)s)::text, wallet.get_balance(%(id)s)",
                {"id": account_id},
            )
            .fetchone()
        )
        assert rows is not None
        assert decoded(rows[0])["balance"] == expected
        assert decoded(rows[1])["balance"] == expected
        assert rows[2] == expected


def test_ledger_of_a_striped_account_is_one_history(striped: Striped) -> None:
    """Every page, at every depth and size, is a slice of the merged history with its running balance."""
    for account_id in (striped.treasury, striped.revenue):
        expected = history(striped, account_id)
        for limit in (1, 3, 7, 100):
            seen: list[tuple[UUID, Decimal]] = []
            pages = -(-len(expected) // limit)
            for number in range(1, pages + 2):
                answer = page(striped, account_id, number, limit)
                assert answer["pagination"]["total"] == len(expected)
                seen += [(UUID(row["transactionId"]), row["balanceAfter"]) for row in answer["data"]]
                assert {row["accountId"] for row in answer["data"]} <= {str(account_id)}
            assert seen == [(one, balance) for one, balance, _ in reversed(expected)]


def test_transactions_of_a_striped_account_are_in_the_order_of_its_ledger(striped: Striped) -> None:
    """GET /transactions?accountId= of the treasury shows its entries' transactions, with the account's public id."""
    expected = [str(one) for one, _, _ in reversed(history(striped, striped.treasury))]
    row = (
        connection_of(striped)
        .execute("SELECT wallet.list_transactions(p_account_id => %s, p_limit => 100)::text", [striped.treasury])
        .fetchone()
    )
    assert row is not None
    answer = decoded(row[0])
    assert [one["id"] for one in answer["data"]] == expected[:100]
    assert {one["sourceAccountId"] for one in answer["data"]} == {str(striped.treasury)}


def test_balance_at_follows_the_merged_history(striped: Striped) -> None:
    """At each instant of the history the balance is what was posted until then."""
    expected = history(striped, striped.treasury)
    for _, _, instant in expected[:: len(expected) // 10]:
        until = [balance for _, balance, at in expected if at <= instant][-1]
        row = connection_of(striped).execute("SELECT wallet.balance_at(%s, %s)", [striped.treasury, instant]).fetchone()
        assert row == (until,)
    before = expected[0][2] - timedelta(microseconds=1)
    row = connection_of(striped).execute("SELECT wallet.balance_at(%s, %s)", [striped.treasury, before]).fetchone()
    assert row == (Decimal(0),)


def test_stripes_are_not_seen_from_outside(striped: Striped) -> None:
    """A stripe's own id is no account."""
    row = (
        connection_of(striped)
        .execute("SELECT id FROM wallet.accounts WHERE account_type = 'TREASURY' AND stripe = 2")
        .fetchone()
    )
    assert row is not None
    assert connection_of(striped).execute("SELECT * FROM wallet.read_accounts(ARRAY[%s])", row).fetchall() == []
    with pytest.raises(psycopg.DatabaseError) as caught:
        connection_of(striped).execute("SELECT wallet.list_ledger_entries(%s)", row)
    assert caught.value.sqlstate == "WL003"


@pytest.mark.parametrize("count", [None, 0, 1, STRIPES - 1, 257])
def test_the_number_only_grows_up_to_256(striped: Striped, count: int | None) -> None:
    """WL001 for a number below today's or above the bound, and nothing is written."""
    before = striped.ledger.state()
    with pytest.raises(psycopg.DatabaseError) as caught:
        connection_of(striped).execute("SELECT wallet.set_stripes('GC', %s)", [count])
    assert caught.value.sqlstate == "WL001"
    assert striped.ledger.state() == before


def test_unknown_symbol_is_refused(ledger: Ledger) -> None:
    """WL004."""
    with pytest.raises(psycopg.DatabaseError) as caught:
        ledger.connection.execute("SELECT wallet.set_stripes('NOPE', 2)")
    assert caught.value.sqlstate == "WL004"


def test_one_stripe_is_the_default_and_setting_it_changes_no_row_of_accounts(ledger: Ledger) -> None:
    """Default 1: one row per system account."""
    ledger.create_asset_type()
    before = ledger.counts()
    ledger.connection.execute("SELECT wallet.set_stripes('GC', 1)")
    assert ledger.counts() == before
    assert before["accounts"] == 3


def test_raising_while_postings_run(database_url: str, connect: Connect, ledger: Ledger) -> None:
    """Writers in several sessions meet rising numbers of stripes: all postings succeed and the books balance."""
    asset = ledger.create_asset_type()
    wallets = [ledger.create_wallet(asset) for _ in range(8)]
    errors: list[Exception] = []

    def write(wallet: UUID) -> None:
        own = Ledger(connect(database_url))
        try:
            for n in range(40):
                own.top_up(wallet, 1, key=f"{wallet}-{n}")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(wallet,)) for wallet in wallets]
    for thread in threads:
        thread.start()
    for count in (2, 3, 8, 64):
        ledger.connection.execute("SELECT wallet.set_stripes('GC', %s)", [count])
    for thread in threads:
        thread.join()
    assert errors == []
    assert ledger.balance(ledger_treasury(ledger)) == -8 * 40
    assert ledger.problems() == {}


def ledger_treasury(ledger: Ledger) -> UUID:
    """The public id of the treasury."""
    row = ledger.connection.execute(
        "SELECT id FROM wallet.accounts WHERE external_id = 'SYSTEM_TREASURY_GC'"
    ).fetchone()
    assert row is not None
    found: UUID = row[0]
    return found
