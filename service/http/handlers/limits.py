"""Spending limits and budgets: setting them, listing them with what is left, and their history."""

import uuid

from aiohttp import web

from service.http import envelope
from service.http.auth import check_account, check_asset
from service.http.bodies import read_body
from service.http.handlers.administration import administer
from service.http.handlers.lists import one_value
from service.http.limits import BudgetBody, CampaignBody, SpendingLimitBody
from service.http.queries import page_and_limit, uuid_of
from service.refusals import validation_failed


async def set_asset_limit(request: web.Request) -> web.Response:
    """200 with the spending limit of each wallet of an asset."""
    return await _set_limit(request, _asset_type_id(request), None)


async def set_account_limit(request: web.Request) -> web.Response:
    """200 with the spending limit of a wallet."""
    return await _set_limit(request, None, await _account_id(request))


async def list_asset_limits(request: web.Request) -> web.Response:
    """200 with the spending limits of each wallet of an asset."""
    return await _list_limits(request, _asset_type_id(request), None)


async def list_account_limits(request: web.Request) -> web.Response:
    """200 with the spending limits that a wallet must keep, and what they leave it now."""
    return await _list_limits(request, None, await _account_id(request))


async def list_asset_limit_changes(request: web.Request) -> web.Response:
    """200 with a page of the history of an asset's spending limit, newest first."""
    return await _list_limit_changes(request, _asset_type_id(request), None)


async def list_account_limit_changes(request: web.Request) -> web.Response:
    """200 with a page of the history of a wallet's spending limit, newest first."""
    return await _list_limit_changes(request, None, await _account_id(request))


async def set_budget(request: web.Request) -> web.Response:
    """200 with the budget of an asset."""
    asset_type_id = _asset_type_id(request)
    body = await read_body(request, BudgetBody)
    values = {"assetTypeId": asset_type_id, "amountMax": body.amount}
    return await administer(request, "SET_BUDGET", 200, {"reason": body.reason}, values)


async def set_campaign(request: web.Request) -> web.Response:
    """200 with the budget of a campaign."""
    asset_type_id, name = _asset_type_id(request), _name(request)
    body = await read_body(request, CampaignBody)
    values = {
        "assetTypeId": asset_type_id,
        "campaign": name,
        "amountMax": body.amount,
        "validFrom": body.valid_from,
        "validUntil": body.valid_until,
    }
    return await administer(request, "SET_BUDGET", 200, {"reason": body.reason}, values)


async def list_budgets(request: web.Request) -> web.Response:
    """200 with the budgets of an asset, its campaigns' among them."""
    return envelope.success(await one_value(request, "SELECT wallet.list_budgets(%s)::json", [_asset_type_id(request)]))


async def list_budget_changes(request: web.Request) -> web.Response:
    """200 with a page of the history of an asset's budget, newest first."""
    return await _list_budget_changes(request, None)


async def list_campaign_changes(request: web.Request) -> web.Response:
    """200 with a page of the history of a campaign's budget, newest first."""
    return await _list_budget_changes(request, _name(request))


async def _set_limit(
    request: web.Request, asset_type_id: uuid.UUID | None, account_id: uuid.UUID | None
) -> web.Response:
    name = _name(request)
    body = await read_body(request, SpendingLimitBody)
    values = {
        "assetTypeId": asset_type_id,
        "accountId": account_id,
        "name": name,
        "periodSeconds": body.period_seconds,
        "amountMax": body.amount,
        "countMax": body.count_max,
    }
    return await administer(request, "SET_SPENDING_LIMIT", 200, {"reason": body.reason}, values)


async def _list_limits(
    request: web.Request, asset_type_id: uuid.UUID | None, account_id: uuid.UUID | None
) -> web.Response:
    query = "SELECT wallet.list_spending_limits(%s, %s)::json"
    return envelope.success(await one_value(request, query, [asset_type_id, account_id]))


async def _list_limit_changes(
    request: web.Request, asset_type_id: uuid.UUID | None, account_id: uuid.UUID | None
) -> web.Response:
    query = "SELECT wallet.list_spending_limit_changes(%s, %s, %s, %s, %s::integer)"
    return envelope.page(
        await one_value(request, query, [asset_type_id, account_id, _name(request), *page_and_limit(request)])
    )


async def _list_budget_changes(request: web.Request, campaign: str | None) -> web.Response:
    query = "SELECT wallet.list_budget_changes(%s, %s, %s, %s::integer)"
    parameters = [_asset_type_id(request), campaign, *page_and_limit(request)]
    return envelope.page(await one_value(request, query, parameters))


def _asset_type_id(request: web.Request) -> uuid.UUID:
    asset_type_id = uuid_of(request.match_info["id"], "id")
    check_asset(request, asset_type_id)
    return asset_type_id


async def _account_id(request: web.Request) -> uuid.UUID:
    account_id = uuid_of(request.match_info["id"], "id")
    await check_account(request, account_id)
    return account_id


def _name(request: web.Request) -> str:
    """The name in the path. What it may hold is checked by the database, which cannot read NUL."""
    name = request.match_info["name"]
    if "\x00" in name:
        raise validation_failed({"name": ["Must not hold NUL characters."]})
    return name
