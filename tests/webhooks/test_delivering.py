"""Deliveries end to end: the application, its database, and a receiver on a real socket."""

import asyncio
import base64
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import standardwebhooks
from aiohttp import web

from service import database
from service.database import Connection, Pool
from service.webhooks import delivering, sending
from service.webhooks.signing import signature_headers
from tests.http.api import Api, new_key
from tests.webhooks.receiver import WAIT_SECONDS, Message, Receiver, answering, receiving, taken
from tests.webhooks.scene import Hooks

pytestmark = pytest.mark.anyio


def verified(secret: str, message: Message) -> Any:
    """Verify a message with the public library, as a receiver does."""
    return standardwebhooks.Webhook(secret).verify(message.body, dict(message.headers))


# --- what is sent


async def test_an_event_is_sent_as_the_feed_shows_it_and_its_signature_is_good(
    api: Api, hooks: Hooks, receiver: Receiver
) -> None:
    wallet = await api.wallet()
    webhook = await hooks.create(receiver.url)
    posted = (await wallet.top_up("90071992547409.0001", metadata={"shop": "\u00e9\u2028<>"})).data
    (message,) = await receiver.wait_for(1)
    verified(webhook["secret"], message)
    (event,) = (one for one in hooks.feed() if one["id"] == message.id)
    assert message.event == event
    assert message.event["data"] == posted
    assert b"90071992547409.0001" in message.body
    assert message.headers["Content-Type"] == "application/json"
    await hooks.until_at_rest(webhook)
    assert await hooks.deliveries(webhook) == []


async def test_a_signature_of_another_secret_or_body_is_found(api: Api, hooks: Hooks, receiver: Receiver) -> None:
    wallet = await api.wallet()
    webhook, other = await hooks.create(receiver.url), await hooks.create("http://127.0.0.1:1/")
    await wallet.top_up("1")
    (message,) = await receiver.wait_for(1)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verified(other["secret"], message)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verified(webhook["secret"], Message(message.headers, message.body.replace(b'"amount":1', b'"amount":2')))
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verified(webhook["secret"], Message({**message.headers, "webhook-id": "x"}, message.body))


async def test_what_was_before_the_webhook_is_not_sent(api: Api, hooks: Hooks, receiver: Receiver) -> None:
    wallet = await api.wallet("GC", "5")
    webhook = await hooks.create(receiver.url)
    await wallet.top_up("1", "after")
    await hooks.until_at_rest(webhook)
    assert receiver.keys == ["after"]


async def test_only_the_types_and_assets_that_are_asked_for_are_sent(
    api: Api, hooks: Hooks, receiver: Receiver
) -> None:
    gold = await api.asset("GC")
    webhook = await hooks.create(receiver.url, eventTypes=["account.opened"], assetTypeIds=[gold])
    wallet, _ = await api.wallet("GC", "5"), await api.wallet("DM", "5")
    await hooks.until_at_rest(webhook)
    assert [message.event["type"] for message in receiver.received] == ["account.opened"]
    assert receiver.received[0].event["data"]["id"] == wallet.id


async def test_changes_of_webhooks_are_no_events(api: Api, hooks: Hooks, receiver: Receiver) -> None:
    webhook = await hooks.create(receiver.url)
    await api.call("PATCH", f"/webhooks/{webhook['id']}", {"description": "x", "reason": "r"})
    await hooks.until_at_rest(webhook)
    assert receiver.received == []
    wallet = await api.wallet()
    # Nor do they take a place in a page.
    page = hooks.rows.execute("SELECT wallet.list_events(%s, 1)", [webhook["cursor"]]).fetchone()
    assert page is not None
    assert [event["data"]["id"] for event in page[0]["data"]] == [wallet.id]
    assert not any("webhook" in event["type"] for event in hooks.feed())


# --- order


