"""?dryRun=true: the answer that a posting would get now, from the very function that posts, and nothing remains."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.conftest import StartApp
from tests.http import batches
from tests.http.api import Answer, Api, new_key
from tests.http.operations import (
    Body,
    Scene,
    conversion,
    journal,
    made,
    make_scene,
    send,
    transfer,
    whole_state,
)
from tests.http.waiting import settled, until_waiting
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

CASES: dict[str, Callable[[Scene], tuple[str, Body]]] = {
    "TOP_UP": lambda s: ("/transactions/top-up", s.alice.body("1.5")),
    "BONUS": lambda s: ("/transactions/bonus", s.alice.body("1.5")),
    "SPEND": lambda s: ("/transactions/spend", s.alice.body("1.5")),
    "TRANSFER": lambda s: ("/transactions/transfer", transfer(s.alice, s.bob, "1.5")),
    "JOURNAL": lambda s: ("/transactions/journal", journal(s.gold, {s.alice.id: "1.5"}, {s.bob.id: "1.5"})),
    "REFUND": lambda s: (f"/transactions/{s.spend}/refund", {}),
    "CONVERSION": lambda s: ("/transactions/convert", conversion(s.alice, s.whole, "1.5", "1")),
    "HOLD": lambda s: ("/holds", s.alice.body("1.5")),
    "CAPTURE": lambda s: (f"/holds/{s.hold}/capture", {"amount": "1.5"}),
    "VOID": lambda s: (f"/holds/{s.hold}/void", {}),
}


@pytest.fixture
async def scene(api: Api, books: Ledger) -> Scene:
    return await make_scene(api, books)


def timeless(data: dict[str, Any]) -> dict[str, Any]:
    """An answer without what is drawn or read off the clock when it is made."""
    drawn = {"id", "createdAt", "updatedAt", "expiresAt", "closedAt"}
    return {name: value for name, value in data.items() if name not in drawn}


@pytest.mark.parametrize("kind", CASES)
async def test_a_dry_run_says_what_would_be_and_leaves_nothing(scene: Scene, kind: str) -> None:
    """200 with the would-be answer, without an id of its own; the whole database is as before; then it is made so."""
    path, body = CASES[kind](scene)
    key = new_key()
    before = whole_state(scene.books)
    for _ in range(2):
        dry = await send(scene.api, path, body, key, dry=True)
        assert (dry.status, dry.replayed) == (200, False), dry.body
        assert dry.data["id"] == (scene.hold if kind == "VOID" else None)
        assert dry.data["type"] == ("HOLD" if kind == "VOID" else kind)
        assert whole_state(scene.books) == before
    real = await send(scene.api, path, body, key)
    assert (real.status, real.replayed) == (201, False)
    assert list(real.data) == list(dry.data)
    assert timeless(real.data) == timeless(dry.data)
    assert whole_state(scene.books) != before
    after = whole_state(scene.books)
    again = await send(scene.api, path, body, key, dry=True)
    assert (again.status, again.replayed, again.body) == (200, True, real.body)
    if kind not in ("CAPTURE", "VOID"):
        reused = await send(scene.api, path, {**body, "metadata": {"other": 1}}, key, dry=True)
        assert (reused.refused, set(reused.details)) == ((422, "idempotency_key_reused"), {"metadata"})
    assert whole_state(scene.books) == after


async def test_a_dry_batch_is_one_after_the_other_and_leaves_nothing(scene: Scene) -> None:
    """An item sees those before it; one key twice is one; bad and refused items and replays as ever; status 200."""
    poor = await scene.api.wallet()
    known = await poor.top_up("1", "known")
    items: list[Body] = [
        {"type": "SPEND", "idempotencyKey": "d-1", **poor.body("5")},
        {"type": "TOP_UP", "idempotencyKey": "d-2", **poor.body("9")},
        {"type": "SPEND", "idempotencyKey": "d-3", **poor.body("5")},
        {"type": "SPEND", "idempotencyKey": "d-3", **poor.body("5")},
        {"type": "SPEND", "idempotencyKey": "d-4", **poor.body("x")},
        {"type": "TOP_UP", "idempotencyKey": "known", **poor.body("1")},
        {"type": "VOID", "idempotencyKey": "d-5", "holdId": scene.hold},
        {"type": "CAPTURE", "idempotencyKey": "d-6", "holdId": scene.hold},
    ]
    before = whole_state(scene.books)
    answers = await dry_batch(scene.api, items)
    assert [one.refused for one in answers] == [
        (422, "insufficient_balance"),
        (200, ""),
        (200, ""),
        (200, ""),
        (400, "validation_failed"),
        (200, ""),
        (200, ""),
        (422, "hold_voided"),
    ]
    assert [one.replayed for one in answers] == [False, False, False, True, False, True, False, False]
    assert [one.json["data"]["id"] for one in answers if one.status == 200] == [
        None,
        None,
        None,
        known.data["id"],
        scene.hold,
    ]
    assert bytes(answers[5].body) == known.body
    atomic = await send_dry(scene.api, {"atomic": True, "items": items[:3]})
    assert (atomic.refused, atomic.json["details"]["index"]) == ((409, "batch_refused"), 0)
    whole = batches.answers_of(await send_dry(scene.api, {"atomic": True, "items": items[1:4]}))
    assert [(one.status, one.json["data"]["id"]) for one in whole] == [(200, None)] * 3
    (only_bad,) = await dry_batch(scene.api, [items[4]])
    assert only_bad.refused == (400, "validation_failed")
    assert whole_state(scene.books) == before
    made_now = await batches.post(scene.api, items)
    assert [(one.status == 201, one.replayed) for one in made_now] == [
        (one.status == 200, one.replayed) for one in answers
    ]


async def send_dry(api: Api, content: object) -> Answer:
    """Post a batch with dryRun=true."""
    async with api.session.post(batches.PATH, json=content, params={"dryRun": "true"}) as response:
        return Answer(response.status, response.headers, await response.read())


async def dry_batch(api: Api, items: list[Body]) -> list[batches.ItemAnswer]:
    """The items' answers of a dry run that is answered 207."""
    return batches.answers_of(await send_dry(api, {"items": items}))


