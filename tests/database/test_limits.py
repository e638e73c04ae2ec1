"""Spending limits: rolling periods, what counts, and what a refusal says."""

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest

from tests.support.ledger import Answer, Ledger
from tests.support.limits import HOUR, age, everything, limits, operate, set_limit


class World(NamedTuple):
    """An asset, a wallet with 1000 in it, and another one with nothing."""

    asset: UUID
    wallet: UUID
    other: UUID


@pytest.fixture
def world(ledger: Ledger) -> World:
    asset = ledger.create_asset_type()
    wallet = ledger.create_wallet(asset)
    ledger.top_up(wallet, 1000)
    return World(asset, wallet, ledger.create_wallet(asset))


def spend(ledger: Ledger, account: UUID, amount: object, **fields: Any) -> Answer:
    [answer] = operate(ledger, {"type": "SPEND", "account_id": account, "amount": amount, **fields})
    return answer


def left(ledger: Ledger, world: World) -> Any:
    [limit] = limits(ledger, None, world.wallet)
    return limit["amountAvailable"]


def test_up_to_the_amount_and_no_further(ledger: Ledger, world: World) -> None:
    """The sum may reach the maximum; what would pass it is refused, named, and writes nothing."""
    set_limit(ledger, world.asset, amount="100.5")
    assert spend(ledger, world.wallet, 60).code is None
    before = everything(ledger)
    refused = spend(ledger, world.wallet, "40.5001")
    assert (refused.outcome, refused.code, refused.transaction_id) == ("REFUSED", "spending_limit_exceeded", None)
    assert everything(ledger) == before
    [when] = ledger.connection.execute("SELECT max(created_at) FROM wallet.ledger_entries").fetchone() or ()
    assert refused.details is not None
    [frees_at] = refused.details.pop("freesAt")
    assert datetime.fromisoformat(frees_at) == when + timedelta(hours=1)
    assert refused.details == {
        "limit": ["daily"],
        "limitOf": ["asset"],
        "measure": ["amount"],
        "maximum": ["100.5"],
        "periodSeconds": ["3600"],
        "available": ["40.5"],
    }
    assert (
        refused.error == f"The spending limit daily (100.5 per 3600 seconds) leaves 40.5. Enough is free at {frees_at}."
    )
    assert spend(ledger, world.wallet, "40.5").code is None
    assert spend(ledger, world.wallet, "0.0001").code == "spending_limit_exceeded"


def test_the_single_function_raises_it(ledger: Ledger, world: World) -> None:
    """With its SQLSTATE, the code as HINT and the same details."""
    set_limit(ledger, world.asset, amount=10)
    with pytest.raises(psycopg.Error) as raised:
        ledger.spend(world.wallet, 11)
    assert raised.value.diag.message_hint == "spending_limit_exceeded"
    assert raised.value.sqlstate == "WL033"
    assert raised.value.diag.message_detail is not None
    assert "freesAt" not in json.loads(raised.value.diag.message_detail)
    assert "It never leaves enough." in str(raised.value)


def test_how_often(ledger: Ledger, world: World) -> None:
    """A limit of the count counts debits, whatever their amounts."""
    set_limit(ledger, world.asset, count=2)
    assert [spend(ledger, world.wallet, amount).code for amount in (500, "0.0001", "0.0001")] == [
        None,
        None,
        "spending_limit_exceeded",
    ]
    details = spend(ledger, world.wallet, 1).details
    assert details is not None
    assert (details["measure"], details["maximum"], details["available"]) == (["count"], ["2"], ["0"])


def test_what_is_as_old_as_the_period_no_longer_counts(ledger: Ledger, world: World) -> None:
    """To the microsecond: room is there at freesAt, and was not just before."""
    limit = set_limit(ledger, world.asset, amount=100)
    for seconds, amount in ((1000, 30), (1000, 50), (500, 20)):
        assert spend(ledger, world.wallet, amount).code is None
        age(ledger, seconds)
    # Debits of 30, 50 and 20, made 2500, 1500 and 500 seconds ago.
    for amount, freeing in ((1, 30), (30, 30), (31, 50), (80, 50), (81, 20), (100, 20)):
        refused = spend(ledger, world.wallet, amount)
        assert refused.details is not None
        [at] = (
            ledger.connection.execute(
                "SELECT created_at + interval '1 hour' FROM wallet.ledger_entries"
                " WHERE amount = %s AND entry_type = 'DEBIT' AND account_id = %s",
                [freeing, world.wallet],
            ).fetchone()
            or ()
        )
        assert datetime.fromisoformat(refused.details["freesAt"][0]) == at, amount
        for moment, is_enough in ((at, True), (at - timedelta(microseconds=1), False)):
            [room] = (
                ledger.connection.execute(
                    "SELECT (wallet.limit_room(s, %s, %s)).amount_left"
                    " FROM wallet.spending_limits AS s WHERE s.id = %s",
                    [world.wallet, moment, limit["id"]],
                ).fetchone()
                or ()
            )
            assert (room >= amount) is is_enough
    age(ledger, 1100)
    assert spend(ledger, world.wallet, 31).code == "spending_limit_exceeded"
    assert spend(ledger, world.wallet, 30).code is None


