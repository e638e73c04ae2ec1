"""The database dies, restarts or drops connections under load: 503 while it must be, nothing lost, back by itself."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator

import psutil
import psycopg
import pytest

from tests.conftest import StartService
from tests.faults.postmaster import Postmaster
from tests.faults.requests import (
    ANSWER_SECONDS_MAX,
    HEALTH_SECONDS_MAX,
    ask_health,
    ask_reads,
    ask_writes,
    check_all,
    until_healthy,
)
from tests.support.database import Connection
from tests.support.load import Load, check_books, find_wallets

pytestmark = pytest.mark.anyio

_ATTEMPTS_MAX = 2_000
_ENDED_MIN = 50


@pytest.fixture
def administration(own_url: str) -> Iterator[Connection]:
    """A superuser's connection to the database."""
    with psycopg.connect(own_url, autocommit=True) as connection:
        yield connection


def check_answers(load: Load) -> None:
    """Callers saw 201, 422 and 503 and nothing else, each within the promised time."""
    assert set(load.answers) <= {201, 422, 503}, load.summary
    assert load.latency_max_seconds < ANSWER_SECONDS_MAX


async def test_kill_9_of_the_postmaster(start_service: StartService, postmaster: Postmaster, own_url: str) -> None:
    """503 everywhere while it is dead; after its start and recovery everything works again, and nothing was lost."""
    with start_service(own_url) as service:
        async with Load([service.base_url], find_wallets(own_url)) as load:
            wallet = load.wallets.wallets[0]
            await load.until_acknowledged(300)
            await asyncio.to_thread(postmaster.kill)
            answers = await asyncio.gather(ask_reads(service.base_url, wallet), ask_writes(service.base_url, wallet))
            check_all([*answers[0], *answers[1]], {503})
            check_all([await ask_health(service.base_url)], {503}, HEALTH_SECONDS_MAX)
            await asyncio.to_thread(postmaster.start)
            await load.until_acknowledged(300)
        await until_healthy(service.base_url)
        check_all(await ask_reads(service.base_url, wallet), {200})
        await check_books(own_url, load)
        assert load.answers[503] > 0
        check_answers(load)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
async def test_a_restart(
    how: signal.Signals, start_service: StartService, postmaster: Postmaster, own_url: str
) -> None:
    """`pg_ctl restart -m fast` and `-m immediate`, one after the other, under load."""
    with start_service(own_url) as service:
        async with Load([service.base_url], find_wallets(own_url)) as load:
            for _ in range(2):
                await load.until_acknowledged(200)
                await asyncio.to_thread(postmaster.restart, how)
            await load.until_acknowledged(200)
        await until_healthy(service.base_url)
        await check_books(own_url, load)
        check_answers(load)


async def test_kill_9_of_a_backend_that_posts(
    start_service: StartService, postmaster: Postmaster, own_url: str
) -> None:
    """The one backend with a batch in its hands: PostgreSQL recovers, and the batch is posted once or not at all."""
    with start_service(own_url) as service:
        async with Load([service.base_url], find_wallets(own_url)) as load:
            for _ in range(2):
                await load.until_acknowledged(200)
                await asyncio.to_thread(kill_a_posting_backend, own_url)
                await load.until_acknowledged(200)
        await until_healthy(service.base_url)
        await check_books(own_url, load)
        check_answers(load)
    assert "was terminated by signal 9" in postmaster.read_bootlog()


def kill_a_posting_backend(url: str) -> None:
    """Stop the backend, see that a batch is in its hands, and kill it."""
    # The timeout is for the look at a backend that was stopped while it wrote down what it does.
    with psycopg.connect(url, autocommit=True, options="-c statement_timeout=1s") as connection:
        for _ in range(_ATTEMPTS_MAX):
            row = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%post_json%'"
                " AND pid <> pg_backend_pid()"
            ).fetchone()
            if row is None:
                continue
            backend = psutil.Process(row[0])
            backend.suspend()
            with contextlib.suppress(psycopg.errors.QueryCanceled):
                posting = connection.execute(
                    "SELECT state = 'active' AND query LIKE '%%post_json%%' FROM pg_stat_activity WHERE pid = %s", row
                ).fetchone()
                if posting == (True,):
                    backend.kill()
                    return
            backend.resume()
    raise AssertionError("no backend was caught in mid-batch")


async def test_connections_that_are_ended_while_idle(
    start_service: StartService, own_url: str, administration: Connection
) -> None:
    """pg_terminate_backend of every pooled connection: the next reads and postings do not notice."""
    with start_service(own_url) as service:
        async with Load([service.base_url], find_wallets(own_url)) as load:
            wallet = load.wallets.wallets[0]
            for _ in range(3):
                await load.until_acknowledged(50)
                check_all(await ask_reads(service.base_url, wallet, times=8), {200})
                await load.pause()
                assert terminate(administration) > 2
                check_all(await ask_reads(service.base_url, wallet, times=8), {200})
                terminate(administration)
                check_all([await ask_health(service.base_url)], {200}, HEALTH_SECONDS_MAX)
                terminate(administration)
                load.resume()
        await check_books(own_url, load)
        check_answers(load)
        assert load.answers[503] == 0, load.summary


async def test_connections_that_are_ended_in_use(
    start_service: StartService, own_url: str, administration: Connection
) -> None:
    """pg_terminate_backend of everything again and again under load: batches are sent again, and posted once."""
    with start_service(own_url) as service:
        async with Load([service.base_url], find_wallets(own_url)) as load:
            ended = 0
            while ended < _ENDED_MIN:
                await load.until_acknowledged(20)
                ended += terminate(administration)
        await check_books(own_url, load)
        check_answers(load)


def terminate(administration: Connection) -> int:
    """End every other session of the database; give how many there were."""
    rows = administration.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    ).fetchall()
    return len(rows)
