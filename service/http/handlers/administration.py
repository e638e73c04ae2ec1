"""What the handlers share that make or change something that is no posting."""

from collections.abc import Mapping

import msgspec
from aiohttp import web

from service import app_keys
from service.database import borrow
from service.http import envelope
from service.http.queries import idempotency_key


async def administer(
    request: web.Request, operation: str, status: int, fields: Mapping[str, object], values: Mapping[str, object]
) -> web.Response:
    """Has `wallet.administer_json` do it, in the caller's name and under the key of the request if it has one.

    Args:
        request: what is answered.
        operation: what `wallet.administer_json` calls it, such as CHANGE_ACCOUNT.
        status: of the answer.
        fields: `id` and `reason`, for a change.
        values: the fields to make or change, by their names in JSON.
    """
    caller = request.get(app_keys.CALLER)
    sent = {
        **fields,
        "operation": operation,
        "values": values,
        "idempotency_key": idempotency_key(request),
        "api_key_id": None if caller is None else caller.id,
    }
    async with borrow(request.app[app_keys.POOL]) as connection:
        cursor = await connection.execute(
            "SELECT replayed, answer FROM wallet.administer_json(%s)", [msgspec.json.encode(sent).decode()]
        )
        row = await cursor.fetchone()
    assert row is not None  # a function call always gives a row
    replayed, answer = row
    return envelope.success(answer, status, {"Idempotency-Replayed": "true"} if replayed else None)
