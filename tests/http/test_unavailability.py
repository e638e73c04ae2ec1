"""The database goes away, comes back, or is busy: 503 while it must be, never a wrong answer, and back by itself."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from service.posting import PostingLane
from tests.conftest import Connect, StartApp
from tests.http.api import NOBODY, POSTINGS, Answer, Api, new_key
from tests.http.proxy import proxied
from tests.http.waiting import settled, until, until_waiting
from tests.support.database import SEEDED, Connection, Databases
from tests.support.ledger import Ledger
from tests.support.server import Server

pytestmark = pytest.mark.anyio

READS = (
    "/asset-types",
    f"/accounts/{NOBODY}",
    f"/accounts/{NOBODY}/balance",
    f"/accounts/{NOBODY}/ledger",
    f"/transactions/{NOBODY}",
    "/transactions",
)


@pytest.fixture
def administration(databases: Databases, connect: Connect) -> Connection:
    """A superuser's connection to another database of the shared server."""
    return connect(databases.url("postgres"))


def database_of(url: str) -> str:
    return url.rpartition("/")[2]


def terminate(administration: Connection, url: str) -> int:
    """End every session of the database; give how many there were."""
    rows = administration.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
        [database_of(url)],
    ).fetchall()
    assert all(done for (done,) in rows)
    return len(rows)


@contextmanager
def refusing(administration: Connection, url: str) -> Iterator[None]:
    """Meanwhile the database ends every session and lets nobody in."""
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    name = sql.Identifier(database_of(url))
    administration.execute(allow.format(name, sql.SQL("false")))
    try:
        terminate(administration, url)
        yield
    finally:
        administration.execute(allow.format(name, sql.SQL("true")))


async def ask_everything(api: Api, account: dict[str, Any], body: dict[str, Any]) -> list[Answer]:
    """One request to every endpoint but /health, at once."""
    return await asyncio.gather(
        *(api.get(path) for path in READS),
        api.post("/accounts", account, new_key()),
        *(api.posting(kind, body) for kind in POSTINGS),
    )


async def check_outage(api: Api, account: dict[str, Any], body: dict[str, Any]) -> None:
    """Every endpoint says 503 unavailable with Retry-After (the client checks the latter); /health says unhealthy."""
    answers, health, head = await asyncio.gather(
        ask_everything(api, account, body), api.get("/health"), api.call("HEAD", "/health")
    )
    assert [answer.refused for answer in answers] == [(503, "unavailable")] * len(answers)
    assert head.status == 503
    assert health.refused == (503, "unavailable")
    assert health.json["data"]["status"] == "unhealthy"
    assert health.json["data"]["timestamp"].endswith("Z")


async def until_healthy(api: Api) -> None:
    async def healthy() -> bool:
        return (await api.get("/health")).status == 200

    await until(healthy, "the service is healthy again")


