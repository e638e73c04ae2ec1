"""Accounts and asset types over HTTP: changed, frozen, closed, limited; with their histories, keys and rights."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from tests.conftest import StartApp
from tests.http.api import NOBODY, Answer, Api, Wallet, new_key
from tests.http.keyed import Keys, calling
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio


async def change(api: Api, account_id: str, key: str | None = None, **fields: object) -> Answer:
    """PATCH an account, for a reason unless another is given."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return await api.call("PATCH", f"/accounts/{account_id}", {"reason": "a test", **fields}, headers=headers)


def rows(books: Ledger) -> Mapping[str, str]:
    """A fingerprint of all that a change could write."""
    return {**books.state(), "changes": books._value("SELECT md5(string_agg(c::text, ',')) FROM wallet.changes AS c")}


async def refused(books: Ledger, expected: tuple[int, str], answer: Any) -> Answer:
    """Await a call that must be refused and write nothing."""
    before = rows(books)
    given: Answer = await answer
    assert given.refused == expected, given.body
    assert rows(books) == before
    return given


async def test_a_wallet_is_frozen_thawed_and_closed(api: Api, books: Ledger) -> None:
    """Each answer is the account; postings follow at once; closed is final."""
    wallet = await api.wallet(balance="10")
    frozen = await change(api, wallet.id, status="FROZEN", creditsAllowed=False, reason="chargeback")
    assert frozen.status == 200
    assert (frozen.data["status"], frozen.data["creditsAllowed"]) == ("FROZEN", False)
    assert frozen.data == (await api.get(f"/accounts/{wallet.id}")).data
    await refused(books, (422, "account_frozen"), wallet.spend("1"))
    await refused(books, (422, "account_frozen"), wallet.top_up("1"))
    assert (await change(api, wallet.id, creditsAllowed=True)).status == 200
    assert (await wallet.top_up("1")).status == 201
    await refused(books, (422, "account_not_empty"), change(api, wallet.id, status="CLOSED"))
    assert (await change(api, wallet.id, status="ACTIVE")).status == 200
    assert (await wallet.spend("11")).status == 201
    assert (await change(api, wallet.id, status="CLOSED")).data["status"] == "CLOSED"
    await refused(books, (422, "account_closed"), wallet.top_up("1"))
    await refused(books, (422, "account_closed"), change(api, wallet.id, status="ACTIVE"))


async def test_limits_keep_their_digits(api: Api, books: Ledger) -> None:
    """Numbers and strings, in all their forms; null takes a ceiling away; what the balance is beyond is refused."""
    wallet = await api.wallet()
    content = b'{"reason":"r","creditLimit":90071992547409.0001,"balanceMax":"007.50","debtMax":1e2}'
    answer = await api.call("PATCH", f"/accounts/{wallet.id}", content=content)
    assert b'"creditLimit":90071992547409.0001,"balanceMax":7.5,"debtMax":100,' in answer.body
    assert answer.data["available"] == Decimal("90071992547409.0001")
    assert (await change(api, wallet.id, creditLimit="0.0000", balanceMax=None)).data["balanceMax"] is None
    await wallet.top_up("5")
    await refused(books, (422, "balance_max_too_low"), change(api, wallet.id, balanceMax="4.9999"))
    assert (await change(api, wallet.id, balanceMax=5, creditLimit=2)).status == 200
    await refused(books, (422, "balance_max_exceeded"), wallet.top_up("0.0001"))
    assert (await wallet.spend("7")).status == 201
    await refused(books, (422, "credit_limit_too_low"), change(api, wallet.id, creditLimit="1.9999"))
    hold = await api.post("/holds", wallet.body("1"), new_key())
    assert hold.refused == (422, "insufficient_balance")


