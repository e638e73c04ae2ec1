"""API keys over HTTP: who is let in, what each scope opens, what each asset type closes, and when a key ends."""

import asyncio
import hmac
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Final

import aiohttp
import pytest
from aiohttp import web

from service import api_keys
from service.api_keys import SCOPES, KeyRing, token_of
from service.http.auth import POSTING_SCOPES
from service.http.postings import TRANSACTION_TYPES
from service.http.routes import PREFIX, ROUTES, add_routes
from tests.conftest import Connect, StartApp
from tests.http.api import NOBODY, Answer, Api, Wallet, new_key
from tests.http.batches import item, send
from tests.http.keyed import Keys, calling
from tests.http.operations import journal, transfer
from tests.http.proxy import proxied
from tests.http.waiting import until
from tests.support.database import Connection
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

WORLD = set(SCOPES) - {"admin"}
"""Every scope but the one that includes all."""

ALLOWED: Final[Mapping[tuple[str, str], set[str]]] = {
    ("GET", "/asset-types"): WORLD,
    ("POST", "/asset-types"): {"admin"},
    ("PATCH", "/asset-types/{id}"): {"admin"},
    ("GET", "/asset-types/{id}/history"): {"read"},
    ("GET", "/asset-types/{id}/spending-limits"): {"read"},
    ("PUT", "/asset-types/{id}/spending-limits/{name}"): {"admin"},
    ("GET", "/asset-types/{id}/spending-limits/{name}/history"): {"read"},
    ("GET", "/asset-types/{id}/budgets"): {"read"},
    ("PUT", "/asset-types/{id}/budget"): {"admin"},
    ("GET", "/asset-types/{id}/budget/history"): {"read"},
    ("PUT", "/asset-types/{id}/campaigns/{name}"): {"admin"},
    ("GET", "/asset-types/{id}/campaigns/{name}/history"): {"read"},
    ("GET", "/accounts/{id}/spending-limits"): {"read"},
    ("PUT", "/accounts/{id}/spending-limits/{name}"): {"admin"},
    ("GET", "/accounts/{id}/spending-limits/{name}/history"): {"read"},
    ("GET", "/accounts"): {"read"},
    ("PATCH", "/accounts/{id}"): {"accounts"},
    ("GET", "/accounts/{id}/history"): {"read"},
    ("GET", "/owners/{id}/balances"): {"read"},
    ("GET", "/idempotency-keys/{key}"): {"read"},
    ("POST", "/accounts"): {"accounts"},
    ("GET", "/events"): {"read"},
    ("GET", "/accounts/{id}"): {"read"},
    ("GET", "/accounts/{id}/balance"): {"read"},
    ("GET", "/accounts/{id}/ledger"): {"read"},
    ("GET", "/accounts/{id}/statement"): {"read"},
    ("POST", "/transactions/top-up"): {"post:top-up"},
    ("POST", "/transactions/bonus"): {"post:bonus"},
    ("POST", "/transactions/spend"): {"post:spend"},
    ("POST", "/transactions/transfer"): {"post:transfer"},
    ("POST", "/transactions/journal"): {"post:journal"},
    ("POST", "/transactions/convert"): {"post:convert"},
    ("POST", "/transactions/batch"): {scope for scope in SCOPES if scope.startswith("post:")},
    ("GET", "/transactions"): {"read"},
    ("GET", "/transactions/{id}"): {"read"},
    ("GET", "/transactions/{id}/entries"): {"read"},
    ("POST", "/transactions/{id}/refund"): {"post:refund"},
    ("POST", "/holds"): {"post:hold"},
    ("GET", "/holds"): {"read"},
    ("GET", "/holds/{id}"): {"read"},
    ("POST", "/holds/{id}/capture"): {"post:hold"},
    ("POST", "/holds/{id}/void"): {"post:hold"},
    ("GET", "/trial-balance"): {"read"},
    ("GET", "/doctor"): {"read"},
    ("GET", "/status"): {"read"},
    ("GET", "/metrics"): {"metrics"},
    ("POST", "/webhooks"): {"webhooks"},
    ("GET", "/webhooks"): {"webhooks"},
    ("GET", "/webhooks/{id}"): {"webhooks"},
    ("PATCH", "/webhooks/{id}"): {"webhooks"},
    ("DELETE", "/webhooks/{id}"): {"webhooks"},
    ("POST", "/webhooks/{id}/rotate-secret"): {"webhooks"},
    ("GET", "/webhooks/{id}/history"): {"webhooks"},
    ("GET", "/webhooks/{id}/deliveries"): {"webhooks"},
    ("POST", "/webhooks/{id}/deliveries/{deliveryId}/redeliver"): {"webhooks"},
}
"""The decision for every route but /health: the scopes of which one is enough. `admin` always is."""