def test_every_way_out_counts_and_a_refund_does_not(ledger: Ledger, world: World) -> None:
    """Spends, transfers, journals, conversions, captures and holds; no credit, and no clawback."""
    set_limit(ledger, world.asset, amount=100)
    gem = ledger.create_asset_type("GEM")
    gems = ledger.create_wallet(gem)
    expected = 100

    def drew(amount: int, *operations: dict[str, Any]) -> list[Answer]:
        nonlocal expected
        answers = operate(ledger, *operations) if operations else []
        assert [one.code for one in answers] == [None] * len(operations)
        expected -= amount
        assert left(ledger, world) == expected
        return answers

    [bonus] = drew(0, {"type": "BONUS", "account_id": world.wallet, "amount": 7})
    [spent] = drew(1, {"type": "SPEND", "account_id": world.wallet, "amount": 1})
    drew(2, {"type": "TRANSFER", "account_id": world.wallet, "to_account_id": world.other, "amount": 2})
    drew(0, {"type": "TRANSFER", "account_id": world.other, "to_account_id": world.wallet, "amount": 1})
    entries = [
        {"accountId": str(account), "entryType": kind, "amount": amount}
        for account, kind, amount in ((world.wallet, "DEBIT", 4), (world.other, "CREDIT", 4))
    ]
    drew(4, {"type": "JOURNAL", "asset_type_id": world.asset, "entries": entries})
    drew(8, {"type": "CONVERSION", "account_id": world.wallet, "to_account_id": gems, "amount": 8, "rate": 1})
    [hold] = drew(16, {"type": "HOLD", "account_id": world.wallet, "amount": 16})
    drew(-10, {"type": "CAPTURE", "related_id": hold.transaction_id, "amount": 6})
    # Nothing is left for a spend, and yet it is given back.
    set_limit(ledger, world.asset, amount=0, count=0, name="none")
    assert spend(ledger, world.wallet, 1).code == "spending_limit_exceeded"
    refund = {"type": "REFUND", "related_id": bonus.transaction_id}
    assert [one.code for one in operate(ledger, {**refund, "amount": 3}, refund)] == [None, None]
    set_limit(ledger, world.asset, name="none")
    drew(0)
    drew(0, {"type": "REFUND", "related_id": spent.transaction_id})


def test_a_hold_counts_as_long_as_it_is_open(ledger: Ledger, world: World) -> None:
    """From when it is made, until it is voided or runs out; its capture takes nothing more."""
    set_limit(ledger, world.asset, amount=100, count=2)
    hold = {"type": "HOLD", "account_id": world.wallet, "amount": 60}
    [first] = operate(ledger, hold)
    assert spend(ledger, world.wallet, 41).code == "spending_limit_exceeded"
    operate(ledger, {"type": "VOID", "related_id": first.transaction_id})
    [second] = operate(ledger, hold)
    assert [one.code for one in operate(ledger, hold)] == ["spending_limit_exceeded"]
    with_end = (
        "UPDATE wallet.holds SET created_at = now() - interval '2 s', expires_at = now() - interval '1 s' WHERE id = %s"
    )
    ledger.connection.execute(with_end.encode(), [second.transaction_id])
    [limit] = limits(ledger, None, world.wallet)
    assert (limit["amountAvailable"], limit["countAvailable"]) == (100, 2)
    [third] = operate(ledger, {**hold, "amount": 100})
    [captured] = operate(ledger, {"type": "CAPTURE", "related_id": third.transaction_id, "amount": 99})
    assert captured.code is None
    [limit] = limits(ledger, None, world.wallet)
    assert (limit["amountAvailable"], limit["countAvailable"]) == (1, 1)


