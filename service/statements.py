"""Reading an account's statement, page by page. Versions fix it when it is opened, whatever is posted meanwhile."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from service.database import CONNECT_TIMEOUT_SECONDS, Connection, Pool, borrow

#: Statements being read at once, in each process. Each has a page in memory.
STATEMENTS_MAX: Final = 16

#: A page has so many lines at most; the database ends it earlier where they are large.
PAGE_LINES_MAX: Final = 1_000

_OPEN: Final = (
    "SELECT head, account_ids, lows, highs, opening FROM wallet.open_statement(%s, %s::timestamptz, %s::timestamptz)"
)
_PAGE: Final = (
    "SELECT lines, lows, line_count, debits, credits"
    " FROM wallet.statement_page(%s::uuid[], %s::bigint[], %s::bigint[], %s::numeric, %s)"
)


class End(msgspec.Struct):
    """Where a statement begins or ends.

    Attributes:
        version: of the last entry by then; 0 before the first.
        balance: after that entry, as JSON text.
    """

    version: int
    balance: msgspec.Raw


class Head(msgspec.Struct, rename="camel"):
    """What a statement says before its lines.

    Attributes:
        account_id: whose it is.
        asset_type_id: what the amounts are of.
        from_at: the instant after which it begins, as RFC 3339; None: it begins with the account.
        to_at: the instant up to which it goes.
        is_final: whether no later posting can come to lie in it.
        opening: the balance at `from_at`.
        closing: the balance at `to_at`.
    """

    account_id: uuid.UUID
    asset_type_id: uuid.UUID
    is_final: bool
    opening: End
    closing: End
    to_at: str = msgspec.field(name="to")
    from_at: str | None = msgspec.field(name="from")


class Totals(NamedTuple):
    """What the lines add up to."""

    debits: Decimal = Decimal(0)
    credits: Decimal = Decimal(0)
    lines: int = 0


class Statement:
    """A statement that was opened: its head, and its lines to be read once, in order.

    Attributes:
        head: as it was told by the database.
        head_text: the same, as JSON text.
        totals: of the lines read so far.
    """

    def __init__(
        self,
        statements: "Statements",
        head_text: bytes,
        account_ids: list[uuid.UUID],
        lows: list[int],
        highs: list[int],
        opening: Decimal,
    ) -> None:
        self._statements = statements
        self.head_text = head_text
        self.head = msgspec.json.decode(head_text, type=Head)
        self._account_ids = account_ids
        self._lows = lows
        self._highs = highs
        self._opening = opening
        self.totals = Totals()

    async def pages(self) -> AsyncGenerator[bytes]:
        """The lines, oldest first, as JSON objects joined by commas; no page is empty.

        Raises:
            psycopg.Error: the database could not be read.
        """
        while self._lows != self._highs:
            balance = self._opening - self.totals.debits + self.totals.credits
            async with self._statements.connection() as connection:
                cursor = await connection.execute(
                    _PAGE, [self._account_ids, self._lows, self._highs, balance, PAGE_LINES_MAX]
                )
                row = await cursor.fetchone()
            assert row is not None  # a function call always gives a row
            lines, self._lows, count, debits, credits_ = row
            assert count > 0  # or it would never end
            self.totals = Totals(self.totals.debits + debits, self.totals.credits + credits_, self.totals.lines + count)
            yield lines.encode()


class Statements:
    """Opens statements: a bounded number at a time, on at most half of the connections for reading.

    No connection is held while the caller reads.

    Args:
        pool: the connections for reading.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._places = asyncio.Semaphore(STATEMENTS_MAX)
        self._connections = asyncio.Semaphore(max(1, pool.max_size // 2))

    @asynccontextmanager
    async def open(
        self, account_id: uuid.UUID, from_at: datetime | None, to_at: datetime | None
    ) -> AsyncIterator[Statement]:
        """Opens the statement over what was posted after `from_at` and up to `to_at`; None: no bound, and now.

        Raises:
            TimeoutError: too many are being read.
            psycopg.Error: with a SQLSTATE of ours, there is no such account or `from_at` is after `to_at`; or the
                database could not be read.
        """
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            await self._places.acquire()
        try:
            async with self.connection() as connection:
                cursor = await connection.execute(_OPEN, [account_id, from_at, to_at])
                row = await cursor.fetchone()
            assert row is not None  # a function call always gives a row
            yield Statement(self, *row)
        finally:
            self._places.release()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for one query."""
        async with self._connections, borrow(self._pool) as connection:
            yield connection
