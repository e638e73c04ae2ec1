"""Cases about time: a ledger that has grown, a history that is long, a service that has run for a while."""

import itertools
import time
from collections.abc import Sequence

from bench.bench import CONNECTIONS, Bench, Case, Figures
from bench.cases.http import rates, sending
from bench.load import send
from bench.report import Question, Target
from bench.server import WALLET_COUNT, Database
from bench.traffic import Traffic, balance, posting

_PAGE = 10_000
_PAGE_SIZE = 20


def _filled(bench: Bench) -> Database:
    count = bench.sizes.filled_transactions
    return bench.server.filled_ledger(count, lambda done: bench.say(f"filling, {done:,} of {count:,} postings"))


def _ledger(bench: Bench) -> Sequence[Figures]:
    filled = _filled(bench)
    with bench.server.fresh_ledger() as empty, bench.wallet(filled) as grown, bench.wallet(empty) as young:
        results = bench.take_turns(
            filled,
            {
                "full ledger": sending(grown, posting("top-up", (filled.asset_id(),), wallet_count=WALLET_COUNT)),
                "empty ledger": sending(young, posting("top-up", (empty.asset_id(),), wallet_count=WALLET_COUNT)),
            },
        )
    note = f"The full ledger began with {2 * bench.sizes.filled_transactions:,} entries."
    return [Figures(rates(results["full ledger"]), rates(results["empty ledger"]), note)]


def _statement(bench: Bench) -> Sequence[Figures]:
    filled = _filled(bench)
    with filled.connect() as connection:
        row = connection.execute(
            "SELECT id FROM wallet.accounts WHERE asset_type_id = %s AND account_type = 'TREASURY' AND stripe = 0",
            [filled.asset_id()],
        ).fetchone()
    assert row is not None

    def page(number: int) -> Traffic:
        path = f"/api/v1/accounts/{row[0]}/ledger?page={number}&limit={_PAGE_SIZE}"
        return Traffic("GET", path, "", ("",), 1, 1)

    with bench.wallet(filled) as wallet:
        results = bench.take_turns(
            filled, {"page 10,000": sending(wallet, page(_PAGE)), "page 1": sending(wallet, page(1))}
        )
    return [Figures(rates(results["page 10,000"]), rates(results["page 1"]))]


def _memory(bench: Bench) -> Sequence[Figures]:
    sizes = bench.sizes
    with bench.server.fresh_ledger() as database, bench.wallet(database) as wallet:
        traffics = [posting("top-up", (database.asset_id(),)), balance()]
        half = sizes.memory_requests_before // len(traffics)
        count = sum(
            send(wallet.base_url, traffic, CONNECTIONS, sizes.memory_chunk_seconds, half).count for traffic in traffics
        )
        first_count, before = count, wallet.resident_mb()
        ends_at = time.monotonic() + sizes.memory_seconds_max
        for traffic in itertools.cycle(traffics):
            if count >= sizes.memory_requests or time.monotonic() > ends_at:
                break
            bench.say(f"{count:,} of {sizes.memory_requests:,} requests")
            count += send(wallet.base_url, traffic, CONNECTIONS, sizes.memory_chunk_seconds).count
        after = wallet.resident_mb()
    note = f"After {count:,} requests, and after {first_count:,}; top-ups and reads of balances in turn."
    return [Figures([after], [before], note)]


CASES = (
    Case(
        "ledger",
        [Question("top-up over HTTP with millions of entries in the ledger", "an empty ledger", "/s", Target(low=0.9))],
        2,
        _ledger,
    ),
    Case(
        "statement",
        [Question("statement over HTTP, page 10,000", "page 1", "/s", Target(low=0.8))],
        2,
        _statement,
    ),
    Case(
        "memory",
        [Question("memory of the service after 1,000,000 requests", "after 10,000", "MB", Target(high=1.1))],
        0,
        _memory,
    ),
)
