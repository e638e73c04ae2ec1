"""The server's clock steps back and stands still: order and as-of reads come from versions and numbers, not from it.

Without a C compiler only the tests in tests/database say so, which move accounts into the future in place of the clock.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conftest import StartService
from tests.recovery.cluster import Cluster, give_to_server
from tests.recovery.conftest import DATABASE
from tests.recovery.preloading import compiled
from tests.support.database import Connection
from tests.support.load import Load, Wallet, check_books, find_wallets

pytestmark = pytest.mark.anyio

_HOUR_SECONDS = 3600


class Clock:
    """The clock of a server that is not started yet."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._file = folder / "clock"
        self.set(0)
        give_to_server(self._file)
        cluster.preload(compiled("clock", folder), CLOCK_FILE=str(self._file))

    def set(self, offset_seconds: int, stands_at: int = 0) -> None:
        """Let it differ from the real time, or stand still at an instant (seconds since 1970)."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(f"{offset_seconds} {stands_at}\n")
        draft.chmod(0o644)
        draft.rename(self._file)


@pytest.fixture
def clock(primary: Cluster, folder: Path) -> Clock:
    """The clock of `primary`."""
    return Clock(primary, folder)


async def test_the_clock_steps_back_and_stands_still(
    primary: Cluster, clock: Clock, start_service: StartService
) -> None:
    """Under load: real time, an hour back, standing still a day ago, real time again."""
    primary.start()
    wallets = find_wallets(primary.url(DATABASE))
    with start_service(primary.url(DATABASE)) as service, primary.connect(DATABASE) as connection:
        async with Load([service.base_url], wallets) as load:
            await load.until_acknowledged(200)
            first = now_of(connection)
            clock.set(-_HOUR_SECONDS)
            assert now_of(connection) < first - timedelta(minutes=50), "the clock has not stepped back"
            await load.until_acknowledged(200)
            clock.set(0, stands_at=int(first.timestamp()) - 24 * _HOUR_SECONDS)
            assert now_of(connection) == now_of(connection), "the clock does not stand still"
            await load.until_acknowledged(200)
            await load.pause()
            await check_order(service.base_url, connection, wallets.wallets)
            instants = instants_of(connection)
            clock.set(0)
            load.resume()
            await load.until_acknowledged(200)
        await check_order(service.base_url, connection, wallets.wallets)
        assert instants_of(connection) > instants, "time has not gone on"
        await check_books(primary.url(DATABASE), load)


async def check_order(base_url: str, connection: Connection, wallets: Sequence[Wallet]) -> None:
    """Each account's instants never step back, lists are in order of what happened, and as-of reads agree with it."""
    stepped_back = connection.execute(
        "SELECT count(*) FROM wallet.ledger_entries AS e JOIN wallet.ledger_entries AS f"
        " ON f.account_id = e.account_id AND f.version = e.version + 1 WHERE f.created_at < e.created_at"
    )
    assert stepped_back.fetchone() == (0,)
    wrong = connection.execute(
        "SELECT count(*) FROM (SELECT DISTINCT ON (account_id, created_at) account_id, created_at, balance_after"
        " FROM wallet.ledger_entries ORDER BY account_id, created_at, version DESC) AS e"
        " WHERE wallet.balance_at(e.account_id, e.created_at) <> e.balance_after"
    )
    assert wrong.fetchone() == (0,)
    async with aiohttp.ClientSession(base_url) as session:
        for wallet in wallets:
            entries = await page_of(session, f"/accounts/{wallet.account_id}/ledger?limit=100")
            assert [entry["createdAt"] for entry in entries] == sorted(
                (entry["createdAt"] for entry in entries), reverse=True
            )
            for newer, older in pairwise(entries):
                change = newer["amount"] if newer["entryType"] == "CREDIT" else -newer["amount"]
                assert newer["balanceAfter"] == pytest.approx(older["balanceAfter"] + change)
        listed = [one["id"] for one in await page_of(session, "/transactions?limit=100")]
    newest = connection.execute("SELECT id::text FROM wallet.transactions ORDER BY id DESC LIMIT 100").fetchall()
    assert listed == [transaction_id for (transaction_id,) in newest]


async def page_of(session: aiohttp.ClientSession, path: str) -> list[dict[str, Any]]:
    """The first page of a list."""
    async with session.get(f"/api/v1{path}") as response:
        assert response.status == 200
        found: list[dict[str, Any]] = (await response.json())["data"]
        return found


def now_of(connection: Connection) -> datetime:
    """What the server takes the time to be."""
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    found: datetime = row[0]
    return found.astimezone(UTC)


def instants_of(connection: Connection) -> int:
    """How many instants the transactions have."""
    row = connection.execute("SELECT count(DISTINCT created_at) FROM wallet.transactions").fetchone()
    assert row is not None
    return int(row[0])
