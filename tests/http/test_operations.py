"""Transfers, journals, refunds and conversions over HTTP: what they answer, and every refusal."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.conftest import StartApp
from tests.http import batches
from tests.http.api import NOBODY, Answer, Api, decoded, new_key
from tests.http.operations import Body, Scene, conversion, journal, made, make_scene, send, transfer, whole_state
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

TEXTS = {"referenceId": "r-1", "metadata": {"a": [1, {"b": "c"}]}}
PLAIN = {
    "id",
    "idempotencyKey",
    "type",
    "status",
    "sourceAccountId",
    "destAccountId",
    "assetTypeId",
    "amount",
    "description",
    "referenceId",
    "metadata",
    "createdAt",
    "updatedAt",
    "postedBy",
}


@pytest.fixture
async def scene(api: Api, books: Ledger) -> Scene:
    return await make_scene(api, books)


async def read_again(api: Api, answer: Answer) -> None:
    """GET /transactions/{id} says the same, byte for byte."""
    assert (await api.get(f"/transactions/{answer.data['id']}")).body == answer.body


async def test_a_transfer(api: Api, books: Ledger) -> None:
    """201 with the transaction; both balances move; it is listed on both sides and read again."""
    one, other = await api.wallet(balance="10"), await api.wallet(balance="1")
    answer = await send(api, "/transactions/transfer", transfer(one, other, "2.5", description="d", **TEXTS), "t-1")
    assert answer.status == 201
    assert set(answer.data) == PLAIN
    expected = {
        "idempotencyKey": "t-1",
        "type": "TRANSFER",
        "status": "COMPLETED",
        "sourceAccountId": one.id,
        "destAccountId": other.id,
        "assetTypeId": one.asset,
        "amount": Decimal("2.5"),
        "description": "d",
        **TEXTS,
    }
    assert {name: answer.data[name] for name in expected} == expected
    assert (await one.balance(), await other.balance()) == (Decimal("7.5"), Decimal("3.5"))
    await read_again(api, answer)
    for wallet in (one, other):
        listed = await api.get("/transactions", {"accountId": wallet.id, "type": "TRANSFER"})
        assert listed.data == [answer.data]
    assert (await api.get("/transactions", {"type": "TRANSFER"})).data == [answer.data]


async def test_a_journal(api: Api, books: Ledger) -> None:
    """201 with the entries in their order; system accounts take part; every digit is kept."""
    payer, seller, partner = await api.wallet(balance="100"), await api.wallet(), await api.wallet()
    revenue = str(books.revenue(books.asset_of(payer.uuid)))
    before = books.balance(books.revenue(books.asset_of(payer.uuid)))
    content = (
        f'{{"assetTypeId":"{payer.asset}","description":"Sale","entries":['
        f'{{"accountId":"{payer.id}","entryType":"DEBIT","amount":90.0000}},'
        f'{{"accountId":"{seller.id}","entryType":"CREDIT","amount":"80.1234"}},'
        f'{{"accountId":"{partner.id}","entryType":"CREDIT","amount":8.8765}},'
        f'{{"accountId":"{revenue}","entryType":"CREDIT","amount":10001e-4}}]}}'
    )
    answer = await api.post("/transactions/journal", None, "j-1", content=content.encode())
    assert answer.status == 201, answer.body
    assert set(answer.data) == PLAIN | {"entries"}
    assert (answer.data["type"], answer.data["amount"], answer.data["description"]) == ("JOURNAL", 90, "Sale")
    assert (answer.data["sourceAccountId"], answer.data["destAccountId"]) == (None, None)
    assert [(one["accountId"], one["entryType"], str(one["amount"])) for one in answer.data["entries"]] == [
        (payer.id, "DEBIT", "90"),
        (seller.id, "CREDIT", "80.1234"),
        (partner.id, "CREDIT", "8.8765"),
        (revenue, "CREDIT", "1.0001"),
    ]
    assert [await one.balance() for one in (payer, seller, partner)] == [10, Decimal("80.1234"), Decimal("8.8765")]
    assert books.balance(books.revenue(books.asset_of(payer.uuid))) - before == Decimal("1.0001")
    await read_again(api, answer)
    for wallet in (payer, seller, partner):
        assert (await api.get("/transactions", {"accountId": wallet.id, "type": "JOURNAL"})).data == [answer.data]


async def test_a_journal_of_the_largest_size(api: Api) -> None:
    """100 entries whose amounts have 18 digits, exactly; 101 are refused."""
    payer = await api.wallet(balance="99999999999999.9999")
    others = [await api.wallet() for _ in range(100)]
    share = "12345678901.2345"
    total = str(Decimal(share) * 99)
    answer = await send(
        api, "/transactions/journal", journal(payer.asset, {payer.id: total}, {one.id: share for one in others[:99]})
    )
    assert answer.status == 201, answer.body
    assert [await others[place].balance() for place in (0, 98)] == [Decimal(share)] * 2
    assert await payer.balance() == Decimal("99999999999999.9999") - Decimal(total)
    total = str(Decimal(share) * 100)
    too_many = await send(
        api, "/transactions/journal", journal(payer.asset, {payer.id: total}, {one.id: share for one in others})
    )
    assert (too_many.refused, set(too_many.details)) == ((400, "validation_failed"), {"entries"})


async def test_refunds_of_a_spend(api: Api, books: Ledger) -> None:
    """In parts until it is used up; each names its original, and the original says how much came back."""
    wallet = await api.wallet(balance="10")
    spend = (await wallet.spend("8")).data["id"]
    path = f"/transactions/{spend}/refund"
    part = await send(api, path, {"amount": "3.5", "reason": "late", **TEXTS}, "r-1")
    assert part.status == 201
    assert set(part.data) == PLAIN | {"refundOf"}
    assert (part.data["type"], part.data["amount"], part.data["refundOf"]) == ("REFUND", Decimal("3.5"), spend)
    assert (part.data["description"], part.data["referenceId"]) == ("late", "r-1")
    assert part.data["destAccountId"] == wallet.id
    assert await wallet.balance() == Decimal("5.5")
    assert (await api.get(f"/transactions/{spend}")).data["refundedAmount"] == Decimal("3.5")
    too_much = await send(api, path, {"amount": "4.5001"})
    assert too_much.refused == (422, "refund_exceeds_amount")
    assert "4.5" in too_much.json["error"]
    rest = await api.post(path, None, new_key(), content=b"")
    assert (rest.status, rest.data["amount"]) == (201, Decimal("4.5"))
    assert await wallet.balance() == 10
    assert (await api.get(f"/transactions/{spend}")).data["refundedAmount"] == 8
    assert (await send(api, path)).refused == (422, "refund_exceeds_amount")
    await read_again(api, part)
    listed = (await api.get("/transactions", {"accountId": wallet.id, "type": "REFUND"})).data
    assert [one["amount"] for one in listed] == [Decimal("4.5"), Decimal("3.5")]


async def test_refunds_of_the_other_kinds(api: Api, books: Ledger) -> None:
    """A top-up, a bonus, a transfer, a capture and a whole journal are refunded; the balances are as before."""
    one, other = await api.wallet(balance="10"), await api.wallet(balance="10")
    hold = await made(api, "/holds", one.body("3"))
    for amount, path, body in [
        ("4", "/transactions/top-up", one.body("4")),
        ("4", "/transactions/bonus", one.body("4")),
        ("4", "/transactions/transfer", transfer(one, other, "4")),
        ("2", f"/holds/{hold}/capture", {"amount": "2"}),
        ("5", "/transactions/journal", journal(one.asset, {one.id: 5}, {other.id: "5"})),
    ]:
        before = await one.balance(), await other.balance()
        original = await made(api, path, body)
        assert (await one.balance(), await other.balance()) != before
        answer = await send(api, f"/transactions/{original}/refund", {})
        assert (answer.status, answer.data["refundOf"], answer.data["amount"]) == (201, original, Decimal(amount)), path
        assert (await one.balance(), await other.balance()) == before, path


async def test_a_clawback_may_owe(api: Api, books: Ledger) -> None:
    """Credits that were spent: refused, or with onShortfall debt down to the debt limit, repaid by later credits."""
    wallet = await api.wallet()
    top_up = (await wallet.top_up("10")).data["id"]
    assert (await wallet.spend("8")).status == 201
    path = f"/transactions/{top_up}/refund"
    for body in ({}, {"onShortfall": "refuse"}, {"onShortfall": "debt"}, {"onShortfall": None}):
        assert (await send(api, path, body)).refused == (422, "insufficient_balance"), body
    books.connection.execute("UPDATE wallet.accounts SET debt_max = 8 WHERE id = %s", [wallet.uuid])
    assert (await send(api, path, {})).refused == (422, "insufficient_balance")
    assert (await send(api, path, {"onShortfall": "debt"})).status == 201
    assert await wallet.balance() == -8
    assert (await wallet.spend("1")).refused == (422, "insufficient_balance")
    assert (await wallet.top_up("9")).status == 201
    assert await wallet.balance() == 1


async def test_a_conversion(api: Api) -> None:
    """What is credited is cut to the other asset's decimals; the rest is noted; rate and amount keep their digits."""
    gold, diamonds = await api.wallet("GC", "100"), await api.wallet("DM")
    body = conversion(gold, diamonds, "10.0001", "0.333333333333", description="d", **TEXTS)
    answer = await send(api, "/transactions/convert", body)
    assert answer.status == 201
    assert set(answer.data) == PLAIN | {"rate", "creditedAmount", "remainder", "entries"}
    exact = Decimal("10.0001") * Decimal("0.333333333333")
    data = answer.data
    assert (data["type"], data["rate"], data["amount"]) == ("CONVERSION", Decimal("0.333333333333"), Decimal("10.0001"))
    assert (data["creditedAmount"], data["remainder"]) == (Decimal("3.3333"), exact - Decimal("3.3333"))
    assert [(one["entryType"], one["amount"]) for one in data["entries"]] == [
        ("DEBIT", Decimal("10.0001")),
        ("CREDIT", Decimal("10.0001")),
        ("DEBIT", Decimal("3.3333")),
        ("CREDIT", Decimal("3.3333")),
    ]
    assert (data["entries"][0]["accountId"], data["entries"][3]["accountId"]) == (gold.id, diamonds.id)
    assert (await gold.balance(), await diamonds.balance()) == (Decimal("89.9999"), Decimal("3.3333"))
    await read_again(api, answer)
    number = await api.post(
        "/transactions/convert",
        None,
        new_key(),
        content=b'{"fromAccountId":"%s","toAccountId":"%s","amount":1,"rate":123456789.123456789012}'
        % (gold.id.encode(), diamonds.id.encode()),
    )
    assert number.data["rate"] == Decimal("123456789.123456789012")