async def test_only_true_and_false_are_understood(scene: Scene) -> None:
    """false posts; anything else is refused, and posts nothing: who sends it does not mean to post."""
    before = whole_state(scene.books)
    for query in ("dryRun=", "dryRun", "dryRun=1", "dryRun=TRUE", "dryRun=yes", "dryRun=true&dryRun=false"):
        for kind in CASES:
            path, body = CASES[kind](scene)
            answer = await scene.api.post(f"{path}?{query}", {**body}, new_key())
            assert (answer.refused, set(answer.details)) == ((400, "validation_failed"), {"dryRun"}), (query, kind)
        batch = await scene.api.post(f"/transactions/batch?{query}", {"items": []})
        assert (batch.refused, set(batch.details)) == ((400, "validation_failed"), {"dryRun"})
    assert whole_state(scene.books) == before
    assert (await scene.api.post("/transactions/spend?dryRun=false", scene.alice.body(), new_key())).status == 201


async def test_dry_runs_never_see_each_other_nor_are_seen(scene: Scene) -> None:
    """Many at once beside real postings: each sees all of a balance of 10; the real ones spend it exactly."""
    wallet = await scene.api.wallet(balance="10")
    answers = await asyncio.gather(
        *(send(scene.api, "/transactions/spend", wallet.body("10"), f"dry-{turn}", dry=True) for turn in range(20))
    )
    assert {answer.status for answer in answers} == {200}
    mixed = await asyncio.gather(
        *(
            send(scene.api, "/transactions/spend", wallet.body("1"), f"mixed-{turn}", dry=turn % 2 == 0)
            for turn in range(40)
        )
    )
    assert {answer.refused for answer in mixed} <= {(200, ""), (201, ""), (422, "insufficient_balance")}
    assert [answer.status for answer in mixed].count(201) == 10
    assert await wallet.balance() == 0
    listed = (await scene.api.get("/transactions", {"accountId": wallet.id, "type": "SPEND"})).data
    assert all(int(one["idempotencyKey"].removeprefix("mixed-")) % 2 == 1 for one in listed)
    assert len(listed) == 10


async def test_the_queue_of_dry_runs_is_bounded(seeded_url: str, start_app: StartApp, books: Ledger) -> None:
    """With the gate held, what is more than the queue takes is answered 503 at once; the others are answered later."""
    async with start_app(seeded_url, queue_size=3) as session:
        api = Api(session)
        wallet = await api.wallet(balance="10")
        with batches.gate_held(books.connection):
            first = asyncio.ensure_future(send(api, "/transactions/spend", wallet.body(), dry=True))
            await until_waiting(books.connection, "wallet.posting_gate")
            calls = [send(api, "/transactions/spend", wallet.body(), dry=True) for _ in range(5)]
            refused, waiting = await settled(calls, 2)
            assert [one.refused for one in refused] == [(503, "unavailable")] * 2
        answers = await asyncio.gather(first, *waiting)
        assert [one.status for one in answers] == [200] * 4
        assert await wallet.balance() == 10


async def test_a_dry_run_survives_a_broken_connection(scene: Scene, client: aiohttp.ClientSession) -> None:
    """Its connection is ended by the server between two runs: the next one has a new one."""
    for _ in range(2):
        answer = await send(scene.api, "/transactions/spend", scene.alice.body(), dry=True)
        assert answer.status == 200
        scene.books.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert await scene.alice.balance() == 115
    assert await made(scene.api, "/transactions/spend", scene.alice.body())


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/accounts", {"name": "Nina", "assetTypeId": "{gold}"}),
        ("PATCH", "/accounts/{alice}", {"status": "FROZEN", "reason": "tried"}),
        ("POST", "/asset-types", {"name": "Stars", "symbol": "STAR"}),
        ("PUT", "/accounts/{alice}/spending-limits/daily", {"periodSeconds": 60, "amountMax": "1", "reason": "tried"}),
    ],
)
async def test_what_is_no_posting_cannot_be_tried(
    scene: Scene, method: str, path: str, body: dict[str, object]
) -> None:
    """Whoever asks to try it means it not to be done: 400, and nothing is written. `false` is as nothing."""
    ids = {"gold": scene.gold, "alice": scene.alice.id}
    sent = {name: value.format(**ids) if isinstance(value, str) else value for name, value in body.items()}
    before = whole_state(scene.books)
    answer = await scene.api.call(method, path.format(**ids), sent, params={"dryRun": "true"})
    assert answer.refused == (400, "validation_failed")
    assert set(answer.json["details"]) == {"dryRun"}
    assert whole_state(scene.books) == before
    done = await scene.api.call(method, path.format(**ids), sent, params={"dryRun": "false"})
    assert done.status in (200, 201), done.body
