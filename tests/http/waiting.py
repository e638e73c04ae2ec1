"""Waiting for what another task or session does: by looking, never by a time alone."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from tests.http.api import Answer
from tests.support.database import Connection

_DEADLINE_SECONDS = 30.0


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until it holds; fail when it never does."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not await holds():
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(0.01)


def lock_waiters(connection: Connection, table: str) -> set[int]:
    """Give the process ids of the sessions that wait for a lock on the table."""
    rows = connection.execute(
        "SELECT pid FROM pg_locks WHERE relation = %s::regclass AND NOT granted", [table]
    ).fetchall()
    return {pid for (pid,) in rows}


async def until_waiting(connection: Connection, table: str, others: set[int] | None = None) -> set[int]:
    """Wait until a session, none of `others`, waits for a lock on the table; give the waiters."""
    found: set[int] = set()

    async def waits() -> bool:
        found.update(lock_waiters(connection, table) - (others or set()))
        return bool(found)

    await until(waits, f"a session waits for {table}")
    return found


async def settled(calls: Sequence[Awaitable[Answer]], count: int) -> tuple[list[Answer], list[asyncio.Future[Answer]]]:
    """Start the calls and wait until `count` are answered; give those answers and the calls that go on."""
    pending = {asyncio.ensure_future(call) for call in calls}
    done: list[Answer] = []
    async with asyncio.timeout(20):
        while len(done) < count:
            finished, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            done += [one.result() for one in finished]
    return done, list(pending)
