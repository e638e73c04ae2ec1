"""POST /transactions/batch: each item is answered as it would have been alone."""

import asyncio
import json
from typing import Any

import pytest

from tests.conftest import Connect, StartApp
from tests.http.api import NOBODY, Api, Wallet, new_key
from tests.http.batches import Item, alone, answers_of, away, gate_held, item, post, send
from tests.http.proxy import proxied
from tests.http.waiting import settled, until_waiting
from tests.support.database import Databases
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

KIB = 1024
MIB = 1024 * KIB

BAD_AMOUNTS: list[object] = [0, -1, "x", "NaN", True, None, [], "1.00001", "123456789012345"]


def _posted(books: Ledger) -> int:
    return books.counts()["transactions"]


def _padded(one: Item, size_bytes: int) -> bytes:
    """The item as JSON text of just this size."""
    empty = json.dumps({**one, "description": ""}).encode()
    return json.dumps({**one, "description": "d" * (size_bytes - len(empty))}).encode()


async def test_a_posted_item_has_the_answer_of_its_endpoint(api: Api) -> None:
    """Sent alone afterwards, each item is a replay: with the very bytes the batch gave."""
    wallet = await api.wallet(balance="100")
    items = [
        item(wallet, "2.5", kind, referenceId="r", description="ü", metadata={"a": [1.50]})
        for kind in ("TOP_UP", "BONUS", "SPEND")
    ]
    answers = await post(api, items)
    for one, answer in zip(items, answers, strict=True):
        again = await alone(api, one)
        assert again.replayed
        assert (answer.status, answer.replayed) == (201, False)
        assert bytes(answer.body) == again.body


async def test_a_refused_item_has_the_answer_of_its_endpoint(api: Api, books: Ledger) -> None:
    """Each refusal in one batch has the status and the bytes of the same request alone; nothing is written."""
    wallet = await api.wallet(balance="5")
    used = new_key()
    await wallet.top_up("1", used)
    other = await api.wallet("DM")
    treasury = Wallet(api, str(books.treasury(books.asset_of(wallet.uuid))), wallet.asset)
    before = books.state()
    items: list[Item] = [
        item(wallet, "1000", "SPEND"),
        item(wallet, "2", "TOP_UP", used),
        item(wallet, "1", "SPEND", used),
        item(Wallet(api, NOBODY, wallet.asset)),
        item(Wallet(api, wallet.id, NOBODY)),
        item(Wallet(api, wallet.id, other.asset)),
        item(treasury),
        *(item(wallet, amount) for amount in BAD_AMOUNTS),
        item(Wallet(api, "no-uuid", "neither"), "x"),
        item(wallet, metadata=[1]),
        item(wallet, metadata={"nul": "\0"}),
        item(wallet, description="\0"),
        item(wallet, description=5),
        {"type": "SPEND", "idempotencyKey": new_key()},
    ]
    codes = set()
    answers = await post(api, items)
    for one, answer in zip(items, answers, strict=True):
        single = await alone(api, one)
        assert (answer.status, bytes(answer.body)) == (single.status, single.body)
        codes.add(single.refused[1])
    assert codes == {
        "insufficient_balance",
        "idempotency_key_reused",
        "account_not_found",
        "asset_type_not_found",
        "asset_mismatch",
        "not_a_wallet",
        "validation_failed",
    }
    assert books.state() == before


