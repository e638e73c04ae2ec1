"""Running the HTTP service from start to end."""

import asyncio
import contextlib
import functools
import signal
from collections.abc import Callable, Coroutine
from types import FrameType

from aiohttp import web

from service import tracing
from service.app import create_app
from service.cli.address import address_sentence, announce
from service.cli.failure import Failure
from service.cli.workers import require_workers_platform, run_workers
from service.embedded.server import open_database
from service.http.server import WalletRunner
from service.logs import configure_logs
from service.settings import Settings
from service.webhooks.delivering import CONNECTIONS_MAX

SHUTDOWN_SECONDS = 10.0

#: Files a process has open besides its connections, generously.
_OTHER_FILES = 100

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
        Failure: the address cannot be used, or the workers cannot be kept running.
        EmbeddedDatabaseError: the embedded database cannot be started.
        psycopg.Error: the database is away.
    """
    require_workers_platform(settings)
    configure_logs(settings.log_level_number)
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with open_database(settings, exclusive=True) as url:
            prepare(url)
            if settings.workers > 1:
                run_workers(settings, url)
            else:
                run_loop(serve(settings, url, asyncio.Event(), functools.partial(announce, settings)))
    except KeyboardInterrupt:
        # Asked to stop before it was serving: that is no failure either.
        return
    finally:
        signal.signal(signal.SIGTERM, previous)


def run_loop(main: Coroutine[None, None, None]) -> None:
    """Run a coroutine to its end on the fastest event loop there is."""
    with asyncio.Runner(loop_factory=_new_event_loop) as runner:
        runner.run(main)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def allow_open_files(count: int) -> None:
    """Let this process have so many files open, or as many as the system lets it.

    Many systems begin with 1,024, and a process that cannot take a connection cannot refuse it properly either.
    """
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != soft < count:
        wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
        # macOS has a limit of its own below the one it names.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def serve(
    settings: Settings,
    url: str,
    stop: asyncio.Event,
    on_listening: Callable[[int], None],
    reuse_port: bool = False,
) -> None:
    """Serve until `stop` is set, SIGINT or SIGTERM; then answer what is in flight.

    Args:
        settings: the settings.
        url: the database.
        stop: ends the service.
        on_listening: called with the port once connections are taken.
        reuse_port: whether other processes may listen on the port too.

    Raises:
        Failure: the address cannot be used.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    # The application writes the log of requests itself.
    connections = settings.http_connections + settings.pool_size + settings.lanes + CONNECTIONS_MAX
    allow_open_files(connections + _OTHER_FILES)
    async with tracing.running():
        runner = WalletRunner(create_app(settings, url), SHUTDOWN_SECONDS, settings.http_connections)
        try:
            await runner.setup()
            site = web.TCPSite(runner, settings.host, settings.port, reuse_port=reuse_port)
            try:
                await site.start()
            except OSError as error:
                raise Failure(address_sentence(settings, error)) from error
            on_listening(runner.addresses[0][1])
            await stop.wait()
        finally:
            await runner.cleanup()
