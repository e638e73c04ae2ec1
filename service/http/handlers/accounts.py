"""Accounts: opening one, and reading it, its balance and its ledger."""

from aiohttp import web

from service import app_keys
from service.database import borrow
from service.http import envelope
from service.http.auth import check_account, check_answer, check_asset
from service.http.bodies import AccountBody, read_body
from service.http.handlers.lists import one_value
from service.http.queries import idempotency_key, page_and_limit, uuid_of
from service.reading import ReadBatcher
from service.refusals import Refusal


async def create_account(request: web.Request) -> web.Response:
    """201 with the new account; a known key gives the first answer again."""
    key = idempotency_key(request)
    body = await read_body(request, AccountBody)
    check_asset(request, body.asset_type_id)
    async with borrow(request.app[app_keys.POOL]) as connection:
        cursor = await connection.execute(
            "SELECT replayed, answer FROM wallet.create_account(%s, %s, %s, %s, %s)",
            [body.name, body.asset_type_id, body.external_id, body.email, key],
        )
        row = await cursor.fetchone()
    assert row is not None  # a function call always gives a row
    replayed, answer = row
    return envelope.success(answer, 201, {"Idempotency-Replayed": "true"} if replayed else None)


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
    await check_account(request, account_id)
    return envelope.page(
        await one_value(request, "SELECT wallet.list_ledger_entries(%s, %s, %s::integer)", [account_id, page, limit])
    )


async def _read(request: web.Request, reader: web.AppKey[ReadBatcher]) -> web.Response:
    answer = await request.app[reader].submit(uuid_of(request.match_info["id"], "id"))
    if answer is None:
        raise Refusal("account_not_found", "Account not found.")
    check_answer(request, answer)
    return envelope.success(answer)
