"""The state of webhooks in SQL: leases, the fence, what is noted, and what is removed."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.conftest import Connect
from tests.support.database import Connection

Lease = tuple[UUID, int]


@pytest.fixture
def service(seeded_url: str, connect: Connect) -> Connection:
    """A process that sends."""
    return connect(seeded_url, role="wallet_service")


@pytest.fixture
def owner(seeded_url: str, connect: Connect) -> Iterator[Connection]:
    """The superuser's connection; at the end the doctor finds nothing in what was made."""
    connection = connect(seeded_url)
    yield connection
    assert connection.execute("SELECT * FROM wallet.check_changes()").fetchall() == []
    assert connection.execute("SELECT * FROM wallet.check_idempotency_keys()").fetchall() == []


def administer(connection: Connection, operation: str, **fields: object) -> Any:
    row = connection.execute(
        "SELECT answer FROM wallet.administer_json(%s)", [json.dumps({"operation": operation, **fields})]
    ).fetchone()
    assert row is not None
    return row[0]


def make(connection: Connection) -> UUID:
    return UUID(administer(connection, "CREATE_WEBHOOK", values={"url": "https://shop.example/"})["id"])


def post(owner: Connection, key: str = "a") -> None:
    owner.execute(
        """SELECT wallet.top_up(a.id, a.asset_type_id, 1, %s) FROM wallet.accounts AS a
        WHERE a.external_id = 'USER_ALICE_GC'""",
        [key],
    )


def lease(connection: Connection, limit: int = 10) -> list[Lease]:
    rows = connection.execute("SELECT id, lease_number FROM wallet.lease_webhooks(%s)", [limit]).fetchall()
    return [(row[0], row[1]) for row in rows]


def work(
    connection: Connection,
    by: Lease,
    results: list[dict[str, object]] | None = None,
    cursor: object = None,
    is_last: bool = False,
) -> Any:
    row = connection.execute(
        "SELECT wallet.webhook_work(%s, %s, %s, %s, %s)", [*by, json.dumps(results or []), cursor, is_last]
    ).fetchone()
    assert row is not None
    return row[0]


def failed(event: Any, status: int = 500) -> dict[str, object]:
    return {"status": status, "error": f"The receiver answered {status}.", "event": event["event"]}


def deliveries(owner: Connection) -> list[tuple[Any, ...]]:
    return owner.execute(
        "SELECT status::text, attempts, response_status FROM wallet.webhook_deliveries ORDER BY number"
    ).fetchall()


def let_the_lease_end(owner: Connection) -> None:
    owner.execute("UPDATE wallet.webhooks SET lease_until = clock_timestamp()")


# --- leases


def test_a_lease_is_for_one_process(service: Connection, owner: Connection, seeded_url: str, connect: Connect) -> None:
    webhook_id = make(service)
    post(owner)
    assert lease(service) == [(webhook_id, 1)]
    assert lease(connect(seeded_url, role="wallet_service")) == []


def test_processes_that_ask_at_once_share_and_never_wait(
    service: Connection, owner: Connection, seeded_url: str, connect: Connect
) -> None:
    """While one has not committed, the other gets what is left at once."""
    webhooks = {make(service), make(service)}
    post(owner)
    other = connect(seeded_url, role="wallet_service")
    other.execute("SET lock_timeout = '1ms'")
    with service.transaction():
        first = lease(service, 1)
        second = lease(other)
    assert {webhook_id for webhook_id, _ in first + second} == webhooks
    assert len(first) == len(second) == 1
    assert lease(other) == []


def test_without_anything_to_send_there_is_no_lease(service: Connection, owner: Connection) -> None:
    webhook_id = make(service)
    # The making of the webhook has drawn a number itself: nothing of it is sent, and then it rests.
    for by in lease(service):
        assert work(service, by) is None
    assert lease(service) == []
    post(owner)
    (by,) = lease(service)
    assert by[0] == webhook_id


