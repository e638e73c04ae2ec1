"""Running the HTTP service from start to end."""

import asyncio
import errno
import logging
import signal
from collections.abc import Callable
from types import FrameType

import click
from aiohttp import web

from service.app import create_app
from service.cli.failure import Failure
from service.embedded.server import open_database
from service.http.server import WalletRunner
from service.settings import Settings

SHUTDOWN_SECONDS = 10.0
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"

_new_event_loop: Callable[[], asyncio.AbstractEventLoop] | None
try:
    from uvloop import new_event_loop as _new_event_loop
except ImportError:  # not on Windows, and not needed
    _new_event_loop = None


def run_service(settings: Settings, prepare: Callable[[str], None]) -> None:
    """Open the database, prepare it, then serve until SIGINT or SIGTERM.

    Args:
        settings: the settings.
        prepare: called with the database's URL before anything is served.

    Raises:
        Failure: the address cannot be used.
        EmbeddedDatabaseError: the embedded database cannot be started.
        psycopg.Error: the database is away.
    """
    logging.basicConfig(level=settings.log_level_number, format=LOG_FORMAT)
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with open_database(settings, exclusive=True) as url:
            prepare(url)
            with asyncio.Runner(loop_factory=_new_event_loop) as runner:
                runner.run(_serve(settings, url))
    except KeyboardInterrupt:
        # Asked to stop before it was serving: that is no failure either.
        return
    finally:
        signal.signal(signal.SIGTERM, previous)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


async def _serve(settings: Settings, url: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    # The application writes the log of requests itself.
    runner = WalletRunner(create_app(settings, url), SHUTDOWN_SECONDS)
    try:
        await runner.setup()
        site = web.TCPSite(runner, settings.host, settings.port)
        try:
            await site.start()
        except OSError as error:
            raise Failure(_address_sentence(settings, error)) from error
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        port = runner.addresses[0][1]
        click.echo(f"Wallet answers on http://{host}:{port}/api/v1 (Ctrl-C stops it)")
        await stop.wait()
    finally:
        await runner.cleanup()


def _address_sentence(settings: Settings, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {settings.port} on {settings.host} is in use: set PORT to another one."
    if error.errno == errno.EACCES:
        return f"Port {settings.port} may not be used by this user: set PORT to one above 1023."
    return f"HOST {settings.host} with PORT {settings.port} cannot be listened on: {error.strerror or error}."