@pytest.mark.parametrize(
    ("bad", "code", "fields"),
    [
        (5, "validation_failed", {"body"}),
        (None, "validation_failed", {"body"}),
        ("text", "validation_failed", {"body"}),
        ([], "validation_failed", {"body"}),
        ({}, "idempotency_key_missing", None),
        ({"idempotencyKey": ""}, "idempotency_key_missing", None),
        ({"idempotencyKey": " "}, "idempotency_key_missing", None),
        ({"idempotencyKey": "a b"}, "idempotency_key_missing", None),
        ({"idempotencyKey": "ü"}, "idempotency_key_missing", None),
        ({"idempotencyKey": "k" * 256}, "idempotency_key_missing", None),
        ({"idempotencyKey": 7}, "idempotency_key_missing", None),
        ({"idempotencyKey": None}, "idempotency_key_missing", None),
        ({"idempotencyKey": "k"}, "validation_failed", {"type", "accountId", "assetTypeId", "amount"}),
        ({"idempotencyKey": "k", "type": 5}, "validation_failed", {"type", "accountId", "assetTypeId", "amount"}),
        ({"idempotencyKey": "k", "type": "GIFT"}, "validation_failed", {"type", "accountId", "assetTypeId", "amount"}),
        (
            {"idempotencyKey": "k", "type": "top_up", "amount": 1},
            "validation_failed",
            {"type", "accountId", "assetTypeId"},
        ),
    ],
)
async def test_a_malformed_item_harms_no_neighbour(
    api: Api, books: Ledger, bad: object, code: str, fields: set[str] | None
) -> None:
    """It is a 400 item that names what is wrong; the items around it are posted."""
    wallet = await api.wallet()
    before = _posted(books)
    answers = await post(api, [item(wallet), bad, item(wallet)])
    assert [one.status for one in answers] == [201, 400, 201]
    assert answers[1].refused == (400, code)
    assert set(answers[1].json.get("details", {})) == (fields or set())
    assert _posted(books) == before + 2


async def test_an_unknown_type_alone_is_named(api: Api) -> None:
    """Where all else is right, the type is the one field that is named."""
    wallet = await api.wallet()
    (answer,) = await post(api, [item(wallet, kind="RENT")])
    every = "TOP_UP, BONUS, SPEND, TRANSFER, JOURNAL, REFUND, HOLD, CAPTURE, VOID or CONVERSION"
    assert answer.json["details"] == {"type": [f"Must be {every}."]}


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ({}, {"items"}),
        ({"items": []}, {"items"}),
        ({"items": None}, {"items"}),
        ({"items": {}}, {"items"}),
        ({"items": "x"}, {"items"}),
        ({"items": [], "atomic": "yes"}, {"items", "atomic"}),
        ({"items": [5], "atomic": 1}, {"atomic"}),
        ({"items": [5], "atomic": None}, {"atomic"}),
        ([], {"body"}),
        (5, {"body"}),
        (b"", {"body"}),
        (b'{"items": [1,]}', {"body"}),
        (b'{"items": ["\xff"]}', {"body"}),
        (b'{"items": [' + b"[" * 50_000 + b"]" * 50_000 + b"]}", {"body"}),
    ],
)
async def test_a_wrong_frame_refuses_the_whole(api: Api, books: Ledger, content: object, fields: set[str]) -> None:
    """400 validation_failed that names the fields; nothing is written."""
    before = books.state()
    answer = await send(api, content)
    assert answer.refused == (400, "validation_failed")
    assert set(answer.details) == fields
    assert books.state() == before


async def test_a_batch_holds_up_to_1000_items(api: Api, books: Ledger) -> None:
    """1,000 are posted, each once; 1,001 are refused, all of them."""
    wallet = await api.wallet()
    before = books.state()
    answer = await send(api, {"items": [item(wallet) for _ in range(1001)]})
    assert answer.refused == (400, "validation_failed")
    assert answer.details == {"items": ["Must be 1 to 1,000 items."]}
    assert books.state() == before
    answers = await post(api, [item(wallet) for _ in range(1000)])
    assert {one.status for one in answers} == {201}
    assert await wallet.balance() == 1000
    assert books.problems() == {}


