"""Everything a caller can make big or slow has a bound: tried at the bound and one beyond, over real HTTP.

What a wrong size is refused with is one thing; that the service goes on for everybody else is the other.
"""

import asyncio
import contextlib
import json
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from psycopg import sql

from service.cli.serve import allow_open_files
from service.http import bodies, server
from service.http.bodies import BODY_SIZE_BYTES_MAX
from service.http.handlers.batches import BATCH_BODY_SIZE_BYTES_MAX
from service.http.metadata import METADATA_DEPTH_MAX
from service.http.postings import ITEMS_MAX
from service.http.queries import LIMIT_MAX
from service.http.server import HEADER_SIZE_BYTES_MAX, HEADERS_MAX, TARGET_SIZE_BYTES_MAX
from tests.conftest import StartApp, StartService
from tests.http.api import PREFIX, Api, Wallet, check_envelope, exchange, new_key
from tests.http.batches import item, send
from tests.http.waiting import until
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

Refused = tuple[int, str]
GOOD: Refused = (200, "")
MADE: Refused = (201, "")
INVALID: Refused = (400, "validation_failed")
TOO_LARGE: Refused = (413, "body_too_large")


def test_the_documented_numbers() -> None:
    """A bound that moves is a change that callers must hear of."""
    assert (TARGET_SIZE_BYTES_MAX, HEADER_SIZE_BYTES_MAX, HEADERS_MAX) == (8192, 32_768, 64)
    assert (BODY_SIZE_BYTES_MAX, BATCH_BODY_SIZE_BYTES_MAX, ITEMS_MAX) == (65_536, 2_097_152, 1_000)
    assert (METADATA_DEPTH_MAX, LIMIT_MAX) == (32, 100)
    assert (server.IDLE_SECONDS_MAX, server.READING_SECONDS_MAX, bodies.BODY_TIMEOUT_SECONDS) == (75, 60, 30)


# --- the head


