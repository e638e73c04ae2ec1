"""Spending limits and budgets under concurrency: exact at every isolation level, and set while postings run."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest

from tests.conftest import Connect
from tests.support.ledger import Ledger
from tests.support.limits import budgets, limits, operate, set_budget, set_limit
from tests.support.session import LEVELS, READ_COMMITTED, REPEATABLE_READ, Session

THREADS = 6
ATTEMPTS = 12


def accepted(connect: Connect, url: str, level: str, operations: list[dict[str, object]]) -> int:
    """Post each operation ATTEMPTS times in a thread of its own, again after conflicts; give how many were posted."""

    def run(operation: dict[str, object]) -> int:
        connection = connect(url)
        connection.execute(f"SET default_transaction_isolation = '{level.lower()}'".encode())
        ledger = Ledger(connection)
        count = 0
        for _ in range(ATTEMPTS):
            fields = {**operation, "idempotency_key": ledger.new_key()}
            while True:
                try:
                    [answer] = operate(ledger, fields)
                except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                    continue
                break
            assert answer.code in {None, "spending_limit_exceeded", "issuance_budget_exceeded"}
            count += answer.code is None
        return count

    with ThreadPoolExecutor(len(operations)) as threads:
        return sum(threads.map(run, operations))


@pytest.mark.parametrize("level", LEVELS)
def test_a_limit_is_exact(ledger: Ledger, database_url: str, connect: Connect, level: str) -> None:
    """However many spend at once, just what the limit allows is spent."""
    asset = ledger.create_asset_type()
    wallet = ledger.create_wallet(asset)
    ledger.top_up(wallet, 1000)
    set_limit(ledger, asset, amount=37)
    spend = {"type": "SPEND", "account_id": wallet, "asset_type_id": asset, "amount": 1}
    assert accepted(connect, database_url, level, [spend] * THREADS) == 37
    assert ledger.balance(wallet) == 963
    [limit] = limits(ledger, None, wallet)
    assert limit["amountAvailable"] == 0


@pytest.mark.parametrize("level", LEVELS)
def test_a_budget_is_exact_over_stripes(ledger: Ledger, database_url: str, connect: Connect, level: str) -> None:
    """Postings that share no account share the budget."""
    asset = ledger.create_asset_type()
    ledger.connection.execute("SELECT wallet.set_stripes('GC', 4)")
    set_budget(ledger, asset, 37)
    set_budget(ledger, asset, 20, "spring")
    issues: list[dict[str, object]] = [
        {"type": "TOP_UP", "account_id": ledger.create_wallet(asset), "asset_type_id": asset, "amount": 1}
        for _ in range(THREADS)
    ]
    for issue in issues[::2]:
        issue["campaign"] = "spring"
    assert accepted(connect, database_url, level, issues) == 37
    kept = budgets(ledger, asset)
    assert kept[None]["issued"] == 37
    assert kept["spring"]["issued"] <= 20


def world(ledger: Ledger) -> tuple[UUID, UUID]:
    asset = ledger.create_asset_type()
    wallet = ledger.create_wallet(asset)
    ledger.top_up(wallet, 1000)
    return asset, wallet


def spend_code(ledger: Ledger, wallet: UUID, amount: int) -> str | None:
    [answer] = operate(ledger, {"type": "SPEND", "account_id": wallet, "amount": amount})
    return answer.code


def test_what_is_in_flight_when_a_limit_is_set_counts(ledger: Ledger, database_url: str) -> None:
    """A debit that saw no limit yet, and commits later, counts for the next one."""
    asset, wallet = world(ledger)
    with Session(database_url) as first, Session(database_url) as second:
        first.begin(READ_COMMITTED)
        assert spend_code(first.ledger, wallet, 60) is None
        set_limit(ledger, asset, amount=100)
        later = second.start_and_block(lambda its: spend_code(its, wallet, 50))
        first.commit()
        assert later.result() == "spending_limit_exceeded"


def test_what_an_old_snapshot_debits_counts(ledger: Ledger, database_url: str) -> None:
    """A debit whose snapshot is from before the asset's limit is posted as if before it, and counts."""
    asset, wallet = world(ledger)
    with Session(database_url) as old:
        old.begin(REPEATABLE_READ)
        old.connection.execute("SELECT count(*) FROM wallet.asset_types")
        set_limit(ledger, asset, amount=100)
        assert spend_code(old.ledger, wallet, 60) is None
        old.commit()
    assert spend_code(ledger, wallet, 41) == "spending_limit_exceeded"
    assert spend_code(ledger, wallet, 40) is None


@pytest.mark.parametrize("level", LEVELS[1:])
def test_an_old_snapshot_fails_on_what_was_limited_since(ledger: Ledger, database_url: str, level: str) -> None:
    """Where the wallet itself, or the treasury, was limited, the transaction must be run again."""
    asset, wallet = world(ledger)
    settings: dict[str, Callable[[], object]] = {
        "SPEND": lambda: set_limit(ledger, account_id=wallet, amount=100),
        "TOP_UP": lambda: set_budget(ledger, asset, 1000),
    }
    for kind, setting in settings.items():
        with Session(database_url) as old:
            old.begin(level)
            old.connection.execute("SELECT count(*) FROM wallet.asset_types")
            setting()
            with pytest.raises(psycopg.errors.SerializationFailure):
                operate(old.ledger, {"type": kind, "account_id": wallet, "amount": 1, "asset_type_id": asset})
            old.rollback()
    assert budgets(ledger, asset)[None]["issued"] == 1000


def test_a_budget_is_set_between_postings(ledger: Ledger, database_url: str) -> None:
    """It waits for what is being issued, and counts it; what comes next waits for it."""
    asset, wallet = world(ledger)
    issue = {"type": "TOP_UP", "account_id": wallet, "asset_type_id": asset, "amount": 60}
    with Session(database_url) as first, Session(database_url) as setter, Session(database_url) as last:
        first.begin(READ_COMMITTED)
        operate(first.ledger, issue)
        setter.begin(READ_COMMITTED)
        made = setter.start_and_block(lambda its: set_budget(its, asset, 1100))
        first.commit()
        assert made.result()["issued"] == 1060
        later = last.start_and_block(lambda its: operate(its, issue))
        setter.commit()
        assert [one.code for one in later.result()] == ["issuance_budget_exceeded"]


def test_a_retry_that_waits_undoes_nothing(ledger: Ledger, database_url: str) -> None:
    """The same request under one key twice at once, and a newer one between them: that is what is left."""
    asset, _ = world(ledger)

    def set_under_key(its: Ledger, amount: int, key: str | None) -> tuple[bool, object]:
        values = {"assetTypeId": str(asset), "amountMax": amount}
        request = {"operation": "SET_BUDGET", "values": values, "reason": "r", "idempotency_key": key}
        row = its.connection.execute(
            "SELECT replayed, answer ->> 'amountMax' FROM wallet.administer_json(%s)", [json.dumps(request)]
        ).fetchone()
        assert row is not None
        return row[0], row[1]

    with Session(database_url) as first, Session(database_url) as second:
        first.begin(READ_COMMITTED)
        assert set_under_key(first.ledger, 2000, "once") == (False, "2000")
        assert set_under_key(first.ledger, 3000, None) == (False, "3000")
        again = second.start_and_block(lambda its: set_under_key(its, 2000, "once"))
        first.commit()
        assert again.result() == (True, "2000")
    assert budgets(ledger, asset)[None]["amountMax"] == 3000