def test_a_capture_is_never_refused(ledger: Ledger, world: World) -> None:
    """What a hold promised is kept, even where the limit was made smaller than the hold since."""
    [hold] = operate(ledger, {"type": "HOLD", "account_id": world.wallet, "amount": 60})
    set_limit(ledger, world.asset, amount=10, count=0)
    assert spend(ledger, world.wallet, 1).code == "spending_limit_exceeded"
    [captured] = operate(ledger, {"type": "CAPTURE", "related_id": hold.transaction_id})
    assert captured.code is None
    assert spend(ledger, world.wallet, 1).code == "spending_limit_exceeded"


def test_what_was_debited_before_the_limit_counts(ledger: Ledger, world: World) -> None:
    """As far as it is in the period, to the entry."""
    for amount in (1, 2, 4):
        ledger.spend(world.wallet, amount)
        age(ledger, 1000)
    # 1, 2 and 4, made 3000, 2000 and 1000 seconds ago.
    for seconds, spent in ((500, 0), (1500, 4), (2500, 6), (3500, 7)):
        set_limit(ledger, world.asset, amount=10, seconds=seconds)
        assert left(ledger, world) == 10 - spent
    assert spend(ledger, world.wallet, "3.0001").code == "spending_limit_exceeded"
    assert spend(ledger, world.wallet, 1).code is None
    for seconds, spent in ((500, 1), (1500, 5), (2500, 7), (3500, 8)):
        set_limit(ledger, world.asset, amount=10, seconds=seconds)
        assert left(ledger, world) == 10 - spent


def test_what_was_debited_while_nothing_was_limited_counts(ledger: Ledger, world: World) -> None:
    """Lifting a limit and setting it again forgets nothing."""
    set_limit(ledger, world.asset, amount=10)
    ledger.spend(world.wallet, 1)
    set_limit(ledger, world.asset)
    assert limits(ledger, None, world.wallet) == []
    ledger.spend(world.wallet, 20)
    set_limit(ledger, world.asset, amount=25)
    assert left(ledger, world) == 4
    assert spend(ledger, world.wallet, 5).code == "spending_limit_exceeded"
    assert spend(ledger, world.wallet, 4).code is None
    assert left(ledger, world) == 0
    set_limit(ledger, world.asset)
    ledger.spend(world.wallet, 30)
    age(ledger, HOUR)
    # As old as the period, and in no total yet.
    set_limit(ledger, world.asset, amount=25)
    assert left(ledger, world) == 25


def test_an_assets_limit_is_for_each_wallet_and_a_wallets_own_is_besides(ledger: Ledger, world: World) -> None:
    """All that apply must be kept; the one that refuses is named; other assets and wallets are not concerned."""
    ledger.top_up(world.other, 500)
    set_limit(ledger, world.asset, amount=100)
    set_limit(ledger, account_id=world.wallet, amount=50, name="own")
    refused = spend(ledger, world.wallet, 60)
    assert refused.details is not None
    assert (refused.details["limit"], refused.details["limitOf"]) == (["own"], ["account"])
    for amount, first in ((101, "daily"), (51, "own")):
        details = spend(ledger, world.wallet, amount).details
        assert details is not None
        # Of several that refuse, the first by name.
        assert details["limit"] == [first]
    assert spend(ledger, world.wallet, 50).code is None
    assert spend(ledger, world.other, 100).code is None
    assert spend(ledger, world.other, 1).code == "spending_limit_exceeded"
    gem = ledger.create_asset_type("GEM")
    gems = ledger.create_wallet(gem)
    ledger.top_up(gems, 5000)
    assert spend(ledger, gems, 5000).code is None
    assert [one["name"] for one in limits(ledger, world.asset, None)] == ["daily"]
    assert [one["name"] for one in limits(ledger, None, world.wallet)] == ["daily", "own"]


def test_a_batch_is_as_one_after_the_other(ledger: Ledger, world: World) -> None:
    """Its lines share what is left, one that is refused takes nothing, and what one frees the next may take."""
    set_limit(ledger, world.asset, amount=100, count=4)
    [hold] = operate(ledger, {"type": "HOLD", "account_id": world.wallet, "amount": 70})
    one = {"type": "SPEND", "account_id": world.wallet}
    void = {"type": "VOID", "related_id": hold.transaction_id}
    answers = operate(
        ledger,
        {**one, "amount": 20},
        {**one, "amount": 11},
        {**one, "amount": 10},
        {**one, "amount": 1},
        void,
        {**one, "amount": 71},
        {**one, "amount": 60},
        {**one, "amount": 1},
        {**one, "amount": 1},
    )
    refused = "spending_limit_exceeded"
    assert [answer.code for answer in answers] == [None, refused, None, refused, None, refused, None, None, refused]
    [limit] = limits(ledger, None, world.wallet)
    assert (limit["amountAvailable"], limit["countAvailable"]) == (9, 0)


