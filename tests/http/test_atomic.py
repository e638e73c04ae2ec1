"""POST /transactions/batch with `atomic`: all of it or nothing."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect, StartApp
from tests.http.api import NOBODY, Answer, Api, Wallet, new_key
from tests.http.batches import Item, alone, answers_of, away, gate_held, item, post, send
from tests.http.proxy import proxied
from tests.http.waiting import settled, until, until_waiting
from tests.support.database import Databases
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio


async def send_atomic(api: Api, items: list[Any]) -> Answer:
    """Send an all-or-nothing batch."""
    return await send(api, {"items": items, "atomic": True})


def blamed(answer: Answer) -> tuple[int, int, Any]:
    """Index, status and body of the item a 409 names."""
    assert answer.refused == (409, "batch_refused"), answer.body
    details = answer.json["details"]
    assert set(details) == {"index", "status", "body"}
    sentence = details["body"]["error"]
    assert answer.json["error"] == f"Item {details['index']} was refused, so nothing was posted: {sentence}"
    return details["index"], details["status"], details["body"]


async def test_a_good_batch_is_answered_like_any_other(api: Api, books: Ledger) -> None:
    """207, an answer per item, the very bytes of the single endpoint; items count for those after them."""
    wallet = await api.wallet()
    items = [item(wallet, 5), item(wallet, 3, "SPEND"), item(wallet, 2, "BONUS", metadata={"a": 1})]
    answers = await post(api, items, atomic=True)
    for one, answer in zip(items, answers, strict=True):
        single = await alone(api, one)
        assert (answer.status, answer.replayed, bytes(answer.body)) == (201, False, single.body)
    assert await wallet.balance() == 4
    assert books.problems() == {}


async def test_a_good_batch_is_one_commit(api: Api, books: Ledger, seeded_url: str) -> None:
    """1,000 items have one transaction of PostgreSQL between them, however small BATCH_SIZE is."""
    wallet = await api.wallet()
    answers = await post(api, [item(wallet) for _ in range(1000)], atomic=True)
    assert {one.status for one in answers} == {201}
    commits = books.connection.execute(
        "SELECT count(DISTINCT xmin::text) FROM wallet.transactions WHERE dest_account_id = %s", [wallet.id]
    ).fetchone()
    assert commits == (1,)


def _spend_too_much(wallet: Wallet) -> Item:
    return item(wallet, 1000, "SPEND")


def _spend_what_an_earlier_item_spent(wallet: Wallet) -> Item:
    return item(wallet, 8, "SPEND")


def _unknown_account(wallet: Wallet) -> Item:
    return item(Wallet(wallet.api, NOBODY, wallet.asset))


def _unknown_asset(wallet: Wallet) -> Item:
    return item(Wallet(wallet.api, wallet.id, NOBODY))


@pytest.mark.parametrize(
    "refused", [_spend_too_much, _spend_what_an_earlier_item_spent, _unknown_account, _unknown_asset]
)
@pytest.mark.parametrize("place", [0, 2, 4])
async def test_one_refused_item_refuses_all(api: Api, books: Ledger, refused: Any, place: int) -> None:
    """409 that names the item with the answer it would have had alone; nothing is written, not even a key."""
    wallet = await api.wallet(balance="5")
    items = [item(wallet, 1, "SPEND") for _ in range(4)]
    items.insert(place, refused(wallet))
    before = books.state()
    index, status, body = blamed(await send_atomic(api, items))
    assert books.state() == before
    # What it would have had alone: after the items before it.
    for one in items[:place]:
        assert (await alone(api, one)).status == 201
    single = await alone(api, items[place])
    assert (index, status, body) == (place, single.status, single.json)


async def test_a_reused_key_refuses_all_and_the_fields_are_named(api: Api, books: Ledger) -> None:
    """The details of the item's own refusal are passed on."""
    wallet = await api.wallet()
    key = new_key()
    await wallet.top_up("1", key)
    before = books.state()
    bad = item(wallet, "2", key=key)
    index, status, body = blamed(await send_atomic(api, [item(wallet), bad]))
    assert (index, status, body) == (1, 422, (await alone(api, bad)).json)
    assert set(body["details"]) == {"amount"}
    assert books.state() == before


