"""Issuance budgets of assets and campaigns."""

import json
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest

from tests.support.ledger import Ledger
from tests.support.limits import budgets, everything, operate, set_budget

EXCEEDED = "issuance_budget_exceeded"


class World(NamedTuple):
    """An asset of which 100 was issued to a wallet."""

    asset: UUID
    wallet: UUID


@pytest.fixture
def world(ledger: Ledger) -> World:
    asset = ledger.create_asset_type()
    wallet = ledger.create_wallet(asset)
    ledger.top_up(wallet, 100)
    return World(asset, wallet)


def issue(world: World, amount: object, kind: str = "TOP_UP", **fields: Any) -> dict[str, Any]:
    return {"type": kind, "account_id": world.wallet, "amount": amount, **fields}


def issued(ledger: Ledger, world: World, campaign: str | None = None) -> Any:
    """What the budget says was issued; of the asset's own, also what the ledger says."""
    value = budgets(ledger, world.asset)[campaign]["issued"]
    if campaign is None:
        [treasury] = (
            ledger.connection.execute(
                "SELECT sum(balance) FROM wallet.accounts WHERE asset_type_id = %s AND account_type = 'TREASURY'",
                [world.asset],
            ).fetchone()
            or ()
        )
        assert value == -treasury
    return value


def test_the_assets_budget_counts_all_that_was_ever_issued(ledger: Ledger, world: World) -> None:
    """Also what was issued before there was a budget; what would pass it is refused and writes nothing."""
    set_budget(ledger, world.asset, 150)
    assert issued(ledger, world) == 100
    assert [one.code for one in operate(ledger, issue(world, 30), issue(world, 15, "BONUS"))] == [None, None]
    before = everything(ledger)
    [refused] = operate(ledger, issue(world, 6))
    assert (refused.code, refused.error) == (EXCEEDED, "The budget of the asset leaves 5.")
    assert refused.details == {"maximum": ["150"], "available": ["5"]}
    assert everything(ledger) == before
    assert [one.code for one in operate(ledger, issue(world, 5))] == [None]
    assert issued(ledger, world) == 150
    assert set_budget(ledger, world.asset, 120)["available"] == 0
    assert set_budget(ledger, world.asset, None)["available"] is None
    assert [one.code for one in operate(ledger, issue(world, 1000))] == [None]
    assert issued(ledger, world) == 1150


def test_what_comes_back_can_be_issued_again(ledger: Ledger, world: World) -> None:
    """Clawbacks, in part and of all that is left, and journals on the treasury."""
    set_budget(ledger, world.asset, 200)
    [given] = operate(ledger, issue(world, 100))
    assert [one.code for one in operate(ledger, issue(world, 1))] == [EXCEEDED]
    refund = {"type": "REFUND", "related_id": given.transaction_id}
    operate(ledger, {**refund, "amount": 30})
    assert issued(ledger, world) == 170
    operate(ledger, refund)
    assert issued(ledger, world) == 100

    def journal(from_account: UUID, to_account: UUID) -> dict[str, Any]:
        kinds = ((from_account, "DEBIT"), (to_account, "CREDIT"))
        entries = [{"accountId": str(account), "entryType": kind, "amount": 60} for account, kind in kinds]
        return {"type": "JOURNAL", "asset_type_id": world.asset, "entries": entries}

    treasury = ledger.treasury(world.asset)
    codes = [
        one.code for one in operate(ledger, *[journal(treasury, world.wallet)] * 2, journal(world.wallet, treasury))
    ]
    assert codes == [None, EXCEEDED, None]
    assert issued(ledger, world) == 100


def test_a_batch_is_as_one_after_the_other(ledger: Ledger, world: World) -> None:
    """Lines share the budget; a refused one takes nothing; a spend is no issuance."""
    set_budget(ledger, world.asset, 110)
    answers = operate(
        ledger,
        issue(world, 6),
        issue(world, 5),
        issue(world, 4),
        issue(world, 1),
        {**issue(world, 50), "type": "SPEND"},
    )
    assert [one.code for one in answers] == [None, EXCEEDED, None, EXCEEDED, None]


def test_a_campaign_has_a_budget_of_its_own(ledger: Ledger, world: World) -> None:
    """What names it draws on it, besides the asset's budget; the transaction says so; what comes back is given back."""
    set_budget(ledger, world.asset, 20, "spring")
    [given] = operate(ledger, issue(world, 15, "BONUS", campaign="spring"))
    [refused] = operate(ledger, issue(world, 6, campaign="spring"))
    assert (refused.code, refused.error) == (EXCEEDED, "The budget of campaign spring leaves 5.")
    assert [one.code for one in operate(ledger, issue(world, 500))] == [None]
    assert issued(ledger, world, "spring") == 15
    shown = ledger.connection.execute("SELECT wallet.get_transaction(%s)", [given.transaction_id]).fetchone()
    assert shown is not None
    assert shown[0]["campaign"] == "spring"
    refund = {"type": "REFUND", "related_id": given.transaction_id}
    operate(ledger, {**refund, "amount": 5})
    assert issued(ledger, world, "spring") == 10
    set_budget(ledger, world.asset, 20, "spring", valid_until="2020-01-01Z")
    operate(ledger, refund)
    assert issued(ledger, world, "spring") == 0
    set_budget(ledger, world.asset, 620)
    set_budget(ledger, world.asset, 1000, "summer")
    assert [one.code for one in operate(ledger, *[issue(world, 20, campaign="summer")] * 2)] == [None, EXCEEDED]
    assert (issued(ledger, world), issued(ledger, world, "summer")) == (620, 20)