def test_a_replay_is_answered_as_the_first_time(ledger: Ledger, world: World) -> None:
    """A known key takes nothing from a limit, and is not refused by one."""
    set_limit(ledger, world.asset, amount=10)
    first = spend(ledger, world.wallet, 10, idempotency_key="k")
    again = spend(ledger, world.wallet, 10, idempotency_key="k")
    assert (again.outcome, again.transaction_id) == ("REPLAYED", first.transaction_id)


def test_other_refusals_come_first(ledger: Ledger, world: World) -> None:
    """A limit is asked only when all else allows the debit."""
    set_limit(ledger, world.asset, amount=10)
    assert spend(ledger, world.wallet, 1001).code == "insufficient_balance"


def test_a_change_is_kept_with_who_and_why(ledger: Ledger, world: World) -> None:
    """Each setting that changes something is a row of wallet.changes."""
    made = set_limit(ledger, world.asset, amount=10, reason="first")
    assert made["id"] == set_limit(ledger, world.asset, amount=20, reason="second")["id"]
    set_limit(ledger, world.asset, amount=20, reason="nothing new")
    rows = ledger.connection.execute(
        "SELECT number, object_type, changed_by, reason, old_values, new_values FROM wallet.changes"
        " WHERE object_id = %s ORDER BY number",
        [made["id"]],
    ).fetchall()
    settings = {
        "assetTypeId": str(world.asset),
        "accountId": None,
        "name": "daily",
        "periodSeconds": HOUR,
        "amountMax": 10,
        "countMax": None,
    }
    assert rows == [
        (1, "SPENDING_LIMIT", "role:postgres", "first", None, settings),
        (2, "SPENDING_LIMIT", "role:postgres", "second", {"amountMax": 10}, {"amountMax": 20}),
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "-x"}, "name"),
        ({"name": ""}, "name"),
        ({"seconds": 0}, "periodSeconds"),
        ({"seconds": 31622401}, "periodSeconds"),
        ({"amount": "-1"}, "amountMax"),
        ({"amount": "0.00001"}, "amountMax"),
        ({"amount": "NaN"}, "amountMax"),
        ({"count": -1}, "countMax"),
        ({"reason": ""}, "reason"),
    ],
)
def test_settings_are_checked(ledger: Ledger, world: World, change: dict[str, Any], field: str) -> None:
    """validation_failed names the field, and nothing is written."""
    before = everything(ledger)
    with pytest.raises(psycopg.Error) as raised:
        set_limit(ledger, world.asset, **{"amount": 1, **change})
    assert raised.value.sqlstate == "WL001"
    assert list(json.loads(raised.value.diag.message_detail or "{}")) == [field]
    assert everything(ledger) == before


def test_only_wallets_and_what_there_is_can_be_limited(ledger: Ledger, world: World) -> None:
    """Unknown ids, system accounts and accounts of another asset are refused."""
    nobody = UUID(int=1)
    gem = ledger.create_asset_type("GEM")
    for asset, account, state in (
        (nobody, None, "WL004"),
        (None, nobody, "WL003"),
        (None, ledger.revenue(world.asset), "WL009"),
        (gem, world.wallet, "WL008"),
    ):
        with pytest.raises(psycopg.Error) as raised:
            set_limit(ledger, asset, account, amount=1)
        assert raised.value.sqlstate == state


def test_a_long_history_costs_some_look_ups(ledger: Ledger, world: World) -> None:
    """What was debited within a period is found in a few pages, however many debits there were."""
    ledger.connection.execute(
        "INSERT INTO wallet.debit_totals (account_id, at, version, debit_count, amount)"
        " SELECT %s, now() - make_interval(secs => 100000 - n), 1, n, n FROM generate_series(1, 100000) AS n",
        [world.wallet],
    )
    ledger.connection.execute("ANALYZE wallet.debit_totals")
    query = "SELECT * FROM wallet.debits_since(%s, now() - interval '50000 seconds')"
    assert ledger.connection.execute(query.encode(), [world.wallet]).fetchone() == (50000, 50000)
    [plan] = (
        ledger.connection.execute(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}".encode(), [world.wallet]
        ).fetchone()
        or ()
    )
    assert plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"] < 100