async def test_a_database_that_refuses_connections(api: Api, seeded_url: str, administration: Connection) -> None:
    """While it lets nobody in: 503 everywhere. Afterwards the same requests are answered, without a restart."""
    wallet = await api.wallet(balance="10")
    account = {"name": "N", "assetTypeId": wallet.asset}
    key = new_key()
    with refusing(administration, seeded_url):
        await check_outage(api, account, wallet.body("1"))
        assert (await wallet.spend("4", key)).refused == (503, "unavailable")
    await until_healthy(api)
    assert await wallet.balance() == 10, "what was not answered 2xx has written nothing"
    first, again = await wallet.spend("4", key), await wallet.spend("4", key)
    assert [(one.status, one.replayed) for one in (first, again)] == [(201, False), (201, True)]
    answers = await ask_everything(api, account, wallet.body("1"))
    assert [answer.status for answer in answers] == [200, 404, 404, 404, 404, 200, 201, 201, 201, 201]
    with psycopg.connect(seeded_url, autocommit=True) as connection:
        assert Ledger(connection).problems() == {}


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server that may be stopped."""
    server = Server()
    yield server
    server.stop()


async def test_a_server_that_is_stopped_and_started(own_server: Server, start_app: StartApp) -> None:
    """The whole server goes down in mid-service and comes up again: 503, then the answers of before."""
    url = Databases(own_server).create(SEEDED)
    async with start_app(url) as session:
        api = Api(session)
        wallet = await api.wallet(balance="10")
        first = await wallet.spend("1", "before")
        await asyncio.to_thread(own_server.terminate)
        await check_outage(api, {"name": "N", "assetTypeId": wallet.asset}, wallet.body("1"))
        await asyncio.to_thread(own_server.start)
        await until_healthy(api)
        again = await wallet.spend("1", "before")
        assert (again.status, again.replayed, again.body) == (201, True, first.body)
        assert await wallet.balance() == 9
        assert (await wallet.spend("1")).status == 201


async def test_postings_do_not_notice_that_the_idle_connection_was_ended(
    api: Api, seeded_url: str, administration: Connection
) -> None:
    """The server ends the idle session of the postings: the next posting is sent on a new one."""
    wallet = await api.wallet(balance="1")
    for _ in range(3):
        assert terminate(administration, seeded_url) >= 1
        assert (await wallet.top_up("1")).status == 201


async def test_readers_do_not_notice_that_idle_connections_were_ended(
    api: Api, seeded_url: str, administration: Connection
) -> None:
    """The server ends all idle sessions of the pool: every next read, and a new account, is answered 2xx."""
    wallet = await api.wallet(balance="1")
    paths = ["/asset-types", *(f"/accounts/{wallet.id}{end}" for end in ("", "/balance", "/ledger")), "/transactions"]
    await asyncio.gather(*(api.get(path) for path in paths * 4))
    statuses: dict[str, int] = {}
    for path in [*paths, "/health"]:
        terminate(administration, seeded_url)
        statuses[path] = (await api.get(path)).status
    assert statuses == dict.fromkeys(statuses, 200)
    terminate(administration, seeded_url)
    assert (await api.post("/accounts", {"name": "N", "assetTypeId": wallet.asset})).status == 201
    terminate(administration, seeded_url)
    assert {answer.status for answer in await asyncio.gather(*(api.get(path) for path in paths * 4))} == {200}


async def test_a_posting_whose_session_is_ended_is_sent_again(
    api: Api, books: Ledger, seeded_url: str, connect: Connect
) -> None:
    """The session dies while the posting waits in the database: the caller gets 201 all the same, posted once."""
    wallet = await api.wallet()
    holder = connect(seeded_url)
    with holder.transaction():
        holder.execute("LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE")
        posting = asyncio.create_task(wallet.top_up("1"))
        ended = await until_waiting(books.connection, "wallet.posting_gate")
        for pid in ended:
            books.connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        await until_waiting(books.connection, "wallet.posting_gate", ended)
        assert not posting.done()
    assert (await posting).status == 201
    assert await wallet.balance() == 1
    assert books.problems() == {}


@pytest.mark.parametrize("kind", POSTINGS)
async def test_a_posting_whose_commit_is_not_heard_is_posted_once(
    seeded_url: str, start_app: StartApp, books: Ledger, kind: str
) -> None:
    """The line breaks between the commit and its reply: sent again under its key, answered 201, written once."""
    async with proxied(seeded_url) as (proxy, url), start_app(url) as session:
        api = Api(session)
        wallet = await api.wallet(balance="10")
        proxy.withhold_reply_to(b"post_json")
        answer = await api.posting(kind, wallet.body("4"), "unheard")
        assert proxy.cuts == 1
        assert answer.status == 201
        assert await wallet.balance() == (6 if kind == "spend" else 14)
    count = books.connection.execute("SELECT count(*) FROM wallet.transactions WHERE idempotency_key = 'unheard'")
    assert count.fetchone() == (1,)
    assert books.problems() == {}


async def test_a_full_queue_of_postings(seeded_url: str, start_app: StartApp, books: Ledger, connect: Connect) -> None:
    """queue_size=1: one posting in the database, one waiting; the others get 503 at once and have written nothing."""
    holder = connect(seeded_url)
    async with start_app(seeded_url, queue_size=1) as session:
        api = Api(session)
        wallet = await api.wallet()
        keys = [new_key() for _ in range(6)]
        with holder.transaction():
            holder.execute("LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE")
            first = asyncio.create_task(wallet.top_up("1", keys[0]))
            await until_waiting(books.connection, "wallet.posting_gate")
            refused, waiting = await settled([wallet.top_up("1", key) for key in keys[1:]], 4)
            assert {answer.refused for answer in refused} == {(503, "unavailable")}
        assert {(await first).status, (await waiting[0]).status} == {201}
        assert await wallet.balance() == 2
        again = [await wallet.top_up("1", key) for key in keys]
        assert sorted((answer.status, answer.replayed) for answer in again) == [(201, False)] * 4 + [(201, True)] * 2
        assert await wallet.balance() == 6
    assert books.problems() == {}


async def test_a_lock_that_does_not_come_free_is_waited_for_once(
    seeded_url: str, start_app: StartApp, books: Ledger, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job keeps the gate: the posting gets 503 after one lock timeout, not after several, and its key is free."""
    monkeypatch.setattr("service.database.LOCK_TIMEOUT_SECONDS", 0.2)
    sent = 0
    usual = PostingLane._post_once

    async def counted(lane: PostingLane, *arguments: Any) -> Any:
        nonlocal sent
        sent += 1
        return await usual(lane, *arguments)

    monkeypatch.setattr(PostingLane, "_post_once", counted)
    holder = connect(seeded_url)
    async with start_app(seeded_url) as session:
        wallet = await Api(session).wallet()
        sent = 0
        with holder.transaction():
            holder.execute("LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE")
            assert (await wallet.top_up("1", "held")).refused == (503, "unavailable")
        assert sent == 1
        answer = await wallet.top_up("1", "held")
        assert (answer.status, answer.replayed) == (201, False)
    assert books.problems() == {}


