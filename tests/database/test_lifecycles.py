"""Changes of accounts and asset types: what each does to postings, what is refused, and the history they leave."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.conftest import Connect
from tests.database.test_lists import one_json
from tests.support.ledger import Ledger, Posted
from tests.support.refusal import refused
from tests.support.session import LEVELS, Session, result_of, retried

FROZEN = {"status": "FROZEN"}
CLOSED = {"status": "CLOSED"}

Result = TypeVar("Result")


class World(NamedTuple):
    """An asset with a wallet that holds 100, and an empty one."""

    asset_type_id: UUID
    wallet: UUID
    empty: UUID


@pytest.fixture
def world(ledger: Ledger) -> World:
    asset_type_id = ledger.create_asset_type()
    wallet, empty = ledger.create_wallet(asset_type_id), ledger.create_wallet(asset_type_id)
    ledger.top_up(wallet, 100)
    return World(asset_type_id, wallet, empty)


def change(
    ledger: Ledger, account_id: UUID | None, values: object, reason: str | None = "for a test", key: str | None = None
) -> Posted:
    """Call `wallet.change_account`."""
    return ledger._keyed("change_account", account_id, Jsonb(values), reason, key)


def change_asset(
    ledger: Ledger, asset_type_id: UUID, values: object, reason: str | None = "for a test", key: str | None = None
) -> Posted:
    """Call `wallet.change_asset_type`."""
    return ledger._keyed("change_asset_type", asset_type_id, Jsonb(values), reason, key)


def account(ledger: Ledger, account_id: UUID) -> Any:
    return one_json(ledger.connection, "wallet.get_account(%s)", account_id)


def history(ledger: Ledger, account_id: UUID) -> list[Any]:
    found: list[Any] = one_json(ledger.connection, "wallet.list_account_changes(%s)", account_id)["data"]
    return found


def hold(ledger: Ledger, world: World, amount: int, account_id: UUID | None = None) -> Posted:
    return ledger._keyed(
        "hold", account_id or world.wallet, world.asset_type_id, amount, ledger.new_key(), None, None, None, None, None
    )


def let_run_out(ledger: Ledger, hold_id: UUID) -> None:
    """Make a hold's end a thing of the past, as time does."""
    ledger.connection.execute(
        "UPDATE wallet.holds SET created_at = created_at - interval '8 days', expires_at = created_at WHERE id = %s",
        [hold_id],
    )


@contextmanager
def refused_change(ledger: Ledger, code: str) -> Iterator[Any]:
    """As `refused`, and no change was noted either."""
    changes = ledger._count("changes")
    with refused(ledger, code) as refusal:
        yield refusal
    assert ledger._count("changes") == changes


# --- what a status does


def test_a_frozen_account_gives_nothing_and_takes_what_it_is_told_to(ledger: Ledger, world: World) -> None:
    """FROZEN: no spend; credits by creditsAllowed; ACTIVE again: all as before."""
    assert change(ledger, world.wallet, FROZEN).answer["status"] == "FROZEN"
    with refused(ledger, "account_frozen"):
        ledger.spend(world.wallet, 1)
    ledger.top_up(world.wallet, 5)
    change(ledger, world.wallet, {"creditsAllowed": False})
    with refused(ledger, "account_frozen"):
        ledger.top_up(world.wallet, 5)
    change(ledger, world.wallet, {"status": "ACTIVE"})
    ledger.top_up(world.wallet, 5)
    ledger.spend(world.wallet, 110)
    assert ledger.balance(world.wallet) == 0


