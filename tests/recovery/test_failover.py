"""The primary dies under load and its standby takes over: the service finds it, nothing acknowledged is lost."""

import asyncio
import time
from pathlib import Path
from typing import LiteralString

import pytest

from tests.conftest import StartService
from tests.http.waiting import until
from tests.recovery.cluster import Cluster, run_as_server
from tests.recovery.conftest import DATABASE, MakeCluster
from tests.support.database import Connection
from tests.support.load import Load, check_books, find_wallets
from tests.support.process import run_wallet

pytestmark = pytest.mark.anyio


def url_of(*clusters: Cluster) -> str:
    """The URL that names several servers, of which the one that can be written to is meant."""
    hosts = ",".join(f"127.0.0.1:{cluster.port}" for cluster in clusters)
    return f"postgresql://postgres@{hosts}/{DATABASE}?target_session_attrs=read-write"


@pytest.fixture
def standby(primary: Cluster, make_cluster: MakeCluster) -> Cluster:
    """The standby of `primary`, for which each commit waits; both run."""
    primary.start()
    cluster = make_cluster("standby")
    run_as_server(
        [
            *("pg_basebackup", "--checkpoint=fast", "--write-recovery-conf", "--no-sync"),
            *(f"--pgdata={cluster.data}", f"--dbname={primary.url()}?application_name=standby"),
        ],
        cluster.data.parent,
    )
    # The standby will be a primary without a standby: its copy of the configuration was made before.
    cluster.start()
    with primary.connect() as connection:
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        connection.execute("SELECT pg_reload_conf()")
        until_synchronous(connection)
    return cluster


def until_synchronous(connection: Connection) -> None:
    """Wait until a standby is one that commits wait for."""
    deadline = time.monotonic() + 30
    while connection.execute("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'").fetchone() is None:
        assert time.monotonic() < deadline, "no standby is synchronous"
        time.sleep(0.02)


def test_every_command_takes_several_hosts(primary: Cluster, standby: Cluster, tmp_path: Path) -> None:
    """The server that cannot be written to comes first, and is passed over by each command."""
    url = url_of(standby, primary)
    commands = (
        ("migrate",),
        ("seed",),
        ("doctor",),
        ("psql", "-Atc", "SELECT pg_is_in_recovery()"),
        ("url",),
    )
    done = {command[0]: run_wallet(tmp_path, *command, DATABASE_URL=url) for command in commands}
    assert {name: (one.returncode, one.stderr) for name, one in done.items() if one.returncode} == {}
    assert done["psql"].stdout == "f\n"
    assert done["url"].stdout == f"{url}\n"
    said = run_as_server(
        ["psql", "-Atc", "SELECT pg_is_in_recovery()", done["url"].stdout.strip()], primary.data.parent
    )
    assert said == "f\n", "what `wallet url` prints is good for PostgreSQL's own programs"


async def test_a_standby_takes_over(
    primary: Cluster, standby: Cluster, start_service: StartService, tmp_path: Path
) -> None:
    """SIGKILL of the primary under load of 32 connections, a time without one, a promotion; no hand on the service."""
    wallets = find_wallets(primary.url(DATABASE))
    url = url_of(primary, standby)
    with start_service(url) as service:
        async with Load([service.base_url], wallets, connections=32) as load:
            await load.until_acknowledged(300)
            primary.kill()
            await until_answered(load, 503)
            await asyncio.to_thread(standby.promote)
            await load.until_acknowledged(300)
        await check_books(standby.url(DATABASE), load)
        assert service.process.poll() is None
    assert run_wallet(tmp_path, "doctor", DATABASE_URL=url).returncode == 0


async def test_nothing_is_acknowledged_that_the_standby_does_not_have(
    primary: Cluster, standby: Cluster, start_service: StartService
) -> None:
    """The standby is away first, and somebody ends the session of the commit that waits for it.

    The posting is on the primary then, where the retry under its key finds it. That retry is not answered 201 either.
    When the standby takes over after all, it is posted there.
    """
    wallets = find_wallets(primary.url(DATABASE))
    with start_service(url_of(primary, standby)) as service, primary.connect(DATABASE) as connection:
        async with Load([service.base_url], wallets, connections=32) as load:
            await load.until_acknowledged(300)
            standby.kill()
            await until_nothing(connection, "SELECT pid FROM pg_stat_replication")
            waiting = await waiting_for_standby(connection)
            before = keys_of(connection)
            # A batch may hold nothing but replays.
            while keys_of(connection) == before:
                connection.execute("SELECT pg_terminate_backend(%s, 10000)", [waiting])
                waiting = await waiting_for_standby(connection)
            untold = keys_of(connection) - before
            primary.kill()
            standby.start()
            with standby.connect(DATABASE) as promoted:
                assert untold.isdisjoint(keys_of(promoted))
            assert untold.isdisjoint(load.acknowledged)
            await asyncio.to_thread(standby.promote)
            await load.until_acknowledged(300)
        assert untold <= load.acknowledged.keys() | load.refused.keys()
        await check_books(standby.url(DATABASE), load)


def keys_of(connection: Connection) -> set[str]:
    """The keys of all postings that can be seen."""
    return {key for (key,) in connection.execute("SELECT idempotency_key FROM wallet.transactions").fetchall()}


async def until_answered(load: Load, status: int) -> None:
    """Wait until a request has been answered with a status."""

    async def answered() -> bool:
        return load.answers[status] > 0

    await until(answered, f"an answer with {status}")


async def until_nothing(connection: Connection, query: LiteralString) -> None:
    """Wait until a query finds nothing."""

    async def is_gone() -> bool:
        return connection.execute(query).fetchone() is None

    await until(is_gone, f"nothing by {query}")


async def waiting_for_standby(connection: Connection) -> int:
    """Wait until a commit waits for the standby; give the process id of its session."""
    query = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    found: list[int] = []

    async def waits() -> bool:
        found.extend(pid for (pid,) in connection.execute(query).fetchall())
        return bool(found)

    await until(waits, "a commit waits for the standby")
    return found[0]
