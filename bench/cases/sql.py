"""Cases from SQL, where no service groups the postings: pgbench calls the functions as trusted jobs do."""

import uuid
from collections.abc import Callable, Sequence

import psycopg

from bench.bench import Bench, Case, Figures
from bench.cases.http import rates
from bench.measured import Measured, Unavailable
from bench.report import Question, Target
from bench.server import Database, add_wallets, top_up_wallets

_CLIENTS = 16
_BATCH = 1_000
_SPEND_BATCH = 500
_STRIPES = 16
_FIRST_STRIPED_WALLET = 30_001
_JOBS = {"role": "wallet_jobs"}

# The settings wallet.post has for itself. Without them the rival reads all accounts instead of a thousand.
_OWNER = {"role": "wallet_owner", "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}


def _batches(database: Database, asset_id: str) -> Callable[[int], Measured]:
    return lambda seconds: database.run_script("post_batch.sql", 1, seconds, _JOBS, asset=asset_id).times(_BATCH)


def _singles(database: Database, asset_id: str, first: int = 1, last: int = 1_000) -> Callable[[int], Measured]:
    return lambda seconds: database.run_script(
        "post_single.sql",
        _CLIENTS,
        seconds,
        _JOBS,
        asset=asset_id,
        first=first,
        last=last,
        n=0,
        run=uuid.uuid4().hex[:8],
    )


def _batch(bench: Bench) -> Sequence[Figures]:
    # A scratch database for the rival: it asks no questions, so it must be alone.
    with bench.server.fresh_ledger() as database, bench.server.fresh_ledger() as scratch:
        asset_id = database.asset_id()
        results = bench.take_turns(
            database,
            {
                "wallet.post": _batches(database, asset_id),
                "bare": lambda seconds: scratch.run_script(
                    "bare_posting.sql", 1, seconds, _OWNER, asset=asset_id
                ).times(_BATCH),
            },
        )
        _check_same_rows(database, scratch)
    return [Figures(rates(results["wallet.post"]), rates(results["bare"]))]


def _check_same_rows(database: Database, scratch: Database) -> None:
    """Both sides must leave books that balance, with as many entries and keys as transactions ask for."""
    for one in (database, scratch):
        with one.connect() as connection:
            row = connection.execute(
                "SELECT (SELECT count(*) FROM wallet.transactions), (SELECT count(*) FROM wallet.ledger_entries),"
                " (SELECT count(*) FROM wallet.idempotency_keys), (SELECT sum(problems) FROM wallet.doctor())"
            ).fetchone()
        assert row is not None
        if not row[0] == row[1] / 2 == row[2] or row[3] != 0:
            raise Unavailable("One side did not write the rows the other wrote.")


def _single(bench: Bench) -> Sequence[Figures]:
    with bench.server.fresh_ledger() as database:
        asset_id = database.asset_id()
        results = bench.take_turns(
            database, {"batches": _batches(database, asset_id), "single": _singles(database, asset_id)}
        )
    return [Figures(rates(results["batches"]), rates(results["single"]))]


def _stripes(bench: Bench) -> Sequence[Figures]:
    last = _FIRST_STRIPED_WALLET + 999
    with bench.server.fresh_ledger() as database:
        with database.connect() as connection:
            connection.execute("SELECT wallet.create_asset_type('BENCHSTRIPES', 'Bench')")
            try:
                connection.execute("SELECT wallet.set_stripes('BENCHSTRIPES', %s)", [_STRIPES])
            except psycopg.errors.UndefinedFunction as error:
                raise Unavailable("This release has no wallet.set_stripes.") from error
            striped = database.asset_id("BENCHSTRIPES")
            add_wallets(connection, _FIRST_STRIPED_WALLET, 1_000, [striped])
        results = bench.take_turns(
            database,
            {
                "16 stripes": _singles(database, striped, _FIRST_STRIPED_WALLET, last),
                "1 stripe": _singles(database, database.asset_id()),
            },
        )
    return [Figures(rates(results["16 stripes"]), rates(results["1 stripe"]))]


def _hold(bench: Bench) -> Sequence[Figures]:
    with bench.server.fresh_ledger() as database:
        asset_id = database.asset_id()
        with database.connect() as connection:
            top_up_wallets(connection, 1, 1_000, asset_id, 1_000_000_000)

        def holds(seconds: int) -> Measured:
            variables: dict[str, str | int] = {"asset": asset_id, "first": 1, "last": 1_000, "n": 0}
            # A hold and a capture are two operations.
            return database.run_script(
                "hold_capture.sql", _CLIENTS, seconds, _JOBS, run=uuid.uuid4().hex[:8], **variables
            ).times(2)

        results = bench.take_turns(database, {"holds": holds, "top-ups": _singles(database, asset_id)})
    return [Figures(rates(results["holds"]), rates(results["top-ups"]))]


def _overdraw(bench: Bench) -> Sequence[Figures]:
    with bench.server.fresh_ledger() as database:
        asset_id = database.asset_id()
        with database.connect() as connection:
            top_up_wallets(connection, 1, _SPEND_BATCH, asset_id, 1_000_000_000)

        def spends(every: int) -> Callable[[int], Measured]:
            return lambda seconds: database.run_script(
                "spend_batch.sql", 1, seconds, _JOBS, asset=asset_id, every=every
            ).times(_SPEND_BATCH)

        results = bench.take_turns(database, {"a tenth overdraws": spends(10), "none overdraws": spends(0)})
    return [Figures(rates(results["a tenth overdraws"]), rates(results["none overdraws"]))]


# What a posting does for the event feed, taken out.
_NO_MARKS = """
    CREATE OR REPLACE FUNCTION wallet.mark_numbers() RETURNS void LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS 'BEGIN END'
"""


def _events(bench: Bench) -> Sequence[Figures]:
    with bench.server.fresh_ledger() as database, bench.server.fresh_ledger() as unmarked:
        with unmarked.connect() as connection:
            connection.execute(_NO_MARKS)
        sides = {"marked": database, "unmarked": unmarked}
        batches = bench.take_turns(database, {name: _batches(one, one.asset_id()) for name, one in sides.items()})
        singles = bench.take_turns(database, {name: _singles(one, one.asset_id()) for name, one in sides.items()})
    return [Figures(rates(one["marked"]), rates(one["unmarked"])) for one in (batches, singles)]


CASES = (
    Case(
        "batch",
        [
            Question(
                "wallet.post of 1,000 from SQL",
                "bare set-based INSERT and UPDATE of the same rows, no logic",
                "/s",
                Target(low=0.75),
            )
        ],
        2,
        _batch,
    ),
    Case(
        "single",
        [
            Question(
                "wallet.post of 1,000 from SQL",
                "one call per transaction, 16 clients, one treasury",
                "/s",
                Target(low=12),
            )
        ],
        2,
        _single,
    ),
    Case(
        "stripes",
        [
            Question(
                "single postings from SQL, 16 clients, one treasury in 16 stripes", "in 1 stripe", "/s", Target(low=2.5)
            )
        ],
        2,
        _stripes,
    ),
    Case(
        "hold",
        [
            Question(
                "holds and captures from SQL, 16 clients, 1,000 wallets",
                "single top-ups of them",
                "/s",
                Target(low=0.6),
            )
        ],
        2,
        _hold,
    ),
    Case(
        "overdraw",
        [Question("batches of 500 spends, a tenth overdraws", "none overdraws", "/s", Target(low=0.8))],
        2,
        _overdraw,
    ),
    Case(
        "events",
        [
            Question("wallet.post of 1,000 from SQL", "without the marks for the event feed", "/s", Target(low=0.95)),
            Question("single top-ups from SQL, 16 clients", "without the marks", "/s", Target(low=0.95)),
        ],
        4,
        _events,
    ),
)
