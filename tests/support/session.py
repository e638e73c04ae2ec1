"""Sessions that wait for each other: a race in a fixed order."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

import psycopg

from tests.support.database import Connection
from tests.support.ledger import Ledger

Result = TypeVar("Result")

_DEADLINE_SECONDS = 30.0
_POLL_SECONDS = 0.005

READ_COMMITTED = "READ COMMITTED"
REPEATABLE_READ = "REPEATABLE READ"
SERIALIZABLE = "SERIALIZABLE"
LEVELS = (READ_COMMITTED, REPEATABLE_READ, SERIALIZABLE)


class Session:
    """A connection with a thread of its own, so that it may wait for a lock while the test goes on."""

    def __init__(self, url: str) -> None:
        self.connection: Connection = psycopg.connect(url, autocommit=True)
        self.ledger = Ledger(self.connection)
        self._observer: Connection = psycopg.connect(url, autocommit=True)
        self._thread = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A statement that still waits would keep the thread.
        self._observer.execute("SELECT pg_terminate_backend(%s)", [self.connection.info.backend_pid])
        self._thread.shutdown()
        self.connection.close()
        self._observer.close()

    def begin(self, level: str) -> None:
        """Begin a transaction at an isolation level."""
        self.connection.execute(f"BEGIN ISOLATION LEVEL {level}".encode())

    def commit(self) -> None:
        """Commit the transaction."""
        self.connection.execute("COMMIT")

    def rollback(self) -> None:
        """Roll the transaction back."""
        self.connection.execute("ROLLBACK")

    def start(self, call: Callable[[Ledger], Result]) -> "Future[Result]":
        """Begin a call in the session's thread."""
        return self._thread.submit(call, self.ledger)

    def start_and_block(self, call: Callable[[Ledger], Result]) -> "Future[Result]":
        """Begin a call, and return once it waits for a lock."""
        future = self.start(call)
        pid = self.connection.info.backend_pid
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while not self._waits_for_a_lock(pid):
            if future.done():
                raise AssertionError(f"it did not wait: {future.exception() or future.result()}")
            if time.monotonic() > deadline:
                raise AssertionError("it neither waits for a lock nor ends")
            time.sleep(_POLL_SECONDS)
        return future

    def _waits_for_a_lock(self, pid: int) -> bool:
        row = self._observer.execute(
            "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s", [pid]
        ).fetchone()
        return row is not None and bool(row[0])


def result_of(future: "Future[Result]") -> Result:
    """Wait for a call's end, within bounds."""
    return future.result(_DEADLINE_SECONDS)


def retried(call: Callable[[], Result]) -> Result:
    """Run a transaction again for as long as it loses a race."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while True:
        try:
            return call()
        except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
            if time.monotonic() > deadline:
                raise
