"""Deliveries by real processes: killed, stopped, and several of them on one database."""

import asyncio
import contextlib
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.conftest import StartService
from tests.http.api import Api
from tests.http.waiting import until
from tests.support.database import Connection
from tests.support.process import ServiceProcess, wallet_command, wallet_environment
from tests.webhooks.receiver import Message, Receiver
from tests.webhooks.scene import Hooks

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def calling(service: ServiceProcess, rows: Connection) -> AsyncIterator[tuple[Api, Hooks]]:
    async with aiohttp.ClientSession(service.base_url) as session:
        api = Api(session)
        yield api, Hooks(api, rows)


@contextlib.contextmanager
def delivering(folder: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `wallet deliver`; end it at the end."""
    with subprocess.Popen(
        wallet_command("deliver"),
        cwd=folder,
        env=wallet_environment(DATABASE_URL=url, WEBHOOK_TARGETS="any"),
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


async def test_a_process_that_is_killed_in_mid_delivery_loses_nothing(
    seeded_url: str, start_service: StartService, receiver: Receiver, rows: Connection
) -> None:
    """Whatever it had not noted, the next one sends when the lease has run out, and not before."""
    dead = asyncio.Event()

    async def answer(message: Message) -> web.StreamResponse:
        if message.key == "k2":
            await dead.wait()
        return web.Response()

    receiver.answer = answer
    with start_service(seeded_url, WEBHOOK_TARGETS="any") as first:
        async with calling(first, rows) as (api, hooks):
            webhook = await hooks.create(receiver.url)
            wallet = await api.wallet()
            for number in range(5):
                await wallet.top_up("1", f"k{number}")
            # The opening of the wallet, k0, k1, and k2, which is not answered.
            await receiver.wait_for(4)
            first.send_signal(signal.SIGKILL)
            first.wait()
    with start_service(seeded_url, WEBHOOK_TARGETS="any") as second:
        async with calling(second, rows) as (api, hooks):
            lease = "SELECT lease_until > clock_timestamp() FROM wallet.webhooks"
            assert rows.execute(lease).fetchone() == (True,)
            other = await hooks.create(receiver.url + "/other", eventTypes=["account.opened"])
            await api.wallet()
            await hooks.until_at_rest(other)
            # It has worked for another webhook, and left this one alone.
            assert len(receiver.received) == 5
            dead.set()
            hooks.end_leases()
            await hooks.until_at_rest(webhook)
    sent = [message.key for message in receiver.received if message.event["type"] == "transaction.posted"]
    assert sent == ["k0", "k1", "k2", "k2", "k3", "k4"]
    k2 = [message for message in receiver.received if message.event["data"].get("idempotencyKey") == "k2"]
    assert len({(message.id, message.body) for message in k2}) == 1


async def test_several_processes_send_each_event_once_and_one_at_a_time_for_a_wallet(
    seeded_url: str, start_service: StartService, receiver: Receiver, rows: Connection, tmp_path: Path
) -> None:
    """Two workers that serve, and a process that only delivers."""
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()

    async def answer(message: Message) -> web.StreamResponse:
        wallet = message.event["data"]["destAccountId"]
        running[wallet] += 1
        most[wallet] = max(most[wallet], running[wallet])
        await asyncio.sleep(0.002)
        running[wallet] -= 1
        return web.Response()

    receiver.answer = answer
    with start_service(seeded_url, WEBHOOK_TARGETS="any", WORKERS="2") as service, delivering(tmp_path, seeded_url):
        async with calling(service, rows) as (api, hooks):
            wallets = [await api.wallet() for _ in range(5)]
            webhooks = [await hooks.create(f"{receiver.url}/{number}") for number in range(3)]
            for number in range(20):
                await asyncio.gather(*(one.top_up("1", f"{one.id}:{number}") for one in wallets))
            await receiver.wait_for(300)
            for webhook in webhooks:
                await hooks.until_at_rest(webhook)
    # By webhook, for each has an order of its own.
    assert len(receiver.received) == 300
    assert max(most.values()) <= 3
    for wallet in wallets:
        keys = [key for key in receiver.keys if key.startswith(wallet.id)]
        assert Counter(keys) == Counter({f"{wallet.id}:{number}": 3 for number in range(20)})


async def test_a_process_that_is_told_to_stop_finishes_what_it_sends_and_notes_it(
    seeded_url: str, start_service: StartService, receiver: Receiver, rows: Connection
) -> None:
    stopping = asyncio.Event()

    async def answer(message: Message) -> web.StreamResponse:
        await stopping.wait()
        return web.Response()

    receiver.answer = answer
    with start_service(seeded_url, WEBHOOK_TARGETS="any") as service:
        async with calling(service, rows) as (api, hooks):
            wallet = await api.wallet()
            await hooks.create(receiver.url)
            await wallet.top_up("1", "one")
            await wallet.top_up("1", "two")
            (message,) = await receiver.wait_for(1)
            service.send_signal(signal.SIGTERM)

        async def has_noticed() -> bool:
            return "no more deliveries are begun" in service.log.read_text()

        await until(has_noticed, "the service stops")
        stopping.set()
        assert await asyncio.to_thread(service.wait) == 0
    # Noted, and the rest left for others at once.
    assert receiver.keys == ["one"]
    query = "SELECT cursor::text, lease_until <= clock_timestamp() FROM wallet.webhooks"
    assert rows.execute(query).fetchone() == (message.id, True)


async def test_webhooks_can_be_left_to_a_process_of_their_own(
    seeded_url: str, start_service: StartService, receiver: Receiver, rows: Connection, tmp_path: Path
) -> None:
    with start_service(seeded_url, WEBHOOK_TARGETS="any", WEBHOOKS="off") as service:
        async with calling(service, rows) as (api, hooks):
            wallet = await api.wallet()
            webhook = await hooks.create(receiver.url)
            await wallet.top_up("1", "one")
            with delivering(tmp_path, seeded_url) as process:
                await receiver.wait_for(1)
                await hooks.until_at_rest(webhook)
                process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(process.wait, 20) == 0
            await wallet.top_up("1", "two")
    # It was this process, and nobody else.
    assert receiver.keys == ["one"]
    assert rows.execute("SELECT lease_number FROM wallet.webhooks").fetchone() == (1,)
