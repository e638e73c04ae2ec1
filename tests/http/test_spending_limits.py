"""Spending limits, budgets and campaigns over HTTP: setting them, what is left, what they refuse, and who may."""

from decimal import Decimal
from typing import Any

import pytest

from tests.http.api import NOBODY, Answer, Api, new_key
from tests.http.operations import whole_state
from tests.support.ledger import Ledger

pytestmark = pytest.mark.anyio

RULE = {"periodSeconds": 3600, "amountMax": "10.5", "reason": "a rule"}


async def put(api: Api, path: str, body: object) -> Answer:
    return await api.call("PUT", path, body)


async def test_a_limit_is_set_read_kept_and_lifted(api: Api) -> None:
    """200 with the limit; a refusal names it and when it frees up; the history says who and why."""
    wallet = await api.wallet(balance="100")
    path = f"/accounts/{wallet.id}/spending-limits"
    made = await put(api, f"{path}/daily", RULE)
    assert made.status == 200
    expected: dict[str, Any] = {
        "id": made.data["id"],
        "assetTypeId": wallet.asset,
        "accountId": wallet.id,
        "name": "daily",
        "periodSeconds": 3600,
        "amountMax": Decimal("10.5"),
        "countMax": None,
    }
    assert made.data == expected
    assert (await api.posting("spend", wallet.body("10"))).status == 201
    assert (await api.get(path)).data == [{**expected, "amountAvailable": Decimal("0.5"), "countAvailable": None}]
    refused = await api.posting("spend", wallet.body("1"))
    assert refused.refused == (422, "spending_limit_exceeded")
    assert refused.details["limit"] == ["daily"]
    assert refused.details["available"] == ["0.5"]
    assert refused.details["freesAt"][0] in refused.json["error"]
    await put(api, f"{path}/daily", {"periodSeconds": 3600, "reason": "lifted"})
    assert (await api.get(path)).data == []
    assert (await api.posting("spend", wallet.body("1"))).status == 201
    history = (await api.get(f"{path}/daily/history")).data
    assert [(one["reason"], one["changedBy"]) for one in history] == [
        ("lifted", "role:postgres"),
        ("a rule", "role:postgres"),
    ]
    assert (history[0]["before"], history[0]["after"]) == ({"amountMax": Decimal("10.5")}, {"amountMax": None})


async def test_an_assets_limit_is_for_each_of_its_wallets(api: Api) -> None:
    """In batches too, where each item has its own answer; a dry run says the same."""
    one, other = await api.wallet(balance="100"), await api.wallet(balance="100")
    path = f"/asset-types/{one.asset}/spending-limits"
    assert (await put(api, f"{path}/twice", {"periodSeconds": 60, "countMax": 2, "reason": "r"})).status == 200
    assert [rule["name"] for rule in (await api.get(path)).data] == ["twice"]
    items = [{"type": "SPEND", "idempotencyKey": new_key(), **wallet.body("1")} for wallet in (one, one, one, other)]
    answers = (await api.post("/transactions/batch", {"items": items})).data
    assert [answer["status"] for answer in answers] == [201, 201, 422, 201]
    assert answers[2]["body"]["details"]["measure"] == ["count"]
    dry = await api.post("/transactions/spend?dryRun=true", one.body("1"), new_key())
    assert dry.refused == (422, "spending_limit_exceeded")
    assert len((await api.get(f"{path}/twice/history")).data) == 1


