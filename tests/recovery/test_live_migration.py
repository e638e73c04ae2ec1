"""`wallet migrate` to another release while the service posts: nobody notices, and it may be ended at any point."""

import asyncio
import signal
import subprocess
from pathlib import Path
from typing import LiteralString

import pytest

from service import migrations
from tests.conftest import Connect, StartService
from tests.http.waiting import lock_waiters, until, until_waiting
from tests.recovery.releases import next_release, release_without, start_wallet
from tests.support.database import Connection
from tests.support.ledger import Ledger
from tests.support.load import Load, check_books, find_wallets
from tests.support.session import Session, result_of

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


async def test_a_posting_under_way_meets_no_routine_of_the_next_release(
    seeded_url: str, connect: Connect, tmp_path: Path
) -> None:
    """A job's posting waits for a row; the release that drops a routine it is yet to call waits for the posting."""
    observer = connect(seeded_url)
    query = "SELECT oid::regprocedure::text FROM pg_proc WHERE proname = 'write_postings'"
    signature = observer.execute(query).fetchone()
    assert signature is not None
    (tmp_path / "release").mkdir()
    release = release_without(tmp_path / "release", "write_postings", signature[0])
    wallet = find_wallets(seeded_url).wallets[0].account_id
    holder = connect(seeded_url)
    with Session(seeded_url) as job:
        with holder.transaction():
            holder.execute("SELECT FROM wallet.accounts WHERE id = %s FOR UPDATE", [wallet])
            posting = job.start_and_block(lambda ledger: ledger.top_up(wallet, 1))
            process = start_wallet(release, seeded_url, "migrate")

            async def waits_or_ended() -> bool:
                return bool(lock_waiters(observer, "wallet.posting_gate")) or process.poll() is not None

            await until(waits_or_ended, "the migration waits")
        assert not result_of(posting).replayed
    assert "1 migration applied" in await said(process)
    assert not Ledger(observer).top_up(wallet, 1).replayed
    assert Ledger(observer).problems() == {}


@pytest.mark.parametrize(
    ("number", "table", "mode", "has_index"),
    [
        pytest.param(signal.SIGINT, TRANSACTIONS, "ACCESS SHARE", True, id="interrupted in a file"),
        pytest.param(signal.SIGKILL, TRANSACTIONS, "ACCESS SHARE", True, id="killed in a file"),
        pytest.param(signal.SIGKILL, NOTES, "SHARE", True, id="killed at the note of the index"),
        pytest.param(signal.SIGKILL, NOTES, "SHARE", False, id="killed at the note of the columns"),
    ],
)
async def test_interrupted_and_repeated(
    seeded_url: str,
    start_service: StartService,
    release: Path,
    connect: Connect,
    number: signal.Signals,
    table: LiteralString,
    mode: LiteralString,
    has_index: bool,
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