def test_only_an_empty_account_is_closed_and_for_good(ledger: Ledger, world: World) -> None:
    """A balance, or a hold, is in the way; nothing is posted afterwards; status and limits stay; names do not."""
    with refused_change(ledger, "account_not_empty") as refusal:
        change(ledger, world.wallet, CLOSED)
    assert refusal.error == "Only an empty account can be closed: its balance is 100, 0 is held."
    # An account with nothing but credit may hold that; it is not empty either.
    change(ledger, world.empty, {"creditLimit": 10})
    held = hold(ledger, world, 10, world.empty)
    with refused_change(ledger, "account_not_empty"):
        change(ledger, world.empty, CLOSED)
    ledger._keyed("void", held.id, ledger.new_key())
    assert change(ledger, world.empty, CLOSED).answer["status"] == "CLOSED"
    for post in (ledger.top_up, ledger.bonus, ledger.spend):
        with refused(ledger, "account_closed"):
            post(world.empty, 1)
    for values in (
        {"status": "ACTIVE"},
        FROZEN,
        {"creditLimit": 0},
        {"balanceMax": 5},
        {"debtMax": 5},
        {"creditsAllowed": False},
    ):
        with refused_change(ledger, "account_closed"):
            change(ledger, world.empty, values)
    assert change(ledger, world.empty, {"name": "Gone", "email": None, "ownerId": "o"}).answer["name"] == "Gone"
    assert change(ledger, world.empty, CLOSED).answer["status"] == "CLOSED"


def test_a_debt_is_in_the_way_of_closing(ledger: Ledger, world: World) -> None:
    """Below zero is not zero."""
    change(ledger, world.empty, {"creditLimit": 10})
    ledger.spend(world.empty, 3)
    with refused_change(ledger, "account_not_empty"):
        change(ledger, world.empty, CLOSED)


# --- limits


def test_a_credit_limit_is_used_to_the_last_and_not_taken_away_while_used(ledger: Ledger, world: World) -> None:
    """The floor moves down at any time, and up only as far as balance and holds leave room."""
    assert change(ledger, world.wallet, {"creditLimit": 50}).answer["available"] == 150
    ledger.spend(world.wallet, 120)
    hold(ledger, world, 20)
    shown = account(ledger, world.wallet)
    assert (shown["balance"], shown["held"], shown["available"], shown["creditLimit"]) == (-20, 20, 10, 50)
    for limit in (0, 39, 39.9999):
        with refused_change(ledger, "credit_limit_too_low") as refusal:
            change(ledger, world.wallet, {"creditLimit": limit})
        assert refusal.error == "The balance is -20, of which 20 is held: below the new floor."
    assert change(ledger, world.wallet, {"creditLimit": 40}).answer["available"] == 0
    with refused(ledger, "insufficient_balance"):
        ledger.spend(world.wallet, "0.0001")
    assert change(ledger, world.wallet, {"creditLimit": 60}).answer["available"] == 20


def test_a_ceiling_is_kept_and_not_set_below_the_balance(ledger: Ledger, world: World) -> None:
    """balanceMax: at the balance is fine, a hundredth of a cent below is not; null takes it away."""
    with refused_change(ledger, "balance_max_too_low"):
        change(ledger, world.wallet, {"balanceMax": 99.9999})
    assert change(ledger, world.wallet, {"balanceMax": 100}).answer["balanceMax"] == 100
    with refused(ledger, "balance_max_exceeded"):
        ledger.top_up(world.wallet, "0.0001")
    assert change(ledger, world.wallet, {"balanceMax": None}).answer["balanceMax"] is None
    ledger.top_up(world.wallet, 1)


def test_a_debt_limit_is_not_set_below_the_debt(ledger: Ledger, world: World) -> None:
    """A wallet that a clawback left in debt: its debt limit stays as high; its floor may go down, not up."""
    top_up = ledger.top_up(world.empty, 30)
    ledger.spend(world.empty, 30)
    change(ledger, world.empty, {"debtMax": 30})
    ledger._keyed("refund", top_up.id, ledger.new_key(), None, None, "debt", None, None)
    assert account(ledger, world.empty)["available"] == -30
    with refused_change(ledger, "debt_max_too_low"):
        change(ledger, world.empty, {"debtMax": 29})
    assert change(ledger, world.empty, {"name": "In debt"}).answer["balance"] == -30
    assert change(ledger, world.empty, {"creditLimit": 30, "debtMax": 0}).answer["available"] == 0
    with refused_change(ledger, "credit_limit_too_low"):
        change(ledger, world.empty, {"creditLimit": 29, "debtMax": 1})