async def test_the_first_refused_item_is_named(api: Api) -> None:
    """Of two refused items the one with the lower index."""
    wallet = await api.wallet()
    items = [item(wallet), _unknown_asset(wallet), _unknown_account(wallet)]
    assert blamed(await send_atomic(api, items))[0] == 1


@pytest.mark.parametrize("bad", [5, {}, "no-uuid", "amount"])
async def test_a_malformed_item_is_refused_without_the_database(
    api: Api, books: Ledger, seeded_url: str, connect: Connect, bad: object
) -> None:
    """409 as well, while nothing can be posted: nothing was sent. It goes before an item the database would refuse."""
    wallet = await api.wallet()
    if bad == "no-uuid":
        bad = item(Wallet(api, "no-uuid", wallet.asset))
    elif bad == "amount":
        bad = item(wallet, "1e99")
    with gate_held(connect(seeded_url)):
        async with asyncio.timeout(10):
            answer = await send_atomic(api, [item(wallet), _spend_too_much(wallet), bad, 7])
    index, status, body = blamed(answer)
    assert (index, status, body["success"]) == (2, 400, False)
    (each,) = await post(api, [bad])
    assert body == each.json


async def test_a_refused_batch_keeps_no_keys(api: Api) -> None:
    """Once the reason is gone, the very same batch is posted."""
    wallet = await api.wallet()
    items = [item(wallet, 1), item(wallet, 5, "SPEND")]
    assert blamed(await send_atomic(api, items))[0] == 1
    await wallet.top_up("4")
    assert [(one.status, one.replayed) for one in await post(api, items, atomic=True)] == [(201, False)] * 2


async def test_replays_in_a_batch(api: Api, books: Ledger) -> None:
    """A key that is known, and one that comes twice in the batch, are replays; a batch sent again is all replays."""
    wallet = await api.wallet()
    known = item(wallet)
    await alone(api, known)
    new = item(wallet)
    answers = await post(api, [known, new, new], atomic=True)
    assert [(one.status, one.replayed) for one in answers] == [(201, True), (201, False), (201, True)]
    before = books.state()
    assert [one.replayed for one in await post(api, [known, new, new], atomic=True)] == [True] * 3
    assert books.state() == before


async def test_a_batch_beside_single_postings(api: Api, books: Ledger) -> None:
    """Batches of two that need both, and singles, at once: the batches are whole or nothing, and all adds up."""
    wallet = await api.wallet(balance="50")
    pairs = [[item(wallet, 3, "SPEND"), item(wallet, 4, "SPEND")] for _ in range(12)]
    answers = await asyncio.gather(*(send_atomic(api, pair) for pair in pairs), *(wallet.spend("1") for _ in range(12)))
    batches, singles = answers[:12], answers[12:]
    assert {one.refused for one in batches} <= {(207, ""), (409, "batch_refused")}
    spent = 7 * sum(one.status == 207 for one in batches) + sum(one.status == 201 for one in singles)
    assert await wallet.balance() == 50 - spent
    assert books.problems() == {}


async def test_a_lost_connection_is_not_noticed(api: Api, books: Ledger, seeded_url: str, connect: Connect) -> None:
    """The session that posts is ended in the middle: the batch is posted all the same, once."""
    wallet = await api.wallet()
    with gate_held(connect(seeded_url)):
        sent = asyncio.create_task(post(api, [item(wallet), item(wallet)], atomic=True))
        (pid,) = await until_waiting(books.connection, "wallet.posting_gate")
        books.connection.execute("SELECT pg_terminate_backend(%s)", [pid])
    answers = await sent
    assert [(one.status, one.replayed) for one in answers] == [(201, False)] * 2
    assert await wallet.balance() == 2


async def test_a_lost_reply_to_a_commit_doubles_nothing(start_app: StartApp, books: Ledger, seeded_url: str) -> None:
    """The batch was committed and the service was not told: sent again with the same keys, it is a replay."""
    async with proxied(seeded_url) as (proxy, url), start_app(url) as client:
        api = Api(client)
        wallet = await api.wallet(balance="1")
        proxy.withhold_reply_to(b"post_atomic_json")
        answers = await post(api, [item(wallet), item(wallet)], atomic=True)
        assert proxy.cuts == 1
        assert [(one.status, one.replayed) for one in answers] == [(201, True)] * 2
        assert await wallet.balance() == 3