@pytest.mark.parametrize(
    ("path", "table"),
    [
        ("/accounts/{}", "wallet.accounts"),
        ("/accounts/{}/balance", "wallet.accounts"),
        ("/accounts/{}/ledger", "wallet.accounts"),
        ("/transactions/{}", "wallet.transactions"),
        ("/transactions", "wallet.transaction_blocks"),
        ("/asset-types", "wallet.asset_types"),
    ],
)
async def test_a_full_queue_of_reads(
    seeded_url: str, start_app: StartApp, books: Ledger, connect: Connect, path: str, table: LiteralString
) -> None:
    """queue_size=1, pool_size=1: one read in the database, one waiting; the others get 503 at once."""
    holder = connect(seeded_url)
    async with start_app(seeded_url, queue_size=1, pool_size=1) as session:
        api = Api(session)
        path = path.format(NOBODY)
        usual = (await api.get(path)).status
        with holder.transaction():
            holder.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.SQL(table)))
            first = asyncio.create_task(api.get(path))
            await until_waiting(books.connection, table)
            refused, waiting = await settled([api.get(path) for _ in range(5)], 4)
            assert {answer.refused for answer in refused} == {(503, "unavailable")}
        assert {(await first).status, (await waiting[0]).status} == {usual}


async def test_a_busy_database_is_waited_for(api: Api, books: Ledger, seeded_url: str, connect: Connect) -> None:
    """A job holds the wallet's row for a while: the posting waits for it, then is posted after it."""
    wallet = await api.wallet(balance="1")
    holder = connect(seeded_url)

    async def waits() -> bool:
        found = books.connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%post_json%'"
            " AND datname = current_database()"
        ).fetchone()
        return found != (0,)

    with holder.transaction():
        Ledger(holder).spend(wallet.uuid, 1)
        posting = asyncio.create_task(wallet.spend("1"))
        await until(waits, "the posting waits for the row")
    assert (await posting).refused == (422, "insufficient_balance")
    assert await wallet.balance() == 0
    assert books.problems() == {}