def test_only_active_webhooks_are_leased(service: Connection, owner: Connection) -> None:
    webhook_id = make(service)
    post(owner)
    administer(service, "CHANGE_WEBHOOK", id=str(webhook_id), values={"status": "PAUSED"}, reason="r")
    assert lease(service) == []
    administer(service, "CHANGE_WEBHOOK", id=str(webhook_id), values={"status": "ACTIVE"}, reason="r")
    (by,) = lease(service)
    seen = work(service, by)
    assert work(service, by, [failed(seen["events"][0], 410)], seen["cursor"]) is None
    post(owner, "b")
    assert owner.execute("SELECT status::text FROM wallet.webhooks").fetchone() == ("DISABLED",)
    assert lease(service) == []


def test_the_lease_lasts_a_minute_from_each_step(service: Connection, owner: Connection) -> None:
    make(service)
    post(owner)
    (by,) = lease(service)
    query = "SELECT round(extract(EPOCH FROM lease_until - clock_timestamp()))::integer FROM wallet.webhooks"
    assert owner.execute(query).fetchone() in {(60,), (59,)}
    owner.execute("UPDATE wallet.webhooks SET lease_until = clock_timestamp() + interval '1 second'")
    assert work(service, by)["events"]
    assert owner.execute(query).fetchone() in {(60,), (59,)}


def test_who_has_waited_longest_goes_first(service: Connection, owner: Connection) -> None:
    webhooks = [make(service) for _ in range(3)]
    post(owner)
    owner.execute(
        "UPDATE wallet.webhooks SET lease_until = clock_timestamp() - interval '1 s' WHERE id = %s", [webhooks[2]]
    )
    assert [webhook_id for webhook_id, _ in lease(service, 1)] == [webhooks[2]]


# --- the fence


def test_a_process_that_has_lost_its_lease_writes_nothing(service: Connection, owner: Connection) -> None:
    make(service)
    post(owner)
    (old,) = lease(service)
    seen = work(service, old)
    let_the_lease_end(owner)
    (new,) = lease(service)
    assert new == (old[0], old[1] + 1)
    before = owner.execute("SELECT * FROM wallet.webhooks").fetchall()
    assert work(service, old, [failed(seen["events"][0])], seen["cursor"]) is None
    assert work(service, old, [failed(seen["events"][0], 410)], seen["cursor"], is_last=True) is None
    assert owner.execute("SELECT * FROM wallet.webhooks").fetchall() == before
    assert deliveries(owner) == []
    # The new one sends the same again.
    assert work(service, new)["events"] == seen["events"]


def test_a_lease_that_has_run_out_and_that_nobody_took_is_as_good(service: Connection, owner: Connection) -> None:
    make(service)
    post(owner)
    (by,) = lease(service)
    seen = work(service, by)
    let_the_lease_end(owner)
    assert work(service, by, [failed(seen["events"][0])], seen["cursor"]) is None
    assert deliveries(owner) == [("PENDING", 1, 500)]


# --- what is noted


def test_results_that_come_twice_are_noted_once(service: Connection, owner: Connection) -> None:
    """The answer to the first call was lost, or the process before this one had noted an event and not come further."""
    make(service)
    post(owner)
    (by,) = lease(service)
    seen = work(service, by)
    for _ in range(2):
        work(service, by, [failed(seen["events"][0])], seen["cursor"])
    assert deliveries(owner) == [("PENDING", 1, 500)]


def test_the_end_of_a_turn_notes_and_gives_the_webhook_to_others(service: Connection, owner: Connection) -> None:
    make(service)
    post(owner, "a")
    post(owner, "b")
    (by,) = lease(service)
    seen = work(service, by)
    assert [event["event"]["data"]["idempotencyKey"] for event in seen["events"]] == ["a", "b"]
    assert work(service, by, [], seen["events"][0]["eventId"], is_last=True) is None
    (by,) = lease(service)
    assert [event["event"]["data"]["idempotencyKey"] for event in work(service, by)["events"]] == ["b"]


