"""The checker of histories accepts a good one and finds everything that can be wrong with one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.model.callers import Made, Refusal
from tests.model.history import (
    AccountRow,
    Call,
    EntryRow,
    History,
    Read,
    TransactionRow,
    violations,
)
from tests.support.operations import Operation

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WALLET, TREASURY, REVENUE, ASSET = (UUID(int=number) for number in range(1, 5))


def posting(number: int, type_: str, amount: int) -> Operation:
    return Operation(type=type_, key=f"k{number}", account_id=WALLET, asset_type_id=ASSET, amount=Decimal(amount))


def transaction_id(number: int) -> UUID:
    return UUID(int=100 + number)


def made(request: Operation, number: int, *, replayed: bool = False) -> Made:
    return Made(
        replayed,
        {
            "id": str(transaction_id(number)),
            "idempotencyKey": request.key,
            "type": request.type,
            "amount": request.amount,
            "metadata": None,
        },
    )


def too_little(available: int, amount: int) -> Refusal:
    return Refusal(
        "insufficient_balance", f"Insufficient balance: {available} available, {amount} asked for.", frozenset()
    )


def good() -> History:
    """Three postings of one wallet: 10 in, 4 out, 1 in; a replay, two refusals, two reads."""
    requests = [posting(1, "TOP_UP", 10), posting(2, "SPEND", 4), posting(3, "TOP_UP", 1)]
    entries: list[EntryRow] = []
    transactions: list[TransactionRow] = []
    versions: dict[UUID, int] = {}
    balances: dict[UUID, Decimal] = {}
    for number, request in enumerate(requests, 1):
        source, dest = (WALLET, REVENUE) if request.type == "SPEND" else (TREASURY, WALLET)
        amount = Decimal(str(request.amount))
        for account, kind in ((source, "DEBIT"), (dest, "CREDIT")):
            versions[account] = versions.get(account, 0) + 1
            balances[account] = balances.get(account, Decimal(0)) + (amount if kind == "CREDIT" else -amount)
            entries.append(
                EntryRow(
                    account,
                    versions[account],
                    transaction_id(number),
                    kind,
                    amount,
                    balances[account],
                    NOON + timedelta(seconds=number),
                )
            )
        assert request.type is not None
        assert request.key is not None
        transactions.append(
            TransactionRow(
                transaction_id(number),
                request.type,
                request.key,
                ASSET,
                amount,
                source,
                versions[source],
                dest,
                versions[dest],
                None,
                None,
                None,
            )
        )
    return History(
        accounts=[
            AccountRow(one, None if one == TREASURY else Decimal(0), versions[one], balances[one]) for one in versions
        ],
        entries=entries,
        transactions=transactions,
        keys=[(one.key, one.id) for one in transactions],
        calls=[
            Call(requests[0], made(requests[0], 1), 0.0, 1.0),
            # While the spend was under way; both balances would explain it.
            Call(posting(4, "SPEND", 50), too_little(6, 50), 1.5, 3.5),
            Call(requests[1], made(requests[1], 2), 2.0, 3.0),
            Call(requests[0], made(requests[0], 1, replayed=True), 3.1, 3.2),
            Call(requests[2], made(requests[2], 3), 4.0, 5.0),
            Call(posting(1, "TOP_UP", 11), Refusal("idempotency_key_reused", "", frozenset({"amount"})), 5.0, 6.0),
        ],
        reads=[Read(WALLET, Decimal(10), 1.1, 1.9), Read(WALLET, Decimal(6), 2.1, 2.9), Read(WALLET, Decimal(7), 6, 7)],
        forgotten_keys=frozenset({"gone"}),
    )


def changed(rows: Any, place: int, **fields: object) -> list[Any]:
    """The rows, one of them with other fields."""
    return [replace(row, **fields) if index == place else row for index, row in enumerate(rows)]


def without(rows: Any, place: int) -> list[Any]:
    """The rows but one."""
    return [row for index, row in enumerate(rows) if index != place]


CORRUPTIONS: dict[str, tuple[str, Callable[[History], History]]] = {
    "an entry is lost": ("versions", lambda h: replace(h, entries=without(h.entries, 1))),
    "a version is skipped": ("versions", lambda h: replace(h, entries=changed(h.entries, 5, version=4))),
    "a version is taken twice": ("versions", lambda h: replace(h, entries=changed(h.entries, 5, version=2))),
    "the account is behind its entries": ("versions", lambda h: replace(h, accounts=changed(h.accounts, 1, version=2))),
    "a balance does not follow": (
        "chain",
        lambda h: replace(h, entries=changed(h.entries, 2, balance_after=Decimal(7))),
    ),
    "the account holds something else": (
        "chain",
        lambda h: replace(h, accounts=changed(h.accounts, 1, balance=Decimal(8))),
    ),
    "a floor was crossed": ("floor", lambda h: replace(h, accounts=changed(h.accounts, 1, floor=Decimal(7)))),
    "the clock stepped back": ("instant", lambda h: replace(h, entries=changed(h.entries, 5, created_at=NOON))),
    "a side has another amount": ("sum", lambda h: replace(h, entries=changed(h.entries, 0, amount=Decimal(9)))),
    "a transaction has no entries": (
        "entries",
        lambda h: replace(h, transactions=[*h.transactions, replace(h.transactions[0], id=UUID(int=9), key="k9")]),
    ),
    "entries have no transaction": ("entries", lambda h: replace(h, transactions=without(h.transactions, 2))),
    "a transaction names another version": (
        "entries",
        lambda h: replace(h, transactions=changed(h.transactions, 2, dest_version=2)),
    ),
    "a key made two transactions": ("key", lambda h: replace(h, transactions=changed(h.transactions, 2, key="k1"))),
    "a key is lost": ("key", lambda h: replace(h, keys=without(h.keys, 0))),
    "a key leads elsewhere": ("key", lambda h: replace(h, keys=[(h.keys[0][0], UUID(int=9)), *h.keys[1:]])),
    "something rolled back is there": ("key", lambda h: replace(h, forgotten_keys=frozenset({"k2"}))),
    "an acknowledged posting is lost": (
        "acknowledged",
        lambda h: replace(
            h, calls=changed(h.calls, 4, answer=made(posting(3, "TOP_UP", 1), 33)), transactions=h.transactions
        ),
    ),
    "an answer is about another request": (
        "acknowledged",
        lambda h: replace(h, calls=changed(h.calls, 4, request=posting(3, "TOP_UP", 2))),
    ),
    "an answer tells another amount": (
        "acknowledged",
        lambda h: replace(h, calls=changed(h.calls, 4, answer=made(posting(3, "TOP_UP", 2), 3))),
    ),
    "a replay differs from the first answer": (
        "acknowledged",
        lambda h: replace(
            h,
            calls=changed(
                h.calls, 3, answer=Made(True, {**made(posting(1, "TOP_UP", 10), 1).answer, "createdAt": "later"})
            ),
        ),
    ),
    "two were told that they made it": (
        "made once",
        lambda h: replace(h, calls=changed(h.calls, 3, answer=made(posting(1, "TOP_UP", 10), 1))),
    ),
    "a later call came before an earlier one": (
        "order",
        lambda h: replace(h, calls=changed(h.calls, 4, began=0.1, ended=0.2)),
    ),
    "a refusal names a balance there never was": (
        "refusal",
        lambda h: replace(h, calls=changed(h.calls, 1, answer=too_little(5, 50))),
    ),
    "a refusal names a balance of before": (
        "refusal",
        lambda h: replace(h, calls=changed(h.calls, 1, answer=too_little(0, 50))),
    ),
    "a refusal names a balance of after": (
        "refusal",
        lambda h: replace(h, calls=changed(h.calls, 1, answer=too_little(7, 50))),
    ),
    "a refused spend was affordable": (
        "refusal",
        lambda h: replace(h, calls=changed(h.calls, 1, request=posting(4, "SPEND", 5), answer=too_little(6, 5))),
    ),
    "a key was called used otherwise and was not": (
        "refusal",
        lambda h: replace(h, calls=changed(h.calls, 5, request=posting(1, "TOP_UP", 10))),
    ),
    "a refusal of another sort": (
        "refusal",
        lambda h: replace(h, calls=changed(h.calls, 1, answer=Refusal("account_not_found", "", frozenset()))),
    ),
    "a read of a balance of before": ("read", lambda h: replace(h, reads=changed(h.reads, 2, balance=Decimal(6)))),
    "a read of a balance of after": ("read", lambda h: replace(h, reads=changed(h.reads, 0, balance=Decimal(6)))),
}


def test_a_good_history_is_accepted() -> None:
    assert violations(good()) == []


@pytest.mark.parametrize(("kind", "corrupt"), CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_what_is_wrong_is_found(kind: str, corrupt: Callable[[History], History]) -> None:
    """By the check that is there for it."""
    found = violations(corrupt(good()))
    assert any(one.startswith(f"{kind}:") for one in found), found
