"""Keys of transfers, journals, refunds, holds, captures, voids and conversions: alone, at once, in batches."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tests.conftest import StartApp
from tests.http import batches
from tests.http.api import Answer, Api, new_key
from tests.http.keyed import Keys, calling
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
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

TEXTS = {"referenceId": "r", "description": "d", "metadata": {"a": 1}}
OTHER_TEXTS = {"referenceId": "R", "description": "", "metadata": {"a": "1"}}
ENDS = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)


@dataclass(frozen=True)
class Case:
    """An operation, and each field of it with another value."""

    path: str
    type: str
    body: Body
    changes: Body
    same: Body
    """Fields written otherwise that mean the same."""
    path_change: tuple[str, str] | None = None
    """Another path that means another request, and the field that is named for it."""
    path_field: str = ""
    """What the path says, as a field of an item."""

    def item(self, key: str) -> Body:
        """The same as an item of a batch."""
        said = {self.path_field: self.path.split("/")[2]} if self.path_field else {}
        return {"type": self.type, "idempotencyKey": key, **said, **self.body}


def _transfer(s: Scene) -> Case:
    return Case(
        "/transactions/transfer",
        "TRANSFER",
        transfer(s.alice, s.bob, "2.5", **TEXTS),
        {"fromAccountId": s.full.id, "toAccountId": s.full.id, "amount": 2, **OTHER_TEXTS},
        {"amount": 2.50, "toAccountId": s.bob.id.upper(), "unknown": 1},
    )


def _journal(s: Scene) -> Case:
    same = json.loads(json.dumps(journal(s.gold, {s.alice.id.upper(): "1.50"}, {s.bob.id: 1.5})))
    return Case(
        "/transactions/journal",
        "JOURNAL",
        journal(s.gold, {s.alice.id: "1.5"}, {s.bob.id: "1.5"}, **TEXTS),
        {**journal(s.diamonds.asset, {s.bob.id: "1.5"}, {s.alice.id: "1.5"}), **OTHER_TEXTS},
        {"entries": same["entries"]},
    )


def _refund(s: Scene) -> Case:
    texts = {"referenceId": "r", "reason": "d", "metadata": {"a": 1}}
    return Case(
        f"/transactions/{s.spend}/refund",
        "REFUND",
        {"amount": "1.5", **texts},
        {"amount": None, "onShortfall": "debt", "referenceId": "R", "reason": "", "metadata": None},
        {"amount": 1.50, "onShortfall": "refuse"},
        (f"/transactions/{s.top_up}/refund", "transactionId"),
        "transactionId",
    )


def _hold(s: Scene) -> Case:
    zone = datetime.fromisoformat("2020-01-01T00:00:00+05:30").tzinfo
    return Case(
        "/holds",
        "HOLD",
        s.alice.body("1.5", toAccountId=s.bob.id, expiresAt=ENDS.isoformat(), **TEXTS),
        {
            "accountId": s.full.id,
            "assetTypeId": s.diamonds.asset,
            "amount": 1,
            "toAccountId": None,
            "expiresAt": None,
            **OTHER_TEXTS,
        },
        {"amount": 1.50, "expiresAt": ENDS.astimezone(zone).isoformat()},
    )


def _capture(s: Scene) -> Case:
    return Case(
        f"/holds/{s.hold}/capture",
        "CAPTURE",
        {"amount": "1.5", **TEXTS},
        {"amount": None, **OTHER_TEXTS},
        {"amount": 1.50},
        (f"/holds/{s.hold_for_closed}/capture", "holdId"),
        "holdId",
    )


def _void(s: Scene) -> Case:
    return Case(
        f"/holds/{s.hold}/void",
        "VOID",
        {},
        {},
        {"unknown": 1},
        (f"/holds/{s.hold_for_closed}/void", "holdId"),
        "holdId",
    )


def _convert(s: Scene) -> Case:
    return Case(
        "/transactions/convert",
        "CONVERSION",
        conversion(s.alice, s.diamonds, "2.5", "0.5", **TEXTS),
        {"fromAccountId": s.bob.id, "toAccountId": s.full.id, "amount": 2, "rate": "3", **OTHER_TEXTS},
        {"amount": 2.50, "rate": 0.50},
    )


MAKERS: list[Callable[[Scene], Case]] = [_transfer, _journal, _refund, _hold, _capture, _void, _convert]
EVERY = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__.strip("_"))


@pytest.fixture
async def scene(api: Api, books: Ledger) -> Scene:
    return await make_scene(api, books)


async def end_what_was_made(scene: Scene, case: Case, answer: Answer) -> None:
    """Move the world on, so that a replay that looked at it would answer otherwise."""
    data = answer.data
    if case.type == "HOLD":
        await made(scene.api, f"/holds/{data['id']}/capture", {"amount": "1"})
    elif case.type in ("TRANSFER", "JOURNAL", "CAPTURE"):
        await made(scene.api, f"/transactions/{data['id']}/refund")
    assert (await scene.alice.spend("90")).status == 201
    scene.books.connection.execute("UPDATE wallet.asset_types SET is_active = FALSE")


@EVERY
async def test_a_replay_gets_the_first_answer(scene: Scene, make: Callable[[Scene], Case]) -> None:
    """201, the same bytes, marked as replayed; however it is written, whatever happened since, batched or dry."""
    case = make(scene)
    key = new_key()
    first = await send(scene.api, case.path, case.body, key)
    assert (first.status, "Idempotency-Replayed" in first.headers) == (201, False), first.body
    await end_what_was_made(scene, case, first)
    before = whole_state(scene.books)
    for body in (case.body, {**case.body, **case.same}):
        again = await send(scene.api, case.path, body, key)
        assert (again.status, again.replayed, again.body) == (201, True, first.body)
    dry = await send(scene.api, case.path, case.body, key, dry=True)
    assert (dry.status, dry.replayed, dry.body) == (200, True, first.body)
    for atomic in (False, True):
        (item,) = await batches.post(scene.api, [case.item(key)], atomic)
        assert (item.status, item.replayed, bytes(item.body)) == (201, True, first.body)
    assert whole_state(scene.books) == before


@EVERY
async def test_another_request_under_the_key_is_refused(scene: Scene, make: Callable[[Scene], Case]) -> None:
    """422 idempotency_key_reused naming exactly the fields that differ: each alone, another path, another endpoint."""
    case = make(scene)
    key = new_key()
    assert (await send(scene.api, case.path, case.body, key)).status == 201
    before = whole_state(scene.books)
    changed = [(case.path, {field: value}, {field}) for field, value in case.changes.items()]
    if case.path_change is not None:
        changed.append((case.path_change[0], {}, {case.path_change[1]}))
    for path, change, fields in changed:
        answer = await send(scene.api, path, {**case.body, **change}, key)
        assert (answer.refused, set(answer.details)) == ((422, "idempotency_key_reused"), fields), answer.body
    for other in MAKERS:
        if other is make:
            continue
        elsewhere = other(scene)
        answer = await send(scene.api, elsewhere.path, elsewhere.body, key)
        assert (answer.refused, set(answer.details)) == ((422, "idempotency_key_reused"), {"type"}), elsewhere.type
    plain = await scene.alice.top_up("1", key)
    assert (plain.refused, "type" in plain.details) == ((422, "idempotency_key_reused"), True)
    assert whole_state(scene.books) == before


@EVERY
async def test_many_at_once_with_one_key(scene: Scene, make: Callable[[Scene], Case]) -> None:
    """Thirty at once under one key, some of them in batches: one is made, all get its answer."""
    case = make(scene)
    key = new_key()
    counts = len((await scene.api.get("/transactions", {"limit": "100"})).data)
    alone = [send(scene.api, case.path, case.body, key) for _ in range(24)]
    batched = [batches.post(scene.api, [case.item(key)], atomic=place % 2 == 0) for place in range(6)]
    answers, items = await asyncio.gather(asyncio.gather(*alone), asyncio.gather(*batched))
    bodies = {answer.body for answer in answers} | {bytes(item.body) for (item,) in items}
    assert {answer.status for answer in answers} | {item.status for (item,) in items} == {201}
    assert len(bodies) == 1
    replays = Counter([answer.replayed for answer in answers] + [item.replayed for (item,) in items])
    assert replays == {True: 29, False: 1}
    posted = len((await scene.api.get("/transactions", {"limit": "100"})).data) - counts
    assert posted == (0 if case.type in ("HOLD", "VOID") else 1)


@EVERY
async def test_a_refused_request_keeps_no_key(scene: Scene, make: Callable[[Scene], Case]) -> None:
    """Refused while the asset's rows say no, made under the same key when they say yes."""
    case = make(scene)
    key = new_key()
    scene.books.connection.execute("UPDATE wallet.accounts SET status = 'CLOSED' WHERE account_type = 'USER'")
    if case.type == "VOID":  # which moves nothing, so that no account stands in its way
        refused = await send(scene.api, f"/holds/{scene.captured}/void", {}, key)
        assert refused.refused == (422, "hold_captured")
    else:
        refused = await send(scene.api, case.path, case.body, key)
        assert refused.refused == (422, "account_closed")
    scene.books.connection.execute("UPDATE wallet.accounts SET status = 'ACTIVE'")
    answer = await send(scene.api, case.path, case.body, key)
    assert (answer.status, answer.replayed) == (201, False)