PUBLIC: Final = {("GET", "/health"), ("GET", "/health/live"), ("GET", "/health/ready"), ("GET", "/openapi.json")}
"""The routes that need no key."""


@pytest.fixture
def keys(seeded_url: str) -> Keys:
    return Keys(seeded_url)


@pytest.fixture
async def closed(anyio_backend: str, seeded_url: str, start_app: StartApp) -> AsyncIterator[aiohttp.ClientSession]:
    """A client without a token, of a service that requires one."""
    async with start_app(seeded_url, api_keys="required") as session:
        yield session


@pytest.fixture
async def admin(closed: aiohttp.ClientSession, keys: Keys) -> AsyncIterator[Api]:
    """The caller who may do everything."""
    async with calling(closed, keys.create("admin")) as api:
        yield api


def routes_of_the_app() -> set[tuple[str, str]]:
    app = web.Application()
    add_routes(app)
    return {
        (route.method, route.resource.canonical.removeprefix(PREFIX))
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }


def test_every_route_has_a_decision() -> None:
    """A route that is in no table, here or there, fails this."""
    assert routes_of_the_app() == {*ALLOWED, *PUBLIC}
    assert {(route.method, route.path) for route in ROUTES} == routes_of_the_app()
    assert {scope for scopes in ALLOWED.values() for scope in scopes} == set(SCOPES)
    assert set(POSTING_SCOPES) == set(TRANSACTION_TYPES)


async def call(api: Api, method: str, path: str, **options: Any) -> Answer:
    """Call a route for something that is not there: who is let in gets 2xx, 400 or 404."""
    url = re.sub(r"\{\w+\}", NOBODY, path)
    body: dict[str, object] | None = None if method == "GET" else {}
    headers = {} if method == "GET" else {"Idempotency-Key": new_key()}
    return await api.call(method, url, body, headers={**headers, **options})


@pytest.mark.parametrize("scope", SCOPES)
async def test_each_scope_opens_its_routes_and_no_other(closed: aiohttp.ClientSession, keys: Keys, scope: str) -> None:
    """403 forbidden with the scope that is missing; HEAD is as GET."""
    async with calling(closed, keys.create(scope)) as api:
        for (method, path), scopes in ALLOWED.items():
            answer = await call(api, method, path)
            if scope == "admin" or scope in scopes:
                assert answer.status in (200, 400, 404), (method, path, answer.body)
                continue
            assert answer.refused == (403, "forbidden"), (method, path)
            assert any(one in answer.json["error"] for one in scopes)
            if method == "GET":
                assert (await api.call("HEAD", path.replace("{id}", NOBODY))).status == 403
        assert (await api.get("/health")).status == 200


async def test_several_scopes_add_up(closed: aiohttp.ClientSession, keys: Keys) -> None:
    async with calling(closed, keys.create("read", "post:spend")) as api:
        assert (await api.get("/transactions")).status == 200
        assert (await api.posting("spend", {})).status == 400
        assert (await api.posting("top-up", {})).refused == (403, "forbidden")


