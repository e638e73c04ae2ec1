"""Read by a type checker, never run: what it knows of the client."""

import uuid
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import assert_type

from wallet_client import Account, AsyncWallet, Hold, ItemAnswer, Posting, Transaction, Wallet, postings

GOLD = uuid.uuid4()


def waiting(wallet: Wallet) -> None:
    """The flavour that waits."""
    account = wallet.create_account("Alice", GOLD, external_id="alice")
    assert_type(account, Account)
    assert_type(wallet.list_accounts(owner_id="alice"), Iterator[Account])
    spent = wallet.spend(account.id, GOLD, "1", key="k")
    assert_type(spent, Transaction)
    assert_type(spent.amount, Decimal)
    assert_type(spent.id, uuid.UUID)
    assert_type(wallet.hold(account.id, GOLD, 1), Hold)
    assert_type(wallet.dry_run(postings.spend(account.id, GOLD, 1)), Posting)
    assert_type(wallet.post_batch([]), list[ItemAnswer[Transaction]])
    wallet.spend(account.id, GOLD, 0.1)  # type: ignore[arg-type]
    wallet.spend(account.id, GOLD)  # type: ignore[call-arg]
    wallet.spend(account.id, GOLD, 1, currency="GC")  # type: ignore[call-arg]
    print(wallet.dry_run(postings.spend(account.id, GOLD, 1)).id)  # type: ignore[attr-defined]
    spent.amount = Decimal(2)  # type: ignore[misc]


async def asynchronous(wallet: AsyncWallet) -> None:
    """The flavour that is awaited."""
    assert_type(await wallet.create_account("Alice", GOLD), Account)
    assert_type(wallet.list_accounts(), AsyncIterator[Account])
    assert_type(await wallet.post_batch([], atomic=True), list[ItemAnswer[Transaction]])
    await wallet.top_up(GOLD, GOLD, 0.1)  # type: ignore[arg-type]
