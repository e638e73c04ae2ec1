"""Requests that are sent again: after lost answers, silence and 503, and never beyond the deadline."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from decimal import Decimal

import httpx2
import pytest

from tests.client.conftest import OpenClient, Service
from tests.client.flavours import Client
from tests.conftest import Connect, StartService
from tests.http.proxy import Proxy, ends_http_reply, proxied
from tests.http.waiting import until
from tests.support.ledger import Ledger
from wallet_client import Account, AssetType, Refused, Unanswered, Wallet, postings
from wallet_client.calls.transactions import post_batch
from wallet_client.exchange import Lost, Pause, Reply, Request, Retry, ask

pytestmark = pytest.mark.anyio


@pytest.fixture
async def proxy(service: Service) -> AsyncIterator[tuple[Proxy, str]]:
    """A way to the service that can be cut."""
    async with proxied(service.url, ends_http_reply) as found:
        yield found


@pytest.mark.parametrize("silently", [False, True], ids=["cut", "silence"])
async def test_a_lost_answer_is_asked_for_again(
    proxy: tuple[Proxy, str],
    open_client: OpenClient,
    gold: AssetType,
    alice: Account,
    books: Ledger,
    silently: bool,
) -> None:
    """The posting was committed, its answer lost: the second try has the same key, so it is posted exactly once."""
    way, url = proxy
    before = books.counts()["transactions"]
    async with open_client(url, timeout_seconds=2.0) as client:
        way.withhold_reply_to(b"POST /api/v1/transactions/spend", silently=silently)
        made = await client.call("spend", alice.id, gold.id, 30)
    assert way.cuts == 1
    assert (made.amount, made.replayed) == (30, True)
    assert books.counts()["transactions"] == before + 1
    assert books.balance(alice.id) == 70


async def test_a_batch_and_an_account_too(
    proxy: tuple[Proxy, str], open_client: OpenClient, gold: AssetType, alice: Account, books: Ledger
) -> None:
    """Whatever is made has a key: nothing is made twice."""
    way, url = proxy
    before = books.counts()
    async with open_client(url) as client:
        way.withhold_reply_to(b"POST /api/v1/transactions/batch")
        answers = await client.call("post_batch", [postings.spend(alice.id, gold.id, 1) for _ in range(3)])
        way.withhold_reply_to(b"POST /api/v1/accounts")
        account = await client.call("create_account", "Dora", gold.id)
        way.withhold_reply_to(b"GET /api/v1/accounts/")
        assert (await client.call("get_account", account.id)).name == "Dora"
    assert way.cuts == 3
    assert [one.posted.replayed for one in answers] == [True] * 3
    assert account.replayed
    after = books.counts()
    assert after["transactions"] - before["transactions"] == 3
    assert after["accounts"] - before["accounts"] == 1


async def test_a_queue_that_is_full(
    start_service: StartService, seeded_url: str, open_client: OpenClient, connect: Connect
) -> None:
    """503 with Retry-After: the postings are sent again, with their keys, until there is room."""
    books = Ledger(connect(seeded_url))
    row = books.connection.execute(
        "SELECT id, asset_type_id FROM wallet.accounts WHERE external_id = 'USER_ALICE_GC'"
    ).fetchone()
    assert row is not None
    gate = connect(seeded_url)
    gate.execute("BEGIN")
    gate.execute("LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE")
    with start_service(seeded_url, QUEUE_SIZE="1") as service:
        async with open_client(f"{service.base_url}/api/v1") as client:
            calls = [asyncio.ensure_future(client.call("top_up", *row, 1)) for _ in range(4)]

            async def turned_away() -> bool:
                return client.statuses.count(503) >= 2

            await until(turned_away, "postings are turned away")
            gate.execute("COMMIT")
            made = await asyncio.gather(*calls)
    assert [one.replayed for one in made] == [False] * 4
    assert {one.idempotency_key for one in made} == _keys(client)
    assert books.balance(row[0]) == Decimal(1004)


def _keys(client: Client) -> set[str]:
    return {request.headers["Idempotency-Key"] for request in client.requests}


async def test_nobody_there(open_client: OpenClient, gold: AssetType) -> None:
    """After the deadline, an exception with the key: whether anything was posted is not known."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with open_client(f"http://127.0.0.1:{unused.getsockname()[1]}/api/v1", deadline_seconds=0.5) as client:
            with pytest.raises(Unanswered) as unanswered:
                await client.call("spend", gold.id, gold.id, 1, key="lost-1")
    assert unanswered.value.idempotency_key == "lost-1"
    assert "attempts (idempotency key lost-1)" in str(unanswered.value)


