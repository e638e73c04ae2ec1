"""The event feed from SQL: what is in it, how it is filtered, and where a reader goes on."""

from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from tests.conftest import Connect
from tests.database.operation_scene import Scene, make_scene
from tests.database.test_lists import buffers
from tests.support.database import Connection
from tests.support.events import Consumer, Event, check_complete, page_of
from tests.support.ledger import Ledger, Request
from tests.support.limits import set_budget, set_limit
from tests.support.operations import POSTING_TYPES, Operation, call, change_account, let_run_out, transaction_of
from tests.support.refusal import refused
from tests.support.session import REPEATABLE_READ, SERIALIZABLE


@pytest.fixture
def scene(ledger: Ledger) -> Scene:
    return make_scene(ledger)


def only(events: list[Event]) -> Event:
    [event] = events
    return event


def test_a_posting_of_any_kind_is_one_event_with_the_transaction(scene: Scene) -> None:
    """It has the transaction's id, instant, asset and accounts, and shows it as it is read."""
    connection = scene.ledger.connection
    for kind in POSTING_TYPES:
        operation = scene.good(kind)
        consumer = Consumer(connection, "now")
        posted = call(scene.ledger, operation)
        event = only(consumer.poll())
        shown = transaction_of(scene.ledger, posted.id)
        assert event["id"] == str(posted.id)
        assert event["type"] == "transaction.posted"
        assert event["data"] == shown
        assert event["occurredAt"] == shown["createdAt"]
        assert event["assetTypeId"] == shown["assetTypeId"]
        rows = connection.execute(
            "SELECT DISTINCT wallet.public_account_id(account_id)::text FROM wallet.ledger_entries"
            " WHERE transaction_id = %s",
            [posted.id],
        ).fetchall()
        assert sorted(event["accountIds"]) == sorted(row[0] for row in rows)


def test_a_hold_is_told_of_when_it_is_made_and_when_it_ends(scene: Scene) -> None:
    """Made, voided, run out: an event each, about the wallet. A capture is a posting."""
    consumer = Consumer(scene.ledger.connection, "now")
    voided, expired, captured = (scene.do("HOLD", amount=5) for _ in range(3))
    scene.do("VOID", related_id=voided.id)
    let_run_out(scene.ledger, expired.id)
    scene.do("CAPTURE", related_id=captured.id)
    consumer.poll()
    assert consumer.types == [
        *["hold.created"] * 3,
        "hold.voided",
        "hold.expired",
        "transaction.posted",
    ]
    assert [one["data"]["id"] for one in consumer.events[:5]] == [
        str(one.id) for one in (voided, expired, captured, voided, expired)
    ]
    assert [one["data"]["state"] for one in consumer.events[:5]] == ["ACTIVE"] * 3 + ["VOIDED", "EXPIRED"]
    assert all(one["accountIds"] == [str(scene.ann)] for one in consumer.events[:5])
    assert consumer.events[0]["data"] == voided.answer
    assert consumer.events[4]["occurredAt"] == consumer.events[4]["data"]["expiresAt"]
    check_complete(scene.ledger.connection, all_events(scene.ledger.connection))


def all_events(connection: Connection) -> list[Event]:
    consumer = Consumer(connection)
    consumer.poll()
    return consumer.events


def test_an_opening_shows_the_account_as_it_was_opened(ledger: Ledger) -> None:
    """Whatever has become of it since: posted to, renamed twice, frozen, with a hold."""
    asset = ledger.create_asset_type()
    consumer = Consumer(ledger.connection, "now")
    opened = ledger.create_account("Ann", asset, "ann", "ann@example.com", key="open")
    ledger.top_up(opened.id, 50)
    change_account(ledger, opened.id, name="Anna", creditLimit=5)
    change_account(ledger, opened.id, name="Anne", email=None, ownerId="ann", balanceMax=70, debtMax=3)
    call(ledger, Operation(type="HOLD", key="h", account_id=opened.id, asset_type_id=asset, amount=5))
    change_account(ledger, opened.id, status="FROZEN", creditsAllowed=False)
    event = consumer.poll()[0]
    assert event["type"] == "account.opened"
    assert event["data"] == opened.answer
    assert (event["accountIds"], event["assetTypeId"]) == ([str(opened.id)], str(asset))


