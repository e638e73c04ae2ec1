"""Watching the service from inside: once a second the gauges are set, and on demand the database is asked."""

import asyncio
import importlib.metadata
import logging
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, LiteralString, Protocol

import msgspec

from service import metrics, release
from service.database import Pool, borrow
from service.posting_metrics import COUNTS
from service.settings import Settings

_log = logging.getLogger("wallet.monitor")

TICK_SECONDS: Final = 1

#: Over how long the rate of postings is taken.
RATE_SECONDS: Final = 10

#: How long the database may take, for a connection and for an answer, before it counts as away.
ASK_SECONDS_MAX: Final = 1

_ASK: Final = """
    SELECT r.migrations, r.functions_sha256, p.number, p.checked_at
    FROM wallet.current_release() AS r CROSS JOIN wallet.clean_point() AS p
"""


_ASK_WEBHOOKS: Final = (
    "SELECT active, paused, disabled, pending, dead, oldest_pending_seconds FROM wallet.webhook_figures()"
)


class Waiting(Protocol):
    """A queue in front of the database."""

    @property
    def waiting(self) -> int:
        """Postings that wait in it."""


class CleanRun(msgspec.Struct, rename="camel"):
    """A full run of the doctor that found nothing, and the posting number up to which it had checked."""

    checked_at: datetime
    number: int


class Database(msgspec.Struct):
    """What the database said of itself.

    Attributes:
        round_trip_seconds: how long it took to say so.
        release: what it was migrated to; None: nothing.
        clean_run: the doctor's newest; None: there was none.
    """

    round_trip_seconds: float
    release: release.Release | None
    clean_run: CleanRun | None


class Monitor:
    """Sets the gauges of one process.

    Args:
        pool: connections to the database.
        queues: the queues of postings by their names; each has room for `settings.queue_size`.
        settings: the bounds that are shown beside the figures.

    Attributes:
        is_draining: whether the service was told to stop. It answers what comes, but wants nothing new.
        started_at: when it was made.
        version: of this package.
        ours: the release that this package brings.
    """

    def __init__(self, pool: Pool, queues: Mapping[str, Waiting], settings: Settings) -> None:
        self.is_draining = False
        self.started_at = datetime.now(UTC)
        self.version = importlib.metadata.version("pg-wallet")
        self.ours = release.packaged_release()
        self._pool = pool
        self._queues = queues
        self._symbols: dict[str, str] = {}
        self._posted: deque[tuple[float, int]] = deque(maxlen=1 + int(RATE_SECONDS / TICK_SECONDS))
        metrics.RELEASE.labels(self.version, self.ours.migrations[-1]).set(1)
        metrics.STARTED_AT.set(self.started_at.timestamp())
        metrics.WORKERS.set(1)
        metrics.CONNECTIONS_MAX.set(settings.http_connections)
        metrics.POOL_MAX.set(settings.pool_size)
        for name in queues:
            metrics.QUEUE_MAX.labels(name).set(settings.queue_size)
        self._look()

    async def watch(self) -> None:
        """Looks again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self.look()
            except Exception:
                _log.exception("the figures could not be brought up to date")

    async def look(self) -> None:
        """Brings the figures of this process up to date."""
        self._look()
        if not COUNTS.assets <= self._symbols.keys():
            await self._learn_symbols()
        COUNTS.show_moved(self._symbols)

    async def ask(self) -> Database | None:
        """Asks the database how it is, and sets the gauges by what it says; None: it does not answer."""
        try:
            async with borrow(self._pool, ASK_SECONDS_MAX, ASK_SECONDS_MAX) as connection:
                began_at = time.perf_counter()
                row = await (await connection.execute(_ASK)).fetchone()
                round_trip_seconds = time.perf_counter() - began_at
        except Exception:
            metrics.DATABASE_UP.set(0)
            return None
        assert row is not None  # both functions give a row, of NULLs when there is nothing
        migrations, functions_sha256, number, checked_at = row
        metrics.DATABASE_UP.set(1)
        metrics.ROUND_TRIP_SECONDS.set(round_trip_seconds)
        metrics.DOCTOR_CLEAN_AT.set(0 if checked_at is None else checked_at.timestamp())
        return Database(
            round_trip_seconds,
            None if migrations is None else release.Release(tuple(sorted(migrations)), functions_sha256),
            None if number is None else CleanRun(checked_at.astimezone(UTC), number),
        )

    async def ask_webhooks(self) -> None:
        """Sets the gauges of webhooks by what the database says; leaves them as they are when it does not answer."""
        row = await self._row(_ASK_WEBHOOKS)
        if row is None:
            return
        active, paused, disabled, pending, dead, oldest_pending_seconds = row
        for status, count in (("active", active), ("paused", paused), ("disabled", disabled)):
            metrics.WEBHOOKS.labels(status).set(count)
        for status, count in (("pending", pending), ("dead", dead)):
            metrics.WEBHOOK_DELIVERIES.labels(status).set(count)
        metrics.WEBHOOK_PENDING_SECONDS.set(oldest_pending_seconds or 0)

    async def _row(self, query: LiteralString) -> tuple[Any, ...] | None:
        """The one row of a query; None: the database does not answer."""
        try:
            async with borrow(self._pool, ASK_SECONDS_MAX, ASK_SECONDS_MAX) as connection:
                return await (await connection.execute(query)).fetchone()
        except Exception:
            return None

    def _look(self) -> None:
        for name, queue in self._queues.items():
            metrics.QUEUE_DEPTH.labels(name).set(queue.waiting)
        pool = self._pool.get_stats()
        metrics.POOL_CONNECTIONS.set(pool["pool_size"])
        metrics.POOL_IDLE.set(pool["pool_available"])
        metrics.POOL_WAITING.set(pool["requests_waiting"])
        now = time.monotonic()
        if not self._posted or now - self._posted[-1][0] >= TICK_SECONDS / 2:
            self._posted.append((now, COUNTS.posted))
        earliest, posted = self._posted[0]
        metrics.POSTINGS_PER_SECOND.set((COUNTS.posted - posted) / max(now - earliest, TICK_SECONDS))

    async def _learn_symbols(self) -> None:
        row = await self._row("SELECT wallet.list_asset_types()")
        if row is None:
            return  # The amounts stay until the database is back.
        self._symbols = {one["id"]: one["symbol"] for one in msgspec.json.decode(row[0])}
