"""The backups of the operations page can be restored: its commands are run as they stand there."""

import asyncio
import os
import time
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import StartService
from tests.docs.examples import Block, blocks_of
from tests.docs.pages import text_of
from tests.docs.runners import Shell
from tests.recovery.cluster import Cluster, give_to_server, run_as_server
from tests.recovery.conftest import DATABASE, MakeCluster
from tests.support.database import Connection
from tests.support.load import Load, check_books, find_wallets
from tests.support.server import test_programs as programs_folder

pytestmark = pytest.mark.anyio


def block_with(text: str) -> Block:
    """The block of the page with this text in it."""
    (found,) = (block for block in blocks_of(text_of("docs/operations.md")) if text in block.text)
    return found


class Page:
    """Runs the page's blocks, its absolute paths put into a folder.

    Args:
        folder: one that the servers' account can use.
        tmp_path: one for what is run by the tests' own account.
        variables: for the blocks' environment.
    """

    def __init__(self, folder: Path, tmp_path: Path, **variables: str) -> None:
        self.folder = folder
        self.variables = variables
        self._shell = Shell(tmp_path, "", {"PATH": f"{programs_folder()}{os.pathsep}{os.environ['PATH']}", **variables})

    def run(self, text: str) -> str:
        """Run the block with this text in it as somebody with access to the database; return what it prints."""
        block = block_with(text)
        if block.language == "sql":
            # One by one: ALTER SYSTEM may not be in a transaction with others.
            program = (
                f"psql -v ON_ERROR_STOP=1 -d '{self.variables['ADMIN_URL']}' <<'END'\n{self._placed(block.text)}\nEND\n"
            )
            return self._shell.run(program)
        return self._shell.run(self._placed(block.text))

    def run_as_server(self, text: str, replacing: str = "", by: str = "") -> None:
        """Run the block with this text in it as the account that runs PostgreSQL."""
        script = self._placed(block_with(text).text)
        assert replacing in script
        run_as_server(
            ["sh", "-ec", script.replace(replacing, by) if replacing else script], self.folder, self.variables
        )

    def _placed(self, script: str) -> str:
        for path in ("/backup", "/restored"):
            script = script.replace(path, f"{self.folder}{path}")
        return script


State = dict[str, Decimal]


def state_of(connection: Connection) -> State:
    """What every account holds, and how many transactions there are."""
    rows = connection.execute(
        "SELECT id::text, balance FROM wallet.accounts"
        " UNION ALL SELECT 'transactions', count(*) FROM wallet.transactions"
    )
    return dict(rows.fetchall())


async def test_a_dump_is_restored(
    primary: Cluster, make_cluster: MakeCluster, start_service: StartService, folder: Path, tmp_path: Path
) -> None:
    """Dumped under load, restored on a new server without the roles: whole, as of one instant, and it serves."""
    primary.start()
    fresh = make_cluster("fresh")
    fresh.initialize()
    fresh.start()
    page = Page(
        folder,
        tmp_path,
        ADMIN_URL=primary.url(DATABASE),
        NEW_SERVER_URL=fresh.url(),
        NEW_DATABASE_URL=fresh.url(DATABASE),
    )
    wallets = find_wallets(primary.url(DATABASE))
    with start_service(primary.url(DATABASE)) as service:
        async with Load([service.base_url], wallets) as load:
            await load.until_acknowledged(200)
            before = set(load.acknowledged)
            await asyncio.to_thread(page.run, "pg_dump ")
            await load.until_acknowledged(100)
        await check_books(primary.url(DATABASE), load)
    await asyncio.to_thread(page.run, "pg_restore ")
    with fresh.connect(DATABASE) as connection:
        keys = {key for (key,) in connection.execute("SELECT idempotency_key FROM wallet.transactions").fetchall()}
    assert before | wallets.keys_before <= keys < load.sent.keys() | wallets.keys_before
    with start_service(fresh.url(DATABASE)) as service:
        again = find_wallets(fresh.url(DATABASE))
        async with Load([service.base_url], again) as more:
            await more.until_acknowledged(50)
        await check_books(fresh.url(DATABASE), more)


@pytest.mark.parametrize("target", ["name", "time"])
async def test_the_ledger_is_had_back_as_of_an_instant(
    primary: Cluster,
    make_cluster: MakeCluster,
    start_service: StartService,
    folder: Path,
    tmp_path: Path,
    target: str,
) -> None:
    """A base backup under load, an instant, more load, the end of the server: all accounts as of the instant."""
    for name in ("backup", "backup/wal"):
        (folder / name).mkdir()
        give_to_server(folder / name)
    restored = make_cluster("restored")
    page = Page(
        folder,
        tmp_path,
        ADMIN_URL=primary.url(DATABASE),
        NEW_DATABASE_URL=restored.url(DATABASE),
        PGPORT=str(restored.port),
    )
    primary.start()
    page.run("ALTER SYSTEM SET archive_mode")
    primary.stop()
    primary.start()
    with start_service(primary.url(DATABASE)) as service, primary.connect(DATABASE) as connection:
        async with Load([service.base_url], find_wallets(primary.url(DATABASE))) as load:
            await load.until_acknowledged(100)
            await asyncio.to_thread(page.run_as_server, "pg_basebackup --checkpoint")
            await load.until_acknowledged(100)
            await load.pause()
            expected = state_of(connection)
            page.run("pg_create_restore_point")
            instant = connection.execute("SELECT clock_timestamp()::text").fetchone()
            assert instant is not None
            load.resume()
            await load.until_acknowledged(100)
            assert state_of(connection) != expected
        archive_everything(connection)
    primary.kill()
    line = "recovery_target_name = 'before-the-import'"
    replaced = line if target == "name" else f"recovery_target_time = '{instant[0]}'"
    await asyncio.to_thread(page.run_as_server, "pg_ctl start", line, replaced)
    try:
        page.run("pg_is_in_recovery")
        with restored.connect(DATABASE) as connection:
            assert state_of(connection) == expected
        with start_service(restored.url(DATABASE)) as service:
            async with Load([service.base_url], find_wallets(restored.url(DATABASE))) as more:
                await more.until_acknowledged(50)
            await check_books(restored.url(DATABASE), more)
    finally:
        run_as_server(["pg_ctl", "stop", "--mode=fast", f"--pgdata={restored.data}"], folder)


def archive_everything(connection: Connection) -> None:
    """Put all of the log so far into the archive."""
    row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    assert row is not None
    deadline = time.monotonic() + 30
    query = "SELECT last_archived_wal >= %s FROM pg_stat_archiver"
    while connection.execute(query, row).fetchone() != (True,):
        assert time.monotonic() < deadline, "the archive does not get the log"
        time.sleep(0.02)
