"""Transactions: posting them, and reading them back."""

from typing import Final, LiteralString

from aiohttp import web
from aiohttp.typedefs import Handler

from service import app_keys
from service.http import envelope
from service.http.auth import check_account, check_answer, check_asset, is_limited, reachable_assets
from service.http.bodies import PostingBody, read_body, read_optional_body
from service.http.handlers.lists import one_value
from service.http.handlers.posting import answer_posting
from service.http.operations import ConversionBody, JournalBody, RefundBody, TransferBody
from service.http.postings import posting_request
from service.http.queries import (
    amount_in,
    instant_in,
    page_and_limit,
    required_idempotency_key,
    text_in,
    uuid_in,
    uuid_of,
)
from service.refusals import Refusal

#: The parameters that make a list a search.
_SEARCH: Final = frozenset(
    {"referenceId", "assetTypeId", "amountMin", "amountMax", "createdFrom", "createdTo", "cursor"}
)


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


async def list_transaction_entries(request: web.Request) -> web.Response:
    """200 with the transaction's entries, of the assets that the caller's key reaches."""
    transaction_id = uuid_of(request.match_info["id"], "id")
    if is_limited(request):
        # As for the transaction itself: that of a conversion is of the asset that was debited.
        transaction = await request.app[app_keys.TRANSACTIONS].submit(transaction_id)
        if transaction is not None:
            check_answer(request, transaction)
    query = "SELECT wallet.list_transaction_entries(%s, %s)"
    return envelope.success(await one_value(request, query, [transaction_id, reachable_assets(request)]))


async def list_transactions(request: web.Request) -> web.Response:
    """200 with a page of the transactions that match, newest first, by page or by cursor."""
    account_id, asset_type_id = uuid_in(request, "accountId"), uuid_in(request, "assetTypeId")
    transaction_type, status = text_in(request, "type"), text_in(request, "status")
    page, limit = page_and_limit(request)
    if asset_type_id is not None:
        check_asset(request, asset_type_id)
    if account_id is not None:
        await check_account(request, account_id)
    elif asset_type_id is None and is_limited(request):
        raise Refusal(
            "asset_forbidden",
            "The API key is for some asset types only: name one with assetTypeId, or an account with accountId.",
        )
    if request.query.keys().isdisjoint(_SEARCH):
        query: LiteralString = "SELECT wallet.list_transactions(%s, %s, %s, %s, %s::integer)"
        return envelope.page(await one_value(request, query, [account_id, transaction_type, status, page, limit]))
    parameters = [
        account_id,
        transaction_type,
        status,
        text_in(request, "referenceId"),
        asset_type_id,
        amount_in(request, "amountMin"),
        amount_in(request, "amountMax"),
        instant_in(request, "createdFrom"),
        instant_in(request, "createdTo"),
        page,
        limit,
        text_in(request, "cursor"),
    ]
    query = (
        "SELECT wallet.search_transactions("
        "%s, %s, %s, %s, %s, %s::numeric, %s::numeric, %s::timestamptz, %s::timestamptz, %s, %s::integer, %s)"
    )
    return envelope.page(await one_value(request, query, parameters))