Refused = tuple[Callable[[Scene], tuple[str, object]], int, str, set[str]]

TRANSFER, JOURNAL, CONVERT = "/transactions/transfer", "/transactions/journal", "/transactions/convert"


def to(path: str, body: Callable[[Scene], Body], status: int, code: str, *fields: str) -> Refused:
    return (lambda scene: (path, body(scene))), status, code, set(fields)


def refund_of(original: Callable[[Scene], str], body: object, status: int, code: str, *fields: str) -> Refused:
    return (lambda scene: (f"/transactions/{original(scene)}/refund", body)), status, code, set(fields)


def entries_of(scene: Scene, *entries: tuple[str, str, object]) -> Body:
    return {
        "assetTypeId": scene.gold,
        "entries": [{"accountId": one, "entryType": kind, "amount": amount} for one, kind, amount in entries],
    }


INVALID = (400, "validation_failed")

REFUSALS: dict[str, list[Refused]] = {
    "transfer": [
        to(TRANSFER, lambda s: {}, *INVALID, "fromAccountId", "toAccountId", "assetTypeId", "amount"),
        to(TRANSFER, lambda s: transfer(s.alice, s.bob, "1.00001"), *INVALID, "amount"),
        to(TRANSFER, lambda s: transfer(s.alice, s.bob, -1, metadata=[]), *INVALID, "amount", "metadata"),
        to(TRANSFER, lambda s: transfer(s.alice, s.bob, 1, description="\x00"), *INVALID, "description"),
        to(TRANSFER, lambda s: transfer(s.alice, s.alice), *INVALID, "toAccountId"),
        to(TRANSFER, lambda s: transfer(s.whole, s.whole, toAccountId=s.whole.id.upper()), *INVALID, "toAccountId"),
        to(TRANSFER, lambda s: transfer(s.alice, s.bob, toAccountId="bob"), *INVALID, "toAccountId"),
        to(TRANSFER, lambda s: transfer(s.alice, s.bob, fromAccountId=NOBODY), 404, "account_not_found"),
        to(TRANSFER, lambda s: transfer(s.alice, s.bob, toAccountId=NOBODY), 404, "account_not_found"),
        to(TRANSFER, lambda s: transfer(s.alice, s.bob, assetTypeId=NOBODY), 404, "asset_type_not_found"),
        to(TRANSFER, lambda s: transfer(s.alice, s.bob, toAccountId=s.treasury), 422, "not_a_wallet"),
        to(TRANSFER, lambda s: transfer(s.alice, s.bob, fromAccountId=s.treasury), 422, "not_a_wallet"),
        to(TRANSFER, lambda s: transfer(s.alice, s.diamonds), 422, "asset_mismatch"),
        to(TRANSFER, lambda s: transfer(s.diamonds, s.alice), 422, "asset_mismatch"),
        to(TRANSFER, lambda s: transfer(s.off, s.off, toAccountId=s.alice.id), 422, "asset_mismatch"),
        to(TRANSFER, lambda s: transfer(s.alice, s.bob, "104.0001"), 422, "insufficient_balance"),
        to(TRANSFER, lambda s: transfer(s.frozen, s.bob), 422, "account_frozen"),
        to(TRANSFER, lambda s: transfer(s.alice, s.frozen), 422, "account_frozen"),
        to(TRANSFER, lambda s: transfer(s.alice, s.closed), 422, "account_closed"),
        to(TRANSFER, lambda s: transfer(s.closed, s.alice), 422, "account_closed"),
        to(TRANSFER, lambda s: transfer(s.alice, s.full, "1.0001"), 422, "balance_max_exceeded"),
    ],
    "journal": [
        to(JOURNAL, lambda s: {}, *INVALID, "assetTypeId", "entries"),
        to(JOURNAL, lambda s: {"assetTypeId": s.gold, "entries": {}}, *INVALID, "entries"),
        to(JOURNAL, lambda s: {"assetTypeId": s.gold, "entries": [1, 2]}, *INVALID, "entries"),
        to(JOURNAL, lambda s: entries_of(s), *INVALID, "entries"),
        to(JOURNAL, lambda s: entries_of(s, (s.alice.id, "DEBIT", 1)), *INVALID, "entries"),
        to(JOURNAL, lambda s: journal(s.gold, {s.alice.id: 1}, {s.bob.id: "1.0001"}), *INVALID, "entries"),
        to(JOURNAL, lambda s: journal(s.gold, {s.alice.id: "0"}, {s.bob.id: "0"}), *INVALID, "entries"),
        to(JOURNAL, lambda s: journal(s.gold, {s.alice.id: "x"}, {s.bob.id: "x"}), *INVALID, "entries"),
        to(JOURNAL, lambda s: entries_of(s, (s.alice.id, "debit", 1), (s.bob.id, "CREDIT", 1)), *INVALID, "entries"),
        to(JOURNAL, lambda s: entries_of(s, ("x", "DEBIT", 1), (s.bob.id, "CREDIT", 1)), *INVALID, "entries"),
        to(JOURNAL, lambda s: entries_of(s, (s.bob.id, "DEBIT", 1), (s.bob.id, "CREDIT", 1)), *INVALID, "entries"),
        to(
            JOURNAL,
            lambda s: journal(
                s.whole.asset, {s.whole.id: "0.5"}, {str(s.books.revenue(s.books.asset_of(s.whole.uuid))): "0.5"}
            ),
            *INVALID,
            "entries",
        ),
        to(JOURNAL, lambda s: journal(s.gold, {s.alice.id: 1}, {NOBODY: 1}), 404, "account_not_found"),
        to(JOURNAL, lambda s: journal(NOBODY, {s.alice.id: 1}, {s.bob.id: 1}), 404, "asset_type_not_found"),
        to(JOURNAL, lambda s: journal(s.gold, {s.alice.id: 1}, {conversion_account(s): 1}), 422, "not_a_wallet"),
        to(JOURNAL, lambda s: journal(s.gold, {s.alice.id: 1}, {s.diamonds.id: 1}), 422, "asset_mismatch"),
        to(
            JOURNAL,
            lambda s: journal(s.gold, {s.alice.id: "104.0001"}, {s.bob.id: "104.0001"}),
            422,
            "insufficient_balance",
        ),
        to(JOURNAL, lambda s: journal(s.gold, {s.frozen.id: 1}, {s.bob.id: 1}), 422, "account_frozen"),
        to(JOURNAL, lambda s: journal(s.gold, {s.alice.id: 1}, {s.closed.id: 1}), 422, "account_closed"),
        to(JOURNAL, lambda s: journal(s.gold, {s.alice.id: 2}, {s.full.id: 2}), 422, "balance_max_exceeded"),
        to(
            JOURNAL,
            lambda s: journal(s.off.asset, {s.off.id: 1}, {str(s.books.revenue(s.books.asset_of(s.off.uuid))): 1}),
            422,
            "asset_inactive",
        ),
    ],
    "refund": [
        refund_of(lambda s: "x", {}, *INVALID, "id"),
        refund_of(lambda s: s.spend, {"amount": 0}, *INVALID, "amount"),
        refund_of(lambda s: s.spend, {"amount": "x", "onShortfall": "x"}, *INVALID, "amount", "onShortfall"),
        refund_of(lambda s: s.spend, {"reason": 1, "metadata": 1}, *INVALID, "reason", "metadata"),
        refund_of(lambda s: s.spend, [], *INVALID, "body"),
        refund_of(lambda s: s.spend_whole, {"amount": "0.5"}, *INVALID, "amount"),
        refund_of(lambda s: NOBODY, {}, 404, "transaction_not_found"),
        refund_of(lambda s: s.hold, {}, 404, "transaction_not_found"),
        refund_of(lambda s: s.refund, {}, 422, "not_refundable"),
        refund_of(lambda s: s.conversion, {}, 422, "not_refundable"),
        refund_of(lambda s: s.journal, {"amount": 1}, 422, "not_refundable"),
        refund_of(lambda s: s.spend, {"amount": "19.0001"}, 422, "refund_exceeds_amount"),
        refund_of(lambda s: s.emptied, {}, 422, "insufficient_balance"),
        refund_of(lambda s: s.emptied, {"onShortfall": "debt"}, 422, "insufficient_balance"),
        refund_of(lambda s: s.spend_off, {}, 422, "asset_inactive"),
    ],
    "convert": [
        to(CONVERT, lambda s: {}, *INVALID, "fromAccountId", "toAccountId", "amount", "rate"),
        to(CONVERT, lambda s: conversion(s.alice, s.diamonds, "1", "0"), *INVALID, "rate"),
        to(CONVERT, lambda s: conversion(s.alice, s.diamonds, "1", "1000000000"), *INVALID, "rate"),
        to(CONVERT, lambda s: conversion(s.alice, s.diamonds, "1", "0.0000000000001"), *INVALID, "rate"),
        to(CONVERT, lambda s: conversion(s.alice, s.diamonds, "1", True), *INVALID, "rate"),
        to(CONVERT, lambda s: conversion(s.alice, s.alice, "0"), *INVALID, "amount", "toAccountId"),
        to(CONVERT, lambda s: conversion(s.whole, s.alice, "0.5"), *INVALID, "amount"),
        to(CONVERT, lambda s: conversion(s.alice, s.diamonds, fromAccountId=NOBODY), 404, "account_not_found"),
        to(CONVERT, lambda s: conversion(s.alice, s.diamonds, toAccountId=NOBODY), 404, "account_not_found"),
        to(CONVERT, lambda s: conversion(s.diamonds, s.alice, toAccountId=s.treasury), 422, "not_a_wallet"),
        to(CONVERT, lambda s: conversion(s.alice, s.bob), 422, "asset_mismatch"),
        to(CONVERT, lambda s: conversion(s.alice, s.off), 422, "asset_inactive"),
        to(CONVERT, lambda s: conversion(s.off, s.alice), 422, "asset_inactive"),
        to(CONVERT, lambda s: conversion(s.alice, s.whole, "1", "0.9"), 422, "conversion_out_of_range"),
        to(CONVERT, lambda s: conversion(s.alice, s.diamonds, "99999999999999", "2"), 422, "conversion_out_of_range"),
        to(CONVERT, lambda s: conversion(s.alice, s.diamonds, "104.0001", "1"), 422, "insufficient_balance"),
        to(CONVERT, lambda s: conversion(s.frozen, s.diamonds, "1", "1"), 422, "account_frozen"),
        to(CONVERT, lambda s: conversion(s.diamonds, s.closed, "1", "1"), 422, "account_closed"),
        to(CONVERT, lambda s: conversion(s.diamonds, s.full, "2", "1"), 422, "balance_max_exceeded"),
    ],
}

