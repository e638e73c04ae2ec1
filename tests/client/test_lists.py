"""Lists through the client: iterators over all pages."""

import uuid
from decimal import Decimal

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


async def test_holds_are_listed(client: Client, gold: AssetType, alice: Account) -> None:
    """Over all pages as well."""
    drafts = [postings.hold(alice.id, gold.id, "0.1") for _ in range(ROWS)]
    made = [one.unwrap().id for one in await client.call("post_batch", drafts)]
    held = await client.rows("list_holds", account_id=alice.id, status="ACTIVE")
    assert [one.id for one in held] == list(reversed(made))


async def test_lists_by_page(client: Client, gold: AssetType, bob: Account) -> None:
    """Histories have pages with numbers, and all of them are read."""
    for number in range(101):
        await client.call("change_account", bob.id, f"why {number}", name=f"Bob {number}")
    changes = await client.rows("list_account_changes", bob.id)
    assert [(change.number, change.reason) for change in changes] == [(n, f"why {n - 1}") for n in range(101, 0, -1)]


async def test_an_empty_list_and_a_wrong_filter(client: Client, bob: Account) -> None:
    """Nothing is given, and a refusal is raised when the list is read."""
    assert await client.rows("list_entries", bob.id) == []
    assert await client.rows("list_holds", account_id=bob.id) == []
    with pytest.raises(Refused, match="validation_failed"):
        await client.rows("list_accounts", status="SLEEPY")


async def test_a_statement(client: Client, gold: AssetType, alice: Account) -> None:
    """Its lines lead from the opening to the closing balance; statements join, and agree with the balance then."""
    first = await client.call("spend", alice.id, gold.id, "7.5", reference_id="sword")
    await client.call("bonus", alice.id, gold.id, 1)
    whole = await client.call("get_statement", alice.id)
    assert (whole.opening.balance, whole.closing.balance, whole.totals.lines) == (0, Decimal("93.5"), 3)
    assert whole.totals.credits - whole.totals.debits == whole.closing.balance
    assert [(line.type, line.amount, line.balance_after, line.reference_id) for line in whole.lines] == [
        ("TOP_UP", 100, 100, None),
        ("SPEND", Decimal("7.5"), Decimal("92.5"), "sword"),
        ("BONUS", 1, Decimal("93.5"), None),
    ]
    before = await client.call("get_statement", alice.id, None, first.created_at)
    after = await client.call("get_statement", alice.id, first.created_at)
    assert before.lines + after.lines == whole.lines
    then = await client.call("get_balance_at", alice.id, first.created_at)
    assert before.closing.balance == after.opening.balance == then.balance
    assert (then.at, then.version, after.from_at) == (first.created_at, before.closing.version, first.created_at)


async def test_the_event_feed(client: Client, gold: AssetType, alice: Account, bob: Account) -> None:
    """Oldest first, over all pages; after an event comes the next one."""
    drafts = [postings.transfer(alice.id, bob.id, gold.id, "0.1") for _ in range(ROWS)]
    made = [one.unwrap().id for one in await client.call("post_batch", drafts)]
    events = await client.rows("list_events", account_id=bob.id)
    assert [event.type for event in events] == ["account.opened", *["transaction.posted"] * ROWS]
    assert [uuid.UUID(event.data["id"]) for event in events[1:]] == made
    assert [event.data["amount"] for event in events[1:]] == [Decimal("0.1")] * ROWS
    rest = await client.rows("list_events", account_id=bob.id, after=events[-3].id, types=["transaction.posted"])
    assert rest == events[-2:]
    assert await client.rows("list_events", after=events[-1].id) == []


async def test_events_are_followed(client: Client, gold: AssetType, alice: Account) -> None:
    """At the end of the feed it waits, on the service's side, and goes on with what comes."""
    last = (await client.rows("list_events", account_id=alice.id))[-1].id
    made = [await client.call("spend", alice.id, gold.id, 1)]
    sent = len(client.requests)
    feed = client.following("list_events", after=last, account_id=alice.id, follow=True)
    assert uuid.UUID((await anext(feed)).data["id"]) == made[0].id
    made.append(await client.call("spend", alice.id, gold.id, 2))
    assert uuid.UUID((await anext(feed)).data["id"]) == made[1].id
    await feed.aclose()
    asked = [request.url.params for request in client.requests[sent:] if request.method == "GET"]
    assert next((params["after"], params["waitSeconds"]) for params in asked) == (str(last), "15")