def test_a_hold_that_ran_out_is_in_nobodys_way(ledger: Ledger, world: World) -> None:
    """Shown as free at once, though nothing has booked it; booked by the change that needs the room."""
    change(ledger, world.empty, {"creditLimit": 10})
    held = hold(ledger, world, 10, world.empty)
    assert (account(ledger, world.empty)["held"], account(ledger, world.empty)["available"]) == (10, 0)
    let_run_out(ledger, held.id)
    assert ledger._value("SELECT held FROM wallet.accounts WHERE id = %s", world.empty) == 10, "nothing was booked"
    shown = account(ledger, world.empty)
    balance = ledger._value("SELECT answer FROM wallet.read_balances(ARRAY[%s])", world.empty)
    assert (shown["held"], shown["available"]) == (balance["held"], balance["available"]) == (0, 10)
    assert change(ledger, world.empty, {"creditLimit": 0, **CLOSED}).answer["held"] == 0
    assert ledger._value("SELECT state::text FROM wallet.holds WHERE id = %s", held.id) == "EXPIRED"


def test_a_treasury_has_no_floor_to_be_available_above(ledger: Ledger, world: World) -> None:
    """Null, for a credit limit as for what is available; revenue has both."""
    treasury = account(ledger, ledger.treasury(world.asset_type_id))
    revenue = account(ledger, ledger.revenue(world.asset_type_id))
    assert (treasury["creditLimit"], treasury["available"]) == (None, None)
    assert (revenue["creditLimit"], revenue["available"]) == (0, 0)


# --- what is refused


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "body"),
        (None, "body"),
        ([], "body"),
        ({"status": "GONE"}, "status"),
        ({"status": None}, "status"),
        ({"status": 1}, "status"),
        ({"creditsAllowed": "yes"}, "creditsAllowed"),
        ({"creditLimit": -1}, "creditLimit"),
        ({"creditLimit": None}, "creditLimit"),
        ({"creditLimit": "5"}, "creditLimit"),
        ({"creditLimit": 10**14}, "creditLimit"),
        ({"debtMax": 0.00001}, "debtMax"),
        ({"balanceMax": -0.5}, "balanceMax"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "n" * 256}, "name"),
        ({"email": "a@"}, "email"),
        ({"ownerId": ""}, "ownerId"),
        ({"balance": 5}, "balance"),
        ({"externalId": "e"}, "externalId"),
    ],
)
def test_wrong_fields_are_named(ledger: Ledger, world: World, values: object, field: str) -> None:
    """validation_failed, and nothing is written."""
    with refused_change(ledger, "validation_failed") as refusal:
        change(ledger, world.wallet, values)
    assert list(refusal.details) == [field]


def test_all_wrong_fields_are_named_at_once_and_a_reason_is_required(ledger: Ledger, world: World) -> None:
    for reason in (None, "", "r" * 1001):
        with refused_change(ledger, "validation_failed") as refusal:
            change(ledger, world.wallet, {"name": "", "debtMax": -1}, reason)
        assert set(refusal.details) == {"name", "debtMax", "reason"}


def test_what_cannot_be_changed(ledger: Ledger, world: World) -> None:
    """Nobody's account, no id at all, and a system account."""
    with refused_change(ledger, "account_not_found"):
        change(ledger, uuid4(), FROZEN)
    with refused_change(ledger, "validation_failed"):
        change(ledger, None, FROZEN)
    for system in (ledger.treasury(world.asset_type_id), ledger.revenue(world.asset_type_id)):
        with refused_change(ledger, "not_a_wallet"):
            change(ledger, system, FROZEN)


# --- history


