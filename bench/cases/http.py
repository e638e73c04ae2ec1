"""Cases over HTTP: postings and reads beside servers and tools that do less."""

import time
import urllib.request
from collections.abc import Callable, Sequence

from bench.bench import CONNECTIONS, Bench, Case, Figures
from bench.load import send
from bench.measured import Measured, Unavailable, from_latencies
from bench.programs import Program
from bench.report import Question, Target
from bench.server import FIRST_MIXED_WALLET, SYMBOLS, WALLET_COUNT, Database, top_up_wallets
from bench.traffic import Traffic, balance, posting, transfer, wallet_id

_TPCB_SCALE = 20
_TPCB_CLIENTS = 16
_MANY_CONNECTIONS = 256

TOP_UP_TITLE = "top-up over HTTP, 64 connections, 1,000 wallets, one treasury"


def sending(program: Program, traffic: Traffic, connections: int = CONNECTIONS) -> Callable[[int], Measured]:
    """A side that sends this traffic to a server."""
    return lambda seconds: send(program.base_url, traffic, connections, seconds)


def rates(results: Sequence[Measured]) -> list[float]:
    """Answers per second, round by round."""
    return [result.rate for result in results]


def _body_size_bytes(program: Program, traffic: Traffic) -> int:
    """The size of the answer's body to one request of this traffic."""
    path = traffic.path.replace("{wallet}", wallet_id(traffic.first_wallet))
    body = traffic.body.replace("{wallet}", wallet_id(traffic.first_wallet))
    body = body.replace("{asset}", traffic.asset_ids[traffic.first_wallet % len(traffic.asset_ids)])
    # Its key is as long as those of the load: it comes back in the answer.
    headers = {"Idempotency-Key": "sample-00000-123456"} if body else {}
    request = urllib.request.Request(program.base_url + path, body.encode() or None, headers, method=traffic.method)
    with urllib.request.urlopen(request, timeout=10) as response:
        return len(response.read())


def _against_noop(bench: Bench, database: Database, traffic: Traffic) -> Figures:
    with bench.wallet(database) as wallet, bench.noop(_body_size_bytes(wallet, traffic)) as noop:
        results = bench.take_turns(database, {"wallet": sending(wallet, traffic), "no-op": sending(noop, traffic)})
    return Figures(rates(results["wallet"]), rates(results["no-op"]))


def _top_up(bench: Bench) -> Sequence[Figures]:
    with bench.server.fresh_ledger() as database:
        return [_against_noop(bench, database, posting("top-up", (database.asset_id(),)))]


def _balance(bench: Bench) -> Sequence[Figures]:
    with bench.server.fresh_ledger() as database:
        return [_against_noop(bench, database, balance())]


def _tpcb(bench: Bench) -> Sequence[Figures]:
    tpcb = bench.server.empty()
    try:
        with bench.server.fresh_ledger() as database:
            bench.say("filling pgbench's tables")
            tpcb.fill_tpcb(_TPCB_SCALE)
            traffic = posting("top-up", (database.asset_id(),))
            with bench.wallet(database) as wallet:
                # No checkpoint: it would burden pgbench, which writes to many more pages, more than the wallet.
                results = bench.take_turns(
                    None,
                    {
                        "wallet": sending(wallet, traffic),
                        "pgbench": lambda seconds: tpcb.run_tpcb(_TPCB_CLIENTS, seconds),
                    },
                )
        return [Figures(rates(results["wallet"]), rates(results["pgbench"]))]
    finally:
        bench.server.drop(tpcb)


def _treasuries(bench: Bench) -> Sequence[Figures]:
    with bench.server.fresh_ledger() as database, bench.wallet(database) as wallet:
        assets = tuple(database.asset_id(symbol) for symbol in SYMBOLS)
        three = posting("top-up", assets, FIRST_MIXED_WALLET, WALLET_COUNT)
        results = bench.take_turns(
            database, {"three": sending(wallet, three), "one": sending(wallet, posting("top-up", assets[:1]))}
        )
    return [Figures(rates(results["three"]), rates(results["one"]))]


def _one_wallet(bench: Bench) -> Sequence[Figures]:
    with bench.server.fresh_ledger() as database, bench.wallet(database) as wallet:
        asset_id = database.asset_id()
        with database.connect() as connection:
            top_up_wallets(connection, 1, 1_000, asset_id, 1_000_000_000)
        results = bench.take_turns(
            database,
            {
                "one wallet": sending(wallet, posting("spend", (asset_id,), wallet_count=1)),
                "1,000 wallets": sending(wallet, posting("spend", (asset_id,))),
            },
        )
    return [Figures(rates(results["one wallet"]), rates(results["1,000 wallets"]))]