async def test_somebody_else_there(service: Service, open_client: OpenClient) -> None:
    """An answer that is no wallet's is told at once, and what cannot be sent is not tried again."""
    root = service.url.removesuffix("/api/v1")
    server = await asyncio.start_server(_greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_client(f"http://127.0.0.1:{port}/api/v1") as client:
        with pytest.raises(Unanswered, match="is the URL right"):
            await client.call("list_asset_types")
        assert client.statuses == [200]
    async with open_client(root) as client:
        with pytest.raises(Refused, match="route_not_found"):
            await client.call("list_asset_types")
    async with open_client("ftp://127.0.0.1") as client:
        with pytest.raises(httpx2.UnsupportedProtocol):
            await client.call("list_asset_types")


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
    await writer.drain()
    writer.close()


def test_a_client_of_its_own(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a client of the caller's it makes one, and closes it."""
    monkeypatch.setenv("NO_PROXY", "*")
    with Wallet(service.url + "/") as wallet:
        assert [asset.symbol for asset in wallet.list_asset_types()] == ["DM", "GC", "LP"]
    with pytest.raises(RuntimeError, match="closed"):
        wallet.list_asset_types()


# --- the rules, without a socket

GOOD = Reply(200, {}, b'{"success":true,"data":[]}')


class Clock:
    """A clock that goes only when it is told to; pauses are at their longest."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("wallet_client.exchange.time.monotonic", lambda: self.now)
        monkeypatch.setattr("wallet_client.exchange.random.uniform", lambda low, high: high)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def pauses(clock: Clock, reply: Reply | Lost, retry: Retry) -> tuple[list[float], list[Request], str]:
    """Answer all attempts alike; give the pauses between them, the attempts, and how it ended."""
    steps = ask(retry, "POST", "/x", body={"a": Decimal("0.10")}, key="k")
    found: list[float] = []
    sent: list[Request] = []
    step = next(steps)
    try:
        while True:
            if isinstance(step, Pause):
                found.append(step.seconds)
                clock.now += step.seconds
                step = steps.send(None)
            else:
                sent.append(step)
                step = steps.send(reply)
    except Unanswered as error:
        return found, sent, str(error)


def test_pauses_grow_to_a_bound(clock: Clock) -> None:
    """Twice as long each time, 10 seconds at most, random below that; not one attempt after the deadline."""
    found, sent, reason = pauses(clock, Lost("Gone"), Retry(20.0, 60.0))
    assert found == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10, 10, 10])
    assert len(sent) == 11
    assert reason == "Gone, after 11 attempts (idempotency key k)"
    assert {(one.headers["Idempotency-Key"], one.content) for one in sent} == {("k", b'{"a":0.10}')}
    assert clock.now < 1060


def test_retry_after_comes_on_top(clock: Clock) -> None:
    """What the service asks for is kept, then everybody waits a random while, so that they do not all come at once."""
    found, _, reason = pauses(clock, Reply(503, {"retry-after": "7"}, b""), Retry(20.0, 30.0))
    assert found == pytest.approx([7.2, 7.4, 7.8])
    assert reason.startswith("The wallet is unavailable (HTTP 503), after 4 attempts")
    found, _, _ = pauses(clock, Reply(502, {"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, b""), Retry(20.0, 1.0))
    assert found == pytest.approx([0.2, 0.4])


def test_an_attempt_waits_no_longer_than_the_call(clock: Clock) -> None:
    """The timeout of each attempt ends at the deadline."""
    _, sent, _ = pauses(clock, Lost("Gone"), Retry(3.0, 4.0))
    assert [one.timeout_seconds for one in sent] == pytest.approx([3.0, 3.0, 3.0, 2.6, 1.0])


def test_items_that_had_no_answer_are_sent_again(clock: Clock) -> None:
    """Only those, under their keys; when the time is over they are told as they are."""
    drafts = [postings.void("hold", key=key) for key in "abc"]
    steps = post_batch(Retry(1.0, 5.0), drafts)
    sent: list[list[str]] = []
    unavailable = {"status": 503, "body": {"success": False, "error": "Not now.", "code": "unavailable"}}
    refused = {"status": 422, "body": {"success": False, "error": "Gone.", "code": "hold_voided"}}
    step = next(steps)
    try:
        while True:
            if isinstance(step, Pause):
                clock.now += step.seconds
                step = steps.send(None)
            else:
                assert step.content is not None
                sent.append([item["idempotencyKey"] for item in json.loads(step.content)["items"]])
                items = [refused if key == "b" else unavailable for key in sent[-1]]
                step = steps.send(Reply(207, {}, json.dumps({"success": True, "data": items}).encode()))
    except StopIteration as end:
        codes = [answer.refusal.code for answer in end.value]
    assert sent == [["a", "b", "c"], *[["a", "c"]] * 4]
    assert codes == ["unavailable", "hold_voided", "unavailable"]


@pytest.mark.parametrize("status", [400, 404, 409, 422, 500])
def test_other_refusals_are_not_sent_again(status: int) -> None:
    """They are answers."""
    steps = ask(Retry(1.0, 60.0), "GET", "/x")
    next(steps)
    with pytest.raises(Refused) as refused:
        steps.send(Reply(status, {"x-request-id": "r"}, b'{"success":false,"error":"No.","code":"c","new":1}'))
    assert (refused.value.status, refused.value.request_id) == (status, "r")
