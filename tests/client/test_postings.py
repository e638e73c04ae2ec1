"""Posting through the client: every kind, exactly, once; refusals, replays, dry runs and batches."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.client.conftest import OpenClient, Service
from tests.client.flavours import Client
from tests.support.ledger import Ledger
from wallet_client import Account, AssetType, Hold, Refused, Transaction, postings

pytestmark = pytest.mark.anyio

EXACT = Decimal("90071992547409.0001")
"""Binary floating point has no such number."""


async def balance_of(client: Client, account: Account) -> Decimal:
    """Give an account's balance."""
    balance: Decimal = (await client.call("get_balance", account.id)).balance
    return balance


async def test_every_plain_kind(client: Client, gold: AssetType, alice: Account, bob: Account) -> None:
    """Each makes a transaction of its type, between the right accounts, with what it was given."""
    told = {"reference_id": "order-7", "description": "a sword", "metadata": {"shop": "web", "tags": [1, None]}}
    for method, type_ in (("top_up", "TOP_UP"), ("bonus", "BONUS"), ("spend", "SPEND")):
        made = await client.call(method, alice.id, gold.id, "2.5", **told)
        assert isinstance(made, Transaction)
        assert (made.type, made.status, made.amount, made.replayed) == (type_, "COMPLETED", Decimal("2.5"), False)
        assert alice.id in {made.source_account_id, made.dest_account_id}
        assert {name: getattr(made, name) for name in told} == told
        assert await client.call("get_transaction", made.id) == made
    moved = await client.call("transfer", alice.id, bob.id, gold.id, 10, **told)
    assert (moved.source_account_id, moved.dest_account_id) == (alice.id, bob.id)
    assert await balance_of(client, bob) == 10


async def test_operations(client: Client, gold: AssetType, alice: Account, bob: Account) -> None:
    """Refunds, journals and conversions say what is special about them."""
    spent = await client.call("spend", alice.id, gold.id, 20)
    refund = await client.call("refund", spent.id, Decimal("7.5"), reason="broken")
    assert (refund.type, refund.amount, refund.refund_of, refund.description) == (
        "REFUND",
        Decimal("7.5"),
        spent.id,
        "broken",
    )
    assert (await client.call("get_transaction", spent.id)).refunded_amount == Decimal("7.5")
    assert (await client.call("refund", spent.id)).amount == Decimal("12.5")
    fee = spent.dest_account_id
    sale = await client.call("journal", gold.id, debits={alice.id: 10}, credits={bob.id: "9.5", fee: Decimal("0.5")})
    assert (sale.amount, sale.source_account_id) == (10, None)
    assert {(entry.account_id, entry.entry_type, entry.amount) for entry in sale.entries} == {
        (alice.id, "DEBIT", Decimal(10)),
        (bob.id, "CREDIT", Decimal("9.5")),
        (fee, "CREDIT", Decimal("0.5")),
    }
    (diamonds,) = [asset for asset in await client.call("list_asset_types") if asset.symbol == "DM"]
    gems = await client.call("create_account", "Gems", diamonds.id)
    exchanged = await client.call("convert", alice.id, gems.id, 10, "0.333333")
    assert (exchanged.rate, exchanged.credited_amount, exchanged.remainder) == (
        Decimal("0.333333"),
        Decimal("3.3333"),
        Decimal("0.00003"),
    )
    assert await balance_of(client, gems) == Decimal("3.3333")


async def test_holds(client: Client, gold: AssetType, alice: Account, bob: Account) -> None:
    """A hold, its capture and its void; a hold that is read as a transaction is a hold."""
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    held = await client.call("hold", alice.id, gold.id, 40, to_account_id=bob.id, expires_at=ends)
    assert isinstance(held, Hold)
    assert (held.state, held.expires_at, held.dest_account_id) == ("ACTIVE", ends, bob.id)
    balance = await client.call("get_balance", alice.id)
    assert (balance.balance, balance.held, balance.available) == (100, 40, 60)
    captured = await client.call("capture", held.id, "30")
    assert (captured.type, captured.amount, captured.hold_id) == ("CAPTURE", Decimal(30), held.id)
    after = await client.call("get_transaction", held.id)
    assert isinstance(after, Hold)
    assert (after.state, after.captured_amount, after.capture_id) == ("CAPTURED", Decimal(30), captured.id)
    assert await client.call("get_hold", held.id) == after
    other = await client.call("hold", alice.id, gold.id, 1)
    voided = await client.call("void", other.id)
    assert (type(voided), voided.state) == (Hold, "VOIDED")


