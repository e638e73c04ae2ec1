"""The service dies or is told to stop, under load: nothing acknowledged is lost, nothing is posted twice."""

import asyncio
import os
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager

import aiohttp
import psutil
import psycopg
import pytest

from tests.conftest import StartService
from tests.faults.requests import ask_health, until, until_healthy
from tests.support.load import LOST, TIMEOUT, UNREACHED, Load, check_books, find_wallets
from tests.support.process import ServiceProcess

pytestmark = pytest.mark.anyio

_DEADLINE_SECONDS = 30.0
_LISTENS = re.compile(r"worker (\d+) listens \(process (\d+)\)")

workers_platform = pytest.mark.skipif(
    not sys.platform.startswith(("linux", "darwin")), reason="several workers need SO_REUSEPORT"
)
BOTH = pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=workers_platform)])


@asynccontextmanager
async def started(start_service: StartService, url: str, workers: str) -> AsyncIterator[ServiceProcess]:
    """Start `wallet serve` while the load goes on."""
    with ExitStack() as stack:
        yield await asyncio.to_thread(stack.enter_context, start_service(url, WORKERS=workers))


def workers_of(service: ServiceProcess) -> list[int]:
    """The process ids of all workers that ever listened, in order."""
    return [int(pid) for _, pid in _LISTENS.findall(service.log.read_text())]


@contextmanager
def gate_held(url: str) -> Iterator[Callable[[], bool]]:
    """Nothing is posted meanwhile; yields whether a posting waits for that."""
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as observer:
        holder.execute("LOCK TABLE wallet.posting_gate IN EXCLUSIVE MODE")

        def waits() -> bool:
            row = observer.execute(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'wallet.posting_gate'::regclass AND NOT granted)"
            ).fetchone()
            return row == (True,)

        yield waits
        holder.rollback()


@BOTH
async def test_kill_9_of_the_service(workers: str, start_service: StartService, seeded_url: str) -> None:
    """All of it at once; another one, started later, gives the answers that the first could not."""
    with start_service(seeded_url, WORKERS=workers) as service:
        async with Load([service.base_url], find_wallets(seeded_url)) as load:
            await load.until_acknowledged(300)
            victims = [psutil.Process(service.process.pid), *map(psutil.Process, workers_of(service))]
            for victim in victims:
                victim.kill()
            await asyncio.to_thread(service.wait)
            async with started(start_service, seeded_url, workers) as another:
                load.base_urls[:] = [another.base_url]
                await load.until_acknowledged(300)
                await load.stop()
                await check_books(seeded_url, load)
        assert load.answers[LOST] > 0, "the kill was not noticed: it proves nothing"
        assert set(load.answers) <= {201, 422, 503, LOST, UNREACHED}, load.summary


@workers_platform
async def test_kill_9_of_a_worker(start_service: StartService, seeded_url: str) -> None:
    """The other one goes on, another is started, clients that send again lose nothing."""
    with start_service(seeded_url, WORKERS="2") as service:
        async with Load([service.base_url], find_wallets(seeded_url)) as load:
            await load.until_acknowledged(300)
            os.kill(workers_of(service)[0], signal.SIGKILL)
            await load.until_acknowledged(100)
            await until(lambda: len(workers_of(service)) == 3, "another worker is started")
            await load.until_acknowledged(100)
        await check_books(seeded_url, load)
        assert load.answers[LOST] > 0, "the kill was not noticed: it proves nothing"
        assert set(load.answers) <= {201, 422, LOST, UNREACHED}, load.summary


@BOTH
async def test_sigterm_under_load(workers: str, start_service: StartService, seeded_url: str) -> None:
    """Exit code 0; what it answered is true; another one, started later, answers the rest."""
    with start_service(seeded_url, WORKERS=workers) as service:
        async with Load([service.base_url], find_wallets(seeded_url)) as load:
            await load.until_acknowledged(300)
            service.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(service.wait) == 0
            assert "Traceback" not in service.log.read_text()
            async with started(start_service, seeded_url, workers) as another:
                load.base_urls[:] = [another.base_url]
                await load.until_acknowledged(300)
                await load.stop()
                await check_books(seeded_url, load)
        # Nobody's request was dropped: not even one that came on an open connection after the signal.
        assert set(load.answers) <= {201, 422, UNREACHED}, load.summary


@BOTH
async def test_sigterm_answers_what_is_in_flight(workers: str, start_service: StartService, seeded_url: str) -> None:
    """Every request that was taken before the signal gets its answer after it, and only then does the service end."""
    with start_service(seeded_url, WORKERS=workers) as service:
        async with Load([service.base_url], find_wallets(seeded_url)) as load:
            with gate_held(seeded_url) as posting_waits:
                await until(posting_waits, "a posting waits")
                await until(lambda: load.in_flight >= 32, "every client waits")
                # What was sent before is read before this is answered.
                await answered_by_all(service, int(workers))
                taken = load.in_flight
                load.answers.clear()
                service.send_signal(signal.SIGTERM)
                await until(lambda: not is_listening(service), "nobody listens any more")
                assert service.process.poll() is None
            assert await asyncio.to_thread(service.wait) == 0
            assert load.answers[201] + load.answers[422] == taken, load.summary
            assert load.answers[503] == load.answers[TIMEOUT] == 0, load.summary
            async with started(start_service, seeded_url, workers) as another:
                load.base_urls[:] = [another.base_url]
                await load.until_acknowledged(100)
                await load.stop()
                await check_books(seeded_url, load)


async def answered_by_all(service: ServiceProcess, workers: int) -> None:
    """Ask for /health until every worker has answered, then once more."""
    await until_healthy(service.base_url)
    seen: set[str] = set()
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while len(seen) < workers:
        assert time.monotonic() < deadline, seen
        async with aiohttp.request("GET", f"{service.base_url}/api/v1/health") as response:
            seen.add(response.headers["X-Request-Id"].partition("-")[0])
    await ask_health(service.base_url)


def is_listening(service: ServiceProcess) -> bool:
    """Whether anything listens on its port."""
    port = int(service.base_url.rpartition(":")[2])
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True