TYPES = {TRANSFER: "TRANSFER", JOURNAL: "JOURNAL", CONVERT: "CONVERSION"}


def conversion_account(scene: Scene) -> str:
    row = scene.books.connection.execute(
        "SELECT id FROM wallet.accounts WHERE account_type = 'CONVERSION' AND asset_type_id = %s AND stripe = 0",
        [scene.gold],
    ).fetchone()
    assert row is not None
    return str(row[0])


def item_of(path: str, body: object, key: str) -> Body:
    """The same request as an item of a batch."""
    fields = dict(body) if isinstance(body, dict) else {}
    if path.endswith("/refund"):
        return {"type": "REFUND", "idempotencyKey": key, "transactionId": path.split("/")[2], **fields}
    return {"type": TYPES[path], "idempotencyKey": key, **fields}


@pytest.mark.parametrize("kind", REFUSALS)
async def test_every_refusal(scene: Scene, kind: str) -> None:
    """Each with its code and the fields to blame, alone, as an item, in an atomic batch and dry; nothing is written."""
    before = whole_state(scene.books)
    items = []
    expected = []
    for make, status, code, fields in REFUSALS[kind]:
        path, body = make(scene)
        key = new_key()
        for dry in (False, True):
            answer = await send(scene.api, path, body, key, dry=dry)
            assert answer.refused == (status, code), (path, body, answer.body)
            assert set(answer.json.get("details", {})) == fields, (path, body, answer.body)
        if isinstance(body, dict) and fields != {"id"}:
            items.append(item_of(path, body, key))
            expected.append(answer)
    answers = await batches.post(scene.api, items)
    assert [(one.status, bytes(one.body)) for one in answers] == [(one.status, one.body) for one in expected]
    refused = await batches.send(scene.api, {"atomic": True, "items": items[-1:]})
    assert refused.status == 409
    assert refused.json["details"]["status"] == expected[-1].status
    assert refused.json["details"]["body"] == decoded(expected[-1].body)
    missing = await scene.api.post(make(scene)[0], {})
    assert missing.refused == (400, "idempotency_key_missing")
    assert whole_state(scene.books) == before


