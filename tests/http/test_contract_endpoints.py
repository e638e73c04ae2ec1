"""Every row of the contract's table of endpoints: status, envelope, fields and their JSON types."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.http.api import CONTENT_TYPE, NOBODY, POSTINGS, Answer, Api, Wallet, is_uuid, new_key
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

Check = Callable[[Any], bool]

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z")


def is_instant(value: object) -> bool:
    """Whether it is an instant of RFC 3339 in UTC, and one that exists."""
    return isinstance(value, str) and bool(_INSTANT.fullmatch(value)) and bool(instant(value))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_number(value: object) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def is_flag(value: object) -> bool:
    return isinstance(value, bool)


def or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


def one_of(*values: str) -> Check:
    return lambda value: value in values


def equal(expected: object) -> Check:
    return lambda value: bool(value == expected)


ASSET_TYPE: Mapping[str, Check] = {
    "id": is_uuid,
    "name": is_text,
    "symbol": is_text,
    "description": or_null(is_text),
    "isActive": is_flag,
    "createdAt": is_instant,
    "updatedAt": is_instant,
}
ACCOUNT: Mapping[str, Check] = {
    "id": is_uuid,
    "externalId": or_null(is_text),
    "accountType": one_of("USER", "TREASURY", "REVENUE"),
    "name": is_text,
    "email": or_null(is_text),
    "assetTypeId": is_uuid,
    "balance": is_number,
    "createdAt": is_instant,
    "updatedAt": is_instant,
}
BALANCE: Mapping[str, Check] = {"accountId": is_uuid, "balance": is_number, "assetTypeId": is_uuid}
ENTRY: Mapping[str, Check] = {
    "id": is_uuid,
    "transactionId": is_uuid,
    "accountId": is_uuid,
    "entryType": one_of("DEBIT", "CREDIT"),
    "amount": is_number,
    "balanceAfter": is_number,
    "createdAt": is_instant,
}
TRANSACTION: Mapping[str, Check] = {
    "id": is_uuid,
    "idempotencyKey": is_text,
    "type": one_of("TOP_UP", "BONUS", "SPEND"),
    "status": one_of("PENDING", "COMPLETED", "FAILED"),
    "sourceAccountId": is_uuid,
    "destAccountId": is_uuid,
    "assetTypeId": is_uuid,
    "amount": is_number,
    "description": or_null(is_text),
    "referenceId": or_null(is_text),
    "metadata": or_null(lambda value: isinstance(value, dict)),
    "createdAt": is_instant,
    "updatedAt": is_instant,
}

#: Fields beyond the contract that this service adds.
ADDED = {
    "account": {"ownerId", "status", "creditsAllowed", "held", "available", "creditLimit", "balanceMax", "debtMax"},
    "balance": {"held", "available"},
    "asset_type": {"decimals"},
    "entry": {"version"},
    "transaction": {"postedBy"},
}


def assert_shape(value: Any, fields: Mapping[str, Check], added: set[str] | None = None) -> None:
    """Exactly these fields (and the added ones), each of its kind."""
    assert set(value) == set(fields) | (added or set())
    wrong = {name: value[name] for name, check in fields.items() if not check(value[name])}
    assert wrong == {}


def assert_pagination(answer: Answer, page: int, limit: int, total: int) -> None:
    pages = -(-total // limit)
    assert answer.json["pagination"] == {"page": page, "limit": limit, "total": total, "totalPages": pages}


async def test_health_tells_that_the_service_is_healthy_and_the_time(api: Api) -> None:
    """GET /health: 200 {status, timestamp}, the timestamp is now."""
    before = datetime.now(UTC)
    answer = await api.get("/health")
    assert answer.status == 200
    assert_shape(answer.data, {"status": equal("healthy"), "timestamp": is_instant})
    assert before - timedelta(seconds=1) <= instant(answer.data["timestamp"]) <= datetime.now(UTC)


async def test_asset_types_are_listed(api: Api) -> None:
    """GET /asset-types: 200, the seeded three with all their fields, and no pagination."""
    answer = await api.get("/asset-types")
    assert answer.status == 200
    for one in answer.data:
        assert_shape(one, ASSET_TYPE, ADDED["asset_type"])
    assert {(one["symbol"], one["name"], one["isActive"]) for one in answer.data} == {
        ("GC", "Gold Coins", True),
        ("DM", "Diamonds", True),
        ("LP", "Loyalty Points", True),
    }


async def test_an_inactive_asset_type_is_listed_as_such(api: Api, books: Ledger) -> None:
    """GET /asset-types: isActive follows the row."""
    books.connection.execute("UPDATE wallet.asset_types SET is_active = FALSE WHERE symbol = 'DM'")
    listed = {one["symbol"]: one["isActive"] for one in (await api.get("/asset-types")).data}
    assert listed == {"GC": True, "DM": False, "LP": True}


async def test_an_account_is_opened_with_only_what_is_required(api: Api) -> None:
    """POST /accounts: 201, a USER account with balance 0 and null for what was not given."""
    asset = await api.asset()
    answer = await api.post("/accounts", {"name": "Nora", "assetTypeId": asset})
    assert answer.status == 201
    assert not answer.replayed
    assert_shape(
        answer.data,
        {
            **ACCOUNT,
            "externalId": equal(None),
            "email": equal(None),
            "name": equal("Nora"),
            "accountType": equal("USER"),
            "assetTypeId": equal(asset),
            "balance": equal(0),
        },
        ADDED["account"],
    )
    assert answer.data["createdAt"] == answer.data["updatedAt"]


async def test_an_account_is_opened_with_every_field_and_read_again(api: Api) -> None:
    """POST /accounts with all fields; GET /accounts/:id gives the very same."""
    body = {
        "name": "Nora 🪙 Ωmega",
        "assetTypeId": await api.asset("DM"),
        "externalId": "user/42",
        "email": "nora@example.com",
    }
    opened = await api.post("/accounts", body)
    assert opened.status == 201
    assert_shape(opened.data, {**ACCOUNT, **{name: equal(value) for name, value in body.items()}}, ADDED["account"])
    read = await api.get(f"/accounts/{opened.data['id']}")
    assert read.status == 200
    assert read.data == opened.data


async def test_a_balance_is_read(api: Api) -> None:
    """GET /accounts/:id/balance: 200 {accountId, balance, assetTypeId}."""
    wallet = await api.wallet(balance="12.5")
    answer = await api.get(f"/accounts/{wallet.id}/balance")
    assert answer.status == 200
    assert_shape(
        answer.data,
        {
            **BALANCE,
            "accountId": equal(wallet.id),
            "balance": equal(Decimal("12.5")),
            "assetTypeId": equal(wallet.asset),
        },
        ADDED["balance"],
    )
    account = (await api.get(f"/accounts/{wallet.id}")).data
    assert account["balance"] == Decimal("12.5")
    assert instant(account["updatedAt"]) > instant(account["createdAt"])


async def test_a_ledger_is_read_newest_first(api: Api) -> None:
    """GET /accounts/:id/ledger: 200, the entries newest first with the balance each one left."""
    wallet = await api.wallet()
    posted = [await wallet.top_up("10"), await wallet.spend("4"), await api.posting("bonus", wallet.body("0.5"))]
    answer = await api.get(f"/accounts/{wallet.id}/ledger")
    assert answer.status == 200
    for one in answer.data:
        assert_shape(one, ENTRY, ADDED["entry"])
    assert [
        (one["transactionId"], one["accountId"], one["entryType"], one["amount"], one["balanceAfter"])
        for one in answer.data
    ] == [
        (posted[2].data["id"], wallet.id, "CREDIT", Decimal("0.5"), Decimal("6.5")),
        (posted[1].data["id"], wallet.id, "DEBIT", 4, 6),
        (posted[0].data["id"], wallet.id, "CREDIT", 10, 10),
    ]
    assert len({one["id"] for one in answer.data}) == 3
    instants = [instant(one["createdAt"]) for one in answer.data]
    assert instants == sorted(instants, reverse=True)
    assert_pagination(answer, 1, 20, 3)


async def test_the_two_entries_of_a_transaction_have_different_ids(api: Api, books: Ledger) -> None:
    """Entry ids are unique over all accounts: the treasury's entry is not the wallet's."""
    wallet = await api.wallet(balance="1")
    treasury = books.treasury(UUID(wallet.asset))
    (own,) = (await api.get(f"/accounts/{wallet.id}/ledger")).data
    (other,) = (await api.get(f"/accounts/{treasury}/ledger", {"limit": "1"})).data
    assert own["transactionId"] == other["transactionId"]
    assert own["id"] != other["id"]
    assert (own["entryType"], other["entryType"]) == ("CREDIT", "DEBIT")


@pytest.mark.parametrize("kind", POSTINGS)
async def test_a_posting_with_only_what_is_required(api: Api, books: Ledger, kind: str) -> None:
    """POST /transactions/…: 201, the transaction between the right two accounts, null for what was not given."""
    wallet = await api.wallet(balance="10")
    key = new_key()
    answer = await api.posting(kind, wallet.body("2.25"), key)
    assert answer.status == 201
    assert not answer.replayed
    assert_shape(answer.data, {**TRANSACTION, **expected_posting(books, wallet, kind, key)}, ADDED["transaction"])
    assert answer.data["amount"] == Decimal("2.25")
    assert [answer.data[name] for name in ("description", "referenceId", "metadata")] == [None, None, None]
    assert await wallet.balance() == (Decimal("7.75") if kind == "spend" else Decimal("12.25"))
    assert books.problems() == {}


@pytest.mark.parametrize("kind", POSTINGS)
async def test_a_posting_with_every_field_is_read_again(api: Api, books: Ledger, kind: str) -> None:
    """Every field is kept, of bonus the referenceId too; GET /transactions/:id gives the very same bytes."""
    wallet = await api.wallet(balance="10")
    key = new_key()
    fields = {
        "referenceId": "order 7/€",
        "description": 'A "quoted" line\nand \\ another \u2028 🪙',
        "metadata": {"a": [1, True, None, {"ü": "\u0001"}], "": {}, "text": "\\u0000"},
    }
    answer = await api.posting(kind, wallet.body("3", **fields), key)
    assert answer.status == 201
    assert_shape(
        answer.data,
        {
            **TRANSACTION,
            **expected_posting(books, wallet, kind, key),
            **{name: equal(value) for name, value in fields.items()},
        },
        ADDED["transaction"],
    )
    read = await api.get(f"/transactions/{answer.data['id']}")
    assert read.status == 200
    assert read.body == answer.body


def expected_posting(books: Ledger, wallet: Wallet, kind: str, key: str) -> dict[str, Check]:
    asset = UUID(wallet.asset)
    source, dest = (wallet.id, books.revenue(asset)) if kind == "spend" else (books.treasury(asset), wallet.id)
    return {
        "idempotencyKey": equal(key),
        "type": equal(kind.upper().replace("-", "_")),
        "status": equal("COMPLETED"),
        "sourceAccountId": equal(str(source)),
        "destAccountId": equal(str(dest)),
        "assetTypeId": equal(wallet.asset),
    }


async def test_transactions_are_listed_newest_first(api: Api) -> None:
    """GET /transactions: 200, the same objects as when they were posted, newest first, the seeded six last."""
    wallet = await api.wallet()
    posted = [(await wallet.top_up(amount)).data for amount in ("3", "1", "2")]
    answer = await api.get("/transactions")
    assert answer.status == 200
    for one in answer.data:
        assert_shape(one, TRANSACTION, ADDED["transaction"])
    assert answer.data[:3] == posted[::-1]
    assert_pagination(answer, 1, 20, 9)


async def test_the_seed_data_of_the_contract(api: Api, books: Ledger) -> None:
    """Alice and Bob with their balances, system accounts per asset, names as the contract gives them."""
    opening = {"GC": (1000, 500), "DM": (50, 25), "LP": (500, 200)}
    rows = books.connection.execute("SELECT external_id, id FROM wallet.accounts").fetchall()
    seen = {name: (await api.get(f"/accounts/{one}")).data for name, one in rows}
    expected: dict[str, tuple[str, int]] = {}
    for symbol, (alice, bob) in opening.items():
        expected[f"USER_ALICE_{symbol}"] = ("USER", alice)
        expected[f"USER_BOB_{symbol}"] = ("USER", bob)
        expected[f"SYSTEM_TREASURY_{symbol}"] = ("TREASURY", -alice - bob)
        expected[f"SYSTEM_REVENUE_{symbol}"] = ("REVENUE", 0)
        expected[f"SYSTEM_CONVERSION_{symbol}"] = ("CONVERSION", 0)
    assert {name: (one["accountType"], one["balance"]) for name, one in seen.items()} == expected
    assert {name: one["externalId"] for name, one in seen.items()} == {name: name for name in expected}
    for symbol in opening:
        assert seen[f"USER_ALICE_{symbol}"]["name"] == "Alice"
        assert seen[f"USER_BOB_{symbol}"]["name"] == "Bob"
        ledger = await api.get(f"/accounts/{seen[f'USER_ALICE_{symbol}']['id']}/ledger")
        assert [one["amount"] for one in ledger.data] == [opening[symbol][0]], "opening balances are postings"


async def test_head_answers_as_get_without_a_body(api: Api) -> None:
    """HEAD on every GET endpoint: the status, type and length of GET, no body; also for what is not found."""
    wallet = await api.wallet(balance="1")
    (transaction,) = (await api.get("/transactions", {"limit": "1"})).data
    paths = [
        "/asset-types",
        f"/accounts/{wallet.id}",
        f"/accounts/{wallet.id}/balance",
        f"/accounts/{wallet.id}/ledger",
        f"/transactions/{transaction['id']}",
        "/transactions?limit=2",
        f"/accounts/{NOBODY}",
        "/accounts/nonsense",
        "/nowhere",
    ]
    for path in paths:
        get, head = await api.get(path), await api.call("HEAD", path)
        assert (head.status, head.headers["Content-Length"]) == (get.status, str(len(get.body))), path
    assert (await api.call("HEAD", "/health")).status == 200


async def test_a_request_id_is_echoed_or_made(api: Api) -> None:
    """X-Request-Id comes back as sent, on success and refusal; without one, or with a silly one, one is made."""
    for path in ("/health", "/accounts/nonsense", "/nowhere"):
        answer = await api.call("GET", path, headers={"X-Request-Id": "a-request/42:~"})
        assert answer.headers["X-Request-Id"] == "a-request/42:~", path
    made = [(await api.get("/health")).headers["X-Request-Id"] for _ in range(3)]
    assert len(set(made)) == 3
    for silly in ("", "two words", "x" * 5000, "é"):
        answer = await api.call("GET", "/health", headers={"X-Request-Id": silly})
        assert answer.status == 200
        assert re.fullmatch(r"[!-~]{1,128}", answer.headers["X-Request-Id"]), silly[:10]
        assert answer.headers["X-Request-Id"] != silly


async def test_every_answer_is_json_in_utf_8(api: Api) -> None:
    """Content-Type is application/json; charset=utf-8 whatever the caller accepts, and text is UTF-8 on the wire."""
    answer = await api.call("GET", "/health", headers={"Accept": "text/html", "Accept-Charset": "latin-1"})
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    opened = await api.post("/accounts", {"name": "Zoë", "assetTypeId": await api.asset()})
    assert opened.data["name"] == "Zoë"


async def test_ids_are_taken_in_either_case(api: Api) -> None:
    """UUIDs in path, body and filter may be in upper case; answers are in lower case."""
    wallet = await api.wallet()
    body = {"accountId": wallet.id.upper(), "assetTypeId": wallet.asset.upper(), "amount": 1}
    posted = await api.posting("top-up", body)
    assert posted.status == 201
    assert (posted.data["destAccountId"], posted.data["assetTypeId"]) == (wallet.id, wallet.asset)
    for path in ("", "/balance", "/ledger"):
        upper = await api.get(f"/accounts/{wallet.id.upper()}{path}")
        assert upper.body == (await api.get(f"/accounts/{wallet.id}{path}")).body
    assert (await api.get(f"/transactions/{posted.data['id'].upper()}")).data == posted.data
    assert (await api.get("/transactions", {"accountId": wallet.id.upper()})).data == [posted.data]
    opened = await api.post("/accounts", {"name": "N", "assetTypeId": wallet.asset.upper()})
    assert opened.data["assetTypeId"] == wallet.asset


async def test_unknown_fields_are_ignored(api: Api) -> None:
    """Bodies may hold fields nobody knows, of any kind; the type of the request is not asked about."""
    asset = await api.asset()
    unknown: dict[str, Any] = {"x": {"y": [1]}, "balance": 10, "id": NOBODY, "accountType": "TREASURY", "type": "SPEND"}
    opened = await api.post("/accounts", {"name": "N", "assetTypeId": asset, **unknown})
    assert opened.status == 201
    assert (opened.data["balance"], opened.data["accountType"]) == (0, "USER")
    assert opened.data["id"] != NOBODY
    wallet = Wallet(api, opened.data["id"], asset)
    posted = await wallet.top_up(5, **unknown)
    assert posted.status == 201
    assert posted.data["type"] == "TOP_UP"
    assert await wallet.balance() == 5


async def test_a_body_needs_no_content_type(api: Api) -> None:
    """The body is JSON whatever the Content-Type says, with a byte order of UTF-8 and any white space around."""
    wallet = await api.wallet()
    for content_type in ("text/plain", "application/json;charset=UTF-8", "application/x-www-form-urlencoded", ""):
        answer = await api.call(
            "POST",
            "/transactions/top-up",
            content=b" \r\n\t" + wallet.raw(' "1" ') + b" \n",
            headers={"Idempotency-Key": new_key(), "Content-Type": content_type},
        )
        assert answer.status == 201, content_type
    assert await wallet.balance() == 4


async def test_text_keeps_any_unicode_but_nul(api: Api) -> None:
    """Every code point but NUL and the surrogates comes back as it was sent, escaped or not."""
    asset = await api.asset()
    text = "".join(map(chr, (*range(1, 0xA0), 0xFFFD, 0xFFFE, 0xFFFF, 0x10FFFF, 0x1F600, 0x202E, 0x0301)))
    for content in (
        f'{{"name":{json.dumps(text)},"assetTypeId":"{asset}"}}'.encode(),
        f'{{"name":{json.dumps(text, ensure_ascii=False)},"assetTypeId":"{asset}"}}'.encode(),
    ):
        opened = await api.post("/accounts", content=content)
        assert opened.status == 201
        assert opened.data["name"] == text
        assert (await api.get(f"/accounts/{opened.data['id']}")).data["name"] == text
    wallet = Wallet(api, opened.data["id"], asset)
    posted = await wallet.top_up(1, description=text, referenceId=text, metadata={text: text})
    assert posted.status == 201
    assert (posted.data["description"], posted.data["referenceId"]) == (text, text)
    assert posted.data["metadata"] == {text: text}


async def test_lengths_are_counted_in_characters(api: Api) -> None:
    """255 characters of name and externalId, 320 of email; characters, not bytes."""
    body = {"name": "🪙" * 255, "externalId": "é" * 255, "email": "ü" * 320, "assetTypeId": await api.asset()}
    opened = await api.post("/accounts", body)
    assert opened.status == 201
    assert {name: opened.data[name] for name in body} == body
