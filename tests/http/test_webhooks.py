"""Managing webhooks: what is made, changed, shown and refused. What is sent is tested in tests/webhooks."""

import base64
import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
import pytest

from tests.conftest import StartApp
from tests.http.api import NOBODY, Api, new_key
from tests.http.keyed import Keys, calling
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

URL = "https://shop.example/events"
FIELDS = {
    "id",
    "url",
    "description",
    "eventTypes",
    "assetTypeIds",
    "status",
    "cursor",
    "secret",
    "secretCreatedAt",
    "previousSecretUntil",
    "createdAt",
    "updatedAt",
}


@pytest.fixture
async def closed(anyio_backend: str, seeded_url: str, start_app: StartApp) -> AsyncIterator[aiohttp.ClientSession]:
    """A client without a token, of a service that requires one."""
    async with start_app(seeded_url, api_keys="required") as session:
        yield session


@pytest.fixture
def keys(seeded_url: str) -> Keys:
    return Keys(seeded_url)


async def create(api: Api, key: str | None = None, **fields: object) -> Any:
    answer = await api.post("/webhooks", {"url": URL, **fields}, key)
    assert answer.status == 201, answer.body
    return answer.data


def put_aside(books: Ledger, webhook: Any, status: str = "DEAD", count: int = 1) -> list[str]:
    """Let a webhook have deliveries; give their ids, newest first."""
    rows = books.connection.execute(
        """INSERT INTO wallet.webhook_deliveries (
            webhook_id, event_id, event, status, attempts, next_attempt_at, response_status, error
        )
        SELECT
            %s, gen_random_uuid(), '{"amount": 90071992547409.0001}', s.status, 15,
            CASE WHEN s.status = 'PENDING' THEN clock_timestamp() + interval '1 hour' END, 500,
            'The receiver answered 500.'
        FROM (SELECT %s::wallet.delivery_status AS status) AS s, generate_series(1, %s)
        RETURNING id""",
        [webhook["id"], status, count],
    ).fetchall()
    return [str(row[0]) for row in rows][::-1]


# --- the life of a webhook


async def test_a_webhook_is_made_shown_changed_and_deleted(api: Api) -> None:
    gold = await api.asset()
    made = await create(api, description="the shop's", eventTypes=["transaction.posted"], assetTypeIds=[gold])
    assert set(made) == FIELDS
    assert base64.b64decode(made["secret"].removeprefix("whsec_"), validate=True).__len__() == 32
    assert (made["status"], made["url"], made["eventTypes"]) == ("ACTIVE", URL, ["transaction.posted"])
    assert made["assetTypeIds"] == [gold]
    path = f"/webhooks/{made['id']}"
    shown = {**made, "secret": None}
    assert (await api.get(path)).data == shown
    assert (await api.get("/webhooks")).data == [shown]

    change = {"status": "PAUSED", "url": URL + "/2", "eventTypes": None, "description": None, "reason": "moved"}
    changed = (await api.call("PATCH", path, change)).data
    assert changed["updatedAt"] > made["updatedAt"]
    assert changed == {
        **shown,
        "status": "PAUSED",
        "url": URL + "/2",
        "eventTypes": None,
        "description": None,
        "updatedAt": changed["updatedAt"],
    }
    deleted = (await api.call("DELETE", path)).data
    assert (deleted["status"], deleted["secret"]) == ("DELETED", None)
    assert (await api.get("/webhooks")).data == []
    for method, below, body in (
        ("GET", "", None),
        ("PATCH", "", {"status": "ACTIVE", "reason": "r"}),
        ("DELETE", "", None),
        ("POST", "/rotate-secret", None),
        ("GET", "/deliveries", None),
        ("POST", f"/deliveries/{NOBODY}/redeliver", None),
    ):
        assert (await api.call(method, path + below, body)).refused == (404, "webhook_not_found"), (method, below)


async def test_every_change_is_in_the_history_with_who_and_why(
    closed: aiohttp.ClientSession, keys: Keys, books: Ledger
) -> None:
    token = keys.create("webhooks")
    async with calling(closed, token) as api:
        made = await create(api)
        path = f"/webhooks/{made['id']}"
        await api.call("PATCH", path, {"status": "PAUSED", "reason": "why"})
        # Nothing differs: no line.
        await api.call("PATCH", path, {"status": "PAUSED", "reason": "again"})
        await api.post(f"{path}/rotate-secret", {"reason": "it leaked"})
        await api.call("DELETE", path)
        history = (await api.get(f"{path}/history")).data
    assert [line["number"] for line in history] == [4, 3, 2, 1]
    assert {line["changedBy"] for line in history} == {f"key:{keys.ids[token]}"}
    deleted, rotated, paused, opened = history
    assert (opened["before"], opened["after"]["url"], opened["reason"]) == (None, URL, None)
    assert (paused["before"], paused["after"], paused["reason"]) == ({"status": "ACTIVE"}, {"status": "PAUSED"}, "why")
    assert set(rotated["after"]) == {"secretCreatedAt"}
    assert rotated["reason"] == "it leaked"
    assert deleted["after"] == {"status": "DELETED"}
    assert books.connection.execute("SELECT * FROM wallet.check_changes()").fetchall() == []


