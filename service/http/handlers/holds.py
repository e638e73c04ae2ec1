"""Holds: making, capturing and voiding them, and reading them back."""

from aiohttp import web

from service import app_keys
from service.http import envelope
from service.http.auth import check_account, check_answer, is_limited
from service.http.bodies import read_body, read_optional_body
from service.http.handlers.lists import one_value
from service.http.handlers.posting import answer_posting
from service.http.operations import CaptureBody, HoldBody, VoidBody
from service.http.queries import page_and_limit, required_idempotency_key, text_in, uuid_in, uuid_of
from service.refusals import Refusal


async def create_hold(request: web.Request) -> web.Response:
    """201 with the hold."""
    key = required_idempotency_key(request)
    return await answer_posting(request, (await read_body(request, HoldBody)).request(key))


async def capture_hold(request: web.Request) -> web.Response:
    """201 with the transaction that moves what was held."""
    key = required_idempotency_key(request)
    hold_id = uuid_of(request.match_info["id"], "id")
    return await answer_posting(request, (await read_optional_body(request, CaptureBody)).request(key, hold_id))


async def void_hold(request: web.Request) -> web.Response:
    """201 with the hold, voided."""
    key = required_idempotency_key(request)
    hold_id = uuid_of(request.match_info["id"], "id")
    return await answer_posting(request, (await read_optional_body(request, VoidBody)).request(key, hold_id))


async def get_hold(request: web.Request) -> web.Response:
    """200 with the hold as it is now."""
    answer = await request.app[app_keys.HOLDS].submit(uuid_of(request.match_info["id"], "id"))
    if answer is None:
        raise Refusal("hold_not_found", "Hold not found.")
    check_answer(request, answer)
    return envelope.success(answer)


async def list_holds(request: web.Request) -> web.Response:
    """200 with a page of holds, newest first, filtered by `accountId` and `status`."""
    account_id = uuid_in(request, "accountId")
    page, limit = page_and_limit(request)
    if account_id is not None:
        await check_account(request, account_id)
    elif is_limited(request):
        raise Refusal("asset_forbidden", "The API key is for some asset types only: name an account with accountId.")
    return envelope.page(
        await one_value(
            request,
            "SELECT wallet.list_holds(%s, %s, %s, %s::integer, %s)",
            [account_id, text_in(request, "status"), page, limit, text_in(request, "cursor")],
        )
    )
