"""Posting: batches of requests to `wallet.post_json`, each in one round trip and one commit."""

import asyncio
import logging
import random
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString

import msgspec
import psycopg

from service import metrics, tracing
from service.database import ANSWER_TIMEOUT_SECONDS, Connection, connect, cut_after
from service.posting_metrics import COUNTS
from service.refusals import DATABASE_REFUSALS, is_timeout, is_unavailability

_log = logging.getLogger("wallet.posting")

#: Attempts to post a batch that keeps losing a race for rows or locks.
CONFLICT_ATTEMPTS_MAX: Final = 10

#: Attempts to reach a database that is away, before the callers are told so.
CONNECTION_ATTEMPTS_MAX: Final = 3

_BACKOFF_SECONDS_MAX: Final = 0.2

# The gate comes before the snapshot: LOCK TABLE takes none, so that whatever held the gate before is seen whole. (An
# advisory lock is taken by a SELECT, whose snapshot is already there.) All of it travels as one message.
_GATED: Final = "BEGIN ISOLATION LEVEL SERIALIZABLE;LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE;"

# Several lanes at once cannot share the gate, and would fail each other at SERIALIZABLE over pages of indexes. The row
# locks of wallet.post are enough for it to be right; SERIALIZABLE is a second belt.
_SIDE_BY_SIDE: Final = "BEGIN ISOLATION LEVEL READ COMMITTED;LOCK TABLE wallet.posting_gate IN ROW EXCLUSIVE MODE;"

_POST: Final = "SELECT outcome, code, answer FROM wallet.post_json(%s);COMMIT"
_POST_ATOMIC: Final = "SELECT outcome, code, answer FROM wallet.post_atomic_json(%s);COMMIT"
_TRY: Final = "SELECT outcome, code, answer FROM wallet.post_json(%s);ROLLBACK"
_TRY_ATOMIC: Final = "SELECT outcome, code, answer FROM wallet.post_atomic_json(%s);ROLLBACK"


#: The operations that move one wallet, which `account_id` names.
ONE_WALLET_TYPES: Final = frozenset({"TOP_UP", "BONUS", "SPEND"})


class JournalEntry(msgspec.Struct, rename="camel"):
    """An entry of a journal, as `wallet.journal_entries` reads it; `amount` is decimal text."""

    account_id: uuid.UUID
    entry_type: str
    amount: str


# What a plain posting has none of is not sent: most are plain.
class PostingRequest(msgspec.Struct, omit_defaults=True):
    """One operation, with the fields of the SQL type `wallet.operation`, and who posts it.

    Amounts and rates are decimal text, with the digits that were sent. The type says which fields count.
    """

    type: str
    idempotency_key: str
    account_id: uuid.UUID | None = None
    asset_type_id: uuid.UUID | None = None
    amount: str | None = None
    reference_id: str | None = None
    description: str | None = None
    metadata: msgspec.Raw | None = None
    api_key_id: str | None = None
    """In whose name it is posted; None: in that of the login to the database."""
    to_account_id: uuid.UUID | None = None
    related_id: uuid.UUID | None = None
    """The transaction of a REFUND, the hold of a CAPTURE or VOID."""
    entries: list[JournalEntry] | None = None
    expires_at: datetime | None = None
    on_shortfall: str | None = None
    rate: str | None = None
    campaign: str | None = None


class PostingAnswer(msgspec.Struct):
    """What became of a posting request.

    Attributes:
        outcome: POSTED, REPLAYED or REFUSED.
        code: the code of a refusal.
        answer: JSON text: the transaction, or `{error, code, details}`.
    """

    outcome: str
    code: str | None
    answer: bytes