@pytest.mark.parametrize("amount", [EXACT, str(EXACT)], ids=["decimal", "text"])
async def test_amounts_are_exact_both_ways(client: Client, gold: AssetType, bob: Account, amount: Any) -> None:
    """18 digits there and back, in amounts and in metadata; never a float on the way."""
    made = await client.call("top_up", bob.id, gold.id, amount, metadata={"price": EXACT, "small": [Decimal("0.1")]})
    for shown in (made, await client.call("get_transaction", made.id)):
        assert (shown.amount, shown.metadata) == (EXACT, {"price": EXACT, "small": [Decimal("0.1")]})
    assert await balance_of(client, bob) == EXACT
    assert [row.amount for row in await client.rows("list_transactions", account_id=bob.id, amount_min=EXACT)] == [
        EXACT
    ]
    assert (await client.call("top_up", bob.id, gold.id, Decimal("1E+2"))).amount == 100


@pytest.mark.parametrize(("amount", "error"), [(0.1, TypeError), (True, TypeError), (Decimal("NaN"), ValueError)])
async def test_what_is_no_amount_is_not_sent(
    client: Client, gold: AssetType, alice: Account, amount: Any, error: type[Exception]
) -> None:
    """Binary floating point least of all."""
    sent = len(client.requests)
    calls = [
        client.call("spend", alice.id, gold.id, amount),
        client.call("journal", gold.id, debits={alice.id: amount}, credits={alice.id: 1}),
        client.call("convert", alice.id, alice.id, 1, amount),
        client.call("change_account", alice.id, "why", credit_limit=amount),
        client.call("set_budget", gold.id, "why", amount_max=amount),
    ]
    for call in calls:
        with pytest.raises(error):
            await call
    assert len(client.requests) == sent


async def test_a_key_of_ones_own_is_posted_once(client: Client, gold: AssetType, alice: Account) -> None:
    """The second time is a replay, and says so; without a key every call is a posting of its own."""
    key = f"order:{uuid.uuid4()}"
    first = await client.call("spend", alice.id, gold.id, 5, key=key)
    again = await client.call("spend", alice.id, gold.id, "5.00", key=key)
    assert (first.idempotency_key, first.replayed, again.replayed, again.id) == (key, False, True, first.id)
    record = await client.call("get_idempotency_key", key)
    assert (record.operation, record.answer["id"]) == ("SPEND", str(first.id))
    others = {(await client.call("spend", alice.id, gold.id, 5)).idempotency_key for _ in range(2)}
    assert len(others) == 2
    assert await balance_of(client, alice) == 85


async def test_keys_of_accounts(client: Client, gold: AssetType) -> None:
    """Opening and changing have keys as well."""
    key = f"signup:{uuid.uuid4()}"
    opened = [await client.call("create_account", "Carol", gold.id, key=key) for _ in range(2)]
    assert (opened[0].id, [one.replayed for one in opened]) == (opened[1].id, [False, True])


async def test_a_refusal_has_all_that_is_known(client: Client, gold: AssetType, alice: Account) -> None:
    """The code, the status, the sentence, the details and the id of the request; nothing was posted."""
    with pytest.raises(Refused) as refused:
        await client.call("spend", alice.id, gold.id, "100.5")
    refusal = refused.value
    assert (refusal.code, refusal.status, refusal.details) == ("insufficient_balance", 422, None)
    assert refusal.sentence == "Insufficient balance: 100 available, 100.5 asked for."
    assert refusal.request_id
    assert str(refusal) == f"{refusal.code}: {refusal.sentence}"
    with pytest.raises(Refused) as refused:
        await client.call("spend", "nobody", gold.id, "1e5", key="wrong")
    assert (refused.value.code, refused.value.status) == ("validation_failed", 400)
    assert refused.value.details is not None
    assert set(refused.value.details) == {"accountId", "amount"}
    with pytest.raises(Refused) as refused:
        await client.call("spend", alice.id, gold.id, 1, key="")
    assert refused.value.code == "idempotency_key_missing"
    assert await balance_of(client, alice) == 100