def test_every_change_is_in_the_history(ledger: Ledger, world: World) -> None:
    """Who, when, why, and the fields before and after; newest first, numbered, and only what changed."""
    change(ledger, world.wallet, {"status": "FROZEN", "name": "Somebody", "creditLimit": 5}, "a complaint")
    changed = change(ledger, world.wallet, {"status": "ACTIVE", "ownerId": "person-1"}, "settled")
    assert change(ledger, world.wallet, {"creditLimit": 5}, "nothing new").answer == changed.answer
    newest, oldest = history(ledger, world.wallet)
    assert oldest | {"changedAt": None} == {
        "number": 1,
        "changedAt": None,
        "changedBy": "role:postgres",
        "reason": "a complaint",
        "before": {"status": "ACTIVE", "creditLimit": 0},
        "after": {"status": "FROZEN", "creditLimit": 5},
    }
    assert (newest["number"], newest["reason"], newest["after"]) == (
        2,
        "settled",
        {"status": "ACTIVE", "ownerId": "person-1"},
    )
    assert newest["before"] == {"status": "FROZEN", "ownerId": None}
    assert newest["changedAt"] == changed.answer["updatedAt"] > oldest["changedAt"]
    page = one_json(ledger.connection, "wallet.list_account_changes(%s, 2, 1)", world.wallet)
    assert page == {"data": [oldest], "pagination": {"page": 2, "limit": 1, "total": 2, "totalPages": 2}}
    with pytest.raises(psycopg.Error) as raised:
        one_json(ledger.connection, "wallet.list_account_changes(%s)", uuid4())
    assert raised.value.sqlstate == "WL003"


@pytest.mark.parametrize(
    "statement", ["UPDATE wallet.changes SET reason = 'x'", "DELETE FROM wallet.changes", "TRUNCATE wallet.changes"]
)
def test_history_cannot_be_changed(ledger: Ledger, world: World, statement: str) -> None:
    change(ledger, world.wallet, FROZEN)
    with pytest.raises(psycopg.Error) as raised:
        ledger.connection.execute(statement.encode())
    assert raised.value.sqlstate == "WL012"


# --- keys


def test_a_change_is_made_once_under_its_key(ledger: Ledger, world: World) -> None:
    """The first answer again, whatever became of the account since; another request under the key is refused."""
    first = change(ledger, world.wallet, FROZEN, "once", "change-1")
    change(ledger, world.wallet, {"status": "ACTIVE"})
    again = change(ledger, world.wallet, FROZEN, "once", "change-1")
    assert (first.replayed, again.replayed, again.answer) == (False, True, first.answer)
    assert account(ledger, world.wallet)["status"] == "ACTIVE"
    assert len(history(ledger, world.wallet)) == 2
    for arguments, fields in (
        ((world.wallet, CLOSED, "once"), {"status"}),
        ((world.wallet, FROZEN, "twice"), {"reason"}),
        ((world.wallet, {"name": "n"}, "once"), {"status", "name"}),
        ((world.empty, FROZEN, "once"), {"id"}),
    ):
        with refused_change(ledger, "idempotency_key_reused") as refusal:
            change(ledger, *arguments, "change-1")
        assert set(refusal.details) == fields


def test_one_key_space_for_all(ledger: Ledger, world: World) -> None:
    """A posting's key, an account's, an asset's: none of them changes an account; and the other way round."""
    ledger.top_up(world.wallet, 1, "posting")
    ledger.create_account("n", world.asset_type_id, key="account")
    change_asset(ledger, world.asset_type_id, {"name": "New"}, key="asset")
    change(ledger, world.wallet, FROZEN, key="change")
    for key in ("posting", "account", "asset"):
        with refused_change(ledger, "idempotency_key_reused") as refusal:
            change(ledger, world.wallet, FROZEN, key=key)
        assert set(refusal.details) == {"endpoint"}
    with refused(ledger, "idempotency_key_reused"):
        ledger.top_up(world.empty, 1, "change")
    with refused(ledger, "idempotency_key_reused") as refusal:
        ledger.create_account("n", world.asset_type_id, key="change")
    assert set(refusal.details) == {"endpoint"}
    for key in ("", "k" * 256, "white space"):
        with refused_change(ledger, "idempotency_key_missing"):
            change(ledger, world.wallet, FROZEN, key=key)