async def test_held_and_available_are_shown(api: Api) -> None:
    """On the account and its balance."""
    wallet = await api.wallet(balance="10")
    await change(api, wallet.id, creditLimit=5)
    assert (await api.post("/holds", wallet.body("4"), new_key())).status == 201
    for path in (f"/accounts/{wallet.id}", f"/accounts/{wallet.id}/balance"):
        shown = (await api.get(path)).data
        assert (shown["balance"], shown["held"], shown["available"]) == (10, 4, 11)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"status": "GONE"}, {"status"}),
        ({"status": 5}, {"status"}),
        ({"status": None}, {"status"}),
        ({"creditsAllowed": "no"}, {"creditsAllowed"}),
        ({"creditLimit": "-1"}, {"creditLimit"}),
        ({"creditLimit": None}, {"creditLimit"}),
        ({"debtMax": "1.00001", "name": ""}, {"debtMax"}),
        ({"name": "", "email": "x", "ownerId": ""}, {"name", "email", "ownerId"}),
        ({"name": "a\x00b"}, {"name"}),
        ({"balanceMax": {}, "reason": None}, {"balanceMax", "reason"}),
        ({"name": "n", "reason": ""}, {"reason"}),
        ({"name": "n", "reason": "r" * 1001}, {"reason"}),
        ({}, {"body"}),
        ({"balance": 5}, {"body"}),
    ],
)
async def test_wrong_fields_are_named(api: Api, books: Ledger, fields: dict[str, object], wrong: set[str]) -> None:
    """400 validation_failed; an unknown field is ignored, as everywhere, so that alone it changes nothing."""
    wallet = await api.wallet()
    answer = await refused(books, (400, "validation_failed"), change(api, wallet.id, None, **fields))
    assert set(answer.details) == wrong


async def test_who_cannot_be_changed(api: Api, books: Ledger) -> None:
    """No id, an unknown account or asset, a system account, a bad key."""
    treasury = str(books.treasury(books.asset_of((await api.wallet()).uuid)))
    await refused(books, (400, "validation_failed"), change(api, "alice", name="n"))
    await refused(books, (404, "account_not_found"), change(api, NOBODY, name="n"))
    await refused(books, (422, "not_a_wallet"), change(api, treasury, status="FROZEN"))
    await refused(books, (400, "idempotency_key_missing"), change(api, treasury, "k" * 256, status="FROZEN"))
    body = {"name": "n", "reason": "r"}
    await refused(books, (404, "asset_type_not_found"), api.call("PATCH", f"/asset-types/{NOBODY}", body))
    for path in (f"/accounts/{NOBODY}/history", f"/asset-types/{NOBODY}/history"):
        assert (await api.get(path)).status == 404


async def test_a_change_is_made_once_under_its_key(api: Api, books: Ledger) -> None:
    """Replayed as it was; another request is refused and names the fields; many at once make one line of history."""
    wallet = await api.wallet()
    answers = await asyncio.gather(*(change(api, wallet.id, "freeze-1", status="FROZEN") for _ in range(20)))
    assert Counter((one.status, one.replayed) for one in answers) == {(200, True): 19, (200, False): 1}
    assert len({one.body for one in answers}) == 1
    await change(api, wallet.id, status="ACTIVE")
    again = await change(api, wallet.id, "freeze-1", status="FROZEN")
    assert (again.replayed, again.body) == (True, answers[0].body)
    assert (await api.get(f"/accounts/{wallet.id}")).data["status"] == "ACTIVE"
    other = await refused(books, (422, "idempotency_key_reused"), change(api, wallet.id, "freeze-1", status="CLOSED"))
    assert set(other.details) == {"status"}
    other = await refused(books, (422, "idempotency_key_reused"), wallet.top_up("1", "freeze-1"))
    history = (await api.get(f"/accounts/{wallet.id}/history")).data
    assert [(one["number"], one["after"]) for one in history] == [(2, {"status": "ACTIVE"}), (1, {"status": "FROZEN"})]


