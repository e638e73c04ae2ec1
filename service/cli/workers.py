"""Several processes that serve on one port: starting them, keeping them running, and stopping them."""

import asyncio
import contextlib
import dataclasses
import json
import logging
import os
import pickle
import signal
import socket
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from typing import Final

from prometheus_client.multiprocess import mark_process_dead

from service.cli.address import address_sentence, announce
from service.cli.failure import Failure, SettingFailure
from service.metrics import SHARED_FOLDER_VARIABLE
from service.resources import PACKAGE_FOLDER
from service.settings import Settings

_log = logging.getLogger("wallet.workers")

# Where SO_REUSEPORT lets several processes listen on one port.
_PLATFORMS: Final = ("linux", "darwin")

# A worker takes up to 11 seconds for the requests in flight. When the database does not answer, the last batch then
# takes up to 12, and the connections up to 5.
_STOP_SECONDS: Final = 30.0

QUICK_DEATH_SECONDS: Final = 5.0
QUICK_DEATHS_MAX: Final = 5
_SHORTEST_PAUSE_SECONDS: Final = 0.1

# This very package, whatever the working directory holds.
_COMMAND: Final = (
    sys.executable,
    "-P",
    "-c",
    "import sys; sys.path.insert(0, sys.argv[1]); from service.cli.worker import main; main()",
    str(PACKAGE_FOLDER.parent),
)


def require_workers_platform(settings: Settings) -> None:
    """Refuse several workers where they cannot share a port.

    Raises:
        SettingFailure: more than one worker is asked for, and this is neither Linux nor macOS.
    """
    if settings.workers > 1 and sys.platform not in _PLATFORMS:
        raise SettingFailure("Several workers need Linux or macOS: set WORKERS to 1.")


def run_workers(settings: Settings, url: str) -> None:
    """Serve with several processes until SIGINT or SIGTERM.

    Raises:
        Failure: the address cannot be used, a worker cannot start, dies again and again, or would not stop; there is no
            folder for temporary files.
    """
    with _reserved_port(settings) as port, _figures_folder() as figures:
        asyncio.run(_Workers(dataclasses.replace(settings, port=port), url, figures).run())


def _figures_folder() -> tempfile.TemporaryDirectory[str]:
    """The folder in which the workers keep their metrics."""
    try:
        return tempfile.TemporaryDirectory(prefix="wallet-metrics-")
    except OSError as error:
        reason = error.strerror or error
        raise Failure(f"Several workers need a folder for temporary files ({reason}): set TMPDIR to one.") from error


class _Workers:
    """The workers of one service.

    Args:
        settings: the settings, with the port.
        url: the database.
        figures: the folder in which they keep their metrics, so that each can answer for all.
    """

    def __init__(self, settings: Settings, url: str, figures: str) -> None:
        self._settings = settings
        self._figures = figures
        self._message = pickle.dumps((settings, url))
        self._stopping = asyncio.Event()
        self._ready: set[int] = set()
        self._killed = 0

    async def run(self) -> None:
        """Keep every worker running until asked to stop, or until one cannot be kept running; then stop all."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopping.set)
        keepers = [asyncio.create_task(self._keep_running(number)) for number in range(1, self._settings.workers + 1)]
        await asyncio.wait(keepers, return_when=asyncio.FIRST_EXCEPTION)
        self._stopping.set()
        for result in await asyncio.gather(*keepers, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
        if self._killed:
            raise Failure(f"{self._killed} of the workers did not stop within {_STOP_SECONDS:.0f} seconds: killed.")

    async def _keep_running(self, number: int) -> None:
        quick_deaths = 0
        while not self._stopping.is_set():
            started_at = time.monotonic()
            process = await self._run_once(number)
            if self._stopping.is_set():
                return
            quick_deaths = quick_deaths + 1 if time.monotonic() - started_at < QUICK_DEATH_SECONDS else 0
            if quick_deaths >= QUICK_DEATHS_MAX:
                raise Failure(f"Worker {number} died {quick_deaths} times in a row just after its start: giving up.")
            pause_seconds = _SHORTEST_PAUSE_SECONDS * 2**quick_deaths
            _log.warning("worker %d (process %d) ended with %s", number, process.pid, process.returncode)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_seconds):
                    await self._stopping.wait()

    async def _run_once(self, number: int) -> Process:
        """Run a worker until it ends.

        Raises:
            Failure: it says why it cannot start, and no worker of this number ever did.
        """
        # A session of its own: Ctrl-C at the terminal reaches us only, and we pass it on.
        environment = {**os.environ, SHARED_FOLDER_VARIABLE: self._figures}
        process = await asyncio.create_subprocess_exec(
            *_COMMAND, stdin=PIPE, stdout=PIPE, env=environment, start_new_session=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(self._message)
        listening = asyncio.Event()
        stopper = asyncio.create_task(self._stop_when_asked(process, listening))
        try:
            line = await process.stdout.readline()
            answer: dict[str, str] = json.loads(line) if line else {"error": "It ended before it listened."}
            if "error" not in answer:
                listening.set()
                self._note_start(number, process)
            await process.wait()
        finally:
            stopper.cancel()
            # What it counted stays, what it measured goes.
            mark_process_dead(process.pid, self._figures)
        if "error" in answer and not self._stopping.is_set():
            _log.warning("worker %d could not start: %s", number, answer["error"])
            if line and number not in self._ready:
                raise Failure(answer["error"])
        return process

    async def _stop_when_asked(self, process: Process, listening: asyncio.Event) -> None:
        await self._stopping.wait()
        with contextlib.suppress(ProcessLookupError):
            if listening.is_set():
                process.terminate()
                await asyncio.sleep(_STOP_SECONDS)
                self._killed += 1
            # One that does not listen yet has nothing to finish.
            process.kill()

    def _note_start(self, number: int, process: Process) -> None:
        _log.info("worker %d listens (process %d)", number, process.pid)
        everyone_before = len(self._ready) == self._settings.workers
        self._ready.add(number)
        if len(self._ready) == self._settings.workers and not everyone_before:
            announce(self._settings, self._settings.port)


@contextlib.contextmanager
def _reserved_port(settings: Settings) -> Iterator[int]:
    """Choose the port, and hold it while there are moments in which no worker listens.

    The sockets held are bound and do not listen, so no connection comes to them.

    Raises:
        Failure: the address cannot be used.
    """
    port = settings.port
    with contextlib.ExitStack() as stack:
        try:
            found = socket.getaddrinfo(settings.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, _, _, _, address in found:
                # First alone: sharing must not let us in where another service listens.
                with _bound(family, (address[0], port, *address[2:]), shared=False) as alone:
                    port = alone.getsockname()[1]
                stack.enter_context(_bound(family, (address[0], port, *address[2:]), shared=True))
        except OSError as error:
            raise Failure(address_sentence(settings, error)) from error
        yield port


def _bound(family: int, address: tuple[object, ...], shared: bool) -> socket.socket:
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        # As the workers do: connections of a service that was just stopped are no hindrance.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shared:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        found.bind(address)
    except BaseException:
        found.close()
        raise
    return found