# --- keys of requests


async def test_the_same_key_gives_the_first_answer_but_not_the_secret(api: Api, books: Ledger) -> None:
    key = new_key()
    first = await api.post("/webhooks", {"url": URL}, key)
    again = await api.post("/webhooks", {"url": URL}, key)
    assert (again.status, again.replayed, first.replayed) == (201, True, False)
    assert again.data == {**first.data, "secret": None}
    assert len((await api.get("/webhooks")).data) == 1
    path = f"/webhooks/{first.data['id']}"
    for method, below, body in (
        ("PATCH", "", {"description": "x", "reason": "r"}),
        ("POST", "/rotate-secret", {}),
        ("DELETE", "", None),
    ):
        headers = {"Idempotency-Key": new_key()}
        done = await api.call(method, path + below, body, headers=headers)
        replay = await api.call(method, path + below, body, headers=headers)
        assert (done.replayed, replay.replayed, replay.status) == (False, True, done.status)
        assert replay.data == {**done.data, "secret": None}
    assert books.connection.execute("SELECT * FROM wallet.check_idempotency_keys()").fetchall() == []
    assert (await api.get(f"/webhooks/{first.data['id']}/history")).json["pagination"]["total"] == 4


async def test_a_key_of_another_request_is_refused(api: Api) -> None:
    key = new_key()
    made = (await api.post("/webhooks", {"url": URL}, key)).data
    answer = await api.post("/webhooks", {"url": URL + "/2"}, key)
    assert answer.refused == (422, "idempotency_key_reused")
    assert set(answer.details) == {"url"}
    assert (await api.post(f"/webhooks/{made['id']}/rotate-secret", {}, key)).details.keys() == {"endpoint"}
    assert (await api.posting("top-up", (await api.wallet()).body("1"), key)).refused == (422, "idempotency_key_reused")


async def test_what_was_made_under_a_key_is_told_without_the_secret(closed: aiohttp.ClientSession, keys: Keys) -> None:
    key = new_key()
    async with calling(closed, keys.create("admin")) as api:
        made = await create(api, key)
        found = (await api.get(f"/idempotency-keys/{key}")).data
        assert (found["operation"], found["assetTypeId"]) == ("CREATE_WEBHOOK", None)
        assert found["answer"] == {**made, "secret": None}
    async with calling(closed, keys.create("read", assets=["GC"])) as api:
        assert (await api.get(f"/idempotency-keys/{key}")).refused == (403, "asset_forbidden")


# --- secrets


async def test_a_secret_is_shown_once_and_is_nowhere_else(
    api: Api, books: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    """In no other answer, no line of the log, and no table but its own."""
    caplog.set_level("DEBUG")
    made = (await api.post("/webhooks", {"url": URL}, new_key())).data
    path = f"/webhooks/{made['id']}"
    rotated = (await api.post(f"{path}/rotate-secret", None, new_key())).data
    delivery = put_aside(books, made)[0]
    said = [
        (await api.get(path)).body,
        (await api.get("/webhooks")).body,
        (await api.get(f"{path}/history")).body,
        (await api.get(f"{path}/deliveries")).body,
        (await api.post(f"{path}/deliveries/{delivery}/redeliver", None, new_key())).body,
        (await api.call("PATCH", path, {"status": "PAUSED", "reason": "r"})).body,
        caplog.text.encode(),
    ]
    tables = [
        row[0]
        for row in books.connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'wallet'::regnamespace AND relkind = 'r'"
        ).fetchall()
    ]
    assert {"changes", "idempotency_keys", "webhook_deliveries", "webhooks"} <= set(tables)
    for table in tables:
        rows = books.connection.execute(
            f"SELECT to_jsonb(t) - ARRAY['secret', 'previous_secret'] FROM wallet.{table} AS t".encode()
        ).fetchall()
        said.append(repr(rows).encode())
    for secret in (made["secret"], rotated["secret"]):
        text = secret.removeprefix("whsec_")
        for form in (text, base64.b64decode(text).hex()):
            assert not any(form.encode() in one for one in said)
    assert made["secret"] != rotated["secret"]


