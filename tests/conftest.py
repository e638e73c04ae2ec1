"""One PostgreSQL server per run; a fresh database per test, copied from a template."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path

import aiohttp
import psycopg
import pytest

from tests.support.database import MIGRATED, SEEDED, Connection, Databases
from tests.support.http import running_app
from tests.support.ledger import Ledger
from tests.support.process import ServiceProcess, service_running
from tests.support.server import Server

Connect = Callable[..., Connection]
StartApp = Callable[..., AbstractAsyncContextManager[aiohttp.ClientSession]]
StartService = Callable[..., AbstractContextManager[ServiceProcess]]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """What asynchronous tests (`pytestmark = pytest.mark.anyio`) run on."""
    return "asyncio"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server all tests share."""
    started = Server()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def databases(server: Server) -> Databases:
    """The factory of databases: `databases.create()`, `databases.create(SEEDED)`."""
    return Databases(server)


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated database without rows, for the superuser."""
    with databases.fresh(MIGRATED) as url:
        yield url


@pytest.fixture
def seeded_url(databases: Databases) -> Iterator[str]:
    """A migrated database with the demo data of seed.sql, for the superuser."""
    with databases.fresh(SEEDED) as url:
        yield url


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A function that opens autocommit connections: `connect(url)`, `connect(url, role="wallet_jobs")`."""
    with contextlib.ExitStack() as stack:

        def open_connection(url: str, role: str | None = None) -> Connection:
            connection = stack.enter_context(contextlib.closing(psycopg.connect(url, autocommit=True)))
            if role is not None:
                connection.execute(f"SET ROLE {role}".encode())
            return connection

        yield open_connection


@pytest.fixture
def connection(database_url: str, connect: Connect) -> Connection:
    """The superuser's connection to `database_url`."""
    return connect(database_url)


@pytest.fixture
def ledger(connection: Connection) -> Ledger:
    """The ledger's functions on `database_url`."""
    return Ledger(connection)


@pytest.fixture
def start_app() -> StartApp:
    """Start the application on a database: `async with start_app(url, queue_size=1) as client`."""
    return running_app


@pytest.fixture
async def client(anyio_backend: str, seeded_url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the application on `seeded_url`: `await client.get("/api/v1/health")`."""
    async with running_app(seeded_url) as session:
        yield session


@pytest.fixture
def start_service(tmp_path: Path) -> StartService:
    """Start `wallet serve`: `with start_service(url, POOL_SIZE="2") as service`."""

    def start(database_url: str, **variables: str) -> AbstractContextManager[ServiceProcess]:
        folder = tmp_path / f"service-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        return service_running(folder, database_url, **variables)

    return start


@pytest.fixture
def service_process(start_service: StartService, seeded_url: str) -> Iterator[ServiceProcess]:
    """A running `wallet serve` on `seeded_url`."""
    with start_service(seeded_url) as service:
        yield service
