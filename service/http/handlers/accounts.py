"""Accounts: opening, changing and finding them, and reading one, its balance, its ledger and its history."""

from aiohttp import web

from service import app_keys
from service.database import borrow
from service.http import envelope
from service.http.auth import check_account, check_answer, check_asset, check_scope, reachable_assets
from service.http.bodies import AccountBody, read_body
from service.http.changes import ChangeAccountBody
from service.http.handlers.administration import administer
from service.http.handlers.lists import one_value
from service.http.queries import idempotency_key, page_and_limit, text_in, uuid_in, uuid_of
from service.reading import ReadBatcher
from service.refusals import Refusal


async def create_account(request: web.Request) -> web.Response:
    """201 with the new account; a known key gives the first answer again."""
    key = idempotency_key(request)
    body = await read_body(request, AccountBody)
    check_asset(request, body.asset_type_id)
    async with borrow(request.app[app_keys.POOL]) as connection:
        cursor = await connection.execute(
            "SELECT replayed, answer FROM wallet.create_account(%s, %s, %s, %s, %s, %s)",
            [body.name, body.asset_type_id, body.external_id, body.email, key, body.owner_id],
        )
        row = await cursor.fetchone()
    assert row is not None  # a function call always gives a row
    replayed, answer = row
    return envelope.success(answer, 201, {"Idempotency-Replayed": "true"} if replayed else None)


async def change_account(request: web.Request) -> web.Response:
    """200 with the account as it is now; a known key gives the first answer again."""
    account_id = uuid_of(request.match_info["id"], "id")
    body = await read_body(request, ChangeAccountBody)
    if body.has_limits:
        # A credit limit is as good as money.
        check_scope(request, "admin")
    await check_account(request, account_id)
    return await administer(request, "CHANGE_ACCOUNT", 200, {"id": account_id, "reason": body.reason}, body.values())


async def list_accounts(request: web.Request) -> web.Response:
    """200 with a page of the accounts that match, newest first, of the assets that the caller's key reaches."""
    asset_type_id = uuid_in(request, "assetTypeId")
    if asset_type_id is not None:
        check_asset(request, asset_type_id)
    page, limit = page_and_limit(request)
    parameters = [
        text_in(request, "externalId"),
        text_in(request, "ownerId"),
        reachable_assets(request) if asset_type_id is None else [asset_type_id],
        text_in(request, "status"),
        text_in(request, "accountType"),
        page,
        limit,
        text_in(request, "cursor"),
    ]
    query = "SELECT wallet.list_accounts(%s, %s, %s, %s, %s, %s, %s::integer, %s)"
    return envelope.page(await one_value(request, query, parameters))


async def get_account(request: web.Request) -> web.Response:
    """200 with the account."""
    return await _read(request, app_keys.ACCOUNTS)


async def get_balance(request: web.Request) -> web.Response:
    """200 with `{accountId, balance, assetTypeId}`."""
    return await _read(request, app_keys.BALANCES)


async def list_entries(request: web.Request) -> web.Response:
    """200 with a page of the account's entries, newest first."""
    account_id = uuid_of(request.match_info["id"], "id")
    page, limit = page_and_limit(request)
    cursor = text_in(request, "cursor")
    await check_account(request, account_id)
    query = "SELECT wallet.list_ledger_entries(%s, %s, %s::integer, %s)"
    return envelope.page(await one_value(request, query, [account_id, page, limit, cursor]))


async def list_account_changes(request: web.Request) -> web.Response:
    """200 with a page of the account's history, newest first."""
    account_id = uuid_of(request.match_info["id"], "id")
    page, limit = page_and_limit(request)
    await check_account(request, account_id)
    query = "SELECT wallet.list_account_changes(%s, %s, %s::integer)"
    return envelope.page(await one_value(request, query, [account_id, page, limit]))


async def _read(request: web.Request, reader: web.AppKey[ReadBatcher]) -> web.Response:
    answer = await request.app[reader].submit(uuid_of(request.match_info["id"], "id"))
    if answer is None:
        raise Refusal("account_not_found", "Account not found.")
    check_answer(request, answer)
    return envelope.success(answer)
