"""The real application on a real socket, in the test's own process."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from aiohttp import web

from service.app import create_app
from service.http.server import WalletRunner
from service.settings import Settings

SHUTDOWN_TIMEOUT_SECONDS = 5.0


@contextlib.asynccontextmanager
async def running_app(
    database_url: str,
    *,
    pool_size: int = 8,
    queue_size: int = 10_000,
    batch_size: int = 500,
    lanes: int = 1,
    api_keys: str | None = None,
    http_connections: int = 1_000,
    webhook_targets: str = "public",
) -> AsyncIterator[aiohttp.ClientSession]:
    """Run the application on a port of the system's choice; yield a session whose base URL is its root."""
    settings = Settings(
        database_url=database_url,
        port=0,
        data_dir=Path("unused"),
        pool_size=pool_size,
        queue_size=queue_size,
        batch_size=batch_size,
        lanes=lanes,
        api_keys=api_keys,
        http_connections=http_connections,
        webhook_targets=webhook_targets,
    )
    runner = WalletRunner(create_app(settings, database_url), SHUTDOWN_TIMEOUT_SECONDS, http_connections)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with aiohttp.ClientSession(f"http://{host}:{port}", connector=aiohttp.TCPConnector(limit=0)) as session:
            yield session
    finally:
        await runner.cleanup()