async def test_a_lost_race_is_run_again(api: Api, books: Ledger, seeded_url: str, connect: Connect) -> None:
    """A row changes under the batch (40001 in its SERIALIZABLE transaction): the caller does not notice."""
    wallet = await api.wallet()
    rival = connect(seeded_url)

    async def waits_for_the_row() -> bool:
        found = books.connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%post_atomic_json%'"
            " AND datname = current_database()"
        ).fetchone()
        return found is not None

    with rival.transaction():
        # Not through the gate, which would keep the batch from taking its snapshot.
        rival.execute("UPDATE wallet.accounts SET name = 'Somebody else' WHERE id = %s", [wallet.id])
        sent = asyncio.create_task(post(api, [item(wallet), item(wallet, "0.5", "SPEND")], atomic=True))
        await until(waits_for_the_row, "the batch waits for the wallet's row")
    assert [(one.status, one.replayed) for one in await sent] == [(201, False)] * 2
    assert await wallet.balance() == Decimal("0.5")


async def test_a_database_that_is_away(api: Api, seeded_url: str, databases: Databases, connect: Connect) -> None:
    """503 for the whole, with Retry-After; sent again later it is posted."""
    wallet = await api.wallet()
    items = [item(wallet), item(wallet)]
    with away(connect(databases.url("postgres")), seeded_url):
        answer = await send_atomic(api, items)
        assert answer.refused == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
    assert {one.status for one in answers_of(await send_atomic(api, items))} == {201}


async def test_a_batch_without_room(start_app: StartApp, books: Ledger, seeded_url: str, connect: Connect) -> None:
    """Room is counted in postings: of two batches of two, one may wait where there is room for three."""
    async with start_app(seeded_url, queue_size=3) as client:
        api = Api(client)
        wallet = await api.wallet()
        with gate_held(connect(seeded_url)):
            in_flight = asyncio.create_task(send_atomic(api, [item(wallet)]))
            await until_waiting(books.connection, "wallet.posting_gate")
            refused, taken = await settled([send_atomic(api, [item(wallet), item(wallet)]) for _ in range(2)], 1)
            assert refused[0].refused == (503, "unavailable")
            singles, last = await settled([send_atomic(api, [item(wallet)]) for _ in range(2)], 1)
            assert singles[0].refused == (503, "unavailable")
        assert [(await one).status for one in (in_flight, *taken, *last)] == [207] * 3
        assert await wallet.balance() == 4


async def test_a_refusal_keeps_the_connection(api: Api, books: Ledger) -> None:
    """A refused batch is no reason to connect again: one session posts them all."""
    wallet = await api.wallet()
    sessions = []
    for _ in range(3):
        blamed(await send_atomic(api, [item(wallet), _spend_too_much(wallet)]))
        # What a session did last, after a refusal.
        rows = books.connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = 'ROLLBACK'"
        ).fetchall()
        sessions.append(rows)
    assert len(sessions[0]) == 1
    assert sessions == [sessions[0]] * 3


async def test_the_function_raises_and_rolls_back(books: Ledger) -> None:
    """From SQL: WL013 with the item in DETAIL; what was posted before it in the batch is gone."""
    asset = books.create_asset_type("XX")
    wallet = books.create_wallet(asset)
    requests = [
        {
            "type": kind,
            "idempotency_key": new_key(),
            "account_id": str(wallet),
            "asset_type_id": str(asset),
            "amount": 1,
        }
        for kind in ("TOP_UP", "SPEND", "SPEND", "SPEND")
    ]
    before = books.state()
    with pytest.raises(psycopg.DatabaseError) as raised:
        books.connection.execute("SELECT * FROM wallet.post_atomic_json(%s::json)", [json.dumps(requests)])
    diagnosis = raised.value.diag
    error = "Insufficient balance: 0 available, 1 asked for."
    assert (raised.value.sqlstate, diagnosis.message_hint) == ("WL013", "batch_refused")
    assert diagnosis.message_primary == f"Item 2 was refused, so nothing was posted: {error}"
    assert json.loads(diagnosis.message_detail or "") == {"index": 2, "code": "insufficient_balance", "error": error}
    assert books.state() == before
    rows = books.connection.execute(
        "SELECT outcome, code, answer ->> 'type' FROM wallet.post_atomic_json(%s::json)", [json.dumps(requests[:2])]
    ).fetchall()
    assert rows == [("POSTED", None, "TOP_UP"), ("POSTED", None, "SPEND")]