def test_changes_say_what_was_and_what_is_and_who_and_why(ledger: Ledger) -> None:
    """Of an account, an asset type, a wallet's and an asset's spending limit, a budget and a campaign."""
    consumer = Consumer(ledger.connection, "now")
    asset = ledger.create_asset_type("GC")
    wallet = ledger.create_wallet(asset)
    change_account(ledger, wallet, status="FROZEN")
    ledger.connection.execute("SELECT wallet.change_asset_type(%s, '{\"name\": \"Gems\"}', 'a test')", [asset])
    set_limit(ledger, account_id=wallet, name="hourly", amount=5)
    set_limit(ledger, account_id=wallet, name="hourly", amount=6)
    set_limit(ledger, asset, name="weekly", count=5)
    set_budget(ledger, asset, 100)
    set_budget(ledger, asset, 200, "summer")
    consumer.poll()
    assert consumer.types == [
        "asset_type.created",
        "account.opened",
        "account.changed",
        "asset_type.changed",
        "spending_limit.created",
        "spending_limit.changed",
        "spending_limit.created",
        "budget.created",
        "budget.created",
    ]
    about = [(one["accountIds"], one["data"].get("name")) for one in consumer.events[2:]]
    assert about == [
        ([str(wallet)], None),
        ([], None),
        ([str(wallet)], "hourly"),
        ([str(wallet)], "hourly"),
        ([], "weekly"),
        ([], None),
        ([], "summer"),
    ]
    assert {one["assetTypeId"] for one in consumer.events} == {str(asset)}
    changed = consumer.events[2]
    assert changed["data"] == {
        "id": str(wallet),
        "name": None,
        "number": 1,
        "changedBy": "role:postgres",
        "reason": "a test",
        "before": {"status": "ACTIVE"},
        "after": {"status": "FROZEN"},
    }
    assert [consumer.events[5]["data"][side] for side in ("before", "after")] == [{"amountMax": 5}, {"amountMax": 6}]
    check_complete(ledger.connection, consumer.events)


def test_an_event_reads_the_same_for_ever(scene: Scene) -> None:
    """After refunds, captures, ends of holds and changes, what came before reads as it did."""
    spent, held, other = scene.do("SPEND"), scene.do("HOLD"), scene.do("HOLD")
    change_account(scene.ledger, scene.ann, name="Anna")
    before = all_events(scene.ledger.connection)
    scene.do("REFUND", related_id=spent.id)
    scene.do("CAPTURE", related_id=held.id)
    scene.do("VOID", related_id=other.id)
    change_account(scene.ledger, scene.ann, name="Anne", status="FROZEN")
    after = all_events(scene.ledger.connection)
    assert after[: len(before)] == before
    assert [one["type"] for one in after[len(before) :]] == [
        "transaction.posted",
        "transaction.posted",
        "hold.voided",
        "account.changed",
    ]


def test_what_makes_nothing_is_no_event(scene: Scene) -> None:
    """Replays, refusals, a change that changes nothing, and what was rolled back."""
    ledger, connection = scene.ledger, scene.ledger.connection
    posting, opening = scene.operation("SPEND"), ("Zed", scene.coins, "zed", None)
    held = scene.do("HOLD")
    void = scene.operation("VOID", related_id=held.id)
    call(ledger, posting)
    call(ledger, void)
    ledger.create_account(*opening, key="open")
    consumer = Consumer(connection, "now")
    assert call(ledger, posting).replayed
    assert call(ledger, void).replayed
    assert ledger.create_account(*opening, key="open").replayed
    with refused(ledger, "insufficient_balance"):
        scene.do("SPEND", amount=1000)
    with refused(ledger, "external_id_taken"):
        ledger.create_account(*opening, key="other")
    change_account(ledger, scene.bob, status="ACTIVE")
    connection.execute("BEGIN")
    scene.do("SPEND")
    ledger.create_wallet(scene.coins)
    change_account(ledger, scene.bob, name="Rob")
    connection.execute("ROLLBACK")
    assert consumer.poll() == []


def test_a_batch_is_in_order_also_when_a_key_passes_on(scene: Scene) -> None:
    """The first request with a key is refused, a later one with it is posted: after what was posted between."""
    ledger = scene.ledger
    consumer = Consumer(ledger.connection, "now")
    requests = [
        Request(type="SPEND", key="k", account_id=scene.zoe, asset_type_id=scene.coins, amount=5),
        Request(key="a", account_id=scene.zoe, asset_type_id=scene.coins, amount=7),
        Request(type="SPEND", key="k", account_id=scene.zoe, asset_type_id=scene.coins, amount=5),
        Request(type="SPEND", key="k", account_id=scene.zoe, asset_type_id=scene.coins, amount=5),
    ]
    answers = ledger.post(requests)
    assert [one.outcome for one in answers] == ["REFUSED", "POSTED", "POSTED", "REPLAYED"]
    assert answers[3].transaction_id == answers[2].transaction_id
    consumer.poll()
    assert consumer.ids == [answers[1].transaction_id, answers[2].transaction_id]
    check_complete(ledger.connection, all_events(ledger.connection))
    assert ledger.call(requests[2]).replayed
    assert ledger.problems() == {}


