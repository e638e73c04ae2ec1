"""The event feed of real processes: writers of every kind at once, kills, several workers, the end of the service."""

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import psycopg
import pytest

from tests.conftest import StartService
from tests.http.api import Api, new_key
from tests.http.streams import Stream
from tests.support.events import check_complete
from tests.support.ledger import Ledger
from tests.support.process import ServiceProcess
from tests.support.session import LEVELS, retried

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def client_of(service: ServiceProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(service.base_url, connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


class Reader:
    """Follows the feed over HTTP, page by page or as a stream, and may stop at any moment: it keeps what it has."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.cursor = ""

    def take(self, event: Any) -> None:
        self.events.append(event)
        self.cursor = event["id"]

    async def stream(self, session: aiohttp.ClientSession) -> None:
        """Take what a stream gives until it ends, or breaks."""
        with contextlib.suppress(aiohttp.ClientError):
            async with Stream(session, last_event_id=self.cursor or None) as stream:
                async for event in stream.events():
                    self.take(event)

    async def poll(self, session: aiohttp.ClientSession, wait_seconds: int = 1) -> bool:
        """Take a page; whether there was nothing."""
        query = {"after": self.cursor, "waitSeconds": str(wait_seconds), "limit": "7"}
        page = (await Api(session).get("/events", query)).json
        for event in page["data"]:
            self.take(event)
        self.cursor = page["cursor"]
        return not page["data"] and not page["hasMore"]

    async def drain(self, session: aiohttp.ClientSession) -> None:
        """Take the rest."""
        while not await self.poll(session, 0):
            pass


async def write_over_http(session: aiohttp.ClientSession, seed: int, count: int) -> None:
    """Open wallets and post on them, with holds, refused requests and requests that are sent again."""
    choose = random.Random(seed)
    api = Api(session)
    wallets = [await api.wallet(symbol, "100") for symbol in ("GC", "DM")]
    for _ in range(count):
        wallet = choose.choice(wallets)
        match choose.randrange(5):
            case 0:
                hold = (await api.post("/holds", wallet.body("1"), new_key())).data["id"]
                await api.post(f"/holds/{hold}/{choose.choice(('void', 'capture'))}", {}, new_key())
            case 1:
                body, key = wallet.body("1"), new_key()
                await asyncio.gather(*(api.posting("bonus", body, key) for _ in range(3)))
            case 2:
                assert (await wallet.spend("10000")).status == 422
            case 3:
                body = {"reason": "a test", "name": new_key()}
                assert (await api.call("PATCH", f"/accounts/{wallet.id}", body)).status == 200
            case _:
                await asyncio.gather(*(wallet.top_up("1") for _ in range(3)))


def write_in_sql(url: str, seed: int, count: int) -> None:
    """Post from jobs, in transactions of several steps that are open for a while."""
    choose = random.Random(seed)
    with contextlib.closing(psycopg.connect(url, autocommit=True)) as connection:
        ledger = Ledger(connection)
        row = connection.execute("SELECT id FROM wallet.asset_types WHERE symbol = 'LP'").fetchone()
        assert row is not None
        wallet = ledger.create_wallet(row[0])

        def transact() -> None:
            level = choose.choice(LEVELS)
            try:
                connection.execute(f"BEGIN ISOLATION LEVEL {level}".encode())
                ledger.top_up(wallet, 2)
                connection.execute("SELECT pg_sleep(%s)", [choose.random() / 50])
                ledger.spend(wallet, 1)
                connection.execute(choose.choice(("COMMIT", "COMMIT", "ROLLBACK")).encode())
            except psycopg.Error:
                connection.execute("ROLLBACK")
                raise

        for _ in range(count):
            retried(transact)


@pytest.mark.parametrize(
    "settings", [{}, {"LANES": "3"}, {"WORKERS": "2"}], ids=["one lane", "three lanes", "two workers"]
)
async def test_random_histories(
    start_service: StartService, seeded_url: str, books: Ledger, settings: dict[str, str]
) -> None:
    """Writers over HTTP and from SQL at once; a stream, and a reader that polls: both have all of it, in order."""
    with start_service(seeded_url, **settings) as service:
        async with client_of(service) as session:
            streaming, polling = Reader(), Reader()
            stream = asyncio.ensure_future(streaming.stream(session))
            writers = asyncio.gather(
                *(write_over_http(session, seed, 12) for seed in range(4)),
                *(asyncio.to_thread(write_in_sql, seeded_url, seed, 12) for seed in range(2)),
            )
            while not writers.done():
                await polling.poll(session)
            await writers
            await polling.drain(session)
            service.send_signal(signal.SIGTERM)
            await stream
            assert await asyncio.to_thread(service.wait) == 0
        # The stream had no less time than the other: what it has not been sent, it would come back for.
        with start_service(seeded_url) as again:
            async with client_of(again) as session:
                await streaming.drain(session)
    for reader in (streaming, polling):
        check_complete(books.connection, reader.events)
    assert streaming.events == polling.events
    assert books.problems() == {}


async def test_a_killed_service_loses_no_event(start_service: StartService, seeded_url: str, books: Ledger) -> None:
    """SIGKILL under load, twice, with a stream open: its reader comes back with the last id it has seen."""
    reader = Reader()
    for seed in range(2):
        with start_service(seeded_url) as service:
            async with client_of(service) as session:
                stream = asyncio.ensure_future(reader.stream(session))
                writer = asyncio.ensure_future(write_over_http(session, seed, 1000))
                seen = len(reader.events)
                while len(reader.events) < seen + 40:
                    assert not writer.done()
                    await asyncio.sleep(0.01)
                service.send_signal(signal.SIGKILL)
                await asyncio.to_thread(service.wait)
                with pytest.raises((aiohttp.ClientError, OSError)):
                    await writer
                await stream
    with start_service(seeded_url) as service:
        async with client_of(service) as session:
            await reader.drain(session)
    check_complete(books.connection, reader.events)


async def test_the_end_of_the_service_ends_streams_and_waiting(start_service: StartService, seeded_url: str) -> None:
    """SIGTERM: streams end whole, who waits gets the answer there is, at once, and the exit code is 0."""
    with start_service(seeded_url) as service:
        async with client_of(service) as session, contextlib.AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(Stream(session, after="now")) for _ in range(5)]
            for stream in streams:
                await stream.opened()
            cursor = streams[0].last_event_id
            waiting = [
                asyncio.ensure_future(Api(session).get("/events", {"after": str(cursor), "waitSeconds": "30"}))
                for _ in range(5)
            ]
            # An event for all of them, so that they are known to wait.
            wallet = await Api(session).wallet()
            opened = [(await one).data[0]["id"] for one in waiting]
            assert len(set(opened)) == 1
            waiting = [
                asyncio.ensure_future(Api(session).get("/events", {"after": opened[0], "waitSeconds": "30"}))
                for _ in range(5)
            ]
            for stream in streams:
                assert [one["id"] for one in await stream.take(1)] == opened[:1]
            async with asyncio.timeout(15):
                service.send_signal(signal.SIGTERM)
                for stream in streams:
                    assert all(not one.data for one in await stream.rest()), "it ends, and is not broken off"
                for one in waiting:
                    assert (await one).data == []
                assert await asyncio.to_thread(service.wait) == 0
            assert wallet.id
    assert "Traceback" not in service.log.read_text()
