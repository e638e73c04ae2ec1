"""The client has a call for every endpoint, and shows every field of an answer."""

import inspect
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx2
import msgspec
import pytest

from service.http.routes import PREFIX, ROUTES
from tests.client.conftest import OpenClient, Service
from tests.client.flavours import Client
from wallet_client import Account, AssetType, AsyncWallet, JournalEntry, Wallet, postings
from wallet_client.exchange import decoded

pytestmark = pytest.mark.anyio

WITHOUT_A_CALL = {
    # Of those who run the service, or set it up.
    *("GET /health", "GET /health/live", "GET /health/ready", "GET /metrics", "GET /status", "GET /doctor"),
    *(f"{route.method} {route.path}" for route in ROUTES if route.path.startswith("/webhooks")),
    # For programs that write clients.
    "GET /openapi.json",
}


def test_both_flavours_have_the_same_methods() -> None:
    """With the same parameters, and a description each."""
    named = [name for name in vars(Wallet) if not name.startswith("_")]
    assert named == [name for name in vars(AsyncWallet) if not name.startswith("_")]
    for name in named:
        waiting, asynchronous = (getattr(one, name) for one in (Wallet, AsyncWallet))
        assert inspect.signature(waiting) == inspect.signature(asynchronous), name
        assert waiting.__doc__ == asynchronous.__doc__, name
        assert waiting.__doc__, name


def _route_of(request: httpx2.Request) -> str:
    path = request.url.raw_path.decode().partition("?")[0].removeprefix(PREFIX)
    (found,) = {
        route.path
        for route in ROUTES
        if route.method == request.method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route.path), path)
    } - ({"/transactions/{id}", "/asset-types/{id}"} if path.count("/") == 1 else set())
    return f"{request.method} {found}"


async def _call_everything(client: Client, gold: AssetType, alice: Account, bob: Account) -> list[Any]:
    """Call every method at least once; give what they gave."""
    symbol = f"A{uuid.uuid4().hex[:8]}".upper()
    asset = await client.call("create_asset_type", symbol, "Energy", description="For doors.", decimals=2)
    gems = await client.call("create_account", "Gems", asset.id, owner_id=str(uuid.uuid4()), email="a@b.example")
    await client.call("set_campaign", asset.id, "spring", "ticket 1", amount_max=50)
    made = [
        await client.call("set_budget", asset.id, "ticket 2", amount_max="1000.5"),
        await client.call("set_account_limit", gems.id, "daily", 86400, "ticket 3", amount_max=500, count_max=9),
        await client.call("set_asset_limit", asset.id, "hourly", 3600, "ticket 4", amount_max=100),
        topped := await client.call("top_up", gems.id, asset.id, "12.5", campaign="spring", metadata={"a": {"b": 1}}),
        await client.call("bonus", gems.id, asset.id, 1),
        await client.call("refund", topped.id, 1),
        await client.call("transfer", alice.id, bob.id, gold.id, 1),
        await client.call("journal", gold.id, debits={alice.id: 1}, credits={bob.id: 1}),
        await client.call("convert", gems.id, bob.id, 1, "0.3333333"),
        await client.call("spend", alice.id, gold.id, 1),
        held := await client.call("hold", alice.id, gold.id, 1),
        await client.call("capture", held.id),
        await client.call("void", (await client.call("hold", alice.id, gold.id, 1)).id),
    ]
    await client.call("change_asset_type", asset.id, "renamed", name="Power", description=None)
    await client.call("change_account", gems.id, "VIP", credit_limit=Decimal("5.5"), balance_max=None, email=None)
    await client.call("post_batch", [postings.spend(alice.id, gold.id, 1)])
    read = [
        *await client.call("list_asset_types"),
        *await client.rows("list_asset_type_changes", asset.id),
        await client.call("get_account", gems.id),
        await client.call("get_balance", gems.id),
        await client.call("get_balance_at", gems.id, gems.created_at),
        await client.call("get_statement", gems.id, gems.created_at),
        await client.call("get_owner_balances", gems.owner_id),
        *await client.rows("list_accounts", asset_type_id=asset.id),
        *await client.rows("list_account_changes", gems.id),
        *await client.rows("list_entries", gems.id),
        *await client.call("list_account_limits", gems.id),
        *await client.rows("list_account_limit_changes", gems.id, "daily"),
        *await client.call("list_asset_limits", asset.id),
        *await client.rows("list_asset_limit_changes", asset.id, "hourly"),
        *await client.call("list_budgets", asset.id),
        *await client.rows("list_budget_changes", asset.id),
        *await client.rows("list_campaign_changes", asset.id, "spring"),
        *await client.rows("list_transactions", asset_type_id=asset.id),
        await client.call("get_transaction", topped.id),
        *await client.call("list_transaction_entries", topped.id),
        *await client.call("get_trial_balance"),
        *await client.rows("list_events", account_id=gems.id),
        await client.call("get_hold", held.id),
        *await client.rows("list_holds", account_id=alice.id),
        await client.call("get_idempotency_key", topped.idempotency_key),
    ]
    return made + read


async def test_every_endpoint_has_a_call(client: Client, gold: AssetType, alice: Account, bob: Account) -> None:
    """Also those that were added last."""
    await _call_everything(client, gold, alice, bob)
    assert set(client.statuses) == {200, 201, 207}
    called = {_route_of(request) for request in client.requests}
    assert called == {f"{route.method} {route.path}" for route in ROUTES} - WITHOUT_A_CALL


async def test_every_field_is_shown(
    service: Service, open_client: OpenClient, gold: AssetType, alice: Account, bob: Account, monkeypatch: Any
) -> None:
    """What was decoded and what came in are the same, but for fields that are not there and say so by None."""
    seen: list[tuple[Any, Any]] = []

    def noting(content: bytes, wanted: type) -> Any:
        value: Any = decoded(content, wanted)
        if isinstance(value, msgspec.Struct) and "wallet_client.resources" in type(value).__module__:
            seen.append((value, decoded(content, dict)))
        elif isinstance(value, list) and value and not isinstance(value[0], msgspec.Raw | dict):
            seen.extend(zip(value, decoded(content, list), strict=True))
        return value

    monkeypatch.setattr("wallet_client.exchange.decoded", noting)
    async with open_client(service.url) as client:
        await _call_everything(client, gold, alice, bob)
    encode: Callable[[Any], bytes] = msgspec.json.Encoder(decimal_format="number").encode
    resources = set()
    for value, sent in seen:
        if type(value).__module__ != "wallet_client.resources":
            continue
        resources.add(type(value).__name__)
        shown = {
            name: one for name, one in decoded(encode(value), dict).items() if name in sent or one not in (None, False)
        }
        assert shown == sent
    assert resources == {
        *("AssetType", "Account", "Balance", "OwnerBalances", "Entry", "Transaction", "Hold", "KeyRecord", "Change"),
        *("SpendingLimit", "Budget", "BalanceAt", "Statement", "TrialBalance", "Event"),
    }


def test_what_a_later_release_adds_is_passed_over() -> None:
    """Fields, and words in place of known ones."""
    content = b'{"accountId":"669f3c2d-b71a-4111-97d9-08c5651d70df","entryType":"NEITHER","amount":1,"new":{"a":[]}}'
    assert decoded(content, JournalEntry).entry_type == "NEITHER"