def test_types_filter(scene: Scene) -> None:
    """Each type alone gives just its events, several together give them in order; an unknown one is refused."""
    for kind in ("SPEND", "HOLD", "CAPTURE", "VOID"):
        call(scene.ledger, scene.good(kind))
    change_account(scene.ledger, scene.ann, name="Anna")
    set_budget(scene.ledger, scene.coins, 1000)
    connection = scene.ledger.connection
    everything = all_events(connection)
    row = connection.execute("SELECT wallet.event_types()").fetchone()
    assert row is not None
    assert {one["type"] for one in everything} <= set(row[0])
    for types in (*([one] for one in row[0]), ["hold.created", "budget.created", "account.changed"], []):
        consumer = Consumer(connection, types=types)
        consumer.poll(limit=2)
        assert consumer.events == [one for one in everything if one["type"] in types], types
    with refused(scene.ledger, "validation_failed") as refusal:
        page_of(connection, types=["transaction.posted", "money.lost"])
    assert refusal.details == {"types": ["Holds what is no type of event."]}


def test_account_filter(scene: Scene) -> None:
    """A wallet's and a striped treasury's events, at any size of page; an unknown account has none."""
    connection = scene.ledger.connection
    connection.execute("SELECT wallet.set_stripes(symbol, 3) FROM wallet.asset_types WHERE id = %s", [scene.coins])
    for kind in (*POSTING_TYPES, "VOID"):
        call(scene.ledger, scene.good(kind))
    for wallet in (scene.bob, scene.zoe, *(scene.ledger.create_wallet(scene.coins) for _ in range(8))):
        scene.ledger.top_up(wallet, 9)
    change_account(scene.ledger, scene.ann, name="Anna")
    set_limit(scene.ledger, account_id=scene.ann, amount=50)
    everything = all_events(connection)
    for account_id in (scene.ann, scene.zoe, scene.ledger.treasury(scene.coins), scene.cid):
        for limit in (1, 3, 1000):
            consumer = Consumer(connection, account_id=account_id)
            consumer.poll(limit)
            assert consumer.events == [one for one in everything if str(account_id) in one["accountIds"]]
            assert consumer.events
    assert page_of(connection, account_id=UUID(int=1))["data"] == []


def test_asset_filter(scene: Scene) -> None:
    """Everything of an asset, alone and with an account; of no asset nothing."""
    for kind in (*POSTING_TYPES, "VOID"):
        call(scene.ledger, scene.good(kind))
    connection = scene.ledger.connection
    everything = all_events(connection)
    for assets in ([scene.coins], [scene.points], [scene.coins, scene.points], []):
        consumer = Consumer(connection, assets=assets)
        consumer.poll(limit=2)
        assert consumer.events == [one for one in everything if UUID(one["assetTypeId"]) in assets]
    consumer = Consumer(connection, assets=[scene.points], account_id=scene.ann)
    assert consumer.poll() == []


def test_a_filtered_page_looks_at_a_bounded_number_of_rows(ledger: Ledger) -> None:
    """Beyond it the page is short, and its cursor has moved on: following it finds all that match."""
    coins, points = ledger.create_asset_type("C"), ledger.create_asset_type("P")
    wallet, other = ledger.create_wallet(coins), ledger.create_wallet(points)
    first = ledger.top_up(other, 1)
    for batch in range(11):
        ledger.post(
            [Request(key=f"{batch}-{one}", account_id=wallet, asset_type_id=coins, amount=1) for one in range(1000)]
        )
    last = ledger.top_up(other, 1)
    page = page_of(ledger.connection, first.id, 2, assets=[points])
    assert (page["data"], page["hasMore"]) == ([], True)
    cursor = ledger.connection.execute("SELECT wallet.transaction_number(%s)", [page["cursor"]]).fetchone()
    start = ledger.connection.execute("SELECT wallet.transaction_number(%s)", [first.id]).fetchone()
    assert cursor is not None
    assert start is not None
    assert cursor[0] - start[0] == 10_000
    consumer = Consumer(ledger.connection, first.id, assets=[points])
    consumer.poll(limit=2)
    assert consumer.ids == [last.id]
    # A deep page costs what the first does, with and without filters.
    half = page_of(ledger.connection, first.id, 1000)["cursor"]
    for arguments in ("", ", p_types => '{transaction.posted}'", f", p_account_id => '{wallet}'"):
        call = f"wallet.list_events(%s, 50{arguments})"
        early, deep = (buffers(ledger.connection, call, str(one)) for one in (half, page["cursor"]))
        assert deep <= early * 1.2 + 30, arguments
        assert early < 50 * 30, arguments


