"""Delivering events to webhooks without serving HTTP."""

import asyncio
import logging
import signal

from service.cli.serve import allow_open_files, run_loop
from service.database import create_pool
from service.logs import configure_logs
from service.settings import Settings
from service.webhooks.delivering import CONNECTIONS_MAX, Deliverer
from service.webhooks.sending import Sender

_log = logging.getLogger("wallet.webhooks")


#: Files a process has open besides its connections, generously.
_OTHER_FILES = 100


def run_deliverer(settings: Settings, url: str) -> None:
    """Deliver events until SIGINT or SIGTERM; then finish what is being sent.

    Args:
        settings: the size of the pool, and where webhooks may lead.
        url: the database; its user must be wallet_service or a member of it.

    Raises:
        psycopg_pool.PoolTimeout: the database is away.
    """
    configure_logs(settings.log_level_number)
    run_loop(_deliver(settings, url))


async def _deliver(settings: Settings, url: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    allow_open_files(CONNECTIONS_MAX + settings.pool_size + _OTHER_FILES)
    async with create_pool(url, settings.pool_size, settings.queue_size) as pool:
        await pool.wait()
        deliverer = Deliverer(pool, Sender(any_target=settings.webhook_targets == "any"))
        deliverer.start()
        _log.info("events are delivered to webhooks")
        await stop.wait()
        await deliverer.close()
