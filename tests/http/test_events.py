"""The event feed over HTTP: pages, waiting for what comes, and streams."""

import asyncio
from typing import Any

import pytest

from service import api_keys
from service.events import EventFeed
from service.http.handlers import events as handlers
from tests.conftest import StartApp
from tests.http.api import NOBODY, Api, Wallet, new_key
from tests.http.keyed import Keys, calling
from tests.http.operations import transfer
from tests.http.streams import DEADLINE_SECONDS, Stream
from tests.http.waiting import until
from tests.support.database import Databases
from tests.support.events import Consumer, page_of
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

LATER = "00000000-00ff-8000-8000-000000000000"
"""A cursor that no database of a test has come to."""


@pytest.fixture
def keyed(seeded_url: str) -> Keys:
    return Keys(seeded_url)


@pytest.fixture
def quick_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "HEARTBEAT_SECONDS", 0.05)


@pytest.fixture
def feeds(monkeypatch: pytest.MonkeyPatch) -> list[EventFeed]:
    """The feeds of the applications that are started."""
    made: list[EventFeed] = []
    begin = EventFeed.__init__

    def note(feed: EventFeed, *arguments: Any) -> None:
        begin(feed, *arguments)
        made.append(feed)

    monkeypatch.setattr(EventFeed, "__init__", note)
    return made


async def until_listening(feeds: list[EventFeed], count: int) -> None:
    """Wait until so many requests wait for an event."""

    async def listen() -> bool:
        return feeds[-1]._listening == count

    await until(listen, f"{count} wait")


async def now(api: Api) -> str:
    """Give the cursor from which on there is nothing yet."""
    return str((await api.get("/events", {"after": "now"})).json["cursor"])


def ids(found: list[Any]) -> list[str]:
    return [one["id"] for one in found]


async def posted(wallet: Wallet, count: int = 1) -> list[str]:
    """Top up so often; give the transactions' ids."""
    return [(await wallet.top_up("1")).data["id"] for _ in range(count)]


async def test_pages(api: Api, books: Ledger) -> None:
    """The feed as SQL gives it, in pages of any size, by cursor and by id; the cursor stays good."""
    wallet = await api.wallet(balance="50")
    await wallet.spend("1.5")
    consumer = Consumer(books.connection)
    consumer.poll()
    for limit in ("1", "7", "100000", "0", "x"):
        found: list[Any] = []
        cursor = ""
        while True:
            answer = await api.get("/events", {"limit": limit, "after": cursor})
            page = answer.json
            found += page["data"]
            cursor = page["cursor"]
            if not page["hasMore"]:
                break
        assert ids(found) == ids(consumer.events), limit
    after = await api.get("/events", {"after": found[-2]["id"]})
    assert after.data == [found[-1]]
    assert found[-1]["data"] == (await api.get(f"/transactions/{found[-1]['id']}")).data
    assert (await api.get("/events", {"after": cursor})).data == []
    assert (await api.call("HEAD", "/events?waitSeconds=30", headers={"Accept": "text/event-stream"})).status == 200


async def test_what_posts_nothing_makes_no_event(api: Api) -> None:
    """Replays, refusals and dry runs."""
    wallet = await api.wallet(balance="5")
    key = new_key()
    await api.posting("top-up", wallet.body("1"), key)
    cursor = await now(api)
    assert (await api.posting("top-up", wallet.body("1"), key)).replayed
    assert (await wallet.spend("500")).status == 422
    assert (await api.posting("bonus?dryRun=true", wallet.body("1"))).status == 200
    assert (await api.get("/events", {"after": cursor})).data == []


async def test_filters(api: Api) -> None:
    """By type, by several types, by account; what matches nothing is an empty list."""
    wallet, other = await api.wallet(balance="5"), await api.wallet(balance="5")
    await api.call("PATCH", f"/accounts/{wallet.id}", {"reason": "a test", "name": "Anna"})
    answer = await api.get("/events", {"accountId": wallet.id})
    assert [one["type"] for one in answer.data] == ["account.opened", "transaction.posted", "account.changed"]
    changed = await api.get("/events", {"types": "account.changed,account.opened", "accountId": wallet.id})
    assert changed.data == [answer.data[0], answer.data[2]]
    assert (await api.get("/events", {"types": "hold.created"})).data == []
    assert (await api.get("/events", {"accountId": NOBODY})).data == []
    assert len((await api.get("/events", {"accountId": other.id})).data) == 2


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"after": "x"}, "after"),
        ({"after": "ä"}, "after"),
        ({"after": "\0"}, "after"),
        ({"after": LATER}, "after"),
        ({"types": "transaction.posted,money.lost"}, "types"),
        ({"types": ""}, "types"),
        ({"types": "\0"}, "types"),
        ({"accountId": "x"}, "accountId"),
    ],
)
async def test_what_is_wrong_is_named_also_where_a_stream_is_asked_for(
    start_app: StartApp, seeded_url: str, query: dict[str, str], field: str
) -> None:
    """In the envelope, before any stream begins, and without waiting."""
    async with start_app(seeded_url) as client:
        api = Api(client)
        for more, headers in (({}, {}), ({"waitSeconds": "30"}, {}), ({}, {"Accept": "text/event-stream"})):
            answer = await api.call("GET", "/events", params={**query, **more}, headers=headers)
            assert answer.refused == (400, "validation_failed")
            assert set(answer.details) == {field}