async def test_events_of_a_wallet_go_one_after_the_other_and_those_of_others_at_once(
    api: Api, hooks: Hooks, receiver: Receiver
) -> None:
    """In each moment at most one message of a wallet is under way; of all wallets several are."""
    wallets = [await api.wallet() for _ in range(4)]
    webhook = await hooks.create(receiver.url)
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()
    together = 0

    async def answer(message: Message) -> web.StreamResponse:
        nonlocal together
        account = str(message.event["data"]["destAccountId"])
        running[account] += 1
        most[account] = max(most[account], running[account])
        together = max(together, running.total())
        await asyncio.sleep(0.01)
        running[account] -= 1
        return web.Response()

    receiver.answer = answer
    for number in range(8):
        await asyncio.gather(*(wallet.top_up("1", f"{wallet.id}:{number}") for wallet in wallets))
    await receiver.wait_for(32)
    await hooks.until_at_rest(webhook)
    assert set(most.values()) == {1}
    assert together > 1
    for wallet in wallets:
        assert [key for key in receiver.keys if key.startswith(wallet.id)] == [f"{wallet.id}:{n}" for n in range(8)]
    assert len(set(receiver.ids)) == 32


# --- retries


async def test_what_is_not_taken_is_sent_again_while_later_events_go_on(
    api: Api, hooks: Hooks, receiver: Receiver
) -> None:
    wallet = await api.wallet()
    webhook = await hooks.create(receiver.url)

    async def answer(message: Message) -> web.StreamResponse:
        return web.Response(status=500 if receiver.keys.count("first") == 1 and message.key == "first" else 200)

    receiver.answer = answer
    await wallet.top_up("1", "first")
    await wallet.top_up("2", "second")
    await hooks.until_at_rest(webhook)
    assert receiver.keys == ["first", "second"]
    (delivery,) = await hooks.deliveries(webhook, "PENDING")
    assert (delivery["attempts"], delivery["responseStatus"]) == (1, 500)
    assert delivery["error"] == "The receiver answered 500."
    hooks.make_due()
    (delivered,) = await hooks.until(webhook, "DELIVERED")
    assert (delivered["id"], delivered["attempts"], delivered["error"]) == (delivery["id"], 2, None)
    first, _, again = receiver.received
    assert (again.id, again.body) == (first.id, first.body)
    assert delivered["eventId"] == first.id
    verified(webhook["secret"], again)


async def test_the_pauses_grow_to_twelve_hours_and_after_three_days_it_is_given_up(
    api: Api, hooks: Hooks, receiver: Receiver
) -> None:
    wallet = await api.wallet()
    webhook = await hooks.create(receiver.url)
    receiver.answer = answering(503)
    await wallet.top_up("1", "a")
    pauses: list[timedelta] = []
    for attempt in range(1, 15):
        await receiver.wait_for(attempt)
        await hooks.until_at_rest(webhook)
        (delivery,) = await hooks.deliveries(webhook)
        assert (delivery["status"], delivery["attempts"]) == ("PENDING", attempt)
        pauses.append(datetime.fromisoformat(delivery["nextAttemptAt"]) - datetime.fromisoformat(delivery["updatedAt"]))
        hooks.make_due()
    (dead,) = await hooks.until(webhook, "DEAD")
    assert (dead["attempts"], dead["nextAttemptAt"], dead["responseStatus"]) == (15, None, 503)
    for number, pause in enumerate(pauses):
        assert 0.89 <= pause.total_seconds() / min(5 * 3**number, 43_200) <= 1.11, number
    assert timedelta(days=2.7) < sum(pauses, timedelta()) < timedelta(days=3.4)
    # And then it rests.
    await hooks.until_at_rest(webhook)
    assert len(receiver.received) == 15

    receiver.answer = taken
    path = f"/webhooks/{webhook['id']}/deliveries/{dead['id']}/redeliver"
    key = new_key()
    again = await api.post(path, None, key)
    assert (again.data["status"], again.data["attempts"]) == ("PENDING", 0)
    (delivered,) = await hooks.until(webhook, "DELIVERED")
    assert (delivered["id"], delivered["attempts"]) == (dead["id"], 1)
    # The same request again is answered, and not done.
    replay = await api.post(path, None, key)
    assert (replay.body, replay.replayed) == (again.body, True)
    await hooks.until_at_rest(webhook)
    assert len(receiver.received) == 16


