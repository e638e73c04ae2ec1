"""Connections to PostgreSQL, as the service uses them."""

import asyncio
import os
import select
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg_pool import AsyncConnectionPool

from service import tracing

SERVICE_ROLE = "wallet_service"

#: A login or a database may have another, and answers are passed on as the bytes that came.
CLIENT_ENCODING = "UTF8"

CONNECT_TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 10
LOCK_TIMEOUT_SECONDS = 5

#: For a server that does not even say that its own timeout is over.
ANSWER_TIMEOUT_SECONDS = STATEMENT_TIMEOUT_SECONDS + 2

_END_MILLISECONDS = 3_000

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]


class JsonBytesLoader(Loader):
    """Gives JSON as the bytes that came from the server: answers are passed on, never decoded."""

    def load(self, data: Buffer) -> bytes:
        """The JSON text as bytes."""
        return bytes(data)


async def configure(connection: Connection) -> None:
    """Makes a connection the service's: its restricted role, bounded waits, JSON as bytes.

    One round trip per connection, not per request.
    """
    connection.adapters.register_loader("json", JsonBytesLoader)
    await connection.set_autocommit(True)
    with cut_after(connection, CONNECT_TIMEOUT_SECONDS):
        cursor = psycopg.AsyncClientCursor(connection)
        await cursor.execute(
            f"SET ROLE {SERVICE_ROLE};"
            f"SET statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s';"
            f"SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'"
        )


async def connect(url: str, name: str) -> Connection:
    """Opens one configured connection, and ends what the server still has under its name.

    A connection may break while what was sent on it is still on its way, or waits at the server. Nothing of it happens
    any more once this returns.

    Args:
        url: where the database is.
        name: the connection's `application_name`, up to 63 characters; no two connections at a time share it.

    Raises:
        psycopg.OperationalError: the database is away, or the connection before this one does not end.
    """
    connection = await psycopg.AsyncConnection.connect(
        url,
        autocommit=True,
        client_encoding=CLIENT_ENCODING,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        application_name=name,
    )
    try:
        with cut_after(connection, CONNECT_TIMEOUT_SECONDS):
            await _end_others(connection, name)
        await configure(connection)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _end_others(connection: Connection, name: str) -> None:
    # Before the role is set: a login may end its own sessions.
    cursor = await psycopg.AsyncClientCursor(connection).execute(
        "SELECT pg_catalog.pg_terminate_backend(a.pid, %s) FROM pg_catalog.pg_stat_activity AS a"
        " WHERE a.application_name = %s AND a.usename = session_user AND a.pid <> pg_catalog.pg_backend_pid()",
        [_END_MILLISECONDS, name],
    )
    if not all(ended for (ended,) in await cursor.fetchall()):
        raise psycopg.OperationalError("The connection before this one does not end.")


@asynccontextmanager
async def borrow(
    pool: Pool, wait_seconds: float = CONNECT_TIMEOUT_SECONDS, use_seconds: float = ANSWER_TIMEOUT_SECONDS
) -> AsyncIterator[Connection]:
    """A connection of the pool, and not one that the server has ended while it was idle.

    The look at the socket costs no round trip. Without it the first callers after a restart of the server, one per
    connection of the pool, would get its error.

    Args:
        pool: where it comes from.
        wait_seconds: how long to wait for one, at most.
        use_seconds: how long it may be used; then the line is cut.

    Raises:
        psycopg_pool.PoolTimeout: there was none in time.
        psycopg.OperationalError: the server is gone, or did not answer in time.
    """
    for _ in range(pool.max_size):
        async with pool.connection(wait_seconds) as connection:
            if not _has_ended(connection):
                with tracing.database("read"), cut_after(connection, use_seconds):
                    yield connection
                return
            # The pool makes another in its place.
            await connection.close()
    async with pool.connection(wait_seconds) as connection:
        with tracing.database("read"), cut_after(connection, use_seconds):
            yield connection


@contextmanager
def cut_after(connection: Connection, seconds: float) -> Iterator[None]:
    """Cuts the line to the server when the block takes longer: what waits for an answer fails at once.

    The server's own timeouts are no help when it is stopped or out of reach, and a task that is cancelled in mid-query
    first asks the server to give up: ten seconds more when it does not answer.
    """
    timer = asyncio.get_running_loop().call_later(seconds, _cut, connection)
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: Connection) -> None:
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as line, suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)


def _has_ended(connection: Connection) -> bool:
    """Whether there is something to read although nothing was asked: the server's last word, or the end of the line."""
    looker = select.poll()
    looker.register(connection.fileno(), select.POLLIN)
    return bool(looker.poll(0))


def create_pool(url: str, size_max: int, waiting_max: int) -> Pool:
    """The pool for reading: not yet open, at most `size_max` connections and `waiting_max` callers waiting for one."""
    return AsyncConnectionPool(
        url,
        open=False,
        min_size=min(2, size_max),
        max_size=size_max,
        max_waiting=waiting_max,
        timeout=CONNECT_TIMEOUT_SECONDS,
        configure=configure,
        # Then the pool gives up, and the next caller makes it try again at once. With the usual five minutes of growing
        # delays the reads stay away for up to as long again as the database was.
        reconnect_timeout=CONNECT_TIMEOUT_SECONDS,
        kwargs={"autocommit": True, "client_encoding": CLIENT_ENCODING, "connect_timeout": CONNECT_TIMEOUT_SECONDS},
        name="wallet-reads",
    )