async def raw_status(api: Api, target: str, headers: list[str]) -> Refused:
    """Send a head as it stands; check the envelope; give status and code."""
    lines = [f"GET {target} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""]
    status, answer_headers, body = await exchange(api.address, "\r\n".join(lines).encode())
    check_envelope(status, answer_headers["content-type"], body)
    return status, json.loads(body).get("code", "")


@pytest.mark.parametrize(("beyond", "refused"), [(0, GOOD), (1, INVALID)])
async def test_path_and_query(api: Api, beyond: int, refused: Refused) -> None:
    target = f"{PREFIX}/asset-types?x="
    target += "x" * (TARGET_SIZE_BYTES_MAX - len(target) + beyond)
    assert await raw_status(api, target, []) == refused


@pytest.mark.parametrize(("beyond", "refused"), [(0, GOOD), (1, INVALID)])
async def test_a_header(api: Api, beyond: int, refused: Refused) -> None:
    value = "x" * (HEADER_SIZE_BYTES_MAX + beyond)
    assert await raw_status(api, f"{PREFIX}/asset-types", [f"X-Long: {value}"]) == refused


@pytest.mark.parametrize(("beyond", "refused"), [(0, GOOD), (1, INVALID)])
async def test_the_number_of_headers(api: Api, beyond: int, refused: Refused) -> None:
    # Two are there already.
    headers = [f"X-Many-{number}: y" for number in range(HEADERS_MAX - 2 + beyond)]
    assert await raw_status(api, f"{PREFIX}/asset-types", headers) == refused


@pytest.mark.parametrize(("size", "refused"), [(255, MADE), (256, (400, "idempotency_key_missing"))])
async def test_the_key(api: Api, size: int, refused: Refused) -> None:
    wallet = await api.wallet()
    assert (await wallet.top_up("1", "k" * size)).refused == refused


# --- the body


@pytest.mark.parametrize(("beyond", "refused"), [(0, MADE), (1, TOO_LARGE)])
async def test_a_body(api: Api, beyond: int, refused: Refused) -> None:
    body = (await api.wallet()).raw("1")
    padding = b" " * (BODY_SIZE_BYTES_MAX - len(body) + beyond)
    assert (await api.posting_raw("top-up", body + padding)).refused == refused


@pytest.mark.parametrize(("beyond", "refused"), [(0, (207, "")), (1, TOO_LARGE)])
async def test_the_body_of_a_batch(api: Api, beyond: int, refused: Refused) -> None:
    body = json.dumps({"items": [item(await api.wallet())]}).encode()
    answer = await send(api, body + b" " * (BATCH_BODY_SIZE_BYTES_MAX - len(body) + beyond))
    assert answer.refused == refused


@pytest.mark.parametrize(("beyond", "status"), [(0, 201), (1, 413)])
async def test_an_item_of_a_batch(api: Api, beyond: int, status: int) -> None:
    content = json.dumps(item(await api.wallet())).encode()
    padding = b" " * (BODY_SIZE_BYTES_MAX - len(content) + beyond)
    answer = await send(api, b'{"items":[' + content[:-1] + padding + b"}]}")
    assert [one["status"] for one in answer.json["data"]] == [status]


@pytest.mark.parametrize(
    ("count", "refused"), [(1, (207, "")), (ITEMS_MAX, (207, "")), (ITEMS_MAX + 1, INVALID), (0, INVALID)]
)
async def test_items_of_a_batch(api: Api, count: int, refused: Refused) -> None:
    wallet = await api.wallet()
    assert (await send(api, {"items": [item(wallet) for _ in range(count)]})).refused == refused


@pytest.mark.parametrize("field", ["name", "externalId", "email"])
async def test_texts_of_an_account(api: Api, field: str) -> None:
    longest = 320 if field == "email" else 255
    body = {"name": "x", "assetTypeId": await api.asset()}
    for size, refused in ((longest, MADE), (longest + 1, INVALID)):
        assert (await api.post("/accounts", {**body, field: "é" * size})).refused == refused, size


def nested(levels: int) -> dict[str, object]:
    value: object = 1
    for _ in range(levels - 1):
        value = [value]
    return {"a": value}


@pytest.mark.parametrize(("beyond", "refused"), [(0, MADE), (1, INVALID)])
async def test_the_depth_of_metadata(api: Api, beyond: int, refused: Refused) -> None:
    wallet = await api.wallet()
    assert (await wallet.top_up("1", metadata=nested(METADATA_DEPTH_MAX + beyond))).refused == refused


@pytest.mark.parametrize(("digits", "refused"), [(300, MADE), (301, INVALID)])
async def test_a_number_in_metadata(api: Api, digits: int, refused: Refused) -> None:
    body = (await api.wallet()).raw("1", f',"metadata":{{"n":{"9" * digits}}}')
    assert (await api.posting_raw("top-up", body)).refused == refused


@pytest.mark.parametrize(
    ("amount", "refused"), [("9" * 14 + ".9999", MADE), ("1" + "0" * 14, INVALID), ("0.00001", INVALID)]
)
async def test_an_amount(api: Api, amount: str, refused: Refused) -> None:
    assert (await (await api.wallet()).top_up(amount)).refused == refused


# --- what is given back


@pytest.mark.parametrize(("limit", "count"), [(100, 100), (101, 100), (10**30, 100)])
async def test_a_page(api: Api, books: Ledger, limit: int, count: int) -> None:
    wallet = await api.wallet()
    await send(api, {"items": [item(wallet) for _ in range(102)]})
    for path in ("/transactions", f"/accounts/{wallet.id}/ledger"):
        answer = await api.get(path, {"limit": str(limit)})
        assert (len(answer.json["data"]), answer.json["pagination"]["limit"]) == (count, 100)


# --- connections


Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(api: Api, count: int = 1) -> AsyncIterator[list[Line]]:
    """Open so many connections; close them all at the end."""
    opened = [await asyncio.open_connection(*api.address) for _ in range(count)]
    try:
        yield opened
    finally:
        for _, writer in opened:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


HEALTH = f"GET {PREFIX}/health HTTP/1.1\r\nHost: x\r\n\r\n".encode()


async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    """Send a request on an open connection; give the status."""
    writer.write(HEALTH)
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
    return int(head.split(b" ")[1])


async def has_room(api: Api) -> bool:
    """Whether one more connection is served."""
    async with connected(api) as [line]:
        try:
            return await answered(*line) == 200
        except (asyncio.IncompleteReadError, ConnectionError):
            return False


async def test_connections(seeded_url: str, start_app: StartApp) -> None:
    """One more is told 503 in the envelope, unasked, and closed; those that are open go on; a closed one makes room."""
    async with start_app(seeded_url, http_connections=3) as session:
        api = Api(session)
        async with connected(api, 3) as opened:
            for reader, writer in opened:
                assert await answered(reader, writer) == 200
            async with connected(api) as [(reader, _)], asyncio.timeout(20):
                said = await reader.read()
            head, _, body = said.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 ")
            headers = {line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
            assert {b"retry-after", b"x-request-id", b"connection", b"content-length"} <= headers
            check_envelope(503, "application/json; charset=utf-8", body)
            assert json.loads(body)["code"] == "unavailable"
            for pair in opened:
                assert await answered(*pair) == 200
            opened[0][1].close()

            await until(lambda: has_room(api), "a connection that is closed makes room")


def test_each_connection_may_have_its_file() -> None:
    """A process that begins with few files raises its own limit, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        allow_open_files(200)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (256, hard)
        allow_open_files(300)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (300, hard)
        if hard != resource.RLIM_INFINITY:
            allow_open_files(hard + 1)
            assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_the_process_takes_its_limit_from_the_setting(seeded_url: str, start_service: StartService) -> None:
    with start_service(seeded_url, HTTP_CONNECTIONS="2") as service:
        async with aiohttp.ClientSession(service.base_url) as session, connected(Api(session), 2) as opened:
            for pair in opened:
                assert await answered(*pair) == 200
            async with connected(Api(session)) as [(reader, _)], asyncio.timeout(20):
                assert (await reader.read()).startswith(b"HTTP/1.1 503 ")


# --- slow callers

SHORT_SECONDS = 0.4


@asynccontextmanager
async def dripping(writer: asyncio.StreamWriter | None) -> AsyncIterator[None]:
    """Meanwhile send a byte now and then, unless there is no writer."""

    async def drip() -> None:
        while writer is not None and not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(SHORT_SECONDS / 10)

    task = asyncio.create_task(drip())
    try:
        yield
    finally:
        task.cancel()


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """Read on until the service closes the connection; give what it said."""
    async with asyncio.timeout(20):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


@pytest.mark.parametrize(
    "said", [b"", b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Slow: "], ids=["silent", "half a head"]
)
@pytest.mark.parametrize("after", [0, 1], ids=["at once", "after an answer"])
async def test_a_slow_head(
    seeded_url: str, start_app: StartApp, monkeypatch: pytest.MonkeyPatch, said: bytes, after: int
) -> None:
    """A connection without a whole head is closed, however often a byte comes; another is served meanwhile."""
    monkeypatch.setattr(server, "IDLE_SECONDS_MAX", SHORT_SECONDS)
    async with start_app(seeded_url) as session:
        api = Api(session)
        async with connected(api) as [(reader, writer)]:
            for _ in range(after):
                assert await answered(reader, writer) == 200
            writer.write(said)
            async with dripping(writer if said else None):
                assert await until_closed(reader) == b""
        assert (await api.get("/health")).status == 200


async def test_a_slow_body(
    seeded_url: str, start_app: StartApp, monkeypatch: pytest.MonkeyPatch, books: Ledger
) -> None:
    """408 when it does not arrive in time, however often a byte comes; nothing is posted."""
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_SECONDS", SHORT_SECONDS)
    async with start_app(seeded_url) as session:
        api = Api(session)
        wallet = await api.wallet()
        before = books.state()
        head = f"POST {PREFIX}/transactions/top-up HTTP/1.1\r\nHost: x\r\nIdempotency-Key: {new_key()}\r\n"
        async with connected(api) as [(reader, writer)]:
            writer.write(f"{head}Content-Length: 60000\r\n\r\n".encode() + wallet.raw("1"))
            async with dripping(writer), asyncio.timeout(20):
                answer = await reader.readuntil(b"}")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"request_timeout" in answer
        assert books.state() == before


async def large_answer(api: Api, books: Ledger) -> tuple[Wallet, str]:
    """Post what makes a page larger than what the two sockets' buffers hold; give the wallet and the page's path."""
    wallet = await api.wallet()
    books.connection.execute(
        sql.SQL(
            "SELECT count(*) FROM generate_series(1, 100) AS n, LATERAL wallet.top_up("
            "{}, {}, 1, 'large-' || n, NULL, repeat('x', 60000)) AS t"
        ).format(wallet.uuid, wallet.asset)
    )
    return wallet, f"{PREFIX}/transactions?accountId={wallet.id}&limit=100"


async def test_a_slow_reader(
    seeded_url: str, start_app: StartApp, monkeypatch: pytest.MonkeyPatch, books: Ledger
) -> None:
    """Who does not read the answer loses the connection, not the service its memory; others are served meanwhile."""
    monkeypatch.setattr(server, "READING_SECONDS_MAX", SHORT_SECONDS)
    async with start_app(seeded_url, http_connections=2) as session:
        api = Api(session)
        _, path = await large_answer(api, books)
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(slow, api.address)
            await loop.sock_sendall(slow, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

            # The session holds one of the two connections; a third is served when the slow one is gone.
            assert not await has_room(api)
            assert (await api.get("/health")).status == 200
            await until(lambda: has_room(api), "the connection of the slow reader is given up")
        # Who reads gets it all, more than the buffers hold.
        answer = await api.get(path.removeprefix(PREFIX))
        assert len(answer.body) > 6_000_000
        assert len(answer.json["data"]) == 100