async def test_without_a_good_token_nothing_is_open_but_health(
    closed: aiohttp.ClientSession, keys: Keys, books: Ledger
) -> None:
    """401 unauthorized for every route and every bad token, always in the same words, and nothing is written."""
    good, other = keys.create("admin"), keys.create("admin")
    before = books.state()
    api = Api(closed)
    for method, path in ALLOWED:
        answer = await call(api, method, path)
        assert answer.refused == (401, "unauthorized"), (method, path)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="wallet"'
    assert (await api.get("/health")).status == 200
    assert (await api.get("/nowhere")).refused == (404, "route_not_found")
    assert (await api.call("DELETE", "/transactions")).refused == (405, "method_not_allowed")

    secret = good.rpartition(f"{keys.ids[good]}_")[2]
    wrong = token_of(keys.ids[good], "A" * 43)
    for token in (
        *(wrong, token_of(keys.ids[other], secret), token_of("0" * 12, secret)),
        *("", "wk_", good[:-1], good + "A", good.upper(), secret, f"{good} {good}", "é"),
        f"wk_{keys.ids[good]}_{'ü' * 43}",
    ):
        answer = await api.call("GET", "/transactions", headers={"Authorization": f"Bearer {token}"})
        assert answer.refused == (401, "unauthorized"), token
        assert answer.json["error"] == "The API key is unknown, wrong, expired or revoked."
    for header in (f"Basic {good}", good, "Bearer", f"Token {good}"):
        assert (await api.call("GET", "/transactions", headers={"Authorization": header})).status == 401, header
    async with closed.get(
        f"{PREFIX}/transactions", headers=[("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {good}")]
    ) as twice:
        assert twice.status == 401
    assert (await api.call("GET", "/transactions", headers={"Authorization": f"bEARER  {good} "})).status == 200
    assert books.state() == before


