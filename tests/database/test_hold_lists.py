"""Lists of holds cost no more however many holds there are."""

import pytest

from tests.database.test_lists import buffers
from tests.support.database import Connection
from tests.support.ledger import Ledger

FILTERS = [
    (None, None),
    (None, "PENDING"),
    (None, "COMPLETED"),
    (None, "EXPIRED"),
    ("account", None),
    ("account", "PENDING"),
    ("account", "FAILED"),
]


def add_holds(connection: Connection, wallets: list[object], first: int, count: int) -> None:
    """Write holds as they are kept: in turn captured, voided, expired and pending, one wallet after the other."""
    connection.execute(
        """
        INSERT INTO wallet.holds (
            id, account_id, dest_account_id, asset_type_id, created_at, expires_at, stripe, amount, idempotency_key,
            request, state, closed_at, captured, capture_id, void_id, void_key
        )
        SELECT
            wallet.transaction_id(n, gen_random_uuid()), a.id, a.id, a.asset_type_id, now(), now() + interval '1 day',
            0, 1, 'k' || n, '{}', s.state::wallet.hold_state,
            CASE WHEN s.state <> 'ACTIVE' THEN now() END,
            CASE s.state WHEN 'CAPTURED' THEN 1 ELSE 0 END,
            CASE s.state WHEN 'CAPTURED' THEN gen_random_uuid() END,
            CASE s.state WHEN 'VOIDED' THEN gen_random_uuid() END,
            CASE s.state WHEN 'VOIDED' THEN 'v' || n END
        FROM generate_series(%s::bigint, %s) AS n
        JOIN wallet.accounts AS a ON a.id = (%s::uuid[])[n %% 2 + 1]
        CROSS JOIN LATERAL (
            SELECT (ARRAY['CAPTURED', 'VOIDED', 'EXPIRED', 'ACTIVE'])[(n / 2) %% 4 + 1] AS state
        ) AS s
        """,
        [first, first + count - 1, wallets],
    )
    connection.execute("ANALYZE wallet.holds")


def test_a_page_of_holds_costs_the_same_however_many_there_are(ledger: Ledger, connection: Connection) -> None:
    """Blocks read with 84,000 holds against 252,000: every filter, the first page and a deep one; the totals too."""
    gold = ledger.create_asset_type()
    wallets: list[object] = [ledger.create_wallet(gold), ledger.create_wallet(gold)]
    add_holds(connection, wallets, 1_000, 84_000)
    pages = [(account and wallets[0], status, page) for account, status in FILTERS for page in (1, 80)]
    call = "wallet.list_holds(%s, %s, %s)"
    few = [buffers(connection, call, *page) for page in pages]
    add_holds(connection, wallets, 85_000, 168_000)
    many = [buffers(connection, call, *page) for page in pages]
    for page, first, later in zip(pages, few, many, strict=True):
        assert later <= first * 1.5 + 50, page
    totals = {
        (account, status): connection.execute(
            "SELECT (wallet.list_holds(%s, %s) #>> '{pagination,total}')::integer", [account and wallets[0], status]
        ).fetchone()
        for account, status in FILTERS
    }
    assert totals[None, None] == totals["account", None] == totals[None, "PENDING"] == (10_000,)
    assert totals["account", "PENDING"] == (10_000,)
    assert totals[None, "COMPLETED"] == totals[None, "EXPIRED"] == (2_500,)
    assert totals["account", "FAILED"] == (5_000,)


def test_the_cursor_of_holds_reaches_the_oldest(ledger: Ledger, connection: Connection) -> None:
    """Every filter over 24,000 holds: each match once, in order; a page reads as few blocks far down as at the top."""
    gold = ledger.create_asset_type()
    wallets: list[object] = [ledger.create_wallet(gold), ledger.create_wallet(gold)]
    add_holds(connection, wallets, 1_000, 24_000)
    for account, status in FILTERS:
        found: list[str] = []
        costs: list[int] = []
        cursor: str | None = ""
        while cursor is not None:
            arguments = (account and wallets[0], status, 1, 100, cursor)
            if len(found) % 1_000 == 0:
                costs.append(buffers(connection, "wallet.list_holds(%s, %s, %s, %s, %s)", *arguments))
            row = connection.execute("SELECT wallet.list_holds(%s, %s, %s, %s, %s)", arguments).fetchone()
            assert row is not None
            found += [one["id"] for one in row[0]["data"]]
            cursor = row[0]["pagination"]["nextCursor"]
        expected = connection.execute(
            """
            SELECT h.id::text FROM wallet.holds AS h
            WHERE h.account_id = coalesce(%s, h.account_id) AND h.state = ANY(wallet.hold_states(%s)) ORDER BY h.id DESC
            """,
            [account and wallets[0], status],
        ).fetchall()
        assert found == [one for (one,) in expected], (account, status)
        assert max(costs[:-1], default=0) <= costs[0] * 1.5 + 50, (account, status)


@pytest.mark.parametrize("status", ["PENDING", "ACTIVE"])
def test_a_pending_hold_is_found_behind_any_number_of_ended_ones(
    ledger: Ledger, connection: Connection, status: str
) -> None:
    """The oldest of 12,001 holds of a wallet, the only one that is still open."""
    gold = ledger.create_asset_type()
    wallet = ledger.create_wallet(gold)
    add_holds(connection, [wallet, wallet], 1_000, 12_000)
    connection.execute(
        "UPDATE wallet.holds SET state = 'EXPIRED', closed_at = expires_at WHERE state = 'ACTIVE' AND id <> ("
        "SELECT min(id::text)::uuid FROM wallet.holds WHERE state = 'ACTIVE')"
    )
    for account in (wallet, None):
        found = connection.execute("SELECT wallet.list_holds(%s, %s)", [account, status]).fetchone()
        assert found is not None
        assert found[0]["pagination"]["total"] == 1
        assert found[0]["data"][0]["state"] == "ACTIVE"