async def test_a_refused_conversion_writes_nothing(scene: Scene) -> None:
    """Not even a conversion account: it is as old as its asset."""
    before = whole_state(scene.books)
    answer = await send(scene.api, CONVERT, conversion(scene.alice, scene.whole, "104.0001", "1"))
    assert answer.refused == (422, "insufficient_balance")
    assert whole_state(scene.books) == before


async def test_the_scene_balances(scene: Scene) -> None:
    """What the refusals are tried on is what it says it is."""
    assert [await one.balance() for one in (scene.alice, scene.bob, scene.diamonds, scene.full)] == [115, 49, 30, 13]


async def test_a_batch_keeps_its_order_on_several_lanes(seeded_url: str, start_app: StartApp) -> None:
    """With four lanes: money comes in, moves on and is spent by its last owner, thirty times in one batch."""
    async with start_app(seeded_url, lanes=4) as session:
        api = Api(session)
        for atomic in (False, True):
            items: list[Body] = []
            for _ in range(10):
                one, two, three = await api.wallet(), await api.wallet(), await api.wallet()
                items += [
                    {"type": "TOP_UP", "idempotencyKey": new_key(), **one.body("5")},
                    {"type": "TRANSFER", "idempotencyKey": new_key(), **transfer(one, two, "5")},
                    {"type": "JOURNAL", "idempotencyKey": new_key(), **journal(one.asset, {two.id: 5}, {three.id: 5})},
                    {"type": "SPEND", "idempotencyKey": new_key(), **three.body("5")},
                ]
            answers = await batches.post(api, items, atomic)
            assert {one.status for one in answers} == {201}