async def test_waiting_ends_with_what_was_waited_for(api: Api) -> None:
    """Somebody else's event does not end it, ours does; what is there already is not waited for."""
    wallet, other = await api.wallet(balance="5"), await api.wallet(balance="5")
    cursor = await now(api)
    query = {"after": cursor, "waitSeconds": "30", "accountId": wallet.id}
    waiting = asyncio.ensure_future(api.get("/events", query))
    anything = asyncio.ensure_future(api.get("/events", {"after": cursor, "waitSeconds": "30"}))
    (first,) = await posted(other)
    assert ids((await anything).data) == [first]
    assert not waiting.done()
    (second,) = await posted(wallet)
    answer = await waiting
    assert ids(answer.data) == [second]
    assert (await api.get("/events", query)).data == answer.data
    # The time is up: an answer without events, from where to go on.
    query = {"after": "now", "waitSeconds": "1"}
    ended = await api.get("/events", query)
    assert (ended.data, ended.json["hasMore"]) == ([], False)
    assert ended.json["cursor"] > cursor


async def test_who_waits_holds_no_connection(start_app: StartApp, seeded_url: str) -> None:
    """With one connection for reading, twenty wait and ten streams are open, and reads are answered."""
    async with start_app(seeded_url, pool_size=1) as client:
        api = Api(client)
        wallet = await api.wallet()
        cursor = await now(api)
        async with asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(api.get("/events", {"after": cursor, "waitSeconds": "30"})) for _ in range(20)]
            streams = [Stream(client, after=cursor) for _ in range(10)]
            for stream in streams:
                await stream.__aenter__()
                await stream.opened()
            for _ in range(5):
                assert (await api.get(f"/accounts/{wallet.id}")).status == 200
            (made,) = await posted(wallet)
        assert [ids(one.result().data) for one in waiting] == [[made]] * 20
        for stream in streams:
            assert ids(await stream.take(1)) == [made]
            await stream.__aexit__(None, None, None)