async def test_budgets_and_campaigns(api: Api) -> None:
    """Set, drawn on by what names the campaign, shown with what is left, given back to by refunds."""
    wallet = await api.wallet()
    path = f"/asset-types/{wallet.asset}"
    campaign = {"amountMax": 20, "validFrom": "2020-01-01T00:00:00Z", "validUntil": "2100-01-01T01:00:00+01:00"}
    made = await put(api, f"{path}/campaigns/spring", {**campaign, "reason": "r"})
    expected = {
        "id": made.data["id"],
        "assetTypeId": wallet.asset,
        "campaign": "spring",
        "amountMax": 20,
        "validFrom": "2020-01-01T00:00:00.000000Z",
        "validUntil": "2100-01-01T00:00:00.000000Z",
        "issued": 0,
        "available": 20,
    }
    assert made.data == expected
    bonus = await api.posting("bonus", wallet.body("15", campaign="spring"))
    assert bonus.data["campaign"] == "spring"
    assert (await api.get(f"/transactions/{bonus.data['id']}")).body == bonus.body
    refused = await api.posting("top-up", wallet.body("6", campaign="spring"))
    assert refused.refused == (422, "issuance_budget_exceeded")
    assert refused.details["campaign"] == ["spring"]
    assert (await api.get(f"{path}/budgets")).data == [{**expected, "issued": 15, "available": 5}]
    await api.post(f"/transactions/{bonus.data['id']}/refund", {"amount": 5}, new_key())
    budget = await put(api, f"{path}/budget", {"amountMax": None, "reason": "count"})
    whole = budget.data["issued"]
    await put(api, f"{path}/budget", {"amountMax": whole + 1, "reason": "enough"})
    assert (await api.posting("top-up", wallet.body("1.5"))).refused == (422, "issuance_budget_exceeded")
    assert (await api.posting("top-up", wallet.body("1"))).status == 201
    listed = {one["campaign"]: one for one in (await api.get(f"{path}/budgets")).data}
    assert (listed[None]["issued"], listed[None]["available"]) == (whole + 1, 0)
    assert (listed["spring"]["issued"], listed["spring"]["available"]) == (10, 10)
    assert [one["reason"] for one in (await api.get(f"{path}/budget/history")).data] == ["enough", "count"]
    assert [one["reason"] for one in (await api.get(f"{path}/campaigns/spring/history")).data] == ["r"]
    over = {**campaign, "validUntil": "2021-01-01T00:00:00Z", "reason": "over"}
    await put(api, f"{path}/campaigns/spring", over)
    assert (await api.posting("bonus", wallet.body("1", campaign="spring"))).refused == (422, "campaign_inactive")


