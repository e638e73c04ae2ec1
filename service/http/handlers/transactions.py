"""Transactions: posting them, and reading them back."""

from aiohttp import web
from aiohttp.typedefs import Handler

from service import app_keys
from service.http import envelope
from service.http.amounts import parse_amount
from service.http.bodies import PostingBody, read_body
from service.http.handlers.lists import one_value
from service.http.queries import page_and_limit, required_idempotency_key, uuid_of
from service.http.refusals import STATUSES, Refusal
from service.posting import PostingRequest


def posting_handler(transaction_type: str) -> Handler:
    """The handler that posts transactions of one type: TOP_UP, BONUS or SPEND."""

    async def post(request: web.Request) -> web.Response:
        key = required_idempotency_key(request)
        body = await read_body(request, PostingBody)
        answer = await request.app[app_keys.POSTINGS].submit(
            PostingRequest(
                type=transaction_type,
                idempotency_key=key,
                account_id=body.account_id,
                asset_type_id=body.asset_type_id,
                amount=parse_amount(bytes(body.amount)) or "",
                reference_id=body.reference_id,
                description=body.description,
                metadata=body.metadata,
            )
        )
        if answer.code is not None:
            return envelope.refusal(answer.answer, STATUSES[answer.code])
        replayed = answer.outcome == "REPLAYED"
        return envelope.success(answer.answer, 201, {"Idempotency-Replayed": "true"} if replayed else None)

    return post


async def get_transaction(request: web.Request) -> web.Response:
    """200 with the transaction."""
    answer = await request.app[app_keys.TRANSACTIONS].submit(uuid_of(request.match_info["id"], "id"))
    if answer is None:
        raise Refusal("transaction_not_found", "Transaction not found.")
    return envelope.success(answer)


async def list_transactions(request: web.Request) -> web.Response:
    """200 with a page of transactions, newest first, filtered by `accountId`, `type` and `status`."""
    query = request.query
    account_id = uuid_of(query["accountId"], "accountId") if "accountId" in query else None
    page, limit = page_and_limit(request)
    return envelope.page(
        await one_value(
            request,
            "SELECT wallet.list_transactions(%s, %s, %s, %s, %s::integer)",
            [account_id, query.get("type"), query.get("status"), page, limit],
        )
    )
