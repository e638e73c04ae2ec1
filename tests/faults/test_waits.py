"""What waits in a queue, and a batch that is away, have an end; what was given up is not sent."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest

from service import batching, posting
from service.batching import Batcher
from service.posting import PostingLane, PostingRequest
from service.refusals import Refusal, is_unavailability
from tests.faults.postmaster import Postmaster
from tests.support.load import find_wallets

pytestmark = pytest.mark.anyio

_DEADLINE_SECONDS = 20.0


class Slow:
    """A place to send batches to that answers when it is told to, and remembers what it was sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.busy = asyncio.Event()
        self.open = asyncio.Event()

    async def send(self, requests: Sequence[str]) -> Sequence[str | Exception]:
        """Remember, wait, answer."""
        self.sent += requests
        self.busy.set()
        await self.open.wait()
        return [one.upper() for one in requests]


@asynccontextmanager
async def batcher_to(
    send: Callable[[Sequence[str]], Awaitable[Sequence[str | Exception]]],
) -> AsyncIterator[Batcher[str, str]]:
    """A batcher that takes five at a time; up to three wait."""
    batcher: Batcher[str, str] = Batcher("test", send, 5, 3)
    yield batcher
    async with asyncio.timeout(_DEADLINE_SECONDS):
        await batcher.close()


async def test_what_waits_too_long_is_refused_and_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch that is away is still waited for; those behind it get 503; then there is room for others."""
    monkeypatch.setattr(batching, "WAIT_SECONDS_MAX", 0.05)
    slow = Slow()
    async with batcher_to(slow.send) as batcher:
        first = asyncio.create_task(batcher.submit("first"))
        await slow.busy.wait()
        for _ in range(2):
            async with asyncio.timeout(_DEADLINE_SECONDS):
                late = await asyncio.gather(*(batcher.submit(f"late {n}") for n in range(3)), return_exceptions=True)
            assert [one.code for one in late if isinstance(one, Refusal)] == ["unavailable"] * 3
        assert not first.done()
        monkeypatch.setattr(batching, "WAIT_SECONDS_MAX", 60)
        last = asyncio.create_task(batcher.submit("last"))
        await asyncio.sleep(0)
        slow.open.set()
        assert (await first, await last) == ("FIRST", "LAST")
    assert slow.sent == ["first", "last"]


async def test_each_waits_from_its_own_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who came later is refused later, by the one timer, though nobody comes after."""
    monkeypatch.setattr(batching, "WAIT_SECONDS_MAX", 0.2)
    slow = Slow()
    waited: list[float] = []

    async def wait_in_vain(batcher: Batcher[str, str]) -> None:
        came = time.monotonic()
        with pytest.raises(Refusal):
            await batcher.submit("late")
        waited.append(time.monotonic() - came)

    async with batcher_to(slow.send) as batcher:
        away = asyncio.create_task(batcher.submit("away"))
        await slow.busy.wait()
        early = asyncio.create_task(wait_in_vain(batcher))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(_DEADLINE_SECONDS):
            await asyncio.gather(early, wait_in_vain(batcher))
        assert len(waited) == 2
        assert all(seconds >= 0.19 for seconds in waited), waited
        slow.open.set()
        await away


async def test_what_nobody_waits_for_is_not_sent() -> None:
    """A caller that has gone while its request waited: the request is dropped."""
    slow = Slow()
    async with batcher_to(slow.send) as batcher:
        first = asyncio.create_task(batcher.submit("first"))
        await slow.busy.wait()
        gone, stays = (asyncio.create_task(batcher.submit(name)) for name in ("gone", "stays"))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        slow.open.set()
        assert (await first, await stays) == ("FIRST", "STAYS")
    assert slow.sent == ["first", "stays"]


async def test_a_batch_ends_in_time_on_a_frozen_server(
    postmaster: Postmaster, own_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line is cut and the callers are told, with no wait for a server that cannot say yes or no."""
    keys = itertools.count(1)
    wallet = find_wallets(own_url).wallets[0]

    def request() -> PostingRequest:
        return PostingRequest(
            type="TOP_UP",
            idempotency_key=f"frozen-{next(keys)}",
            account_id=wallet.account_id,
            asset_type_id=wallet.asset_type_id,
            amount="1",
            reference_id=None,
            description=None,
            metadata=msgspec.Raw(b"null"),
        )

    lane = PostingLane(own_url)
    try:
        (answer,) = await lane.post([request()])
        assert isinstance(answer, posting.PostingAnswer)
        monkeypatch.setattr(posting, "ANSWER_TIMEOUT_SECONDS", 0.3)
        postmaster.freeze()
        try:
            for _ in range(2):  # on the connection there was, then without one
                started = time.monotonic()
                async with asyncio.timeout(_DEADLINE_SECONDS):
                    (error,) = await lane.post([request()])
                assert isinstance(error, Exception)
                assert is_unavailability(error)
                assert time.monotonic() - started < 4, "psycopg was waited for"
        finally:
            postmaster.thaw()
        monkeypatch.undo()
        (answer,) = await lane.post([request()])
        assert isinstance(answer, posting.PostingAnswer)
        assert answer.outcome == "POSTED"
    finally:
        await lane.close()
