"""Top-ups, bonuses and spends, one by one: what they write."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from psycopg.rows import namedtuple_row

from tests.support.ledger import Ledger, Request


class World(NamedTuple):
    """One asset and one wallet with 100 in it."""

    asset_type_id: UUID
    wallet: UUID
    treasury: UUID
    revenue: UUID


@pytest.fixture
def world(ledger: Ledger) -> World:
    asset_type_id = ledger.create_asset_type()
    wallet = ledger.create_wallet(asset_type_id)
    ledger.top_up(wallet, 100, key="first")
    return World(asset_type_id, wallet, ledger.treasury(asset_type_id), ledger.revenue(asset_type_id))


def rows(ledger: Ledger, query: str, *arguments: object) -> list[Any]:
    with ledger.connection.cursor(row_factory=namedtuple_row) as cursor:
        return list(cursor.execute(query.encode(), arguments).fetchall())


def entries(ledger: Ledger, transaction_id: UUID) -> list[Any]:
    return rows(ledger, "SELECT * FROM wallet.ledger_entries WHERE transaction_id = %s ORDER BY leg", transaction_id)


@pytest.mark.parametrize("kind", ["TOP_UP", "BONUS", "SPEND"])
def test_a_posting_is_one_debit_and_one_credit(ledger: Ledger, world: World, kind: str) -> None:
    """Both legs, on the right accounts, with the versions and balances they made."""
    source, dest = (world.wallet, world.revenue) if kind == "SPEND" else (world.treasury, world.wallet)
    wallet_after = Decimal("87.6544") if kind == "SPEND" else Decimal("112.3456")
    before = datetime.now(UTC)
    posted = ledger.call(
        Request(
            type=kind,
            key="k",
            account_id=world.wallet,
            asset_type_id=world.asset_type_id,
            amount="12.3456",
            reference_id="ref",
            description="desc",
            metadata={"a": [1, None, "é"]},
        )
    )
    [transaction] = rows(ledger, "SELECT * FROM wallet.transactions WHERE id = %s", posted.id)
    debit, credit = entries(ledger, posted.id)
    assert (debit.account_id, debit.entry_type, debit.leg) == (source, "DEBIT", 1)
    assert (credit.account_id, credit.entry_type, credit.leg) == (dest, "CREDIT", 2)
    assert debit.amount == credit.amount == transaction.amount == Decimal("12.3456")
    assert (debit.version, credit.version) == (transaction.source_version, transaction.dest_version)
    balances = {
        source: wallet_after if kind == "SPEND" else Decimal("-112.3456"),
        dest: Decimal("12.3456") if kind == "SPEND" else wallet_after,
    }
    for entry in (debit, credit):
        [account] = rows(ledger, "SELECT * FROM wallet.accounts WHERE id = %s", entry.account_id)
        assert entry.balance_after == account.balance == balances[entry.account_id]
        assert entry.version == account.version
        assert entry.created_at == account.updated_at == transaction.created_at
    versions = {world.wallet: 2, world.treasury: 2, world.revenue: 1}
    assert (debit.version, credit.version) == (versions[source], versions[dest])
    assert abs(transaction.created_at - before) < timedelta(minutes=5)
    assert not posted.replayed
    assert posted.answer == {
        "id": str(transaction.id),
        "idempotencyKey": "k",
        "type": kind,
        "status": "COMPLETED",
        "sourceAccountId": str(source),
        "destAccountId": str(dest),
        "assetTypeId": str(world.asset_type_id),
        "amount": Decimal("12.3456"),
        "description": "desc",
        "referenceId": "ref",
        "metadata": {"a": [1, None, "é"]},
        "createdAt": transaction.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "updatedAt": transaction.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "postedBy": "role:postgres",
    }
    assert ledger.problems() == {}


def test_a_posting_writes_these_rows_and_no_others(ledger: Ledger, world: World) -> None:
    """One transaction, two entries, one key."""
    before = ledger.counts()
    ledger.spend(world.wallet, 1)
    after = ledger.counts()
    assert {table: after[table] - before[table] for table in before if after[table] != before[table]} == {
        "idempotency_keys": 1,
        "ledger_entries": 2,
        # A count of each level for the new kind.
        "transaction_blocks": 2,
        "transactions": 1,
    }


def test_ids_are_ordered_uuids_of_version_8(ledger: Ledger, world: World) -> None:
    """Later postings have greater ids, with a zero byte for the leg at the end."""
    ids = [ledger.top_up(world.wallet, 1).id for _ in range(5)]
    assert ids == sorted(ids)
    assert {(one.version, one.variant, one.bytes[-1]) for one in ids} == {(8, "specified in RFC 4122", 0)}


def test_ids_keep_their_order_at_every_number_of_digits(ledger: Ledger) -> None:
    """The id of a number is greater than that of every smaller one, up to the last 60-bit number."""
    numbers = sorted({2**power + offset for power in range(60) for offset in (-1, 0, 1)} - {2**60, 2**60 + 1})
    ids = rows(
        ledger,
        "SELECT wallet.transaction_id(n, gen_random_uuid()) AS id"
        " FROM unnest(%s::bigint[]) WITH ORDINALITY AS u (n, o) ORDER BY o",
        numbers,
    )
    found = [row.id for row in ids]
    assert found == sorted(found)
    assert {one.version for one in found} == {8}


def test_a_wallet_can_be_emptied_to_the_last_digit(ledger: Ledger, world: World) -> None:
    """The whole balance may be spent, and not a ten-thousandth more."""
    ledger.spend(world.wallet, "99.9999")
    ledger.spend(world.wallet, "0.0001")
    assert ledger.balance(world.wallet) == 0


def test_a_floor_of_its_own_is_kept(ledger: Ledger, world: World) -> None:
    """An account with an overdraft may go below zero, as far as its floor."""
    ledger.connection.execute("UPDATE wallet.accounts SET balance_min = -10 WHERE id = %s", [world.wallet])
    ledger.spend(world.wallet, 110)
    assert ledger.balance(world.wallet) == -10
    [answer] = ledger.post(
        [
            Request(
                type="SPEND",
                key="over",
                account_id=world.wallet,
                asset_type_id=world.asset_type_id,
                amount="0.0001",
            )
        ]
    )
    assert (answer.code, answer.error) == (
        "insufficient_balance",
        "Insufficient balance: 0 available, 0.0001 asked for.",
    )
    assert ledger.problems() == {}


def test_the_reads_give_what_was_posted(ledger: Ledger, world: World) -> None:
    """get_transaction and read_transactions give the answer of the posting; get_account the balance."""
    posted = ledger.spend(world.wallet, "0.5")
    [one] = rows(ledger, "SELECT wallet.get_transaction(%s)::text AS answer", posted.id)
    [many] = rows(
        ledger,
        "SELECT id, answer::text FROM wallet.read_transactions(ARRAY[%s, gen_random_uuid()])",
        posted.id,
    )
    [account] = rows(ledger, "SELECT wallet.get_account(%s) AS answer", world.wallet)
    [accounts] = rows(ledger, "SELECT answer FROM wallet.read_accounts(ARRAY[%s])", world.wallet)
    [balance] = rows(ledger, "SELECT answer FROM wallet.read_balances(ARRAY[%s])", world.wallet)
    assert one.answer == many.answer
    assert str(posted.id) in one.answer
    assert account.answer == accounts.answer
    assert account.answer["balance"] == 99.5
    assert balance.answer == {
        "accountId": str(world.wallet),
        "balance": 99.5,
        "held": 0,
        "available": 99.5,
        "assetTypeId": str(world.asset_type_id),
    }


def test_post_json_answers_in_the_order_of_the_requests(ledger: Ledger, world: World) -> None:
    """The HTTP service's way in: transactions and refusals as JSON, one row per request, in order."""
    requests = [
        {"type": "SPEND", "idempotency_key": f"j{number}", "account_id": str(world.wallet),
         "asset_type_id": str(world.asset_type_id), "amount": amount}
        for number, amount in enumerate(["60", "60", "40"])
    ]  # fmt: skip
    answers = rows(ledger, "SELECT outcome, code, answer FROM wallet.post_json(%s::json)", json.dumps(requests))
    assert [(one.outcome, one.code) for one in answers] == [
        ("POSTED", None),
        ("REFUSED", "insufficient_balance"),
        ("POSTED", None),
    ]
    assert answers[1].answer == {
        "error": "Insufficient balance: 40 available, 60 asked for.",
        "code": "insufficient_balance",
    }
    assert answers[2].answer["idempotencyKey"] == "j2"