async def test_a_dry_run_posts_nothing(client: Client, gold: AssetType, alice: Account) -> None:
    """It gives what posting would give, without an id; the draft can then be posted, and is posted once."""
    draft = postings.spend(alice.id, gold.id, 5)
    would_be = await client.call("dry_run", draft)
    assert (would_be.type, would_be.amount, hasattr(would_be, "id")) == ("SPEND", 5, False)
    assert await balance_of(client, alice) == 100
    with pytest.raises(Refused, match="insufficient_balance"):
        await client.call("dry_run", postings.spend(alice.id, gold.id, 101))
    posted = [await client.call("post", draft) for _ in range(2)]
    assert [(one.id, one.replayed) for one in posted] == [(posted[0].id, False), (posted[0].id, True)]
    assert (await client.call("dry_run", draft)).replayed
    assert await balance_of(client, alice) == 95


async def test_a_batch_of_every_kind(client: Client, gold: AssetType, alice: Account, bob: Account) -> None:
    """In order, as if one after the other; one that is refused harms no other; a second time all are replays."""
    held = await client.call("hold", alice.id, gold.id, 1)
    other = await client.call("hold", alice.id, gold.id, 1)
    spent = await client.call("spend", alice.id, gold.id, 1)
    drafts = [
        postings.top_up(bob.id, gold.id, "0.5"),
        postings.bonus(bob.id, gold.id, 1),
        postings.spend(bob.id, gold.id, 2),
        postings.transfer(alice.id, bob.id, gold.id, 3),
        postings.journal(gold.id, debits={alice.id: 1}, credits={bob.id: 1}),
        postings.refund(spent.id, reason="late"),
        postings.hold(bob.id, gold.id, 1),
        postings.capture(held.id),
        postings.void(other.id),
    ]
    answers = await client.call("post_batch", drafts)
    refusal = answers[2].refusal
    assert refusal is not None
    assert (refusal.code, refusal.status, answers[2].posted) == ("insufficient_balance", 422, None)
    with pytest.raises(Refused):
        answers[2].unwrap()
    made = [answer.unwrap() for answer in answers[:2] + answers[3:]]
    assert [one.type for one in made] == [
        *("TOP_UP", "BONUS", "TRANSFER", "JOURNAL", "REFUND", "HOLD", "CAPTURE", "HOLD"),
    ]
    assert [type(one) for one in made if one.type == "HOLD"] == [Hold, Hold]
    again = await client.call("post_batch", drafts[:2])
    assert [(one.posted.id, one.posted.replayed) for one in again] == [(one.id, True) for one in made[:2]]
    assert await balance_of(client, bob) == Decimal("5.5")


async def test_a_batch_that_is_all_or_nothing(
    client: Client, gold: AssetType, alice: Account, bob: Account, books: Ledger
) -> None:
    """One refusal refuses all, and says which it was; a dry run says what each would be."""
    drafts = [postings.top_up(bob.id, gold.id, 1), postings.spend(alice.id, gold.id, 101)]
    before = books.counts()
    with pytest.raises(Refused) as refused:
        await client.call("post_batch", drafts, atomic=True)
    assert refused.value.code == "batch_refused"
    assert refused.value.details is not None
    assert (refused.value.details["index"], refused.value.details["status"]) == (1, 422)
    previews = await client.call("dry_run_batch", drafts)
    assert [(one.posted is not None, one.refusal is not None) for one in previews] == [(True, False), (False, True)]
    assert books.counts() == before
    posted = await client.call("post_batch", drafts[:1], atomic=True)
    assert [one.unwrap().amount for one in posted] == [1]


async def test_an_api_key(service: Service, open_client: OpenClient, gold: AssetType) -> None:
    """The token is sent as it must be: a wrong one is refused."""
    async with open_client(service.url, token="wk_000000000000_" + "0" * 43) as stranger:
        with pytest.raises(Refused) as refused:
            await stranger.call("get_account", gold.id)
    assert (refused.value.code, refused.value.status) == ("unauthorized", 401)
