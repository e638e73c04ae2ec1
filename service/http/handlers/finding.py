"""What was made under an idempotency key, and what an owner has."""

from aiohttp import web

from service.http import envelope
from service.http.auth import check_answer, reachable_assets
from service.http.handlers.lists import one_value
from service.http.queries import is_good_key
from service.refusals import Refusal, idempotency_key_missing


async def get_idempotency_key(request: web.Request) -> web.Response:
    """200 with what was made under the key, and the first answer."""
    key = request.match_info["key"]
    if not is_good_key(key):
        raise idempotency_key_missing()
    answer = await one_value(request, "SELECT wallet.get_idempotency_key(%s)", [key])
    check_answer(request, answer)
    return envelope.success(answer)


async def get_owner_balances(request: web.Request) -> web.Response:
    """200 with the sums over the owner's wallets, of the assets that the caller's key reaches."""
    owner_id = request.match_info["id"]
    if "\x00" in owner_id:
        raise Refusal("owner_not_found", "No account has this ownerId.")
    query = "SELECT wallet.owner_balances(%s, %s)"
    return envelope.success(await one_value(request, query, [owner_id, reachable_assets(request)]))