def test_pages_follow_one_another(scene: Scene) -> None:
    """By cursor and by the id of the last event, at any size: nothing twice, nothing left out."""
    for _ in range(10):
        scene.do("SPEND")
    connection = scene.ledger.connection
    everything = all_events(connection)
    check_complete(connection, everything)
    for limit in (1, 7, len(everything), 5000, 0, -1):
        found: list[Event] = []
        while len(found) < len(everything):
            page = page_of(connection, found[-1]["id"].upper() if found else None, limit)
            assert len(page["data"]) == min(max(limit, 1), len(everything) - len(found))
            found += page["data"]
            assert page["hasMore"] == (len(found) < len(everything))
            assert page["cursor"][:18] == found[-1]["id"][:18] or not page["hasMore"]
        assert found == everything
    assert page_of(connection, "")["data"] == everything[:100]
    page = page_of(connection, "now")
    assert (page["data"], page["hasMore"]) == ([], False)
    spent = scene.do("SPEND")
    assert [one["id"] for one in page_of(connection, page["cursor"])["data"]] == [str(spent.id)]


def test_a_cursor_is_good_for_ever(scene: Scene) -> None:
    """A reader that comes back late goes on where it was."""
    cursor = page_of(scene.ledger.connection, None, 1000)["cursor"]
    posted = [scene.do("TOP_UP", amount=Decimal("0.01")).id for _ in range(250)]
    consumer = Consumer(scene.ledger.connection, cursor)
    consumer.poll()
    assert consumer.ids == posted
    consumer = Consumer(scene.ledger.connection, cursor)
    consumer.poll(limit=9)
    assert consumer.ids == posted


def test_what_is_no_cursor_is_refused(ledger: Ledger) -> None:
    for cursor in (
        "x",
        "NOW",
        "6f1c9a52-0b7e-4f5d-9c3a-2d8e4b7a1f60",
        "00000000-0000-8001-8000-000000000001",
        "00000000-0000-8001",
        "ü",
    ):
        with refused(ledger, "validation_failed") as refusal:
            page_of(ledger.connection, cursor)
        assert refusal.details == {"after": ["Is no cursor of the event feed."]}, cursor


def test_a_cursor_of_a_later_state_is_refused(ledger: Ledger) -> None:
    """A database that was restored to an earlier state says so, and does not let its readers wait in silence."""
    ledger.create_asset_type()
    cursor = str(page_of(ledger.connection, "now")["cursor"])
    assert page_of(ledger.connection, cursor)["data"] == []
    later = cursor[:16] + f"{int(cursor[16:18], 16) + 1:02x}" + cursor[18:]
    with refused(ledger, "validation_failed") as refusal:
        page_of(ledger.connection, later)
    assert refusal.details == {"after": ["Is newer than everything in this database: has it been restored?"]}


def test_a_snapshot_of_earlier_is_refused(connection: Connection) -> None:
    """At these levels the page could be older than the horizon, and miss what was committed between."""
    for level in (REPEATABLE_READ, SERIALIZABLE):
        connection.execute(f"BEGIN ISOLATION LEVEL {level}".encode())
        with pytest.raises(psycopg.Error, match="READ COMMITTED only") as caught:
            page_of(connection)
        assert caught.value.sqlstate == "25000"
        connection.execute("ROLLBACK")


def test_every_role_may_read_it(seeded_url: str, connect: Connect) -> None:
    """With the rights of a role and no more."""
    for role in ("wallet_service", "wallet_jobs", "wallet_auditor"):
        assert len(page_of(connect(seeded_url, role=role))["data"]) == 15


def test_an_empty_ledger(connection: Connection) -> None:
    """Before anything was made the feed is empty and has a cursor that is good."""
    page = page_of(connection)
    assert (page["data"], page["hasMore"]) == ([], False)
    assert page_of(connection, page["cursor"]) == page
    assert page_of(connection, "now") == page