def _transfer(bench: Bench) -> Sequence[Figures]:
    with bench.server.fresh_ledger() as database, bench.wallet(database) as wallet:
        asset_id = database.asset_id()
        with database.connect() as connection:
            top_up_wallets(connection, 1, 1_000, asset_id, 1_000_000_000)
        results = bench.take_turns(
            database,
            {
                "transfers": sending(wallet, transfer(asset_id)),
                "top-ups": sending(wallet, posting("top-up", (asset_id,))),
            },
        )
    return [Figures(rates(results["transfers"]), rates(results["top-ups"]))]


def _connections(bench: Bench) -> Sequence[Figures]:
    with bench.server.fresh_ledger() as database, bench.wallet(database) as wallet:
        traffic = posting("top-up", (database.asset_id(),))
        results = bench.take_turns(
            database, {"256": sending(wallet, traffic, _MANY_CONNECTIONS), "64": sending(wallet, traffic)}
        )
    many = results["256"]
    # A request waits for the batch in flight and for its own: two turns of everybody who is connected.
    bounds = [2 * _MANY_CONNECTIONS / result.rate * 1000 for result in many]
    return [Figures(rates(many), rates(results["64"])), Figures([result.p99_ms for result in many], bounds)]


def _latency(bench: Bench) -> Sequence[Figures]:
    with (
        bench.server.fresh_ledger() as database,
        bench.wallet(database) as wallet,
        bench.wallet(database, BATCH_SIZE="1") as single,
    ):
        asset_id = database.asset_id()
        traffic = posting("top-up", (asset_id,))
        results = bench.take_turns(
            database,
            {
                "wallet": sending(wallet, traffic, 1),
                "SQL": lambda seconds: _call_by_psycopg(database, asset_id, seconds),
                "BATCH_SIZE=1": sending(single, traffic, 1),
            },
        )
    here, sql, alone = ([result.p50_ms for result in results[name]] for name in ("wallet", "SQL", "BATCH_SIZE=1"))
    return [Figures(here, sql), Figures(here, alone)]


def _call_by_psycopg(database: Database, asset_id: str, seconds: int) -> Measured:
    """`wallet.top_up` on one connection, one transaction each, prepared by psycopg."""
    query = "SELECT replayed, answer FROM wallet.top_up(%s::uuid, %s::uuid, %s, %s)"
    latencies: list[float] = []
    with database.connect("wallet_jobs") as connection:
        started = time.perf_counter()
        ends_at = started + seconds
        while (sent_at := time.perf_counter()) < ends_at:
            key = f"sql-{started}-{len(latencies)}"
            row = connection.execute(query, [wallet_id(len(latencies) % 1_000 + 1), asset_id, 1, key]).fetchone()
            latencies.append(time.perf_counter() - sent_at)
            if row is None or row[0]:
                raise Unavailable("A posting was taken for a replay.")
    return from_latencies(latencies, time.perf_counter() - started)


CASES = (
    Case(
        "top-up",
        [Question(TOP_UP_TITLE, "a no-op aiohttp POST that answers as many bytes", "/s", Target(low=0.5))],
        2,
        _top_up,
    ),
    Case(
        "tpcb",
        [Question(TOP_UP_TITLE, "pgbench TPC-B-like, scale 20, 16 clients", "/s", Target(low=2.0))],
        2,
        _tpcb,
    ),
    Case(
        "treasuries",
        [
            Question(
                "top-up over HTTP, 3 treasuries, 10,000 wallets", "one treasury, 1,000 wallets", "/s", Target(0.9, 1.1)
            )
        ],
        2,
        _treasuries,
    ),
    Case(
        "one-wallet",
        [Question("spends over HTTP, all from one wallet", "from 1,000 wallets", "/s", Target(low=0.9))],
        2,
        _one_wallet,
    ),
    Case(
        "transfer",
        [Question("transfers over HTTP, 1,000 wallets", "top-ups of them", "/s", Target(low=0.6))],
        2,
        _transfer,
    ),
    Case(
        "connections",
        [
            Question("top-up over HTTP, 256 connections", "64 connections", "/s", Target(low=0.9)),
            Question("p99 at 256 connections", "two turns of the queue: 2 * 256 / rate", "ms", Target(high=1.0)),
        ],
        2,
        _connections,
    ),
    Case(
        "latency",
        [
            Question("top-up over HTTP, 1 connection, p50", "the bare SQL call by psycopg", "ms", Target(high=2.0)),
            Question("top-up over HTTP, 1 connection, p50", "the service without group commit", "ms", Target(high=1.0)),
        ],
        3,
        _latency,
    ),
    Case(
        "balance",
        [
            Question(
                "GET balance, 64 connections", "a no-op aiohttp GET that answers as many bytes", "/s", Target(low=0.6)
            )
        ],
        2,
        _balance,
    ),
)