def test_a_refused_change_keeps_no_key(ledger: Ledger, world: World) -> None:
    with refused_change(ledger, "account_not_empty"):
        change(ledger, world.wallet, CLOSED, key="later")
    ledger.spend(world.wallet, 100)
    assert not change(ledger, world.wallet, CLOSED, key="later").replayed


def test_an_account_of_an_owner_and_one_from_before_there_were_owners(ledger: Ledger, world: World) -> None:
    """ownerId is part of the request; a request without one has the form it always had, so an old key replays."""
    made = ledger._keyed("create_account", "n", world.asset_type_id, None, None, "own", "person-7")
    assert made.answer["ownerId"] == "person-7"
    with refused(ledger, "idempotency_key_reused") as refusal:
        ledger.create_account("n", world.asset_type_id, key="own")
    assert set(refusal.details) == {"ownerId"}
    old = {"name": "n", "assetTypeId": str(world.asset_type_id), "externalId": None, "email": None}
    ledger.connection.execute(
        "INSERT INTO wallet.idempotency_keys (key, account_id, request, answer) VALUES ('old', %s, %s, %s)",
        [world.wallet, Jsonb(old), Jsonb({"id": str(world.wallet)})],
    )
    assert ledger.create_account("n", world.asset_type_id, key="old").replayed
    with refused(ledger, "validation_failed") as refusal:
        ledger._keyed("create_account", "n", world.asset_type_id, None, None, None, "o" * 256)
    assert set(refusal.details) == {"ownerId"}


# --- asset types


def test_an_asset_is_renamed_switched_off_and_on(ledger: Ledger, world: World) -> None:
    """Off: nothing new is posted in it; each change is in its history, its making too."""
    changed = change_asset(
        ledger, world.asset_type_id, {"name": "Silver", "description": "D", "isActive": False}, "over"
    )
    assert (changed.answer["name"], changed.answer["description"], changed.answer["isActive"]) == ("Silver", "D", False)
    with refused(ledger, "asset_inactive"):
        ledger.top_up(world.wallet, 1)
    assert change_asset(ledger, world.asset_type_id, {"isActive": True}, "again", "on").answer["isActive"] is True
    assert change_asset(ledger, world.asset_type_id, {"isActive": True}, "again", "on").replayed
    ledger.top_up(world.wallet, 1)
    rows = one_json(ledger.connection, "wallet.list_asset_type_changes(%s)", world.asset_type_id)["data"]
    assert [(row["number"], row["reason"], row["after"].get("isActive")) for row in rows] == [
        (3, "again", True),
        (2, "over", False),
        (1, None, True),
    ]
    assert rows[1]["before"] == {"name": "Asset GC", "description": None, "isActive": True}
    assert (rows[2]["before"], rows[2]["after"]["symbol"], rows[2]["after"]["decimals"]) == (None, "GC", 4)
    for values in ({"symbol": "X"}, {"decimals": 2}, {"name": ""}, {"isActive": None}, {}):
        with refused_change(ledger, "validation_failed"):
            change_asset(ledger, world.asset_type_id, values)
    with refused_change(ledger, "asset_type_not_found"):
        change_asset(ledger, uuid4(), {"isActive": True})


def test_switching_an_asset_off_waits_for_the_postings_under_way(
    database_url: str, ledger: Ledger, world: World
) -> None:
    """Who saw the asset on has posted before the answer; who comes later sees it off."""
    with Session(database_url) as first, Session(database_url) as second, Session(database_url) as third:
        first.begin(LEVELS[0])
        result_of(first.start(lambda one: one.top_up(world.wallet, 1)))
        switching = second.start_and_block(
            lambda one: change_asset(one, world.asset_type_id, {"isActive": False}, "off")
        )
        late = third.start_and_block(lambda one: one.top_up(world.empty, 1))
        first.commit()
        assert result_of(switching).answer["isActive"] is False
        with pytest.raises(psycopg.Error) as raised:
            result_of(late)
        assert raised.value.sqlstate == "WL010"


