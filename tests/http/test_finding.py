"""Finding accounts, transactions and keys over HTTP: filters, pages, cursors, and what is refused."""

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

import pytest

from tests.http.api import NOBODY, Api, Wallet, new_key
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio


async def followed(api: Api, path: str, params: Mapping[str, str]) -> list[str]:
    """Follow a list's cursor to the end; give the ids."""
    ids: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await api.call("GET", path, params={**params, "cursor": cursor})
        assert page.status == 200, page.body
        assert set(page.json["pagination"]) == {"limit", "nextCursor"}
        ids += [row["id"] for row in page.data]
        cursor = page.json["pagination"]["nextCursor"]
    return ids


async def posted(wallet: Wallet, number: int) -> str:
    fields = {} if number % 3 else {"referenceId": "order 7/ü"}
    answer = await wallet.top_up(str(number + 1), **fields)
    return str(answer.data["id"])


async def test_transactions_are_found_by_what_they_are(api: Api) -> None:
    """Reference, asset, amounts, instants, account and type, alone and together; by page and by cursor."""
    gold, gems = await api.wallet("GC"), await api.wallet("DM")
    ids = [await posted(gems if number % 2 else gold, number) for number in range(12)]
    instants = [(await api.get(f"/transactions/{one}")).data["createdAt"] for one in ids]
    ours = range(12)
    for params, wanted in (
        ({"referenceId": "order 7/ü"}, [one for one in ours if one % 3 == 0]),
        ({"referenceId": "order 7/ü", "accountId": gems.id}, [3, 9]),
        ({"referenceId": "nothing"}, []),
        ({"accountId": gold.id, "amountMin": "5"}, [4, 6, 8, 10]),
        ({"accountId": gold.id, "amountMin": "5", "amountMax": "9.00"}, [4, 6, 8]),
        ({"accountId": gems.id, "createdFrom": instants[5]}, [5, 7, 9, 11]),
        ({"accountId": gems.id, "createdTo": instants[5].replace("Z", "+00:00")}, [1, 3]),
        ({"assetTypeId": gems.asset, "amountMax": "12", "createdFrom": instants[1]}, [1, 3, 5, 7, 9, 11]),
        ({"createdFrom": instants[2], "createdTo": instants[4]}, [2, 3]),
        ({"createdFrom": instants[2], "type": "BONUS"}, []),
        ({"createdFrom": instants[0], "type": "TOP_UP", "status": "COMPLETED"}, list(ours)),
    ):
        expected = [ids[one] for one in reversed(wanted)]
        assert await followed(api, "/transactions", {**params, "limit": "2"}) == expected, params
        page = await api.call("GET", "/transactions", params={**params, "limit": "3", "page": "2"})
        assert [row["id"] for row in page.data] == expected[3:6], params
        assert page.json["pagination"]["total"] == len(expected), params


async def test_a_bare_cursor_begins_a_walk(api: Api, books: Ledger) -> None:
    """Over all transactions, an account's, its ledger, and all accounts."""
    wallet = await api.wallet()
    for number in range(5):
        await posted(wallet, number)
    everything = await followed(api, "/transactions", {"limit": "2"})
    assert len(everything) == len(set(everything)) == books.counts()["transactions"]
    of_account = await followed(api, "/transactions", {"accountId": wallet.id, "limit": "2"})
    assert of_account == everything[:5]
    entries = await followed(api, f"/accounts/{wallet.id}/ledger", {"limit": "2"})
    assert [one[:34] for one in entries] == [one[:34] for one in of_account]
    accounts = await followed(api, "/accounts", {"limit": "2"})
    assert len(accounts) == len(set(accounts)) == books.counts()["accounts"]