def test_a_campaign_is_named_by_postings_that_issue(ledger: Ledger, world: World) -> None:
    """An unknown one is not found, a lapsed one refused, and nothing but top-ups and bonuses has one."""
    set_budget(ledger, world.asset, 20, "over", valid_until="2020-01-01Z")
    set_budget(ledger, world.asset, 20, "coming", valid_from="2100-01-01Z")
    gem = ledger.create_asset_type("GEM")
    set_budget(ledger, gem, 20, "gems")
    before = everything(ledger)
    answers = operate(
        ledger,
        issue(world, 1, campaign="over"),
        issue(world, 1, campaign="coming"),
        issue(world, 1, campaign="gems"),
        issue(world, 1, campaign=""),
        issue(world, 1, "SPEND", campaign="over"),
        issue(world, 1, "HOLD", campaign="over"),
    )
    assert [one.code for one in answers] == [
        "campaign_inactive",
        "campaign_inactive",
        "campaign_not_found",
        "validation_failed",
        "validation_failed",
        "validation_failed",
    ]
    assert [list(one.details or {}) for one in answers[3:]] == [["campaign"]] * 3
    assert answers[0].details is not None
    assert answers[0].details["validUntil"] == ["2020-01-01T00:00:00.000000Z"]
    assert everything(ledger) == before
    with pytest.raises(psycopg.Error) as raised:
        ledger.connection.execute(
            "SELECT wallet.bonus(%s, %s, 1, 'k', p_campaign => 'over')", [world.wallet, world.asset]
        )
    assert (raised.value.sqlstate, raised.value.diag.message_hint) == ("WL036", "campaign_inactive")


def test_the_key_of_a_campaigns_posting_asks_for_the_same(ledger: Ledger, world: World) -> None:
    """A replay is as the first time though the budget is used up; another campaign, or none, is another request."""
    for campaign in ("spring", "summer"):
        set_budget(ledger, world.asset, 20, campaign)
    one = issue(world, 20, campaign="spring", idempotency_key="k", reference_id="r")
    plain = {name: value for name, value in one.items() if name != "campaign"}
    [first] = operate(ledger, one)
    operate(ledger, {**plain, "idempotency_key": "plain"})
    answers = operate(
        ledger,
        one,
        {**one, "campaign": "summer"},
        plain,
        {**one, "idempotency_key": "plain"},
        {**one, "amount": 3},
        {**one, "type": "BONUS"},
    )
    assert answers[0].transaction_id == first.transaction_id
    assert [answer.code for answer in answers] == [None] + ["idempotency_key_reused"] * 5
    fields = [list(answer.details or {}) for answer in answers[1:]]
    assert fields == [["campaign"], ["campaign"], ["campaign"], ["amount"], ["type"]]


def test_a_change_is_kept_with_who_and_why(ledger: Ledger, world: World) -> None:
    """Each setting that changes something is a row of wallet.changes."""
    made = set_budget(ledger, world.asset, 20, "spring")
    set_budget(ledger, world.asset, 30, "spring", valid_until="2030-01-01Z")
    rows = ledger.connection.execute(
        "SELECT number, object_type, changed_by, reason, old_values, new_values FROM wallet.changes"
        " WHERE object_id = %s ORDER BY number",
        [made["id"]],
    ).fetchall()
    assert [row[:4] for row in rows] == [(number, "BUDGET", "role:postgres", "a budget") for number in (1, 2)]
    assert rows[1][4:] == (
        {"amountMax": 20, "validUntil": None},
        {"amountMax": 30, "validUntil": "2030-01-01T00:00:00.000000Z"},
    )


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((-1, None), "amountMax"),
        ((1, ""), "campaign"),
        ((1, None, "2030-01-01Z"), "validFrom"),
        ((1, None, None, "2030-01-01Z"), "validUntil"),
        ((1, "a", "2030-01-01Z", "2030-01-01Z"), "validUntil"),
    ],
)
def test_settings_are_checked(ledger: Ledger, world: World, arguments: tuple[Any, ...], field: str) -> None:
    """validation_failed names the field, and nothing is written."""
    before = everything(ledger)
    with pytest.raises(psycopg.Error) as raised:
        set_budget(ledger, world.asset, *arguments)
    assert raised.value.sqlstate == "WL001"
    assert list(json.loads(raised.value.diag.message_detail or "{}")) == [field]
    with pytest.raises(psycopg.Error) as raised:
        set_budget(ledger, UUID(int=1), 1)
    assert raised.value.sqlstate == "WL004"
    assert everything(ledger) == before
