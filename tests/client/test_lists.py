"""Lists through the client: iterators over all pages."""

import uuid

import pytest

from tests.client.flavours import Client
from wallet_client import Account, AssetType, Refused, postings

pytestmark = pytest.mark.anyio

ROWS = 230
"""More than two pages."""


async def test_lists_by_cursor_have_every_row_once(client: Client, gold: AssetType, bob: Account) -> None:
    """Newest first, over all pages, also when rows are added meanwhile."""
    drafts = [postings.top_up(bob.id, gold.id, number, reference_id=f"list:{bob.id}") for number in range(1, ROWS + 1)]
    made = [one.unwrap() for one in await client.call("post_batch", drafts)]
    expected = [one.id for one in reversed(made)]
    sent = len(client.requests)
    assert [row.id for row in await client.rows("list_transactions", account_id=bob.id)] == expected
    assert len(client.requests) - sent == 3
    assert [row.id for row in await client.rows("list_transactions", reference_id=f"list:{bob.id}")] == expected
    entries = await client.rows("list_entries", bob.id)
    assert [(row.version, row.amount) for row in entries] == [(number, number) for number in range(ROWS, 0, -1)]
    assert entries[0].balance_after == sum(range(1, ROWS + 1))


async def test_accounts_are_found(client: Client, gold: AssetType) -> None:
    """By owner, by external id, by status; what one owner has."""
    owner = f"owner {uuid.uuid4()}/ü"
    made = [
        await client.call(
            "create_account", f"Wallet {number}", gold.id, owner_id=owner, external_id=f"{owner}:{number}"
        )
        for number in range(3)
    ]
    found = await client.rows("list_accounts", owner_id=owner)
    assert [one.id for one in found] == [one.id for one in reversed(made)]
    assert [one.id for one in await client.rows("list_accounts", external_id=f"{owner}:1")] == [made[1].id]
    await client.call("change_account", made[2].id, "away", status="FROZEN")
    assert [one.id for one in await client.rows("list_accounts", owner_id=owner, status="FROZEN")] == [made[2].id]
    balances = await client.call("get_owner_balances", owner)
    assert [(one.symbol, one.account_count, one.balance) for one in balances.balances] == [("GC", 3, 0)]
    assert {one.account_id for one in balances.accounts} == {one.id for one in made}


async def test_lists_by_page(client: Client, gold: AssetType, alice: Account) -> None:
    """Over all pages as well."""
    drafts = [postings.hold(alice.id, gold.id, "0.1") for _ in range(ROWS)]
    made = [one.unwrap().id for one in await client.call("post_batch", drafts)]
    held = await client.rows("list_holds", account_id=alice.id, status="ACTIVE")
    assert [one.id for one in held] == list(reversed(made))


async def test_an_empty_list_and_a_wrong_filter(client: Client, bob: Account) -> None:
    """Nothing is given, and a refusal is raised when the list is read."""
    assert await client.rows("list_entries", bob.id) == []
    assert await client.rows("list_holds", account_id=bob.id) == []
    with pytest.raises(Refused, match="validation_failed"):
        await client.rows("list_accounts", status="SLEEPY")
