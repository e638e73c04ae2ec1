"""Holds over HTTP: what they reserve, how they end, where they are listed, and every refusal."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.http import batches
from tests.http.api import NOBODY, Answer, Api, decoded, new_key
from tests.http.operations import Body, Scene, let_run_out, made, make_scene, send, whole_state
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

MEMBERS = {
    "id",
    "idempotencyKey",
    "type",
    "status",
    "state",
    "sourceAccountId",
    "destAccountId",
    "assetTypeId",
    "amount",
    "capturedAmount",
    "captureId",
    "expiresAt",
    "closedAt",
    "description",
    "referenceId",
    "metadata",
    "createdAt",
    "updatedAt",
    "postedBy",
}
INVALID = (400, "validation_failed")


@pytest.fixture
async def scene(api: Api, books: Ledger) -> Scene:
    return await make_scene(api, books)


def instant(answer: Answer, member: str) -> datetime:
    return datetime.fromisoformat(answer.data[member])


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


async def test_a_hold_is_made(api: Api) -> None:
    """201 with a PENDING hold of every field; the balance stays, what is held cannot be spent; it is read again."""
    wallet, shop = await api.wallet(balance="10"), await api.wallet()
    ends = in_days(3)
    body = wallet.body("7.5", toAccountId=shop.id, expiresAt=ends, description="d", referenceId="r", metadata={"a": 1})
    hold = await send(api, "/holds", body, "h-1")
    assert hold.status == 201
    assert set(hold.data) == MEMBERS
    expected = {
        "idempotencyKey": "h-1",
        "type": "HOLD",
        "status": "PENDING",
        "state": "ACTIVE",
        "sourceAccountId": wallet.id,
        "destAccountId": shop.id,
        "assetTypeId": wallet.asset,
        "amount": Decimal("7.5"),
        "capturedAmount": 0,
        "captureId": None,
        "closedAt": None,
        "description": "d",
        "referenceId": "r",
        "metadata": {"a": 1},
    }
    assert {name: hold.data[name] for name in expected} == expected
    assert instant(hold, "expiresAt") == datetime.fromisoformat(ends)
    for path in (f"/holds/{hold.data['id']}", f"/transactions/{hold.data['id']}"):
        assert (await api.get(path)).body == hold.body
    assert await wallet.balance() == 10
    assert (await wallet.spend("2.5001")).refused == (422, "insufficient_balance")
    assert (await send(api, "/holds", wallet.body("2.5001"))).refused == (422, "insufficient_balance")
    assert (await wallet.spend("2.5")).status == 201


async def test_a_hold_without_an_end_lasts_a_week(api: Api) -> None:
    wallet = await api.wallet(balance="1")
    hold = await send(api, "/holds", wallet.body())
    lasts = instant(hold, "expiresAt") - instant(hold, "createdAt")
    assert timedelta(days=7) - timedelta(seconds=60) < lasts <= timedelta(days=7)


async def test_a_capture_moves_it(api: Api, books: Ledger) -> None:
    """A part to where the hold says; the rest is free again; the hold is COMPLETED and names its capture."""
    wallet, shop = await api.wallet(balance="10"), await api.wallet()
    hold = await made(api, "/holds", wallet.body("8", toAccountId=shop.id))
    body = {"amount": "3.25", "description": "d", "referenceId": "r", "metadata": {"a": 1}}
    capture = await send(api, f"/holds/{hold}/capture", body)
    assert capture.status == 201
    data = capture.data
    assert (data["type"], data["status"], data["holdId"]) == ("CAPTURE", "COMPLETED", hold)
    assert (data["sourceAccountId"], data["destAccountId"]) == (wallet.id, shop.id)
    assert (data["amount"], data["description"], data["referenceId"]) == (Decimal("3.25"), "d", "r")
    assert (await wallet.balance(), await shop.balance()) == (Decimal("6.75"), Decimal("3.25"))
    assert (await api.get(f"/transactions/{data['id']}")).body == capture.body
    ended = await api.get(f"/holds/{hold}")
    assert (ended.data["status"], ended.data["state"]) == ("COMPLETED", "CAPTURED")
    assert (ended.data["capturedAmount"], ended.data["captureId"]) == (Decimal("3.25"), data["id"])
    assert ended.data["closedAt"] == data["createdAt"]
    assert (await wallet.spend("6.75")).status == 201
    listed = await api.get("/transactions", {"accountId": shop.id, "type": "CAPTURE"})
    assert [one["id"] for one in listed.data] == [data["id"]]


async def test_a_capture_without_a_body_takes_all(api: Api, books: Ledger) -> None:
    """With no body at all, with {}, with null: the whole amount, to the revenue account unless told otherwise."""
    wallet = await api.wallet(balance="6")
    revenue = str(books.revenue(books.asset_of(wallet.uuid)))
    for content in (None, b"{}", b'{"amount":null}'):
        hold = await made(api, "/holds", wallet.body("2"))
        capture = await api.post(f"/holds/{hold}/capture", None, new_key(), content=content)
        assert (capture.status, capture.data["amount"], capture.data["destAccountId"]) == (201, 2, revenue)
    assert await wallet.balance() == 0


async def test_a_void_frees_it(api: Api) -> None:
    """201 with the hold, FAILED and VOIDED; all of it can be spent."""
    wallet = await api.wallet(balance="10")
    for content in (None, b"{}"):
        hold = await made(api, "/holds", wallet.body("10"))
        void = await api.post(f"/holds/{hold}/void", None, new_key(), content=content)
        assert void.status == 201
        assert set(void.data) == MEMBERS
        assert (void.data["id"], void.data["status"], void.data["state"]) == (hold, "FAILED", "VOIDED")
        assert void.data["closedAt"] is not None
        assert (await api.get(f"/holds/{hold}")).body == void.body
    assert (await wallet.spend("10")).status == 201


async def test_a_hold_runs_out_by_itself(api: Api, books: Ledger) -> None:
    """Nothing was booked, and yet it is FAILED and EXPIRED in every answer, and all of it can be spent."""
    wallet = await api.wallet(balance="10")
    hold = await made(api, "/holds", wallet.body("10"))
    let_run_out(books, hold)
    before = whole_state(books)
    seen = await api.get(f"/holds/{hold}")
    assert (seen.data["status"], seen.data["state"]) == ("FAILED", "EXPIRED")
    assert seen.data["closedAt"] == seen.data["expiresAt"] == seen.data["updatedAt"]
    assert (await api.get(f"/transactions/{hold}")).body == seen.body
    for status, found in (("PENDING", []), ("ACTIVE", []), ("FAILED", [hold]), ("EXPIRED", [hold]), ("VOIDED", [])):
        listed = await api.get("/holds", {"accountId": wallet.id, "status": status})
        assert [one["id"] for one in listed.data] == found, status
    assert whole_state(books) == before
    assert (await wallet.spend("10")).status == 201
    assert (await api.get(f"/holds/{hold}")).body == seen.body


async def test_lists(api: Api, books: Ledger) -> None:
    """By account and status, newest first, in pages; among the transactions under type HOLD, PENDING and FAILED."""
    wallet, other = await api.wallet(balance="100"), await api.wallet(balance="100")
    ids = [await made(api, "/holds", wallet.body(place + 1)) for place in range(6)]
    elsewhere = await made(api, "/holds", other.body("1"))
    await made(api, f"/holds/{ids[1]}/capture", {"amount": 1})
    await made(api, f"/holds/{ids[2]}/void")
    let_run_out(books, ids[3])
    by_status = {
        None: ids[::-1],
        "PENDING": [ids[5], ids[4], ids[0]],
        "ACTIVE": [ids[5], ids[4], ids[0]],
        "COMPLETED": [ids[1]],
        "CAPTURED": [ids[1]],
        "FAILED": [ids[3], ids[2]],
        "VOIDED": [ids[2]],
        "EXPIRED": [ids[3]],
    }
    for status, expected in by_status.items():
        query = {"accountId": wallet.id, **({} if status is None else {"status": status})}
        answer = await api.get("/holds", query)
        assert [one["id"] for one in answer.data] == expected, status
        assert answer.json["pagination"] == {"page": 1, "limit": 20, "total": len(expected), "totalPages": 1}
        if status in (None, "PENDING", "COMPLETED", "FAILED"):
            assert (await api.get("/transactions", {**query, "type": "HOLD"})).body == answer.body
        if status in ("PENDING", "FAILED"):
            assert (await api.get("/transactions", query)).body == answer.body
    page = await api.get("/holds", {"accountId": wallet.id, "page": "2", "limit": "4"})
    assert [one["id"] for one in page.data] == ids[1::-1]
    assert page.json["pagination"] == {"page": 2, "limit": 4, "total": 6, "totalPages": 2}
    assert [one["id"] for one in (await api.get("/holds")).data] == [elsewhere, *ids[::-1]]
    assert [one["id"] for one in (await api.get("/transactions", {"status": "PENDING"})).data] == [
        elsewhere,
        *by_status["PENDING"],
    ]
    for query in ({}, {"accountId": wallet.id}, {"status": "COMPLETED"}):
        listed = (await api.get("/transactions", {**query, "limit": "100"})).data
        assert {one["type"] for one in listed} <= {"TOP_UP", "CAPTURE"}, "other lists show what was posted"
    assert (await api.get("/transactions", {"type": "SPEND", "status": "PENDING"})).data == []
    for bad in ("HELD", "pending", "", "\x00"):
        answer = await api.get("/holds", {"status": bad})
        assert (answer.refused, set(answer.details)) == (INVALID, {"status"}), bad
    assert (await api.get("/holds", {"accountId": "x"})).details.keys() == {"accountId"}
    assert (await api.get("/holds", {"accountId": NOBODY})).data == []
    assert (await api.get(f"/holds/{NOBODY}")).refused == (404, "hold_not_found")
    assert (await api.get("/holds/x")).refused == INVALID
    transaction = (await wallet.top_up("1")).data["id"]
    assert (await api.get(f"/holds/{transaction}")).refused == (404, "hold_not_found")


Refused = tuple[str, str, object, tuple[int, str], set[str]]


def refusals_of(scene: Scene) -> list[Refused]:
    """Type, path, body, answer and fields to blame of every refusal of a hold, a capture and a void."""
    s = scene
    capture, void = "/holds/{}/capture".format, "/holds/{}/void".format
    missing = {"accountId", "assetTypeId", "amount"}
    found: list[Refused] = [
        ("HOLD", "/holds", {}, INVALID, missing),
        ("HOLD", "/holds", s.alice.body("0.00001", expiresAt="soon"), INVALID, {"amount", "expiresAt"}),
        ("HOLD", "/holds", s.alice.body(expiresAt="2999-01-01T00:00:00"), INVALID, {"expiresAt"}),
        ("HOLD", "/holds", s.alice.body(expiresAt=1), INVALID, {"expiresAt"}),
        ("HOLD", "/holds", s.alice.body(toAccountId=s.alice.id), INVALID, {"toAccountId"}),
        ("HOLD", "/holds", s.whole.body("0.5"), INVALID, {"amount"}),
        ("HOLD", "/holds", s.alice.body(accountId=NOBODY), (404, "account_not_found"), set()),
        ("HOLD", "/holds", s.alice.body(toAccountId=NOBODY), (404, "account_not_found"), set()),
        ("HOLD", "/holds", s.alice.body(assetTypeId=NOBODY), (404, "asset_type_not_found"), set()),
        ("HOLD", "/holds", s.alice.body(accountId=s.treasury), (422, "not_a_wallet"), set()),
        ("HOLD", "/holds", s.alice.body(toAccountId=s.treasury), (422, "not_a_wallet"), set()),
        ("HOLD", "/holds", s.alice.body(toAccountId=s.diamonds.id), (422, "asset_mismatch"), set()),
        ("HOLD", "/holds", s.off.body(), (422, "asset_inactive"), set()),
        ("HOLD", "/holds", s.alice.body(expiresAt=in_days(-0.001)), (422, "expiry_out_of_range"), set()),
        ("HOLD", "/holds", s.alice.body(expiresAt=in_days(366.001)), (422, "expiry_out_of_range"), set()),
        ("HOLD", "/holds", s.alice.body(expiresAt="9999-12-31T23:59:59Z"), (422, "expiry_out_of_range"), set()),
        ("HOLD", "/holds", s.alice.body("104.0001"), (422, "insufficient_balance"), set()),
        ("HOLD", "/holds", s.frozen.body(), (422, "account_frozen"), set()),
        ("HOLD", "/holds", s.closed.body(), (422, "account_closed"), set()),
        ("CAPTURE", capture("x"), {}, INVALID, {"id"}),
        ("CAPTURE", capture(s.hold), {"amount": 0, "description": 1}, INVALID, {"amount", "description"}),
        ("CAPTURE", capture(NOBODY), {}, (404, "hold_not_found"), set()),
        ("CAPTURE", capture(s.spend), {}, (404, "hold_not_found"), set()),
        ("CAPTURE", capture(s.hold), {"amount": "10.0001"}, (422, "capture_exceeds_hold"), set()),
        ("CAPTURE", capture(s.hold_for_closed), {}, (422, "account_closed"), set()),
        ("VOID", void("x"), {}, INVALID, {"id"}),
        ("VOID", void(s.hold), [], INVALID, {"body"}),
        ("VOID", void(NOBODY), {}, (404, "hold_not_found"), set()),
        ("VOID", void(s.spend), {}, (404, "hold_not_found"), set()),
    ]
    for kind, path in (("CAPTURE", capture), ("VOID", void)):
        found += [
            (kind, path(s.captured), {}, (422, "hold_captured"), set()),
            (kind, path(s.voided), {}, (422, "hold_voided"), set()),
            (kind, path(s.expired), {}, (422, "hold_expired"), set()),
        ]
    return found


async def test_every_refusal(scene: Scene) -> None:
    """Each with its code and the fields to blame, alone, as an item, in an atomic batch and dry; nothing is written."""
    # What has run out is booked by the first posting that meets it, even one that is refused.
    assert (await send(scene.api, f"/holds/{scene.expired}/void")).refused == (422, "hold_expired")
    before = whole_state(scene.books)
    items: list[Body] = []
    expected: list[Answer] = []
    for kind, path, body, refused, fields in refusals_of(scene):
        key = new_key()
        for dry in (False, True):
            answer = await send(scene.api, path, body, key, dry=dry)
            assert answer.refused == refused, (path, body, answer.body)
            assert set(answer.json.get("details", {})) == fields, (path, body, answer.body)
        if isinstance(body, dict) and fields != {"id"}:
            hold = {} if kind == "HOLD" else {"holdId": path.split("/")[2]}
            items.append({"type": kind, "idempotencyKey": key, **hold, **body})
            expected.append(answer)
    answers = await batches.post(scene.api, items)
    assert [(one.status, bytes(one.body)) for one in answers] == [(one.status, one.body) for one in expected]
    for item, alone in zip(items, expected, strict=True):
        whole = await batches.send(scene.api, {"atomic": True, "items": [item]})
        assert (whole.status, whole.json["details"]["status"]) == (409, alone.status)
        assert whole.json["details"]["body"] == decoded(alone.body)
    for path in ("/holds", f"/holds/{scene.hold}/capture", f"/holds/{scene.hold}/void"):
        assert (await scene.api.post(path, {})).refused == (400, "idempotency_key_missing")
    assert whole_state(scene.books) == before


async def test_what_books_an_expiry_changes_nothing_else(scene: Scene) -> None:
    """A refused posting that meets a hold that has run out books that, and only that; the answers stay the same."""
    before = whole_state(scene.books)
    seen = await scene.api.get(f"/holds/{scene.expired}")
    assert (await scene.eve.spend("5.0001")).refused == (422, "insufficient_balance")
    after = whole_state(scene.books)
    assert {table for table in before if before[table] != after[table]} <= {"accounts", "holds"}
    assert (await scene.api.get(f"/holds/{scene.expired}")).body == seen.body
    assert await scene.eve.balance() == 5


async def test_a_replay_in_another_time_zone_is_the_same_request(api: Api, books: Ledger) -> None:
    """The database's time zone is changed between a hold with an end and its replay: the first answer all the same."""
    wallet = await api.wallet(balance="1")
    body = wallet.body("1", expiresAt=in_days(2))
    first = await send(api, "/holds", body, "zoned")
    assert first.status == 201
    (name,) = books.connection.execute("SELECT current_database()").fetchone() or ("",)
    books.connection.execute(f"ALTER DATABASE {name} SET timezone = 'Asia/Kolkata'".encode())
    books.connection.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    again = await send(api, "/holds", body, "zoned")
    assert (again.status, again.replayed, again.body) == (201, True, first.body)
