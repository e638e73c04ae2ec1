"""The event feed: its pages, and word for those who wait that it has gone on.

Nobody who waits holds a connection. One task per process asks the database how far the feed is, and only while somebody
waits; the posting path knows nothing of it.
"""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import msgspec

from service.database import Pool, borrow
from service.refusals import unavailable

LIMIT_MAX: Final = 1_000
LIMIT_DEFAULT: Final = 100

#: How often the database is asked while one waits, and how much less often for each further one: each of them reads a
#: page when there is news.
_INTERVAL_SECONDS: Final = 0.05
_INTERVAL_SECONDS_EACH: Final = 0.005
_INTERVAL_SECONDS_MAX: Final = 0.5

#: The posting number in a cursor and in an event's id, in hexadecimal: ordered as text is ordered as a number.
_NUMBER: Final = slice(0, 18)

_LIST: Final = "SELECT wallet.list_events(%s, %s::integer, %s, %s, %s)"


class EventQuery(msgspec.Struct, frozen=True):
    """What is asked for.

    Attributes:
        after: a cursor, an event's id, `now`, or None: from the beginning.
        limit: events in a page, at most: 1 to `LIMIT_MAX`.
        types: of these types; None: of all.
        account_id: that name this account; None: of all.
        asset_type_ids: in these assets; None: in all.
    """

    after: str | None = None
    limit: int = LIMIT_DEFAULT
    types: tuple[str, ...] | None = None
    account_id: uuid.UUID | None = None
    asset_type_ids: tuple[uuid.UUID, ...] | None = None


class Page(msgspec.Struct, rename="camel"):
    """Events, oldest first, each as JSON text.

    Attributes:
        data: the events.
        cursor: where to go on.
        has_more: whether there is more now.
    """

    data: list[msgspec.Raw]
    cursor: str
    has_more: bool

    @property
    def is_end(self) -> bool:
        """Whether there is nothing here, and nothing to go on to yet."""
        return not self.data and not self.has_more


_PAGE: Final = msgspec.json.Decoder(Page)


class EventFeed:
    """The feed, for the requests of one process.

    Args:
        pool: connections to the database.
        waiting_max: requests that may wait at once.
    """

    def __init__(self, pool: Pool, waiting_max: int) -> None:
        self._pool = pool
        self._waiting_max = waiting_max
        self._admitted = 0
        self._listening = 0
        self._horizon = ""
        self._word: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._poller: asyncio.Task[None] | None = None
        self.is_ending = False
        """Whether the service was told to stop: nobody waits any more."""

    async def read(self, query: EventQuery) -> tuple[Page, bytes]:
        """A page, and the same as JSON text.

        Raises:
            psycopg.Error: the database is away, or refuses a cursor or a type (`refusal_of` says so).
        """
        parameters = [query.after, query.limit, _list(query.types), query.account_id, _list(query.asset_type_ids)]
        async with borrow(self._pool) as connection:
            row = await (await connection.execute(_LIST, parameters)).fetchone()
        assert row is not None  # a function call always gives a row
        return _PAGE.decode(row[0]), row[0]

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Lets a request wait, as often as it likes, within the block.

        Raises:
            Refusal: unavailable, when too many wait.
        """
        if self._admitted >= self._waiting_max:
            raise unavailable("Too many requests wait for events; the same request may be sent again.")
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    async def wait(self, cursor: str, seconds: float) -> bool:
        """Waits until the feed has gone on after a cursor.

        Returns:
            Whether it has. False: the time is up, or the service was told to stop.

        Raises:
            Exception: the database could not be asked.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        self._listening += 1
        try:
            while not self._is_after(cursor):
                left = deadline - loop.time()
                if self.is_ending or left <= 0:
                    return False
                if self._poller is None:
                    self._poller = loop.create_task(self._poll(), name="event feed")
                word = self._word
                await asyncio.wait([word], timeout=left)
                if word.done():
                    word.result()
            return True
        finally:
            self._listening -= 1

    def end(self) -> None:
        """Lets nobody wait any more: who waits gives the answer there is."""
        self.is_ending = True
        self._tell(None)

    async def close(self) -> None:
        """Stops asking the database."""
        self.end()
        if self._poller is not None:
            self._poller.cancel()
            with suppress(asyncio.CancelledError):
                await self._poller

    def _is_after(self, cursor: str) -> bool:
        return self._horizon[_NUMBER] > cursor[_NUMBER]

    def _tell(self, error: Exception | None) -> None:
        word, self._word = self._word, asyncio.get_running_loop().create_future()
        if error is None:
            word.set_result(None)
        else:
            word.set_exception(error)
            word.exception()  # Seen, also when nobody listens any more.

    async def _poll(self) -> None:
        try:
            while self._listening and not self.is_ending:
                try:
                    page, _ = await self.read(EventQuery(after="now"))
                except Exception as error:
                    self._tell(error)
                else:
                    # It may seem to step back, when a mark appears late; then nothing is new.
                    if page.cursor[_NUMBER] > self._horizon[_NUMBER]:
                        self._horizon = page.cursor
                        self._tell(None)
                await asyncio.sleep(
                    min(_INTERVAL_SECONDS + _INTERVAL_SECONDS_EACH * self._listening, _INTERVAL_SECONDS_MAX)
                )
        finally:
            self._poller = None


def _list(values: tuple[object, ...] | None) -> list[object] | None:
    return None if values is None else list(values)
