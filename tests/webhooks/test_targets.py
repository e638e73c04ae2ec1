"""Which addresses deliveries may go to, also when a name leads elsewhere than it did."""

import asyncio
import functools
import socket
from typing import Any

import aiohttp
import aiohttp.connector
import pytest

from service.webhooks.sending import Sender
from service.webhooks.targets import is_public
from tests.conftest import StartApp
from tests.http.api import Api
from tests.webhooks.receiver import Receiver
from tests.webhooks.scene import Hooks

pytestmark = pytest.mark.anyio

FORBIDDEN = "The address of the receiver is not public."


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2001::1",
        "2001:db8::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "4000::1",
    ],
)
def test_an_address_of_a_private_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "93.184.216.34",
        "172.32.0.1",
        "2606:4700::1111",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
        "2002:101:101::1",
    ],
)
def test_an_address_of_the_public_internet_is(address: str) -> None:
    assert is_public(address)


async def attempt(url: str, *, any_target: bool) -> tuple[int | None, str | None]:
    sender = Sender(any_target=any_target)
    try:
        return await sender.send(url, [b"x" * 32], "id", b"{}")
    finally:
        await sender.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"])
async def test_by_default_no_spelling_of_this_machine_is_connected_to(receiver: Receiver, host: str) -> None:
    url = receiver.url.replace("127.0.0.1", host)
    # Some of them are no addresses to the client or the resolver, which is as good.
    status, error = await attempt(url, any_target=False)
    assert status is None
    assert error in {
        FORBIDDEN,
        "The name of the receiver cannot be resolved.",
        "The receiver cannot be connected to.",
    }
    assert receiver.received == []


async def test_what_counts_is_the_address_that_is_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that led to a public address when the webhook was made leads to this machine when it is used."""
    asked: list[str] = []

    async def resolve(self: object, host: str, port: int, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        return [
            {
                "hostname": host,
                "host": "127.0.0.1",
                "port": port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
        ]

    monkeypatch.setattr(aiohttp.DefaultResolver, "resolve", resolve)
    url = receiver.url.replace("127.0.0.1", "rebound.example")
    assert await attempt(url, any_target=False) == (None, FORBIDDEN)
    assert receiver.received == []
    # It is this check that stopped it.
    assert await attempt(url, any_target=True) == (204, None)
    assert asked == ["rebound.example"] * 2


async def test_names_that_nobody_resolves_hold_up_nothing_else(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the look-ups of others, nor the threads that others use, nor the end of the process."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        silent_server = functools.partial(
            aiohttp.AsyncResolver, nameservers=["127.0.0.1"], udp_port=port, tcp_port=port
        )
        with monkeypatch.context() as patched:
            patched.setattr(aiohttp.connector, "DefaultResolver", silent_server)
            sender = Sender(any_target=True)
        sends = [
            asyncio.create_task(sender.send(f"http://n{number}.example/", [b"x" * 32], "id", b"{}"))
            for number in range(50)
        ]
        await asyncio.to_thread(silent.recv, 1)
        await asyncio.gather(*(asyncio.to_thread(int, "1") for _ in range(50)))
        assert await attempt(receiver.url.replace("127.0.0.1", "localhost"), any_target=True) == (204, None)
        assert not any(send.done() for send in sends)
        for send in sends:
            send.cancel()
        await asyncio.gather(*sends, return_exceptions=True)
        await sender.close()


async def test_a_service_refuses_what_anybody_can_see_to_be_private_and_finds_the_rest_when_it_sends(
    seeded_url: str, start_app: StartApp, receiver: Receiver, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start_app(seeded_url) as session:
        api = Api(session)
        for host in ("127.0.0.1", "localhost", "LOCALHOST.", "[::1]", "169.254.169.254"):
            answer = await api.post("/webhooks", {"url": receiver.url.replace("127.0.0.1", host)})
            assert answer.refused == (400, "validation_failed")
            assert "public" in answer.details["url"][0]
        hooks = Hooks(api, rows)
        webhook = await hooks.create("https://shop.example/events")
        changed = await api.call("PATCH", f"/webhooks/{webhook['id']}", {"url": receiver.url, "reason": "r"})
        assert changed.refused == (400, "validation_failed")
        # As it was when another setting was in force.
        rows.execute("UPDATE wallet.webhooks SET url = %s", [receiver.url])
        await (await api.wallet()).top_up("1")
        deliveries = await hooks.until(webhook, "PENDING", 2)
        assert {one["error"] for one in deliveries} == {FORBIDDEN}
        assert receiver.received == []