async def test_an_asset_type_is_made_and_posted_in(api: Api, books: Ledger) -> None:
    """With its accounts, its decimals for ever; a symbol once; a key once."""
    body = {"symbol": "EN", "name": "Energy", "description": "Refills.", "decimals": 0}
    made = await api.post("/asset-types", body, "asset-1")
    assert made.status == 201
    assert {name: made.data[name] for name in body} == body
    assert made.data["isActive"] is True
    assert made.data in (await api.get("/asset-types")).data
    again = await api.post("/asset-types", body, "asset-1")
    assert (again.status, again.replayed, again.body) == (201, True, made.body)
    await refused(books, (409, "symbol_taken"), api.post("/asset-types", body))
    other = await refused(
        books, (422, "idempotency_key_reused"), api.post("/asset-types", {**body, "decimals": 2}, "asset-1")
    )
    assert set(other.details) == {"decimals"}
    wallet = await api.wallet("EN", "7")
    assert (await wallet.spend("3")).status == 201
    await refused(books, (400, "validation_failed"), wallet.spend("0.5"))
    kinds = {one["accountType"] for one in (await api.get(f"/accounts?assetTypeId={made.data['id']}")).data}
    assert kinds == {"USER", "TREASURY", "REVENUE", "CONVERSION"}
    assert books.problems() == {}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"symbol": "en"}, {"symbol"}),
        ({"symbol": "E" * 17}, {"symbol"}),
        ({"symbol": "1E", "name": "", "decimals": 5}, {"symbol", "name", "decimals"}),
        ({"decimals": -1}, {"decimals"}),
        ({"decimals": "2"}, {"decimals"}),
        ({"decimals": 1.5}, {"decimals"}),
        ({"decimals": True}, {"decimals"}),
        ({"symbol": None}, {"symbol"}),
        ({"name": 5}, {"name"}),
        ({"description": "d\x00"}, {"description"}),
    ],
)
async def test_wrong_fields_of_an_asset_type(
    api: Api, books: Ledger, fields: dict[str, object], wrong: set[str]
) -> None:
    body = {"symbol": "EN", "name": "Energy", **fields}
    answer = await refused(books, (400, "validation_failed"), api.post("/asset-types", body))
    assert set(answer.details) == wrong


async def test_an_asset_type_is_renamed_switched_off_and_on(api: Api, books: Ledger) -> None:
    wallet = await api.wallet("DM", "5")
    path = f"/asset-types/{wallet.asset}"
    off = await api.call("PATCH", path, {"name": "Gems", "isActive": False, "reason": "migration"})
    assert (off.status, off.data["name"], off.data["isActive"]) == (200, "Gems", False)
    await refused(books, (422, "asset_inactive"), wallet.spend("1"))
    key = {"Idempotency-Key": new_key()}
    for replayed in (False, True):
        on = await api.call("PATCH", path, {"isActive": True, "reason": "done"}, headers=key)
        assert (on.status, on.data["isActive"], on.replayed) == (200, True, replayed)
    assert (await wallet.spend("1")).status == 201
    history = await api.get(f"{path}/history?limit=2")
    assert [(one["reason"], one["after"].get("isActive")) for one in history.data] == [
        ("done", True),
        ("migration", False),
    ]
    assert history.json["pagination"]["total"] == 3
    for wrong in ({"isActive": None}, {"name": ""}, {"symbol": "X"}, {}):
        await refused(books, (400, "validation_failed"), api.call("PATCH", path, {"reason": "r", **wrong}))


# --- rights


@pytest.fixture
async def closed(anyio_backend: str, seeded_url: str, start_app: StartApp) -> AsyncIterator[aiohttp.ClientSession]:
    """A client without a token, of a service that requires one."""
    async with start_app(seeded_url, api_keys="required") as session:
        yield session