# --- what is refused


BAD_URLS: Final = [
    "",
    "shop.example",
    "ftp://shop.example/",
    "file:///etc/passwd",
    "http://",
    "http:///path",
    "http://user@shop.example/",
    "http://user:secret@shop.example/",
    "http://shop.example/#part",
    "http://shop.example/a b",
    "http://shop.example/\n",
    "http://shop.example:0/",
    "http://shop.example:99999/",
    "http://shop.example:port/",
    "http://[::1/",
    "http://shop.example\\@10.0.0.1/",
    "http://shop.example/\x00",
    "https://shop.example/" + "x" * 2048,
    7,
    None,
]


async def test_what_is_no_good_url_is_refused(api: Api) -> None:
    for url in BAD_URLS:
        answer = await api.post("/webhooks", {"url": url})
        assert answer.refused == (400, "validation_failed"), url
        assert set(answer.details) == {"url"}
    assert (await api.get("/webhooks")).data == []


BAD_FIELDS: Final[list[tuple[dict[str, object], str]]] = [
    ({"eventTypes": []}, "eventTypes"),
    ({"eventTypes": ["transaction.posted", "nothing"]}, "eventTypes"),
    ({"eventTypes": ["\x00"]}, "eventTypes"),
    ({"eventTypes": "transaction.posted"}, "eventTypes"),
    ({"eventTypes": [None]}, "eventTypes"),
    ({"eventTypes": ["transaction.posted"] * 101}, "eventTypes"),
    ({"assetTypeIds": []}, "assetTypeIds"),
    ({"assetTypeIds": ["x"]}, "assetTypeIds"),
    ({"assetTypeIds": 5}, "assetTypeIds"),
    ({"assetTypeIds": [NOBODY] * 1001}, "assetTypeIds"),
    ({"description": ""}, "description"),
    ({"description": "x" * 256}, "description"),
    ({"description": "\x00"}, "description"),
]


async def test_a_field_that_is_no_good_is_named(api: Api) -> None:
    made = await create(api)
    for fields, wrong in BAD_FIELDS:
        answer = await api.post("/webhooks", {"url": URL, **fields})
        assert (answer.refused, set(answer.details)) == ((400, "validation_failed"), {wrong}), fields
        change = await api.call("PATCH", f"/webhooks/{made['id']}", {**fields, "reason": "r"})
        assert (change.refused, set(change.details)) == ((400, "validation_failed"), {wrong}), fields


BAD_CHANGES: Final[list[tuple[dict[str, object], str]]] = [
    ({"reason": "r"}, "body"),
    ({"status": "ACTIVE"}, "reason"),
    ({"status": "ACTIVE", "reason": ""}, "reason"),
    ({"status": "DELETED", "reason": "r"}, "status"),
    ({"status": "DISABLED", "reason": "r"}, "status"),
    ({"url": None, "reason": "r"}, "url"),
]


async def test_a_change_that_is_no_good_changes_nothing(api: Api) -> None:
    made = await create(api)
    for body, wrong in BAD_CHANGES:
        answer = await api.call("PATCH", f"/webhooks/{made['id']}", body)
        assert (answer.refused, set(answer.details)) == ((400, "validation_failed"), {wrong}), body
    assert (await api.get(f"/webhooks/{made['id']}")).data == {**made, "secret": None}


async def test_what_is_not_there_is_not_found(api: Api) -> None:
    made = await create(api)
    assert (await api.post("/webhooks", {"url": URL, "assetTypeIds": [NOBODY]})).refused == (
        404,
        "asset_type_not_found",
    )
    path = f"/webhooks/{made['id']}"
    change = await api.call("PATCH", path, {"assetTypeIds": [NOBODY], "reason": "r"})
    assert change.refused == (404, "asset_type_not_found")
    assert (await api.get(f"/webhooks/{NOBODY}/history")).refused == (404, "webhook_not_found")
    assert (await api.get("/webhooks/x")).details == {"id": ["Must be a UUID."]}
    assert (await api.post(f"{path}/deliveries/x/redeliver")).details == {"deliveryId": ["Must be a UUID."]}
    assert (await api.post(f"{path}/deliveries/{NOBODY}/redeliver")).refused == (404, "delivery_not_found")


