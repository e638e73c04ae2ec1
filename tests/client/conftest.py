"""The real service as a process of its own, for a module of tests, and clients of it."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, cast

import pytest

from tests.client.flavours import Client, FlavourName, opened
from tests.conftest import Connect
from tests.support.database import SEEDED, Databases
from tests.support.ledger import Ledger
from tests.support.process import service_running
from wallet_client import Account, AssetType

OpenClient = Callable[..., AbstractAsyncContextManager[Client]]


@dataclass(frozen=True)
class Service:
    """A running service: the URL of its API, and that of its database."""

    url: str
    database_url: str


@pytest.fixture(scope="module")
def service(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for a module: each test has wallets of its own."""
    with (
        databases.fresh(SEEDED) as database_url,
        service_running(tmp_path_factory.mktemp("service"), database_url) as process,
    ):
        yield Service(f"{process.base_url}/api/v1", database_url)


@pytest.fixture(params=["waiting", "asynchronous"])
def flavour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FlavourName:
    """Either flavour; no request goes through a proxy of the machine's."""
    monkeypatch.setenv("NO_PROXY", "*")
    return cast(FlavourName, request.param)


@pytest.fixture
def open_client(flavour: FlavourName) -> OpenClient:
    """Open a client of the flavour: `async with open_client(url, deadline_seconds=1) as client`."""

    def open_(url: str, **options: Any) -> AbstractAsyncContextManager[Client]:
        return opened(flavour, url, **options)

    return open_


@pytest.fixture
async def client(anyio_backend: str, service: Service, open_client: OpenClient) -> AsyncIterator[Client]:
    """A client of the service."""
    async with open_client(service.url) as one:
        yield one


@pytest.fixture
async def gold(client: Client) -> AssetType:
    """The asset GC."""
    (found,) = [one for one in await client.call("list_asset_types") if one.symbol == "GC"]
    return cast(AssetType, found)


@pytest.fixture
async def alice(client: Client, gold: AssetType) -> Account:
    """A new wallet with 100 GC."""
    account: Account = await client.call("create_account", "Alice", gold.id)
    await client.call("top_up", account.id, gold.id, 100)
    return account


@pytest.fixture
async def bob(client: Client, gold: AssetType) -> Account:
    """A new, empty wallet in GC."""
    return cast(Account, await client.call("create_account", "Bob", gold.id))


@pytest.fixture
def books(service: Service, connect: Connect) -> Iterator[Ledger]:
    """The tables behind the service, by SQL."""
    with contextlib.closing(connect(service.database_url)) as connection:
        yield Ledger(connection)