async def test_accounts_are_found_by_what_they_are(api: Api) -> None:
    """External id, owner, asset, status, type."""
    asset = await api.asset("DM")
    body = {"name": "n", "assetTypeId": asset, "externalId": "ext/1", "ownerId": "own"}
    one = (await api.post("/accounts", body)).data
    two = (await api.post("/accounts", {"name": "n", "assetTypeId": await api.asset("GC"), "ownerId": "own"})).data
    await api.call("PATCH", f"/accounts/{two['id']}", {"status": "FROZEN", "reason": "r"})
    for params, wanted in (
        ({"externalId": "ext/1"}, [one]),
        ({"externalId": "ext/1", "status": "FROZEN"}, []),
        ({"externalId": "EXT/1"}, []),
        ({"ownerId": "own"}, [two, one]),
        ({"ownerId": "own", "assetTypeId": asset}, [one]),
        ({"status": "FROZEN"}, [two]),
        ({"status": "CLOSED"}, []),
    ):
        page = await api.call("GET", "/accounts", params=params)
        assert [row["id"] for row in page.data] == [row["id"] for row in wanted], params
        assert page.json["pagination"]["total"] == len(wanted)
    treasuries = (await api.get("/accounts?accountType=TREASURY")).data
    assert {row["accountType"] for row in treasuries} == {"TREASURY"}
    assert len(treasuries) == 3


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/accounts?status=GONE", "status"),
        ("/accounts?status=active", "status"),
        ("/accounts?accountType=WALLET", "accountType"),
        ("/accounts?assetTypeId=gold", "assetTypeId"),
        ("/accounts?cursor=x", "cursor"),
        ("/holds?cursor=x", "cursor"),
        ("/holds?status=%00", "status"),
        ("/holds?accountId={wallet}&cursor=dAAAAAAAAIAGj_PTvRbXHAAAAAAAAAAAAA", "cursor"),
        ("/accounts?ownerId=%ff", "ownerId"),
        ("/accounts?externalId=a%00b", "externalId"),
        ("/accounts?ownerId=%00", "ownerId"),
        ("/transactions?cursor=x", "cursor"),
        ("/transactions?cursor=dAAAAAAAAIAGj_PTvRbXHAAAAAAAAAAAAB", "cursor"),
        (f"/transactions?accountId={{wallet}}&cursor={'A' * 34}", "cursor"),
        ("/accounts/{wallet}/ledger?cursor=%00", "cursor"),
        ("/accounts/{wallet}/ledger?cursor=2", "cursor"),
        ("/transactions?referenceId=a%00b", "referenceId"),
        ("/transactions?assetTypeId=1", "assetTypeId"),
        ("/transactions?amountMin=-1", "amountMin"),
        ("/transactions?amountMin=1e3", "amountMin"),
        ("/transactions?amountMax=1.00001", "amountMax"),
        ("/transactions?amountMax=%22", "amountMax"),
        ("/transactions?createdFrom=yesterday", "createdFrom"),
        ("/transactions?createdFrom=2026-01-01", "createdFrom"),
        ("/transactions?createdTo=2026-01-01T00:00:00", "createdTo"),
        ("/transactions?createdTo=", "createdTo"),
        ("/transactions?type=HOLD&cursor=", "type"),
        ("/transactions?status=PENDING&amountMin=1", "status"),
    ],
)
async def test_wrong_parameters_are_named(api: Api, path: str, field: str) -> None:
    """400 validation_failed, and never more than that."""
    wallet = await api.wallet()
    answer = await api.get(path.format(wallet=wallet.id))
    assert answer.refused == (400, "validation_failed"), answer.body
    assert list(answer.details) == [field]


async def test_far_instants_and_no_account_find_nothing(api: Api) -> None:
    for path in (
        "/transactions?createdFrom=9999-12-31T23:59:59Z",
        "/transactions?createdTo=0001-01-01T00:00:00Z",
        f"/transactions?accountId={NOBODY}&createdTo=0001-01-01T00:00:00Z&cursor=",
        "/transactions?amountMin=99999999999999.9999",
        f"/transactions?assetTypeId={NOBODY}",
        f"/accounts?assetTypeId={NOBODY}",
    ):
        answer = await api.get(path)
        assert (answer.status, answer.data) == (200, []), path


async def test_what_became_of_a_request(api: Api) -> None:
    """200 with the first answer, whatever the key looks like; 404 for one that made nothing."""
    wallet = await api.wallet()
    for key in (new_key(), "a/b", "100%25", "?x=1&y#z", "{id}", "%2F", "..", "~!*'();:@$,[]"):
        answer = await wallet.top_up("1", key)
        found = await api.get(f"/idempotency-keys/{quote(key, safe='')}".replace("/..", "/%2E%2E"))
        if key == "..":
            continue  # What stands between is at liberty to take it for the folder above.
        assert found.status == 200, (key, found.body)
        assert (found.data["idempotencyKey"], found.data["operation"]) == (key, "TOP_UP")
        assert found.data["answer"] == answer.data
    assert (await api.get("/idempotency-keys/unused")).refused == (404, "idempotency_key_not_found")
    for bad in ("k" * 256, "white%20space", "%C3%BC"):
        assert (await api.get(f"/idempotency-keys/{bad}")).refused == (400, "idempotency_key_missing")


async def test_a_refused_or_unfinished_request_has_no_key(api: Api) -> None:
    """What was refused can be asked for, and is not there; concurrent askers see it there or not, never half."""
    wallet = await api.wallet()
    assert (await wallet.spend("5", "refused-1")).status == 422
    assert (await api.get("/idempotency-keys/refused-1")).status == 404
    key = new_key()
    _, *asked = await asyncio.gather(wallet.top_up("1", key), *(api.get(f"/idempotency-keys/{key}") for _ in range(20)))
    assert {one.status for one in asked} <= {200, 404}
    assert (await api.get(f"/idempotency-keys/{key}")).status == 200
