"""The background work: finding webhooks with something to send, sending it, and having noted what came of it.

Any number of processes may do this on one database. For a webhook it is one at a time: the one that has its lease, a
row that ends by itself. The state moves in the database after the receiver's answer, so whoever dies at any moment
loses nothing; what it had sent and not noted is sent again.
"""

import asyncio
import base64
import logging
import uuid
from collections.abc import Sequence
from typing import Final

import msgspec

from service.database import Pool, borrow
from service.refusals import is_unavailability
from service.webhooks.sending import Attempt, Sender

#: How often the database is asked whether there is something to send.
POLL_SECONDS: Final = 0.5

#: Webhooks that a process sends for at once.
LEASES_MAX: Final = 50

#: Connections to receivers that a process has open, at most: ten new events and five retries at once for each.
CONNECTIONS_MAX: Final = LEASES_MAX * 15

#: For how long a process sends for one webhook before it looks whether another has waited longer.
TURN_SECONDS: Final = 30

#: What was sent is noted within this time, or sent again by whoever comes next: less than the 60 seconds of a lease, of
#: which an attempt may have taken 16.
NOTING_SECONDS_MAX: Final = 40

#: How long deliveries may still take once the process is told to stop.
STOP_SECONDS: Final = 5

_PRUNE_SECONDS: Final = 60
_PRUNE_COUNT_MAX: Final = 1_000
_AWAY_SECONDS: Final = 1

_log = logging.getLogger("wallet.webhooks")


class _Message(msgspec.Struct, rename="camel"):
    """What is sent."""

    event_id: str
    event: msgspec.Raw


class _Retry(_Message):
    """A delivery that was put aside and is due."""

    delivery_id: str


class _Event(_Message):
    """An event of the feed, and the wallets it is about."""

    wallet_ids: list[str]


class _Work(msgspec.Struct, rename="camel"):
    """What to send next, where to, and the cursor after all of it; None: events wait until others are through."""

    url: str
    secrets: list[str]
    retries: list[_Retry]
    events: list[_Event]
    cursor: str | None


class _Result(msgspec.Struct, omit_defaults=True):
    """What came of an attempt, for the database."""

    status: int | None
    error: str | None
    delivery_id: str | None = None
    event: msgspec.Raw | None = None


_WORK: Final[msgspec.json.Decoder[_Work | None]] = msgspec.json.Decoder(_Work | None)