class PostingLane:
    """The connection on which one batch after the other is posted.

    Args:
        url: where the database is.
        alone: whether this lane posts alone, at SERIALIZABLE behind the gate, or side by side with others, at READ
            COMMITTED.
    """

    def __init__(self, url: str, *, alone: bool = True) -> None:
        self._url = url
        self._name = f"wallet postings {uuid.uuid4().hex}"
        self._begin: LiteralString = _GATED if alone else _SIDE_BY_SIDE
        self._connection: Connection | None = None

    async def close(self) -> None:
        """Closes the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def post(self, requests: Sequence[PostingRequest]) -> Sequence[PostingAnswer | Exception]:
        """Posts a batch; gives an answer or an exception per request, in order, within `ANSWER_TIMEOUT_SECONDS`.

        A batch that loses a race, or whose connection breaks (also in mid-commit), is sent again: the keys make that
        safe. A batch that fails for another reason is halved, so that one bad request never harms its neighbours.
        """
        answers = await self._post_or_halve(requests, _deadline())
        COUNTS.count(requests, answers)
        return answers

    async def post_atomic(self, requests: Sequence[PostingRequest]) -> list[PostingAnswer]:
        """Posts a batch whole or not at all; gives an answer per request, in order. Sent again like any batch.

        Raises:
            psycopg.Error: with a SQLSTATE of ours, batch_refused among them, when the batch was refused.
            Exception: it could not be posted now, or it failed; `refusal_of` says which.
        """
        try:
            answers = await self._post_until_done(_POST_ATOMIC, requests, _deadline())
        except Exception as error:
            COUNTS.count(requests, [error] * len(requests))
            raise
        COUNTS.count(requests, answers)
        return answers

    async def try_out(self, requests: Sequence[PostingRequest], *, atomic: bool) -> list[PostingAnswer]:
        """Posts a batch and rolls it back: the answers are those it would get now, and nothing of it remains.

        Raises:
            psycopg.Error: as `post_atomic`, when it is atomic.
            Exception: it could not be tried now, or it failed; `refusal_of` says which.
        """
        return await self._post_until_done(_TRY_ATOMIC if atomic else _TRY, requests, _deadline())

    async def _post_or_halve(
        self, requests: Sequence[PostingRequest], deadline: float
    ) -> Sequence[PostingAnswer | Exception]:
        try:
            return await self._post_until_done(_POST, requests, deadline)
        except Exception as error:
            if is_unavailability(error):
                return [error] * len(requests)
            if len(requests) == 1:
                if not isinstance(error, psycopg.DataError):
                    _log.exception("a posting failed")
                return [error]
            _log.warning("a batch of %d failed (%s), it is halved", len(requests), type(error).__name__)
            metrics.HALVED.inc()
            middle = len(requests) // 2
            return [
                *await self._post_or_halve(requests[:middle], deadline),
                *await self._post_or_halve(requests[middle:], deadline),
            ]

    async def _post_until_done(
        self, statement: LiteralString, requests: Sequence[PostingRequest], deadline: float
    ) -> list[PostingAnswer]:
        conflicts = breaks = 0
        while True:
            try:
                return await self._post_once(statement, requests, deadline)
            except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                conflicts += 1
                if conflicts >= CONFLICT_ATTEMPTS_MAX or _seconds_until(deadline) <= 0:
                    raise
                metrics.RETRIES.labels("conflict").inc()
                await asyncio.sleep(random.uniform(0, min(_BACKOFF_SECONDS_MAX, 0.005 * 2**conflicts)))
            except Exception as error:
                if is_timeout(error) or (isinstance(error, psycopg.Error) and error.sqlstate in DATABASE_REFUSALS):
                    raise  # Nothing is wrong with the connection, and the callers have waited long enough.
                await self.close()
                if not isinstance(error, psycopg.OperationalError) or not is_unavailability(error):
                    raise
                breaks += 1
                if breaks >= CONNECTION_ATTEMPTS_MAX or _seconds_until(deadline) <= 0:
                    raise
                metrics.RETRIES.labels("connection").inc()
                await asyncio.sleep(random.uniform(0, _BACKOFF_SECONDS_MAX))

    async def _post_once(
        self, statement: LiteralString, requests: Sequence[PostingRequest], deadline: float
    ) -> list[PostingAnswer]:
        if self._connection is None or self._connection.closed:
            async with asyncio.timeout_at(deadline):
                self._connection = await connect(self._url, self._name)
        connection = self._connection
        with tracing.database("post"), cut_after(connection, _seconds_until(deadline)):
            try:
                cursor = psycopg.AsyncClientCursor(connection)
                await cursor.execute(self._begin + statement, [msgspec.json.encode(requests).decode()])
                cursor.nextset()
                cursor.nextset()
                rows = await cursor.fetchall()
            except psycopg.Error:
                if not connection.closed:
                    await connection.rollback()
                raise
        return [PostingAnswer(*row) for row in rows]


def _deadline() -> float:
    """When the callers of a batch that is sent now have waited long enough, in the event loop's time."""
    return asyncio.get_running_loop().time() + ANSWER_TIMEOUT_SECONDS


def _seconds_until(deadline: float) -> float:
    return deadline - asyncio.get_running_loop().time()