async def test_limits_are_for_admins_and_the_history_names_the_key(
    closed: aiohttp.ClientSession, seeded_url: str, books: Ledger
) -> None:
    """Who may open and freeze accounts may not give credit: with a limit in it the change is refused whole."""
    keys = Keys(seeded_url)
    clerk, admin = keys.create("accounts", "read"), keys.create("admin")
    async with calling(closed, admin) as boss, calling(closed, clerk) as api:
        wallet = await boss.wallet()
        assert (await change(api, wallet.id, status="FROZEN")).status == 200
        for limit in ({"creditLimit": 5}, {"balanceMax": 5}, {"balanceMax": None}, {"debtMax": "5"}):
            answer = await refused(books, (403, "forbidden"), change(api, wallet.id, status="ACTIVE", **limit))
            assert "admin" in answer.json["error"]
        assert (await change(boss, wallet.id, creditLimit=5)).status == 200
        history = (await api.get(f"/accounts/{wallet.id}/history")).data
        assert [one["changedBy"] for one in history] == [f"key:{keys.ids[admin]}", f"key:{keys.ids[clerk]}"]


# --- at the same time


async def test_freezing_in_a_crowd(api: Api, books: Ledger) -> None:
    """Spends and freezes at once: what was answered 201 is in the ledger, nothing else, and nobody gets a 5xx."""
    wallet = await api.wallet(balance="1000")

    async def toggle(number: int) -> Answer:
        return await change(api, wallet.id, status="FROZEN" if number % 2 else "ACTIVE", reason=f"{number}")

    answers = await asyncio.gather(*(toggle(one // 4) if one % 4 == 0 else wallet.spend("1") for one in range(200)))
    states = Counter(one.refused for one in answers)
    assert set(states) <= {(200, ""), (201, ""), (422, "account_frozen")}
    assert states[200, ""] == 50
    assert await wallet.balance() == 1000 - states[201, ""]
    numbers = [one["number"] for one in (await api.get(f"/accounts/{wallet.id}/history?limit=100")).data]
    assert numbers == list(range(len(numbers), 0, -1))


async def test_closing_raced_with_top_ups(api: Api) -> None:
    """Either the credit was first, or the account is closed: never both."""

    async def race() -> None:
        wallet = await api.wallet()
        closing, credit = await asyncio.gather(change(api, wallet.id, status="CLOSED"), wallet.top_up("1"))
        assert (closing.refused, credit.refused) in (
            ((200, ""), (422, "account_closed")),
            ((422, "account_not_empty"), (201, "")),
        )

    await asyncio.gather(*(race() for _ in range(30)))


async def wallets_of(api: Api, owner: str, symbols: str) -> list[Wallet]:
    """Open a wallet of this owner in each asset."""
    made = []
    for symbol in symbols.split():
        asset = await api.asset(symbol)
        account = await api.post("/accounts", {"name": "n", "assetTypeId": asset, "ownerId": owner})
        assert (account.status, account.data["ownerId"]) == (201, owner)
        made.append(Wallet(api, account.data["id"], asset))
    return made


async def test_an_owners_wallets_and_balances(api: Api, closed: aiohttp.ClientSession, seeded_url: str) -> None:
    """Names with slashes and spaces too; a key for some assets is shown those only; 404 for nobody."""
    owner = "player/7 ü%"
    gold, _, gems = await wallets_of(api, owner, "GC GC DM")
    await gold.top_up("5")
    await gems.top_up("2")
    path = "/owners/player%2F7%20%C3%BC%25/balances"
    found = (await api.get(path)).data
    assert found["ownerId"] == owner
    assert [(one["symbol"], one["accountCount"], one["balance"]) for one in found["balances"]] == [
        ("DM", 1, 2),
        ("GC", 2, 5),
    ]
    assert len(found["accounts"]) == 3
    listed = await api.call("GET", "/accounts", params={"ownerId": owner})
    assert len(listed.data) == 3
    assert (await api.get("/owners/nobody/balances")).refused == (404, "owner_not_found")
    assert (await api.get("/owners/a%00b/balances")).refused == (404, "owner_not_found")
    async with calling(closed, Keys(seeded_url).create("read", assets=["DM"])) as limited:
        assert [one["symbol"] for one in (await limited.get(path)).data["balances"]] == ["DM"]
        assert len((await limited.call("GET", "/accounts", params={"ownerId": owner})).data) == 1