def test_retries_are_given_with_new_events_and_not_before_their_time(service: Connection, owner: Connection) -> None:
    make(service)
    post(owner, "a")
    (by,) = lease(service)
    seen = work(service, by)
    work(service, by, [failed(seen["events"][0])], seen["cursor"])
    post(owner, "b")
    (by,) = lease(service)
    seen = work(service, by)
    assert (len(seen["retries"]), len(seen["events"])) == (0, 1)
    owner.execute("UPDATE wallet.webhook_deliveries SET next_attempt_at = clock_timestamp()")
    seen = work(service, by)
    assert [len(seen["retries"]), len(seen["events"])] == [1, 1]
    retry = {"status": 200, "error": None, "delivery_id": seen["retries"][0]["deliveryId"]}
    assert work(service, by, [retry], seen["cursor"]) is None
    assert deliveries(owner) == [("DELIVERED", 2, 200)]


def test_of_a_deleted_webhook_nothing_is_noted(service: Connection, owner: Connection) -> None:
    webhook_id = make(service)
    post(owner)
    (by,) = lease(service)
    seen = work(service, by)
    administer(service, "DELETE_WEBHOOK", id=str(webhook_id), values={})
    assert work(service, by, [failed(seen["events"][0])], seen["cursor"]) is None
    assert deliveries(owner) == []
    assert owner.execute("SELECT secret, previous_secret FROM wallet.webhooks").fetchone() == (None, None)


def test_a_webhook_for_an_asset_passes_over_what_is_of_others(service: Connection, owner: Connection) -> None:
    """However much it passes over, its cursor moves on."""
    (gems,) = owner.execute("SELECT id FROM wallet.asset_types WHERE symbol = 'DM'").fetchone() or (None,)
    administer(service, "CREATE_WEBHOOK", values={"url": "https://shop.example/", "assetTypeIds": [str(gems)]})
    for number in range(30):
        post(owner, f"k{number}")
    (by,) = lease(service)
    assert work(service, by) is None
    assert lease(service) == []


# --- what is removed


def test_only_what_has_been_over_for_a_month_is_removed_and_some_at_a_time(
    service: Connection, owner: Connection
) -> None:
    webhook_id = make(service)
    for status, days, count in (("DEAD", 31, 3), ("DELIVERED", 31, 2), ("DEAD", 29, 1), ("PENDING", 99, 1)):
        for _ in range(count):
            owner.execute(
                """INSERT INTO wallet.webhook_deliveries (
                    webhook_id, event_id, event, attempts, status, next_attempt_at, updated_at
                ) VALUES (
                    %(webhook)s, %(event)s, '{}', 1, %(status)s::wallet.delivery_status,
                    CASE WHEN %(status)s = 'PENDING' THEN clock_timestamp() END,
                    clock_timestamp() - make_interval(days => %(days)s)
                )""",
                {"webhook": webhook_id, "event": uuid4(), "status": status, "days": days},
            )
    removed = [service.execute("SELECT wallet.prune_deliveries(3)").fetchone() for _ in range(3)]
    assert removed == [(3,), (2,), (0,)]
    assert deliveries(owner) == [("DEAD", 1, None), ("PENDING", 1, None)]


def test_a_webhook_that_was_changed_by_hand_is_found(service: Connection, owner: Connection) -> None:
    """Whoever sends events elsewhere without a line in the history is seen by the doctor."""
    make(service)
    owner.execute("UPDATE wallet.webhooks SET url = 'https://thief.example/'")
    found = owner.execute("SELECT object_type, problem FROM wallet.check_changes()").fetchall()
    assert found == [("WEBHOOK", "url is something else now")]
    owner.execute("UPDATE wallet.webhooks SET url = 'https://shop.example/'")
