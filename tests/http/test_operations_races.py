"""Races over real HTTP, on two processes that share a database: transfers, refunds, holds and their ends."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from functools import partial

import aiohttp
import pytest

from tests.conftest import StartService
from tests.http import batches
from tests.http.api import Answer, Api, new_key
from tests.http.operations import conversion, journal, let_run_out, made, send, transfer
from tests.http.test_concurrency import at_once, refusals
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

ROUNDS = 400


@pytest.fixture
async def apis(anyio_backend: str, start_service: StartService, seeded_url: str) -> AsyncIterator[list[Api]]:
    """Two `wallet serve` processes on one database, with four lanes each and small batches: much happens at once."""
    several = {"LANES": "4", "BATCH_SIZE": "4"}
    with start_service(seeded_url, **several) as first, start_service(seeded_url, **several) as second:
        async with (
            aiohttp.ClientSession(first.base_url, connector=aiohttp.TCPConnector(limit=0)) as one,
            aiohttp.ClientSession(second.base_url, connector=aiohttp.TCPConnector(limit=0)) as two,
        ):
            yield [Api(one), Api(two)]


def deadlocks(books: Ledger) -> int:
    """How often the database had to break one. The service sends such a batch again, so its answers do not tell."""
    # Who ends hands in what it counted.
    books.connection.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    row = books.connection.execute(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ).fetchone()
    assert row is not None
    return int(row[0])


async def test_opposite_transfers(apis: list[Api], books: Ledger) -> None:
    """Back and forth between five wallets at 64 connections: all 201, no deadlock, every sum exact."""
    wallets = [await apis[0].wallet(balance="1000") for _ in range(5)]
    chance = random.Random(3)
    pairs = [chance.sample(range(5), 2) for _ in range(ROUNDS // 2)]
    pairs += [[second, first] for first, second in pairs]
    expected = [Decimal(1000)] * 5
    calls = []
    for turn, (first, second) in enumerate(pairs):
        amount = Decimal(turn % 7 + 1) / 10000
        expected[first] -= amount
        expected[second] += amount
        body = transfer(wallets[first], wallets[second], str(amount))
        calls.append(partial(send, apis[turn % 2], "/transactions/transfer", body))
    assert refusals(await at_once(calls)) == {(201, ""): ROUNDS}
    assert [await one.balance() for one in wallets] == expected
    assert deadlocks(books) == 0
    assert books.problems() == {}


async def test_opposite_operations_of_every_kind(apis: list[Api], books: Ledger) -> None:
    """Transfers, journals, conversions, spends and batches of them across the same wallets: no 5xx, nothing is lost."""
    gold = [await apis[0].wallet(balance="100") for _ in range(3)]
    diamonds = [await apis[0].wallet("DM", "100") for _ in range(2)]
    chance = random.Random(5)
    calls = []
    for turn in range(ROUNDS // 2):
        api = apis[turn % 2]
        one, other = chance.sample(gold, 2)
        jewel = chance.choice(diamonds)
        calls += [
            partial(send, api, "/transactions/transfer", transfer(one, other, "0.3")),
            partial(send, api, "/transactions/convert", conversion(one, jewel, "0.1", "1")),
            partial(send, api, "/transactions/convert", conversion(jewel, other, "0.1", "1")),
            partial(
                send,
                api,
                "/transactions/journal",
                journal(one.asset, {one.id: "0.2"}, {other.id: "0.1", gold[0].id: "0.1"})
                if gold[0] not in (one, other)
                else journal(one.asset, {one.id: "0.2"}, {other.id: "0.2"}),
            ),
        ]
        items = [
            {"type": "TRANSFER", "idempotencyKey": new_key(), **transfer(other, one, "0.3")},
            {"type": "CONVERSION", "idempotencyKey": new_key(), **conversion(one, jewel, "0.1", "1")},
            {"type": "CONVERSION", "idempotencyKey": new_key(), **conversion(jewel, one, "0.1", "1")},
        ]
        calls.append(partial(batches.send, api, {"items": items, "atomic": turn % 4 == 0}))
    answers = await at_once(calls)
    assert {answer.status for answer in answers} == {201, 207}
    for answer in answers:
        if answer.status == 207:
            assert {one.status for one in batches.answers_of(answer)} == {201}
    total = sum([await one.balance() for one in [*gold, *diamonds]])
    assert total == 500
    assert deadlocks(books) == 0
    assert books.problems() == {}


async def test_a_refund_raced_in_parts(apis: list[Api], books: Ledger) -> None:
    """64 refunds of 1 of a spend of 40, at once: exactly 40 are made; and again with 64 that ask for all the rest."""
    wallet = await apis[0].wallet(balance="80")
    spend = (await wallet.spend("40")).data["id"]
    path = f"/transactions/{spend}/refund"
    answers = await at_once([partial(send, apis[turn % 2], path, {"amount": "1"}) for turn in range(64)])
    assert refusals(answers) == {(201, ""): 40, (422, "refund_exceeds_amount"): 24}
    assert await wallet.balance() == 80
    assert (await apis[0].get(f"/transactions/{spend}")).data["refundedAmount"] == 40
    whole = (await wallet.spend("40")).data["id"]
    bodies = [{} if turn % 2 else {"amount": "25"} for turn in range(64)]
    answers = await at_once(
        [partial(send, apis[turn % 2], f"/transactions/{whole}/refund", body) for turn, body in enumerate(bodies)]
    )
    posted = [answer.data["amount"] for answer in answers if answer.status == 201]
    assert sum(posted) == 40
    assert {answer.refused for answer in answers} == {(201, ""), (422, "refund_exceeds_amount")}
    assert await wallet.balance() == 80
    assert books.problems() == {}


async def test_six_holds_of_1000_on_5000(apis: list[Api], books: Ledger) -> None:
    """At once, beside spends of 1000: five are made of what there is, never more; voided, all of it is free again."""
    wallet = await apis[0].wallet(balance="5000")
    answers = await at_once([partial(send, apis[turn % 2], "/holds", wallet.body("1000")) for turn in range(6)])
    assert refusals(answers) == {(201, ""): 5, (422, "insufficient_balance"): 1}
    assert (await wallet.spend("0.0001")).refused == (422, "insufficient_balance")
    ids = [answer.data["id"] for answer in answers if answer.status == 201]
    voids = await at_once([partial(send, apis[turn % 2], f"/holds/{one}/void") for turn, one in enumerate(ids)])
    assert refusals(voids) == {(201, ""): 5}
    mixed = await at_once(
        [
            partial(send, apis[turn % 2], *(("/holds",) if turn % 3 else ("/transactions/spend",)), wallet.body("1000"))
            for turn in range(12)
        ]
    )
    assert refusals(mixed) == {(201, ""): 5, (422, "insufficient_balance"): 7}
    assert books.problems() == {}


async def test_capture_against_void_against_expiry(apis: list[Api], books: Ledger) -> None:
    """Each hold is ended once: by one capture, one void or its end; money moved for the captures and no other."""
    wallet, shop = await apis[0].wallet(balance="40"), await apis[0].wallet()
    ids = [await made(apis[0], "/holds", wallet.body("1", toAccountId=shop.id)) for _ in range(40)]

    def expire() -> None:
        for one in ids[::4]:
            let_run_out(books, one)

    calls = [
        partial(send, apis[(turn + place) % 2], f"/holds/{one}/{end}")
        for turn, one in enumerate(ids)
        for place, end in enumerate(("capture", "void", "capture", "void"))
    ]
    order = list(range(len(calls)))
    random.Random(11).shuffle(order)
    answers, _ = await asyncio.gather(at_once([calls[place] for place in order]), asyncio.to_thread(expire))
    by_hold: dict[int, list[Answer]] = {}
    for place, answer in zip(order, answers, strict=True):
        by_hold.setdefault(place // 4, []).append(answer)
    captured = 0
    for turn, ends in by_hold.items():
        seen = (await apis[0].get(f"/holds/{ids[turn]}")).data
        won = [answer for answer in ends if answer.status == 201]
        assert len(won) == (0 if seen["state"] == "EXPIRED" else 1), (seen, ends)
        assert Counter(answer.refused for answer in ends if answer.status != 201).keys() == {
            (422, f"hold_{seen['state'].lower()}")
        }
        if seen["state"] == "CAPTURED":
            captured += 1
            assert won[0].data["id"] == seen["captureId"]
    assert await shop.balance() == captured
    assert await wallet.balance() == 40 - captured
    assert (await wallet.spend(str(40 - captured))).status == 201
    held = books.connection.execute("SELECT held FROM wallet.accounts WHERE id = %s", [wallet.uuid]).fetchone()
    assert held == (0,)
