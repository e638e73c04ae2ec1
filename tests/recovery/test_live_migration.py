"""`wallet migrate` to another release while the service posts: nobody notices, and it may be ended at any point."""

import asyncio
import signal
import subprocess
from pathlib import Path
from typing import LiteralString

import pytest

from service import migrations
from tests.conftest import Connect, StartService
from tests.http.waiting import until_waiting
from tests.recovery.releases import next_release, start_wallet
from tests.support.database import Connection
from tests.support.load import Load, check_books, find_wallets

pytestmark = pytest.mark.anyio

NOT_SEEN_BY_CLIENTS = {201, 422}

TRANSACTIONS = "wallet.transactions"
NOTES = f"{migrations.BOOKKEEPING_SCHEMA}._yoyo_log"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The checkout of a later release."""
    folder = tmp_path / "release"
    folder.mkdir()
    return next_release(folder)


async def said(process: subprocess.Popen[str]) -> str:
    """Wait for a command's end; what it printed, and its exit code where that is not 0."""
    printed, _ = await asyncio.to_thread(process.communicate, timeout=90)
    return printed if process.returncode == 0 else f"{printed}exit code {process.returncode}"


async def test_nobody_notices(seeded_url: str, start_service: StartService, release: Path, connect: Connect) -> None:
    """Two processes migrate under load, and a reader is in the way for a while: no answer but 201 and 422, none late.

    The release renames what a routine gives to those that call it: an old one that meets a new one would fail.
    """
    reader = connect(seeded_url)
    observer = connect(seeded_url)
    with start_service(seeded_url) as service:
        async with Load([service.base_url], find_wallets(seeded_url)) as load:
            await load.until_acknowledged(100)
            with reader.transaction():
                reader.execute("LOCK TABLE wallet.transactions IN ACCESS SHARE MODE")
                processes = [start_wallet(release, seeded_url, "migrate") for _ in range(2)]
                for _ in range(2):
                    # It waits for the reader, is given up, and waits again.
                    waiting = await until_waiting(observer, TRANSACTIONS)
                    await until_waiting(observer, TRANSACTIONS, waiting)
                await load.until_acknowledged(100)
                assert [process.poll() for process in processes] == [None, None]
            printed = [await said(process) for process in processes]
            await load.until_acknowledged(100)
        assert set(load.answers) <= NOT_SEEN_BY_CLIENTS
        assert load.latency_max_seconds < 5, "a posting was held up for as long as the reader would have had it"
        await check_books(seeded_url, load)
    assert sorted(text.splitlines()[-1] for text in printed) == [
        "The database is current: 2 migrations applied.",
        "The database is current: nothing had changed.",
    ]
    assert state_of(observer) == "new"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize(
    ("table", "mode", "has_index"),
    [(TRANSACTIONS, "ACCESS SHARE", True), (NOTES, "SHARE", True), (NOTES, "SHARE", False)],
    ids=["in a file", "at the note of the index", "at the note of the columns"],
)
async def test_interrupted_and_repeated(
    seeded_url: str,
    start_service: StartService,
    release: Path,
    connect: Connect,
    table: LiteralString,
    mode: LiteralString,
    has_index: bool,
    number: signal.Signals,
) -> None:
    """The command is ended in mid-work, under load: the database has the old release; the next run does the rest."""
    holder = connect(seeded_url)
    observer = connect(seeded_url)
    if not has_index:
        (release / "db" / "migrations" / "9001-index.sql").unlink()
    with start_service(seeded_url) as service:
        async with Load([service.base_url], find_wallets(seeded_url)) as load:
            await load.until_acknowledged(50)
            with holder.transaction():
                holder.execute(f"LOCK TABLE {table} IN {mode} MODE")
                process = start_wallet(release, seeded_url, "migrate")
                await until_waiting(observer, table)
                process.send_signal(number)
                assert "exit code" in await said(process)
                assert state_of(observer) == "old"
                await load.until_acknowledged(50)
            assert "exit code" not in await said(start_wallet(release, seeded_url, "migrate"))
            await load.until_acknowledged(50)
        assert set(load.answers) <= NOT_SEEN_BY_CLIENTS
        await check_books(seeded_url, load)
    assert state_of(observer) == "new"


def state_of(connection: Connection) -> str:
    """Whether the database has the old release, the new one, or neither: its tables, its routines, its notes."""
    found = connection.execute(
        "SELECT array_agg(x ORDER BY x) FROM (VALUES"
        " (EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'wallet.accounts'::regclass AND attname = 'shade')),"
        " (EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'wallet.transactions'::regclass AND attname = 'channel')),"
        " ((SELECT 'instant' = ANY(proargnames) FROM pg_proc"
        "   WHERE oid = 'wallet.lock_accounts(uuid[])'::regprocedure)),"
        " ((SELECT '9002-columns' = ANY(migrations) FROM wallet.current_release())),"
        " (EXISTS (SELECT FROM wallet_migrations._yoyo_migration WHERE migration_id = '9002-columns'))) AS v (x)"
    ).fetchone()
    assert found is not None
    return {False: "old", True: "new"}[found[0][0]] if len(set(found[0])) == 1 else f"neither: {found[0]}"