async def test_items_are_posted_as_if_sent_one_after_the_other(start_app: StartApp, seeded_url: str) -> None:
    """An earlier item counts for a later one, also across the database calls a batch is cut into."""
    async with start_app(seeded_url, batch_size=2) as client:
        api = Api(client)
        wallet = await api.wallet(balance="10")
        key, refused_key = new_key(), new_key()
        answers = await post(
            api,
            [
                item(wallet, 10, "SPEND"),
                item(wallet, 1, "SPEND", refused_key),
                item(wallet, 5, "TOP_UP", key),
                item(wallet, 5, "TOP_UP", key),
                item(wallet, 6, "TOP_UP", key),
                item(wallet, 5, "SPEND"),
                item(wallet, 1, "SPEND"),
                item(wallet, 2, "BONUS", refused_key),
            ],
        )
        assert [(one.refused, one.replayed) for one in answers] == [
            ((201, ""), False),
            ((422, "insufficient_balance"), False),
            ((201, ""), False),
            ((201, ""), True),
            ((422, "idempotency_key_reused"), False),
            ((201, ""), False),
            ((422, "insufficient_balance"), False),
            ((201, ""), False),
        ]
        assert bytes(answers[2].body) == bytes(answers[3].body)
        assert await wallet.balance() == 2


async def test_a_batch_sent_again_is_replayed(api: Api, books: Ledger) -> None:
    """Every item gets its first answer again, marked, and nothing is written."""
    wallet = await api.wallet()
    items = [item(wallet) for _ in range(20)]
    first = await post(api, items)
    before = books.state()
    second = await post(api, items)
    assert [bytes(one.body) for one in second] == [bytes(one.body) for one in first]
    assert {one.replayed for one in first} == {False}
    assert {one.replayed for one in second} == {True}
    assert books.state() == before


async def test_the_same_batch_many_times_at_once_is_posted_once(api: Api, books: Ledger) -> None:
    """Of 16 at once, in two orders, each item is posted by just one."""
    wallet = await api.wallet()
    items = [item(wallet) for _ in range(50)]
    before = _posted(books)
    batches = await asyncio.gather(*(post(api, items if n % 2 else items[::-1]) for n in range(16)))
    assert {one.status for batch in batches for one in batch} == {201}
    assert sum(not one.replayed for batch in batches for one in batch) == 50
    assert _posted(books) == before + 50
    assert await wallet.balance() == 50


async def test_digits_are_kept(api: Api) -> None:
    """What binary floating point cannot hold comes back digit for digit."""
    wallet = await api.wallet()
    raw = json.dumps(item(wallet, "AMOUNT")).replace('"AMOUNT"', "90071992547409.0001").encode()
    (answer,) = answers_of(await send(api, b'{"items":[' + raw + b"]}"))
    assert b'"amount":90071992547409.0001,' in bytes(answer.body)


async def test_the_body_may_have_2_mib_here_and_64_kib_elsewhere(api: Api, books: Ledger) -> None:
    """The limits are exact, and the answer names the one that applies."""
    wallet = await api.wallet()
    items = b",".join(_padded(item(wallet), 60 * KIB) for _ in range(34))
    content = b'{"items":[' + items + b"]"
    assert len(content) < 2 * MIB
    fits = content + b" " * (2 * MIB - len(content) - 1) + b"}"
    assert {one.status for one in answers_of(await send(api, fits))} == {201}
    before = books.state()
    too_large = await send(api, fits + b" ")
    assert too_large.refused == (413, "body_too_large")
    assert "2 MiB" in too_large.json["error"]
    single = await api.posting_raw("top-up", wallet.raw("1", ',"description":"' + "d" * (64 * KIB) + '"'))
    assert single.refused == (413, "body_too_large")
    assert "64 KiB" in single.json["error"]
    assert books.state() == before


async def test_an_item_may_have_64_kib_as_alone(api: Api) -> None:
    """A larger one is a 413 item; its neighbours are posted."""
    wallet = await api.wallet()
    items = [_padded(item(wallet), size) for size in (64 * KIB, 64 * KIB + 1, 1 * KIB)]
    answers = answers_of(await send(api, b'{"items":[' + b",".join(items) + b"]}"))
    assert [one.refused for one in answers] == [(201, ""), (413, "body_too_large"), (201, "")]