async def test_a_batch_of_every_kind(scene: Scene) -> None:
    """One after the other in one request, refused ones between them; atomic all or none; as alone, field by field."""
    for atomic in (False, True):
        s = await make_again(scene)
        items = [make(s).item(new_key()) for make in MAKERS if make is not _void]
        items.insert(2, {**_transfer(s).item(new_key()), "amount": "100000"})
        if atomic:
            before = whole_state(s.books)
            answer = await batches.send(s.api, {"atomic": True, "items": items})
            assert (answer.refused, answer.json["details"]["index"]) == ((409, "batch_refused"), 2)
            assert whole_state(s.books) == before
            del items[2]
        answers = await batches.post(s.api, items, atomic)
        refused = [] if atomic else [2]
        assert [one.index for one in answers if one.status != 201] == refused, [one.json for one in answers]
        for item, one in zip(items, answers, strict=True):
            if one.status == 201:
                assert one.json["data"]["type"] == item["type"]


async def make_again(scene: Scene) -> Scene:
    """A fresh hold and spend of the scene's, for another round."""
    assert (await scene.alice.top_up("50")).status == 201
    scene.hold = await made(scene.api, "/holds", scene.alice.body("10"))
    scene.spend = (await scene.alice.spend("20")).data["id"]
    return scene