async def test_how_many_wait_is_bounded(start_app: StartApp, seeded_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the connections may wait; one more is refused; who hangs up makes room, though nothing is sent."""
    monkeypatch.setattr(handlers, "HEARTBEAT_SECONDS", 1000)
    async with start_app(seeded_url, http_connections=6) as client:
        api = Api(client)
        cursor = await now(api)
        streams = [Stream(client, after=cursor) for _ in range(3)]
        for stream in streams:
            await stream.__aenter__()
            await stream.opened()
        for headers, more in (({"Accept": "text/event-stream"}, {}), ({}, {"waitSeconds": "1"})):
            # One that was let in would not end.
            async with asyncio.timeout(DEADLINE_SECONDS):
                answer = await api.call("GET", "/events", params={"after": cursor, **more}, headers=headers)
            assert answer.refused == (503, "unavailable")
        assert (await api.get("/events", {"after": cursor})).status == 200
        await streams[0].__aexit__(None, None, None)

        async def has_room() -> bool:
            return (await api.get("/events", {"after": cursor, "waitSeconds": "1"})).status == 200

        await until(has_room, "the one who hung up has made room")
        for stream in streams[1:]:
            await stream.__aexit__(None, None, None)


async def test_a_stream_goes_on_where_it_was(api: Api, books: Ledger) -> None:
    """What is there, then what comes; broken off and taken up by Last-Event-ID, nothing is missing or twice."""
    wallet = await api.wallet(balance="5")
    expected = ids(page_of(books.connection, None, 1000)["data"])
    async with Stream(api.session) as stream:
        assert ids(await stream.take(len(expected))) == expected
        await stream.opened()
        assert stream.headers["Cache-Control"] == "no-store"
        made = await posted(wallet, 3)
        assert ids(await stream.take(2)) == made[:2]
    made += await posted(wallet, 2)
    async with Stream(api.session, last_event_id=made[1], after="now") as stream:
        assert ids(await stream.take(3)) == made[2:]
        await stream.opened()
    made += await posted(wallet, 1)
    async with Stream(api.session, last_event_id=stream.last_event_id) as stream:
        assert ids(await stream.take(1)) == made[-1:]


async def test_a_stream_is_filtered(api: Api) -> None:
    """By type and account; the messages without data move on all the same."""
    wallet, other = await api.wallet(balance="5"), await api.wallet(balance="5")
    cursor = await now(api)
    async with Stream(api.session, after=cursor, accountId=wallet.id, types="transaction.posted") as stream:
        await stream.opened()
        await posted(other, 2)
        await stream.opened()
        assert stream.last_event_id is not None
        assert stream.last_event_id > cursor
        made = (await api.post("/transactions/transfer", transfer(other, wallet, "1"), new_key())).data["id"]
        assert ids(await stream.take(1)) == [made]


async def test_a_stream_says_that_it_lives(api: Api, quick_heartbeats: None) -> None:
    """Messages without data, with the id to come back with, while nothing happens."""
    async with Stream(api.session, after="now") as stream:
        for _ in range(3):
            await stream.opened()
        assert stream.last_event_id == await now(api)


async def test_a_key_sees_what_it_may(start_app: StartApp, seeded_url: str, keyed: Keys) -> None:
    """The feed needs `read`; a key for one asset sees that asset's events, in lists, waiting and streamed."""
    async with start_app(seeded_url, api_keys="required") as client:
        async with calling(client, keyed.create("admin")) as admin:
            gold, gems = await admin.wallet("GC", "5"), await admin.wallet("DM", "5")
            cursor = await now(admin)
            async with calling(client, keyed.create("post:spend")) as poster:
                assert (await poster.get("/events")).refused == (403, "forbidden")
            async with calling(client, keyed.create("read", assets=["GC"])) as reader:
                everything = (await reader.get("/events", {"limit": "1000"})).data
                assert {one["assetTypeId"] for one in everything} == {gold.asset}
                assert (await reader.get("/events", {"accountId": gems.id})).refused == (403, "asset_forbidden")
                assert len((await reader.get("/events", {"accountId": gold.id})).data) == 2
                waiting = asyncio.ensure_future(reader.get("/events", {"after": cursor, "waitSeconds": "30"}))
                async with Stream(reader.session, after=cursor) as stream:
                    await stream.opened()
                    await posted(gems, 2)
                    made = await posted(gold)
                    assert ids(await stream.take(1)) == made
                assert ids((await waiting).data) == made
        assert (await Api(client).get("/events")).refused == (401, "unauthorized")


async def test_a_revoked_key_sees_no_more(
    start_app: StartApp,
    seeded_url: str,
    keyed: Keys,
    books: Ledger,
    feeds: list[EventFeed],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its stream ends, and who waits with it is refused, before what came after the revocation is shown."""
    monkeypatch.setattr(api_keys, "CACHE_SECONDS", 0)
    token = keyed.create("read")
    async with start_app(seeded_url, api_keys="required") as client, calling(client, keyed.create("admin")) as admin:
        wallet = await admin.wallet()
        async with calling(client, token) as reader, Stream(reader.session, after="now") as stream:
            await stream.opened()
            query = {"after": str(stream.last_event_id), "waitSeconds": "30"}
            waiting = asyncio.ensure_future(reader.get("/events", query))
            (made,) = await posted(wallet)
            assert ids(await stream.take(1)) == ids((await waiting).data) == [made]
            await stream.opened()
            waiting = asyncio.ensure_future(reader.get("/events", {**query, "after": str(stream.last_event_id)}))
            await until_listening(feeds, 2)
            books.connection.execute("SELECT wallet.revoke_api_key(%s)", [keyed.ids[token]])
            await posted(wallet)
            assert await stream.rest() == []
            assert (await waiting).refused == (401, "unauthorized")


async def test_without_a_database_nobody_waits_in_vain(
    start_app: StartApp, databases: Databases, feeds: list[EventFeed]
) -> None:
    """Who waits is told, streams end: their callers come back with the id they have."""
    url = databases.create("wallet_seeded")
    async with start_app(url, pool_size=1) as client:
        api = Api(client)
        cursor = await now(api)
        async with Stream(client, after=cursor) as stream:
            await stream.opened()
            waiting = asyncio.ensure_future(api.get("/events", {"after": cursor, "waitSeconds": "30"}))
            await until_listening(feeds, 2)
            databases.drop(url)
            assert (await waiting).refused == (503, "unavailable")
            assert all(not one.data for one in await stream.rest())
