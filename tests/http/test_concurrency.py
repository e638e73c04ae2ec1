"""Many callers at once, on one process and on two: every answer is exact, and the books balance."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from functools import partial
from uuid import UUID

import aiohttp
import pytest

from tests.conftest import StartApp, StartService
from tests.http.api import POSTINGS, Answer, Api, Wallet
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

CONNECTIONS = 64


async def at_once(calls: Sequence[Callable[[], Awaitable[Answer]]], width: int = CONNECTIONS) -> list[Answer]:
    """Run the calls, `width` of them at any time; give the answers in order."""
    free = asyncio.Semaphore(width)

    async def run(call: Callable[[], Awaitable[Answer]]) -> Answer:
        async with free:
            return await call()

    return await asyncio.gather(*(run(call) for call in calls))


def refusals(answers: Sequence[Answer]) -> Counter[tuple[int, str]]:
    return Counter(answer.refused for answer in answers)


async def check_chain(wallet: Wallet, count: int) -> None:
    """The wallet's entries are `count` steps without a gap that end in its balance."""
    balance = Decimal(0)
    pages = -(-count // 100)
    seen = []
    for page in range(pages, 0, -1):
        answer = await wallet.api.get(f"/accounts/{wallet.id}/ledger", {"page": str(page), "limit": "100"})
        seen += answer.data[::-1]
    for one in seen:
        balance += one["amount"] if one["entryType"] == "CREDIT" else -one["amount"]
        assert one["balanceAfter"] == balance
    assert [one["version"] for one in seen] == list(range(1, count + 1))
    assert await wallet.balance() == balance


def amount(turn: int) -> str:
    """A different small amount for each turn."""
    return f"0.{turn + 1:04}"


async def top_up_all(apis: Sequence[Api], books: Ledger) -> None:
    """400 top-ups over 20 wallets of one asset, so of one treasury: all 201, every sum exact."""
    wallets = [await apis[0].wallet() for _ in range(20)]
    treasury = books.treasury(UUID(wallets[0].asset))
    before = books.balance(treasury)
    answers = await at_once(
        [
            partial(apis[turn % len(apis)].posting, "top-up", wallets[turn % 20].body(amount(turn)))
            for turn in range(400)
        ]
    )
    assert refusals(answers) == {(201, ""): 400}
    assert len({answer.data["id"] for answer in answers}) == 400
    for place, wallet in enumerate(wallets):
        assert await wallet.balance() == sum(Decimal(amount(turn)) for turn in range(place, 400, 20))
        await check_chain(wallet, 20)
    assert before - books.balance(treasury) == sum(Decimal(amount(turn)) for turn in range(400))
    assert books.problems() == {}


async def spend_all(apis: Sequence[Api], books: Ledger) -> None:
    """200 spends of 1 from a balance of 100: exactly 100 are posted, 100 refused, nothing is left."""
    wallet = await apis[0].wallet(balance="100")
    answers = await at_once([partial(apis[turn % len(apis)].posting, "spend", wallet.body(1)) for turn in range(200)])
    assert refusals(answers) == {(201, ""): 100, (422, "insufficient_balance"): 100}
    assert await wallet.balance() == 0
    assert (await apis[0].get("/transactions", {"accountId": wallet.id, "type": "SPEND"})).json["pagination"][
        "total"
    ] == 100
    await check_chain(wallet, 101)
    assert books.problems() == {}


async def mix_all(apis: Sequence[Api], books: Ledger) -> None:
    """A mixed load with repeated keys, overdrafts, new accounts and reads: exact sums, a clean doctor."""
    chance = random.Random(7)
    wallets = [await apis[0].wallet(symbol, balance="5") for symbol in ("GC", "DM", "LP") for _ in range(4)]
    posted: dict[str, Answer] = {}
    requests = [
        (f"mixed-{turn}", chance.choice(POSTINGS), chance.choice(wallets), chance.choice(["0.5", "1", "3.3333"]))
        for turn in range(250)
    ]
    sent = requests + chance.sample(requests, 100)
    chance.shuffle(sent)
    reads = [f"/accounts/{wallet.id}{path}" for wallet in wallets for path in ("", "/balance", "/ledger")]
    calls: list[Callable[[], Awaitable[Answer]]] = [
        partial(chance.choice(apis).posting, kind, wallet.body(much), key) for key, kind, wallet, much in sent
    ]
    calls += [partial(chance.choice(apis).get, path) for path in [*reads, "/transactions", "/asset-types", "/health"]]
    calls += [
        partial(chance.choice(apis).post, "/accounts", {"name": f"N{turn % 10}", "assetTypeId": wallets[0].asset}, key)
        for turn in range(20)
        for key in (f"account-{turn % 10}",)
    ]
    order = list(range(len(calls)))
    chance.shuffle(order)
    answers = await at_once([calls[place] for place in order])
    assert set(refusals(answers)) <= {(200, ""), (201, ""), (422, "insufficient_balance")}
    expected = {wallet.id: Decimal(5) for wallet in wallets}
    for place, answer in zip(order, answers, strict=True):
        if place >= len(sent) or answer.status != 201:
            continue
        key, kind, wallet, much = sent[place]
        if key in posted:
            assert answer.body == posted[key].body, "one key, one answer"
            continue
        posted[key] = answer
        expected[wallet.id] += -Decimal(much) if kind == "spend" else Decimal(much)
    assert {wallet.id: await wallet.balance() for wallet in wallets} == expected
    assert books.problems() == {}


SCENARIOS = [top_up_all, spend_all, mix_all]
Scenario = Callable[[Sequence[Api], Ledger], Awaitable[None]]


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_one_process(api: Api, books: Ledger, scenario: Scenario) -> None:
    """At 64 connections on one application."""
    await scenario([api], books)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_two_processes_on_one_database(
    start_service: StartService, seeded_url: str, books: Ledger, scenario: Scenario
) -> None:
    """At 64 connections on two `wallet serve` processes that share a database."""
    with start_service(seeded_url) as first, start_service(seeded_url) as second:
        async with (
            aiohttp.ClientSession(first.base_url, connector=aiohttp.TCPConnector(limit=0)) as one,
            aiohttp.ClientSession(second.base_url, connector=aiohttp.TCPConnector(limit=0)) as two,
        ):
            await scenario([Api(one), Api(two)], books)


async def test_a_batch_of_the_smallest_size(seeded_url: str, start_app: StartApp, books: Ledger) -> None:
    """batch_size=1: each posting in a transaction of its own, and still exact."""
    async with start_app(seeded_url, batch_size=1, pool_size=1) as session:
        await spend_all([Api(session)], books)


async def test_postings_by_sql_beside_the_service(api: Api, books: Ledger) -> None:
    """A job that posts by SQL while the service does: neither sees an error, and the sum is exact."""
    wallet = await api.wallet()

    def job() -> None:
        for _ in range(50):
            books.top_up(wallet.uuid, 1)

    answers, _ = await asyncio.gather(
        at_once([partial(api.posting, "top-up", wallet.body(1)) for _ in range(150)]), asyncio.to_thread(job)
    )
    assert refusals(answers) == {(201, ""): 150}
    assert await wallet.balance() == 200
    await check_chain(wallet, 200)
    assert books.problems() == {}
