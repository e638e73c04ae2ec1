"""The gate in front of a posting's snapshot, beside what could be there instead.

At the level of SQL, with the service's own call: a lane is a connection that posts one batch after the other, as each
process of the service has one.
"""

import json
import threading
import time
import uuid
from collections.abc import Callable, Sequence

import psycopg

from bench.bench import Bench, Case, Figures
from bench.cases.http import rates
from bench.measured import Measured, Unavailable
from bench.report import Question
from bench.server import Database
from bench.traffic import wallet_id

_BATCH = 32
_WALLET_COUNT = 1_000
_LOCK = "LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE;"
_POST = "SELECT outcome FROM wallet.post_json(%s);"

#: The ways to begin; the first is the service's.
MODES = {
    "SERIALIZABLE with the gate": "BEGIN ISOLATION LEVEL SERIALIZABLE;" + _LOCK + _POST + "COMMIT",
    "READ COMMITTED, no gate": "BEGIN ISOLATION LEVEL READ COMMITTED;" + _POST + "COMMIT",
    "SERIALIZABLE, no gate": "BEGIN ISOLATION LEVEL SERIALIZABLE;" + _POST + "COMMIT",
}

_GATED, _READ_COMMITTED, _BARE = MODES


class _Lane(threading.Thread):
    """Posts batches until the time is up; a batch that loses a race is sent again."""

    def __init__(self, database: Database, asset_id: str, query: str, seconds: int) -> None:
        super().__init__()
        self.posted = 0
        self.retries = 0
        self.problem: Exception | None = None
        self._database = database
        self._asset_id = asset_id
        self._query = query.encode()
        self._seconds = seconds

    def run(self) -> None:
        """Posts; whatever goes wrong is kept for the thread that waits."""
        try:
            with self._database.connect("wallet_service") as connection:
                cursor = psycopg.ClientCursor(connection)
                ends_at = time.monotonic() + self._seconds
                while time.monotonic() < ends_at:
                    self._post(cursor, self._batch())
                    self.posted += _BATCH
        except Exception as error:
            self.problem = error

    def _batch(self) -> str:
        run = uuid.uuid4().hex
        # Neighbours in the list are far apart in the order of ids, and every lane meets every wallet.
        first = int(run[:8], 16)
        return json.dumps(
            [
                {
                    "type": "TOP_UP",
                    "idempotency_key": f"{run}-{number}",
                    "account_id": wallet_id((first + number * 31) % _WALLET_COUNT + 1),
                    "asset_type_id": self._asset_id,
                    "amount": "1",
                }
                for number in range(_BATCH)
            ]
        )

    def _post(self, cursor: "psycopg.ClientCursor[tuple[object, ...]]", batch: str) -> None:
        while True:
            try:
                cursor.execute(self._query, [batch])
                return
            except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                self.retries += 1
                cursor.connection.rollback()


def _post_in_lanes(
    database: Database, asset_id: str, mode: str, lane_count: int, seconds: int, retries: dict[str, int]
) -> Measured:
    lanes = [_Lane(database, asset_id, MODES[mode], seconds) for _ in range(lane_count)]
    started = time.perf_counter()
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    took = time.perf_counter() - started
    problem = next((lane.problem for lane in lanes if lane.problem is not None), None)
    if problem is not None:
        raise Unavailable(f"A lane failed: {problem}")
    retries[mode] = retries.get(mode, 0) + sum(lane.retries for lane in lanes)
    return Measured(sum(lane.posted for lane in lanes), took)


def _gate(bench: Bench) -> Sequence[Figures]:
    with bench.server.fresh_ledger() as database:
        asset_id = database.asset_id()
        return [figures for lane_count in (1, 2) for figures in _compare(bench, database, asset_id, lane_count)]


def _compare(bench: Bench, database: Database, asset_id: str, lane_count: int) -> list[Figures]:
    retries: dict[str, int] = {}

    def side(mode: str) -> Callable[[int], Measured]:
        return lambda seconds: _post_in_lanes(database, asset_id, mode, lane_count, seconds, retries)

    results = bench.take_turns(database, {mode: side(mode) for mode in MODES})
    batches = {mode: sum(result.count for result in results[mode]) // _BATCH for mode in MODES}
    gated = rates(results[_GATED])
    return [
        Figures(
            gated,
            rates(results[mode]),
            f"For {batches[_GATED]:,} batches with the gate {retries[_GATED]:,} retries, "
            f"for {batches[mode]:,} with {mode} {retries[mode]:,}.",
        )
        for mode in (_READ_COMMITTED, _BARE)
    ]


CASES = (
    Case(
        "gate",
        [
            Question(f"batches of 32, SERIALIZABLE with the gate, {lanes}", f"{mode}, no gate", "/s")
            for lanes in ("1 process", "2 processes")
            for mode in ("READ COMMITTED", "SERIALIZABLE")
        ],
        6,
        _gate,
    ),
)
