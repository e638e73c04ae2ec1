"""The database neither answers nor refuses: it is stopped in its tracks. Every wait has an end, and every queue."""

import asyncio
import signal

import psutil
import pytest

from service.batching import WAIT_SECONDS_MAX
from tests.conftest import StartService
from tests.faults.postmaster import Postmaster
from tests.faults.requests import (
    ANSWER_SECONDS_MAX,
    HEALTH_SECONDS_MAX,
    ask_health,
    ask_reads,
    ask_writes,
    check_all,
    until,
    until_healthy,
)
from tests.support.load import Load, check_books, find_wallets

pytestmark = pytest.mark.anyio

_CONNECTIONS = 200
_QUEUE_SIZE = 50
_BATCH_SIZE = 10
_EXIT_SECONDS_MAX = 45.0
_GROWTH_MAX = 1.5
_GROWTH_BYTES = 64 * 1024 * 1024


async def test_sigstop_of_the_whole_server(start_service: StartService, postmaster: Postmaster, own_url: str) -> None:
    """Longer than every timeout: 503 for all, in the promised time; after SIGCONT all is well without a hand."""
    with start_service(own_url, QUEUE_SIZE=str(_QUEUE_SIZE), BATCH_SIZE=str(_BATCH_SIZE)) as service:
        async with Load([service.base_url], find_wallets(own_url), connections=_CONNECTIONS) as load:
            wallet = load.wallets.wallets[0]
            await load.until_acknowledged(500)
            memory = psutil.Process(service.process.pid)
            before_bytes = memory.memory_info().rss
            postmaster.freeze()
            try:
                health = asyncio.create_task(ask_health(service.base_url))
                reads, writes = await asyncio.gather(
                    ask_reads(service.base_url, wallet, times=10), ask_writes(service.base_url, wallet)
                )
                check_all([*reads, *writes], {503})
                check_all([await health, await ask_health(service.base_url)], {503}, HEALTH_SECONDS_MAX)
                await until(lambda: load.latency_max_seconds > WAIT_SECONDS_MAX, "some waited as long as may be")
                refused_while_frozen = load.answers[503]
                grown_bytes = memory.memory_info().rss
            finally:
                postmaster.thaw()
            await load.until_acknowledged(500)
        await until_healthy(service.base_url)
        check_all(await ask_reads(service.base_url, wallet), {200})
        await check_books(own_url, load)
        assert set(load.answers) <= {201, 422, 503}, load.summary
        assert load.latency_max_seconds < ANSWER_SECONDS_MAX
        # Most clients found the queue full, and were told so at once, again and again.
        assert refused_while_frozen > 2 * _CONNECTIONS, load.summary
        assert grown_bytes < _GROWTH_MAX * before_bytes + _GROWTH_BYTES


async def test_sigterm_while_it_is_frozen(start_service: StartService, postmaster: Postmaster, own_url: str) -> None:
    """The service ends in time and with exit code 0, workers and all, although no batch will ever be answered."""
    with start_service(own_url, WORKERS="2") as service:
        async with Load([service.base_url], find_wallets(own_url)) as load:
            await load.until_acknowledged(200)
            postmaster.freeze()
            try:
                await ask_health(service.base_url)  # meanwhile every client has come to wait
                service.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(service.process.wait, _EXIT_SECONDS_MAX) == 0
                log = service.log.read_text()
                assert "Traceback" not in log
                assert "killed" not in log
            finally:
                postmaster.thaw()
            with start_service(own_url) as another:
                load.base_urls[:] = [another.base_url]
                await load.until_acknowledged(200)
                await load.stop()
                await check_books(own_url, load)