async def test_an_unknown_id_costs_what_a_wrong_secret_costs(
    closed: aiohttp.ClientSession, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are compared, by the one comparison that takes the same time for all."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(left: bytes, right: bytes) -> bool:
        compared.append((left, right))
        return left == right

    monkeypatch.setattr(hmac, "compare_digest", compare)
    good = keys.create("admin")
    api = Api(closed)
    for key_id in (keys.ids[good], "0" * 12):
        token = token_of(key_id, "A" * 43)
        assert (await api.call("GET", "/transactions", headers={"Authorization": f"Bearer {token}"})).status == 401
    assert [(len(left), len(right)) for left, right in compared] == [(32, 32)] * 2


async def test_where_no_key_is_required_one_that_is_sent_is_checked(api: Api, keys: Keys) -> None:
    """On a loopback address the door is open; a wrong token is still wrong, and a limited key is still limited."""
    assert (await api.get("/transactions")).status == 200
    async with calling(api.session, token_of("0" * 12, "A" * 43)) as stranger:
        assert (await stranger.get("/transactions")).refused == (401, "unauthorized")
    async with calling(api.session, keys.create("post:spend")) as spender:
        assert (await spender.get("/transactions")).refused == (403, "forbidden")


# --- who posted


async def test_every_posting_names_its_key(
    closed: aiohttp.ClientSession, keys: Keys, admin: Api, connection_of_seed: Connection
) -> None:
    """Alone, in a batch, and whole; a replay keeps the name of who was first, whoever asks again."""
    wallet = await admin.wallet()
    token = keys.create("post:top-up", "post:bonus")
    mine = f"key:{keys.ids[token]}"
    async with calling(closed, token) as api:
        key = new_key()
        first = await api.posting("top-up", wallet.body("5"), key)
        assert first.data["postedBy"] == mine
        items = [item(wallet, "1", "TOP_UP"), item(wallet, "1", "BONUS")]
        for atomic in (False, True):
            fresh = [{**one, "idempotencyKey": new_key()} for one in items]
            answer = await send(api, {"items": fresh, "atomic": atomic})
            assert [one["body"]["data"]["postedBy"] for one in answer.json["data"]] == [mine] * 2
    again = await admin.posting("top-up", wallet.body("5"), key)
    assert again.replayed
    assert again.body == first.body
    posters = connection_of_seed.execute(
        "SELECT posted_by, count(*) FROM wallet.transactions WHERE dest_account_id = %s GROUP BY 1", [wallet.id]
    ).fetchall()
    assert posters == [(mine, 5)]


@pytest.fixture
def connection_of_seed(seeded_url: str, connect: Connect) -> Connection:
    return connect(seeded_url)


async def test_without_a_key_the_login_is_named(api: Api) -> None:
    wallet = await api.wallet()
    assert (await wallet.top_up("1")).data["postedBy"] == "role:postgres"


async def test_nobody_names_a_key_in_a_body(api: Api) -> None:
    """Fields of that name are unknown fields, and ignored."""
    wallet = await api.wallet()
    forged = {"apiKeyId": "0" * 12, "api_key_id": "0" * 12, "postedBy": "key:0"}
    answer = await wallet.top_up("1", **forged)
    assert answer.data["postedBy"] == "role:postgres"
    batch = await send(api, {"items": [item(wallet, **forged)]})
    assert batch.json["data"][0]["body"]["data"]["postedBy"] == "role:postgres"


# --- batches: each item is held to its own scope


async def test_a_batch_is_held_to_scopes_and_assets_item_by_item(
    closed: aiohttp.ClientSession, keys: Keys, admin: Api, books: Ledger
) -> None:
    """The others are posted, or none where all or none was asked for."""
    gold, gems = await admin.wallet("GC"), await admin.wallet("DM")
    async with calling(closed, keys.create("post:top-up", assets=["GC"])) as api:
        items = [item(gold), item(gold, kind="SPEND"), item(gems), item(gems, kind="BONUS")]
        answer = await send(api, {"items": items})
        refused = [(one["status"], one["body"].get("code")) for one in answer.json["data"]]
        assert refused == [(201, None), (403, "forbidden"), (403, "asset_forbidden"), (403, "forbidden")]
        before = books.state()
        for bad, code in ((1, "forbidden"), (2, "asset_forbidden")):
            whole = await send(
                api, {"items": [item(gold), {**items[bad], "idempotencyKey": new_key()}], "atomic": True}
            )
            assert (whole.status, whole.json["code"]) == (409, "batch_refused")
            assert whole.json["details"]["index"] == 1
            assert whole.json["details"]["status"] == 403
            assert whole.json["details"]["body"]["code"] == code
        assert books.state() == before


# --- limits to asset types


async def test_a_key_for_one_asset_reaches_no_other(
    closed: aiohttp.ClientSession, keys: Keys, admin: Api, books: Ledger
) -> None:
    """For each route the same call twice: in the key's asset it works, in another it is 403 asset_forbidden."""
    gold, gems = await admin.wallet("GC", "5"), await admin.wallet("DM", "5")
    others = {gold: await admin.wallet("GC", "5"), gems: await admin.wallet("DM", "5")}
    keyed = {gold: new_key(), gems: new_key()}
    posted = {one: (await one.top_up("1", keyed[one])).data["id"] for one in (gold, gems)}
    held = {
        one: [(await admin.post("/holds", one.body("1"), new_key())).data["id"] for _ in range(2)]
        for one in (gold, gems)
    }

    def calls(wallet: Wallet) -> dict[tuple[str, str], tuple[str, dict[str, object] | None]]:
        body = wallet.body("1")
        return {
            ("POST", "/accounts"): ("/accounts", {"name": "x", "assetTypeId": wallet.asset}),
            ("GET", "/accounts"): (f"/accounts?assetTypeId={wallet.asset}", None),
            ("PATCH", "/accounts/{id}"): (f"/accounts/{wallet.id}", {"name": "New", "debtMax": 1, "reason": "r"}),
            ("GET", "/accounts/{id}/history"): (f"/accounts/{wallet.id}/history", None),
            ("PATCH", "/asset-types/{id}"): (f"/asset-types/{wallet.asset}", {"name": "New", "reason": "r"}),
            ("GET", "/asset-types/{id}/history"): (f"/asset-types/{wallet.asset}/history", None),
            ("GET", "/idempotency-keys/{key}"): (f"/idempotency-keys/{keyed[wallet]}", None),
            ("GET", "/accounts/{id}"): (f"/accounts/{wallet.id}", None),
            ("GET", "/accounts/{id}/balance"): (f"/accounts/{wallet.id}/balance", None),
            ("GET", "/accounts/{id}/ledger"): (f"/accounts/{wallet.id}/ledger", None),
            ("GET", "/accounts/{id}/statement"): (f"/accounts/{wallet.id}/statement", None),
            ("POST", "/transactions/top-up"): ("/transactions/top-up", body),
            ("POST", "/transactions/bonus"): ("/transactions/bonus", body),
            ("POST", "/transactions/spend"): ("/transactions/spend", body),
            ("POST", "/transactions/transfer"): ("/transactions/transfer", transfer(wallet, others[wallet])),
            ("POST", "/transactions/journal"): (
                "/transactions/journal",
                journal(wallet.asset, {wallet.id: "1"}, {others[wallet].id: "1"}),
            ),
            ("POST", "/transactions/{id}/refund"): (f"/transactions/{posted[wallet]}/refund", {"amount": "0.5"}),
            ("GET", "/asset-types/{id}/spending-limits"): (f"/asset-types/{wallet.asset}/spending-limits", None),
            ("PUT", "/asset-types/{id}/spending-limits/{name}"): (
                f"/asset-types/{wallet.asset}/spending-limits/a",
                {"periodSeconds": 1, "reason": "r"},
            ),
            ("GET", "/asset-types/{id}/spending-limits/{name}/history"): (
                f"/asset-types/{wallet.asset}/spending-limits/a/history",
                None,
            ),
            ("GET", "/asset-types/{id}/budgets"): (f"/asset-types/{wallet.asset}/budgets", None),
            ("PUT", "/asset-types/{id}/budget"): (f"/asset-types/{wallet.asset}/budget", {"reason": "r"}),
            ("GET", "/asset-types/{id}/budget/history"): (f"/asset-types/{wallet.asset}/budget/history", None),
            ("PUT", "/asset-types/{id}/campaigns/{name}"): (
                f"/asset-types/{wallet.asset}/campaigns/a",
                {"reason": "r"},
            ),
            ("GET", "/asset-types/{id}/campaigns/{name}/history"): (
                f"/asset-types/{wallet.asset}/campaigns/a/history",
                None,
            ),
            ("GET", "/accounts/{id}/spending-limits"): (f"/accounts/{wallet.id}/spending-limits", None),
            ("PUT", "/accounts/{id}/spending-limits/{name}"): (
                f"/accounts/{wallet.id}/spending-limits/a",
                {"periodSeconds": 1, "reason": "r"},
            ),
            ("GET", "/accounts/{id}/spending-limits/{name}/history"): (
                f"/accounts/{wallet.id}/spending-limits/a/history",
                None,
            ),
            ("POST", "/holds"): ("/holds", wallet.body("0.5")),
            ("GET", "/holds"): (f"/holds?accountId={wallet.id}", None),
            ("GET", "/holds/{id}"): (f"/holds/{held[wallet][0]}", None),
            ("POST", "/holds/{id}/capture"): (f"/holds/{held[wallet][0]}/capture", {}),
            ("POST", "/holds/{id}/void"): (f"/holds/{held[wallet][1]}/void", {}),
            ("GET", "/transactions"): (f"/transactions?accountId={wallet.id}", None),
            ("GET", "/transactions/{id}"): (f"/transactions/{posted[wallet]}", None),
            ("GET", "/transactions/{id}/entries"): (f"/transactions/{posted[wallet]}/entries", None),
        }

    # A conversion is of two assets; it is tried with the other operations. An owner may have wallets in many, and the
    # books are shown as far as the key reaches (test_books).
    elsewhere = {
        ("GET", "/asset-types"),
        ("GET", "/trial-balance"),
        ("GET", "/doctor"),
        ("GET", "/status"),
        ("GET", "/metrics"),
        # The feed is of the assets that the key reaches (test_events).
        ("GET", "/events"),
        ("POST", "/asset-types"),
        ("GET", "/owners/{id}/balances"),
        ("POST", "/transactions/batch"),
        ("POST", "/transactions/convert"),
        # A webhook may be for several (test_webhooks).
        *(route for route in ALLOWED if route[1].startswith("/webhooks")),
    }
    assert set(calls(gold)) == set(ALLOWED) - elsewhere, "decide what a key's asset types mean for a new route"
    async with calling(closed, keys.create("admin", assets=["GC"])) as api:
        for (method, route), (path, body) in calls(gold).items():
            key = {"Idempotency-Key": new_key()} if method == "POST" else {}
            assert (await api.call(method, path, body, headers=key)).status in (200, 201), route
        before = books.state()
        new_asset = {"symbol": "NW", "name": "New"}
        assert (await api.post("/asset-types", new_asset)).refused == (403, "asset_forbidden")
        assert {one["assetTypeId"] for one in (await api.get("/accounts")).data} == {gold.asset}
        assert (await api.get(f"/transactions?assetTypeId={gold.asset}")).status == 200
        assert (await api.get(f"/transactions?assetTypeId={gems.asset}")).refused == (403, "asset_forbidden")
        for (method, route), (path, body) in calls(gems).items():
            key = {"Idempotency-Key": new_key()} if method == "POST" else {}
            assert (await api.call(method, path, body, headers=key)).refused == (403, "asset_forbidden"), route
        # The wallet of another asset under the name of the right one is the ledger's own to refuse.
        mixed = {**gems.body("1"), "assetTypeId": gold.asset}
        assert (await api.posting("top-up", mixed)).refused == (422, "asset_mismatch")
        assert books.state() == before
        for path in ("/transactions", "/holds"):
            assert (await api.get(path)).refused == (403, "asset_forbidden")
        assert (await api.get(f"/transactions?accountId={NOBODY}")).json["pagination"]["total"] == 0
        assert (await api.get(f"/accounts/{NOBODY}/ledger")).refused == (404, "account_not_found")
        assert len((await api.get("/asset-types")).data) == 3
    async with calling(closed, keys.create("admin", assets=["GC", "DM"])) as api:
        for wallet in (gold, gems):
            assert (await wallet_of(api, wallet).top_up("1")).status == 201


def wallet_of(api: Api, wallet: Wallet) -> Wallet:
    return Wallet(api, wallet.id, wallet.asset)


# --- the end of a key


async def test_a_revoked_key_stops_when_its_look_up_is_old(
    closed: aiohttp.ClientSession, keys: Keys, connection_of_seed: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the time a look-up is taken for, which is seconds; other keys go on."""
    assert 0 < api_keys.CACHE_SECONDS <= 10
    monkeypatch.setattr(api_keys, "CACHE_SECONDS", 0.3)
    token, other = keys.create("read"), keys.create("read")
    async with calling(closed, token) as api, calling(closed, other) as bystander:
        assert (await api.get("/transactions")).status == 200
        assert connection_of_seed.execute("SELECT wallet.revoke_api_key(%s)", [keys.ids[token]]).fetchone() == (True,)

        async def refused() -> bool:
            return (await api.get("/transactions")).refused == (401, "unauthorized")

        await until(refused, "the revoked key is refused")
        assert (await bystander.get("/transactions")).status == 200


async def test_a_key_ends_at_its_instant_however_fresh_its_look_up(
    closed: aiohttp.ClientSession, keys: Keys, connection_of_seed: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the database's clock: what is asked after the instant is refused, though the look-up would last for hours."""
    monkeypatch.setattr(api_keys, "CACHE_SECONDS", 3600)
    token = keys.create("read", expires_in=timedelta(minutes=1))
    # A minute that is nearly over, whatever the machine does meanwhile.
    connection_of_seed.execute(
        "UPDATE wallet.api_keys SET expires_at = clock_timestamp() + interval '1.5 s' WHERE id = %s", [keys.ids[token]]
    )
    over = "SELECT expires_at <= clock_timestamp() FROM wallet.api_keys WHERE id = %s"
    was_live = False
    async with calling(closed, token) as api:
        while True:
            (is_over,) = connection_of_seed.execute(over, [keys.ids[token]]).fetchone() or (None,)
            status = (await api.get("/transactions")).status
            was_live = was_live or status == 200
            if is_over:
                break
            await asyncio.sleep(0.01)
    assert was_live
    assert status == 401


async def test_in_the_steady_state_no_key_is_looked_up(
    closed: aiohttp.ClientSession, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look-up for many requests, also for those that come at once."""
    asked = watch_look_ups(monkeypatch)
    async with calling(closed, keys.create("read")) as api:
        assert (await api.get("/asset-types")).status == 200
        assert len(asked) == 1
        answers = await asyncio.gather(*(api.get("/asset-types") for _ in range(50)))
        assert {answer.status for answer in answers} == {200}
    assert len(asked) == 1


async def test_invented_tokens_share_look_ups_and_leave_nothing_behind(
    closed: aiohttp.ClientSession, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of them is few queries, and drives no real key out of memory."""
    monkeypatch.setattr(api_keys, "CACHE_SECONDS", 3600)
    asked = watch_look_ups(monkeypatch)
    ring = ring_of(closed)
    async with calling(closed, keys.create("read")) as api:
        assert (await api.get("/asset-types")).status == 200
        tokens = [token_of(f"{number:012x}", "A" * 43) for number in range(200)]
        checks = await asyncio.gather(*map(ring.check, tokens), return_exceptions=True)
        assert {str(one) for one in checks} == {"The API key is unknown, wrong, expired or revoked."}
        assert len(asked) <= 3
        assert len(ring._known) == 1
        assert (await api.get("/asset-types")).status == 200
    assert len(asked) <= 3


async def test_the_memory_for_keys_is_bounded(
    closed: aiohttp.ClientSession, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest look-up makes room."""
    monkeypatch.setattr(api_keys, "CACHE_SIZE_MAX", 2)
    ring = ring_of(closed)
    for token in [keys.create("read") for _ in range(4)]:
        await ring.check(token)
    assert list(ring._known) == list(keys.ids.values())[-2:]


async def test_no_key_is_taken_on_trust_when_the_database_is_away(
    seeded_url: str, start_app: StartApp, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 for a good token and for a bad one alike; then well again without a hand."""
    monkeypatch.setattr(api_keys, "CACHE_SECONDS", 0)
    token = keys.create("read")
    async with AsyncExitStack() as stack:
        proxy, url = await stack.enter_async_context(proxied(seeded_url))
        session = await stack.enter_async_context(start_app(url, api_keys="required", pool_size=1))
        api = await stack.enter_async_context(calling(session, token))
        stranger = await stack.enter_async_context(calling(session, token_of("0" * 12, "A" * 43)))
        assert (await api.get("/asset-types")).status == 200
        for one in (api, stranger):
            proxy.withhold_reply_to(b"find_api_keys")
            assert (await one.get("/asset-types")).refused == (503, "unavailable")
        assert proxy.cuts == 2
        assert (await api.get("/asset-types")).status == 200
        assert (await stranger.get("/asset-types")).status == 401


_rings: list[KeyRing] = []
"""The rings made in this process, newest last."""


@pytest.fixture(autouse=True)
def rings_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    make = KeyRing.__init__

    def keep(ring: KeyRing, *arguments: Any) -> None:
        make(ring, *arguments)
        _rings.append(ring)

    monkeypatch.setattr(KeyRing, "__init__", keep)


def ring_of(session: aiohttp.ClientSession) -> KeyRing:
    """The ring of the service that was started last."""
    assert session is not None
    return _rings[-1]


def watch_look_ups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note how many ids each query for keys asked for."""
    asked: list[int] = []
    find = KeyRing._find

    async def watched(ring: KeyRing, ids: Any) -> Any:
        asked.append(len(ids))
        return await find(ring, ids)

    ring = _rings[-1]
    monkeypatch.setattr(ring._lookups, "_send", lambda ids: watched(ring, ids))
    return asked
