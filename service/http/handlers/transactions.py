"""Transactions: posting them, and reading them back."""

from aiohttp import web
from aiohttp.typedefs import Handler

from service import app_keys
from service.http import envelope
from service.http.auth import admit, check_account, check_answer, is_limited
from service.http.bodies import PostingBody, read_body
from service.http.handlers.lists import one_value
from service.http.outcomes import outcome_of
from service.http.postings import posting_request
from service.http.queries import page_and_limit, required_idempotency_key, uuid_of
from service.refusals import Refusal, validation_failed


def posting_handler(transaction_type: str) -> Handler:
    """The handler that posts transactions of one type: TOP_UP, BONUS or SPEND."""

    async def post(request: web.Request) -> web.Response:
        key = required_idempotency_key(request)
        body = await read_body(request, PostingBody)
        posting = admit(request, posting_request(transaction_type, key, body))
        answer = await request.app[app_keys.POSTINGS].submit(posting)
        outcome = outcome_of(answer)
        headers = {"Idempotency-Replayed": "true"} if outcome.replayed else None
        return envelope.response(outcome.body, outcome.status, headers)

    return post


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