async def test_no_more_than_a_thousand_are_put_aside_and_the_rest_wait_in_the_feed(
    api: Api, hooks: Hooks, receiver: Receiver
) -> None:
    wallet = await api.wallet()
    webhook = await hooks.create(receiver.url)
    hooks.rows.execute(
        """INSERT INTO wallet.webhook_deliveries (webhook_id, event_id, event, status, attempts, next_attempt_at)
        SELECT %s, gen_random_uuid(), '{"id": 1}', 'PENDING', 1, clock_timestamp() + interval '1 hour'
        FROM generate_series(1, 1000)""",
        [webhook["id"]],
    )
    cursor = (await hooks.get(webhook))["cursor"]
    await wallet.top_up("1", "waits")
    # Of another webhook, so that there was time for this one.
    async with receiving() as other:
        second = await hooks.create(other.url)
        await wallet.top_up("1", "more")
        await other.wait_for(1)
        await hooks.until_at_rest(second)
    assert receiver.received == []
    assert (await hooks.get(webhook))["cursor"] == cursor
    hooks.rows.execute(
        "DELETE FROM wallet.webhook_deliveries WHERE number = (SELECT min(number) FROM wallet.webhook_deliveries)"
    )
    await receiver.wait_for(2)
    assert receiver.keys == ["waits", "more"]


# --- receivers that misbehave


async def test_410_switches_the_webhook_off_and_nothing_is_lost(api: Api, hooks: Hooks, receiver: Receiver) -> None:
    wallet = await api.wallet()
    webhook = await hooks.create(receiver.url)
    receiver.answer = answering(410)
    await wallet.top_up("1", "gone")
    await hooks.until(webhook, "PENDING")
    await wallet.top_up("1", "later")
    assert (await hooks.get(webhook))["status"] == "DISABLED"
    history = (await api.get(f"/webhooks/{webhook['id']}/history")).data
    assert (history[0]["before"], history[0]["after"]) == ({"status": "ACTIVE"}, {"status": "DISABLED"})
    assert history[0]["reason"] == "The receiver answered 410 Gone."
    receiver.answer = taken
    await api.call("PATCH", f"/webhooks/{webhook['id']}", {"status": "ACTIVE", "reason": "mended"})
    hooks.make_due()
    await receiver.wait_for(3)
    await hooks.until_at_rest(webhook)
    assert sorted(receiver.keys) == ["gone", "gone", "later"]


async def test_redirects_are_not_followed(api: Api, hooks: Hooks, receiver: Receiver) -> None:
    wallet = await api.wallet()
    async with receiving() as elsewhere:
        webhook = await hooks.create(receiver.url)
        receiver.answer = answering(307, Location=elsewhere.url)
        await wallet.top_up("1")
        (delivery,) = await hooks.until(webhook, "PENDING")
        assert delivery["responseStatus"] == 307
        assert "redirects are not followed" in delivery["error"]
        assert elsewhere.received == []


