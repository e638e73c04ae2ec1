"""The balance an account had at an instant, also when the server's clock stood still or stepped back."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from tests.support.database import MIGRATED, Databases
from tests.support.ledger import Ledger

TICK = timedelta(microseconds=1)


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """One database for the module: every test takes a wallet of its own."""
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture
def wallet(ledger: Ledger) -> UUID:
    return ledger.create_wallet(ledger.create_asset_type())


def balance_at(ledger: Ledger, account_id: UUID, instant: datetime) -> Decimal:
    row = ledger.connection.execute("SELECT wallet.balance_at(%s, %s)", [account_id, instant]).fetchone()
    assert row is not None
    return Decimal(row[0])


def test_no_instant_is_refused(ledger: Ledger, wallet: UUID) -> None:
    """WL001 rather than a balance of zero."""
    with pytest.raises(psycopg.DatabaseError) as caught:
        ledger.connection.execute("SELECT wallet.balance_at(%s, NULL)", [wallet])
    assert caught.value.sqlstate == "WL001"


def history(ledger: Ledger, account_id: UUID) -> list[tuple[datetime, Decimal]]:
    """Give instants and balances in order of version."""
    return ledger.connection.execute(
        "SELECT created_at, balance_after FROM wallet.ledger_entries WHERE account_id = %s ORDER BY version",
        [account_id],
    ).fetchall()


def in_the_future(ledger: Ledger, account_id: UUID) -> datetime:
    """Make it look as if the account had been posted to an hour from now: the clock stepped back since."""
    row = ledger.connection.execute(
        "UPDATE wallet.accounts SET updated_at = clock_timestamp() + interval '1 hour' WHERE id = %s"
        " RETURNING updated_at",
        [account_id],
    ).fetchone()
    assert row is not None
    instant: datetime = row[0]
    return instant


def test_before_the_first_and_after_the_last(ledger: Ledger, wallet: UUID) -> None:
    """Zero before any entry, the balance from then on; infinities included."""
    assert balance_at(ledger, wallet, datetime.now().astimezone()) == 0
    ledger.top_up(wallet, 5)
    [(instant, _)] = history(ledger, wallet)
    assert balance_at(ledger, wallet, instant - TICK) == 0
    assert balance_at(ledger, wallet, instant) == 5
    for text, balance in (("-infinity", 0), ("infinity", 5)):
        row = ledger.connection.execute("SELECT wallet.balance_at(%s, %s::timestamptz)", [wallet, text]).fetchone()
        assert row == (balance,)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8, 9, 31])
def test_each_entry_counts_from_its_own_instant_on(ledger: Ledger, wallet: UUID, count: int) -> None:
    """At the instant of each entry its balance, a microsecond before that of the one before."""
    for number in range(count):
        ledger.top_up(wallet, number + 1)
    entries = history(ledger, wallet)
    for place, (instant, balance) in enumerate(entries):
        assert balance_at(ledger, wallet, instant) == balance
        before = entries[place - 1][1] if place else 0
        assert balance_at(ledger, wallet, instant - TICK) == before


def test_entries_of_one_instant(ledger: Ledger, wallet: UUID) -> None:
    """A batch is one instant: its last entry counts."""
    asset_type_id = ledger.asset_of(wallet)
    ledger.connection.execute(
        "SELECT wallet.post(ARRAY(SELECT ROW('TOP_UP', format('%%s-%%s', %s::text, n), %s, %s, n, NULL, NULL, NULL)"
        "::wallet.posting_request FROM generate_series(1, 9) AS n))",
        [ledger.new_key(), wallet, asset_type_id],
    )
    entries = history(ledger, wallet)
    [instant] = {instant for instant, _ in entries}
    assert balance_at(ledger, wallet, instant) == 45
    assert balance_at(ledger, wallet, instant - TICK) == 0


def test_a_clock_that_stepped_back(ledger: Ledger, wallet: UUID) -> None:
    """Entries are never dated before those below them, and the balance at each instant stays right."""
    ledger.top_up(wallet, 1)
    future = in_the_future(ledger, wallet)
    for _ in range(3):
        ledger.top_up(wallet, 1)
    ledger.spend(wallet, "0.5")
    entries = history(ledger, wallet)
    instants = [instant for instant, _ in entries]
    assert instants == sorted(instants)
    assert instants[1:] == [future] * 4
    assert balance_at(ledger, wallet, future - TICK) == 1
    assert balance_at(ledger, wallet, future) == Decimal("3.5")
    assert set(ledger.problems()) == {"check_clock"}


def test_the_clock_of_the_other_side_counts_too(ledger: Ledger, wallet: UUID) -> None:
    """When the treasury was posted to in the future, so to say, a new wallet's first entry is dated then."""
    treasury = ledger.treasury(ledger.asset_of(wallet))
    future = in_the_future(ledger, treasury)
    ledger.top_up(wallet, 2)
    assert [instant for instant, _ in history(ledger, wallet)] == [future]
    assert balance_at(ledger, treasury, future) == ledger.balance(treasury)
    assert set(ledger.problems()) == {"check_clock"}
