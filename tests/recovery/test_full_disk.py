"""The database's disk is full: postings are refused, reads go on, and space is all that has to be given back."""

from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import StartService
from tests.http.waiting import until
from tests.recovery.cluster import Cluster
from tests.recovery.conftest import DATABASE
from tests.recovery.preloading import has_compiler
from tests.recovery.small_disk import SmallDisk, can_mount, small_disk
from tests.support.load import Load, Wallet, check_books, find_wallets

pytestmark = pytest.mark.anyio


@pytest.fixture
def pretend(tmp_path: Path) -> bool:
    """Whether the disk is not a real one."""
    is_real = can_mount(tmp_path)
    assert is_real or has_compiler(), "a full disk needs the right to mount or a C compiler (cc)"
    return not is_real


@pytest.fixture
def disk(primary: Cluster, pretend: bool, request: pytest.FixtureRequest) -> Iterator[SmallDisk]:
    """The disk under the part of the data that the test names."""
    with small_disk(primary, request.param, pretend) as found:
        yield found


@pytest.mark.parametrize("disk", ["base"], indirect=True)
async def test_no_space_for_tables(primary: Cluster, disk: SmallDisk, start_service: StartService) -> None:
    """The tables cannot grow: 503 for postings and new accounts, 200 for reads; later all is as if nothing had been."""
    primary.start()
    wallets = find_wallets(primary.url(DATABASE))
    wallet = wallets.wallets[0]
    with start_service(primary.url(DATABASE)) as service:
        async with Load([service.base_url], wallets) as load:
            await load.until_acknowledged(200)
            disk.fill()
            await until_unavailable(load, 100)
            async with aiohttp.ClientSession(f"{service.base_url}") as session:
                for path in ("/asset-types", f"/accounts/{wallet.account_id}/balance", "/transactions", "/health"):
                    async with session.get(f"/api/v1{path}") as response:
                        assert response.status == 200, path
                await until_no_account_can_be_opened(session, wallet)
            assert not load.problems
            disk.free()
            await load.until_acknowledged(200)
        await check_books(primary.url(DATABASE), load)
    assert "No space left on device" in primary.log.read_text()


@pytest.mark.parametrize("disk", ["pg_wal"], indirect=True)
async def test_no_space_for_the_log(primary: Cluster, disk: SmallDisk, start_service: StartService) -> None:
    """PostgreSQL panics when its log cannot grow, and may end: nothing acknowledged is lost, the service goes on."""
    primary.start()
    wallets = find_wallets(primary.url(DATABASE))
    with start_service(primary.url(DATABASE)) as service:
        async with Load([service.base_url], wallets) as load:
            await load.until_acknowledged(200)
            disk.fill()
            await until_unavailable(load, 100)
            assert not load.problems
            disk.free()
            if primary.has_ended():
                primary.start()
            await load.until_acknowledged(200)
        await check_books(primary.url(DATABASE), load)
        assert service.process.poll() is None
    assert "PANIC" in primary.log.read_text()


async def until_unavailable(load: Load, count: int) -> None:
    """Wait until so many requests have been answered 503."""

    async def refused() -> bool:
        return load.answers[503] >= count

    await until(refused, f"{count} answers with 503")


async def until_no_account_can_be_opened(session: aiohttp.ClientSession, wallet: Wallet) -> None:
    """Open accounts until there is no room for one more, and see that it is said so."""

    async def is_full() -> bool:
        body = {"name": "N" * 255, "assetTypeId": str(wallet.asset_type_id)}
        async with session.post("/api/v1/accounts", json=body) as response:
            assert response.status in {201, 503}
            return response.status == 503

    await until(is_full, "there is no room for an account")
