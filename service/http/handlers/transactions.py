"""Transactions: posting them, and reading them back."""

from aiohttp import web
from aiohttp.typedefs import Handler

from service import app_keys
from service.http import envelope
from service.http.auth import check_account, check_answer, is_limited
from service.http.bodies import PostingBody, read_body, read_optional_body
from service.http.handlers.lists import one_value
from service.http.handlers.posting import answer_posting
from service.http.operations import ConversionBody, JournalBody, RefundBody, TransferBody
from service.http.postings import posting_request
from service.http.queries import page_and_limit, required_idempotency_key, uuid_of
from service.refusals import Refusal, validation_failed


def posting_handler(transaction_type: str) -> Handler:
    """The handler that posts transactions of one type: TOP_UP, BONUS or SPEND."""

    async def post(request: web.Request) -> web.Response:
        key = required_idempotency_key(request)
        body = await read_body(request, PostingBody)
        return await answer_posting(request, posting_request(transaction_type, key, body))

    return post


async def post_transfer(request: web.Request) -> web.Response:
    """201 with the transaction that moves an amount from wallet to wallet."""
    key = required_idempotency_key(request)
    return await answer_posting(request, (await read_body(request, TransferBody)).request(key))


async def post_journal(request: web.Request) -> web.Response:
    """201 with the transaction of several debits and credits."""
    key = required_idempotency_key(request)
    return await answer_posting(request, (await read_body(request, JournalBody)).request(key))


async def post_conversion(request: web.Request) -> web.Response:
    """201 with the transaction that turns one asset into another."""
    key = required_idempotency_key(request)
    return await answer_posting(request, (await read_body(request, ConversionBody)).request(key))


async def post_refund(request: web.Request) -> web.Response:
    """201 with the transaction that gives back the one of the path, or part of it."""
    key = required_idempotency_key(request)
    transaction_id = uuid_of(request.match_info["id"], "id")
    body = await read_optional_body(request, RefundBody)
    return await answer_posting(request, body.request(key, transaction_id))


async def get_transaction(request: web.Request) -> web.Response:
    """200 with the transaction."""
    answer = await request.app[app_keys.TRANSACTIONS].submit(uuid_of(request.match_info["id"], "id"))
    if answer is None:
        raise Refusal("transaction_not_found", "Transaction not found.")
    check_answer(request, answer)
    return envelope.success(answer)


async def list_transactions(request: web.Request) -> web.Response:
    """200 with a page of transactions, newest first, filtered by `accountId`, `type` and `status`."""
    query = request.query
    account_id = uuid_of(query["accountId"], "accountId") if "accountId" in query else None
    for name in ("type", "status"):
        if "\x00" in query.get(name, ""):
            raise validation_failed({name: ["Must not hold NUL characters."]})
    page, limit = page_and_limit(request)
    if account_id is not None:
        await check_account(request, account_id)
    elif is_limited(request):
        raise Refusal("asset_forbidden", "The API key is for some asset types only: name an account with accountId.")
    return envelope.page(
        await one_value(
            request,
            "SELECT wallet.list_transactions(%s, %s, %s, %s, %s::integer)",
            [account_id, query.get("type"), query.get("status"), page, limit],
        )
    )
