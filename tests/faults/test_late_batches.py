"""A batch that was given up while it was on its way: it must not arrive after its callers were told something else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import msgspec
import psycopg
import pytest

from service import posting
from service.posting import PostingAnswer, PostingLane, PostingRequest
from service.refusals import is_unavailability
from tests.support.load import Wallet, find_wallets

pytestmark = pytest.mark.anyio

_DEADLINE_SECONDS = 30.0
_ARRIVAL_SECONDS = 0.5
_LOGIN = "late_batches_app"


class SlowRoad:
    """Passes a connection on to the server, and keeps the first message that has a marker in it until it is let go."""

    def __init__(self, host: str, port: int, marker: bytes) -> None:
        self._target = (host, port)
        self._marker: bytes | None = marker
        self._tasks: set[asyncio.Task[object]] = set()
        self.holds = asyncio.Event()
        self.let_go = asyncio.Event()
        self.arrived = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        from_server, to_server = await asyncio.open_connection(*self._target)

        async def back() -> None:
            while content := await from_server.read(65536):
                writer.write(content)

        answers = asyncio.create_task(back())
        try:
            with contextlib.suppress(OSError):
                while content := await reader.read(65536):
                    held = self._marker is not None and self._marker in content
                    if held:
                        self._marker = None
                        self.holds.set()
                        # The client may have gone meanwhile: what it sent is on its way all the same.
                        await self.let_go.wait()
                    to_server.write(content)
                    if held:
                        # The server answers what has arrived, or has closed the connection before.
                        await asyncio.wait([answers], timeout=_ARRIVAL_SECONDS)
                        self.arrived.set()
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            for one in (writer, to_server):
                one.close()
                with contextlib.suppress(OSError):
                    await one.wait_closed()

    async def close(self) -> None:
        """Wait until every client has gone and its connection is closed."""
        self.let_go.set()
        async with asyncio.timeout(_DEADLINE_SECONDS):
            await asyncio.gather(*self._tasks)


@pytest.fixture
def app_url(seeded_url: str) -> Iterator[str]:
    """The database for a login that may do what the service needs, and no more."""
    with psycopg.connect(seeded_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {_LOGIN} LOGIN IN ROLE wallet_service")
        yield seeded_url.replace("postgres@", f"{_LOGIN}@")
        connection.execute(f"DROP ROLE {_LOGIN}")


@asynccontextmanager
async def slow_road(url: str, marker: bytes) -> AsyncIterator[tuple[SlowRoad, str]]:
    """Put the road before the database; yield it and the URL that leads over it."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    road = SlowRoad(parts.hostname, parts.port, marker)
    server = await asyncio.start_server(road.serve, "127.0.0.1", 0)
    try:
        yield road, url.replace(f":{parts.port}/", f":{server.sockets[0].getsockname()[1]}/")
    finally:
        server.close()
        await road.close()


def request(wallet: Wallet, kind: str, amount: int, key: str) -> PostingRequest:
    """A posting to the wallet."""
    return PostingRequest(
        type=kind,
        idempotency_key=key,
        account_id=wallet.account_id,
        asset_type_id=wallet.asset_type_id,
        amount=str(amount),
        reference_id=None,
        description=None,
        metadata=msgspec.Raw(b"null"),
    )


async def post(lane: PostingLane, one: PostingRequest) -> PostingAnswer:
    """Post it alone."""
    (answer,) = await lane.post([one])
    assert isinstance(answer, PostingAnswer), answer
    return answer


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "side by side"])
async def test_a_batch_that_arrives_too_late(
    alone: bool, seeded_url: str, app_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503, sent again, refused for its balance: that is final, though the first one arrives when there is money."""
    wallet = find_wallets(seeded_url).wallets[0]
    async with slow_road(app_url, b"too-large") as (road, url):
        lane = PostingLane(url, alone=alone)
        try:
            spend = request(wallet, "SPEND", 1_000_000, "too-large")
            await post(lane, request(wallet, "TOP_UP", 1, "warm-up"))
            with monkeypatch.context() as patch:
                patch.setattr(posting, "ANSWER_TIMEOUT_SECONDS", 0.3)
                (given_up,) = await lane.post([spend])
            assert isinstance(given_up, Exception)
            assert is_unavailability(given_up)
            assert road.holds.is_set()
            assert (await post(lane, spend)).code == "insufficient_balance"
            assert (await post(lane, request(wallet, "TOP_UP", 2_000_000, "pay-day"))).outcome == "POSTED"
            road.let_go.set()
            async with asyncio.timeout(_DEADLINE_SECONDS):
                await road.arrived.wait()
        finally:
            await lane.close()
    with psycopg.connect(seeded_url) as connection:
        connection.execute("LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE")
        keys = connection.execute("SELECT idempotency_key FROM wallet.transactions WHERE type = 'SPEND'").fetchall()
    assert keys == []