class Deliverer:
    """Sends what is to be sent, from `start` to `close`.

    Args:
        pool: connections to the database, as the service's role.
        sender: sends one event; is closed with this.
    """

    def __init__(self, pool: Pool, sender: Sender) -> None:
        self._pool = pool
        self._sender = sender
        self._turns: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._stop_at = 0.0

    def start(self) -> None:
        """Begins to look for work."""
        self._loop = asyncio.create_task(self._look())

    def stop(self) -> None:
        """Takes nothing new. What is being sent goes on, until `close`, for up to `STOP_SECONDS`."""
        if not self._stopping.is_set():
            self._stop_at = asyncio.get_running_loop().time() + STOP_SECONDS
            self._stopping.set()
            _log.info("no more deliveries are begun; those under way are finished")

    async def close(self) -> None:
        """Waits for what is being sent, breaks off what takes too long (it is sent again by others), and ends."""
        self.stop()
        tasks = {self._loop, *self._turns}
        await asyncio.wait(tasks, timeout=max(0.0, self._stop_at - asyncio.get_running_loop().time()))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sender.close()

    async def _look(self) -> None:
        prune_at = 0.0
        has_failed = False
        while not self._stopping.is_set():
            try:
                await self._lease()
                if asyncio.get_running_loop().time() >= prune_at:
                    await self._prune()
                    prune_at = asyncio.get_running_loop().time() + _PRUNE_SECONDS
                has_failed = False
            except Exception as error:
                # Once, not twice a second.
                if not has_failed and is_unavailability(error):
                    _log.warning("the database is not available; deliveries wait")
                elif not has_failed:
                    _log.error("looking for deliveries failed; it is tried again and again", exc_info=error)
                has_failed = True
            await self._pause(POLL_SECONDS)

    async def _lease(self) -> None:
        free = LEASES_MAX - len(self._turns)
        if free <= 0:
            return
        async with borrow(self._pool) as connection:
            cursor = await connection.execute("SELECT id, lease_number FROM wallet.lease_webhooks(%s)", [free])
            for webhook_id, lease_number in await cursor.fetchall():
                turn = asyncio.create_task(self._turn(webhook_id, lease_number))
                self._turns.add(turn)
                turn.add_done_callback(self._turns.discard)

    async def _prune(self) -> None:
        async with borrow(self._pool) as connection:
            await connection.execute("SELECT wallet.prune_deliveries(%s)", [_PRUNE_COUNT_MAX])

    async def _turn(self, webhook_id: uuid.UUID, lease_number: int) -> None:
        """Sends for one webhook until there is nothing to send, or it is another's turn."""
        until = asyncio.get_running_loop().time() + TURN_SECONDS
        try:
            work = await self._next(webhook_id, lease_number, [], None, is_last=self._stopping.is_set())
            while work is not None:
                results, cursor = await self._send(webhook_id, work)
                is_last = self._stopping.is_set() or asyncio.get_running_loop().time() >= until
                work = await self._next(webhook_id, lease_number, results, cursor, is_last=is_last)
        except Exception as error:
            # The lease ends by itself, and somebody tries again.
            if is_unavailability(error):
                _log.warning("deliveries of webhook %s were not noted and will be repeated", webhook_id)
            else:
                _log.error("deliveries of webhook %s failed", webhook_id, exc_info=error)

    async def _next(
        self, webhook_id: uuid.UUID, lease_number: int, results: Sequence[_Result], cursor: str | None, *, is_last: bool
    ) -> _Work | None:
        """Notes results and asks for more, again and again while the database is away and the lease lasts."""
        give_up_at = asyncio.get_running_loop().time() + NOTING_SECONDS_MAX
        parameters = [webhook_id, lease_number, msgspec.json.encode(results).decode(), cursor, is_last]
        while True:
            try:
                async with borrow(self._pool) as connection:
                    answer = await connection.execute("SELECT wallet.webhook_work(%s, %s, %s, %s, %s)", parameters)
                    row = await answer.fetchone()
                assert row is not None  # a function call always gives a row
                return _WORK.decode(row[0] or b"null")
            except Exception as error:
                is_over = self._stopping.is_set() or asyncio.get_running_loop().time() >= give_up_at
                if is_over or not is_unavailability(error):
                    raise
            await self._pause(_AWAY_SECONDS)

    async def _send(self, webhook_id: uuid.UUID, work: _Work) -> tuple[list[_Result], str | None]:
        """Sends retries, and events that share no wallet, at once. Gives what came of it and the cursor after it."""
        secrets = [base64.b64decode(secret) for secret in work.secrets]
        events = first_disjoint(work.events)
        messages: list[_Message] = [*work.retries, *events]
        attempts = await asyncio.gather(
            *(self._sender.send(work.url, secrets, one.event_id, bytes(one.event)) for one in messages)
        )
        results = [
            _Result(attempt.status, attempt.error, delivery_id=retry.delivery_id)
            for retry, attempt in zip(work.retries, attempts, strict=False)
        ]
        results += [
            # What was taken at once is told by the cursor.
            _Result(attempt.status, attempt.error, event=event.event)
            for event, attempt in zip(events, attempts[len(work.retries) :], strict=True)
            if attempt.error is not None
        ]
        _log_attempts(webhook_id, attempts)
        if len(events) == len(work.events):
            return results, work.cursor
        # An event's id is a cursor too.
        return results, events[-1].event_id

    async def _pause(self, seconds: float) -> None:
        """Waits, but not once the process is told to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass


def first_disjoint(events: Sequence[_Event]) -> Sequence[_Event]:
    """As many of the first events as share no wallet: those may be sent at once, the others must wait for them."""
    seen: set[str] = set()
    for place, event in enumerate(events):
        if not seen.isdisjoint(event.wallet_ids):
            return events[:place]
        seen.update(event.wallet_ids)
    return events


def _log_attempts(webhook_id: uuid.UUID, attempts: Sequence[Attempt]) -> None:
    for error in {attempt.error for attempt in attempts if attempt.error is not None}:
        count = sum(attempt.error == error for attempt in attempts)
        _log.warning("webhook %s: %d of %d deliveries failed: %s", webhook_id, count, len(attempts), error)
