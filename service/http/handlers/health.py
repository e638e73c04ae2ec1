"""GET /health."""

from datetime import UTC, datetime

import msgspec
from aiohttp import web

from service import app_keys
from service.database import borrow
from service.http import envelope
from service.refusals import RETRY_AFTER_SECONDS, unavailable

#: How long a connection may take to come, and the database to answer on it, before the service calls itself unhealthy.
HEALTH_TIMEOUT_SECONDS = 1


async def get_health(request: web.Request) -> web.Response:
    """200 `{status: healthy, timestamp}` while the database answers, 503 `unhealthy` otherwise."""
    timestamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    try:
        async with borrow(request.app[app_keys.POOL], HEALTH_TIMEOUT_SECONDS, HEALTH_TIMEOUT_SECONDS) as connection:
            await connection.execute("SELECT 1")
    except Exception:
        refusal = unavailable("The database cannot be reached.")
        body = msgspec.json.encode(
            {"error": refusal.error, "code": refusal.code, "data": {"status": "unhealthy", "timestamp": timestamp}}
        )
        return envelope.refusal(body, refusal.status, {"Retry-After": str(RETRY_AFTER_SECONDS)})
    return envelope.success(msgspec.json.encode({"status": "healthy", "timestamp": timestamp}))