async def test_an_item_of_a_wrong_type_is_told_the_good_ones(api: Api) -> None:
    """400 validation_failed naming the type, also when it is missing or no text."""
    for kind in ("transfer", "RENT", None, 7):
        (answer,) = await batches.post(api, [{"type": kind, "idempotencyKey": new_key()}])
        assert (answer.refused, "type" in answer.json["details"]) == ((400, "validation_failed"), True)


@EVERY
async def test_a_key_for_some_assets_reaches_no_other(
    scene: Scene, make: Callable[[Scene], Case], seeded_url: str, start_app: StartApp
) -> None:
    """A key for diamonds is refused 403 for gold: alone, in batches, dry; a key for gold is not, a conversion's is."""
    case = make(scene)
    keys = Keys(seeded_url)
    before = whole_state(scene.books)
    async with start_app(seeded_url, api_keys="required") as session:
        async with calling(session, keys.create("admin", assets=["DM"])) as api:
            state = whole_state(scene.books)
            assert set(state) == set(before)
            for dry in (False, True):
                answer = await send(api, case.path, case.body, dry=dry)
                assert answer.refused == (403, "asset_forbidden")
            (item,) = await batches.post(api, [case.item(new_key())])
            assert item.refused == (403, "asset_forbidden")
            for path in (f"/holds/{scene.hold}", f"/holds?accountId={scene.alice.id}", "/holds"):
                assert (await api.get(path)).refused == (403, "asset_forbidden")
            assert whole_state(scene.books) == state
        async with calling(session, keys.create("admin", assets=["GC"])) as api:
            answer = await send(api, case.path, case.body)
            expected = (403, "asset_forbidden") if case.type == "CONVERSION" else (201, "")
            assert answer.refused == expected
        async with calling(session, keys.create("admin", assets=["GC", "DM"])) as api:
            answer = await partial(send, api)(case.path, case.body, dry=True)
            assert answer.status == (422 if case.type in ("CAPTURE", "VOID") else 200), answer.body