async def test_a_receiver_that_hangs_holds_up_nobody_else(
    api: Api, hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet = await api.wallet()
    hanging = asyncio.Event()

    async def hang(message: Message) -> web.StreamResponse:
        await hanging.wait()
        return web.Response()

    async with receiving(hang) as slow:
        await hooks.create(slow.url)
        await hooks.create(receiver.url)
        for number in range(5):
            await wallet.top_up("1", f"n{number}")
        await receiver.wait_for(5)
        # The slow one is still at its first.
        assert slow.keys == ["n0"]
        hanging.set()
        await slow.wait_for(5)
    assert slow.keys == receiver.keys == [f"n{number}" for number in range(5)]


async def test_an_answer_that_does_not_come_is_a_failure(
    seeded_url: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "ATTEMPT_SECONDS_MAX", 0.3)
    sender = sending.Sender(any_target=True)
    never = asyncio.Event()

    async def hang(message: Message) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    receiver.answer = hang
    try:
        attempt = await sender.send(receiver.url, [b"x" * 32], "id", b"{}")
    finally:
        await sender.close()
    assert attempt == (None, "There was no answer within 0.3 seconds.")


@pytest.mark.parametrize("status", [200, 500])
async def test_an_answer_without_an_end_is_cut_off(receiver: Receiver, status: int) -> None:
    """Its status counts; of its body hardly anything is read, packed or not."""
    written = 0
    cut = asyncio.Event()
    sender = sending.Sender(any_target=True)

    async with asyncio.timeout(WAIT_SECONDS):

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal written
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 %d x\r\nContent-Encoding: gzip\r\nConnection: keep-alive\r\n\r\n" % status)
            try:
                while True:
                    writer.write(b"x" * 65_536)
                    await writer.drain()
                    written += 65_536
            except ConnectionError:
                cut.set()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        attempt = await sender.send(f"http://127.0.0.1:{port}/", [b"x" * 32], "id", b"{}")
        await cut.wait()
        server.close()
        await server.wait_closed()
        await sender.close()
    assert attempt == (status, None if status == 200 else "The receiver answered 500.")
    # What the sockets' buffers take, and no more.
    assert written < 32 * 1024 * 1024


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", "The receiver broke off without an answer, or sent none of HTTP."),
        (
            b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
            "The receiver broke off without an answer, or sent none of HTTP.",
        ),
        (b"hello\r\n\r\n", "The receiver broke off without an answer, or sent none of HTTP."),
    ],
    ids=["nothing", "huge-head", "no-http"],
)
async def test_an_answer_that_is_none_is_a_failure(answer: bytes, error: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    sender = sending.Sender(any_target=True)
    attempt = await sender.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", [b"x" * 32], "id", b"{}")
    server.close()
    await server.wait_closed()
    await sender.close()
    assert attempt == (None, error)


async def test_what_cannot_be_connected_to_is_a_failure(api: Api, hooks: Hooks) -> None:
    async with receiving() as gone:
        pass
    wallet = await api.wallet()
    webhook = await hooks.create(gone.url)
    tls = await hooks.create("https" + gone.url.removeprefix("http"))
    await wallet.top_up("1")
    for one in (webhook, tls):
        (delivery,) = await hooks.until(one, "PENDING")
        assert (delivery["responseStatus"], delivery["error"]) == (None, "The receiver cannot be connected to.")


# --- the life of a webhook


async def test_a_paused_webhook_waits_and_then_goes_on_where_it_was(api: Api, hooks: Hooks, receiver: Receiver) -> None:
    wallet = await api.wallet()
    webhook = await hooks.create(receiver.url)
    path = f"/webhooks/{webhook['id']}"
    await wallet.top_up("1", "before")
    await receiver.wait_for(1)
    await hooks.until_at_rest(webhook)
    assert (await api.call("PATCH", path, {"status": "PAUSED", "reason": "r"})).data["status"] == "PAUSED"
    async with receiving() as other:
        second = await hooks.create(other.url)
        await wallet.top_up("1", "meanwhile")
        await other.wait_for(1)
        await hooks.until_at_rest(second)
        assert receiver.keys == ["before"]
        # It goes on at its new place.
        await api.call("PATCH", path, {"status": "ACTIVE", "url": other.url + "/2", "reason": "r"})
        await other.wait_for(2)
    assert other.keys == ["meanwhile", "meanwhile"]


async def test_a_deleted_webhook_is_sent_nothing_more(api: Api, hooks: Hooks, receiver: Receiver) -> None:
    wallet = await api.wallet()
    webhook = await hooks.create(receiver.url)
    receiver.answer = answering(500)
    await wallet.top_up("1", "first")
    await hooks.until(webhook, "PENDING")
    assert (await api.call("DELETE", f"/webhooks/{webhook['id']}")).data["status"] == "DELETED"
    async with receiving() as other:
        second = await hooks.create(other.url)
        await wallet.top_up("1", "second")
        await other.wait_for(1)
        await hooks.until_at_rest(second)
    assert receiver.keys == ["first"]
    assert hooks.rows.execute("SELECT count(*) FROM wallet.webhook_deliveries").fetchone() == (0,)


async def test_a_new_secret_and_the_one_before_are_good_for_a_while(api: Api, hooks: Hooks, receiver: Receiver) -> None:
    wallet = await api.wallet()
    webhook = await hooks.create(receiver.url)
    rotated = (await api.post(f"/webhooks/{webhook['id']}/rotate-secret")).data
    old, new = webhook["secret"], rotated["secret"]
    assert old != new
    overlap = datetime.fromisoformat(rotated["previousSecretUntil"]) - datetime.fromisoformat(
        rotated["secretCreatedAt"]
    )
    assert overlap == timedelta(hours=24)
    await wallet.top_up("1")
    (first,) = await receiver.wait_for(1)
    verified(old, first)
    verified(new, first)
    hooks.rows.execute("UPDATE wallet.webhooks SET previous_secret_until = clock_timestamp()")
    await hooks.until_at_rest(webhook)
    await wallet.top_up("1")
    _, second = await receiver.wait_for(2)
    verified(new, second)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verified(old, second)


# --- what the process does when its surroundings fail


async def test_a_database_that_goes_away_in_mid_delivery_gets_the_result_when_it_is_back(
    api: Api, hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receiver's answer comes when there is no connection and none to be had; later it is noted, once."""
    wallet = await api.wallet()
    webhook = await hooks.create(receiver.url)
    refusals = 0

    @contextlib.asynccontextmanager
    async def borrow(pool: Pool) -> AsyncIterator[Connection]:
        nonlocal refusals
        task = asyncio.current_task()
        if receiver.received and refusals < 3 and task is not None and "_turn" in repr(task.get_coro()):
            refusals += 1
            raise psycopg.OperationalError("The server is not there.")
        async with database.borrow(pool) as connection:
            yield connection

    monkeypatch.setattr(delivering, "borrow", borrow)
    monkeypatch.setattr(delivering, "_AWAY_SECONDS", 0.01)

    async def answer(message: Message) -> web.StreamResponse:
        hooks.rows.execute(
            """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()"""
        )
        return web.Response(status=500)

    receiver.answer = answer
    await wallet.top_up("1", "once")
    (delivery,) = await hooks.until(webhook, "PENDING")
    assert delivery["attempts"] == 1
    assert refusals == 3
    assert receiver.keys == ["once"]


async def test_a_webhook_does_not_keep_its_turn_for_ever(
    api: Api, hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one lease at a time, and no end of what the first webhook is to be sent, the second has its turn."""
    monkeypatch.setattr(delivering, "LEASES_MAX", 1)
    monkeypatch.setattr(delivering, "TURN_SECONDS", 0.1)
    wallet = await api.wallet()

    async def post_more(message: Message) -> web.StreamResponse:
        await wallet.top_up("1")
        return web.Response()

    receiver.answer = post_more
    async with receiving() as other:
        await hooks.create(receiver.url)
        await wallet.top_up("1")
        await receiver.wait_for(1)
        await hooks.create(other.url)
        await other.wait_for(1)
        receiver.answer = taken


async def test_figures_tell_what_waits(api: Api, hooks: Hooks, receiver: Receiver) -> None:
    wallet = await api.wallet()
    webhook = await hooks.create(receiver.url)
    paused = await hooks.create(receiver.url + "/2")
    await api.call("PATCH", f"/webhooks/{paused['id']}", {"status": "PAUSED", "reason": "r"})
    query = "SELECT active, paused, disabled, pending, dead, oldest_pending_seconds FROM wallet.webhook_figures()"
    assert hooks.rows.execute(query).fetchone() == (1, 1, 0, 0, 0, None)
    receiver.answer = answering(500)
    await wallet.top_up("1")
    await hooks.until(webhook, "PENDING")
    hooks.rows.execute("UPDATE wallet.webhook_deliveries SET created_at = created_at - interval '1 hour'")
    row = hooks.rows.execute(query).fetchone()
    assert row is not None
    assert row[:5] == (1, 1, 0, 1, 0)
    assert 3600 <= row[5] < 3700


def test_signatures_are_those_of_the_public_library() -> None:
    """By hand, with a body of any bytes."""
    secret = bytes(range(32))
    body = json.dumps({"a": "\u00e9"}, ensure_ascii=False).encode()
    now = datetime.now().astimezone()
    headers = signature_headers([secret], "msg", int(now.timestamp()), body)
    signer = standardwebhooks.Webhook("whsec_" + base64.b64encode(secret).decode())
    assert headers["webhook-signature"] == signer.sign("msg", now, body.decode())
    assert Decimal(headers["webhook-timestamp"]) == int(now.timestamp())