async def test_what_is_wrong_is_refused_and_writes_nothing(api: Api, books: Ledger) -> None:
    """Every field of every body, unknown ids, system accounts, other names and other types of posting."""
    wallet = await api.wallet(balance="10")
    asset, account = f"/asset-types/{wallet.asset}", f"/accounts/{wallet.id}"
    revenue = books.revenue(books.asset_of(wallet.uuid))
    before = whole_state(books)
    for path, body, fields in (
        (f"{account}/spending-limits/a", {}, {"periodSeconds", "reason"}),
        (f"{account}/spending-limits/a", {**RULE, "periodSeconds": 0}, {"periodSeconds"}),
        (f"{account}/spending-limits/a", {**RULE, "periodSeconds": "1"}, {"periodSeconds"}),
        (f"{account}/spending-limits/a", {**RULE, "periodSeconds": 2**80}, {"periodSeconds"}),
        (f"{account}/spending-limits/a", {**RULE, "countMax": -1, "amountMax": "x"}, {"countMax", "amountMax"}),
        (f"{account}/spending-limits/a", {**RULE, "countMax": 2**63}, {"countMax"}),
        (f"{account}/spending-limits/a", {**RULE, "reason": ""}, {"reason"}),
        (f"{account}/spending-limits/-a", RULE, {"name"}),
        (f"{account}/spending-limits/%00", RULE, {"name"}),
        ("/accounts/x/spending-limits/a", RULE, {"id"}),
        (f"{asset}/budget", {"amountMax": -1, "reason": "r"}, {"amountMax"}),
        (f"{asset}/budget", {"amountMax": "0.00001"}, {"amountMax", "reason"}),
        (f"{asset}/campaigns/a", {"validFrom": "2020-01-01", "reason": "r"}, {"validFrom"}),
        (
            f"{asset}/campaigns/a",
            {"validFrom": "2020-01-01T00:00:00Z", "validUntil": "2020-01-01T00:00:00Z", "reason": "r"},
            {"validUntil"},
        ),
        (f"{asset}/campaigns/{'a' * 65}", {"reason": "r"}, {"campaign"}),
    ):
        answer = await put(api, path, body)
        assert answer.refused == (400, "validation_failed"), (path, body)
        assert set(answer.details) == fields, (path, body)
    for path, body, refused in (
        (f"/accounts/{NOBODY}/spending-limits/a", RULE, (404, "account_not_found")),
        (f"/accounts/{revenue}/spending-limits/a", RULE, (422, "not_a_wallet")),
        (f"/asset-types/{NOBODY}/spending-limits/a", RULE, (404, "asset_type_not_found")),
        (f"/asset-types/{NOBODY}/budget", {"reason": "r"}, (404, "asset_type_not_found")),
        (f"/asset-types/{NOBODY}/campaigns/a", {"reason": "r"}, (404, "asset_type_not_found")),
    ):
        assert (await put(api, path, body)).refused == refused, path
    for path, code in (
        (f"/accounts/{NOBODY}/spending-limits", "account_not_found"),
        (f"/asset-types/{NOBODY}/spending-limits", "asset_type_not_found"),
        (f"/asset-types/{NOBODY}/budgets", "asset_type_not_found"),
    ):
        assert (await api.get(path)).refused == (404, code)
    assert (await api.posting("top-up", wallet.body(campaign="x"))).refused == (404, "campaign_not_found")
    for kind, campaign in (("spend", "x"), ("bonus", "")):
        answer = await api.posting(kind, wallet.body(campaign=campaign))
        assert (answer.refused, set(answer.details)) == ((400, "validation_failed"), {"campaign"})
    assert whole_state(books) == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/accounts/{wallet}/spending-limits/daily", RULE),
        ("/asset-types/{asset}/spending-limits/daily", {"periodSeconds": 60, "countMax": 2, "reason": "r"}),
        ("/asset-types/{asset}/budget", {"amountMax": "100000", "reason": "r"}),
        (
            "/asset-types/{asset}/campaigns/spring",
            {"amountMax": 7, "validFrom": "2020-01-01T00:00:00Z", "reason": "r"},
        ),
    ],
)
async def test_a_late_retry_undoes_nothing(api: Api, books: Ledger, path: str, body: dict[str, object]) -> None:
    """The first answer again, and what was set since stays; the key is one of the one key space."""
    wallet = await api.wallet(balance="1")
    path = path.format(wallet=wallet.id, asset=wallet.asset)
    key = {"Idempotency-Key": new_key()}
    first = await api.call("PUT", path, body, headers=key)
    assert (first.status, first.replayed) == (200, False)
    newer = await put(api, path, {**body, "amountMax": "99999"})
    assert newer.data["amountMax"] == 99_999
    before = whole_state(books)
    again = await api.call("PUT", path, body, headers=key)
    assert (again.status, again.replayed, again.data) == (200, True, first.data)
    other = await api.call("PUT", path, {**body, "amountMax": "5"}, headers=key)
    assert other.refused == (422, "idempotency_key_reused")
    assert set(other.json["details"]) == {"amountMax"}
    spent = await api.call("POST", "/transactions/top-up", wallet.body("1"), headers=key)
    assert spent.refused == (422, "idempotency_key_reused")
    known = await api.get(f"/idempotency-keys/{key['Idempotency-Key']}")
    assert known.data["answer"] == first.data
    for wrong in ({"Idempotency-Key": "a b"}, {"Idempotency-Key": " "}):
        assert (await api.call("PUT", path, body, headers=wrong)).refused == (400, "idempotency_key_missing")
    assert whole_state(books) == before