async def test_a_batch_without_room_is_refused_whole(
    start_app: StartApp, books: Ledger, seeded_url: str, connect: Connect
) -> None:
    """Room for one of two is no room: 503 and Retry-After, and neither is posted; one alone still gets in."""
    async with start_app(seeded_url, queue_size=3) as client:
        api = Api(client)
        wallet = await api.wallet()
        with gate_held(connect(seeded_url)):
            in_flight = asyncio.create_task(wallet.top_up("1"))
            await until_waiting(books.connection, "wallet.posting_gate")
            batches = [{"items": [item(wallet, "10"), item(wallet, "10")]} for _ in range(2)]
            refused, taken = await settled([send(api, batch) for batch in batches], 1)
            assert refused[0].refused == (503, "unavailable")
            assert int(refused[0].headers["Retry-After"]) >= 1
            singles, last = await settled([wallet.top_up("100") for _ in range(3)], 2)
            assert {one.refused for one in singles} == {(503, "unavailable")}
        assert (await in_flight).status == (await last[0]).status == 201
        assert [one.status for one in answers_of(await taken[0])] == [201, 201]
        assert await wallet.balance() == 1 + 20 + 100


async def test_a_batch_larger_than_the_queue_is_taken_when_nothing_waits(start_app: StartApp, seeded_url: str) -> None:
    """Otherwise it could be sent again for ever."""
    async with start_app(seeded_url, queue_size=1) as client:
        api = Api(client)
        wallet = await api.wallet()
        assert {one.status for one in await post(api, [item(wallet) for _ in range(5)])} == {201}


async def test_a_lost_connection_is_not_noticed(api: Api, books: Ledger, seeded_url: str, connect: Connect) -> None:
    """The session that posts is ended in the middle: the batch is posted all the same, once."""
    wallet = await api.wallet()
    items = [item(wallet) for _ in range(3)]
    with gate_held(connect(seeded_url)):
        sent = asyncio.create_task(post(api, items))
        (pid,) = await until_waiting(books.connection, "wallet.posting_gate")
        books.connection.execute("SELECT pg_terminate_backend(%s)", [pid])
    answers = await sent
    assert [(one.status, one.replayed) for one in answers] == [(201, False)] * 3
    assert await wallet.balance() == 3


async def test_a_lost_reply_to_a_commit_doubles_nothing(start_app: StartApp, books: Ledger, seeded_url: str) -> None:
    """The batch was committed and the service was not told: sent again with the same keys, it is a replay."""
    async with proxied(seeded_url) as (proxy, url), start_app(url) as client:
        api = Api(client)
        wallet = await api.wallet(balance="1")
        proxy.withhold_reply_to(b"post_json")
        answers = await post(api, [item(wallet) for _ in range(3)])
        assert proxy.cuts == 1
        assert [(one.status, one.replayed) for one in answers] == [(201, True)] * 3
        assert await wallet.balance() == 4
    assert books.problems() == {}


async def test_a_database_that_is_away_makes_503_items(
    api: Api, seeded_url: str, databases: Databases, connect: Connect
) -> None:
    """207 with Retry-After; a malformed item is still a 400. Sent again later, the same batch is posted."""
    wallet = await api.wallet()
    items: list[Any] = [item(wallet), "malformed", item(wallet)]
    with away(connect(databases.url("postgres")), seeded_url):
        answer = await send(api, {"items": items})
        assert [one.status for one in answers_of(answer)] == [503, 400, 503]
        assert int(answer.headers["Retry-After"]) >= 1
    answer = await send(api, {"items": items})
    assert [one.status for one in answers_of(answer)] == [201, 400, 201]
    assert "Retry-After" not in answer.headers


async def test_a_caller_that_goes_harms_nobody(api: Api, books: Ledger, seeded_url: str, connect: Connect) -> None:
    """Its batch is posted or not, and the others' are answered."""
    wallet = await api.wallet()
    with gate_held(connect(seeded_url)):
        gone = asyncio.create_task(post(api, [item(wallet)]))
        await until_waiting(books.connection, "wallet.posting_gate")
        stays = asyncio.create_task(post(api, [item(wallet)]))
        gone.cancel()
    assert (await stays)[0].status == 201
    assert books.problems() == {}