# --- at the same time


@pytest.mark.parametrize("level", LEVELS)
def test_a_change_waits_for_the_posting_before_it(database_url: str, ledger: Ledger, world: World, level: str) -> None:
    """Closing waits for the spend that empties the wallet; freezing lets a spend wait, which is then refused."""
    with Session(database_url) as first, Session(database_url) as second:
        first.begin(level)
        result_of(first.start(lambda one: one.spend(world.wallet, 100)))
        closing = second.start_and_block(lambda one: change(one, world.wallet, CLOSED))
        first.commit()
        assert result_of(closing).answer["status"] == "CLOSED"
        first.begin(level)
        result_of(first.start(lambda one: change(one, world.empty, {"status": "FROZEN", "creditsAllowed": False})))
        waiting = second.start_and_block(lambda one: one.top_up(world.empty, 1))
        first.commit()
        with pytest.raises(psycopg.Error) as raised:
            result_of(waiting)
        assert raised.value.sqlstate == "WL015"


def test_one_key_many_times_at_once(database_url: str, ledger: Ledger, world: World, connect: Connect) -> None:
    """One change, one line of history, and everyone gets its answer; the same for a new asset."""
    ledgers = [Ledger(connect(database_url)) for _ in range(8)]
    made = at_once(ledgers, lambda one: change(one, world.wallet, FROZEN, "race", "race"))
    assert sorted(one.replayed for one in made) == [False] + [True] * 7
    assert len({str(one.answer) for one in made}) == 1
    assert len(history(ledger, world.wallet)) == 1
    assets = at_once(
        ledgers,
        lambda one: one._keyed("create_asset_type_as", Jsonb({"symbol": "RC", "name": "Race"}), "race-2", "role:me"),
    )
    assert sorted(one.replayed for one in assets) == [False] + [True] * 7
    assert len({one.answer["id"] for one in assets}) == 1


def test_floors_ceilings_and_closing_raced_with_postings(
    database_url: str, ledger: Ledger, world: World, connect: Connect
) -> None:
    """Whatever wins each race: no balance below its floor or above its ceiling, and none on a closed account."""
    ledgers = [Ledger(connect(database_url)) for _ in range(6)]
    wallets = [ledger.create_wallet(world.asset_type_id) for _ in range(25)]

    def calls_on(one: Ledger, wallet: UUID, number: int) -> list[Callable[[], object]]:
        return [
            lambda: change(one, wallet, {"creditLimit": number % 20}),
            lambda: one.spend(wallet, 5),
            lambda: one.top_up(wallet, 5),
            lambda: change(one, wallet, {"balanceMax": 5 + number % 6}),
            lambda: change(one, wallet, CLOSED),
        ]

    def churn(one: Ledger) -> list[str | None]:
        worker = ledgers.index(one)
        refusals: list[str | None] = []
        for number, wallet in enumerate(wallets):
            calls = calls_on(one, wallet, number * 7 + worker)
            for call in (*calls[worker % 4 :], *calls[: worker % 4]):
                try:
                    retried(call)
                except psycopg.Error as error:
                    refusals.append(error.sqlstate)
        return refusals

    refusals = [state for states in at_once(ledgers, churn) for state in states]
    assert refusals
    assert {(state or "")[:2] for state in refusals} == {"WL"}
    wrong = ledger._value(
        "SELECT count(*) FROM wallet.accounts WHERE account_type = 'USER' AND (balance < balance_min"
        " OR balance > balance_max OR status = 'CLOSED' AND balance <> 0)"
    )
    assert wrong == 0
    gaps = ledger._value(
        "SELECT count(*) FROM (SELECT max(number) AS newest, count(*) AS total FROM wallet.changes GROUP BY object_id)"
        " AS c WHERE newest <> total"
    )
    assert gaps == 0


def at_once(ledgers: list[Ledger], call: Callable[[Ledger], Result]) -> list[Result]:
    with ThreadPoolExecutor(len(ledgers)) as threads:
        return list(threads.map(call, ledgers))