async def test_a_delivery_of_another_webhook_is_not_found(api: Api, books: Ledger) -> None:
    one, other = await create(api), await create(api)
    (delivery,) = put_aside(books, one)
    answer = await api.post(f"/webhooks/{other['id']}/deliveries/{delivery}/redeliver")
    assert answer.refused == (404, "delivery_not_found")
    assert (await api.get(f"/webhooks/{one['id']}/deliveries")).data[0]["status"] == "DEAD"


# --- the list of deliveries


async def test_deliveries_are_listed_by_page_and_by_cursor(api: Api, books: Ledger) -> None:
    made, other = await create(api), await create(api)
    await api.call("PATCH", f"/webhooks/{made['id']}", {"status": "PAUSED", "reason": "r"})
    dead = put_aside(books, made, "DEAD", 3)
    pending = put_aside(books, made, "PENDING", 2)
    put_aside(books, other, "DEAD", 1)
    path = f"/webhooks/{made['id']}/deliveries"
    every = pending + dead
    page = await api.get(path, {"limit": "2", "page": "2"})
    assert [row["id"] for row in page.data] == every[2:4]
    assert page.json["pagination"] == {"page": 2, "limit": 2, "total": 5, "totalPages": 3}
    assert b"90071992547409.0001" in page.body
    assert (await api.get(path, {"page": "9"})).data == []
    for status, ids in (("DEAD", dead), ("PENDING", pending), ("DELIVERED", [])):
        assert [row["id"] for row in (await api.get(path, {"status": status})).data] == ids
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await api.get(path, {"limit": "2", "cursor": cursor})
        found += [row["id"] for row in page.data]
        cursor = page.json["pagination"]["nextCursor"]
        # What comes meanwhile does not move the pages.
        put_aside(books, made)
    assert found == every
    first = (await api.get(path, {"limit": "2", "cursor": ""})).json["pagination"]["nextCursor"]
    elsewhere = f"/webhooks/{other['id']}/deliveries"
    assert (await api.get(elsewhere, {"cursor": first})).details.keys() == {"cursor"}
    assert (await api.get(path, {"cursor": "x"})).details.keys() == {"cursor"}
    assert (await api.get(path, {"status": "dead"})).details.keys() == {"status"}
    assert (await api.call("HEAD", path)).status == 200


# --- keys for some asset types


async def test_a_key_for_one_asset_reaches_webhooks_for_no_other(
    closed: aiohttp.ClientSession, keys: Keys, books: Ledger
) -> None:
    """The same calls for a webhook of the key's asset, of another, of both and of all: only the first may."""
    async with calling(closed, keys.create("webhooks", "accounts", "read")) as whole:
        gold, gems = await whole.asset("GC"), await whole.asset("DM")
        mine = await create(whole, assetTypeIds=[gold])
        others = [
            await create(whole, assetTypeIds=[gems]),
            await create(whole, assetTypeIds=[gold, gems]),
            await create(whole),
        ]
    forbidden = (403, "asset_forbidden")
    async with calling(closed, keys.create("admin", assets=["GC"])) as api:
        for assets in ([gems], [gold, gems], None):
            assert (await api.post("/webhooks", {"url": URL, "assetTypeIds": assets})).refused == forbidden
        assert (await api.post("/webhooks", {"url": URL})).refused == forbidden
        assert [one["id"] for one in (await api.get("/webhooks")).data] == [mine["id"]]
        for webhook, may in ((mine, True), *((one, False) for one in others)):
            (delivery,) = put_aside(books, webhook)
            for method, below, body in (
                ("GET", "", None),
                ("PATCH", "", {"description": "x", "reason": "r"}),
                ("GET", "/history", None),
                ("GET", "/deliveries", None),
                ("POST", f"/deliveries/{delivery}/redeliver", None),
                ("POST", "/rotate-secret", None),
            ):
                answer = await api.call(method, f"/webhooks/{webhook['id']}{below}", body)
                assert (answer.status == 200) is may, (method, below)
                assert may or answer.refused == forbidden
            for assets in ([gold, gems], None):
                change = {"assetTypeIds": assets, "reason": "r"}
                assert (await api.call("PATCH", f"/webhooks/{webhook['id']}", change)).refused == forbidden
            assert ((await api.call("DELETE", f"/webhooks/{webhook['id']}")).status == 200) is may


async def test_a_webhook_of_nobody_is_not_found_with_a_limited_key(closed: aiohttp.ClientSession, keys: Keys) -> None:
    async with calling(closed, keys.create("webhooks", assets=["GC"])) as api:
        assert (await api.get(f"/webhooks/{uuid.uuid4()}")).refused == (404, "webhook_not_found")
